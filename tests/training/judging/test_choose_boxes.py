"""From which score on a box is kept: chosen by validation images alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veriscope.core.boxes import Boxes
from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.errors import InputError
from veriscope.methods.networks.blood_cells import BloodCells
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging import choose_boxes
from veriscope.training.judging.choose_boxes import choose_threshold

SHAPE = (60, 200)
NAMES = ("cell",)
PACKAGE = BloodCells.package


def row_of_boxes(columns: list[int]) -> np.ndarray:
    return np.array([(10, 40 * x, 40, 40 * x + 30) for x in columns], np.float32).reshape(-1, 4)


def pair(columns: list[int], number: int = 0) -> LabelledImage:
    """Give an image with boxes in some of five columns; its first pixel tells which image it is."""
    edges = row_of_boxes(columns)
    boxes = Boxes(edges, np.zeros(len(edges), np.int64), NAMES)
    image = Image(np.full(SHAPE, number, np.uint8), "yx")
    return LabelledImage(f"i{number}", image, np.zeros(SHAPE, np.int32), f"g{number}", "", boxes)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> dict[int, dict[int, float]]:
    """Let a network find boxes: by image, the score of each column, told from its threshold on."""
    told: dict[int, dict[int, float]] = {}

    class Finder:
        def __init__(self, package: NetworkPackage) -> None:
            self.threshold = package.settings.threshold

        @classmethod
        def of(cls, package: NetworkPackage, *, name: str) -> Any:
            return lambda parameters: cls(package)

        def predict(self, image: Image) -> Prediction:
            grey = image.pixels[0, 0] if image.axes == "yx" else image.pixels[0, 0, 0]
            found = {x: score for x, score in told[int(grey)].items() if score >= self.threshold}
            edges = row_of_boxes(list(found))
            boxes = Boxes(edges, np.zeros(len(edges), np.int64), NAMES)
            scores = np.array(list(found.values()), np.float32)
            labels = np.zeros(image.spatial_shape, np.int32)
            labels.flat[: len(found)] = np.arange(1, len(found) + 1)
            return Prediction(labels, "yx", probabilities=scores, boxes=boxes)

    monkeypatch.setattr(choose_boxes, "BoxNetwork", Finder)
    return told


def test_the_threshold_parts_right_boxes_from_wrong_ones(says: dict[int, dict[int, float]]) -> None:
    says[0] = {0: 0.9, 1: 0.52, 3: 0.28, 4: 0.22}
    choice = choose_threshold(PACKAGE, [pair([0, 1])])
    assert choice.settings.threshold == 0.4  # of 0.3 to 0.5 the middle
    assert choice.record["f1"]["0.40"] == 1
    assert choice.record["f1"]["0.25"] == pytest.approx(4 / 5)
    assert choice.record["f1"]["0.55"] == pytest.approx(2 / 3, abs=1e-4)
    assert (choice.record["n_images"], choice.record["n_objects"]) == (1, 2)
    kept = {"threshold"}
    assert choice.settings.model_dump(exclude=kept) == PACKAGE.settings.model_dump(exclude=kept)


def test_weak_boxes_are_seen_whatever_the_package_said_before(says: dict[int, dict[int, float]]) -> None:
    says[0] = {0: 0.17, 1: 0.16}
    before = PACKAGE.settings.threshold
    assert before > 0.17
    assert choose_threshold(PACKAGE, [pair([0, 1])]).settings.threshold <= 0.15
    assert PACKAGE.settings.threshold == before


def test_objects_count_not_images_and_empty_images_count_by_what_is_invented(
    says: dict[int, dict[int, float]],
) -> None:
    says[0] = {0: 0.3, 1: 0.3, 2: 0.3}
    says[1] = {0: 0.45, 1: 0.45, 2: 0.45, 3: 0.45, 4: 0.45}
    pairs = [pair([0, 1, 2], 0), pair([], 1)]
    choice = choose_threshold(PACKAGE, pairs)
    assert choice.settings.threshold < 0.3
    assert choice.record["f1"]["0.10"] == pytest.approx(6 / 11, abs=1e-4)
    assert choice.record["f1"]["0.40"] == 0


def test_progress_is_told_to_the_end(says: dict[int, dict[int, float]]) -> None:
    says[0], says[1] = {0: 0.9}, {1: 0.9}
    told: list[tuple[str, int, int]] = []
    choose_threshold(PACKAGE, [pair([0], 0), pair([1], 1)], lambda *step: told.append(step))
    assert told == [("choose threshold", done, 2) for done in range(3)]


def test_images_without_boxes_choose_nothing() -> None:
    with pytest.raises(InputError, match=r"validation images \(2\) have no box, so nothing can be chosen"):
        choose_threshold(PACKAGE, [pair([]), pair([])])
