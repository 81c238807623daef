"""Units that belong together: numbered by their first appearance, added up, all or none named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.validate.clusters import cluster_numbers, sum_by_cluster, whole_clusters


def test_clusters_are_numbered_in_the_order_in_which_they_appear() -> None:
    assert cluster_numbers(["b", "a", "b", "c", "a"], n_units=5).tolist() == [0, 1, 0, 2, 1]
    assert cluster_numbers([("p", 1), None, 3.5, None], n_units=4).tolist() == [0, 1, 2, 1]
    assert cluster_numbers([], n_units=0).shape == (0,)


def test_clusters_of_units_that_are_not_used_have_no_number() -> None:
    kept = np.array([False, True, True, False, True])
    assert cluster_numbers(["b", "a", "c", "b", "a"], n_units=5, kept=kept).tolist() == [0, 1, 0]
    assert cluster_numbers(["b", "a"], n_units=2, kept=np.zeros(2, bool)).tolist() == []


@pytest.mark.parametrize("n", [0, 1, 3])
def test_there_is_one_name_per_unit(n: int) -> None:
    for call in (
        lambda: cluster_numbers(["a"] * n, n_units=2),
        lambda: sum_by_cluster(np.ones((2, 4)), ["a"] * n),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == f"{n} clusters are given for 2 units; give one for each"


def test_rows_add_up_in_order_of_appearance() -> None:
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert sum_by_cluster(rows, ["b", "a", "b"]).tolist() == [[6, 8], [3, 4]]
    assert sum_by_cluster(np.empty((0, 3)), []).shape == (0, 3)
    assert rows.tolist() == [[1, 2], [3, 4], [5, 6]]  # what was given stays


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-9, 9)), max_size=20), st.randoms())
def test_sums_are_those_of_each_cluster_whatever_the_order(units: list[tuple[str, int]], random: Any) -> None:
    def sums(given_units: list[tuple[str, int]]) -> dict[str, float]:
        names = [name for name, _ in given_units]
        rows = np.array([[value] for _, value in given_units], float).reshape(-1, 1)
        return dict(zip(dict.fromkeys(names), sum_by_cluster(rows, names)[:, 0].tolist(), strict=True))

    expected = {name: sum(v for n, v in units if n == name) for name, _ in units}
    shuffled = random.sample(units, len(units))
    assert sums(units) == sums(shuffled) == expected


def test_all_units_have_a_cluster_or_none_has() -> None:
    assert whole_clusters(["w1", "w1"], names=["a", "b"]) == ["w1", "w1"]
    assert whole_clusters([None, None], names=["a", "b"]) is None
    assert whole_clusters([], names=[]) is None
    assert whole_clusters([0, ""], names=["a", "b"]) == [0, ""]  # names like any other


@pytest.mark.parametrize(
    ("clusters", "unit", "message"),
    [
        (
            ["w", None, None],
            "image",
            "2 of 3 images have no cluster, the first is 'b'; give every image a cluster, or none",
        ),
        (
            [None, "w", "w"],
            "tile",
            "1 of 3 tiles have no cluster, the first is 'a'; give every tile a cluster, or none",
        ),
    ],
)
def test_some_units_without_a_cluster_are_named(clusters: list[Any], unit: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        whole_clusters(clusters, names=["a", "b", "c"], unit=unit)
    assert str(caught.value) == message
