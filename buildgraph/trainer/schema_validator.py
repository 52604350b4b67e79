"""What an importer's data and the pipeline should have in common, said before anything is trained."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from buildgraph.component import ExecutionContext, GraphComponent, ModelStorage
from buildgraph.schema import GraphSchema, Resource
from buildgraph.trainer.data import INTENT, TrainingData
from buildgraph.trainer.domain import DEFAULT_INTENTS, Domain
from buildgraph.trainer.importing import TrainingDataImporter

_SHOWN: Final = 5  # names in one warning
_FEWEST: Final = 2  # examples of an intent
_REGEX_USERS: Final = frozenset(("RegexFeaturizer", "RegexEntityExtractor"))


class SchemaValidator(GraphComponent):
    """Warns of data that cannot serve what it is for, and hands the importer on. All it says are UserWarnings."""

    def __init__(self, schema: GraphSchema) -> None:
        self._schema = schema

    @classmethod
    def create(cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext) -> SchemaValidator:  # noqa: ARG003 - the signature is the contract
        return cls(execution_context.graph_schema)

    def validate(self, importer: TrainingDataImporter) -> TrainingDataImporter:
        used = {node.entry_point for node in self._schema.nodes.values()}
        names = {each.rpartition(":")[2] for each in used}
        if "NLUTrainingDataProvider" in names:
            data = importer.get_nlu_data()
            problems = [*examples(data, importer.get_domain())]
            if all(each.startswith("buildgraph.") for each in used):  # of components of one's own nobody knows what they read
                problems += unused(data, names)
            for problem in problems:
                warnings.warn(problem, UserWarning, stacklevel=2)
        return importer


def examples(data: TrainingData, domain: Domain) -> Iterator[str]:
    """What is wrong between examples and the domain, or with the examples alone."""
    counts = Counter(message.get(INTENT) for message in data.intent_examples)
    if few := [intent for intent, count in counts.items() if count < _FEWEST]:
        yield f"{_names('intent', few)} with a single example; at least {_FEWEST} are needed to learn from."
    if empty := sum(not message.get("text") for message in data.training_examples):
        yield f"{empty} examples have no text."
    if domain.is_empty:
        return
    if unknown := [intent for intent in counts if intent not in domain.intents and intent not in DEFAULT_INTENTS]:
        yield f"{_names('intent', unknown)} with examples, but not in the domain."
    if counts and (silent := [intent for intent in domain.intents if intent not in counts and intent not in DEFAULT_INTENTS]):
        yield f"{_names('intent', silent)} in the domain, but without examples."
    if unknown := [entity for entity in data.entities if entity not in domain.entities]:
        yield f"{_names('entity', unknown)} with examples, but not in the domain."


def unused(data: TrainingData, components: set[str]) -> Iterator[str]:
    """What the data holds and no component of the pipeline reads."""
    if data.entities and not any(name.endswith("EntityExtractor") for name in components):
        yield "The examples have entities, and the pipeline has no component that finds them, such as CRFEntityExtractor."
    if data.entity_synonyms and "EntitySynonymMapper" not in components:
        yield "The data has synonyms, and the pipeline has no EntitySynonymMapper."
    if (data.regex_features or data.lookup_tables) and not components & _REGEX_USERS:
        yield f"The data has regular expressions or lookup tables, and the pipeline has none of {', '.join(sorted(_REGEX_USERS))}."


def _names(kind: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    plural = {"intent": "intents", "entity": "entities"}[kind]
    return f"{kind if len(names) == 1 else plural} {', '.join(repr(name) for name in sorted(names)[:_SHOWN])}{more}"
