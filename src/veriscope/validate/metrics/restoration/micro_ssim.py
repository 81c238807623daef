"""MicroSSIM: structural similarity after the background is taken off and the scales are matched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter
from scipy.optimize import minimize_scalar

from veriscope.validate.metrics.restoration.images import FloatArray, check_images
from veriscope.validate.metrics.restoration.ssim import check_window

__all__ = ["micro_ssim"]

_WINDOW = 7
_PERCENTILE = 3.0
_FACTORS = 4.0 ** np.arange(-6, 4)


@dataclass(frozen=True, slots=True, eq=False)
class _Elements:
    """Local means (m), variances (v) and covariance of the reference (r) and prediction (p), by plane."""

    mean_r: FloatArray
    mean_p: FloatArray
    var_r: FloatArray
    var_p: FloatArray
    covariance: FloatArray
    c1: float
    c2: float

    def similarity(self, scale: float) -> float:
        """Mean SSIM where the prediction is multiplied by a scale."""
        luminance = (2 * scale * self.mean_r * self.mean_p + self.c1) / (
            self.mean_r**2 + scale**2 * self.mean_p**2 + self.c1
        )
        structure = (2 * scale * self.covariance + self.c2) / (self.var_r + scale**2 * self.var_p + self.c2)
        return float(np.mean(luminance * structure))


def micro_ssim(reference: NDArray[Any], prediction: NDArray[Any]) -> float:
    """MicroSSIM: SSIM that does not mind the offset of a camera and another scale of intensities.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x), at least 7 pixels in y and x.

    Returns
    -------
    float
        -1 to 1, higher is better, 1 for images equal but for offset and gain. For a stack the mean over
        its planes, with one background, range and scale for all. NaN if the reference is constant or has
        nothing above its background.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape, or they are smaller than the window.

    Notes
    -----
    The 3rd percentile of each image is subtracted as its background, both are divided by the reference's
    maximum, and the prediction is multiplied by the α > 0 that makes the mean SSIM largest. SSIM as in
    the authors' repository: windows of 7 x 7 pixels weighted alike, sample variances, K1 = 0.01,
    K2 = 0.03, range = largest minus smallest value of the reference (their release 0.0.5 fits α so, but
    scores with Gaussian windows). α is searched from 1/4096 to 64 times the ratio of the root mean
    squares, in steps of 4 and then by Brent's method; the package starts at 1 and goes uphill. The authors
    advise one fit for a whole data set; here each image is fitted by itself, so that images stay
    independent.

    References
    ----------
    .. [1] Ashesh A, Deschamps J, Jug F. MicroSSIM: improved structural similarity for comparing microscopy
       data. arXiv:2408.08747 (2024).
    """
    truth, restored = check_images(reference, prediction)
    check_window(truth.shape, _WINDOW)
    truth, restored = (image - np.percentile(image, _PERCENTILE) for image in (truth, restored))
    largest = float(truth.max())
    if not largest > 0:
        return float("nan")
    truth, restored = truth / largest, restored / largest
    elements = _elements(truth, restored)
    power = float(np.sqrt(np.mean(restored**2)))
    if power == 0:
        return elements.similarity(1.0)
    start = float(np.sqrt(np.mean(truth**2))) / power
    return _best(elements, start)


def _elements(reference: FloatArray, prediction: FloatArray) -> _Elements:
    def local_mean(values: FloatArray) -> FloatArray:
        size = (1,) * (values.ndim - 2) + (_WINDOW, _WINDOW)
        means: FloatArray = uniform_filter(values, size=size)
        edge = _WINDOW // 2
        return means[..., edge:-edge, edge:-edge]

    n = _WINDOW**2
    mean_r, mean_p = local_mean(reference), local_mean(prediction)
    data_range = float(np.ptp(reference))
    return _Elements(
        mean_r=mean_r,
        mean_p=mean_p,
        var_r=n / (n - 1) * (local_mean(reference**2) - mean_r**2),
        var_p=n / (n - 1) * (local_mean(prediction**2) - mean_p**2),
        covariance=n / (n - 1) * (local_mean(reference * prediction) - mean_r * mean_p),
        c1=(0.01 * data_range) ** 2,
        c2=(0.03 * data_range) ** 2,
    )


def _best(elements: _Elements, start: float) -> float:
    scales = start * _FACTORS
    values = [elements.similarity(scale) for scale in scales]
    best = int(np.argmax(values))
    low, high = np.log(scales[max(best - 1, 0)]), np.log(scales[min(best + 1, len(scales) - 1)])
    found = minimize_scalar(
        lambda log_scale: -elements.similarity(float(np.exp(log_scale))),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return max(values[best], -float(found.fun))
