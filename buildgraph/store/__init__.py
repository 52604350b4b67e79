"""Where results live: blobs by digest, action results by key, and the ledger of a workspace."""

from __future__ import annotations

from buildgraph.store.base import Store
from buildgraph.store.layered import Layered
from buildgraph.store.ledger import Ledger
from buildgraph.store.local import LocalStore
from buildgraph.store.lock import FileLock, Holder
from buildgraph.store.memory import MemoryStore

__all__ = ["FileLock", "Holder", "Layered", "Ledger", "LocalStore", "MemoryStore", "Store"]
