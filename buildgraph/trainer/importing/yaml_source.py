"""Files of a project as YAML whose every entry knows its line: text is read as it is written, and errors name their place."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple, NoReturn

from buildgraph.errors import Place, UsageError, nearest
from buildgraph.trainer.errors import TrainingDataError

MAX_DEPTH: Final = 64
MAX_REPEATED: Final = 100_000  # entries that aliases may repeat, in all
_BREAKS: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_CORE: Final = "tag:yaml.org,2002:"
_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_KINDS: Final = {"mapping": "keys with values", "sequence": "a list", "scalar": "text"}


class SourceFile(NamedTuple):
    """A file that was read: `name` is its path as it is shown, `data` its bytes, `failure` the kind of its errors."""

    name: str
    data: bytes
    failure: type[UsageError] = TrainingDataError


class Entry(NamedTuple):
    """A key and the value below it, each with its place."""

    key: Any
    value: Any


class Source:
    """A parsed file. `root` is None for one that holds nothing; `warnings` are pairs of a code and a message.

    Raises the file's kind of error: BG510 for bytes that are not UTF-8, BG511 for what is not YAML or is unsafe to read.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file = file.name
        self.failure = file.failure
        self.warnings: list[tuple[str, str]] = []
        self.mentions: dict[tuple[str, str], int] = {}  # lines of names that are defined elsewhere, by their kind
        self.examples: list[tuple[str, str, int]] = []  # text, intent and line
        try:
            self.text = file.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = file.data.count(b"\n", 0, error.start) + 1
            raise file.failure(
                f"'{file.name}' is not UTF-8 text", code="BG510", where=Place(file.name, line),
                why=f"byte {error.start} is 0x{file.data[error.start]:02x}", fix="save it as UTF-8",
            ) from None  # fmt: skip
        self.root: Any = self._composed()

    def _composed(self) -> Any:
        import yaml

        from buildgraph.loading.yaml_text import core_value  # imports yaml, too

        self._core_value = core_value
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            root = yaml.compose(self.text, Loader=loader)
        except yaml.MarkedYAMLError as error:
            lines = [mark.line + 1 for mark in (error.problem_mark, error.context_mark) if mark] or [0]
            places = tuple(self.place(line) for line in dict.fromkeys(lines))  # where it is noticed, and where that began
            raise self.failure(
                f"'{self.file}' is not valid YAML", code="BG511", where=places, why=", ".join(filter(None, [error.context, error.problem])),
                fix="correct one of these lines or the one above; indent with spaces, and close quotes and brackets",
            ) from None  # fmt: skip
        except yaml.YAMLError as error:
            line = self.text.count("\n", 0, getattr(error, "position", 0)) + 1
            self.refuse("BG511", "has a character that YAML does not allow", line, str(error).splitlines()[0], "remove the control character")
        except RecursionError:
            self.refuse("BG511", "is nested too deeply", 0, f"at most {MAX_DEPTH} levels are read", "flatten it")
        if root is None or self.is_null(root):
            return None
        if "&" in self.text:
            self._bound(root)
        return root

    def _bound(self, root: Any) -> None:
        """Refuses aliases that repeat too much, or contain themselves."""
        seen: set[int] = set()
        repeated = 0
        waiting = [(root, 0)]
        while waiting:
            node, depth = waiting.pop()
            repeated += id(node) in seen
            seen.add(id(node))
            if repeated > MAX_REPEATED or depth > MAX_DEPTH:
                self.refuse("BG511", "repeats too much", node, f"aliases may stand for {MAX_REPEATED} entries and not contain themselves", "write the entries out")
            for child in node.value if not isinstance(node.value, str) else ():
                waiting += [(each, depth + 1) for each in (child if isinstance(child, tuple) else (child,))]

    # ---- places and problems ----

    def place(self, at: Any) -> Place:
        """The place of an entry, or of a line by its number."""
        line = at if isinstance(at, int) else at.start_mark.line + 1
        return Place(self.file, line, text=self.rows[line - 1].strip() if 0 < line <= len(self.rows) else "")

    @cached_property
    def rows(self) -> list[str]:
        """The lines of the text."""
        return _BREAKS.split(self.text)

    def refuse(self, code: str, problem: str, at: Any, why: str, fix: str) -> NoReturn:
        """Raises the file's kind of error about an entry or a line."""
        raise self.failure(f"'{self.file}' {problem}", code=code, where=self.place(at), why=why, fix=fix)

    def warn(self, code: str, problem: str, at: Any) -> None:
        line = at if isinstance(at, int) else at.start_mark.line + 1
        self.warnings.append((code, f"{self.file}:{line}: {problem}"))

    def mention(self, kind: str, name: str, at: Any) -> None:
        """Notes the line where a name first stands that something else has to define."""
        self.mentions.setdefault((kind, name), at.start_mark.line + 1)

    # ---- entries as what they should be ----

    @staticmethod
    def is_null(node: Any) -> bool:
        return node.id == "scalar" and not node.style and node.value in _NULLS and node.tag != _CORE + "str"

    def mapping(self, node: Any, what: str, known: Collection[str] | None = None) -> dict[str, Entry]:
        """The keys and values of an entry; nothing counts as no keys. Merge keys (`<<`) are followed.

        Refuses another type (BG514), a key that is not text (BG514), one that is there twice (BG520) or not `known` (BG512).
        """
        if self.is_null(node):
            return {}
        if node.id != "mapping":
            self._other_type(node, what, "mapping")
        found: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key, value in node.value:
            if key.id != "scalar":
                self.refuse("BG514", f"has a key in {what} that is not text", key, "keys are text", "write a plain key")
            name = key.value
            if name == "<<" and not key.style:
                for each in [value] if value.id == "mapping" else self.sequence(value, "'<<'"):
                    merged = {**self.mapping(each, "'<<'", known), **merged}
                continue
            if name in found:
                first = found[name].key.start_mark.line + 1
                self.refuse("BG520", f"has '{name}' twice in {what}", key, f"it is first in line {first}", "remove or rename one of them")
            if known is not None and name not in known:
                hint = nearest(name, known)
                self.refuse("BG512", f"has the unknown key '{name}' in {what}", key, f"known are {', '.join(sorted(known))}", hint or "correct or remove it")
            found[name] = Entry(key, value)
        return {**merged, **found}

    def sequence(self, node: Any, what: str) -> list[Any]:
        """The items of a list; nothing counts as none. Refuses another type (BG514)."""
        if self.is_null(node):
            return []
        if node.id != "sequence":
            self._other_type(node, what, "sequence")
        items: list[Any] = node.value
        return items

    def string(self, node: Any, what: str) -> str:
        """The text of an entry as it is written, also that of a number or truth value. Refuses what is no text (BG514)."""
        if node.id != "scalar" or self.is_null(node):
            self._other_type(node, what, "scalar")
        text: str = node.value
        return text.strip()

    def value(self, node: Any, depth: int = 0) -> Any:
        """An entry as plain data, by the core schema of YAML 1.2: `yes` is text, `true` is not."""
        if depth > MAX_DEPTH:
            self.refuse("BG511", "is nested too deeply", node, f"at most {MAX_DEPTH} levels are read", "flatten it")
        if node.id == "mapping":
            return {name: self.value(entry.value, depth + 1) for name, entry in self.mapping(node, "a value").items()}
        if node.id == "sequence":
            return [self.value(item, depth + 1) for item in node.value]
        tag = node.tag
        if not tag.startswith(_CORE) or "/" in tag:
            self.refuse("BG511", f"has a tag '{tag}'", node, "values are plain data; tags could name code", "remove the tag")
        return node.value if node.style or tag == _CORE + "str" else self._core_value(node.value)

    def lines(self, node: Any) -> Iterator[tuple[str, int]]:
        """The lines of a text with their numbers: exact for a block (`|`), that of its first line for other styles."""
        block = node.style in ("|", ">")
        start = node.start_mark.line + 1 + block
        for number, line in enumerate(_BREAKS.split(node.value)):
            yield line, start + number if node.style == "|" else start

    def _other_type(self, node: Any, what: str, wanted: str) -> NoReturn:
        kind = "nothing" if self.is_null(node) else _KINDS[node.id]
        self.refuse("BG514", f"has {kind} for {what}", node, f"{what} has to be {_KINDS[wanted]}", "correct the entry, or its indentation")
