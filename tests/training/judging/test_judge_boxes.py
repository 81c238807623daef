"""Boxes are judged within their class, and two networks by the images that both saw."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.core.boxes import Boxes
from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.methods.networks.centres import ellipse_labels
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.compare import compare_with_start
from veriscope.training.judging.judge_boxes import BoxJudge

NAMES = ("red", "white")
SHAPE = (100, 120)


def truth(seed: int) -> LabelledImage:
    """Six boxes on a grid, of two classes; the first pixel tells which image it is."""
    rng = np.random.default_rng(seed)
    corners = np.array([(y, x) for y in (5, 55) for x in (5, 45, 85)]) + rng.integers(0, 5, (6, 2))
    edges = np.concatenate([corners, corners + 25], axis=1).astype(np.float32)
    pixels = np.full(SHAPE, seed, np.uint8)
    boxes = Boxes(edges, np.array([0, 0, 0, 1, 0, 1]), NAMES)
    return LabelledImage(
        f"i{seed}", Image(pixels, "yx"), ellipse_labels(edges, SHAPE)[0], f"g{seed}", "", boxes
    )


def predict(pairs: list[LabelledImage], kept: list[int], *, classes: tuple[int, ...] | None = None):  # type: ignore[no-untyped-def]
    """Give a way to predict that finds some of the boxes of every image, perhaps of other classes."""
    known = {pair.image.pixels[0, 0]: pair for pair in pairs}

    def found(image: Image) -> Prediction:
        boxes = known[image.pixels[0, 0]].boxes
        assert boxes is not None
        some = boxes.take(np.array(kept))
        some = Boxes(some.edges, some.classes if classes is None else np.array(classes), NAMES)
        labels, _ = ellipse_labels(some.edges, SHAPE)
        return Prediction(
            labels, "yx", probabilities=np.linspace(0.9, 0.5, len(kept), dtype=np.float32), boxes=some
        )

    return found


def test_what_is_found_counts_by_class() -> None:
    pairs = [truth(seed) for seed in range(5)]
    judge = BoxJudge()
    figures = judge.figures(judge.count(predict(pairs, [0, 1, 2, 4]), pairs))
    assert figures["precision"].value == 1
    assert figures["recall"].value == pytest.approx(4 / 6)
    assert figures["f1"].value == pytest.approx(0.8)
    assert (figures["f1 of red"].value, figures["f1 of white"].value) == (1, 0)
    assert next(iter(figures)) == judge.metric
    assert 0 < figures["average_precision"].value < 1


def test_a_box_of_another_class_is_not_found() -> None:
    pairs = [truth(seed) for seed in range(3)]
    judge = BoxJudge()
    rows = judge.count(predict(pairs, [0, 1, 2, 3, 4, 5], classes=(0, 0, 0, 0, 0, 0)), pairs)
    assert judge.figures(rows)["f1"].value == pytest.approx(4 / 6)


def test_a_better_network_is_recommended_and_an_equal_one_is_not() -> None:
    pairs = [truth(seed) for seed in range(12)]
    judge = BoxJudge()
    good = judge.count(predict(pairs, [0, 1, 2, 3, 4, 5]), pairs)
    poor = judge.count(predict(pairs, [0, 1]), pairs)
    found = compare_with_start(judge, good, poor, name="start").to_dict()
    assert found["recommended"] == "new"
    assert found["values"]["start"]["value"] == pytest.approx(0.5)
    assert found["difference"]["value"] == pytest.approx(0.5)
    assert compare_with_start(judge, good, good, name="start").recommended == "start"
    assert compare_with_start(judge, poor, good, name="start").recommended == "start"
