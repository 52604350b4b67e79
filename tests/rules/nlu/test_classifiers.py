"""Intents: what classifiers answer, how sure they are, what they persist, and what they do with little or nothing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from buildgraph.rules.nlu import COMPONENTS
from buildgraph.rules.nlu.counting import CountVectorsFeaturizer
from buildgraph.rules.nlu.fallback import FallbackClassifier
from buildgraph.rules.nlu.keywords import KeywordIntentClassifier
from buildgraph.rules.nlu.logistic import LogisticRegressionClassifier
from buildgraph.rules.nlu.svm import SklearnIntentClassifier
from buildgraph.rules.nlu.tokenizing import WhitespaceTokenizer

from buildgraph.component import GraphComponent, Resource
from buildgraph.execution.calling import entry
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException

LINEAR = (LogisticRegressionClassifier, SklearnIntentClassifier)


def featurized(pipeline):  # type: ignore[no-untyped-def]  # a fixture
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(CountVectorsFeaturizer)
    pipeline.add(CountVectorsFeaturizer, analyzer="char_wb", min_ngram=1, max_ngram=3)
    return pipeline


@pytest.mark.parametrize("classifier", LINEAR)
def test_examples_are_told_apart(pipeline, classifier) -> None:  # type: ignore[no-untyped-def]  # fixtures
    """The first of the ranking is the intent; confidences fall, and together they are 1."""
    featurized(pipeline).add(classifier)
    found = pipeline.predict("hello friend", "bye now", "a pizza please")
    assert [message.get("intent")["name"] for message in found] == ["greet", "leave", "order"]
    for message in found:
        ranking = message.get("intent_ranking")
        sure = [each["confidence"] for each in ranking]
        assert ranking[0] == message.get("intent")
        assert sure == sorted(sure, reverse=True)
        assert sum(sure) == pytest.approx(1.0)


@pytest.mark.parametrize("classifier", LINEAR)
def test_two_intents_are_enough_and_one_is_no_choice(pipeline_of, classifier) -> None:  # type: ignore[no-untyped-def]  # fixtures
    two = [Message.build("yes", "affirm"), Message.build("yes sure", "affirm"), Message.build("no", "deny"), Message.build("no never", "deny")]
    pipeline = featurized(pipeline_of(TrainingData(two)))
    pipeline.add(classifier)
    assert [message.get("intent")["name"] for message in pipeline.predict("yes yes", "never")] == ["affirm", "deny"]
    pipeline = featurized(pipeline_of(TrainingData([Message.build("yes", "affirm")])))
    pipeline.add(classifier)
    assert pipeline.predict("yes")[0].get("intent") == {"name": "affirm", "confidence": 1.0}


@pytest.mark.parametrize("classifier", LINEAR)
def test_a_text_of_which_nothing_is_known_has_no_intent(pipeline, classifier) -> None:  # type: ignore[no-untyped-def]  # fixtures
    featurized(pipeline).add(classifier)
    (message,) = pipeline.predict("")
    assert message.get("intent") == {"name": None, "confidence": 0.0}
    assert message.get("intent_ranking") == []


@pytest.mark.parametrize("classifier", LINEAR)
def test_without_examples_nothing_is_learnt(pipeline_of, classifier) -> None:  # type: ignore[no-untyped-def]  # fixtures
    pipeline = featurized(pipeline_of(TrainingData([Message.build("just a text")])))
    pipeline.add(classifier)
    assert pipeline.predict("just a text")[0].get("intent")["name"] is None


@pytest.mark.parametrize("classifier", LINEAR)
def test_one_example_of_each_intent_will_do(pipeline_of, classifier) -> None:  # type: ignore[no-untyped-def]  # fixtures
    pipeline = featurized(pipeline_of(TrainingData([Message.build("one", "a"), Message.build("two", "b"), Message.build("three", "c")])))
    pipeline.add(classifier)
    assert pipeline.predict("two")[0].get("intent")["name"] == "b"


def test_a_ranking_is_as_long_as_asked(pipeline) -> None:  # type: ignore[no-untyped-def]  # a fixture
    featurized(pipeline).add(LogisticRegressionClassifier, ranking_length=2)
    assert len(pipeline.predict("hello")[0].get("intent_ranking")) == 2


def test_every_solver_of_the_library_works(pipeline_of, examples) -> None:  # type: ignore[no-untyped-def]  # fixtures
    for solver in ("lbfgs", "newton-cg", "saga"):
        pipeline = featurized(pipeline_of(examples.copy()))
        pipeline.add(LogisticRegressionClassifier, solver=solver, max_iter=300)
        assert pipeline.predict("bye now")[0].get("intent")["name"] == "leave"


def test_our_confidences_are_those_of_the_library(pipeline) -> None:  # type: ignore[no-untyped-def]  # a fixture
    """The weights are persisted, not the estimator: what it would say is what is said."""
    from buildgraph.rules.nlu.classifying import matrix_of
    from sklearn.linear_model import LogisticRegression

    classifier = featurized(pipeline).add(LogisticRegressionClassifier)
    found, _ = matrix_of(pipeline.data.training_examples)
    model = LogisticRegression(class_weight="balanced", random_state=42).fit(found, [each.get("intent") for each in pipeline.data.training_examples])
    assert classifier.confidences(found) == pytest.approx(model.predict_proba(found), abs=1e-6)


@pytest.mark.parametrize(
    ("classifier", "config"),
    [
        (SklearnIntentClassifier, {"kernels": ["rbf"]}), (SklearnIntentClassifier, {"C": []}), (SklearnIntentClassifier, {"C": [0]}),
        (SklearnIntentClassifier, {"max_cross_validation_folds": 1}), (LogisticRegressionClassifier, {"max_iter": "many"}),
        (LogisticRegressionClassifier, {"solver": "magic"}), (SklearnIntentClassifier, {"scoring_function": "luck"}), (FallbackClassifier, {"threshold": 2}), (FallbackClassifier, {"ambiguity_threshold": "x"}),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_is_refused(pipeline, classifier, config) -> None:  # type: ignore[no-untyped-def]  # fixtures
    with pytest.raises(InvalidConfigException) as caught:
        featurized(pipeline).add(classifier, **config)
    assert caught.value.code == "BG546"


@pytest.mark.parametrize("name", COMPONENTS)
def test_an_option_that_there_is_not_is_refused(name: str) -> None:
    used = entry(COMPONENTS[name]["uses"])
    with pytest.raises(InvalidConfigException, match=name) as caught:
        used.create({"no_such_option": 1}, None, Resource("x"), None)
    assert caught.value.code == "BG545"


@pytest.mark.parametrize("name", COMPONENTS)
def test_every_name_is_a_component_that_can_do_what_its_kind_does(name: str) -> None:
    row = COMPONENTS[name]
    used = entry(row["uses"])
    assert issubclass(used, GraphComponent)
    assert used.__name__ == name
    assert hasattr(used, "train") == row["is_trainable"]
    assert hasattr(used, "process_training_data") == (row["types"][0] in ("MESSAGE_TOKENIZER", "MESSAGE_FEATURIZER"))
    assert callable(used.process)


# ---- keywords and doubts -----------------------------------------------------------------------------------------


def test_the_longest_keyword_decides(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    data = TrainingData([Message.build("pizza", "eat"), Message.build("no pizza", "starve"), Message.build("hi", "greet")])
    pipeline = pipeline_of(data)
    pipeline.add(KeywordIntentClassifier)
    said = [message.get("intent")["name"] for message in pipeline.predict("a pizza", "please no pizza", "this", "Hi")]
    assert said == ["eat", "starve", None, None]  # 'hi' is no word of 'this', and 'Hi' is written otherwise


def test_keywords_can_be_written_in_any_case(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline = pipeline_of(TrainingData([Message.build("Hi", "greet")]))
    pipeline.add(KeywordIntentClassifier, case_sensitive=False)
    assert pipeline.predict("HI you")[0].get("intent") == {"name": "greet", "confidence": 1.0}


def test_a_keyword_of_two_intents_says_neither(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline = pipeline_of(TrainingData([Message.build("ok", "affirm"), Message.build("ok", "thank"), Message.build("no", "deny")]))
    pipeline.add(KeywordIntentClassifier)
    assert [message.get("intent")["name"] for message in pipeline.predict("ok", "no")] == [None, "deny"]


def test_a_text_without_keyword_keeps_what_another_classifier_said(pipeline) -> None:  # type: ignore[no-untyped-def]  # a fixture
    featurized(pipeline).add(LogisticRegressionClassifier)
    pipeline.add(KeywordIntentClassifier)
    said = [message.get("intent") for message in pipeline.predict("hello then", "pizzas")]
    assert said[0] == {"name": "greet", "confidence": 1.0}
    assert said[1]["name"] == "order"
    assert said[1]["confidence"] < 1


def ranked(*pairs: tuple[str, float]) -> Message:
    rows = [{"name": name, "confidence": confidence} for name, confidence in pairs]
    return Message({"intent": rows[0] if rows else {"name": None, "confidence": 0.0}, "intent_ranking": rows})


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((("a", 0.9), ("b", 0.1)), "a"),
        ((("a", 0.29), ("b", 0.1)), "nlu_fallback"),  # below the threshold
        ((("a", 0.5), ("b", 0.45)), "nlu_fallback"),  # ambiguous
        ((("a", 0.5), ("b", 0.3)), "a"),
        ((("a", 0.9),), "a"),
        ((), "nlu_fallback"),
    ],
)
def test_doubts_become_an_intent(pairs: tuple[tuple[str, float], ...], expected: str) -> None:
    component = FallbackClassifier.create({}, None, Resource("x"), None)  # type: ignore[arg-type]  # it persists nothing
    (message,) = component.process([ranked(*pairs)])
    assert message.get("intent")["name"] == expected
    names = [each["name"] for each in message.get("intent_ranking")]
    assert names == [*(["nlu_fallback"] if expected == "nlu_fallback" else []), *(name for name, _ in pairs)]


# ---- bytes -------------------------------------------------------------------------------------------------------

TRAIN = """
import sys, hashlib
from pathlib import Path
from buildgraph.component import Resource
from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.storage import LocalModelStorage
from buildgraph.rules.nlu import COMPONENTS
from buildgraph.execution.calling import entry
storage = LocalModelStorage(sys.argv[1])
texts = ["hello you", "Hi 12", "good morning all", "bye", "see you", "good night", "two pizzas", "one large pizza", "pizza now"]
data = TrainingData([Message.build(text, "abc"[number // 3]) for number, text in enumerate(texts)], regex_features=[{"name": "n", "pattern": "[0-9]+"}])
for name, row in COMPONENTS.items():
    component = entry(row["uses"]).create({}, storage, Resource(name), None)
    if row["is_trainable"]:
        component.train(data)
    if hasattr(component, "process_training_data"):
        component.process_training_data(data)
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        print(path.relative_to(sys.argv[1]), hashlib.sha256(path.read_bytes()).hexdigest())
"""


def trained(folder: Path, seed: str) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", TRAIN, str(folder)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_training_twice_writes_the_same_bytes(tmp_path: Path) -> None:
    """In two processes whose sets and dicts have another order."""
    first, second = trained(tmp_path / "a", "1"), trained(tmp_path / "b", "2")
    assert first == second
    assert "LogisticRegressionClassifier/weights.npy" in first
    assert "CountVectorsFeaturizer/vocabulary.msgpack" in first


def test_nothing_is_pickled(pipeline) -> None:  # type: ignore[no-untyped-def]  # a fixture
    """Records are msgpack, arrays are plain; no file begins as a pickle, and none names a class to be imported."""
    featurized(pipeline).add(SklearnIntentClassifier)
    pipeline.add(KeywordIntentClassifier)
    files = {name: data for number in range(1, 5) for name, data in pipeline.files(number - 1).items()}
    assert {Path(name).suffix for name in files} == {".msgpack", ".npy"}
    for data in files.values():
        assert not data.startswith(b"\x80")
        assert b"sklearn" not in data
    assert len({hashlib.sha256(data).digest() for data in files.values()}) == len(files)
