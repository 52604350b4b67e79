"""From a model storage to an archive whose bytes follow from its content alone, and back, with every byte checked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from buildgraph.archive import ArchiveInfo, Member, inspect, iterate, suffix_format, unpack, write
from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.errors import BuildgraphError, UsageError, VerificationError
from buildgraph.execution.resources import folder_name, resource_name
from buildgraph.execution.trees import EXECUTABLE, FILE, FOLDER, LINK, Entry, manifests, scan
from buildgraph.trainer.metadata import ModelMetadata, check_version, identified, portable

_COMPONENTS: Final = "components"  # the folder of an archive that holds the resources


def pack_model(archive: Path | Callable[[ModelMetadata], Path], resources: Mapping[str, Path], about: ModelMetadata) -> ModelMetadata:
    """Pack `resources`, each from its folder, with what `about` says; the metadata with the identity that follows.

    `archive` may depend on that metadata. Folders that lead to `archive` are made. Its time is `trained_at`. Raises UsageError (BG582) for a link in a resource.
    """
    members: list[Member] = []
    digests: dict[str, str] = {}
    empty: list[str] = []
    for name, folder in sorted(resources.items()):
        entries = [_digested(folder, entry, name) for entry in scan(str(folder), name)]
        digests[name] = manifests(entries)[0].hex()
        inside = f"{_COMPONENTS}/{folder_name(name)}"
        for entry in entries or [Entry("", FOLDER)]:
            path = f"{inside}/{entry.path}".rstrip("/")
            if entry.mode == FOLDER:
                empty.append(path)
            else:
                assert entry.digest is not None
                members.append(Member(path, entry.size, entry.digest, entry.mode == EXECUTABLE, str(folder / entry.path)))
    said = portable(replace(about, resources=digests))
    said["empty_folders"] = sorted(empty)
    said["model_id"] = identity_of(said)
    found = identified(replace(about, resources=digests), said["model_id"])
    place = archive if isinstance(archive, Path) else archive(found)
    place.parent.mkdir(parents=True, exist_ok=True)
    if not _is_there(place, said):
        write(str(place), members, metadata=said, format=suffix_format(place.name))
    when = about.trained_at.timestamp()
    os.utime(place, (when, when))
    return found


def _is_there(archive: Path, said: dict[str, Any]) -> bool:
    """Whether `archive` is the model that says `said` already, every byte of it: reading is much cheaper than compressing."""
    try:
        return inspect(archive).metadata == said and sum(1 for _ in iterate(archive)) >= 0
    except (BuildgraphError, OSError):
        return False


def _digested(folder: Path, entry: Entry, name: str) -> Entry:
    if entry.mode == LINK:
        raise UsageError(
            f"the resource '{name}' holds the link '{entry.path}'", code="BG582", facts=(("points to", entry.target),),
            why="a model has to mean the same wherever it is unpacked", fix="write a copy of the file instead",
        )  # fmt: skip
    if entry.mode == FOLDER:
        return entry
    digest, size = Digest.of_file(str(folder / entry.path))
    return entry._replace(digest=digest, size=size)


def identity_of(said: dict[str, Any]) -> str:
    """The identity of a model, from all that its metadata says: 32 hexadecimal digits."""
    return Digest.of(encode({key: value for key, value in said.items() if key != "model_id"})).hex()[:32]


def metadata_of(archive: str | os.PathLike[str]) -> ModelMetadata:
    """The metadata of a model, from the beginning of its archive. Raises UnsupportedModelVersionError, VerificationError."""
    return _metadata(inspect(os.fspath(archive)), Path(archive))


def unpack_model(archive: str | os.PathLike[str], folder: Path) -> ModelMetadata:
    """Unpack the resources of a model into `folder`, all of them or none. Raises as `metadata_of`."""
    metadata = metadata_of(archive)
    folder.mkdir(parents=True, exist_ok=True)
    private = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
    try:
        info = unpack(os.fspath(archive), str(private / "model"))
        for path in info.metadata["empty_folders"]:
            (private / "model" / _inside(path)).mkdir(parents=True, exist_ok=True)
        resources = private / "model" / _COMPONENTS
        if resources.is_dir():
            for each in resources.iterdir():
                each.rename(folder / each.name)
    finally:
        shutil.rmtree(private, ignore_errors=True)
    return metadata


def verify_model(archive: str | os.PathLike[str]) -> tuple[ModelMetadata, int]:
    """Read a whole archive and check every byte; what it says of itself, and how many files it holds.

    Raises as `metadata_of`.
    """
    metadata = metadata_of(archive)
    return metadata, sum(1 for _ in iterate(os.fspath(archive)))


def _held(info: ArchiveInfo) -> dict[str, str]:
    """The resources that an archive holds, by name, each with the digest of its tree."""
    found: dict[str, list[Entry]] = {}
    for member in info.members:
        folder, _, path = _inside(member.path).removeprefix(f"{_COMPONENTS}/").partition("/")
        found.setdefault(folder, []).append(Entry(path, EXECUTABLE if member.executable else FILE, member.digest, member.size))
    for each in info.metadata.get("empty_folders") or ():
        folder, _, path = _inside(each).removeprefix(f"{_COMPONENTS}/").partition("/")
        found.setdefault(folder, []).extend([Entry(path, FOLDER)] if path else [])
    return {resource_name(folder): manifests(entries)[0].hex() for folder, entries in sorted(found.items())}


def _inside(path: object) -> str:
    parts = path.split("/") if isinstance(path, str) else []
    if len(parts) < 2 or parts[0] != _COMPONENTS or not {"", ".", ".."}.isdisjoint(parts):
        raise _foreign(f"it holds {path!r}")
    return "/".join(parts)


def _metadata(info: ArchiveInfo, archive: Path) -> ModelMetadata:
    said = info.metadata
    check_version(said, str(archive))
    if said.get("model_id") != identity_of(said):
        raise _foreign("its identity is not that of its metadata", archive)
    if not isinstance(said.get("empty_folders"), list):
        raise _foreign("it has no list of its empty folders", archive)
    if _held(info) != said.get("resources"):
        raise _foreign("its files are not those of its metadata", archive)
    when = datetime.fromtimestamp(archive.stat().st_mtime, UTC)
    try:
        found = ModelMetadata.from_dict({**said, "trained_at": when.isoformat()})
        _check_kinds(found)
    except (KeyError, ValueError, TypeError, AttributeError, UsageError) as error:  # other programs write anything
        raise _foreign(f"its metadata makes no sense: {type(error).__name__}: {error}", archive) from None
    return found


def _check_kinds(found: ModelMetadata) -> None:
    """Raises TypeError for a value of a kind that no trainer writes, before anybody works with it."""
    texts = {"buildgraph_version": found.buildgraph_version}
    texts |= {name: value for name in ("assistant_id", "core_target", "nlu_target", "language") if (value := getattr(found, name)) is not None}
    for name, each in found.lineage.items():
        texts |= {f"{kind} of node '{name}'": each[kind] for kind in ("fingerprint", "output")}
    for name, node in [*found.train_schema.nodes.items(), *found.predict_schema.nodes.items()]:
        texts |= {f"uses of node '{name}'": node.uses, f"constructor_name of node '{name}'": node.constructor_name, f"fn of node '{name}'": node.fn}
        texts |= {f"need '{parameter}' of node '{name}'": parent for parameter, parent in node.needs.items()}
    for what, value in texts.items():
        if not isinstance(value, str):
            raise TypeError(f"{what} is a {type(value).__name__}, not text")


def _foreign(problem: str, archive: Path | None = None) -> VerificationError:
    return VerificationError(
        f"the archive is no whole model: {problem}", code="BG583", where=str(archive) if archive else (),
        why="a model is what its trainer wrote, or it is not used", fix="fetch it again, or train it again",
    )  # fmt: skip
