"""Means over images, and over replicates of the means of their images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
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


@pytest.mark.parametrize(
    ("clusters", "lonely"),
    [([None, "a", "a"], "1 of 3"), (["a", "a", None], "1 of 3"), ([None, None, "a"], "2 of 3")],
)
def test_some_images_without_a_replicate_are_refused(clusters: list[str | None], lonely: str) -> None:
    """Taken as images, those of one replicate would be independent witnesses."""
    with pytest.raises(InputError) as caught:
        unit_means([0.1, 0.2, 0.3], clusters)
    first = clusters.index(None) + 1
    assert str(caught.value) == (
        f"{lonely} images have no cluster, the first is 'image {first}'; give every image a cluster, or none"
    )


@pytest.mark.parametrize("clusters", [["a"], [], [None]])
def test_there_is_one_replicate_per_image(clusters: list[str | None]) -> None:
    with pytest.raises(InputError):
        unit_means([0.1, 0.2], clusters)


@given(values=st.lists(st.floats(0, 1) | st.just(math.nan), min_size=1, max_size=12), data=st.data())
def test_means_are_those_of_each_replicate_in_any_order(values: list[float], data: st.DataObject) -> None:
    clusters = data.draw(st.lists(st.sampled_from("abcd"), min_size=len(values), max_size=len(values)))
    found = unit_means(values, clusters)
    for mean, name in zip(found, dict.fromkeys(clusters), strict=True):
        own = [v for v, c in zip(values, clusters, strict=True) if c == name and not math.isnan(v)]
        assert mean == pytest.approx(sum(own) / len(own) if own else math.nan, nan_ok=True)
    order = data.draw(st.permutations(range(len(values))))
    turned = unit_means([values[i] for i in order], [clusters[i] for i in order])
    np.testing.assert_allclose(np.sort(turned), np.sort(found))
