"""Ways in which one function reaches another, and functions beside them that it does not reach."""

from __future__ import annotations

from benchmarks.edits.model import Edit, either, family, must_hit, must_run, swap

_GROUP = "functions"
_STEP = "app/step.py"
_PARTS = "app/parts.py"


def _pair(name: str, step: str, parts: str, reached: tuple[str, str], why: str, unrelated: tuple[str, str] | None = None) -> list[Edit]:
    """A step with the code that it uses in the same module; what changes there, and what changes beside it."""
    changes = [must_run(name, why, swap(_STEP, *reached))]
    if unrelated is not None:
        changes.append(must_hit(f"{name}: unrelated", "the step never gets there", swap(_STEP, *unrelated)))
    return family(_GROUP, {_STEP: f"{parts}\n\n{step}"}, *changes)


def _call(result: str) -> str:
    return f"def answer(path):\n    return {result}\n"


_OTHER = "\n\ndef other():\n    return 'this'\n"
_ASIDE = ("'this'", "'that'")

EDITS = [
    *family(
        _GROUP,
        {
            _STEP: "from app.parts import rate\n\n\n" + _call("rate(2)"),
            _PARTS: """\
from app.wraps import plus, times


@times(3)
def rate(count):
    return count


@plus
def other(count):
    return count - 1
""",
            "app/wraps.py": """\
import functools


def times(factor):
    def decorate(function):
        @functools.wraps(function)
        def call(count):
            return factor * function(count)

        return call

    return decorate


def plus(function):
    @functools.wraps(function)
    def call(count):
        return function(count) + 1

    return call


def minus(function):
    return lambda count: function(count) - 1
""",
        },
        must_run("decorator's argument", "it is part of what is called", swap(_PARTS, "times(3)", "times(4)")),
        must_run("decorator's body", "the call goes through it", swap("app/wraps.py", "factor * ", "factor + ")),
        must_hit("decorator not applied", "nothing uses it", swap("app/wraps.py", "(count) - 1", "(count) - 2")),
        must_hit("function under a pure decorator, unrelated", "the decorator only wraps it", swap(_PARTS, "count - 1", "count - 2")),
        either(
            "pure decorator of an unrelated function", "it runs at import; only a proof that it has no effect lets a tool skip it",
            swap("app/wraps.py", "(count) + 1", "(count) + 2"),
        ),
    ),
    *_pair(
        "lru_cache on a helper", _call("rate(2)"),
        "import functools\n\n\n@functools.lru_cache(maxsize=None)\ndef rate(count):\n    return count * 2\n\n\n@functools.lru_cache\ndef other():\n    return 'this'\n",
        ("count * 2", "count * 3"), "the step calls it through the cache", _ASIDE,
    ),
    *_pair(
        "nested function", _call("rate(2)"),
        "def rate(count):\n    def inner(number):\n        return number + 1\n\n    return inner(count)\n" + _OTHER,
        ("number + 1", "number + 2"), "it runs inside what the step calls", _ASIDE,
    ),
    *_pair(
        "closure", _call("add(3)"),
        "def adder(offset):\n    def add(count):\n        return count + offset\n\n    return add\n\n\nadd = adder(1)\nunused = adder\n" + _OTHER,
        ("adder(1)", "adder(2)"), "the captured value changes", _ASIDE,
    ),
    *_pair(
        "closure's factory", _call("add(3)"),
        "def adder(offset):\n    def add(count):\n        return count + offset\n\n    return add\n\n\nadd = adder(1)\n",
        ("count + offset", "count - offset"), "it made the function that is called",
    ),
    *_pair(
        "lambda in a constant", _call("RATE(2)"),
        "RATE = lambda count: count * 2\nOTHER = lambda: 'this'\n",
        ("count * 2", "count * 3"), "the step calls the constant", _ASIDE,
    ),
    *_pair(
        "functools.partial", _call("triple(2)"),
        "from functools import partial\n\n\ndef times(factor, count):\n    return factor * count\n\n\ntriple = partial(times, 3)\n" + _OTHER,
        ("factor * count", "factor + count"), "the partial holds the function", _ASIDE,
    ),
    *_pair(
        "functools.partial's argument", _call("triple(2)"),
        "from functools import partial\n\n\ndef times(factor, count):\n    return factor * count\n\n\ntriple = partial(times, 3)\n",
        ("partial(times, 3)", "partial(times, 4)"), "the partial holds the value",
    ),
    *_pair(
        "dict of functions", _call("TABLE['rate'](2)"),
        "def rate(count):\n    return count * 2\n\n\nTABLE = {'rate': rate}\n" + _OTHER,
        ("count * 2", "count * 3"), "the table names the function", _ASIDE,
    ),
    *_pair(
        "default argument that calls a helper", _call("rate(2)"),
        "def factor():\n    return 3\n\n\ndef rate(count, times=factor()):\n    return count * times\n" + _OTHER,
        ("return 3", "return 4"), "the call happens when the module is imported", _ASIDE,
    ),
    *_pair(
        "keyword-only default", _call("rate(2)"),
        "def rate(count, *, times=3):\n    return count * times\n",
        ("times=3", "times=4"), "the call leaves it out",
    ),
    *_pair(
        "generator", _call("list(numbers(3))"),
        "def numbers(count):\n    for number in range(count):\n        yield number\n\n\ndef other():\n    yield 'this'\n",
        ("yield number", "yield -number"), "the step draws from it", _ASIDE,
    ),
    *_pair(
        "generator delegating", _call("list(numbers(3))"),
        "def inner(count):\n    yield count + 1\n\n\ndef numbers(count):\n    yield from inner(count)\n",
        ("count + 1", "count + 2"), "yield from reaches it",
    ),
    *_pair(
        "async function", "import asyncio\n\n\n" + _call("asyncio.run(outer(2))"),
        "async def rate(count):\n    return count * 2\n\n\nasync def outer(count):\n    return await rate(count)\n\n\nasync def other():\n    return 'this'\n",
        ("count * 2", "count * 3"), "the step awaits it", _ASIDE,
    ),
    *_pair(
        "comprehension", _call("rates(3)"),
        "def rate(count):\n    return count * 2\n\n\ndef rates(count):\n    return [rate(number) for number in range(count)]\n" + _OTHER,
        ("count * 2", "count * 3"), "called for every element", _ASIDE,
    ),
    *_pair(
        "f-string", _call("shown()"),
        "SIGN = 'EUR'\nWIDTH = 5\nother = 'this'\n\n\ndef shown():\n    return f'{SIGN:>{WIDTH}}'\n",
        ("WIDTH = 5", "WIDTH = 8"), "read in a format specification", _ASIDE,
    ),
    *_pair(
        "f-string conversion", _call("shown()"),
        "SIGN = 'EUR'\n\n\ndef shown():\n    return f'{SIGN}'\n",
        ("{SIGN}", "{SIGN!r}"), "the conversion is code",
    ),
    *_pair(
        "walrus", _call("rate(2)"),
        "LIMIT = 3\nother = 'this'\n\n\ndef rate(count):\n    return half if (half := count / LIMIT) < 1 else count\n",
        ("LIMIT = 3", "LIMIT = 4"), "read inside the expression", _ASIDE,
    ),
    *_pair(
        "match statement", _call("rate(2)"),
        "class Level:\n    LOW = 2\n\n\nclass Other:\n    LOW = 'this'\n\n\ndef rate(count):\n    match count:\n        case Level.LOW:\n            return 'low'\n        case _:\n            return 'high'\n",
        ("LOW = 2", "LOW = 1"), "a pattern reads it", _ASIDE,
    ),
    *_pair(
        "global statement", _call("[count(), count()]"),
        "total = 0\nspare = 'this'\n\n\ndef step():\n    return 1\n\n\ndef count():\n    global total\n    total += step()\n    return total\n",
        ("total = 0", "total = 5"), "the function counts on from it", _ASIDE,
    ),
    *_pair(
        "context manager", _call("use()").replace("return use()", "with opened() as found:\n        return found"),
        "from contextlib import contextmanager\n\n\n@contextmanager\ndef opened():\n    yield 'open'\n\n\n@contextmanager\ndef other():\n    yield 'this'\n",
        ("'open'", "'shut'"), "the with statement enters it", _ASIDE,
    ),
    *_pair(
        "recursion", _call("even(3)"),
        "def even(count):\n    return True if count == 0 else odd(count - 1)\n\n\ndef odd(count):\n    return False if count == 0 else even(count - 1)\n" + _OTHER,
        ("return False if count == 0", "return True if count == 0"), "two functions call each other", _ASIDE,
    ),
    *_pair(
        "function passed as a value", _call("apply(rate, 2)"),
        "def apply(function, count):\n    return function(count)\n\n\ndef rate(count):\n    return count * 2\n" + _OTHER,
        ("count * 2", "count * 3"), "what it is passed to calls it", _ASIDE,
    ),
    *_pair(
        "sort key", _call("ordered(['bb', 'a', 'cc'])"),
        "def weight(word):\n    return (-len(word), word)\n\n\ndef ordered(words):\n    return sorted(words, key=weight)\n" + _OTHER,
        ("-len(word), word", "len(word), word"), "sorted calls it", _ASIDE,
    ),
    *_pair(
        "local variable that shadows a function", _call("rate(2)"),
        "def rate(count):\n    other = count + LIMIT\n    return other\n\n\nLIMIT = 1\n" + _OTHER,
        ("LIMIT = 1", "LIMIT = 2"), "the function reads the constant", _ASIDE,
    ),
    *_pair(
        "parameter that shadows a function", _call("rate(2, other=1)"),
        "def rate(count, other):\n    return count + other + LIMIT\n\n\nLIMIT = 1\n" + _OTHER,
        ("LIMIT = 1", "LIMIT = 2"), "the function reads the constant", _ASIDE,
    ),
    *_pair(
        "method named like a helper", _call("rate(2)"),
        "def helper(count):\n    return count * 2\n\n\ndef rate(count):\n    return helper(count)\n\n\nclass Box:\n    def helper(self):\n        return 'this'\n",
        ("count * 2", "count * 3"), "the function is called, not the method", _ASIDE,
    ),
    *_pair(
        "function defined twice", _call("rate(2)"),
        "def rate(count):\n    return 'this'\n\n\ndef rate(count):\n    return count * 2\n",
        ("count * 2", "count * 3"), "the later definition is the one that is called",
    ),
    *_pair(
        "constant unpacked from a tuple", _call("LOW"),
        "LOW, HIGH = 1, 2\nother = 'this'\n", ("1, 2", "3, 2"), "both names come from one statement", _ASIDE,
    ),
    *_pair(
        "constant from another constant", _call("AREA"),
        "WIDTH = 2\nAREA = WIDTH * WIDTH\nother = 'this'\n", ("WIDTH = 2", "WIDTH = 3"), "computed at import", _ASIDE,
    ),
    *_pair(
        "try, finally", _call("rate([])"),
        "def after(found):\n    found.append(1)\n\n\ndef rate(found):\n    try:\n        return found\n    finally:\n        after(found)\n" + _OTHER,
        ("append(1)", "append(2)"), "runs on the way out", _ASIDE,
    ),
]
