"""Measures both models on templates they never saw: figures as JSON, confusions as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from nlu.dataset import Dataset
from nlu.features import Arrays, Vocabulary
from nlu.predict import scores

Counts = np.ndarray[Any, Any]


def evaluate(
    dataset: Dataset,
    labels: list[str],
    word: Vocabulary,
    char: Vocabulary,
    logreg: Arrays,
    linear_svc: Arrays,
    *,
    out_dir: Path,
) -> None:
    """Write metrics.json and confusion.png."""
    row_of = {intent: row for row, intent in enumerate(labels)}
    truth = np.array([row_of[sample["intent"]] for sample in dataset["test"]])
    sentences = [sample["text"] for sample in dataset["test"]]
    confusion = {}
    for name, model in (("logreg", logreg), ("linear_svc", linear_svc)):
        said = scores(sentences, word, char, model).argmax(axis=1)
        confusion[name] = np.zeros((len(labels), len(labels)), np.int64)
        np.add.at(confusion[name], (truth, said), 1)
    metrics = {
        "models": {name: _figures(counts, labels) for name, counts in confusion.items()},
        "features": {"word": len(word), "char": len(char)},
        "sentences": {part: len(dataset[part]) for part in ("train", "test")},
        "templates": {part: len({sample["template"] for sample in dataset[part]}) for part in ("train", "test")},
        "untested_intents": [intent for intent in labels if row_of[intent] not in set(truth.tolist())],
    }
    (out_dir / "metrics.json").write_text(json.dumps(metrics, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    _draw(confusion["logreg"], labels, out_dir / "confusion.png")


def _figures(counts: Counts, labels: list[str]) -> dict[str, Any]:
    """Accuracy, the mean F1 over tested intents, and each intent's recall and precision."""
    per_intent = {}
    for row, intent in enumerate(labels):
        right, asked, said = int(counts[row, row]), int(counts[row].sum()), int(counts[:, row].sum())
        if asked:
            per_intent[intent] = {
                "sentences": asked,
                "recall": round(right / asked, 4),
                "precision": round(right / said, 4) if said else 0.0,
            }
    f1 = [2 * f["recall"] * f["precision"] / ((f["recall"] + f["precision"]) or 1.0) for f in per_intent.values()]
    return {
        "accuracy": round(float(np.trace(counts) / counts.sum()), 4),
        "macro_f1": round(sum(f1) / len(f1), 4),
        "intents": per_intent,
    }


def _draw(counts: Counts, labels: list[str], path: Path) -> None:
    """The confusion matrix, one row per intent; own font and no metadata, so that equal counts give equal bytes."""
    font = FontProperties(fname=str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size=6)
    figure = Figure(figsize=(9, 9), dpi=100)
    axes = figure.add_axes((0.24, 0.22, 0.74, 0.74))
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0.0, vmax=1.0)
    names = [label.removeprefix("Hass") for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=90, fontproperties=font)
    axes.set_yticks(range(len(names)), names, fontproperties=font)
    axes.set_xlabel("said", fontproperties=font)
    axes.set_ylabel("meant", fontproperties=font)
    figure.savefig(path, format="png", metadata={"Software": None})
