"""Steps from outputs to objects on images that are turned, mirrored, moved, renumbered, or of another type.

None of these may change which pixels belong together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.methods.networks.cellpose_cleaning import fill_and_drop, flow_errors, heat_flow
from veriscope.methods.networks.cellpose_dynamics import cellpose_labels, cluster_ends
from veriscope.methods.networks.centres import ellipse_labels
from veriscope.methods.networks.flow import follow_flow
from veriscope.methods.networks.rims import objects_without_rims
from veriscope.methods.networks.seeded_watershed import seeded_watershed
from veriscope.methods.rules.splitting import fill_holes, split_touching

seeds = st.integers(0, 2**32 - 1)
Image = np.ndarray

TURNS: dict[str, Callable[[Image], Image]] = {
    "up and down": lambda image: image[..., ::-1, :],
    "left and right": lambda image: image[..., :, ::-1],
    "both": lambda image: image[..., ::-1, ::-1],
    "corner to corner": lambda image: np.swapaxes(image, -1, -2),
    "a quarter": lambda image: np.rot90(image, axes=(-2, -1)),
}
TURNED_VECTORS: dict[str, Callable[[Image], Image]] = {
    "up and down": lambda flow: np.stack([-flow[0], flow[1]]),
    "left and right": lambda flow: np.stack([flow[0], -flow[1]]),
    "both": lambda flow: -flow,
    "corner to corner": lambda flow: flow[::-1],
    "a quarter": lambda flow: np.stack([-flow[1], flow[0]]),
}


def same_objects(one: Image, other: Image) -> bool:
    """Whether two label images have the same objects, whatever their numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return bool(
        np.array_equal(one > 0, other > 0) and len(pairs[0]) == len(set(pairs[0])) == len(set(pairs[1]))
    )


