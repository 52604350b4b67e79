"""`buildgraph build`: every flag, what is printed, and what is left on disk."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from buildgraph import events

TARGETS = ["//:count", "//:model", "//:upper", "//:words", "//tools:tools"]
COUNTS = ("targets", "built", "hit_local", "hit_remote", "cut_off", "up_to_date", "failed", "skipped")


def test_everything_is_built_by_default_and_the_last_line_counts(place):
    said = place("build")
    assert re.fullmatch(r"5 targets: 5 built in \d+\.\d\d s", said.last)
    assert (place.root / "build" / "count" / "value.json").read_text().strip() == "3"
    assert (place.root / "build" / "upper" / "upper.txt").read_text() == "ONE TWO\n"
    assert (place.root / "build" / "tools" / "tools" / "value.txt").read_text() == "tools"
    assert re.fullmatch(r"5 targets: 5 up to date in \d+\.\d\d s", place("build").last)


def test_labels_and_patterns_choose(place):
    assert place.ran("//tools") == ["//tools:tools"]
    assert place.ran(":count") == ["//:count", "//:words"]
    assert place.ran("//...", "-//:model", "-//:everything") == ["//:upper"]
    assert place.ran("//:everything") == ["//:model"]


def test_a_relative_label_is_meant_in_the_current_folder(place):
    said = place("build", ":tools", "--json", cwd=place.root / "tools")
    assert list(said.data["outputs"]) == ["//tools:tools"]


def test_json_is_one_object_with_everything_in_it(place):
    first, second = (json.loads(place("build", "--json").out) for _ in range(2))
    assert {name: first[name] for name in COUNTS} == {**dict.fromkeys(COUNTS, 0), "targets": 5, "built": 5}
    assert {name: second[name] for name in COUNTS} == {**dict.fromkeys(COUNTS, 0), "targets": 5, "up_to_date": 5}
    assert isinstance(first["seconds"], float)
    assert first["outputs"] == second["outputs"]
    assert first["outputs"]["//:upper"] == ["build/upper/upper.txt"]
    assert first["outputs"]["//:text"] == ["text/a.txt", "text/b.txt"]
    assert set(first) == {*COUNTS, "seconds", "outputs"}


def test_json_of_a_failing_build_holds_the_errors(place):
    place.write({"steps.py": "def words(folder):\n    raise ValueError('no words')\n\n\ndef count(words, factor):\n    return 0\n"})
    said = place("build", "--json", "-k", expect=1)
    assert said.data["failed"] == 1
    assert said.data["errors"]["//:words"]["code"] == "BG220"
    assert "no words" in said.data["errors"]["//:words"]["headline"]
    assert "Traceback" not in said.out + said.err


def test_events_are_lines_of_json_with_stable_names(place, tmp_path):
    place("build", "--events", tmp_path / "events")
    found = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    known = {events.event_type(kind) for kind in vars(events).values() if isinstance(kind, type) and hasattr(kind, "__slots__")}
    assert {event["type"] for event in found} <= known
    assert found[0]["type"] == "build_started"
    assert found[-1]["type"] == "build_finished"
    assert found[-1]["built"] == 5
    assert sorted(event["target"] for event in found if event["type"] == "target_built") == TARGETS
    assert all("target" in event for event in found if event["type"].startswith("target_"))
    started = {event["target"]: event["reason"] for event in found if event["type"] == "target_started"}
    assert set(started.values()) == {"never built here"}


def test_an_event_file_that_cannot_be_written_is_said(place):
    assert "BG006" in place("build", "--events", "/nowhere/events", expect=2).err


def test_a_dry_run_says_what_would_run_and_runs_nothing(place):
    said = place("build", "-n")
    assert "would run  //:words  (never built here)" in said.out
    assert not (place.root / "build").exists()


def test_keep_going_builds_what_does_not_need_the_failed_target(place):
    place.write({"steps.py": "def words(folder):\n    raise ValueError('no words')\n\n\ndef count(words, factor):\n    return 0\n"})
    said = place("build", "-k", expect=1)
    assert re.fullmatch(r"5 targets: 2 built, 1 failed, 2 skipped in .* s", said.last)
    assert "error[BG220]: target '//:words' raised ValueError: no words" in said.err
    assert "log:" in said.err


@pytest.mark.parametrize(("flags", "expected"), [(["-f"], TARGETS), (["--force", "//:words"], ["//:words"])])
def test_force_runs_what_is_up_to_date(place, flags, expected):
    place("build")
    assert place.ran("//...", *flags) == expected


def test_forcing_something_that_is_not_being_built_is_said(place):
    assert "error[BG018]" in place("build", "//tools", "-f", "//:words", expect=2).err


def test_c_works_elsewhere(place, tmp_path):
    assert "1 target: 1 built" in place("-C", place.root, "build", "//tools", cwd=tmp_path).out
    assert "1 target: 1 up to date" in place("build", "-C", place.root, "//tools", cwd=tmp_path).out
    assert "BG005" in place("-C", tmp_path / "no", "build", expect=2).err


def test_quiet_says_nothing_and_verbose_says_everything(place):
    said = place("build", "-q")
    assert said.out + said.err == ""
    said = place("build", "-v")
    assert "up to date //:words" in said.out


def test_another_store_is_another_memory(place, tmp_path):
    place("build", "--store", tmp_path / "other")
    assert (tmp_path / "other").is_dir()
    assert not place.store.exists()


@pytest.mark.parametrize("flags", [["-j1"], ["--jobs", "3"], ["--runner", "inline"], ["--no-deep-keys"]])
def test_however_it_is_run_the_same_comes_out(place, another, flags):
    place("build")
    other = another(place, "other")
    other("build", *flags, "--store", place.store.parent / "fresh")
    for path in (place.root / "build").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (other.root / "build" / path.relative_to(place.root / "build")).read_bytes()


@pytest.mark.parametrize("jobs", ["0", "many", "-1"])
def test_a_number_of_jobs_that_cannot_be_is_said(place, jobs):
    assert "error[BG003]" in place("build", "--jobs", jobs, expect=2).err


def test_deleted_outputs_come_back_without_running_anything(place):
    place("build")
    before = {path: path.read_bytes() for path in (place.root / "build").rglob("*") if path.is_file()}
    shutil.rmtree(place.root / "build")
    assert place.ran() == []
    assert {path: path.read_bytes() for path in (place.root / "build").rglob("*") if path.is_file()} == before


def test_another_checkout_with_the_same_store_runs_nothing(place, another):
    place("build")
    other = another(place, "deep/down/other")
    assert other.ran() == []
    assert (other.root / "build/model/model.tar.gz").read_bytes() == (place.root / "build/model/model.tar.gz").read_bytes()


def test_an_unchanged_workspace_evaluates_no_build_file(place, tmp_path):
    place("build")
    place("build", "--events", tmp_path / "events")
    loaded = next(json.loads(line) for line in (tmp_path / "events").read_text().splitlines() if "graph_loaded" in line)
    assert loaded["evaluated"] == []
    assert (loaded["targets"], loaded["packages"]) == (5, 2)


def test_an_edit_runs_what_depends_on_it_and_says_why(place):
    place("build")
    place.write({"text/b.txt": "three four\n"})
    said = place("build")
    assert re.search(r"built +//:words .*\(inputs\.folder changed: tree", said.out)
    assert "//:upper" not in [line.split()[1] for line in said.out.splitlines() if line.strip().startswith("built")]


def test_no_wait_exits_with_4_when_the_workspace_is_busy(place):
    from buildgraph.workspace import Workspace

    with Workspace(place.root, store=place.store).open("hold it"):
        said = place("build", "--no-wait", expect=4)
    assert "error[BG310]" in said.err
    assert "hold it" in said.err


def test_a_folder_that_is_no_workspace_is_said(empty):
    said = empty("build", expect=2)
    assert "error[BG012]: there is no workspace here" in said.err
    assert "fix: " in said.err


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["biuld"], "BG002", "did you mean 'build'?"),
        (["build", "--forse"], "BG001", "--force"),
        (["build", "//:wrods"], "BG", "words"),
    ],
)
def test_what_was_mistyped_is_named_with_what_was_meant(place, arguments, code, hint):
    said = place(*arguments, expect=2)
    assert f"error[{code}" in said.err
    assert hint in said.err


def test_output_into_a_closed_pipe_is_no_error(place):
    import os

    place("build")
    process = place.start("list", "-v")
    process.stdout.close()
    assert process.wait(60) == 0
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    reader, writer = os.pipe()
    os.close(reader)
    process = place.start("build", stdout=writer)
    os.close(writer)
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
    process.stderr.close()
