"""Which annotated type fits where another is wanted; what an annotation leaves open always does."""

# Annotations in the field are written in every way that typing knows, so they are here.
# ruff: noqa: UP006, UP007, UP019, UP035, UP037, UP045

from __future__ import annotations

import collections.abc
import typing
from pathlib import Path, PurePath
from typing import (
    Annotated,
    Any,
    Callable,
    Dict,
    ForwardRef,
    Generic,
    Iterable,
    List,
    Literal,
    Mapping,
    NewType,
    Optional,
    Protocol,
    Sequence,
    Set,
    Text,
    Tuple,
    Type,
    TypedDict,
    TypeVar,
    Union,
)

import pytest

from buildgraph.trainer.validation.annotations import NOTHING, can_be_kept, promise_of
from buildgraph.trainer.validation.subtypes import fits

T = TypeVar("T")
Bound = TypeVar("Bound", bound=int)
Name = NewType("Name", str)


class Record(TypedDict):
    name: str


class Box(Generic[T]):
    """A generic class of one's own."""


class Full(Box[int]): ...


class Closes(Protocol):
    mode: str

    def close(self) -> None: ...


class File:
    def close(self) -> None: ...


class Odd:
    """An object that is not a type at all."""

    def __repr__(self) -> str:
        return "odd"


class Refuses(type):
    def __subclasscheck__(cls, other: type) -> bool:
        raise TypeError("no")


class Silent(metaclass=Refuses): ...


FIT = [
    (bool, int), (int, float), (int, complex), (bytearray, bytes), (str, Text), (Path, PurePath), (int, Any), (Any, int), (int, object), (None, type(None)),
    (None, Optional[int]), (int, Optional[int]), (int, int | str), (Union[int, bool], int), (Optional[int], Union[None, str, float]),
    (list[int], List[int]), (List[bool], Sequence[int]), (list, List[int]), (List[int], list), (list[Any], list[int]), (list[int], Iterable[Any]),
    (Dict[Text, int], Mapping[str, float]), (dict[str, int], Iterable[str]), (Set[int], collections.abc.Collection[int]), (str, Sequence[str]),
    (Tuple[int, ...], tuple[int, ...]), (tuple[int, bool], tuple[int, ...]), (tuple[int, bool], Sequence[int]), (tuple[int, str], Tuple[int, str]), (tuple[int, ...], tuple[int, int, int]),
    (Literal["a"], str), (Literal["a"], Literal["a", "b"]), (str, Literal["a"]), (Literal[1, True], int),
    (Name, str), (str, Name), (list[Name], list[str]), (Annotated[int, "seconds"], int), (int, Annotated[float, 1]), (typing.Final[int], int),
    (T, int), (int, T), (bool, Bound), (Record, dict), (dict[str, str], Record), (Record, Mapping[str, Any]),
    (File, Closes), (Full, Box[int]), (Box[int], Box), (Full, Box[str]), (Type[bool], Type[int]), (type[int], type), (type[int], Callable[..., Any]), (Callable[[int], str], Callable[..., Any]),
    (ForwardRef("Unknown"), int), (int, "Unknown"), (3, int), (int, 3), (Odd(), int), (int, Silent), (typing.NoReturn, int), (int, [int]), (typing.Never, str),
]  # fmt: skip
MISFIT = [
    (int, str), (float, int), (int, bool), (None, int), (int, None), (object, int), (Optional[int], int), (int | str, int), (list[int], list[str]), (List[int], Set[int]),
    (list[int], Mapping[str, int]), (dict[str, int], dict[str, str]), (dict[str, int], Iterable[int]), (tuple[int, str], tuple[int, ...]), (tuple[int, str], tuple[int, int]), (tuple[int], tuple[int, int]), (tuple[str, ...], tuple[int, int]),
    (Literal["a"], int), (Literal["a", "c"], Literal["a", "b"]), (int, Literal["a"]), (Name, int), (list[Name], list[int]), (str, Bound), (int, Record), (Odd, Closes), (Box[int], Box[str]),
    (Type[str], Type[int]), (int, Type[int]), (int, Callable[[], int]), (list[list[int]], list[list[str]]), (Annotated[str, 1], int), (Sequence[int], list[int]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), FIT, ids=str)
def test_it_fits(given: Any, wanted: Any) -> None:
    assert fits(given, wanted)


@pytest.mark.parametrize(("given", "wanted"), MISFIT, ids=str)
def test_it_does_not_fit(given: Any, wanted: Any) -> None:
    assert not fits(given, wanted)


@pytest.mark.parametrize("kind", [given for given, wanted in FIT + MISFIT] + [wanted for given, wanted in FIT + MISFIT], ids=str)
def test_every_annotation_can_be_asked_whether_it_can_be_kept(kind: Any) -> None:
    """Whatever it is: yes or no, never an exception."""
    assert can_be_kept(kind) in (True, False)


@pytest.mark.parametrize(
    ("library", "name", "kept"),
    [("numpy", "ndarray", True), ("numpy", "float32", True), ("pandas", "DataFrame", True), ("pandas", "Series", False), ("sklearn.linear_model", "LogisticRegression", True), ("scipy.sparse", "csr_matrix", False)],
)  # fmt: skip
def test_what_the_engine_stores_of_other_libraries_can_be_kept(library: str, name: str, kept: bool) -> None:
    kind = getattr(pytest.importorskip(library), name)
    assert can_be_kept(kind) is kept
    assert can_be_kept(dict[str, kind]) is kept


class Methods:
    def plain(self, a: int, b: str = "", *rest: int, c: "float", **more: int) -> "list[int]": ...

    def optional(self, a: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013 - as many are written

    def odd(self, a: 3 = None, b: [int] = 0) -> [int, 4]: ...  # type: ignore[valid-type]  # the point

    @staticmethod
    def static(a: int): ...  # type: ignore[no-untyped-def]  # the point

    @classmethod
    def of_class(cls, a, /, b: int) -> Any: ...  # type: ignore[no-untyped-def]  # the point

    built_in = dict.get


def test_a_signature_is_read_as_its_caller_sees_it() -> None:
    """Without self and cls, with what strings mean, and with what is given by position alone left out."""
    plain = promise_of(Methods, "plain")
    assert {name: (each.annotation, each.required) for name, each in plain.parameters.items()} == {"a": (int, True), "b": (str, False), "c": (float, True)}
    assert plain.collects
    assert plain.returns == list[int]
    assert fits(None, promise_of(Methods, "optional").parameters["a"].annotation)
    assert promise_of(Methods, "optional").returns is type(None)
    assert list(promise_of(Methods, "static").parameters) == ["a"]
    assert promise_of(Methods, "static").returns is NOTHING
    assert list(promise_of(Methods, "of_class").parameters) == ["b"]
    assert not promise_of(Methods, "of_class").collects
    assert list(promise_of(Methods, "odd").parameters) == ["a", "b"]
    assert promise_of(Methods, "built_in").returns is NOTHING
