"""What the code digest costs: 20 components over the sources of networkx as first-party code, cold, unchanged, and after edits.

Cold is set against one `ast.parse` of the files that the components reach, in the same run; warm runs have the memo of
a cold one and a new index, as every build has. CPU milliseconds of this process, medians.
"""

from __future__ import annotations

import ast
import gc
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.measuring import Fresh
from benchmarks.releases import modules, sources, spread
from buildgraph.code import CodeDigest, CodeIndex
from buildgraph.execution.sources import Sources

SIZE = 20  # components
_PACKAGE: Final = ("networkx", "3.6.1")
_USED: Final = (
    "algorithms.centrality.betweenness_centrality", "algorithms.centrality.katz_centrality", "algorithms.cluster.clustering",
    "algorithms.coloring.greedy_color", "algorithms.community.greedy_modularity_communities", "algorithms.community.louvain_communities",
    "algorithms.components.connected_components", "algorithms.core.k_core", "algorithms.dag.topological_sort", "algorithms.flow.maximum_flow",
    "algorithms.isomorphism.is_isomorphic", "algorithms.link_analysis.pagerank", "algorithms.link_prediction.jaccard_coefficient",
    "algorithms.matching.max_weight_matching", "algorithms.mis.maximal_independent_set", "algorithms.shortest_paths.dijkstra_path",
    "algorithms.traversal.bfs_tree", "algorithms.tree.minimum_spanning_tree", "algorithms.triads.triadic_census", "drawing.layout.spring_layout",
)  # fmt: skip
_COMPONENT: Final = """
from networkx.{module} import {name}
from networkx.readwrite.json_graph import node_link_data, node_link_graph


def component(graph):
    found = {name}(node_link_graph(graph))
    return {{"step": {at}, "graph": node_link_data(found)}}
"""
_EDITED: Final = b"\n\ndef edited():\n    return 1\n"
_COUNTS: Final = (1, 5, 20)  # changed files


def measure(size: int, runs: int, fresh: Fresh) -> dict[str, Any]:
    """Medians over `runs` (at least 3) of one generated project with `size` components."""
    folder = fresh() / "workspace"
    points = _project(folder, size)
    reached = _reached(folder, points)
    rows = [_one_run(folder, points, reached) for _ in range(max(3, runs))]
    found: dict[str, Any] = {"files": len(modules(folder)), "components": len(points), "files reached": len(reached), "runs": len(rows)}
    found |= {name: round(median(row[name] for row in rows), 2) for name in rows[0]}
    return found


def _project(folder: Path, size: int) -> list[str]:
    """Writes the project; returns its entry points."""
    package, version = _PACKAGE
    home = sources(package, version)
    if home is None:
        raise SystemExit(f"this benchmark needs the sources of {package} {version}, which pip cannot download")
    for path in modules(home).values():
        copy = folder / path.relative_to(home)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes() + _EDITED)
    points = []
    for at in range(size):
        module, _, name = _USED[at % len(_USED)].rpartition(".")
        (folder / f"component_{at}.py").write_bytes(_COMPONENT.format(module=module, name=name, at=at).encode() + _EDITED)
        points.append(f"component_{at}:component")
    return points


def _one_run(folder: Path, points: list[str], reached: list[str]) -> dict[str, float]:
    memo: dict[bytes, bytes] = {}
    rows = _Rows()
    parse = _cpu(lambda: _parse(reached))
    cold = _cpu(lambda: _digests(folder, points, memo, rows))
    warm = median(_cpu(lambda: _digests(folder, points, memo, rows)) for _ in range(5))
    found = {"ast.parse of the files reached: ms": parse, "cold: ms": cold, "cold / ast.parse (goal 1.5)": cold / parse, "nothing changed: ms (goal 10)": warm}
    for count in _COUNTS:
        took = _after(lambda content: content.replace(b"return 1\n", b"return 2\n"), count, folder, points, reached, memo, rows)
        found[f"{count} changed: ms (goal {10 + 7 * count})"] = took
        found[f"{count} changed: ms for each of them"] = (took - warm) / count
    found["1 with a new function: ms"] = _after(lambda content: content + b"\n\ndef added():\n    return 1\n", 1, folder, points, reached, memo, rows)
    return found


def _after(edit: Callable[[bytes], bytes], count: int, folder: Path, points: list[str], reached: list[str], memo: dict[bytes, bytes], rows: _Rows) -> float:
    """CPU milliseconds of the digests after `count` files were edited, when all before the edit is remembered."""
    before = {path: Path(path).read_bytes() for path in spread(reached, count)}
    for path, content in before.items():
        Path(path).write_bytes(edit(content))
    try:
        memos = [dict(memo) for _ in range(3)]
        return median(_cpu(lambda: _digests(folder, points, memos.pop(), rows)) for _ in range(3))
    finally:
        for path, content in before.items():
            Path(path).write_bytes(content)


def _parse(paths: list[str]) -> None:
    for path in paths:
        ast.parse(Path(path).read_bytes())


class _Rows(dict[bytes, bytes]):
    """What the session remembers about files, without its database."""

    def put(self, key: bytes, row: bytes) -> None:
        self[key] = row


def _digests(folder: Path, points: list[str], memo: dict[bytes, bytes], rows: _Rows) -> list[CodeDigest]:
    """What a build does first: everything anew but for the memo and the remembered digests of files."""
    files = Sources(str(folder), rows, now=time.time_ns)
    index = CodeIndex(str(folder), search=[], read=files.read, digest=lambda path: files.digest(path)[0], memo=memo)
    return [index.of(point) for point in points]


def _reached(folder: Path, points: list[str]) -> list[str]:
    """The Python files that count for any of the components."""
    found = {path for digest in _digests(folder, points, {}, _Rows()) for path in digest.files}
    return sorted(path for path in found if path.endswith(".py"))


def _cpu(work: Callable[[], object]) -> float:
    """CPU milliseconds of `work` in this process."""
    gc.collect()
    started = time.process_time()
    kept = work()
    took = (time.process_time() - started) * 1000
    del kept
    return took
