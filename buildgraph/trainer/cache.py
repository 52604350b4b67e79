"""Where trained results are kept from one training to the next: the engine's store, with a size that it may have."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from buildgraph.errors import UsageError
from buildgraph.trainer.places import Places

if TYPE_CHECKING:
    from buildgraph.action import ActionResult
    from buildgraph.digest import Digest
    from buildgraph.store import Store
    from buildgraph.trainer.storage import ModelStorage

DIRECTORY: Final = "BUILDGRAPH_CACHE_DIRECTORY"
STORE: Final = "BUILDGRAPH_STORE"
MAX_SIZE: Final = "BUILDGRAPH_MAX_CACHE_SIZE"
_MIB: Final = 1 << 20


class TrainingCache(ABC):
    """What is known of earlier results: by the key of what made them, and by what they are."""

    @abstractmethod
    def cache_output(self, fingerprint_key: str, output: Any, output_fingerprint: str, model_storage: ModelStorage) -> None:
        """Remember that `fingerprint_key` leads to `output_fingerprint`, and the value itself if it can be stored."""

    @abstractmethod
    def get_cached_output_fingerprint(self, fingerprint_key: str) -> str | None:
        """What `fingerprint_key` leads to; None when it is not known."""

    @abstractmethod
    def get_cached_result(self, output_fingerprint_key: str, node_name: str, model_storage: ModelStorage) -> Any | None:
        """The value with that fingerprint; None when it is not stored, or not whole."""

    def note(self, store: Store, results: Mapping[Digest, ActionResult]) -> None:  # noqa: B027 - most caches need not know
        """Called at the end of a run with the results that it used; a cache with a limit makes room here."""

    @contextmanager
    def opened(self) -> Iterator[Places]:
        """The folders for one run of a trainer. Raises UsageError (BG584) for a cache that has none."""
        raise UsageError(
            f"'{type(self).__qualname__}' has no store", code="BG584", why="a trainer works on the engine's store, where results are known by content",
            fix="use LocalTrainingCache, or a subclass of it",
        )  # fmt: skip
        yield Places("", "", "")  # type: ignore[unreachable]  # what makes this a generator


class LocalTrainingCache(TrainingCache):
    """A cache in a folder of this machine, shared by any number of projects and processes.

    `directory` is by default BUILDGRAPH_CACHE_DIRECTORY; without either, the store that all of the user's workspaces share
    is used (BUILDGRAPH_STORE, else in the user's cache folder), and a folder beside it. `max_size` is in MiB, by default BUILDGRAPH_MAX_CACHE_SIZE, else unlimited; with 0 nothing is kept, and nothing is written there.
    `environment` is where these are looked up, by default the environment of this process at the moment of construction.
    Raises UsageError (BG585) for a size that is no number.
    """

    def __init__(
        self, directory: str | os.PathLike[str] | None = None, max_size: float | None = None, *, environment: Mapping[str, str] | None = None
    ) -> None:
        variables = dict(os.environ if environment is None else environment)
        chosen = directory or variables.get(DIRECTORY)
        shared = Path(variables.get(STORE) or _own(variables)).absolute()
        self.directory = Path(chosen).absolute() if chosen else shared.with_name(f"{shared.name}-trainer")
        self.store = self.directory / "store" if chosen else shared
        self.max_size = _bytes(variables.get(MAX_SIZE)) if max_size is None else _bytes(max_size)
        if self.enabled:
            self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def enabled(self) -> bool:
        return self.max_size != 0

    @contextmanager
    def opened(self) -> Iterator[Places]:
        """The folders for one run of a trainer; what the run leaves in its own is removed."""
        base = str(self.directory) if self.enabled else tempfile.mkdtemp(prefix="buildgraph-train-")
        try:
            os.makedirs(base, exist_ok=True)
            _sweep(base)
            run = tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=base)
            try:
                yield Places(str(self.store) if self.enabled else f"{base}/store", f"{base}/ledger", run)
            finally:
                shutil.rmtree(run, ignore_errors=True)
        finally:
            if not self.enabled:
                shutil.rmtree(base, ignore_errors=True)

    def note(self, store: Store, results: Mapping[Digest, ActionResult]) -> None:
        if self.enabled and self.max_size is not None:
            from buildgraph.trainer.eviction import used

            used(str(self.directory), store, results, self.max_size)

    def cache_output(self, fingerprint_key: str, output: Any, output_fingerprint: str, model_storage: ModelStorage) -> None:
        if self.enabled:
            from buildgraph.trainer.caching import keep

            with self.opened() as places:
                keep(places, fingerprint_key, output, output_fingerprint, model_storage, self.max_size)

    def get_cached_output_fingerprint(self, fingerprint_key: str) -> str | None:
        if not self.enabled:
            return None
        from buildgraph.trainer.caching import look_up

        return look_up(str(self.store), str(self.directory), fingerprint_key, self.max_size)

    def get_cached_result(self, output_fingerprint_key: str, node_name: str, model_storage: ModelStorage) -> Any | None:
        if not self.enabled:
            return None
        from buildgraph.trainer.caching import fetch

        with self.opened() as places:
            return fetch(places, output_fingerprint_key, node_name, model_storage, self.max_size)


def _own(variables: Mapping[str, str]) -> str:
    """The folder that all of a user's workspaces share."""
    from buildgraph.loading.settings import default_store

    return default_store(tempfile.gettempdir(), variables)


def _bytes(size: object) -> int | None:
    """A size in MiB as bytes. None: no limit."""
    if size is None or size == "":
        return None
    try:
        number = float(size)  # type: ignore[arg-type]  # what is none raises
        if number < 0 or number != number:
            raise ValueError
    except (TypeError, ValueError):
        raise UsageError(
            f"the cache cannot have the size {size!r}", code="BG585", why=f"{MAX_SIZE} and `max_size` are in MiB, 0 for no cache at all", fix="write a number such as 1000"
        ) from None
    return int(number * _MIB)


def _sweep(base: str) -> None:
    """Remove what runs left that were killed."""
    for name in os.listdir(base):
        kind, _, rest = name.partition("-")
        pid = rest.partition("-")[0]
        if kind == "run" and pid.isdigit() and not os.path.exists(f"/proc/{pid}"):
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)
