"""Where everything is annotated, nothing is estimated."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.trust.census import census
from veriscope.trust.contrast import Group, contrast


def test_value_is_the_sum_and_the_interval_has_no_width() -> None:
    found = census(103.0, n=10)
    assert (found.value, found.low, found.high, found.standard_error) == (103.0, 103.0, 103.0, 0.0)
    assert (found.status, found.estimator, found.n) == ("ok", "census", 10)


def test_ratio_of_sums() -> None:
    assert census(50.0, denominator=20.0, n=3).value == 2.5


def test_nothing_to_average_cannot_tell() -> None:
    found = census(0.0, denominator=0.0, n=4)
    assert found.status == "cannot-tell"
    assert found.reason == "All tiles are annotated and none holds an object, so there is nothing to average."
    assert found.to_dict()["estimate" if "estimate" in found.to_dict() else "value"] is None


def test_groups_known_exactly_still_differ_by_replicates() -> None:
    replicates = np.array([10.0, 12.0, 14.0]), np.ones(3)
    first = Group("a", census(36.0, denominator=3.0, n=3), *replicates)
    second = Group("b", census(60.0, denominator=3.0, n=3), replicates[0] + 8, np.ones(3))
    found = contrast(first, second)
    assert found.estimate.value == pytest.approx(8.0)
    assert found.estimate.low < 8.0 < found.estimate.high
    assert found.audit_share == 0.0
