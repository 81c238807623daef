"""The whole path in a real browser: real images dropped on the page, tiles annotated, the report read.

Node runs ``web/tests/path.mjs`` with Debian's Chromium against ``veriscope serve``; nothing is mocked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def address(
    serving: Callable[[Path], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address, with its token, of a server on an empty workspace."""
    with serving(tmp_path_factory.mktemp("workspace")) as address:
        yield address


@pytest.fixture(scope="module")
def seen(drive: Callable[..., dict[str, Any]], address: str, data_dir: Path) -> dict[str, Any]:
    """What the browser saw on the path: seconds of each stage, and all faults."""
    return drive("path.mjs", address, str(data_dir / "dsb2018_fluorescence" / "images"))


@pytest.mark.slow
@pytest.mark.real_data
def test_from_dropped_images_to_the_report(seen: dict[str, Any]) -> None:
    broken = [fault for fault in seen["faults"] if not fault.startswith("axe")]
    assert not broken, f"{broken}\nafter {seen['seconds']}; pictures are in {seen['pictures']}"
    assert list(seen["seconds"])[-1] == "jobs"


@pytest.mark.slow
@pytest.mark.real_data
def test_no_screen_has_a_serious_fault_of_accessibility(seen: dict[str, Any]) -> None:
    assert not [fault for fault in seen["faults"] if fault.startswith("axe")]


@pytest.mark.slow
@pytest.mark.real_data
def test_every_stage_left_a_picture(seen: dict[str, Any]) -> None:
    pictures = {path.stem: path.stat().st_size for path in seen["pictures"].glob("*.png")}
    assert set(seen["seconds"]) <= set(pictures)
    assert min(pictures.values()) > 10_000
