"""What authors of rules use: `@rule` turns a function that returns schema nodes into one that declares them.

    @rule
    def group(package: Package, name: str, deps: Sequence[str]) -> Mapping[str, SchemaNode]: ...

In a build file `group(name="x", deps=[":a"])` registers the nodes in the package that is being evaluated and returns
the label of `name`. The annotations of the function are what its arguments are checked against.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import wraps
from typing import Any, Final, NoReturn

from buildgraph.errors import Place, UsageError, nearest
from buildgraph.label import check_name, join, resolve
from buildgraph.schema import GraphSchema, SchemaNode

RESERVED: Final = frozenset(("all", "..."))  # `//package:all` and `//package/...` are patterns
_evaluated: ContextVar[Package | None] = ContextVar("evaluated_package", default=None)


class Package:
    """A package while it is evaluated: collects what its build file declares, and from which line.

    `path` is the folder relative to the workspace root, "" for the root itself; `file` is how messages name the build
    file, `filename` how its frames do. `nodes` and `lines` are keyed by full label, in the order of declaration.
    """

    __slots__ = ("_spelling", "file", "filename", "lines", "nodes", "path")

    def __init__(self, path: str, *, file: str = "", filename: str = "") -> None:
        self.path = path
        self.file = file
        self.filename = filename
        self.nodes: dict[str, SchemaNode] = {}
        self.lines: dict[str, int] = {}
        self._spelling: dict[str, str] = {}

    @classmethod
    @contextmanager
    def evaluating(cls, path: str = "", *, file: str = "", filename: str = "") -> Iterator[Package]:
        """A package that rules called inside the `with` block declare their targets in.

        Without `file` and `filename`, declarations are placed where the rule is called.
        """
        if not filename:
            filename = sys._getframe(2).f_code.co_filename
        package = cls(path, file=file or filename, filename=filename)
        token = _evaluated.set(package)
        try:
            yield package
        finally:
            _evaluated.reset(token)

    def resolve(self, text: str) -> str:
        """The full label that `text` means in this package. Raises UsageError (BG011)."""
        if text.startswith(":") and _is_plain(text[1:]):  # nearly all are
            return f"//{self.path}{text}"
        return resolve(text, self.path)

    def label(self, name: str) -> str:
        """The full label of the target `name` of this package."""
        return join(self.path, name)

    def schema(self) -> GraphSchema:
        """All that was declared so far."""
        return GraphSchema(dict(self.nodes))

    def place(self, line: int = 0, note: str = "") -> Place:
        """`line` of the build file (default: the one being evaluated) for a message."""
        return source_place(self.filename, self.file, line or self._line(), note)

    def declare(self, nodes: Mapping[str, SchemaNode]) -> None:
        """Register `nodes` by target name, or by `@tool` label, which others may repeat. Raises UsageError."""
        line = self._line()
        for name, node in nodes.items():
            if name.startswith("@"):
                if self.nodes.setdefault(name, node) != node:
                    raise tool_conflict(name, self.place(self.lines[name]), self.place(line))
                self.lines.setdefault(name, line)
                continue
            label = f"//{self.path}:{name}"
            try:
                if not _is_plain(name) or name in RESERVED:
                    check_target_name(name)
                node = with_labels(node, self.path)
            except UsageError as error:
                raise _placed(error, self.place(line)) from None
            if self._spelling.setdefault(label.lower(), label) != label or label in self.nodes:
                known = self._spelling[label.lower()]
                raise name_taken(label, known, self.place(self.lines[known], "first"), self.place(line, "again"))
            self.nodes[label] = node
            self.lines[label] = line

    def _line(self) -> int:
        """The line of the innermost frame that lies in the build file; 0 when there is none."""
        filename = self.filename
        frame = sys._getframe(1)
        while frame.f_code.co_filename != filename:
            if frame.f_back is None:
                return 0
            frame = frame.f_back
        return frame.f_lineno


def rule(function: Callable[..., Mapping[str, SchemaNode]]) -> Callable[..., str]:
    """The rule that `function` implements: it takes the package and the rule's arguments, and returns nodes by name."""
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    positional = names[: code.co_argcount - 1]
    optional = {*positional[len(positional) - len(function.__defaults__ or ()) :], *(function.__kwdefaults__ or ())}
    required = tuple(name for name in names if name not in optional)
    kinds = {name: _Kind(function.__annotations__.get(name, "Any")) for name in names}
    title = function.__name__

    @wraps(function)
    def declare(*args: Any, **given: Any) -> str:
        package = _evaluated.get()
        if package is None:
            raise UsageError(
                f"rule '{title}' was called outside of a build file",
                code="BG030",
                why="a rule declares targets in the package being evaluated",
                fix="call it in a BUILD.py, or inside `with Package.evaluating(...):`",
            )
        if args:
            if len(args) > len(positional) or any(name in given for name in positional[: len(args)]):
                _refuse_call(
                    package,
                    title,
                    names,
                    f"got {len(args)} values without a name and {len(given)} with one",
                    "name each argument",
                )
            given = {**dict(zip(positional, args, strict=False)), **given}
        for name, value in given.items():
            kind = kinds.get(name)
            if kind is None:
                _refuse_call(
                    package, title, names, f"does not take '{name}'", nearest(name, names) or f"remove {name}="
                )
            if type(value) not in kind.simple and not kind.accepts(value):
                _refuse_value(package, title, given.get("name"), name, value, kind)
        for name in required:
            if name not in given:
                _refuse_call(package, title, names, f"needs '{name}'", f"add {name}=")
        try:
            nodes = function(package, **given)
        except UsageError as error:
            raise _placed(error, package.place()) from error
        name = given["name"]
        if not isinstance(nodes, Mapping) or name not in nodes:
            raise UsageError(
                f"rule '{title}' did not return a node for '{name}'",
                code="BG033",
                where=package.place(),
                why="a rule returns a mapping from target names to schema nodes, and its own name is among them",
                fix=f"return {{name: SchemaNode(...)}} in the rule '{title}'",
            )
        package.declare(nodes)
        return f"//{package.path}:{name}"

    return declare


