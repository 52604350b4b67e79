"""Which code stands behind an entry point, found by reading and never by importing: `CodeIndex.of` gives its digest."""

from __future__ import annotations

from buildgraph.code.closure import CodeDigest, CodeIndex, explain

__all__ = ["CodeDigest", "CodeIndex", "explain"]
