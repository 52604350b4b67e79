"""What well-known functions and methods do with what they are given, as far as names can tell."""

from __future__ import annotations

import re
from typing import Final

# Methods that only look at what they are called on, and functions that only look at their arguments.
LOOKING: Final = frozenset((
    "copy", "count", "critical", "debug", "endswith", "error", "exception", "format", "get", "index", "info", "items", "join", "keys", "log",
    "lower", "match", "search", "split", "startswith", "strip", "upper", "values", "warning",
))  # fmt: skip
READERS: Final = frozenset((
    "all", "any", "bool", "dict", "enumerate", "filter", "float", "getattr", "hasattr", "id", "int", "isinstance", "issubclass", "iter", "len",
    "list", "map", "max", "min", "print", "range", "repr", "reversed", "set", "sorted", "str", "sum", "tuple", "type", "zip",
))  # fmt: skip
CALLERS: Final = frozenset(("filter", "map", "max", "min", "sorted"))  # which call functions that they are given
# Methods that change what they belong to, also when they are handed over and called elsewhere.
CHANGING: Final = frozenset((
    "__setitem__", "add", "append", "appendleft", "extend", "insert", "pop", "register", "remove", "setdefault", "subscribe", "update",
))  # fmt: skip
ENVIRONMENT: Final = ("environ.get", "environ.pop", "environ.setdefault", "getenv")
RESOLVERS: Final = frozenset(("import_from_string", "import_object", "import_string", "load_object", "locate", "resolve_name"))
BY_TEXT: Final = frozenset(("eval", "exec", "find_spec", "get")) | RESOLVERS
# Methods that run when an object is made or called, a class derived, a field put into a class.
CONSTRUCTORS: Final = frozenset(("__call__", "__init__", "__init_subclass__", "__new__", "__post_init__", "__prepare__", "__set_name__"))

_SETTER: Final = re.compile(
    "set(_|[A-Z]|default|locale|profile|rec|switch|trace)|(manual_)?seed$|(un)?register|install|patch|configure|enable|disable|use$|chdir|putenv|"
    "simplefilter|filterwarnings|add_[a-z]|(basic|dict|file)Config|reset"
)
_CHANGERS: Final = frozenset((
    "delitem", "heapify", "heappop", "heappush", "heapreplace", "iadd", "insort", "insort_left", "insort_right", "ior", "setitem", "shuffle",
))  # fmt: skip


def changes_argument(chain: str) -> bool:
    """Whether a function outside the project surely changes what it is given: `heapq.heappush`."""
    return chain.rpartition(".")[2] in _CHANGERS


def sets(chain: str) -> bool:
    """Whether a function outside the project, called `chain`, surely is there to change something: `sys.setrecursionlimit`."""
    return _SETTER.match(chain.rpartition(".")[2]) is not None
