"""The edits that tools are scored by are right, the scoring can tell tools apart, and our own tool makes no mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # benchmarks are no part of the installed package

from benchmarks.edits import EDITS, EITHER, HIT, RUN, Edit  # noqa: E402  # needs the line above
from benchmarks.invalidation import peers, picture, report  # noqa: E402  # as above
from benchmarks.invalidation.ours import OURS  # noqa: E402  # as above
from benchmarks.invalidation.proof import unproved  # noqa: E402  # as above
from benchmarks.invalidation.scores import Score, Tool, UnsoundError, score  # noqa: E402  # as above

NINETEEN = [edit for edit in EDITS if edit.group == "the nineteen"]


def named(name: str) -> Edit:
    return next(edit for edit in EDITS if edit.name == name)


def benchmark(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m benchmarks invalidation`, as a user types it."""
    command = [sys.executable, "-m", "benchmarks", "invalidation", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


# ---- the edits ------------------------------------------------------------------------------------------------------


def test_every_label_is_what_execution_shows() -> None:
    """An edit that must run changes the result in plain Python; one that must hit, or may do either, does not."""
    assert unproved(EDITS) == []


def test_a_wrong_label_is_found_and_so_is_a_step_that_fails() -> None:
    """The proof can fail, and says which edit and what happened."""
    comment, body, touch = (named(name) for name in ("comment", "body", "touch"))
    broken = replace(touch, after=replace(touch.after, files={**touch.after.files, f"{touch.package}/base.py": "1 / 0\n"}))
    assert unproved([replace(comment, label=RUN), replace(body, label=HIT), broken]) == [
        "comment: is labelled must-run, but [['3', '2', '3', '2'], 12, 'plain', 1, None] became [['3', '2', '3', '2'], 12, 'plain', 1, None]",
        "body: is labelled must-hit, but [['3', '2', '3', '2'], 12, 'plain', 1, None] became [['2', '3', '2'], 12, 'plain', 1, None]",
        "touch: the step fails: ZeroDivisionError: division by zero",
    ]


def test_edits_are_many_and_each_stands_alone() -> None:
    """Nineteen that peers were first measured by, and more; no two share a package or a name."""
    assert len(NINETEEN) == 19
    assert [sum(edit.label == label for edit in NINETEEN) for label in (RUN, HIT)] == [12, 7]
    assert len(EDITS) >= 19 + 50
    assert len({edit.package for edit in EDITS}) == len({edit.name for edit in EDITS}) == len(EDITS)
    assert {edit.label for edit in EDITS} == {RUN, HIT, EITHER}
    assert all(edit.why for edit in EDITS)


# ---- the scoring ----------------------------------------------------------------------------------------------------


def made(build: Any) -> Tool:
    return Tool("made here", "", "", lambda root, edits: None, build)


def hashing(root: Path, edits: Sequence[Edit], environment: Mapping[str, str]) -> frozenset[str]:
    """A tool that remembers one version of the bytes of every step's own file."""
    memory = root / "memory.json"
    known = json.loads(memory.read_text()) if memory.exists() else {}
    now = {edit.package: (root / "work" / edit.package / "step.py").read_text() for edit in edits}
    memory.write_text(json.dumps(now))
    return frozenset(name for name, text in now.items() if known.get(name) != text)


def forgetful(root: Path, edits: Sequence[Edit], environment: Mapping[str, str]) -> frozenset[str]:
    """A tool that runs a step once and never again."""
    done = root / "done"
    ran = frozenset() if done.exists() else frozenset(edit.package for edit in edits)
    done.touch()
    return ran


def test_a_tool_that_never_looks_is_stale_everywhere_and_wastes_nothing() -> None:
    """The two counts measure opposite mistakes."""
    found = score(made(forgetful), NINETEEN)
    assert (len(found.stale), found.wasted, found.revert, found.checkout) == (12, [], "–", "hit")


def test_a_tool_that_hashes_one_file_is_scored_for_what_it_cannot_see() -> None:
    """And running again after an undone edit is seen as what it is."""
    found = score(made(hashing), NINETEEN)
    assert found.wasted == ["comment", "docstring", "reformat", "shifted lines", "unrelated function here"]
    assert "helper elsewhere" in found.stale
    assert "body" not in found.stale
    assert (found.revert, found.checkout) == ("re-run", "hit")


def test_a_tool_that_always_runs_has_no_score() -> None:
    """Never stale would be no merit."""
    with pytest.raises(UnsoundError, match=r"ran although nothing changed: .*edit_body, "):
        score(made(lambda root, edits, environment: frozenset(edit.package for edit in edits)), NINETEEN)


def test_a_tool_that_fails_is_reported_with_its_last_words() -> None:
    """Without the folders of this machine, and without ending the run of the others."""

    def failing(root: Path, edits: Sequence[Edit], environment: Mapping[str, str]) -> frozenset[str]:
        raise subprocess.CalledProcessError(1, ["/somewhere/python", "-m", "tool"], "", "warning\nno such backend\n")

    assert peers.outcome(made(failing), NINETEEN, Path("unused")) == "not run: python -m tool failed: no such backend"


# ---- the report -----------------------------------------------------------------------------------------------------


def table() -> dict[str, Any]:
    edits = (_, comment, _) = tuple(named(name) for name in ("body", "comment", "constant folded"))
    wrong = Score(edits, frozenset([comment.package]), frozenset(), frozenset())
    tools = [replace(made(None), name="buildgraph"), replace(made(None), name="peer", version="1.0", what="nothing")]
    return report.tabulate(tools, {"buildgraph": wrong, "peer": "not run: pip failed"}, edits)


def test_the_report_names_every_mistake_and_every_tool_that_did_not_run() -> None:
    """A peer is never left out silently, and what is not counted is still shown."""
    text = report.markdown(table())
    assert "| buildgraph |  | 1 | 1 | hit | hit |\n" in text
    assert "| peer 1.0 | nothing | not run: pip failed |  |  |  |\n" in text
    assert "| body | must-run | the code itself | **stale** |\n" in text
    assert "| comment | must-hit | comments are no code | wasted |\n" in text
    assert "| constant folded | either | CPython compiles both alike, but that is an optimisation and no promise | hit |\n" in text


def test_writing_some_tools_keeps_the_rows_of_the_others_while_the_edits_are_the_same(tmp_path: Path) -> None:
    """So that our own row can be made anew without the peers; other edits make other rows worthless."""
    both = table()
    (tmp_path / "invalidation.json").write_text(json.dumps(both))
    one = {**both, "tools": {"buildgraph": {"not_run": "for the test"}}}
    assert list(report.merged(one, tmp_path, ["buildgraph", "peer"])["tools"].items()) == [
        ("buildgraph", {"not_run": "for the test"}), ("peer", both["tools"]["peer"]),
    ]  # fmt: skip
    assert list(report.merged({**one, "edits": both["edits"][1:]}, tmp_path, ["buildgraph", "peer"])["tools"]) == ["buildgraph"]


def test_the_picture_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """So that making it again changes nothing that nobody changed."""
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        picture.draw(table(), tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_the_published_table_is_about_these_edits() -> None:
    """Whoever changes the list makes the table again, and ours is in it without a mistake."""
    published = json.loads((ROOT / "benchmarks" / "results" / "invalidation.json").read_text())
    assert [(edit["name"], edit["label"]) for edit in published["edits"]] == [(edit.name, edit.label) for edit in EDITS]
    assert (ROOT / "benchmarks" / "results" / "invalidation.md").read_text() == report.markdown(published)
    assert [published["tools"]["buildgraph"][key] for key in ("stale", "wasted")] == [[], []]


# ---- ours -----------------------------------------------------------------------------------------------------------


def test_our_tool_is_never_stale_and_wastes_nothing() -> None:
    """Over all edits, in one workspace, by the command line; undoing an edit and moving the checkout are hits."""
    found = score(OURS, EDITS)
    assert (found.stale, found.wasted, found.revert, found.checkout) == ([], [], "hit", "hit")


def test_the_command_scores_some_edits_by_name() -> None:
    """With JSON for programs, and exit code 2 for names that do not exist."""
    done = benchmark("--tools", "buildgraph", "--edits", "comment,body", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tools"]["buildgraph"]["ran"][:1] == ["body"]
    assert benchmark("--check", "--edits", "the nineteen").stdout == "19 edits, 0 wrong labels\n"
    assert benchmark("--edits", "no such edit").returncode == 2
    assert "no such tool: mak" in benchmark("--tools", "mak").stderr
