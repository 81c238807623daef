"""Bias, limits, equivalence and differential bias of simulated studies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from veriscope.validate.agreement import bland_altman
from veriscope.validate.application.bias import check_bias
from veriscope.validate.application.differential import check_differential_bias
from veriscope.validate.application.equivalence import check_equivalence
from veriscope.validate.application.limits import check_limits, check_proportional_bias
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable, read_table

Study = Callable[..., ApplicationTable]

DEFAULT = ApplicationSettings()


def test_bias_has_replicates_as_units_and_both_scales(study: Study) -> None:
    table = study(1, errors=(5.0, 5.0))
    check = check_bias(table, tolerance=10, relative=False, settings=DEFAULT)
    reference, prediction = table.replicate_means()
    assert check.figure is not None
    assert check.figure.interval.value == pytest.approx((prediction - reference).mean())
    assert (check.n, check.unit, check.status) == (8, "replicate", "holds")
    shares = {figure.label: figure.interval.value for figure in check.figures}
    assert shares["mean error as a share of the reference"] == pytest.approx(
        prediction.mean() / reference.mean() - 1
    )
    assert len(shares) == 6  # all, a, b; each on both scales
    assert check_bias(table, tolerance=1, relative=False, settings=DEFAULT).status == "fails"
    assert check_bias(table, tolerance=0.1, relative=True, settings=DEFAULT).allowed == (-0.1, 0.1)


def test_opposite_errors_cancel_in_the_bias_but_not_in_equivalence_or_differential_bias(study: Study) -> None:
    table = study(2, errors=(6.0, -6.0))
    assert check_bias(table, tolerance=3, relative=False, settings=DEFAULT).status == "holds"
    assert check_equivalence(table, tolerance=3, relative=False, settings=DEFAULT).status == "fails"
    differential = check_differential_bias(table, tolerance=3, relative=False, settings=DEFAULT)
    assert differential.status == "fails"
    assert differential.figure is not None
    assert differential.figure.interval.value == pytest.approx(-12, abs=3)
    assert differential.sentence.startswith("The error depends on the group (b less a: -1")
    assert differential.sentence.endswith("a difference between groups that is made by the model.")


def test_the_same_error_everywhere_is_no_differential_bias(study: Study) -> None:
    table = study(3, errors=(20.0, 20.0))
    check = check_differential_bias(table, tolerance=4, relative=False, settings=DEFAULT)
    assert check.status == "holds"
    assert check_bias(table, tolerance=4, relative=False, settings=DEFAULT).status == "fails"


def test_a_factor_is_no_differential_bias_as_a_share(study: Study) -> None:
    table = study(4, means=(30.0, 90.0), gain=1.3)
    share = check_differential_bias(table, tolerance=0.1, relative=True, settings=DEFAULT)
    absolute = check_differential_bias(table, tolerance=3, relative=False, settings=DEFAULT)
    assert (share.status, absolute.status) == ("holds", "fails")


def test_false_alarms_of_differential_bias_are_as_rare_as_stated(study: Study) -> None:
    found = Counter(
        check_differential_bias(
            study(seed, means=(50.0, 60, 70), errors=(2.0, 2, 2), images=2),
            tolerance=0.5,
            relative=False,
            settings=DEFAULT,
        ).status
        for seed in range(150)
    )
    assert found["fails"] / 150 < 0.08
    assert found["cannot tell"] > found["holds"]


def test_equivalence_tells_the_group_that_fails(study: Study) -> None:
    check = check_equivalence(study(5, errors=(0.0, 9.0)), tolerance=4, relative=False, settings=DEFAULT)
    assert check.status == "fails"
    assert check.sentence.startswith("The mean error is larger than 4: ")
    assert check.sentence.endswith("in group b.")
    few = check_equivalence(study(5, replicates=1), tolerance=4, relative=False, settings=DEFAULT)
    assert few.status == "cannot tell"


def test_comparisons_need_two_groups(study: Study) -> None:
    check = check_differential_bias(
        study(6, means=(50.0,), errors=(0.0,)), tolerance=4, relative=False, settings=DEFAULT
    )
    assert (check.status, check.sentence) == ("not applicable", "There is only one group.")


def test_limits_are_those_of_units_in_replicates(study: Study) -> None:
    table = study(7, errors=(2.0, 2.0))
    told = check_limits(table, tolerance=1, relative=False, settings=DEFAULT)
    assert (told.status, told.allowed) == ("not applicable", None)
    assert told.sentence.endswith("; no tolerance is stated for single ones.")
    expected = bland_altman(table.reference, table.prediction, clusters=table.replicate.tolist())
    assert told.figures[1].interval == expected.upper_limit
    for bound, status in ((20.0, "holds"), (0.5, "fails"), (5.0, "cannot tell")):
        judged = ApplicationSettings(unit_tolerance=bound)
        assert check_limits(table, tolerance=1, relative=False, settings=judged).status == status


def test_one_replicate_gives_no_limits(study: Study) -> None:
    table = study(8, means=(50.0,), errors=(0.0,), replicates=1)
    check = check_limits(table, tolerance=1, relative=False, settings=ApplicationSettings(unit_tolerance=5))
    assert check.status == "cannot tell"
    assert check.sentence == "One replicate does not tell how far a single image may be off."
    slope = check_proportional_bias(table, tolerance=1, relative=False, settings=DEFAULT)
    assert slope.status == "cannot tell"


def test_proportional_bias_is_told_as_a_change_over_the_range_of_values(study: Study) -> None:
    quiet = {"error_between": 0.2, "error_within": 0.2}
    table = study(9, gain=1.5, **quiet)
    check = check_proportional_bias(table, tolerance=3, relative=False, settings=DEFAULT)
    means = (table.reference + table.prediction) / 2
    span = np.quantile(means, 0.95) - np.quantile(means, 0.05)
    assert check.status == "fails"
    assert check.figure is not None
    assert check.figure.interval.value == pytest.approx(0.4 * span, rel=0.05)  # slope 2 (1.5 - 1) / (1.5 + 1)
    even = check_proportional_bias(
        study(9, errors=(9.0, 9.0), **quiet), tolerance=3, relative=False, settings=DEFAULT
    )
    assert even.status == "holds"


def test_equal_values_have_no_proportional_bias() -> None:
    flat = read_table(
        {
            "unit": range(6),
            "group": ["a"] * 6,
            "replicate": [1, 1, 2, 2, 3, 3],
            "reference": [5.0] * 6,
            "prediction": [5.0] * 6,
        }
    )
    check = check_proportional_bias(flat, tolerance=1, relative=False, settings=DEFAULT)
    assert check.figure is not None and math.isnan(check.figure.interval.value)
    assert check.status == "cannot tell"
