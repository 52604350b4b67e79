"""Strings that say what code runs: source text, modules to look for, objects by their path."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from buildgraph.code.dynamic import Import
from buildgraph.code.scopes import Reading
from buildgraph.code.vocabulary import RESOLVERS


def follow_text(found: Reading, stack: list[Any], function: str, receiver: str, text: str) -> bool:
    """Adds to `found` what a call with `text` as its first argument leads to; code in it goes on the `stack` of the walk.

    Whether nothing else is to be known of the function that is called.
    """
    if function in ("exec", "eval") and not receiver:
        try:
            with warnings.catch_warnings(action="ignore"):
                tree = ast.parse(text.strip())
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        stack.append(tree.body)
        for node in ast.walk(tree):  # whoever holds the names that it leaves has all that it imports
            if isinstance(node, ast.ImportFrom):
                found.takes.update((node.level, node.module or "", alias.name, "") for alias in node.names)
            elif isinstance(node, ast.Import):
                found.literal_imports += [Import(0, alias.name, ()) for alias in node.names]
        return True
    if function == "find_spec" or (function == "get" and receiver == "sys.modules"):
        found.literal_imports.append(Import(0, text, ()))
    elif function in RESOLVERS:
        module, colon, name = text.partition(":")
        module, _, name = (module, colon, name) if colon else text.rpartition(".")
        if module and name:
            found.takes.add((0, module, name.partition(".")[0], ""))
            found.imports.append(Import(0, module, ()))
    return False
