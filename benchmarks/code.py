"""What the code digest costs: 20 components over the sources of scikit-learn as first-party code, cold, unchanged, and after edits.

Cold is set against one `ast.parse` of the files that the components reach, in the same run; warm runs have the memo of
a cold one and a new index, as every build has. CPU milliseconds of this process, medians.
"""

from __future__ import annotations

import ast
import gc
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.measuring import fresh_folder
from benchmarks.releases import modules, spread
from buildgraph.code import CodeDigest, CodeIndex
from buildgraph.execution.sources import Sources

SIZE = 20  # components
_USED: Final = (
    "linear_model.LogisticRegression", "linear_model.Ridge", "linear_model.Lasso", "linear_model.SGDClassifier", "svm.SVC",
    "ensemble.RandomForestClassifier", "ensemble.HistGradientBoostingRegressor", "tree.DecisionTreeClassifier", "naive_bayes.MultinomialNB",
    "neighbors.KNeighborsClassifier", "cluster.KMeans", "cluster.DBSCAN", "decomposition.PCA", "decomposition.TruncatedSVD", "manifold.TSNE",
    "preprocessing.StandardScaler", "feature_extraction.text.TfidfVectorizer", "feature_selection.SelectKBest", "impute.SimpleImputer",
    "mixture.GaussianMixture",
)  # fmt: skip
_COMPONENT: Final = """
from sklearn.{module} import {name}
from sklearn.metrics import f1_score
from sklearn.model_selection import train_test_split


def component(x, y):
    train, test, seen, truth = train_test_split(x, y, random_state={at})
    return f1_score(truth, {name}().fit(train, seen).predict(test), average="macro")
"""
_EDITS: Final = (1, 5, 20)  # changed files


def measure(size: int, runs: int) -> dict[str, Any]:
    """Medians over `runs` (at least 3) of one generated project with `size` components."""
    with fresh_folder() as folder:
        points = _project(folder, size)
        reached = _reached(folder, points)
        rows = [_one_run(folder, points, reached) for _ in range(max(3, runs))]
        found: dict[str, Any] = {"files": len(modules(folder)), "components": len(points), "files reached": len(reached), "runs": len(rows)}
    found |= {name: round(median(row[name] for row in rows), 2) for name in rows[0]}
    return found


def _project(folder: Path, size: int) -> list[str]:
    """Writes the project; returns its entry points."""
    installed = find_spec("sklearn")
    if installed is None or installed.origin is None:
        raise SystemExit("this benchmark needs scikit-learn: pip install 'buildgraph[sklearn]'")
    home = Path(installed.origin).parent
    for path in modules(home).values():
        copy = folder / "sklearn" / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    points = []
    for at in range(size):
        module, _, name = _USED[at % len(_USED)].rpartition(".")
        (folder / f"component_{at}.py").write_text(_COMPONENT.format(module=module, name=name, at=at))
        points.append(f"component_{at}:component")
    return points


def _one_run(folder: Path, points: list[str], reached: list[str]) -> dict[str, float]:
    memo: dict[bytes, bytes] = {}
    rows = _Rows()
    parse = _cpu(lambda: _parse(reached))
    cold = _cpu(lambda: _digests(folder, points, memo, rows))
    warm = median(_cpu(lambda: _digests(folder, points, memo, rows)) for _ in range(5))
    found = {"ast.parse of the files reached: ms": parse, "cold: ms": cold, "cold / ast.parse (goal 1.5)": cold / parse, "nothing changed: ms (goal 10)": warm}
    for count in _EDITS:
        with _edited(spread(reached, count)):
            memos = [dict(memo) for _ in range(3)]
            took = median(_cpu(lambda: _digests(folder, points, memos.pop(), rows)) for _ in range(3))  # noqa: B023 - runs at once
        found[f"{count} changed: ms (goal {10 + 7 * count})"] = took
        found[f"{count} changed: ms for each of them"] = (took - warm) / count
    return found


def _parse(paths: list[str]) -> None:
    for path in paths:
        ast.parse(Path(path).read_bytes())


class _Rows(dict[bytes, bytes]):
    """What the session remembers about files, without its database."""

    def put(self, key: bytes, row: bytes) -> None:
        self[key] = row


def _digests(folder: Path, points: list[str], memo: dict[bytes, bytes], rows: _Rows) -> list[CodeDigest]:
    """What a build does first: everything anew but for the memo and the remembered digests of files."""
    sources = Sources(str(folder), rows, now=time.time_ns)
    index = CodeIndex(str(folder), search=[], read=sources.read, memo=memo)
    return [index.of(point) for point in points]


def _reached(folder: Path, points: list[str]) -> list[str]:
    """The Python files that count for any of the components."""
    found = {path for digest in _digests(folder, points, {}, _Rows()) for path in digest.files}
    return sorted(path for path in found if path.endswith(".py"))


@contextmanager
def _edited(paths: list[str]) -> Iterator[None]:
    """A function more in each of the files, for a while."""
    before = {path: Path(path).read_bytes() for path in paths}
    for path, content in before.items():
        Path(path).write_bytes(content + b"\n\ndef added():\n    return 1\n")
    try:
        yield
    finally:
        for path, content in before.items():
            Path(path).write_bytes(content)


def _cpu(work: Callable[[], object]) -> float:
    """CPU milliseconds of `work` in this process."""
    gc.collect()
    started = time.process_time()
    kept = work()
    took = (time.process_time() - started) * 1000
    del kept
    return took
