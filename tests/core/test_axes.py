"""Axes are stated, valid and in the one order; spacing fits them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.axes import AXES, check_axes, check_spacing, spatial_axes
from veriscope.errors import AxesError

subsets = st.sets(st.sampled_from(AXES)).map(lambda letters: "".join(sorted(letters, key=AXES.index)))
images = subsets.filter(lambda axes: {"y", "x"} <= set(axes))


@given(axes=images)
def test_every_ordered_subset_with_y_and_x_is_valid(axes: str) -> None:
    assert check_axes(axes, len(axes)) == axes
    assert spatial_axes(axes) in ("yx", "zyx")
    assert ("z" in axes) == ("z" in spatial_axes(axes))


@given(axes=st.text(alphabet="tczyxqYX", max_size=6), ndim=st.integers(0, 6))
def test_only_ordered_subsets_are_valid(axes: str, ndim: int) -> None:
    good = (
        set("yx") <= set(axes)
        and len(axes) == ndim
        and axes == "".join(axis for axis in AXES if axis in axes)
    )
    if good:
        check_axes(axes, ndim)
    else:
        with pytest.raises(AxesError):
            check_axes(axes, ndim)


@pytest.mark.parametrize(
    ("axes", "ndim", "message"),
    [
        ("YX", 2, "a.tif: axes 'YX' are not valid; use the letters 'tczyx', each at most once, with y and x"),
        (
            "yyx",
            3,
            "a.tif: axes 'yyx' are not valid; use the letters 'tczyx', each at most once, with y and x",
        ),
        ("x", 1, "a.tif: axes 'x' are not valid; use the letters 'tczyx', each at most once, with y and x"),
        ("zyx", 2, "a.tif: axes 'zyx' name 3 dimensions but the array has 2"),
        ("yxc", 3, "a.tif: axes 'yxc' are not in the order 'tczyx'; reorder the array to 'cyx'"),
    ],
)
def test_wrong_axes_are_refused_with_what_is_allowed(axes: str, ndim: int, message: str) -> None:
    with pytest.raises(AxesError) as caught:
        check_axes(axes, ndim, where="a.tif")
    assert str(caught.value) == message


def test_spacing_comes_back_in_the_order_of_the_axes() -> None:
    checked = check_spacing({"x": np.float32(0.5), "z": 2, "y": 0.25}, "czyx")
    assert checked is not None
    assert list(checked.items()) == [("z", 2.0), ("y", 0.25), ("x", 0.5)]


def test_no_spacing_is_uncalibrated() -> None:
    assert check_spacing(None, "yx") is None


@pytest.mark.parametrize(
    ("spacing", "message"),
    [
        (
            {"y": 0.5},
            "a.tif: spacing is given for axes 'y' but the image has 'yx'; "
            "give one value in µm for each spatial axis",
        ),
        (
            {"z": 1.0, "y": 0.5, "x": 0.5},
            "a.tif: spacing is given for axes 'zyx' but the image has 'yx'; "
            "give one value in µm for each spatial axis",
        ),
        ({"y": 0.5, "x": 0.0}, "a.tif: spacing x=0.0 is not a positive number of µm"),
        ({"y": np.float64(-1), "x": 0.5}, "a.tif: spacing y=-1.0 is not a positive number of µm"),
        ({"y": float("nan"), "x": 0.5}, "a.tif: spacing y=nan is not a positive number of µm"),
        ({"y": float("inf"), "x": 0.5}, "a.tif: spacing y=inf is not a positive number of µm"),
        ({"y": None, "x": 0.5}, "a.tif: spacing y=None is not a positive number of µm"),
        ({"y": "half", "x": 0.5}, "a.tif: spacing y=half is not a positive number of µm"),
    ],
)
def test_wrong_spacing_is_refused(spacing: dict[str, float], message: str) -> None:
    with pytest.raises(AxesError) as caught:
        check_spacing(spacing, "yx", where="a.tif")
    assert str(caught.value) == message
