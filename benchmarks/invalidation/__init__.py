"""Which edits do tools notice, and which do they run for in vain: stale and wasted results of buildgraph and its peers."""

from benchmarks.invalidation.command import main

__all__ = ["main"]
