"""The judge: is a target's result known? Deep keys first, from the requested targets down; then keys, from the inputs up.

A deep key needs nothing to have run, so one hit settles a target and all it needs. What is left is judged by its
ordinary key once its parents are settled: a rebuilt parent with unchanged outputs leaves its children fresh.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from buildgraph.action import Action, ActionResult, DeepRecord, Inputs, Output
from buildgraph.code import explain as explain_code
from buildgraph.digest import Digest
from buildgraph.encoding import encode_plain
from buildgraph.errors import EncodingError
from buildgraph.execution.outputs import holds_folder
from buildgraph.execution.trees import entries_of
from buildgraph.fingerprint import Change, diff, explain, group_fingerprint, manifest
from buildgraph.schema import GraphSchema
from buildgraph.store import Store

_DEEP: Final = "deep"


class Hit(NamedTuple):
    """The result is known: `key` names it."""

    key: Digest
    result: ActionResult


class Stale(NamedTuple):
    """The target must run; `manifest` is its encoded action, `reason` says in words why it is not known."""

    key: Digest
    manifest: bytes
    reason: str


class Before(NamedTuple):
    """What the last build of this workspace knew of a target: its key and its deep key, each maybe unknown."""

    key: Digest | None
    deep: Digest | None


_NEVER: Final = Before(None, None)


class Judge:
    """The verdicts of one build. `actions` lack their inputs; `sources` are the outputs of the input nodes.

    `codes` are the manifests of the code digests in use.
    """

    def __init__(
        self, schema: GraphSchema, actions: Mapping[str, Action], sources: Mapping[str, Output], store: Store,
        *, before: Mapping[str, Before], codes: Mapping[Digest, bytes], forced: Collection[str] = (), use_deep: bool = True,
    ) -> None:  # fmt: skip
        self._schema = schema
        self._actions = actions
        self._sources = sources
        self._store = store
        self._before = before
        self._codes = codes
        self._forced = forced
        self._use_deep = use_deep
        self._blocked: set[str] = set()
        self._request: DeepRecord | None = None  # what is known of the requested set
        self._complete: dict[Digest, bool] = {}
        self.deep_keys: dict[str, Digest] = {}
        self.ancestry: dict[str, Digest] = {}
        self._deepen()

    def before(self, label: str) -> Before:
        return self._before.get(label, _NEVER)

    def _deepen(self) -> None:
        """The deep key of every node that has one; nodes come in a valid order."""
        for label, node in self._schema.nodes.items():
            if node.is_input:
                continue
            parents = [(parameter, parent) for parameter, parent in node.needs.items()]
            if label in self._forced or any(parent in self._blocked for _, parent in parents):
                self._blocked.add(label)
            if not node.policy.cacheable or not all(
                parent in self.deep_keys or parent in self._sources for _, parent in parents
            ):
                continue
            if label in self._actions:
                inputs = tuple(sorted((parameter, *self._deep_of(parent)) for parameter, parent in parents))
                self.deep_keys[label] = Digest.of(manifest(self._actions[label], inputs, deep=True))

    def _deep_of(self, parent: str) -> tuple[str, Digest]:
        source = self._sources.get(parent)
        return (source.codec, source.digest) if source else (_DEEP, self.deep_keys[parent])

    def request_key(self, requested: Sequence[str]) -> Digest | None:
        """The deep key of the requested set as one virtual target; None when a member has no deep key or is forced."""
        if not self._use_deep or any(label not in self.deep_keys or label in self._blocked for label in requested):
            return None
        return group_fingerprint([self.deep_keys[label] for label in requested])

    def top_down(self, requested: Sequence[str]) -> tuple[dict[str, Hit], list[str]]:
        """What deep keys settle: hits by label, and the labels that they leave open, in graph order.

        A label that is neither is an ancestor of hits only: it is settled with them and never looked up.
        """
        key = self.request_key(requested)
        if key is not None:
            record = self._request = self._store.deep(key)
            if record is not None and len(record.members) == len(requested):
                hits = {label: self._known(member) for label, member in zip(requested, record.members, strict=True)}
                found = {label: hit for label, hit in hits.items() if hit is not None}
                if len(found) == len(hits):
                    return found, []
        return self._walk_down(requested)

    def _walk_down(self, requested: Sequence[str]) -> tuple[dict[str, Hit], list[str]]:
        hits: dict[str, Hit] = {}
        seen = set(requested)
        left: set[str] = set()
        pending = list(requested)
        while pending:
            label = pending.pop()
            hit = self._deep_hit(label)
            if hit is not None:
                hits[label] = hit
                continue
            left.add(label)
            if self._schema.nodes[label].is_input:  # it failed; what it needs is no target
                continue
            for parent in self._schema.parents(label):
                if parent not in seen and parent not in self._sources:
                    seen.add(parent)
                    pending.append(parent)
        return hits, [label for label in self._schema.nodes if label in left] if left else []

    def _deep_hit(self, label: str) -> Hit | None:
        deep = self.deep_keys.get(label)
        if deep is None or not self._use_deep or label in self._blocked or label not in self._actions:
            return None
        record = self._store.deep(deep)
        if record is None or record.key is None:
            return None
        self.ancestry[label] = record.ancestry
        return self._known(record.key)

    def _known(self, key: Digest) -> Hit | None:
        result = self._store.result(key)
        return Hit(key, result) if result is not None and self._is_complete(result) else None

    def _is_complete(self, result: ActionResult) -> bool:
        """Whether the store has every blob that the result needs: otherwise it is no hit."""
        return all(self._has(output) for output in result.outputs) and (
            result.log is None or self._store.has(result.log)
        )

    def _has(self, output: Output) -> bool:
        if not holds_folder(output):
            return self._store.has(output.blob)
        known = self._complete.get(output.blob)
        if known is None:
            entries = entries_of(output.blob, self._store.blob)
            known = not isinstance(entries, Digest) and all(
                entry.digest is None or self._store.has(entry.digest) for entry in entries
            )
            self._complete[output.blob] = known
        return known

    def judge(self, label: str, inputs: Inputs) -> Hit | Stale:
        """The verdict on a target whose parents are settled; `inputs` are their output digests, sorted by parameter."""
        data = manifest(self._actions[label], inputs)
        key = Digest.of(data)
        if label in self._forced:
            return Stale(key, data, "forced")
        if not self._schema.nodes[label].policy.cacheable:
            return Stale(key, data, "never cached (cacheable=False)")
        hit = self._known(key)
        return hit if hit is not None else Stale(key, data, self.reason(label, key, data))

    def reason(self, label: str, key: Digest, data: bytes) -> str:
        """Why there is no result for this key, compared with the last build of this workspace."""
        before = self.before(label)
        last = before.key
        if last is None and before.deep is not None:  # it was settled by its deep key: what that stood for is known still
            record = self._store.deep(before.deep)
            last = record.key if record is not None else None
        if last is None:
            return "never built here"
        if last == key:
            return "its result is no longer in the store"
        changes = self.changes(last, data)
        if changes is None:
            return "it changed (the store no longer holds what it was)"
        return (
            "; ".join(str(change) for change in changes[:3])
            + (f"; and {len(changes) - 3} more" if len(changes) > 3 else "")
            or "it changed"
        )

    def changes(self, last: Digest, data: bytes) -> list[Change] | None:
        """The fields in which the action `data` differs from the one whose key was `last`; None if that is lost."""
        previous = self._store.blob(last)
        if previous is None:
            return None
        try:
            return diff(self.explained(previous), self.explained(data))
        except EncodingError:
            return None

    def explained(self, data: bytes) -> dict[str, Any]:
        """The fields of an encoded action for people, its code opened up into modules and distributions."""
        fields = explain(data)
        digest = Digest.parse(fields["code"])
        code = self._codes.get(digest) or self._store.blob(digest)
        if code is not None:
            fields["code"] = explain_code(code)
        return fields

    def ancestry_of(self, label: str, outputs: Mapping[str, Output]) -> Digest:
        """One digest over the output digests of all ancestors of a settled target."""
        known = self.ancestry.get(label)
        if known is None:
            rows = [
                [outputs[parent].digest, self.ancestry.get(parent)]
                for parent in self._schema.parents(label)
                if parent in outputs
            ]
            known = self.ancestry[label] = Digest.of(encode_plain(["buildgraph.ancestry", rows]))
        return known

    def remember_request(self, requested: Sequence[str], keys: Mapping[str, Digest]) -> None:
        """Record the whole requested set under its virtual deep key, for one look-up next time."""
        if any(label not in self.deep_keys or label not in keys for label in requested):
            return
        key = group_fingerprint([self.deep_keys[label] for label in requested])
        members = tuple(keys[label] for label in requested)
        if self._request is None or self._request.members != members:
            ancestry = Digest.of(encode_plain(["buildgraph.ancestry", [self.ancestry.get(label) for label in requested]]))
            self._store.record_deep(key, DeepRecord(None, ancestry, members))


def inputs_of(needs: Iterable[tuple[str, str]], outputs: Mapping[str, Output]) -> Inputs:
    """The inputs of an action from its parents' outputs, sorted by parameter."""
    found = []
    for parameter, parent in needs:
        output = outputs[parent]
        found.append((parameter, output.codec, output.digest))
    return tuple(sorted(found))
