"""What `doctor` looks at: versions, the store, optional packages, and whether a worker comes up."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from buildgraph.errors import BuildgraphError
from buildgraph.workspace import Workspace

_CORE = ("blake3", "click", "lmdb", "msgpack", "pyyaml", "rich")
_EXTRAS = {"numpy": "numpy", "arrow": "pyarrow", "safetensors": "safetensors", "sklearn": "skops", "zstd": "zstandard"}
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "fuse", "fuseblk")
Check = tuple[str, str, str]  # ok, warn or bad; what; detail


def examine(workspace: Workspace | None) -> list[Check]:
    """All checks, in the order in which they are shown."""
    found: list[Check] = [("ok" if sys.version_info >= (3, 11) else "bad", "Python", sys.version.split()[0])]
    for name in _CORE:
        try:
            found.append(("ok", name, version(name)))
        except PackageNotFoundError:
            found.append(("bad", name, "not installed: pip install buildgraph"))
    for extra, package in _EXTRAS.items():
        have = find_spec(package) is not None
        found.append(("ok" if have else "note", f"extra {extra}", "" if have else f"not installed: pip install 'buildgraph[{extra}]'"))
    if workspace is not None:
        found += [("ok", "workspace", workspace.root), *_store(workspace), _worker(workspace)]
    return found


def _store(workspace: Workspace) -> list[Check]:
    store = workspace.settings.store
    try:
        with workspace.open("doctor", wait=False):
            pass
    except BuildgraphError as error:
        return [("bad", "store", error.headline)]
    kind = _file_system(store)
    free = shutil.disk_usage(store).free
    return [
        ("warn" if kind in _NETWORK else "ok", "store", f"{store} on {kind}" + (" (a network file system: choose a local one with --store)" if kind in _NETWORK else "")),
        ("warn" if free < 1 << 30 else "ok", "free space", f"{free >> 20} MiB"),
    ]


def _file_system(path: str) -> str:
    best, kind = "", "unknown"
    real = os.path.realpath(path)
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                left, _, right = line.partition(" - ")
                point = left.split()[4]
                if (real == point or real.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
                    best, kind = point, right.split()[0]
    except OSError:
        pass
    return kind


def _worker(workspace: Workspace) -> Check:
    from buildgraph.execution.pool import ProcessPool
    from buildgraph.session import import_path, worker_environment

    pool = ProcessPool(1, work="buildgraph.report.health:echo", root=workspace.root, environment=worker_environment(), path=import_path(workspace.root))
    try:
        pool.start()
        pool.submit(1, b"hello", timeout=30)
        answer = pool.wait()
        ok = bool(answer) and answer[0].outcome == b"hello"
        return ("ok" if ok else "bad", "worker", "comes up and answers" if ok else "did not answer")
    except BuildgraphError as error:
        return ("bad", "worker", error.headline)
    finally:
        pool.stop()


def echo(request: bytes) -> bytes:
    """The work of the worker that `doctor` starts: give back what came."""
    return request
