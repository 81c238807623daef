"""A simulated study: groups that differ by a set effect, replicates that differ by chance, images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field, model_validator

from veriscope.core.settings import Settings
from veriscope.datasets.simulate import SimulatedImage, SimulationSettings, simulate_image

__all__ = ["GroupSettings", "StudySettings", "group_settings", "simulate_study"]


class GroupSettings(Settings):
    """One group and how it differs from the settings of the study."""

    name: str = Field(min_length=1)
    """Name of the group."""
    density_factor: float = Field(default=1.0, ge=0, le=1000)
    """Expected density of objects relative to that of the study's scene."""
    diameter_factor: float = Field(default=1.0, gt=0, le=1000)
    """Median diameter of objects relative to that of the study's scene."""
    intensity_factor: float = Field(default=1.0, ge=0, le=1000)
    """Brightness of objects in all stains relative to the study's stains."""
    positive_factor: float = Field(default=1.0, ge=0)
    """Fraction of positive objects relative to that of each stain that not all objects carry; at most 1."""


class StudySettings(Settings):
    """A whole study; the defaults are those of the demo."""

    simulation: SimulationSettings = SimulationSettings()
    """What every image has in common."""
    groups: tuple[GroupSettings, ...] = Field(
        default=(
            GroupSettings(name="control"),
            GroupSettings(name="low dose", density_factor=0.8),
            GroupSettings(name="high dose", density_factor=0.5),
        ),
        min_length=1,
    )
    """Groups; effects are relative to the first only by convention."""
    replicates: int = Field(default=4, ge=1)
    """Experimental units per group."""
    images_per_replicate: int = Field(default=4, ge=1)
    """Images per experimental unit."""
    density_sd: float = Field(default=0.1, ge=0, le=1)
    """Standard deviation, between replicates of a group, of the logarithm of the density."""
    diameter_sd: float = Field(default=0.02, ge=0, le=1)
    """The same for the diameter."""
    intensity_sd: float = Field(default=0.1, ge=0, le=1)
    """The same for the brightness."""

    @model_validator(mode="after")
    def _names_give_different_files(self) -> StudySettings:
        stems = [slug(group.name) for group in self.groups]
        if len(set(stems)) < len(stems) or not all(stems):
            names = ", ".join(group.name for group in self.groups)
            raise ValueError(f"group names must differ in letters or digits (a–z, 0–9): {names}")
        return self


@dataclass(frozen=True, slots=True)
class _Effect:
    """Factors on density, diameter and brightness."""

    density: float
    diameter: float
    intensity: float


def slug(name: str) -> str:
    """Give a name in a form that fits into file names.

    Parameters
    ----------
    name
        Any text.

    Returns
    -------
    str
        Lower-case letters a–z and digits with single hyphens; empty if there are none.
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def group_settings(settings: StudySettings, group: GroupSettings) -> SimulationSettings:
    """Give the settings of a group's average replicate: the truth that its effect was set to.

    Parameters
    ----------
    settings
        The study.
    group
        One of its groups.

    Returns
    -------
    SimulationSettings
        Those of the study with the group's factors applied.
    """
    none = _Effect(1.0, 1.0, 1.0)
    return _with_effect(settings.simulation, group, none)


def simulate_study(settings: StudySettings | None = None, *, seed: int) -> Iterator[SimulatedImage]:
    """Simulate a study image by image.

    Parameters
    ----------
    settings
        The study; None for that of the demo: three groups of four replicates of four images.
    seed
        Seed of the study. Every image has random numbers of its own: adding groups at the end,
        replicates or images leaves the others as they are.

    Yields
    ------
    SimulatedImage
        In the order of groups, replicates, images; with ``image_id`` (such as ``low-dose-2-03``),
        ``group`` and ``replicate`` (such as ``low-dose-2``: no two groups share replicates).
    """
    settings = settings or StudySettings()
    for g, group in enumerate(settings.groups):
        for r in range(settings.replicates):
            chance = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(g, r)))
            simulation = _with_effect(settings.simulation, group, _replicate_effect(settings, chance))
            replicate = f"{slug(group.name)}-{r + 1}"
            for i in range(settings.images_per_replicate):
                name = f"{replicate}-{i + 1:02d}"
                root = np.random.SeedSequence(seed, spawn_key=(g, r, i))
                simulated = simulate_image(simulation, seed=root, name=name)
                yield replace(simulated, image_id=name, group=group.name, replicate=replicate)


def _replicate_effect(settings: StudySettings, rng: np.random.Generator) -> _Effect:
    """Draw log-normal factors of mean 1."""
    spreads = np.array([settings.density_sd, settings.diameter_sd, settings.intensity_sd])
    density, diameter, intensity = np.exp(rng.normal(0, 1, 3) * spreads - spreads**2 / 2)
    return _Effect(float(density), float(diameter), float(intensity))


def _with_effect(simulation: SimulationSettings, group: GroupSettings, effect: _Effect) -> SimulationSettings:
    """Apply a group's and a replicate's factors to the settings of an image."""
    scene = simulation.scene.model_copy(
        update={
            "density_per_mm2": simulation.scene.density_per_mm2 * group.density_factor * effect.density,
            "diameter_um": simulation.scene.diameter_um * group.diameter_factor * effect.diameter,
        }
    )
    stains = tuple(
        stain.model_copy(
            update={
                "photons": stain.photons * group.intensity_factor * effect.intensity,
                "positive_fraction": min(1.0, stain.positive_fraction * group.positive_factor)
                if stain.positive_fraction < 1
                else 1.0,
            }
        )
        for stain in simulation.stains
    )
    return simulation.model_copy(update={"scene": scene, "stains": stains})
