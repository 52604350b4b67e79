"""Where training data comes from: the protocol of importers, and the importer of projects that are files of YAML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, runtime_checkable

from buildgraph.component import ModelStorage
from buildgraph.encoding import encode
from buildgraph.errors import nearest
from buildgraph.trainer.data import INTENT, INTENT_RESPONSE_KEY, TEXT, TrainingData
from buildgraph.trainer.domain import DEFAULT_INTENTS, SECTIONS, Domain
from buildgraph.trainer.errors import TrainingDataError
from buildgraph.trainer.importing.domain_yaml import Lines, read_domain, read_responses
from buildgraph.trainer.importing.nlu_yaml import read_nlu
from buildgraph.trainer.importing.project_files import (
    CONFIG,
    DATA,
    DOMAIN,
    TESTS,
    Paths,
    ProjectFile,
    content_fingerprint,
    load_files,
    read_project,
    save_files,
)
from buildgraph.trainer.importing.story_yaml import read_stories
from buildgraph.trainer.importing.yaml_source import Entry, Source
from buildgraph.trainer.stories import Story, StoryGraph

_DATA_KEYS: Final = ("nlu", "stories", "rules", "responses")
_KNOWN: Final = frozenset(("version", *_DATA_KEYS, *SECTIONS))
_ELSEWHERE: Final = frozenset(("recipe", "language", "pipeline", "policies", "assistant_id", "importers"))  # a configuration
_NEWEST: Final = "3.1"
_VERSIONS: Final = ("3", "3.0", _NEWEST)


@runtime_checkable
class TrainingDataImporter(Protocol):
    """Supplies everything that an assistant is trained from; `fingerprint` is by content."""

    def get_domain(self) -> Domain: ...

    def get_nlu_data(self, language: str | None = "en") -> TrainingData: ...

    def get_stories(self) -> StoryGraph: ...

    def get_config(self) -> dict[str, Any]: ...

    def get_conversation_tests(self) -> StoryGraph: ...

    def fingerprint(self) -> str: ...


class TrainingFileImporter:
    """Imports a configuration, a domain (a file, or a folder whose files are merged) and training data from files.

    Every path may be a file or, but for the configuration, a folder; several are given as a list. Files are read once,
    when first needed, and merged in an order that their content decides, not their names. Cacheable: it travels with its
    files. Every method raises TrainingDataError or InvalidConfigException, with file and line, for what it reads.
    """

    def __init__(self, config_file: Paths = None, domain_path: Paths = None, training_data_paths: Paths = None) -> None:
        self._paths = (config_file, domain_path, training_data_paths)
        self._files: tuple[ProjectFile, ...] | None = None

    @property
    def files(self) -> tuple[ProjectFile, ...]:
        """All files with their bytes. Raises TrainingDataError (BG518, BG519) or InvalidConfigException (BG518)."""
        if self._files is None:
            self._files = read_project(*self._paths)
        return self._files

    def get_config(self) -> dict[str, Any]:
        """The configuration as plain data; empty without a file."""
        found: dict[str, Any] = {}
        for file in self._of(CONFIG):
            source = Source(file.source)
            if source.root is not None:
                source.mapping(source.root, "a configuration")
                found.update(source.value(source.root))
        return found

    def get_domain(self) -> Domain:
        """The domain with the responses that lie among the training data; empty without files."""
        return self._domain[0]

    def get_nlu_data(self, language: str | None = "en") -> TrainingData:  # noqa: ARG002 - the files do not say a language
        """Examples, synonyms, regular expressions, lookup tables and responses of retrieval intents; the caller's own copy."""
        data = _merged([part.nlu for part in self._data])
        responses = self._domain[0].responses
        data.responses = {name: responses[name] for name in sorted(responses) if "/" in name}
        return data.copy()

    def get_stories(self) -> StoryGraph:
        return StoryGraph.of(story for part in self._data for story in part.stories)

    def get_conversation_tests(self) -> StoryGraph:
        """Stories of files named `test_*`, or below a folder `tests`, among the training data or beside the configuration."""
        return StoryGraph.of(story for file in self._of(TESTS) for story in _read(file).stories)

    def fingerprint(self) -> str:
        """The digest of all files' content, whatever they are called and wherever they lie."""
        return content_fingerprint(self.files)

    def warnings(self) -> list[tuple[str, str]]:
        """What may be meant otherwise, as pairs of a code and a message that begins with file and line; sorted."""
        found = [warning for part in self._data for warning in part.warnings] + self._domain[1]
        found += _ambiguous(self._data)
        domain = self._domain[0]
        if self._of(DOMAIN):
            answers = {f"utter_{key.partition('/')[0]}" for part in self._data for each in part.nlu.training_examples if (key := each.get(INTENT_RESPONSE_KEY))}
            known = {"intent": {*domain.intents, *DEFAULT_INTENTS}, "action": {*domain.action_names, *answers}, "slot": {*domain.slots, "requested_slot"}}
            found += [warning for part in self._data for warning in _unknown(part, known)]
        return sorted({*found})

    def to_cache(self, directory: Path, model_storage: ModelStorage) -> None:  # noqa: ARG002 - the protocol's
        save_files(self.files, directory)

    @classmethod
    def from_cache(cls, node_name: str, directory: Path, model_storage: ModelStorage, output_fingerprint: str) -> TrainingFileImporter:  # noqa: ARG003 - the protocol's
        importer = cls()
        importer._files = load_files(directory)
        return importer

    def _of(self, role: str) -> list[ProjectFile]:
        return [file for file in self.files if file.role == role]

    @cached_property
    def _data(self) -> list[_Part]:
        """What each file of training data holds."""
        parts, domains = [], {file.data for file in self._of(DOMAIN)}
        for file in self._of(DATA):
            parts.append(part := _read(file))
            if part.domain_key and file.data not in domains:
                part.source.warn("BG523", f"'{part.domain_key[0]}' was left out: the file is training data, and was not given as a domain", part.domain_key[1])
        return parts

    @cached_property
    def _domain(self) -> tuple[Domain, list[tuple[str, str]]]:
        """The domain of all files, and warnings."""
        parts = [part for part in (_read(file) for file in self._of(DOMAIN)) if not part.domain.is_empty]
        parts.sort(key=lambda part: encode(part.domain.as_dict()))
        domain = Domain()
        for number, part in enumerate(parts):
            for section, name in domain.conflicts(part.domain):
                other = next(each for each in parts[:number] if (section, name) in each.lines)
                part.conflict(section, name, other)
            domain = domain.merge(part.domain)
        for responses in sorted((part.responses for part in self._data if part.responses), key=encode):
            domain = domain.merge(Domain(responses=responses))
        return domain, [warning for part in parts for warning in part.warnings]


