"""From sentence templates to a packed intent classifier: samples, split, features, two models, report, archive."""

from __future__ import annotations

from buildgraph.rules import files, group, pack, python
from intent_names import INTENTS

HOME = files("home", srcs=["data/home.json"])


def intent_samples(intent: str) -> str:
    """The sentences of one intent, from the package's templates and from templates/<intent>.txt where that exists."""
    own = files(f"own_templates.{intent}", srcs=[f"templates/**/{intent}.txt"], allow_empty=True)
    return python(
        f"samples.{intent}",
        fn="nlu.sampling:sample",
        needs={"home": HOME, "own": own},
        config={"intent": intent, "per_intent": 240, "per_template": 40, "seed": 1},
    )


samples = {intent: intent_samples(intent) for intent in INTENTS}
group("samples", deps=list(samples.values()))

dataset = python("dataset", fn="nlu.dataset:split", needs=samples, config={"test_share": 0.2, "seed": 1})
labels = python("labels", fn="nlu.dataset:labels", needs={"dataset": dataset})

word = python("word", fn="nlu.features:vocabulary", needs={"dataset": dataset}, config={"kind": "word", "min_count": 2})
char = python("char", fn="nlu.features:vocabulary", needs={"dataset": dataset}, config={"kind": "char", "min_count": 3})
features = python(
    "features",
    fn="nlu.features:training_matrix",
    needs={"dataset": dataset, "word": word, "char": char},
    codec="safetensors",
)

learns_from = {"features": features, "dataset": dataset}
logreg = python(
    "logreg", fn="nlu.train:logistic_regression", needs=learns_from, config={"C": 20.0}, codec="safetensors"
)
linear_svc = python("linear_svc", fn="nlu.train:linear_svc", needs=learns_from, config={"C": 1.0}, codec="safetensors")

report = python(
    "report",
    fn="nlu.evaluate:evaluate",
    needs={
        "dataset": dataset,
        "labels": labels,
        "word": word,
        "char": char,
        "logreg": logreg,
        "linear_svc": linear_svc,
    },
    outs=["metrics.json", "confusion.png"],
)

pack(
    "model",
    srcs={
        "labels.json": labels,
        "word.json": word,
        "char.json": char,
        "logreg.safetensors": logreg,
        "linear_svc.safetensors": linear_svc,
        "report": report,
    },
    out="model.tar.gz",
    metadata={"name": "intents", "language": "en"},
)
