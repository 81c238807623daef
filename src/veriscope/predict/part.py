"""The objects that begin in one part of an image, exactly as a prediction of the whole finds them.

The part is predicted with surroundings. An object that comes near to where the surroundings were cut
may be incomplete or wrong; if it has a pixel in the part, its own surroundings are predicted again,
with twice the margin, until it is whole. An object belongs to the part in which its first pixel lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.runs import ObjectRuns
from veriscope.core.source import PixelSource, Region, grow, within
from veriscope.errors import MethodError
from veriscope.methods.local_method import LocalMethod, Part, Survey

__all__ = ["PartResult", "predict_part"]


@dataclass(frozen=True, slots=True, eq=False)
class PartResult:
    """What was found in a part, and what it took.

    Parameters
    ----------
    objects
        Those that begin in the part, whole.
    n_grown
        How often surroundings had to be enlarged for objects longer than expected.
    n_pixels
        Pixels predicted, surroundings included.
    probability_map
        Probability that each pixel of the part is foreground; None if the method gives none.
    """

    objects: ObjectRuns
    n_grown: int
    n_pixels: int
    probability_map: NDArray[np.float32] | None


def predict_part(
    method: LocalMethod,
    source: PixelSource,
    survey: Survey,
    core: Region,
    *,
    largest_crop: int | None = None,
) -> PartResult:
    """Find the objects whose first pixels lie in a part of an image.

    Parameters
    ----------
    method
        Ready to predict.
    source
        The whole image.
    survey
        What the method measured on it.
    core
        The part.
    largest_crop
        Number of pixels that may be predicted at once; None: any.

    Returns
    -------
    PartResult
        The objects; those of all parts of an image together are those of the whole.

    Raises
    ------
    MethodError
        If an object needs more surroundings than `largest_crop` allows.
    PixelValueError
        If there are NaN or infinite pixels.
    """
    footprint = method.footprint(survey)
    found: list[ObjectRuns] = []
    n_grown = n_pixels = 0
    probability_map = None
    waiting = [(core, footprint.largest)]
    while waiting:
        part, margin = waiting.pop()
        region = grow(part, footprint.reach + margin, source.shape)
        size = int(np.prod([s.stop - s.start for s in region]))
        if largest_crop is not None and size > largest_crop and margin > footprint.largest:
            raise MethodError(
                f"{source.name}: an object at {_shown(part)} needs {size} pixels of surroundings to be found "
                f"whole, and the memory allows {largest_crop}; give more --memory, or a method or diameter "
                "with smaller objects"
            )
        seen = Part(source.image(region), region, source.shape)
        prediction = method.predict_part(seen, survey)
        n_pixels += size
        if not found and prediction.probability_map is not None:
            probability_map = prediction.probability_map[within(core, region)].copy()
        doubtful = seen.near_cut(prediction.labels, footprint.reach)
        for box in _boxes(prediction.labels, doubtful, within(part, region), region):
            waiting.append((box, 2 * max(margin, 16)))
            n_grown += 1
        labels = np.where(doubtful[prediction.labels], 0, prediction.labels)
        found.append(
            ObjectRuns.find(labels, region, source.shape, core=core, probabilities=prediction.probabilities)
        )
    return PartResult(ObjectRuns.join(found), n_grown, n_pixels, probability_map)


def _boxes(
    labels: NDArray[np.int32], doubtful: NDArray[np.bool_], core: Region, region: Region
) -> list[Region]:
    """Give the part of the core, in the image, that each doubtful object covers."""
    if not doubtful.any():
        return []
    inner = labels[core]
    marked = np.where(doubtful[inner], inner, 0)
    return [
        tuple(
            slice(side.start + offset.start + whole.start, side.stop + offset.start + whole.start)
            for side, offset, whole in zip(box, core, region, strict=True)
        )
        for box in ndimage.find_objects(marked)
        if box is not None
    ]


def _shown(region: Region) -> str:
    return ", ".join(f"{part.start}:{part.stop}" for part in region)
