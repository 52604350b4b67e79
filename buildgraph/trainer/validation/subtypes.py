"""Whether a value of one annotated type fits where another is wanted, as far as annotations can tell; what they cannot tell fits."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, Final

_NEVER: Final = (typing.NoReturn, typing.Never)
_PROMOTED: Final = {float: (int,), complex: (int, float), bytes: (bytearray, memoryview)}
_OF_ALL_PROTOCOLS: Final = frozenset(("__init__", "__init_subclass__", "__subclasshook__", "__class_getitem__"))
_WRAPPERS: Final = frozenset(("Annotated", "Final", "ClassVar", "Required", "NotRequired"))


def fits(given: Any, wanted: Any) -> bool:
    """Whether a value annotated `given` may be handed to what is annotated `wanted`; what nobody knows may be."""
    try:
        return _fits(bare(given), bare(wanted))
    except (TypeError, AttributeError, ValueError, RecursionError):  # an annotation of a kind that is not known here
        return True


def bare(annotation: Any) -> Any:
    """`annotation` without what says nothing of the type: Annotated, NewType, aliases, bounds of variables; else Any."""
    while True:
        if annotation is None:
            return type(None)
        if type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif getattr(typing.get_origin(annotation), "_name", None) in _WRAPPERS or typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, typing.TypeVar):
            if annotation.__bound__ is None:
                return Any
            annotation = annotation.__bound__
        else:
            known = isinstance(annotation, type) or typing.get_origin(annotation) is not None or _is_never(annotation)
            return annotation if known else Any


def members(annotation: Any) -> tuple[Any, ...]:
    """The types of which a value has one: those of a union, or the annotation itself."""
    annotation = bare(annotation)
    return typing.get_args(annotation) if typing.get_origin(annotation) in (typing.Union, types.UnionType) else (annotation,)


def is_typed_dict(kind: Any) -> bool:
    return typing.is_typeddict(kind)


def is_protocol(kind: Any) -> bool:
    return bool(getattr(kind, "_is_protocol", False))


def _is_never(annotation: Any) -> bool:
    return any(annotation is each for each in _NEVER)


def _fits(given: Any, wanted: Any) -> bool:
    if given is Any or wanted is Any or wanted is object or given is wanted or _is_never(given):
        return True
    if len(members(given)) > 1:
        return all(_fits(bare(each), wanted) for each in members(given))
    if len(members(wanted)) > 1:
        return any(_fits(given, bare(each)) for each in members(wanted))
    of_given, of_wanted = typing.get_origin(given) or given, typing.get_origin(wanted) or wanted
    if of_given is typing.Literal:
        values = typing.get_args(given)
        if of_wanted is typing.Literal:
            return all(value in typing.get_args(wanted) for value in values)
        return all(_fits(type(value), wanted) for value in values)
    if of_wanted is typing.Literal:
        return any(_fits(given, type(value)) for value in typing.get_args(wanted))
    if not (isinstance(of_given, type) and isinstance(of_wanted, type)):
        return True
    return _is_subclass(of_given, of_wanted) and _arguments_fit(of_given, typing.get_args(given), of_wanted, typing.get_args(wanted))


def _arguments_fit(of_given: type, given: tuple[Any, ...], of_wanted: type, wanted: tuple[Any, ...]) -> bool:
    if not given or not wanted:
        return True
    if of_given is tuple:
        if of_wanted is not tuple or wanted[-1] is ...:
            return all(fits(each, wanted[0]) for each in given if each is not ...)
        if given[-1] is ...:
            return all(fits(given[0], each) for each in wanted)
        return len(given) == len(wanted) and all(map(fits, given, wanted))
    if len(given) == len(wanted):
        return all(map(fits, given, wanted))
    return not issubclass(of_given, Mapping) or fits(given[0], wanted[0])


def _is_subclass(given: type, wanted: type) -> bool:
    if is_typed_dict(wanted):
        return issubclass(given, Mapping)
    if is_protocol(wanted) and wanted not in given.__mro__:
        return all(hasattr(given, name) for name in _methods(wanted))
    try:
        return issubclass(given, wanted) or issubclass(given, _PROMOTED.get(wanted, ()))
    except TypeError:  # a class that does not answer
        return True


def _methods(protocol: type) -> list[str]:
    """Methods and properties that a protocol asks for. Its plain attributes may be set in a constructor: nobody knows."""
    found = []
    for each in protocol.__mro__:
        if each.__dict__.get("_is_protocol"):
            kinds = (types.FunctionType, classmethod, staticmethod, property)
            found += [name for name, value in vars(each).items() if isinstance(value, kinds) and name not in _OF_ALL_PROTOCOLS]
    return found
