"""An independent judge of what a definition can reach: by name alone, on purpose too much, sharing no code with the engine.

A name in a definition reaches what the same module defines under it. An imported name, and every attribute of an
imported module, reaches everything that is called so in any module of the release. Once a module is reached, so are
its statements that define nothing. Only what never runs on import is left out: code for type checkers, and code for
a module that is run as a program.
What this judge sees changed while a key stayed the same was ignored by that key.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from symtable import SymbolTable, symtable
from typing import Any, Final

_EFFECTS: Final = ""  # the name under which statements that define nothing are kept
_NEVER: Final = ("TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING", "__name__ == '__main__'")
Place = tuple[str, str]  # module, top-level name


@dataclass
class Names:
    """What a definition mentions: names that it does not bind itself, and attributes of plain names."""

    plain: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)  # root of the chain, attribute


@dataclass
class Definition:
    text: str = ""
    names: Names = field(default_factory=Names)


@dataclass
class Source:
    """One module: its definitions, and what its imports call things elsewhere ("" for a module)."""

    definitions: dict[str, Definition]
    imported: dict[str, set[str]]
    star: bool


class Release:
    """Every definition of one release."""

    def __init__(self, modules: Mapping[str, bytes]) -> None:
        """`modules` are their contents, by dotted name. Raises SyntaxError."""
        own = {name.partition(".")[0] for name in modules}
        self.sources = {name: _read(content, own) for name, content in modules.items()}
        self._reachable: dict[str, dict[Place, str]] = {}
        self._called: dict[str, list[Place]] = defaultdict(list)
        for module, source in self.sources.items():
            for name in source.definitions:
                self._called[name].append((module, name))

    def has(self, entry_point: str) -> bool:
        module, _, name = entry_point.partition(":")
        return module in self.sources and name in self.sources[module].definitions

    def classes_and_functions(self) -> Iterator[str]:
        """Entry points of what is public by its name."""
        for module, source in self.sources.items():
            for name, definition in source.definitions.items():
                if not name.startswith("_") and name != _EFFECTS and definition.text.startswith(("ClassDef", "FunctionDef")):
                    yield f"{module}:{name}"

    def reachable(self, entry_point: str) -> dict[Place, str]:
        """The text of every definition that the entry point may reach."""
        known = self._reachable.get(entry_point)
        if known is None:
            known = self._reachable[entry_point] = self._follow(entry_point)
        return known

    def _follow(self, entry_point: str) -> dict[Place, str]:
        module, _, name = entry_point.partition(":")
        stack: list[Place] = [(module, name)]
        found: dict[Place, str] = {}
        while stack:
            place = stack.pop()
            definition = self.sources[place[0]].definitions.get(place[1])
            if definition is None or place in found:
                continue
            found[place] = definition.text
            stack.append((place[0], _EFFECTS))
            stack += self._mentioned(place[0], definition.names)
        return found

    def _mentioned(self, module: str, names: Names) -> Iterable[Place]:
        source = self.sources[module]
        for name in names.plain:
            yield module, name
            for original in source.imported.get(name, {name} if source.star and name not in source.definitions else ()):
                yield from self._called.get(original, ())
        for root, attribute in names.attributes:
            if root in source.imported:
                yield from self._called.get(attribute, ())


def changed(before: Mapping[Place, str], after: Mapping[Place, str]) -> list[Place]:
    """What is new, gone or other."""
    return sorted(place for place in before.keys() | after.keys() if before.get(place) != after.get(place))


class _AsImported(ast.NodeTransformer):
    """Leaves out what stands under `if TYPE_CHECKING:` and `if __name__ == "__main__":`."""

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        return (node.orelse or ast.Pass()) if ast.unparse(node.test) in _NEVER else node


def _read(content: bytes, own: Collection[str]) -> Source:
    """`own` are the top-level packages of the release: only what is imported from them can be reached."""
    tree = _AsImported().visit(ast.parse(content))
    definitions: dict[str, Definition] = defaultdict(Definition)
    imported: dict[str, set[str]] = defaultdict(set)
    star = False
    lazy = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in own:
                    imported[alias.asname or alias.name.partition(".")[0]]  # reaches by its attributes only
        elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
            lazy = lazy or any(alias.name == "annotations" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] in own):
            for alias in node.names:
                star = star or alias.name == "*"
                imported[alias.asname or alias.name].add(alias.name)
    for statement in _without_text(tree.body):
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
            continue
        names, text = _names(statement, lazy), _text(statement)  # in this order: `_text` changes the statement
        for name in _defined(statement) or _amended(statement, definitions) or [_EFFECTS]:
            definition = definitions[name]
            definition.text += text
            definition.names.plain |= names.plain
            definition.names.attributes |= names.attributes
    return Source(dict(definitions), dict(imported), star)


def _defined(statement: ast.stmt) -> list[str]:
    """The names that a top-level statement binds in its module."""
    found: set[str] = set()
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        stack += ast.iter_child_nodes(node)
    return sorted(found)


def _amended(statement: ast.stmt, known: Mapping[str, Definition]) -> list[str]:
    """The definition of the same module that a statement such as `f.__doc__ = ...` belongs to."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    roots = [_root(target) for target in targets]
    return roots if all(root in known for root in roots) else []


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes and items begins with, or ""."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _names(statement: ast.stmt, lazy: bool) -> Names:
    """What a statement mentions; not in types, when the module says that they are `lazy`, which is never evaluated."""
    if lazy:
        statement = ast.parse(ast.unparse(statement)).body[0]  # a copy
        for node in ast.walk(statement):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                node.returns = None
            elif isinstance(node, ast.arg):
                node.annotation = None
    names = Names(set(_outer(symtable(ast.unparse(statement), "statement", "exec"))))
    for node in ast.walk(statement):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.plain.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Attribute):
            names.attributes.add((_root(node), node.attr))
    return names


def _outer(table: SymbolTable) -> Iterator[str]:
    """The names that a scope, or one inside it, takes from the module."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or table.get_type() != "function"):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _outer(inner)


def _text(statement: ast.stmt) -> str:
    """The statement without layout, comments, texts that stand alone, and types of local variables."""
    for node in ast.walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                if isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                    inner.annotation = ast.Constant("")
        for part in ("body", "orelse", "finalbody"):
            inner = getattr(node, part, None)
            if isinstance(inner, list):
                setattr(node, part, _without_text(inner))
    return ast.dump(statement, annotate_fields=False)


def _without_text(body: list[Any]) -> list[Any]:
    return [each for each in body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str))]
