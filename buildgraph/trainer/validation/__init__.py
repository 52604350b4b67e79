"""`validate`: everything that can be known to be wrong with a model configuration before anything of it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from buildgraph.component import Fingerprintable
from buildgraph.errors import UsageError, nearest
from buildgraph.execution.resources import folder_name
from buildgraph.graph import ancestors, circle, order
from buildgraph.loading.validate import ManyErrors
from buildgraph.schema import GraphSchema, Resource
from buildgraph.trainer.components import check_importable
from buildgraph.trainer.configuration import GraphModelConfiguration
from buildgraph.trainer.errors import GraphSchemaException, GraphSchemaValidationException
from buildgraph.trainer.validation.annotations import NOTHING
from buildgraph.trainer.validation.node_rules import Component, Components, as_error, of_component, of_needs, shown
from buildgraph.trainer.validation.subtypes import bare, fits

__all__ = ["Fingerprintable", "ManySchemaErrors", "validate"]

IMPORTER, MESSAGE, TRACKER = "__importer__", "__message__", "__tracker__"
PLACEHOLDERS: Final = (IMPORTER, MESSAGE, TRACKER)


class ManySchemaErrors(ManyErrors, GraphSchemaValidationException):
    """Everything that is wrong with one model configuration; as text, one line for each."""

    def __str__(self) -> str:
        return "\n".join(each.headline for each in self.errors)


def validate(model_configuration: GraphModelConfiguration) -> None:
    """Raise GraphSchemaValidationException for whatever is wrong with a model configuration; nothing of it runs.

    The base class GraphSchemaException is raised for a class that is not there or that no other process could import.
    Several mistakes are told in one ManySchemaErrors. Rules that differ from what users of graph trainers may know:
    results need not be fingerprintable when the engine can store them, as plain data can (`can_be_kept`); all nodes
    are examined, also those that no target needs; an input of a constructor is not an input of the method.
    """
    components = Components(model_configuration.language)
    targets = [name for name in (model_configuration.nlu_target, model_configuration.core_target) if name]
    train, predict = model_configuration.train_schema, model_configuration.predict_schema
    errors = [*_schema(train, "train", components, train.target_names)]
    errors += _schema(predict, "predict", components, [*predict.target_names, *targets])
    errors += _targets(model_configuration, components)
    found = list({(each.headline, each.where): each for each in errors}.values())
    if len(found) == 1:
        raise found[0]
    if found:
        raise ManySchemaErrors(found)


def _schema(schema: GraphSchema, label: str, components: Components, targets: Iterable[str]) -> Iterator[UsageError]:
    nodes, trained = schema.nodes, label == "train"
    placeholders = _placeholders()
    known: dict[str, Component] = {}
    for name, node in nodes.items():
        try:
            known[name] = components.of(name, node)
            if not (trained and node.is_input):  # inputs stay in this process
                check_importable(name, node)
        except GraphSchemaException as error:
            error.where = (f"node '{name}' of the {label} schema",)
            yield error

    def returned(parent: str) -> Any:
        return placeholders[parent] if parent in placeholders else known[parent].returns if parent in known else NOTHING

    for name, node in nodes.items():
        yield from _edges(schema, name, label)
        if name in known:
            for problem in of_component(node, known[name], trained=trained):
                yield as_error(problem, name, label)
            for problem in of_needs(node, known[name], returned):
                yield as_error(problem, name, label)
    found = circle({name: list(node.needs.values()) for name, node in nodes.items()})
    if found:
        yield GraphSchemaValidationException(
            f"Cycles: these nodes need each other: {' -> '.join([*found, found[0]])}", code="BG021", where=f"the {label} schema",
            why="a node can run only after everything it needs, so a circle can never start", fix="drop one of these needs",
        )  # fmt: skip
    else:
        reached = ancestors([name for name in targets if name in nodes], schema.parents)
        yield from _required(schema, label, known, reached)


def _edges(schema: GraphSchema, name: str, label: str) -> Iterator[UsageError]:
    """What is wrong with a node's name, and with the names that it needs."""
    node, where = schema.nodes[name], f"node '{name}' of the {label} schema"
    try:
        folder_name((node.resource or Resource(name)).name)
    except UsageError as error:
        yield GraphSchemaValidationException(error.headline, code=error.code, where=where, why=error.why, fix=error.fix)
    if name in PLACEHOLDERS:
        yield GraphSchemaValidationException(
            f"node '{name}' has the name of a placeholder", code="BG566", where=where,
            why="whatever needs it would be given the node, and never the value from outside", fix="rename the node",
        )  # fmt: skip
    for parameter, parent in node.needs.items():
        if parent not in schema.nodes and parent not in PLACEHOLDERS:
            hint = nearest(parent, (*schema.nodes, *PLACEHOLDERS))
            yield GraphSchemaValidationException(
                f"node '{name}' needs '{parent}' for '{parameter}', which is not part of the graph. The component is missing from the {label} schema",
                code="BG023", where=where, why=f"whatever a node needs is another node, or one of {', '.join(PLACEHOLDERS)}", fix=hint or f"declare '{parent}', or drop the need",
            )  # fmt: skip
        elif label == "train" and node.is_input and parent in schema.nodes and not schema.nodes[parent].is_input:
            yield GraphSchemaValidationException(
                f"input node '{name}' needs '{parent}', which is not an input node", code="BG066", where=where,
                why="input nodes run before everything else, to find out what has changed", fix=f"set is_input=True on '{parent}', or is_input=False on '{name}'",
            )  # fmt: skip


