"""Which code stands behind an entry point, found by reading and never by importing: `CodeIndex.of` gives its digest."""

from __future__ import annotations

from buildgraph.code.digests import DEFAULT, CodeDigest, Options, Reached, explain
from buildgraph.code.index import CodeIndex

__all__ = ["DEFAULT", "CodeDigest", "CodeIndex", "Options", "Reached", "explain"]
