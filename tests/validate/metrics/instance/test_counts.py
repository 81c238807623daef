"""The relative error of the number of objects: sign, range, and what cancels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.testing.label_images import disks
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.instance.counts import COUNT_BIAS, count_bias
from veriscope.validate.scores import pooled_score
from veriscope.validate.units import count_unit


def counts(n_reference: float, n_prediction: float) -> Counts:
    return Counts.from_columns(np.array([0, n_prediction, n_reference, 0, n_reference, n_prediction]))


@given(st.integers(1, 500), st.integers(0, 500))
def test_it_is_the_share_by_which_the_number_is_off(n: int, m: int) -> None:
    value = float(count_bias(counts(n, m)))
    assert value >= COUNT_BIAS.low
    assert n * (1 + value) == pytest.approx(m)
    assert (value == COUNT_BIAS.best) == (n == m)


@pytest.mark.parametrize(("m", "value"), [(0, -1), (10, 0), (11, 0.1), (30, 2)])
def test_by_hand(m: int, value: float) -> None:
    assert count_bias(counts(10, m)) == pytest.approx(value)


def test_without_an_object_to_count_it_is_undefined_but_what_was_invented_has_a_size() -> None:
    assert np.isnan(count_bias(counts(0, 0))) and np.isnan(count_bias(counts(0, 3)))
    assert (COUNT_BIAS.sizes(counts(0, 0)), COUNT_BIAS.sizes(counts(0, 3))) == (0, 3)


def test_misses_and_inventions_cancel() -> None:
    """Two of four objects are lost and two are found where there is nothing: a count without error."""
    reference = disks(2)
    prediction = np.where(reference > 2, 0, reference)
    prediction[0, 0], prediction[0, -1] = 8, 9
    unit = count_unit(reference, prediction)
    assert (unit.tp[0], unit.fp[0], unit.fn[0]) == (2, 2, 2)
    assert count_bias(Counts.from_columns(np.array(unit.row(0.5)))) == 0


def test_pooled_it_is_that_of_the_sums_and_images_of_inventions_count() -> None:
    labels, nothing = disks(2), np.zeros_like(disks(2))
    units = [
        count_unit(labels, labels, name="right"),
        count_unit(labels, nothing, name="missed"),
        count_unit(nothing, labels, name="invented"),
        count_unit(nothing, nothing, name="empty"),
    ]
    found = pooled_score(units, "count_bias")
    assert (found.value, found.n_units) == (0.0, 3)
    assert found.low is not None and found.high is not None
    assert -1 <= found.low < 0 < found.high
