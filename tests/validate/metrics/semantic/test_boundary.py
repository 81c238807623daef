"""Boundary distances, NSD and boundary IoU against brute force, known answers and real outlines."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import binary_erosion

from veriscope.errors import AxesError, InputError
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match
from veriscope.validate.metrics.instance.matched_boundary import boundary_of_matches
from veriscope.validate.metrics.semantic.boundary import (
    BoundaryDistances,
    assd,
    boundary_distances,
    boundary_iou,
    hausdorff,
    hausdorff_percentile,
    masd,
    nsd,
)
from veriscope.validate.metrics.semantic.catalogue import SEMANTIC_METRICS
from veriscope.validate.metrics.semantic.masks import BoolArray
from veriscope.validate.metrics.semantic.overlap import iou

STEPS = st.sampled_from([0.1, 0.25, 0.5, 1.0, 2.0, 3.0])


@st.composite
def cases(draw: st.DrawFn) -> tuple[BoolArray, BoolArray, tuple[float, ...]]:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=5))
    masks = draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))
    return *masks, tuple(draw(STEPS) for _ in shape)


def elements(mask: BoolArray) -> list[tuple[int, ...]]:
    """Boundary pixels, by looking at each pixel's neighbours one by one."""
    inside = set(map(tuple, np.argwhere(mask).tolist()))
    shifts = [
        tuple(sign * (axis == other) for other in range(mask.ndim))
        for axis in range(mask.ndim)
        for sign in (-1, 1)
    ]
    return sorted(
        pixel
        for pixel in inside
        if any(tuple(np.add(pixel, shift).tolist()) not in inside for shift in shifts)
    )


def slow_distances(mask: BoolArray, other: BoolArray, spacing: tuple[float, ...]) -> list[float]:
    targets = np.array(elements(other)).reshape(-1, mask.ndim) * spacing
    return [
        float(np.sqrt(((targets - np.multiply(pixel, spacing)) ** 2).sum(axis=1)).min(initial=np.inf))
        for pixel in elements(mask)
    ]


def summaries(distances: BoundaryDistances) -> list[float]:
    return [
        hausdorff(distances),
        hausdorff_percentile(distances),
        hausdorff_percentile(distances, percentile=50),
        masd(distances),
        assd(distances),
        nsd(distances, tolerance=0.3),
        nsd(distances, tolerance=1.0),
    ]


@settings(deadline=None)
@given(cases())
def test_distances_are_those_of_brute_force(
    case: tuple[BoolArray, BoolArray, tuple[float, ...]],
) -> None:
    reference, prediction, spacing = case
    found = boundary_distances(reference, prediction, spacing=spacing)
    outward, inward = (
        slow_distances(reference, prediction, spacing),
        slow_distances(prediction, reference, spacing),
    )
    assert sorted(found.from_reference) == pytest.approx(sorted(outward))
    assert sorted(found.from_prediction) == pytest.approx(sorted(inward))
    if outward and inward:
        assert summaries(found) == pytest.approx(
            [
                max(outward + inward),
                max(np.percentile(outward, 95), np.percentile(inward, 95)),
                max(np.percentile(outward, 50), np.percentile(inward, 50)),
                (np.mean(outward) + np.mean(inward)) / 2,
                np.mean(outward + inward),
                np.mean(np.array(outward + inward) < 0.3 + 1e-6),
                np.mean(np.array(outward + inward) < 1.0 + 1e-6),
            ]
        )


@settings(deadline=None)
@given(cases(), st.sampled_from([0.1, 0.3, 1.0, 1.5, 4.0]))
def test_boundary_iou_is_that_of_brute_force(
    case: tuple[BoolArray, BoolArray, tuple[float, ...]], width: float
) -> None:
    reference, prediction, spacing = case

    def rim(mask: BoolArray) -> set[tuple[int, ...]]:
        around = [range(-1, size + 1) for size in mask.shape]
        inside = set(map(tuple, np.argwhere(mask).tolist()))
        outside = np.array([pixel for pixel in product(*around) if pixel not in inside])
        return set(elements(mask)) | {
            pixel
            for pixel in inside
            if np.sqrt((((outside - pixel) * spacing) ** 2).sum(axis=1)).min() < width + 1e-6
        }

    first, second = rim(reference), rim(prediction)
    expected = len(first & second) / len(first | second) if first | second else np.nan
    assert boundary_iou(reference, prediction, width=width, spacing=spacing) == pytest.approx(
        expected, nan_ok=True
    )


