"""Builds the workspace in the current folder and prints how long the first action took to start: wall and CPU seconds.

Run as a program, with the time at which it was started (of the monotonic clock) as its argument.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from buildgraph.events import Event, TargetStarted
from buildgraph.workspace import Workspace


def main() -> None:
    found: list[Any] = []

    def listen(event: Event) -> None:
        if not found and isinstance(event, TargetStarted):
            found.extend([time.perf_counter() - float(sys.argv[1]), time.process_time()])

    Workspace(environment={**os.environ, "XDG_CACHE_HOME": os.path.abspath(".cache")}, listen=listen).build()
    print(*found)


if __name__ == "__main__":
    main()
