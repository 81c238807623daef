"""Means over images, and over replicates of the means of their images."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.validate.means import mean_over_units, unit_means
from veriscope.validate.statistics import mean_interval


def test_images_of_a_replicate_are_averaged_first() -> None:
    values = [1.0, 0.0, 0.5, 1.0, 1.0]
    clusters = ["a", "a", "b", "c", "c"]
    assert unit_means(values, clusters).tolist() == [0.5, 0.5, 1.0]
    found = mean_over_units(values, clusters, level=0.9, bounds=(0.0, 1.0), unit="replicate")
    assert found.value == pytest.approx(2 / 3)  # of images it would be 0.7
    assert (found.n_units, found.unit, found.aggregation) == (3, "replicate", "mean")


def test_without_replicates_images_are_the_units() -> None:
    values = [0.2, 0.4, 0.9]
    found = mean_over_units(values, [None] * 3, level=0.95, bounds=(0.0, 1.0), unit="image")
    assert found == mean_interval(np.array(values), level=0.95, bounds=(0.0, 1.0), unit="image")


@pytest.mark.parametrize("missing", [np.nan, np.inf])
def test_what_is_not_finite_is_left_aside(missing: float) -> None:
    assert unit_means([1.0, missing, 0.0], ["a", "a", "b"]).tolist() == [1.0, 0.0]
    assert np.isnan(unit_means([missing, missing, 1.0], ["a", "a", "b"])[0])
    found = mean_over_units(
        [missing, missing, 1.0, 0.0], ["a", "a", "b", "c"], level=0.9, bounds=(0.0, 1.0), unit="replicate"
    )
    assert (found.value, found.n_units) == (0.5, 2)


def test_nothing_has_no_mean() -> None:
    found = mean_over_units([], [], level=0.9, bounds=(0.0, 1.0), unit="image")
    assert np.isnan(found.value)
    assert found.low is None
