"""The event log: every event as one line of JSON, for other programs and for later."""

from __future__ import annotations

import json
from typing import TextIO

from buildgraph.events import Event, as_dict


class EventLog:
    """A listener that writes JSON lines to `file`; each line is complete or absent."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __call__(self, event: Event) -> None:
        self._file.write(json.dumps(as_dict(event), ensure_ascii=False) + "\n")
