"""The shape of a codec, and where encoded bytes come from and go to."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final, NamedTuple

from buildgraph.digest import Digest, Hasher
from buildgraph.errors import MachineError, VerificationError

INLINE: Final = 64 * 1024  # bytes: larger values travel and rest as files


class Source(NamedTuple):
    """Encoded bytes to read: in memory, or in a file whose digest is checked before use."""

    data: bytes | None = None
    path: str = ""
    digest: Digest | None = None

    def bytes(self) -> bytes:
        """All of it. Raises VerificationError (BG241) when the file is not what its digest says."""
        if self.data is not None:
            return self.data
        with open(self.path, "rb") as file:
            data = file.read()
        if Digest.of(data) != self.digest:
            raise self._damaged()
        return data

    def verified_path(self) -> str:
        """The path of the file, after reading it once to check its digest."""
        if Digest.of_file(self.path)[0] != self.digest:
            raise self._damaged()
        return self.path

    def _damaged(self) -> VerificationError:
        return VerificationError(
            f"stored file {os.path.basename(self.path)} is damaged", code="BG241", why="every stored byte is checked when it is read",
            fix="run the build again: the producing target runs anew",
        )  # fmt: skip


class Nature(NamedTuple):
    """What a value is beyond its bytes: its identity, when that is not their digest, and whose code it carries.

    `classes` are the classes and functions that reading it back brings along, as sorted "module:Qualname".
    """

    identity: Digest | None = None
    classes: tuple[str, ...] = ()


_DATA: Final = Nature()  # its bytes say everything


class Encoded(NamedTuple):
    """A value as bytes, in memory or in a finished file, with its nature."""

    codec: str
    data: bytes | None
    path: str = ""
    digest: Digest | None = None
    size: int = 0
    identity: Digest | None = None
    classes: tuple[str, ...] = ()


class Codec(NamedTuple):
    """How values of one kind are written and read. `file` is the name under which people see the value.

    `write` streams into a binary file; `size` estimates bytes, so that large values never pass through memory twice;
    `nature` looks at a value and at what was written of it: for bytes that are not deterministic, or that name code;
    `show` gives the form for people, if another.
    """

    name: str
    file: str
    write: Callable[[Any, BinaryIO], None]
    read: Callable[[Source], Any]
    size: Callable[[Any], int] = lambda _value: 0
    nature: Callable[[Any, Source], Nature] = lambda _value, _written: _DATA
    show: Callable[[bytes], tuple[str, bytes]] | None = None

    def encode(self, value: Any, scratch: Callable[[], str]) -> Encoded:
        """`value` as bytes, in a new file at `scratch()` when it is large."""
        if self.size(value) <= INLINE:
            buffer = io.BytesIO()
            self.write(value, buffer)
            data = buffer.getvalue()
            if len(data) <= INLINE:
                nature = self.nature(value, Source(data))
                return Encoded(self.name, data, "", None, len(data), nature.identity, nature.classes)
        path = scratch()
        with open(path, "xb") as file:
            tee = _Tee(file)
            self.write(value, tee)  # type: ignore[arg-type]  # writers only ever call write
        digest = tee.hasher.digest()
        nature = self.nature(value, Source(None, path, digest))
        return Encoded(self.name, None, path, digest, tee.hasher.size, nature.identity, nature.classes)


def carried(names: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Pairs of module and qualified name as the classes of a `Nature`, without those that are built in or the engine's.

    The standard library stays: a module of the workspace may stand in for one of it. Who reads the code knows.
    """
    return tuple(sorted({f"{module}:{name}" for module, name in names if not _is_given(module.partition(".")[0])}))


def _is_given(library: str) -> bool:
    return library in sys.builtin_module_names or library in ("buildgraph", "__main__")


class _Tee:
    """A file that digests what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.hasher = Hasher()

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B") if not isinstance(data, bytes) else data
        self.hasher.write(view)
        return self._file.write(view)

    def tell(self) -> int:
        return self.hasher.size

    def flush(self) -> None:
        self._file.flush()

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    @property
    def closed(self) -> bool:
        return self._file.closed


def missing_extra(package: str, extra: str) -> MachineError:
    """The error for a codec whose package is not installed; names the extra to install."""
    return MachineError(
        f"this value needs the package '{package}', which is not installed", code="BG231", why=f"it comes with the optional extra '{extra}'",
        fix=f"pip install 'buildgraph[{extra}]'",
    )  # fmt: skip
