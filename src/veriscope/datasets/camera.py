"""From photons to grey values: photon noise, read noise, gain, offset, saturation."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from veriscope.core.settings import Settings

__all__ = ["CameraSettings", "expose"]


class CameraSettings(Settings):
    """A scientific camera (the defaults are those of a common sCMOS camera)."""

    quantum_efficiency: float = Field(default=0.8, gt=0, le=1)
    """Electrons per arriving photon."""
    dark_e: float = Field(default=0.5, ge=0, le=1e7)
    """Dark current collected during the exposure, electrons per pixel."""
    read_noise_e: float = Field(default=1.6, ge=0, le=1e7)
    """Standard deviation of the read noise, electrons."""
    gain_e_per_adu: float = Field(default=0.46, gt=0)
    """Electrons per grey value (ADU)."""
    offset_adu: float = Field(default=100.0, ge=0)
    """Grey value without light."""
    bit_depth: Literal[8, 12, 16] = 16
    """Bits of the converter: grey values above 2^bits − 1 saturate. 12 bits are stored in 16."""

    @property
    def saturation_adu(self) -> int:
        """Largest grey value."""
        return int(2**self.bit_depth - 1)


def expose(photons: NDArray[Any], settings: CameraSettings, rng: np.random.Generator) -> NDArray[Any]:
    """Take a picture.

    Parameters
    ----------
    photons
        Expected number of photons reaching each pixel during the exposure, ≥ 0, any shape.
    settings
        The camera.
    rng
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        Grey values, uint8 (8 bits) or uint16 (12 and 16 bits), same shape. Below saturation, mean =
        offset + electrons/gain and variance = (electrons + read noise²)/gain², plus 1/12 for rounding.
    """
    electrons = rng.poisson(photons * settings.quantum_efficiency + settings.dark_e).astype(np.float64)
    electrons += rng.normal(0, settings.read_noise_e, photons.shape)
    grey = np.rint(electrons / settings.gain_e_per_adu + settings.offset_adu)
    dtype = np.uint8 if settings.bit_depth == 8 else np.uint16
    return np.clip(grey, 0, settings.saturation_adu).astype(dtype)
