"""Real files of microscope makers."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def vendor(data_dir: Path) -> Path:
    """The folder with files that microscopes wrote."""
    return data_dir / "formats" / "vendor"
