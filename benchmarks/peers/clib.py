"""The C library of the examples for make and ninja: the same compiler calls, headers found by the compiler's depfiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.peers import make, ninja

_COMPILE: Final = "gcc -std=c11 -O2 -Wall -Wextra -I."
_APP, _CHECK = ("wordfreq", "file"), ("kit_check",)
TARGETS: Final = 21
PEERS: Final = tuple(dataclasses.replace(peer, kind="commands") for peer in (make.PEER, ninja.PEER))


def _steps(folder: Path) -> Iterator[tuple[str, str, list[str], str]]:
    """The kind of each step, its output, its inputs and its command with {ins} and {out}."""
    kit = [f"kit/{path.stem}" for path in sorted((folder / "kit").glob("*.c"))]
    for stem in (*kit, *(f"app/{stem}" for stem in _APP), *(f"check/{stem}" for stem in _CHECK)):
        yield "compile", f"build/{stem}.o", [f"{stem}.c"], f"{_COMPILE} -MMD -MF {{out}}.d -c {{ins}} -o {{out}}"
    library = "build/libkit.a"
    yield "run", library, [f"build/{stem}.o" for stem in kit], "rm -f {out} && ar rcsD {out} {ins}"
    yield "run", "build/app/wordfreq", [*(f"build/app/{stem}.o" for stem in _APP), library], "gcc -o {out} {ins}"
    yield "run", "build/check/kit_check", [*(f"build/check/{stem}.o" for stem in _CHECK), library], "gcc -o {out} {ins}"
    yield "run", "build/story.json", ["build/app/wordfreq", "app/story.txt"], "{ins} {out}"
    yield "run", "build/report.txt", ["build/check/kit_check"], "{ins} {out}"


def describe(tool: str, folder: Path) -> None:
    """Write the build file of `tool` ("make" or "ninja") and the folders that it builds into."""
    for name in ("kit", "app", "check"):
        (folder / "build" / name).mkdir(parents=True)
    steps = list(_steps(folder))
    if tool == "make":
        text = f".PHONY: all\nall: {' '.join(out for _, out, _, _ in steps)}\n"
        text += "".join(f"{out}: {' '.join(ins)}\n\t{command.format(ins=' '.join(ins), out=out)}\n" for _, out, ins, command in steps)
        (folder / "Makefile").write_text(f"{text}-include $(wildcard build/*/*.d)\n")
        return
    lines = ["rule compile", "  command = $do", "  depfile = $out.d", "  deps = gcc", "rule run", "  command = $do"]
    for kind, out, ins, command in steps:
        lines += [f"build {out}: {kind} {' '.join(ins)}", f"  do = {command.format(ins=' '.join(ins), out=out)}"]
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")


def times(folder: Path) -> dict[str, int]:
    """When each output was written, in nanoseconds; of those that exist."""
    return {out: (folder / out).stat().st_mtime_ns for _, out, _, _ in _steps(folder) if (folder / out).exists()}
