"""From a worker's outcome to an action result: blobs into the store first, then the record that names them."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from buildgraph.action import ActionResult, Cost, Output
from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.errors import TargetError
from buildgraph.execution.codecs import RESOURCES
from buildgraph.execution.request import Outcome, StoredFile
from buildgraph.execution.runner import Death
from buildgraph.execution.trees import manifests
from buildgraph.scheduler.behaviour import Behind, identity
from buildgraph.store import Store


def accept(outcome: Outcome, store: Store, now: int, code: Behind, key: Digest) -> ActionResult:
    """Put everything that an outcome holds into the store; the record itself is the caller's to write. `now` in seconds.

    `code` is what the value carries, `key` the action's.
    """
    if outcome.files is not None:
        digest = seen = put_tree(outcome.files, store)
        size = sum(file.entry.size for file in outcome.files)
    elif outcome.data is not None:
        digest = store.put(outcome.data)
        seen, size = Digest(outcome.identity) if outcome.identity else digest, len(outcome.data)
    else:
        digest = Digest(outcome.digest)
        store.put_file(outcome.path, digest, outcome.size)
        seen, size = Digest(outcome.identity) if outcome.identity else digest, outcome.size
    outputs: tuple[Output, ...] = ()
    if outcome.resources is not None:
        tree = put_tree(outcome.resources, store)
        outputs = (Output(RESOURCES, RESOURCES, tree, tree, sum(file.entry.size for file in outcome.resources)),)
        seen = with_resources(seen, tree)
    output = Output("value", outcome.codec, identity(seen, code, key), digest, size, tuple(sorted(code)))
    log = store.put(outcome.log) if outcome.log else None
    cost = Cost(round(outcome.wall, 6), round(outcome.cpu, 6), outcome.rss, output.size + sum(each.size for each in outputs))
    return ActionResult((output, *outputs), log, cost, now)


def put_tree(files: Iterable[StoredFile], store: Store) -> Digest:
    """Put a tree into the store, blobs first; the digest of its root manifest."""
    entries = []
    for file in files:
        entries.append(file.entry)
        if file.data is not None:
            store.put(file.data)
        elif file.path and file.entry.digest is not None:
            store.put_file(file.path, file.entry.digest, file.entry.size)
    root, blobs = manifests(entries)
    for blob in blobs.values():
        store.put(blob)
    return root


def with_resources(value: Digest, resources: Digest) -> Digest:
    """What children see of a value whose component persisted something beside it: they can read both."""
    return Digest.of(encode(["buildgraph.resources", value, resources]))


def died(label: str, death: Death, timeout: float | None) -> TargetError:
    """The error for an action whose worker died under it."""
    peak = ((("peak memory", f"{death.rss >> 20} MiB"),)) if death.rss else ()
    if death.timed_out:
        return TargetError(
            f"target '{label}' ran longer than its timeout of {timeout:g} s", code="BG210", facts=peak,
            why="it was stopped together with every process it had started", fix="make it faster, or raise `timeout`",
        )  # fmt: skip
    if death.signal:
        try:
            name = signal.Signals(death.signal).name
        except ValueError:
            name = f"signal {death.signal}"
        hint = (
            "it was killed, perhaps because memory ran out"
            if death.signal == signal.SIGKILL
            else "native code it uses crashed"
        )
        return TargetError(
            f"target '{label}' was ended by {name}", code="BG211", facts=peak, why=f"{hint}; it was tried twice",
            fix="run it with --runner inline to debug it" if death.signal != signal.SIGKILL else "use fewer --jobs, or make it need less memory",
        )  # fmt: skip
    return TargetError(
        f"target '{label}' ended its worker with status {death.status}", code="BG217", facts=peak,
        why="an action ends by returning a value; leaving the process has none", fix="return instead of calling os._exit",
    )  # fmt: skip
