"""Finds what makes code reachable without an import statement: imports by name, and code that runs other code."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_BUILTINS: Final = frozenset(("exec", "eval"))  # as methods (`model.eval()`) these names mean nothing
IMPORTERS: Final = frozenset(("import_module", "__import__"))
_LOADERS: Final = frozenset((
    "iter_modules", "run_module", "run_path", "SourceFileLoader", "spec_from_file_location", "walk_packages",
))  # fmt: skip
MEANT: Final = _BUILTINS | IMPORTERS | _LOADERS
_REAL: Final = {name: name for name in MEANT}
_RENAMED: Final = re.compile(rb"\b(%s)\s+as\s+(\w+)" % b"|".join(name.encode() for name in sorted(MEANT)))
WORDS: Final = tuple(name.encode() for name in sorted(MEANT))  # a source without these has nothing to find here


class Import(NamedTuple):
    """One import as written: how many dots, the module, and the names taken from it (none for `import a.b`)."""

    level: int
    module: str
    names: tuple[str, ...]


class Dynamic(NamedTuple):
    """A place where a name known only at run time decides what code runs.

    `package` is what surely leads to it ("plugins", ".steps", "." for the module's own package), or "" when nothing is
    known; `what` says it in words.
    """

    package: str
    what: str


def real_names(source: bytes) -> Mapping[str, str]:
    """What the names of importers and loaders mean in a module: aliases included."""
    if not source.isascii() or not any(word in source for word in WORDS):  # wide letters may spell names
        return _REAL if not source.isascii() else {}
    found = _RENAMED.findall(source)
    return {**_REAL, **{alias.decode(): name.decode() for name, alias in found}} if found else _REAL


def meaning(node: ast.AST, real: Mapping[str, str]) -> str:
    """Which of our names a reference means, or ""."""
    if type(node) is ast.Name:
        return real.get(node.id, "")
    if type(node) is not ast.Attribute or node.attr not in MEANT:
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
    own = _below_own(name)
    if own is not None:
        return own if isinstance(own, Import) else unknown._replace(package=".")
    if not isinstance(name, ast.Constant) or not isinstance(name.value, str):
        beginning = _beginning(name)
        dots = beginning[: len(beginning) - len(beginning.lstrip("."))]
        package = dots + beginning[len(dots) :].rpartition(".")[0]
        anchor = given.get("package")
        if not package and isinstance(anchor, ast.Constant) and isinstance(anchor.value, str):
            return unknown._replace(package=anchor.value)  # a relative name, most likely: why else say from where
        return unknown._replace(package=package) if not dots or _is_own(anchor) else unknown
    module = name.value.lstrip(".")
    level = len(name.value) - len(module)
    names = _strings(given.get("fromlist"))
    if level and isinstance(base := given.get("package"), ast.Constant) and isinstance(base.value, str):
        outer = base.value.split(".")
        absolute = [*outer[: len(outer) - level + 1], *([module] if module else [])]
        return Import(0, ".".join(absolute), names)
    return Import(level, module, names) if not level or _is_own(given.get("package")) else unknown


def _below_own(name: ast.expr) -> Import | Dynamic | None:
    """What `__package__ + ".x"`, `__name__ + ".x"` and their f-strings mean; None for another expression."""
    parts = name.values if isinstance(name, ast.JoinedStr) else [name.left, name.right] if isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add) else []
    first = parts[0].value if parts and isinstance(parts[0], ast.FormattedValue) else parts[0] if parts else None
    if not isinstance(first, ast.Name) or first.id not in ("__package__", "__name__"):
        return None
    rest = parts[1] if len(parts) == 2 else None
    if isinstance(rest, ast.Constant) and isinstance(rest.value, str) and rest.value.startswith("."):
        return Import(1, rest.value[1:], ())
    return Dynamic(".", "")


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
