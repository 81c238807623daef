import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.methods.networks.flow import follow_flow


def ideal_flow(centres: list[tuple[float, float]], radius: float, shape: tuple[int, int]):
    """Discs, each pixel belonging to the nearest centre and pointing at it; also the true owner."""
    y, x = np.indices(shape)
    away = np.stack([np.hypot(y - cy, x - cx) for cy, cx in centres])
    owner = away.argmin(0)
    inside: NDArray[np.bool_] = away.min(0) <= radius
    cy, cx = np.array(centres).T
    flow = np.stack([cy[owner] - y, cx[owner] - x]) / np.maximum(away.min(0), 1e-9)
    return inside, np.where(away.min(0) < 1, 0, flow) * inside, (owner + 1) * inside


def same_partition(labels: np.ndarray, truth: np.ndarray) -> bool:
    pairs = np.unique(np.stack([labels.ravel(), truth.ravel()]), axis=1)
    return pairs.shape[1] == len(np.unique(labels)) == len(np.unique(truth))


@pytest.mark.parametrize("radius", [4, 9, 30, 120])
def test_touching_discs_of_any_size_are_separated(radius: int) -> None:
    r = 1.8 * radius
    centres = [(r, r), (r, 2 * r), (2 * r, 1.5 * r)]
    inside, flow, truth = ideal_flow(centres, radius, (int(3.1 * r), int(3.1 * r)))
    labels = follow_flow(inside, flow.astype(np.float32))
    assert labels.dtype == np.int32
    assert same_partition(labels, truth)


def test_one_connected_cluster_of_many_is_separated() -> None:
    centres = [(12.0 + 14 * i, 12.0 + 14 * j) for i in range(6) for j in range(5)]
    inside, flow, truth = ideal_flow(centres, 9, (94, 80))
    assert same_partition(follow_flow(inside, flow), truth)


def test_noise_in_the_directions_is_forgiven() -> None:
    inside, flow, truth = ideal_flow([(30.0, 30.0), (30.0, 66.0)], 20, (60, 96))
    noisy = flow + np.random.default_rng(0).normal(0, 0.3, flow.shape)
    labels = follow_flow(inside, noisy / np.maximum(np.hypot(*noisy), 1e-3), merge=2.5)
    assert labels.max() <= 4
    main = np.bincount(labels[truth == 1])[1:].max() / (truth == 1).sum()
    assert main > 0.95


def test_flow_that_leaves_the_foreground_or_the_image_ends_at_the_edge() -> None:
    inside = np.zeros((20, 20), bool)
    inside[:, :6] = True
    flow = np.zeros((2, 20, 20))
    flow[1] = -1
    labels = follow_flow(inside, flow)
    assert labels.max() == 1
    assert ((labels > 0) == inside).all()
    flow[1] = 1
    assert follow_flow(inside, flow).max() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (4, 4)])
def test_nothing_in_the_foreground_gives_no_labels(shape: tuple[int, int]) -> None:
    labels = follow_flow(np.zeros(shape, bool), np.zeros((2, *shape)))
    assert labels.shape == shape
    assert not labels.any()


def test_a_single_pixel_is_an_object() -> None:
    assert follow_flow(np.ones((1, 1), bool), np.zeros((2, 1, 1))).tolist() == [[1]]
