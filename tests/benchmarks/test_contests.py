"""What the contests count: how many targets ran after every edit, for ours and for the tools of this machine. No times."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))  # benchmarks are no part of the installed package

from benchmarks import peers, plots, races, tables, workloads  # noqa: E402  # needs the line above
from benchmarks.contest import hold  # noqa: E402  # as above
from benchmarks.goals import compared  # noqa: E402  # as above
from benchmarks.graphs import SHAPES  # noqa: E402  # as above
from benchmarks.measuring import run, scratch  # noqa: E402  # as above

# What each edit makes run, of a graph of twelve targets: cold, none, touch, comment, leaf, revert, root, branch, back.
BY_CONTENT = {
    "layered": (12, 0, 0, 1, 12, 0, 1, 7, 0), "chain": (12, 0, 0, 1, 12, 0, 1, 7, 0), "diamond": (12, 0, 0, 1, 12, 0, 1, 7, 0), "wide": (12, 0, 0, 1, 12, 0, 1, 2, 0),
}  # fmt: skip
FEW = ("buildgraph", "buildgraph (commands)", "ninja", "make")


def contest(workload: workloads.Workload, tmp_path: Path) -> dict[str, Any]:
    with scratch(str(tmp_path)) as fresh:
        return hold(workload, 1, fresh)


def ran(found: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(row["ran"] for row in tool["edits"].values()) for name, tool in found["tools"].items()}


def by_time(found: dict[str, Any]) -> tuple[int, ...]:
    """What a tool that looks at times runs: all that an edit reaches, and after a touch the same."""
    cones = dict(found["edits"])
    return tuple({**cones, "touch": cones["leaf"]}.values())


@pytest.mark.parametrize("shape", SHAPES)
def test_each_edit_makes_run_what_it_reaches_and_no_more(shape: str, tmp_path: Path) -> None:
    """Ours, in both kinds: a comment stops at the target that reads it, what was built before is a hit; make and ninja rebuild the cone."""
    few = [peer for peer in peers.everything() if peer.name in FEW]
    found = contest(workloads.of_graph(SHAPES[shape](12), tmp_path, few), tmp_path)
    counted = ran(found)
    assert counted.pop("buildgraph") == counted.pop("buildgraph (commands)") == BY_CONTENT[shape]
    assert set(counted) == {name for name in ("ninja", "make") if shutil.which(name)}
    assert set(counted.values()) <= {by_time(found)}


def test_the_c_library_is_the_same_for_make_and_ninja(tmp_path: Path, needs_tool: Callable[[str], str]) -> None:
    """A comment in a header compiles what includes it and links nothing; tools that look at times link and run on."""
    needs_tool("gcc")
    counted = ran(contest(workloads.clib(tmp_path), tmp_path))
    assert counted.pop("buildgraph") == (21, 0, 0, 4, 6, 0, 1, 1, 0)
    assert set(counted.values()) <= {(21, 0, 9, 9, 7, 7, 1, 8, 8)}


def test_edits_of_the_examples_still_find_what_they_change(tmp_path: Path) -> None:
    """Each applies to a copy of the example, and `back` leaves what was there before `branch`."""
    for workload in (workloads.clib(tmp_path), workloads.intents(tmp_path)):
        folder = tmp_path / workload.name
        folder.mkdir()
        workloads._copied(workload.name, lambda _: None, folder)
        seen = {}
        for edit in workload.edits:
            edit.apply(folder)
            seen[edit.name] = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert seen["none"] == seen["touch"] != seen["comment"] == seen["revert"] != seen["root"] == seen["back"] != seen["branch"]
    with pytest.raises(ValueError, match="no longer says"):
        workloads.replace("BUILD.py", "a text that is not there", "")(folder)


def test_a_missing_tool_and_a_failing_one_are_in_the_table(tmp_path: Path) -> None:
    """Nobody is left out silently, and one failure does not end the contest of the others."""
    absent = peers.Peer("absent", peers.COMMANDS, ("no-such-program",), lambda folder, graph: None)
    failing = peers.Peer("failing", peers.COMMANDS, ("cat", "no-such-file"), lambda folder, graph: None)
    library = peers.Peer("library", peers.FUNCTIONS, ("python", "x.py"), lambda folder, graph: None, version=peers.module("pip"))
    among = (peers.everything()[0], absent, failing, library)
    found = contest(workloads.of_graph(SHAPES["wide"](3), tmp_path, among), tmp_path)
    assert list(found["tools"]) == ["buildgraph"]
    assert found["missing"]["absent"] == found["missing"]["library"] == "MISSING: not on this machine"
    assert found["missing"]["failing"].startswith("FAILED: ")
    assert "no-such-file" in found["missing"]["failing"]
    page = tables.markdown({"workload": "wide", "command": "", "machine": {}, "contests": [found]})
    assert "- **absent**: MISSING: not on this machine" in page


def test_growth_is_an_exponent_and_the_first_action_is_seen(tmp_path: Path) -> None:
    """A linear cost has exponent 1, a square one 2; three sizes are built and a changed leaf starts an action."""
    assert races.exponent([10, 100, 1000], [1, 10, 100]) == 1
    assert races.exponent([10, 100], [1, 100]) == 2
    assert races.exponent([10], [1]) is None
    with scratch(str(tmp_path)) as fresh:
        found = races.measure("growth", 1000, 1, fresh, tmp_path, ["buildgraph"])
    assert [row["targets"] for row in found["first"]] == found["series"]["none"]["buildgraph"]["targets"] == [10, 100, 1000]
    assert [row["cone"] for row in found["first"]] == [SHAPES["layered"](size).cone([SHAPES["layered"](size).leaf]) for size in (10, 100, 1000)]


def test_the_meter_counts_children_and_not_the_one_who_asks(tmp_path: Path) -> None:
    """CPU of grandchildren counts; memory is that of the largest process, whatever this one holds."""
    held = bytearray(200 << 20)
    held[:: 1 << 12] = b"x" * len(held[:: 1 << 12])
    small = run(["sh", "-c", "true"], tmp_path)
    assert small.rss < 100
    program = "x = bytearray(120 << 20); x[::4096] = b'x' * len(x[::4096])"
    assert run(["sh", "-c", f'{sys.executable} -c "{program}"; true'], tmp_path).rss > 120
    with pytest.raises(subprocess.CalledProcessError):
        run(["sh", "-c", "exit 3"], tmp_path)
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"], tmp_path)


def test_the_command_writes_page_data_and_the_same_picture_each_time(tmp_path: Path) -> None:
    """As users type it; goals that have no result say so."""
    pytest.importorskip("matplotlib")
    command = [sys.executable, "-m", "benchmarks", "wide", "--size", "5", "--runs", "1", "--among", "buildgraph,make", "--write", str(tmp_path), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads((tmp_path / "wide.json").read_text())
    assert json.loads(done.stdout) == found
    assert (tmp_path / "wide.md").read_text() == tables.markdown(found) + "\n"
    for name in ("wide.svg", "wide.png"):
        before = (tmp_path / name).read_bytes()
        plots.contest(found, tmp_path)
        assert (tmp_path / name).read_bytes() == before
    assert {row["measured"] for row in compared(tmp_path)["rows"]} >= {"not measured"}


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks" / "results").glob("*.json")), ids=lambda path: path.stem)
def test_a_published_page_is_made_of_its_data(path: Path) -> None:
    """Nobody edits a figure by hand."""
    found = json.loads(path.read_text())
    if "contests" in found:
        assert path.with_suffix(".md").read_text() == tables.markdown(found) + "\n"
