"""The tools that we compare ourselves with: pinned, in a virtual environment of their own, made on first use outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# What every tool's interpreter needs besides the tool, then one line per tool. Raise a version here, and the
# environment is made anew.
COMMON: Final = ("numpy==2.4.6", "pandas==3.1.1", "pyarrow==26.0.1")
TOOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "joblib": ("joblib==1.6.0",),
    "Hamilton": ("sf-hamilton==1.90.0",),
    "redun": ("redun==0.44.1",),
    "diskcache": ("diskcache==5.6.3",),
    "Prefect": ("prefect==3.9.1", "cloudpickle==3.1.3"),
}


@dataclass(frozen=True, slots=True)
class Peers:
    """An interpreter that can import the tools, and why some of them are not there, by name."""

    python: str
    missing: Mapping[str, str]


def cache_folder(name: str) -> Path:
    """A folder that outlives the benchmark, for what is costly to download; outside the checkout. Delete it at will."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "buildgraph-benchmarks" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def peers() -> Peers:
    """The environment of the pinned tools, made when it is not there yet (a minute, network)."""
    return environment("values", COMMON, TOOLS)


def environment(name: str, common: tuple[str, ...], wanted: Mapping[str, tuple[str, ...]]) -> Peers:
    """A virtual environment with what `wanted` names, each installed together with `common`; kept for the next time."""
    folder = cache_folder(name)
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    missing: dict[str, str] = {}
    for tool, pins in wanted.items():
        done = folder / f"installed {' '.join((*common, *pins))}"
        if done.exists():
            continue
        tried = subprocess.run([str(python), "-m", "pip", "install", "--quiet", *common, *pins], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            done.touch()
        else:
            said = [line for line in tried.stderr.splitlines() if line.startswith("ERROR")]
            missing[tool] = f"not run: {said[-1] if said else 'pip failed'}"
    return Peers(str(python), missing)
