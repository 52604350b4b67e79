"""Globs: a table of what matches what."""

from __future__ import annotations

import pytest

from buildgraph.errors import BuildgraphError
from buildgraph.execution.globs import expand

FILES = [
    "a.c", "b.c", "b.h", "sub/a.c", "sub/deep/a.c", "sub/deep/b.txt", ".hidden/a.c", ".a.c", "__pycache__/a.c", "node_modules/a.c", "pkg/a.c",
    "pkg/in/a.c", "odd/[x].c", "odd/new\nline.c", "odd/-dash.c", "odd/ü.c", "odd/a^b.c",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("globs")
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return str(root)


def found(folder, patterns, exclude=(), **options):
    return expand(folder, patterns, exclude, what="//:t", is_package=lambda path: path == f"{folder}/pkg", **options)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["*.c"], ["a.c", "b.c"]),
        (["?.[ch]"], ["a.c", "b.c", "b.h"]),
        (["[!b].c"], ["a.c"]),
        (["sub/*.c"], ["sub/a.c"]),
        (["*/*.c"], ["odd/-dash.c", "odd/[x].c", "odd/a^b.c", "odd/new\nline.c", "odd/ü.c", "sub/a.c"]),
        (["**/a.c"], ["a.c", "sub/a.c", "sub/deep/a.c"]),
        (["sub/**"], ["sub/a.c", "sub/deep/a.c", "sub/deep/b.txt"]),
        (["sub/**/*.txt"], ["sub/deep/b.txt"]),
        (["**/deep/**"], ["sub/deep/a.c", "sub/deep/b.txt"]),
        (["sub"], ["sub/a.c", "sub/deep/a.c", "sub/deep/b.txt"]),
        (["a.c", "./a.c", "*.c"], ["a.c", "b.c"]),
        ([".a.c"], [".a.c"]),
        ([".hidden/a.c"], [".hidden/a.c"]),
        (["pkg/*.c"], []),
        (["**/*.h"], ["b.h"]),
        (["odd/[[]x].c"], ["odd/[x].c"]),
        (["odd/new?line.c"], ["odd/new\nline.c"]),
        (["odd/[-]*"], ["odd/-dash.c"]),
        (["odd/a[^]b.c"], ["odd/a^b.c"]),
        (["nothing/**"], []),
    ],
    ids=str,
)
def test_patterns(folder, patterns, expected):
    assert found(folder, patterns) == expected


@pytest.mark.parametrize(
    ("exclude", "expected"),
    [(["b.*"], ["a.c"]), (["*.c"], ["b.h"]), (["**"], []), (["sub/**"], ["a.c", "b.c", "b.h"]), (["a.c", "b.c"], ["b.h"])],
    ids=str,
)
def test_exclusions(folder, exclude, expected):
    assert found(folder, ["*.*"], exclude) == expected


def test_a_folder_that_is_skipped_is_never_entered(folder):
    assert found(folder, ["sub/**"], skip=[f"{folder}/sub/deep"]) == ["sub/a.c"]


@pytest.mark.parametrize("pattern", ["/abs", "../up", "a/../../b", "", "nul\0", "**/../x"])
def test_a_path_that_leads_out_is_refused(folder, pattern):
    with pytest.raises(BuildgraphError) as caught:
        found(folder, [pattern])
    assert caught.value.code == "BG053"


def test_a_plain_path_must_exist_unless_it_may_miss(folder):
    with pytest.raises(BuildgraphError) as caught:
        found(folder, ["no.c"])
    assert caught.value.code == "BG050"
    assert found(folder, ["no.c"], may_miss=True) == []
