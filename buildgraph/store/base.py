"""What every store can do, and the two small formats they share: keys and guarded records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from buildgraph.action import ActionResult, DeepRecord
from buildgraph.digest import Digest, checksum

INLINE: Final = 64 << 10  # blobs up to this size live in LMDB, larger ones in files of their own
SCHEMA: Final = b"\x01"  # first byte of every key: another version's rows live beside ours, unseen
GUARD: Final = 16  # bytes of checksum behind every record

Warn = Callable[[str, str], None]  # a code and a message: the store goes on, poorer
OnDamage = Callable[[Digest], None]


class Store(Protocol):
    """CAS (digest to bytes) and action cache (key to action result) behind one protocol.

    None means "not there": it is never an error, the caller runs the producer again. What `put` and `record` take is
    visible to this store at once and to others after `flush`; it survives a power cut after `sync`.
    """

    def blob(self, digest: Digest) -> bytes | None:
        """The bytes of `digest`, hashed on every read; damaged ones are forgotten and told to `on_damage`."""

    def has(self, digest: Digest) -> bool:
        """Whether the blob is there; its bytes are not looked at."""

    def put(self, data: bytes) -> Digest:
        """Keep `data`."""

    def put_file(self, path: str, digest: Digest, size: int) -> None:
        """Take over the finished file at `path` (made under `scratch()`), which the caller hashed while writing it."""

    def path(self, digest: Digest) -> str | None:
        """The read-only file of a large blob, its size checked; the reader must hash it. None when inline or absent."""

    def result(self, key: Digest) -> ActionResult | None:
        """The result recorded for `key`."""

    def record(self, key: Digest, result: ActionResult) -> None:
        """Remember `result`; the caller has put every blob it names before."""

    def deep(self, key: Digest) -> DeepRecord | None:
        """The deep record for `key`."""

    def record_deep(self, key: Digest, record: DeepRecord) -> None:
        """Remember a deep record, after the results it names."""

    def forget(self, digest: Digest) -> None:
        """Drop a blob."""

    def forget_result(self, key: Digest) -> None:
        """Drop the result and the deep record of `key`."""

    def scratch(self) -> str:
        """A folder for large files in the making, on the store's file system and private to this process."""

    def flush(self) -> None:
        """Make what was put and recorded visible to everybody."""

    def sync(self) -> None:
        """As `flush`, and it survives a power cut."""

    def close(self) -> None:
        """Flush and let go of everything; closing twice is fine."""


def ignore_damage(_digest: Digest) -> None:
    """The `on_damage` of a caller who finds out by the miss."""


def ignore_warning(_code: str, _message: str) -> None:
    """The `warn` of a caller who does not listen."""


def seal(table: bytes, key: bytes, body: bytes) -> bytes:
    """`body` with a checksum bound to its table and key: a record that rots or moves to another key is noticed."""
    return body + checksum(table + key + body)


def unseal(table: bytes, key: bytes, record: bytes) -> bytes | None:
    """The body of a sealed record, or None when it is damaged or belongs elsewhere."""
    body = record[:-GUARD]
    return body if checksum(table + key + body) == record[-GUARD:] else None
