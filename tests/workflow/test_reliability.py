"""Whether stated probabilities hold: objects of tiles, matched by hand-made truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veriscope.core.image import Image
from veriscope.io.tables import write_table
from veriscope.workflow.audited import AuditedTile
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.quantities import TileSums
from veriscope.workflow.reliability import object_reliability

ONE = np.ones(1)


def squares(*corners: int) -> np.ndarray:
    """A label image of 40 × 40 pixels with squares of 6 at some corners along the diagonal."""
    found = np.zeros((40, 40), np.int32)
    for label, at in enumerate(corners, 1):
        found[at : at + 6, at : at + 6] = label
    return found


def tile(image: str, reference: np.ndarray, box: tuple[int, int, int, int] = (0, 0, 40, 40)) -> AuditedTile:
    pixels = Image(np.zeros((40, 40), np.uint8), "yx", None, (), image)
    sums = TileSums(ONE, None, ONE)
    return AuditedTile(f"{image}_tile000", image, "all", image, box, (0, 0), reference, pixels, sums, 1.0)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    (tmp_path / "measurements").mkdir()
    return StudyFolder(tmp_path)


def measured(folder: StudyFolder, rows: list[tuple[str, int, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["image_id", "label", "probability"])
    write_table(folder.root / folder.measurements("one"), frame, {})


def test_an_object_is_right_if_it_was_drawn(folder: StudyFolder) -> None:
    measured(folder, [("a", 1, 0.9), ("a", 2, 0.8), ("b", 1, 0.2), ("b", 2, 0.7)])
    tiles = [tile("a", squares(0, 20)), tile("b", squares(10))]
    found = object_reliability(folder, "one", tiles, [squares(0, 20), squares(0, 10)])
    assert found is not None
    assert found["n_objects"] == 4
    right = sum(bin["observed"]["value"] * bin["n_cases"] for bin in found["bins"])
    assert right == pytest.approx(3)
    stated = sum(bin["stated"] * bin["n_cases"] for bin in found["bins"])
    assert stated == pytest.approx(0.9 + 0.8 + 0.2 + 0.7)
    assert found["excess"]["value"] == pytest.approx((3 - 2.6) / 4)


def test_objects_of_neighbouring_tiles_do_not_count(folder: StudyFolder) -> None:
    measured(folder, [("a", 1, 0.9), ("a", 2, 0.1)])
    whole = squares(0, 30)
    found = object_reliability(folder, "one", [tile("a", whole, (0, 0, 20, 20))], [whole])
    assert found is not None and found["n_objects"] == 1
    assert found["bins"][0]["stated"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    "rows", [[("a", 1, float("nan"))], [("elsewhere", 1, 0.5)]], ids=["silent", "nothing on the tiles"]
)
def test_without_probabilities_nothing_is_said(
    folder: StudyFolder, rows: list[tuple[str, int, float]]
) -> None:
    measured(folder, rows)
    assert object_reliability(folder, "one", [tile("a", squares(0))], [squares(0)]) is None


def test_one_image_gives_no_interval(folder: StudyFolder) -> None:
    measured(folder, [("a", 1, 0.9), ("a", 2, 0.9)])
    found = object_reliability(folder, "one", [tile("a", squares(0))], [squares(0, 20)])
    assert found is not None
    assert found["excess"]["low"] is None and found["shown"] is False


def test_sureness_that_is_wrong_in_many_images_is_shown(folder: StudyFolder) -> None:
    images = [f"i{number}" for number in range(30)]
    measured(folder, [(image, label, 0.95) for image in images for label in (1, 2)])
    tiles = [tile(image, squares(0 if number % 2 else 33)) for number, image in enumerate(images)]
    found = object_reliability(folder, "one", tiles, [squares(0, 20)] * len(tiles))
    assert found is not None
    assert found["shown"] is True and found["excess"]["high"] < -0.4
    assert found["calibration_error"]["low"] > 0.4
