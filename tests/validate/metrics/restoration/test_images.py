"""What is an image of intensities, and the gain and offset of least squares."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.restoration.images import (
    check_data_range,
    check_image,
    check_images,
    fit_gain,
)

IMAGES = hnp.arrays(np.float64, (3, 4), elements=st.integers(-50, 50).map(float))


@given(reference=IMAGES, prediction=IMAGES)
def test_gain_and_offset_leave_the_least_squares(
    reference: NDArray[np.float64], prediction: NDArray[np.float64]
) -> None:
    gain, offset = fit_gain(reference, prediction)
    assert gain >= 0

    def error(a: float, b: float) -> float:
        return float(((a * prediction + b - reference) ** 2).sum())

    if np.ptp(prediction):
        design = np.stack([prediction.ravel(), np.ones(prediction.size)], axis=1)
        (a, b), *_ = np.linalg.lstsq(design, reference.ravel(), rcond=None)
        expected = (a, b) if a > 0 else (0.0, reference.mean())
        assert (gain, offset) == pytest.approx(expected, abs=1e-6)
    for change in ((0.01, 0.0), (0.0, 0.5), (0.0, -0.5)):
        assert error(gain, offset) <= error(gain + change[0], offset + change[1]) + 1e-9


@pytest.mark.parametrize("value", [0.0, 5.0, 0.1, 1e12])
def test_a_constant_prediction_has_no_gain(value: float) -> None:
    reference = np.arange(12.0).reshape(3, 4)
    assert fit_gain(reference, np.full((3, 4), value)) == (0.0, 5.5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(4, 5), (2, 4, 5)])
def test_numbers_of_any_type_become_floats(dtype: type, shape: tuple[int, ...]) -> None:
    image = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    found = check_image(image, where="it")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        (
            np.zeros((4, 5), bool),
            PixelValueError,
            "a: type bool is not an image of intensities; give integers",
        ),
        (np.zeros((4, 5), complex), PixelValueError, "a: type complex128 is not an image of intensities"),
        (np.zeros(5), AxesError, "a: images of 1 axes are not allowed; give (y, x) or (z, y, x)"),
        (np.zeros((2, 3, 4, 5)), AxesError, "a: images of 4 axes are not allowed"),
        (np.zeros((0, 5)), AxesError, "a: an image of shape (0, 5) has no pixels; leave it out"),
        (np.zeros((9, 9, 3)), AxesError, "a: shape (9, 9, 3) looks like colours in the last axis"),
        (np.array([[np.nan, 1], [np.inf, 2]]), PixelValueError, "a: 2 of 4 pixels are NaN or infinite"),
    ],
)
def test_what_is_no_image_of_intensities_is_refused(
    image: NDArray[np.float64], kind: type[InputError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        check_image(image, where="a")
    assert str(caught.value).startswith(message)


def test_a_pair_is_of_one_shape_and_named_by_its_side() -> None:
    with pytest.raises(
        ShapeMismatchError, match=r"^f01: the reference has shape \(3, 4\) and the prediction"
    ):
        check_images(np.zeros((3, 4)), np.zeros((4, 3)), where="f01")
    with pytest.raises(PixelValueError, match=r"^f01: the prediction: 1 of 12 pixels are NaN"):
        check_images(np.zeros((3, 4)), np.where(np.arange(12).reshape(3, 4) == 5, np.nan, 0.0), where="f01")


@pytest.mark.parametrize("data_range", [0, -1, np.nan, np.inf, None, "255"])
def test_a_range_is_a_number_above_zero(data_range: object) -> None:
    with pytest.raises(InputError) as caught:
        check_data_range(data_range)  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"data range {data_range!r} is not allowed; give the largest minus the smallest possible intensity, "
        "such as 255 for 8 bit, or np.ptp(reference)"
    )
    for allowed in (255, 0.5, np.float32(3), np.uint16(7)):
        check_data_range(allowed)