@dataclass
class _Part:
    """What one file holds."""

    source: Source
    nlu: TrainingData = field(default_factory=TrainingData)
    stories: list[Story] = field(default_factory=list)
    responses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    domain: Domain = field(default_factory=Domain)
    lines: Lines = field(default_factory=dict)
    domain_key: tuple[str, int] | None = None  # of a part of a domain in a file of training data

    @property
    def warnings(self) -> list[tuple[str, str]]:
        return self.source.warnings

    def conflict(self, section: str, name: str, other: _Part) -> None:
        """Refuses the definition of a name that `other` defines differently."""
        places = (self.source.place(self.lines[section, name]), other.source.place(other.lines[section, name]))
        raise TrainingDataError(
            f"'{name}' in '{section}' is defined twice, differently", code="BG520", where=tuple(sorted(places, key=str)),
            why="files of a domain are merged in no particular order, so neither can win", fix="remove one of the two",
        )  # fmt: skip


def _read(file: ProjectFile) -> _Part:
    """What a file of training data, tests or a domain holds."""
    source = Source(file.source)
    part = _Part(source)
    if source.root is not None:
        top = source.mapping(source.root, "a file of training data")
        if _belongs(source, top, file):
            _read_sections(part, source, top, file)
        source.root = None  # it has been read, and is large
    return part


