"""From dense outputs to objects, by the head that made them; no network needed."""

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import MethodError
from veriscope.methods.base import Part
from veriscope.methods.networks.dense_objects import Dense, separator_for
from veriscope.methods.networks.network_settings import NetworkSettings


def two_touching_discs() -> tuple[np.ndarray, np.ndarray]:
    """Foreground and flow (3, y, x) of two discs that share a border, and their labels."""
    y, x = np.indices((40, 64))
    left, right = np.hypot(y - 20, x - 20), np.hypot(y - 20, x - 43)
    labels = np.where(left <= 12, 1, 0) + np.where((right < 12) & (left > 12), 2, 0)
    dy = np.where(labels == 1, 20 - y, 20 - y)
    dx = np.where(labels == 1, 20 - x, 43 - x)
    norm = np.maximum(np.hypot(dy, dx), 1e-6)
    inside = labels > 0
    return np.stack([inside * 0.9, inside * dy / norm, inside * dx / norm]).astype(np.float32), labels


def dense(values: np.ndarray, *, shape: tuple[int, int] | None = None) -> Dense:
    """Outputs over a whole image, whose pixels may be others than those of the grid."""
    onto = values.shape[1:]
    part = Part.whole(Image(np.zeros(shape or onto, np.uint8), "yx"))
    grid = tuple(slice(0, size) for size in onto)
    return Dense(values, grid, onto, part, onto[0] / part.shape[0])


@pytest.mark.parametrize("shape", [(40, 64), (20, 32), (80, 128)])
def test_the_flow_takes_touching_objects_apart_at_any_scale(shape: tuple[int, int]) -> None:
    values, _ = two_touching_discs()
    separate = separator_for(NetworkSettings(head="flow"), where="test")
    labels, foreground = separate(dense(values, shape=shape), threshold=0.5)
    assert labels.shape == foreground.shape == shape
    assert labels.max() == 2
    middle = shape[0] // 2
    assert len({labels[middle, shape[1] * 20 // 64], labels[middle, shape[1] * 43 // 64], 0}) == 3


def test_end_points_farther_apart_than_the_merge_stay_two_objects() -> None:
    """A bar whose pixels flow to two points eight pixels apart: one object only if these are joined."""
    values = np.zeros((3, 24, 48), np.float32)
    values[0, 8:16, 8:40] = 0.9
    goal = np.where(np.arange(48) < 24, 20, 28)
    flow_x = np.sign(goal - np.arange(48))
    values[1, 8:16, 8:40] = np.sign(12 - np.arange(8, 16))[:, None]
    values[2, 8:16, 8:40] = flow_x[8:40]
    counts = []
    for merge in (1.25, 2.5):
        separate = separator_for(NetworkSettings(merge=merge), where="test")
        counts.append(separate(dense(values), threshold=0.5)[0].max())
    assert counts == [2, 1]


def test_classes_become_connected_objects() -> None:
    values = np.zeros((3, 20, 30), np.float32)
    values[0] = 1
    for channel, place in ((1, np.s_[2:8, 2:8]), (2, np.s_[2:8, 12:18]), (1, np.s_[12:18, 12:18])):
        values[(0, *place)], values[(channel, *place)] = 0.1, 0.9
    separate = separator_for(NetworkSettings(head="semantic"), where="test")
    labels, foreground = separate(dense(values), threshold=0.5)
    assert labels.max() == 3
    assert foreground[4, 4] == pytest.approx(0.9)
    assert separate.reach(1.0) == 1.0


def test_a_head_without_objects_is_named() -> None:
    with pytest.raises(MethodError, match=r"mine: this version .* no objects from a 'distance' head"):
        separator_for(NetworkSettings(head="distance"), where="mine")
