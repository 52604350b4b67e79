"""Messages and training data: what components may rely on, and that storing them loses and adds nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from buildgraph.errors import EncodingError
from buildgraph.trainer.data import Features, Message, Token, TrainingData
from buildgraph.trainer.features import stack

np = pytest.importorskip("numpy")
sparse = pytest.importorskip("scipy.sparse")


def featurized() -> TrainingData:
    """Two messages with tokens, a dense and a sparse kind of features, and everything beside them."""
    first = Message.build("to Lyon please", "travel", [{"start": 3, "end": 7, "value": "Lyon", "entity": "city", "role": "to"}], source="desk")
    second = Message.build("hours", "faq/hours")
    for message in (first, second):
        words = message.get("text").split()
        starts = [message.get("text").index(word) for word in words]
        message.set("tokens", [Token(word, start, start + len(word)) for word, start in zip(words, starts, strict=True)])
    counts = [3, 1]
    dense = Features.split(np.arange(8.0).reshape(4, 2), counts, "sequence", origin="Lexical")
    for message, features in zip((first, second), dense, strict=True):
        message.add_features(features)
        message.add_features(Features(sparse.csr_matrix([[0, len(message.get("text")), 0]]), "sentence", origin="Counts"))
    return TrainingData([first, second], {"lyons": "Lyon"}, [{"name": "zip", "pattern": r"\d{5}"}], [{"name": "city", "elements": ["Lyon"]}], {"faq/hours": [{"text": "9 to 5"}]})


def stored(data: TrainingData, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    data.to_cache(folder, None)  # type: ignore[arg-type]  # training data is all in its own folder
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def restored(folder: Path) -> TrainingData:
    return TrainingData.from_cache("node", folder, None, "")  # type: ignore[arg-type]  # as above


def test_training_data_comes_back_from_the_cache_as_it_was(tmp_path: Path) -> None:
    """Tokens, features of both kinds, metadata and fingerprint."""
    data = featurized()
    data.training_examples[0].set("intent_ranking", [], add_to_output=True)
    stored(data, tmp_path / "one")
    back = restored(tmp_path / "one")
    assert back == data
    assert back.fingerprint() == data.fingerprint()
    assert back.training_examples[0].get("tokens")[1] == Token("Lyon", 3, 7)
    assert back.training_examples[0].as_dict(only_output_properties=True) == {"text": "to Lyon please", "intent_ranking": []}
    assert [each.shape for each in back.training_examples[0].features] == [(3, 2), (1, 3)]


def test_equal_training_data_is_stored_in_equal_bytes(tmp_path: Path) -> None:
    """However its matrices are held: split from one, alone, or as entries in another order."""
    data, other = featurized(), featurized()
    for message in other.training_examples:
        message.features = [Features(each.matrix.copy(), each.level, each.attribute, each.origin) for each in message.features]
    untidy = sparse.csr_matrix((np.array([0, 14]), np.array([2, 1]), np.array([0, 2])), shape=(1, 3))
    other.training_examples[0].features[1] = Features(untidy, "sentence", origin="Counts")
    assert data == other
    assert data.fingerprint() == other.fingerprint()
    assert stored(data, tmp_path / "one") == stored(other, tmp_path / "two")
    stored(restored(tmp_path / "one"), tmp_path / "three")
    assert stored(restored(tmp_path / "three"), tmp_path / "four") == stored(data, tmp_path / "five")


def test_training_data_without_features_needs_one_file(tmp_path: Path) -> None:
    data = TrainingData([Message.build("hello", "greet"), Message.build("bye")])
    assert list(stored(data, tmp_path / "one")) == ["training_data.msgpack"]
    assert restored(tmp_path / "one") == data


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.training_examples[0].set("text", "to Lyon"),
        lambda data: data.training_examples[0].get("entities")[0].update(role="from"),
        lambda data: data.training_examples[0].get("tokens").pop(),
        lambda data: data.training_examples[0].get("metadata").clear(),
        lambda data: data.training_examples.reverse(),
        lambda data: data.training_examples[1].features.pop(),
        lambda data: data.training_examples[1].features.reverse(),
        lambda data: data.training_examples[1].add_features(Features(np.ones((1, 2)), "sentence")),
        lambda data: data.entity_synonyms.update(lyons="Lyons"),
        lambda data: data.regex_features[0].update(pattern="x"),
        lambda data: data.lookup_tables[0]["elements"].append("Paris"),
        lambda data: data.responses.clear(),
    ],
)  # fmt: skip
def test_every_part_counts_in_the_fingerprint(edit) -> None:  # type: ignore[no-untyped-def]  # any edit
    """And in equality."""
    data, edited = featurized(), featurized()
    edit(edited)
    assert edited.fingerprint() != data.fingerprint()
    assert edited != data


def test_one_number_in_a_large_matrix_counts() -> None:
    """Also where a printed form would leave it out."""
    one, other = np.zeros((1, 5000)), np.zeros((1, 5000))
    other[0, 2500] = 1e-300
    assert Message({}, [Features(one, "sentence")]).fingerprint() != Message({}, [Features(other, "sentence")]).fingerprint()


def test_a_copy_leaves_the_original_alone() -> None:
    """Whatever is done to its messages."""
    data = featurized()
    before = data.fingerprint()
    copy = data.copy()
    assert copy == data
    copy.training_examples[0].set("intent", "other")
    copy.training_examples[0].get("entities")[0]["value"] = "lyon"
    copy.training_examples[0].get("tokens").clear()
    copy.training_examples[1].add_features(Features(np.ones((1, 1)), "sentence"))
    copy.lookup_tables[0]["elements"].append("Paris")
    copy.entity_synonyms.clear()
    assert data.fingerprint() == before


def test_merging_makes_new_training_data() -> None:
    """Examples follow each other, tables that are equal are one."""
    data = featurized()
    merged = data.merge(TrainingData([Message.build("bye", "leave")], {"lyons": "LYS"}), None, featurized())
    assert len(merged.training_examples) == 5
    assert merged.intents == ["faq", "leave", "travel"]
    assert merged.entities == ["city"]
    assert len(merged.regex_features) == len(merged.lookup_tables) == 1
    assert data.entity_synonyms == {"lyons": "Lyon"}


def test_examples_are_told_apart() -> None:
    """By what is known about them."""
    data = TrainingData([Message.build("a", "x"), Message.build("b", entities=[{"start": 0, "end": 1, "value": "b", "entity": "e"}]), Message({"intent": "y"})])
    assert [len(each) for each in (data.intent_examples, data.entity_examples, data.nlu_examples)] == [2, 1, 2]
    assert TrainingData().is_empty
    assert not data.is_empty


def test_an_intent_with_a_response_key_is_two_things() -> None:
    message = Message.build("when are you open", "faq/hours")
    assert (message.get("intent"), message.get("intent_response_key")) == ("faq", "faq/hours")


def test_features_are_found_by_level_attribute_and_origin() -> None:
    """In the order in which they were added."""
    (message, _) = featurized().training_examples
    message.add_features(Features(np.ones((1, 1)), "sentence", origin="Regex"))
    message.add_features(None)
    assert [each.origin for each in message.features_of("sentence")] == ["Counts", "Regex"]
    assert [each.origin for each in message.features_of("sentence", origins=["Regex"])] == ["Regex"]
    assert message.features_of("sentence", attribute="response") == []


def test_a_message_can_be_said_in_json() -> None:
    """Numbers of numpy included; tokens and matrices are for components."""
    (message, _) = featurized().training_examples
    message.set("intent", {"name": "travel", "confidence": np.float64(0.5)}, add_to_output=True)
    said = json.loads(json.dumps(message.as_dict()))
    assert said["intent"] == {"name": "travel", "confidence": 0.5}
    assert sorted(said) == ["entities", "intent", "metadata", "text"]
    assert sorted(message.as_dict(only_output_properties=True)) == ["intent", "text"]


def test_what_is_no_data_has_no_fingerprint() -> None:
    """The error leads to the entry."""
    message = Message({"text": "a", "model": object()})
    with pytest.raises(EncodingError, match=r"model: a value of type object"):
        TrainingData([message]).fingerprint()


def test_rows_of_one_matrix_are_stacked_without_a_copy() -> None:
    """Only all of them in order are that matrix."""
    whole = np.arange(12.0).reshape(6, 2)
    first, second, third = Features.split(whole, [1, 3, 2], "sequence")
    assert stack([first, second, third]) is whole
    assert stack([second, first]).tolist() == [*whole[1:4].tolist(), *whole[:1].tolist()]
    assert stack([first, second]).tolist() == whole[:4].tolist()
    with pytest.raises(ValueError, match="6 rows cannot be split into 5"):
        Features.split(whole, [1, 4], "sequence")


def test_an_answer_never_shows_tokens_not_even_that_there_are_none() -> None:
    message = Message.build("")
    message.set("tokens", [], add_to_output=True)
    assert message.as_dict() == message.as_dict(only_output_properties=True) == {"text": ""}
    assert message.get("tokens") == []
