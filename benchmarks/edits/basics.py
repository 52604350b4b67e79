"""The nineteen edits that every tool should get right: one project, seven edits that change nothing, twelve that do."""

from __future__ import annotations

from benchmarks.edits.model import distribution, family, must_hit, must_run, rewrite, swap, upgrade, variable

_STEP = '''\
"""Counts the words of a file."""

import os
from importlib import import_module

import app_vendor
from app.base import Base
from app.text import clean

WEIGHT = 2


class Model(Base):
    def scale(self, weight):
        return self.bias() + weight


def answer(path, times=1):
    """What the build asks for."""
    with open(path) as file:  # one line of numbers
        words = clean(file.read().split())
    plugin = import_module("app.plugin")
    return [double(words), Model().scale(WEIGHT) * times, plugin.NAME, app_vendor.VALUE, os.environ.get("APP_MODE")]


def double(words):
    return words * 2


def first(words):
    return words[:1]
'''

_PROJECT = {
    "app/step.py": _STEP,
    "app/base.py": "class Base:\n    def bias(self):\n        return 10\n",
    "app/text.py": """\
from app.words import STOP


def clean(words):
    return [word for word in words if word not in STOP]


def shout(words):
    return [word.upper() for word in words]
""",
    "app/words.py": 'STOP = ("1",)\n',
    "app/plugin.py": 'NAME = "plain"\n',
    **distribution("app_vendor", "1.0", "VALUE = 1\n"),
}

_REFORMATTED = '''\
    return [
        double(words),
        Model().scale(WEIGHT) * times,
        plugin.NAME,
        app_vendor.VALUE,
        os.environ.get("APP_MODE"),
    ]
'''
_RETURN = _STEP[_STEP.index("    return [double") : _STEP.index("\n\ndef double")]

EDITS = family(
    "the nineteen",
    _PROJECT,
    must_hit("comment", "comments are no code", swap("app/step.py", "one line of numbers", "a line of numbers")),
    must_hit("docstring", "nobody reads it at run time", swap("app/step.py", "What the build asks for.", "Counts.")),
    must_hit("reformat", "layout is no code", swap("app/step.py", _RETURN, _REFORMATTED)),
    must_hit("shifted lines", "line numbers are no code", swap("app/step.py", "WEIGHT = 2\n", "\n\n# heavy\nWEIGHT = 2\n")),
    must_hit("unrelated function here", "nothing calls it", swap("app/step.py", "words[:1]", "words[:2]")),
    must_hit("unrelated function in an imported module", "nothing calls it", swap("app/text.py", "upper", "title")),
    must_hit("touch", "the bytes are the same", rewrite("app/step.py")),
    must_run("body", "the code itself", swap("app/step.py", "double(words), ", "double(words)[1:], ")),
    must_run("default argument", "the call leaves it out", swap("app/step.py", "times=1", "times=3")),
    must_run("helper here", "the step calls it", swap("app/step.py", "words * 2", "words * 3")),
    must_run("module constant", "the step reads it", swap("app/step.py", "WEIGHT = 2", "WEIGHT = 5")),
    must_run("method of a used class", "the step calls it", swap("app/step.py", "+ weight", "- weight")),
    must_run("base class elsewhere", "a method is inherited", swap("app/base.py", "10", "20")),
    must_run("helper elsewhere", "the step calls it", swap("app/text.py", "not in STOP", "in STOP")),
    must_run("second-hop constant", "what the step calls reads it", swap("app/words.py", '("1",)', '("2",)')),
    must_run("plug-in by literal name", 'import_module("...") reaches it', swap("app/plugin.py", "plain", "fancy")),
    must_run("third-party upgrade", "the step reads a value of it", upgrade("app_vendor", "1.0", "2.0", "VALUE = 2\n")),
    must_run("environment variable", "the step reads it", variable("APP_MODE", "slow", "fast")),
    must_run("input file", "the step reads it", swap("app/input.txt", "3 1 2", "3 4 2")),
)
