"""From what is in the specimen to the photons that reach the camera: blur, haze, illumination.

References
----------
.. [1] Zhang, Zerubia and Olivo-Marin, Gaussian approximations of fluorescence microscope point-spread
   function models, Applied Optics 46, 1819 (2007), table 1 (widefield, 2D, paraxial).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy import ndimage

from veriscope.core.settings import Settings

__all__ = ["OpticsSettings", "blur", "illumination", "psf_sigma_um", "smooth_field"]


class OpticsSettings(Settings):
    """A widefield fluorescence microscope."""

    numerical_aperture: float = Field(default=0.75, gt=0, le=1.7)
    """Numerical aperture of the objective."""
    refractive_index: float = Field(default=1.0, ge=1, le=2)
    """Refractive index of the immersion medium; at least the numerical aperture."""
    defocus_um: float = 0.0
    """Distance of the specimen from the focal plane, µm."""
    defocus_sd_um: float = Field(default=0.5, ge=0)
    """Standard deviation of a further distance from focus that differs from image to image, µm."""
    haze_fraction: float = Field(default=0.12, ge=0, le=1)
    """Share of the light of the objects that arrives far from its origin (out-of-focus light, scatter)."""
    haze_um: float = Field(default=12.0, gt=0)
    """Standard deviation of the spread of that share, µm."""
    vignetting: float = Field(default=0.2, ge=0, lt=1)
    """Loss of excitation light from the brightest point to the corner opposite it, relative."""
    centre_sd: float = Field(default=0.1, ge=0)
    """Standard deviation of the brightest point's distance from the centre, relative to the image size."""

    @model_validator(mode="after")
    def _medium_fits(self) -> OpticsSettings:
        if self.refractive_index < self.numerical_aperture:
            raise ValueError(
                f"no objective has a numerical aperture of {self.numerical_aperture:g} in a medium of "
                f"refractive index {self.refractive_index:g}; oil has 1.515, water 1.33"
            )
        return self


def psf_sigma_um(settings: OpticsSettings, wavelength_nm: float, *, defocus_um: float = 0.0) -> float:
    """Give the standard deviation of the Gaussian that stands for the point-spread function.

    Parameters
    ----------
    settings
        The microscope.
    wavelength_nm
        Emission wavelength, nm.
    defocus_um
        Distance from focus, µm, in place of that of the settings.

    Returns
    -------
    float
        σ in µm: √2/(2π) · λ/NA [1]_ in focus; out of focus, that of the geometric blur disc (half its
        radius) is added in quadrature.
    """
    focus = math.sqrt(2) / (2 * math.pi) * wavelength_nm / 1000 / settings.numerical_aperture
    sine = min(settings.numerical_aperture / settings.refractive_index, 0.99)
    disc = abs(defocus_um) * math.tan(math.asin(sine))
    return math.hypot(focus, disc / 2)


def blur(
    emitted: NDArray[np.float32], settings: OpticsSettings, *, sigma_um: float, pixel_size_um: float
) -> NDArray[np.float32]:
    """Spread the light of the specimen over the camera.

    Parameters
    ----------
    emitted
        Light leaving each pixel of the specimen, (y, x).
    settings
        The microscope.
    sigma_um
        Standard deviation of the point-spread function, µm.
    pixel_size_um
        Side of a pixel, µm.

    Returns
    -------
    numpy.ndarray
        Light arriving, float32, same shape; light from beyond the edge is mirrored.
    """
    sharp = ndimage.gaussian_filter(emitted, sigma_um / pixel_size_um, mode="reflect")
    if settings.haze_fraction == 0:
        return np.asarray(sharp, dtype=np.float32)
    haze = _wide_blur(emitted, settings.haze_um / pixel_size_um)
    mixed = (1 - settings.haze_fraction) * sharp + settings.haze_fraction * haze
    return np.asarray(mixed, dtype=np.float32)


def _wide_blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur with a wide Gaussian, on a coarser grid where the width allows it."""
    step = max(1, min(int(sigma // 4), min(image.shape) // 8))
    if step == 1:
        return np.asarray(ndimage.gaussian_filter(image, sigma, mode="reflect"), dtype=np.float32)
    padding = [(0, -length % step) for length in image.shape]
    padded = np.pad(image, padding, mode="edge")
    coarse = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step).mean(axis=(1, 3))
    coarse = ndimage.gaussian_filter(coarse, sigma / step, mode="reflect")
    fine = ndimage.zoom(coarse, step, order=1, mode="nearest", grid_mode=True)
    return np.asarray(fine[: image.shape[0], : image.shape[1]], dtype=np.float32)


def illumination(
    shape: tuple[int, int], settings: OpticsSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Give the excitation light over the field: brightest near the centre, falling with the square.

    Parameters
    ----------
    shape
        (y, x) of the image.
    settings
        The microscope.
    rng
        Decides where the brightest point is.

    Returns
    -------
    numpy.ndarray
        Relative to the brightest point, float32: 1 there, 1 − vignetting in the furthest corner.
    """
    places = 0.5 + np.clip(rng.normal(0, settings.centre_sd, 2), -0.5, 0.5)
    squares = []
    for length, place in zip(shape, places, strict=True):
        squares.append((np.arange(length) - place * (length - 1)) ** 2)
    distance = squares[0][:, None] + squares[1][None, :]
    return np.asarray(1 - settings.vignetting * distance / distance.max(), dtype=np.float32)


def smooth_field(shape: tuple[int, int], sigma_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Give a smooth random field of mean 0 and standard deviation 1.

    Parameters
    ----------
    shape
        (y, x) of the image.
    sigma_px
        Standard deviation of the Gaussian that smooths white noise, in pixels.
    rng
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        float32.
    """
    noise = rng.standard_normal(shape, dtype=np.float32)
    field = _wide_blur(noise, sigma_px)
    field -= field.mean()
    spread = float(field.std())
    return field / np.float32(spread if spread > 0 else 1.0)
