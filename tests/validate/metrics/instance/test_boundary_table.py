"""Outlines of matched objects as a table: columns computed by numpy from distances given by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from veriscope.errors import AxesError, InputError, ShapeMismatchError
from veriscope.testing.label_images import disks
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match
from veriscope.validate.metrics.instance.boundary_table import BoundaryTable, boundary_table

Labels = NDArray[np.int64]


def table_of(reference: Labels, prediction: Labels, **options: object) -> BoundaryTable:
    matching = match(contingency(reference, prediction), threshold=0.1)
    return boundary_table(reference, prediction, matching, **options)  # type: ignore[arg-type]


def outline(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Pixels with a neighbour across an edge that is outside the object, or outside the image."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~inner).astype(float)


def rectangle(top: int, left: int, height: int, width: int) -> Labels:
    image = np.zeros((24, 24), np.int64)
    image[top : top + height, left : left + width] = 1
    return image


RECTANGLES = st.tuples(st.integers(0, 10), st.integers(0, 10), st.integers(1, 12), st.integers(1, 12))


@given(RECTANGLES, RECTANGLES, st.sampled_from([0.0, 1.0, 1.5, 3.0]))
@settings(max_examples=60, deadline=None)
def test_columns_are_those_of_all_distances(
    one: tuple[int, ...], other: tuple[int, ...], tolerance: float
) -> None:
    reference, prediction = rectangle(*one), rectangle(*other)
    table = table_of(reference, prediction, tolerance=tolerance)
    if not len(table.pairs):
        return
    between = cdist(outline(reference > 0), outline(prediction > 0))
    there, back = between.min(axis=1), between.min(axis=0)
    both = np.concatenate([there, back])
    (row,) = table.rows()
    assert row["hausdorff"] == pytest.approx(both.max())
    assert row["hausdorff_95"] == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)))
    assert row["masd"] == pytest.approx((there.mean() + back.mean()) / 2)
    assert row["assd"] == pytest.approx(both.mean())
    assert row["nsd"] == pytest.approx((both <= tolerance + 1e-9).mean())


def test_a_shift_by_hand() -> None:
    """A square of 5 moved by two pixels: the farthest side is two away, on either side."""
    (row,) = table_of(rectangle(4, 4, 5, 5), rectangle(4, 6, 5, 5), tolerance=1, rim_width=1).rows()
    assert row["hausdorff"] == 2
    assert 0 < row["masd"] < 2 and row["masd"] == pytest.approx(row["assd"])
    # Six of the 16 outline pixels of either lie on the other; a column beside each corner is one off.
    assert row["boundary_iou"] == pytest.approx(6 / 26)


def test_rows_are_json_and_have_the_labels_of_the_match() -> None:
    reference, prediction = 10 * disks(2).astype(np.int64), disks(2, shift=1).astype(np.int64) + 100
    prediction[prediction == 100] = 0
    rows = table_of(reference, prediction, tolerance=1.0, rim_width=2.0).rows()
    assert json.loads(json.dumps(rows)) == rows
    assert [row["reference"] for row in rows] == [10, 20, 30, 40]
    assert [row["prediction"] for row in rows] == [101, 102, 103, 104]


@pytest.mark.parametrize(
    ("options", "columns"),
    [
        ({}, set()),
        ({"tolerance": 0.0}, {"nsd"}),
        ({"rim_width": 1.0}, {"boundary_iou"}),
        ({"tolerance": 1.0, "rim_width": 1.0}, {"nsd", "boundary_iou"}),
    ],
)
def test_only_what_was_asked_for_is_measured(options: dict[str, float], columns: set[str]) -> None:
    labels = disks(2).astype(np.int64)
    table = table_of(labels, labels, **options)
    found = set(table.rows()[0])
    assert found == {"reference", "prediction", "hausdorff", "hausdorff_95", "masd", "assd"} | columns
    assert (table.nsd is None, table.boundary_iou is None) == (
        "nsd" not in columns,
        "boundary_iou" not in columns,
    )


def test_perfect_outlines_have_no_distance_and_agree_wholly() -> None:
    labels = disks(3).astype(np.int64)
    table = table_of(labels, labels, tolerance=0, rim_width=1, spacing=(0.2, 0.2))
    assert len(table.pairs) == 9
    for distances in (table.hausdorff, table.hausdorff_95, table.masd, table.assd):
        assert not distances.any()
    assert table.nsd is not None and table.boundary_iou is not None
    assert (table.nsd == 1).all() and (table.boundary_iou == 1).all()


@pytest.mark.parametrize("width", [0, -1.0, np.nan, np.inf])
def test_a_rim_has_a_width(width: float) -> None:
    labels = disks(2).astype(np.int64)
    with pytest.raises(InputError) as caught:
        table_of(labels, labels, rim_width=width)
    assert str(caught.value) == (
        f"width {width!r} is not allowed; use a finite number above 0, in the unit of the spacing"
    )


def test_images_that_do_not_fit_are_refused() -> None:
    labels = disks(2).astype(np.int64)
    matching = match(contingency(labels, labels))
    with pytest.raises(ShapeMismatchError, match="both must cover the same pixels"):
        boundary_table(labels, labels[:-1], matching)
    with pytest.raises(AxesError, match=r"spacing \(1\.0,\) is not allowed"):
        boundary_table(labels, labels, matching, spacing=(1.0,))
