"""Whether an image can be used at all: empty, saturated, out of focus. Simple formulas, no reference.

With G(s) the image smoothed by a Gaussian of s pixels, and the noise estimated as the median of the absolute
values of a second-difference filter (Immerkær's) divided by 0.6745 × 6:

- contrast: the largest absolute value of G(2) − G(20), in units of the noise left after this smoothing. White
  noise alone gives about 5 in a million pixels; below 8 the image is called *empty*.
- saturated fraction: share of pixels at the largest value, if that is one at which cameras stop (2^8 − 1,
  2^10 − 1, 2^12 − 1, 2^14 − 1, 2^16 − 1); above 0.1 % the image is called *saturated*.
- sharpness: variance of G(1) − G(2) over variance of G(2) − G(8), that of the noise subtracted from both. How
  high it is depends on the objects, so that it says nothing alone: an image is *out of focus* if, among
  at least five images of a study, it is below a third of the median and more than 3.5 robust standard
  deviations (of the logarithm) below it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flag", "PlaneQuality", "flag_planes", "plane_quality"]

Flag = Literal["empty", "saturated", "out-of-focus"]

_CAMERA_TOPS = tuple(2**bits - 1 for bits in (8, 10, 12, 14, 16))
_SATURATED, _EMPTY = 0.001, 8.0
_FEWEST, _ROBUST_Z, _LOWEST_SHARE = 5, 3.5, 1 / 3
_QUANTISATION = 1 / math.sqrt(12)
_NARROW = 16


@dataclass(frozen=True, slots=True)
class PlaneQuality:
    """How one channel of an image looks.

    Parameters
    ----------
    p01, p50, p999
        Percentiles 1, 50 and 99.9 of the pixels.
    saturated_fraction
        Share of the pixels at the camera's largest value, 0 to 1.
    contrast
        Strongest structure in units of the noise, 0 or more.
    sharpness
        Share of fine detail, 0 or more; None where there is no structure.
    """

    p01: float
    p50: float
    p999: float
    saturated_fraction: float
    contrast: float
    sharpness: float | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands out of the noise."""
        return self.contrast < _EMPTY

    @property
    def is_saturated(self) -> bool:
        """Whether bright parts are cut off."""
        return self.saturated_fraction > _SATURATED


def plane_quality(parts: Sequence[NDArray[Any]]) -> PlaneQuality:
    """Measure how a channel looks.

    Parameters
    ----------
    parts
        The channel, (y, x), or several parts of it where it is large; any numeric dtype or boolean. Pixels
        that are not finite are taken as the median. Noise and structure are not looked for in parts of fewer
        than 16 pixels along an axis, unless all are such.

    Returns
    -------
    PlaneQuality
        Over all parts together.
    """
    parts = [np.asarray(part) for part in parts if np.size(part)]
    values = np.concatenate([part.ravel() for part in parts] or [np.empty(0)])
    if values.dtype.kind == "b":
        parts, values = [part.astype(np.uint8) for part in parts], values.astype(np.uint8)
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not finite.size:
        return PlaneQuality(0.0, 0.0, 0.0, 0.0, 0.0, None)
    p01, p50, p999 = (float(value) for value in np.percentile(finite, (1, 50, 99.9)))
    top = finite.max()
    is_top = values.dtype.kind in "ui" and int(top) in _CAMERA_TOPS
    saturated = float(np.mean(finite == top)) if is_top else 0.0
    # In a strip, smoothing takes away less noise, and what is left would be taken for structure.
    wide = [part for part in parts if min(part.shape) >= _NARROW] or parts
    filled = [np.nan_to_num(part.astype(np.float64), nan=p50, posinf=p50, neginf=p50) for part in wide]
    floor = _QUANTISATION if values.dtype.kind in "ui" else 1e-9 * float(np.abs(finite).max())
    noise = max(floor, float(np.median([_noise(part) for part in filled])))
    if noise == 0:  # 0 everywhere
        return PlaneQuality(p01, p50, p999, saturated, 0.0, None)
    bands = [_bands(part) for part in filled]
    contrast = max(band[0] for band in bands) / (noise * _gain(2, 20))
    if contrast < _EMPTY:
        return PlaneQuality(p01, p50, p999, saturated, contrast, None)
    fine = max(0.0, float(np.mean([band[1] for band in bands])) - (noise * _gain(1, 2)) ** 2)
    coarse = float(np.mean([band[2] for band in bands])) - (noise * _gain(2, 8)) ** 2
    return PlaneQuality(p01, p50, p999, saturated, contrast, fine / coarse if coarse > 0 else None)


def flag_planes(planes: Sequence[PlaneQuality]) -> list[list[Flag]]:
    """Say what is wrong with images of one channel of a study.

    Parameters
    ----------
    planes
        The same channel of all images.

    Returns
    -------
    list of list of str
        For each image.
    """
    known = np.array([plane.sharpness for plane in planes if plane.sharpness], float)
    limit = 0.0
    if len(known) >= _FEWEST:
        middle = float(np.median(np.log(known)))
        spread = 1.4826 * float(np.median(np.abs(np.log(known) - middle)))
        limit = math.exp(min(middle - _ROBUST_Z * spread, middle + math.log(_LOWEST_SHARE)))
    found: list[list[Flag]] = []
    for plane in planes:
        flags: list[Flag] = []
        if plane.is_empty:
            flags.append("empty")
        if plane.is_saturated:
            flags.append("saturated")
        if plane.sharpness is not None and plane.sharpness < limit:
            flags.append("out-of-focus")
        found.append(flags)
    return found


def _noise(part: NDArray[np.float64]) -> float:
    """Estimate the standard deviation of white noise."""
    if min(part.shape) < 3:
        return 0.0
    rows = part[:-2] - 2 * part[1:-1] + part[2:]
    second = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(np.median(np.abs(second))) / (0.6745 * 6)


def _bands(part: NDArray[np.float64]) -> tuple[float, float, float]:
    """Give the strongest structure, and the variance of fine and of coarse detail."""
    from scipy.ndimage import gaussian_filter

    smooth = {sigma: gaussian_filter(part, sigma, mode="nearest", truncate=3) for sigma in (1, 2, 8, 20)}
    strongest = float(np.abs(smooth[2] - smooth[20]).max())
    return strongest, float((smooth[1] - smooth[2]).var()), float((smooth[2] - smooth[8]).var())


def _gain(inner: float, outer: float) -> float:
    """Give how much of white noise the difference of two Gaussians passes, as standard deviation."""
    own = (1 / inner**2 + 1 / outer**2) / (4 * math.pi)
    return math.sqrt(own - 1 / (math.pi * (inner**2 + outer**2)))
