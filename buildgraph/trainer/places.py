"""Where one run of a trainer keeps what it keeps."""

from __future__ import annotations

from typing import NamedTuple


class Places(NamedTuple):
    """The folders of an open cache: the store, the ledger that all runs share, and one that is this run's alone."""

    store: str
    ledger: str
    run: str
