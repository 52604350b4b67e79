"""What all components here have in common: checked options, a resource, records in files whose bytes follow from their content."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from buildgraph.rules.nlu.options import checked, unusable

from buildgraph.component import ExecutionContext, GraphComponent, ModelStorage, Resource
from buildgraph.encoding import decode_trusted, encode_value
from buildgraph.trainer.data import Message, TrainingData

Self = TypeVar("Self", bound="NluComponent")


class NluComponent(GraphComponent):
    """A component of a pipeline. Subclasses say what is persisted (`save`) and how it is read again (`restore`)."""

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self.config = config
        self._model_storage = model_storage
        self._resource = resource

    @classmethod
    def create(
        cls: type[Self], config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext  # noqa: ARG003 - the signature is the contract
    ) -> Self:
        """Raises InvalidConfigException for options that cannot be."""
        return cls(checked(config, cls.get_default_config(), cls.__name__), model_storage, resource)

    @classmethod
    def load(
        cls: type[Self], config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext, **kwargs: Any  # noqa: ARG003 - see above
    ) -> Self:
        """A component as it was trained."""
        component = cls.create(config, model_storage, resource, execution_context)
        if cls.restore is not NluComponent.restore:  # else there is nothing to learn, and nothing was written
            with model_storage.read_from(resource) as folder:
                component.restore(folder)
        return component

    def persist(self) -> Resource:
        """Write what was learnt; the resource to return from `train`."""
        with self._model_storage.write_to(self._resource) as folder:
            self.save(folder)
        return self._resource

    def save(self, folder: Path) -> None:
        """Write what was learnt into `folder`."""

    def restore(self, folder: Path) -> None:
        """Read what `save` wrote, which is nothing when there was nothing to learn."""


class Tokenizer(NluComponent):
    """Splits texts into tokens."""


class Featurizer(NluComponent):
    """Turns texts into numbers. `origin` tells the features of one from those of another."""

    @classmethod
    def required_components(cls) -> list[type]:
        return [Tokenizer]

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        super().__init__(config, model_storage, resource)
        if not isinstance(self.config["alias"], str | None):
            raise unusable(type(self).__name__, "alias", self.config["alias"], "a name")

    @property
    def origin(self) -> str:
        alias: str | None = self.config["alias"]
        return alias or self._resource.name

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        self.process(training_data.nlu_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Add features to every message."""
        raise NotImplementedError


class IntentClassifier(NluComponent):
    """Says what a message is about."""


class EntityExtractor(NluComponent):
    """Finds in a message what is spoken of."""


def write_record(folder: Path, name: str, value: Any) -> None:
    """Write plain data as the file `name`: equal values give equal bytes."""
    (folder / name).write_bytes(encode_value(value))


def read_record(folder: Path, name: str) -> Any | None:
    """What `write_record` wrote; None when there is no such file."""
    path = folder / name
    return decode_trusted(path.read_bytes()) if path.exists() else None


def write_arrays(folder: Path, **arrays: Any) -> None:
    """Write arrays as files: little-endian, in C order, nothing pickled."""
    import numpy as np

    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(array, array.dtype.newbyteorder("<")), allow_pickle=False)


def read_array(folder: Path, name: str) -> Any:
    import numpy as np

    return np.load(folder / f"{name}.npy", allow_pickle=False)
