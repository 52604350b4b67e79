"""The files of an assistant's project: found in one order, read once, and kept as bytes that travel to workers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted, encode, encode_value
from buildgraph.errors import Place, UsageError
from buildgraph.trainer.errors import InvalidConfigException, TrainingDataError
from buildgraph.trainer.importing.yaml_source import SourceFile

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None
CONFIG, DOMAIN, DATA, TESTS = "config", "domain", "data", "tests"
_ENDINGS: Final = (".yml", ".yaml")
_INDEX: Final = "files.msgpack"


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file with its bytes and role. `path` is shown in messages; `name` is the path in the folder that was given."""

    role: str
    name: str
    path: str
    data: bytes
    named: bool = False  # given itself, not only a folder around it

    @property
    def source(self) -> SourceFile:
        return SourceFile(self.path, self.data, InvalidConfigException if self.role == CONFIG else TrainingDataError)


def read_project(config_file: Paths, domain_path: Paths, training_data_paths: Paths) -> tuple[ProjectFile, ...]:
    """All files of a project. Tests are `test_*.yml` and what lies in `tests/`, among the data or beside the configuration.

    Raises TrainingDataError (BG518, BG519) or InvalidConfigException (BG518).
    """
    known: dict[str, bytes] = {}
    found = [_read(CONFIG, path, known) for path in _listed(config_file)]
    found += [_read(DOMAIN, path, known) for path in _listed(domain_path)]
    found += [_read(DATA, path, known) for path in _listed(training_data_paths)]
    beside = [os.path.join(os.path.dirname(path), TESTS) for path in _listed(config_file)]
    found += [[each for each in _read(TESTS, folder, known) if _is_test(each.name)] for folder in beside if os.path.isdir(folder)]
    unique: dict[tuple[str, str], ProjectFile] = {}
    for file in (each for files in found for each in files):
        unique.setdefault((file.role, os.path.realpath(file.path)), file)
    return tuple(unique.values())


def content_fingerprint(files: Sequence[ProjectFile]) -> str:
    """The digest of what all files hold, each in its role; where they lie and what they are called does not count."""
    return str(Digest.of(encode(sorted([file.role, Digest.of(file.data)] for file in files))))


def save_files(files: Sequence[ProjectFile], directory: Path) -> None:
    """Writes all files into a folder, the same bytes wherever the project lies."""
    ordered = sorted(files, key=lambda file: (file.role, file.name, file.data))
    (directory / _INDEX).write_bytes(encode_value([[file.role, file.name, file.named] for file in ordered]))
    for number, file in enumerate(ordered):
        (directory / str(number)).write_bytes(file.data)


def load_files(directory: Path) -> tuple[ProjectFile, ...]:
    """What `save_files` wrote. Raises OSError or EncodingError."""
    index = decode_trusted((directory / _INDEX).read_bytes())
    return tuple(
        ProjectFile(role, name, name, (directory / str(number)).read_bytes(), named)
        for number, (role, name, named) in enumerate(index)
    )  # fmt: skip


def _listed(paths: Paths) -> list[str]:
    if paths is None:
        return []
    return [os.fspath(paths)] if isinstance(paths, str | os.PathLike) else [os.fspath(path) for path in paths]


def _is_test(name: str) -> bool:
    return name.rpartition("/")[2].startswith("test_")


def _read(role: str, path: str, known: dict[str, bytes]) -> list[ProjectFile]:
    """The files at and below `path`, each read once however often it is named."""
    if os.path.isdir(path) and role != CONFIG:
        files = sorted(_below(path), key=lambda file: file.split(os.sep))
        if not files and role != TESTS:
            raise TrainingDataError(
                f"no {role} file lies in '{path}'", code="BG519", where=Place(path),
                why=f"files of the project end in {' or '.join(_ENDINGS)}", fix="name the folder or file that holds the project's files",
            )  # fmt: skip
        named = [(os.path.relpath(file, path).replace(os.sep, "/"), file) for file in files]
        return [ProjectFile(_role(role, name), name, file, _bytes(role, file, known)) for name, file in named]
    name = os.path.basename(path)
    return [ProjectFile(_role(role, name), name, path, _bytes(role, path, known), named=True)]


def _role(role: str, name: str) -> str:
    return TESTS if role == DATA and (_is_test(name) or TESTS in name.split("/")[:-1]) else role


def _below(folder: str) -> Iterator[str]:
    """Files of YAML in a folder and its folders, without what is hidden."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(parent, name) for name in files if name.lower().endswith(_ENDINGS) and not name.startswith("."))


def _bytes(role: str, path: str, known: dict[str, bytes]) -> bytes:
    real = os.path.realpath(path)
    try:
        if real not in known:
            known[real] = Path(path).read_bytes()
    except OSError as error:
        failure: type[UsageError] = InvalidConfigException if role == CONFIG else TrainingDataError
        raise failure(
            f"the {role} file '{path}' cannot be read", code="BG518", where=Place(path), why=error.strerror or str(error),
            fix="correct the path, or create the file",
        ) from None  # fmt: skip
    return known[real]
