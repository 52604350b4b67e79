"""What an evaluation relied on, so that it need not be repeated while all of that is as it was.

Recorded while a build file runs: the contents of files it read and modules it imported, the names in folders it
listed, the environment variables it looked at. A build file that ran a program or went to the network relied on more
than can be known: it is volatile, and evaluated every time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.version import VERSION

ReadDigest = Callable[[str], Digest]  # the digest of the file at an absolute path; raises OSError
EVERYTHING: Final = "*"  # in place of a variable's name: the whole environment

_PROGRAMS: Final = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty")
_WATCHED: Final = frozenset(("open", "os.listdir", "os.scandir", "socket.connect", *_PROGRAMS))
_PASSING: Final = frozenset(("__pycache__", ".buildgraph"))  # come and go without meaning
_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


class Facts(NamedTuple):
    """Everything one evaluation relied on. Paths are relative to the workspace, or absolute when outside of it.

    None stands for what was not there. `engine` names the versions of buildgraph and Python.
    """

    engine: str
    files: tuple[tuple[str, Digest | None], ...] = ()
    folders: tuple[tuple[str, Digest | None], ...] = ()
    environment: tuple[tuple[str, str | None], ...] = ()

    def encode(self) -> bytes:
        return encode(
            [
                self.engine,
                [list(each) for each in self.files],
                [list(each) for each in self.folders],
                [list(each) for each in self.environment],
            ]
        )


def engine_version() -> str:
    """The versions that decide how a build file is understood."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"buildgraph {VERSION} {sys.implementation.name} {version}"


@dataclass(slots=True)
class Present:
    """How the workspace is now; every file is digested and every folder listed at most once."""

    root: str
    read_digest: ReadDigest
    environment: Mapping[str, str]
    _files: dict[str, Digest | None] = field(default_factory=dict)
    _folders: dict[str, Digest | None] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)  # where a build file was looked for, and what else was looked at
    variables: set[str] = field(default_factory=set)

    def file(self, path: str) -> Digest | None:
        """The digest of a file's content; None when it cannot be read."""
        if path not in self._files:
            try:
                self._files[path] = self.read_digest(os.path.join(self.root, path))
            except OSError:
                self._files[path] = None
        return self._files[path]

    def folder(self, path: str) -> Digest | None:
        """The digest of the sorted names in a folder; None when it cannot be listed."""
        if path not in self._folders:
            try:
                names = {*os.listdir(os.path.join(self.root, path))} - _PASSING
                self._folders[path] = Digest.of(encode(sorted(map(os.fsencode, names if path else names - {"build"}))))
            except OSError:
                self._folders[path] = None
        return self._folders[path]

    def variable(self, name: str) -> str | None:
        self.variables.add(name)
        if name == EVERYTHING:
            return str(
                Digest.of(
                    encode([[os.fsencode(key), os.fsencode(value)] for key, value in sorted(self.environment.items())])
                )
            )
        return self.environment.get(name)

    def looked(self) -> set[str]:
        """The paths whose state was relied on, whether anything was there or not."""
        return {*self._files, *self._folders, *self.packages}

    def note(self, facts: Facts) -> None:
        """Count what a new evaluation relied on among what was looked at."""
        self.packages.update(path for path, _ in (*facts.files, *facts.folders))
        self.variables.update(name for name, _ in facts.environment)

    def holds(self, encoded: list[Any]) -> bool:
        """Whether the facts that `Facts.encode` wrote (decoded, as plain lists) are still so."""
        engine, files, folders, environment = encoded
        return (
            engine == engine_version()
            and all(self.file(path) == digest for path, digest in files)
            and all(self.variable(name) == value for name, value in environment)
            and all(self.folder(path) == digest for path, digest in folders)
        )


class Recorder:
    """Notes what the running evaluation looks at."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.modules: dict[str, Digest] = {}  # path to the content that was executed
        self.files: set[str] = set()
        self.folders: set[str] = set()
        self.variables: set[str] = set()
        self.imported: set[str] = set()  # top-level names in import statements
        self.volatile = ""  # what it did that leaves no trace to compare

    def __enter__(self) -> Recorder:
        _install_hook()
        self._token = _recorder.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _recorder.reset(self._token)

    def saw(self, event: str, args: tuple[Any, ...], importing: bool) -> None:
        if event in _PROGRAMS:
            self.volatile = "ran a program"
        elif event == "socket.connect":
            self.volatile = "opened a network connection"
        elif not importing:
            path = self.relative(args[0])
            if event != "open":
                if path is not None:
                    self.folders.add(path)
            elif path and (args[2] or 0) & os.O_ACCMODE != os.O_WRONLY:
                self.files.add(path)

    def relative(self, path: object) -> str | None:
        """`path` relative to the workspace, or None when it is outside of it or of no interest."""
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if path is None:
            path = "."
        if not isinstance(path, str):
            return None  # a descriptor: it was opened by name before
        path = os.path.abspath(path)
        if path == self.root:
            return ""
        if not is_inside(path, self.root):
            return None
        inside = path[len(self.root) :].lstrip("/")
        return None if _PASSING.intersection(inside.split("/")) else inside

    def facts(self, now: Present) -> Facts:
        """What was relied on, with the contents as they are `now`."""
        files: dict[str, Digest | None] = {path: now.file(path) for path in self.files if path not in self.modules}
        files.update(self.modules)
        return Facts(
            engine_version(),
            tuple(sorted(files.items())),
            tuple(sorted((path, now.folder(path)) for path in self.folders)),
            tuple(sorted((name, now.variable(name)) for name in self.variables)),
        )


class WatchedEnvironment(MutableMapping[str, str]):
    """Stands in for `os.environ` during an evaluation: notes what is read; what is written is forgotten afterwards."""

    def __init__(self, values: Mapping[str, str], recorder: Recorder) -> None:
        self._values = dict(values)
        self._recorder = recorder

    def __getitem__(self, name: str) -> str:
        if not isinstance(name, str):
            raise TypeError(f"names of variables are str, not {type(name).__name__}")  # as the real one does
        self._recorder.variables.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        self._recorder.variables.add(EVERYTHING)
        return iter(list(self._values))

    def __len__(self) -> int:
        self._recorder.variables.add(EVERYTHING)
        return len(self._values)

    def __setitem__(self, name: str, value: str) -> None:
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        self._recorder.variables.add(name)
        del self._values[name]

    def copy(self) -> dict[str, str]:
        return dict(self)


def is_inside(path: str, root: str) -> bool:
    """Whether `path` is below `root` and not part of a virtual environment there."""
    return path.startswith(root if root.endswith("/") else f"{root}/") and not is_installed(path)


def is_installed(path: str) -> bool:
    """Whether the module at `path` belongs to an installed distribution."""
    return "/site-packages/" in path or "/dist-packages/" in path


@cache
def _install_hook() -> None:
    """Audit hooks stay for the life of the process, so there is one, and it does nothing while no evaluation runs."""

    def hook(
        event: str,
        args: tuple[Any, ...],
        watched: frozenset[str] = _WATCHED,
        current: Any = _recorder.get,
        frame: Any = sys._getframe,
    ) -> None:
        if event in watched:
            recorder = current()
            if recorder is not None:  # modules are noted by whoever loads them
                recorder.saw(event, args, frame(1).f_code.co_filename.startswith("<frozen importlib"))

    sys.addaudithook(hook)
