"""What a fingerprint run says of a node: whether its result is known, which it is, and why not."""

from __future__ import annotations

from dataclasses import dataclass

from buildgraph.digest import Digest

HIT, STALE, UNDETERMINED, FAILED = "hit", "stale", "undetermined", "failed"


@dataclass(frozen=True, slots=True)
class FingerprintStatus:
    """Whether the result of a node is known.

    `output_fingerprint` is the digest of its output in hex, None unless it is a hit. `state` is `hit` (the result is in
    the store, whole), `stale` (it has to run), `undetermined` (something above it has to run, and if that comes to the
    same, this is a hit), or `failed` (it needs an input that failed). `reason` says in words why.
    """

    output_fingerprint: str | None
    is_hit: bool
    reason: str = ""
    state: str = HIT

    def fingerprint(self) -> str:
        """The output's fingerprint; for an unknown output one that no output has, the same for the same reason."""
        return self.output_fingerprint or Digest.of(f"unknown {self.state} {self.reason}".encode()).hex()
