"""The rules that a single node of a schema has to keep: its class, its methods, its config, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from buildgraph.component import ExecutionContext, GraphComponent, ModelStorage
from buildgraph.encoding import encode_value
from buildgraph.errors import EncodingError, nearest
from buildgraph.execution.calling import missing_packages
from buildgraph.schema import Resource, SchemaNode
from buildgraph.trainer.components import component_class
from buildgraph.trainer.errors import GraphSchemaValidationException
from buildgraph.trainer.validation.annotations import NOTHING, Promise, UnknownName, can_be_kept, promise_of
from buildgraph.trainer.validation.subtypes import fits, members

CONTEXT: Final = "execution_context"
RESERVED: Final[Mapping[str, Any]] = {"config": dict[str, Any], "model_storage": ModelStorage, "resource": Resource, CONTEXT: ExecutionContext}


class Problem(NamedTuple):
    """What is wrong with a node, as its error says it behind the node's name."""

    code: str
    text: str
    why: str
    fix: str


@dataclass(frozen=True)
class Component:
    """A component class as nodes use it: with one constructor and one method, their signatures, and what is wrong."""

    used: type
    constructor: Promise | None = None
    method: Promise | None = None
    problems: tuple[Problem, ...] = ()
    required: tuple[type, ...] = ()

    @property
    def returns(self) -> Any:
        """The annotation of what the method returns; NOTHING when nobody knows."""
        return self.method.returns if self.method is not None else NOTHING


@dataclass
class Components:
    """The component of each node. Nodes that use one class in one way share what was found; so do both schemas."""

    language: str | None
    _known: dict[tuple[type, str, str], Component] = field(default_factory=dict)

    def of(self, name: str, node: SchemaNode) -> Component:
        """Raises GraphSchemaException for a node whose class is not there."""
        if node.is_function:
            raise GraphSchemaValidationException(
                f"node '{name}' names no constructor", code="BG550", where=f"node '{name}'",
                why="a node of a trainer's graph uses a component, which is constructed before it runs", fix="set constructor_name, such as 'create'",
            )  # fmt: skip
        used = component_class(node, name)
        key = (used, node.constructor_name, node.fn)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _component(*key, self.language)
        return found


def _component(used: type, constructor: str, fn: str, language: str | None) -> Component:
    title = used.__qualname__
    if not issubclass(used, GraphComponent):
        return Component(used, problems=(Problem(
            "BG550", f"uses '{title}', which does not implement the GraphComponent interface", "the trainer asks a component for its defaults, packages and languages",
            "derive the class from buildgraph.GraphComponent",
        ),))  # fmt: skip
    problems: list[Problem] = []
    if lacking := sorted(getattr(used, "__abstractmethods__", ())):
        problems.append(Problem(
            "BG550", f"uses '{title}', which is abstract and does not implement all of its interface", f"without {', '.join(lacking)} it cannot be constructed",
            "define them, or use a class that does",
        ))  # fmt: skip

    def asked(method: str, ask: Callable[[], Any], default: Any) -> Any:
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - it is the component's code, which may raise anything
            why = "it is asked before anything is trained"
            problems.append(Problem("BG567", f"cannot be examined: {title}.{method} raised {type(error).__name__}: {error}", why, f"correct {method}"))
            return default

    supported = asked("supported_languages", lambda: _listed(used.supported_languages()), None)
    refused = asked("not_supported_languages", lambda: _listed(used.not_supported_languages()), None)
    problems += _languages(title, supported, refused, language)
    if missing := asked("required_packages", lambda: missing_packages(used), ()):
        problems.append(Problem(
            "BG552", f"uses '{title}', which needs packages that are not installed: {', '.join(missing)}", "the component lists them in required_packages",
            "install the distributions that provide them; their names can differ from those of the packages",
        ))  # fmt: skip
    required = asked("required_components", lambda: tuple(each for each in used.required_components() if isinstance(each, type)), ())
    construct = _promise(used, constructor, problems)
    method = _promise(used, fn, problems) if fn != constructor else construct
    if method is not None and method.returns is NOTHING:
        problems.append(Problem(
            "BG556", f"runs '{title}.{fn}', whose return value does not have a type annotation", "nodes are fitted to each other by what they return",
            f"annotate it: def {fn}(...) -> ...",
        ))  # fmt: skip
    return Component(used, construct, method, tuple(problems), required)


