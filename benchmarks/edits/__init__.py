"""Edits of small projects, each with what a build has to do about it; see `model` for the types.

`EDITS` is all of them, in the order of the report. The first nineteen are the list that peers were first measured by.
"""

from __future__ import annotations

from benchmarks.edits import basics, classes, dynamic, effects, functions, imports, outside, spelling
from benchmarks.edits.model import EITHER, HIT, RUN, Edit

EDITS: tuple[Edit, ...] = tuple(
    edit
    for module in (basics, spelling, functions, classes, imports, effects, dynamic, outside)
    for edit in module.EDITS
)
GROUPS = tuple(dict.fromkeys(edit.group for edit in EDITS))

__all__ = ["EDITS", "EITHER", "GROUPS", "HIT", "RUN", "Edit"]
