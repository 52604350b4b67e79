"""Closures remembered from one moment to the next, by the facts that they relied on.

A closure rests on the content of its modules and on folder listings. When a module's content changed but not its
shape (which names it defines, reads, calls and imports), the closure holds the same pieces, and only their digests
are found anew.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgpack

from buildgraph.code.definitions import Closure
from buildgraph.code.editable import is_addition
from buildgraph.code.names import Names, with_meanings
from buildgraph.code.project import Project
from buildgraph.code.reading import FORMAT
from buildgraph.code.summary import RECORD, from_bytes, memo_key, source_key
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode
from buildgraph.errors import BuildgraphError
from buildgraph.version import VERSION

if TYPE_CHECKING:
    from buildgraph.code.digests import Options

_RECORD: Final = 2  # raised whenever the remembered fields change
_DOMAIN: Final = f"buildgraph.code.closure {_RECORD} {RECORD} {FORMAT} {sys.version_info[0]}.{sys.version_info[1]} {VERSION}\0".encode()
_SOURCES: Final = b"buildgraph.code.sources 1\0"
_DATA: Final = "data:"
_NOTHING: Final = b"\x90"  # an empty list


class Remembered(NamedTuple):
    """The fields of a code digest, in its order."""

    digest: Digest
    manifest: bytes
    files: tuple[str, ...]
    preload: tuple[str, ...]
    notes: tuple[str, ...]
    environment: tuple[str, ...]


class Memory:
    """What earlier moments found out, in the rows of `memo`. Facts are looked at once."""

    __slots__ = ("_folders", "_listings", "_memo", "_names", "_project", "_same", "_stamps")

    def __init__(self, project: Project, names: Names, memo: MutableMapping[bytes, bytes], folders: Sequence[str]) -> None:
        self._project = project
        self._names = names
        self._memo = memo
        self._folders = folders
        self._listings: dict[str, bytes] = {}
        self._same: dict[tuple[str, bytes], bool] = {}
        self._stamps: dict[str, bytes] = {}

    def find(self, entry_point: str, options: Options) -> Remembered | None:
        """The code digest of an earlier moment, as it is now; None when it has to be found anew."""
        data = self._memo.get(self._key(entry_point, options))
        if data is None:
            return None
        try:
            row, stamps, listings, rests = msgpack.unpackb(data, use_list=False, unicode_errors="surrogateescape")
            known = Remembered(Digest(row[0]), *row[1:])
            if any(self._stamp(folder) != stamp for folder, stamp in stamps) or any(self._listing(folder) != names for folder, names in listings):
                return None
            changed = [rest for rest in rests if not self._is_same(rest[0], rest[1])]
        except (ValueError, TypeError, LookupError, msgpack.UnpackException):
            return None  # it is damaged, or of another version
        if not changed:
            return known
        renewed = self._renewed(known, changed)
        if renewed is not None:
            fresh = {rest[0]: rest for rest in changed}
            rests = [self._again(*rest[2:5]) if rest[0] in fresh else rest for rest in rests]
            self._write(entry_point, options, renewed, [(folder, self._stamp(folder)) for folder, _ in stamps], listings, rests)
        return renewed

    def keep(
        self, entry_point: str, options: Options, known: Remembered, closure: Closure, parts: Mapping[str, bytes], data: Mapping[str, str], loud: bool
    ) -> None:
        """Remember what was found, and what it rests on. `parts` are the rows of each module's pieces, packed, `data` are data files by name."""
        rests = [self._rest(name, loud, parts.get(name, _NOTHING)) for name in sorted(closure.imported) if self._project.module(name).path]
        rests += [self._rest(f"{_DATA}{name}", path, _NOTHING) for name, path in sorted(data.items())]
        listings = [(folder, self._listing(folder)) for folder in self._project.finder.looked()]
        looked = {folder for folder, _ in listings}
        every = bool(closure.links.distributions)  # the code asks what is installed: wherever that is
        stamps = [(folder, self._stamp(folder)) for folder in self._folders if every or folder in looked]
        self._write(entry_point, options, known, stamps, listings, rests)

    def source_of(self, code: Digest, title: str) -> tuple[int, int, str] | None:
        """First line, last line and text of the definition `title` ("pkg.module.name") in the code with that digest."""
        data = self._memo.get(Digest.of(_SOURCES + code))
        title, _, which = title.partition("#")
        module, _, name = title.rpartition(".")
        content = msgpack.unpackb(data).get(module) if data is not None else None
        source = self._memo.get(source_key(Digest(content))) if content is not None else None
        summary = from_bytes(self._memo.get(memo_key(Digest(content)))) if content is not None else None
        if source is None or summary is None:
            return None
        pieces = [piece for piece in summary.pieces if piece.title == name]
        at = int(which or 1) - 1
        if at >= len(pieces):
            return None
        try:
            lines = zlib.decompress(source).decode("utf-8", "replace").splitlines()
        except zlib.error:  # the row is damaged: there is only less to show
            return None
        return pieces[at].first, pieces[at].last, "\n".join(lines[pieces[at].first - 1 : pieces[at].last])

    def _rest(self, name: str, extra: Any, titles: bytes) -> tuple[Any, ...]:
        """One file that a closure rests on: path and content, and what renewing the closure needs."""
        if name.startswith(_DATA):
            return extra, self._project.digest(extra), name, extra, b"", b""
        module = self._project.module(name)
        assert module.content is not None, f"{name} has a file"
        return module.path, module.content, name, extra, titles, self._shape(name)

    def _again(self, name: str, extra: Any, titles: bytes) -> tuple[Any, ...]:
        """The same file as it is now. What names mean is what it was, because no shape changed."""
        now = [] if name.startswith(_DATA) else self._pieces_now(name, extra, titles)
        return self._rest(name, extra, msgpack.packb(now, unicode_errors="surrogatepass"))

    def _pieces_now(self, name: str, loud: bool, titles: bytes) -> list[tuple[str, int, str, list[str]]]:
        summary = self._project.module(name).summary
        assert summary is not None, f"{name} has a shape"
        rows = msgpack.unpackb(titles, unicode_errors="surrogatepass")
        return [(title, number, with_meanings(summary.pieces[number], meanings, loud), meanings) for title, number, _, meanings in rows]

    def _shape(self, name: str) -> bytes:
        summary = None if name.startswith(_DATA) else self._project.module(name).summary
        return summary.shape if summary is not None else b""

    def _write(self, entry_point: str, options: Options, known: Remembered, stamps: Any, listings: Any, rests: Any) -> None:
        row = [known, stamps, listings, rests]
        self._memo[self._key(entry_point, options)] = msgpack.packb(row, unicode_errors="surrogateescape")
        sources = {name: content for _, content, name, _, titles, _ in rests if titles not in (b"", _NOTHING)}
        self._memo[Digest.of(_SOURCES + known.digest)] = msgpack.packb(sources)

    def _renewed(self, known: Remembered, changed: Iterable[tuple[Any, ...]]) -> Remembered | None:
        """The code digest with new digests for the pieces of `changed` files; None when more than those changed."""
        files: dict[str, str] = {}
        definitions: dict[str, str] = {}
        for path, _, name, extra, titles, before in changed:
            if name.startswith(_DATA):
                files[name.removeprefix(_DATA)] = self._project.content(path).hex()
            elif self._shape(name) != before or not before:
                return None
            else:
                known_digests = {title: digest for title, _, digest, _ in msgpack.unpackb(titles, unicode_errors="surrogatepass")}
                definitions.update({title: now for title, _, now, _ in self._pieces_now(name, extra, titles) if now != known_digests[title]})
        if not files and not definitions:
            return known
        fields = decode_trusted(known.manifest)
        if fields["modules"]:  # something counts by its bytes: which is not kept apart here
            return None
        fields["files"].update(files)
        fields["definitions"].update(definitions)
        manifest = encode(fields)
        return known._replace(digest=Digest.of(manifest), manifest=manifest)

    def _is_same(self, path: str, content: bytes) -> bool:
        same = self._same.get((path, content))
        if same is None:
            try:
                same = self._project.digest(path) == content
            except (OSError, BuildgraphError):
                same = False
            self._same[path, content] = same
        return same

    def _listing(self, folder: str) -> bytes:
        known = self._listings.get(folder)
        if known is None:
            names = self._project.finder.names(folder)
            known = self._listings[folder] = b"" if names is None else Digest.of("\0".join(sorted(names)).encode("utf-8", "surrogateescape"))
        return known

    def _stamp(self, folder: str) -> bytes:
        """What identifies the packages installed in a folder: its own stamp, and the files in it that add to the path."""
        known = self._stamps.get(folder)
        if known is None:
            try:
                said: list[Any] = [os.stat(folder).st_mtime_ns]
            except OSError:
                said = []
            added = sorted(name for name in self._project.finder.names(folder) or () if is_addition(name))
            said += [[name, self._project.digest(f"{folder}/{name}")] for name in added]
            known = self._stamps[folder] = Digest.of(encode(said))
        return known

    def _key(self, entry_point: str, options: Options) -> bytes:
        chosen = [options.granularity, list(options.extra), list(options.ignored)]
        said = [self._project.finder.root, entry_point, chosen]
        return Digest.of(_DOMAIN + encode(said))
