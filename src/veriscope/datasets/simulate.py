"""One simulated microscope image with its truth: scene → stain → optics → camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from veriscope.core.image import Image
from veriscope.core.settings import Settings
from veriscope.datasets.camera import CameraSettings, expose
from veriscope.datasets.optics import OpticsSettings, blur, illumination, psf_sigma_um
from veriscope.datasets.scene import Scene, SceneSettings, build_scene
from veriscope.datasets.stain import DNA, StainSettings, paint

__all__ = ["SimulatedImage", "SimulationSettings", "simulate_image"]

# Parts of an image that draw their random numbers apart, so that another camera or one more stain
# leaves the objects where they are.
_SCENE, _OPTICS, _STAIN, _CAMERA = range(4)


class SimulationSettings(Settings):
    """Everything that decides what one simulated image looks like, but for chance."""

    scene: SceneSettings = SceneSettings()
    """Field and objects."""
    stains: tuple[StainSettings, ...] = Field(default=(DNA,), min_length=1)
    """One channel each. One stain makes an image without a channel axis."""
    optics: OpticsSettings = OpticsSettings()
    """Microscope."""
    camera: CameraSettings = CameraSettings()
    """Camera."""

    @model_validator(mode="after")
    def _names_differ(self) -> SimulationSettings:
        names = [stain.name for stain in self.stains]
        if len(set(names)) < len(names):
            raise ValueError(f"stains have the same name: {', '.join(names)}")
        return self


@dataclass(frozen=True, slots=True)
class SimulatedImage:
    """An image and the truth about it.

    Parameters
    ----------
    image
        Grey values, axes ``yx`` (one stain) or ``cyx``, with spacing in µm.
    labels
        Label image, (y, x), int32, numbered 1 … n.
    table
        One row per object, in the order of the labels: ``label``, ``centroid-y`` and ``centroid-x``
        (px), ``area_px``, ``area`` (µm²), ``touches_border``; and per stain ``positive-STAIN``,
        ``photons-STAIN`` (expected photons per pixel, mean over the object, before the optics) and
        ``mean_intensity-STAIN`` (grey value).
    image_id, group, replicate
        Place in a study; empty for a single image.
    """

    image: Image
    labels: NDArray[np.int32]
    table: pd.DataFrame
    image_id: str = ""
    group: str = ""
    replicate: str = ""

    @property
    def n_objects(self) -> int:
        """Number of objects."""
        return len(self.table)


def simulate_image(
    settings: SimulationSettings | None = None, *, seed: int | np.random.SeedSequence, name: str = "simulated"
) -> SimulatedImage:
    """Simulate one image.

    Parameters
    ----------
    settings
        What is simulated; None for the defaults.
    seed
        The same seed and settings give the same image. With another camera, optics or further stains,
        the same seed keeps the objects.
    name
        Name of the image.

    Returns
    -------
    SimulatedImage
        Grey values, labels, and the table of objects.
    """
    settings = settings or SimulationSettings()
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    scene = build_scene(settings.scene, _generator(root, _SCENE))
    light = _generator(root, _OPTICS)
    shape = (settings.scene.height_px, settings.scene.width_px)
    excitation = illumination(shape, settings.optics, light)
    defocus = settings.optics.defocus_um + light.normal(0, 1) * settings.optics.defocus_sd_um
    planes: list[NDArray[Any]] = []
    columns: dict[str, NDArray[Any]] = {}
    for number, stain in enumerate(settings.stains):
        painted = paint(scene, stain, settings.scene.pixel_size_um, _generator(root, _STAIN, number))
        sigma = psf_sigma_um(settings.optics, stain.wavelength_nm, defocus_um=defocus)
        arriving = blur(
            painted.emitted, settings.optics, sigma_um=sigma, pixel_size_um=settings.scene.pixel_size_um
        )
        photons = (arriving + painted.background) * excitation
        plane = expose(photons, settings.camera, _generator(root, _CAMERA, number))
        planes.append(plane)
        columns[f"positive-{stain.name}"] = painted.positive
        columns[f"photons-{stain.name}"] = _means(scene, painted.emitted)
        columns[f"mean_intensity-{stain.name}"] = _means(scene, plane)
    spacing = {"y": settings.scene.pixel_size_um, "x": settings.scene.pixel_size_um}
    if len(planes) == 1:
        image = Image(planes[0], "yx", spacing, name=name)
    else:
        names = tuple(stain.name for stain in settings.stains)
        image = Image(np.stack(planes), "cyx", spacing, names, name)
    table = _geometry(scene, settings.scene.pixel_size_um).assign(**columns)
    return SimulatedImage(image, scene.labels, table)


def _generator(root: np.random.SeedSequence, *part: int) -> np.random.Generator:
    """Give the random numbers of one part of an image; `spawn` would depend on what was asked before."""
    sequence = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *part))
    return np.random.default_rng(sequence)


def _means(scene: Scene, values: NDArray[Any]) -> NDArray[np.float64]:
    """Mean value over the pixels of each object."""
    flat = scene.labels.ravel()
    size = np.bincount(flat, minlength=scene.n_objects + 1)[1:]
    total = np.bincount(flat, weights=values.ravel(), minlength=scene.n_objects + 1)[1:]
    return np.asarray(total / size, dtype=np.float64)


def _geometry(scene: Scene, pixel_size_um: float) -> pd.DataFrame:
    """Columns that depend on the labels alone."""
    n = scene.n_objects
    size = np.bincount(scene.labels.ravel(), minlength=n + 1)[1:].astype(np.int64)
    places: NDArray[np.int64] = np.indices(scene.labels.shape)
    edge = np.ones(scene.labels.shape, dtype=bool)
    edge[1:-1, 1:-1] = False
    return pd.DataFrame(
        {
            "label": np.arange(1, n + 1, dtype=np.int64),
            "centroid-y": _means(scene, places[0]),
            "centroid-x": _means(scene, places[1]),
            "area_px": size,
            "area": size * pixel_size_um**2,
            "touches_border": np.isin(np.arange(1, n + 1), scene.labels[edge]),
        }
    )
