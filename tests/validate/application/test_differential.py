"""Errors that depend on the group: Welch's test of errors, Holm over the pairs, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from veriscope.validate.application.differential import check_differential_bias
from veriscope.validate.application.result import Check
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable
from veriscope.validate.ranking import holm

Written = Callable[..., ApplicationTable]
Pairs = list[tuple[float, float]]

A = (0.5, -0.5, 1.0, -1.0, 0.0)
B = (0.8, -0.2, 0.1, -0.7, 0.0)


def off_by(error: float, spread: tuple[float, ...] = A, *, level: float = 40.0) -> Pairs:
    return [(level + i, level + i + error + each) for i, each in enumerate(spread)]


def errors(pairs: Pairs) -> np.ndarray:
    return np.array([p - r for r, p in pairs])


def check(table: ApplicationTable, tolerance: float, *, relative: bool = False, **options: Any) -> Check:
    settings = ApplicationSettings(**options)
    return check_differential_bias(table, tolerance=tolerance, relative=relative, settings=settings)


def test_two_groups_are_compared_by_welchs_test_of_their_errors(written: Written) -> None:
    a, b = off_by(1.0), off_by(3.0, B)
    found = check(written(a=a, b=b), 1.5)
    peer = stats.ttest_ind(errors(b), errors(a), equal_var=False)
    (figure,) = found.figures
    assert figure.label == "error in group b less error in group a"
    assert figure.p_value == pytest.approx(peer.pvalue)
    assert figure.interval.value == pytest.approx(2.0)
    ends = peer.confidence_interval(0.95)
    assert (figure.interval.low, figure.interval.high) == pytest.approx((ends.low, ends.high))
    assert (found.status, found.n, found.unit) == ("fails", 10, "replicate")
    assert found.sentence == (
        f"The error depends on the group (b less a: 2 (95 % interval {ends.low:.3g} to {ends.high:.3g})), so "
        "predictions show a difference between groups that is made by the model."
    )


def test_no_dependence_is_shown_at_the_level_of_two_one_sided_tests(written: Written) -> None:
    a, b = off_by(1.0), off_by(1.2, B)
    found = check(written(a=a, b=b), 2.0)
    ends = stats.ttest_ind(errors(b), errors(a), equal_var=False).confidence_interval(0.9)
    assert found.status == "holds"
    assert found.allowed == (-2.0, 2.0)
    assert found.figure is not None
    assert (found.figure.interval.low, found.figure.interval.high) == pytest.approx((ends.low, ends.high))
    assert found.sentence == (
        "The error is the same in all groups to within 2 (b less a: 0.2 (90 % interval "
        f"{ends.low:.3g} to {ends.high:.3g}))."
    )


def test_between_both_it_is_open(written: Written) -> None:
    found = check(written(a=off_by(1.0), b=off_by(1.2, B)), 0.5)
    assert found.status == "cannot tell"
    assert found.sentence.startswith(
        "Whether the error depends on the group by more than 0.5 is open (b less a"
    )


def test_a_difference_that_is_real_but_harmless_holds(written: Written) -> None:
    """0.6 differs from 0 beyond doubt; it is less than the 2 that are harmless."""
    tiny = tuple(each / 50 for each in A)
    found = check(written(a=off_by(1.0, tiny), b=off_by(1.6, tiny)), 2.0)
    assert found.figure is not None and found.figure.p_value is not None
    assert found.figure.p_value < 1e-6
    assert found.status == "holds"


def test_every_pair_is_compared_and_p_values_are_adjusted_together(written: Written) -> None:
    groups = {"a": off_by(1.0), "b": off_by(1.4, B), "c": off_by(2.4), "d": off_by(1.1, B)}
    found = check(written(**groups), 5.0)
    pairs = list(combinations("abcd", 2))
    assert [figure.label for figure in found.figures] == [
        f"error in group {second} less error in group {first}" for first, second in pairs
    ]
    plain = [
        float(stats.ttest_ind(errors(groups[s]), errors(groups[f]), equal_var=False).pvalue) for f, s in pairs
    ]
    assert [figure.p_value for figure in found.figures] == pytest.approx(holm(plain))
    assert found.figure is not None
    assert found.figure.label == "error in group c less error in group a"


def test_many_comparisons_cost_what_they_should(written: Written) -> None:
    """p is 0.03 for one pair; among ten pairs that is no proof."""
    bad, good = off_by(2.28, B), off_by(1.0)
    alone = check(written(a=good, b=bad), 0.5)
    assert alone.figure is not None and alone.figure.p_value is not None
    assert 0.005 < alone.figure.p_value < 0.05
    assert alone.status == "fails"
    assert check(written(a=good, b=bad, c=good, d=good, e=good), 0.5).status == "cannot tell"


def test_the_control_comes_first_in_its_pairs(written: Written) -> None:
    found = check(written(a=off_by(1.0), b=off_by(1.5), c=off_by(2.0)), 5, control="c")
    assert [figure.label for figure in found.figures] == [
        "error in group a less error in group c",
        "error in group b less error in group c",
        "error in group b less error in group a",
    ]
    assert [figure.interval.value for figure in found.figures] == pytest.approx([-1.0, -0.5, 0.5])


def test_as_a_share_each_group_is_judged_by_its_own_mean(written: Written) -> None:
    """10 % too many everywhere is the same share, and another difference."""
    table = written(
        a=[(r, 1.1 * r + e) for r, e in zip((20.0, 22, 24, 21, 23), A, strict=True)],
        b=[(r, 1.1 * r + e) for r, e in zip((90.0, 95, 99, 92, 94), A, strict=True)],
    )
    share, plain = check(table, 0.1, relative=True), check(table, 1.0)
    assert share.figure is not None and plain.figure is not None
    assert share.figure.interval.value == pytest.approx(0.0, abs=1e-9)
    assert plain.figure.interval.value == pytest.approx(0.1 * (94 - 22))
    assert (share.status, plain.status) == ("holds", "fails")
    assert share.sentence.startswith("The error is the same in all groups to within 10 % (b less a: ")


def test_the_same_error_everywhere_has_no_spread_and_needs_five_replicates(written: Written) -> None:
    """Without spread a sign test is left: 2^-n, so four replicates cannot show equality at 0.05."""
    for n, status in ((4, "cannot tell"), (5, "holds")):
        same = [(float(r), r + 3.0) for r in range(10, 10 + n)]
        found = check(written(a=same, b=[(r + 7, p + 7) for r, p in same]), 1.0)
        assert found.status == status
        assert found.figure is not None
        assert found.figure.interval.value == 0


def test_one_replicate_leaves_it_open(written: Written) -> None:
    found = check(written(a=off_by(0.0), b=[(40.0, 99.0)]), 1.0)
    assert found.status == "cannot tell"
    assert found.figure is not None
    assert found.figure.p_value is None
    assert found.sentence == (
        "Whether the error depends on the group by more than 1 is open (b less a: 59 (interval unknown))."
    )


def test_one_group_has_nothing_to_compare(written: Written) -> None:
    found = check(written(a=off_by(0.0)), 1.0, replicate="animal")
    assert (found.status, found.sentence, found.unit, found.n) == (
        "not applicable",
        "There is only one group.",
        "animal",
        0,
    )
    assert found.figure is found.allowed is None
