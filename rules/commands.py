"""`command`: a program run on files. It runs in the workspace root and writes its outputs into a folder of its own."""

from __future__ import annotations

import os
import re
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from buildgraph.rules.functions import check_outs
from buildgraph.rules.sourcing import sources

from buildgraph.component import Files
from buildgraph.errors import MachineError, TargetError, UsageError
from buildgraph.label import is_label
from buildgraph.rule import Package, rule
from buildgraph.schema import FILES, IMPLICIT, Policy, SchemaNode

_SUBSTITUTION = re.compile(r"\$(?:\$|\((in|out|outs|outdir|location\s+[^)\s]+)\)|\(([^)]*)\))")
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_SHELL_WORDS = frozenset(
    (
        "if",
        "then",
        "else",
        "fi",
        "for",
        "do",
        "done",
        "while",
        "case",
        "esac",
        "set",
        "cd",
        "exit",
        "export",
        "{",
        "}",
        "!",
        "exec",
        "(",
        "[",
        ":",
    )
)


@rule
def command(
    package: Package, name: str, cmd: str | None = None, argv: Sequence[str] | None = None, srcs: Sequence[str] = (),
    outs: Sequence[str] = (), deps: Sequence[str] = (), env: Mapping[str, str] | None = None, timeout: float | None = None,
    env_inherit: Sequence[str] = (), *, retries: int = 0, cacheable: bool = True, tags: Sequence[str] = (),
) -> Mapping[str, SchemaNode]:  # fmt: skip
    """Run `argv`, or the shell line `cmd`, with the workspace root as current folder.

    `srcs` (labels, paths, globs) are what `$(in)` stands for; `deps` are further inputs. `$(out)` is the one output,
    `$(outs)` all of them, `$(outdir)` their folder, `$(location LABEL)` the file of an input, `$$` a dollar sign.
    All of `outs` must appear, and nothing else. `env` sets variables, `env_inherit` names those taken from the caller.
    """
    if (cmd is None) == (argv is None):
        raise UsageError(
            f"command '{name}' needs either cmd or argv",
            code="BG058",
            why="cmd is a line for the shell, argv a program and its arguments",
            fix="give exactly one of them",
        )
    if argv is not None and not argv:
        raise UsageError(
            f"command '{name}' has an empty argv",
            code="BG058",
            why="its first element is the program to run",
            fix='write argv=["program", "argument"]',
        )
    nodes: dict[str, SchemaNode] = {}
    listed = [_input(package, text, nodes) for text in srcs]
    others = [_input(package, text, nodes) for text in deps]
    texts = [
        _labelled(package, name, text, {*listed, *others}, outs) for text in (argv if argv is not None else [cmd or ""])
    ]
    inherit_path = "PATH" in env_inherit
    needs = {label: label for label in [*listed, *others]}
    for tool, required in _tools(texts, argv is not None):
        label = f"@tool:{tool}{'+PATH' if inherit_path else ''}{'' if required else '?'}"
        nodes[label] = _tool(tool, inherit_path, required)
        needs[label] = label
    policy = Policy(
        timeout=timeout, retries=retries, environment=tuple(env_inherit), cacheable=cacheable, tags=tuple(tags), outs=check_outs(name, outs), inputs=FILES,
    )  # fmt: skip
    config = {
        "argv": texts if argv is not None else None,
        "cmd": texts[0] if argv is None else None,
        "env": dict(env or {}),
        "srcs": listed,
        "outs": list(outs),
    }
    nodes[name] = SchemaNode(needs, "buildgraph.rules.commands:run", "", "", config, policy=policy)
    return nodes


@lru_cache(maxsize=256)  # most commands of a build file name the same few programs
def _tool(name: str, inherit_path: bool, required: bool) -> SchemaNode:
    config = {"name": name, "inherit_path": inherit_path, "required": required}
    return SchemaNode({}, "buildgraph.rules.commands:locate", "", "", config, is_input=True, policy=Policy(tags=(IMPLICIT,)))


def _input(package: Package, text: str, nodes: dict[str, SchemaNode]) -> str:
    label, implicit = sources(package, text)
    nodes.update(implicit)
    return label


def _labelled(package: Package, name: str, text: str, known: set[str], outs: Sequence[str]) -> str:
    """`text` with every label in it written in full. Raises UsageError (BG059) for a substitution that cannot work."""

    def full(match: re.Match[str]) -> str:
        word, unknown = match.group(1), match.group(2)
        if unknown is not None:
            raise UsageError(
                f"command '{name}' uses $({unknown})", code="BG059", why="substitutions are $(in), $(out), $(outs), $(outdir), $(location LABEL) and $$",
                fix=f"write $$({unknown}) to hand it to the shell",
            )  # fmt: skip
        if word == "out" and len(outs) != 1:
            raise UsageError(
                f"command '{name}' uses $(out) and has {len(outs)} outputs",
                code="BG059",
                why="$(out) is the one output",
                fix="use $(outs) or $(outdir)",
            )
        if word in ("outs", "outdir") and not outs:
            raise UsageError(
                f"command '{name}' uses $({word}) and has no outputs",
                code="BG059",
                why="only a command with outputs has a folder for them",
                fix="declare what it writes: outs=[...]",
            )
        if word is not None and word.startswith("location"):
            asked = word.split()[1]
            label = package.resolve(asked) if is_label(asked) else sources(package, asked)[0]
            if label not in known:
                raise UsageError(
                    f"command '{name}' uses $({word}), which is not among its inputs",
                    code="BG059",
                    why="a command sees what it lists",
                    fix=f"add '{asked}' to deps",
                )
            return f"$(location {label})"
        return match.group(0)

    return _SUBSTITUTION.sub(full, text)


