"""What featurizers say about a text in numbers: a matrix for each message, many of which may be rows of one that is shared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

from buildgraph.digest import Digest
from buildgraph.encoding import encode

SEQUENCE, SENTENCE = "sequence", "sentence"
_SPARSE_PARTS: Final = ("data", "indices", "indptr")


class Features:
    """A 2-D numpy array or scipy CSR matrix about one attribute of a message.

    `level` is "sequence" (one row per token) or "sentence" (one row); `origin` names the component that made it.
    """

    __slots__ = ("_matrix", "_rows", "attribute", "level", "origin")

    def __init__(self, matrix: Any, level: str, attribute: str = "text", origin: str = "") -> None:
        self._matrix = matrix
        self._rows: tuple[Any, int, int] | None = None
        self.level = level
        self.attribute = attribute
        self.origin = origin

    @classmethod
    def split(cls, matrix: Any, counts: Iterable[int], level: str, attribute: str = "text", origin: str = "") -> list[Features]:
        """The features of several messages from one matrix that holds their rows, one after another; nothing is copied.

        `counts` says how many rows each message has. Raises ValueError when they are not all rows of `matrix`.
        """
        ends = list(accumulate(counts, initial=0))
        if ends[-1] != matrix.shape[0]:
            raise ValueError(f"{matrix.shape[0]} rows cannot be split into {ends[-1]}")
        found = []
        for start, stop in pairwise(ends):
            features = cls(None, level, attribute, origin)
            features._rows = (matrix, start, stop)
            found.append(features)
        return found

    @property
    def matrix(self) -> Any:
        if self._matrix is None and self._rows is not None:
            whole, start, stop = self._rows
            self._matrix = whole[start:stop]
        return self._matrix

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        if self._rows is not None:
            whole, start, stop = self._rows
            return stop - start, whole.shape[1]
        rows, columns = self._matrix.shape
        return rows, columns

    @property
    def is_sparse(self) -> bool:
        return hasattr(self._whole, "tocsr")

    @property
    def kind(self) -> tuple[str, str, str, bool, str, int]:
        """What features must share to be rows of one matrix: origin, level, attribute, sparse or not, dtype, columns."""
        whole = self._whole
        return self.origin, self.level, self.attribute, self.is_sparse, str(whole.dtype.newbyteorder("<").str), whole.shape[1]

    @property
    def _whole(self) -> Any:
        return self._matrix if self._rows is None else self._rows[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Features):
            return NotImplemented
        return self.kind == other.kind and self.shape == other.shape and described(self.matrix) == described(other.matrix)

    __hash__ = None  # type: ignore[assignment]  # a matrix may change

    def __repr__(self) -> str:
        return f"Features({self.shape[0]}x{self.shape[1]}, level={self.level!r}, attribute={self.attribute!r}, origin={self.origin!r})"


def stack(features: Sequence[Features]) -> Any:
    """The rows of all `features` as one matrix, in order; the one they were split from when they are all its rows.

    They share columns, and are all sparse or all dense. Raises ValueError when there are none.
    """
    if not features:
        raise ValueError("no features to stack")
    first = features[0]._rows
    if first is not None and first[1] == 0:
        end = 0
        for each in features:
            if each._rows is None or each._rows[0] is not first[0] or each._rows[1] != end:
                break
            end = each._rows[2]
        else:
            if end == first[0].shape[0]:
                return first[0]
    if features[0].is_sparse:
        from scipy import sparse

        return sparse.vstack([each.matrix for each in features], format="csr")
    import numpy as np

    return np.concatenate([each.matrix for each in features])


def parts(matrix: Any) -> dict[str, Any]:
    """The arrays that say all about `matrix`, each in one form: equal matrices have equal arrays. Keys sorted."""
    import numpy as np

    if not hasattr(matrix, "tocsr"):
        return {"dense": np.ascontiguousarray(matrix)}
    tidy = matrix.tocsr()
    if not tidy.has_canonical_format or (tidy.data == 0).any():
        tidy = tidy.copy()
        tidy.sum_duplicates()  # sorts the indices, too
        tidy.eliminate_zeros()
    return {"data": tidy.data, "indices": tidy.indices.astype("<i4"), "indptr": tidy.indptr.astype("<i8")}


def described(matrix: Any) -> bytes:
    """The digest of what `matrix` holds, whatever order its entries are kept in."""
    return Digest.of(encode([list(matrix.shape), parts(matrix)]))


def save(matrix: Any, folder: Path, name: str) -> None:
    """Writes `matrix` as `.npy` files whose names begin with `name`; equal matrices give equal bytes."""
    import numpy as np

    for part, array in parts(matrix).items():
        np.save(folder / f"{name}.{part}.npy", array.astype(array.dtype.newbyteorder("<"), copy=False), allow_pickle=False)


def load(folder: Path, name: str, columns: int) -> Any:
    """The matrix that `save` wrote. Raises OSError or ValueError when it is not there or damaged."""
    import numpy as np

    if (folder / f"{name}.dense.npy").exists():
        return np.load(folder / f"{name}.dense.npy", allow_pickle=False)
    from scipy import sparse

    data, indices, indptr = (np.load(folder / f"{name}.{part}.npy", allow_pickle=False) for part in _SPARSE_PARTS)
    return sparse.csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, columns))