@settings(deadline=None)
@given(cases())
def test_invariants(case: tuple[BoolArray, BoolArray, tuple[float, ...]]) -> None:
    reference, prediction, spacing = case
    values = summaries(boundary_distances(reference, prediction, spacing=spacing))
    same = {"nan_ok": True, "rel": 1e-9, "abs": 1e-12}
    swapped = boundary_distances(prediction, reference, spacing=spacing)
    assert summaries(swapped) == pytest.approx(values, **same)
    flipped = boundary_distances(reference[::-1], prediction[::-1], spacing=spacing)
    assert summaries(flipped) == pytest.approx(values, **same)
    transposed = boundary_distances(reference.T, prediction.T, spacing=spacing[::-1])
    assert summaries(transposed) == pytest.approx(values, **same)
    doubled = boundary_distances(reference, prediction, spacing=[2 * step for step in spacing])
    assert summaries(doubled)[:5] == pytest.approx([2 * value for value in values[:5]], **same)
    padded = boundary_distances(np.pad(reference, 2), np.pad(prediction, 2), spacing=spacing)
    assert summaries(padded) == pytest.approx(values, **same)
    if reference.any():
        assert summaries(boundary_distances(reference, reference, spacing=spacing)) == [0, 0, 0, 0, 0, 1, 1]
        assert boundary_iou(reference, reference, width=1, spacing=spacing) == 1


def test_empty_cases_are_those_of_the_list() -> None:
    nothing, something = np.zeros((5, 6), dtype=bool), np.zeros((5, 6), dtype=bool)
    something[2, 2:4] = True
    listed = {metric.name: metric for metric in SEMANTIC_METRICS}
    names = ("hausdorff", "hausdorff_percentile", "masd", "assd", "nsd", "boundary_iou")

    def values(first: BoolArray, second: BoolArray) -> list[float]:
        distances = boundary_distances(first, second)
        return [
            hausdorff(distances),
            hausdorff_percentile(distances),
            masd(distances),
            assd(distances),
            nsd(distances, tolerance=3),
            boundary_iou(first, second, width=1),
        ]

    assert np.isnan(values(nothing, nothing)).all()
    assert all(np.isnan(listed[name].both_empty) for name in names)
    assert values(something, nothing) == [listed[name].one_empty for name in names]
    assert values(nothing, something) == [listed[name].one_empty for name in names]


def square(shift: int = 0, size: int = 10) -> BoolArray:
    mask = np.zeros((40, 50), dtype=bool)
    mask[10 : 10 + size, 10 + shift : 10 + shift + size] = True
    return mask


def test_shifted_squares() -> None:
    scaled = boundary_distances(square(), square(3), spacing=(1.0, 0.1))
    assert hausdorff(scaled) == pytest.approx(0.3)
    assert nsd(scaled, tolerance=0.3) == 1
    pixels = boundary_distances(square(), square(3))
    assert hausdorff(pixels) == 3
    # Of 36 boundary pixels on either side, seven at the top and seven at the bottom are shared.
    assert nsd(pixels, tolerance=0) == 28 / 72


def test_discs_one_inside_the_other() -> None:
    y, x = np.mgrid[-60:61, -60:61]
    large, small = (y**2 + x**2 <= radius**2 for radius in (50, 45))
    distances = boundary_distances(large, small, spacing=(0.5, 0.5))
    for value in (hausdorff(distances), hausdorff_percentile(distances), masd(distances), assd(distances)):
        assert value == pytest.approx(2.5, abs=0.4)
    assert nsd(distances, tolerance=2.0) < 0.05
    assert nsd(distances, tolerance=3.0) == 1
    # Rims of 5 pixels hardly meet; rims as wide as the discs are the discs.
    assert boundary_iou(large, small, width=2.5, spacing=(0.5, 0.5)) < 0.1
    assert boundary_iou(large, small, width=60) == iou(large, small)


def test_one_stray_pixel_shows_in_the_hausdorff_distance_only() -> None:
    reference = np.zeros((14, 14), dtype=bool)
    reference[9:12, 9:12] = True
    prediction = reference.copy()
    prediction[1, 1] = True
    distances = boundary_distances(reference, prediction)
    assert hausdorff(distances) == pytest.approx(8 * np.sqrt(2))
    # Eight distances are 0 and one is 8√2; the 95th percentile of nine lies 0.6 of the way up the last step.
    assert hausdorff_percentile(distances) == pytest.approx(0.6 * 8 * np.sqrt(2))
    assert hausdorff_percentile(distances, percentile=80) == 0
    assert masd(distances) == pytest.approx(8 * np.sqrt(2) / 9 / 2)
    assert assd(distances) == pytest.approx(8 * np.sqrt(2) / 17)
    assert nsd(distances, tolerance=1) == 16 / 17


def test_distances_far_apart_in_depth_use_the_spacing() -> None:
    reference = np.zeros((6, 5, 5), dtype=bool)
    reference[1, 2, 2] = True
    prediction = np.roll(reference, (2, 1), axis=(0, 1))
    found = hausdorff(boundary_distances(reference, prediction, spacing=(1.5, 0.4, 0.4)))
    assert found == pytest.approx(np.hypot(3.0, 0.4))


def touching() -> tuple[np.ndarray, np.ndarray]:
    reference = np.zeros((20, 40), dtype=np.int32)
    reference[5:15, 5:15], reference[5:15, 15:25] = 7, 3
    prediction = np.zeros_like(reference)
    prediction[5:15, 5:18], prediction[5:15, 18:25] = 1, 900
    return reference, prediction


