"""How far images may differ: they are changed with what is known of them, and no range is made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from veriscope.core.boxes import Boxes
from veriscope.core.classes import ImageClass
from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.training.images.pairs import LabelledImage, pixel_hash
from veriscope.training.judging import envelope as envelope_module
from veriscope.training.judging.envelope import STEPS, change_image, robustness
from veriscope.validate.statistics import Interval

RNG = np.random.default_rng(0)


def pair(pixels: np.ndarray, axes: str = "yx", **known: Any) -> LabelledImage:
    names = RGB_CHANNELS if axes == "cyx" else ()
    spacing = {"z": 2.0, "y": 0.5, "x": 0.5} if axes == "zyx" else None
    image = Image(pixels, axes, spacing, names, "a")
    labels = np.zeros(image.spatial_shape, np.int32)
    labels[..., 5:15, 5:15], labels[..., 20:, :] = 1, -1
    return LabelledImage("a", image, labels, "a", pixel_hash(pixels), **known)


GREY = pair(RNG.integers(0, 256, (40, 60)).astype(np.uint8))
COLOUR = pair(RNG.integers(0, 256, (3, 40, 60)).astype(np.uint8), "cyx")
STACK = pair(RNG.integers(0, 256, (6, 40, 60)).astype(np.uint8), "zyx")


@pytest.mark.parametrize("one", [GREY, COLOUR, STACK], ids=["grey", "colour", "stack"])
@pytest.mark.parametrize("change", STEPS)
def test_images_keep_axes_channels_and_type_and_pairs_stay_as_they_were(
    one: LabelledImage, change: str
) -> None:
    before = one.image.pixels.copy()
    for value in STEPS[change][0]:
        found = change_image(one, change, value)
        assert (found.image.axes, found.image.channels) == (one.image.axes, one.image.channels)
        assert found.image.pixels.dtype == np.uint8
        assert found.labels.shape == found.image.spatial_shape
        assert set(np.unique(found.labels)) == {-1, 0, 1}
        assert not np.array_equal(found.image.pixels, before)
    assert np.array_equal(one.image.pixels, before)


def test_stacks_are_blurred_in_their_planes_and_magnified_along_all_axes() -> None:
    blurred = change_image(STACK, "blur", 2.0).image.pixels
    for plane, was in zip(blurred, STACK.image.pixels, strict=True):
        alone = change_image(pair(was), "blur", 2.0).image.pixels
        np.testing.assert_array_equal(plane, alone)
    half = change_image(STACK, "scale", 0.5)
    assert half.image.shape == half.labels.shape == (3, 20, 30)
    assert half.image.spacing == STACK.image.spacing, "planes lie as many pixels apart as before"


def test_noise_is_cut_to_what_the_type_holds_and_repeats() -> None:
    black_and_white = pair(np.where(RNG.random((40, 60)) < 0.5, 0, 255).astype(np.uint8))
    first, again = (change_image(black_and_white, "noise", 0.2).image.pixels for _ in range(2))
    assert np.array_equal(first, again)
    # Without the cut, what falls below 0 would come out bright.
    assert np.abs(first.astype(int) - black_and_white.image.pixels).max() < 255
    other = change_image(replace(black_and_white, sha256="0" * 64), "noise", 0.2).image.pixels
    assert not np.array_equal(first, other)


def test_pixels_of_floating_point_are_not_rounded() -> None:
    found = change_image(pair(RNG.random((40, 60), dtype=np.float32)), "contrast", 0.5)
    assert found.image.pixels.dtype == np.float32
    assert 0 < found.image.pixels.mean() < 1
    assert len(np.unique(found.image.pixels)) > 1000


def test_boxes_grow_with_their_image_and_classes_stay() -> None:
    boxes = Boxes(np.array([[4, 6, 10, 20]], np.float32), np.zeros(1, np.int64), ("cell",))
    kind = ImageClass(1, ("a", "b"))
    found = change_image(replace(GREY, boxes=boxes, kind=kind), "scale", 0.5)
    assert found.image.shape == (20, 30)
    assert found.boxes is not None and found.boxes.edges.tolist() == [[2, 3, 5, 10]]
    assert found.kind == kind
    still = change_image(replace(GREY, boxes=boxes), "blur", 2.0)
    assert still.boxes is not None and still.boxes.edges.tolist() == boxes.edges.tolist()


def test_a_constant_image_can_be_changed() -> None:
    flat = pair(np.full((40, 60), 7, np.uint16))
    for change, (values, _, _) in STEPS.items():
        assert (change_image(flat, change, values[-1]).image.pixels == 7).all()


class BySide:
    """Judges by the height of an image alone."""

    metric = "score"

    def __init__(self, scores: dict[int, float], *, otherwise: float) -> None:
        self.scores, self.otherwise, self.seen = scores, otherwise, list[list[str]]()

    def count(self, predict: Any, pairs: Sequence[LabelledImage], progress: Any) -> list[float]:
        self.seen.append([one.stem for one in pairs])
        return [self.scores.get(one.image.spatial_shape[0], self.otherwise) for one in pairs]

    def figures(self, rows: Sequence[float]) -> dict[str, Interval]:
        return {"score": Interval(float(np.mean(rows)), None, None, 0.95, len(rows))}


def envelope(judge: BySide, n: int = 2) -> dict[str, Any]:
    pairs = [replace(GREY, stem=f"i{number}") for number in range(n)]
    return robustness(judge, lambda image: image, pairs)  # type: ignore[arg-type]


def test_the_range_ends_at_the_first_fall_even_where_it_is_better_further_out() -> None:
    scores = {40: 0.9, 28: 0.5, 20: 0.9, 56: 0.86, 80: 0.84}
    found = envelope(BySide(scores, otherwise=0.0))["changes"]["scale"]
    assert found["range"] == [1.0, 1.4]
    assert [step["step"] for step in found["steps"]] == [0.5, 0.7, 1.4, 2.0]
    assert found["steps"][0]["found"]["value"] == 0.9


def test_a_metric_that_is_not_defined_ends_the_range() -> None:
    found = envelope(BySide({40: 0.9, 56: float("nan"), 80: 0.9, 28: 0.9, 20: 0.9}, otherwise=0.0))
    assert found["changes"]["scale"]["range"] == [0.5, 1.0]


@pytest.mark.parametrize(
    ("value", "told"), [(0.101, True), (0.1, False), (0.0, False), (float("nan"), False)]
)
def test_where_there_is_nothing_to_lose_no_range_is_promised(value: float, told: bool) -> None:
    found = envelope(BySide({}, otherwise=value))
    assert all((change["range"] is not None) == told for change in found["changes"].values())


def test_at_most_twelve_images_are_taken_from_first_to_last() -> None:
    judge = BySide({}, otherwise=1.0)
    assert envelope(judge, 40)["n_images"] == 12
    assert len(set(judge.seen[0])) == 12
    assert (judge.seen[0][0], judge.seen[0][-1]) == ("i0", "i39")
    assert all(stems == judge.seen[0] for stems in judge.seen)
    assert envelope(judge, 1)["n_images"] == 1


def test_of_stacks_the_first_and_the_last_are_taken() -> None:
    judge: Any = BySide({}, otherwise=1.0)
    pairs = [replace(STACK, stem=f"s{number}") for number in range(5)]
    assert robustness(judge, lambda image: image, pairs)["n_images"] == 2  # type: ignore[arg-type]
    assert judge.seen[0] == ["s0", "s4"]


def test_of_large_stacks_the_middle_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[LabelledImage] = []

    class Seeing(BySide):
        def count(self, predict: Any, pairs: Sequence[LabelledImage], progress: Any) -> list[float]:
            seen.extend(pairs)
            return super().count(predict, pairs, progress)

    judge: Any = Seeing({}, otherwise=1.0)
    # Planes lie four pixels apart.
    monkeypatch.setattr(envelope_module, "MOST_VOXELS", 4 * STACK.labels.size // 4)
    robustness(judge, lambda image: image, [STACK])  # type: ignore[arg-type]
    assert seen[0].image.shape == seen[0].labels.shape == (6, 20, 30)
    np.testing.assert_array_equal(seen[0].image.pixels, STACK.image.pixels[:, 10:30, 15:45])
    np.testing.assert_array_equal(seen[0].labels, STACK.labels[:, 10:30, 15:45])
    assert seen[0].image.spacing == STACK.image.spacing
    monkeypatch.setattr(envelope_module, "MOST_VOXELS", 4 * STACK.labels.size)
    seen.clear()
    robustness(judge, lambda image: image, [STACK])  # type: ignore[arg-type]
    assert seen[0] is STACK


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    judge: Any = BySide({}, otherwise=1.0)
    robustness(judge, lambda image: image, [GREY], lambda *step: told.append(step))  # type: ignore[arg-type]
    total = 1 + sum(len(values) for values, _, _ in STEPS.values())
    assert [done for _, done, _ in told] == list(range(total + 1))
