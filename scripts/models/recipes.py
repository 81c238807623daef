"""What each shipped network is trained on, and how its images are changed on the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veriscope.training.images.light import Augmentation

__all__ = ["PARTICLES", "RECIPES", "Recipe", "Source"]

_NETWORKS = Path(__file__).parents[2] / "src" / "veriscope" / "methods" / "networks"


@dataclass(frozen=True)
class Source:
    """A set of images, and how often it is drawn relative to the others."""

    folder: str
    share: float
    stems: tuple[str, ...] = ()
    n_simulated: int = 0


@dataclass(frozen=True)
class Recipe:
    """How one network is made."""

    sources: tuple[Source, ...]
    n_channels: int
    augmentation: Augmentation
    start: Path | None = None


PARTICLES = (
    "48f3a148f6",
    "59424b060a",
    "5a25d179cc",
    "6db657d4f7",
    "7f50b86c4b",
    "83fd5c9288",
    "84a6330bdb",
    "b78f5fdc22",
)
"""Eight of twelve; the set comes without a split, the other four are kept out."""


def _weights(name: str) -> Path:
    return _NETWORKS / f"{name}_package" / "weights.onnx"


RECIPES = {
    "nuclei-fluorescence": Recipe(
        (Source("dsb2018_fluorescence", 1.0),), 1, Augmentation(style="fluorescence", elastic=0.0)
    ),
    "generalist": Recipe(
        (
            Source("dsb2018_fluorescence", 0.40),
            Source("dsb2018_histology", 0.16),
            Source("dsb2018_brightfield", 0.08),
            Source("t98g_phase_contrast", 0.20),
            Source("emps_particles", 0.08, stems=PARTICLES),
            Source("simulated", 0.08, n_simulated=16),
        ),
        1,
        Augmentation(style="any"),
        start=_weights("nuclei_fluorescence"),
    ),
    "nuclei-histology": Recipe(
        # Grey cytology keeps it from relying on colour alone.
        (Source("dsb2018_histology", 0.9), Source("dsb2018_brightfield", 0.1)),
        3,
        Augmentation(style="brightfield", scale=0.4, stain=0.6, diameters=(8.0, 80.0)),
        start=_weights("generalist"),
    ),
    "cells-phase-contrast": Recipe(
        (Source("t98g_phase_contrast", 1.0),),
        1,
        # Four images: bent and scaled more than elsewhere, so that they are not learned by heart.
        Augmentation(
            style="fluorescence", stain=0.0, scale=0.45, elastic=0.3, diameters=(16.0, 110.0), empty=0.02
        ),
        start=_weights("generalist"),
    ),
}
