"""Folders as values: a tree is a sorted listing of files, links and empty folders; its identity is a Merkle manifest.

Each folder has one manifest blob that names its files by digest and its folders by the digest of their manifest, so
two trees share what they have in common, and the digest of the root manifest identifies the whole.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode_plain
from buildgraph.errors import EncodingError, TargetError, VerificationError

FORMAT: Final = 1
FILE, EXECUTABLE, LINK, FOLDER = "f", "x", "l", "d"


class Entry(NamedTuple):
    """One file, link or empty folder of a tree. `path` is relative, POSIX; `target` is where a link points."""

    path: str
    mode: str
    digest: Digest | None = None
    size: int = 0
    target: str = ""


def manifests(entries: Iterable[Entry]) -> tuple[Digest, dict[Digest, bytes]]:
    """The digest of the root manifest of a tree, and all its manifest blobs by digest."""
    root: dict[str, Any] = {}
    for entry in entries:
        *folders, name = entry.path.split("/")
        here = root
        for folder in folders:
            here = here.setdefault(folder, {})
        if entry.mode == FOLDER:
            here.setdefault(name, {})
        else:
            here[name] = entry
    blobs: dict[Digest, bytes] = {}
    return _manifest(root, blobs), blobs


def _manifest(folder: dict[str, Any], blobs: dict[Digest, bytes]) -> Digest:
    rows: list[list[Any]] = []
    for name, item in folder.items():
        if isinstance(item, dict):
            rows.append([os.fsencode(name), FOLDER, _manifest(item, blobs), 0])
        elif item.mode == LINK:
            rows.append([os.fsencode(name), LINK, os.fsencode(item.target), 0])
        else:
            rows.append([os.fsencode(name), item.mode, item.digest, item.size])
    rows.sort()
    data = encode_plain(["buildgraph.tree", FORMAT, rows])
    digest = Digest.of(data)
    blobs[digest] = data
    return digest


def entries_of(root: Digest, blob: Callable[[Digest], bytes | None]) -> list[Entry] | Digest:
    """The entries of the tree whose root manifest is `root`, sorted by path; or the digest of a manifest that is missing.

    Raises VerificationError (BG240) when a manifest makes no sense.
    """
    found: list[Entry] = []
    pending = [("", root)]
    while pending:
        prefix, digest = pending.pop()
        data = blob(digest)
        if data is None:
            return digest
        rows = _rows(data, digest)
        if not rows and prefix:
            found.append(Entry(prefix.rstrip("/"), FOLDER))
        for raw, mode, what, size in rows:
            path = prefix + os.fsdecode(raw)
            if mode == FOLDER:
                pending.append((path + "/", Digest(what)))
            elif mode == LINK:
                found.append(Entry(path, LINK, target=os.fsdecode(what)))
            else:
                found.append(Entry(path, mode, Digest(what), size))
    found.sort(key=lambda entry: entry.path)
    return found


def _rows(data: bytes, digest: Digest) -> list[Any]:
    try:
        kind, version, rows = decode_trusted(data)
        good = kind == "buildgraph.tree" and version == FORMAT
        good = good and all(
            raw and b"/" not in raw and raw not in (b".", b"..") and mode in "fxld" for raw, mode, _, _ in rows
        )
    except (EncodingError, ValueError, TypeError):
        good = False
    if not good:
        raise VerificationError(
            f"blob {digest.short} is not the manifest of a tree", code="BG240", why="a folder is described by a manifest of names and digests",
            fix="run the build again: the producing target runs anew",
        )  # fmt: skip
    return rows  # type: ignore[no-any-return]


def scan(folder: str, target: str) -> list[Entry]:
    """What is in `folder`, without digests, sorted; links must be relative and stay inside.

    Raises TargetError (BG214, BG215) for anything that cannot be part of a tree.
    """
    found: list[Entry] = []
    pending = [""]
    while pending:
        prefix = pending.pop()
        empty = True
        with os.scandir(f"{folder}/{prefix}") as items:
            for item in items:
                empty = False
                path = prefix + item.name
                status = item.stat(follow_symlinks=False)
                mode = status.st_mode
                if stat.S_ISREG(mode):
                    found.append(Entry(path, EXECUTABLE if mode & 0o100 else FILE, None, status.st_size))
                elif stat.S_ISDIR(mode):
                    pending.append(path + "/")
                elif stat.S_ISLNK(mode):
                    found.append(Entry(path, LINK, target=_inside(path, os.readlink(item.path), target)))
                else:
                    raise TargetError(
                        f"target '{target}' wrote '{path}', which is neither a file nor a folder", code="BG214",
                        why="only files, folders and links inside the output folder can be stored", fix="remove it before the action ends",
                    )  # fmt: skip
        if empty and prefix:
            found.append(Entry(prefix.rstrip("/"), FOLDER))
    if len(found) > 1:
        found.sort(key=lambda entry: entry.path)
    return found


def _inside(path: str, pointed: str, target: str) -> str:
    landing = os.path.normpath(os.path.join(os.path.dirname(path), pointed))
    if os.path.isabs(pointed) or landing == ".." or landing.startswith("../"):
        raise TargetError(
            f"target '{target}' wrote a link '{path}' that leads out of its output folder", code="BG215", facts=(("points to", pointed),),
            why="a stored tree must mean the same everywhere", fix="copy the file, or link to a path inside the output folder",
        )  # fmt: skip
    return pointed


def folders_in(root: Digest, blob: Callable[[Digest], bytes | None]) -> dict[str, Digest]:
    """The folders directly in the tree whose root manifest is `root`, by name, each with the digest of its manifest."""
    data = blob(root)
    if data is None:
        return {}
    return {os.fsdecode(raw): Digest(what) for raw, mode, what, _ in _rows(data, root) if mode == FOLDER}
