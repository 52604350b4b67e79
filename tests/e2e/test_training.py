"""`train`, `predict` and `model` as their users run them: on files of a project, with exit codes, archives and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from buildgraph.archive import Member, unpack, write
from buildgraph.execution.processes import descendants, table
from buildgraph.trainer.packaging import identity_of

ASSISTANT = Path(__file__).parents[2] / "rules" / "examples" / "assistant"
LONGEST = 60  # seconds after which something is taken for stuck
QUICK = """recipe: default.v1
assistant_id: spoke-and-wheel
language: en
pipeline:
  - name: WhitespaceTokenizer
  - name: KeywordIntentClassifier
  - name: RegexEntityExtractor
  - name: EntitySynonymMapper
"""  # learns from all of the example's data, without the libraries that take seconds to import
TOKENIZER, CLASSIFIER, ENTITIES, SYNONYMS = (
    "run_WhitespaceTokenizer0", "train_KeywordIntentClassifier1", "train_RegexEntityExtractor2", "train_EntitySynonymMapper3",
)  # fmt: skip
NODES = {TOKENIZER, CLASSIFIER, ENTITIES, SYNONYMS}

OWN = '''"""A component of the workshop's own."""

from pathlib import Path

from buildgraph import GraphComponent, Resource
from buildgraph.trainer.data import Message, TrainingData


class Shouting(GraphComponent):
    """Knows the intent of texts in capitals."""

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls(model_storage, resource)

    @classmethod
    def load(cls, config, model_storage, resource, execution_context):
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, (folder / "intent").read_text())

    def __init__(self, storage, resource, intent=None):
        self.storage, self.resource, self.intent = storage, resource, intent

    def train(self, training_data: TrainingData) -> Resource:
        with self.storage.write_to(self.resource) as folder:
            (folder / "intent").write_text(max(training_data.intents))
        return self.resource

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if message.get("text").isupper():
                message.set("intent", {"name": self.intent, "confidence": 1.0}, True)
        return messages
'''

WAITING = '''"""A component that says that it is being trained, and is not done before the end of all days."""

import os
import signal

from buildgraph import GraphComponent, Resource
from buildgraph.trainer.data import Message, TrainingData


class Waiting(GraphComponent):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        self = cls()
        self.storage, self.resource, self.mark = model_storage, resource, config["mark"]
        return self

    def train(self, training_data: TrainingData) -> Resource:
        with self.storage.write_to(self.resource) as folder:
            (folder / "half").write_text("written")
            open(self.mark, "w").close()
            while True:
                signal.pause()

    def process(self, messages: list[Message]) -> list[Message]:
        return messages
