"""Cuts a module into pieces: its top-level definitions, and the statements that do something when it is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from buildgraph.code.dynamic import Dynamic, Import
from buildgraph.code.reading import read
from buildgraph.code.scopes import Reading, chain_of, is_type_checking
from buildgraph.digest import Digest

FUNCTION, CLASS, VARIABLE, BLOCK, EFFECT = "function", "class", "variable", "block", "effect"
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS: Final = (*_DEFINITIONS, ast.Lambda)
_ASSIGNMENTS: Final = (ast.Assign, ast.AnnAssign, ast.AugAssign)
# What these make is not changed later by being used, so nothing registers in it.
_FROZEN_MAKERS: Final = frozenset((
    "Decimal", "Fraction", "NewType", "ParamSpec", "Path", "PurePath", "TypeVar", "attrgetter", "compile", "frozenset", "getLogger", "itemgetter",
    "namedtuple", "partial", "timedelta", "tuple",
))  # fmt: skip


class Alias(NamedTuple):
    """A name that an import binds in the module: `module` with `level` dots, `attribute` "" for the module itself."""

    name: str
    level: int
    module: str
    attribute: str
    piece: int  # the block it stands in, or -1
    after: int = 0  # how many pieces come before it


class Piece(NamedTuple):
    """One top-level statement of a module. Names are chains as written, rooted in names of the module.

    `always` says that it counts once its module is imported. The three `import_` fields are what runs when the module
    is imported: receivers that it may change, arguments it hands over, and what it calls. `levels` say the same of the
    functions in it.
    """

    kind: str
    names: tuple[str, ...]
    digest: Digest
    loud: Digest  # with docstrings
    first: int
    last: int
    reads: tuple[str, ...] = ()
    takes: tuple[tuple[int, str, str, str], ...] = ()
    imports: tuple[Import, ...] = ()
    literal: tuple[Import, ...] = ()
    dynamic: tuple[Dynamic, ...] = ()
    environment: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    always: bool = False
    frozen: bool = False
    decorators: tuple[str, ...] = ()
    import_touches: tuple[str, ...] = ()
    import_passes: tuple[str, ...] = ()
    import_calls: tuple[str, ...] = ()
    levels: tuple[tuple[tuple[str, ...], ...], ...] = ()  # see `scopes.Level`
    bases: tuple[str, ...] = ()
    metaclass: str = ""
    hooks: bool = False  # a class with `__init_subclass__`, which runs when it is derived from
    guard: int = -1  # the block it stands in

    @property
    def title(self) -> str:
        """What people call it: its first name, or what it is."""
        return self.names[0] if self.names else f"<{self.kind}>"


class Cut(NamedTuple):
    """A module cut into pieces, with what its imports bind and the modules that importing it imports."""

    pieces: list[Piece]
    aliases: list[Alias]
    stars: list[tuple[int, str, int]]  # level, module, how many pieces come before
    imports: list[Import]


def cut(tree: ast.Module, *, real: Mapping[str, str]) -> Cut:
    """The pieces of a module. `real` maps names to the importers and loaders that they mean."""
    lazy = any(isinstance(s, ast.ImportFrom) and s.module == "__future__" and any(a.name == "annotations" for a in s.names) for s in tree.body)
    return _Cutter(real, lazy).cut(tree)


class _Cutter:
    def __init__(self, real: Mapping[str, str], lazy: bool) -> None:
        self._real = real
        self._lazy = lazy
        self._found = Cut([], [], [], [])
        self._own: set[str] = set()  # names that statements other than imports bind

    def cut(self, tree: ast.Module) -> Cut:
        first = tree.body[0] if tree.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            digest, _ = read(ast.Assign([ast.Name("__doc__", ast.Store())], first.value), real={}).digests()
            self._found.pieces.append(Piece(VARIABLE, ("__doc__",), digest, digest, first.lineno, first.end_lineno or first.lineno, frozen=True))
        self._statements(tree.body)
        return self._found

    def _statements(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, ast.If) and (is_type_checking(statement.test) or _is_main(statement.test)):
                self._statements(statement.orelse)  # the body never runs in an import
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                self._import(statement)
            elif not isinstance(statement, ast.Pass | ast.Global) and not _does_nothing(statement):
                self._piece(statement, -1)

    def _import(self, statement: ast.Import | ast.ImportFrom) -> None:
        reading = read(statement, real=self._real)
        self._bind_imports(reading, -1)

    def _bind_imports(self, reading: Reading, piece: int) -> None:
        self._found.imports.extend(reading.imports)
        after = len(self._found.pieces)
        for name, aliases in reading.module.aliases.items():
            if name == "*":
                self._found.stars.extend((level, module, after) for level, module, _ in aliases)
            else:
                self._found.aliases.extend(Alias(name, *alias, piece, after) for alias in aliases)

    def _piece(self, statement: ast.stmt, guard: int) -> None:
        reading = read(statement, real=self._real, split=not isinstance(statement, _DEFINITIONS), lazy_annotations=self._lazy)
        module = reading.module
        kind, always = self._classified(statement, reading)
        names = tuple(sorted(module.binds))
        number = len(self._found.pieces)
        if kind == BLOCK:
            self._bind_imports(reading, number)
        elif kind == FUNCTION:  # with `global`, an import in a function binds a name of the module
            self._found.aliases.extend(Alias(name, *alias, number, number) for name, aliases in module.aliases.items() for alias in aliases)
        is_class = isinstance(statement, ast.ClassDef)
        first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
        self._found.pieces.append(Piece(
            kind, names, *reading.digests(), first, statement.end_lineno or statement.lineno,
            tuple(sorted(module.loads)), tuple(sorted(reading.takes)),
            () if kind == BLOCK else tuple(sorted(set(reading.imports))), tuple(sorted(set(reading.literal_imports))),
            tuple(sorted(set(reading.dynamic))), tuple(sorted(reading.environment)),
            tuple(sorted(reading.strings)), tuple(sorted(reading.templates)), tuple(sorted(reading.marks)), always,
            kind == VARIABLE and all(_is_frozen(value) for value in _values(statement)),
            tuple(_decorator(each) for each in getattr(statement, "decorator_list", ())), tuple(sorted(module.touches)), tuple(sorted(module.passes)), tuple(sorted(module.calls)),
            _levels(reading), _bases(statement) if is_class else (), _metaclass(statement) if is_class else "",
            isinstance(statement, ast.ClassDef) and any(isinstance(s, ast.FunctionDef) and s.name == "__init_subclass__" for s in statement.body), guard,
        ))  # fmt: skip
        self._own.update(names)
        for inner in reading.nested:
            self._piece(inner, number)

    def _classified(self, statement: ast.stmt, reading: Reading) -> tuple[str, bool]:
        """What a statement is, and whether it counts whenever its module is imported."""
        if isinstance(statement, ast.ClassDef):
            return CLASS, False
        if isinstance(statement, _DEFINITIONS):
            return FUNCTION, False
        simple = list(_simple(statement))
        always = any(self._acts(each) for each in simple)
        if len(simple) == 1 and simple[0] is statement:
            return (VARIABLE if reading.module.binds else EFFECT), always
        return BLOCK, always

    def _acts(self, statement: ast.stmt) -> bool:
        """Whether a simple statement may do something else than bind names or change what the module defines."""
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass | ast.Break | ast.Continue | ast.Global) or _does_nothing(statement):
            return False
        if isinstance(statement, ast.Delete):
            return not all(self._is_own(target) for target in statement.targets)
        if isinstance(statement, _ASSIGNMENTS):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if all(isinstance(each, ast.Name) and set(each.id) == {"_"} for each in targets):
                return True  # assigned to be forgotten: it is made for what it does
            return not all(self._is_own(each) for target in targets for each in _unpacked(target))
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            function = statement.value.func
            return not (isinstance(function, ast.Attribute) and self._is_own(function))
        return True

    def _is_own(self, target: ast.expr) -> bool:
        """Whether storing to `target` only binds or changes a name that the module itself defines."""
        if isinstance(target, ast.Name):
            return True
        while isinstance(target, ast.Attribute | ast.Subscript):
            target = target.value
        return isinstance(target, ast.Name) and target.id in self._own


def _is_main(test: ast.expr) -> bool:
    """`__name__ == "__main__"`"""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = (test.left, test.comparators[0])
    names = [each.id for each in sides if isinstance(each, ast.Name)]
    return names == ["__name__"] and any(isinstance(each, ast.Constant) and each.value == "__main__" for each in sides)


def _does_nothing(statement: ast.stmt) -> bool:
    """A literal that stands alone: a string used as a comment, `...`."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _simple(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The simple statements that run when `statement` does, without those inside definitions."""
    bodies = [getattr(statement, name, None) for name in ("body", "orelse", "finalbody", "handlers", "cases")]
    if isinstance(statement, _DEFINITIONS):
        return
    if not any(bodies):
        yield statement
    elif isinstance(statement, ast.If) and is_type_checking(statement.test):
        for each in statement.orelse:
            yield from _simple(each)
    else:
        for body in bodies:
            for each in body or ():
                yield from _simple(each)


