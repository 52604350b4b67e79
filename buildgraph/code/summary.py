"""What one module's content says, wherever it lies: its pieces, what it imports and exports, what cannot be read off it."""

from __future__ import annotations

import ast
import gc
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import msgpack

from buildgraph.code.dynamic import Dynamic, Import, real_names
from buildgraph.code.pieces import Alias, Piece, cut
from buildgraph.code.reading import FORMAT
from buildgraph.digest import Digest
from buildgraph.encoding import encode_plain

RECORD: Final = 3  # raised whenever a summary's fields or their meaning change: old memos are then not found
_DOMAIN: Final = f"buildgraph.code.summary {RECORD} {FORMAT} {sys.version_info[0]}.{sys.version_info[1]}\0".encode()
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_PLAIN: Final = (
    ast.Constant, ast.List, ast.Tuple, ast.Name, ast.expr_context, ast.Starred, ast.BinOp, ast.Add, ast.Attribute,
)  # fmt: skip
_GLOBAL: Final = re.compile(rb"(^|[;:])[ \t]*global[ \t\\]", re.MULTILINE)
_MANY: Final = 2000  # bytes of source from which switching the garbage collector off pays


@dataclass(frozen=True, slots=True)
class Summary:
    """What one module's content says.

    `digest` covers all of it; `imports` are all its imports, those in functions included; `eager` those that importing
    it runs, in their order; `names` are defined at top level; `exports` are the strings of `__all__` ("*" among them when it is
    computed, None without one); `is_open` says that more names may appear at run time. `shape` is the digest of all but
    the digests and lines of pieces: what a closure's extent depends on.
    """

    digest: Digest
    pieces: tuple[Piece, ...]
    aliases: tuple[Alias, ...]
    stars: tuple[tuple[int, str, int], ...]
    eager: tuple[Import, ...]
    imports: tuple[Import, ...]
    dynamic: tuple[Dynamic, ...]
    names: frozenset[str]
    exports: tuple[str, ...] | None
    is_open: bool
    shape: Digest


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector: syntax trees are many small objects and no garbage, looking for some doubles the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def memo_key(content: Digest) -> bytes:
    """Where the summary of a content is kept: one place per Python version and per format of ours."""
    return Digest.of(_DOMAIN + content)


def source_key(content: Digest) -> bytes:
    """Where the source itself is kept, compressed, to show what has changed."""
    return Digest.of(b"buildgraph.code.source\0" + content)


def summarise(source: bytes) -> Summary:
    """The summary of a module's `source`. Raises SyntaxError."""
    if len(source) < _MANY:
        return _summarise(source)
    with uncollected():
        return _summarise(source)


def _summarise(source: bytes) -> Summary:
    tree = _parse(source)
    pieces, aliases, stars, eager = cut(tree, real=real_names(source))
    imports = {*eager, *(each for piece in pieces for each in (*piece.imports, *piece.literal))}
    dynamic = {each for piece in pieces for each in piece.dynamic}
    names = {name for piece in pieces for name in piece.names} | {alias.name for alias in aliases}
    if b"global" in source and _GLOBAL.search(source):
        names.update(name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names)
    loud = b"__doc__" in source
    shapes = [encode_plain([each.name, each.level, each.module, each.attribute]) for each in aliases]
    whole = [*(piece.loud if loud else piece.digest for piece in pieces if loud or piece.names != ("__doc__",)), *shapes]
    exports = tuple(sorted(_exports(tree))) if b"__all__" in source else None
    is_open = bool(stars) or bool(dynamic) or "__getattr__" in names or b"globals" in source or b"sys.modules" in source
    return Summary(
        Digest.of(encode_plain([*whole, [list(each[:2]) for each in stars], sorted([level, module, sorted(names)] for level, module, names in imports)])),
        tuple(pieces),
        tuple(aliases),
        tuple(stars),
        tuple(dict.fromkeys(eager)),
        tuple(sorted(imports)),
        tuple(sorted(dynamic)),
        frozenset(names),
        exports,
        is_open,
        _shape([pieces, aliases, stars, list(dict.fromkeys(eager)), sorted(names), exports, is_open]),
    )


def _shape(row: list[Any]) -> Digest:
    pieces = [[*piece[:2], *piece[6:]] for piece in row[0]]
    return Digest.of(msgpack.packb([pieces, *row[1:]], unicode_errors="surrogatepass"))


def to_bytes(summary: Summary) -> bytes:
    """The summary as a row of the memo: a cache of our own, found by content and format, so plain msgpack will do."""
    row = [
        summary.digest, summary.pieces, summary.aliases, summary.stars, summary.eager, summary.imports, summary.dynamic, sorted(summary.names),
        summary.exports, summary.is_open, summary.shape,
    ]  # fmt: skip
    return msgpack.packb(row, unicode_errors="surrogatepass")  # type: ignore[no-any-return]  # msgpack is untyped


def from_bytes(data: bytes | None) -> Summary | None:
    """The summary that `to_bytes` wrote, or None when `data` is anything else: then it is made anew."""
    if data is None:
        return None
    try:
        row = msgpack.unpackb(data, use_list=False, unicode_errors="surrogatepass")
        digest, pieces, aliases, stars, eager, imports, dynamic, names, exports, is_open, shape = row
        return Summary(
            Digest(digest),
            tuple(map(_piece, pieces)),
            tuple([Alias(*each) for each in aliases]),
            stars,
            tuple([Import(*each) for each in eager]),
            tuple([Import(*each) for each in imports]),
            tuple([Dynamic(*each) for each in dynamic]),
            frozenset(names),
            exports,
            bool(is_open),
            Digest(shape),
        )
    except (ValueError, TypeError, msgpack.UnpackException):
        return None


def _piece(row: Any) -> Piece:
    piece = Piece(*row)
    digest, loud = Digest(piece.digest), Digest(piece.loud)
    if not (piece.imports or piece.literal or piece.dynamic):
        return piece._replace(digest=digest, loud=loud)
    return piece._replace(
        digest=digest, loud=loud, imports=tuple([Import(*each) for each in piece.imports]),
        literal=tuple([Import(*each) for each in piece.literal]), dynamic=tuple([Dynamic(*each) for each in piece.dynamic]),
    )  # fmt: skip


def _parse(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd escapes: Python repeats them when the module runs
        try:
            return ast.parse(source)
        except (RecursionError, MemoryError):
            raise SyntaxError("nested too deeply for Python's compiler") from None
        except ValueError as error:  # null bytes, before Python 3.12
            raise SyntaxError(str(error)) from None


def _exports(tree: ast.Module) -> set[str]:
    """The strings in statements that mention `__all__`: a star import also imports the submodules among them."""
    found: set[str] = set()
    for statement in tree.body:
        if isinstance(statement, (*_DEFINITIONS, ast.Import, ast.ImportFrom)):
            continue
        inner: list[Any] = list(ast.walk(statement))
        if not any(isinstance(node, ast.Name) and node.id == "__all__" for node in inner):
            continue
        found.update(node.value for node in inner if isinstance(node, ast.Constant) and isinstance(node.value, str))
        values = inner if not isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) else inner[1:]
        others = any(isinstance(node, ast.Name) and node.id != "__all__" and isinstance(node.ctx, ast.Load) for node in inner)
        if others or not all(isinstance(node, _PLAIN) for node in values):
            found.add("*")
    return found
