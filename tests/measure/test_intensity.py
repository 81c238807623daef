"""Intensities of objects against NumPy, object by object, whatever the type of the pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.measure import runs as runs_module
from veriscope.measure.intensity import Intensities, measure_intensities
from veriscope.measure.runs import find_runs
from veriscope.measure.size import measure_sizes

FIELDS = ("mean", "minimum", "maximum", "total", "deviation")
DTYPES = (np.bool_, np.uint8, np.int8, np.uint16, np.int32, np.uint64, np.float16, np.float32, np.float64)


def measure(labels: NDArray[Any], pixels: NDArray[Any]) -> Intensities:
    runs = find_runs(labels)
    return measure_intensities(labels, pixels, runs, measure_sizes(runs))


def assert_same(found: Intensities, labels: NDArray[Any], pixels: NDArray[Any]) -> None:
    for i, label in enumerate(v for v in np.unique(labels) if v):
        values = pixels[labels == label].astype(np.float64)
        expected = (values.mean(), values.min(), values.max(), values.sum(), values.std())
        size = 1 + float(np.abs(values).max())
        for name, wanted in zip(FIELDS, expected, strict=True):
            assert getattr(found, name)[i] == pytest.approx(wanted, rel=1e-12, abs=1e-12 * size), name


@st.composite
def pictures(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[Any]]:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    if dtype.kind == "f":
        elements: Any = st.floats(-1000, 1000, width=16)
    else:
        info = np.iinfo(np.uint8 if dtype.kind == "b" else dtype)
        elements = (
            st.booleans() if dtype.kind == "b" else st.integers(max(info.min, -(2**40)), min(info.max, 2**40))
        )
    labels = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 3)))
    return labels, draw(hnp.arrays(dtype, shape, elements=elements))


@settings(max_examples=150, deadline=None)
@given(picture=pictures())
def test_statistics_are_those_of_the_pixels(picture: tuple[NDArray[Any], NDArray[Any]]) -> None:
    assert_same(measure(*picture), *picture)


@settings(max_examples=60, deadline=None)
@given(
    picture=pictures(), gain=st.sampled_from([0.5, 2.0, 64.0]), offset=st.sampled_from([0.0, -3.0, 1024.0])
)
def test_gain_and_offset_change_the_statistics_alike(
    picture: tuple[NDArray[Any], NDArray[Any]], gain: float, offset: float
) -> None:
    labels, pixels = picture[0], picture[1].astype(np.float64)
    plain, moved = measure(labels, pixels), measure(labels, gain * pixels + offset)
    for name in ("mean", "minimum", "maximum"):
        np.testing.assert_allclose(
            getattr(moved, name), gain * getattr(plain, name) + offset, rtol=1e-9, atol=1e-6
        )
    np.testing.assert_allclose(moved.deviation, gain * plain.deviation, rtol=1e-6, atol=1e-6)


def test_order_of_the_statistics() -> None:
    labels = np.random.default_rng(0).integers(0, 9, (30, 30))
    found = measure(labels, np.random.default_rng(1).normal(size=labels.shape))
    assert (found.minimum <= found.mean).all()
    assert (found.mean <= found.maximum).all()
    assert (found.deviation <= (found.maximum - found.minimum) / 2 + 1e-12).all()


def test_the_background_may_be_anything_that_is_finite() -> None:
    labels = np.zeros((6, 6), int)
    labels[2:4, 2:5] = 1
    dim, bright = np.full((6, 6), 1e300), np.full((6, 6), -1e300)
    dim[2:4, 2:5] = bright[2:4, 2:5] = np.arange(6).reshape(2, 3)
    for pixels in (dim, bright):
        assert_same(measure(labels, pixels), labels, pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16])
def test_sums_do_not_wrap_around(dtype: type) -> None:
    labels = np.ones((300, 300), np.uint8)
    top = np.iinfo(dtype).max
    found = measure(labels, np.full(labels.shape, top, dtype))
    assert found.total.tolist() == [90_000 * int(top)]
    assert found.deviation.tolist() == [0]


@pytest.mark.parametrize("rows", [1, 3])
def test_blocks_of_rows_and_strides_change_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    labels, pixels = random.integers(0, 4, (2, 9, 7)), random.normal(5, 2, (2, 9, 7))
    monkeypatch.setattr(runs_module, "BLOCK_PIXELS", rows * 7)
    assert_same(measure(labels, pixels), labels, pixels)
    turned = labels.transpose(1, 0, 2)[:, :, ::-1], pixels.transpose(1, 0, 2)[:, :, ::-1]
    assert_same(measure(*turned), *turned)


def test_no_object_has_no_intensity() -> None:
    found = measure(np.zeros((3, 4), int), np.ones((3, 4)))
    assert all(getattr(found, name).shape == (0,) for name in FIELDS)