def test_borders_between_touching_objects_count() -> None:
    reference, prediction = touching()
    whole = boundary_distances(reference > 0, prediction > 0)
    assert hausdorff(whole) == 0
    matching = match(contingency(reference, prediction))
    found = boundary_of_matches(reference, prediction, matching, spacing=(0.5, 0.2))
    assert found.pairs.tolist() == matching.pairs.tolist() == [[3, 900], [7, 1]]
    for distances in found.distances:
        assert hausdorff(distances) == pytest.approx(0.6)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(2, 3).flatmap(
        lambda ndim: st.tuples(
            *[hnp.arrays(np.uint8, (6,) * ndim, elements=st.integers(0, 4))] * 2, st.tuples(*[STEPS] * ndim)
        )
    )
)
def test_matches_in_one_pass_are_those_one_by_one(
    case: tuple[np.ndarray, np.ndarray, tuple[float, ...]],
) -> None:
    reference, prediction, spacing = case
    matching = match(contingency(reference, prediction), threshold=0.05)
    found = boundary_of_matches(reference, prediction, matching, spacing=spacing)
    assert len(found.distances) == matching.tp
    for (first, second), distances in zip(matching.pairs, found.distances, strict=True):
        alone = boundary_distances(reference == first, prediction == second, spacing=spacing)
        assert summaries(distances) == pytest.approx(summaries(alone))
        assert distances.from_reference == pytest.approx(alone.from_reference)


def test_large_matched_objects_are_measured_like_small_ones() -> None:
    y, x = np.mgrid[:300, :300]
    reference = ((y - 150) ** 2 + (x - 150) ** 2 <= 120**2) * 5
    prediction = ((y - 140) ** 2 + (x - 160) ** 2 <= 110**2) * 2
    matching = match(contingency(reference, prediction))
    (found,) = boundary_of_matches(reference, prediction, matching, spacing=(2.0, 0.5)).distances
    alone = boundary_distances(reference > 0, prediction > 0, spacing=(2.0, 0.5))
    assert len(found.from_reference) * len(found.from_prediction) > 300_000  # beyond a table of all distances
    assert found.from_reference == pytest.approx(alone.from_reference)
    assert found.from_prediction == pytest.approx(alone.from_prediction)


def test_no_match_is_an_empty_result() -> None:
    reference, _ = touching()
    nothing = np.zeros_like(reference)
    found = boundary_of_matches(reference, nothing, match(contingency(reference, nothing)))
    assert found.distances == ()
    assert found.pairs.shape == (0, 2)


def test_a_matching_of_other_images_is_refused() -> None:
    reference, prediction = touching()
    matching = match(contingency(reference, prediction))
    with pytest.raises(InputError) as refused:
        boundary_of_matches(reference, np.where(prediction == 900, 2, prediction), matching)
    assert str(refused.value) == (
        "the prediction: the matching names object 900, which is not in the image; "
        "give the label images that were matched"
    )
    twice = replace(matching, pairs=np.array([[7, 1], [3, 1]]), ious=np.ones(2))
    with pytest.raises(InputError, match="the prediction: an object stands in two matches; match one to one"):
        boundary_of_matches(reference, prediction, twice)
    with pytest.raises(AxesError, match="label images of 1 axes are not allowed"):
        boundary_of_matches(reference[6], prediction[6], matching)


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, np.nan), (1.0, -2.0)])
def test_spacing_fits_the_axes(spacing: tuple[float, ...]) -> None:
    with pytest.raises(AxesError) as refused:
        boundary_distances(square(), square(), spacing=spacing)
    assert str(refused.value) == (
        f"spacing {spacing!r} is not allowed; give one positive number of µm for each of the 2 axes, "
        "in their order"
    )


def test_options_are_checked() -> None:
    distances = boundary_distances(square(), square())
    with pytest.raises(
        InputError, match="tolerance -1 is not allowed; use a finite number of at least 0, in "
    ):
        nsd(distances, tolerance=-1)
    with pytest.raises(
        InputError, match="width 0 is not allowed; use a finite number above 0, in the unit of"
    ):
        boundary_iou(square(), square(), width=0)
    for percentile in (0, 101, np.nan):
        with pytest.raises(InputError, match="is not allowed; use a number above 0 and at most 100"):
            hausdorff_percentile(distances, percentile=percentile)


@pytest.mark.real_data
def test_eroded_nuclei_lie_one_pixel_inside(data_dir: Path) -> None:
    paths = sorted((data_dir / "dsb2018_fluorescence" / "labels").glob("*.tif"))[:3]
    n_matches = 0
    for path in paths:
        reference = tifffile.imread(path).astype(np.int32)
        prediction = np.zeros_like(reference)
        for label in np.unique(reference)[1:]:
            prediction[binary_erosion(reference == label)] = label
        matching = match(contingency(reference, prediction))
        found = boundary_of_matches(reference, prediction, matching, spacing=(0.5, 0.5))
        n_matches += matching.tp
        for distances in found.distances:
            # Every pixel left touches, at a face, one that was taken away.
            assert distances.from_prediction == pytest.approx(np.full(len(distances.from_prediction), 0.5))
            assert distances.from_reference.min() >= 0.5
            assert nsd(distances, tolerance=0.4) == 0
            assert hausdorff(distances) >= masd(distances) >= 0.5
    assert n_matches > 30
