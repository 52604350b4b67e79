"""The model storage of one action: reads the resources its parents wrote, writes into folders of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from buildgraph.errors import UsageError
from buildgraph.schema import Resource


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
