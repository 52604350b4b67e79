"""The library: thirteen objects and the archive of them."""

from __future__ import annotations

from cc import c_library

c_library("kit", folder="kit")