def _unpacked(target: ast.expr) -> Iterator[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        for each in target.elts:
            yield from _unpacked(each)
    else:
        yield target.value if isinstance(target, ast.Starred) else target


def _values(statement: ast.stmt) -> list[ast.expr | None]:
    return [statement.value] if isinstance(statement, ast.Assign | ast.AnnAssign) else [ast.Dict([], [])]


def _is_frozen(value: ast.expr | None) -> bool:
    """Whether a value is surely not a container that code could register something in."""
    if value is None or isinstance(value, ast.Constant | ast.JoinedStr | ast.Lambda | ast.Compare):
        return True
    if isinstance(value, ast.Tuple):
        return all(_is_frozen(each) for each in value.elts)
    if isinstance(value, ast.UnaryOp):
        return _is_frozen(value.operand)
    if isinstance(value, ast.BinOp):
        return _is_frozen(value.left) and _is_frozen(value.right)
    if isinstance(value, ast.Call):
        function: Any = value.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        return name in _FROZEN_MAKERS
    return False


def _decorator(node: ast.expr) -> str:
    """The chain of a decorator, with "()" when it is called with arguments; "?" when it is no chain."""
    called = isinstance(node, ast.Call)
    chain = chain_of(node.func if isinstance(node, ast.Call) else node)
    return f"{chain}()" if chain and called else chain or "?"


def _levels(reading: Reading) -> tuple[tuple[tuple[str, ...], ...], ...]:
    return tuple(tuple(tuple(sorted(names)) for names in level) for level in reading.levels[:2])


def _bases(statement: ast.stmt) -> tuple[str, ...]:
    given = getattr(statement, "bases", ())
    return tuple(chain for each in given if (chain := chain_of(each.value if isinstance(each, ast.Subscript) else each)))


def _metaclass(statement: ast.stmt) -> str:
    return next((chain_of(each.value) for each in getattr(statement, "keywords", ()) if each.arg == "metaclass"), "")
