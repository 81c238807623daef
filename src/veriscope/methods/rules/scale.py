"""What the rules need to know of an image before they start: polarity, threshold, object size.

All of it is counted, so that it is the same however the image is cut into blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from veriscope.core.source import PixelSource
from veriscope.methods.local_method import Survey
from veriscope.methods.rules.peaks import local_peaks
from veriscope.methods.rules.voxels import along, pad_planes, smoothing_reach, steps_of, whole_along
from veriscope.methods.sampling import sample_windows

__all__ = [
    "ForegroundSurvey",
    "RuleSurvey",
    "estimate_diameter",
    "survey_foreground",
    "survey_rule",
]

_NOISE_SEPARATION = 3.0
"""Class means this many background deviations apart are objects; noise alone gives 2.3 to 2.8."""
_FAINT = 1 << 12
"""Largest values over contrast from which float32 leaves less than 2048 steps of it."""
_BINS, _OTSU_BINS = 1 << 16, 256
_ENOUGH_WINDOWS = 16
_WINDOWS: dict[int, dict[str, int]] = {2: {}, 3: {"side": 256, "planes": 64}}
"""Windows in which the size of the objects is looked for, if the image is large."""


class ForegroundSurvey(Survey):
    """A global split of an image into objects and background."""

    sigma: float
    """Standard deviation of the Gaussian smoothing before the split, in pixels."""
    threshold: float
    """Otsu's threshold on the smoothed image, less the offset, turned so that objects are bright."""
    contrast: float
    """Mean of the foreground minus median of the background, in units of the image."""
    background: float
    """Median of the background of the smoothed image, turned."""
    noise: float
    """Standard deviation of the smoothed background, from its median absolute deviation."""
    polarity: Literal["bright", "dark"]
    """How the objects are in the image given."""
    step: tuple[float, ...] = ()
    """Size of a voxel along each axis relative to that along x; empty in planes."""
    offset: int | float = 0
    """What is taken from the pixels before anything is computed of them; other values here are without it."""

    def turn(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """Smooth an image, or a part of it, and turn it so that objects are bright.

        Parameters
        ----------
        pixels
            Of any numeric dtype and dimension, finite.

        Returns
        -------
        numpy.ndarray
            float32, same shape.
        """
        smooth = _smooth(_without(pixels, self.offset), self.sigma, self.step)
        return -smooth if self.polarity == "dark" else smooth


class RuleSurvey(Survey):
    """What a rule measures on the whole image."""

    foreground: ForegroundSurvey | None
    """None: nothing stands out from the background."""
    diameter: float = 3.0
    """Typical object diameter in pixels."""
    diameter_estimated: bool = False
    """Whether it was estimated rather than given."""
    voxels_assumed: bool = False
    """Whether a stack says nothing of its voxels, so that they are taken as cubes."""

    @property
    def step(self) -> tuple[float, ...]:
        """Size of a voxel along each axis relative to that along x; empty in planes."""
        return () if self.foreground is None else self.foreground.step

    @property
    def details(self) -> dict[str, Any]:
        """What a reader of the record should know."""
        if self.foreground is None:
            return {"nothing_above_background": True}
        return {
            "diameter_px": round(self.diameter, 2),
            "diameter_estimated": self.diameter_estimated,
            "foreground": self.foreground.polarity,
            **({"voxels": "taken as cubes: the stack is uncalibrated"} if self.voxels_assumed else {}),
        }


def _without(pixels: NDArray[Any], offset: float) -> NDArray[Any]:
    """Take the smallest value from pixels that are all near it, exactly: in their own type."""
    return pixels - pixels.dtype.type(offset) if offset else pixels


def _smooth(pixels: NDArray[Any], sigma: float, step: tuple[float, ...]) -> NDArray[np.float32]:
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(
        pixels.astype(np.float32), along(sigma, step), mode="nearest", output=np.float32
    )
    return smooth


def survey_foreground(
    source: PixelSource, *, foreground: Literal["bright", "dark", "auto"], sigma: float
) -> ForegroundSurvey | None:
    """Split an image by Otsu's threshold.

    Values are counted in 65,536 equal bins between the smallest and the largest; medians
    and means are those of the counts.

    Parameters
    ----------
    source
        Image of any numeric dtype and dimension, finite.
    foreground
        Brightness of the objects; ``"auto"`` takes the class with fewer pixels.
    sigma
        Standard deviation of the Gaussian smoothing before, in pixels along x.

    Returns
    -------
    ForegroundSurvey or None
        None if nothing stands out from the background (constant image, noise alone).
    """
    step, offset = steps_of(source), 0
    halo = smoothing_reach(sigma, step)

    def smooth() -> Iterator[tuple[NDArray[np.float32], NDArray[Any]]]:
        for block in source.blocks(halo=halo):
            whole = _smooth(_without(block.pixels, offset), sigma, step)
            yield whole[block.core], block.pixels[block.core]

    low, high, offset = _span(smooth())
    if offset:
        low, high, _ = _span(smooth())
    if not high > low:
        return None
    counts = np.zeros(_BINS, np.int64)
    factor = _BINS / (high - low)
    for part, _ in smooth():
        place = ((part.astype(np.float64) - low) * factor).astype(np.int32)
        counts += np.bincount(np.minimum(place, _BINS - 1).ravel(), minlength=_BINS)
    found = _split(counts, low, high, foreground, sigma)
    return None if found is None else found.model_copy(update={"step": step, "offset": offset})


def _span(parts: Iterator[tuple[NDArray[np.float32], NDArray[Any]]]) -> tuple[float, float, Any]:
    """Give the smallest and largest smoothed value, and what pixels need to have taken from them."""
    low, high = np.inf, -np.inf
    lows, highs = [], []
    for smooth, pixels in parts:
        low, high = min(low, float(smooth.min())), max(high, float(smooth.max()))
        if pixels.dtype.itemsize > 2:  # float32 holds all others exactly
            lows.append(pixels.min())
            highs.append(pixels.max())
    if not lows:
        return low, high, 0
    least, most = min(lows).item(), max(highs).item()
    is_faint = max(abs(least), abs(most)) > _FAINT * (most - least)
    return low, high, least if is_faint else 0


def _split(
    counts: NDArray[np.int64],
    low: float,
    high: float,
    foreground: Literal["bright", "dark", "auto"],
    sigma: float,
) -> ForegroundSurvey | None:
    """Split counted values in two; the threshold lies between two of the fine bins."""
    centres = low + (np.arange(_BINS) + 0.5) * ((high - low) / _BINS)
    coarse = counts.reshape(_OTSU_BINS, -1).sum(axis=1)
    middles = low + (np.arange(_OTSU_BINS) + 0.5) * ((high - low) / _OTSU_BINS)
    threshold = float(threshold_otsu(hist=(coarse, middles)))
    above = centres > threshold
    n_above = int(counts[above].sum())
    dark = foreground == "dark" or (foreground == "auto" and n_above > counts.sum() / 2)
    inside = ~above if dark else above
    n_inside, n_outside = int(counts[inside].sum()), int(counts[~inside].sum())
    if n_inside == 0 or n_outside == 0:
        return None
    outside = centres[~inside].astype(np.float64)
    background = _weighted_median(outside, counts[~inside])
    contrast = abs(float((centres[inside] * counts[inside]).sum() / n_inside) - background)
    noise = 1.4826 * _weighted_median(np.abs(outside - background), counts[~inside])
    if contrast < _NOISE_SEPARATION * noise:
        return None
    sign = -1 if dark else 1
    return ForegroundSurvey(
        sigma=sigma,
        threshold=sign * threshold,
        contrast=contrast,
        background=sign * background,
        noise=noise,
        polarity="dark" if dark else "bright",
    )


def _weighted_median(values: NDArray[np.float64], weights: NDArray[np.int64]) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])


