"""What the signature of a component's method promises: its parameters, what it returns, and whether that can be kept."""

from __future__ import annotations

import collections.abc
import typing
from collections.abc import Mapping
from types import NoneType
from typing import Any, Final, NamedTuple

from buildgraph.trainer.validation.subtypes import bare, is_protocol, is_typed_dict, members

NOTHING: Final = object()  # where a parameter or a return value has no annotation


class Parameter(NamedTuple):
    """A parameter that can be given by its name."""

    annotation: Any
    required: bool


class Promise(NamedTuple):
    """A signature: parameters without `self`, `cls`, `*args` and `**kwargs`; `collects` says whether there is the last."""

    parameters: Mapping[str, Parameter]
    collects: bool
    returns: Any


class UnknownName(Exception):  # noqa: N818 - what was found
    """An annotation names what cannot be found where it stands."""


def promise_of(owner: type, method: str) -> Promise:
    """The signature of a method of the class `owner`, as its caller sees it. Raises UnknownName.

    A method without a readable signature (built in, wrapped in something odd) takes and returns anything.
    """
    import inspect  # slow to import

    function = getattr(owner, method)
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return Promise({}, True, Any)
    if inspect.isfunction(function) and not isinstance(inspect.getattr_static(owner, method), staticmethod):
        parameters = parameters[1:]  # self
    hints = _hints(function)
    taken = {
        each.name: Parameter(_annotation(hints, each.name, each.default), each.default is each.empty)
        for each in parameters
        if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    }
    return Promise(taken, any(each.kind is each.VAR_KEYWORD for each in parameters), hints.get("return", NOTHING))


def _annotation(hints: Mapping[str, Any], name: str, default: Any) -> Any:
    """The annotation of a parameter; it takes None as well when that is its default."""
    found = hints.get(name, NOTHING)
    if default is not None or found is NOTHING:
        return found
    try:
        return typing.Optional[found]  # noqa: UP045 - of any annotation
    except TypeError:  # it is no type
        return found


def _hints(function: Any) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function)
    except NameError as error:
        raise UnknownName(str(error)) from error
    except AttributeError as error:  # a name inside a module or class
        raise UnknownName(str(error)) from error
    except Exception:  # noqa: BLE001 - annotations are evaluated: they may do anything, and say nothing then
        return dict.fromkeys(getattr(function, "__annotations__", {}), Any)


_PLAIN: Final = (NoneType, bool, int, float, str, bytes, bytearray, list, dict, tuple, set, frozenset)
_STORED: Final = frozenset(("pandas.DataFrame", "pyarrow.Table"))
_LIBRARIES: Final = frozenset(("numpy", "datetime", "pathlib"))
_RUN_ONCE: Final = (
    collections.abc.Callable, collections.abc.Iterator, collections.abc.Generator, collections.abc.Awaitable,
    collections.abc.AsyncIterable, collections.abc.Coroutine,
)  # fmt: skip


def can_be_kept(annotation: Any) -> bool:
    """Whether a value of this type can be stored between runs, or says by a fingerprint of its own whether it changed.

    Plain data, text, bytes, arrays, tables, paths, estimators of scikit-learn, resources, and every class with
    `to_cache` and `from_cache`, or with `fingerprint`; lists and other containers of these. What an annotation leaves
    open (Any, abstract classes, protocols) is found out when there is a value.
    """
    if len(members(annotation)) > 1:
        return all(map(can_be_kept, members(annotation)))
    kind = bare(annotation)
    origin = typing.get_origin(kind)
    if origin is typing.Literal or kind is Any:
        return True
    if origin is not None and isinstance(origin, type):
        arguments = [each for each in typing.get_args(kind) if each is not ...]
        inner = issubclass(origin, collections.abc.Iterable) and not _has_own_form(origin)
        return can_be_kept(origin) and (not inner or all(map(can_be_kept, arguments)))
    return not isinstance(kind, type) or _class_can_be_kept(kind)


def _class_can_be_kept(kind: type) -> bool:
    if kind in _PLAIN or kind is object or is_typed_dict(kind) or _has_own_form(kind):
        return True
    library = kind.__module__.partition(".")[0]
    if library in _LIBRARIES or f"{library}.{kind.__name__}" in _STORED:
        return True
    if any(each.__name__ == "BaseEstimator" and each.__module__ == "sklearn.base" for each in kind.__mro__):
        return True
    if kind in _RUN_ONCE:
        return False
    return is_protocol(kind) or bool(getattr(kind, "__abstractmethods__", ()))


def _has_own_form(kind: type) -> bool:
    cached = all(callable(getattr(kind, name, None)) for name in ("to_cache", "from_cache"))
    return cached or callable(getattr(kind, "fingerprint", None))
