"""Outlines of matched objects as a table: the same values as object by object."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.errors import AxesError, InputError
from veriscope.testing.label_images import disks
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match
from veriscope.validate.metrics.instance.boundary_table import boundary_table
from veriscope.validate.metrics.instance.matched_rims import boundary_iou_of_matches
from veriscope.validate.metrics.semantic.boundary import (
    assd,
    boundary_distances,
    boundary_iou,
    hausdorff,
    hausdorff_percentile,
    masd,
    nsd,
)


@pytest.mark.parametrize(
    ("spacing", "width"), [(None, 1.0), (None, 2.5), ((0.5, 0.2), 0.61), ((2.0, 3.0), 1.0)]
)
def test_touching_objects_one_by_one(spacing: tuple[float, ...] | None, width: float) -> None:
    # Radius 9 at a distance of 16: cut off straight where they touch, and at the edges of the image.
    reference, prediction = disks(3, radius=9), disks(3, radius=8, shift=1)
    matching = match(contingency(reference, prediction))
    assert matching.tp == 9
    table = boundary_table(reference, prediction, matching, spacing=spacing, tolerance=0.5, rim_width=width)
    for row in table.rows():
        masks = reference == row["reference"], prediction == row["prediction"]
        distances = boundary_distances(*masks, spacing=spacing)
        assert row["hausdorff"] == pytest.approx(hausdorff(distances))
        assert row["hausdorff_95"] == pytest.approx(hausdorff_percentile(distances))
        assert row["masd"] == pytest.approx(masd(distances))
        assert row["assd"] == pytest.approx(assd(distances))
        assert row["nsd"] == pytest.approx(nsd(distances, tolerance=0.5))
        assert row["boundary_iou"] == pytest.approx(boundary_iou(*masks, width=width, spacing=spacing))


def test_random_volumes_with_ragged_objects() -> None:
    rng = np.random.default_rng(4)
    reference = rng.integers(0, 3, (4, 7, 6))
    prediction = np.where(rng.random(reference.shape) < 0.9, reference, rng.integers(0, 3, reference.shape))
    matching = match(contingency(reference, prediction))
    assert matching.tp == 2
    found = boundary_iou_of_matches(reference, prediction, matching, width=2.1, spacing=(1.5, 1.0, 1.0))
    for value, (first, second) in zip(found, matching.pairs, strict=True):
        masks = reference == first, prediction == second
        assert value == pytest.approx(boundary_iou(*masks, width=2.1, spacing=(1.5, 1.0, 1.0)))


def test_without_a_match_the_table_is_empty() -> None:
    nothing = np.zeros((5, 5), int)
    matching = match(contingency(nothing, nothing))
    table = boundary_table(nothing, nothing, matching, tolerance=1, rim_width=1)
    assert table.rows() == []
    assert len(table.hausdorff) == 0


def test_columns_that_were_not_asked_for_are_missing() -> None:
    labels = disks(2)
    (row, *_) = boundary_table(labels, labels, match(contingency(labels, labels))).rows()
    assert row == {"reference": 1, "prediction": 1, "hausdorff": 0, "hausdorff_95": 0, "masd": 0, "assd": 0}


def test_wrong_input() -> None:
    labels = disks(2)
    matching = match(contingency(labels, labels))
    with pytest.raises(InputError) as error:
        boundary_table(labels, labels, matching, tolerance=-1)
    assert str(error.value) == (
        "tolerance -1 is not allowed; use a finite number of at least 0, in the unit of the spacing"
    )
    with pytest.raises(InputError, match=r"^width 0 is not allowed; use a finite number above 0"):
        boundary_iou_of_matches(labels, labels, matching, width=0)
    with pytest.raises(AxesError, match=r"^label images of 1 axes are not allowed"):
        boundary_iou_of_matches(labels[0], labels[0], match(contingency(labels[0], labels[0])), width=1)


@pytest.mark.parametrize("width", [0.4, 1.0, 2.9, 3.0, 4.0, 7.5])
@pytest.mark.parametrize("shape", [(3, 12, 14), (1, 12, 14), (12, 2, 14), (4, 30), (1, 30), (30, 1)])
def test_rims_wider_than_the_image_is_thick(shape: tuple[int, ...], width: float) -> None:
    """Stacks have few planes: a rim may reach beyond both ends of an axis."""
    rng = np.random.default_rng(len(shape))
    reference = np.zeros(shape, int)
    reference[tuple(slice(n // 5, n - n // 5) for n in shape)] = 3
    prediction = np.where(rng.random(shape) < 0.9, reference, 0)
    matching = match(contingency(reference, prediction))
    assert matching.tp == 1
    found = boundary_iou_of_matches(reference, prediction, matching, width=width)
    assert found[0] == pytest.approx(boundary_iou(reference == 3, prediction == 3, width=width))


@pytest.mark.parametrize("seed", range(6))
def test_flips_and_order_of_axes_change_no_outline(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reference, prediction = disks(2, radius=6), disks(2, radius=6, shift=1)
    prediction = np.where(rng.random(prediction.shape) < 0.97, prediction, 0)

    def rows(*images: np.ndarray, spacing: tuple[float, float]) -> list[dict[str, float]]:
        matching = match(contingency(*images))
        return boundary_table(*images, matching, spacing=spacing, tolerance=0.5, rim_width=1.2).rows()

    plain = rows(reference, prediction, spacing=(0.5, 0.3))
    flipped = rows(reference[::-1, ::-1].copy(), prediction[::-1, ::-1].copy(), spacing=(0.5, 0.3))
    turned = rows(reference.T.copy(), prediction.T.copy(), spacing=(0.3, 0.5))
    assert len(plain) == 4
    for changed in (flipped, turned):
        assert [pytest.approx(row) for row in plain] == changed


@pytest.mark.parametrize("unit", [1e-3, 7.0, 1e6])
def test_the_unit_of_length_scales_distances_and_no_share(unit: float) -> None:
    reference, prediction = disks(2, radius=6), disks(2, radius=5, shift=1)
    matching = match(contingency(reference, prediction))

    def table(factor: float) -> list[dict[str, float]]:
        spacing = (0.25 * factor, 0.5 * factor)
        return boundary_table(
            reference, prediction, matching, spacing=spacing, tolerance=0.5 * factor, rim_width=factor
        ).rows()

    for one, other in zip(table(1.0), table(unit), strict=True):
        for name in ("hausdorff", "hausdorff_95", "masd", "assd"):
            assert other[name] == pytest.approx(unit * one[name])
        for name in ("nsd", "boundary_iou"):
            assert other[name] == pytest.approx(one[name])
