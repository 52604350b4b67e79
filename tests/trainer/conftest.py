"""Projects of an assistant, written into a folder for a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from buildgraph.trainer.importing import TrainingFileImporter

Write = Callable[..., TrainingFileImporter]


@pytest.fixture
def project(tmp_path: Path) -> Write:
    """Writes files by their path and gives the importer of `config.yml`, `domain.yml` or `domain/`, and `data/`."""

    def write(files: dict[str, str | bytes], folder: str = "") -> TrainingFileImporter:
        root = tmp_path / folder
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        there = [root / "config.yml", root / "domain" if (root / "domain").is_dir() else root / "domain.yml", root / "data"]
        return TrainingFileImporter(*[path if path.exists() else None for path in there])

    return write
