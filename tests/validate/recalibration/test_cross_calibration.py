"""Recalibration across images: what helps, what does harm, what cannot be told, and no leak."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from veriscope.errors import InputError
from veriscope.validate.metrics.classification.calibration import brier_score
from veriscope.validate.recalibration.cross_calibration import CrossCalibration, cross_calibrate
from veriscope.validate.recalibration.recalibrator import Recalibration, fit_recalibrator

METHODS: tuple[Recalibration, ...] = ("isotonic", "platt", "temperature", "venn_abers")
FloatArray = NDArray[np.float64]


def images(
    seed: int, *, n: int = 16, cases: int = 60, power: float = 3.0
) -> tuple[NDArray[np.bool_], FloatArray, list[int]]:
    """Probabilities that are too sure (power above 1); with power 1 they hold."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=1.2, size=n * cases)
    true = random.random(n * cases) < special.expit(logits)
    return true, special.expit(power * logits), np.repeat(np.arange(n), cases).tolist()


@pytest.mark.parametrize("method", METHODS)
def test_overconfidence_is_mended(method: Recalibration) -> None:
    true, stated, units = images(0)
    found = cross_calibrate(true, stated, units=units, method=method)
    assert found.verdict == "helped" and found.n_folds == 5
    assert found.brier_before.value == pytest.approx(brier_score(true, stated))
    assert found.brier_after.value == pytest.approx(brier_score(true, found.probabilities))
    assert found.brier_change.value == pytest.approx(found.brier_after.value - found.brier_before.value)
    assert found.ece_before.shown and not found.ece_after.shown
    assert found.ece_after.error.value < 0.04 < 0.1 < found.ece_before.error.value
    # For two classes both errors are the same, but for bins in which equal values lie.
    assert found.class_wise_after.seen == pytest.approx(found.ece_after.seen, abs=0.005)
    assert json.loads(json.dumps(found.to_dict()))["verdict"] == "helped"


def test_calibrated_probabilities_gain_nothing() -> None:
    true, stated, units = images(1, power=1.0)
    found = cross_calibrate(true, stated, units=units, method="platt")
    assert found.verdict == "not shown"
    assert found.reason.startswith("platt recalibration is not shown to help: the Brier score changes by ")


def test_isotonic_with_few_cases_does_harm_and_says_so() -> None:
    verdicts = []
    for seed in range(8):
        true, stated, units = images(seed, n=10, cases=6, power=1.0)
        found = cross_calibrate(true, stated, units=units, method="isotonic")
        verdicts.append(found.verdict)
        assert found.brier_change.value > -0.02
        assert found.cautions[0] == (
            "isotonic is fitted on 48 cases and needs about 1000; platt and temperature need fewer"
        )
    assert "helped" not in verdicts and "harmed" in verdicts


def test_no_image_is_recalibrated_by_itself() -> None:
    """One image with turned outcomes changes the others' probabilities, never its own."""
    true, stated, units = images(2, n=6)
    turned = true.copy()
    turned[:60] = ~turned[:60]
    for method in METHODS:
        one, two = (cross_calibrate(each, stated, units=units, method=method) for each in (true, turned))
        assert np.array_equal(one.probabilities[:60], two.probabilities[:60])
        assert not np.array_equal(one.probabilities[60:], two.probabilities[60:])


def test_images_stay_whole_and_folds_balanced() -> None:
    true, stated, _ = images(3, n=10, cases=20)
    units = ["big"] * 100 + [f"small {k // 10}" for k in range(100)]
    found = cross_calibrate(true, stated, units=units, n_folds=2, method="temperature")
    # The big one is a fold: its cases were all recalibrated with one temperature, that of the others.
    fitted = fit_recalibrator(true[100:], stated[100:], method="temperature")
    assert found.probabilities[:100] == pytest.approx(fitted.apply(stated[:100]))
    assert found.n_folds == 2


