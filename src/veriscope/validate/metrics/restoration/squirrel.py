"""Resolution-scaled error and correlation (SQUIRREL): whether a sharp image, blurred, gives the raw one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn
from scipy.optimize import minimize_scalar

from veriscope.core.plain import PlainRecord
from veriscope.errors import InputError
from veriscope.validate.metrics.restoration.images import FloatArray, check_images
from veriscope.validate.metrics.semantic.masks import check_steps

__all__ = ["ResolutionScaled", "resolution_scaled", "rse", "rsp"]

_N_STEPS = 12


@dataclass(frozen=True, slots=True)
class ResolutionScaled(PlainRecord):
    """How well a prediction, blurred and scaled, explains the reference.

    Parameters
    ----------
    rse
        Root mean square of what is left, in the reference's units of intensity; 0 is best.
    rsp
        Pearson correlation, -1 to 1, 1 is best; NaN if either image is constant.
    sigma
        Standard deviation of the blur that fits best, in µm, or pixels without a spacing.
    gain, offset
        The blurred prediction times the gain (0 or more) plus the offset fits best.
    """

    rse: float
    rsp: float
    sigma: float
    gain: float
    offset: float


def resolution_scaled(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    spacing: Sequence[float] | None = None,
    largest_sigma: float | None = None,
) -> ResolutionScaled:
    """Find the blur, gain and offset of a prediction that come nearest to the reference.

    Parameters
    ----------
    reference
        Intensities of one channel, (y, x) or (z, y, x): in SQUIRREL the raw, diffraction-limited image. A
        clean reference does as well; then a blur above 0 means that the prediction is too sharp.
    prediction
        The sharper image, of the same shape; bin or resample it first where its pixels are smaller.
    spacing
        Size of a pixel along each axis, in µm; the blur is equally wide along all axes. None: pixels.
    largest_sigma
        Widest blur that is tried, in the unit of the spacing; None: an eighth of the shortest side of the
        image in y and x.

    Returns
    -------
    ResolutionScaled
        Of the Gaussian with the least squared error. A constant prediction, or one that goes against the
        reference at any blur, has sigma 0, gain 0 and the reference's standard deviation as its error.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        If these are no two images of one channel and shape, or the spacing does not fit.
    InputError
        If the largest blur is not a finite number above 0.

    Notes
    -----
    Gain and offset follow from the blur by linear regression, so only sigma is searched: 0, then twelve
    values up to the largest, each wider by the same factor, then Brent's method around the best. The
    authors' program searches all three at once (particle swarm), and blurs after it has brought the
    prediction to the raw image's pixels. The blur is a product in the cosine transform, which mirrors the
    image beyond its edge; below about one pixel it differs from a Gaussian sampled at pixels. The gain is
    not allowed below 0.

    References
    ----------
    .. [1] Culley S et al. Quantitative mapping and minimization of super-resolution optical imaging
       artifacts. Nature Methods 15 (2018).
    """
    truth, restored = check_images(reference, prediction)
    steps = check_steps(spacing, truth.ndim)
    if largest_sigma is None:
        largest_sigma = float(np.min((np.asarray(truth.shape) * steps)[-2:])) / 8
    if not (np.isfinite(largest_sigma) and largest_sigma > 0):
        raise InputError(f"largest sigma {largest_sigma!r} is not allowed; use a finite number above 0")

    pair = _Pair.of(truth, restored, steps)
    sigmas = [0.0, *np.geomspace(min(0.3 * float(steps.min()), largest_sigma), largest_sigma, _N_STEPS)]
    errors = [pair.fit(sigma).rse for sigma in sigmas]
    best = int(np.argmin(errors))
    found = minimize_scalar(
        lambda sigma: pair.fit(float(sigma)).rse,
        bounds=(sigmas[max(best - 1, 0)], sigmas[min(best + 1, _N_STEPS)]),
        method="bounded",
        options={"xatol": 1e-3 * float(steps.min())},
    )
    return pair.fit(float(found.x) if found.fun < errors[best] else float(sigmas[best]))


def rse(
    reference: NDArray[Any], prediction: NDArray[Any], *, spacing: Sequence[float] | None = None
) -> float:
    """Resolution-scaled error of SQUIRREL.

    Parameters
    ----------
    reference, prediction, spacing
        As in `resolution_scaled`.

    Returns
    -------
    float
        √ mean (reference - scaled, blurred prediction)², in the reference's units of intensity; 0 up,
        lower is better. 0 if the reference is constant.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        As in `resolution_scaled`.

    References
    ----------
    .. [1] Culley S et al. Nature Methods 15 (2018).
    """
    return resolution_scaled(reference, prediction, spacing=spacing).rse


def rsp(
    reference: NDArray[Any], prediction: NDArray[Any], *, spacing: Sequence[float] | None = None
) -> float:
    """Resolution-scaled Pearson correlation of SQUIRREL.

    Parameters
    ----------
    reference, prediction, spacing
        As in `resolution_scaled`.

    Returns
    -------
    float
        Pearson correlation of the reference and the blurred prediction, -1 to 1, higher is better. NaN if
        either image is constant.

    Raises
    ------
    AxesError, PixelValueError, ShapeMismatchError
        As in `resolution_scaled`.

    References
    ----------
    .. [1] Culley S et al. Nature Methods 15 (2018).
    """
    return resolution_scaled(reference, prediction, spacing=spacing).rsp


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Both images as cosine transforms, in which a blur with mirrored edges is a product."""

    reference: FloatArray
    prediction: FloatArray
    means: tuple[float, float]
    frequencies: tuple[FloatArray, ...]
    constant: bool

    @classmethod
    def of(cls, reference: FloatArray, prediction: FloatArray, steps: FloatArray) -> _Pair:
        means = float(reference.mean()), float(prediction.mean())
        transforms = [
            dctn(image - mean, norm="ortho")
            for image, mean in zip((reference, prediction), means, strict=True)
        ]
        for transform in transforms:
            transform.flat[0] = 0
        return cls(
            reference=transforms[0],
            prediction=transforms[1],
            means=means,
            frequencies=tuple(
                np.pi * np.arange(n) / (n * step) for n, step in zip(reference.shape, steps, strict=True)
            ),
            constant=bool(np.ptp(reference) == 0 or np.ptp(prediction) == 0),
        )

    def fit(self, sigma: float) -> ResolutionScaled:
        """Fit gain and offset after a blur; sums of squares are the same in both domains."""
        blurred = self.prediction
        for axis, frequency in enumerate(self.frequencies):
            factors = np.exp(-((sigma * frequency) ** 2) / 2)
            blurred = blurred * factors.reshape([-1 if axis == i else 1 for i in range(blurred.ndim)])
        power = 0.0 if self.constant else float(np.vdot(blurred, blurred))
        shared = float(np.vdot(self.reference, blurred))
        gain = max(0.0, shared / power) if power > 0 else 0.0
        left = self.reference - gain * blurred
        total = float(np.vdot(self.reference, self.reference))
        return ResolutionScaled(
            rse=float(np.sqrt(np.vdot(left, left) / left.size)),
            rsp=float(np.clip(shared / np.sqrt(total * power), -1.0, 1.0)) if power > 0 else float("nan"),
            sigma=sigma,
            gain=gain,
            offset=self.means[0] - gain * self.means[1],
        )
