"""What every map of scores keeps, whatever it was fitted on: order, range, ends, and the mean of cases."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.recalibration.curves import (
    IsotonicMap,
    PlattMap,
    TemperatureMap,
    checked_outcomes,
    fit_isotonic,
    fit_platt,
    fit_temperature,
)
from veriscope.validate.recalibration.venn_abers import VennAbers, fit_venn_abers

FloatArray = NDArray[np.float64]
CASES = st.lists(st.tuples(st.booleans(), st.integers(-5, 5)), min_size=1, max_size=25)
FITS: dict[str, Callable[[Any, Any], IsotonicMap | PlattMap | VennAbers]] = {
    "isotonic": fit_isotonic,
    "platt": fit_platt,
    "venn_abers": fit_venn_abers,
}


def columns(cases: list[tuple[bool, int]]) -> tuple[NDArray[np.bool_], FloatArray]:
    return np.array([case[0] for case in cases]), np.array([float(case[1]) for case in cases])


def rising(true: NDArray[np.bool_], scores: FloatArray) -> dict[float, float]:
    """Least squares under an order, by the formula of minimum over ends of the maximum over starts."""
    levels = sorted(set(scores.tolist()))

    def mean(low: float, high: float) -> float:
        return float(true[(scores >= low) & (scores <= high)].mean())

    return {
        level: min(
            max(mean(start, end) for start in levels if start <= level) for end in levels if end >= level
        )
        for level in levels
    }


# ---- isotonic


@given(CASES)
@settings(max_examples=25, deadline=None)
def test_isotonic_is_the_min_max_of_all_means(cases: list[tuple[bool, int]]) -> None:
    true, scores = columns(cases)
    curve = fit_isotonic(true, scores)
    for score, value in rising(true, scores).items():
        assert curve.apply([score])[0] == pytest.approx(value)
    assert curve.apply(scores).mean() == pytest.approx(true.mean())


@given(CASES, st.floats(0.1, 10), st.floats(-50, 50))
@settings(max_examples=60, deadline=None)
def test_isotonic_knows_only_the_order_of_scores(
    cases: list[tuple[bool, int]], scale: float, shift: float
) -> None:
    true, scores = columns(cases)
    plain, other = fit_isotonic(true, scores), fit_isotonic(true, scale * scores + shift)
    assert other.apply(scale * scores + shift) == pytest.approx(plain.apply(scores))


@given(CASES, st.permutations(range(25)))
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("name", FITS)
def test_the_order_of_cases_does_not_matter(
    name: str, cases: list[tuple[bool, int]], order: list[int]
) -> None:
    shuffled = [cases[place] for place in order if place < len(cases)]
    asked = np.linspace(-6, 6, 25)
    one, other = (FITS[name](*columns(each)).apply(asked) for each in (cases, shuffled))
    assert one == pytest.approx(other, abs=1e-6)


@given(CASES)
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("name", ["isotonic", "venn_abers"])
def test_a_higher_score_is_never_less_likely(name: str, cases: list[tuple[bool, int]]) -> None:
    values = FITS[name](*columns(cases)).apply(np.linspace(-7, 7, 57))
    assert (np.diff(values) >= -1e-12).all()
    assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("outcome", [False, True])
@pytest.mark.parametrize("n", [1, 3, 50])
def test_where_all_cases_are_alike_only_isotonic_is_certain(outcome: bool, n: int) -> None:
    true, scores = np.full(n, outcome), np.zeros(n)
    assert fit_isotonic(true, scores).apply([0.0])[0] == outcome
    platt = float(fit_platt(true, scores).apply([0.0])[0])
    venn = float(fit_venn_abers(true, scores).apply([0.0])[0])
    assert abs(outcome - platt) == pytest.approx(1 / (n + 2), abs=1e-6)
    # p₀ and p₁ are k / (n + 1) and (k + 1) / (n + 1), merged as p₁ / (1 - p₀ + p₁).
    low, high = (n / (n + 1), 1.0) if outcome else (0.0, 1 / (n + 1))
    assert venn == pytest.approx(high / (1 - low + high))


# ---- Platt


@given(CASES, st.floats(0.5, 4), st.floats(-20, 20))
@settings(max_examples=40, deadline=None)
def test_platt_does_not_depend_on_scale_and_offset_of_scores(
    cases: list[tuple[bool, int]], scale: float, shift: float
) -> None:
    true, scores = columns(cases)
    plain, other = fit_platt(true, scores), fit_platt(true, scale * scores + shift)
    assert other.apply(scale * scores + shift) == pytest.approx(plain.apply(scores), abs=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_platt_has_the_least_loss_of_all_lines(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(2, 3, 40)
    true = random.random(40) < special.expit(scores - 2)
    n_true = true.sum()
    targets = np.where(true, (n_true + 1) / (n_true + 2), 1 / (40 - n_true + 2))

    def loss(line: Any) -> float:
        p = special.expit(line[0] * scores + line[1])
        return float(-(special.xlogy(targets, p) + special.xlogy(1 - targets, 1 - p)).sum())

    found = fit_platt(true, scores)
    best = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    assert loss((found.slope, found.intercept)) <= best.fun + 1e-6
    # At the minimum the mean of what is stated is that of the targets.
    assert found.apply(scores).mean() == pytest.approx(targets.mean(), abs=1e-5)


def test_scores_that_say_the_opposite_get_a_falling_curve() -> None:
    found = fit_platt([1, 1, 1, 0, 0, 0], [0.0, 1, 2, 3, 4, 5])
    assert found.slope < 0
    assert (np.diff(found.apply(np.arange(6.0))) < 0).all()


# ---- temperature


@given(st.floats(0.05, 20), st.integers(2, 5), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_a_temperature_keeps_order_and_sum_and_is_undone_by_its_inverse(
    temperature: float, k: int, seed: int
) -> None:
    stated = np.random.default_rng(seed).dirichlet(np.full(k, 2.0), 4)
    softened = TemperatureMap(temperature).apply(stated)
    assert softened.sum(axis=1) == pytest.approx(np.ones(4))
    assert (softened.argmax(axis=1) == stated.argmax(axis=1)).all()
    if 0.2 <= temperature <= 5:
        assert TemperatureMap(1 / temperature).apply(softened) == pytest.approx(stated, abs=1e-6)


@pytest.mark.parametrize(("temperature", "top"), [(1e-2, 1.0), (1.0, 0.6), (100.0, 1 / 3)])
def test_cold_is_certain_and_hot_is_even(temperature: float, top: float) -> None:
    assert TemperatureMap(temperature).apply([[0.6, 0.3, 0.1]])[0, 0] == pytest.approx(top, abs=0.01)


@pytest.mark.parametrize("k", [2, 3])
def test_even_probabilities_have_no_temperature_of_their_own(k: int) -> None:
    """Whatever it is, even stays even."""
    stated = np.full((6, k), 1 / k)
    found = fit_temperature(np.arange(6) % k, stated)
    assert 0.01 <= found.temperature <= 100
    assert found.apply(stated) == pytest.approx(stated)


# ---- Venn-Abers


@given(CASES)
@settings(max_examples=80, deadline=None)
def test_the_two_probabilities_of_a_case_hold_the_isotonic_one_between_them(
    cases: list[tuple[bool, int]],
) -> None:
    true, scores = columns(cases)
    low, high = fit_venn_abers(true, scores).intervals(scores).T
    middle = fit_isotonic(true, scores).apply(scores)
    assert (low <= middle + 1e-12).all() and (middle <= high + 1e-12).all()
    merged = fit_venn_abers(true, scores).apply(scores)
    assert ((merged > 0) & (merged < 1)).all(), "never certain"


def test_one_calibration_case_says_next_to_nothing() -> None:
    found = fit_venn_abers([True], [3.0])
    assert found.intervals([3.0]).tolist() == [[0.5, 1.0]]
    assert found.intervals([2.0, 4.0]).tolist() == [[0.0, 1.0], [0.5, 1.0]]
    assert found.apply([3.0]) == pytest.approx(2 / 3)


# ---- what is refused


@pytest.mark.parametrize(
    ("outcomes", "scores", "kind", "message"),
    [
        ([], [], InputError, "there is no case to fit on; give cases with a reference"),
        ([0, 2], [0.1, 0.2], InputError,
         "outcomes: 1 of 2 classes are not allowed, the first is 2; number the classes from 0 to 1"),
        ([[0, 1]], [0.1, 0.2], InputError,
         "outcomes have shape (1, 2); give one value per case, shape (cases,)"),
        ([0, 1], [0.1], ShapeMismatchError, "scores: 1 values are given for 2 cases; give one for each"),
        ([0, 1], [0.1, math.nan], PixelValueError,
         "scores: 1 of 2 values are NaN; leave these cases out"),
        ([0, 1], [0.1, -math.inf], PixelValueError,
         "scores must be finite; leave out cases that have infinite ones"),
    ],
    ids=["none", "no outcome", "two axes", "too few", "NaN", "infinite"],
)  # fmt: skip
def test_cases_that_cannot_be_fitted(outcomes: Any, scores: Any, kind: type[Exception], message: str) -> None:
    for fit in (fit_isotonic, fit_platt, fit_venn_abers, checked_outcomes):
        with pytest.raises(kind) as caught:
            fit(outcomes, scores)
        assert str(caught.value) == message


@pytest.mark.parametrize("name", FITS)
def test_a_fitted_map_takes_no_missing_score_and_gives_nothing_for_nothing(name: str) -> None:
    fitted = FITS[name]([0, 1, 1], [0.0, 1.0, 2.0])
    assert fitted.apply([]).shape == (0,)
    with pytest.raises(PixelValueError, match="scores: 1 of 2 values are NaN; leave these cases out"):
        fitted.apply([0.5, math.nan])
    with pytest.raises(InputError, match=r"scores have shape \(1, 1\); give one value per case"):
        fitted.apply([[0.5]])


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([0.2, 1.2], "probabilities: 1 of 2 values are not between 0 and 1, the first is 1.2; "
                     "turn scores into probabilities, and leave out cases without one"),
        ([[0.2, 0.2]], "probabilities: 1 of 1 rows do not sum to 1, the first sums to 0.4; "
                       "give the probabilities of all classes"),
    ],
)  # fmt: skip
def test_a_temperature_takes_probabilities_only(probabilities: Any, message: str) -> None:
    for call in (
        lambda: TemperatureMap(1.5).apply(probabilities),
        lambda: fit_temperature([0] * len(probabilities), probabilities),
    ):
        with pytest.raises(PixelValueError) as caught:
            call()
        assert str(caught.value) == message
