"""`CRFEntityExtractor`: finds entities with a conditional random field that learnt them from annotated examples."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import EntityExtractor, Tokenizer, read_record, write_record
from buildgraph.rules.nlu.crf_tagging import (
    FEATURES,
    Label,
    Span,
    annotated,
    attributes,
    parsed,
    spans,
    split_at_commas,
    tags,
)
from buildgraph.rules.nlu.options import number, one_of, unusable

from buildgraph.component import Resource
from buildgraph.trainer.data import ENTITIES, TEXT, TOKENS, Message, TrainingData

_NAME: Final = "CRFEntityExtractor"
_MODEL, _LABELS = "entities.crfsuite", "labels.msgpack"
_NEIGHBOUR: Final = ("low", "title", "upper")
_HERE: Final = ("low", "bias", "prefix5", "prefix2", "suffix5", "suffix3", "suffix2", "upper", "title", "digit", "pattern")
_logger = logging.getLogger(__name__)


class CRFEntityExtractor(EntityExtractor):
    """Entities with roles and groups, each with a confidence. Without annotated examples it finds nothing.

    `features` are lists of names for the words before, the word itself and the words after; `BILOU_flag` tells the
    beginning and the end of an entity from its inside; `split_entities_by_comma` is a switch, or one for each entity.
    Patterns are those that a `RegexFeaturizer` without an alias found.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {
            "BILOU_flag": True,
            "split_entities_by_comma": True,
            "features": [list(_NEIGHBOUR), list(_HERE), list(_NEIGHBOUR)],
            "max_iterations": 50,
            "L1_c": 0.1,
            "L2_c": 0.1,
        }

    @staticmethod
    def required_packages() -> list[str]:
        return ["pycrfsuite"]

    @classmethod
    def required_components(cls) -> list[type]:
        return [Tokenizer]

    def __init__(self, *arguments: Any) -> None:
        """Raises InvalidConfigException (BG546) for a value that an option cannot have."""
        super().__init__(*arguments)
        _check(self.config)
        self._labels: list[Label] = []
        self._model = b""  # kept: the tagger reads it where it lies
        self._tagger: Any = None

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from all examples with tokens; those without entities say what is none."""
        examples = [each for each in training_data.nlu_examples if each.get(TOKENS)]
        known = {Label.of(entity) for each in examples for entity in annotated(each, _NAME)}
        self._labels = sorted(known, key=lambda label: (label.entity, label.role or "", label.group or ""))
        self._tagger = None
        with self._model_storage.write_to(self._resource) as folder:
            for name in (_MODEL, _LABELS):  # of an earlier training
                (folder / name).unlink(missing_ok=True)
            if self._labels:
                self._fit(examples, str(folder / _MODEL))
                write_record(folder, _LABELS, [[label.entity, label.role, label.group] for label in self._labels])
                self._open((folder / _MODEL).read_bytes())
            else:
                _logger.info("%s: no example has entities to learn from, so it will find none", _NAME)
        return self._resource

    def restore(self, folder: Path) -> None:
        self._labels = [Label(*parts) for parts in read_record(folder, _LABELS) or []]
        if self._labels:
            self._open((folder / _MODEL).read_bytes())

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the entities that are found in each message."""
        for message in messages:
            if self._tagger is not None and message.get(TOKENS):
                message.set(ENTITIES, [*(message.get(ENTITIES) or []), *self._found(message)], add_to_output=True)
        return messages

    def _open(self, model: bytes) -> None:
        import pycrfsuite

        self._model, self._tagger = model, pycrfsuite.Tagger()
        self._tagger.open_inmemory(model)

    def _fit(self, examples: list[Message], file: str) -> None:
        import pycrfsuite

        config = self.config
        trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
        trainer.set_params({"c1": config["L1_c"], "c2": config["L2_c"], "max_iterations": config["max_iterations"], "feature.possible_transitions": True})
        numbers = {label: index for index, label in enumerate(self._labels)}
        for example in examples:
            tagged, misaligned = tags(example, numbers, bilou=config["BILOU_flag"], extractor=_NAME)
            for entity in misaligned:
                _logger.warning(
                    "%s: '%s' in '%s' does not begin and end where words do, so nothing is learnt from it; correct the annotation or the tokenizer",
                    _NAME, example.get(TEXT)[entity["start"] : entity["end"]], example.get(TEXT),
                )  # fmt: skip
            trainer.append(attributes(example, config["features"]), tagged)
        trainer.train(file)

    def _found(self, message: Message) -> list[dict[str, Any]]:
        tokens, text = message.get(TOKENS), message.get(TEXT)
        tagged = self._tagger.tag(attributes(message, self.config["features"]))
        found = []
        for whole in spans(tagged, bilou=self.config["BILOU_flag"]):
            label = self._labels[whole.label]
            for span in split_at_commas(whole, message) if self._splits(label.entity) else (whole,):
                start, end = tokens[span.first].start, tokens[span.last].end
                entity = {"entity": label.entity, "start": start, "end": end, "value": text[start:end]}
                found.append({**entity, **self._confidences(span, label), "extractor": _NAME})
        return found

    def _splits(self, entity: str) -> bool:
        wish = self.config["split_entities_by_comma"]
        return bool(wish.get(entity, True)) if isinstance(wish, Mapping) else bool(wish)

    def _confidences(self, span: Span, label: Label) -> dict[str, Any]:
        """How sure the model is of the entity, and of its role and group, at the least sure of its tokens."""
        said: dict[str, Any] = {"confidence_entity": self._confidence(span, lambda other: other.entity == label.entity)}
        if label.role is not None:
            said |= {"role": label.role, "confidence_role": self._confidence(span, lambda other: (other.entity, other.role) == (label.entity, label.role))}
        if label.group is not None:
            said |= {"group": label.group, "confidence_group": self._confidence(span, lambda other: (other.entity, other.group) == (label.entity, label.group))}
        return said

    def _confidence(self, span: Span, agrees: Callable[[Label], bool]) -> float:
        agreeing = [tag for tag in self._tagger.labels() if (index := parsed(tag)[1]) is not None and agrees(self._labels[index])]
        sums = [sum(self._tagger.marginal(tag, place) for tag in agreeing) for place in range(span.first, span.last + 1)]
        return float(min(1.0, *sums))


def _check(config: Mapping[str, Any]) -> None:
    number(config, "max_iterations", _NAME, least=1)
    number(config, "L1_c", _NAME)
    number(config, "L2_c", _NAME)
    one_of(config, "BILOU_flag", _NAME, (True, False))
    if not isinstance(config["split_entities_by_comma"], bool | Mapping):
        raise unusable(_NAME, "split_entities_by_comma", config["split_entities_by_comma"], "true or false, or one of them for each entity")
    windows = config["features"]
    if not isinstance(windows, list | tuple) or not all(isinstance(window, list | tuple) for window in windows) or len(windows) % 2 != 1:
        raise unusable(_NAME, "features", windows, "an odd number of lists, the one in the middle about the word itself")
    for name in (name for window in windows for name in window):
        if name not in FEATURES:
            raise unusable(_NAME, "features", name, f"lists of {', '.join(sorted(FEATURES))}")
