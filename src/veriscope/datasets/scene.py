"""Where the objects are, what shape they have, and which pixels belong to which: the truth.

Outlines are ellipses whose radius is perturbed by a few random Fourier terms. Objects are placed one
by one, alone or beside an earlier one. Where two overlap, a pixel goes to the object in which it lies
relatively further inside, so that touching objects meet in a smooth line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from veriscope.core.settings import Settings

__all__ = ["Scene", "SceneSettings", "build_scene"]

_N_ANGLES = 256
_TRIES = 40


class SceneSettings(Settings):
    """Size of the field and the population of objects in it."""

    height_px: int = Field(default=512, ge=16)
    """Height of the image in pixels."""
    width_px: int = Field(default=512, ge=16)
    """Width of the image in pixels."""
    pixel_size_um: float = Field(default=0.5, gt=0)
    """Side of a pixel in the specimen, µm."""
    density_per_mm2: float = Field(default=1300.0, ge=0, le=1e6)
    """Expected number of object centres per mm² of specimen; the number drawn is Poisson distributed."""
    diameter_um: float = Field(default=12.0, gt=0)
    """Median diameter of the disc of the same area, µm."""
    diameter_cv: float = Field(default=0.15, ge=0, le=1)
    """Spread of the log-normal distribution of diameters (standard deviation of the logarithm)."""
    elongation: float = Field(default=1.25, ge=1, le=4)
    """Median ratio of long to short axis."""
    roughness: float = Field(default=0.03, ge=0, le=0.2)
    """Standard deviation of the outline's radius about the ellipse, relative to the radius."""
    clustering: float = Field(default=0.35, ge=0, le=1)
    """Probability that an object is placed beside an earlier one, touching it or nearly so."""
    max_overlap: float = Field(default=0.12, ge=0, le=0.5)
    """Largest share of an object's pixels that may fall on other objects before they are shared out."""
    min_pixels: int = Field(default=20, ge=1)
    """Objects of which fewer pixels are in the image are left out of image and truth."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The truth of one image.

    Parameters
    ----------
    labels
        Label image, (y, x), int32, numbered 1 … n without gaps; every object is one connected piece.
    depth
        How far inside its object a pixel lies: 1 at the centre, 0 at the outline and outside; float32.
    """

    labels: NDArray[np.int32]
    depth: NDArray[np.float32]

    @property
    def n_objects(self) -> int:
        """Number of objects."""
        return int(self.labels.max(initial=0))


@dataclass(frozen=True, slots=True)
class _Outline:
    """Radius in pixels at `_N_ANGLES` equal steps of the angle, from 0 to 2π."""

    radii: NDArray[np.float64]

    def towards(self, angle: NDArray[np.float64] | float) -> NDArray[np.float64]:
        place = (np.asarray(angle) % (2 * np.pi)) * (_N_ANGLES / (2 * np.pi))
        low = place.astype(np.int64)
        part = place - low
        first, second = self.radii[low % _N_ANGLES], self.radii[(low + 1) % _N_ANGLES]
        radius: NDArray[np.float64] = first * (1 - part) + second * part
        return radius


def build_scene(settings: SceneSettings, rng: np.random.Generator) -> Scene:
    """Place objects of random shape in a field.

    Parameters
    ----------
    settings
        The field and the population.
    rng
        Source of all randomness.

    Returns
    -------
    Scene
        Labels and depth. Objects crossing the edge of the field are cut, as in a real image.

    Notes
    -----
    In a field too crowded for an object, the object is left out after 40 places have been tried:
    the density falls behind the one asked for (at the default shape, by about a tenth at 6,000 per mm²).
    """
    margin = int(np.ceil(settings.diameter_um / settings.pixel_size_um))
    shape = (settings.height_px + 2 * margin, settings.width_px + 2 * margin)
    area_mm2 = shape[0] * shape[1] * (settings.pixel_size_um / 1000) ** 2
    labels = np.zeros(shape, dtype=np.int32)
    depth = np.zeros(shape, dtype=np.float32)
    placed: list[tuple[float, float, _Outline]] = []
    for _ in range(rng.poisson(settings.density_per_mm2 * area_mm2)):
        outline = _random_outline(settings, rng)
        for _ in range(_TRIES):
            y, x = _candidate_place(settings, outline, placed, shape, rng)
            if _draw(labels, depth, len(placed) + 1, (y, x), outline, settings.max_overlap):
                placed.append((y, x, outline))
                break
    inner = (slice(margin, shape[0] - margin), slice(margin, shape[1] - margin))
    return _tidy(labels[inner], depth[inner], settings.min_pixels)


