"""Peak signal-to-noise ratio, as it is and after the best gain and offset."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.metrics.restoration.images import (
    FloatArray,
    check_data_range,
    check_images,
    fit_gain,
)

__all__ = ["psnr", "scale_invariant_psnr"]


def psnr(reference: NDArray[Any], prediction: NDArray[Any], *, data_range: float) -> float:
    """Peak signal-to-noise ratio; both images must be on the same scale of intensities.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x).
    data_range
        Largest minus smallest possible intensity R; it is never guessed, because a different range moves
        every value by the same number of decibels.

    Returns
    -------
    float
        10 log10(R² / MSE), in decibels, higher is better; infinite where no pixel differs. Below 0 where
        the error is larger than the range.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape.
    InputError
        If the range is not a finite number above 0.
    """
    check_data_range(data_range)
    return _decibels(*check_images(reference, prediction), data_range)


def scale_invariant_psnr(reference: NDArray[Any], prediction: NDArray[Any]) -> float:
    """Peak signal-to-noise ratio after the gain and offset that bring the prediction nearest.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x).

    Returns
    -------
    float
        10 log10(R² / MSE), in decibels, higher is better, where R is the largest minus the smallest value
        of the reference and MSE that of a · prediction + b with the best gain a ≥ 0 and offset b. Infinite
        where nothing differs but rounding (root mean square below 10⁻¹² R). A constant prediction has the
        value of the reference's mean. NaN if the reference is constant.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape.

    Notes
    -----
    The gain is not allowed below 0; the published code allows it, so that an inverted image scores like
    the image itself. R follows single bright pixels of the reference, so values compare predictions of
    the same images only.

    References
    ----------
    .. [1] Weigert M et al. Content-aware image restoration. Nature Methods 15 (2018): affine fit before
       the error is taken.
    .. [2] Krull A, Buchholz T-O, Jug F. Noise2Void. CVPR (2019): PSNR in this form, in the published code.
    """
    truth, restored = check_images(reference, prediction)
    data_range = float(np.ptp(truth))
    if data_range == 0:
        return float("nan")
    gain, offset = fit_gain(truth, restored)
    return _decibels(truth, gain * restored + offset, data_range, forgiven=1e-12 * data_range)


def _decibels(
    reference: FloatArray, prediction: FloatArray, data_range: float, forgiven: float = 0.0
) -> float:
    difference = reference - prediction
    error = float(np.sqrt(np.vdot(difference, difference) / difference.size))
    return float("inf") if error <= forgiven else float(20 * np.log10(data_range / error))
