"""Importers, training data and stories as results of targets: they travel, and what an edit does not touch is not run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from buildgraph.testing import TemporaryWorkspace

pytest.importorskip("numpy")

NODES = """
from buildgraph.trainer.data import Features, Token
from buildgraph.trainer.importing import TrainingFileImporter


def load(files):
    return TrainingFileImporter(training_data_paths=files)


def nlu(importer):
    return importer.get_nlu_data()


def stories(importer):
    return importer.get_stories()


def featurized(data):
    import numpy as np

    counts = []
    for message in data.training_examples:
        message.set("tokens", [Token(word, 0, len(word)) for word in message.get("text").split()])
        counts.append(len(message.get("tokens")))
    rows = np.ones((sum(counts), 3))
    for message, features in zip(data.training_examples, Features.split(rows, counts, "sequence")):
        message.add_features(features)
    return data


def shapes(data):
    return [list(message.features[0].shape) for message in data.training_examples]


def names(graph):
    return [story.name for story in graph.stories]
"""

BUILD = """
from buildgraph.rules import files, python

files("files", ["data/*.yml"])
python("importer", "nodes:load", needs={"files": ":files"})
python("nlu", "nodes:nlu", needs={"importer": ":importer"})
python("stories", "nodes:stories", needs={"importer": ":importer"})
python("featurized", "nodes:featurized", needs={"data": ":nlu"})
python("shapes", "nodes:shapes", needs={"data": ":featurized"})
python("names", "nodes:names", needs={"graph": ":stories"})
"""

NLU = "nlu:\n- intent: greet\n  examples: |\n    - hi\n    - good morning\n"
STORIES = "stories:\n- story: hello\n  steps:\n  - intent: greet\n"
READERS = {"//:importer", "//:nlu", "//:stories"}


@pytest.fixture(params=["inline", "pool"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> TemporaryWorkspace:
    """Built once."""
    workspace = TemporaryWorkspace(tmp_path / "ws", tmp_path / "store", runner=request.param)
    workspace.write({"BUILD.py": BUILD, "nodes.py": NODES, "data/nlu.yml": NLU, "data/stories.yml": STORIES})
    assert workspace.build().ok
    return workspace


def test_messages_keep_their_features_on_the_way(workspace: TemporaryWorkspace) -> None:
    """One row per token, for each message."""
    assert "[1,3],[2,3]" in "".join(workspace.output("//:shapes").read_text().split())
    assert sorted(path.name for path in workspace.output("//:featurized", ".").iterdir()) == ["features-0.dense.npy", "training_data.msgpack"]


def test_a_comment_runs_the_readers_only(workspace: TemporaryWorkspace) -> None:
    """They read the files, and come to the same."""
    workspace.write({"data/nlu.yml": "# ours\n" + NLU})
    assert {*workspace.build().ran} == READERS


def test_a_story_runs_nothing_of_nlu(workspace: TemporaryWorkspace) -> None:
    """But what reads the stories."""
    workspace.edit("data/stories.yml", "hello", "hello there")
    assert {*workspace.build().ran} == READERS | {"//:names"}


def test_an_example_runs_nothing_of_the_stories(workspace: TemporaryWorkspace) -> None:
    """But all that learns from examples; the same shapes end it."""
    workspace.edit("data/nlu.yml", "- hi", "- hey")
    assert {*workspace.build().ran} == READERS | {"//:featurized", "//:shapes"}
