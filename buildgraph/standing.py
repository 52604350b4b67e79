"""Leaves an answer that stands while nothing changes: every fact that a build relied on, for `cli/quick.py` to compare."""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from buildgraph.facts import (
    FOLDER,
    NOTHING,
    PASSING,
    SLACK,
    Row,
    environment_of,
    file_of,
    pack,
    row_of,
    surroundings,
)
from buildgraph.loading.facts import EVERYTHING
from buildgraph.loading.settings import user_file_of
from buildgraph.loading.workspace import BUILD_FILE, GRAPH_FILE, MARKER

if TYPE_CHECKING:
    from buildgraph.session import Prepared, Session
    from buildgraph.workspace import BuildReport

_KEPT: Final = 16  # answers; a workspace has few requests that come again
# Inputs that look at nothing but files, through `Sources` and `Session.tool`; code of the user's may look at anything.
_PLAIN_INPUTS: Final = "buildgraph.rules."


class Wish(NamedTuple):
    """An answer that may be given again: what was asked (`facts.request_of`) and how a report is said, around its seconds."""

    request: bytes
    start: str
    say: Callable[[BuildReport], tuple[str, str]]


class _Young(Exception):  # noqa: N818 - not an error: the answer does not stand
    """A fact changed so lately that it may change again without a trace."""


def leave(wish: Wish, session: Session, prepared: Prepared, report: BuildReport) -> None:
    """Write down the answer `report` with its facts, unless something in it cannot be told again.

    Call it with everything written and the session still open. A failure to write is no failure: it costs only time.
    """
    if session.warned or not _is_plain(prepared, report):
        return
    requested = prepared.asked.actions
    hits, left = prepared.scene.judge.top_down(requested)  # the first thing that the next build would do
    if left or len(hits) != len(set(requested)):
        return
    again = replace(report, built=0, hit_local=0, hit_remote=0, cut_off=0, up_to_date=report.targets)
    try:
        followed, unfollowed = _followed(wish, session, prepared), _unfollowed(session, prepared)
        rows = [row for _, row in followed] + [row for _, row in unfollowed]
        columns = array("q", [value for row in rows for value in row]).tobytes()
        text = "\0".join(wish.say(again)).encode()
    except (_Young, OSError, OverflowError, UnicodeEncodeError):
        return
    environment = {os.fsencode(name): os.fsencode(value) for name, value in session.environment.items()}
    ignored = _ignored(prepared)
    parts = [
        wish.request, surroundings(), b"\0".join(ignored), environment_of(environment, ignored),
        b"\0".join([path for path, _ in followed]), b"\0".join([path for path, _ in unfollowed]), columns, text,
    ]  # fmt: skip
    _write(session.root, file_of(wish.request), pack(parts))


def _is_plain(prepared: Prepared, report: BuildReport) -> bool:
    """Whether the next build, all else being equal, says exactly the same without doing anything."""
    schema, graph = prepared.asked.schema, prepared.graph
    return (
        report.ok
        and len(report.status) == report.targets
        and not report.skipped
        and not graph.warnings
        and all(node.policy.cacheable for node in schema.nodes.values() if not node.is_input)
        and all(node.entry_point.startswith(_PLAIN_INPUTS) for node in schema.nodes.values() if node.is_input)
    )


def _ignored(prepared: Prepared) -> list[bytes]:
    """The variables that nothing looked at."""
    read = set(prepared.graph.variables)
    for node in prepared.asked.schema.nodes.values():
        read.update(node.policy.environment)
    for code in {each.digest: each for each in prepared.scene.codes.values()}.values():
        read.update(code.environment)
    return [] if EVERYTHING in read else [name.encode() for name in PASSING if name not in read]


def _followed(wish: Wish, session: Session, prepared: Prepared) -> list[tuple[bytes, Row]]:
    """Sources, build files, code, settings and the folders they were found in; each must have been left alone for long enough."""
    looked: set[str] = {*prepared.graph.looked, *session.sources.looked(), *session.tried, *session.code.looked(), *session.search}
    looked.update(_around(wish.start, session))
    eldest = session.began - SLACK
    found = []
    for path, row in _rows(session.root, map(os.fsencode, looked), os.stat):
        if row[2] >= eldest or row[3] >= eldest:
            raise _Young
        found.append((path, row))
    # The index changes when anything is stored, the ledger when anything was learnt: no moment is too young for that.
    stored = session.store_files()
    if stored is None:
        raise _Young
    own = (*stored, f"{session.state}/ledger/index/data.mdb")
    return found + list(_rows(session.root, map(os.fsencode, own), os.stat))


def _around(start: str, session: Session) -> Iterator[str]:
    """What decides which workspace this is, and its settings."""
    yield user_file_of(session.environment) or "/"
    folder = start
    while True:
        yield from (f"{folder}/{name}" for name in (MARKER, "pyproject.toml", BUILD_FILE, GRAPH_FILE))
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _unfollowed(session: Session, prepared: Prepared) -> list[tuple[bytes, Row]]:
    """Outputs as they were left, and the folders of packages, which must not be links."""
    packages = {"/".join(parts[:end]) for path in prepared.graph.looked for parts in [path.split("/")] for end in range(1, len(parts))}
    left = dict(prepared.scene.outputs.left())
    found = list(_rows(session.root, map(os.fsencode, packages), os.lstat))
    for path, row in _rows(session.root, left, os.lstat):
        stamp = left[path]
        is_folder = row[4] & 0o170000 == 0o040000
        if stamp != ((row[0], stamp[1], *(row[2:4] if stamp[1] else (0, 0))) if is_folder else row[:4]):
            raise _Young
        found.append((path, (row[0], *row[1:])))
    return found


def _rows(root: str, paths: Iterable[bytes], look: Callable[[bytes], os.stat_result]) -> Iterator[tuple[bytes, Row]]:
    """Each path, relative to `root` where it lies inside, with how it is now. Raises OSError for one that cannot be known."""
    inside, base = os.fsencode(root) + b"/", os.fsencode(root)
    for full in sorted({(path if path.startswith(b"/") else inside + path).rstrip(b"/") or b"/" for path in paths}):
        try:
            row = row_of(look(full))
        except (FileNotFoundError, NotADirectoryError):
            row = NOTHING
        yield (full[len(inside) :] if full.startswith(inside) else b"." if full == base else full), row


def _write(root: str, name: str, data: bytes) -> None:
    path, folder = f"{root}/{name}", f"{root}/{FOLDER}"
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(folder, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
        os.rename(temporary, path)
        kept = [(os.stat(f"{folder}/{each}").st_mtime_ns, each) for each in os.listdir(folder)]
        for _, each in sorted(kept)[:-_KEPT]:
            os.unlink(f"{folder}/{each}")
    except OSError:
        pass  # a full disk: the next build is as slow as this one
