"""Classifies a sentence with the packed model: python classify.py "turn on the kitchen lights"."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from nlu.predict import probabilities, scores
from safetensors.numpy import load

from buildgraph.archive import read_member

ARCHIVE = Path(__file__).parent / "build" / "model" / "model.tar.gz"


def classify(sentence: str, archive: Path, model: str = "logreg") -> tuple[str, float]:
    """The likeliest intent and its score: a probability from `logreg`, a margin from `linear_svc`.

    The archive holds terms, numbers and names; nothing in it is executed.
    """
    labels = json.loads(read_member(archive, "labels.json"))
    word = json.loads(read_member(archive, "word.json"))
    char = json.loads(read_member(archive, "char.json"))
    row = scores([sentence], word, char, load(read_member(archive, f"{model}.safetensors")))[0]
    best = int(row.argmax())
    return labels[best], float(probabilities(row)[best] if model == "logreg" else row[best])


def main() -> None:
    """Read the command line, print the intent and its score."""
    parser = argparse.ArgumentParser(description="Classify a sentence with the packed model.")
    parser.add_argument("sentence")
    parser.add_argument("--archive", type=Path, default=ARCHIVE)
    parser.add_argument("--model", choices=("logreg", "linear_svc"), default="logreg")
    given = parser.parse_args()
    intent, score = classify(given.sentence, given.archive, given.model)
    print(f"{intent} {score:.2f}")


if __name__ == "__main__":
    main()
