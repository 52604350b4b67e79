"""`CodeIndex`: which code stands behind an entry point. The way in; what it takes to read code is imported when needed."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping, Sequence
from typing import TYPE_CHECKING, Final

from buildgraph.code.digests import DEFAULT, CodeDigest, Options, Reached, fields_of
from buildgraph.digest import Digest
from buildgraph.encoding import encode
from buildgraph.schema import MODULE
from buildgraph.version import VERSION

if TYPE_CHECKING:
    from buildgraph.code.closures import Closures

_ENGINE: Final = "buildgraph"
_PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_HARMLESS: Final = ("which is not installed", "which does not exist")  # endings of notes that widen nothing


class CodeIndex:
    """The code digests of one workspace at one moment: listings, modules and closures are found once and kept.

    `root` is the workspace; `search` the folders of installed packages, in the order of the path; `read` returns a
    file's content and its digest, `digest` its digest alone, from memory if need be; `memo` remembers summaries by
    content, and closures by the facts they rely on. Nothing in the folders `skip` is ever looked at: what is made there
    is no source. No user code is ever imported.
    """

    __slots__ = ("_digest", "_found", "_inner", "_make")

    def __init__(
        self,
        root: str,
        *,
        search: Sequence[str],
        read: Callable[[str], tuple[bytes, Digest]],
        digest: Callable[[str], Digest] | None = None,
        memo: MutableMapping[bytes, bytes] | None = None,
        skip: Sequence[str] = (),
    ) -> None:
        look = digest or (lambda path: read(path)[1])
        self._digest = look
        self._found: dict[tuple[str, Options], CodeDigest] = {}
        self._inner: Closures | None = None

        def make() -> Closures:
            from buildgraph.code.closures import Closures  # a workspace of commands never reads Python code

            return Closures(root, search, read, look, {} if memo is None else memo, skip)

        self._make = make

    def of(self, entry_point: str, options: Options = DEFAULT) -> CodeDigest:
        """The code digest of `entry_point`, "package.module:Name". Raises UsageError when there is no such code."""
        known = self._found.get((entry_point, options))
        if known is None:
            known = self._of(entry_point, options)
            if options.strict and (unresolved := [note for note in known.notes if not note.endswith(_HARMLESS)]):
                from buildgraph.code.problems import unresolved as problem

                raise problem(entry_point, unresolved)
            self._found[entry_point, options] = known
        return known

    def reached(self, entry_point: str, options: Options = DEFAULT) -> tuple[Reached, ...]:
        """The definitions behind `entry_point`, in the order of modules and lines; whole modules at other granularities."""
        return self._closures().reached(entry_point, options, self.of(entry_point, options).files)

    def source_of(self, code: Digest, title: str) -> tuple[int, int, str] | None:
        """First line, last line and text of a definition ("pkg.module.name") in the code that had that digest.

        None when this workspace has not seen that code.
        """
        return self._closures().source_of(code, title)

    def listed(self) -> tuple[str, ...]:
        """The folders whose listings decided what an import means: a file that appears there may change a digest."""
        return self._inner.finder.listed() if self._inner is not None else ()

    def looked(self) -> tuple[str, ...]:
        """The folders whose listings were asked for, whether they exist or not."""
        return self._inner.finder.looked() if self._inner is not None else ()

    def _closures(self) -> Closures:
        if self._inner is None:
            self._inner = self._make()
        return self._inner

    def _of(self, entry_point: str, options: Options) -> CodeDigest:
        module, _, name = entry_point.partition(":")
        if not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            from buildgraph.code.problems import not_an_entry_point

            raise not_an_entry_point(entry_point)
        if module.startswith(f"{_ENGINE}."):
            return self._engine(module)
        if options.version:
            return _versioned(entry_point, options)
        return self._closures().of(entry_point, options)

    def _engine(self, entry: str) -> CodeDigest:
        """The code of a standard rule: the file it is in, and the version of this package, which is the rest of it."""
        inner = entry.partition(".")[2].replace(".", "/")
        path = f"{_PACKAGE}/{inner}.py"
        if not os.path.isfile(path) and inner.startswith("rules/"):  # which a checkout keeps beside the package
            path = f"{os.path.dirname(_PACKAGE)}/{inner}.py"
        if not os.path.isfile(path):
            from buildgraph.code.problems import no_such_module

            raise no_such_module(entry, self._closures().finder)
        fields = fields_of(entry, MODULE, modules={entry: self._content(path)}, distributions={_ENGINE: VERSION})
        manifest = encode(fields)
        return CodeDigest(Digest.of(manifest), manifest, (path,), (), ())

    def _content(self, path: str) -> str:
        try:
            return self._digest(path).hex()
        except OSError as error:
            from buildgraph.code.problems import unreadable

            raise unreadable(path, error) from error


def _versioned(entry_point: str, options: Options) -> CodeDigest:
    """The code as its author numbers it: nothing of it is read."""
    notes = [f"the code counts as version '{options.version}', whatever it says"]
    manifest = encode(fields_of(entry_point, "version", {"code_version": options.version}, notes=notes))
    return CodeDigest(Digest.of(manifest), manifest, (), (), tuple(notes))