def survey_rule(
    source: PixelSource,
    *,
    foreground: Literal["bright", "dark", "auto"],
    sigma: float,
    diameter: float | None,
) -> RuleSurvey:
    """Measure foreground and, unless it is given, the typical object diameter.

    The diameter is estimated on the whole image up to four million pixels, on up to 16 windows with
    objects in larger ones.

    Parameters
    ----------
    source
        The image.
    foreground, sigma
        As for `survey_foreground`.
    diameter
        Typical object diameter in pixels, or None.

    Returns
    -------
    RuleSurvey
        The same however the source cuts its blocks.
    """
    found = survey_foreground(source, foreground=foreground, sigma=sigma)
    assumed = len(source.shape) == 3 and source.spacing is None
    if found is None or diameter is not None:
        return RuleSurvey(foreground=found, diameter=diameter or 3.0, voxels_assumed=assumed)
    depths: list[NDArray[np.float64]] = []
    for window in sample_windows(source.shape, **_WINDOWS[len(source.shape)]):
        mask = found.turn(source.read(window)) > found.threshold
        if mask.any():
            depths.append(_depths(mask, found.step))
        if len(depths) == _ENOUGH_WINDOWS:
            break
    estimate = _typical(np.concatenate(depths), len(source.shape)) if depths else 3.0
    return RuleSurvey(foreground=found, diameter=estimate, diameter_estimated=True, voxels_assumed=assumed)


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
    return _typical(_depths(mask, ()), 2) if mask.any() else None


def _depths(mask: NDArray[np.bool_], step: tuple[float, ...]) -> NDArray[np.float64]:
    """Depth of a mask at the centres of its parts."""
    depth = ndimage.distance_transform_edt(pad_planes(mask, step)[0], sampling=step or None)
    smooth = ndimage.gaussian_filter(depth, along(1.0, step), output=np.float32)
    centres = local_peaks(smooth, distance=whole_along(2, step, mask.ndim), floor=1.0)
    found: NDArray[np.float64] = depth[tuple(centres.T)]
    return found


def _typical(depths: NDArray[np.float64], n_axes: int) -> float:
    if len(depths) == 0:
        return 3.0
    # Crumbs of noise are many but cover little: weight each centre by the area or volume it stands for.
    order = np.sort(depths)
    weight = np.cumsum(order**n_axes)
    return max(3.0, 2.0 * float(order[np.searchsorted(weight, weight[-1] / 2)]))
