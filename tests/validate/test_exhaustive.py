"""Statistics of small cases against every possibility there is, and against other packages."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from veriscope.validate.agreement import bland_altman
from veriscope.validate.candidates import Better, candidates_by_counts, candidates_by_values, credited
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.validate.power import separation_power
from veriscope.validate.ranking import holm, rank, rank_values
from veriscope.validate.stability import rank_stability
from veriscope.validate.units import UnitCounts, count_unit

FloatArray = NDArray[np.float64]


def ranks_of(values: FloatArray, better: Better) -> FloatArray:
    return np.asarray(stats.rankdata(np.round(-values if better == "higher" else values, 12)), np.float64)


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_stability_is_that_of_all_draws(better: Better) -> None:
    """Three units can be drawn in 27 ways, all of which are counted here."""
    table = {"a": [1.0, 5.0, 2.0], "b": [2.0, 1.0, 4.0], "c": [0.0, 6.0, 3.0]}
    names = list(table)
    values = np.array(list(table.values()))
    draws = [values[:, list(units)].mean(axis=1) for units in itertools.product(range(3), repeat=3)]
    ranks = np.array([ranks_of(draw, better) for draw in draws])
    seen = ranks_of(values.mean(axis=1), better)
    found = rank_stability(candidates_by_values(table, better=better), n_draws=40_000, seed=1)
    for item in found.candidates:
        mine = ranks[:, names.index(item.name)]
        assert item.rank == seen[names.index(item.name)]
        for rank_, told in enumerate(item.probability_of_rank, start=1):
            # Who ties has each of the ranks that are shared in part.
            share = np.mean(
                [
                    (math.floor(r - (t - 1) / 2) <= rank_ <= math.ceil(r + (t - 1) / 2)) / t
                    for r, t in zip(mine, (ranks == mine[:, None]).sum(axis=1), strict=True)
                ]
            )
            assert told == pytest.approx(share, abs=0.012)
    taus = [stats.kendalltau(row, seen).statistic for row in ranks]
    assert found.kendall_tau == pytest.approx(np.mean(np.nan_to_num(taus)), abs=0.02)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_smallest_level_that_rejects(p_values: list[float]) -> None:
    """By the definition: go down the sorted p values until one is above alpha / (hypotheses left)."""

    def rejected(alpha: float) -> set[int]:
        order = sorted(range(len(p_values)), key=p_values.__getitem__)
        found: set[int] = set()
        for place, index in enumerate(order):
            if p_values[index] > alpha / (len(p_values) - place) * (1 + 1e-12):
                break
            found.add(index)
        return found

    adjusted = [p if p is not None else math.nan for p in holm(p_values)]
    for alpha in (0.01, 0.05, 0.2, 0.5, *adjusted):
        if any(abs(p - alpha) < 1e-9 for p in adjusted) and alpha not in adjusted:
            continue
        expected = {index for index, p in enumerate(adjusted) if p <= alpha * (1 + 1e-12)}
        if alpha < 1:
            assert rejected(alpha) == expected


@pytest.mark.parametrize(("effect", "n"), [(0.3, 12), (0.8, 6), (1.5, 5), (0.0, 9)])
def test_power_is_how_often_the_t_test_separates(effect: float, n: int) -> None:
    rng = np.random.default_rng(7)
    runs = 20_000
    p_values = stats.ttest_1samp(rng.normal(effect, 1, (runs, n)), 0, axis=1).pvalue
    expected = float((p_values < 0.05).mean())
    error = math.sqrt(expected * (1 - expected) / runs)
    assert separation_power(effect, n, alpha=0.05) == pytest.approx(expected, abs=4 * error)


OBJECTS = st.integers(0, 3)
COUNTS = st.lists(st.tuples(OBJECTS, OBJECTS, OBJECTS), min_size=2, max_size=6)


def units(rows: list[tuple[int, int, int]]) -> list[UnitCounts]:
    return [
        UnitCounts(f"i{n}", tp + fn, tp + fp, (0.5,), (tp,), (fp,), (fn,), (0.75 * tp,))
        for n, (tp, fp, fn) in enumerate(rows)
    ]


@given(COUNTS, st.permutations(range(6)))
def test_the_order_of_units_and_candidates_changes_no_ranking(
    rows: list[tuple[int, int, int]], shuffled: list[int]
) -> None:
    order = [place for place in shuffled if place < len(rows)]
    worse = [(0, fp, tp + fn) for tp, fp, fn in rows]
    other = [(tp, 0, fn) for tp, _, fn in rows]
    table = {"a": units(rows), "b": units(worse), "c": units(other)}
    plain = rank(table)
    moved = rank({name: [table[name][place] for place in order] for name in ("c", "a", "b")})
    assert {name: value.to_dict() for name, value in moved.values.items()} == {
        name: pytest.approx(value.to_dict()) if value.low is not None else value.to_dict()
        for name, value in plain.values.items()
    }
    assert {frozenset((p.first, p.second)): p.better for p in plain.pairs} == {
        frozenset((p.first, p.second)): p.better for p in moved.pairs
    }


@given(COUNTS, COUNTS)
def test_credit_changes_a_metric_only_where_there_is_nothing(
    rows: list[tuple[int, int, int]], more: list[tuple[int, int, int]]
) -> None:
    for keyed in instance_metrics((0.5,)):
        if keyed.needs_overlap:
            continue
        sums = np.array([unit.all_sums(0.5) for unit in units(rows + more)])
        plain = keyed.metric.function(Counts.from_columns(sums))
        given_credit = credited(keyed.metric)(sums)
        nothing = sums[:, :3].sum(axis=1) == 0
        assert np.array_equal(given_credit[~nothing], plain[~nothing], equal_nan=True)
        sees = keyed.metric.name in ("f1", "ap", "precision", "pq", "rq", "count_bias")
        expected = keyed.metric.best if sees else math.nan
        assert np.array_equal(given_credit[nothing], np.full(nothing.sum(), expected), equal_nan=True)


def test_credited_overlap_metrics_stay_plain_where_there_is_an_object() -> None:
    """Metrics of pixels that an invented object does not change keep saying nothing without a reference."""
    empty, one = np.zeros((8, 8), int), np.zeros((8, 8), int)
    one[2:5, 2:5] = 1
    pairs = {"nothing": (empty, empty), "invented": (empty, one), "missed": (one, empty), "found": (one, one)}
    sums = {name: np.array(count_unit(*pair).all_sums(0.5)) for name, pair in pairs.items()}
    for keyed in instance_metrics((0.5,)):
        metric = keyed.metric
        for name, row in sums.items():
            plain = float(metric.function(Counts.from_columns(row)))
            told = float(credited(metric)(row))
            if name != "nothing":
                assert told == plain or math.isnan(told) == math.isnan(plain) is True
            elif metric.name in ("f1", "ap", "precision", "pq", "rq", "aji", "count_bias"):
                assert told == metric.best
            else:
                assert math.isnan(told)


@given(
    st.lists(st.integers(-6, 6), min_size=2, max_size=7).filter(lambda v: len(set(v)) > 1),
    st.sampled_from([0.8, 0.9, 0.95]),
)
def test_a_pair_is_never_surer_than_the_t_test(values: list[int], level: float) -> None:
    differences = np.array(values, float)
    (pair,) = rank_values({"a": differences, "b": np.zeros(len(values))}, level=level).pairs
    peer = float(stats.ttest_1samp(differences, 0).pvalue)
    assert pair.p_value is not None and pair.p_value >= peer - 1e-9
    interval = stats.ttest_1samp(differences, 0).confidence_interval(level)
    ends = sorted(e * (1 if pair.first == "a" else -1) for e in (interval.low, interval.high))
    assert pair.difference.low is not None and pair.difference.high is not None
    assert pair.difference.low <= ends[0] + 1e-9 and pair.difference.high >= ends[1] - 1e-9


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("clusters", [None, [0, 0, 1, 1, 2, 2]])
def test_means_that_are_equal_but_for_rounding_have_no_slope(unit: float, clusters: list[int] | None) -> None:
    """0.1 + 0.2 is not 0.3; a slope over a range of 5e-17 would be any number at all."""
    errors = np.array([0.1, -0.2, 0.05, 0.3, -0.15, 0.2]) * unit
    middle = np.array([0.3, 0.1 + 0.2, 0.3, 0.9 - 0.6, 0.3, 0.6 / 2]) * unit
    found = bland_altman(middle - errors / 2, middle + errors / 2, clusters=clusters)
    assert math.isnan(found.slope.value) and found.slope.low is None
    assert found.mean_difference.value == pytest.approx(errors.mean())


def test_the_slope_is_that_of_scipy() -> None:
    rng = np.random.default_rng(9)
    reference = rng.gamma(3, 10, 15)
    prediction = 1.3 * reference + rng.normal(0, 4, 15)
    found = bland_altman(reference, prediction).slope
    peer = stats.linregress((reference + prediction) / 2, prediction - reference)
    reach = stats.t.ppf(0.975, 13) * peer.stderr
    assert (found.value, found.low, found.high) == pytest.approx(
        (peer.slope, peer.slope - reach, peer.slope + reach)
    )


def test_a_candidate_alone_has_its_value_and_no_pair() -> None:
    alone = rank({"a": units([(1, 0, 1), (2, 1, 0)])})
    assert (alone.pairs, alone.groups) == ((), (("a",),))
    empty = rank({"a": units([(0, 0, 0), (0, 0, 0)])})
    assert math.isnan(empty.values["a"].value) and empty.values["a"].low is None
    none = candidates_by_counts({"a": [], "b": []})
    assert rank_stability(none).kendall_tau is None
