"""Whether recalibration helped: every verdict with its sentence, its cautions, and how often it is wrong."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special

from veriscope.validate.metrics.classification.calibration import brier_by_case
from veriscope.validate.recalibration.cross_calibration import CrossCalibration, cross_calibrate
from veriscope.validate.recalibration.recalibrator import Recalibration
from veriscope.validate.statistics import mean_interval


def images(
    seed: int, *, n: int = 12, cases: int = 40, power: float = 1.0
) -> tuple[NDArray[np.bool_], NDArray[np.float64], list[str]]:
    """Probabilities that hold with power 1, are too sure above and too timid below."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=1.5, size=n * cases)
    true = random.random(n * cases) < special.expit(logits)
    return true, special.expit(power * logits), [f"image {k // cases}" for k in range(n * cases)]


def judged(
    number: int, *, power: float = 1.0, n: int = 12, cases: int = 40, **options: Any
) -> CrossCalibration:
    true, stated, units = images(number, n=n, cases=cases, power=power)
    return cross_calibrate(true, stated, units=units, **options)


@pytest.mark.parametrize("power", [3.0, 0.3], ids=["too sure", "too timid"])
@pytest.mark.parametrize("method", ["platt", "temperature"])
def test_helped(power: float, method: Recalibration) -> None:
    found = judged(1, power=power, method=method)
    change = found.brier_change
    assert found.verdict == "helped"
    assert change.low is not None and change.high is not None and change.high < 0
    assert found.reason == (
        f"{method} recalibration helped: the Brier score changes by {change.value:+.4f} "
        f"({change.low:+.4f} to {change.high:+.4f}) on images that were not fitted on"
    )


def test_not_shown() -> None:
    found = judged(2, method="temperature")
    change = found.brier_change
    assert found.verdict == "not shown"
    assert change.low is not None and change.high is not None and change.low <= 0 <= change.high
    assert found.reason.startswith("temperature recalibration is not shown to help: the Brier score changes")


def test_harmed() -> None:
    found = judged(3, n=10, cases=6, method="isotonic")
    assert found.verdict == "harmed"
    assert found.brier_change.low is not None and found.brier_change.low > 0
    assert found.reason.startswith("isotonic recalibration did harm: the Brier score changes by +")
    assert found.reason.endswith("on images that were not fitted on; keep the probabilities as they are")


def test_where_nothing_is_wrong_it_seldom_claims_to_have_helped() -> None:
    """Of 20 studies with probabilities that hold, 2.5 % may be called helped by chance; 3 would be 15 %."""
    verdicts = [judged(seed, n=8, cases=15, method="temperature").verdict for seed in range(20)]
    assert verdicts.count("helped") < 3


def test_the_change_is_that_of_each_image_by_itself() -> None:
    """With images of equal size the interval is that of the mean of their changes."""
    true, stated, units = images(4, n=10, cases=30, power=2.5)
    found = cross_calibrate(true, stated, units=units, method="platt")
    changes = brier_by_case(true, found.probabilities) - brier_by_case(true, stated)
    alone = mean_interval(changes.reshape(10, 30).mean(axis=1), bounds=(-1.0, 1.0))
    assert found.brier_change.value == pytest.approx(alone.value)
    assert found.brier_change.low == pytest.approx(alone.low)
    assert found.brier_change.high == pytest.approx(alone.high)


@pytest.mark.parametrize(("n_folds", "used"), [(2, 2), (5, 5), (12, 12), (99, 12)])
def test_there_are_no_more_folds_than_images(n_folds: int, used: int) -> None:
    assert judged(5, method="temperature", n_folds=n_folds).n_folds == used


def test_units_have_the_name_they_are_given() -> None:
    found = judged(6, n=3, method="platt", unit="animal")
    assert found.cautions == ("3 animals are few to judge by",)
    assert "on animals that were not fitted on" in found.reason
    assert found.brier_before.unit == found.ece_after.error.unit == "animal"


@pytest.mark.parametrize(
    ("method", "n", "cases", "cautions"),
    [
        ("platt", 10, 40, ()),
        ("temperature", 5, 10, ("temperature is fitted on 40 cases and needs about 50",)),
        ("platt", 4, 30, ("4 images are few to judge by",)),
        (
            "venn_abers",
            6,
            50,
            ("venn_abers is fitted on 200 cases and needs about 1000; platt and temperature need fewer",),
        ),
    ],
)
def test_cautions(method: Recalibration, n: int, cases: int, cautions: tuple[str, ...]) -> None:
    assert judged(7, n=n, cases=cases, method=method).cautions == cautions


def test_a_class_that_some_fits_have_not_seen_is_named() -> None:
    classes = np.array([0, 1] * 30 + [2] * 6)
    stated = np.random.default_rng(0).dirichlet([1, 1, 1], 66)
    units = [f"image {k // 10}" for k in range(60)] + ["the only one"] * 6
    found = cross_calibrate(classes, stated, units=units, method="temperature", n_folds=7)
    assert found.cautions == (
        "class 2 is missing among the cases of some fits; annotate images that have it",
    )


def test_the_record_is_json_and_leaves_the_cases_out() -> None:
    found = judged(8, method="venn_abers")
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert (told["method"], told["n_folds"], told["n_cases"]) == ("venn_abers", 5, 480)
    assert set(told) == {
        "method", "verdict", "reason", "cautions", "n_folds", "n_cases", "brier_before", "brier_after",
        "brier_change", "ece_before", "ece_after", "class_wise_before", "class_wise_after",
    }  # fmt: skip
    assert told["brier_change"]["value"] == found.brier_change.value
    assert told["ece_before"]["error"]["n_units"] == 12


@pytest.mark.parametrize("seed", [0, 1])
def test_the_seed_deals_images_into_folds_and_nothing_else(seed: int) -> None:
    """What was stated does not depend on the dealing; what comes out does."""
    one, other = judged(9, power=2.0, seed=seed), judged(9, power=2.0, seed=seed + 2)
    assert one.brier_before == other.brier_before
    assert not np.array_equal(one.probabilities, other.probabilities)
    assert one.probabilities == pytest.approx(other.probabilities, abs=0.1)
    assert judged(9, power=2.0, seed=seed).to_dict() == one.to_dict()