def _listed(given: Any) -> list[str] | None:
    return None if given is None else list(given)


def _languages(title: str, supported: list[str] | None, refused: list[str] | None, language: str | None) -> Iterator[Problem]:
    fix = "give supported_languages or not_supported_languages, and let the other return None"
    if supported and refused:
        yield Problem("BG551", f"uses '{title}', which lists both languages that it supports and languages that it does not", "each list says all there is to say", fix)
    elif language and ((supported is not None and language not in supported) or language in (refused or ())):
        why = f"it supports {', '.join(supported) or 'none'}" if supported is not None else f"it supports all but {', '.join(refused or ())}"
        yield Problem("BG551", f"uses '{title}', which does not support the language '{language}'", why, "set another language, or use another component")


def _promise(used: type, name: str, problems: list[Problem]) -> Promise | None:
    """The signature of a method, if it can be known; what is wrong with it goes to `problems`."""
    title = used.__qualname__
    if not callable(getattr(used, name, None)):
        known = [each for each in dir(used) if not each.startswith("_")]
        problems.append(Problem("BG553", f"uses '{title}', which does not have the required method '{name}'", "the node names it", nearest(name, known) or "define it, or correct the name"))
        return None
    try:
        found = promise_of(used, name)
    except UnknownName as error:
        problems.append(Problem(
            "BG554", f"uses '{title}.{name}', whose annotations hold a forward reference that leads nowhere: {error}", "nodes are fitted to each other by their annotations",
            "import the name at the top of the module, not only for type checking",
        ))  # fmt: skip
        return None
    for parameter, expected in RESERVED.items():
        given = found.parameters.get(parameter)
        if given is None or given.annotation is NOTHING or _takes(given.annotation, parameter, expected):
            continue
        problems.append(Problem(
            "BG555", f"uses '{title}.{name}', whose parameter '{parameter}' is annotated with an incompatible type: {shown(given.annotation)}",
            f"it is given a {shown(expected)}", f"annotate it so, or rename '{parameter}'",
        ))  # fmt: skip
    return found


def _takes(annotation: Any, parameter: str, expected: Any) -> bool:
    if fits(expected, annotation):
        return True
    if parameter != "model_storage":
        return False
    return any(hasattr(each, "write_to") and hasattr(each, "read_from") for each in members(annotation))


def _config(config: Mapping[str, Any]) -> Iterator[Problem]:
    """What keeps a config from being hashed, or from being written into a model's metadata."""
    try:
        encode_value(dict(config))
        unsaid = _not_json(config, "")
    except EncodingError as error:
        unsaid = f"{error.path}: {error.problem}" if error.path else error.problem
    if unsaid:
        yield Problem(
            "BG565", f"has a config that cannot be kept, because of {unsaid}", "a config is part of a node's fingerprint and of the model's metadata, which is JSON",
            "use text, numbers, booleans, None, lists, and dicts whose keys are text",
        )  # fmt: skip


def _not_json(value: Any, path: str) -> str:
    """The first part of an encodable value that JSON cannot say; empty when there is none."""
    if isinstance(value, Mapping):
        parts = [(each, f"{path}.{key}" if path else str(key)) for key, each in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(each, f"{path}[{number}]") for number, each in enumerate(value)]
    elif value is None or isinstance(value, str | bool | int):
        return ""
    elif isinstance(value, float):
        return "" if value - value == 0 else f"{path}: {value} is no number of JSON"
    else:
        return f"{path}: a {type(value).__name__}"
    return next(filter(None, (_not_json(each, step) for each, step in parts)), "")


