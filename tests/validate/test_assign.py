"""Assignment: the three ways where they differ, ties, and properties."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.assign import Assignment, assign
from veriscope.validate.localise.pairs import CandidatePairs


def pairs_of(table: NDArray[np.float64] | list[list[float]]) -> CandidatePairs:
    """Candidates from a full table of fits; NaN where there is none."""
    full = np.asarray(table, dtype=float)
    rows, columns = np.nonzero(~np.isnan(full))
    return CandidatePairs.sort("test", full.shape, rows, columns, full[rows, columns])  # type: ignore[arg-type]


def check_valid(found: Assignment, candidates: CandidatePairs) -> None:
    assert set(map(tuple, found.pairs.tolist())) <= set(map(tuple, candidates.pairs.tolist()))
    assert sorted([*found.pairs[:, 0], *found.missed]) == list(range(candidates.n_reference))
    assert sorted([*found.pairs[:, 1], *found.invented]) == list(range(candidates.n_prediction))


def slow_greedy(full: NDArray[np.float64], scores: NDArray[np.float64]) -> list[list[int]]:
    """The words of the definition: in falling confidence, each takes the best that is free."""
    free = set(range(full.shape[0]))
    found = []
    for j in np.argsort(-scores):
        open_fits = [(full[i, j], i) for i in free if not np.isnan(full[i, j])]
        if open_fits:
            _, best = max(open_fits)
            free.remove(best)
            found.append([best, int(j)])
    return sorted(found)


@st.composite
def tables(draw: st.DrawFn, *, side: int = 5) -> NDArray[np.float64]:
    """Small tables of fits without ties; NaN where there is no candidate."""
    shape = draw(st.integers(0, side)), draw(st.integers(0, side))
    n = shape[0] * shape[1]
    fits = np.array(draw(st.permutations(range(n))), dtype=float).reshape(shape) - n / 2
    present = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=bool).reshape(shape)
    return np.where(present, fits, np.nan)


def test_the_three_ways_differ_where_they_should() -> None:
    """The surest prediction fits object 0 worse than another does, which fits object 1 a little."""
    candidates = pairs_of([[0.6, 0.9], [np.nan, 0.55]])
    scores = [0.9, 0.2]
    assert assign(candidates, method="greedy_by_score", scores=scores).pairs.tolist() == [[0, 0], [1, 1]]
    assert assign(candidates, method="greedy_by_overlap").pairs.tolist() == [[0, 1]]
    assert assign(candidates, method="hungarian").pairs.tolist() == [[0, 0], [1, 1]]
    lower = assign(candidates, method="greedy_by_score", scores=[0.2, 0.9])
    assert (lower.tp, lower.fp, lower.fn) == (1, 1, 1)
    assert (lower.missed.tolist(), lower.invented.tolist(), lower.fits.tolist()) == ([1], [0], [0.9])


def test_a_second_prediction_of_one_object_is_false() -> None:
    candidates = pairs_of([[0.9, 0.9, 0.8]])
    for method in ("greedy_by_score", "greedy_by_overlap", "hungarian"):
        found = assign(candidates, method=method, scores=[0.5, 0.5, 0.9])
        assert (found.tp, found.fp, found.fn) == (1, 2, 0)


def test_equal_confidence_lets_the_better_fit_go_first_and_then_the_first_object() -> None:
    better = assign(pairs_of([[0.6, 0.9]]), method="greedy_by_score", scores=[0.5, 0.5])
    assert better.pairs.tolist() == [[0, 1]]
    equal = assign(pairs_of([[0.7, 0.7], [0.7, 0.7]]), method="greedy_by_score", scores=[0.5, 0.5])
    assert equal.pairs.tolist() == [[0, 0], [1, 1]]


@given(tables(), st.data())
@settings(max_examples=100, deadline=None)
def test_greedy_by_score_is_as_its_words_say(full: NDArray[np.float64], data: st.DataObject) -> None:
    scores = np.array(data.draw(st.permutations(range(full.shape[1]))), dtype=float)
    candidates = pairs_of(full)
    found = assign(candidates, method="greedy_by_score", scores=scores)
    check_valid(found, candidates)
    assert found.pairs.tolist() == slow_greedy(full, scores)


@given(tables(side=4))
@settings(max_examples=100, deadline=None)
def test_hungarian_finds_most_pairs_and_then_the_largest_sum(full: NDArray[np.float64]) -> None:
    candidates = pairs_of(full)
    found = assign(candidates)
    check_valid(found, candidates)
    table = full if full.shape[0] <= full.shape[1] else full.T
    best = (0, 0.0)
    for columns in permutations(range(table.shape[1]), table.shape[0]):
        fits = [table[i, j] for i, j in enumerate(columns) if not np.isnan(table[i, j])]
        best = max(best, (len(fits), sum(fits)), key=lambda each: (each[0], each[1] if each[0] else 0))
    assert (found.tp, found.fits.sum()) == (best[0], pytest.approx(best[1]))
    assert found.tp >= assign(candidates, method="greedy_by_overlap").tp


@given(tables(), st.data())
@settings(max_examples=100, deadline=None)
def test_the_order_of_objects_changes_nothing_and_swapping_swaps(
    full: NDArray[np.float64], data: st.DataObject
) -> None:
    n, m = full.shape
    rows = np.array(data.draw(st.permutations(range(n))), dtype=int)
    columns = np.array(data.draw(st.permutations(range(m))), dtype=int)
    scores = np.array(data.draw(st.lists(st.integers(0, 3), min_size=m, max_size=m)), dtype=float)
    for method in ("greedy_by_score", "greedy_by_overlap", "hungarian"):
        plain = assign(pairs_of(full), method=method, scores=scores)
        moved = assign(pairs_of(full[rows][:, columns]), method=method, scores=scores[columns])
        if method == "hungarian":
            assert (plain.tp, plain.fits.sum()) == (moved.tp, pytest.approx(moved.fits.sum()))
        else:
            back = [[rows[i], columns[j]] for i, j in moved.pairs]
            assert sorted(plain.pairs.tolist()) == sorted(back)
        if method != "greedy_by_score":
            swapped = assign(pairs_of(full.T), method=method)
            assert (plain.tp, plain.fp, plain.fn) == (swapped.tp, swapped.fn, swapped.fp)


@given(tables(), st.data())
@settings(max_examples=60, deadline=None)
def test_surer_predictions_do_not_depend_on_less_sure_ones(
    full: NDArray[np.float64], data: st.DataObject
) -> None:
    """What makes one matching serve all thresholds of confidence."""
    scores = np.array(data.draw(st.lists(st.integers(0, 3), min_size=full.shape[1], max_size=full.shape[1])))
    level = data.draw(st.integers(0, 3))
    kept = np.flatnonzero(scores >= level)
    everything = assign(pairs_of(full), method="greedy_by_score", scores=scores)
    surest = assign(pairs_of(full[:, kept]), method="greedy_by_score", scores=scores[kept])
    among = [pair for pair in everything.pairs.tolist() if pair[1] in kept]
    assert [[i, int(kept[j])] for i, j in surest.pairs.tolist()] == among


def test_a_large_group_is_assigned_too() -> None:
    """One group of 600 by 600 objects, assigned by the sparse method."""
    n = 600
    rows, columns = np.repeat(np.arange(n), 2), np.stack([np.arange(n), np.roll(np.arange(n), -1)], 1).ravel()
    fits = np.tile([-2.0, -1.0], n)
    found = assign(CandidatePairs.sort("test", (n, n), rows, columns, fits))
    assert (found.tp, found.fits.sum()) == (n, -n)


def test_bad_scores_and_methods_are_refused() -> None:
    candidates = pairs_of([[0.6, 0.9]])
    with pytest.raises(InputError) as error:
        assign(candidates, method="greedy_by_score")
    assert str(error.value) == "greedy_by_score needs scores; give one per prediction, or use 'hungarian'"
    with pytest.raises(InputError) as error:
        assign(candidates, method="best")  # type: ignore[arg-type]
    assert str(error.value) == (
        "assignment 'best' is unknown; use one of greedy_by_score, greedy_by_overlap, hungarian"
    )
    with pytest.raises(PixelValueError, match=r"^1 of 2 scores are NaN"):
        assign(candidates, method="greedy_by_score", scores=[np.nan, 1])
    with pytest.raises(ShapeMismatchError, match=r"^scores have shape \(1,\) for 2 predictions"):
        assign(candidates, method="greedy_by_score", scores=[1])


def test_candidates_are_filtered_by_fit_class_and_object() -> None:
    candidates = pairs_of([[0.5, 0.4], [0.7, np.nan]])
    assert candidates.at_least(0.5).pairs.tolist() == [[0, 0], [1, 0]]
    assert candidates.same_class(["a", "b"], ["b", "a"]).pairs.tolist() == [[0, 1], [1, 0]]
    part = candidates.of_objects(np.array([False, True]), np.array([True, False]))
    assert (part.n_reference, part.n_prediction, part.pairs.tolist(), part.fits.tolist()) == (
        1,
        1,
        [[0, 0]],
        [0.7],
    )
    with pytest.raises(InputError, match="threshold nan is not allowed"):
        candidates.at_least(np.nan)
    with pytest.raises(ShapeMismatchError, match=r"of the prediction have shape \(1,\) for 2 objects"):
        candidates.same_class(["a", "b"], ["b"])
