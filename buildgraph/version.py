"""The version of this package, where every floor can see it."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
