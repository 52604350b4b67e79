"""Resources in a model storage, and the archive that a model travels in."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buildgraph.errors import BuildgraphError, UsageError, VerificationError
from buildgraph.schema import GraphSchema, Resource
from buildgraph.trainer.configuration import GraphModelConfiguration, TrainingType
from buildgraph.trainer.domain import Domain
from buildgraph.trainer.errors import UnsupportedModelVersionError
from buildgraph.trainer.metadata import ModelMetadata
from buildgraph.trainer.packaging import verify_model
from buildgraph.trainer.storage import LocalModelStorage
from buildgraph.version import VERSION

DOMAIN = Domain.from_dict({"intents": ["greet", {"leave": {"use_entities": []}}], "entities": ["city"]})


@pytest.fixture
def storage(tmp_path) -> LocalModelStorage:
    return LocalModelStorage.create(tmp_path / "storage")


@pytest.fixture
def configuration(inline_lab) -> GraphModelConfiguration:
    lab = inline_lab
    train = {"give": lab.node("Give", config={"value": [1, {"a": None}]}), "model": lab.target("Train", {"number": "give"}, fn="train", resource=Resource("model"))}
    predict = {"use": lab.node("Process", constructor_name="load", resource=Resource("model"), eager=True)}
    return GraphModelConfiguration(GraphSchema(train), GraphSchema(predict), TrainingType.NLU, "helpful", "en", None, "use", [{"name": "space"}])


def fill(storage: LocalModelStorage, name: str = "model", **files: str) -> Resource:
    with storage.write_to(Resource(name)) as folder:
        for path, text in (files or {"weights.txt": "0.5"}).items():
            (folder / path).write_text(text)
    return Resource(name)


@pytest.fixture
def archive(storage, configuration, tmp_path) -> Path:
    with storage.write_to(Resource("model")) as folder:
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "weights.txt").write_text("the weights are 0.5")
        (folder / "deep" / "more.bin").write_bytes(bytes(range(256)))
    path = tmp_path / "models" / "model.tar.gz"
    storage.create_model_package(path, configuration, DOMAIN)
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# resources


def test_what_is_written_can_be_read(storage):
    """Files, folders in folders, and what an earlier block wrote."""
    with storage.write_to(Resource("model")) as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "b" / "c.txt").write_text("deep")
    with storage.write_to(Resource("model")) as folder:
        (folder / "d.txt").write_text("flat")
    with storage.read_from(Resource("model")) as folder:
        assert content(folder) == {"a/b/c.txt": b"deep", "d.txt": b"flat"}


def test_a_resource_that_nobody_wrote_is_named(storage):
    """By a ValueError, as users of such storages expect, that tells what there is."""
    fill(storage, "model")
    with pytest.raises(ValueError, match="modle") as raised, storage.read_from(Resource("modle")):
        pass
    assert isinstance(raised.value, UsageError)
    assert raised.value.code == "BG226"
    assert ("known", "model") in raised.value.facts


def test_writing_that_fails_changes_nothing(storage):
    """Neither half of a new resource stays nor is half of an old one overwritten."""
    fill(storage, "old", **{"weights.txt": "0.5"})
    for name in ("old", "new"):
        with pytest.raises(RuntimeError), storage.write_to(Resource(name)) as folder:
            (folder / "weights.txt").write_text("half")
            raise RuntimeError
    assert storage.names() == ["old"]
    assert content(storage.path) == {"old/weights.txt": b"0.5"}


@pytest.mark.parametrize("name", ["..", ".", "", "../up", "a/../..", "a/..", "a\0b", "x" * 300])
def test_a_name_that_leaves_the_storage_is_refused(storage, name):
    with pytest.raises(UsageError) as raised, storage.write_to(Resource(name)):
        pass
    assert raised.value.code == "BG227"
    with pytest.raises(UsageError) as raised, storage.read_from(Resource(name)):
        pass
    assert raised.value.code == "BG227"
    assert list(storage.path.parent.iterdir()) == [storage.path]
    assert list(storage.path.iterdir()) == []


def test_a_component_cannot_write_outside_either(lab):
    lab.write("other.py", "from parts import Base, Resource\n\nclass Out(Base):\n    def run(self):\n        with self.storage.write_to(Resource('..')) as folder:\n            (folder / 'escaped.txt').write_text('here')\n        return 1\n")
    with pytest.raises(BuildgraphError) as raised:
        lab.train({"out": lab.target("other.Out")})
    assert raised.value.code == "BG227"
    assert not list(lab.folder.rglob("escaped.txt"))


@pytest.mark.parametrize("name", ["a/b", "train_Some.Thing0", "a:b", "ä ö", "100%", "%2F", ".hidden", "x" * 190])
def test_any_other_name_is_a_resource_of_its_own(storage, name, configuration, tmp_path):
    """Also in an archive."""
    fill(storage, name)
    fill(storage, "other")
    assert set(storage.names()) == {name, "other"}
    metadata = storage.create_model_package(tmp_path / "model.tar.gz", configuration, DOMAIN)
    assert set(metadata.resources) == {name, "other"}
    loaded, _ = LocalModelStorage.from_model_archive(tmp_path / "loaded", tmp_path / "model.tar.gz")
    with loaded.read_from(Resource(name)) as folder:
        assert content(folder) == {"weights.txt": b"0.5"}


def test_resources_are_compared_by_name():
    assert Resource("a", "one") == Resource("a", "two")
    assert Resource("a", "one").fingerprint() != Resource("a", "two").fingerprint()
    assert Resource("a") != Resource("b")


# archives


def test_an_archive_gives_back_what_was_packed(archive, storage, configuration, tmp_path):
    """Both ways of reading it agree; folders that hold nothing are there, too."""
    assert LocalModelStorage.metadata_from_archive(archive) == LocalModelStorage.from_model_archive(tmp_path / "one", archive)[1]
    loaded, metadata = LocalModelStorage.from_model_archive(tmp_path / "loaded", archive)
    assert metadata.train_schema.as_dict() == configuration.train_schema.as_dict()
    assert metadata.predict_schema.as_dict() == configuration.predict_schema.as_dict()
    assert metadata.domain == DOMAIN
    assert (metadata.assistant_id, metadata.language, metadata.nlu_target, metadata.core_target) == ("helpful", "en", "use", None)
    assert metadata.training_type is TrainingType.NLU
    assert metadata.spaces == [{"name": "space"}]
    assert metadata.buildgraph_version == VERSION
    assert metadata.model_id
    assert content(loaded.path) == content(storage.path)
    assert (loaded.path / "model" / "deep" / "er").is_dir()
    assert [path.name for path in loaded.path.iterdir()] == ["model"]


def test_packing_says_what_reading_says(storage, configuration, tmp_path):
    fill(storage)
    packed = storage.create_model_package(tmp_path / "model.tar.gz", configuration, DOMAIN)
    read = LocalModelStorage.metadata_from_archive(tmp_path / "model.tar.gz")
    assert {**packed.as_dict(), "trained_at": ""} == {**read.as_dict(), "trained_at": ""}
    assert abs(packed.trained_at - read.trained_at).total_seconds() < 1
    assert read.trained_at.tzinfo is not None


def test_folders_of_an_archive_are_made(storage, configuration, tmp_path):
    fill(storage)
    path = tmp_path / "not" / "there" / "model.tar.gz"
    storage.create_model_package(path, configuration, DOMAIN)
    assert [each.name for each in path.parent.iterdir()] == ["model.tar.gz"]


def test_equal_models_are_equal_bytes(storage, configuration, tmp_path):
    """Whenever and wherever they are packed, in whatever order files were written."""
    other = LocalModelStorage.create(tmp_path / "other")
    for place, names in ((storage, "ab"), (other, "ba")):
        for name in names:
            fill(place, name, **dict.fromkeys(sorted(names, reverse=True) if place is other else sorted(names), "text"))
    os.utime(other.path / "a" / "a", (1, 1))
    (other.path / "a" / "a").chmod(0o600)
    storage.create_model_package(tmp_path / "one.tar.gz", configuration, DOMAIN)
    other.create_model_package(tmp_path / "two.tar.gz", configuration, DOMAIN)
    os.utime(tmp_path / "two.tar.gz", (1_000_000, 1_000_000))
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    assert LocalModelStorage.metadata_from_archive(tmp_path / "two.tar.gz").trained_at == datetime.fromtimestamp(1_000_000, UTC)


def test_the_identity_follows_from_everything(storage, configuration, tmp_path):
    from dataclasses import replace

    fill(storage)
    packed = [storage.create_model_package(tmp_path / "1.tar.gz", configuration, DOMAIN)]
    packed.append(storage.create_model_package(tmp_path / "2.tar.gz", replace(configuration, assistant_id="other"), DOMAIN))
    packed.append(storage.create_model_package(tmp_path / "3.tar.gz", configuration, Domain()))
    fill(storage, **{"weights.txt": "0.6"})
    packed.append(storage.create_model_package(tmp_path / "4.tar.gz", configuration, DOMAIN))
    assert len({each.model_id for each in packed}) == 4


def test_metadata_is_read_without_the_rest(archive, tmp_path):
    """It comes first: an archive that breaks off after it can still say what it is."""
    raw = gzip.decompress(archive.read_bytes())
    with tarfile.open(archive) as whole:
        third = whole.getmembers()[2].offset
    compressed = archive.read_bytes()
    assert b'"assistant_id"' in raw[:third]
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(compressed[:-10])
    assert LocalModelStorage.metadata_from_archive(broken).assistant_id == "helpful"
    with pytest.raises(VerificationError):
        LocalModelStorage.from_model_archive(tmp_path / "loaded", broken)
    assert not [path for path in (tmp_path / "loaded").rglob("*") if path.is_file()]


def test_an_archive_is_unpacked_into_an_empty_folder_only(archive, tmp_path):
    """Which is said before the archive is so much as opened."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    for path in (archive, tmp_path / "missing.tar.gz"):
        with pytest.raises(ValueError, match="not empty") as raised:
            LocalModelStorage.from_model_archive(tmp_path / "full", path)
        assert raised.value.code == "BG581"
    assert content(tmp_path / "full") == {"file": b"mine"}


