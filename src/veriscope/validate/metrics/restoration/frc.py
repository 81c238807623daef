"""Fourier ring (and shell) correlation: down to which size two images show the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.metrics.restoration.images import FloatArray, check_image, check_images
from veriscope.validate.metrics.restoration.rings import fourier_transform, rings
from veriscope.validate.metrics.semantic.masks import check_steps

__all__ = ["Criterion", "RingCorrelation", "checkerboard_correlation", "frc_resolution", "ring_correlation"]

Criterion = Literal["1/7", "half-bit"]
"""Where a correlation is too low: below 1/7, or below what half a bit of information per sample gives."""


@dataclass(frozen=True, slots=True, eq=False)
class RingCorrelation(PlainRecord):
    """Correlation of two images over frequency.

    Parameters
    ----------
    frequency
        Shape (n,), ascending, in cycles per µm, or per pixel without a spacing.
    correlation
        Shape (n,), -1 to 1; all NaN where an image is constant.
    n_samples
        Shape (n,): samples of the Fourier transform in each ring.
    """

    frequency: FloatArray
    correlation: FloatArray
    n_samples: FloatArray

    def threshold(self, criterion: Criterion = "1/7") -> FloatArray:
        """Give the threshold of each ring.

        Parameters
        ----------
        criterion
            ``"1/7"`` [1]_, or ``"half-bit"`` [2]_, which asks more of rings with few samples.

        Returns
        -------
        numpy.ndarray
            Shape (n,).

        Raises
        ------
        InputError
            If there is no such criterion.

        References
        ----------
        .. [1] Nieuwenhuizen RPJ et al. Measuring image resolution in optical nanoscopy. Nature Methods 10
           (2013).
        .. [2] van Heel M, Schatz M. Fourier shell correlation threshold criteria. Journal of Structural
           Biology 151 (2005), eq. 17.
        """
        if criterion not in get_args(Criterion):
            raise InputError(f"criterion {criterion!r} is not allowed; use '1/7' or 'half-bit'")
        if criterion == "1/7":
            return np.full(len(self.frequency), 1 / 7)
        root = np.sqrt(self.n_samples)
        return np.asarray((0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root), dtype=np.float64)

    def resolution(self, criterion: Criterion = "1/7") -> float:
        """Give the smallest size at which the images still agree.

        Parameters
        ----------
        criterion
            As in `threshold`.

        Returns
        -------
        float
            1 / frequency where the curve first falls below the threshold (linear between rings), in µm, or
            in pixels without a spacing; lower is better. Where it never does, 1 / the last frequency: the
            pixels are the limit. Infinite if the first ring is below already, NaN if an image is constant.

        Raises
        ------
        InputError
            If there is no such criterion.
        """
        above = self.correlation - self.threshold(criterion)
        if np.isnan(above).any():
            return float("nan")
        below = np.flatnonzero(above < 0)
        if not len(below):
            return float(1 / self.frequency[-1])
        after = int(below[0])
        if after == 0:
            return float("inf")
        share = above[after - 1] / (above[after - 1] - above[after])
        step = self.frequency[after] - self.frequency[after - 1]
        return float(1 / (self.frequency[after - 1] + share * step))


def ring_correlation(
    first: NDArray[Any],
    second: NDArray[Any],
    *,
    spacing: Sequence[float] | None = None,
    window: bool = True,
) -> RingCorrelation:
    """Correlate two images ring by ring (2D) or shell by shell (3D) of their Fourier transforms.

    Parameters
    ----------
    first, second
        Intensities of one channel, of one shape, (y, x) or (z, y, x), at least 8 pixels along each axis.
        Two noisy images of the same field, or a reference and a prediction.
    spacing
        Size of a pixel along each axis, in µm; None: frequencies are in cycles per pixel.
    window
        Fade the images out over an eighth of each side before the transform.

    Returns
    -------
    RingCorrelation
        Re Σ F1 F2* / √(Σ|F1|² Σ|F2|²) of each ring, up to the highest frequency that every axis can hold;
        in a stack with coarse z that is the one of z. Gain and offset of either image change nothing. A
        ring where an image has no power has correlation 0.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape, or too small, or the spacing does not fit.

    References
    ----------
    .. [1] Saxton WO, Baumeister W. The correlation averaging of a regularly arranged bacterial cell
       envelope protein. Journal of Microscopy 127 (1982).
    .. [2] Nieuwenhuizen RPJ et al. Measuring image resolution in optical nanoscopy. Nature Methods 10
       (2013).
    """
    one, other = check_images(first, second)
    grid = rings(one.shape, spacing)
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return RingCorrelation(grid.frequency, np.full(len(grid.frequency), np.nan), grid.n_samples)
    f_one, f_other = fourier_transform(one, window=window), fourier_transform(other, window=window)
    shared = grid.sums((f_one * f_other.conj()).real)
    power = np.sqrt(grid.sums(np.abs(f_one) ** 2) * grid.sums(np.abs(f_other) ** 2))
    correlation = np.divide(shared, power, out=np.zeros_like(shared), where=power > 0)
    return RingCorrelation(grid.frequency, np.clip(correlation, -1, 1), grid.n_samples)


def checkerboard_correlation(
    image: NDArray[Any], *, spacing: Sequence[float] | None = None, window: bool = True
) -> RingCorrelation:
    """Correlate an image with itself: every second pixel against those diagonally beside them.

    Parameters
    ----------
    image
        Intensities of one channel, (y, x) or (z, y, x), at least 16 pixels along each axis, with noise
        that is independent from pixel to pixel.
    spacing
        Size of a pixel along each axis, in µm; None: frequencies are in cycles per pixel.
    window
        Fade the images out over an eighth of each side before the transform.

    Returns
    -------
    RingCorrelation
        Mean of two pairs of half-sized images (even with odd pixels; and with the last axis swapped), up to
        half the highest frequency of the image.

    Raises
    ------
    AxesError, PixelValueError
        If this is no image of one channel, or too small, or the spacing does not fit.

    Notes
    -----
    The halves are one pixel apart along every axis. Their phases are turned back by that shift; without
    it the correlation falls with frequency by itself, which [1]_ corrects by a calibration curve instead.
    Where pixels are smoothed, interpolated or restored by a network, noise is not independent and the
    result says nothing.

    References
    ----------
    .. [1] Koho S et al. Fourier ring correlation simplifies image restoration in fluorescence microscopy.
       Nature Communications 10 (2019).
    """
    values = check_image(image, where="the image")
    steps = check_steps(spacing, values.ndim)
    even = values[tuple(slice(0, length // 2 * 2) for length in values.shape)]
    grid = rings(tuple(length // 2 for length in even.shape), tuple(2 * steps))
    if np.ptp(even) == 0:
        return RingCorrelation(grid.frequency, np.full(len(grid.frequency), np.nan), grid.n_samples)
    pairs = []
    for start in (0, 1):
        first = (0,) * (values.ndim - 1) + (start,)
        second = (1,) * (values.ndim - 1) + (1 - start,)
        halves = [
            fourier_transform(even[tuple(slice(at, None, 2) for at in corner)], window=window)
            for corner in (first, second)
        ]
        # Half a pixel of the halves is one pixel of the image.
        shift = np.subtract(second, first) / 2
        back = _phases(halves[1].shape, tuple(length // 2 for length in even.shape), shift)
        shared = grid.sums((halves[0] * (halves[1] * back).conj()).real)
        power = np.sqrt(grid.sums(np.abs(halves[0]) ** 2) * grid.sums(np.abs(halves[1]) ** 2))
        pairs.append(np.divide(shared, power, out=np.zeros_like(shared), where=power > 0))
    return RingCorrelation(grid.frequency, np.clip(np.mean(pairs, axis=0), -1, 1), grid.n_samples)


def frc_resolution(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    spacing: Sequence[float] | None = None,
    criterion: Criterion = "1/7",
) -> float:
    """Smallest size at which prediction and reference agree, by Fourier ring (2D) or shell (3D) correlation.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x), at least 8 pixels along each axis.
    spacing
        Size of a pixel along each axis, in µm; None: the result is in pixels.
    criterion
        ``"1/7"`` or ``"half-bit"``.

    Returns
    -------
    float
        In µm, or pixels; lower is better, at best twice the largest pixel size. Infinite if nothing
        agrees, NaN if an image is constant.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape, or too small, or an option is not allowed.
    """
    return ring_correlation(reference, prediction, spacing=spacing).resolution(criterion)


def _phases(half_shape: tuple[int, ...], shape: tuple[int, ...], shift: FloatArray) -> NDArray[np.complex128]:
    """Give the factors that move an image by a shift, in pixels, for its half transform."""
    turns = np.zeros(half_shape)
    for axis, (length, distance) in enumerate(zip(shape, shift, strict=True)):
        frequency = np.fft.rfftfreq(length) if axis == len(shape) - 1 else np.fft.fftfreq(length)
        turns = turns + distance * frequency.reshape(
            [-1 if axis == other else 1 for other in range(len(shape))]
        )
    return np.asarray(np.exp(-2j * np.pi * turns), dtype=np.complex128)
