"""A YAML reader that cannot surprise: plain values by YAML 1.2 rules, no tags, no duplicate keys, bounded work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import yaml

from buildgraph.errors import Place, UsageError

MAX_SIZE: Final = 8 << 20
MAX_DEPTH: Final = 64
MAX_EXPANDED: Final = 10_000  # values that aliases may repeat, in all
_LINE_DEPTH: Final = 4  # keys deeper than this are placed at the line of the one above

_MOST_DIGITS: Final = 4000

_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, Any]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".inf": float("inf"),
    ".Inf": float("inf"),
    ".INF": float("inf"),
    "+.inf": float("inf"),
    "-.inf": float("-inf"),
    "-.Inf": float("-inf"),
    "-.INF": float("-inf"),
}
_SURPRISING: Final = re.compile(
    r"(?i:yes|no|on|off)"  # truth values
    r"|[-+]?0[0-9]+|0b[01]+|[-+]?[0-9]+_[0-9_]+"  # octal, binary and grouped numbers
    r"|[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"  # sixties: 12:30 would be 750
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"  # dates
)


def core_value(text: str) -> Any:
    """What a scalar without quotes stands for by the core schema of YAML 1.2; text that other readers take for more is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text) and len(text) <= _MOST_DIGITS:
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) and not _SURPRISING.fullmatch(text) else text


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its value, the lines of its keys by path, and what to warn of."""

    file: str
    value: Any
    lines: dict[tuple[Any, ...], int]
    warnings: tuple[tuple[str, str], ...]
    text: str

    def place(self, path: tuple[Any, ...]) -> Place:
        """Where the key at `path` is, or the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        line = self.lines.get(path, 1)
        rows = self.text.splitlines()
        return Place(self.file, line, text=rows[line - 1].strip() if line <= len(rows) else "")


def parse(data: bytes, file: str) -> Document:
    """The value of the one document in `data`. Raises UsageError (BG120 to BG123) with file and line."""
    if len(data) > MAX_SIZE:
        raise UsageError(
            f"'{file}' is too large",
            code="BG123",
            where=Place(file),
            why=f"at most {MAX_SIZE >> 20} MiB are read",
            fix="split it",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"'{file}' is not UTF-8 text",
            code="BG120",
            where=Place(file, data.count(b"\n", 0, error.start) + 1),
            why=f"byte {error.start} is 0x{data[error.start]:02x}",
            fix="save it as UTF-8",
        ) from None
    builder = _Builder(file, text)
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "nesting depth" in str(error.problem):  # PyYAML has a limit of its own from 6.0.4 on
            builder.too_deep(mark.line + 1 if mark else 0)
        builder.refuse(
            "BG120",
            f"is not valid YAML: {error.problem or error.context}",
            mark.line + 1 if mark else 0,
            "YAML says so",
            "correct the line above; indent with spaces",
        )
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        builder.refuse(
            "BG120",
            "is not valid YAML: it has a character that YAML does not allow",
            line,
            str(error).splitlines()[0],
            "remove the control character",
        )
    return Document(file, builder.value, builder.lines, tuple(builder.warnings), text)


class _Open:
    """A list or mapping that is not complete yet. A mapping that awaits a value has `key` set."""

    __slots__ = ("anchor", "container", "key", "size", "waits")

    def __init__(self, container: Any, anchor: str | None) -> None:
        self.container = container
        self.anchor = anchor
        self.key: Any = None
        self.waits = False
        self.size = 1


