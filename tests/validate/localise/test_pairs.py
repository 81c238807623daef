"""Candidate pairs: order, thresholds, classes, and taking out some objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.validate.localise.pairs import CandidatePairs


def some(*triples: tuple[int, int, float], sizes: tuple[int, int] = (4, 5)) -> CandidatePairs:
    columns = np.array(triples, dtype=float).reshape(-1, 3)
    return CandidatePairs.sort(
        "box_iou", sizes, columns[:, 0].astype(int), columns[:, 1].astype(int), columns[:, 2]
    )


def dense(found: CandidatePairs) -> NDArray[np.float64]:
    table = np.full((found.n_reference, found.n_prediction), np.nan)
    table[tuple(found.pairs.T)] = found.fits
    return table


EXAMPLE = ((3, 1, 0.5), (0, 4, 0.9), (0, 2, 0.5), (2, 2, 0.49), (1, 0, 1.0))


def test_pairs_are_sorted_with_their_fits() -> None:
    found = some(*EXAMPLE)
    assert found.pairs.tolist() == [[0, 2], [0, 4], [1, 0], [2, 2], [3, 1]]
    assert found.fits.tolist() == [0.5, 0.9, 1.0, 0.49, 0.5]
    assert (found.criterion, found.n_reference, found.n_prediction) == ("box_iou", 4, 5)
    assert found.pairs.dtype == np.int64


@given(st.permutations(EXAMPLE))
def test_the_order_given_does_not_matter(order: list[tuple[int, int, float]]) -> None:
    assert np.array_equal(dense(some(*order)), dense(some(*EXAMPLE)), equal_nan=True)
    assert some(*order).pairs.tolist() == some(*EXAMPLE).pairs.tolist()


@pytest.mark.parametrize(
    ("threshold", "kept"), [(0.0, 5), (0.49, 5), (0.4900001, 4), (0.5, 4), (0.51, 2), (1.0, 1), (1.1, 0)]
)
def test_a_fit_equal_to_the_threshold_is_enough(threshold: float, kept: int) -> None:
    found = some(*EXAMPLE).at_least(threshold)
    assert len(found.pairs) == len(found.fits) == kept
    assert (found.fits >= threshold).all()
    assert (found.n_reference, found.n_prediction) == (4, 5)  # objects without a candidate stay


def test_minus_infinity_keeps_all_and_no_number_is_refused() -> None:
    assert len(some(*EXAMPLE).at_least(-np.inf).pairs) == 5
    with pytest.raises(InputError) as caught:
        some(*EXAMPLE).at_least(float("nan"))
    assert str(caught.value) == "threshold nan is not allowed; use a number"


@pytest.mark.parametrize(
    ("reference", "prediction"),
    [
        (["a", "b", "a", "b"], ["b", "a", "a", "b", "b"]),
        ([1, 2, 1, 2], [2, 1, 1, 2, 2]),
        (np.array([1, 2, 1, 2]), [2.0, 1.0, 1.0, 2.0, 2.0]),
    ],
    ids=["words", "numbers", "numbers of two types"],
)
def test_pairs_of_one_class_stay(reference: Any, prediction: Any) -> None:
    found = some(*EXAMPLE).same_class(reference, prediction)
    assert found.pairs.tolist() == [[0, 2], [1, 0], [2, 2]]
    assert (found.n_reference, found.n_prediction) == (4, 5)


@pytest.mark.parametrize(
    ("reference", "prediction", "told"),
    [
        (["a"] * 3, ["a"] * 5, "reference have shape (3,) for 4"),
        (["a"] * 4, ["a"] * 4, "prediction have shape (4,) for 5"),
        ([["a"]] * 4, ["a"] * 5, "reference have shape (4, 1) for 4"),
        ("a", ["a"] * 5, "reference have shape () for 4"),
    ],
)
def test_there_is_one_class_per_object(reference: Any, prediction: Any, told: str) -> None:
    with pytest.raises(ShapeMismatchError) as caught:
        some(*EXAMPLE).same_class(reference, prediction)
    assert str(caught.value) == f"classes of the {told} objects; give one for each"


def test_objects_that_are_kept_are_numbered_anew() -> None:
    found = some(*EXAMPLE).of_objects(
        np.array([True, False, True, True]), np.array([False, True, True, False, False])
    )
    assert (found.n_reference, found.n_prediction) == (3, 2)
    # References 0, 2, 3 are 0, 1, 2 now; predictions 1, 2 are 0, 1.
    assert found.pairs.tolist() == [[0, 1], [1, 1], [2, 0]]
    assert found.fits.tolist() == [0.5, 0.49, 0.5]


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.lists(st.booleans(), min_size=5, max_size=5))
def test_taking_objects_out_is_taking_rows_and_columns_out(rows: list[bool], columns: list[bool]) -> None:
    found = some(*EXAMPLE).of_objects(np.array(rows), np.array(columns))
    assert np.array_equal(dense(found), dense(some(*EXAMPLE))[np.ix_(rows, columns)], equal_nan=True)


def test_no_candidate_goes_through_everything() -> None:
    found = some(sizes=(2, 0)).at_least(0.5).same_class(["a", "b"], [])
    assert found.of_objects(np.array([True, False]), np.empty(0, bool)).pairs.shape == (0, 2)
    assert (found.n_reference, found.n_prediction) == (2, 0)
