"""Finds what makes code reachable without an import statement: imports by name, and code that runs other code."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

_BUILTINS: Final = frozenset(("exec", "eval"))  # as methods (`model.eval()`) these names mean nothing
IMPORTERS: Final = frozenset(("import_module", "__import__"))
_LOADERS: Final = frozenset((
    "iter_modules", "run_module", "run_path", "SourceFileLoader", "spec_from_file_location", "walk_packages",
))  # fmt: skip
_ALL: Final = _BUILTINS | IMPORTERS | _LOADERS
WORDS: Final = tuple(name.encode() for name in sorted(_ALL))  # a source without these has nothing to find here


class Import(NamedTuple):
    """One import as written: how many dots, the module, and the names taken from it (none for `import a.b`)."""

    level: int
    module: str
    names: tuple[str, ...]


class Dynamic(NamedTuple):
    """A place where a name known only at run time decides what code runs.

    `package` is what surely leads to it ("plugins", ".steps"), or "" when nothing is known; `what` says it in words.
    """

    package: str
    what: str


def may_be_dynamic(source: bytes) -> bool:
    """Whether a module could import by name or run other code; wide letters may spell names."""
    return not source.isascii() or any(word in source for word in WORDS)


def real_names(nodes: Iterable[ast.AST]) -> Mapping[str, str]:
    """What the names of importers and loaders mean in a module with these `nodes`: aliases included."""
    real = {name: name for name in _ALL}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            real.update((alias.asname, alias.name) for alias in node.names if alias.asname and alias.name in _ALL)
    return real


def meaning(node: ast.AST, real: Mapping[str, str]) -> str:
    """Which of our names a reference means, or ""."""
    if type(node) is ast.Name:
        return real.get(node.id, "")
    if type(node) is not ast.Attribute or node.attr not in _ALL:
        return ""
    is_ours = node.attr not in _BUILTINS or (isinstance(node.value, ast.Name) and node.value.id == "builtins")
    return node.attr if is_ours else ""


def import_of(call: ast.Call, function: str) -> Import | Dynamic:
    """What a call of `import_module` or `__import__` imports."""
    given = dict(zip(_PARAMETERS[function], call.args, strict=False))
    given.update((keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)
    name = given.get("name")
    unknown = Dynamic("", f"calls {function} with a name that is not literal")
    if name is None or "level" in given:
        return unknown
    if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
        beginning = _beginning(name)
        dots = beginning[: len(beginning) - len(beginning.lstrip("."))]
        package = dots + beginning[len(dots) :].rpartition(".")[0]
        return unknown._replace(package=package) if not dots or _is_own(given.get("package")) else unknown
    module = name.value.lstrip(".")
    level = len(name.value) - len(module)
    names = _strings(given.get("fromlist"))
    if level and isinstance(base := given.get("package"), ast.Constant) and isinstance(base.value, str):
        outer = base.value.split(".")
        absolute = [*outer[: len(outer) - level + 1], *([module] if module else [])]
        return Import(0, ".".join(absolute), names)
    return Import(level, module, names) if not level or _is_own(given.get("package")) else unknown


_PARAMETERS: Final = {
    "import_module": ("name", "package"),
    "__import__": ("name", "globals", "locals", "fromlist", "level"),
}


def _is_own(package: ast.expr | None) -> bool:
    """Whether a `package` argument surely is the importing module's own."""
    return isinstance(package, ast.Name) and package.id in ("__package__", "__name__")


def _strings(node: ast.expr | None) -> tuple[str, ...]:
    items = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return tuple(sorted({i.value for i in items if isinstance(i, ast.Constant) and isinstance(i.value, str)}))


def _beginning(node: ast.expr) -> str:
    """The literal text a computed string surely begins with: of f"a.{x}", "a." + x, "a.%s" % x and "a.{}".format(x)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr) and node.values:
        return _beginning(node.values[0])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _beginning(node.left)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _beginning(node.left).partition("%")[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _beginning(node.func.value).partition("{")[0]
    return ""
