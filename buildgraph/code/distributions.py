"""Identifies installed packages: which distributions own a module, in which version, and what those require."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode
from buildgraph.errors import EncodingError

_RECORD: Final = 2  # raised whenever a remembered scan changes its fields or meaning
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA: Final = re.compile(r"""extra\s*==\s*["']([A-Za-z0-9]+)""")  # its first word: "test" of "test-no-images"
# Extras that people install to work on a package: what they bring never changes what the package computes.
_WORKSHOP: Final = frozenset((
    "all", "benchmark", "build", "check", "checkers", "cover", "coverage", "dev", "develop", "development",
    "doc", "docs", "examples", "lint", "maintenance", "mypy", "release", "test", "testing", "tests", "type", "typing",
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Distribution:
    """One installed distribution: its normalised name, its version, what it requires and the modules it brings.

    `source` is the folder it was installed from by path (PEP 610), or "". `editable` says that it runs from there.
    `points` are its entry points, each a group and what it names.
    """

    name: str
    version: str
    requires: tuple[str, ...]
    modules: tuple[str, ...]
    source: str
    editable: bool
    points: tuple[tuple[str, str], ...] = ()


class Distributions:
    """The distributions in some folders such as site-packages. Scanned when first asked, remembered by folder stamp."""

    __slots__ = ("_by_name", "_by_place", "_folders", "_memo")

    def __init__(self, folders: Iterable[str], memo: MutableMapping[bytes, bytes]) -> None:
        self._folders = tuple(folders)
        self._memo = memo
        self._by_place: dict[tuple[str, str], list[Distribution]] | None = None
        self._by_name: dict[str, list[Distribution]] = {}

    def owners(self, folder: str, module: str) -> tuple[Distribution, ...]:
        """The distributions that brought the top-level `module` into `folder`: several for a shared namespace."""
        return tuple(self._places().get((folder, module), ()))

    def editable(self) -> list[Distribution]:
        self._places()
        return [each for found in self._by_name.values() for each in found if each.editable]

    def every(self) -> list[Distribution]:
        """All distributions that can be imported from."""
        self._places()
        return [each for _, found in sorted(self._by_name.items()) for each in found]

    def named(self, name: str) -> list[Distribution]:
        """The distributions called `name`, by any spelling."""
        self._places()
        return self._by_name.get(normalised(name), [])

    def versions(self, roots: Iterable[Distribution]) -> dict[str, str]:
        """The versions of `roots` and of everything installed that they require, directly or not."""
        self._places()
        found: dict[str, set[str]] = {}
        stack, seen = list(roots), set[Distribution]()
        while stack:
            each = stack.pop()
            if each not in seen:
                seen.add(each)
                found.setdefault(each.name, set()).add(each.version)
                stack += [inner for name in each.requires for inner in self._by_name.get(name, ())]
        return {name: ", ".join(sorted(versions)) for name, versions in sorted(found.items())}

    def _places(self) -> dict[tuple[str, str], list[Distribution]]:
        if self._by_place is None:
            self._by_place = {}
            for folder in self._folders:
                here: dict[str, list[Distribution]] = {}
                for each in self._scan(folder):
                    here.setdefault(each.name, []).append(each)
                    for module in each.modules:
                        self._by_place.setdefault((folder, module), []).append(each)
                for name, found in here.items():
                    self._by_name.setdefault(name, found)  # the first folder on the path wins
        return self._by_place

    def _scan(self, folder: str) -> list[Distribution]:
        try:
            modified = os.stat(folder).st_mtime_ns
            names = sorted(name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info")))
        except OSError:
            return []
        if not names:
            return []
        stamp = f"buildgraph.code.distributions {_RECORD}\0{folder}\0{modified}\0" + "\0".join(names)
        key = Digest.of(stamp.encode("utf-8", "surrogateescape"))
        found = _from_bytes(self._memo.get(key))
        if found is None:
            found = [each for name in names if (each := _distribution(f"{folder}/{name}"))]
            self._memo[key] = _to_bytes(found)
        return found


def normalised(name: str) -> str:
    """A distribution's name as every tool spells it: lower case, one hyphen for each run of separators."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(folder: str) -> Distribution | None:
    metadata = _text(f"{folder}/METADATA") or _text(f"{folder}/PKG-INFO") or _text(folder)  # old ones are one file
    head = metadata.replace("\r\n", "\n").partition("\n\n")[0]
    fields = [line.partition(":") for line in head.splitlines()]
    single = {name.lower(): value.strip() for name, _, value in fields}
    if not single.get("name"):
        return None
    requires = {_required(value) for name, _, value in fields if name.lower() == "requires-dist"} - {""}
    source, editable, exact = _origin(_text(f"{folder}/direct_url.json"))
    name = normalised(single["name"])
    modules = _modules(folder) or {name.replace("-", "_")}
    version = single.get("version", "") + (f" ({exact})" if exact else "")
    return Distribution(name, version, tuple(sorted(requires)), tuple(sorted(modules)), source, editable, _points(_text(f"{folder}/entry_points.txt")))


def _required(text: str) -> str:
    """The name that a requirement asks for, or "" when only tools for working on the package ask for it."""
    found = _REQUIREMENT.match(text)
    extras = set(_EXTRA.findall(text))
    return normalised(found.group(1)) if found and not (extras and extras <= _WORKSHOP) else ""


def _modules(folder: str) -> set[str]:
    """The top-level modules a distribution brought: by its list of files, or by the list its builder left."""
    names = {line.split("/", 1)[0].split(",", 1)[0].strip('"') for line in _text(f"{folder}/RECORD").splitlines()}
    modules = {name.partition(".")[0] for name in names if not name.endswith((".dist-info", ".pth", ".libs"))}
    modules.update(line.strip().split("/", 1)[0] for line in _text(f"{folder}/top_level.txt").splitlines())
    return {name for name in modules if name.isidentifier() and not name.startswith("__")}


def _origin(text: str) -> tuple[str, bool, str]:
    """From direct_url.json: the folder installed from, whether editable, and what else pins the content."""
    if not text:
        return "", False, ""
    import json  # few distributions have such a file

    try:
        data: Any = json.loads(text)
        url, folder = str(data.get("url", "")), data.get("dir_info")
        archive, commit = data.get("archive_info") or {}, data.get("vcs_info") or {}
        if folder is not None and url.startswith("file://"):
            from urllib.parse import unquote

            return unquote(url.removeprefix("file://")).rstrip("/"), bool(folder.get("editable")), ""
        hashes = archive.get("hashes") or {}
        return "", False, str(commit.get("commit_id") or hashes.get("sha256") or archive.get("hash") or "")
    except (ValueError, AttributeError):
        return "", False, ""


def _points(text: str) -> tuple[tuple[str, str], ...]:
    """The entry points in an `entry_points.txt`: group and "package.module:name"."""
    found, group = [], ""
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            group = line.strip("[]").strip()
        elif "=" in line and not line.startswith(("#", ";")):
            found.append((group, line.partition("=")[2].partition("[")[0].strip()))
    return tuple(found)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _to_bytes(found: list[Distribution]) -> bytes:
    return encode([[d.name, d.version, list(d.requires), list(d.modules), d.source, d.editable, [list(point) for point in d.points]] for d in found])


def _from_bytes(data: bytes | None) -> list[Distribution] | None:
    if data is None:
        return None
    try:
        return [
            Distribution(name, version, tuple(requires), tuple(modules), source, editable, tuple((group, what) for group, what in points))
            for name, version, requires, modules, source, editable, points in decode_trusted(data)
        ]
    except (EncodingError, ValueError, TypeError):
        return None
