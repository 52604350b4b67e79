"""The small file that says what a folder is, in which format, and that its index was made once."""

from __future__ import annotations

import os
from typing import Final

from buildgraph.store.files import sync_path, write_file

FORMAT: Final = 1


def write_marker(path: str, kind: str, created: int) -> None:
    """Write the marker, durably and in one step: when it is there, the index was complete. Raises OSError."""
    text = f"buildgraph {kind}\nformat {FORMAT}\nuuid {os.urandom(16).hex()}\ncreated {created}\ninitialised yes\n"
    new = f"{path}.{os.urandom(4).hex()}.new"
    write_file(new, text.encode())
    sync_path(new)
    os.rename(new, path)
    sync_path(os.path.dirname(path))


def read_marker(path: str) -> dict[str, str] | None:
    """The fields of a marker, `format` among them (0 when unreadable); None when there is none."""
    try:
        with open(path, "rb") as file:
            text = file.read(4096).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError:
        text = ""
    fields = {"format": "0"}
    for line in text.splitlines()[1:]:
        name, _, value = line.partition(" ")
        fields[name] = value
    return fields


def format_of(fields: dict[str, str]) -> int:
    """The format number a marker states; 0 when it makes no sense."""
    return int(fields["format"]) if fields["format"].isdecimal() else 0
