"""Isotonic, Platt and temperature: by hand, against scikit-learn, what is recovered, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression

from veriscope.errors import InputError, PixelValueError
from veriscope.validate.recalibration.curves import (
    PlattMap,
    TemperatureMap,
    fit_isotonic,
    fit_platt,
    fit_temperature,
)

FloatArray = NDArray[np.float64]


def test_isotonic_by_hand() -> None:
    curve = fit_isotonic([0, 1, 0, 1], [1.0, 2.0, 3.0, 4.0])
    assert curve.apply([1, 2, 3, 4]).tolist() == [0, 0.5, 0.5, 1]
    assert curve.apply([-9, 1.5, 99]).tolist() == [0, 0.25, 1]
    assert fit_isotonic([1, 1], [0.3, 0.3]).apply([0.0, 1.0]).tolist() == [1, 1]


@pytest.mark.parametrize("seed", range(10))
def test_curves_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(3, 5, 80)
    true = random.random(80) < special.expit(0.4 * scores - 1)
    new = random.normal(3, 8, 30)
    peer = IsotonicRegression(out_of_bounds="clip").fit(scores, true)
    assert fit_isotonic(true, scores).apply(new) == pytest.approx(peer.predict(new))
    # Platt's algorithm there; ours minimises the same loss. It has 1 / (1 + exp(a s + b)).
    sigmoid = _SigmoidCalibration().fit(scores, true)
    ours = fit_platt(true, scores)
    assert (ours.slope, ours.intercept) == pytest.approx((-sigmoid.a_, -sigmoid.b_), abs=2e-4)
    assert ours.apply(new) == pytest.approx(sigmoid.predict(new), abs=1e-4)


def test_platt_never_states_certainty_and_needs_no_scale() -> None:
    # Targets are 1/4 and 3/4, and the scores tell both apart.
    apart = fit_platt([0, 0, 1, 1], [-1e5, -1e5, 1e5, 1e5])
    assert apart.apply([-1e5, 1e5]) == pytest.approx([0.25, 0.75], abs=1e-5)
    assert fit_platt([0, 1, 1], [2.0, 2.0, 2.0]).apply([2.0]) == pytest.approx((2 * 3 / 4 + 1 / 3) / 3)
    assert PlattMap(1.0, 0.0).apply([0.0]).tolist() == [0.5]


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_is_recovered(temperature: float) -> None:
    random = np.random.default_rng(3)
    true = random.dirichlet([0.7, 0.7, 0.7], size=20000)
    classes = (random.random((20000, 1)) > true.cumsum(axis=1)[:, :-1]).sum(axis=1)
    stated = special.softmax(np.log(true) * temperature, axis=1)  # sharper if above 1
    found = fit_temperature(classes, stated)
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    assert found.apply(stated) == pytest.approx(true, abs=0.03)
    assert (found.apply(stated).argmax(axis=1) == stated.argmax(axis=1)).all()


def test_the_temperature_has_the_largest_likelihood() -> None:
    random = np.random.default_rng(4)
    stated = random.uniform(0.02, 0.98, 60)
    true = random.random(60) < stated**2
    found = fit_temperature(true, stated).temperature

    def loss(temperature: float) -> float:
        p = TemperatureMap(temperature).apply(stated)
        return float(-np.log(np.where(true, p, 1 - p)).mean())

    assert loss(found) == pytest.approx(min(loss(t) for t in np.geomspace(0.1, 100, 4001)), abs=1e-6)
    two = np.stack([1 - stated, stated], axis=1)
    assert fit_temperature(true, two).temperature == pytest.approx(found)
    assert TemperatureMap(found).apply(two)[:, 1] == pytest.approx(TemperatureMap(found).apply(stated))


def test_temperature_by_hand_and_at_its_ends() -> None:
    assert TemperatureMap(2.0).apply([0.8]) == pytest.approx(2 / 3)
    assert TemperatureMap(1.0).apply([0.0, 1.0]) == pytest.approx([0, 1], abs=1e-11)
    assert fit_temperature([0, 1], [0.4, 0.6]).temperature < 0.02
    assert fit_temperature([1, 0], [0.4, 0.6]).temperature > 99


@pytest.mark.parametrize("fit", [fit_isotonic, fit_platt, fit_temperature])
def test_no_case_is_refused(fit: object) -> None:
    with pytest.raises(InputError) as caught:
        fit([], [])  # type: ignore[operator]
    assert str(caught.value) == "there is no case to fit on; give cases with a reference"


def test_what_is_refused() -> None:
    with pytest.raises(PixelValueError) as infinite:
        fit_isotonic([0, 1], [0.1, math.inf])
    assert str(infinite.value) == "scores must be finite; leave out cases that have infinite ones"
    with pytest.raises(InputError) as length:
        fit_temperature([0, 1, 1], [0.1, 0.2])
    assert str(length.value) == "3 references are given for 2 cases; give one for each"
    with pytest.raises(InputError, match=r"^scores: 1 values are given for 2 cases"):
        fit_platt([0, 1], [0.1])
    with pytest.raises(PixelValueError, match=r"^scores: 1 of 1 values are NaN"):
        PlattMap(1.0, 0.0).apply([math.nan])
