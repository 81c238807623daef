"""Power spectra averaged over rings: whether a prediction has as much detail of each size as it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.validate.metrics.restoration.images import FloatArray, check_images
from veriscope.validate.metrics.restoration.rings import Rings, fourier_transform, rings

__all__ = ["high_frequency_ratio", "spectral_error"]

_FLOOR = 1e-12


def spectral_error(
    reference: NDArray[Any], prediction: NDArray[Any], *, spacing: Sequence[float] | None = None
) -> float:
    """Spectral error: how far the power at each frequency is from that of the reference, in decibels.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x), at least 8 pixels along each axis.
    spacing
        Size of a pixel along each axis, in µm; matters only where it differs between the axes.

    Returns
    -------
    float
        √ mean over rings of (10 log10(Pp / Pr))², 0 up, lower is better; P is the mean power in a ring
        divided by the total power of the image, so gain and offset change nothing. NaN if an image is
        constant.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape, or too small, or the spacing does not fit.

    Notes
    -----
    Ours; the log-spectral distance of speech analysis [1]_ with rings instead of frequencies. Images are
    faded out over an eighth of each side. Power below 10⁻¹² of the total counts as 10⁻¹². It looks at the
    amount of detail and not at its place: noise of the right spectrum scores perfectly, so use it beside
    a metric that compares pixels.

    References
    ----------
    .. [1] Gray A, Markel J. Distance measures for speech processing. IEEE Transactions on Acoustics,
       Speech, and Signal Processing 24 (1976).
    """
    grid, of_reference, of_prediction = _power(reference, prediction, spacing)
    if of_reference is None or of_prediction is None:
        return float("nan")
    means = [np.maximum(power / grid.n_samples, _FLOOR) for power in (of_reference, of_prediction)]
    return float(np.sqrt(np.mean((10 * np.log10(means[1] / means[0])) ** 2)))


def high_frequency_ratio(
    reference: NDArray[Any], prediction: NDArray[Any], *, spacing: Sequence[float] | None = None
) -> float:
    """High-frequency ratio: share of fine detail in the prediction over that in the reference.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x), at least 8 pixels along each axis.
    spacing
        Size of a pixel along each axis, in µm; matters only where it differs between the axes.

    Returns
    -------
    float
        Share of the power above half of the highest frequency, prediction over reference; 0 up, 1 is best.
        Below 1 the prediction is too smooth, above 1 it has noise or invented detail. NaN if an image is
        constant or the reference has no such power.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape, or too small, or the spacing does not fit.

    Notes
    -----
    Ours. A noisy reference has high frequencies of its own: then even a perfect prediction is below 1.
    """
    grid, of_reference, of_prediction = _power(reference, prediction, spacing)
    if of_reference is None or of_prediction is None:
        return float("nan")
    fine = grid.frequency > grid.frequency[-1] / 2
    share = float(of_reference[fine].sum())
    return float(of_prediction[fine].sum()) / share if share > 0 else float("nan")


def _power(
    reference: NDArray[Any], prediction: NDArray[Any], spacing: Sequence[float] | None
) -> tuple[Rings, FloatArray | None, FloatArray | None]:
    """Give the share of the power in each ring, for both images; None for a constant one."""
    images = check_images(reference, prediction)
    grid = rings(images[0].shape, spacing)
    shares: list[FloatArray | None] = []
    for image in images:
        sums = grid.sums(np.abs(fourier_transform(image, window=True)) ** 2)
        shares.append(sums / sums.sum() if np.ptp(image) > 0 and sums.sum() > 0 else None)
    return grid, shares[0], shares[1]
