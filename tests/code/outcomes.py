"""Runs `app.step:answer` of many folders, each in a process of its own: reads [[folder, environment]], writes results."""

from __future__ import annotations

import importlib
import json
import os
import sys


def outcome(folder: str, environment: dict[str, str]) -> str:
    """What the step returns or raises, as text without the folder in it. It runs in a fork: nothing is left behind."""
    source, sink = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.chdir(folder)
            os.environ.update(environment)
            sys.path[:0] = [folder, f"{folder}/site"]
            try:
                said = repr(importlib.import_module("app.step").answer())
            except BaseException as error:
                said = f"raised {error!r}"
            with os.fdopen(sink, "wb") as file:
                file.write(said.replace(folder, "<folder>").encode("utf-8", "surrogatepass"))
        finally:
            os._exit(0)
    os.close(sink)
    with os.fdopen(source, "rb") as file:
        said = file.read().decode("utf-8", "surrogatepass")
    os.waitpid(child, 0)
    return said


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with os.fdopen(answer, "w") as out:
        json.dump([outcome(folder, environment) for folder, environment in json.load(sys.stdin)], out)
