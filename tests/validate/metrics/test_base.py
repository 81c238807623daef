"""Counts and quotients that every metric of objects is made of."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.validate.metrics.base import Counts, ratio
from veriscope.validate.metrics.instance.catalogue import AT_EACH_THRESHOLD, AT_HALF, OF_OVERLAPS
from veriscope.validate.units import count_unit

NAMES = [field.name for field in fields(Counts)]
ALL = (*AT_EACH_THRESHOLD, *AT_HALF, *OF_OVERLAPS)


def test_columns_are_the_fields_in_their_order() -> None:
    counts = Counts.from_columns(np.arange(17))
    assert [float(getattr(counts, name)) for name in NAMES] == list(range(17))
    with pytest.raises(FrozenInstanceError):
        counts.tp = np.zeros(())  # type: ignore[misc]


@pytest.mark.parametrize("shape", [(), (3,), (2, 4), (0,)])
def test_any_shape_in_front_is_kept(shape: tuple[int, ...]) -> None:
    columns = np.random.default_rng(0).integers(0, 9, (*shape, 17))
    counts = Counts.from_columns(columns)
    for i, name in enumerate(NAMES):
        value = getattr(counts, name)
        assert value.shape == shape
        assert np.array_equal(value, columns[..., i])


def test_where_only_objects_were_counted_overlaps_are_unknown() -> None:
    counts = Counts.from_columns(np.array([[1, 2, 3, 0.9, 4, 3], [0, 0, 1, 0, 1, 0]]))
    assert counts.tp.tolist() == [1, 0] and counts.n_prediction.tolist() == [3, 0]
    for name in NAMES[6:]:
        assert np.isnan(getattr(counts, name)).all() and getattr(counts, name).shape == (2,)


@pytest.mark.parametrize("width", [0, 5, 7, 16, 18])
def test_another_number_of_columns_is_no_set_of_counts(width: int) -> None:
    with pytest.raises(TypeError):
        Counts.from_columns(np.zeros((4, width)))


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.sampled_from([0.0, -0.0, 1e-300, 1.0, -2.0, 1e9]))))
def test_quotients_are_undefined_just_where_nothing_divides(pairs: list[tuple[float, float]]) -> None:
    above, below = np.array(pairs, float).reshape(-1, 2).T
    with np.errstate(over="ignore"):
        found = ratio(above, below)
    assert np.array_equal(np.isnan(found), below == 0)
    known = (below != 0) & np.isfinite(found)
    assert found[known] * below[known] == pytest.approx(above[known])


def test_nothing_over_nothing_is_undefined_and_whole_numbers_divide() -> None:
    assert np.isnan(ratio(np.zeros(()), np.zeros(())))
    assert np.isnan(ratio(np.array(np.nan), np.array(1.0)))
    assert ratio(np.array([1, 2]), np.array([2, 4])).tolist() == [0.5, 0.5]  # type: ignore[arg-type]


IMAGES = [
    (np.repeat([1, 2, 0], 4)[None], np.repeat([1, 2, 0], [3, 5, 4])[None]),
    (np.repeat([7, 0, 9], 4)[None], np.repeat([7, 0], [4, 8])[None]),
    (np.repeat([1, 2], 6)[None], np.ones((1, 12), int)),
]


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_every_metric_takes_all_images_at_once_and_stays_in_its_range(metric: Any) -> None:
    rows = np.array([count_unit(*pair).all_sums(0.5) for pair in IMAGES])
    together = metric.function(Counts.from_columns(rows))
    assert together.shape == (len(IMAGES),)
    for row, value in zip(rows, together, strict=True):
        assert metric.function(Counts.from_columns(row)) == pytest.approx(float(value), nan_ok=True)
        assert np.isnan(value) or metric.low <= value <= metric.high
    pooled = metric.function(Counts.from_columns(rows.sum(axis=0)))
    known = together[np.isfinite(together)]
    assert known.min() - 1e-12 <= pooled <= known.max() + 1e-12  # a mean that weighs images


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_an_image_that_brings_nothing_is_one_where_the_metric_is_undefined(metric: Any) -> None:
    empty = np.zeros((2, 3), int)
    counts = Counts.from_columns(np.array(count_unit(empty, empty).all_sums(0.5)))
    assert metric.sizes(counts) == 0
    assert np.isnan(metric.function(counts))


@pytest.mark.parametrize("metric", ALL, ids=lambda metric: metric.name)
def test_perfect_objects_have_the_best_value(metric: Any) -> None:
    labels = np.repeat([1, 2, 0], 4)[None]
    counts = Counts.from_columns(np.array(count_unit(labels, labels).all_sums(0.5)))
    assert metric.function(counts) == metric.best
    assert metric.best in (metric.low, metric.high, 0.0)
