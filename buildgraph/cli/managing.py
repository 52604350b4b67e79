"""Commands around a workspace: `init`, `clean`, `doctor`, `unpack`, `completion`."""

from __future__ import annotations

import os
import shutil
import sys

import click

from buildgraph.cli.options import Common, common
from buildgraph.errors import BuildgraphError, UsageError
from buildgraph.loading import find_root

_CONFIG = """# Settings of this workspace; each is also a flag and a BUILDGRAPH_ variable. See `buildgraph build --help`.
# jobs = 4
# default = ["//..."]
"""
_BUILD = '''"""Targets of this folder. `buildgraph build` builds them; run it twice, then edit hello.py."""

from buildgraph.rules import files, python

files(name="names", srcs=["names.txt"])
python(name="greeting", fn="hello:greet", needs={"names": ":names"}, config={"word": "Hello"})
'''
_HELLO = '''"""What the target //:greeting calls."""


def greet(names: str, word: str) -> list[str]:
    """One greeting for each line of the file of names."""
    return [f"{word}, {name}!" for name in names.split()]
'''


@click.command()
@click.argument("folder", default=".")
@common
@click.pass_obj
def init(common_: Common, folder: str) -> None:
    """Make FOLDER (default: here) a workspace, with a first target to try; nothing that exists is touched."""
    root = os.path.normpath(os.path.join(common_.folder(), folder))
    os.makedirs(root, exist_ok=True)
    marker = os.path.join(root, "buildgraph.toml")
    if os.path.exists(marker):
        raise UsageError(f"'{root}' is a workspace already", code="BG065", why="it has a buildgraph.toml", fix="run `buildgraph build` in it")
    wanted = {"buildgraph.toml": _CONFIG}
    if not any(os.path.exists(os.path.join(root, name)) for name in ("BUILD.py", "graph.yml", "hello.py", "names.txt")):
        wanted |= {"BUILD.py": _BUILD, "hello.py": _HELLO, "names.txt": "Ada\nGrace\n"}
    for name, text in wanted.items():
        with open(os.path.join(root, name), "x", encoding="utf-8") as file:
            file.write(text)
        if not common_.quiet:
            print(f"  wrote {name}")
    if not common_.quiet:
        print("next: buildgraph build")


@click.command()
@common
@click.pass_obj
def clean(common_: Common) -> None:
    """Remove the output folder and what this workspace remembers. The store keeps its results."""
    workspace = common_.workspace()
    with workspace.open("clean"):
        outputs = os.path.join(workspace.root, workspace.settings.outputs)
        shutil.rmtree(outputs, ignore_errors=True)
        state = os.path.join(workspace.root, ".buildgraph")
        for name in ("stage", "inputs", "workers", "logs"):
            shutil.rmtree(os.path.join(state, name), ignore_errors=True)
    shutil.rmtree(os.path.join(state, "ledger"), ignore_errors=True)
    if not common_.quiet:
        print(f"removed {workspace.settings.outputs}/ and the ledger; results stay in {workspace.settings.store}")


@click.command()
@common
@click.pass_obj
def doctor(common_: Common) -> int:
    """Check that this machine and this workspace have what builds need."""
    from buildgraph.report.health import examine

    try:
        workspace = common_.workspace() if find_root(common_.folder()) else None
    except BuildgraphError as error:
        print(f"  note  {error.headline}")
        workspace = None
    found = examine(workspace)
    for state, what, detail in found:
        print(f"  {state:<5} {what}" + (f": {detail}" if detail else ""))
    bad = sum(state == "bad" for state, _, _ in found)
    print(f"{len(found)} checks: {bad} bad" if bad else f"{len(found)} checks: all well")
    return 2 if bad else 0


@click.command()
@click.argument("archive")
@click.argument("folder")
@common
@click.pass_obj
def unpack(common_: Common, archive: str, folder: str) -> None:
    """Unpack ARCHIVE, made by a `pack` target, into the new folder FOLDER, checking every byte."""
    from buildgraph.archive import unpack as unpack_archive

    here = common_.folder()
    info = unpack_archive(os.path.join(here, archive), os.path.join(here, folder))
    if not common_.quiet:
        print(f"{len(info.members)} files unpacked into {folder} and verified")


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL: eval "$(buildgraph completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    for program in ("buildgraph", "bgr"):
        print(kind(ctx.find_root().command, {}, program, f"_{program.upper()}_COMPLETE").source())
    sys.stdout.flush()
