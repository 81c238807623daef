"""Average precision in its two forms: hand-computed, where they differ, ties, weights, empty cases."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.localise.boxes import box_iou
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.metrics.detection import ranked as ranked_module
from veriscope.validate.metrics.detection.average_precision import (
    average_precision,
    coco_average_precision,
    interpolated_average_precision,
)
from veriscope.validate.metrics.detection.ranked import RankedDetections, rank_detections


def ranked(
    hits: list[int],
    *,
    scores: list[float] | None = None,
    image: list[int] | None = None,
    n_reference: list[int],
) -> RankedDetections:
    n = len(hits)
    return RankedDetections(
        np.array(scores if scores is not None else range(n, 0, -1), dtype=float),
        np.array(hits, dtype=bool),
        np.array(image if image is not None else [0] * n, dtype=np.intp),
        np.array(n_reference, dtype=float),
    )


def row_of_boxes(n: int) -> np.ndarray:
    x = 10.0 * np.arange(n)
    return np.stack([np.zeros(n), x, np.full(n, 8.0), x + 8], axis=1)


@st.composite
def detections(draw: st.DrawFn) -> RankedDetections:
    """A few detections of a few images, with ties."""
    k, n = draw(st.integers(1, 4)), draw(st.integers(0, 12))
    scores = np.sort(np.array(draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float))[::-1]
    hits = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    image = np.array(draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n)), dtype=np.intp)
    found = np.bincount(image, weights=hits, minlength=k).astype(int)
    missed = draw(st.lists(st.integers(0, 3), min_size=k, max_size=k))
    return ranked(hits, scores=scores.tolist(), image=image.tolist(), n_reference=(found + missed).tolist())


def test_by_hand() -> None:
    """Hit, invention, hit, of 3 objects: recall 1/3 at precision 1, 2/3 at precision 2/3."""
    found = ranked([1, 0, 1], n_reference=[3])
    assert average_precision(found) == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)
    # COCO: 34 levels of recall up to 0.33 at precision 1, then 33 up to 0.66 at 2/3, then 0.
    assert interpolated_average_precision(found) == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)
    # VOC 2007: levels 0, 0.1 … 1.
    eleven = np.linspace(0, 1, 11).tolist()
    assert interpolated_average_precision(found, recalls=eleven) == pytest.approx((4 + 3 * 2 / 3) / 11)


def test_interpolation_raises_what_begins_badly() -> None:
    found = ranked([0, 1], n_reference=[1])
    assert average_precision(found) == pytest.approx(0.5)
    late = ranked([0, 1, 1, 1], n_reference=[3])
    assert average_precision(late) == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3)
    assert interpolated_average_precision(late) == pytest.approx(3 / 4)


def test_ties_are_taken_together_whatever_their_order() -> None:
    tied = [ranked(hits, scores=[5, 2, 2, 2], n_reference=[2]) for hits in ([0, 1, 0, 1], [0, 0, 1, 1])]
    assert average_precision(tied[0]) == average_precision(tied[1]) == pytest.approx(2 / 4)
    assert interpolated_average_precision(tied[0]) == interpolated_average_precision(tied[1])


@given(detections())
@settings(max_examples=80, deadline=None)
def test_it_is_that_of_scikit_learn_times_the_share_found(found: RankedDetections) -> None:
    if found.hits.any():
        theirs = average_precision_score(found.hits, found.scores)
        share = found.hits.sum() / found.n_reference.sum()
        assert average_precision(found) == pytest.approx(theirs * share)


@given(detections(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_whole_weight_is_an_image_repeated(found: RankedDetections, data: st.DataObject) -> None:
    k = found.n_images
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=k, max_size=k)))
    repeat = weights[found.image]
    copies = RankedDetections(
        np.repeat(found.scores, repeat),
        np.repeat(found.hits, repeat),
        np.repeat(found.image, repeat),
        found.n_reference * weights,
    )
    for function in (average_precision, interpolated_average_precision):
        assert function(found, weights=weights) == pytest.approx(function(copies), nan_ok=True)


def test_blocks_of_weights_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ranked([1, 0, 1, 1], image=[0, 1, 2, 0], n_reference=[2, 1, 1])
    weights = np.random.default_rng(0).integers(0, 3, (7, 3))
    whole = average_precision(found, weights=weights)
    monkeypatch.setattr(ranked_module, "_BLOCK", 9)
    assert np.array_equal(average_precision(found, weights=weights), whole, equal_nan=True)
    assert average_precision(found, weights=np.ones((2, 2, 3))).shape == (2, 2)


def test_empty_cases() -> None:
    for function in (average_precision, interpolated_average_precision):
        assert np.isnan(function(ranked([], n_reference=[])))
        assert np.isnan(function(ranked([], n_reference=[0, 0])))
        assert np.isnan(function(ranked([0, 0], n_reference=[0])))
        assert function(ranked([], n_reference=[3])) == 0
    assert np.isnan(coco_average_precision([], []))
    assert coco_average_precision([box_iou(row_of_boxes(2), [])], [[]]) == 0
    assert np.isnan(coco_average_precision([box_iou([], row_of_boxes(2))], [[1, 2]]))


def test_identical_is_perfect_and_inventing_never_helps() -> None:
    boxes = row_of_boxes(5)
    images = [box_iou(boxes, boxes)]
    assert coco_average_precision(images, [np.zeros(5)]) == 1
    assert average_precision(rank_detections(images, [np.zeros(5)], threshold=1.0)) == 1


@given(detections(), st.integers(-1, 6), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_an_invented_object_never_helps(found: RankedDetections, score: int, image: int) -> None:
    place = int(np.searchsorted(-found.scores, -score))
    more = RankedDetections(
        np.insert(found.scores, place, score),
        np.insert(found.hits, place, False),
        np.insert(found.image, place, image % found.n_images),
        found.n_reference,
    )
    for function in (average_precision, interpolated_average_precision):
        before, after = float(function(found)), float(function(more))
        assert (np.isnan(before) and np.isnan(after)) or after <= before + 1e-12


def test_more_than_100_objects_need_the_limit_lifted() -> None:
    """150 cells in one image, all found perfectly: COCO's limit makes 0.66 of it."""
    boxes = row_of_boxes(150)
    images, scores = [box_iou(boxes, boxes)], [np.linspace(1, 0, 150)]
    assert coco_average_precision(images, scores, max_detections=None) == 1
    assert coco_average_precision(images, scores) == pytest.approx(67 / 101)
    assert average_precision(rank_detections(images, scores, threshold=0.5)) == 1