def blobs(seed: int, shape: tuple[int, ...] = (26, 31), *, wide: float = 2.0) -> tuple[Image, Image]:
    """A smooth field, and where it is high."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), wide)
    return field, field > 0.3 * field.std()


def field_of_flow(seed: int) -> tuple[Image, Image]:
    field, inside = blobs(seed)
    flow = np.stack(np.gradient(field))
    return inside, (flow / np.maximum(np.hypot(*flow), 1e-6)).astype(np.float32)


@settings(max_examples=30)
@given(seeds, st.sampled_from(sorted(TURNS)))
def test_flow_of_a_turned_image(seed: int, how: str) -> None:
    inside, flow = field_of_flow(seed)
    labels = follow_flow(inside, flow)
    turned = follow_flow(TURNS[how](inside), TURNED_VECTORS[how](TURNS[how](flow)))
    assert same_objects(TURNS[how](labels), turned)


@settings(max_examples=20)
@given(seeds, st.tuples(*[st.integers(0, 7)] * 4))
def test_flow_of_an_image_with_more_background_around_it(seed: int, widths: tuple[int, ...]) -> None:
    inside, flow = field_of_flow(seed)
    inside[[0, -1]] = inside[:, [0, -1]] = False
    around = [(widths[0], widths[1]), (widths[2], widths[3])]
    wider = follow_flow(np.pad(inside, around), np.pad(flow, [(0, 0), *around]))
    inner = wider[widths[0] : wider.shape[0] - widths[1], widths[2] : wider.shape[1] - widths[3]]
    assert same_objects(follow_flow(inside, flow), inner) and wider.max() == inner.max()


def walked(inside: Image, flow: Image, *, step: float, merge: float) -> Image:
    """The rule in words: 256 steps of every pixel, one by one; ends whose discs touch are one place."""
    height, width = inside.shape

    def after(y: int, x: int) -> tuple[int, int]:
        best = y, x
        for length in (1.0, step):
            to = np.rint(np.array([y, x]) + length * flow[:, y, x].astype(np.float64))
            ty, tx = int(np.clip(to[0], 0, height - 1)), int(np.clip(to[1], 0, width - 1))
            if inside[ty, tx]:
                best = ty, tx
        return best

    nexts = {(y, x): after(y, x) for y, x in np.argwhere(inside)}
    ends = {}
    for start in nexts:
        at = start
        for _ in range(256):
            at = nexts[at]
        ends[start] = at
    reach = int(merge) + 1
    near: set[tuple[int, int]] = set()
    for y, x in set(ends.values()):
        near |= {
            (y + dy, x + dx)
            for dy in range(-reach, reach + 1)
            for dx in range(-reach, reach + 1)
            if np.hypot(dy, dx) <= merge
        }
    place: dict[tuple[int, int], int] = {}
    for first in sorted(near):
        waiting = [first] if first not in place else []
        number = len(set(place.values())) + 1
        while waiting:
            y, x = waiting.pop()
            if (y, x) in near and (y, x) not in place and 0 <= y < height and 0 <= x < width:
                place[y, x] = number
                waiting += [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    labels = np.zeros(inside.shape, np.int32)
    for start, end in ends.items():
        labels[start] = place[end]
    return labels


@settings(max_examples=12)
@given(seeds, st.sampled_from([1.0, 2.0, 3.0]), st.sampled_from([0.0, 1.0, 1.5, 2.5]))
def test_flow_is_followed_as_pixel_by_pixel(seed: int, step: float, merge: float) -> None:
    rng = np.random.default_rng(seed)
    inside = rng.random((9, 11)) < 0.8
    flow = rng.normal(size=(2, 9, 11)).astype(np.float32)
    flow /= np.hypot(*flow)
    assert same_objects(
        follow_flow(inside, flow, step=step, merge=merge), walked(inside, flow, step=step, merge=merge)
    )


@pytest.mark.parametrize("kind", ["f2", "f4", ">f4", "f8"])
def test_flow_of_any_type_and_place_in_memory(kind: str) -> None:
    inside = np.zeros((20, 40), bool)
    inside[4:16, 4:36] = True
    flow = np.zeros((2, 20, 40))
    flow[1] = np.where(np.arange(40) < 20, 1, -1)
    flow[0] = np.where(np.arange(20) < 10, 1, -1)[:, None]
    expected = follow_flow(inside, flow)
    given_flow = np.asfortranarray(flow.astype(kind))
    given_flow.flags.writeable = inside.flags.writeable = False
    np.testing.assert_array_equal(follow_flow(inside, given_flow), expected)
    np.testing.assert_array_equal(follow_flow(inside[::-1], given_flow[:, ::-1]) > 0, expected > 0)


def objects(seed: int, shape: tuple[int, int] = (24, 28)) -> Image:
    labels, _ = ndimage.label(blobs(seed, shape)[1])
    return np.asarray(labels, np.int32)


@settings(max_examples=20)
@given(seeds, st.permutations(range(1, 13)))
def test_heat_within_an_object_does_not_depend_on_its_number(seed: int, numbers: list[int]) -> None:
    labels = objects(seed) % 13
    other = np.concatenate([[0], numbers]).astype(np.int32)[labels]
    np.testing.assert_allclose(heat_flow(other), heat_flow(labels), atol=1e-12)
    flow = np.random.default_rng(seed).normal(size=(2, *labels.shape)).astype(np.float32)
    errors, again = (np.append(flow_errors(x, flow), np.zeros(13)) for x in (labels, other))
    for old, new in enumerate(numbers, start=1):
        assert again[new - 1] == pytest.approx(errors[old - 1], abs=1e-9)


@settings(max_examples=20)
@example(1821, "a quarter")
@given(seeds, st.sampled_from(sorted(TURNS)))
def test_heat_of_turned_objects(seed: int, how: str) -> None:
    """Of objects with one middle; of two pixels that are equally near to it the first is taken."""
    labels = objects(seed)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        pixels = np.argwhere(labels[box] == number)
        away = ((pixels - pixels.mean(0)) ** 2).sum(1)
        if np.count_nonzero(away < away.min() + 1e-9) > 1:
            labels[labels == number] = 0
    turned = heat_flow(np.ascontiguousarray(TURNS[how](labels)))
    expected = TURNED_VECTORS[how](TURNS[how](heat_flow(labels)))
    sure = np.hypot(*expected) > 0.5
    alike = np.abs((turned * expected).sum(0)[sure] - 1) < 1e-3
    # At a single pixel that is as warm on all sides the direction is rounding, in one of 60 images.
    assert np.count_nonzero(~alike) <= 2


@settings(max_examples=25)
@given(seeds, st.sampled_from(sorted(TURNS)), st.integers(0, 30))
def test_holes_and_crumbs_of_turned_objects(seed: int, how: str, smallest: int) -> None:
    labels = objects(seed)
    turned = fill_and_drop(np.ascontiguousarray(TURNS[how](labels)), smallest=smallest)
    assert same_objects(TURNS[how](fill_and_drop(labels, smallest=smallest)), turned)


@pytest.mark.parametrize("kind", ["i4", "i8", "f8"])
def test_ends_moved_with_their_image_are_the_same_clusters(kind: str) -> None:
    rng = np.random.default_rng(0)
    inside = blobs(3)[1]
    ends = (np.stack(np.nonzero(inside)) // 9 * 9 + rng.integers(0, 2, (2, inside.sum()))).astype(kind)
    labels = cluster_ends(ends, inside, largest=1.0)
    assert labels.max() > 3
    moved = cluster_ends(ends + 5, np.pad(inside, [(5, 2), (5, 40)]), largest=1.0)
    np.testing.assert_array_equal(moved[5 : 5 + inside.shape[0], 5 : 5 + inside.shape[1]], labels)


@pytest.mark.parametrize("turn", ["corner to corner", "both"])
def test_discs_of_cellpose_in_a_turned_image(turn: str) -> None:
    y, x = np.indices((40, 56))
    away = [np.hypot(y - cy, x - cx) for cy, cx in ((14, 14), (14, 30), (28, 40))]
    owner = np.argmin(away, axis=0)
    cy, cx = np.array([[14, 14], [14, 30], [28, 40]]).T
    flow = 5 * np.stack([cy[owner] - y, cx[owner] - x]) / np.maximum(np.min(away, axis=0), 1)
    logit = np.where(np.min(away, axis=0) < 9, 4.0, -4.0)
    labels = cellpose_labels(flow.astype(np.float32), logit)
    turned = cellpose_labels(
        np.ascontiguousarray(TURNED_VECTORS[turn](TURNS[turn](flow)), np.float32), TURNS[turn](logit)
    )
    assert labels.max() == 3 and same_objects(TURNS[turn](labels), turned)


@settings(max_examples=30)
@given(seeds, st.sampled_from(sorted(TURNS)))
def test_holes_of_a_turned_mask(seed: int, how: str) -> None:
    mask = ~blobs(seed, wide=1.2)[1]
    np.testing.assert_array_equal(
        TURNS[how](fill_holes(mask, largest=4)), fill_holes(TURNS[how](mask), largest=4)
    )


@settings(max_examples=25)
@given(seeds, st.floats(3, 12), st.sampled_from([(22, 27), (6, 14, 15)]))
def test_splitting_parts_the_mask_and_nothing_else(
    seed: int, diameter: float, shape: tuple[int, ...]
) -> None:
    """Every pixel of the mask has an object, none beside it, and no object has parts that do not touch."""
    mask = blobs(seed, shape)[1]
    step = (2.0, 1.0, 1.0) if len(shape) == 3 else ()
    labels = split_touching(mask, diameter=diameter, step=step)
    np.testing.assert_array_equal(labels > 0, mask)
    block = np.ones((3,) * len(shape), bool)
    for number in range(1, int(labels.max()) + 1):
        assert ndimage.label(labels == number, block)[1] == 1


@settings(max_examples=25)
@given(seeds, st.permutations(range(1, 7)))
def test_a_watershed_does_not_depend_on_the_numbers_of_its_seeds(seed: int, numbers: list[int]) -> None:
    rng = np.random.default_rng(seed)
    image, mask = rng.permutation(26 * 31).reshape(26, 31).astype(np.float64), blobs(seed)[1]
    start = np.zeros(mask.shape, int)
    for label in range(1, 7):
        start[tuple(rng.integers(0, size) for size in mask.shape)] = label
    renumbered = np.concatenate([[0], numbers])
    plain = seeded_watershed(image, start, mask)
    np.testing.assert_array_equal(seeded_watershed(image, renumbered[start], mask), renumbered[plain])


@pytest.mark.parametrize("kind", ["?", "u1", ">u2", "i4", "f2", ">f8"])
def test_a_watershed_of_any_type_and_place_in_memory(kind: str) -> None:
    image = (np.add.outer(np.abs(np.arange(12) - 6), np.arange(15)) % 2).astype(kind)
    start = np.zeros((12, 15), np.uint8)
    start[2, 2], start[9, 12] = 7, 200
    mask = np.ones((12, 15), bool)
    whole = seeded_watershed(image.astype(float), start, mask)
    given_image = np.repeat(image, 2, axis=1)[:, ::2]
    given_image.flags.writeable = start.flags.writeable = mask.flags.writeable = False
    np.testing.assert_array_equal(seeded_watershed(given_image, start, mask), whole)
    assert set(np.unique(whole)) == {7, 200}


@settings(max_examples=30)
@given(seeds, st.sampled_from(["up and down", "left and right", "corner to corner"]))
def test_rims_of_turned_images_cover_the_same_pixels(seed: int, how: str) -> None:
    rng = np.random.default_rng(seed)
    foreground, rim = blobs(seed)[1], rng.random((26, 31)).astype(np.float32)
    labels = objects_without_rims(foreground, rim)
    turned = objects_without_rims(TURNS[how](foreground), TURNS[how](rim))
    np.testing.assert_array_equal(turned > 0, TURNS[how](labels) > 0)
    assert len(np.unique(turned)) == len(np.unique(labels))


@settings(max_examples=40)
@given(seeds, st.integers(0, 6))
def test_ellipses_are_drawn_as_pixel_by_pixel_in_any_order(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-6, 22, (n, 2))
    edges = np.concatenate([corner, corner + rng.uniform(0.3, 14, (n, 2))], axis=1).astype(np.float32)
    labels, drawn = ellipse_labels(edges, (18, 21))
    expected = np.full((18, 21), -1)
    for y, x in np.ndindex(18, 21):
        best = 1.0
        for number, (y0, x0, y1, x1) in enumerate(edges.astype(float)):
            dy = (y + 0.5 - (y0 + y1) / 2) / max((y1 - y0) / 2, 0.5)
            dx = (x + 0.5 - (x0 + x1) / 2) / max((x1 - x0) / 2, 0.5)
            within = y0 - 1 < y < y1 and x0 - 1 < x < x1
            if within and dy**2 + dx**2 <= best:
                best, expected[y, x] = dy**2 + dx**2, number
    found = np.concatenate([[-1], drawn])[labels]
    np.testing.assert_array_equal(found, expected)
    assert labels.max(initial=0) == len(drawn) and (np.diff(drawn) > 0).all()
    order: Any = rng.permutation(n)
    turned, drawn_too = ellipse_labels(edges[order], (18, 21))
    np.testing.assert_array_equal(np.concatenate([[-1], order[drawn_too]])[turned], expected)
