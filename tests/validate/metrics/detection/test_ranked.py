"""Detections in the order of their confidence: matching image by image, ties, weights of images."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.assign import assign
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.metrics.detection import ranked as ranked_module
from veriscope.validate.metrics.detection.ranked import RankedDetections, by_weights, rank_detections


@st.composite
def images(draw: st.DrawFn) -> tuple[list[CandidatePairs], list[list[float]]]:
    """Candidate pairs and scores of a few images, with many ties of both."""
    pairs, scores = [], []
    for _ in range(draw(st.integers(1, 4))):
        n, m = draw(st.integers(0, 4)), draw(st.integers(0, 5))
        cells = [(i, j) for i in range(n) for j in range(m) if draw(st.booleans())]
        fits = [draw(st.sampled_from([0.3, 0.5, 0.7, 0.7, 0.9])) for _ in cells]
        table = np.array(cells, dtype=np.int64).reshape(-1, 2)
        pairs.append(CandidatePairs("box_iou", n, m, table, np.array(fits)))
        scores.append([float(draw(st.integers(0, 3))) for _ in range(m)])
    return pairs, scores


@settings(max_examples=120, deadline=None)
@given(given_images=images(), threshold=st.sampled_from([0.3, 0.5, 0.8]))
def test_hits_are_those_of_each_image_matched_by_itself(
    given_images: tuple[list[CandidatePairs], list[list[float]]], threshold: float
) -> None:
    pairs, scores = given_images
    found = rank_detections(pairs, scores, threshold=threshold)
    expected = []
    for number, (one, values) in enumerate(zip(pairs, scores, strict=True)):
        matched = assign(one.at_least(threshold), method="greedy_by_score", scores=values).pairs[:, 1]
        expected += [(value, place in matched, number) for place, value in enumerate(values)]
    assert (np.diff(found.scores) <= 0).all()
    listed = zip(found.scores.tolist(), found.hits.tolist(), found.image.tolist(), strict=True)
    assert sorted(listed) == sorted(expected)
    assert found.n_reference.tolist() == [one.n_reference for one in pairs]
    assert found.sizes.tolist() == [one.n_reference + one.n_prediction for one in pairs]
    assert found.n_images == len(pairs)


@settings(max_examples=80, deadline=None)
@given(given_images=images(), most=st.integers(1, 5))
def test_only_the_surest_of_each_image_are_looked_at(
    given_images: tuple[list[CandidatePairs], list[list[float]]], most: int
) -> None:
    pairs, scores = given_images
    found = rank_detections(pairs, scores, threshold=0.5, max_detections=most)
    for number, values in enumerate(scores):
        own = found.scores[found.image == number]
        assert own.tolist() == sorted(values, reverse=True)[:most]
    assert found.n_reference.tolist() == [one.n_reference for one in pairs]
    everything = rank_detections(pairs, scores, threshold=0.5, max_detections=99)
    plain = rank_detections(pairs, scores, threshold=0.5)
    np.testing.assert_array_equal(everything.hits, plain.hits)


def cumulated(found: RankedDetections, weights: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    """Score, TP and FP at each confidence that occurs, by going through the list."""
    points: dict[float, tuple[float, float]] = {}
    tp = fp = 0.0
    for score, hit, image in zip(found.scores, found.hits, found.image, strict=True):
        tp, fp = (tp + weights[image], fp) if hit else (tp, fp + weights[image])
        points[float(score)] = (tp, fp)
    return [(score, *point) for score, point in points.items()]


@settings(max_examples=80, deadline=None)
@given(given_images=images(), data=st.data())
def test_curves_of_any_weights_are_those_of_the_list(
    given_images: tuple[list[CandidatePairs], list[list[float]]], data: st.DataObject
) -> None:
    found = rank_detections(*given_images, threshold=0.5)
    k = found.n_images
    rows = np.array(
        data.draw(
            st.lists(
                st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=k, max_size=k),
                min_size=1,
                max_size=4,
            )
        )
    )
    seen: list[tuple[NDArray[np.float64], ...]] = []

    def statistic(*sums: NDArray[np.float64]) -> NDArray[np.float64]:
        seen.append(sums)
        return sums[2]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranked_module, "_BLOCK", data.draw(st.sampled_from([1, 1 << 21])))
        values = by_weights(found, rows, statistic)
    tp, fp, n_reference, n_images = (np.concatenate(column) for column in zip(*seen, strict=True))
    assert values.tolist() == n_reference.tolist()
    for row, weights in enumerate(rows):
        points = cumulated(found, weights)
        assert tp[row].tolist() == [point[1] for point in points]
        assert fp[row].tolist() == [point[2] for point in points]
        assert n_reference[row] == pytest.approx(weights @ found.n_reference)
        assert n_images[row] == pytest.approx(weights.sum())
    assert found.scores[found.last_of_ties].tolist() == [point[0] for point in cumulated(found, rows[0])]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0, 3)])
def test_statistics_have_the_shape_of_the_weights(shape: tuple[int, ...]) -> None:
    nothing = CandidatePairs("box_iou", 2, 1, np.empty((0, 2), np.int64), np.empty(0))
    found = rank_detections([nothing] * 3, [[0.5]] * 3, threshold=0.5)
    weights = None if shape == () else np.ones(shape)
    of_sums = by_weights(found, weights, lambda tp, fp, n, k: n)
    assert of_sums.shape == shape[:-1]
    of_rows = by_weights(found, weights, lambda tp, fp, n, k: np.stack([n, k], axis=1))
    assert of_rows.shape == (*shape[:-1], 2)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1.0], "weights of shape (2,) are given for 1 images; give one for each"),
        ([[-1.0]], "a weight is negative or not finite; use numbers of at least 0"),
        ([np.nan], "a weight is negative or not finite; use numbers of at least 0"),
        (1.0, "weights of shape () are given for 1 images; give one for each"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: object, message: str) -> None:
    one = CandidatePairs("box_iou", 1, 1, np.zeros((1, 2), np.int64), np.ones(1))
    found = rank_detections([one], [[0.5]], threshold=0.5)
    with pytest.raises(InputError) as caught:
        by_weights(found, weights, lambda tp, fp, n, k: n)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_scores_that_do_not_fit_name_the_image() -> None:
    one = CandidatePairs("box_iou", 1, 2, np.zeros((1, 2), np.int64), np.ones(1))
    with pytest.raises(InputError, match=r"^1 lists of scores are given for 2 images; give one for each$"):
        rank_detections([one, one], [[0.5, 0.4]], threshold=0.5)
    with pytest.raises(ShapeMismatchError, match=r"^image 2: scores have shape \(1,\) for 2 predictions"):
        rank_detections([one, one], [[0.5, 0.4], [0.1]], threshold=0.5)
    with pytest.raises(PixelValueError, match=r"^image 1: 1 of 2 scores are NaN"):
        rank_detections([one], [[0.5, np.nan]], threshold=0.5)
    with pytest.raises(
        InputError, match=r"^max_detections 0 is not allowed; use at least 1, or None for all$"
    ):
        rank_detections([one], [[0.5, 0.4]], threshold=0.5, max_detections=0)
    with pytest.raises(ShapeMismatchError, match=r"^2 scores, 1 hits and 2 images are given"):
        RankedDetections(np.ones(2), np.ones(1, bool), np.zeros(2, np.intp), np.ones(1))