class _Kind:
    """What the annotation of a rule's parameter admits, as far as plain types go; anything else admits all."""

    __slots__ = ("element", "keys", "simple", "text", "types")

    def __init__(self, annotation: object) -> None:
        text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "Any")
        if not isinstance(annotation, str) and hasattr(annotation, "__args__"):
            text = str(annotation)
        self.text = text
        types: set[type] = set()
        self.element = self.keys = False
        for part in _alternatives(text):
            head, _, inner = part.partition("[")
            known = _TYPES.get(head.rpartition(".")[2])
            if known is None:
                types = set()
                break
            types.update(known)
            self.element = self.element or (dict not in known and inner in ("str]", "str, ...]"))
            self.keys = self.keys or (dict in known and inner.startswith("str,"))
        self.types = frozenset(types)
        self.simple = self.types & _ATOMS  # values of these need no look inside

    def accepts(self, value: object) -> bool:
        kind = type(value)
        if self.types and kind not in self.types and (kind is bool or not isinstance(value, tuple(self.types))):
            return False  # a bool is an int to Python, not to us
        if self.element if kind is list or kind is tuple else self.keys and kind is dict:
            for each in value:  # type: ignore[attr-defined] # a list, tuple or dict
                if not isinstance(each, str):
                    return False
        return True

    def words(self) -> str:
        """The kind as a reader of the message would say it."""
        parts = [
            (part.partition("[")[0].rpartition(".")[2], part.endswith("[str]")) for part in _alternatives(self.text)
        ]
        return " or ".join(_a(_WORDS.get(head, head)) + (" of str" if of_str else "") for head, of_str in parts)


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "str": (str,),
    "bytes": (bytes,),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "None": (type(None),),
    "Sequence": (list, tuple),
    "list": (list, tuple),
    "tuple": (tuple, list),
    "Iterable": (list, tuple, set, frozenset, dict),
    "Mapping": (dict,),
    "dict": (dict,),
}
_ATOMS: Final = frozenset((str, bytes, bool, int, float, type(None)))
_WORDS: Final = {"Sequence": "list", "Iterable": "list", "Mapping": "dict", "float": "number"}


