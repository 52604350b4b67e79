"""The standard rules: what build files call to declare targets. They know the public rules API and nothing of the scheduler."""

from __future__ import annotations

from buildgraph.rules.commands import command
from buildgraph.rules.components import component
from buildgraph.rules.functions import python
from buildgraph.rules.groups import group
from buildgraph.rules.packing import pack
from buildgraph.rules.sourcing import files

__all__ = ["command", "component", "files", "group", "pack", "python"]
