"""Code digests as data: what is asked, what is answered, and the manifest that a digest covers.

Named tuples rather than dataclasses: every command imports this module, and they are made in a tenth of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from buildgraph.digest import Digest
from buildgraph.encoding import decode_trusted
from buildgraph.errors import EncodingError
from buildgraph.schema import DEFINITION

_FIELDS: Final = {"definitions", "distributions", "entry", "files", "granularity", "modules", "notes", "order"}


class Options(NamedTuple):
    """How the code of a target counts.

    `granularity`: only the entry point's own source, the definitions it reaches, the modules it reaches, or all of
    its top-level package. `version` stands in for the code altogether. `extra` are further entry points or modules
    that count; `ignored` are modules, with all below them, that do not. `strict`: what cannot be resolved by reading
    is an error.
    """

    granularity: str = DEFINITION
    version: str = ""
    extra: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    strict: bool = False


DEFAULT: Final = Options()


class CodeDigest(NamedTuple):
    """The identity of the code behind an entry point, and the facts it relied on.

    `manifest` is the canonical encoding of what `digest` covers. `files` are the files whose content counts, by
    absolute path. `preload` are third-party modules that a worker can import before it needs them. `notes` say what
    could not be resolved by reading, and what counts instead. `environment` are variables that the code reads.
    """

    digest: Digest
    manifest: bytes
    files: tuple[str, ...]
    preload: tuple[str, ...]
    notes: tuple[str, ...]
    environment: tuple[str, ...] = ()


class Reached(NamedTuple):
    """A definition that counts: its lines (from 1, decorators included), and the names that led to it.

    `name` is "" for a module that counts as a whole, and in angle brackets for a statement that only runs on import.
    """

    module: str
    name: str
    path: str
    first: int
    last: int
    via: tuple[str, ...]


def explain(manifest: bytes) -> dict[str, Any]:
    """The fields of a code digest's manifest, for people and for `diff`. Raises EncodingError when it is not one."""
    fields = decode_trusted(manifest)
    if not isinstance(fields, dict) or fields.keys() != _FIELDS:
        raise EncodingError("not the manifest of a code digest", code="BG042")
    return fields


def fields_of(
    entry: str, granularity: str, definitions: dict[str, str] | None = None, modules: dict[str, str] | None = None,
    distributions: dict[str, str] | None = None, files: dict[str, str] | None = None, notes: list[str] | None = None,
    order: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    return {
        "definitions": definitions or {}, "distributions": distributions or {}, "entry": entry, "files": files or {},
        "granularity": granularity, "modules": modules or {}, "notes": notes or [], "order": list(order),
    }  # fmt: skip
