"""Makes what runs be what was hashed: modules that people edit are always compiled from their source.

Python trusts a `.pyc` when the source has the same size and the same modification time in whole seconds, so an edit
within one second can be missed. Installed packages keep their caches; everything else is compiled anew.
"""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any

_MARK = "_buildgraph_source_only"


def compile_from_source() -> None:
    """From now on this process ignores and does not write `.pyc` files of modules outside the installed prefixes."""
    original: Any = SourceFileLoader.get_code
    if hasattr(original, _MARK):
        return
    installed = tuple({f"{prefix}/" for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix)})

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if path.startswith(installed) and ("/lib/" in path or "/lib64/" in path):
            return original(self, fullname)  # type: ignore[no-any-return]
        return self.source_to_code(self.get_data(path), path)

    setattr(get_code, _MARK, True)
    SourceFileLoader.get_code = get_code  # type: ignore[method-assign,assignment]  # the one door every finder goes through
