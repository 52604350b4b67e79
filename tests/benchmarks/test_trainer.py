"""The benchmark of the trainer measures what it says: cold trainings run every node, unchanged ones none."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp

import pytest

from benchmarks.trainer import WORK, Row, markdown, table
from benchmarks.trainer.project import count, diamond, layered, naps, sizes

pytest.importorskip("numpy")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """The whole table, of graphs that are a fraction of those that are published."""
    top = tmp_path_factory.mktemp("trainer")
    return table(16, 1, lambda: Path(mkdtemp(dir=top)))


def test_cold_trainings_run_every_node_and_unchanged_ones_none(rows: list[Row]) -> None:
    """With both runners: a fast training that ran too little would be no achievement."""
    assert {row.runner for row in rows} == {"ProcessPoolRunner", "InlineRunner"}
    assert [(row.what, row.ran) for row in rows if row.what.endswith("cold")] == [(row.what, row.nodes) for row in rows if row.what.endswith("cold")]
    assert [(row.what, row.ran) for row in rows if row.what.endswith("unchanged")] == [(row.what, 0) for row in rows if row.what.endswith("unchanged")]
    assert all(row.nodes for row in rows)


def test_cold_and_unchanged_trainings_make_one_model_with_either_runner(rows: list[Row]) -> None:
    """By the identity that follows from the content of the archive."""
    for work in WORK:
        assert len(frozenset[str]().union(*(row.models for row in rows if row.what.rpartition(", ")[0] == work.name))) == 1


def test_the_published_sizes_are_those_that_the_goals_are_about() -> None:
    """Goals for 400 nodes say nothing about fewer."""
    of = sizes(400)
    needs = [len(node["needs"]) for name, node in layered(of).items() if name.startswith("n") and not name.startswith("n0")]
    assert (count(layered(of)), of.layers, set(needs)) == (400, 8, {3})
    assert (of.diamonds, count(diamond(of)), count(naps(of)), of.nap) == (200, 400, 4, 0.5)
    assert of.arrays * of.megabytes == 1000


def test_the_table_has_a_line_for_each_row(rows: list[Row]) -> None:
    """With the goal and the reference's figure beside ours."""
    text = markdown(rows, 1)
    assert [line for line in text.splitlines() if line.startswith("| ")][1:] == [
        f"| {row.what} | {row.runner} | {row.figure:g} {row.unit} | {row.goal} | {row.reference} | {row.seconds:g} | {row.cpu:g} | {row.ran} of {row.nodes} |"
        for row in rows
    ]