def _alternatives(text: str) -> list[str]:
    """The parts of `A | B[C | D]` that are not inside brackets."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character == "[") - (character == "]")
        if character == "|" and not depth:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _a(word: str) -> str:
    return word if word == "None" else f"an {word}" if word[0] in "aeiou" else f"a {word}"


def _is_plain(name: str) -> bool:
    """Whether `name` is so simple that it is a valid name without looking closer."""
    return name.isidentifier() and name.isascii() and len(name) < 100


def check_target_name(name: str) -> str:
    """`name` if a declared target may have it. Raises UsageError (BG010)."""
    check_name(name)
    if name in RESERVED:
        raise UsageError(
            f"'{name}' cannot be the name of a target",
            code="BG010",
            why="it is reserved: patterns use it",
            fix="choose another name, such as 'everything'",
        )
    return name


def with_labels(node: SchemaNode, package: str) -> SchemaNode:
    """`node` with every need written as a full label. Raises UsageError (BG011)."""
    for need in node.needs.values():
        if ":" not in need or need[0] not in "/@":
            return replace(node, needs={parameter: resolve(each, package) for parameter, each in node.needs.items()})
    return node


def source_place(filename: str, shown: str, line: int, note: str = "") -> Place:
    """The place `shown:line` with the text of that line, read from `filename`; without text when it cannot be read."""
    text = ""
    try:
        if line:
            with open(filename, encoding="utf-8", errors="replace") as file:
                text = next((each for number, each in enumerate(file, 1) if number == line), "")
    except OSError:
        pass
    return Place(shown, line, note, text.strip())


def name_taken(label: str, known: str, first: Place, again: Place) -> UsageError:
    """The error for a second declaration of a name, or of one that differs only in case or Unicode form."""
    if label == known:
        return UsageError(
            f"'{label}' is declared twice",
            code="BG024",
            where=(first, again),
            why="a label names exactly one target",
            fix="rename one of them, or remove the one that is not wanted",
        )
    return UsageError(
        f"'{label}' and '{known}' differ only in case or Unicode form",
        code="BG025",
        where=(first, again),
        why="their outputs would be the same folder on some machines",
        fix="give one of them a clearly different name",
    )


def tool_conflict(name: str, first: Place, again: Place) -> UsageError:
    return UsageError(
        f"tool '{name}' is declared in two different ways",
        code="BG026",
        where=(first, again),
        why="a label with @ means the same everywhere in a workspace",
        fix="declare it identically, or under two names",
    )


def _placed(error: UsageError, place: Place) -> UsageError:
    """`error` with `place` as where it happened, unless it already says so."""
    if not error.where:
        error.where = (place,)
    return error


def _refuse_call(package: Package, title: str, names: tuple[str, ...], problem: str, fix: str) -> NoReturn:
    raise UsageError(
        f"rule '{title}' {problem}",
        code="BG031",
        where=package.place(),
        why=f"its arguments are: {', '.join(names)}",
        fix=fix,
    )


def _refuse_value(package: Package, title: str, target: object, name: str, value: object, kind: _Kind) -> NoReturn:
    fix = f"write {name}=[{value!r}]" if isinstance(value, str) and list in kind.types else f"pass {kind.words()}"
    found = "None" if value is None else _a(type(value).__name__)
    if type(value) in kind.types:  # then it is a container, and one of its elements is wrong
        wrong = next(each for each in value if not isinstance(each, str))  # type: ignore[attr-defined] # a container
        found = f"{found} with {wrong!r:.40} in it"
    raise UsageError(
        f"'{name}' of {title if name == 'name' else f'{title} {target!r}'} is {found}, not {kind.words()}",
        code="BG032",
        where=package.place(),
        why=f"{title} takes {name}: {kind.text}",
        fix=fix,
    )
