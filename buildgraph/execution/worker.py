"""Runs one encoded request in this process and returns its encoded outcome: a function from bytes to bytes.

The process belongs to the pool; this module owns what an action sees of it: environment, working folder, standard
output, declared inputs. Whatever an action changes in the process is put back after it.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any

from buildgraph.component import Files, Resource
from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted
from buildgraph.errors import BuildgraphError, EncodingError, TargetError
from buildgraph.execution import results
from buildgraph.execution.calling import Call, call, context
from buildgraph.execution.codecs import CACHEABLE, Source, codec_named
from buildgraph.execution.from_source import compile_from_source
from buildgraph.execution.modules import own_modules
from buildgraph.execution.process import Process
from buildgraph.execution.request import (
    ADDON,
    CONTEXT,
    FILES,
    FOLDERS,
    RESOURCE,
    Input,
    Outcome,
    Request,
    error_as_data,
)
from buildgraph.execution.resources import ResourceFolders, resource_name
from buildgraph.schema import FILES as AS_FILES
from buildgraph.schema import GraphSchema, SchemaNode

_STORE_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOENT)


_process: Process | None = None  # this process *is* the worker; there is never a second one in it


def run(request: bytes) -> bytes:
    """Execute one encoded request in this process and return its encoded outcome."""
    global _process
    asked = Request.decode(request)
    if _process is None:
        compile_from_source()
        root = os.getcwd()
        if root not in sys.path:
            sys.path.insert(0, root)
        _process = Process(root, os.path.join(root, ".buildgraph", "workers", str(os.getpid())))
    try:
        return execute(asked, _process)
    finally:
        if asked.environment or not asked.entry_point.startswith("buildgraph."):
            _process.reset()
        else:
            _process.go_back()  # code of ours changes nothing else


class InlineWork:
    """The same work in the coordinator's own process, for debugging: printed text is seen at once, breakpoints work."""

    def __init__(self, root: str, environment: Mapping[str, str], others: Sequence[str] = ()) -> None:
        """`others` are folders beside `root` whose modules people edit."""
        self._root = root
        self._others = others
        self._environment = environment
        self._process: Process | None = None
        self._left = ExitStack()

    def forget(self) -> None:
        """Let go of everything: environment and modules are as they were; another call imports them anew."""
        here, streams = os.getcwd(), (sys.stdout, sys.stderr)
        self._process = None
        self._left.close()
        os.chdir(here)
        sys.stdout, sys.stderr = streams

    def __call__(self, request: bytes) -> bytes:
        here, path, umask, streams = os.getcwd(), list(sys.path), os.umask(0o022), (sys.stdout, sys.stderr)
        out = os.dup(1)
        try:
            os.dup2(2, 1)  # standard output belongs to the command line
            process = self._process or self._enter()
            os.chdir(process.work)
            if self._root not in sys.path:
                sys.path.insert(0, self._root)
            try:
                return execute(Request.decode(request), process, interruptible=True)
            finally:
                process.reset()
        finally:
            sys.stdout.flush()
            sys.stdout, sys.stderr = streams
            os.dup2(out, 1)
            os.close(out)
            os.umask(umask)
            os.chdir(here)
            sys.path[:] = path

    def _enter(self) -> Process:
        """The surroundings that all calls share: a worker's environment, and modules of this workspace only."""
        self._left.callback(_set_environment, dict(os.environ))
        _set_environment(self._environment)
        self._left.enter_context(own_modules(self._root, *self._others))
        self._left.enter_context(_one_thread())
        private = os.path.join(self._root, ".buildgraph", "workers", "inline")
        self._process = process = Process(self._root, private, redirect=False)
        self._left.callback(process.close)
        return process


def _one_thread() -> AbstractContextManager[Any]:
    """Inside, numeric libraries use one thread, as in workers: those loaded already do not look at the environment again."""
    if "numpy" not in sys.modules:
        return nullcontext()
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1)  # type: ignore[no-any-return]  # it has no types


def _set_environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)


def execute(asked: Request, process: Process, *, interruptible: bool = False) -> bytes:
    """Run `asked`; its encoded outcome. User mistakes and crashes of user code become errors in the outcome.

    With `interruptible` this is the process at which Ctrl-C is aimed: KeyboardInterrupt comes through.
    """
    started = time.perf_counter()
    try:
        produced = _produce(asked, process)
    except BuildgraphError as error:
        error.where = tuple(str(place).removeprefix(process.root + os.sep) for place in error.where)
        produced = Outcome(error=error_as_data(error))
    except BaseException as error:  # SystemExit and KeyboardInterrupt of user code are its failures, too
        if interruptible and isinstance(error, KeyboardInterrupt):
            raise
        produced = Outcome(error=error_as_data(_crash(asked, error, process.root)))
        _print_traceback(error)
    cpu, rss = process.spent()
    return produced.encode(process.take_log(), time.perf_counter() - started, cpu, rss)


