"""Evaluates one build file: plain Python, run once, in surroundings that are the same every time and leave no trace."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType, TracebackType
from typing import Any, Final

from buildgraph.digest import Digest
from buildgraph.errors import BuildgraphError, Place, UsageError
from buildgraph.loading.facts import Facts, Present, Recorder, WatchedEnvironment, is_inside, is_installed
from buildgraph.loading.rows import LoadedPackage
from buildgraph.rule import Package, source_place

MODULE: Final = "BUILD"  # `__name__` of a build file
_ENGINE: Final = "buildgraph"
_RULES: Final = "buildgraph.rule"  # and buildgraph.rules

Compiled = dict[tuple[str, Digest], CodeType]  # what one run of loading has compiled so far, by file and content


def evaluate(now: Present, path: str, file: str, compiled: Compiled) -> tuple[LoadedPackage, Facts, str]:
    """What the build file `file` of the package `path` declares, what that relied on, and why it is volatile (or "").

    Raises UsageError for whatever goes wrong in it.
    """
    root = now.root
    filename = os.path.join(root, file)
    source = _read(filename, file)
    recorder = Recorder(root)
    recorder.modules[file] = Digest.of(source)
    module = ModuleType(MODULE)
    module.__file__ = filename
    try:
        code = compile(source, filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        raise _not_python(error, filename, file) from None
    with (
        _surroundings(now, recorder, module, compiled),
        Package.evaluating(path, file=file, filename=filename) as package,
    ):
        try:
            exec(code, module.__dict__)  # noqa: S102 - running the user's build file is the purpose
        except (KeyboardInterrupt, BuildgraphError):
            raise
        except BaseException as error:  # also SystemExit: a build file does not end the build
            if isinstance(error, SyntaxError) and is_inside(error.filename or "", root):  # in a module it imports
                raise _not_python(error, error.filename or "", _shown(error.filename or "", root)) from None
            raise _raised(error, root, file) from error
        _note_imports(recorder)
    warnings = (
        (("BG126", f"{file} {recorder.volatile} while it was evaluated, so it is evaluated again on every build"),)
        if recorder.volatile
        else ()
    )
    return LoadedPackage(path, file, package.nodes, package.lines, warnings), recorder.facts(now), recorder.volatile


@contextmanager
def without_first_party(root: str) -> Iterator[None]:
    """Inside, no module of the workspace `root` is imported yet; afterwards those that were before are back."""
    before = _first_party(root)
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        sys.modules.update(before)


def _first_party(root: str) -> dict[str, ModuleType]:
    found = {}
    for name, module in list(sys.modules.items()):
        if name != "__main__" and name.partition(".")[0] != _ENGINE:
            file = _origin(module)
            if file is not None and is_inside(file, root):
                found[name] = module
    return found


def _origin(module: object) -> str | None:
    """The file of a module, or the folder of a namespace package; asks nothing of modules that make up attributes."""
    attributes = getattr(module, "__dict__", {})
    file = attributes.get("__file__")
    if file is None and (path := attributes.get("__path__")):
        file = next(iter(path), None)
    return file if isinstance(file, str) else None


@contextmanager
def _surroundings(now: Present, recorder: Recorder, module: ModuleType, compiled: Compiled) -> Iterator[None]:
    """What a build file sees of the process; all of it is put back afterwards."""
    root = now.root
    path, environ, importer, folder = list(sys.path), os.environ, builtins.__import__, _working_folder()
    known = set(sys.modules)
    finder: Any = _Finder(root, recorder, path, compiled)
    os.chdir(root)
    sys.path.insert(0, root)
    sys.meta_path.insert(0, finder)
    sys.modules[MODULE] = module
    os.environ = WatchedEnvironment(now.environment, recorder)  # type: ignore[assignment] # noqa: B003 - a stand-in, not a new environment
    builtins.__import__ = _watched_import(importer, recorder)
    try:
        with recorder, redirect_stdout(sys.stderr):
            yield
    finally:
        builtins.__import__ = importer
        os.environ = environ  # noqa: B003 - puts the real one back
        sys.meta_path.remove(finder)
        sys.path[:] = path
        for name in set(sys.modules) - known:
            file = _origin(sys.modules[name])
            if name == MODULE or (file is not None and is_inside(file, root) and name.partition(".")[0] != _ENGINE):
                del sys.modules[name]
        if folder is not None:
            os.chdir(folder)


def _working_folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed under us: there is nothing to go back to
        return None


def _watched_import(importer: Callable[..., ModuleType], recorder: Recorder) -> Callable[..., ModuleType]:
    def watched(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> ModuleType:  # noqa: A002 - the names of __import__
        if not level:
            recorder.imported.add(name.partition(".")[0])
        return importer(name, globals, locals, fromlist, level)

    return watched


class _Finder:
    """Finds first-party modules by name alone; the standard library comes first, as its users expect."""

    def __init__(self, root: str, recorder: Recorder, path: list[str], compiled: Compiled) -> None:
        self.root = root
        self.recorder = recorder
        self.path = path
        self.compiled = compiled

    def find_spec(self, name: str, path: Sequence[str] | None = None, _target: object = None) -> ModuleSpec | None:
        top, _, _ = name.partition(".")
        if top == _ENGINE:
            return None
        if path is None and top in sys.stdlib_module_names:
            return PathFinder.find_spec(name, self.path)
        tail = name.rpartition(".")[2]
        for folder in (self.root,) if path is None else path:
            if folder == self.root or is_inside(folder, self.root):
                for file, places in (
                    (f"{folder}/{tail}/__init__.py", [f"{folder}/{tail}"]),
                    (f"{folder}/{tail}.py", None),
                ):
                    if os.path.isfile(file) and not is_installed(file):
                        return spec_from_file_location(
                            name,
                            file,
                            loader=_Source(name, file, self.recorder, self.compiled),
                            submodule_search_locations=places,
                        )
        return None


class _Source(SourceFileLoader):
    """Compiles a first-party module from the very bytes it notes: a compiled file beside it is as fresh as an mtime."""

    def __init__(self, name: str, path: str, recorder: Recorder, compiled: Compiled) -> None:
        super().__init__(name, path)
        self.recorder = recorder
        self.compiled = compiled

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        data = self.get_data(path)
        digest = self.recorder.modules[os.path.relpath(path, self.recorder.root)] = Digest.of(data)
        if (path, digest) not in self.compiled:
            self.compiled[path, digest] = compile(data, path, "exec", dont_inherit=True)
        return self.compiled[path, digest]


def _note_imports(recorder: Recorder) -> None:
    """Note modules that came from elsewhere: the rules' own files, and what is installed where they were found."""
    foreign = {name for name in recorder.imported if name not in sys.stdlib_module_names and name != _ENGINE}
    for name in list(sys.modules):
        rules = name.startswith(_RULES)
        if not rules and name.partition(".")[0] not in foreign:
            continue
        file = _origin(sys.modules[name])
        if file is not None and file.endswith((".py", ".so", ".pyc")):
            if rules:
                recorder.files.add(file)
            elif is_installed(file):
                recorder.folders.add(_installation(file))
            elif (relative := recorder.relative(file) or file) not in recorder.modules:
                recorder.files.add(relative)


