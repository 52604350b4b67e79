"""The model storage of one action: reads the resources its parents wrote, writes into folders of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from buildgraph.errors import UsageError
from buildgraph.schema import Resource

_LONGEST: Final = 200  # bytes of a name, so that it fits into a folder's with what is escaped


class ResourceFolders:
    """The model storage of one action: reads what its parents wrote, writes into the action's own folder."""

    def __init__(self, folder: Path, known: Mapping[str, Path]) -> None:
        self._folder = folder
        self._known = dict(known)
        self.written: dict[str, Path] = {}

    @contextmanager
    def write_to(self, resource: Resource) -> Iterator[Path]:
        """A private copy takes the resource's place when the block ends well, and vanishes when it does not."""
        path = self.path_of(resource)
        self._folder.mkdir(parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix=".writing-", dir=self._folder))
        try:
            if resource.name in self.written:
                shutil.copytree(path, private, dirs_exist_ok=True)
            private.chmod(0o755)
            yield private
            shutil.rmtree(path, ignore_errors=True)
            private.rename(path)
            self.written[resource.name] = path
        except BaseException:  # half of a resource is none
            shutil.rmtree(private, ignore_errors=True)
            raise

    @contextmanager
    def read_from(self, resource: Resource) -> Iterator[Path]:
        path = self.written.get(resource.name) or self._known.get(resource.name)
        if path is None:
            known = sorted({*self._known, *self.written})
            raise NoSuchResource(
                f"there is no resource '{resource.name}' to read", code="BG226", facts=(("known", ", ".join(known) or "none"),),
                why="a component can read the resources that its parents wrote", fix="add the node that writes it to `needs`",
            )  # fmt: skip
        yield path

    def path_of(self, resource: Resource) -> Path:
        """Where `resource` is written. Raises UsageError (BG227) for a name that is not a plain file name."""
        return self._folder / folder_name(resource.name)

    def folder_of(self, resource: Resource) -> Path:
        """Where the content of `resource` is: as written, else as received; a folder that may not exist when neither."""
        return self.written.get(resource.name) or self._known.get(resource.name) or self.path_of(resource)


class NoSuchResource(UsageError, ValueError):  # noqa: N818 - what is missing, not who is wrong
    """A resource is read that nobody wrote. Also a ValueError, as users of model storages expect."""


def folder_name(name: str) -> str:
    """The folder that holds the resource `name`, the same for no two names. Raises UsageError (BG227)."""
    parts = name.split("/")
    if not name or not {".", ".."}.isdisjoint(parts) or "\0" in name or len(name.encode("utf-8", "replace")) > _LONGEST:
        raise UsageError(
            f"'{name[:80]}' cannot be the name of a resource", code="BG227", why="a resource is a folder named after it",
            fix="use letters, digits, '_' and '-'",
        )  # fmt: skip
    escaped = name.replace("%", "%25").replace("/", "%2F").replace(":", "%3A")
    return f"%2E{escaped[1:]}" if escaped.startswith(".") else escaped  # hidden folders are those of storages themselves


def resource_name(folder: str) -> str:
    """The name of the resource that `folder_name` gave this folder."""
    return folder.replace("%2E", ".").replace("%3A", ":").replace("%2F", "/").replace("%25", "%")