def _tools(texts: Sequence[str], is_argv: bool) -> list[tuple[str, bool]]:
    """The programs that a command names, each with whether it must exist; those in the workspace are inputs instead."""
    if is_argv:
        return [] if "$(" in texts[0] or ("/" in texts[0] and not texts[0].startswith("/")) else [(texts[0], True)]
    found = {"sh": True}
    for part in re.split(r"\|\||&&|[;|&\n]", texts[0]):
        words = [word for word in part.split() if not re.fullmatch(r"[A-Za-z_]\w*=.*", word)]
        if words and re.fullmatch(r"[\w.+-]+|/[\w./+-]+", words[0]) and words[0] not in _SHELL_WORDS:
            found.setdefault(words[0], False)
    return list(found.items())


def locate(
    *, name: str, inherit_path: bool, required: bool, sources: Any, tools: Callable[[str, bool], str | None]
) -> str:
    """The identity of a program: the digest of its file, wherever it lies; empty for a word the shell knows itself."""
    path = tools(name, inherit_path)
    if path is None:
        if not required:
            return ""
        raise MachineError(
            f"there is no program '{name}'", code="BG060", facts=(("looked in", "the inherited PATH" if inherit_path else "the standard folders such as /usr/bin"),),
            why="commands run with a fixed PATH, so that everybody runs the same programs", fix=f"install '{name}', or let the command see your PATH: env_inherit=[\"PATH\"]",
        )  # fmt: skip
    digest, _, _ = sources.digest(path)
    return str(digest)


def run(
    *,
    argv: list[str] | None,
    cmd: str | None,
    env: dict[str, str],
    srcs: list[str],
    outs: list[str],
    root: str,
    target: str,
    environ: dict[bytes, bytes],
    stage: str,
    **inputs: Files,
) -> None:
    """Run one command in this worker; what it prints goes to the target's log. Raises TargetError (BG218, BG219)."""

    def expand(word: str) -> list[str]:
        if word == "in":
            return [path for label in srcs for path in inputs[label].in_workspace]
        if word == "outdir":
            return [stage]
        if not word.startswith("location"):
            return [f"{stage}/{out}" for out in outs]
        label = word.split()[1]
        paths = inputs[label].in_workspace
        if len(paths) != 1:
            raise TargetError(
                f"$(location {label.removeprefix('@src:')}) of '{target}' is {len(paths)} files",
                code="BG219",
                why="$(location) stands for exactly one file",
                fix="use $(in), or a label with one file",
            )
        return list(paths)

    if argv is not None:
        line = [text for each in argv for text in _argument(each, expand)]
    else:
        line = [
            "sh",
            "-c",
            _SUBSTITUTION.sub(
                lambda m: "$" if m.group(1) is None else " ".join(map(shlex.quote, expand(m.group(1)))), cmd or ""
            ),
        ]
    environment = {**environ, **{os.fsencode(name): os.fsencode(value) for name, value in env.items()}} if env else environ
    status = _spawn(line, environment, root, target)
    if status:
        how = f"exited with status {status}" if status > 0 else f"was ended by signal {-status}"
        raise TargetError(
            f"the command of '{target}' {how}", code="BG218", facts=(("command", shlex.join(line)[:1000]),), why="a command fails by exiting with another status than 0",
            fix=f"correct it; `buildgraph log {target}` shows all it printed",
        )  # fmt: skip


def _argument(text: str, expand: Callable[[str], list[str]]) -> list[str]:
    """One element of argv: a lone substitution may become several arguments, an embedded one is joined by spaces."""
    if "$" not in text:
        return [text]
    alone = _SUBSTITUTION.fullmatch(text)
    if alone is not None and alone.group(1) is not None:
        return expand(alone.group(1))
    return [_SUBSTITUTION.sub(lambda m: "$" if m.group(1) is None else " ".join(expand(m.group(1))), text)]


@lru_cache(maxsize=256)  # programs do not move while a worker lives: it serves one build
def _program(name: str, search: bytes) -> str:
    """The file of a program on the search path; the name itself when there is none, so that running it fails."""
    if "/" in name:
        return name
    candidates = (os.path.join(folder, name) for folder in os.fsdecode(search).split(":"))
    return next((path for path in candidates if os.path.isfile(path) and os.access(path, os.X_OK)), name)


def _spawn(line: list[str], environment: dict[bytes, bytes], root: str, target: str) -> int:
    """Run a program in `root` and wait: its exit status, or minus the signal that ended it.

    It starts with every signal at its default: Python ignores two of them, and a program would inherit that. The
    worker goes back to its own folder when the action is over.
    """
    os.chdir(root)
    try:
        pid = os.posix_spawn(_program(line[0], environment.get(b"PATH", b"")), line, environment, setsigdef=_IGNORED_BY_PYTHON)
    except OSError as error:
        raise TargetError(
            f"'{line[0]}' of '{target}' cannot be run: {error.strerror}", code="BG219", facts=(("command", shlex.join(line)[:1000]),),
            why="the first word of a command is a program", fix="install it, correct its name, or make it executable",
        ) from None  # fmt: skip
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
