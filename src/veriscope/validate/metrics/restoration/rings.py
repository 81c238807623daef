"""Rings (2D) and shells (3D) of equal frequency, which curves over frequency are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.signal.windows import tukey

from veriscope.errors import AxesError
from veriscope.validate.metrics.restoration.images import FloatArray
from veriscope.validate.metrics.semantic.masks import check_steps

__all__ = ["SMALLEST", "Rings", "count_rings", "fourier_transform", "rings"]

SMALLEST = 8
"""Fewest pixels along an axis that rings can be laid over."""

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Rings:
    """Which ring each sample of a half Fourier transform (`scipy.fft.rfftn`) lies in.

    Parameters
    ----------
    index
        Ring of each sample, 0 is the mean; the number of rings and more lies beyond the last.
    weights
        1 or 2 for each sample: the half that `rfftn` leaves out mirrors the other.
    frequency
        Shape (n,): frequency of the rings 1 to n, in cycles per µm, or per pixel without a spacing.
    n_samples
        Shape (n,): samples of the full transform in each ring.
    """

    index: NDArray[np.intp]
    weights: FloatArray
    frequency: FloatArray
    n_samples: FloatArray

    def sums(self, values: FloatArray) -> FloatArray:
        """Add up the samples of each ring.

        Parameters
        ----------
        values
            Of the shape of the half transform.

        Returns
        -------
        numpy.ndarray
            Shape (n,), for the rings 1 to n.
        """
        n = len(self.frequency)
        totals = np.bincount(self.index.ravel(), weights=(self.weights * values).ravel(), minlength=n + 1)
        return np.asarray(totals[1 : n + 1], dtype=np.float64)


def count_rings(shape: tuple[int, ...], spacing: Sequence[float] | None) -> int:
    """Count the rings that an image has.

    Parameters
    ----------
    shape
        Shape of the image, two or three axes.
    spacing
        Size of a pixel along each axis, in µm; None: pixels.

    Returns
    -------
    int
        0 where an axis is shorter than 8 pixels, or the shortest side than two of the largest pixels, as in a
        small field with coarse z: then no frequency is held by every axis.

    Raises
    ------
    AxesError
        If the spacing does not fit.
    """
    steps = check_steps(spacing, len(shape))
    if min(shape) < SMALLEST:
        return 0
    # Half a step of rounding would otherwise drop the last ring of even sizes.
    return int(np.floor(float(np.min(1 / (2 * steps))) / _width(shape, steps) + _ROUNDING))


def rings(shape: tuple[int, ...], spacing: Sequence[float] | None) -> Rings:
    """Lay rings over the Fourier transform of an image.

    Parameters
    ----------
    shape
        Shape of the image, two or three axes, each of at least 8 pixels.
    spacing
        Size of a pixel along each axis, in µm; None: frequencies are in cycles per pixel.

    Returns
    -------
    Rings
        As wide as the coarsest step between frequencies of any axis, up to the highest frequency that
        every axis can hold, 1 / (2 · largest spacing).

    Raises
    ------
    AxesError
        If there is no ring, see `count_rings`, or the spacing does not fit.
    """
    if min(shape) < SMALLEST:
        raise AxesError(
            f"an image of shape {shape} is too small for frequencies; every axis needs at least {SMALLEST} "
            "pixels (of a thin stack, compare planes or a projection)"
        )
    steps = check_steps(spacing, len(shape))
    axes = [fft.fftfreq(n, step) for n, step in zip(shape[:-1], steps[:-1], strict=True)]
    axes.append(fft.rfftfreq(shape[-1], steps[-1]))
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij", sparse=True)))
    width, n = _width(shape, steps), count_rings(shape, spacing)
    if not n:
        raise AxesError(
            f"an image of shape {shape} with a spacing of {tuple(steps.tolist())} has no frequency that all "
            f"axes hold, because its shortest side, {1 / width:g}, is less than two of its largest pixels; "
            "give a larger field, or compare planes or a projection"
        )
    # Half-way between two rings is the outer one, whatever rounding does in the unit of the spacing.
    index = np.minimum(np.floor(radius / width + 0.5 + _ROUNDING).astype(np.intp), n + 1)
    column = np.full(len(axes[-1]), 2.0)
    column[0] = 1.0
    if shape[-1] % 2 == 0:
        column[-1] = 1.0
    weights = np.broadcast_to(column, index.shape)
    counts = np.bincount(index.ravel(), weights=weights.ravel(), minlength=n + 1)[1 : n + 1]
    return Rings(
        index=index,
        weights=weights,
        frequency=np.asarray(width * np.arange(1, n + 1), dtype=np.float64),
        n_samples=np.asarray(counts, dtype=np.float64),
    )


def _width(shape: tuple[int, ...], steps: FloatArray) -> float:
    """Give the coarsest step between frequencies of any axis."""
    return float(np.max(1 / (np.asarray(shape) * steps)))


def fourier_transform(image: FloatArray, *, window: bool) -> NDArray[np.complex128]:
    """Transform an image without its mean.

    Parameters
    ----------
    image
        Intensities, float64.
    window
        Fade the image out over an eighth of each side (Tukey window), so that its opposite edges, which
        the transform puts next to each other, make no false frequencies.

    Returns
    -------
    numpy.ndarray
        Half transform as of `scipy.fft.rfftn`.
    """
    values = image - image.mean()
    if window:
        for axis, length in enumerate(image.shape):
            fade = tukey(length, 0.25)
            values = values * fade.reshape([-1 if axis == other else 1 for other in range(image.ndim)])
    transformed: NDArray[np.complex128] = fft.rfftn(values)
    return transformed
