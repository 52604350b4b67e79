"""Lets these tests import the benchmarks, which are part of the checkout and are never installed."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