'''


@dataclass(frozen=True)
class Shop:
    """A copy of the example, with the command. Whatever a command does, it leaves nothing in the temporary folder."""

    place: Any
    temporary: Path

    def __call__(self, *arguments: str | Path, **options: Any) -> Any:
        said = self.place(*arguments, env={"TMPDIR": str(self.temporary)}, **options)
        assert not list(self.temporary.iterdir())
        assert "Traceback" not in said.out + said.err
        assert "BG999" not in said.err, "a mistake of ours"
        return said

    def train(self, *arguments: str | Path, **options: Any) -> dict[str, str]:
        """Train; what became of each node."""
        nodes: dict[str, str] = self("train", "--json", *arguments, **options).data["nodes"]
        return nodes

    def refused(self, *arguments: str | Path, code: str, expect: int = 2, **options: Any) -> str:
        """The one error that a command ends with; there is no other output but warnings before it."""
        said = self(*arguments, expect=expect, **options)
        assert said.out == ""
        lines = said.err.splitlines()
        assert [line.partition(": ")[0] for line in lines if not line.startswith(("  ", "warning["))] == [f"error[{code}]"]
        return str(said.err)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.place.root / name).read_text()
        assert old in text
        (self.place.root / name).write_text(text.replace(old, new, 1))

    @property
    def models(self) -> list[Path]:
        """Everything in the folder for models, hidden files too."""
        folder = self.place.root / "models"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    @property
    def model(self) -> Path:
        (only,) = self.models
        return only


@pytest.fixture
def shop_in(tmp_path: Path, empty: Any) -> Callable[..., Shop]:
    """Makes a copy of the example in a folder of that name, with a store of its own."""

    def make(name: str, config: str = QUICK) -> Shop:
        root = tmp_path / name / "shop"
        (tmp_path / name / "tmp").mkdir(parents=True)
        shutil.copytree(ASSISTANT, root)
        (root / "config.yml").write_text(config)
        return Shop(type(empty)(root, tmp_path / name / "store"), tmp_path / name / "tmp")

    return make


@pytest.fixture
def shop(shop_in: Callable[..., Shop]) -> Shop:
    return shop_in("here")


def built(nodes: Mapping[str, str]) -> set[str]:
    return {name for name, state in nodes.items() if state == "built"}


# what is trained


def test_a_project_is_trained_once(shop):
    """The second time nothing runs, and the archive is the same file."""
    first = shop("train")
    assert "4 nodes: 4 built" in first.out
    assert first.last == f"models/{shop.model.name}"
    before = shop.model.read_bytes()
    again = shop("train")
    assert again.out.splitlines() == ["4 nodes: 4 up to date", f"models/{shop.model.name}"]
    assert shop.model.read_bytes() == before
    assert shop("train", "-q").out == ""


def test_an_edit_trains_what_is_below_it(shop):
    assert built(shop.train()) == NODES
    shop.edit("data/stories.yml", "a repair is booked", "somebody books a repair")
    assert set(shop.train().values()) == {"up to date"}
    assert len(shop.models) == 1, "no component of this pipeline learns from conversations"
    shop.edit("config.yml", "KeywordIntentClassifier", "KeywordIntentClassifier\n    case_sensitive: false")
    assert built(shop.train()) == {CLASSIFIER}
    shop.edit("data/nlu.yml", "    - hello workshop\n", "    - hello workshop\n    - ahoy\n")
    assert built(shop.train()) == NODES
    shop.edit("data/nlu.yml", "    - ahoy\n", "")
    assert built(shop.train()) == set(), "what was trained once is still known"


def test_a_dry_run_says_what_would_be_trained(shop):
    """By the bits of its exit code: 1 something, 8 because it is forced. It writes nothing."""
    said = shop("train", "--dry-run", expect=1)
    assert said.last == "4 nodes: 4 would be trained"
    assert shop("train", "-n", "--force", expect=9).last == said.last
    assert shop.models == []
    shop.train()
    assert shop("train", "-n").out == "4 nodes: nothing to train\n"
    shop("train", "-n", "-f", expect=8)
    shop.edit("config.yml", "KeywordIntentClassifier", "KeywordIntentClassifier\n    case_sensitive: false")
    told = shop("train", "-n", "--json", expect=1).data
    assert told["code"] == 1
    states = {name: each["state"] for name, each in told["nodes"].items()}
    assert {name for name, state in states.items() if state == "stale"} == {CLASSIFIER}
    assert "case_sensitive" in told["nodes"][CLASSIFIER]["reason"]
    assert all(each["output_fingerprint"] for name, each in told["nodes"].items() if name != CLASSIFIER)
    assert len(shop.models) == 1


def test_json_names_the_model_and_what_became_of_each_node(shop):
    told = shop("train", "--json").data
    assert told == {"model": str(shop.model), "model_id": told["model_id"], "code": 0, "nodes": dict.fromkeys(told["nodes"], "built")}
    assert told["nodes"].keys() == NODES
    assert shop("model", "info", shop.model, "--json").data["model_id"] == told["model_id"]


def test_a_name_and_force(shop):
    shop.train("--name", "first.tar.gz")
    assert built(shop.train("--name", "v1.2", "--force")) == NODES
    assert [each.name for each in shop.models] == ["first.tar.gz", "v1.2.tar.gz"]
    assert shop.models[0].read_bytes() == shop.models[1].read_bytes()


def test_another_folder_another_store_another_runner_same_bytes(shop, shop_in):
    """A model says what it was trained from, not where, when or how."""
    there, inline = shop_in("somewhere/else"), shop_in("again")
    shop.train()
    there.train("-j", "1", "--name", "there")
    inline.train("--runner", "inline")
    assert shop.model.read_bytes() == there.model.read_bytes() == inline.model.read_bytes()


# fine-tuning


def test_a_model_is_fine_tuned(shop):
    """Everything goes on from the base, so all of it runs; a second time nothing does."""
    shop.train("--name", "base")
    base = shop.model
    tuned = shop.train(f"--finetune={base}", "--name", "tuned")
    assert built(tuned) == NODES
    assert built(shop.train(f"--finetune={base}", "--name", "tuned")) == set()
    shop("model", "verify", "models/tuned.tar.gz")
    assert shop("predict", "models/tuned.tar.gz", "hello").data["intent"]["name"] == "greet"


def test_fine_tuning_takes_the_youngest_model_and_refuses_another_pipeline(shop):
    shop.train()
    shop.edit("config.yml", "  - name: EntitySynonymMapper\n", "")
    message = shop.refused("train", "--finetune", code="BG540")
    assert "train_EntitySynonymMapper3" in message
    assert len(shop.models) == 1


def test_fine_tuning_of_nothing(shop):
    for more in ((), ("--dry-run",)):
        assert "there is no model at" in shop.refused("train", "--finetune", *more, code="BG541")
    shop.refused("train", "--finetune=nowhere.tar.gz", code="BG541")
    assert shop.models == []


# predictions


def test_a_model_predicts(shop):
    """A JSON object for each text, a line each; from arguments, or from lines that are typed."""
    shop.train()
    given = [json.loads(line) for line in shop("predict", "models", "hello", "my front wheel").out.splitlines()]
    assert [each["text"] for each in given] == ["hello", "my front wheel"]
    assert [each["intent"]["name"] for each in given] == ["greet", None]
    assert [entity["value"] for entity in given[1]["entities"]] == ["wheel"]
    typed = shop("predict", shop.model, typed="hello\r\nmy front wheel").out
    assert [json.loads(line) for line in typed.splitlines()] == given
    assert shop("predict", "models").out == "", "nothing typed, nothing found"


def test_a_prediction_is_utf_8_whatever_is_typed(shop):
    shop.train()
    shop("predict", "models", typed="h\u00e9 \udcff\n").out.encode()
    assert shop("predict", "models", "h\u00e9 \udcff").data["text"] == "h\u00e9 \ufffd"


def test_the_whole_example_understands(shop_in):
    """The example as it is, with everything that learns from numbers."""
    shop = shop_in("whole", (ASSISTANT / "config.yml").read_text())
    shop.train("--out", "out")
    found = shop("predict", "out", "is my bike ready?").data
    assert found["intent"]["name"] == "ask_status"


def test_components_of_ones_own(shop):
    """A pipeline names them by path. A model cannot: whoever loads it says that they may be imported."""
    shop.place.write({"bells.py": OWN})
    shop.edit("config.yml", "  - name: RegexEntityExtractor\n", "  - name: bells.Shouting\n  - name: RegexEntityExtractor\n")
    assert "train_Shouting2" in built(shop.train())
    assert "`--components bells`" in shop.refused("predict", "models", "HELP", code="BG586")
    assert shop("predict", "models", "HELP", "--components", "bells").data["intent"]["name"] == "thank"
    shop.edit("bells.py", "max(", "min(")
    assert built(shop.train("--name", "edited")) == {"train_Shouting2"}
    assert shop("predict", "models/edited.tar.gz", "HELP", "--components", "bells").data["intent"]["name"] == "ask_for_human"


# looking at models


def test_models_say_what_they_are(shop):
    told = shop("train", "--json", "--name", "first").data
    for archive in ("models", "models/first.tar.gz"):
        said = shop("model", "info", archive).out
        assert told["model_id"] in said
        assert "spoke-and-wheel" in said
        assert CLASSIFIER in said
        assert "all as written" in shop("model", "verify", archive).out
    assert shop("model", "verify", "models", "-q").out == ""


def test_of_a_folder_the_youngest_model_counts(shop):
    shop.train("--name", "b")
    shop.edit("config.yml", "language: en", "language: de")
    shop.train("--name", "a")
    shop.train("--name", "c")
    a, b, c = shop.models
    for order in ((a, b, c), (c, a, b), (b, c, a)):
        for when, model in enumerate(order):
            os.utime(model, (when, when))
        assert shop("model", "verify", "models").out.startswith(f"models/{order[-1].name}:")


def test_models_are_compared(shop):
    """Exit code 3 says that they differ."""
    shop.train("--name", "first")
    shop.train("--name", "same")
    assert shop("model", "diff", "models/first.tar.gz", "models/same.tar.gz").out == "the models are the same\n"
    shop.edit("config.yml", "KeywordIntentClassifier", "KeywordIntentClassifier\n    case_sensitive: false")
    shop.edit("config.yml", "language: en", "language: de")
    shop.train("--name", "second")
    said = shop("model", "diff", "models/first.tar.gz", "models/second.tar.gz", expect=3).out
    assert "language  en -> de" in said
    assert CLASSIFIER in said
    assert SYNONYMS not in said
    told = shop("model", "diff", "models/first.tar.gz", "models/second.tar.gz", "--json", expect=3).data
    assert told["same"] is False
    assert told["changes"]["setting"] == {"language": "en -> de"}
    assert CLASSIFIER in told["changes"]["node"]


# archives that are no models


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


DAMAGE = {
    "tampered": flipped,
    "truncated": lambda data: data[:-200],
    "empty": lambda _: b"",
    "foreign": lambda _: b"PK but no archive of anybody's",
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_archive_is_refused(shop, how):
    """By whoever would use it, with exit code 6, and nothing of it is left anywhere."""
    shop.train()
    odd = shop.place.root / "odd.tar.gz"
    odd.write_bytes(DAMAGE[how](shop.model.read_bytes()))
    before = sorted(shop.place.root.rglob("*"))
    for command in (("predict", odd, "hello"), ("model", "verify", odd), ("train", f"--finetune={odd}")):
        said = shop(*command, expect=6)
        assert said.out == ""
        assert said.err.startswith("error[BG")
    assert sorted(shop.place.root.rglob("*")) == before


def forged(shop: Shop, change: Callable[[dict[str, Any]], object], name: str = "forged.tar.gz") -> Path:
    """A whole archive, every digest right, that says of itself what `change` makes of a true model's metadata."""
    inside = shop.place.store.parent / f"inside {name}"
    info = unpack(str(shop.model), str(inside))
    said = {key: value for key, value in info.metadata.items() if key != "model_id"}
    change(said)
    said["model_id"] = identity_of(said)
    members = [Member(each.path, each.size, each.digest, each.executable, str(inside / each.path)) for each in info.members]
    write(str(shop.place.root / name), members, metadata=said, format="tar.gz")
    return shop.place.root / name


def test_a_forged_archive_is_like_a_true_one_but_for_what_it_says(shop):
    """Else the tests below would prove nothing: an archive with nothing changed is accepted."""
    shop.train()
    assert shop("predict", forged(shop, lambda _: None), "hello").data["intent"]["name"] == "greet"


@pytest.mark.parametrize("uses", ["evil:Evil", "package.evil.Evil", "os:system", "subprocess:Popen"])
def test_a_model_imports_and_runs_nothing_of_its_own_choice(shop, uses):
    """A module that lies in a folder to import from is not imported, and a function is no component."""
    mark = shop.place.root / "imported"
    evil = f"open({str(mark)!r}, 'w').close()\n{OWN}\nEvil = Shouting\n"
    shop.place.write({"evil.py": evil, "package/__init__.py": evil, "package/evil.py": evil, "harmless.py": ""})
    shop.train()

    def change(said):
        said["predict_schema"]["nodes"]["run_KeywordIntentClassifier1"] |= {"uses": uses, "config": {}}

    archive = forged(shop, change)
    assert "run_KeywordIntentClassifier1" in shop.refused("predict", archive, "touch x", "--components", "harmless", code="BG586")
    assert not mark.exists()


NONSENSE = {
    "a class": lambda said: said["predict_schema"]["nodes"]["run_KeywordIntentClassifier1"].update(uses=5),
    "a need": lambda said: said["predict_schema"]["nodes"]["run_KeywordIntentClassifier1"].update(needs={"messages": ["x"]}),
    "a node": lambda said: said["train_schema"]["nodes"].update(odd={"unheard": "of"}),
    "a target": lambda said: said.update(nlu_target=["x"]),
    "a lineage": lambda said: said["lineage"].update({CLASSIFIER: {}}),
    "a domain": lambda said: said.update(domain="all"),
    "folders": lambda said: said.pop("empty_folders"),
    "a folder elsewhere": lambda said: said.update(empty_folders=["components/../../elsewhere"]),
    "a resource": lambda said: said.update(resources={}),
}


def test_a_model_that_makes_no_sense_is_refused(shop):
    """Whatever is written there, by a program that knows how to make a whole archive."""
    shop.train()
    for number, change in enumerate(NONSENSE.values()):
        archive = forged(shop, change, f"{number}.tar.gz")
        shop.refused("predict", archive, "hello", code="BG583", expect=6)
    shop.refused("predict", forged(shop, lambda said: said.update(format="other")), "hello", code="BG580", expect=6)


# mistakes


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-c", "nowhere.yml"), "BG518"),
        (("-c", "data"), "BG518"),
        (("-d", "nowhere.yml"), "BG518"),
        (("--data", "nowhere"), "BG518"),
        (("--data", "nothing"), "BG519"),
        (("-c", "unknown.yml"), "BG531"),
        (("-c", "absent.yml"), "BG532"),
        (("-c", "broken.yml"), "BG532"),
        (("-c", "leaving.yml"), "BG532"),
        (("-c", "torn.yml"), "BG511"),
        (("--name", "../escaped"), "BG589"),
        (("--name", "folder/name"), "BG589"),
        (("--name", ".tar.gz"), "BG589"),
        (("--name", "x" * 250), "BG589"),
        (("--epoch-fraction", "nan"), "BG003"),
        (("--runner", "dask"), "BG003"),
        (("--out", "config.yml"), "BG092"),
        (("-C", "nowhere"), "BG005"),
    ],
)
def test_a_training_that_cannot_be_says_why(shop, arguments, code):
    pipeline = "recipe: default.v1\nassistant_id: x\npipeline:\n- name: "
    shop.place.write({
        "nothing/note.txt": "", "unknown.yml": f"{pipeline}KeywordClassifier\n", "absent.yml": f"{pipeline}no_such.Thing\n", "broken.yml": f"{pipeline}broken.Thing\n",
        "leaving.yml": f"{pipeline}leaving.Thing\n", "torn.yml": "pipeline: [\n", "broken.py": "this is no Python\n", "leaving.py": "raise SystemExit(0)\n",
    })  # fmt: skip
    before = sorted(shop.place.root.rglob("*"))
    shop.refused("train", *arguments, code=code)
    assert sorted(shop.place.root.rglob("*")) == before
    assert not (shop.place.root.parent / "escaped.tar.gz").exists()


def test_a_training_without_data(shop):
    shop.place.write({"data/nlu.yml": "nlu: []\n", "data/stories.yml": "stories: []\n", "data/rules.yml": "rules: []\n"})
    said = shop("train", expect=1)
    assert "warning[BG535]" in said.err
    assert shop.models == []


def test_predictions_and_models_that_cannot_be(shop):
    shop.place.write({"broken.py": "this is no Python\n", "leaving.py": "raise SystemExit(0)\n", "raising.py": "1 / 0\n"})
    for arguments in (("predict", "models", "hello"), ("model", "info", "models"), ("model", "verify", "no.tar.gz"), ("model", "diff", "models", "models")):
        shop.refused(*arguments, code="BG541")
    for module in ("no_such", "broken", "leaving", "raising", "", ".relative"):
        assert f"'{module}'" in shop.refused("predict", "models", "--components", module, "hello", code="BG588")
    shop.refused("predict", code="BG004")
    assert "did you mean" in shop.refused("model", "inf", code="BG002")
    assert shop.models == []


def test_a_component_that_fails_is_named(shop):
    """And what had been trained before it is kept."""
    shop.place.write({"bells.py": OWN.replace("with self.storage.write_to", "raise ValueError('too loud')\n        with self.storage.write_to")})
    shop.edit("config.yml", "  - name: RegexEntityExtractor\n", "  - name: bells.Shouting\n  - name: RegexEntityExtractor\n")
    said = shop("train", "-j", "1", expect=1)
    assert "train_Shouting2" in said.err
    assert "too loud" in said.err
    assert said.err.count("error[") == 1
    assert shop.models == []
    shop.edit("bells.py", "raise ValueError('too loud')", "pass")
    assert TOKENIZER not in built(shop.train())


@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_an_interrupted_training_leaves_nothing(shop, runner):
    """No half archive, no private folder, no process; what had been trained is kept."""
    mark = shop.temporary.parent / "mark"
    shop.place.write({"waiting.py": WAITING})
    shop.edit("config.yml", "  - name: RegexEntityExtractor\n", f"  - name: waiting.Waiting\n    mark: {mark}\n  - name: RegexEntityExtractor\n")
    process = shop.place.start("train", "--runner", runner, env={"TMPDIR": str(shop.temporary)})
    try:
        until = time.monotonic() + LONGEST
        while not mark.exists():
            assert process.poll() is None, "the training ended before it was interrupted"
            assert time.monotonic() < until
        family = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(LONGEST) == 130
    finally:
        process.kill()
        out, err = process.communicate()
    assert "Traceback" not in out + err
    assert shop.models == []
    assert not list(shop.temporary.iterdir())
    assert family or runner == "inline"
    assert not [each for each in table() if each.alive and each.pid in family]
    shop("train", "-n", expect=1)
    (shop.place.root / "config.yml").write_text(QUICK)
    assert TOKENIZER not in built(shop.train())
