"""What a value's own code adds to its identity: equal content of a class that was edited is not the same value.

Whoever calls a method of a value runs code that is not the caller's. So a value that carries classes of the workspace is
identified by its content and the code of those classes; plain data, and what installed packages bring, by content alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from buildgraph.code import CodeDigest
from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.errors import UsageError

CodeOf = Callable[[str], CodeDigest]  # by "module:Name"; raises UsageError when there is no such code
Behind = Mapping[str, CodeDigest | None]  # classes of the workspace and their code, None where none can be found


def behind(classes: Iterable[str], code_of: CodeOf) -> Behind:
    """The code behind those of `classes` whose code counts by its files. Installed packages count by their version."""
    found: dict[str, CodeDigest | None] = {}
    for name in classes:
        module, _, inner = name.partition(":")
        outermost = inner.partition(".")[0]
        code = _code(f"{module}:{outermost}", code_of)
        package = code or _code(f"{module.partition('.')[0]}:{outermost}", code_of)
        if package is None or package.files:
            found[name] = code
    return found


def _code(entry_point: str, code_of: CodeOf) -> CodeDigest | None:
    try:
        return code_of(entry_point)
    except UsageError:
        return None  # a class that was made while the program ran, say


def files_of(code: Behind) -> list[str]:
    """The files that the behaviour relies on, by absolute path."""
    return sorted({file for each in code.values() if each is not None for file in each.files})


def identity(content: Digest, code: Behind, otherwise: Digest) -> Digest:
    """What children see of a value: its content, and the code that it carries.

    `otherwise` stands in for code that cannot be found: the producer's key, so that children run whenever it does anew.
    """
    if not code:
        return content
    rows = [[name, otherwise if each is None else each.digest] for name, each in sorted(code.items())]
    return Digest.of(encode(["buildgraph.behaviour", content, rows]))
