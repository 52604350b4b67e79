"""Trainings and models as somebody new to them uses them: every mistake, damage and full disk, and what is left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from buildgraph.execution.processes import descendants
from buildgraph.schema import GraphSchema
from buildgraph.trainer.packaging import pack_model
from buildgraph.trainer.storage import LocalModelStorage
from tests.e2e.conftest import Place
from tests.e2e.test_interrupting import is_alive, wait_for

pytest.importorskip("sklearn")
ASSISTANT = Path(__file__).parents[2] / "rules" / "examples" / "assistant"
SHORT = """recipe: default.v1
language: en
assistant_id: short
pipeline:
- name: WhitespaceTokenizer
- name: CountVectorsFeaturizer
- name: LogisticRegressionClassifier
  max_iter: 50
"""
OWN = """
import os, signal
from buildgraph import GraphComponent
from buildgraph.trainer.data import Message

class Shout(GraphComponent):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        return cls()

    def process(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            message.set("loud", message.get("text").upper(), add_to_output=True)
        return messages

class Wait(Shout):
    @staticmethod
    def get_default_config():
        return {"mark": ""}

    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        made = cls()
        made.mark = config["mark"]
        return made

    def process_training_data(self, training_data: "TrainingData") -> "TrainingData":
        with open(self.mark + ".new", "w") as file:
            file.write(str(os.getpid()))
        os.rename(self.mark + ".new", self.mark)
        while True:
            signal.pause()

class Large(Shout):
    @classmethod
    def create(cls, config, model_storage, resource, execution_context):
        made = cls()
        made.place = model_storage.write_to(resource)
        return made

    def process_training_data(self, training_data: "TrainingData") -> "TrainingData":
        with self.place as folder:
            (folder / "large").write_bytes(bytes(4_000_000))
        return training_data

from buildgraph.trainer.data import TrainingData
"""


@pytest.fixture
def project(tmp_path: Path) -> Place:
    """A copy of the assistant, with a short pipeline, not trained."""
    shutil.copytree(ASSISTANT, tmp_path / "project", ignore=shutil.ignore_patterns("models"))
    made = Place(tmp_path / "project", tmp_path / "store")
    made.write({"config.yml": SHORT})
    return made


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for 8 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", folder], capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def beside(project: Place) -> list[str]:
    """What lies in the project and among temporary files that are its own."""
    return sorted(path.relative_to(project.root).as_posix() for path in project.root.rglob("*") if "__pycache__" not in path.parts)


def model(project: Place, name: str = "first") -> Path:
    project("train", "-q", "--name", name)
    return project.root / "models" / f"{name}.tar.gz"


def trained(project: Place, *arguments: str) -> list[str]:
    """Train; the nodes that ran."""
    return sorted(name for name, word in project("train", "--json", *arguments).data["nodes"].items() if word == "built")


def forged(project: Place, uses: str) -> Path:
    """A model that is whole, as its packer wrote it, and whose first node names `uses`."""
    origin = model(project)
    storage, said = LocalModelStorage.from_model_archive(project.root.parent / "forge", origin)
    nodes = dict(said.predict_schema.nodes)
    name = next(name for name in nodes if name.startswith("run_"))
    nodes[name] = replace(nodes[name], uses=uses)
    archive = project.root / "forged.tar.gz"
    pack_model(archive, {each: storage.folder(each) for each in said.resources}, replace(said, predict_schema=GraphSchema(nodes)))
    return archive


def test_the_commands_of_the_examples_page_work_as_written(tmp_path: Path) -> None:
    """Every line that starts with a prompt, in its order, in a copy of the example."""
    shutil.copytree(ASSISTANT, tmp_path / "assistant", ignore=shutil.ignore_patterns("models"))
    place = Place(tmp_path / "assistant", tmp_path / "store")
    lines = [line.removeprefix("$ buildgraph ") for line in (ASSISTANT / "README.md").read_text().splitlines() if line.startswith("$ buildgraph ")]
    assert len(lines) >= 3
    for line in lines:
        words = [word.strip('"') for word in line.split("  #")[0].replace('"is my bike ready?"', '"is\0my\0bike\0ready?"').split()]
        place(*(word.replace("\0", " ") for word in words))


def test_a_training_says_what_it_did_and_where_the_model_is(project: Place) -> None:
    said = project("train")
    archive = project.root / said.last
    assert archive.is_file()
    assert said.out.splitlines()[-2] == "4 nodes: 4 built"
    again = project("train")
    assert again.out.splitlines() == ["4 nodes: 4 up to date", said.last]


def test_a_model_answers_texts_from_arguments_and_from_lines(project: Place) -> None:
    archive = model(project)
    answers = [json.loads(line) for line in project("predict", archive, "my chain came off", "hello").out.splitlines()]
    assert [answer["intent"]["name"] for answer in answers] == ["report_problem", "greet"]
    assert project("predict", "models", "hello").data == answers[1]


@pytest.mark.parametrize("runner", ["pool", "inline"])
def test_every_folder_store_and_runner_give_the_same_archive(project: Place, tmp_path: Path, runner: str) -> None:
    first = model(project).read_bytes()
    (tmp_path / "elsewhere").mkdir()
    shutil.copytree(project.root, tmp_path / "elsewhere" / "copy", ignore=shutil.ignore_patterns("models"))
    other = Place(tmp_path / "elsewhere" / "copy", tmp_path / "another store")
    other("train", "-q", "--runner", runner, "--name", "first")
    assert (other.root / "models" / "first.tar.gz").read_bytes() == first


def test_only_what_an_edit_reaches_is_trained(project: Place) -> None:
    everything = trained(project)
    assert len(everything) == 4
    stories = project.root / "data" / "stories.yml"
    stories.write_text(stories.read_text() + "\n- story: one more\n  steps:\n  - intent: greet\n  - action: utter_greet\n")
    assert trained(project) == []
    project.write({"config.yml": SHORT.replace("50", "60")})
    assert trained(project) == ["train_LogisticRegressionClassifier2"]
    examples = project.root / "data" / "nlu.yml"
    examples.write_text(examples.read_text().replace("examples: |\n", "examples: |\n    - well met dear people\n", 1))
    assert trained(project) == everything


def test_a_dry_run_exits_with_bits_and_writes_nothing(project: Place) -> None:
    before = beside(project)
    assert "4 would be trained" in project("train", "--dry-run", expect=1).last
    project("train", "--dry-run", "--force", expect=9)
    assert beside(project) == before
    project("train", "-q")
    assert project("train", "--dry-run", "--json").data["code"] == 0
    project("train", "--dry-run", "--force", expect=8)


def test_force_trains_everything_once_more(project: Place) -> None:
    project("train", "-q", "--name", "x")
    assert len(trained(project, "--force", "--name", "y")) == 4
    assert project("model", "diff", "models/x.tar.gz", "models/y.tar.gz").out == "the models are the same\n"


def test_fine_tuning_goes_on_from_a_model(project: Place) -> None:
    project("train", "--finetune", expect=2)
    model(project)
    assert trained(project, "--finetune", "--epoch-fraction", "0.5", "--name", "tuned")
    assert trained(project, "--finetune", "models/first.tar.gz", "--epoch-fraction", "0.5") == []


def test_a_model_says_what_it_is_and_what_another_has_changed(project: Place) -> None:
    archive = model(project)
    assert "train_LogisticRegressionClassifier2" in project("model", "info", archive).out
    assert project("model", "info", archive, "--json").data["assistant_id"] == "short"
    assert "all as written" in project("model", "verify", archive).out
    project.write({"config.yml": SHORT.replace("50", "60")})
    other = model(project, "other")
    changes = project("model", "diff", archive, other, "--json", expect=3).data["changes"]
    assert "train_LogisticRegressionClassifier2" in changes["node"]


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["train", "--config", "no.yml"], "BG518", "'no.yml'"),
        (["train", "--data", "no"], "BG518", "'no'"),
        (["train", "--domain", "no.yml"], "BG518", "'no.yml'"),
        (["train", "--out", "config.yml"], "BG092", "config.yml"),
        (["train", "--name", "../evil"], "BG589", "../evil"),
        (["train", "--name", "a/b"], "BG589", "a/b"),
        (["train", "--name", "."], "BG589", "dot"),
        (["train", "--finetune", "no.tar.gz"], "BG541", "no.tar.gz"),
        (["train", "--epoch-fraction", "0"], "BG003", "x>0"),
        (["train", "--epoch-fraction", "nan"], "BG003", "finite"),
        (["train", "--epoch-fraction", "inf"], "BG003", "finite"),
        (["train", "--epoch-fraction", "half"], "BG003", "half"),
        (["predict", "no", "hello"], "BG541", "no"),
        (["predict", "data", "hello"], "BG541", "train a model first"),
        (["predict", "no", "--components", "no_such_module"], "BG588", "no_such_module"),
        (["model", "info", "no"], "BG541", "no"),
        (["model", "diff", "no"], "BG004", "SECOND"),
    ],
)
def test_a_mistake_on_the_command_line_has_a_code_and_leaves_nothing(project: Place, arguments: Sequence[str], code: str, error: str) -> None:
    before = beside(project)
    said = project(*arguments, expect=2)
    assert f"error[{code}]" in said.err
    assert error in said.err
    assert "fix: " in said.err
    assert "Traceback" not in said.err
    assert [path for path in beside(project) if path != "models"] == before
    assert project("explain", code).out


def test_without_a_domain_only_what_understands_texts_is_trained(project: Place) -> None:
    (project.root / "domain.yml").unlink()
    said = project("train")
    assert "there is no domain" in said.err
    assert project("predict", "models", "hello").data["intent"]["name"] == "greet"


def test_a_domain_may_be_a_folder(project: Place) -> None:
    (project.root / "domain").mkdir()
    (project.root / "domain.yml").rename(project.root / "domain" / "all.yml")
    assert "there is no domain" not in project("train").err


def test_names_that_are_not_shipped_are_told_all_at_once(project: Place) -> None:
    project.write({"config.yml": SHORT + "- name: DIETClassifier\n- name: ResponseSelector\n"})
    said = project("train", expect=2)
    assert "there is no component 'DIETClassifier', and 1 more" in said.err
    assert "ResponseSelector: pipeline, entry 5" in said.err


def test_the_pipeline_that_was_used_is_written_into_the_configuration(project: Place) -> None:
    """Not by a dry run, not when the training fails, and once only."""
    open_ = "recipe: default.v1\nlanguage: en\nassistant_id: open\npipeline:\npolicies:\n"
    project.write({"config.yml": open_})
    project("train", "--dry-run", expect=1)
    assert (project.root / "config.yml").read_text() == open_
    said = project("train", "--name", "x")
    assert "written there now, as comments" in said.out
    completed = (project.root / "config.yml").read_text()
    assert "# - name: WhitespaceTokenizer" in completed
    assert [line for line in completed.splitlines() if not line.startswith("#")] == open_.splitlines()
    assert trained(project, "--name", "x") == []
    assert (project.root / "config.yml").read_text() == completed


def test_a_full_configuration_is_left_alone(project: Place) -> None:
    assert "as comments" not in project("train").out
    assert (project.root / "config.yml").read_text() == SHORT


def test_a_component_of_ones_own_is_trained_and_predicts_when_it_is_named(project: Place) -> None:
    project.write({"mine.py": OWN, "config.yml": SHORT + "- name: mine.Shout\n"})
    project("train", "-q")
    refused = project("predict", "models", "hello", expect=2)
    assert "error[BG586]" in refused.err
    assert "--components mine" in refused.err
    assert project("predict", "models", "hello", "--components", "mine").data["loud"] == "HELLO"


@pytest.mark.parametrize("text", ["def (", "1 / 0", "import no_such_package", "raise SystemExit(0)"])
def test_a_module_that_cannot_be_imported_is_no_fault_of_the_trainer(project: Place, text: str) -> None:
    project.write({"mine.py": text, "config.yml": SHORT + "- name: mine.Shout\n"})
    assert "error[BG532]" in project("train", expect=2).err
    assert "error[BG588]" in project("predict", "models", "hello", "--components", "mine", expect=2).err


@pytest.mark.parametrize("uses", ["os:system", "attacker:Evil", "subprocess:Popen", "sklearn.linear_model:LogisticRegression"])
def test_a_model_cannot_name_what_is_no_component(project: Place, uses: str) -> None:
    """Nothing is called, and nothing that lies in the current folder is imported."""
    archive = forged(project, uses)
    project.write({"attacker.py": "open('attacked', 'w').close()\n"})
    said = project("predict", archive, "touch attacked", expect=2, env={"PYTHONPATH": str(project.root)})
    assert "error[BG586]" in said.err
    assert not (project.root / "attacked").exists()
    assert project("model", "info", archive).out


GRAPH = """recipe: graph.v1
language: en
assistant_id: graph
nlu_target: run
train_schema:
  nodes:
    data: {needs: {importer: __importer__}, uses: buildgraph.trainer.providers.NLUTrainingDataProvider, constructor_name: create, fn: provide, config: {}, is_input: true}
    words: {needs: {training_data: data}, uses: USES, constructor_name: create, fn: process_training_data, config: {}, is_target: true}
predict_schema:
  nodes:
    run: {needs: {messages: __message__}, uses: USES, constructor_name: create, fn: process, config: {}, eager: true}
"""


def test_a_graph_names_the_components_that_are_shipped_by_their_path(project: Place) -> None:
    """Who writes the path of another package is told ours, and ours is trained."""
    project.write({"config.yml": GRAPH.replace("USES", "rasa.nlu.tokenizers.whitespace_tokenizer.WhitespaceTokenizer")})
    said = project("train", expect=2)
    assert "error[BG539]" in said.err
    path = said.err.partition("fix: write '")[2].partition("'")[0]
    project.write({"config.yml": GRAPH.replace("USES", path)})
    assert trained(project, "--data", "data/nlu.yml") == ["words"]
    assert project("predict", "models", "hello").data["text"] == "hello"


def cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def changed(raw: bytes) -> bytes:
    """One byte of what a component has learnt is another one."""
    at = len(raw) - len(raw) // 4
    return raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]


@pytest.mark.parametrize("damage", [cut, changed, lambda _: b"", lambda _: b"PK\x03\x04 something else"], ids=["cut", "changed", "empty", "foreign"])
@pytest.mark.parametrize("command", [["predict"], ["model", "verify"], ["train", "--finetune"]], ids=lambda words: words[0])
def test_a_damaged_model_is_refused_and_nothing_is_unpacked(project: Place, tmp_path: Path, damage, command: Sequence[str]) -> None:
    archive = model(project)
    archive.write_bytes(damage(archive.read_bytes()))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    said = project(*command, archive, *(["hello"] if command == ["predict"] else []), expect=6, env={"TMPDIR": str(temporary)})
    assert "error[BG4" in said.err
    assert str(archive) in said.err
    assert list(temporary.iterdir()) == []
    assert os.listdir(project.root / "models") == ["first.tar.gz"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_leaves_nothing_behind(project: Place, tmp_path: Path, number: int) -> None:
    mark, temporary = tmp_path / "mark", tmp_path / "temporary"
    temporary.mkdir()
    project.write({"mine.py": OWN, "config.yml": SHORT.replace("- name: Log", f"- name: mine.Wait\n  mark: {mark}\n- name: Log")})
    process = project.start("train", env={"TMPDIR": str(temporary)})
    try:
        wait_for(mark, process)
        family = descendants(process.pid)
        process.send_signal(number)
        assert process.wait(60) == 130
    finally:
        process.kill()
        _, err = process.communicate()
    assert "Traceback" not in err
    assert not [pid for pid in family if is_alive(pid)]
    assert os.listdir(project.root / "models") == []
    assert [path for path in temporary.iterdir() if "model" in path.name] == []


def test_a_disk_that_fills_up_while_components_run_is_named(project: Place, small_disk: Path) -> None:
    """Room for the store, not for what a component writes."""
    subprocess.run(["mount", "-o", "remount,size=2m", small_disk], check=True)
    project.write({"mine.py": OWN, "config.yml": SHORT.replace("- name: Log", "- name: mine.Large\n- name: Log")})
    said = project("train", "--store", small_disk / "store", expect=1)
    assert "No space left on device" in said.err
    assert "fix: make room there" in said.err


@pytest.mark.parametrize("full", ["out", "store", "temporary"])
def test_a_full_disk_is_an_error_and_leaves_no_model(project: Place, small_disk: Path, full: str) -> None:
    """Room for nothing: what is on the disk afterwards is what was there before."""
    model(project)
    shutil.rmtree(project.root / "models")
    options = {"out": ["--out", small_disk / "models"], "store": ["--store", small_disk / "store"], "temporary": []}[full]
    said = project("train", *options, expect=2, env={"TMPDIR": str(small_disk)} if full == "temporary" else {})
    assert "Traceback" not in said.err
    assert "fix: " in said.err
    assert [path for path in small_disk.rglob("*") if path.is_file() and "ledger" not in path.parts] == []
    assert not list(project.root.glob("models/*"))


def test_a_configuration_that_cannot_be_written_is_warned_of(project: Place) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    project.write({"config.yml": "recipe: default.v1\nlanguage: en\nassistant_id: x\n"})
    project.root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert "cannot be written" in project("train", "--out", project.store.parent / "models").err
    finally:
        project.root.chmod(0o755)
