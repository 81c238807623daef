"""Figures of objects and of classes of pixels, counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.judge import ClassJudge, InstanceJudge, Predict, predict_with


def pair(labels: Any, number: int = 0, *, group: str = "") -> LabelledImage:
    values = np.asarray(labels, np.int32)
    image = Image(np.full(values.shape, number, np.uint8), "yx")
    return LabelledImage(f"p{number}", image, values, group or f"p{number}", str(number))


def saying(*answers: Any) -> Predict:
    """Give what answers by the number of the image."""
    return lambda image: np.asarray(answers[int(image.pixels.flat[0])], np.int32)


def bars(*spans: tuple[int, int], width: int = 40) -> NDArray[np.int32]:
    """A line of objects, each from a first pixel to one after its last."""
    line = np.zeros((1, width), np.int32)
    for number, (start, stop) in enumerate(spans, start=1):
        line[0, start:stop] = number
    return line


def figures(judge: Any, truth: Sequence[LabelledImage], predict: Predict) -> dict[str, Any]:
    return dict(judge.figures(judge.count(predict, truth)))


def test_objects_are_pooled_over_images_and_matched_at_three_overlaps() -> None:
    truth = [pair(bars((0, 10), (12, 22), (24, 34)), 0), pair(bars((0, 10)), 1)]
    # IoU 1, 8/10, 6/10; one more invented; and in the second image 5/10 = 0.5, which counts.
    said = [bars((0, 10), (12, 20), (24, 30), (36, 40)), bars((0, 5))]
    found = figures(InstanceJudge(), truth, saying(*said))
    values = {key: one.value for key, one in found.items()}
    assert list(values) == ["f1@0.5", "f1@0.7", "f1@0.9", "ap@0.5", "precision@0.5", "recall@0.5", "pq"]
    assert values["f1@0.5"] == pytest.approx(2 * 4 / (4 + 5))
    assert values["f1@0.7"] == pytest.approx(2 * 2 / (4 + 5))
    assert values["f1@0.9"] == pytest.approx(2 * 1 / (4 + 5))
    assert values["precision@0.5"] == pytest.approx(4 / 5)
    assert values["recall@0.5"] == 1
    assert values["ap@0.5"] == pytest.approx(4 / 5)
    assert all(one.unit == "field group" and one.n_units == 2 for one in found.values())


def test_what_is_predicted_where_nothing_is_known_is_not_invented() -> None:
    truth = bars((0, 10))
    truth[0, 20:] = -1
    inside, outside = bars((0, 10), (12, 18)), bars((0, 10), (22, 30))
    judge = InstanceJudge()
    assert figures(judge, [pair(truth)], saying(inside))["f1@0.5"].value == pytest.approx(2 / 3)
    assert figures(judge, [pair(truth)], saying(outside))["f1@0.5"].value == 1


def test_an_image_without_objects_on_either_side_says_nothing_and_inventions_there_do() -> None:
    judge, empty = InstanceJudge(), bars()
    both = [pair(bars((0, 10)), 0), pair(empty, 1)]
    silent = figures(judge, both, saying(bars((0, 10)), empty))["f1@0.5"]
    assert (silent.value, silent.n_units) == (1, 1)
    loud = figures(judge, both, saying(bars((0, 10)), bars((3, 9))))["f1@0.5"]
    assert (loud.value, loud.n_units) == (pytest.approx(2 / 3), 2)


def test_images_of_one_group_are_one_unit() -> None:
    images = [pair(bars((0, 10)), i, group="slide") for i in range(3)] + [pair(bars((0, 10)), 3)]
    found = figures(InstanceJudge(), images, saying(*[bars((0, 10))] * 4))["f1@0.5"]
    assert found.n_units == 2


CLASSES = [[0, 0, 1, 1, 2, 2, 2, -1]]


def test_dice_of_each_class_counts_known_pixels_alone() -> None:
    said = [[0, 1, 1, 0, 2, 2, 1, 2]]
    found = figures(ClassJudge(3), [pair(CLASSES)], saying(said))
    assert list(found) == ["dice", "dice of class 1", "dice of class 2"]
    assert found["dice of class 1"].value == pytest.approx(2 * 1 / (3 + 2))
    assert found["dice of class 2"].value == pytest.approx(2 * 2 / (2 + 3))
    assert found["dice"].value == pytest.approx((0.4 + 0.8) / 2)


def test_a_class_that_is_on_neither_side_of_an_image_does_not_count_there() -> None:
    one, both = [[0, 1, 1, 0]], [[1, 1, 2, 2]]
    found = figures(ClassJudge(3), [pair(one, 0), pair(both, 1)], saying(one, [[1, 1, 2, 1]]))
    assert found["dice of class 1"].value == pytest.approx((1 + 4 / 5) / 2)
    assert (found["dice of class 2"].value, found["dice of class 2"].n_units) == (pytest.approx(2 / 3), 1)
    assert found["dice"].value == pytest.approx((1 + (4 / 5 + 2 / 3) / 2) / 2)


def test_a_class_that_is_nowhere_has_no_figure_and_of_two_classes_only_the_mean_is_given() -> None:
    found = figures(ClassJudge(4), [pair([[0, 1]])], saying([[0, 1]]))
    assert list(found) == ["dice", "dice of class 1"]
    assert list(figures(ClassJudge(2), [pair([[0, 1]])], saying([[1, 1]]))) == ["dice"]


def test_background_everywhere_and_nothing_said_gives_no_figure() -> None:
    assert figures(ClassJudge(2), [pair([[0, 0]])], saying([[0, 0]])) == {}
    invented = figures(ClassJudge(2), [pair([[0, 0]])], saying([[0, 1]]))
    assert invented["dice"].value == 0


def test_an_image_of_which_nothing_is_known_is_no_unit() -> None:
    found = figures(ClassJudge(2), [pair([[0, 1]], 0), pair([[-1, -1]], 1)], saying([[0, 1]], [[1, 1]]))
    assert (found["dice"].value, found["dice"].n_units) == (1, 1)


@pytest.mark.parametrize(
    ("n_channels", "axes", "channels", "seen"),
    [
        (1, "cyx", RGB_CHANNELS, ("yx", ())),
        (3, "yx", (), ("cyx", RGB_CHANNELS)),
        (3, "cyx", RGB_CHANNELS, ("cyx", RGB_CHANNELS)),
        (1, "yx", (), ("yx", ())),
        (None, "cyx", RGB_CHANNELS, ("yx", ())),
    ],
)
def test_a_method_is_shown_as_many_channels_as_it_sees(
    n_channels: int | None, axes: str, channels: tuple[str, ...], seen: tuple[str, tuple[str, ...]]
) -> None:
    shown: list[Image] = []

    class Method:
        def predict(self, image: Image) -> Any:
            shown.append(image)
            return SimpleNamespace(labels=np.ones((2, 2), np.uint16))

    method = Method()
    if n_channels is not None:
        method.n_channels = n_channels  # type: ignore[attr-defined]
    shape = (3, 2, 2) if "c" in axes else (2, 2)
    found = predict_with(method)(Image(np.ones(shape, np.uint8), axes, channels=channels))  # type: ignore[arg-type]
    assert found.dtype == np.int32
    assert (shown[0].axes, shown[0].channels) == seen