def test_the_surest_are_looked_at() -> None:
    boxes = row_of_boxes(3)
    found = rank_detections([box_iou(boxes, boxes)], [[0.1, 0.9, 0.5]], threshold=0.5, max_detections=2)
    assert (found.scores.tolist(), found.hits.tolist(), found.n_reference.tolist()) == (
        [0.9, 0.5],
        [True, True],
        [3],
    )


def test_coco_is_the_mean_over_thresholds() -> None:
    """An IoU of 0.8 is enough for 0.50, 0.55 … 0.80: seven of ten."""
    images = [box_iou([[0, 0, 10, 10]], [[0, 0, 8, 10]])]
    assert images[0].fits.tolist() == [0.8]
    assert coco_average_precision(images, [[1]]) == pytest.approx(0.7)
    assert coco_average_precision(images, [[1]], thresholds=(0.8,)) == 1
    assert coco_average_precision(images, [[1]], thresholds=(0.81,)) == 0


def test_a_second_detection_of_one_object_is_false() -> None:
    images = [box_iou([[0, 0, 9, 9]], [[0, 0, 9, 9], [0, 0, 9, 8.5]])]
    assert rank_detections(images, [[0.9, 0.95]], threshold=0.5).hits.tolist() == [True, False]
    assert rank_detections(images, [[0.9, 0.9]], threshold=0.5).hits.sum() == 1


