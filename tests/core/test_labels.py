"""Label images are whole numbers from 0, and renumbering changes no object."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.core.labels import check_labels, check_same_shape, relabel_sequential, smallest_label_dtype
from veriscope.errors import PixelValueError, ShapeMismatchError
from veriscope.testing.label_images import LABEL_DTYPES

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)


@st.composite
def label_images(draw: st.DrawFn) -> NDArray[Any]:
    """Label images of any type, with few and with huge labels."""
    dtype = np.dtype(draw(st.sampled_from(LABEL_DTYPES)))
    top = np.iinfo(dtype).max
    values = st.integers(0, 5) | st.integers(0, top) | st.sampled_from([0, top])
    return draw(hnp.arrays(dtype, draw(SHAPES), elements=values))


@given(labels=label_images())
def test_any_image_of_whole_numbers_from_zero_is_a_label_image_and_stays_as_it_is(
    labels: NDArray[Any],
) -> None:
    assert check_labels(labels) is labels


@given(labels=label_images())
def test_renumbering_leaves_no_gaps_and_keeps_every_object_and_their_order(labels: NDArray[Any]) -> None:
    renumbered = relabel_sequential(labels)
    assert renumbered.dtype == np.int32
    assert renumbered.shape == labels.shape
    old = [int(value) for value in np.unique(labels) if value]
    np.testing.assert_array_equal(np.unique(renumbered[renumbered > 0]), np.arange(1, len(old) + 1))
    np.testing.assert_array_equal(renumbered == 0, labels == 0)
    for new, value in enumerate(old, start=1):
        np.testing.assert_array_equal(renumbered == new, labels == value)


@given(labels=label_images())
def test_renumbering_twice_is_renumbering_once_and_changes_no_input(labels: NDArray[Any]) -> None:
    before = labels.copy()
    once = relabel_sequential(labels)
    np.testing.assert_array_equal(relabel_sequential(once), once)
    np.testing.assert_array_equal(labels, before)


def test_labels_saved_as_floating_point_numbers_become_integers() -> None:
    checked = check_labels(np.array([[0.0, 2.0], [7.0, 7.0]], np.float32))
    assert checked.dtype == np.int64
    np.testing.assert_array_equal(checked, [[0, 2], [7, 7]])
    np.testing.assert_array_equal(relabel_sequential(checked.astype(np.float32)), [[0, 1], [2, 2]])


FRACTIONAL = (
    "a.tif: has fractional, infinite or NaN values, so it is not a label image; "
    "save it with an integer type, 0 = background and one number per object"
)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.0, 0.5]), FRACTIONAL),
        (np.array([0.0, np.nan]), FRACTIONAL),
        (np.array([0.0, np.inf], np.float16), FRACTIONAL),
        (np.array([0.0, 1e30]), FRACTIONAL),
        (
            np.array([True, False]),
            "a.tif: is a mask (true/false), not a label image; give each object a number of its own, "
            "for example by connected components (touching objects merge then)",
        ),
        (
            np.array([0, -1]),
            "a.tif: has negative values; labels are 0 (background) and positive numbers",
        ),
        (
            np.array([0.0, -1.0]),
            "a.tif: has negative values; labels are 0 (background) and positive numbers",
        ),
        (np.array([0j]), "a.tif: type complex128 is not an integer type"),
    ],
)
def test_what_is_no_label_image_is_refused(labels: NDArray[Any], message: str) -> None:
    with pytest.raises(PixelValueError) as caught:
        check_labels(labels, where="a.tif")
    assert str(caught.value) == message


@pytest.mark.parametrize("labels", [np.array([True, False]), np.array([0, -1, 3]), np.array([0.5])])
def test_renumbering_refuses_what_is_no_label_image(labels: NDArray[Any]) -> None:
    with pytest.raises(PixelValueError, match=r"^the label image: "):
        relabel_sequential(labels)


def test_images_that_must_fit_are_refused_when_they_do_not() -> None:
    check_same_shape(np.zeros((2, 3)), np.ones((2, 3)))
    with pytest.raises(ShapeMismatchError) as caught:
        check_same_shape(np.zeros((2, 3)), np.zeros((3, 2)), where="a01")
    assert str(caught.value) == (
        "a01: the reference has shape (2, 3) and the prediction (3, 2); both must cover the same pixels "
        "(was one rescaled, cropped or transposed?)"
    )


@pytest.mark.parametrize(
    ("n_objects", "dtype"),
    [(0, np.uint16), (300, np.uint16), (65_535, np.uint16), (65_536, np.uint32), (2**32 - 1, np.uint32)],
)
def test_labels_are_saved_in_a_type_that_holds_them_and_a_next_edit(n_objects: int, dtype: type) -> None:
    assert smallest_label_dtype(n_objects) == dtype


@pytest.mark.parametrize("n_objects", [2**32, 2**63])
def test_labels_that_no_file_holds_are_refused_instead_of_becoming_others(n_objects: int) -> None:
    with pytest.raises(
        PixelValueError, match=f"a label is {n_objects}, and files hold labels up to 4294967295"
    ):
        smallest_label_dtype(n_objects)
