"""Scopes while a statement is read: which names are bound where, and what the functions in it do when they are called."""

from __future__ import annotations

import ast
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from buildgraph.code.dynamic import Dynamic, Import
from buildgraph.code.vocabulary import CONSTRUCTORS, LOOKING
from buildgraph.digest import Digest

CLASSES: Final = ("cls.", "mcs.", "klass.", "metacls.")  # what methods of classes call the class, with an attribute


class Level(NamedTuple):
    """What runs at one level of a function: 0 when it is called, 1 when a function is called that it defines, and so on.

    `touches` are names whose objects it may change, `calls` are names it calls. A touched `x=` is bound anew or stored
    into, `f()` is what a call of `f` returned.
    """

    touches: set[str]
    calls: set[str]


@dataclass(slots=True)
class Scope:
    """Names in one scope: `kind` is m(odule), c(lass), f(unction), x (comprehension) or z (written, but never run)."""

    kind: str
    loads: set[str] = field(default_factory=set)  # dotted chains, such as `np.random.seed`
    binds: set[str] = field(default_factory=set)
    touches: set[str] = field(default_factory=set)
    passes: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    aliases: dict[str, list[tuple[int, str, str]]] = field(default_factory=dict)  # name -> level, module, attribute
    outer: set[str] = field(default_factory=set)  # declared global or nonlocal
    is_global: set[str] = field(default_factory=set)
    name: str = ""  # of a function or a class
    parameters: frozenset[str] = frozenset()
    same: dict[str, set[str]] = field(default_factory=dict)  # local names for what others hold
    fields: set[str] = field(default_factory=set)  # of a class: annotated names, which each of its objects gets
    methods: dict[str, Scope] = field(default_factory=dict)  # of a class
    inner: list[tuple[str, list[Level]]] = field(default_factory=list)  # functions defined in it


@dataclass(slots=True)
class Reading:
    """What a statement says. Names are dotted chains as written, rooted in a name of the module's scope.

    What runs when the statement runs is in `module`; what runs when functions in it are called is in `levels`.
    `takes` are names from imports inside functions: (level, module, attribute, rest of the chain).
    """

    text: list[str] = field(default_factory=list)
    docs: list[tuple[int, str]] = field(default_factory=list)
    module: Scope = field(default_factory=lambda: Scope("m"))
    levels: list[Level] = field(default_factory=list)
    takes: set[tuple[int, str, str, str]] = field(default_factory=set)
    imports: list[Import] = field(default_factory=list)
    literal_imports: list[Import] = field(default_factory=list)
    dynamic: list[Dynamic] = field(default_factory=list)
    environment: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    templates: set[str] = field(default_factory=set)  # of f-strings: names between null characters
    marks: set[str] = field(default_factory=set)
    nested: list[Any] = field(default_factory=list)  # definitions inside a block: statements of their own

    def digests(self) -> tuple[Digest, Digest]:
        """Without docstrings and strings that stand alone as comments do, and with them."""
        text = "".join(self.text)
        quiet = Digest.of(text.encode("utf-8", "surrogatepass"))
        if not self.docs:
            return quiet, quiet
        said = "".join([f"{at},{len(text)}:{text}" for at, text in self.docs])
        return quiet, Digest.of(f"{text}docs{said}".encode("utf-8", "surrogatepass"))


def levels_of(scope: Scope) -> list[Level]:
    """The levels of a function: functions it defines are one level further in, unless it calls them itself."""
    touches = scope.touches | scope.passes | {f"{name}=" for name in scope.binds & scope.is_global}
    for chain in list(touches) if scope.same else ():
        sources = scope.same.get(origin_of(chain), ())
        touches.update(f"{each}=" if chain.endswith("=") else each for each in sources if not (chain.endswith("=") and each.endswith(")")))
    levels = [Level(touches, scope.calls | scope.passes)]  # a function that is handed over may be called
    for name, inner in scope.inner:
        merge(levels, inner, 0 if name in scope.calls else 1)
    return levels


def merge(levels: list[Level], more: list[Level], start: int) -> None:
    for at, (touches, calls) in enumerate(more, start):
        while len(levels) <= at:
            levels.append(Level(set(), set()))
        levels[at].touches.update(touches)
        levels[at].calls.update(calls)


def free(names: set[str], bound: Container[str], aliases: Container[str]) -> set[str]:
    """Those of `names` that come from further out."""
    return {each for each in names if (root := origin_of(each)) not in bound and root not in aliases} if names else names


def origin_of(chain: str) -> str:
    """The first name of a touched chain."""
    return chain.partition(".")[0].rstrip("=()")


def keeps_class_state(scope: Scope) -> bool:
    """Whether making or calling an object of this class changes what the class itself holds, as a registry does."""
    todo, seen, changed, assigned = [name for name in scope.methods if name in CONSTRUCTORS], set[str](), set[str](), {*scope.fields}
    for each in scope.methods.values():
        assigned |= {chain.split(".")[1].rstrip("=") for chain in each.touches if chain.startswith("self.") and chain.endswith("=")}
    while todo:
        name = todo.pop()
        if name not in seen and name in scope.methods:
            seen.add(name)
            touched = each_level(scope.methods[name])
            made = {chain.rstrip("=") for chain in touched if chain.endswith("=")} if name == "__init_subclass__" else set()  # the new class's own
            changed |= {chain.rstrip("=()") for chain in touched if not any(f"{chain.rstrip('=()')}.".startswith(f"{each}.") for each in made)}
            todo += [chain.partition(".")[2] for chain in scope.methods[name].calls if chain.startswith(("self.", *CLASSES))]
    return any(chain.startswith((*CLASSES, "self.__class__")) or (chain.startswith("self.") and chain.split(".")[1] not in assigned) for chain in changed)


def each_level(scope: Scope) -> set[str]:
    return scope.touches.union(*(level.touches for _, levels in scope.inner for level in levels))


def root_of(node: ast.AST) -> str:
    """The chain that an expression begins with: `a.b` for `a.b[0].c`, `f()` for what a call of `f` returned, else ""."""
    called = ""
    if type(node) is ast.Constant:
        return ""
    while not (chain := chain_of(node)):
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Await):
            node = node.value
        elif isinstance(node, ast.Call):
            if chain_of(node.func) == "type" and len(node.args) == 1:
                root = root_of(node.args[0])
                return f"{root}.__class__" if root else ""
            node, called = node.func, "()"
        else:
            return ""
    if called and "." in chain:  # a method's result may be part of what it belongs to
        return f"{chain.rpartition('.')[0]}" if chain.rpartition(".")[2] in LOOKING else f"{chain}()"
    return chain + called


def is_type_checking(test: ast.expr) -> bool:
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"


def chain_of(node: ast.AST) -> str:
    """`a.b.c` for attributes of a name, else ""."""
    rest = ""
    while type(node) is ast.Attribute:
        rest = f".{node.attr}{rest}"
        node = node.value
    return f"{node.id}{rest}" if type(node) is ast.Name else ""
