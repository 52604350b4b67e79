"""What authors of components use: the component class, its execution context, and the storage of its resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from buildgraph.errors import UsageError
from buildgraph.schema import GraphSchema, Resource

__all__ = ["Cacheable", "ExecutionContext", "Files", "GraphComponent", "ModelStorage", "Resource", "ResourceFolders"]


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


@runtime_checkable
class Cacheable(Protocol):
    """A value that writes itself to a folder and comes back from it."""

    def to_cache(self, directory: Path, model_storage: ModelStorage) -> None: ...

    @classmethod
    def from_cache(cls, node_name: str, directory: Path, model_storage: ModelStorage, output_fingerprint: str) -> Cacheable: ...


@dataclass(frozen=True, slots=True)
class Files:
    """An input that is files: `paths` are relative to `folder`, which is relative to the workspace root."""

    folder: str
    paths: tuple[str, ...]
    root: str  # the workspace root, absolute

    @property
    def in_workspace(self) -> tuple[str, ...]:
        """The paths as seen from the workspace root."""
        return tuple(f"{self.folder}/{path}" if self.folder else path for path in self.paths)

    def path(self) -> Path:
        """The file when there is exactly one, else the folder."""
        base = Path(self.root, self.folder)
        return base / self.paths[0] if len(self.paths) == 1 else base

    def by_name(self) -> dict[str, Path]:
        return {path: Path(self.root, self.folder, path) for path in self.paths}


class ResourceFolders:
    """The model storage of one action: reads what its parents wrote, writes into the action's own folder."""

    def __init__(self, folder: Path, known: Mapping[str, Path]) -> None:
        self._folder = folder
        self._known = dict(known)

    @contextmanager
    def write_to(self, resource: Resource) -> Iterator[Path]:
        path = self.path_of(resource)
        path.mkdir(parents=True, exist_ok=True)
        yield path

    @contextmanager
    def read_from(self, resource: Resource) -> Iterator[Path]:
        path = self._known.get(resource.name)
        if path is None:
            raise UsageError(
                f"there is no resource '{resource.name}' to read", code="BG226", facts=(("known", ", ".join(sorted(self._known)) or "none"),),
                why="a component can read the resources that its parents returned", fix="add the node that writes it to `needs`",
            )  # fmt: skip
        yield path

    def path_of(self, resource: Resource) -> Path:
        """Where `resource` is written. Raises UsageError (BG227) for a name that is not a plain file name."""
        if not resource.name or not {".", ".."}.isdisjoint(resource.name.split("/")) or "\0" in resource.name:
            raise UsageError(
                f"'{resource.name}' cannot be the name of a resource", code="BG227", why="a resource is a folder named after it",
                fix="use letters, digits, '_' and '-'",
            )  # fmt: skip
        return self._folder / resource.name.strip("/").replace("/", "_").replace(":", "_")


def merged_config(defaults: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """A component's defaults with the node's config over them; where a default is a dict, merged one level deep."""
    merged = dict(defaults)
    for key, value in config.items():
        default = merged.get(key)
        merged[key] = {**default, **value} if isinstance(default, dict) and isinstance(value, Mapping) else value
    return merged


def missing_packages(component: Any) -> Sequence[str]:
    """The packages that `component` requires and that cannot be found."""
    from importlib.util import find_spec

    required: Sequence[str] = getattr(component, "required_packages", list)()
    return [name for name in required if find_spec(name.partition(".")[0]) is None]
