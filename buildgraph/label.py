"""Labels and patterns: how targets are named (`//package:name`) and how many are asked for at once (`//pkg/...`)."""

from __future__ import annotations

import re
from typing import NamedTuple

from buildgraph.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9_.,=@+~-][A-Za-z0-9_.,=@+~/-]*")
_PACKAGE = re.compile(r"[A-Za-z0-9_.,=@+~-]+(/[A-Za-z0-9_.,=@+~-]+)*")
_WHY_NAME = "a name has letters, digits and _.,=@+~-/ , is not empty, and has no part that is empty or only dots"


class Pattern(NamedTuple):
    """What one command-line word asks for: one target, a package's targets, or a whole subtree; maybe excluded."""

    package: str
    name: str = ""  # one target; empty: every target of the package
    recursive: bool = False
    excluded: bool = False

    def covers(self, label: str) -> bool:
        """Whether the target `label` (in full form) is meant by this pattern."""
        package, name = split(label)
        if self.name:
            return package == self.package and name == self.name
        return self.covers_package(package)

    def covers_package(self, package: str) -> bool:
        if self.recursive:
            return not self.package or package == self.package or package.startswith(self.package + "/")
        return package == self.package


def join(package: str, name: str) -> str:
    """The full label of the target `name` in `package`."""
    return f"//{package}:{name}"


def split(label: str) -> tuple[str, str]:
    """The package and the name of a full label; a bare name, as a graph trainer has them, is in no package."""
    package, colon, name = label.removeprefix("//").partition(":")
    return (package, name) if colon else ("", package)


def is_label(text: str) -> bool:
    """Whether `text` is meant as a label rather than as a path or glob."""
    return text.startswith(("//", ":", "@"))


def check_name(name: str) -> str:
    """`name` if a target may be called so. Raises UsageError (BG010)."""
    parts = name.split("/")
    if len(name) > 255 or not _NAME.fullmatch(name) or any(not part.strip(".") for part in parts):
        headline = f"'{name[:80]}' cannot be the name of a target"
        raise UsageError(headline, code="BG010", why=_WHY_NAME, fix="choose a plain name such as 'train'")
    return name


def _is_package(text: str) -> bool:
    """Whether `text` names a package in the one way it can be named; empty is the package at the top."""
    return not text or (_PACKAGE.fullmatch(text) is not None and all(part.strip(".") for part in text.split("/")))


def resolve(text: str, package: str = "") -> str:
    """The full label meant by `text` in a file of `package`: `:x`, `//p:x`, `//p` (its last part), `@x:y` as it is.

    Raises UsageError (BG011).
    """
    if text.startswith("@"):
        return text
    if text.startswith(":") and text != ":":
        return join(package, check_name(text[1:]))
    if text.startswith("//"):
        where, colon, name = text[2:].partition(":")
        if _is_package(where):
            if name:
                return join(where, check_name(name))
            if where and not colon:
                return join(where, where.rpartition("/")[2])
    raise UsageError(
        f"'{text}' is not a label", code="BG011",
        why="a label is //package:name, :name in the same package, or //package for //package:package",
        fix=f"write ':{text}' for one of the same package" if _NAME.fullmatch(text) else "write it as //package:name",
    )  # fmt: skip


def pattern(text: str, package: str = "") -> Pattern:
    """The pattern written as `text`: a label, `//pkg/...`, `//...`, `//pkg:all`, `...`, or any of them after `-`.

    Relative ones are resolved in `package`. Raises UsageError (BG011).
    """
    excluded = text.startswith("-")
    body = text[1:] if excluded else text
    if body in ("...", ":all"):
        return Pattern(package, recursive=body == "...", excluded=excluded)
    if body.startswith("//") and (body == "//..." or body.endswith("/...")):
        where = body[2:].removesuffix("...").removesuffix("/")
        if _is_package(where):
            return Pattern(where, recursive=True, excluded=excluded)
    if body.startswith("//") and body.endswith(":all") and _is_package(body[2:-4]):
        return Pattern(body[2:-4], excluded=excluded)
    label = resolve(body if is_label(body) else f":{body}", package)
    if label.startswith("@"):
        raise UsageError(
            f"'{text}' cannot be asked for", code="BG011", why="labels with @ name tools and are built as needed",
            fix="ask for a target such as //pkg:name",
        )  # fmt: skip
    where, name = split(label)
    return Pattern(where, name, excluded=excluded)
