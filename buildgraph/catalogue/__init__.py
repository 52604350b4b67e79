"""The pages behind the error codes, for `buildgraph explain`: what each means, why the rule exists, and what to do."""

from __future__ import annotations

from typing import Final

from buildgraph.catalogue import asking, building, keeping, training

# A title and a paragraph for each code; line breaks inside a paragraph mean nothing.
PAGES: Final[dict[str, tuple[str, str]]] = dict(sorted({**asking.PAGES, **building.PAGES, **keeping.PAGES, **training.PAGES}.items()))
