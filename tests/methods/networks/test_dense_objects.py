"""From dense outputs to objects, by the head that made them; no network needed."""

import numpy as np
import pytest
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.methods.local_method import Part
from veriscope.methods.networks.dense_objects import Dense, separator_for
from veriscope.methods.networks.network_settings import HeadName, NetworkSettings
from veriscope.training.heads.star_targets import plane_directions, star_distances, star_probability


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
    separate = separator_for(NetworkSettings(head="flow"))
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
        separate = separator_for(NetworkSettings(merge=merge))
        counts.append(separate(dense(values), threshold=0.5)[0].max())
    assert counts == [2, 1]


def test_classes_become_connected_objects() -> None:
    values = np.zeros((3, 20, 30), np.float32)
    values[0] = 1
    for channel, place in ((1, np.s_[2:8, 2:8]), (2, np.s_[2:8, 12:18]), (1, np.s_[12:18, 12:18])):
        values[(0, *place)], values[(channel, *place)] = 0.1, 0.9
    separate = separator_for(NetworkSettings(head="semantic"))
    labels, foreground = separate(dense(values), threshold=0.5)
    assert labels.max() == 3
    assert foreground[4, 4] == pytest.approx(0.9)
    assert separate.reach(1.0) == 1.0


def star_outputs(n_rays: int = 16) -> np.ndarray:
    """Probability and distances of touching objects of an image with smooth errors, and some noise."""
    rng = np.random.default_rng(5)
    seeds = rng.uniform(0, 120, (40, 2))
    y, x = np.indices((96, 120))
    away = np.hypot(y - seeds[:, :1, None], x - seeds[:, 1:, None])
    labels = np.where(away.min(0) < 9, away.argmin(0) + 1, 0)
    rays = star_distances(labels, plane_directions(n_rays)) * rng.uniform(0.8, 1.2, (96, 120, n_rays))
    probability = np.clip(star_probability(labels) + rng.normal(0, 0.05, labels.shape), 0, 1)
    return np.concatenate([probability[None], np.moveaxis(rays, -1, 0)]).astype(np.float32)


def rim_outputs() -> np.ndarray:
    """Foreground and rims of worms of any length."""
    rng = np.random.default_rng(6)
    field = ndimage.gaussian_filter(rng.normal(size=(96, 120)), 4)
    inside = np.abs(field) < 0.6 * field.std()
    depth = ndimage.distance_transform_edt(inside)
    rim = inside & (depth < 1.5) | (ndimage.gaussian_filter(rng.normal(size=inside.shape), 3) > 0.06)
    return np.stack([0.9 * inside, 0.8 * (rim & inside), depth]).astype(np.float32)


def part_of(values: np.ndarray, rows: slice, columns: slice) -> Dense:
    shape = values.shape[1:]
    image = Image(np.zeros(shape, np.uint8)[rows, columns], "yx")
    return Dense(values[:, rows, columns], (rows, columns), shape, Part(image, (rows, columns), shape), 1.0)


@pytest.mark.parametrize("head", ["star", "distance"])
def test_a_part_has_the_objects_of_the_whole_that_are_far_from_where_it_was_cut(head: HeadName) -> None:
    values = star_outputs() if head == "star" else rim_outputs()
    separate = separator_for(NetworkSettings(head=head, diameters=(4.0, 12.0)))
    reach = int(np.ceil(separate.reach(1.0)))
    whole, _ = separate(dense(values), threshold=0.5)
    assert whole.max() > 10
    compared = 0
    for rows, columns in ((slice(0, 80), slice(30, 120)), (slice(25, 96), slice(0, 100))):
        part = part_of(values, rows, columns)
        labels, _ = separate(part, threshold=0.5)
        doubtful = part.part.near_cut(labels, reach)
        sure = (labels > 0) & ~doubtful[labels]
        for number in np.unique(labels[sure]):
            here = labels == number
            (there,) = np.unique(whole[rows, columns][here])
            assert there > 0
            assert (whole == there).sum() == here.sum()
            compared += 1
    assert compared > 5


def test_stars_are_found_at_any_scale_with_the_probability_of_their_polygon() -> None:
    values = star_outputs()
    separate = separator_for(NetworkSettings(head="star", diameters=(4.0, 12.0)))
    counts = [separate(dense(values, shape=shape), threshold=0.5)[0].max() for shape in ((96, 120), (48, 60))]
    assert counts[0] == counts[1] > 20
    labels, probability = separate(dense(values), threshold=0.5)
    for number in np.unique(labels[labels > 0])[:5]:
        (rated,) = np.unique(probability[labels == number])
        assert rated > 0.5


def test_rims_part_what_touches_and_thin_things_stay() -> None:
    values = np.zeros((3, 30, 40), np.float32)
    values[0, 5:20, 5:30] = 1
    values[1, 5:20, 16:18] = 1
    values[0, 25, 3:20] = values[1, 25, 3:20] = 1
    separate = separator_for(NetworkSettings(head="distance"))
    labels, _ = separate(dense(values), threshold=0.5)
    assert len(np.unique(labels)) == 4
    assert ((labels > 0) == (values[0] > 0.5)).all()
    assert labels[10, 16] == labels[10, 6]
    assert labels[10, 17] == labels[10, 29]
    assert len(np.unique(labels[25, 3:20])) == 1
