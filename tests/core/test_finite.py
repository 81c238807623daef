"""Pixels that are no numbers are counted, however the image is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from veriscope.core.finite import FiniteCheck
from veriscope.errors import PixelValueError

VALUES = st.sampled_from([0.0, 1.5, -3e38, np.nan, np.inf, -np.inf, 1e39, -1e300])


@given(arrays.arrays(np.float64, st.integers(1, 30), elements=VALUES), st.integers(0, 30))
def test_parts_count_as_the_whole(pixels: np.ndarray[Any, Any], cut: int) -> None:
    whole, parts = FiniteCheck(), FiniteCheck()
    whole.add(pixels)
    for part in (pixels[:cut], pixels[cut:]):
        if part.size:
            parts.add(part)
    counts = (pixels.size, int((~np.isfinite(pixels)).sum()), int(np.isin(pixels, [1e39, -1e300]).sum()))
    assert (whole.size, whole.not_finite, whole.beyond) == counts
    assert (parts.size, parts.not_finite, parts.beyond) == counts


@pytest.mark.parametrize("pixels", [np.zeros((2, 3), bool), np.full((4,), 2**63, np.uint64), np.float16([1])])
def test_numbers_of_every_kind_pass(pixels: np.ndarray[Any, Any]) -> None:
    check = FiniteCheck()
    check.add(pixels)
    check.require("a.tif")


def test_the_message_counts_all_parts() -> None:
    check = FiniteCheck()
    check.add(np.array([[1.0, np.nan], [2.0, 1e39]]))
    check.add(np.zeros((5, 5)))
    check.add(np.array([np.inf], np.float32))
    with pytest.raises(PixelValueError) as caught:
        check.require("a.tif")
    assert str(caught.value) == (
        "a.tif: 2 of 30 pixels are NaN or infinite; replace them (for example by the background) before the "
        "analysis, or leave the image out"
    )
