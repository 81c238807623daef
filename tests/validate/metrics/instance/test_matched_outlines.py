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
