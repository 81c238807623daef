"""Stacks with labels, cut into the planes along all three axes that a network for planes learns from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.progress import Progress, silent
from veriscope.core.source import ArraySource
from veriscope.errors import AxesError, InputError
from veriscope.methods.networks.normalise import normalise_percentiles
from veriscope.methods.networks.three_views import even_planes
from veriscope.methods.rules.voxels import steps_of
from veriscope.training.heads.base import PixelHead
from veriscope.training.images.augment import TrainingImage
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.prepare import median_diameter

__all__ = ["are_stacks", "plane_distance", "planes_of", "prepare_stacks", "stack_diameter"]

_MOST_PIXELS = 16_000_000
"""Of all planes together, for memory: about 30 bytes each. Of more, evenly chosen planes are taken."""
_EMPTY = 0.1
"""Chance of a plane without objects to be drawn, beside one with some."""


def are_stacks(pairs: Sequence[LabelledImage]) -> bool:
    """Tell stacks from images, and refuse both at once.

    Parameters
    ----------
    pairs
        Images or stacks with labels.

    Returns
    -------
    bool
        Whether all are stacks; False where there are none.

    Raises
    ------
    InputError
        If only some are stacks.
    AxesError
        If it is not known how far the planes of a stack lie apart.
    """
    stacks = [pair for pair in pairs if pair.labels.ndim == 3]
    if not stacks:
        return False
    if len(stacks) < len(pairs):
        flat = next(pair for pair in pairs if pair.labels.ndim == 2)
        raise InputError(
            f"{len(stacks)} of {len(pairs)} files are stacks, such as {stacks[0].stem}, and the others are "
            f"images, such as {flat.stem}; a network learns from one kind: train two, or cut planes out of "
            "the stacks"
        )
    unknown = [pair.stem for pair in stacks if pair.image.spacing is None]
    if unknown:
        names = ", ".join(unknown[:5]) + ("…" if len(unknown) > 5 else "")
        raise AxesError(
            f"{names}: how far apart the planes lie is not known, and what objects look like from the side "
            "depends on it; give the pixel size with --spacing z=2,y=0.5,x=0.5"
        )
    return True


def plane_distance(image: Image) -> float:
    """Give how far planes of a stack lie apart.

    Parameters
    ----------
    image
        A stack.

    Returns
    -------
    float
        In pixels along x; 1 if it is uncalibrated.
    """
    return steps_of(ArraySource(image))[0]


def stack_diameter(pair: LabelledImage) -> float:
    """Give the median diameter of the objects of a stack in space.

    Parameters
    ----------
    pair
        A stack with labels.

    Returns
    -------
    float
        Of balls of the same volume, in pixels along x; 30 without objects.
    """
    volumes = np.bincount(np.maximum(pair.labels, 0).ravel())[1:]
    volumes = volumes[volumes > 0]
    if not len(volumes):
        return 30.0
    return float((6 / math.pi * np.median(volumes) * plane_distance(pair.image)) ** (1 / 3))


def planes_of(
    pixels: NDArray[np.float32], labels: NDArray[np.int32], *, every: int = 1
) -> Iterator[list[tuple[NDArray[np.float32], NDArray[np.int32]]]]:
    """Cut a stack into planes along z, then y, then x.

    Parameters
    ----------
    pixels, labels
        (z, y, x), with planes as far apart as pixels.
    every
        Take one of so many planes, from the middle of the first so many on.

    Yields
    ------
    list of tuple
        Pixels and labels of the planes across one axis.
    """
    for axis in range(3):
        numbers = range(min(every, pixels.shape[axis]) // 2, pixels.shape[axis], every)
        yield [(np.take(pixels, number, axis), np.take(labels, number, axis)) for number in numbers]


def prepare_stacks(
    pairs: Sequence[LabelledImage], head: PixelHead, progress: Progress = silent
) -> list[list[TrainingImage]]:
    """Normalise stacks, cut them into planes, and compute what is to be learned from each.

    Parameters
    ----------
    pairs
        Stacks with labels, which are negative where nothing is known.
    head
        Says what is to be learned of a plane.
    progress
        Told how many stacks are done.

    Returns
    -------
    list of list of TrainingImage
        Planes of each stack, along all axes; each stack, and each axis of it, is drawn as often. Sections of
        objects are as large as they are on these planes.
    """
    volume = sum(pair.labels.size * max(plane_distance(pair.image), 1.0) for pair in pairs)
    every = max(1, math.ceil(3 * volume / _MOST_PIXELS))
    found: list[list[TrainingImage]] = []
    for number, pair in enumerate(pairs):
        progress("prepare", number, len(pairs))
        apart = plane_distance(pair.image)
        # As a stack is normalised when it is predicted: a dim plane stays dim.
        pixels = even_planes(normalise_percentiles(pair.image.pixels), apart)
        nearest = np.linspace(0, len(pair.labels) - 1, len(pixels)).round().astype(int)
        labels = pair.labels[nearest].astype(np.int32)
        found.append(
            [one for planes in planes_of(pixels, labels, every=every) for one in _prepared(planes, head)]
        )
    progress("prepare", len(pairs), len(pairs))
    return found


def _prepared(
    planes: Sequence[tuple[NDArray[np.float32], NDArray[np.int32]]], head: PixelHead
) -> list[TrainingImage]:
    chances = np.array([1.0 if (labels > 0).any() else _EMPTY for _, labels in planes])
    weights = chances / chances.sum()
    return [
        TrainingImage(
            np.ascontiguousarray(pixels[None]),
            np.ascontiguousarray(labels),
            head.targets(np.maximum(labels, 0)),
            median_diameter(labels),
            float(weight),
        )
        for (pixels, labels), weight in zip(planes, weights, strict=True)
    ]
