"""Training in a real browser: a network learns from tiles, is held against its start, and is taken away.

Node runs ``web/tests/train.mjs`` with Debian's Chromium against ``veriscope serve``; nothing is mocked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from veriscope.workflow.study import Study


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Path:
    """A study whose tiles are all annotated, for the audit and for training."""
    pytest.importorskip("torch", reason="training needs the extra train")
    folder = tmp_path_factory.mktemp("train")
    study = Study.new(
        folder / "small",
        images=str(tiny_data / "images" / "*.tif"),
        object="nucleus",
        groups=str(tiny_data / "sheet.csv"),
        tolerance="10%",
        methods=("otsu-watershed", "nuclei-fluorescence"),
        tile_size=80,
        seed=5,
        name="To learn from",
    )
    study.run()
    study.audit(tiles=14, training=10)
    study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    return folder


@pytest.fixture(scope="module")
def address(serving: Callable[..., AbstractContextManager[str]], workspace: Path) -> Iterator[str]:
    """Address, with its token, of a server on the study's folder."""
    with serving(workspace) as address:
        yield address


@pytest.fixture(scope="module")
def seen(drive: Callable[..., dict[str, Any]], address: str) -> dict[str, Any]:
    """What the browser saw: seconds of each stage, and all faults."""
    return drive("train.mjs", address, "small")


@pytest.mark.slow
def test_a_network_learns_is_compared_and_taken_away(seen: dict[str, Any]) -> None:
    broken = [fault for fault in seen["faults"] if not fault.startswith("axe")]
    assert not broken, f"{broken}\nafter {seen['seconds']}; pictures are in {seen['pictures']}"
    assert list(seen["seconds"])[-1] == "candidate"


@pytest.mark.slow
def test_its_screens_have_no_serious_fault_of_accessibility(seen: dict[str, Any]) -> None:
    assert not [fault for fault in seen["faults"] if fault.startswith("axe")]
