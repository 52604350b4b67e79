"""Labels and patterns: every target has one name, and every mistake in writing one has an answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buildgraph.errors import UsageError
from buildgraph.label import Pattern, check_name, is_label, join, pattern, resolve, split

PART = st.text("abz09_.,=@+~-", min_size=1, max_size=5).filter(lambda part: bool(part.strip(".")))
PACKAGES = st.lists(PART, max_size=3).map("/".join)
NAMES = st.lists(PART, min_size=1, max_size=2).map("/".join)


@given(PACKAGES, NAMES)
def test_a_label_is_its_package_and_name(package: str, name: str) -> None:
    """Joined, split and resolved from anywhere it stays the same."""
    label = join(package, name)
    assert split(label) == (package, name)
    assert resolve(label) == resolve(label, "else/where") == resolve(f":{name}", package) == label


@pytest.mark.parametrize(
    ("text", "package", "label"),
    [
        ("//a/b:c", "", "//a/b:c"),
        ("//a/b:c", "x", "//a/b:c"),
        ("//:c", "x", "//:c"),
        (":c", "", "//:c"),
        (":c", "a/b", "//a/b:c"),
        ("//a/b", "", "//a/b:b"),
        ("//a", "x", "//a:a"),
        ("//a:out/file.txt", "", "//a:out/file.txt"),
        ("@python:numpy", "a", "@python:numpy"),
    ],
)
def test_a_label_is_resolved(text: str, package: str, label: str) -> None:
    """Short forms mean the same as the long one."""
    assert resolve(text, package) == label


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a:b", "/a:b", "//", "//a b:c", "///a:b", "//a/:b", "//a//b:c", "//../a:b", "//a/../b:c", "//./a:b",
        "//a/.:b", "//...:a", "//a/...", "//a\n:b", "//ä:b", "//a:", ":", ": ", ":a b", ":../a", ":a/", ":/a", ":a//b",
        ":.", ":...", ":a\n", ":a:b", ":" + "a" * 256,
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused(text: str) -> None:
    """No folder has two packages: no empty part, no dots, nothing outside the workspace."""
    with pytest.raises(UsageError) as caught:
        resolve(text, "pkg")
    assert caught.value.code in ("BG010", "BG011")
    assert text[1:20].strip() in caught.value.headline
    assert caught.value.fix


def test_a_bare_name_is_told_how_to_write_it() -> None:
    """The commonest slip."""
    with pytest.raises(UsageError) as caught:
        resolve("train", "pkg")
    assert caught.value.render() == (
        "error[BG011]: 'train' is not a label\n"
        "  why: a label is //package:name, :name in the same package, or //package for //package:package\n"
        "  fix: write ':train' for one of the same package\n"
        "  more: buildgraph explain BG011"
    )


def test_a_target_may_be_called_like_a_file() -> None:
    """With folders, dots, signs; but no blank, no escape, nothing that is only dots."""
    for name in ("train", "model.tar.gz", "sub/part", "c++", "a=b,c", "x@1.2~rc", "-strange", "..a", "all"):
        assert check_name(name) == name
    for name in ("", " ", "a b", "a\tb", "a:b", "a/../b", "..", "ü", "a\\b", "$(x)", "a*", "x" * 256):
        with pytest.raises(UsageError, match="cannot be the name of a target"):
            check_name(name)


@pytest.mark.parametrize(
    ("text", "package", "meant"),
    [
        ("//...", "a", Pattern("", recursive=True)),
        ("...", "a", Pattern("a", recursive=True)),
        ("//a/...", "", Pattern("a", recursive=True)),
        ("//a:all", "", Pattern("a")),
        ("//:all", "a", Pattern("")),
        (":all", "a", Pattern("a")),
        ("//a:b", "", Pattern("a", "b")),
        ("//a/b", "", Pattern("a/b", "b")),
        (":b", "a", Pattern("a", "b")),
        ("b", "a", Pattern("a", "b")),
        ("-//a/...", "", Pattern("a", recursive=True, excluded=True)),
        ("-//a:b", "", Pattern("a", "b", excluded=True)),
        ("-:b", "a", Pattern("a", "b", excluded=True)),
    ],
)
def test_a_pattern_is_read(text: str, package: str, meant: Pattern) -> None:
    """Everything that may stand on the command line."""
    assert pattern(text, package) == meant


@pytest.mark.parametrize(
    "text", ["", "-", "//../...", "//a/../...", "//./...", "//a b:all", "//a//...", "@py:numpy", "a/..."]
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    """With the same care as a label."""
    with pytest.raises(UsageError) as caught:
        pattern(text, "pkg")
    assert caught.value.fix


def test_a_pattern_covers_what_it_says() -> None:
    """Whole parts of a path only: `//a/...` has nothing to do with `//ab`."""
    labels = ["//:top", "//a:a", "//a:x", "//a/b:x", "//ab:x"]

    def covered(text: str) -> list[str]:
        return [label for label in labels if pattern(text).covers(label)]

    assert covered("//...") == labels
    assert covered("//a/...") == ["//a:a", "//a:x", "//a/b:x"]
    assert covered("//a:all") == ["//a:a", "//a:x"]
    assert covered("//a") == ["//a:a"]
    assert covered("//:all") == ["//:top"]


@given(PACKAGES, NAMES, PACKAGES)
def test_a_pattern_over_a_package_covers_every_target_below_it(package: str, name: str, below: str) -> None:
    """And covering a label is covering its package."""
    inside = "/".join(part for part in (package, below) if part)
    everything = pattern(f"//{package}/..." if package else "//...")
    assert everything.covers(join(inside, name))
    assert everything.covers_package(inside)


def test_labels_are_told_from_paths() -> None:
    """In `srcs`, where both may stand."""
    assert all(map(is_label, ["//a:b", ":b", "@python:x"]))
    assert not any(map(is_label, ["a.c", "src/*.c", "./a", "a:b", ""]))
