"""Runs in a process of its own with one release on the path: calls one component in every way it can think of, and writes down what ran.

`python exercise.py ROOT MODULE:NAME FILE`. Into the file goes a JSON list of [file, line, function] of every function below ROOT
that was called after the component's module had been imported, without those that only ran because yet another module
was being imported. No call is expected to succeed; standard input is closed, and whoever starts this sets a time limit.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

_METHODS = 40  # of an object, at most


def _samples() -> Iterator[tuple[Any, ...]]:
    """Arguments to try: nothing, plain values, a table of numbers with its classes, a graph."""
    yield from ((), ("some text",), (70,), (["c", "a", "b"],), ({"a": 1},), ("name", "some text"))
    try:
        numpy: Any = importlib.import_module("numpy")
        chance = numpy.random.default_rng(0)
        yield chance.normal(size=(60, 3)), numpy.array([0] * 45 + [1] * 15)
    except ImportError:
        pass
    if "networkx" in sys.modules:
        graph = sys.modules["networkx"].path_graph(5)
        yield from ((graph,), (graph, 0), (graph, 0, 4), (graph, graph))


def _try(function: Any, *arguments: Any) -> Any:
    try:
        found = function(*arguments)
        return list(found)[:100] if inspect.isgenerator(found) else found
    except BaseException:  # noqa: BLE001 - SystemExit included: what is interesting is what ran until then
        return None


def _exercise(component: Any) -> None:
    made = [found for sample in _samples() if (found := _try(component, *sample)) is not None]
    for each in made[:3]:
        if not type(each).__module__.startswith(component.__module__.partition(".")[0]):
            continue
        for function in (repr, str, len, list):
            _try(function, each)
        for name in [name for name in dir(each) if not name.startswith("_")][:_METHODS]:
            method = _try(getattr, each, name)
            if callable(method):
                for sample in _samples():
                    _try(method, *sample)


def main() -> None:
    root, point = os.path.realpath(sys.argv[1]) + os.sep, sys.argv[2]
    module, _, name = point.partition(":")
    component = getattr(importlib.import_module(module), name)
    ran: set[tuple[str, int, str]] = set()

    def note(frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_flags & inspect.CO_OPTIMIZED and code.co_filename.startswith(root):
            above: FrameType | None = frame
            while above is not None and above.f_code.co_name != "<module>":
                above = above.f_back
            if above is None or above.f_code.co_filename == __file__:
                ran.add((code.co_filename.removeprefix(root), code.co_firstlineno, code.co_qualname))

    sys.setprofile(note)
    _exercise(component)
    sys.setprofile(None)
    with open(sys.argv[3], "w") as file:
        json.dump(sorted(ran), file)
    os._exit(0)  # threads and exit handlers of the component are nobody's business


if __name__ == "__main__":
    main()
