"""The components that a recipe puts around a pipeline: what data comes in by, and what messages come in and go out by."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from typing import Any, Final

from buildgraph.component import ExecutionContext, GraphComponent, ModelStorage
from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.schema import Resource
from buildgraph.trainer.data import ENTITIES, INTENT, INTENT_RANKING, TEXT, Message, TrainingData
from buildgraph.trainer.domain import DEFAULT_INTENTS, Domain
from buildgraph.trainer.errors import InvalidConfigException
from buildgraph.trainer.importing import TrainingDataImporter
from buildgraph.trainer.stories import StoryGraph


class _Configured(GraphComponent):
    """A component that keeps what it is made with."""

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource) -> None:
        self._config = config
        self._model_storage = model_storage
        self._resource = resource

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> Any:  # noqa: ARG003 - the signature is the contract
        return cls(config, model_storage, resource)


class NLUTrainingDataProvider(_Configured):
    """Hands on the examples of an importer; with `persist` they also go into the model."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"language": None, "persist": False}

    def provide(self, importer: TrainingDataImporter) -> TrainingData:
        language = self._config["language"]
        data = importer.get_nlu_data(language) if language else importer.get_nlu_data()
        if self._config["persist"]:
            with self._model_storage.write_to(self._resource) as folder:
                data.to_cache(folder, self._model_storage)
        return data


class DomainProvider(_Configured):
    """Hands on the domain of an importer and keeps it in the model; in a prediction it is the one that was kept."""

    def provide_train(self, importer: TrainingDataImporter) -> Domain:
        domain = importer.get_domain()
        with self._model_storage.write_to(self._resource) as folder:
            domain.to_cache(folder, self._model_storage)
        return domain

    def provide_inference(self) -> Domain:
        with self._model_storage.read_from(self._resource) as folder:
            return Domain.from_cache(self._resource.name, folder, self._model_storage, "")


class StoriesProvider(_Configured):
    """Hands on the stories of an importer; `exclusion_percentage` (0 to 100) leaves out that share of them, not of rules."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"exclusion_percentage": 0}

    def provide(self, importer: TrainingDataImporter) -> StoryGraph:
        """Which stories are left out depends on what they say alone. Raises InvalidConfigException (BG500)."""
        graph = importer.get_stories()
        share = float(self._config["exclusion_percentage"] or 0)
        if not 0 <= share <= 100:
            raise InvalidConfigException(
                f"{share:g} % of the stories are to be left out", where="exclusion_percentage", why="it is a share of all stories", fix="give a number from 0 to 100",
            )  # fmt: skip
        stories = sorted([each for each in graph.stories if not each.is_rule], key=lambda each: Digest.of(encode(each.as_dict())).hex())
        left_out = stories[: int(len(stories) * share / 100)]
        return StoryGraph.of([each for each in graph.stories if each not in left_out]) if left_out else graph


class NLUMessageConverter(_Configured):
    """Makes messages of what is asked: texts, messages, dicts or objects with a text."""

    def convert_user_message(self, messages: list[Any]) -> list[Message]:
        return [_message(each) for each in messages]


def _message(asked: Any) -> Message:
    """Raises InvalidConfigException (BG500) for something without a text."""
    if isinstance(asked, Message):
        return asked
    text = asked if isinstance(asked, str) else asked.get(TEXT) if isinstance(asked, Mapping) else getattr(asked, TEXT, None)
    if not isinstance(text, str):
        raise InvalidConfigException(
            f"a {type(asked).__name__} without a text is to be understood", where="__message__", why="a prediction is for a text", fix="give a text, a Message, or a dict with 'text'",
        )  # fmt: skip
    data = {TEXT: text}
    if isinstance(asked, Mapping):
        data = {**asked, TEXT: text}
    return Message(data)


# /intent, perhaps with the confidence and entities: /book@0.9{"city": ["Rome", "Oslo"]}
_DIRECT: Final = re.compile(r"/(?P<intent>[^\s{@/][^\s{@]*)(@(?P<confidence>[01]?\.?[0-9]+))?\s*(?P<entities>\{.*\})?\s*", re.DOTALL)


class RegexMessageHandler(_Configured):
    """Takes a text such as `/book{"city": "Rome"}` at its word: its intent and entities are what is written, all others' findings are not asked."""

    def process(self, messages: list[Message], domain: Domain | None = None) -> list[Message]:
        """An intent that the domain does not have leaves a message as it is, an entity that it does not have is left out."""
        for message in messages:
            found = _DIRECT.fullmatch(message.get(TEXT) or "")
            if found is not None:
                self._take(message, found, domain)
        return messages

    def _take(self, message: Message, found: re.Match[str], domain: Domain | None) -> None:
        intent = found["intent"]
        if domain is not None and not {intent, intent.partition("/")[0]} & {*domain.intents, *DEFAULT_INTENTS}:
            warnings.warn(f"'{intent}' in {message.get(TEXT)!r} is no intent of the domain; the text is understood as any other.", UserWarning, stacklevel=2)
            return
        entities: list[dict[str, Any]] = []
        place = {"start": found.start("entities"), "end": found.end("entities"), "extractor": type(self).__name__}
        for name, value in _entities(found["entities"]).items():
            if domain is not None and name not in domain.entities:
                warnings.warn(f"'{name}' in {message.get(TEXT)!r} is no entity of the domain; it is left out.", UserWarning, stacklevel=2)
                continue
            entities += [{"entity": name, "value": each, **place} for each in (value if isinstance(value, list) else [value])]
        meant = {"name": intent, "confidence": min(1.0, float(found["confidence"] or 1))}
        message.set(INTENT, meant, add_to_output=True)
        message.set(INTENT_RANKING, [dict(meant)], add_to_output=True)
        message.set(ENTITIES, entities, add_to_output=True)


def _entities(text: str | None) -> dict[str, Any]:
    """Entities by name from JSON; none, with a warning, from what is not."""
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        found = {}
        warnings.warn(f"The entities {text!r} are not JSON ({error}); they are left out.", UserWarning, stacklevel=4)
    return found if isinstance(found, dict) else {}
