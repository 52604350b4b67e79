"""The exception tree: every error a user can meet has a headline, a place, a reason, a fix and a stable code.

    BuildgraphError
    ├── UsageError         what the user wrote is wrong                      exit 2
    │   ├── EncodingError  a value has no canonical encoding                 exit 2
    │   └── ConfigError    a component refuses its config                    exit 2
    ├── TargetError        a target ran and failed                           exit 1
    ├── MachineError       disk, permissions, a missing tool or package      exit 2
    │   └── StoreError     the store cannot be used                          exit 2
    ├── LockError          somebody else holds a lock and we may not wait    exit 4
    ├── VerificationError  bytes are not what their digest says              exit 6
    └── Interrupted        the user pressed Ctrl-C                           exit 130

Codes are explained by `buildgraph explain CODE`; the pages are in `catalogue/`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LONGEST_LINE = 200  # characters of a source line that are shown


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is: a file with an optional line (1-based), the text of that line, and a note beside it."""

    file: str
    line: int = 0
    note: str = ""
    text: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}  {self.note}" if self.note else where


class BuildgraphError(Exception):
    """Base of all errors raised on purpose; carries the five parts of a good message.

    `headline` is one plain sentence in the user's own names; `where` are places or plain words; `facts` are
    labelled lines such as ("missing", "model.bin"); `why` is the rule that was broken; `fix` what to do about it.
    """

    exit_code = 1

    def __init__(
        self,
        headline: str,
        *,
        code: str,
        where: Place | str | tuple[Place | str, ...] = (),
        facts: tuple[tuple[str, str], ...] = (),
        why: str = "",
        fix: str = "",
    ) -> None:
        super().__init__(headline)
        self.headline = headline
        self.code = code
        self.where = where if isinstance(where, tuple) else (where,)
        self.facts = facts
        self.why = why
        self.fix = fix

    def lines(self) -> list[str]:
        """The message as lines, without colour: what every reader of errors (terminal, log, JSON) shows."""
        lines = [f"error[{self.code}]: {escape(self.headline)}"]
        for place in self.where:
            lines.append(f"  where: {escape(str(place))}")
            if isinstance(place, Place) and place.text:
                text = place.text.strip()
                text = text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}..."
                lines += [f"    | {escape(text)}", f"    | {'^' * min(len(text), 100)}"]
        lines += [f"  {label}: {escape(value)}" for label, value in self.facts]
        if self.why:
            lines.append(f"  why: {escape(self.why)}")
        if self.fix:
            lines.append(f"  fix: {escape(self.fix)}")
        lines.append(f"  more: buildgraph explain {self.code}")
        return lines

    def render(self) -> str:
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, Any]:
        """The same message as plain data, for `--json` and the event log."""
        return {
            "code": self.code,
            "headline": self.headline,
            "where": [str(place) for place in self.where],
            "facts": dict(self.facts),
            "why": self.why,
            "fix": self.fix,
        }


class UsageError(BuildgraphError):
    """What the user wrote (a file, a label, a flag, a value) cannot be right."""

    exit_code = 2


class ConfigError(UsageError):
    """A component refuses the config that it was given."""


_KNOWN_TYPES = "use None, bool, int, float, str, bytes, list, tuple, dict with str keys, set, Path or a numpy array"


class EncodingError(UsageError):
    """A value has no canonical encoding; `path` leads to it inside the value that was given."""

    def __init__(self, problem: str, *, path: str = "", fix: str = "", code: str = "BG040") -> None:
        self.problem = problem
        self.path = path
        where = f"{path}: {problem}" if path else problem
        super().__init__(
            where,
            code=code,
            why="every value that is hashed needs one exact form, the same in every process and on every machine",
            fix=fix or _KNOWN_TYPES,
        )

    def inside(self, step: str) -> EncodingError:
        """The same error seen from one level further out."""
        separator = "" if not self.path or self.path.startswith("[") else "."
        return EncodingError(self.problem, path=f"{step}{separator}{self.path}", fix=self.fix, code=self.code)


class TargetError(BuildgraphError):
    """A target's action ran and failed, or did not do what the target declared."""

    exit_code = 1


class MachineError(BuildgraphError):
    """The machine cannot do what is asked: no space, no permission, a missing tool or package."""

    exit_code = 2


class StoreError(MachineError):
    """The store cannot be opened, read or written."""


class LockError(BuildgraphError):
    """Another process holds a lock and waiting is refused or took too long."""

    exit_code = 4


class VerificationError(BuildgraphError):
    """Bytes are not what their digest, checksum or manifest says they are."""

    exit_code = 6


class Interrupted(BuildgraphError):  # noqa: N818 - what the user did, not what went wrong
    """The user asked to stop."""

    exit_code = 130


def escape(text: str) -> str:
    """`text` with control characters and undecodable bytes made visible, safe for any terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def nearest(name: str, known: object) -> str:
    """A hint such as "did you mean 'train'?" for a misspelt `name`, or an empty string."""
    from difflib import get_close_matches  # only needed on the way out

    matches = get_close_matches(name, [str(k) for k in known], n=1, cutoff=0.6)  # type: ignore[attr-defined]
    return f"did you mean '{matches[0]}'?" if matches else ""
