"""What authors of components use: the component class, its execution context, and the shapes of what it is given."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from buildgraph.schema import GraphSchema, Resource

__all__ = ["Cacheable", "ExecutionContext", "Files", "Fingerprintable", "GraphComponent", "ModelStorage", "Resource"]


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What a component may know about the run it is part of.

    `graph_schema` holds the component's own node and nothing else, because only that is in its fingerprint.
    """

    graph_schema: GraphSchema = field(repr=False)
    model_id: str | None = None
    should_add_diagnostic_data: bool = False
    is_finetuning: bool = False
    node_name: str | None = None


class ModelStorage(Protocol):
    """Where components persist what they learnt: one folder per resource."""

    def write_to(self, resource: Resource) -> AbstractContextManager[Path]:
        """A folder to write into; what is there when the block ends is the resource."""
        ...

    def read_from(self, resource: Resource) -> AbstractContextManager[Path]:
        """The folder of a resource that a parent returned. Raises UsageError (BG226) for any other."""
        ...


class GraphComponent:
    """The class a node `uses`. Subclasses define `create` (and perhaps `load`) and the methods that nodes name in `fn`."""

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> Any:  # noqa: ARG003 - the signature is the contract
        """A new instance; the default takes no arguments."""
        return cls()

    @classmethod
    def load(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any) -> Any:  # noqa: ARG003 - subclasses use them
        """An instance from a persisted resource; by default the same as `create`."""
        return cls.create(config, model_storage, resource, execution_context)

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Defaults for the node's config; a dict among them is merged one level deep."""
        return {}

    @staticmethod
    def required_packages() -> list[str]:
        """Names of packages that must be importable for this component to run."""
        return []

    @staticmethod
    def supported_languages() -> list[str] | None:
        """The only languages that this component can handle; None: it does not mind, an empty list: none."""
        return None

    @staticmethod
    def not_supported_languages() -> list[str] | None:
        """Languages that this component cannot handle; give these or the supported ones, not both."""
        return None

    @classmethod
    def required_components(cls) -> list[type]:
        """Component classes of which one (or a subclass) has to come before this component in a graph."""
        return []

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:  # noqa: ARG003 - the signature is the contract
        """What else a result depends on, such as the digest of a file that `config` names; None: nothing else."""
        return None


@runtime_checkable
class Cacheable(Protocol):
    """A value that writes itself to a folder and comes back from it."""

    def to_cache(self, directory: Path, model_storage: ModelStorage) -> None: ...

    @classmethod
    def from_cache(cls, node_name: str, directory: Path, model_storage: ModelStorage, output_fingerprint: str) -> Cacheable: ...


@runtime_checkable
class Fingerprintable(Protocol):
    """A value that says whether it changed: equal text for equal content."""

    def fingerprint(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Files:
    """An input that is files: `paths` are relative to `folder`, which is relative to the workspace root."""

    folder: str
    paths: tuple[str, ...]
    root: str  # the workspace root, absolute

    @property
    def in_workspace(self) -> tuple[str, ...]:
        """The paths as seen from the workspace root."""
        return tuple([f"{self.folder}/{path}" for path in self.paths]) if self.folder else tuple(self.paths)

    def path(self) -> Path:
        """The file when there is exactly one, else the folder."""
        base = Path(self.root, self.folder)
        return base / self.paths[0] if len(self.paths) == 1 else base

    def by_name(self) -> dict[str, Path]:
        return {path: Path(self.root, self.folder, path) for path in self.paths}
