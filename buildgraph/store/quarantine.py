"""Where damaged things are kept for a while: `corrupt-<time>/` beside the index, the newest few of them."""

from __future__ import annotations

import os
from typing import Final

PREFIX: Final = "corrupt-"
KEPT: Final = 3


def new_quarantine(root: str, now: float) -> str:
    """A new folder `corrupt-<time>` in `root`; the oldest beyond the newest three are removed. Raises OSError."""
    from time import gmtime, strftime  # only needed when something is broken

    stem = f"{root}/{PREFIX}{strftime('%Y%m%dT%H%M%SZ', gmtime(now))}"
    folder, count = stem, 0
    while True:
        try:
            os.mkdir(folder, 0o700)
            break
        except FileExistsError:
            count += 1
            folder = f"{stem}-{count}"
    _prune(root, folder)
    return folder


def _prune(root: str, newest: str) -> None:
    import shutil

    kept = os.path.basename(newest)
    older = sorted(name for name in os.listdir(root) if name.startswith(PREFIX) and name != kept)
    for name in older[: 1 - KEPT]:
        shutil.rmtree(f"{root}/{name}", ignore_errors=True)
