"""Steps along a flow and clusters of their ends: the same as Cellpose 3.1.

`data/cellpose.npz` holds outputs for simulated objects that touch, and what Cellpose made of them
(`benchmarks/peers/cellpose_objects.py`).
"""

from pathlib import Path

import numpy as np
import pytest

from veriscope.methods.networks import cellpose_dynamics
from veriscope.methods.networks.cellpose_dynamics import cellpose_labels, cluster_ends, follow_interpolated


@pytest.fixture(scope="module")
def stored() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).parent / "data" / "cellpose.npz") as file:
        found = dict(file)
    return found | {name: found[name].astype(np.float32) for name in ("flow", "probability")}


def test_every_pixel_ends_where_it_does_in_cellpose_bit_by_bit(stored: dict[str, np.ndarray]) -> None:
    inside = stored["probability"] > 0
    flow = stored["flow"] * inside / np.float32(5)
    ends = follow_interpolated(flow, np.nonzero(inside))
    np.testing.assert_array_equal(ends, stored["ends"])


def test_the_labels_of_cellpose(stored: dict[str, np.ndarray]) -> None:
    labels = cellpose_labels(stored["flow"], stored["probability"])
    np.testing.assert_array_equal(labels, stored["labels"])


@pytest.mark.parametrize("steps", [1, 7, 8, 30, 201])
def test_stopping_periodic_paths_early_changes_nothing(
    stored: dict[str, np.ndarray], steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = stored["probability"] > 0
    flow = stored["flow"] * inside / np.float32(5)
    early = follow_interpolated(flow, np.nonzero(inside), steps=steps)
    monkeypatch.setattr(cellpose_dynamics, "_LOOK", 10**9)
    monkeypatch.setattr(cellpose_dynamics, "_CHUNK", 100)
    np.testing.assert_array_equal(follow_interpolated(flow, np.nonzero(inside), steps=steps), early)


def test_pixels_stay_in_the_image() -> None:
    flow = np.stack([np.full((6, 9), -3, np.float32), np.full((6, 9), 4, np.float32)])
    ends = follow_interpolated(flow, np.nonzero(np.ones((6, 9), bool)), steps=5)
    assert (ends[0] == 0).all()
    assert (ends[1] == 8).all()


@pytest.mark.parametrize("shape", [(20, 20), (9, 20, 20)])
def test_clusters_in_two_and_three_dimensions(shape: tuple[int, ...]) -> None:
    inside = np.zeros(shape, bool)
    inside[..., 2:6, 2:6] = inside[..., 2:6, 12:16] = True
    places = np.nonzero(inside)
    ends = np.stack([np.full(len(axis), 4.5) for axis in places[:-1]] + [np.where(places[-1] < 8, 3.2, 13.9)])
    labels = cluster_ends(ends, inside)
    assert labels.dtype == np.int32
    assert (labels[..., 2:6, 2:6] == 1).all()
    assert (labels[..., 2:6, 12:16] == 2).all()
    assert (labels[~inside] == 0).all()


def test_what_covers_most_of_the_image_and_what_is_tiny_is_dropped() -> None:
    inside = np.zeros((20, 20), bool)
    inside[:15] = True
    ends = np.full((2, inside.sum()), 7.0)
    assert not cluster_ends(ends, inside).any()
    assert cluster_ends(ends, inside, largest=0.8).max() == 1
    few = np.zeros((20, 20), bool)
    few[3, 3:13] = True
    assert not cluster_ends(np.full((2, 10), 3.0), few).any()


def test_nothing_inside() -> None:
    labels = cellpose_labels(np.zeros((2, 5, 4), np.float32), np.full((5, 4), -1.0))
    assert labels.shape == (5, 4)
    assert not labels.any()
