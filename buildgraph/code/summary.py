"""Summarises one module's source: its normal form, what it imports and defines, and what cannot be read off it."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from buildgraph.code.dynamic import WORDS, Dynamic, Import, dynamic_code
from buildgraph.code.normal import FORMAT, normal_form
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode
from buildgraph.errors import EncodingError

_RECORD: Final = 1  # raised whenever a summary's fields or their meaning change: old memos are then not found
_DOMAIN: Final = f"buildgraph.code.summary {_RECORD} {FORMAT} {sys.version_info[0]}.{sys.version_info[1]}\0".encode()
_ALWAYS: Final = frozenset((ast.Import, ast.ImportFrom, ast.If, ast.Global))
_IF_DYNAMIC: Final = _ALWAYS | {ast.Call, ast.Name, ast.Attribute}
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLAIN: Final = (
    ast.Constant, ast.List, ast.Tuple, ast.Name, ast.expr_context, ast.Starred, ast.BinOp, ast.Add, ast.Attribute,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """What one module's content says, wherever the file lies and whatever the module is called.

    `names` are defined at top level; `exports` are the strings of `__all__` ("*" among them when it is computed);
    `is_open` says that more names may appear at run time.
    """

    digest: Digest
    imports: tuple[Import, ...]
    dynamic: tuple[Dynamic, ...]
    names: frozenset[str]
    exports: tuple[str, ...]
    is_open: bool


def memo_key(content: Digest) -> bytes:
    """Where the summary of a content is kept: one place per Python version and per format of ours."""
    return Digest.of(_DOMAIN + content)


def summarise(source: bytes) -> Summary:
    """The summary of a module's `source`. Raises SyntaxError."""
    tree = _parse(source)
    maybe_dynamic = not source.isascii() or any(word in source for word in WORDS)  # wide letters may spell names
    digest, nodes = normal_form(tree, keep_text=b"__doc__" in source, wanted=_IF_DYNAMIC if maybe_dynamic else _ALWAYS)
    imports = list(_imports(nodes))
    literal, dynamic = dynamic_code(nodes) if maybe_dynamic else ([], [])
    names = _top_level_names(tree)
    for node in nodes:
        if isinstance(node, ast.Global):
            names.update(node.names)
    star = any("*" in each.names for each in imports)
    return Summary(
        digest,
        tuple(sorted({*imports, *literal})),
        tuple(sorted(set(dynamic))),
        frozenset(names),
        tuple(sorted(_exports(tree))) if b"__all__" in source else (),
        star or bool(dynamic) or "__getattr__" in names or b"globals" in source or b"sys.modules" in source,
    )


def to_bytes(summary: Summary) -> bytes:
    imports = [[each.level, each.module, list(each.names)] for each in summary.imports]
    dynamic = [[each.package, each.what] for each in summary.dynamic]
    return encode([summary.digest, imports, dynamic, sorted(summary.names), list(summary.exports), summary.is_open])


def from_bytes(data: bytes | None) -> Summary | None:
    """The summary that `to_bytes` wrote, or None when `data` is anything else: then it is made anew."""
    if data is None:
        return None
    try:
        digest, imports, dynamic, names, exports, is_open = decode_trusted(data)
        return Summary(
            Digest(digest),
            tuple([Import(level, module, tuple(of)) for level, module, of in imports]),
            tuple([Dynamic(package, what) for package, what in dynamic]),
            frozenset(names),
            tuple(exports),
            bool(is_open),
        )
    except (EncodingError, ValueError, TypeError):
        return None


def _parse(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd escapes: Python repeats them when the module runs
        try:
            return ast.parse(source)
        except (RecursionError, MemoryError):
            raise SyntaxError("nested too deeply for Python's compiler") from None
        except ValueError as error:  # null bytes, before Python 3.12
            raise SyntaxError(str(error)) from None


def _imports(nodes: Iterable[ast.AST]) -> Iterable[Import]:
    """The import statements among `nodes`, without those that only a type checker follows."""
    unfollowed: set[int] = set()
    for node in nodes:
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            unfollowed.update(id(inner) for statement in node.body for inner in ast.walk(statement))
        elif id(node) in unfollowed:
            continue
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(0, alias.name, ())
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.level, node.module or "", tuple(sorted({alias.name for alias in node.names})))


def _is_type_checking(test: ast.expr) -> bool:
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"


def _top_level_names(tree: ast.Module) -> set[str]:
    """Every name that running the module can bind in its own scope."""
    names: set[str] = set()
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, _SCOPES):
            names.add(node.name)
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        stack.extend(ast.iter_child_nodes(node))
    return names


def _exports(tree: ast.Module) -> set[str]:
    """The strings in statements that mention `__all__`: a star import also imports the submodules among them."""
    found: set[str] = set()
    for statement in tree.body:
        inner: list[Any] = list(ast.walk(statement)) if not isinstance(statement, _SCOPES) else []
        if not any(isinstance(node, ast.Name) and node.id == "__all__" for node in inner):
            continue
        found.update(node.value for node in inner if isinstance(node, ast.Constant) and isinstance(node.value, str))
        values = inner if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) else inner[1:]
        if not all(isinstance(node, _PLAIN) for node in values):
            found.add("*")
    return found
