"""The mean error over all groups: exact intervals, whole sentences, and which units count."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from veriscope.validate.application.bias import check_bias
from veriscope.validate.application.result import Check
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable, read_table

Written = Callable[..., ApplicationTable]

FOUR = [(10.0, 11.0), (12.0, 14.0), (14.0, 17.0), (16.0, 18.0)]
"""Errors 1, 2, 3, 2: mean 2, standard deviation √(2/3); mean reference 13."""


def check(table: ApplicationTable, tolerance: float, *, relative: bool = False, **options: Any) -> Check:
    settings = ApplicationSettings(**options)
    return check_bias(table, tolerance=tolerance, relative=relative, settings=settings)


def test_the_interval_is_that_of_the_t_test_of_the_replicates(written: Written) -> None:
    figure = check(written(a=FOUR), 5).figure
    assert figure is not None
    assert figure.label == "mean error"
    expected = stats.ttest_1samp([1.0, 2, 3, 2], 0).confidence_interval(0.95)
    assert figure.interval.value == 2
    assert (figure.interval.low, figure.interval.high) == pytest.approx((expected.low, expected.high))
    assert (figure.interval.n_units, figure.interval.unit, figure.interval.level) == (4, "replicate", 0.95)


@pytest.mark.parametrize(
    ("tolerance", "status", "sentence"),
    [
        (
            5.0,
            "holds",
            "On average predictions are off by 2 (95 % interval 0.701 to 3.3), less than the 5 that are "
            "harmless.",
        ),
        (
            0.5,
            "fails",
            "On average predictions are too high, by 2 (95 % interval 0.701 to 3.3); 0.5 would be harmless.",
        ),
        (
            3.0,
            "cannot tell",
            "On average predictions are off by 2 (95 % interval 0.701 to 3.3); whether that is within 3 is "
            "open.",
        ),
    ],
)
def test_each_verdict_has_its_sentence(
    written: Written, tolerance: float, status: str, sentence: str
) -> None:
    found = check(written(a=FOUR), tolerance)
    assert (found.name, found.status, found.sentence) == ("bias", status, sentence)
    assert found.allowed == (-tolerance, tolerance)


def test_too_little_is_called_low(written: Written) -> None:
    found = check(written(a=[(r, 2 * r - p) for r, p in FOUR]), 0.5)
    assert found.sentence == (
        "On average predictions are too low, by -2 (95 % interval -3.3 to -0.701); 0.5 would be harmless."
    )


def test_as_a_share_everything_is_in_percent(written: Written) -> None:
    found = check(written(a=FOUR), 0.9, relative=True)
    assert found.figure is found.figures[1]
    assert found.figure is not None
    assert found.figure.label == "mean error as a share of the reference"
    assert found.figure.interval.value == pytest.approx(2 / 13)
    assert found.figure.interval.method == "Fieller"
    assert found.sentence.startswith("On average predictions are off by 15.4 % (95 % interval ")
    assert found.sentence.endswith(" %), less than the 90 % that are harmless.")


def test_the_figures_go_over_all_and_then_over_each_group(written: Written) -> None:
    found = check(written(a=FOUR, b=[(20.0, 19.0), (22.0, 20.0), (24.0, 23.0)]), 5)
    assert {figure.label: figure.interval.value for figure in found.figures} == {
        "mean error": pytest.approx((8 - 4) / 7),
        "mean error as a share of the reference": pytest.approx(4 / (52 + 66)),
        "mean error in group a": pytest.approx(2),
        "mean error as a share of the reference in group a": pytest.approx(2 / 13),
        "mean error in group b": pytest.approx(-4 / 3),
        "mean error as a share of the reference in group b": pytest.approx(-4 / 66),
    }
    assert [figure.interval.n_units for figure in found.figures] == [7, 7, 4, 4, 3, 3]
    assert all(figure.p_value is None for figure in found.figures)


def test_shares_of_references_around_zero_are_left_out(written: Written) -> None:
    """Log ratios have a mean of about 0: a share of it would be any number."""
    found = check(written(a=[(-2.0, -1.0), (1.0, 1.5), (1.0, 2.0)], b=[(3.0, 3.0), (4.0, 5.0)]), 9)
    assert [figure.label for figure in found.figures] == [
        "mean error",
        "mean error as a share of the reference",
        "mean error in group a",
        "mean error in group b",
        "mean error as a share of the reference in group b",
    ]


def test_units_of_a_replicate_are_one_witness() -> None:
    """Nine images of one animal weigh as much as the single one of another."""
    many = {
        "unit": list(range(11)),
        "group": ["a"] * 11,
        "replicate": ["m1"] * 9 + ["m2", "m3"],
        "reference": [10.0] * 11,
        "prediction": [16.0] * 9 + [10.0, 11.0],
    }
    found = check(read_table(many), 20, replicate="animal")
    assert found.figure is not None
    assert found.figure.interval.value == pytest.approx((6 + 0 + 1) / 3)
    assert (found.n, found.unit, found.figure.interval.n_units) == (3, "animal", 3)


def test_what_lies_between_groups_widens_nothing(written: Written) -> None:
    """Groups were chosen: an error of 0 in one and of 10 in the other is no spread."""
    near = written(a=FOUR, b=FOUR)
    far = written(a=FOUR, b=[(r, p + 10) for r, p in FOUR])
    one, two = (check(table, 50).figures[0].interval for table in (near, far))
    assert one.low is not None and one.high is not None
    assert two.value == pytest.approx(one.value + 5)
    assert (two.low, two.high) == pytest.approx((one.low + 5, one.high + 5))


@pytest.mark.parametrize(("alpha", "level"), [(0.05, 0.95), (0.2, 0.8), (0.01, 0.99)])
def test_the_level_is_one_less_alpha(written: Written, alpha: float, level: float) -> None:
    found = check(written(a=FOUR), 5, alpha=alpha).figures[0].interval
    reach = stats.t.ppf((1 + level) / 2, 3) * math.sqrt(2 / 3) / 2
    assert found.level == pytest.approx(level)
    assert (found.low, found.high) == pytest.approx((2 - reach, 2 + reach))


def test_one_replicate_tells_a_value_and_no_verdict(written: Written) -> None:
    found = check(written(a=FOUR[:1]), 0.01)
    assert found.status == "cannot tell"
    assert found.sentence == (
        "On average predictions are off by 1 (interval unknown); whether that is within 0.01 is open."
    )
    assert np.isfinite(found.figures[0].interval.value)
    assert found.figures[0].interval.method == "cannot tell: 1 replicate"
