"""What the rules need to know of an image before they start: polarity, threshold, object size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu

__all__ = ["Foreground", "estimate_diameter", "find_foreground"]

_NOISE_SEPARATION = 3.0
"""Class means this many background deviations apart are objects; noise alone gives 2.3 to 2.8."""


@dataclass(frozen=True, slots=True)
class Foreground:
    """A global split of an image into objects and background.

    Parameters
    ----------
    image
        Smoothed image, float32, turned so that objects are bright.
    threshold
        Otsu's threshold on `image`.
    background, contrast
        Median of the background and mean of the foreground minus it, in the units of `image`.
    noise
        Standard deviation of the smoothed background, from its median absolute deviation.
    polarity
        ``"bright"`` or ``"dark"``: how the objects were in the image given.
    """

    image: NDArray[np.float32]
    threshold: float
    background: float
    contrast: float
    noise: float
    polarity: Literal["bright", "dark"]


def find_foreground(
    pixels: NDArray[Any], *, foreground: Literal["bright", "dark", "auto"], sigma: float
) -> Foreground | None:
    """Split an image by Otsu's threshold.

    Parameters
    ----------
    pixels
        Image of any numeric dtype and dimension, finite.
    foreground
        Brightness of the objects; ``"auto"`` takes the class with fewer pixels.
    sigma
        Standard deviation of the Gaussian smoothing before, in pixels.

    Returns
    -------
    Foreground or None
        None if nothing stands out from the background (constant image, noise alone).
    """
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(
        pixels.astype(np.float32), sigma, mode="nearest", output=np.float32
    )
    low, high = float(smooth.min()), float(smooth.max())
    if not high > low:
        return None
    threshold = float(threshold_otsu(smooth))
    above = smooth > threshold
    dark = foreground == "dark" or (foreground == "auto" and np.count_nonzero(above) > above.size / 2)
    if dark:
        smooth, threshold = -smooth, -threshold
        above = smooth > threshold
    if not above.any() or above.all():
        return None
    outside = smooth[~above]
    background = float(np.median(outside))
    contrast = float(smooth[above].mean()) - background
    noise = 1.4826 * float(np.median(np.abs(outside - background)))
    if contrast < _NOISE_SEPARATION * noise:
        return None
    return Foreground(smooth, threshold, background, contrast, noise, "dark" if dark else "bright")


def estimate_diameter(mask: NDArray[np.bool_]) -> float | None:
    """Estimate the typical object diameter of a foreground mask.

    Twice the median depth of the mask at the centres of its parts: touching objects have a centre each,
    so that clusters do not pass for large objects.

    Parameters
    ----------
    mask
        Foreground, axes (y, x).

    Returns
    -------
    float or None
        Diameter in pixels, at least 3; None if the mask is empty.
    """
    if not mask.any():
        return None
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))
    smooth = ndimage.gaussian_filter(depth, 1.0)
    centres = peak_local_max(smooth, min_distance=2, threshold_abs=1.0, exclude_border=False)
    if len(centres) == 0:
        return 3.0
    depths = depth[tuple(centres.T)]
    # Crumbs of noise are many but cover little: weight each centre by the area it stands for.
    order = np.argsort(depths)
    weight = np.cumsum(depths[order] ** 2)
    typical = depths[order][np.searchsorted(weight, weight[-1] / 2)]
    return max(3.0, 2.0 * float(typical))
