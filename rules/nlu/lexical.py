"""`LexicalSyntacticFeaturizer`: how words are written: case, digits, beginnings and endings, and the same of their neighbours."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from buildgraph.rules.nlu.base import Featurizer, read_record, write_record
from buildgraph.rules.nlu.options import unusable
from buildgraph.rules.nlu.patterns import add

from buildgraph.component import Resource
from buildgraph.trainer.data import TOKENS, Message, Token, TrainingData
from buildgraph.trainer.features import SEQUENCE

SHAPES: Final[dict[str, Callable[[str], str]]] = {
    "low": lambda word: str(word.islower()), "title": lambda word: str(word.istitle()), "upper": lambda word: str(word.isupper()), "digit": lambda word: str(word.isdigit()),
    "prefix5": lambda word: word[:5], "prefix2": lambda word: word[:2], "suffix5": lambda word: word[-5:], "suffix3": lambda word: word[-3:],
    "suffix2": lambda word: word[-2:], "suffix1": lambda word: word[-1:],
}  # fmt: skip
_PLACES: Final = ("BOS", "EOS")  # the first and the last word


class LexicalSyntacticFeaturizer(Featurizer):
    """One column for each way of writing that was seen in training. Word by word; nothing about whole texts.

    `features` has a list for each word of a window, whose middle is the word itself, of: BOS, EOS, low, title, upper,
    digit, prefix2, prefix5, suffix1, suffix2, suffix3, suffix5.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        return {"features": [["low", "title", "upper"], ["BOS", "EOS", "low", "upper", "title", "digit"], ["low", "title", "upper"]], "alias": None}

    @staticmethod
    def required_packages() -> list[str]:
        return ["numpy", "scipy"]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        wanted = self.config["features"]
        if not isinstance(wanted, list) or len(wanted) % 2 == 0 or not all(isinstance(each, list) for each in wanted):
            raise unusable("LexicalSyntacticFeaturizer", "features", wanted, "an odd number of lists, one for each word of the window")
        for name in (name for each in wanted for name in each):
            if name not in (*_PLACES, *SHAPES):
                raise unusable("LexicalSyntacticFeaturizer", "features", name, f"lists of {', '.join((*_PLACES, *SHAPES))}")
        self._middle = len(wanted) // 2
        self._columns: dict[str, int] = {}

    def train(self, training_data: TrainingData) -> Resource:
        seen = {each for message in training_data.nlu_examples for row in self._rows(message.get(TOKENS) or []) for each in row}
        self._columns = {each: column for column, each in enumerate(sorted(seen))}
        return self.persist()

    def process(self, messages: list[Message]) -> list[Message]:
        import numpy as np
        from scipy import sparse

        if not self._columns or not messages:
            return messages
        indices: list[int] = []
        ends, counts = [0], []
        for message in messages:
            rows = self._rows(message.get(TOKENS) or [])
            for row in rows:
                indices += sorted(self._columns[each] for each in row if each in self._columns)
                ends.append(len(indices))
            counts.append(len(rows))
        matrix = sparse.csr_matrix((np.ones(len(indices), "float32"), indices, ends), shape=(len(ends) - 1, len(self._columns)))
        add(messages, matrix, counts, SEQUENCE, self.origin)
        return messages

    def _rows(self, tokens: list[Token]) -> list[list[str]]:
        """What is said of each token, as texts such as `-1 low True`."""
        window, last = self.config["features"], len(tokens) - 1
        rows: list[list[str]] = []
        for at in range(len(tokens)):
            row: list[str] = []
            for offset, names in enumerate(window, -self._middle):
                place = at + offset
                if 0 <= place <= last:
                    row += _said(tokens[place].text, offset, tuple(names), place == 0, place == last)
            rows.append(row)
        return rows

    def save(self, folder: Path) -> None:
        write_record(folder, "columns.msgpack", list(self._columns))

    def restore(self, folder: Path) -> None:
        self._columns = {each: column for column, each in enumerate(read_record(folder, "columns.msgpack") or [])}


@lru_cache(maxsize=4096)  # texts repeat words, and all that is said of one follows from these
def _said(word: str, offset: int, names: tuple[str, ...], first: bool, last: bool) -> tuple[str, ...]:
    places = {"BOS": first, "EOS": last}
    return tuple(f"{offset} {name} {places[name] if name in places else SHAPES[name](word)}" for name in names)
