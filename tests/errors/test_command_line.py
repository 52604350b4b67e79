"""What is wrong on the command line, with the store or with an archive is told in the same shape as everything else."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from buildgraph.archive import Member, write
from buildgraph.digest import Digest
from buildgraph.store import FileLock

Refused = Callable[..., str]
RULES = "from buildgraph.rules import python\n"
BUILD = 'python(name="train", fn="steps:step")\n'
STEP = "def step():\n    return 1\n"


@pytest.mark.parametrize(
    ("arguments", "code", "names"),
    [
        ("biuld", "BG002", "did you mean 'build'?"),
        ("frobnicate", "BG002", "'frobnicate'"),
        ("build --kep-going", "BG001", "did you mean '--keep-going'?"),
        ("--stor x build", "BG001", "did you mean '--store'?"),
        ("build -j 0", "BG003", "0"),
        ("build -j many", "BG003", "many"),
        ("build --runner cloud", "BG003", "cloud"),
        ("build --store", "BG004", "--store"),
        ("show", "BG004", "LABEL"),
        ("unpack model.tar.gz here there", "BG004", "there"),
        ("-C nowhere build", "BG005", "nowhere"),
        ("build --events nowhere/log", "BG006", "nowhere/log"),
        ("explain BG998", "BG007", "'BG998'"),
        ("build -f //:other //:train", "BG018", "//:other"),
        ("explain //:both", "BG063", "'//:both'"),
        ("show //:train", "BG064", "'//:train'"),
        ("init", "BG065", "/tmp/case/workspace"),
        ("unpack model.tar.gz out", "BG407", "model.tar.gz"),
        ("build --store steps.py", "BG300", "steps.py"),
        ("build --store .", "BG302", "/tmp/case/workspace"),
    ],
    ids=[
        "misspelt_command", "unknown_command", "misspelt_option", "misspelt_common_option", "no_jobs", "jobs_not_a_number", "unknown_runner",
        "option_without_value", "command_without_argument", "too_many_arguments", "no_such_folder", "event_log_nowhere", "unknown_error_code",
        "force_what_is_not_built", "explain_a_group", "show_what_was_not_built", "init_twice", "unpack_nothing", "store_is_a_file", "store_is_a_folder_of_yours",
    ],
)  # fmt: skip
def test_refused(refused: Refused, arguments: str, code: str, names: str) -> None:
    files = {"buildgraph.toml": ""}
    refused(*arguments.split(), build=BUILD + 'group(name="both", deps=[":train"])\n', steps=STEP, files=files, code=code, names=names)


def test_an_excluded_label_is_not_taken_for_an_option(case: Any) -> None:
    case.write({"BUILD.py": RULES + BUILD + 'python(name="broken", fn="nowhere:step")\n', "steps.py": STEP})
    assert case.run("build", "-//:broken", "//...", "--quiet").returncode == 0


@pytest.mark.parametrize("arguments", ["build", "init", "-C up build", "list"], ids=["build", "init", "a_relative_folder", "list"])
def test_the_current_folder_was_removed(case: Any, arguments: str) -> None:
    gone = replace(case, prefix=("sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh"))
    gone.refused(*arguments.split(), build=BUILD, steps=STEP, code="BG005", names="current folder")


def test_another_folder_is_named_when_the_current_one_was_removed(case: Any) -> None:
    case.write({"BUILD.py": RULES + BUILD, "steps.py": STEP})
    gone = replace(case, prefix=("sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh"))
    assert gone.run("-C", str(case.root), "build", "--quiet").returncode == 0


def test_store_that_others_can_write(case: Any) -> None:
    case.store.mkdir()
    case.store.chmod(0o770)
    case.refused("build", build=BUILD, steps=STEP, code="BG301", names="/tmp/case/store")


def test_output_folder_is_a_file(refused: Refused) -> None:
    refused("build", build=BUILD, steps=STEP, files={"build": "mine"}, code="BG251", names="'//:train'")


def test_place_of_an_output_is_a_file(refused: Refused) -> None:
    files = {"buildgraph.toml": "", "app/BUILD.py": RULES + BUILD, "build/app": "mine"}
    refused("build", "//app:train", steps=STEP, files=files, code="BG251", names="'//app:train'")


def test_somebody_else_builds_here(case: Any) -> None:
    case.write({".buildgraph/x": ""})
    lock = FileLock(str(case.root / ".buildgraph" / "lock"), "build")
    lock.acquire()
    try:
        case.refused("build", "--no-wait", build=BUILD, steps=STEP, exit=4, code="BG310", names="build")
    finally:
        lock.release()


def archive(folder: Path) -> Path:
    path = folder / "model.tar"
    content = b"weights" * 100
    member = Member("weights.bin", len(content), Digest.of(content), False, content)
    write(str(path), [member], metadata={"name": "model"}, format="tar")
    return path


def test_unpack_an_archive_that_was_changed(case: Any) -> None:
    path = archive(case.root)
    path.write_bytes(path.read_bytes().replace(b"weightsweights", b"weightsWEIGHTS", 1))
    case.refused("unpack", "model.tar", "out", exit=6, code="BG415", names="model.tar")
    assert not (case.root / "out").exists()


def test_unpack_an_archive_that_breaks_off(case: Any) -> None:
    path = archive(case.root)
    os.truncate(path, path.stat().st_size // 2)
    case.refused("unpack", "model.tar", "out", exit=6, code="BG411", names="model.tar")


def test_unpack_what_is_no_archive(refused: Refused) -> None:
    refused("unpack", "notes.txt", "out", files={"notes.txt": "hello"}, exit=6, code="BG410", names="notes.txt")


def test_unpack_an_archive_of_somebody_else(case: Any) -> None:
    import tarfile

    case.write({"hello.txt": "hello"})
    with tarfile.open(case.root / "foreign.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        tar.add(case.root / "hello.txt", "../../hello.txt")
    case.refused("unpack", "foreign.tar", "out", exit=6, code="BG410", names="foreign.tar")


def test_unpack_over_something(case: Any) -> None:
    archive(case.root)
    case.refused("unpack", "model.tar", "out", files={"out/mine.txt": "mine"}, code="BG408", names="out")
