"""What texts become in numbers: columns, rows, and that the same training writes the same bytes."""

from __future__ import annotations

import pytest

pytest.importorskip("sklearn")

from buildgraph.rules.nlu.counting import CountVectorsFeaturizer
from buildgraph.rules.nlu.lexical import LexicalSyntacticFeaturizer
from buildgraph.rules.nlu.patterns import RegexFeaturizer
from buildgraph.rules.nlu.tokenizing import WhitespaceTokenizer

from buildgraph.trainer.data import Message, TrainingData
from buildgraph.trainer.errors import InvalidConfigException

PATTERNS = TrainingData(
    [Message.build("hello")],
    regex_features=[{"name": "number", "pattern": r"\d+"}, {"name": "greeting", "pattern": "Hello"}],
    lookup_tables=[{"name": "town", "elements": ["New York", "York", "Ulm (Donau)"]}],
)


def dense(message: Message, level: str) -> list[list[float]]:
    (features,) = message.features_of(level)
    return features.matrix.toarray().tolist()  # type: ignore[no-any-return]


# ---- regular expressions -----------------------------------------------------------------------------------------


def test_a_pattern_marks_the_words_that_it_touches(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    """One column for each pattern; a row for each word, and one for the whole text."""
    pipeline = pipeline_of(PATTERNS.copy())
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(RegexFeaturizer)
    (message,) = pipeline.predict("Hello 12 of New York")
    assert dense(message, "sequence") == [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert dense(message, "sentence") == [[1, 1, 1]]
    assert dense(pipeline.predict("hello Yorkshire")[0], "sentence") == [[0, 0, 0]]


def test_case_and_boundaries_are_options(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline = pipeline_of(PATTERNS.copy())
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(RegexFeaturizer, case_sensitive=False, use_word_boundaries=False)
    assert dense(pipeline.predict("hello yorkshire")[0], "sentence") == [[0, 1, 1]]


def test_regexes_and_tables_can_be_left_out(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    for option, columns in (("use_regexes", 1), ("use_lookup_tables", 2)):
        pipeline = pipeline_of(PATTERNS.copy())
        pipeline.add(WhitespaceTokenizer)
        pipeline.add(RegexFeaturizer, **{option: False})
        assert len(dense(pipeline.predict("x")[0], "sentence")[0]) == columns


def test_a_table_is_text_and_not_a_pattern(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline = pipeline_of(PATTERNS.copy())
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(RegexFeaturizer)
    assert dense(pipeline.predict("to Ulm (Donau)")[0], "sentence") == [[0, 0, 1]]


def test_a_regex_that_is_none_is_refused(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline = pipeline_of(TrainingData([Message.build("x")], regex_features=[{"name": "broken", "pattern": "(["}]))
    pipeline.add(WhitespaceTokenizer)
    with pytest.raises(InvalidConfigException, match="broken") as caught:
        pipeline.add(RegexFeaturizer)
    assert caught.value.code == "BG547"


def test_without_patterns_nothing_is_said(pipeline) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(RegexFeaturizer)
    assert pipeline.predict("hello 12")[0].features == []


# ---- how words are written ---------------------------------------------------------------------------------------


def test_each_word_is_said_to_be_written_as_it_is(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    """Columns are what training saw: `low` is true of one word, of the other false."""
    pipeline = pipeline_of(TrainingData([Message.build("hello Anna")]))
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(LexicalSyntacticFeaturizer, features=[["low", "BOS"]])
    assert dense(pipeline.predict("Anna hello")[0], "sequence") == [[0, 1, 1, 0], [1, 0, 0, 1]]  # BOS False, BOS True, low False, low True


def test_neighbours_are_seen_through_the_window(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline = pipeline_of(TrainingData([Message.build("a B")]))
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(LexicalSyntacticFeaturizer, features=[["suffix1"], [], []])
    assert dense(pipeline.predict("a B")[0], "sequence") == [[0], [1]]
    assert dense(pipeline.predict("c B")[0], "sequence") == [[0], [0]]  # never seen in training


@pytest.mark.parametrize("features", [[["low"], ["low"]], [["nonsense"]], "low", [["pos"]]])
def test_a_window_that_makes_no_sense_is_refused(pipeline, features) -> None:  # type: ignore[no-untyped-def]  # fixtures
    with pytest.raises(InvalidConfigException) as caught:
        pipeline.add(LexicalSyntacticFeaturizer, features=features)
    assert caught.value.code == "BG546"


# ---- counts ------------------------------------------------------------------------------------------------------


def counted(pipeline_of, texts: list[str], asked: str, **config: object) -> dict[str, float]:  # type: ignore[no-untyped-def]  # a fixture
    """What is counted in `asked`, by n-gram, after training on `texts`."""
    pipeline = pipeline_of(TrainingData([Message.build(text) for text in texts]))
    pipeline.add(WhitespaceTokenizer)
    component = pipeline.add(CountVectorsFeaturizer, **config)
    (message,) = pipeline.predict(asked)
    if not message.features:
        return {}
    return {name: count for name, count in zip(component._vocabulary, dense(message, "sentence")[0], strict=True) if count}


def test_words_are_counted(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    assert counted(pipeline_of, ["one two", "Two three"], "two and TWO and three") == {"two": 2, "three": 1}


def test_numbers_are_one_word(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    assert list(counted(pipeline_of, ["take 12 of them"], "take 99").values()) == [1, 1]


def test_pieces_of_words_are_counted(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    assert counted(pipeline_of, ["ab"], "ab", analyzer="char_wb", min_ngram=2, max_ngram=2) == {" a": 1, "ab": 1, "b ": 1}
    assert counted(pipeline_of, ["ab cd"], "b c", analyzer="char", min_ngram=3, max_ngram=3) == {"b c": 1}


def test_sequences_of_words_are_counted(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    assert counted(pipeline_of, ["my old car"], "old car", min_ngram=2, max_ngram=2) == {"old car": 1}


def test_unknown_words_are_one_word_if_it_has_a_name(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    """In training those that are listed, later all that were not seen."""
    texts, options = ["green tea", "oov tea"], {"OOV_token": "oov", "OOV_words": ["green"]}
    assert counted(pipeline_of, texts, "purple tea", **options) == {"oov": 1, "tea": 1}
    assert counted(pipeline_of, ["green tea"], "purple tea", OOV_token="oov") == {"tea": 1}  # it was never seen itself


def test_nothing_that_counts_is_no_mistake(pipeline_of) -> None:  # type: ignore[no-untyped-def]  # a fixture
    assert counted(pipeline_of, ["a", "b"], "a") == {}
    assert counted(pipeline_of, ["one two"], "one", min_df=5) == {}


@pytest.mark.parametrize(
    "config", [{"analyzer": "letters"}, {"min_ngram": 3, "max_ngram": 2}, {"min_ngram": 0}, {"strip_accents": "all"}, {"min_ngram": "1"}, {"min_df": "some"}, {"token_pattern": "["}]
)
def test_options_that_cannot_be_are_refused(pipeline, config) -> None:  # type: ignore[no-untyped-def]  # fixtures
    with pytest.raises(InvalidConfigException) as caught:
        pipeline.add(CountVectorsFeaturizer, **config)
    assert caught.value.code == "BG546"


def test_two_featurizers_of_one_kind_are_told_apart(pipeline) -> None:  # type: ignore[no-untyped-def]  # a fixture
    pipeline.add(WhitespaceTokenizer)
    pipeline.add(CountVectorsFeaturizer)
    pipeline.add(CountVectorsFeaturizer, analyzer="char_wb", alias="pieces")
    (message,) = pipeline.predict("hello")
    assert [each.origin for each in message.features_of("sentence")] == ["1_CountVectorsFeaturizer", "pieces"]
