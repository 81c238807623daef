"""From what a model gives for every pixel to objects, by documented steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.methods.networks.objects import keep_objects
from veriscope.methods.networks.seeded_watershed import seeded_watershed
from veriscope.methods.rules.scale import estimate_diameter
from veriscope.methods.rules.splitting import split_touching

__all__ = ["objects_from_maps"]


def objects_from_maps(
    foreground: NDArray[np.floating[Any]],
    boundary: NDArray[np.floating[Any]] | None,
    *,
    threshold: float,
    diameter: float | None,
    smallest_area: int,
    split: bool,
) -> tuple[NDArray[np.int32], dict[str, Any]]:
    """Find objects in a foreground map, touching ones apart.

    The mask is where the foreground exceeds the threshold. With a boundary map, connected parts of
    the mask in which foreground minus boundary exceeds the threshold are seeds, and a watershed of the
    boundary grows them over the mask; parts of the mask without a seed stay one object. Without one,
    the mask is split at its necks (`veriscope.methods.rules.splitting`).

    Parameters
    ----------
    foreground
        (y, x) or (z, y, x), any unit.
    boundary
        Same shape and unit, or None.
    threshold
        In the unit of the maps.
    diameter
        Typical object diameter in pixels; None: estimated from the mask.
    smallest_area
        Objects with fewer pixels are dropped.
    split
        Whether touching objects are split; otherwise every connected part is one.

    Returns
    -------
    labels, details
        Label image, and what was found out on the way.
    """
    mask = foreground > threshold
    details: dict[str, Any] = {}
    if not split:
        labels = _components(mask)
    elif boundary is not None:
        labels = _grow(mask, (foreground - boundary) > threshold, boundary)
    else:
        if diameter is None:
            diameter = estimate_diameter(mask)
            details = {"diameter_px": None if diameter is None else round(diameter, 2)}
            details["diameter_estimated"] = True
        labels = _components(mask) if diameter is None else split_touching(mask, diameter=diameter)
    return keep_objects(labels, smallest_area=smallest_area), details


def _components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.asarray(ndimage.label(mask)[0], np.int32)


def _grow(
    mask: NDArray[np.bool_], inner: NDArray[np.bool_], boundary: NDArray[np.floating[Any]]
) -> NDArray[np.int32]:
    seeds = _components(inner & mask)
    parts = _components(mask)
    seeded = np.zeros(int(parts.max()) + 1, bool)
    seeded[parts[seeds > 0]] = True
    alone = mask & ~seeded[parts]
    seeds = np.where(alone, parts + seeds.max(), seeds)
    return seeded_watershed(boundary, seeds, mask)
