"""What a pair of images of intensities must be, and the best gain and offset between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import check_same_shape
from veriscope.errors import AxesError, InputError, PixelValueError

__all__ = ["FloatArray", "check_data_range", "check_image", "check_images", "fit_gain"]

FloatArray = NDArray[np.float64]


def check_image(image: NDArray[Any], *, where: str) -> FloatArray:
    """Refuse what is not one image of intensities in one channel.

    Parameters
    ----------
    image
        Intensities, (y, x) or (z, y, x), integer or floating point.
    where
        Names the image, for messages.

    Returns
    -------
    numpy.ndarray
        The same as float64; the image itself where it is float64 already.

    Raises
    ------
    AxesError
        If there are neither two nor three axes, no pixels, or the last axis looks like colours.
    PixelValueError
        If these are no real numbers, or some are NaN or infinite.
    """
    if image.dtype.kind not in "iuf":
        raise PixelValueError(
            f"{where}: type {image.dtype} is not an image of intensities; give integers or floating point"
        )
    if image.ndim not in (2, 3):
        raise AxesError(
            f"{where}: images of {image.ndim} axes are not allowed; give (y, x) or (z, y, x), "
            "one time and one channel at a time"
        )
    if not image.size:
        raise AxesError(f"{where}: an image of shape {image.shape} has no pixels; leave it out")
    if image.ndim == 3 and image.shape[-1] in (3, 4):
        raise AxesError(
            f"{where}: shape {image.shape} looks like colours in the last axis; give one channel at a time"
        )
    values = np.asarray(image, dtype=np.float64)
    n_bad = values.size - int(np.count_nonzero(np.isfinite(values)))
    if n_bad:
        raise PixelValueError(
            f"{where}: {n_bad} of {values.size} pixels are NaN or infinite; crop the images to where both "
            "have values, or fill them"
        )
    return values


def check_images(
    reference: NDArray[Any], prediction: NDArray[Any], *, where: str = ""
) -> tuple[FloatArray, FloatArray]:
    """Refuse what is not a pair of images of intensities of one shape.

    Parameters
    ----------
    reference, prediction
        Intensities, (y, x) or (z, y, x), one channel.
    where
        Names the pair, for messages.

    Returns
    -------
    tuple of numpy.ndarray
        Both as float64.

    Raises
    ------
    AxesError, PixelValueError
        If either is no image of one channel, or has NaN or infinite pixels.
    ShapeMismatchError
        If the shapes differ.
    """
    before = f"{where}: " if where else ""
    check_same_shape(reference, prediction, where=where)
    return (
        check_image(reference, where=f"{before}the reference"),
        check_image(prediction, where=f"{before}the prediction"),
    )


def check_data_range(data_range: float) -> None:
    """Refuse a range of intensities that makes no sense.

    Parameters
    ----------
    data_range
        Largest minus smallest intensity that there can be.

    Raises
    ------
    InputError
        If it is not a finite number above 0.
    """
    if not isinstance(data_range, int | float | np.number) or not (
        np.isfinite(data_range) and data_range > 0
    ):
        raise InputError(
            f"data range {data_range!r} is not allowed; give the largest minus the smallest possible "
            "intensity, such as 255 for 8 bit, or np.ptp(reference)"
        )


def fit_gain(reference: FloatArray, prediction: FloatArray) -> tuple[float, float]:
    """Find the gain and offset that bring one image nearest to another.

    Parameters
    ----------
    reference, prediction
        Images of one shape, float64.

    Returns
    -------
    tuple of float
        Gain a ≥ 0 and offset b that make the mean of (a · prediction + b - reference)² least. The gain is 0
        where the prediction is constant or goes against the reference: an inverted image is no
        restoration.
    """
    mean_reference, mean_prediction = reference.mean(), prediction.mean()
    deviations = prediction - mean_prediction
    power = float(np.vdot(deviations, deviations))
    if np.ptp(prediction) == 0 or power == 0:
        return 0.0, float(mean_reference)
    gain = max(0.0, float(np.vdot(deviations, reference - mean_reference)) / power)
    return gain, float(mean_reference - gain * mean_prediction)
