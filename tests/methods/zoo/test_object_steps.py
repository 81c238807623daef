"""Objects of what a network gives, by the steps that the format knows: as StarDist and Cellpose make them.

The stored outputs and results are those of the originals (`benchmarks/peers/`); see the tests of the rules
themselves in `tests/methods/networks/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.errors import InputError, MethodError, PixelValueError
from veriscope.methods.zoo.object_steps import CellposeFlowDynamics, StarDistPostprocessing, stardist_of

DATA = Path(__file__).parents[1] / "networks" / "data"
AXES_2D, AXES_3D = ("batch", "channel", "y", "x"), ("batch", "channel", "z", "y", "x")


def star(**changes: Any) -> StarDistPostprocessing:
    values: dict[str, Any] = {"prob_threshold": 0.5, "nms_threshold": 0.4, "grid": (1, 1), "n_rays": 32}
    return StarDistPostprocessing.parse(values | changes, where="step")


def discs(
    shape: tuple[int, int], centres: dict[tuple[int, int], float], radius: float
) -> NDArray[np.float32]:
    """Outputs of a network that knows one place of each object: (33, y, x)."""
    values = np.full((33, *shape), radius, np.float32)
    values[0] = 0
    for place, probability in centres.items():
        values[0][place] = probability
    return values


def test_discs_are_drawn_the_most_probable_first() -> None:
    values = discs((40, 60), {(12, 12): 0.7, (20, 40): 0.9, (12, 14): 0.6, (30, 10): 0.5}, 6.0)
    labels = star().apply(values[None], AXES_2D, {})
    assert labels.shape == (1, 1, 40, 60) and labels.dtype == np.int32
    found = labels[0, 0]
    assert found.max() == 2, "one overlaps a better one, one is not above the threshold"
    assert found[20, 40] == 1 and found[12, 12] == 2
    away = np.hypot(*(np.indices(found.shape) - np.array([20, 40])[:, None, None]))
    assert (found[away < 5.5] == 1).all() and (
        found[(away > 6.5) & (np.indices(found.shape)[1] > 30)] == 0
    ).all()


@pytest.mark.parametrize("grid", [(2, 2), (1, 2), (4, 4)])
def test_a_coarse_grid_gives_the_same_objects_as_one_that_was_enlarged(grid: tuple[int, int]) -> None:
    places = {(12, 16): 0.9, (28, 40): 0.8}
    coarse = discs(
        (40 // grid[0], 64 // grid[1]), {(y // grid[0], x // grid[1]): p for (y, x), p in places.items()}, 6.0
    )
    labels = star(grid=grid).apply(coarse[None], AXES_2D, {})[0, 0]
    assert labels.shape == (40, 64)
    assert labels[12, 16] == 1 and labels[28, 40] == 2
    enlarged = discs((40, 64), places, 6.0)
    again = star(grid=grid, upsampled=True).apply(enlarged[None], AXES_2D, {})[0, 0]
    np.testing.assert_array_equal(again, labels)


def test_places_at_the_edges_propose_nothing() -> None:
    values = discs((40, 40), {(1, 20): 0.9, (20, 37): 0.9, (20, 20): 0.9}, 3.0)
    assert star(b=0).apply(values[None], AXES_2D, {}).max() == 3
    assert star().apply(values[None], AXES_2D, {}).max() == 2
    assert star(b=((2, 2), (0, 3))).apply(values[None], AXES_2D, {}).max() == 1
    assert star(b=((0, 0), (0, 0))).apply(values[None], AXES_2D, {}).max() == 3
    assert star(b=30).apply(values[None], AXES_2D, {}).max() == 0


@pytest.mark.parametrize(
    "axes", [("batch", "y", "x", "channel"), ("channel", "y", "x"), ("y", "x", "channel")]
)
def test_axes_may_stand_in_any_order(axes: tuple[str, ...]) -> None:
    values = discs((30, 50), {(10, 30): 0.9}, 5.0)[None]
    wanted = star().apply(values, AXES_2D, {})
    order = [AXES_2D.index(name) for name in axes]
    left_out = tuple(place for place in range(4) if place not in order)
    given = np.transpose(values, [*order, *left_out]).reshape([values.shape[place] for place in order])
    found = star().apply(given, axes, {})
    assert found.shape[axes.index("channel")] == 1
    np.testing.assert_array_equal(found.squeeze(), wanted.squeeze())


def test_the_polyhedra_of_stardist() -> None:
    with np.load(DATA / "stardist_3d.npz") as file:
        stored = dict(file)
    shape, places = tuple(stored["shape"]), tuple(stored["places"].T)
    values = np.ones((33, *shape), np.float32)
    values[0] = 0
    values[(0, *places)] = stored["probability"]
    values[(slice(1, None), *places)] = stored["distances"].T
    step = star(prob_threshold=float(stored["threshold"]), grid=(1, 1, 1), anisotropy=(2, 1, 1))
    labels = step.apply(values[None], AXES_3D, {})[0, 0]
    np.testing.assert_array_equal(labels > 0, stored["labels"] > 0)
    pairs = np.unique(np.stack([labels.ravel(), stored["labels"].ravel()]), axis=1)
    assert pairs.shape[1] == labels.max() + 1 > 10


def test_a_stack_with_a_grid() -> None:
    values = np.full((33, 10, 12, 12), 5, np.float32)
    values[0] = 0
    values[0, 5, 6, 6] = 0.9
    labels = star(grid=(1, 2, 2), anisotropy=(2, 1, 1)).apply(values[None], AXES_3D, {})[0, 0]
    assert labels.shape == (10, 24, 24) and labels.max() == 1
    centre = np.argwhere(labels).mean(0)
    np.testing.assert_allclose(centre, (5, 12, 12), atol=0.6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": (1,)}, "grid needs two or three whole numbers"),
        ({"grid": (0, 1)}, "grid needs two or three whole numbers"),
        ({"grid": (1, 1, 1)}, "a stack needs anisotropy"),
        ({"overlap_label": -1}, "overlap_label -1 is not done here"),
        ({"b": ((1, 1),)}, "b needs one pair for each of 2 axes"),
        ({"nms_threshold": 2}, "less than or equal to 1"),
        ({"rays": 5}, "rays"),
    ],
)
def test_options_that_make_no_sense_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        star(**changes)


def test_outputs_that_do_not_fit_the_step_are_refused() -> None:
    with pytest.raises(MethodError, match="gives 9 channels, and a probability and 32 distances"):
        star().apply(np.zeros((1, 9, 20, 20), np.float32), AXES_2D, {})
    with pytest.raises(MethodError, match="gives 3 spatial axes, and the grid"):
        star().apply(np.zeros((1, 33, 4, 20, 20), np.float32), AXES_3D, {})
    with pytest.raises(MethodError, match="no channel"):
        star().apply(np.zeros((20, 20), np.float32), ("y", "x"), {})
    with pytest.raises(MethodError, match=r"flow along y.*gives 2 channels"):
        CellposeFlowDynamics().apply(np.zeros((1, 2, 20, 20), np.float32), AXES_2D, {})
    with pytest.raises(MethodError, match=r"gives 3 channels of 3 axes"):
        CellposeFlowDynamics().apply(np.zeros((1, 3, 4, 20, 20), np.float32), AXES_3D, {})
    with pytest.raises(InputError, match="do_3D"):
        CellposeFlowDynamics.parse({"do_3D": True}, where="step")


def test_what_stardist_writes_beside_the_processing() -> None:
    about = {"thresholds": {"prob": 0.47, "nms": 0.3}, "config": {"n_dim": 2, "grid": [2, 2], "n_rays": 32}}
    found = stardist_of({"stardist": about})
    assert found is not None
    assert (found.prob_threshold, found.nms_threshold, found.grid, found.n_rays) == (0.47, 0.3, (2, 2), 32)
    assert found.upsampled and found.b == 2
    old = stardist_of({"stardist": {"thresholds": {"prob": 0.5, "nms": 0.4}}})
    assert old is not None and old.grid == (1, 1) and old.n_rays is None
    stack = {"n_dim": 3, "grid": [1, 2, 2], "n_rays": 96, "anisotropy": [2.0, 1.0, 1.0]}
    deep = stardist_of({"stardist": about | {"config": stack}})
    assert deep is not None and deep.anisotropy == (2, 1, 1) and deep.grid == (1, 2, 2)
    for nothing in (
        {},
        {"stardist": None},
        {"stardist": {}},
        {"stardist": {"thresholds": None}},
        {"deepimagej": {}},
    ):
        assert stardist_of(nothing) is None
    with pytest.raises(InputError, match=r"config\.stardist: wrong options"):
        stardist_of({"stardist": {"thresholds": {"prob": "high", "nms": 0.4}}})


def test_the_objects_of_cellpose() -> None:
    with np.load(DATA / "cellpose.npz") as file:
        stored = dict(file)
    values = np.concatenate([stored["flow"], stored["probability"][None]]).astype(np.float32)
    step = CellposeFlowDynamics(flow_threshold=0, min_size=0)
    labels = step.apply(values[None], AXES_2D, {})
    np.testing.assert_array_equal(labels[0, 0], stored["labels"])
    strict = CellposeFlowDynamics(flow_threshold=1e-4, min_size=0).apply(values[None], AXES_2D, {})
    assert strict.max() == 0, "no flow of a network is that good"
    large = CellposeFlowDynamics(
        flow_threshold=0, min_size=int(np.bincount(stored["labels"].ravel())[1:].max())
    )
    assert large.apply(values[None], AXES_2D, {}).max() == 1
    none = CellposeFlowDynamics(cellprob_threshold=1e6).apply(values[None], AXES_2D, {})
    assert none.shape == (1, 1, *stored["labels"].shape) and not none.any()


def test_images_of_a_batch_do_not_know_of_each_other() -> None:
    one = discs((30, 40), {(10, 12): 0.9}, 5.0)
    two = discs((30, 40), {(20, 30): 0.8, (8, 8): 0.7}, 4.0)
    together = star().apply(np.stack([one, two, 0 * one]), AXES_2D, {})
    assert together.shape == (3, 1, 30, 40)
    for found, alone in zip(together, (one, two, 0 * one), strict=True):
        np.testing.assert_array_equal(found, star().apply(alone[None], AXES_2D, {})[0])
    times = ("time", "channel", "y", "x")
    np.testing.assert_array_equal(star().apply(np.stack([one, two, 0 * one]), times, {}), together)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("step", "n_channels"), [(star(), 33), (CellposeFlowDynamics(), 3)])
def test_outputs_that_are_no_numbers_are_refused(step: Any, n_channels: int, value: float) -> None:
    values = np.zeros((1, n_channels, 9, 9), np.float32)
    values[0, -1, 4, 4] = value
    with pytest.raises(PixelValueError) as error:
        step.apply(values, AXES_2D, {})
    assert str(error.value) == (
        f"{step.kind}: the network gives NaN or infinite values, of which no objects can be made; its "
        "weights are damaged, or the image is unlike any that it was made for"
    )


@pytest.mark.parametrize("n_rays", [3, 4])
def test_a_stack_with_rays_that_do_not_go_all_round_is_refused(n_rays: int) -> None:
    values = np.full((1, n_rays + 1, 6, 8, 8), 0.9, np.float32)
    step = star(grid=(1, 1, 1), anisotropy=(1, 1, 1), n_rays=None)
    with pytest.raises(MethodError, match=f"need at least 5 rays, and the network gives {n_rays}; its card"):
        step.apply(values, AXES_3D, {})


def test_rays_far_beyond_the_image_and_below_zero_are_bounded() -> None:
    """One object that says it is everywhere covers the image; one of negative size is a single pixel."""
    wide = discs((30, 40), {(15, 20): 0.9}, 1e30)
    assert (star().apply(wide[None], AXES_2D, {}) == 1).all()
    none = discs((30, 40), {(15, 20): 0.9}, -5.0)
    found = star().apply(none[None], AXES_2D, {})[0, 0]
    assert np.argwhere(found).tolist() == [[15, 20]]


def test_a_stack_of_objects_too_large_to_be_drawn_is_refused_in_words() -> None:
    values = np.full((1, 33, 8, 8, 8), 1e5, np.float32)
    values[0, 0] = 0
    values[0, 0, 4, 4, 4] = 0.9
    step = star(grid=(1, 1, 1), anisotropy=(1, 1, 1))
    with pytest.raises(MethodError, match=r"voxels large \(z, y, x\), which is more than the 27,000,000"):
        step.apply(values, AXES_3D, {})


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", ">f4"])
def test_outputs_of_any_type_and_place_in_memory(kind: str) -> None:
    values = discs((30, 40), {(10, 12): 0.75, (20, 30): 0.875}, 5.0)[None]
    wanted = star().apply(values, AXES_2D, {})
    given_values = np.asfortranarray(values.astype(kind))
    given_values.flags.writeable = False
    np.testing.assert_array_equal(star().apply(given_values, AXES_2D, {}), wanted)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (4, 4)])
def test_the_smallest_images_have_objects_only_where_edges_may_propose(shape: tuple[int, int]) -> None:
    values = np.full((1, 33, *shape), 2.0, np.float32)
    values[0, 0] = 0.9
    assert star().apply(values, AXES_2D, {}).max() == 0
    assert star(b=0).apply(values, AXES_2D, {}).max() >= 1
    flow = np.ones((1, 3, *shape), np.float32)
    assert CellposeFlowDynamics().apply(flow, AXES_2D, {}).shape == (1, 1, *shape)