def _random_outline(settings: SceneSettings, rng: np.random.Generator) -> _Outline:
    """Draw an outline: ellipse of random size, elongation and direction, with a few Fourier terms."""
    diameter = settings.diameter_um / settings.pixel_size_um * np.exp(rng.normal(0, settings.diameter_cv))
    ratio = 1 + (settings.elongation - 1) * np.exp(rng.normal(0, 0.4))
    angle = np.arange(_N_ANGLES) * (2 * np.pi / _N_ANGLES)
    long, short = np.sqrt(ratio), 1 / np.sqrt(ratio)
    turned = angle - rng.uniform(0, np.pi)
    radii = 1 / np.hypot(np.cos(turned) / long, np.sin(turned) / short)
    order = np.arange(2, 7)
    weight = 1.0 / order
    size = settings.roughness * weight / np.sqrt((weight**2).sum() / 2)
    waves = np.cos(order[:, None] * angle + rng.uniform(0, 2 * np.pi, (len(order), 1)))
    radii = radii * np.clip(1 + (size * rng.normal(0, 1, len(order))) @ waves, 0.5, 1.5)
    # area of an outline in polar form: ½ ∫ r² dφ
    equal = 2 * np.sqrt((radii**2).mean())
    return _Outline(radii * diameter / equal)


def _candidate_place(
    settings: SceneSettings,
    outline: _Outline,
    placed: list[tuple[float, float, _Outline]],
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Propose a centre: anywhere, or beside an earlier object."""
    if placed and rng.random() < settings.clustering:
        y, x, other = placed[rng.integers(len(placed))]
        angle = rng.uniform(0, 2 * np.pi)
        reach = float(other.towards(angle) + outline.towards(angle + np.pi))
        distance = reach * rng.uniform(0.9, 1.06)
        return y + distance * np.sin(angle), x + distance * np.cos(angle)
    return rng.uniform(0, shape[0]), rng.uniform(0, shape[1])


def _draw(
    labels: NDArray[np.int32],
    depth: NDArray[np.float32],
    number: int,
    centre: tuple[float, float],
    outline: _Outline,
    max_overlap: float,
) -> bool:
    """Draw an object unless it overlaps others too much; whether it was drawn."""
    reach = int(np.ceil(outline.radii.max())) + 1
    y0, x0 = round(centre[0]), round(centre[1])
    rows = slice(max(y0 - reach, 0), min(y0 + reach + 1, labels.shape[0]))
    columns = slice(max(x0 - reach, 0), min(x0 + reach + 1, labels.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return False
    y = np.arange(rows.start, rows.stop)[:, None] - centre[0]
    x = np.arange(columns.start, columns.stop)[None, :] - centre[1]
    inside = (1 - np.hypot(y, x) / outline.towards(np.arctan2(y, x))).astype(np.float32)
    mask = inside > 0
    near_labels, near_depth = labels[rows, columns], depth[rows, columns]
    n_pixels = np.count_nonzero(mask)
    if n_pixels == 0 or np.count_nonzero(near_labels[mask]) > max_overlap * n_pixels:
        return False
    won = mask & (inside > near_depth)
    near_labels[won] = number
    near_depth[won] = inside[won]
    return True


def _tidy(labels: NDArray[np.int32], depth: NDArray[np.float32], min_pixels: int) -> Scene:
    """Keep the largest connected piece of each object, drop slivers, renumber."""
    pieces = _connected_pieces(labels)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    owner = np.zeros(len(sizes), dtype=np.int64)
    owner[pieces.ravel()] = labels.ravel()
    best = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int64)
    ascending = np.argsort(sizes, kind="stable")
    best[owner[ascending]] = ascending  # the last one written is the largest
    best[0] = 0
    best = best[sizes[best] >= min_pixels]
    renumber = np.zeros(len(sizes), dtype=np.int32)
    renumber[best] = np.arange(1, len(best) + 1)
    final = renumber[pieces]
    return Scene(final, np.where(final > 0, depth, 0).astype(np.float32))


def _connected_pieces(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give every 4-connected piece of equal label a number."""
    # Pixels and links between equal neighbours, on a grid of twice the size: touching objects stay apart.
    fine = np.zeros((2 * labels.shape[0] - 1, 2 * labels.shape[1] - 1), dtype=bool)
    fine[::2, ::2] = labels > 0
    fine[1::2, ::2] = (labels[1:] == labels[:-1]) & (labels[1:] > 0)
    fine[::2, 1::2] = (labels[:, 1:] == labels[:, :-1]) & (labels[:, 1:] > 0)
    pieces: NDArray[np.int32] = ndimage.label(fine)[0][::2, ::2]
    return pieces