def _produce(asked: Request, process: Process) -> Outcome:
    known: dict[str, Any] = {}
    inputs = {}
    for given in asked.inputs:
        if given.kind == FOLDERS:
            known.update(_persisted(given, process.root))
        else:
            inputs[given.parameter] = _input(given, asked, process, known)
    surroundings = inputs.pop(CONTEXT, {})
    inputs.pop(ADDON, None)  # it only counts
    config = decode_trusted(asked.config)
    stage = os.path.join(process.root, asked.stage)
    services: dict[str, Callable[[], Any]] = {}
    if asked.outs:
        results.prepare_stage(stage, asked.outs)
        services["out_dir"] = lambda: Path(asked.stage) if asked.inputs_as == AS_FILES else Path(stage)
    if asked.inputs_as == AS_FILES:
        services["root"] = lambda: process.root
        services["target"] = lambda: asked.target
        services["stage"] = lambda: asked.stage
        services["environ"] = lambda: process.environ_of(asked.environment)
    if asked.constructor:
        services["execution_context"] = lambda: context(asked.target, _own_schema(asked, config), surroundings)
    if asked.environment:
        os.environ.update(dict(asked.environment))
    made: list[ResourceFolders] = []

    def storage() -> ResourceFolders:
        made.append(ResourceFolders(Path(process.private, "resources"), known))
        return made[0]

    what = Call(
        asked.target,
        asked.entry_point,
        asked.constructor,
        asked.fn,
        asked.eager,
        config,
        Resource(asked.resource) if asked.resource else None,
        services,
    )
    value = call(what, inputs, storage)
    try:
        return _collect(asked, value, stage, made, process, asked.scratch)
    except OSError as error:
        if error.errno not in _STORE_FULL:
            raise
        return _collect(asked, value, stage, made, process, process.private)  # the build can end well without the store


def _collect(
    asked: Request, value: Any, stage: str, made: list[ResourceFolders], process: Process, scratch: str
) -> Outcome:
    """What came of the call; large values go to new files in the folder `scratch`."""
    if asked.outs:
        return results.declared_outputs(asked, stage, lambda: process.scratch(scratch))
    storage, fresh = made[0] if made else None, lambda: process.scratch(scratch)
    beside = results.persisted(asked, storage, value, fresh) if storage is not None and storage.written else None
    outcome = results.of_value(asked, value, storage, fresh, process)
    return outcome._replace(resources=beside) if beside is not None else outcome


def _own_schema(asked: Request, config: Mapping[str, Any]) -> GraphSchema:
    node = SchemaNode({}, asked.entry_point, asked.constructor, asked.fn, config, asked.eager)
    return GraphSchema({asked.target: node})


def _persisted(given: Input, root: str) -> dict[str, Path]:
    """The folders of the resources in what somebody persisted, by name."""
    folders = dict.fromkeys(path.partition("/")[0] for path in given.paths)
    return {resource_name(folder): Path(root, given.path, folder) for folder in folders}


def _input(given: Input, asked: Request, process: Process, known: dict[str, Any]) -> Any:
    if given.kind == FILES:
        return Files(given.path, tuple(given.paths), process.root)
    if given.kind == RESOURCE:
        name = given.codec.partition(":")[2]
        known[name] = Path(process.root, given.path)
        return Resource(name, bytes(given.digest).hex())
    if given.codec.startswith(CACHEABLE):
        return results.from_cache(given, asked, process)
    source = Source(given.data, given.path, Digest(given.digest))
    return codec_named(given.codec).read(source)


def _frames(error: BaseException, root: str) -> list[tuple[str, int, str, str]]:
    """The frames of user code in a traceback: file, line, function, text; innermost last."""
    import traceback  # slow to import, and only failures need it

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # all of the engine
    found = []
    for frame in traceback.extract_tb(error.__traceback__):
        if not os.path.abspath(frame.filename).startswith(here + os.sep) and "importlib" not in frame.filename:
            shown = os.path.relpath(frame.filename, root) if frame.filename.startswith(root + "/") else frame.filename
            found.append((shown, frame.lineno or 0, frame.name, frame.line or ""))
    return found


def _crash(asked: Request, error: BaseException, root: str) -> BuildgraphError:
    """User code raised: the error names the exception and shows the user's frames only."""
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - an exception whose __str__ raises is still only a failure of its target
        text = "(its message cannot be shown)"
    name = type(error).__name__
    frames = _frames(error, root)
    facts = tuple((f"in {function}", f"{file}:{line}  {code}") for file, line, function, code in _shortened(frames))
    headline = f"target '{asked.target}' raised {name}" + (f": {text.splitlines()[0][:300]}" if text else "")
    if isinstance(error, ModuleNotFoundError):
        return TargetError(
            headline,
            code="BG222",
            facts=facts,
            why="the module is neither in the workspace nor installed",
            fix=f"pip install the package that holds '{error.name}'",
        )
    if isinstance(error, EncodingError):
        return error
    why, fix = "an exception in its code ends a target", "correct the line above"
    if isinstance(error, SystemExit):
        why, fix = "a target ends by returning its value; exit() ends it without one", "return instead"
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        why, fix = "a disk is full: that of the store, or one that its code writes to", "make room there, or move the store with --store"
    elif isinstance(error, MemoryError):
        why, fix = "there was not enough memory for it", "make it need less, or run fewer at once with --jobs"
    return TargetError(headline, code="BG220", facts=facts, why=why, fix=f"{fix}; `buildgraph log {asked.target}` shows all it printed")


def _shortened(frames: list[tuple[str, int, str, str]]) -> list[tuple[str, int, str, str]]:
    """The last few frames; one that calls itself over and over is shown once."""
    return [frame for frame, before in zip(frames, [None, *frames], strict=False) if frame != before][-6:]


def _print_traceback(error: BaseException) -> None:
    import traceback

    try:
        sys.stdout.flush()  # what was printed before comes before
        traceback.print_exception(error)
    except BaseException:  # noqa: BLE001 - see _crash
        with suppress(OSError, ValueError):  # the log's disk may be full
            print("(the traceback cannot be shown)", file=sys.stderr)  # noqa: T201 - goes to the action's log
