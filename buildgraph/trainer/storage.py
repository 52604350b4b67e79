"""Where the resources of one model lie while it is trained or used: one folder for each, and the door to archives."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from buildgraph.errors import UsageError
from buildgraph.execution.resources import NoSuchResource, folder_name, resource_name
from buildgraph.schema import Resource
from buildgraph.trainer.configuration import GraphModelConfiguration

if TYPE_CHECKING:
    from buildgraph.trainer.domain import Domain
    from buildgraph.trainer.metadata import ModelMetadata


class ModelStorage(ABC):
    """What a trainer needs of a model storage, beyond what components see of it (`buildgraph.component.ModelStorage`)."""

    @classmethod
    @abstractmethod
    def create(cls, storage_path: Path) -> ModelStorage:
        """An empty storage at `storage_path`."""

    @classmethod
    @abstractmethod
    def from_model_archive(cls, storage_path: Path, model_archive_path: Path) -> tuple[ModelStorage, ModelMetadata]:
        """A storage that holds what an archive holds, and the archive's metadata."""

    @classmethod
    @abstractmethod
    def metadata_from_archive(cls, model_archive_path: Path) -> ModelMetadata:
        """The metadata of an archive; nothing else of it is read."""

    @abstractmethod
    def write_to(self, resource: Resource) -> AbstractContextManager[Path]:
        """A folder to write into. What was there is there; what is there when the block ends is the resource."""

    @abstractmethod
    def read_from(self, resource: Resource) -> AbstractContextManager[Path]:
        """The folder of a resource. Raises ValueError when there is none."""

    @abstractmethod
    def create_model_package(self, model_archive_path: Path, model_configuration: GraphModelConfiguration, domain: Domain) -> ModelMetadata:
        """Pack everything in the storage into an archive."""


class LocalModelStorage(ModelStorage):
    """A model storage in a folder of this machine."""

    def __init__(self, storage_path: str | os.PathLike[str]) -> None:
        self.path = Path(storage_path)

    @classmethod
    def create(cls, storage_path: Path) -> LocalModelStorage:
        Path(storage_path).mkdir(parents=True, exist_ok=True)
        return cls(storage_path)

    @classmethod
    def from_model_archive(cls, storage_path: Path, model_archive_path: Path) -> tuple[LocalModelStorage, ModelMetadata]:
        """Every byte is checked against the archive's manifest on the way.

        Raises ValueError (BG581) when the folder holds something, UnsupportedModelVersionError (BG580), VerificationError.
        """
        from buildgraph.trainer.packaging import unpack_model

        storage_path = Path(storage_path)
        if storage_path.exists() and any(storage_path.iterdir()):
            raise StorageInUse(
                f"the folder '{storage_path}' is not empty", code="BG581", why="an archive is unpacked into a storage of its own, so that no two models mix",
                fix="name an empty folder, or one that does not exist",
            )  # fmt: skip
        metadata = unpack_model(model_archive_path, storage_path)
        return cls(storage_path), metadata

    @classmethod
    def metadata_from_archive(cls, model_archive_path: Path) -> ModelMetadata:
        from buildgraph.trainer.packaging import metadata_of

        return metadata_of(model_archive_path)

    @contextmanager
    def write_to(self, resource: Resource) -> Iterator[Path]:
        """A private copy takes the resource's place when the block ends well, and vanishes when it does not."""
        place = self.folder(resource.name)
        self.path.mkdir(parents=True, exist_ok=True)
        private = Path(tempfile.mkdtemp(prefix=".writing-", dir=self.path))
        try:
            if place.is_dir():
                shutil.copytree(place, private, dirs_exist_ok=True)
            private.chmod(0o755)
            yield private
            if place.is_dir():
                shutil.rmtree(place)
            private.rename(place)
        except BaseException:
            shutil.rmtree(private, ignore_errors=True)
            raise

    @contextmanager
    def read_from(self, resource: Resource) -> Iterator[Path]:
        place = self.folder(resource.name)
        if not place.is_dir():
            raise NoSuchResource(
                f"there is no resource '{resource.name}' to read", code="BG226", facts=(("known", ", ".join(self.names()) or "none"),),
                where=str(self.path), why="a resource can be read once it was written", fix="train the node that writes it, or correct the name",
            )  # fmt: skip
        yield place

    def create_model_package(self, model_archive_path: Path, model_configuration: GraphModelConfiguration, domain: Domain) -> ModelMetadata:
        from datetime import UTC, datetime

        from buildgraph.trainer.metadata import of_configuration
        from buildgraph.trainer.packaging import pack_model

        return pack_model(Path(model_archive_path), {name: self.folder(name) for name in self.names()}, of_configuration(model_configuration, domain, datetime.now(UTC)))

    def folder(self, name: str) -> Path:
        """Where the resource `name` is, or would be. Raises UsageError (BG227) for a name that cannot be one."""
        return self.path / folder_name(name)

    def names(self) -> list[str]:
        """The names of the resources that are there, sorted."""
        if not self.path.is_dir():
            return []
        return sorted(resource_name(each.name) for each in self.path.iterdir() if each.is_dir() and not each.name.startswith("."))


class StorageInUse(UsageError, ValueError):  # noqa: N818 - what is the matter, not who is wrong
    """A folder is not empty. Also a ValueError, as users of model storages expect."""
