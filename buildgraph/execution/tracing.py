"""Runs one request and writes down which functions ran and which files were read: what `check-closure` judges.

It is the work function of a worker of its own, which ends afterwards: an audit hook cannot be taken back. Each
observation goes at once to a file in memory that forked children share, so what they do is seen, too.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import msgpack

from buildgraph.execution import worker

_ENGINE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_LIBRARY: Final = os.path.dirname(os.__file__) + os.sep
_INSTALLED: Final = ("/site-packages/", "/dist-packages/")
_FUNCTION: Final = 0x01  # CO_OPTIMIZED: set on functions and what is compiled like one, not on modules and class bodies
_GENERIC: Final = "<generic parameters of "  # runs when a definition is executed, not when it is called


class Ran(NamedTuple):
    """A function that ran, by the line where it begins; or a module whose import ran it, then `function` is "".

    `by` is the first-party file that called it (or imported it) first, "" when only other code did, and `by_line` the
    line of the call; `importing` says that some first-party module was being imported then. One that ran during an
    import and again afterwards is there twice.
    """

    file: str
    line: int
    function: str
    module: str
    by: str
    by_line: int
    importing: bool


class Traced(NamedTuple):
    """The outcome of a traced request, the first calls of each function that ran, and the files that were read."""

    outcome: bytes
    ran: tuple[Ran, ...]
    read: tuple[str, ...]


class Definition(NamedTuple):
    """A top-level definition of a module, or one of its other statements: its lines, 1-based, decorators included."""

    first: int
    last: int
    name: str


def definitions(source: bytes) -> tuple[Definition, ...]:
    """The definitions at the top of a module, also inside `if` and `try`, and its other statements. Empty when it does not parse."""
    try:
        return tuple(_statements(ast.parse(source).body))
    except (SyntaxError, ValueError):
        return ()


def _statements(body: Iterable[ast.AST]) -> Iterator[Definition]:
    for node in body:
        inner = [child for name in ("body", "handlers", "cases", "orelse", "finalbody") for child in _list(node, name)]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            lines = [node.lineno, *(each.lineno for each in node.decorator_list)]
            yield Definition(min(lines), node.end_lineno or node.lineno, node.name)
        elif inner:
            yield from _statements(inner)
        elif isinstance(node, ast.stmt):
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            yield Definition(node.lineno, node.end_lineno or node.lineno, ast.unparse(target) if target is not None else "")


def _list(node: ast.AST, name: str) -> list[ast.AST]:
    found = getattr(node, name, [])
    return found if isinstance(found, list) else []


def definition_at(found: Sequence[Definition], line: int) -> Definition:
    """The definition that holds `line`; a nameless one of that line alone when none does."""
    return next((each for each in found if each.first <= line <= each.last), Definition(line, line, ""))


def ask(request: bytes, copied: Sequence[str], inside: Sequence[str]) -> bytes:
    """What `run` takes: a request, the installed folders and files that are first party all the same, and the folders
    of which opened files count."""
    return msgpack.packb([request, list(copied), list(inside)], unicode_errors="surrogateescape")  # type: ignore[no-any-return]


def answered(data: bytes) -> Traced:
    """What `run` returned."""
    outcome, ran, read = msgpack.unpackb(data, unicode_errors="surrogateescape")
    return Traced(outcome, tuple(Ran(*row) for row in ran), tuple(read))


def run(asked: bytes) -> bytes:
    """Execute the request in `asked` as a worker does, under observation."""
    request, copied, inside = msgpack.unpackb(asked, unicode_errors="surrogateescape")
    recorder = _Recorder(copied, inside)
    recorder.start()
    try:
        outcome = worker.run(request)
    finally:
        recorder.stop()
    return msgpack.packb([outcome, *recorder.observed()], unicode_errors="surrogateescape")  # type: ignore[no-any-return]


class _Recorder:
    """Observes this process and the children that it forks."""

    def __init__(self, copied: Sequence[str], inside: Sequence[str]) -> None:
        self._copied = tuple(copied)
        self._inside = tuple(folder + os.sep for folder in inside)
        self._own: dict[str, bool] = {}  # whether a file holds first-party code
        self._seen: dict[int, CodeType] = {}  # code that needs no second look; by identity, because equal code may lie in two files
        self._imported: dict[int, CodeType] = {}  # code that has run, so far only during imports
        self._parsed: dict[str, tuple[Definition, ...]] = {}
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._out = os.memfd_create("observed", 0)
        self._on = False

    def start(self) -> None:
        self._on = True
        sys.addaudithook(self._audit)
        if sys.version_info >= (3, 12):
            watch = sys.monitoring
            self._tool = next(number for number in range(6) if watch.get_tool(number) is None)
            watch.use_tool_id(self._tool, "buildgraph")
            watch.register_callback(self._tool, watch.events.PY_START, self._started)
            watch.set_events(self._tool, watch.events.PY_START)
        else:
            import threading

            threading.setprofile(self._profile)
            sys.setprofile(self._profile)

    def stop(self) -> None:
        self._on = False
        if sys.version_info >= (3, 12):
            sys.monitoring.set_events(self._tool, 0)
            sys.monitoring.free_tool_id(self._tool)
        else:
            import threading

            sys.setprofile(None)
            threading.setprofile(None)

    def observed(self) -> tuple[list[Any], list[Any]]:
        """The rows of what ran, and the files that were read."""
        rows = msgpack.Unpacker(unicode_errors="surrogateescape", max_buffer_size=0)
        rows.feed(os.pread(self._out, os.fstat(self._out).st_size, 0))
        ran: list[Any] = []
        read: list[Any] = []
        for row in rows:
            (ran if isinstance(row, list) else read).append(row)
        return ran, list(dict.fromkeys(read))

    def _note(self, row: Any) -> None:
        with suppress(OSError):  # a forked child may have closed what it inherited
            os.write(self._out, msgpack.packb(row, unicode_errors="surrogateescape"))

    # what ran

    def _started(self, code: CodeType, _offset: int) -> object:
        return sys.monitoring.DISABLE if self._look(code, sys._getframe(1)) else None  # type: ignore[attr-defined,unused-ignore]  # 3.12

    def _profile(self, frame: FrameType, event: str, _arg: object) -> None:
        if event == "call" and id(frame.f_code) not in self._seen and self._look(frame.f_code, frame):
            self._seen[id(frame.f_code)] = frame.f_code

    def _look(self, code: CodeType, frame: FrameType) -> bool:
        """Note the call that `frame` is, if it counts; whether later calls of `code` need no look."""
        module = str(frame.f_globals.get("__name__", ""))
        if not self._is_own(code.co_filename) or module.startswith("buildgraph."):
            return True
        is_module = code.co_name == "<module>"
        if not is_module and (not code.co_flags & _FUNCTION or code.co_name.startswith(_GENERIC)):
            return True
        by, line, importing = "", 0, False
        above = frame.f_back
        while above is not None:
            where = above.f_code
            if self._is_own(where.co_filename):
                if not by:
                    by, line = where.co_filename, above.f_lineno
                if where.co_name == "<module>":
                    importing = True
                    if where.co_filename == code.co_filename and not is_module and self._is_executing(code, above.f_lineno):
                        return False  # a part of executing the definition itself; that it is called comes later, if ever
            above = above.f_back
        function = "" if is_module else code.co_qualname
        if importing and not is_module:
            if id(code) in self._imported:
                return False
            self._imported[id(code)] = code
        self._note(Ran(code.co_filename, code.co_firstlineno, function, module, by, line, importing))
        return is_module or not importing

    def _is_executing(self, code: CodeType, line: int) -> bool:
        """Whether the module that executes `line` executes the very definition that `code` is in."""
        file = code.co_filename
        if file not in self._parsed:
            with open(file, "rb") as source:
                self._parsed[file] = definitions(source.read())
        own = definition_at(self._parsed[file], code.co_firstlineno)
        return own.first <= line <= own.last

    def _is_own(self, file: str) -> bool:
        known = self._own.get(file)
        if known is None:
            is_file = file.endswith(".py") and file.startswith(os.sep) and not file.startswith((_ENGINE, _LIBRARY))
            known = self._own[file] = is_file and not self._is_installed(file)
        return known

    def _is_installed(self, file: str) -> bool:
        return any(part in file for part in _INSTALLED) and not file.startswith(self._copied or ("\0",))

    # what was read

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not self._on:
            return
        name, _, flags = arguments
        if isinstance(name, int) or not isinstance(flags, int):
            return
        path = os.path.abspath(os.fsdecode(name))
        if not path.startswith(self._inside) or path.startswith(_ENGINE) or path in self._read or path in self._written:
            return
        writes = flags & os.O_ACCMODE != os.O_RDONLY
        if writes and (flags & os.O_ACCMODE == os.O_WRONLY or flags & os.O_TRUNC or not os.path.exists(path)):
            self._written.add(path)  # what the target itself has made is none of its inputs
        elif os.path.isfile(path) and not path.endswith(".pyc") and not self._is_installed(path):
            self._read.add(path)
            self._note(path)
