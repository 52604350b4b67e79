"""The commands around a workspace: init, clean, doctor, unpack, completion, version and help."""

from __future__ import annotations

import subprocess

import pytest

COMMANDS = ["build", "clean", "completion", "doctor", "explain", "graph", "init", "list", "log", "show", "status", "unpack"]


class TestInit:
    def test_a_fresh_workspace_builds(self, empty):
        said = empty("init")
        assert "next: buildgraph build" in said.out
        empty("build")
        assert "Hello, Ada!" in (empty.root / "build/greeting/value.json").read_text()

    def test_another_folder(self, empty):
        empty("init", "project")
        assert (empty.root / "project/buildgraph.toml").exists()

    def test_nothing_that_exists_is_touched(self, empty):
        empty.write({"names.txt": "mine\n"})
        empty("init")
        assert (empty.root / "names.txt").read_text() == "mine\n"
        assert "error[BG065]" in empty("init", expect=2).err


class TestClean:
    def test_outputs_and_ledger_go_and_results_stay(self, place):
        place("build")
        assert "removed build/" in place("clean").out
        assert not (place.root / "build").exists()
        assert place.ran() == []
        assert (place.root / "build/count/value.json").exists()

    def test_a_clean_workspace_can_be_cleaned(self, place):
        place("clean")
        place("clean")


class TestDoctor:
    def test_all_is_well_here(self, place):
        said = place("doctor")
        assert "all well" in said.last
        assert "worker: comes up and answers" in said.out
        assert str(place.store) in said.out

    def test_outside_of_a_workspace_it_checks_the_machine(self, empty):
        assert "Python" in empty("doctor").out


class TestUnpack:
    def test_what_was_packed_comes_out_verified(self, place, tmp_path):
        place("build")
        said = place("unpack", "build/model/model.tar.gz", tmp_path / "unpacked")
        assert "unpacked into" in said.out
        found = {path.name for path in (tmp_path / "unpacked").rglob("*") if path.is_file()}
        assert {"count.json", "upper.txt"} <= found
        assert (tmp_path / "unpacked" / "upper.txt").read_text() == "ONE TWO\n"

    def test_a_damaged_archive_is_refused_and_leaves_nothing(self, place, tmp_path):
        place("build")
        data = bytearray((place.root / "build/model/model.tar.gz").read_bytes())
        data[len(data) // 2] ^= 0xFF
        (tmp_path / "bad.tar.gz").write_bytes(data)
        said = place("unpack", tmp_path / "bad.tar.gz", tmp_path / "unpacked", expect=6)
        assert "error[BG" in said.err
        assert not list((tmp_path / "unpacked").rglob("*.txt")) if (tmp_path / "unpacked").exists() else True


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_the_script_names_both_commands(self, place, shell):
        text = place("completion", shell).out
        assert "_BUILDGRAPH_COMPLETE" in text
        assert "_BGR_COMPLETE" in text

    def test_bash_accepts_the_script(self, place, needs_tool):
        needs_tool("bash")
        text = place("completion", "bash").out
        done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    def test_labels_are_completed(self, place):
        variables = {"_BUILDGRAPH_COMPLETE": "bash_complete", "COMP_WORDS": "buildgraph build //:w", "COMP_CWORD": "2"}
        assert "plain,//:words" in place(env=variables).out.splitlines()


def test_help_names_every_command_and_the_exit_codes(place):
    said = place("--help")
    for command in COMMANDS:
        assert f"  {command} " in said.out
        assert place(command, "--help").out.startswith("Usage: buildgraph")
    assert "130 interrupted" in said.out


def test_the_version_is_the_packages(place):
    from importlib.metadata import version

    assert place("--version").out.strip() == f"buildgraph {version('buildgraph')}"
