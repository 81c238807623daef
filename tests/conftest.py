"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Root of the real data sets; skips where they are not (a failure in CI)."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    root = Path(os.environ.get("VERISCOPE_DATA", beside))
    if not root.is_dir():
        message = f"no real data at {root}; set VERISCOPE_DATA to a folder with the data sets of docs/reference/data.md"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return root
