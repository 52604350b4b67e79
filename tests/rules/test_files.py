"""`files`: a set of source files as one tree."""

from __future__ import annotations

import pytest

LISTING = {
    "m.py": "def listing(tree: 'dict[str, Path]'):\n    return sorted(tree)\n",
    "src/a.c": "", "src/b.c": "", "src/b.h": "", "src/deep/c.c": "", "src/deep/er/d.c": "", "src/.hidden.c": "",
    "src/__pycache__/x.c": "", "other.txt": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("srcs=['src/*.c']", ["src/a.c", "src/b.c"]),
        ("srcs=['src/**/*.c']", ["src/a.c", "src/b.c", "src/deep/c.c", "src/deep/er/d.c"]),
        ("srcs=['src/**']", ["src/a.c", "src/b.c", "src/b.h", "src/deep/c.c", "src/deep/er/d.c"]),
        ("srcs=['**/c.c', 'other.txt']", ["other.txt", "src/deep/c.c"]),
        ("srcs=['src/**/*.c'], exclude=['src/deep/**']", ["src/a.c", "src/b.c"]),
        ("srcs=['src/[ab].?']", ["src/a.c", "src/b.c", "src/b.h"]),
        ("srcs=['src/[!a].c']", ["src/b.c"]),
        ("srcs=['src/deep']", ["src/deep/c.c", "src/deep/er/d.c"]),
        ("srcs=['src/.hidden.c', 'other.txt']", ["other.txt", "src/.hidden.c"]),
        ("srcs=['nothing/*.c'], allow_empty=True", []),
        ("srcs=['other.txt', 'src/a.c', 'src/a.c'], tags=['x']", ["other.txt", "src/a.c"]),
    ],
)
def test_what_is_chosen(make, arguments, expected):
    workspace = make({**LISTING, "BUILD.py": f"files('tree', {arguments})\npython('names', fn='m:listing', needs={{'tree': ':tree'}})"})
    assert workspace.build("//:names").ok
    import json

    assert json.loads(workspace.output("//:names").read_text()) == expected


def test_a_glob_does_not_enter_another_package(make):
    workspace = make(
        {**LISTING, "src/deep/BUILD.py": "", "BUILD.py": "files('tree', srcs=['src/**'])\npython('n', fn='m:listing', needs={'tree': ':tree'})"}
    )
    workspace.build("//:n")
    assert "deep" not in workspace.output("//:n").read_text()


def test_a_new_file_that_a_glob_matches_runs_what_needs_it(make):
    workspace = make({**LISTING, "BUILD.py": "files('tree', srcs=['src/*.c'])\npython('n', fn='m:listing', needs={'tree': ':tree'})"})
    workspace.build()
    workspace.write({"src/new.c": ""})
    assert workspace.build().ran == ["//:n"]
    workspace.remove("src/new.c")
    assert workspace.build().ran == []


def test_what_matches_nothing_is_an_error(make):
    built = make({**LISTING, "BUILD.py": "files('tree', srcs=['*.nothing'])\npython('n', fn='m:listing', needs={'tree': ':tree'})"}).build()
    assert "BG055" in built.error("//:tree")
    assert "*.nothing" in built.error("//:tree")


def test_a_label_among_the_sources_is_refused(refused):
    assert refused("files('a', srcs=[':b'])").code == "BG054"


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b"])
def test_a_path_that_leads_out_is_refused(make, path):
    built = make({**LISTING, "BUILD.py": f"files('tree', srcs=[{path!r}])\npython('n', fn='m:listing', needs={{'tree': ':tree'}})"}).build()
    assert "BG053" in built.error("//:tree")


def test_asking_for_files_names_them(make):
    workspace = make({**LISTING, "BUILD.py": "files('tree', srcs=['src/*.c'])"})
    assert workspace.build("//:tree").report.outputs == {"//:tree": ("src/a.c", "src/b.c")}
