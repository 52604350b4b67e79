"""A workspace of some files and the code digest of an entry point in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from buildgraph.code import CodeDigest, CodeIndex, Options
from buildgraph.digest import Digest


def read(path: str) -> tuple[bytes, Digest]:
    content = Path(path).read_bytes()
    return content, Digest.of(content)


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def closure(tmp_path: Path) -> Callable[..., CodeDigest]:
    """Writes `files` into the workspace and answers the code digest of an entry point, `main:run` unless told."""

    def of(files: Mapping[str, str], entry: str = "main:run", search: tuple[Path, ...] = (), granularity: str = "module") -> CodeDigest:
        root = write(tmp_path / "workspace", files)
        return CodeIndex(str(root), search=[str(folder) for folder in search], read=read).of(entry, Options(granularity))

    return of