def test_wrong_input_is_refused() -> None:
    pairs = CandidatePairs("box_iou", 1, 2, np.empty((0, 2), np.int64), np.empty(0))
    with pytest.raises(PixelValueError) as error:
        rank_detections([pairs], [[np.nan, 1]], threshold=0.5)
    assert str(error.value) == (
        "image 1: 1 of 2 scores are NaN; give a number, or leave these predictions out"
    )
    with pytest.raises(InputError, match="2 lists of scores are given for 1 images; give one for each"):
        rank_detections([pairs], [[1, 1], []], threshold=0.5)
    with pytest.raises(InputError, match="max_detections 0 is not allowed; use at least 1, or None for all"):
        rank_detections([pairs], [[1, 1]], threshold=0.5, max_detections=0)
    with pytest.raises(ShapeMismatchError, match="2 scores, 1 hits and 2 images are given"):
        RankedDetections(np.zeros(2), np.zeros(1, bool), np.zeros(2, np.intp), np.ones(1))
    found = ranked([1], n_reference=[1])
    with pytest.raises(InputError, match=r"weights of shape \(2,\) are given for 1 images"):
        average_precision(found, weights=[1, 1])
    with pytest.raises(InputError, match="a weight is negative or not finite"):
        average_precision(found, weights=[-1])
    with pytest.raises(InputError, match=r"recalls \[2\] are not allowed; use numbers from 0 to 1"):
        interpolated_average_precision(found, recalls=[2])
    with pytest.raises(InputError, match=r"IoU thresholds \[0\.5, 0\] are not allowed"):
        coco_average_precision([pairs], [[1, 1]], thresholds=(0.5, 0))


def exact_interpolated(found: RankedDetections, weights: list[Fraction], levels: list[Fraction]) -> Fraction:
    """COCO's form in fractions: the best precision at each level of recall or above."""
    total = sum(w * int(n) for w, n in zip(weights, found.n_reference, strict=True))
    tp = fp = Fraction(0)
    points = []
    for place, (score, hit, image) in enumerate(zip(found.scores, found.hits, found.image, strict=True)):
        tp, fp = (tp + weights[image], fp) if hit else (tp, fp + weights[image])
        if place + 1 == len(found.scores) or found.scores[place + 1] != score:
            points.append((tp / total, tp / (tp + fp) if tp + fp else Fraction(0)))
    best = [max((p for r, p in points if r >= level), default=Fraction(0)) for level in levels]
    return sum(best, Fraction(0)) / len(levels)


@settings(max_examples=150, deadline=None)
@given(found=detections(), data=st.data())
def test_no_level_of_recall_is_missed_by_rounding(found: RankedDetections, data: st.DataObject) -> None:
    """Weights such as 0.1 add up to 0.30000000000000004 or 0.3, by their order."""
    numbers = st.sampled_from(["0", "1/10", "1/3", "3/10", "7/10", "1", "2"])
    weights = [Fraction(data.draw(numbers)) for _ in range(found.n_images)]
    if not sum(w * int(n) for w, n in zip(weights, found.n_reference, strict=True)):
        return
    levels = [Fraction(number, 4) for number in range(5)]
    value = interpolated_average_precision(
        found, recalls=[float(level) for level in levels], weights=[float(w) for w in weights]
    )
    assert float(value) == pytest.approx(float(exact_interpolated(found, weights, levels)))


@pytest.mark.parametrize("weights", [[0.1, 0.1, 0.1], [1 / 3, 0.7, 0.9], [0.3, 1e-6, 1e6]])
def test_perfect_detections_are_perfect_whatever_images_stand_for(weights: list[float]) -> None:
    found = ranked([1] * 6, image=[0, 1, 2, 2, 1, 0], n_reference=[2, 2, 2])
    for function in (average_precision, interpolated_average_precision):
        assert float(function(found, weights=weights)) == pytest.approx(1.0)
