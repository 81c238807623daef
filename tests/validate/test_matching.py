"""One-to-one matching at an IoU threshold."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.testing.label_images import disks, label_pairs
from veriscope.validate import matching as module
from veriscope.validate.contingency import Contingency, contingency
from veriscope.validate.matching import Matching, match

Labels = NDArray[Any]


def all_label_images(length: int, n_labels: int) -> list[Labels]:
    """Every label image of one row."""
    return [np.array(row, dtype=np.uint8) for row in product(range(n_labels + 1), repeat=length)]


def best_slowly(ious: NDArray[np.float64], threshold: float) -> tuple[int, float]:
    """Most matches, then largest sum of IoU, of all one-to-one choices from a small table of IoU."""
    if ious.shape[0] > ious.shape[1]:
        ious = ious.T
    best = (0, 0.0)
    for columns in permutations(range(ious.shape[1]), ious.shape[0]):
        values = [ious[row, column] for row, column in enumerate(columns)]
        kept = [value for value in values if value >= threshold]
        best = max(best, (len(kept), sum(kept)))
    return best


THRESHOLDS = st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.51, 0.75, 1.0])


def iou_table(table: Contingency) -> np.ndarray:
    full = np.zeros((table.n_reference, table.n_prediction))
    full[table.pairs[:, 0], table.pairs[:, 1]] = table.ious
    return full


def check_valid(table: Contingency, result: Matching) -> None:
    """Matches are real, one to one, at or above the threshold, and everything else is listed."""
    full = iou_table(table)
    rows = np.searchsorted(table.reference_ids, result.pairs[:, 0])
    columns = np.searchsorted(table.prediction_ids, result.pairs[:, 1])
    assert (full[rows, columns] == result.ious).all()
    assert (result.ious >= result.threshold).all()
    references = [*result.pairs[:, 0].tolist(), *result.missed.tolist()]
    predictions = [*result.pairs[:, 1].tolist(), *result.invented.tolist()]
    assert sorted(references) == table.reference_ids.tolist()
    assert sorted(predictions) == table.prediction_ids.tolist()


def test_best_of_every_pair_of_small_images() -> None:
    images = all_label_images(3, 2)
    for reference in images:
        for prediction in images:
            table = contingency(reference, prediction)
            for threshold in (0.2, 0.5):
                result = match(table, threshold=threshold)
                check_valid(table, result)
                count, total = best_slowly(iou_table(table), threshold)
                assert result.tp == count
                assert result.sum_iou == pytest.approx(total)


@given(label_pairs(), THRESHOLDS)
@settings(max_examples=150, deadline=None)
def test_no_choice_is_better(pair: tuple[Labels, Labels], threshold: float) -> None:
    table = contingency(*pair)
    result = match(table, threshold=threshold)
    check_valid(table, result)
    count, total = best_slowly(iou_table(table), threshold)
    assert (result.tp, result.sum_iou) == (count, pytest.approx(total))


@given(label_pairs(), THRESHOLDS)
@settings(max_examples=100, deadline=None)
def test_swapping_the_images_swaps_missed_and_invented(pair: tuple[Labels, Labels], threshold: float) -> None:
    forth = match(contingency(*pair), threshold=threshold)
    back = match(contingency(*pair[::-1]), threshold=threshold)
    assert (forth.tp, forth.fp, forth.fn) == (back.tp, back.fn, back.fp)
    assert forth.sum_iou == pytest.approx(back.sum_iou)


@given(label_pairs(), THRESHOLDS, st.permutations(range(1, 5)))
@settings(max_examples=100, deadline=None)
def test_relabelling_and_flipping_change_no_count(
    pair: tuple[Labels, Labels], threshold: float, order: list[int]
) -> None:
    reference, prediction = pair
    new_labels = np.array([0, *(1_000_003 * label for label in order)])
    plain = match(contingency(reference, prediction), threshold=threshold)
    changed = match(contingency(new_labels[reference][::-1], prediction[::-1]), threshold=threshold)
    assert (plain.tp, plain.fp, plain.fn) == (changed.tp, changed.fp, changed.fn)
    assert plain.sum_iou == pytest.approx(changed.sum_iou)


@given(label_pairs())
@settings(max_examples=50, deadline=None)
def test_identical_is_perfect(pair: tuple[Labels, Labels]) -> None:
    result = match(contingency(pair[0], pair[0]), threshold=1.0)
    assert (result.fp, result.fn) == (0, 0)
    assert (result.ious == 1).all()
    assert (result.pairs[:, 0] == result.pairs[:, 1]).all()


def test_iou_of_exactly_the_threshold_matches() -> None:
    table = contingency(np.array([7, 7, 0]), np.array([0, 3, 0]))
    assert match(table, threshold=0.5).pairs.tolist() == [[7, 3]]
    assert match(table, threshold=np.nextafter(0.5, 1)).tp == 0
    seven_of_ten = contingency(np.repeat([1, 0], [10, 2]), np.repeat([0, 1, 0], [3, 7, 2]))
    assert match(seven_of_ten, threshold=0.7).tp == 1


def test_two_halves_of_an_object_give_one_match() -> None:
    result = match(contingency(np.array([1, 1, 0]), np.array([4, 9, 0])), threshold=0.5)
    assert (result.tp, result.fp, result.fn, result.sum_iou) == (1, 1, 0, 0.5)


def test_more_matches_win_over_a_larger_iou() -> None:
    # Taking the best pair first, (1, 1) with IoU 6/8, would leave 2 and 8 unmatched.
    reference = np.repeat([1, 2, 0], [7, 4, 1])
    prediction = np.repeat([8, 1, 0], [1, 7, 4])
    table = contingency(reference, prediction)
    result = match(table, threshold=0.1)
    assert result.pairs.tolist() == [[1, 8], [2, 1]]
    assert match(table, threshold=0.5).pairs.tolist() == [[1, 1]]


def test_large_groups_take_the_sparse_path_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    tables = [contingency(*rng.integers(0, 6, (2, 12, 12))) for _ in range(30)]
    dense = [match(table, threshold=0.08) for table in tables]
    monkeypatch.setattr(module, "_LARGE_GROUP", 0)
    for table, expected in zip(tables, dense, strict=True):
        result = match(table, threshold=0.08)
        check_valid(table, result)
        assert (result.tp, result.sum_iou) == (expected.tp, pytest.approx(expected.sum_iou))


def test_shifted_grid() -> None:
    result = match(contingency(disks(5), disks(5, shift=2)), threshold=0.5)
    assert (result.tp, result.fp, result.fn) == (25, 0, 0)
    assert match(contingency(disks(5), disks(5, shift=2)), threshold=0.9).tp == 0


@pytest.mark.parametrize(("reference", "prediction"), [(0, 0), (0, 1), (1, 0)])
def test_empty_sides(reference: int, prediction: int) -> None:
    table = contingency(np.full((4, 4), reference), np.full((4, 4), prediction))
    result = match(table)
    assert (result.tp, result.fp, result.fn) == (0, prediction, reference)
    assert result.pairs.shape == (0, 2)


@pytest.mark.parametrize("threshold", [0, -0.5, 1.1, float("nan")])
def test_senseless_thresholds_are_refused(threshold: float) -> None:
    with pytest.raises(InputError) as error:
        match(contingency(np.ones(3, int), np.ones(3, int)), threshold=threshold)
    assert str(error.value) == (
        f"IoU threshold {threshold!r} is not allowed; use a number above 0 and at most 1"
    )