def _required(schema: GraphSchema, label: str, known: Mapping[str, Component], reached: set[str]) -> Iterator[UsageError]:
    """Components that have to come before others and do not; a set of bits goes down the graph once."""
    bits: dict[type, int] = {}
    for name in reached & known.keys():
        for each in known[name].required:
            bits.setdefault(each, 1 << len(bits))
    if not bits:
        return
    own = {used: sum(bit for each, bit in bits.items() if issubclass(used, each)) for used in {each.used for each in known.values()}}
    before: dict[str, int] = {}
    lacking: list[tuple[str, str]] = []
    for name in order({name: list(node.needs.values()) for name, node in schema.nodes.items()}):
        seen = 0
        for parent in schema.nodes[name].needs.values():
            seen |= before.get(parent, 0) | (own[known[parent].used] if parent in known else 0)
        before[name] = seen
        if name in reached and name in known:
            missing = [each.__qualname__ for each in known[name].required if not seen & bits[each]]
            if missing:
                lacking.append((f"node '{name}'", f"requires {' and '.join(missing)} before it"))
    if lacking:
        yield GraphSchemaValidationException(
            f"{len(lacking)} components are missing", code="BG561", where=f"the {label} schema", facts=tuple(lacking),
            why="these nodes use what other components prepare", fix="add a node that uses such a class, or a subclass of it, above each of them",
        )  # fmt: skip


def _targets(configuration: GraphModelConfiguration, components: Components) -> Iterator[UsageError]:
    """What is wrong with the two nodes that predictions are taken from."""
    schema = configuration.predict_schema
    if not configuration.nlu_target:
        yield GraphSchemaValidationException(
            "the predict schema has no target for the 'nlu_target'", code="BG562", where="the predict schema",
            why="what a model says of a message is the value of that node", fix="set nlu_target to the last node that messages go through",
        )  # fmt: skip
    for kind, target in (("NLU", configuration.nlu_target), ("Core", configuration.core_target)):
        if not target:
            continue
        node = schema.nodes.get(target)
        if node is None:
            yield GraphSchemaValidationException(
                f"the predict schema has an invalid {kind} target: there is no node '{target}'", code="BG562", where="the predict schema",
                why="a target is a node of the schema", fix=nearest(target, schema.nodes) or "name one of its nodes",
            )  # fmt: skip
            continue
        for name, other in schema.nodes.items():
            if target in other.needs.values():
                yield GraphSchemaValidationException(
                    f"node '{name}' uses the {kind} target '{target}' as input", code="BG563", where=f"node '{name}' of the predict schema",
                    why="a target is the end of a graph: what runs after it would not be asked for", fix=f"make '{name}' the target, or give it another input",
                )  # fmt: skip
        try:
            returns = components.of(target, node).returns
        except GraphSchemaException:
            continue
        if returns is not NOTHING and not _may_return(kind, returns):
            wanted = "list[Message]" if kind == "NLU" else "a PolicyPrediction"
            yield GraphSchemaValidationException(
                f"the {kind} target '{target}' has an invalid return type: {shown(returns)}", code="BG564", where=f"node '{target}' of the predict schema",
                why=f"the {kind} target returns {wanted}", fix=f"name another node, or correct the annotation of '{node.fn}'",
            )  # fmt: skip


def _may_return(kind: str, returns: Any) -> bool:
    """Whether a target's annotation says what is wanted of it; one that leaves it open does not."""
    from buildgraph.trainer.data import Message
    from buildgraph.trainer.dialogue import PolicyPrediction

    return bare(returns) is not Any and fits(returns, list[Message] if kind == "NLU" else PolicyPrediction)


def _placeholders() -> Mapping[str, Any]:
    """What placeholders stand for; what tracks a conversation is whatever its user hands in."""
    from buildgraph.trainer.data import Message
    from buildgraph.trainer.importing import TrainingDataImporter

    return {IMPORTER: TrainingDataImporter, MESSAGE: list[Message], TRACKER: Any}
