"""The C library among the examples: compiled, archived, linked, tested and run, and nothing of it once too often."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Built, Checkout

SOURCES = {f"{path.stem}.o" for path in (Path(__file__).parents[2] / "rules/examples/clib").glob("*/*.c")}
COMMANDS = SOURCES | {"kit", "wordfreq", "story", "kit_check", "check"}


@dataclass(frozen=True, slots=True)
class First:
    """A checkout in which everything has been built once."""

    checkout: Checkout
    built: Built


@pytest.fixture(scope="module")
def first(check_out: Callable[[str], Checkout], skip_loudly: Callable[[str, str], None]) -> First:
    if not shutil.which("gcc") or not shutil.which("ar"):
        skip_loudly("gcc", "apt-get install gcc")
    checkout = check_out("clib")
    return First(checkout, checkout.build("//..."))


@pytest.fixture
def checkout(first: First, tmp_path: Path) -> Checkout:
    """A second checkout over the same store, built once."""
    copy = first.checkout.elsewhere(tmp_path / "second")
    assert copy.build("//...").ran == set()
    return copy


def test_a_cold_build_runs_every_command_once(first: First) -> None:
    assert first.built.ran == COMMANDS
    assert first.built.counts["built"] == len(COMMANDS)
    assert first.built.counts["failed"] == 0


def test_the_program_counts_the_words_of_the_story(first: First) -> None:
    story = json.loads(first.checkout.output("//app:story", "story.json").read_text(encoding="utf-8"))
    assert story == {
        "words": 67,
        "different": 31,
        "top": {"the": 16, "and": 4, "mill": 4, "river": 4, "turned": 4},
    }
    assert first.built.counts["outputs"]["//app:story"] == ["build/app/story/story.json"]


def test_the_program_under_build_can_be_run(first: First, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("to be or not to be", encoding="utf-8")
    program = first.checkout.output("//app:wordfreq", "wordfreq")
    subprocess.run([program, text, tmp_path / "out.json"], check=True)
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["top"]["be"] == 2


def test_every_check_of_the_library_holds(first: First) -> None:
    lines = first.checkout.output("//check:check", "report.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 7
    assert all(line.startswith("ok ") for line in lines)


def test_the_archive_holds_every_object(first: First) -> None:
    archive = first.checkout.output("//kit:kit", "libkit.a")
    members = subprocess.run(["ar", "t", archive], capture_output=True, text=True, check=True).stdout.split()
    assert len(members) == 13
    assert set(members) <= SOURCES


def test_a_second_build_runs_nothing(first: First) -> None:
    again = first.checkout.build("//...")
    assert again.counts["built"] == 0
    assert again.ran == set()


def test_another_checkout_with_the_same_store_runs_nothing(first: First, tmp_path: Path) -> None:
    copy = first.checkout.elsewhere(tmp_path / "a" / "much" / "deeper" / "path")
    built = copy.build("//...")
    assert built.counts["built"] == 0
    assert copy.output_bytes(built) == first.checkout.output_bytes(first.built)


def test_another_checkout_with_a_store_of_its_own_makes_the_same_bytes(
    first: First, check_out: Callable[[str], Checkout]
) -> None:
    other = check_out("clib")
    built = other.build("//...")
    assert built.ran == COMMANDS
    assert other.output_bytes(built) == first.checkout.output_bytes(first.built)


def test_a_deleted_build_folder_comes_back_without_running_anything(first: First, checkout: Checkout) -> None:
    before = checkout.output_bytes(first.built)
    shutil.rmtree(checkout.root / "build")
    built = checkout.build("//...")
    assert built.counts["built"] == 0
    assert checkout.output_bytes(built) == before


def test_a_comment_in_the_macros_runs_nothing(checkout: Checkout) -> None:
    checkout.append("cc.py", "\n# A comment changes no command.\n")
    assert checkout.build("//...").counts["built"] == 0


def test_a_comment_in_a_source_stops_at_its_object(checkout: Checkout) -> None:
    checkout.append("kit/heap.c", "\n/* A comment changes no object. */\n")
    built = checkout.build("//...")
    assert built.ran == {"heap.o"}
    assert "kit" in built.cut_off


def test_a_comment_in_a_header_stops_at_the_objects_that_include_it(checkout: Checkout) -> None:
    checkout.append("kit/order.h", "\n/* Sources reach this header through heap.h and sort.h only. */\n")
    assert checkout.build("//...").ran == {"heap.o", "sort.o", "wordfreq.o", "kit_check.o"}


def test_an_edited_header_reruns_what_depends_on_it_and_reverting_it_is_all_hits(checkout: Checkout) -> None:
    """The word count links the same archive, but uses nothing of the part that changed: it is linked, and not run."""
    checkout.edit("kit/bits.h", "KIT_BITS_PER_WORD = 64", "KIT_BITS_PER_WORD = 32")
    built = checkout.build("//...")
    assert built.ran == {"bits.o", "kit_check.o", "kit", "wordfreq", "kit_check", "check"}
    assert "story" in built.cut_off
    checkout.edit("kit/bits.h", "KIT_BITS_PER_WORD = 32", "KIT_BITS_PER_WORD = 64")
    assert checkout.build("//...").counts["built"] == 0


def test_an_edited_text_reruns_only_the_program_that_reads_it(checkout: Checkout) -> None:
    checkout.append("app/story.txt", "The end.\n")
    assert checkout.build("//...").ran == {"story"}
    assert json.loads(checkout.output("//app:story", "story.json").read_text(encoding="utf-8"))["words"] == 69


def test_a_header_included_anew_counts_from_then_on(checkout: Checkout) -> None:
    checkout.edit("kit/heap.c", '#include "kit/heap.h"\n', '#include "kit/heap.h"\n#include "kit/utf8.h"\n')
    assert "heap.o" in checkout.build("//...").ran
    checkout.append("kit/utf8.h", "\n/* heap.c includes this now. */\n")
    assert checkout.build("//...").ran == {"heap.o", "utf8.o", "json_check.o", "wordfreq.o", "kit_check.o"}


def test_a_new_source_joins_the_library(checkout: Checkout) -> None:
    (checkout.root / "kit" / "one.c").write_text(
        "int kit_one(void);\nint kit_one(void) { return 1; }\n", encoding="utf-8"
    )
    built = checkout.build("//...")
    assert {"one.o", "kit"} <= built.ran
    assert "heap.o" not in built.ran


def test_a_check_that_does_not_hold_fails_the_build(checkout: Checkout) -> None:
    checkout.edit("kit/heap.c", "heap->items[first]) < 0)", "heap->items[first]) > 0)")
    built = checkout.build("//...", "--keep-going", expect=1)
    assert built.counts["failed"] == 1
    assert built.by_type["target_failed"] == {"//check:check"}
    log = checkout.python("-m", "buildgraph", "-C", checkout.root, "log", "//check")
    assert "a heap and a sort agree" in log.stdout


@pytest.mark.parametrize("folder", ["kit", "app", "check"])
def test_the_sources_compile_without_a_warning(first: First, folder: str) -> None:
    sources = sorted((first.checkout.root / folder).glob("*.c"))
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I."]
    done = subprocess.run(
        ["gcc", *flags, *sources], cwd=first.checkout.root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
