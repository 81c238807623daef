"""One recalibration for two or several classes: its kind is kept, and rows stay probabilities."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from veriscope.errors import InputError, PixelValueError
from veriscope.validate.metrics.classification.cases import checked_cases
from veriscope.validate.recalibration.curves import fit_platt, fit_temperature
from veriscope.validate.recalibration.recalibrator import Recalibration, fit_recalibrator

METHODS = get_args(Recalibration)


def cases(n_classes: int, n: int = 90, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Overconfident probabilities of some classes."""
    random = np.random.default_rng(seed)
    scores = random.normal(0, 1.5, (n, n_classes))
    classes = np.array([random.choice(n_classes, p=row) for row in special.softmax(scores / 2, axis=1)])
    return classes, special.softmax(scores, axis=1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_rows_are_probabilities_of_the_same_shape(method: Recalibration, n_classes: int) -> None:
    classes, stated = cases(n_classes)
    fitted = fit_recalibrator(classes, stated, method=method)
    after = fitted.apply(stated)
    assert after.shape == stated.shape
    assert ((after >= 0) & (after <= 1)).all()
    assert after.sum(axis=1) == pytest.approx(np.ones(len(stated)))
    assert (fitted.method, fitted.n_cases) == (method, len(classes))


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_of_one_class_stay_one_number_per_case(method: Recalibration) -> None:
    classes, stated = cases(2)
    after = fit_recalibrator(classes, stated[:, 1], method=method).apply(stated[:, 1])
    assert after.shape == (len(classes),)
    assert ((after >= 0) & (after <= 1)).all()
    rising = np.argsort(stated[:, 1])
    assert (np.diff(after[rising]) >= -1e-9).all()


@pytest.mark.parametrize("method", ["isotonic", "platt", "venn_abers"])
def test_a_fit_of_columns_is_not_taken_for_one_of_single_numbers(method: Recalibration) -> None:
    """The map of class 0 would turn the probability of class 1 around."""
    classes, stated = cases(2)
    fitted = fit_recalibrator(classes, stated, method=method)
    with pytest.raises(InputError) as caught:
        fitted.apply(stated[:, 1])
    assert str(caught.value) == (
        "one probability per case is given, but the recalibration was fitted on 2 columns; give one column "
        "per class"
    )


@pytest.mark.parametrize("method", ["isotonic", "platt", "venn_abers"])
@pytest.mark.parametrize(("fitted_on", "given"), [(3, 2), (2, 3), (1, 2)])
def test_another_number_of_classes_is_refused(method: Recalibration, fitted_on: int, given: int) -> None:
    classes, stated = cases(max(fitted_on, 2))
    fitted = fit_recalibrator(classes, stated if fitted_on > 1 else stated[:, 1], method=method)
    with pytest.raises(InputError) as caught:
        fitted.apply(cases(given)[1])
    assert str(caught.value) == (
        f"probabilities have {given} classes, but the recalibration was fitted on {fitted_on}; give the same "
        "classes"
    )


def test_platt_is_the_logistic_curve_of_the_logit_and_temperature_is_its_own_fit() -> None:
    classes, stated = cases(2, seed=3)
    single = fit_recalibrator(classes, stated[:, 1], method="platt").apply(stated[:, 1])
    logits = special.logit(stated[:, 1])
    assert single == pytest.approx(fit_platt(classes, logits).apply(logits))
    soft = fit_recalibrator(classes, stated, method="temperature").apply(stated)
    assert soft == pytest.approx(fit_temperature(classes, stated).apply(stated))


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_overconfidence_is_taken_back(method: Recalibration) -> None:
    classes, stated = cases(3, n=3000, seed=5)
    after = fit_recalibrator(classes, stated, method=method).apply(stated)
    assert after.max(axis=1).mean() < stated.max(axis=1).mean() - 0.05
    assert after.max(axis=1).mean() == pytest.approx((after.argmax(axis=1) == classes).mean(), abs=0.03)


@pytest.mark.parametrize("method", METHODS)
def test_certain_statements_can_be_fitted_and_mended(method: Recalibration) -> None:
    classes, certain = np.array([0, 1, 1, 0, 1]), np.array([0.0, 1.0, 0.0, 0.0, 1.0])
    after = fit_recalibrator(classes, certain, method=method).apply(certain)
    assert np.isfinite(after).all()
    assert after[1] >= after[0]


def test_two_probabilities_are_given_by_venn_abers_of_single_numbers_alone() -> None:
    classes, stated = cases(2)
    low, high = fit_recalibrator(classes, stated[:, 1], method="venn_abers").intervals(stated[:, 1]).T
    assert (low < high).all()
    for fitted in (
        fit_recalibrator(classes, stated, method="venn_abers"),
        fit_recalibrator(classes, stated[:, 1], method="platt"),
    ):
        with pytest.raises(InputError, match=r"^only Venn-Abers for probabilities of shape \(n,\)"):
            fitted.intervals(stated[:, 1])


@pytest.mark.parametrize(
    ("classes", "probabilities", "kind", "message"),
    [
        ([0, 2], [0.1, 0.2], InputError, "reference: 1 of 2 classes are not allowed, the first is 2"),
        ([0, 1], [0.1, 1.2], PixelValueError, "probabilities: 1 of 2 values are not between 0 and 1"),
        ([0, 1], [[0.5, 0.4], [0.5, 0.5]], PixelValueError, "probabilities: 1 of 2 rows do not sum to 1"),
        ([0], [0.1, 0.2], InputError, "probabilities have shape (2,) for 1 cases"),
    ],
)
def test_cases_that_make_no_sense_are_refused(
    classes: list[int], probabilities: list[float], kind: type[InputError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        checked_cases(classes, probabilities)
    assert str(caught.value).startswith(message)


def test_an_unknown_method_says_which_there_are() -> None:
    with pytest.raises(InputError) as caught:
        fit_recalibrator([0, 1], [0.2, 0.8], method="beta")  # type: ignore[arg-type]
    assert str(caught.value) == (
        "method 'beta' is not allowed; use one of isotonic, platt, temperature, venn_abers"
    )
