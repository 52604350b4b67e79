"""Standard components for understanding texts, on scikit-learn: what a pipeline can name. A table; each is imported when it is used."""

from __future__ import annotations

from typing import Any, Final

_TOKENIZER, _FEATURIZER, _CLASSIFIER, _EXTRACTOR = "MESSAGE_TOKENIZER", "MESSAGE_FEATURIZER", "INTENT_CLASSIFIER", "ENTITY_EXTRACTOR"


def _component(module: str, name: str, kind: str, *, is_trainable: bool = True) -> tuple[str, dict[str, Any]]:
    return name, {"uses": f"{__name__}.{module}:{name}", "types": [kind], "is_trainable": is_trainable}


COMPONENTS: Final[dict[str, dict[str, Any]]] = dict(
    [
        _component("tokenizing", "WhitespaceTokenizer", _TOKENIZER, is_trainable=False),
        _component("patterns", "RegexFeaturizer", _FEATURIZER),
        _component("lexical", "LexicalSyntacticFeaturizer", _FEATURIZER),
        _component("counting", "CountVectorsFeaturizer", _FEATURIZER),
        _component("logistic", "LogisticRegressionClassifier", _CLASSIFIER),
        _component("svm", "SklearnIntentClassifier", _CLASSIFIER),
        _component("keywords", "KeywordIntentClassifier", _CLASSIFIER),
        _component("fallback", "FallbackClassifier", _CLASSIFIER, is_trainable=False),
        _component("crf", "CRFEntityExtractor", _EXTRACTOR),
        _component("regex_entities", "RegexEntityExtractor", _EXTRACTOR),
        _component("synonyms", "EntitySynonymMapper", _EXTRACTOR),
    ]
)
