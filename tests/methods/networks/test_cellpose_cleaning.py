"""Which objects of a flow stay: the same errors and the same labels as Cellpose 3.1.

`data/cellpose_cleaning.npz` holds objects, one joined of two, one with a hole, one of few pixels; the flow
of a network; and what Cellpose made of them (`benchmarks/peers/cellpose_cleaning.py`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.methods.networks.cellpose_cleaning import drop_unfit, fill_and_drop, flow_errors, heat_flow


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "data" / "cellpose_cleaning.npz") as file:
        found = dict(file)
    return found | {"flow": found["flow"].astype(np.float32), "labels": found["labels"].astype(np.int32)}


def disc(size: int = 31, radius: float = 9.0) -> np.ndarray:
    away = np.hypot(*(np.indices((size, size)) - size // 2))
    return (away <= radius).astype(np.int32)


def test_the_errors_of_cellpose(stored: dict[str, np.ndarray]) -> None:
    np.testing.assert_allclose(flow_errors(stored["labels"], stored["flow"]), stored["errors"], atol=1e-6)
    assert stored["errors"].max() > 0.4 > stored["errors"].min()


def test_what_cellpose_keeps(stored: dict[str, np.ndarray]) -> None:
    good = drop_unfit(stored["labels"], stored["flow"], largest=float(stored["largest"]))
    kept = fill_and_drop(good, smallest=int(stored["smallest"]))
    np.testing.assert_array_equal(kept, stored["kept"])


def test_the_flow_of_a_disc_points_to_its_middle() -> None:
    labels = disc()
    flow = heat_flow(labels)
    y, x = np.nonzero(labels)
    to_middle = np.stack([15 - y, 15 - x]).astype(float)
    far = np.hypot(*to_middle) > 2
    along = (flow[:, y, x] * to_middle)[:, far].sum(0) / np.hypot(*to_middle)[far]
    assert along.min() > 0.9
    assert not flow[:, labels == 0].any()
    lengths = np.hypot(*flow[:, y, x])
    np.testing.assert_allclose(lengths[far], 1, atol=1e-9)


def test_objects_do_not_warm_each_other() -> None:
    """Two that touch have the flow that each has alone."""
    labels = np.zeros((20, 24), np.int32)
    labels[4:16, 2:12], labels[4:16, 12:22] = 1, 2
    both = heat_flow(labels)
    for number in (1, 2):
        alone = heat_flow(np.where(labels == number, labels, 0))
        np.testing.assert_allclose(both[:, labels == number], alone[:, labels == number], atol=1e-12)


def test_a_flow_that_fits_has_no_error_and_one_turned_round_has_four() -> None:
    labels = disc()
    own = (5 * heat_flow(labels)).astype(np.float32)
    pixels = labels.sum()
    still = (np.hypot(*heat_flow(labels))[labels > 0] < 0.5).sum()
    assert flow_errors(labels, own)[0] == pytest.approx(0, abs=1e-9)
    assert flow_errors(labels, -own)[0] == pytest.approx(4 * (pixels - still) / pixels, rel=1e-6)
    assert drop_unfit(labels, own, largest=0.4).any()
    assert not drop_unfit(labels, -own, largest=0.4).any()


def test_numbers_that_are_not_used_have_no_error() -> None:
    labels = disc() * 3
    errors = flow_errors(labels, (5 * heat_flow(labels)).astype(np.float32))
    assert errors.shape == (3,) and np.isfinite(errors).all()


def test_holes_are_filled_also_with_what_lies_in_them() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[2:18, 2:18] = 1
    labels[5:9, 5:9] = 0
    labels[12:15, 12:15] = 2
    found = fill_and_drop(labels, smallest=1)
    assert (found[2:18, 2:18] == 1).all() and found.max() == 1
    assert (labels[5:9, 5:9] == 0).all(), "the labels given were changed"
    open_side = labels.copy()
    open_side[2:9, 6] = 0
    assert (fill_and_drop(open_side, smallest=1)[5:9, 6] == 0).all(), "a bay is no hole"


@pytest.mark.parametrize(("smallest", "left"), [(0, 3), (4, 3), (5, 2), (17, 1), (1000, 0)])
def test_small_objects_go(smallest: int, left: int) -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[1:3, 1:3], labels[5:9, 5:9], labels[10:19, 10:19] = 5, 2, 9
    found = fill_and_drop(labels, smallest=smallest)
    assert found.max() == left == len(np.unique(found)) - 1


def test_nothing_stays_nothing() -> None:
    nothing = np.zeros((6, 7), np.int32)
    flow = np.zeros((2, 6, 7), np.float32)
    assert flow_errors(nothing, flow).shape == (0,)
    assert not heat_flow(nothing).any()
    assert not drop_unfit(nothing, flow, largest=0.4).any()
    assert not fill_and_drop(nothing, smallest=15).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_what_is_kept_is_numbered_in_the_order_of_first_pixels(seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 4, (4, 5)).repeat(4, 0).repeat(4, 1).astype(np.int32)
    found = fill_and_drop(labels, smallest=15)
    numbers, first = np.unique(found, return_index=True)
    order = numbers[np.argsort(first)]
    assert order[order > 0].tolist() == list(range(1, found.max() + 1))
    assert (np.bincount(found.ravel())[1:] >= 15).all()
    assert found.dtype == np.int32