def test_a_missing_archive_is_an_error_of_ours(tmp_path):
    with pytest.raises(BuildgraphError):
        LocalModelStorage.metadata_from_archive(tmp_path / "missing.tar.gz")


@pytest.mark.parametrize(("leads", "code"), [("../../secret", "BG215"), ("file", "BG582")], ids=["outside", "inside"])
def test_a_link_in_a_resource_is_refused(storage, configuration, tmp_path, leads, code):
    (tmp_path / "secret").write_text("mine")
    with storage.write_to(Resource("model")) as folder:
        (folder / "file").write_text("here")
        (folder / "link").symlink_to(leads)
    with pytest.raises(BuildgraphError) as raised:
        storage.create_model_package(tmp_path / "model.tar.gz", configuration, DOMAIN)
    assert raised.value.code == code
    assert not (tmp_path / "model.tar.gz").exists()


# archives that are not what they should be


def rewritten(archive: Path, path: Path, change) -> Path:
    """The archive with other members: `change` gets and returns a list of names and bytes."""
    with tarfile.open(archive) as whole:
        members = [(member.name, whole.extractfile(member).read()) for member in whole.getmembers()]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as out:
        for name, data in change(members):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))
    return path


def refused(archive: Path, folder: Path) -> VerificationError:
    with pytest.raises(VerificationError) as raised:
        LocalModelStorage.from_model_archive(folder, archive)
    assert not folder.exists() or list(folder.iterdir()) == []
    with pytest.raises(VerificationError):
        verify_model(archive)
    return raised.value


