"""The same program in other words, and changes that only look like that."""

from __future__ import annotations

from benchmarks.edits.model import either, family, must_hit, must_run, put, swap

_STEP = '''\
import json
import os

LIMIT = 1000
MASK = 16
HOUR = 60 * 60
NAME = "plain"
LETTER = "\\u00e9"
PAIR = ("a" "b")
ONE = (1)


def answer(path):
    total = (LIMIT + MASK) * 2 + HOUR
    if total > 10 and MASK: total += 1
    return json.dumps([total, NAME, LETTER, PAIR, ONE, len(os.sep)])
'''

_same = "the compiler sees the same program"
_PROJECT = {"app/step.py": _STEP}

EDITS = [
    *family(
        "spelling",
        _PROJECT,
        must_hit("quotes of a string", _same, swap("app/step.py", '"plain"', "'plain'")),
        must_hit("underscore in a number", _same, swap("app/step.py", "1000", "1_000")),
        must_hit("hexadecimal number", _same, swap("app/step.py", "16", "0x10")),
        must_hit("escape written out", _same, swap("app/step.py", "\\u00e9", "é")),
        must_hit("adjacent strings joined", _same, swap("app/step.py", '("a" "b")', '"ab"')),
        must_hit("parentheses added", _same, swap("app/step.py", "(LIMIT + MASK) * 2 + HOUR", "((LIMIT + MASK) * 2) + HOUR")),
        must_run("comma that makes a tuple", "it only looks like layout", swap("app/step.py", "(1)", "(1,)")),
        must_run("parentheses moved", "they only look like layout", swap("app/step.py", "(LIMIT + MASK) * 2", "LIMIT + (MASK * 2)")),
        must_hit("one line becomes two", _same, swap("app/step.py", "MASK: total", "MASK:\n        total")),
        must_hit("backslash continuation", _same, swap("app/step.py", "10 and MASK", "10 \\\n            and MASK")),
        must_hit("indentation by tabs", _same, put("app/step.py", _STEP.replace("    ", "\t"))),
        must_hit("line endings of Windows", _same, put("app/step.py", _STEP.replace("\n", "\r\n"))),
        must_hit("byte order mark", _same, put("app/step.py", "\ufeff" + _STEP)),
        must_hit("no newline at the end", _same, put("app/step.py", _STEP.rstrip())),
        must_hit("type comment", "comments are no code", swap("app/step.py", "+ HOUR\n", "+ HOUR  # type: int\n")),
        must_hit("docstring added", "nobody reads it at run time", swap("app/step.py", "(path):\n", '(path):\n    """Add."""\n')),
        must_hit(
            "standard imports reordered", "names of the standard library, no order between them",
            swap("app/step.py", "import json\nimport os\n", "import os\nimport json\n"),
        ),
        must_hit("unused standard import added", "nothing uses the name", swap("app/step.py", "import os\n", "import os\nimport string\n")),
        must_hit(
            "local variable annotated", "such annotations are neither evaluated nor kept",
            swap("app/step.py", "total = (", "total: int = ("),
        ),
        either(
            "constant folded", "CPython compiles both alike, but that is an optimisation and no promise",
            swap("app/step.py", "60 * 60", "3600"),
        ),
        either(
            "pass added", "it does nothing, but it is a statement that traces and coverage see",
            swap("app/step.py", "    total = (", "    pass\n    total = ("),
        ),
    ),
    *family(
        "spelling",
        {"app/step.py": "NAME = 'é'\n\n\ndef answer(path):\n    return NAME\n"},
        must_run(
            "comment that declares an encoding", "it changes what the bytes of a string mean",
            put("app/step.py", "# -*- coding: latin-1 -*-\nNAME = 'é'\n\n\ndef answer(path):\n    return NAME\n"),
        ),
    ),
    *family(
        "spelling",
        {
            "app/step.py": """\
from app import parts


def answer(path):
    total = parts.price(2)
    return [total, parts.shown(2), parts.checked(3), parts.hints()]
""",
            "app/parts.py": '''\
from typing import get_type_hints


def price(count: int) -> int:
    rate = 3
    return count * rate


def shown(count):
    rate = count + 1
    return sorted(locals())


def accept(count):
    return count


def checked(count):
    try:
        return accept(count)
    except AssertionError:
        return "refused"


def convert(count: int):
    return count


def hints():
    return [kind.__name__ for kind in get_type_hints(convert).values()]
''',
        },
        either(
            "local variable renamed", "the result is the same, but locals() and debuggers see names",
            swap("app/parts.py", "    rate = 3\n    return count * rate", "    fee = 3\n    return count * fee"),
        ),
        must_run("local variable renamed and seen", "the function returns locals()", swap("app/parts.py", "rate = count + 1", "fee = count + 1")),
        either(
            "type hint that nobody reads", "the result is the same, but any code can read __annotations__",
            swap("app/parts.py", "def price(count: int) -> int", "def price(count: float) -> float"),
        ),
        must_run("type hint read at run time", "get_type_hints returns it", swap("app/parts.py", "convert(count: int)", "convert(count: float)")),
        either(
            "assertion that holds", "the result is the same for these inputs, not for all",
            swap("app/parts.py", "    rate = 3\n", "    rate = 3\n    assert count > 0\n"),
        ),
        must_run("assertion that fails", "the caller catches it", swap("app/parts.py", "accept(count):\n", "accept(count):\n    assert count < 3\n")),
    ),
    *family(
        "spelling",
        {
            "app/step.py": "from app.parts import rate, tax\n\n\ndef answer(path):\n    return [rate.__doc__, tax(1)]\n",
            "app/parts.py": '''\
def rate():
    """Three."""


def tax(count):
    """Two."""
    return count * 2
''',
        },
        must_run("docstring read at run time", "the step returns f.__doc__ of another module", swap("app/parts.py", "Three.", "Four.")),
    ),
    *family(
        "spelling",
        {"app/step.py": "def rate(count: int):\n    return count\n\n\ndef answer(path):\n    return str(rate.__annotations__)\n"},
        must_run(
            "annotations from the future", "a compiler flag turns annotations into strings",
            put("app/step.py", "from __future__ import annotations\n\n\ndef rate(count: int):\n    return count\n\n\ndef answer(path):\n    return str(rate.__annotations__)\n"),
        ),
    ),
]
