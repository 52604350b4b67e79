"""The releases of a package as the package index has them: their numbers, and their sources as folders."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.environments import cache_folder

_PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check")
_TESTS: Final = re.compile(r"(^|/)(tests?|conftest|test_[^/]*)(/|\.py$)")


def versions(package: str, newest: str, count: int) -> list[str]:
    """The `count` releases of `package` up to `newest` (any if ""), oldest first. Raises CalledProcessError."""
    said = subprocess.run([*_PIP, "index", "versions", package], capture_output=True, text=True, check=True).stdout
    line = next(line for line in said.splitlines() if line.startswith("Available versions:"))
    known = [version.strip() for version in line.partition(":")[2].split(",")]
    if newest:
        known = known[known.index(newest) :]
    return known[:count][::-1]


def sources(package: str, version: str) -> Path | None:
    """The folder with the unpacked wheel of one release, downloaded once; None when there is no pure wheel of it."""
    folder = cache_folder(f"releases/{package}/{version}")
    unpacked = folder / "sources"
    if unpacked.exists():
        return unpacked
    options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--ignore-requires-python", "--dest", str(folder))
    tried = subprocess.run([*_PIP, "download", *options, f"{package}=={version}"], capture_output=True, check=False)
    wheels = [*folder.glob("*-none-any.whl")]
    if tried.returncode or not wheels:
        return None
    partial = folder / "partial"
    with zipfile.ZipFile(wheels[0]) as wheel:
        wheel.extractall(partial)
    partial.rename(unpacked)
    return unpacked


def modules(root: Path) -> dict[str, Path]:
    """The modules of a release by dotted name, without its tests."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root).as_posix()
        parts = inside.removesuffix(".py").removesuffix("/__init__").split("/")
        if not _TESTS.search(inside) and all(part.isidentifier() for part in parts):
            found[".".join(parts)] = path
    return found


def content(path: str | Path, version: str) -> bytes:
    """A source file without its release's own number: from one commit to the next, that does not change."""
    number = re.escape(version.encode())
    return re.sub(rb"(?im)^([^\n]*version[^\n]*?)(?<![\d.])" + number + rb"(?![\d.])", rb"\g<1>0", Path(path).read_bytes())


def spread(names: Sequence[str], count: int) -> list[str]:
    """`count` of `names` (all, if there are no more), as far apart as they can be."""
    step = max(1.0, len(names) / count)
    return [names[int(at * step)] for at in range(min(count, len(names)))]
