"""Viewer and annotation editor in a real browser: painting, undo after reload, lost connection, conflicts.

Node runs ``web/tests/annotate.mjs`` with Debian's Chromium against ``veriscope serve`` on a study of two
images, one real and one with 500 objects; nothing is mocked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.io.labels import read_labels

REAL = "2c840a94d216"
METHODS = ("otsu-watershed", "local-threshold-watershed")


@pytest.fixture(scope="module")
def study(make_study: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Path:
    """A study of a real image and one with 500 discs, both drawn for the audit, with two candidates."""
    folder = tmp_path_factory.mktemp("annotate")
    images = folder / "images"
    images.mkdir()
    shutil.copy(data_dir / "dsb2018_fluorescence" / "images" / f"{REAL}.png", images)
    y, x = np.mgrid[:512, :512]
    disc = np.hypot((y % 23) - 11, (x % 22) - 11) < 7
    noise = np.random.default_rng(0).poisson(20, (512, 512))
    tifffile.imwrite(images / "dense.tif", (120 * disc + noise).astype(np.uint8))
    options = ["--object", "nucleus", "--spacing", "0.5", "--tile-size", "512"]
    options += [word for method in METHODS for word in ("--method", method)]
    return make_study(folder / "study", images, *options, audits=[["--tiles", "2"], ["--all"]])


@pytest.fixture(scope="module")
def address(serving: Callable[[Path], AbstractContextManager[str]], study: Path) -> Iterator[str]:
    """Address, with its token, of a server on the study."""
    with serving(study) as address:
        yield address


@pytest.fixture(scope="module")
def seen(drive: Callable[..., dict[str, Any]], address: str) -> dict[str, Any]:
    """What the browser saw: seconds of each stage, all faults, and what was painted where."""
    return drive("annotate.mjs", address, "study", "dense_tile000", f"{REAL}_tile000", REAL)


@pytest.mark.slow
@pytest.mark.real_data
def test_nothing_that_was_drawn_is_lost(seen: dict[str, Any]) -> None:
    broken = [fault for fault in seen["faults"] if not fault.startswith("axe")]
    assert not broken, f"{broken}\nafter {seen['seconds']}; pictures are in {seen['pictures']}"
    assert list(seen["seconds"])[-1] == "no-webgl"


@pytest.mark.slow
@pytest.mark.real_data
def test_viewer_and_editor_have_no_serious_fault_of_accessibility(seen: dict[str, Any]) -> None:
    assert not [fault for fault in seen["faults"] if fault.startswith("axe")]


@pytest.mark.slow
@pytest.mark.real_data
def test_a_ring_over_500_objects_is_saved_and_changes_none(seen: dict[str, Any], study: Path) -> None:
    told = seen["painted"]
    labels = np.asarray(tifffile.imread(study / "annotations" / "dense_tile000" / "annotator.v1.tif"))
    assert labels.shape == (512, 512)
    assert len(np.unique(labels)) == told["objects"] + 2  # the ring, and no object
    ring = labels == labels.max()
    y, x = np.nonzero(ring)
    distance = np.hypot(y - 255.5, x - 255.5)
    assert distance.mean() == pytest.approx(told["radius"], abs=3)
    assert 0 < np.ptp(distance) < 60  # as wide as the brush
    angles = np.histogram(np.arctan2(y - 255.5, x - 255.5), bins=24)[0]
    assert (angles > 0).all()  # all around
    found = [read_labels(study / "predictions" / method / "dense.ome.zarr") > 0 for method in METHODS]
    assert any(np.array_equal((labels > 0) & ~ring, objects) for objects in found)
