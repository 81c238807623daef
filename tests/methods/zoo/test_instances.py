"""From maps to objects: touching ones apart, with and without a boundary map."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.errors import MethodError
from veriscope.methods.zoo.choose import choose_maps
from veriscope.methods.zoo.description import Axis, File, ModelDescription, Tensor, Weights
from veriscope.methods.zoo.instances import objects_from_maps
from veriscope.methods.zoo.zoo_model import ZooModelParameters


def two_touching() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give two squares of 10 pixels side by side, a lone pixel pair, and the line between the squares."""
    foreground = np.zeros((20, 40), np.float32)
    foreground[5:15, 5:25] = 0.9
    foreground[2, 35:37] = 0.8
    boundary = np.zeros_like(foreground)
    boundary[5:15, 14:16] = 0.7
    return foreground, boundary


def test_a_boundary_parts_what_touches_and_no_pixel_is_lost() -> None:
    foreground, boundary = two_touching()
    labels, details = objects_from_maps(
        foreground, boundary, threshold=0.5, diameter=None, smallest_area=1, split=True
    )
    assert labels.max() == 3
    assert np.array_equal(labels > 0, foreground > 0.5)
    assert len(np.unique(labels[5:15, 5:14])) == 1
    assert len(np.unique(labels[5:15, 16:25])) == 1
    assert labels[10, 7] != labels[10, 22]
    assert sorted(np.bincount(labels.ravel())[1:].tolist()) == [2, 100, 100]
    assert details == {}


def test_a_part_that_is_all_boundary_stays_one_object() -> None:
    foreground, boundary = two_touching()
    boundary[:] = 0.6
    labels, _ = objects_from_maps(
        foreground, boundary, threshold=0.5, diameter=None, smallest_area=1, split=True
    )
    assert labels.max() == 2


def test_without_a_boundary_the_necks_part_or_nothing_does() -> None:
    y, x = np.indices((40, 60))
    foreground = (((y - 20) ** 2 + (x - 20) ** 2 < 81) | ((y - 20) ** 2 + (x - 36) ** 2 < 81)).astype(
        np.float32
    )
    options = {"threshold": 0.5, "smallest_area": 5}
    split, details = objects_from_maps(foreground, None, diameter=None, split=True, **options)  # type: ignore[arg-type]
    assert split.max() == 2
    assert 10 < details["diameter_px"] < 22
    assert details["diameter_estimated"] is True
    whole, _ = objects_from_maps(foreground, None, diameter=None, split=False, **options)  # type: ignore[arg-type]
    assert whole.max() == 1
    given, details = objects_from_maps(foreground, None, diameter=16, split=True, **options)  # type: ignore[arg-type]
    assert given.max() == 2
    assert details == {}


def test_small_objects_are_dropped_and_nothing_is_found_in_nothing() -> None:
    foreground, _ = two_touching()
    labels, _ = objects_from_maps(foreground, None, threshold=0.5, diameter=10, smallest_area=3, split=True)
    assert not labels[2].any()
    for split in (True, False):
        labels, _ = objects_from_maps(
            np.zeros((4, 5), np.float32), None, threshold=0.5, diameter=None, smallest_area=1, split=split
        )
        assert labels.shape == (4, 5)
        assert not labels.any()


def description(*channels: str) -> ModelDescription:
    axes = (Axis(name="channel", size=len(channels), channels=channels), Axis(name="y"), Axis(name="x"))
    return ModelDescription(
        format_version="0.5.3",
        name="m",
        inputs=(Tensor(id="in", axes=axes),),
        outputs=(Tensor(id="out", axes=axes),),
        weights=(Weights(format="onnx", file=File(source="w.onnx")),),
    )


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (("anything",), (0, None)),
        (("boundary", "foreground"), (1, 0)),
        (("Nuclei", "Borders"), (0, 1)),
        (("background", "border", "cell interior"), (2, 1)),
        (("edges", "other"), (1, 0)),
    ],
)
def test_names_of_channels_decide(channels: tuple[str, ...], expected: tuple[int, int | None]) -> None:
    found = choose_maps(description(*channels), ZooModelParameters())
    assert (found.output, found.foreground, found.boundary) == ("out", *expected)


def test_what_the_user_says_comes_first() -> None:
    options = ZooModelParameters(foreground="other", boundary=0)
    found = choose_maps(description("edges", "other", "foreground"), options)
    assert (found.foreground, found.boundary) == (1, 0)
    with pytest.raises(MethodError, match=r"has no output 'maps' that is an image; its outputs are out"):
        choose_maps(description("a"), ZooModelParameters(output="maps"))


@pytest.mark.parametrize("seed", range(6))
def test_the_watershed_is_that_of_scikit_image(seed: int) -> None:
    """Noise gives parts with no seed, one seed and several; all values differ, so the result is defined."""
    from scipy import ndimage
    from skimage.segmentation import watershed

    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=(70, 90)), 3)
    foreground = (0.5 + 4 * smooth).astype(np.float32)
    boundary = (0.4 + 3 * ndimage.gaussian_filter(rng.normal(size=(70, 90)), 2)).astype(np.float32)
    foreground[:6, :6] = 0
    foreground[:3, :3], boundary[:3, :3] = 0.51, np.linspace(0.1, 0.2, 9).reshape(3, 3)  # without a seed
    labels, _ = objects_from_maps(
        foreground, boundary, threshold=0.5, diameter=None, smallest_area=1, split=True
    )
    mask = foreground > 0.5
    seeds, n_seeds = ndimage.label(mask & (foreground - boundary > 0.5))
    parts, n_parts = ndimage.label(mask)
    seeded = np.isin(parts, np.unique(parts[seeds > 0]))
    assert n_seeds > n_parts > 3, "no seeds compete"
    flooded = watershed(boundary, np.where(mask & ~seeded, parts + n_seeds, seeds), mask=mask)
    pairs = np.unique(np.stack([labels.ravel(), flooded.ravel()]), axis=1)
    assert pairs.shape[1] == len(np.unique(flooded)) == labels.max() + 1