def _installation(file: str) -> str:
    """The folder of installed distributions that holds `file`; its listing names each one with its version."""
    for part in ("/site-packages/", "/dist-packages/"):
        head, mark, _ = file.rpartition(part)
        if mark:
            return head + part.rstrip("/")
    return os.path.dirname(file)


def _read(filename: str, file: str) -> bytes:
    try:
        with open(filename, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise UsageError(
            f"'{file}' cannot be read",
            code="BG036",
            where=Place(file),
            why=str(error.strerror or error),
            fix="make it a readable file",
        ) from None


def _shown(filename: str, root: str) -> str:
    return os.path.relpath(filename, root) if filename.startswith(root) else filename


def _not_python(error: SyntaxError | ValueError, filename: str, file: str) -> UsageError:
    """The error for a file that Python cannot compile."""
    line = (error.lineno or 0) if isinstance(error, SyntaxError) else 0
    problem = error.msg if isinstance(error, SyntaxError) else str(error)
    return UsageError(
        f"'{file}' is not valid Python",
        code="BG035",
        where=source_place(filename, file, line),
        why=problem,
        fix="correct the line above",
    )


def _raised(error: BaseException, root: str, file: str) -> UsageError:
    """The error for a build file that raised: its innermost line, and the user's own frames around that."""
    places: list[tuple[str, str, int]] = []
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if is_inside(filename, root) and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] != _ENGINE:
            places.append((filename, trace.tb_frame.f_code.co_name, trace.tb_lineno))
        trace = trace.tb_next
    own = [place for place in places if place[0] == os.path.join(root, file)]
    filename, _, line = own[-1] if own else (os.path.join(root, file), "", 0)
    try:
        message = str(error)
    except Exception:  # noqa: BLE001 - the exception is the user's, and may not even print
        message = "(its message cannot be shown)"
    kind = type(error).__name__
    called = tuple(
        ("called", f"{_shown(name, root)}:{at} in {function}")
        for name, function, at in places
        if (name, at) != (filename, line)
    )
    if isinstance(error, SystemExit):
        headline, why, fix = (
            f"'{file}' ended the program",
            "a build file declares targets and returns",
            "remove the call of exit()",
        )
    elif isinstance(error, ModuleNotFoundError):
        headline, why = (
            f"'{file}' imports a module that is not there",
            "modules are found from the workspace root and among the installed distributions",
        )
        fix = f"install the distribution that has '{error.name}', or correct the import"
    else:
        headline, why, fix = f"'{file}' raised {kind}", "a build file has to run to its end", "correct the line above"
    return UsageError(
        headline,
        code="BG034",
        where=source_place(filename, file, line),
        facts=(("raised", f"{kind}: {message}" if message else kind), *called),
        why=why,
        fix=fix,
    )
