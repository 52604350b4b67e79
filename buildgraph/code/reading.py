"""Reads a statement in one walk: the text that its digest is made of, and the names it takes from its module.

The walk has its own stack: Python's parser accepts deeper trees than Python's recursion limit does. Every value is
written after its kind, and its length where it could end anywhere, so that no two trees have the same text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Any, Final

from buildgraph.code.dynamic import IMPORTERS, MEANT, Dynamic, Import, import_of, meaning
from buildgraph.code.folding import folded
from buildgraph.code.scopes import (
    CLASSES,
    Level,
    Reading,
    Scope,
    chain_of,
    free,
    is_type_checking,
    keeps_class_state,
    levels_of,
    merge,
    origin_of,
    root_of,
)
from buildgraph.code.shapes import shape_of
from buildgraph.code.texts import follow_text
from buildgraph.code.vocabulary import BY_TEXT, CALLERS, CHANGING, ENVIRONMENT, LOOKING, READERS

FORMAT: Final = 2  # raised whenever the text of a statement changes: every definition then gets a new digest
MARKS: Final = frozenset((
    "__doc__", "__file__", "__globals__", "__path__", "__spec__", "__subclasses__", "copytree", "f_globals", "getdoc", "getsource", "getsourcelines",
    "glob", "globals", "iglob", "iterdir", "listdir", "rglob", "scandir", "walk",
))  # fmt: skip
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_LONGEST: Final = 100  # characters of a string that may name a file, a variable, a distribution


def read(statement: ast.AST, *, real: Mapping[str, str], split: bool = False, lazy_annotations: bool = False) -> Reading:
    """What `statement` says.

    `real` maps names to the importers and loaders that they mean; `split` keeps definitions inside a block apart;
    `lazy_annotations` says that annotations of functions are not evaluated.
    """
    return _Reader(real, split, lazy_annotations).read(statement)


class _Enter:
    """On the stack: a scope begins, and these names are bound in it."""

    __slots__ = ("binds", "kind", "name")

    def __init__(self, kind: str, binds: Iterable[str] = (), name: str = "") -> None:
        self.kind = kind
        self.binds = binds
        self.name = name


_EXIT: Final = object()


class _Reader:
    __slots__ = ("_asked", "_lazy", "_real", "_scopes", "_split", "_stack", "found", "scope")

    def __init__(self, real: Mapping[str, str], split: bool, lazy: bool) -> None:
        self._real = real
        self._split = split
        self._lazy = lazy
        self.found = Reading()
        self.scope = self.found.module
        self._scopes = [self.scope]
        self._stack: list[Any] = []
        self._asked: set[int] = set()  # nodes of the environment that are asked for a variable by name

    def read(self, statement: ast.AST) -> Reading:
        stack, put, strings, marks = self._stack, self.found.text.append, self.found.strings, self.found.marks
        real, special, shape, loads = self._real, _SPECIAL, shape_of, self.scope.loads
        name_, load, attribute, constant, text = ast.Name, ast.Load, ast.Attribute, ast.Constant, ast.Expr
        plain: dict[str, str] = {}  # the texts of names of which there is nothing else to say
        stack.append(statement)
        while stack:
            item = stack.pop()
            kind = type(item)
            if kind is name_:
                name = item.id
                if (said := plain.get(name)) is not None:
                    put(said)
                    if type(item.ctx) is load:
                        loads.add(name)
                    else:
                        self.scope.binds.add(name)
                    continue
                put(f"n{name};")
                if name[:2] == "__" and name[-2:] != "__":
                    name = self._private(name)
                elif name not in MARKS and name not in real:
                    plain[name] = f"n{name};"
                if type(item.ctx) is load:
                    loads.add(name)
                    if name in MARKS:
                        marks.add(name)
                    elif name in real:
                        self.found.dynamic.append(Dynamic("", f"uses {real[name]}"))
                else:
                    self.scope.binds.add(name)
            elif kind is attribute:
                name, inner = item.attr, item.value
                chain = f"{inner.id}.{name}" if type(inner) is name_ else chain_of(item)
                if name in MARKS:
                    marks.add(name)
                elif name in MEANT and (name := meaning(item, real)) != "":
                    self.found.dynamic.append(Dynamic("", f"uses {name}"))
                if type(item.ctx) is not load:
                    self._store(item.value, f".{item.attr}")
                if not chain:
                    put(f".{item.attr};")
                    stack.append(item.value)
                    continue
                put(f"a{chain};")
                if chain[:2] == "__":
                    marks.update(MARKS.intersection((chain.partition(".")[0],)))
                elif "environ" in chain and id(item) not in self._asked:
                    marks.add("environ")
                if type(item.ctx) is not load:
                    chain = chain.rpartition(".")[0]
                loads.add(chain)
            elif kind is constant:
                value = item.value
                if type(value) is str:
                    put(f"s{len(value)}:{value}")
                    if len(value) <= _LONGEST and value.isprintable() and (" " not in value or "." in value[-6:-1]):
                        strings.add(value)
                else:
                    shown = repr(value)
                    put(f"c{type(value).__name__}{len(shown)}:{shown}")
            elif kind is list:
                if text in map(type, item):
                    item = [each for each in item if type(each) is not text or not self._is_text(each)]
                put(f"[{len(item)}]")
                stack += item[::-1]
            elif (handle := special.get(kind)) is not None:
                handle(self, item)
            elif kind is str:
                put(f"t{len(item)}:{item}")
            elif item is None:
                put("-")
            elif item is _EXIT:
                self._exit()
                loads = self.scope.loads
            elif kind is _Enter:
                self.scope = Scope(item.kind, name=item.name)
                self.scope.parameters = frozenset(item.binds)
                self.scope.binds.update(item.binds)
                self._scopes.append(self.scope)
                loads = self.scope.loads
            elif kind is int or kind is bool:  # a count, a conversion, the value of a pattern
                put(f"i{item};")
            else:
                said, fields = shape(kind)
                put(said)
                stack += fields(item)
        return self.found

    def _is_text(self, statement: ast.Expr) -> bool:
        value = statement.value
        if type(value) is not ast.Constant or type(value.value) is not str:
            return False
        self.found.docs.append((len(self.found.text), value.value))
        return True

    def _exit(self) -> None:
        """A scope ends: what it does not bind itself is looked for further out."""
        inner = self._scopes.pop()
        self.scope = outer = self._scopes[-1]
        module, found = self.found.module, self.found
        if inner.kind == "z":
            return
        bound = inner.binds - inner.outer if inner.kind != "c" else frozenset()
        for chain in inner.loads:
            root, _, rest = chain.partition(".")
            if root in inner.is_global:
                module.loads.add(chain)
            elif root in inner.aliases:
                found.takes.update((*alias, rest) for alias in inner.aliases[root])
            elif root not in bound:
                outer.loads.add(chain)
        aliases = inner.aliases
        if inner.kind == "f":
            for name in inner.is_global & inner.aliases.keys():
                module.aliases.setdefault(name, []).extend(inner.aliases[name])
            kept = (chain for chain in inner.touches if chain.startswith(CLASSES) and not chain.endswith("="))
            if any(f"{'.'.join(chain.split('.')[:2])}=" not in inner.touches for chain in kept):  # else it is the new class's own
                found.marks.add("cls")
            levels = [Level(free(level.touches, bound, aliases), free(level.calls, bound, aliases)) for level in levels_of(inner)]
            if outer.kind == "c":
                outer.methods[inner.name] = inner
                if inner.name not in ("__init__", "__new__") and any(origin_of(chain) == "self" for chain in inner.touches):
                    found.marks.add("keeps")
            elif outer.kind != "m" and any(origin_of(chain) in outer.binds for chain in levels[0].touches - inner.passes):
                found.marks.add("keeps")
            if outer.kind in "cm":
                merge(found.levels, levels, 0)
            else:
                outer.inner.append((inner.name, levels))
            return
        if inner.kind == "c":
            found.takes.update((*alias, "") for given in aliases.values() for alias in given)
            if keeps_class_state(inner):
                found.marks.add("own")
        outer.inner += [(name, [Level(free(level.touches, bound, aliases), free(level.calls, bound, aliases)) for level in levels]) for name, levels in inner.inner]
        outer.touches |= free(inner.touches, bound, aliases)
        outer.passes |= free(inner.passes, bound, aliases)
        outer.calls |= free(inner.calls, bound, aliases)

    def _private(self, name: str) -> str:
        """The name that Python makes of one that begins with two underscores, inside a class."""
        owner = next((scope.name for scope in reversed(self._scopes) if scope.kind == "c"), "")
        return f"_{owner.lstrip('_')}{name}" if owner.lstrip("_") else name

    def _store(self, owner: ast.AST, attribute: str = "") -> None:
        """Something is stored into `owner`, as its `attribute` or as an item."""
        root = root_of(owner)
        if root:
            self.scope.touches.update((root, f"{root}{attribute if root == chain_of(owner) else ''}="))
            self._patch(root)

    def _patch(self, root: str) -> None:
        """What is changed was handed over: whoever calls the function changes it."""
        if len(self._scopes) > 1 and (owned := self._scopes[1].parameters) and origin_of(root) in owned:
            self.found.marks.add("patches")

    # Nodes that mean more than their fields.

    def _call(self, node: ast.Call) -> None:
        found, scope, stack = self.found, self.scope, self._stack
        found.text.append(f"C{len(node.args)},{len(node.keywords)};")
        function = node.func
        chain = chain_of(function)
        receiver, _, last = chain.rpartition(".")
        if type(function) is ast.Attribute and function.attr not in LOOKING and (root := root_of(function.value)):
            scope.touches.add(root)
            self._patch(root)
        if chain:
            scope.calls.add(chain)
            if chain.endswith(ENVIRONMENT):
                self._asked.add(id(function))
                self._environment_call(node)
            elif chain == "setattr" and node.args:
                named = node.args[1] if len(node.args) > 1 else None
                self._store(node.args[0], f".{named.value}" if type(named) is ast.Constant and type(named.value) is str else "")
        keeps = len(node.args) + len(node.keywords) > 1 or len(self._scopes) == 1 or chain == "next"  # a table, and what is put there
        keeps = keeps and chain not in READERS
        for argument in (*node.args, *[keyword.value for keyword in node.keywords]):
            if type(argument) is ast.Attribute and argument.attr in CHANGING and (root := root_of(argument.value)):
                scope.touches.add(root)
            if chain in CALLERS and (handed := chain_of(argument)):
                scope.calls.add(handed)
            if keeps and (passed := root_of(argument)) and passed[-1] != ")":
                scope.passes.add(passed)
                self._patch(passed)
        importer = meaning(function, self._real)
        if importer in IMPORTERS:
            imported = import_of(node, importer)
            if isinstance(imported, Import):
                found.literal_imports.append(imported)
            else:
                found.dynamic.append(imported)
            found.text.append(f"I{importer};")
            if chain:
                scope.loads.add(chain)
            stack += [*reversed(node.keywords), *reversed(node.args)]
            return
        if last in BY_TEXT and node.args and type(node.args[0]) is ast.Constant and type(node.args[0].value) is str:
            if follow_text(found, stack, last, receiver, node.args[0].value):
                found.text.append(f"E{chain};")
                stack += [*reversed(node.keywords), *reversed(node.args)]
                return
        elif last == "resolve_name":
            found.dynamic.append(Dynamic("", "calls resolve_name with a name that is not literal"))
        arguments: list[ast.expr] = node.args
        if chain == "getattr" and len(arguments) > 1:
            owner, name = chain_of(arguments[0]), arguments[1]
            if owner and type(name) is ast.Constant and type(name.value) is str and name.value.isidentifier():
                found.text.append(f"g{owner};")
                scope.loads.add(f"{owner}.{name.value}")
                if name.value in MARKS:
                    found.marks.add(name.value)
                elif name.value in IMPORTERS:
                    found.dynamic.append(Dynamic("", f"calls {name.value} with a name that is not literal"))
                arguments = arguments[1:]
        elif chain in ("vars", "locals") and not arguments and not node.keywords and all(each.kind in "mx" for each in self._scopes):
            found.marks.add("globals")
        stack += [*reversed(node.keywords), *reversed(arguments)]
        if type(function) is ast.Call:
            found.marks.add("curried")
        if type(function) is ast.Lambda:
            self._lambda(function, "x")  # it runs here and now
        else:
            stack.append(function)

    def _environment_call(self, node: ast.Call) -> None:
        named = node.args or [each.value for each in node.keywords if each.arg == "key"]
        if named:
            self._environment_name(named[0])

    def _environment_name(self, node: ast.AST) -> None:
        if type(node) is ast.Constant and type(node.value) is str:
            self.found.environment.add(node.value)
        else:
            self.found.marks.add("environ")

    def _subscript(self, node: ast.Subscript) -> None:
        self.found.text.append("S;")
        chain = chain_of(node.value)
        if chain.endswith("environ"):
            self._asked.add(id(node.value))
            self._environment_name(node.slice)
        elif chain == "sys.modules":
            named = node.slice
            if type(named) is ast.Constant and type(named.value) is str:
                self.found.literal_imports.append(Import(0, named.value, ()))
            else:
                self.found.marks.add("globals")
        if type(node.ctx) is not ast.Load:
            self._store(node.value)
        self._stack += [node.slice, node.value]

    def _compare(self, node: ast.Compare) -> None:
        if len(node.ops) == 1 and type(node.ops[0]) in (ast.In, ast.NotIn) and chain_of(node.comparators[0]).endswith("environ"):
            self._asked.add(id(node.comparators[0]))
            self._environment_name(node.left)
        self.found.text.append("Compare;")
        self._stack += [node.comparators, node.ops, node.left]

    def _arithmetic(self, node: ast.BinOp | ast.UnaryOp) -> None:
        value = folded(node)
        if value is not None:
            self._stack.append(ast.Constant(value))
            return
        name, fields = shape_of(type(node))
        self.found.text.append(name)
        self._stack += fields(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if self._split and self.scope.kind == "m" and self.found.text:
            self._apart(node)
            return
        put, stack = self.found.text.append, self._stack
        put(f"{type(node).__name__};{node.name};")
        self.scope.binds.add(node.name)
        names, annotations = self._arguments(node.args)
        stack += [_EXIT, node.body, _Enter("f", names, node.name)]
        if self._lazy and node.returns is not None:
            put("late")
        if self._lazy and not node.decorator_list:
            stack += [_EXIT, node.returns, annotations, _Enter("z")]
        else:
            stack += [node.returns, annotations]
        stack += [getattr(node, "type_params", []), node.args.kw_defaults, node.args.defaults]
        self._decorators(node.decorator_list)

    def _arguments(self, given: ast.arguments) -> tuple[list[str], list[ast.expr | None]]:
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        shape = f"{len(given.posonlyargs)},{len(given.args)},{len(given.kwonlyargs)},{given.vararg is not None},{given.kwarg is not None}"
        every += [each for each in (given.vararg, given.kwarg) if each is not None]
        names = [each.arg for each in every]
        annotations = [each.annotation for each in every]
        late = "late" if self._lazy and any(annotations) else ""  # kept as text
        self.found.text.append(f"({shape};{','.join(names)}{late})")
        return names, annotations

    def _decorators(self, decorators: list[ast.expr]) -> None:
        for each in decorators:
            chain = chain_of(each)
            if chain:  # one without arguments is called all the same
                self.scope.calls.add(chain)
                receiver = chain.rpartition(".")[0]
                if receiver:
                    self.scope.touches.add(receiver)
        self._stack.append(decorators)

    def _class(self, node: ast.ClassDef) -> None:
        if self._split and self.scope.kind == "m" and self.found.text:
            self._apart(node)
            return
        self.found.text.append(f"ClassDef;{node.name};")
        self.scope.binds.add(node.name)
        self._stack += [_EXIT, node.body, _Enter("c", name=node.name), node.keywords, node.bases, getattr(node, "type_params", [])]
        self._decorators(node.decorator_list)

    def _apart(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        self.found.text.append(f"<{node.name}>")
        self.found.nested.append(node)

    def _lambda(self, node: ast.Lambda, kind: str = "f") -> None:
        self.found.text.append("Lambda;")
        names, _ = self._arguments(node.args)
        self._stack += [_EXIT, node.body, _Enter(kind, names), node.args.kw_defaults, node.args.defaults]

    def _comprehension(self, node: Any) -> None:
        self.found.text.append(f"{type(node).__name__};")
        first, *others = node.generators
        self._stack += [_EXIT, *((node.value, node.key) if type(node) is ast.DictComp else (node.elt,)), others]
        self._stack += [first.is_async, first.ifs, first.target, _Enter("x"), first.iter]

    def _walrus(self, node: ast.NamedExpr) -> None:
        self.found.text.append(f"W{node.target.id};")
        next(scope for scope in reversed(self._scopes) if scope.kind != "x").binds.add(node.target.id)
        self._stack.append(node.value)

    def _assign(self, node: ast.Assign) -> None:
        self.found.text.append("Assign;")
        target = node.targets[0]
        if type(target) is ast.Name and (root := root_of(node.value)):
            self.scope.same.setdefault(target.id, set()).add(root)
        self._stack += [node.value, node.targets]

    def _annotated(self, node: ast.AnnAssign) -> None:
        if self.scope.kind != "f":
            if type(node.target) is ast.Name and (node.value is None or type(node.value) is ast.Call):
                self.scope.fields.add(node.target.id)
            self.found.text.append("AnnAssign;late;" if self._lazy else "AnnAssign;")
            self._stack += [node.value, node.annotation, node.target]
        elif node.value is not None:  # the annotations of a function's own variables are never looked at
            self._stack.append(ast.Assign([node.target], node.value))
        else:
            self.found.text.append("AnnAssign;")
            self._stack.append(node.target)

    def _augmented(self, node: ast.AugAssign) -> None:
        chain = chain_of(node.target)
        if type(node.target) is ast.Name:
            self.scope.loads.add(chain)
            self.scope.touches.add(chain)
        self.found.text.append("AugAssign;")
        self._stack += [node.value, node.op, node.target]

    def _if(self, node: ast.If) -> None:
        self.found.text.append("If;")
        if is_type_checking(node.test):
            self._stack.append(node.orelse)
        else:
            self._stack += [node.orelse, node.body, node.test]

    def _joined(self, node: ast.JoinedStr) -> None:
        parts = [f"\0{chain_of(each.value)}\0" if isinstance(each, ast.FormattedValue) else str(getattr(each, "value", "")) for each in node.values]
        template = "".join(parts)
        if len(template) <= _LONGEST and " " not in template:
            self.found.templates.add(template)
        self.found.text.append("JoinedStr;")
        self._stack.append(node.values)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.found.text.append(f"import {alias.name} as {alias.asname};")
            self.found.imports.append(Import(0, alias.name, ()))
            top = alias.name.partition(".")[0]
            self.scope.aliases.setdefault(alias.asname or top, []).append((0, alias.name if alias.asname else top, ""))

    def _import_from(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        self.found.text.append(f"from {node.level} {module} import {len(node.names)};")
        self.found.imports.append(Import(node.level, module, tuple(dict.fromkeys(alias.name for alias in node.names))))
        for alias in node.names:
            self.found.text.append(f"{alias.name} as {alias.asname};")
            self.scope.aliases.setdefault(alias.asname or alias.name, []).append((node.level, module, alias.name))

    def _outer(self, node: ast.Global | ast.Nonlocal) -> None:
        self.found.text.append(f"{type(node).__name__};{','.join(node.names)};")
        self.scope.outer.update(node.names)
        if type(node) is ast.Global:
            self.scope.is_global.update(node.names)

    def _named(self, node: Any) -> None:
        """An exception handler or a pattern: its `name` or `rest` is bound."""
        name, fields = shape_of(type(node))
        bound = getattr(node, "name", None) or getattr(node, "rest", None)
        if bound:
            self.scope.binds.add(bound)
        self.found.text.append(name)
        self._stack += fields(node)


_SPECIAL: Final[dict[type, Any]] = {
    ast.Call: _Reader._call, ast.Subscript: _Reader._subscript, ast.Compare: _Reader._compare, ast.BinOp: _Reader._arithmetic,
    ast.UnaryOp: _Reader._arithmetic, ast.FunctionDef: _Reader._function, ast.AsyncFunctionDef: _Reader._function, ast.ClassDef: _Reader._class,
    ast.Lambda: _Reader._lambda, ast.NamedExpr: _Reader._walrus, ast.AnnAssign: _Reader._annotated, ast.AugAssign: _Reader._augmented,
    ast.If: _Reader._if, ast.Assign: _Reader._assign, ast.JoinedStr: _Reader._joined, ast.Import: _Reader._import, ast.ImportFrom: _Reader._import_from, ast.Global: _Reader._outer, ast.Nonlocal: _Reader._outer,
    ast.ExceptHandler: _Reader._named, ast.MatchAs: _Reader._named, ast.MatchStar: _Reader._named, ast.MatchMapping: _Reader._named,
    **dict.fromkeys(_COMPREHENSIONS, _Reader._comprehension),
}  # fmt: skip
