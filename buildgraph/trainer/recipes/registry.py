"""What a recipe knows of components: which kind each is, and where its class lies; shipped, registered, or named by path."""

from __future__ import annotations

import enum
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from buildgraph.component import GraphComponent
from buildgraph.trainer.errors import DefaultV1RecipeRegisterException, InvalidConfigException

GROUP: Final = "buildgraph.components"  # entry points: tables of components, see `shipped`
Class = TypeVar("Class", bound=type)


class ComponentType(enum.Enum):
    """What a component does in a pipeline, or as a policy; it decides where its nodes are in the graphs."""

    MESSAGE_TOKENIZER = "message tokenizer"
    MESSAGE_FEATURIZER = "message featurizer"
    INTENT_CLASSIFIER = "intent classifier"
    ENTITY_EXTRACTOR = "entity extractor"
    POLICY_WITHOUT_END_TO_END_SUPPORT = "policy"
    POLICY_WITH_END_TO_END_SUPPORT = "policy that learns from texts"
    MODEL_LOADER = "model loader"


PREPROCESSORS: Final = frozenset({ComponentType.MESSAGE_TOKENIZER, ComponentType.MESSAGE_FEATURIZER})
PREDICTORS: Final = frozenset({ComponentType.INTENT_CLASSIFIER, ComponentType.ENTITY_EXTRACTOR})
POLICIES: Final = frozenset({ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, ComponentType.POLICY_WITH_END_TO_END_SUPPORT})


@dataclass(frozen=True, slots=True)
class RegisteredComponent:
    """A component as a recipe sees it. `uses` is its class, or `module:Class` for one that was not imported.

    `model_from` is the name of the model loader whose model its methods take as `model`.
    """

    name: str
    uses: str | type
    types: frozenset[ComponentType]
    is_trainable: bool
    model_from: str | None = None

    @property
    def is_policy(self) -> bool:
        return bool(self.types & POLICIES)

    def clazz(self) -> type:
        """Its class, imported if it was not. Raises InvalidConfigException (BG532)."""
        return imported(*self.uses.split(":", 1)) if isinstance(self.uses, str) else self.uses


class Registry:
    """Components by the bare names of their classes. A later one of a name replaces the earlier."""

    def __init__(self) -> None:
        self._own: dict[str, RegisteredComponent] = {}

    def register(
        self, component_types: ComponentType | Iterable[ComponentType], is_trainable: bool, model_from: str | None = None
    ) -> Callable[[Class], Class]:
        """A class decorator that makes a component known by its name.

        It raises DefaultV1RecipeRegisterException (BG537) for a class that is no component.
        """
        types = frozenset([component_types] if isinstance(component_types, ComponentType) else component_types)

        def decorate(clazz: Class) -> Class:
            if not (isinstance(clazz, type) and issubclass(clazz, GraphComponent)):
                raise DefaultV1RecipeRegisterException(
                    f"'{getattr(clazz, '__name__', clazz)}' is registered and is no component", code="BG537",
                    why="a recipe builds graphs of components, and those are subclasses of GraphComponent",
                    fix="derive the class from buildgraph.GraphComponent",
                )  # fmt: skip
            self._own[clazz.__name__] = RegisteredComponent(clazz.__name__, clazz, types, is_trainable, model_from)
            return clazz

        return decorate

    def known(self) -> dict[str, RegisteredComponent]:
        """All components that a bare name can mean, now: the shipped ones, and over them those registered here."""
        return {**shipped(), **self._own}

    def of_class(self, clazz: type) -> RegisteredComponent:
        """What was registered for a class, else what its methods say it is. Raises InvalidConfigException (BG532)."""
        known = self._own.get(clazz.__name__)
        return known if known is not None and known.uses is clazz else deduced(clazz)


def shipped() -> dict[str, RegisteredComponent]:
    """The components of all installed tables, by name. The tables name classes; no class is imported.

    A table is an entry point of the group `buildgraph.components`: a dict from the name of a class to a dict of `uses`
    (`module:Class`), `types` (names of component types), `is_trainable`, and perhaps `model_from`.
    """
    from importlib.metadata import entry_points

    found: dict[str, RegisteredComponent] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        table: Mapping[str, Mapping[str, Any]] = point.load()
        for name, row in table.items():
            types = frozenset(ComponentType[each] for each in row["types"])
            found[name] = RegisteredComponent(name, row["uses"], types, row["is_trainable"], row.get("model_from"))
    return found


def imported(module: str, name: str) -> type:
    """The component class `name` of `module`. Raises InvalidConfigException (BG532), with its cause."""
    path = f"{module}.{name}"
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise _unusable(path, f"importing '{module}' fails: {error}", "correct the path, or install the package") from error
    except (Exception, SystemExit) as error:  # importing runs other people's code, which may raise anything
        raise _unusable(path, f"importing '{module}' raises {type(error).__name__}: {error}", f"correct the module '{module}'") from error
    clazz: Any = found
    for part in name.split("."):
        clazz = getattr(clazz, part, None)
    if clazz is None:
        raise _unusable(path, f"the module '{module}' has no '{name}'", f"define '{name}' there, or correct the path")
    if not (isinstance(clazz, type) and issubclass(clazz, GraphComponent)):
        raise _unusable(path, "it is not a subclass of GraphComponent", "derive it from buildgraph.GraphComponent")
    return clazz


def deduced(clazz: type) -> RegisteredComponent:
    """What a class without a registration is, from its methods. Raises InvalidConfigException (BG532) if they do not say."""
    methods = {name for name in ("provide", "train", "process_training_data", "process", "predict_action_probabilities") if callable(getattr(clazz, name, None))}
    types = set()
    if "predict_action_probabilities" in methods:
        types.add(ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT)
    elif "process_training_data" in methods:
        types.add(ComponentType.MESSAGE_FEATURIZER)
    elif "process" in methods:
        types.add(ComponentType.INTENT_CLASSIFIER)
    if "provide" in methods:
        types.add(ComponentType.MODEL_LOADER)
    if not types:
        raise _unusable(
            f"{clazz.__module__}.{clazz.__qualname__}", "none of its methods says what it is for",
            "define 'process' (and 'train', 'process_training_data'), 'provide' or 'predict_action_probabilities', or register the class",
        )  # fmt: skip
    return RegisteredComponent(clazz.__name__, clazz, frozenset(types), "train" in methods)


def _unusable(path: str, why: str, fix: str) -> InvalidConfigException:
    return InvalidConfigException(f"'{path}' cannot be used as a component", code="BG532", why=why, fix=fix)