def shown(annotation: Any) -> str:
    """An annotation as people write it."""
    return annotation.__qualname__ if isinstance(annotation, type) and not hasattr(annotation, "__args__") else str(annotation).replace("typing.", "")


def as_error(problem: Problem, name: str, schema: str) -> GraphSchemaValidationException:
    return GraphSchemaValidationException(f"node '{name}' {problem.text}", code=problem.code, where=f"node '{name}' of the {schema} schema", why=problem.why, fix=problem.fix)


def of_component(node: SchemaNode, component: Component, *, trained: bool) -> Iterator[Problem]:
    """What is wrong with a node's class and config."""
    yield from component.problems
    yield from _config(node.config)
    returns = component.returns
    if trained and returns is not NOTHING and not (node.is_input or node.policy.codec or can_be_kept(returns)):
        yield Problem(
            "BG557", f"returns a {shown(returns)}, which is not fingerprintable and cannot be stored", "a training keeps what nodes return, to find out what has to run again",
            "return plain data, an array, a table, a Path or a Resource; or give the class to_cache and from_cache; or set policy.codec",
        )  # fmt: skip


def of_needs(node: SchemaNode, component: Component, returned: Callable[[str], Any]) -> Iterator[Problem]:
    """What is wrong between a node's `needs` and the signatures of its constructor and method.

    `returned` tells what a parent or placeholder returns, NOTHING when nobody knows.
    """
    constructor, method = component.constructor, component.method
    if constructor is None or method is None:
        return
    own = {} if node.eager else constructor.parameters
    left = [name for name in node.needs if name not in own and name != "resource"]  # a resource is for the constructor
    for name, parameter in constructor.parameters.items():
        if not parameter.required or name in RESERVED or (name in node.needs and not node.eager):
            continue
        if node.eager:
            yield Problem(
                "BG558", f"is eager, and its constructor '{node.constructor_name}' requires the param '{name}', which is used during training",
                "an eager component is constructed before there is anything to give to it", "set eager=False, or give the parameter a default",
            )  # fmt: skip
        else:
            yield _not_given(node.constructor_name, name, "give it in needs, or a default")
    for name, parameter in method.parameters.items():
        wrong = name in RESERVED and parameter.annotation is not NOTHING and not _takes(parameter.annotation, name, RESERVED[name])
        if not parameter.required or name in left or name == CONTEXT or wrong:
            continue
        taken = name in node.needs or name in RESERVED
        yield _not_given(node.fn, name, f"only the constructor is given '{name}': keep it there, or rename the parameter" if taken else "give it in needs, or a default")
    for name, parent in node.needs.items():
        if name not in own and name != "resource" and name not in method.parameters:
            if not method.collects:
                known = [each for each in (*own, *method.parameters) if each not in RESERVED]
                yield Problem(
                    "BG559", f"needs '{parent}' for the parameter '{name}', and '{component.used.__qualname__}' does not accept a parameter of that name",
                    f"its parameters are {', '.join(known) or 'none'}", nearest(name, known) or f"drop the need, or add the parameter to '{node.fn}'",
                )  # fmt: skip
            continue
        wanted = own.get(name) or method.parameters.get(name) or constructor.parameters.get(name)
        given = returned(parent)
        if wanted is None or wanted.annotation is NOTHING or given is NOTHING or fits(given, wanted.annotation):
            continue
        yield Problem(
            "BG560", f"expects an input of type {shown(wanted.annotation)} for '{name}', and '{parent}' returns {shown(given)}",
            "what a node returns has to be what the parameter takes", "name another node, or correct the annotation that is wrong",
        )  # fmt: skip


def _not_given(method: str, parameter: str, fix: str) -> Problem:
    return Problem("BG558", f"runs '{method}', which needs the param '{parameter}', and nobody gives it", "a parameter without a default is filled by what `needs` names", fix)
