"""The training cache by itself: two look-ups, values and resources, and a size that it keeps."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from buildgraph.errors import BuildgraphError, UsageError
from buildgraph.schema import Resource
from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.errors import GraphComponentException
from buildgraph.trainer.storage import LocalModelStorage

THINGS = '''"""Values that write themselves to a folder."""

from pathlib import Path


class Thing:
    """Some text, and how often it can be stored."""

    def __init__(self, text):
        self.text = text

    def __eq__(self, other):
        return self.text == other.text

    def __bool__(self):
        return bool(self.text)

    def to_cache(self, directory, model_storage):
        (directory / "thing.txt").write_text(self.text)

    @classmethod
    def from_cache(cls, node_name, directory, model_storage, output_fingerprint):
        return cls((directory / "thing.txt").read_text())


class Stubborn(Thing):
    def to_cache(self, directory, model_storage):
        (directory / "thing.txt").write_text(self.text)
        raise ValueError("not me")


class Forgetful(Thing):
    @classmethod
    def from_cache(cls, node_name, directory, model_storage, output_fingerprint):
        raise ValueError("what was it?")


class Plain:
    """Cannot be stored at all."""
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> LocalTrainingCache:
    return LocalTrainingCache(folder)


@pytest.fixture
def storage(tmp_path: Path) -> LocalModelStorage:
    return LocalModelStorage.create(tmp_path / "storage")


@pytest.fixture
def things(inline_lab):
    inline_lab.write("other.py", THINGS)
    import other

    return other


def big(letter: str, mib: float) -> bytes:
    """Bytes of that size that nothing else shares."""
    return hashlib.shake_256(letter.encode()).digest(int(mib * (1 << 20)))


def test_what_is_stored_is_found_on_both_levels(cache, storage, things):
    cache.cache_output("key", things.Thing("hello"), "content", storage)
    assert cache.get_cached_output_fingerprint("key") == "content"
    assert cache.get_cached_result("content", "node", storage) == things.Thing("hello")


@pytest.mark.parametrize("value", [0, "", [], None, False, 3, "text", {"a": [1, 2.5]}, (1, 2)], ids=repr)
def test_plain_data_is_stored_too(cache, storage, value):
    cache.cache_output("key", value, "content", storage)
    found = cache.get_cached_result("content", "node", storage)
    assert found == value
    assert type(found) is type(value)


def test_what_is_unknown_is_none(cache, storage):
    assert cache.get_cached_output_fingerprint("key") is None
    assert cache.get_cached_result("content", "node", storage) is None


def test_a_value_that_counts_as_false_is_a_value(cache, storage, things):
    cache.cache_output("key", things.Thing(""), "content", storage)
    assert cache.get_cached_result("content", "node", storage) == things.Thing("")


def test_the_folder_is_made(folder):
    assert not folder.exists()
    LocalTrainingCache(folder / "deeper")
    assert (folder / "deeper").is_dir()


def test_another_process_finds_it(cache, storage, folder):
    cache.cache_output("key", {"a": 1}, "content", storage)
    script = f"from buildgraph.trainer.cache import LocalTrainingCache as C; print(C({str(folder)!r}).get_cached_output_fingerprint('key'))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "content\n"


def test_a_cache_can_be_moved(cache, storage, folder):
    cache.cache_output("key", "value", "content", storage)
    folder.rename(folder.with_name("moved"))
    assert LocalTrainingCache(folder.with_name("moved")).get_cached_result("content", "node", storage) == "value"


def test_a_value_that_is_gone_is_none(cache, storage, folder):
    cache.cache_output("key", "x" * 10_000, "content", storage)
    shutil.rmtree(folder)
    again = LocalTrainingCache(folder)
    assert again.get_cached_output_fingerprint("key") is None
    assert again.get_cached_result("content", "node", storage) is None


def spoil(folder: Path, old: bytes, new: bytes) -> int:
    """Replaces bytes wherever they are stored; how many files held them."""
    spoilt = 0
    for path in folder.rglob("*"):
        if path.is_file() and old in (data := path.read_bytes()):
            path.chmod(0o644)
            path.write_bytes(data.replace(old, new))
            spoilt += 1
    return spoilt


@pytest.mark.parametrize("size", [40, 200_000], ids=["small", "large"])
def test_a_damaged_value_is_none(cache, storage, folder, size):
    """It is never handed out as if it were right."""
    value = "unmistakable " + "x" * size
    cache.cache_output("key", value, "content", storage)
    assert cache.get_cached_result("content", "node", storage) == value
    assert spoil(folder, b"unmistakable ", b"mistakable   ")
    assert cache.get_cached_result("content", "node", storage) is None


def test_a_damaged_resource_is_none_and_leaves_nothing(cache, storage, folder, tmp_path):
    with storage.write_to(Resource("model")) as place:
        (place / "a.txt").write_text("unmistakable weights")
        (place / "b.txt").write_text("more weights")
    cache.cache_output("key", Resource("model"), "content", storage)
    assert spoil(folder, b"unmistakable ", b"mistakable   ")
    other = LocalModelStorage.create(tmp_path / "other")
    assert cache.get_cached_result("content", "model", other) is None
    assert list(other.path.iterdir()) == []


def test_what_cannot_be_stored_has_a_fingerprint_all_the_same(cache, storage, things):
    cache.cache_output("key", things.Plain(), "content", storage)
    assert cache.get_cached_output_fingerprint("key") == "content"
    assert cache.get_cached_result("content", "node", storage) is None


@pytest.mark.parametrize("kinds", [("Thing", "Thing"), ("Thing", "Plain"), ("Plain", "Thing")])
def test_the_last_one_wins(cache, storage, things, kinds):
    first, second = (getattr(things, kind) for kind in kinds)
    cache.cache_output("key", first("one") if first is things.Thing else first(), "first", storage)
    cache.cache_output("key", second("two") if second is things.Thing else second(), "second", storage)
    assert cache.get_cached_output_fingerprint("key") == "second"
    expected = things.Thing("two") if second is things.Thing else None
    assert cache.get_cached_result("second", "node", storage) == expected


def test_a_value_that_refuses_is_one_line_in_the_log(cache, storage, things, caplog):
    """Its fingerprint is known, and nobody fails."""
    with caplog.at_level(logging.ERROR):
        cache.cache_output("key", things.Stubborn("x"), "content", storage)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert "not me" in errors[0].getMessage()
    assert cache.get_cached_output_fingerprint("key") == "content"
    assert cache.get_cached_result("content", "node", storage) is None


def test_a_value_whose_class_is_gone_is_none(cache, storage, things, inline_lab):
    cache.cache_output("key", things.Thing("x"), "content", storage)
    sys.modules.pop("other")
    (inline_lab.code / "other.py").unlink()
    assert cache.get_cached_result("content", "node", storage) is None
    inline_lab.write("other.py", "Thing = 'no class any more'\n")
    assert cache.get_cached_result("content", "node", storage) is None


def test_a_value_that_does_not_come_back_is_none(cache, storage, things):
    cache.cache_output("key", things.Forgetful("x"), "content", storage)
    assert cache.get_cached_result("content", "node", storage) is None


def test_the_same_value_under_many_keys_is_stored_once(cache, storage, folder):
    """And storing it again and again costs nothing."""
    value = big("value", 1)

    def size() -> int:
        return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())

    cache.cache_output("key", value, "content", storage)
    before = size()
    for number in range(5):
        cache.cache_output(f"key {number}", value, f"content {number}", storage)
        cache.cache_output("key", value, "content", storage)
    assert size() - before < 1 << 20
    assert cache.get_cached_result("content 4", "node", storage) == value


# resources


def test_the_files_of_a_resource_appear_in_another_storage(cache, storage, tmp_path):
    """Under the name of whoever asks, with a fingerprint that does not change."""
    with storage.write_to(Resource("model")) as place:
        (place / "deep").mkdir()
        (place / "deep" / "weights.txt").write_text("0.5")
    cache.cache_output("key", Resource("model"), "content", storage)
    other = LocalModelStorage.create(tmp_path / "other")
    found = cache.get_cached_result("content", "model", other)
    assert found == Resource("model")
    assert found.fingerprint() == "content"
    with other.read_from(found) as place:
        assert (place / "deep" / "weights.txt").read_text() == "0.5"
    assert cache.get_cached_result("content", "other name", other) == Resource("other name")
    assert other.names() == ["model", "other name"]


def test_restoring_takes_the_place_of_what_was_there(cache, storage, tmp_path):
    """Whatever is in the storage under that name, afterwards it is the cached resource and nothing else."""
    with storage.write_to(Resource("model")) as place:
        (place / "weights.txt").write_text("0.5")
    cache.cache_output("key", Resource("model"), "content", storage)
    with storage.write_to(Resource("model")) as place:
        (place / "extra.txt").write_text("odd")
    for _ in range(2):
        assert cache.get_cached_result("content", "model", storage) == Resource("model")
        with storage.read_from(Resource("model")) as place:
            assert {path.name: path.read_text() for path in place.iterdir() if path.name != "extra.txt"} == {"weights.txt": "0.5"}
            assert not (place / "extra.txt").exists()


def test_a_resource_that_nobody_wrote_is_no_error(cache, storage, tmp_path):
    """Nothing was persisted, so nothing is stored and nothing is created."""
    cache.cache_output("key", Resource("nothing"), "content", storage)
    assert cache.get_cached_output_fingerprint("key") == "content"
    other = LocalModelStorage.create(tmp_path / "other")
    cache.get_cached_result("content", "nothing", other)
    assert list(other.path.iterdir()) == []
    assert list(storage.path.iterdir()) == []


# the size


def test_a_cache_of_no_size_is_none(folder, storage):
    cache = LocalTrainingCache(folder, 0)
    cache.cache_output("key", "value", "content", storage)
    assert cache.get_cached_output_fingerprint("key") is None
    assert cache.get_cached_result("content", "node", storage) is None
    assert not folder.exists()


def test_settings_come_from_the_environment(tmp_path):
    environment = {"BUILDGRAPH_CACHE_DIRECTORY": str(tmp_path / "there"), "BUILDGRAPH_MAX_CACHE_SIZE": "1.5"}
    cache = LocalTrainingCache(environment=environment)
    assert (cache.directory, cache.max_size) == (tmp_path / "there", 3 << 19)
    assert LocalTrainingCache(tmp_path / "here", 2, environment=environment).max_size == 2 << 20
    assert LocalTrainingCache(environment={**environment, "BUILDGRAPH_MAX_CACHE_SIZE": "0"}).enabled is False


@pytest.mark.parametrize("size", ["many", "-1", "nan"])
def test_a_size_that_is_no_number_is_refused(tmp_path, size):
    with pytest.raises(UsageError) as raised:
        LocalTrainingCache(tmp_path, environment={"BUILDGRAPH_MAX_CACHE_SIZE": size})
    assert raised.value.code == "BG585"
    assert size in raised.value.headline


def test_a_value_that_is_larger_than_all_is_not_stored(folder, storage):
    cache = LocalTrainingCache(folder, 1)
    cache.cache_output("small", "value", "little", storage)
    cache.cache_output("key", big("large", 2), "content", storage)
    assert cache.get_cached_output_fingerprint("key") == "content"
    assert cache.get_cached_result("content", "node", storage) is None
    assert cache.get_cached_result("little", "node", storage) == "value"


def test_what_was_used_longest_ago_goes_first(folder, storage):
    """Values of 2 MiB in 5: a third one pushes out the one that was not looked at."""
    cache = LocalTrainingCache(folder, 5)
    cache.cache_output("first", big("1", 2), "one", storage)
    cache.cache_output("second", big("2", 2), "two", storage)
    assert cache.get_cached_output_fingerprint("first") == "one"
    cache.cache_output("third", big("3", 2), "three", storage)
    assert cache.get_cached_result("one", "node", storage) == big("1", 2)
    assert cache.get_cached_result("two", "node", storage) is None
    assert cache.get_cached_result("three", "node", storage) == big("3", 2)


def test_restoring_a_value_is_a_use_of_it(folder, storage):
    cache = LocalTrainingCache(folder, 5)
    cache.cache_output("first", big("1", 2), "one", storage)
    cache.cache_output("second", big("2", 2), "two", storage)
    assert cache.get_cached_result("one", "node", storage) == big("1", 2)
    cache.cache_output("third", big("3", 2), "three", storage)
    assert cache.get_cached_result("one", "node", storage) == big("1", 2)
    assert cache.get_cached_result("two", "node", storage) is None


def stored(folder: Path) -> int:
    """Bytes of content that a cache holds: `big` ones, as they lie in its files."""
    return sum(path.read_bytes().count(big(str(number), 2)[:4096]) for path in folder.rglob("*") if path.is_file() for number in range(8))


def test_what_was_let_go_frees_its_place(folder, storage):
    """At any time there are no more values on disk than fit."""
    cache = LocalTrainingCache(folder, 5)
    for number in range(8):
        cache.cache_output(f"key {number}", big(str(number), 2), f"content {number}", storage)
    assert stored(folder) <= 2
    assert cache.get_cached_result("content 7", "node", storage) == big("7", 2)


def test_a_value_whose_twin_was_let_go_is_still_there(folder, storage):
    """Two keys share one content; it stays as long as one of them does."""
    cache = LocalTrainingCache(folder, 5)
    cache.cache_output("first", big("1", 2), "one", storage)
    cache.cache_output("second", big("2", 2), "two", storage)
    cache.cache_output("first too", big("1", 2), "one too", storage)
    cache.cache_output("third", big("3", 2), "three", storage)
    assert cache.get_cached_result("one too", "node", storage) == big("1", 2)


def test_a_training_keeps_within_the_size(lab):
    """What one training needs is larger than the cache: it ends well all the same, and so does the next one."""
    lab.write("other.py", "from parts import Base\nimport hashlib\n\nclass Big(Base):\n    def run(self):\n        return hashlib.shake_256(self.config['name'].encode()).digest(1 << 20)\n\nclass Size(Base):\n    def run(self, value):\n        return len(value)\n")
    nodes = {}
    for name in ("a", "b", "c"):
        nodes[f"big {name}"] = lab.node("other.Big", config={"name": name})
        nodes[f"size {name}"] = lab.target("other.Size", {"value": f"big {name}"})
    cache = LocalTrainingCache(lab.folder / "tight", 2.5)
    first = lab.train(nodes, cache=cache)
    again = lab.train(nodes, cache=cache, archive="again.tar.gz")
    assert again.archive.read_bytes() == first.archive.read_bytes()
    assert len(again.ran) < len(nodes)


def test_what_failed_trainings_kept_counts_too(lab):
    """Finished work of a training that failed is kept, and let go like everything else."""
    lab.write("other.py", "from parts import Base\nimport hashlib\n\nclass Big(Base):\n    def run(self):\n        return hashlib.shake_256(self.config['name'].encode()).digest(2 << 20)\n")
    cache = LocalTrainingCache(lab.folder / "tight", 5)
    for number in range(6):
        nodes = {"big": lab.node("other.Big", config={"name": str(number)}), "fail": lab.target("Fail", {"value": "big"})}
        with pytest.raises(GraphComponentException):
            lab.train(nodes, cache=cache)
    lab.train({"give": lab.target("Give", config={"value": 1})}, cache=cache)
    assert stored(lab.folder / "tight") <= 2


def test_a_cache_that_cannot_be_opened_is_an_error_that_leaves_nothing(folder, storage):
    """Something else lies where the store should be."""
    folder.mkdir()
    (folder / "store").write_text("not a store")
    with pytest.raises(BuildgraphError):
        LocalTrainingCache(folder).cache_output("key", "value", "content", storage)
    assert [path.name for path in folder.iterdir()] == ["store"]


def test_many_share_a_cache_without_a_lost_write(folder, storage):
    """Processes that write, read and push each other's values out never fail."""
    script = """
import sys
from pathlib import Path
from buildgraph.trainer.cache import LocalTrainingCache
from buildgraph.trainer.errors import GraphComponentException
from buildgraph.trainer.storage import LocalModelStorage
cache = LocalTrainingCache(sys.argv[1], float(sys.argv[3]) or None)
storage = LocalModelStorage.create(Path(sys.argv[1], "storage"))
for number in range(9):
    name = f"{sys.argv[2]} {number}"
    value = (name * 30_000)[:200_000]
    cache.cache_output(name, value, f"content {name}", storage)
    found = cache.get_cached_result(f"content {name}", "node", storage)
    assert found == value or float(sys.argv[3]) and found is None
    cache.cache_output("shared", "the same", "shared content", storage)
    assert cache.get_cached_output_fingerprint("shared") in ("shared content", None if float(sys.argv[3]) else 0)
"""
    for limit in ("0", "1"):
        place = folder / limit
        running = [subprocess.Popen([sys.executable, "-c", script, str(place), str(number), limit], stderr=subprocess.PIPE, text=True) for number in range(4)]
        said = [process.communicate(timeout=200)[1] for process in running]
        assert [process.returncode for process in running] == [0] * 4, said
    whole = LocalTrainingCache(folder / "0")
    for number in range(4):
        for turn in (0, 4, 8):
            name = f"{number} {turn}"
            assert whole.get_cached_result(f"content {name}", "node", storage) == (name * 30_000)[:200_000]


def test_threads_share_a_cache(folder, storage):
    cache, failed = LocalTrainingCache(folder), []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                cache.cache_output(f"{number} {turn}", number, f"content {number}", storage)
                assert cache.get_cached_result(f"content {number}", "node", storage) == number
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_what_killed_trainings_left_is_swept(cache, folder, storage):
    left = folder / f"run-{2**22 + 1}-abc"
    (left / "deep").mkdir(parents=True)
    mine = folder / f"run-{os.getpid()}-abc"
    mine.mkdir()
    cache.cache_output("key", 1, "content", storage)
    assert not left.exists()
    assert mine.exists()
