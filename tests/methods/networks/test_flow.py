"""Pixels that follow a flow to the same place are one object, one pixel and step at a time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

import veriscope.methods.networks.flow
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


def by_definition(
    foreground: NDArray[np.bool_], flow: NDArray[np.float64], step: float, merge: float
) -> NDArray[np.int32]:
    """Walk each pixel 256 steps, mark all that is near an end, and join what touches."""
    height, width = foreground.shape

    def after(y: int, x: int) -> tuple[int, int]:
        found = (y, x)
        for length in (1.0, step):
            v = min(max(int(np.rint(y + length * flow[0, y, x])), 0), height - 1)
            u = min(max(int(np.rint(x + length * flow[1, y, x])), 0), width - 1)
            found = (v, u) if foreground[v, u] else found
        return found

    steps = {(int(y), int(x)): after(int(y), int(x)) for y, x in np.argwhere(foreground)}
    ends = {}
    for y, x in np.argwhere(foreground):
        place = (int(y), int(x))
        for _ in range(256):
            place = steps[place]
        ends[int(y), int(x)] = place
    near = np.zeros(foreground.shape, bool)
    for v, u in set(ends.values()):
        y, x = np.indices(foreground.shape)
        near |= np.hypot(y - v, x - u) <= merge
    places, _ = ndimage.label(near, structure=np.ones((3, 3)))
    labels = np.zeros(foreground.shape, np.int32)
    for place, end in ends.items():
        labels[place] = places[end]
    return labels


@settings(max_examples=30)
@given(
    shape=st.tuples(st.integers(1, 7), st.integers(1, 7)),
    step=st.sampled_from([2.0, 3.5]),
    merge=st.sampled_from([0.5, 1.0, 1.5, 2.6]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_flow_is_followed_as_the_definition_says(
    shape: tuple[int, int], step: float, merge: float, seed: int
) -> None:
    """Also flows that run in circles, out of the foreground or out of the image."""
    rng = np.random.default_rng(seed)
    foreground = rng.random(shape) < 0.8
    flow = rng.normal(size=(2, *shape))
    flow /= np.maximum(np.hypot(*flow), 1e-3)
    found = follow_flow(foreground, flow, step=step, merge=merge)
    np.testing.assert_array_equal(found, by_definition(foreground, flow, step, merge))


@pytest.mark.parametrize("turn", range(1, 4))
def test_a_turned_flow_gives_turned_objects(turn: int) -> None:
    inside, flow, truth = ideal_flow([(14.0, 15.0), (14.0, 33.0), (35.0, 24.0)], 10, (50, 50))
    y, x = flow
    for _ in range(turn):  # a quarter against the clock: what pointed right now points up
        y, x = -np.rot90(x), np.rot90(y)
    turned = follow_flow(np.rot90(inside, turn).copy(), np.stack([y, x]))
    assert same_partition(turned, np.rot90(truth, turn))


@pytest.mark.parametrize(("merge", "n"), [(0.5, 2), (1.5, 2), (2.0, 1), (3.0, 1)])
def test_ends_as_far_apart_as_twice_the_radius_are_one_place(merge: float, n: int) -> None:
    """Two ends four columns apart; pixels near an end go there in halves of a step."""
    foreground = np.zeros((5, 12), bool)
    foreground[2] = True
    flow = np.zeros((2, 5, 12))
    flow[1, 2, :5] = np.clip((3 - np.arange(5)) / 2, -1, 1)
    flow[1, 2, 5:] = np.clip((7 - np.arange(5, 12)) / 2, -1, 1)
    labels = follow_flow(foreground, flow, merge=merge)
    assert labels.max() == n
    if n == 2:
        assert labels[2].tolist() == [1] * 5 + [2] * 7


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4"])
def test_any_type_of_number_and_place_in_memory(kind: str) -> None:
    inside, flow, truth = ideal_flow([(12.0, 12.0), (12.0, 27.0)], 8, (25, 40))
    given_flow = np.asfortranarray(flow.astype(kind))
    given_flow.flags.writeable = inside.flags.writeable = False
    assert same_partition(follow_flow(inside, given_flow), truth)


def balls(centres: list[tuple[int, int, int]], radius: float, shape: tuple[int, int, int]):
    """Balls whose voxels point at the nearest centre; also the true owner."""
    place = np.indices(shape).reshape(3, -1).astype(float)
    way = np.array(centres, float)[:, :, None] - place
    away = np.sqrt((way**2).sum(axis=1))
    owner = away.argmin(0)
    inside = (away.min(0) <= radius).reshape(shape)
    flow = way[owner, :, np.arange(place.shape[1])].T / np.maximum(away.min(0), 1e-9)
    flow = np.where(away.min(0) < 1, 0, flow).reshape(3, *shape) * inside
    return inside, flow, (owner + 1).reshape(shape) * inside


@pytest.mark.parametrize("radius", [4, 9, 14])
def test_touching_balls_are_separated_in_space(radius: int) -> None:
    far = int(1.8 * radius)
    centres = [(far, far, far), (far, far, 2 * far), (2 * far, far, far), (far, 2 * far, far)]
    inside, flow, truth = balls(centres, radius, (3 * far, 3 * far, 3 * far))
    assert same_partition(follow_flow(inside, flow.astype(np.float32)), truth)


def test_a_stack_of_one_plane_is_a_plane() -> None:
    rng = np.random.default_rng(3)
    inside = ndimage.gaussian_filter(rng.random((90, 110)), 3) > 0.5
    flow = ndimage.gaussian_filter(rng.standard_normal((2, 90, 110)), (0, 5, 5))
    flow /= np.maximum(np.hypot(*flow), 1e-3)
    deep = np.concatenate([np.zeros((1, 90, 110)), flow])[:, None]
    for step, merge in ((2.0, 1.5), (3.7, 5.2), (2.0, 0.5)):
        flat = follow_flow(inside, flow, step=step, merge=merge)
        np.testing.assert_array_equal(follow_flow(inside[None], deep, step=step, merge=merge)[0], flat)


def test_many_ends_are_stamped_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = np.random.default_rng(0).random((60, 70)) > 0.4
    flow = np.zeros((2, 60, 70))
    whole = follow_flow(inside, flow, merge=1.0)
    monkeypatch.setattr(veriscope.methods.networks.flow, "_AT_ONCE", 7)
    np.testing.assert_array_equal(follow_flow(inside, flow, merge=1.0), whole)
