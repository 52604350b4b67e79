"""From a workspace's build files to a validated graph: only what is asked for, and nothing evaluated twice."""

from __future__ import annotations

from buildgraph.loading.load import LoadedGraph, from_schema, load
from buildgraph.loading.settings import Settings, load_settings, user_file_of
from buildgraph.loading.workspace import find_root

__all__ = ["LoadedGraph", "Settings", "find_root", "from_schema", "load", "load_settings", "user_file_of"]