class _Builder:
    """Builds the value from parser events with a stack of its own, so that neither depth nor aliases can hurt."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.value: Any = None
        self.lines: dict[tuple[Any, ...], int] = {}
        self.warnings: list[tuple[str, str]] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.expanded = 0
        self.documents = 0

    def refuse(self, code: str, problem: str, line: int, why: str, fix: str) -> NoReturn:
        rows = self.text.splitlines()
        text = rows[line - 1].strip() if 0 < line <= len(rows) else ""
        raise UsageError(
            f"'{self.file}' {problem}", code=code, where=Place(self.file, line, text=text), why=why, fix=fix
        )

    def take(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            self._untagged(event, line, scalar=True)
            value = self._plain(event.value, line) if event.implicit[0] and event.tag is None else event.value
            self._anchored(event.anchor, value, 1)
            self._add(value, 1, line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._untagged(event, line)
            if len(self.stack) >= MAX_DEPTH:
                self.too_deep(line)
            self.stack.append(_Open({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            done = self.stack.pop()
            self._anchored(done.anchor, done.container, done.size)
            self._add(done.container, done.size, line)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                self.refuse(
                    "BG122",
                    f"repeats '*{event.anchor}', which is not complete",
                    line,
                    "an alias comes after the whole value it repeats",
                    "write the value out",
                )
            value, size = self.anchors[event.anchor]
            self.expanded += size
            if self.expanded > MAX_EXPANDED:
                self.refuse(
                    "BG123",
                    "repeats too much",
                    line,
                    f"aliases may stand for at most {MAX_EXPANDED} values in all",
                    "write the values out, or use a BUILD.py",
                )
            self._add(value, size, line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.refuse(
                    "BG122", "has more than one document", line, "a file is one document", "remove the line with ---"
                )

    def too_deep(self, line: int) -> NoReturn:
        self.refuse("BG123", "is nested too deeply", line, f"at most {MAX_DEPTH} levels are read", "flatten it")

    def _untagged(self, event: Any, line: int, *, scalar: bool = False) -> None:
        if event.tag is not None and not (scalar and event.tag in ("!", "tag:yaml.org,2002:str")):
            self.refuse(
                "BG122",
                f"has a tag '{event.tag}'",
                line,
                "values are plain data; tags could name code",
                "remove the tag",
            )

    def _anchored(self, anchor: str | None, value: Any, size: int) -> None:
        if anchor:
            self.anchors[anchor] = (value, size)

    def _add(self, value: Any, size: int, line: int) -> None:
        if not self.stack:
            self.value = value
            return
        top = self.stack[-1]
        top.size += size
        if isinstance(top.container, list):
            top.container.append(value)
        elif top.waits:
            top.container[top.key] = value
            top.waits = False
        else:
            if isinstance(value, dict | list):
                self.refuse("BG124", "has a key that is not plain text", line, "keys are text", "write a plain key")
            if value in top.container:
                first = self.lines.get((*self._path(), value))
                self.refuse(
                    "BG121",
                    f"has the key '{value}' twice",
                    line,
                    f"it is first in line {first}" if first else "a key means one thing",
                    "remove or rename one of them",
                )
            top.key, top.waits = value, True
            top.container[value] = None
            if len(self.stack) <= _LINE_DEPTH:
                self.lines[(*self._path(), value)] = line

    def _path(self) -> tuple[Any, ...]:
        """The keys that lead to the innermost open container."""
        return tuple(each.key if isinstance(each.container, dict) else len(each.container) for each in self.stack[:-1])

    def _plain(self, text: str, line: int) -> Any:
        """A scalar without quotes, by the core schema of YAML 1.2; what other readers see differently is warned of."""
        if _INT.fullmatch(text) and len(text) > _MOST_DIGITS:
            self.refuse("BG120", "has a number that is too long", line, f"more than {_MOST_DIGITS} digits", "quote it")
        value = core_value(text)
        if value is text and text not in _WORDS and _SURPRISING.fullmatch(text):
            self._warn(
                line, f'{text} is the text "{text}" here, and something else to other YAML readers; put it in quotes'
            )
        elif isinstance(value, float) and text not in _WORDS:
            fraction = text.partition(".")[2]
            if len(fraction) > 1 and fraction.endswith("0") and fraction.isdigit():
                self._warn(
                    line, f'{text} is the number {float(text)!r}; write "{text}" if it is a version or other text'
                )
        return value

    def _warn(self, line: int, problem: str) -> None:
        self.warnings.append(("BG125", f"{self.file}:{line}: {problem}"))
