"""Structural similarity (SSIM) of images of intensities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from veriscope.errors import AxesError
from veriscope.validate.metrics.restoration.images import check_data_range, check_images

__all__ = ["check_window", "ssim"]

_SIGMA = 1.5
_WINDOW = 11


def ssim(reference: NDArray[Any], prediction: NDArray[Any], *, data_range: float) -> float:
    """Structural similarity with the settings of its paper; both images must be on the same scale.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x), at least 11 pixels in y and x.
    data_range
        Largest minus smallest possible intensity. It sets the constants that keep flat regions from
        counting: too large a range makes every image look alike.

    Returns
    -------
    float
        -1 to 1, higher is better, 1 for equal images. For a stack, the mean over its planes, because z has
        another pixel size and often few planes.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape, or they are smaller than the window.
    InputError
        If the range is not a finite number above 0.

    Notes
    -----
    Means, variances and covariance are weighted by a Gaussian of σ = 1.5 pixels cut at 11 pixels,
    K1 = 0.01, K2 = 0.03, variances of the population, mean over pixels at least 5 from the edge: as in
    [1]_, computed by scikit-image. Its defaults are others (7 x 7 pixels, all alike).

    References
    ----------
    .. [1] Wang Z, Bovik AC, Sheikh HR, Simoncelli EP. Image quality assessment: from error visibility to
       structural similarity. IEEE Transactions on Image Processing 13 (2004).
    """
    check_data_range(data_range)
    truth, restored = check_images(reference, prediction)
    check_window(truth.shape, _WINDOW)
    planes = zip(truth.reshape(-1, *truth.shape[-2:]), restored.reshape(-1, *truth.shape[-2:]), strict=True)
    values = [
        structural_similarity(
            *plane,
            data_range=data_range,
            gaussian_weights=True,
            sigma=_SIGMA,
            use_sample_covariance=False,
        )
        for plane in planes
    ]
    return float(np.mean(values))


def check_window(shape: tuple[int, ...], window: int) -> None:
    """Refuse planes that are smaller than the window that moves over them.

    Parameters
    ----------
    shape
        Shape of the image; y and x last.
    window
        Side of the window, in pixels.

    Raises
    ------
    AxesError
        If y or x is shorter.
    """
    if min(shape[-2:]) < window:
        raise AxesError(
            f"planes of {shape[-2]} x {shape[-1]} pixels are too small; the window of this metric needs at "
            f"least {window} x {window}"
        )