@pytest.mark.parametrize("edit", ["weights", "metadata", "added", "removed", "outside", "renamed"])
def test_an_archive_that_somebody_touched_is_refused(archive, tmp_path, edit):
    """Nothing of it is used, and nothing is left behind."""

    def change(members):
        edits = {
            "weights": lambda: [(name, data.replace(b"0.5", b"0.6")) for name, data in members],
            "metadata": lambda: [(name, data.replace(b"helpful", b"harmful")) for name, data in members],
            "added": lambda: [*members, ("components/model/extra.txt", b"more")],
            "removed": lambda: [member for member in members if not member[0].endswith("weights.txt")],
            "outside": lambda: [*members, ("../escaped.txt", b"out")],
            "renamed": lambda: [(name.replace("weights", "heights"), data) for name, data in members],
        }
        found = edits[edit]()
        assert found != members
        return found

    refused(rewritten(archive, tmp_path / "touched.tar.gz", change), tmp_path / "loaded")
    assert not list(tmp_path.rglob("escaped.txt"))


@pytest.mark.parametrize("kept", [0.0, 0.05, 0.3, 0.6, 0.95])
def test_an_archive_that_breaks_off_is_refused(archive, tmp_path, kept):
    data = archive.read_bytes()
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(data[: int(len(data) * kept)])
    refused(broken, tmp_path / "loaded")


