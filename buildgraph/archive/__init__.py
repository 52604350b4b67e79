"""Archives: many files as one, with the same bytes everywhere, and a strict reader that trusts none of them."""

from __future__ import annotations

from buildgraph.archive.manifest import ArchiveInfo, Entry, Limits
from buildgraph.archive.reader import inspect, iterate, read_member, unpack
from buildgraph.archive.writer import Member, suffix_format, write

__all__ = [
    "ArchiveInfo",
    "Entry",
    "Limits",
    "Member",
    "inspect",
    "iterate",
    "read_member",
    "suffix_format",
    "unpack",
    "write",
]
