"""How much light each pixel of the specimen sends out in one channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from veriscope.core.settings import Settings
from veriscope.datasets.optics import smooth_field
from veriscope.datasets.scene import Scene

__all__ = ["DNA", "MARKER", "Painted", "StainSettings", "paint"]


class StainSettings(Settings):
    """A fluorescent stain of the objects."""

    name: str = Field(default="DNA", min_length=1)
    """Name of the channel."""
    wavelength_nm: float = Field(default=461.0, gt=100, lt=2000)
    """Peak of the emission, nm."""
    photons: float = Field(default=250.0, ge=0, le=1e7)
    """Median brightness of a positive object: photons per pixel and exposure near its centre."""
    object_cv: float = Field(default=0.3, ge=0, le=2)
    """Spread of the log-normal brightness between objects (standard deviation of the logarithm)."""
    positive_fraction: float = Field(default=1.0, ge=0, le=1)
    """Probability that an object is positive."""
    negative_level: float = Field(default=0.08, ge=0, le=1)
    """Brightness of negative objects relative to positive ones."""
    edge_softness: float = Field(default=0.2, ge=0, le=2)
    """How much thinner, and so darker, objects are towards the outline; 0: flat."""
    texture: float = Field(default=0.15, ge=0, le=1)
    """Standard deviation of the smooth brightness variation inside an object, relative."""
    texture_um: float = Field(default=0.9, gt=0)
    """Length scale of that variation, µm (standard deviation of the smoothing)."""
    spots: float = Field(default=3.0, ge=0, le=1e4)
    """Mean number of spots (nucleoli, chromocentres) per object."""
    spot_um: float = Field(default=0.8, gt=0)
    """Standard deviation of a spot, µm."""
    spot_contrast: float = Field(default=-0.35, ge=-1, le=10)
    """Change of brightness at the centre of a spot, relative; negative: dark, as nucleoli in a DNA stain."""
    background: float = Field(default=40.0, ge=0, le=1e7)
    """Background light (medium, autofluorescence), photons per pixel and exposure."""
    background_variation: float = Field(default=0.2, ge=0, le=1)
    """Standard deviation of its slow variation over the field, relative."""
    debris_per_mm2: float = Field(default=25.0, ge=0, le=1e6)
    """Bright specks that are no objects, number per mm²."""
    debris_um: float = Field(default=0.8, gt=0)
    """Standard deviation of a speck, µm."""


DNA = StainSettings()
"""A DNA stain such as DAPI or Hoechst."""

MARKER = StainSettings(
    name="marker",
    wavelength_nm=520,
    photons=180,
    object_cv=0.45,
    positive_fraction=0.35,
    texture=0.25,
    spots=6,
    spot_contrast=0.6,
    background=50,
)
"""A nuclear marker that about a third of the objects carry, such as Ki-67."""


@dataclass(frozen=True, slots=True)
class Painted:
    """The specimen in the light of one stain.

    Parameters
    ----------
    emitted
        Light of the objects, expected photons per pixel before the optics, (y, x), float32.
    background
        Light of everything else, same unit.
    positive
        Whether each object is positive, shape (n,).
    """

    emitted: NDArray[np.float32]
    background: NDArray[np.float32]
    positive: NDArray[np.bool_]


def paint(scene: Scene, stain: StainSettings, pixel_size_um: float, rng: np.random.Generator) -> Painted:
    """Stain the objects of a scene.

    Parameters
    ----------
    scene
        Labels and depth.
    stain
        The stain.
    pixel_size_um
        Side of a pixel, µm.
    rng
        Source of all randomness.

    Returns
    -------
    Painted
        Light of objects and background.
    """
    n, shape = scene.n_objects, (scene.labels.shape[0], scene.labels.shape[1])
    positive = rng.random(n) < stain.positive_fraction
    level = stain.photons * np.exp(rng.normal(0, stain.object_cv, n))
    level = np.where(positive, level, level * stain.negative_level)
    brightness = np.concatenate([[0.0], level]).astype(np.float32)[scene.labels]
    # Height of a dome over the outline, from the relative distance ρ = 1 − depth to the centre.
    dome = np.clip(1 - (1 - scene.depth) ** 2, 0, 1) ** np.float32(stain.edge_softness)
    variation = 1 + stain.texture * smooth_field(shape, stain.texture_um / pixel_size_um, rng)
    variation += stain.spot_contrast * _spots(scene, stain, pixel_size_um, rng)
    emitted = brightness * dome * np.clip(variation, 0.05, None)
    background = np.full(shape, stain.background, dtype=np.float32)
    if stain.background_variation:
        slow = smooth_field(shape, max(shape) / 8, rng)
        background *= np.clip(1 + stain.background_variation * slow, 0, None)
    background += _debris(shape, stain, pixel_size_um, rng)
    return Painted(emitted.astype(np.float32), background.astype(np.float32), positive)


def _spots(
    scene: Scene, stain: StainSettings, pixel_size_um: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Sum of spots of height 1, at random pixels in the inner part of the objects."""
    places = np.flatnonzero(scene.depth > 0.3)
    n = rng.poisson(stain.spots * scene.n_objects) if len(places) else 0
    return _blobs(
        scene.labels.shape, rng.choice(places, n) if n else places[:0], 1.0, stain.spot_um / pixel_size_um
    )


def _debris(
    shape: tuple[int, int], stain: StainSettings, pixel_size_um: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Light of bright specks anywhere in the field."""
    area_mm2 = shape[0] * shape[1] * (pixel_size_um / 1000) ** 2
    n = rng.poisson(stain.debris_per_mm2 * area_mm2)
    places = rng.integers(0, shape[0] * shape[1], n)
    heights = stain.photons * rng.uniform(0.2, 1.0, n)
    return _blobs(shape, places, heights, stain.debris_um / pixel_size_um)


def _blobs(
    shape: tuple[int, ...], places: NDArray[np.int64], heights: NDArray[np.float64] | float, sigma: float
) -> NDArray[np.float32]:
    """Gaussian blobs of given heights at given flat positions."""
    points = np.zeros(shape, dtype=np.float32)
    if not len(places):
        return points
    np.add.at(points.reshape(-1), places, heights)
    # Height of the blob that one point of height 1 becomes.
    kernel = ndimage.gaussian_filter1d(np.eye(1, 2 * int(4 * sigma + 1) + 1, int(4 * sigma + 1))[0], sigma)
    blobs: NDArray[np.float32] = ndimage.gaussian_filter(points, sigma) / float(kernel.max()) ** 2
    return blobs