def test_one_flipped_bit_is_noticed_wherever_it_is(archive, tmp_path):
    data = archive.read_bytes()
    for at in range(0, len(data), max(1, len(data) // 25)):
        broken = tmp_path / "broken.tar.gz"
        broken.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
        refused(broken, tmp_path / f"loaded {at}")


@pytest.mark.parametrize("kind", ["text", "gzip", "tar", "empty"])
def test_what_is_no_archive_is_refused(tmp_path, kind):
    path = tmp_path / "model.tar.gz"
    with tarfile.open(tmp_path / "plain.tar.gz", "w:gz") as plain:
        (tmp_path / "metadata.json").write_text("{}")
        plain.add(tmp_path / "metadata.json", "metadata.json")
    path.write_bytes({"text": b"not at all", "gzip": gzip.compress(b"something"), "tar": (tmp_path / "plain.tar.gz").read_bytes(), "empty": b""}[kind])
    refused(path, tmp_path / "loaded")


def test_an_archive_of_other_metadata_is_no_model(tmp_path):
    """Whole, but not made by a trainer."""
    from buildgraph.archive import write

    write(str(tmp_path / "other.tar.gz"), [], metadata={"made_by": "somebody else"}, format="tar.gz")
    error = refused(tmp_path / "other.tar.gz", tmp_path / "loaded")
    assert isinstance(error, UnsupportedModelVersionError)
    assert error.code == "BG580"


@pytest.mark.parametrize("reader", ["metadata", "storage"])
def test_a_model_of_another_version_is_refused_with_that_version(archive, tmp_path, reader):
    """By both readers."""
    from buildgraph.archive import inspect, write

    said = {**inspect(str(archive)).metadata, "format_version": 99, "buildgraph_version": "7.3"}
    write(str(tmp_path / "other.tar.gz"), [], metadata=said, format="tar.gz")
    with pytest.raises(UnsupportedModelVersionError) as raised:
        if reader == "metadata":
            LocalModelStorage.metadata_from_archive(tmp_path / "other.tar.gz")
        else:
            LocalModelStorage.from_model_archive(tmp_path / "loaded", tmp_path / "other.tar.gz")
    assert "7.3" in raised.value.headline
    assert VERSION in raised.value.why
    assert not (tmp_path / "loaded").exists()


def test_metadata_that_was_exchanged_is_noticed(archive, tmp_path):
    """Whole in itself, with a manifest that fits: its identity does not."""
    from buildgraph.archive import Member, inspect, unpack, write

    info = inspect(str(archive))
    unpack(str(archive), str(tmp_path / "there"))
    members = [Member(each.path, each.size, each.digest, each.executable, str(tmp_path / "there" / each.path)) for each in info.members]
    write(str(tmp_path / "other.tar.gz"), members, metadata={**info.metadata, "assistant_id": "harmful"}, format="tar.gz")
    error = refused(tmp_path / "other.tar.gz", tmp_path / "loaded")
    assert error.code == "BG583"
    assert "identity" in error.headline


def test_resources_are_what_the_metadata_says(archive, tmp_path):
    """An archive that is whole, has the right metadata, and holds another resource."""
    from buildgraph.archive import Member, inspect, write
    from buildgraph.digest import Digest

    (tmp_path / "weights.txt").write_text("the weights are 0.6")
    digest, size = Digest.of_file(str(tmp_path / "weights.txt"))
    member = Member("components/model/weights.txt", size, digest, False, str(tmp_path / "weights.txt"))
    write(str(tmp_path / "other.tar.gz"), [member], metadata=inspect(str(archive)).metadata, format="tar.gz")
    refused(tmp_path / "other.tar.gz", tmp_path / "loaded")


# metadata


def test_metadata_goes_through_json(archive):
    metadata = LocalModelStorage.metadata_from_archive(archive)
    data = json.loads(json.dumps(metadata.as_dict()))
    again = ModelMetadata.from_dict(data)
    assert again == metadata
    assert again.as_dict() == metadata.as_dict()


def test_metadata_of_another_format_is_refused(archive):
    data = LocalModelStorage.metadata_from_archive(archive).as_dict()
    with pytest.raises(UnsupportedModelVersionError, match=r"7\.3"):
        ModelMetadata.from_dict({**data, "format_version": 99, "buildgraph_version": "7.3"})
    with pytest.raises(KeyError):
        ModelMetadata.from_dict({key: value for key, value in data.items() if key != "train_schema"})
    optional = {key: value for key, value in data.items() if key not in ("assistant_id", "spaces")}
    assert ModelMetadata.from_dict(optional).spaces is None


def test_a_model_that_was_copied_is_the_same(archive, tmp_path):
    shutil.copy(archive, tmp_path / "copy.tar.gz")
    assert verify_model(tmp_path / "copy.tar.gz")[0].model_id == verify_model(archive)[0].model_id