def _read_sections(part: _Part, source: Source, top: dict[str, Entry], file: ProjectFile) -> None:
    _check_version(source, top)
    if file.role == DOMAIN:
        part.domain, part.lines = read_domain(source, top)
        return
    of_domain = [key for key in SECTIONS if key in top and key != "responses"]
    part.domain_key = (of_domain[0], top[of_domain[0]].key.start_mark.line + 1) if of_domain else None
    if "nlu" in top and file.role == DATA:
        part.nlu = read_nlu(source, top["nlu"].value)
    for section, kind in (("stories", "story"), ("rules", "rule")):
        if section in top:
            part.stories += read_stories(source, top[section].value, kind)
    if "responses" in top:
        part.responses = read_responses(source, top["responses"].value)


def _belongs(source: Source, top: dict[str, Entry], file: ProjectFile) -> bool:
    """Whether a file is one of ours: it has a known key, or was given itself. Refuses unknown keys in one that is (BG512)."""
    unknown = [key for key in top if key not in _KNOWN]
    elsewhere = bool(_ELSEWHERE & top.keys())
    if not file.named and not (_KNOWN - ({"version"} if elsewhere else set())) & top.keys():
        if not elsewhere:
            source.warn("BG523", f"the file was left out: it has none of {', '.join(sorted(_KNOWN))}", source.root)
        return False
    if unknown:
        known = ", ".join(sorted(_KNOWN))
        source.refuse("BG512", f"has the unknown key '{unknown[0]}'", top[unknown[0]].key, f"a file has some of {known}", nearest(unknown[0], _KNOWN) or "correct or remove it")
    return True


def _check_version(source: Source, top: dict[str, Entry]) -> None:
    """Refuses a format that is not read here. A file that does not say a version is one of today's, a 2.x is read as one."""
    if "version" not in top:
        return
    node = top["version"].value
    version = source.string(node, "'version'")
    if version not in _VERSIONS and not version.startswith("2."):
        source.refuse("BG513", f"has the format version '{version}'", node, f"versions {', '.join(_VERSIONS)} and 2.x are read", f'bring it to the format of version: "{_NEWEST}"')
    if version not in _VERSIONS:
        source.warn("BG524", f"format version {version} is read as {_NEWEST}", node)


def _merged(parts: Sequence[TrainingData]) -> TrainingData:
    """Training data of several files in the order of what they begin with; equal beginnings are told apart by the rest."""

    def begins(part: TrainingData) -> tuple[str, str]:
        first = part.training_examples[0] if part.training_examples else None
        return (first.get(INTENT_RESPONSE_KEY) or first.get(INTENT) or "", first.get(TEXT)) if first else ("", "")

    filled = [part for part in parts if not part.is_empty]
    starts = [begins(part) for part in filled]
    times = Counter(starts)
    keyed = [(start, part.fingerprint() if times[start] > 1 else "", part) for start, part in zip(starts, filled, strict=True)]
    merged = TrainingData()
    for _, _, part in sorted(keyed, key=lambda each: each[:2]):
        merged.training_examples += part.training_examples
        merged.entity_synonyms.update(part.entity_synonyms)
        merged.regex_features += part.regex_features
        merged.lookup_tables += part.lookup_tables
    return merged


def _ambiguous(parts: Sequence[_Part]) -> list[tuple[str, str]]:
    """Warnings of texts that stand for two intents."""
    seen: dict[str, tuple[str, str]] = {}
    found = []
    for part in parts:
        for text, intent, line in part.source.examples:
            place = f"{part.source.file}:{line}"
            first, before = seen.setdefault(text, (intent, place))
            if first != intent:
                found.append(("BG522", f"{place}: '{text[:60]}' is an example of '{intent}', and in {before} of '{first}'"))
    return found


def _unknown(part: _Part, known: dict[str, set[str]]) -> list[tuple[str, str]]:
    """Warnings of what the stories of a file name and the domain does not."""
    found = []
    for (kind, name), line in part.source.mentions.items():
        if name not in known[kind] and not (kind == "intent" and name.partition("/")[0] in known[kind]):
            hint = nearest(name, known[kind])
            found.append(("BG522", f"{part.source.file}:{line}: the {kind} '{name}' is not in the domain{'; ' * bool(hint)}{hint}"))
    return found
