"""Venn-Abers against refitting isotonic regression for every case, and its validity."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from veriscope.errors import InputError, PixelValueError
from veriscope.validate.recalibration.venn_abers import fit_venn_abers


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=25),
    st.lists(st.integers(-1, 14), min_size=1, max_size=5),
)
def test_each_is_an_isotonic_fit_with_the_case(cases: list[tuple[int, bool]], asked: list[int]) -> None:
    scores = np.array([case[0] for case in cases], dtype=float)
    true = np.array([case[1] for case in cases])
    new = np.array(asked) / 2  # at scores and between them
    found = fit_venn_abers(true, scores).intervals(new)
    for each, pair in zip(new, found, strict=True):
        for label in (0, 1):
            fit = IsotonicRegression().fit(np.append(scores, each), np.append(true, label).astype(float))
            assert pair[label] == pytest.approx(fit.predict([each])[0], abs=1e-12)
    assert (found[:, 0] < found[:, 1]).all()


def test_by_hand() -> None:
    fitted = fit_venn_abers([0, 1], [0.0, 1.0])
    # Below both: alone as false; as true pooled with the false one above, 1 of 2.
    assert fitted.intervals([-1.0, 0.5, 1.0]).tolist() == [[0, 0.5], [0, 1], [0.5, 1]]
    assert fitted.apply([-1.0]) == pytest.approx(0.5 / 1.5)
    assert fitted.intervals([-math.inf, math.inf]).tolist() == [[0, 0.5], [0.5, 1]]
    assert fitted.intervals([]).shape == (0, 2) and fitted.apply([]).shape == (0,)


def test_more_cases_make_it_narrower() -> None:
    random = np.random.default_rng(0)
    widths = []
    for n in (50, 500, 5000):
        scores = random.random(n)
        low, high = fit_venn_abers(random.random(n) < scores, scores).intervals(np.linspace(0.2, 0.8, 50)).T
        widths.append(float((high - low).mean()))
    assert widths[0] > 3 * widths[1] > 9 * widths[2] * 0.5


def test_merged_probabilities_are_calibrated_whatever_the_score() -> None:
    """Means over many small calibration sets, at three true probabilities."""
    random = np.random.default_rng(1)
    levels = np.array([0.2, 0.5, 0.9])
    lows, highs = np.zeros(3), np.zeros(3)
    for _ in range(300):
        true = levels[random.integers(0, 3, 60)]
        fitted = fit_venn_abers(random.random(60) < true, np.exp(7 * true))
        low, high = fitted.intervals(np.exp(7 * levels)).T
        lows += low / 300
        highs += high / 300
    assert (lows <= levels).all() and (levels <= highs).all()
    assert (highs - lows < 0.12).all()


def test_what_is_refused() -> None:
    with pytest.raises(InputError) as nothing:
        fit_venn_abers([], [])
    assert str(nothing.value) == "there is no case to fit on; give cases with a reference"
    with pytest.raises(PixelValueError) as infinite:
        fit_venn_abers([0, 1], [0.0, math.inf])
    assert str(infinite.value) == "scores must be finite; leave out cases that have infinite ones"