@pytest.mark.parametrize("method", METHODS)
def test_several_classes(method: Recalibration) -> None:
    random = np.random.default_rng(5)
    true = random.dirichlet([0.6] * 3, size=900)
    classes = (random.random((900, 1)) > true.cumsum(axis=1)[:, :-1]).sum(axis=1)
    sharp = special.softmax(3 * np.log(true), axis=1)
    units = np.repeat(np.arange(15), 60).tolist()
    found = cross_calibrate(classes, sharp, units=units, method=method)
    assert found.verdict == "helped" and found.probabilities.shape == (900, 3)
    assert found.probabilities.sum(axis=1) == pytest.approx(np.ones(900))
    assert found.intervals is None
    assert found.class_wise_after.error.value < found.class_wise_before.error.value / 2


def test_venn_abers_gives_both_probabilities() -> None:
    true, stated, units = images(6)
    found = cross_calibrate(true, stated, units=units, method="venn_abers")
    assert found.intervals is not None
    low, high = found.intervals.T
    assert ((low <= found.probabilities) & (found.probabilities <= high)).all()
    assert found.probabilities == pytest.approx(high / (1 - low + high))
    assert found.recalibrator.intervals(stated).shape == (len(stated), 2)
    with pytest.raises(InputError) as caught:
        fit_recalibrator(true, stated, method="platt").intervals(stated)
    assert str(caught.value) == "only Venn-Abers for probabilities of shape (n,) gives two for each case"


def test_the_same_seed_gives_the_same() -> None:
    true, stated, units = images(7, n=8)
    one, two = (cross_calibrate(true, stated, units=units, seed=4) for _ in range(2))
    assert one.to_dict() == two.to_dict() and np.array_equal(one.probabilities, two.probabilities)


def test_two_images_and_a_class_that_is_missing() -> None:
    found = cross_calibrate([0, 0, 1, 1], [0.2, 0.3, 0.6, 0.9], units=list("aabb"), method="isotonic")
    assert found.n_folds == 2 and found.brier_after.value == 1
    assert found.cautions == (
        "isotonic is fitted on 2 cases and needs about 1000; platt and temperature need fewer",
        "2 images are few to judge by",
        "class 0, 1 is missing among the cases of some fits; annotate images that have it",
    )


def test_rows_without_any_probability_become_even() -> None:
    fitted = fit_recalibrator([0, 0, 1, 1, 2, 2], np.eye(3)[[0, 0, 1, 1, 2, 2]], method="isotonic")
    assert fitted.apply([[1 / 3, 1 / 3, 1 / 3], [1, 0, 0]]) == pytest.approx(
        np.array([[1 / 3, 1 / 3, 1 / 3], [1, 0, 0]])
    )


def refused(call: Any) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


def test_what_is_refused() -> None:
    def calibrate(units: list[str], **options: Any) -> CrossCalibration:
        return cross_calibrate([0, 1], [0.2, 0.7], units=units, **options)

    assert refused(lambda: calibrate(["a", "a"])) == (
        "recalibration is fitted on some images and judged on others; 1 image is not enough"
    )
    assert refused(lambda: calibrate(["a"])) == "1 units are given for 2 cases; give one for each"
    assert refused(lambda: calibrate(["a", "b"], n_folds=1)) == (
        "n_folds 1 is not allowed; use a whole number of at least 2"
    )
    assert refused(lambda: calibrate(["a", "b"], method="beta")) == (
        "method 'beta' is not allowed; use one of isotonic, platt, temperature, venn_abers"
    )
    assert refused(lambda: fit_recalibrator([0, 1, 2], np.eye(3), method="platt").apply([[0.5, 0.5]])) == (
        "probabilities have 2 classes, but the recalibration was fitted on 3; give the same classes"
    )
    assert refused(lambda: cross_calibrate([0, 1], [0.2, math.nan], units=["a", "b"])).startswith(
        "probabilities: 1 of 2 values are not between 0 and 1, the first is nan"
    )
