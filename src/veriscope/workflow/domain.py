"""Whether the images are of the kind that a method was made for, as far as that can be measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from veriscope.methods.base import Card
from veriscope.methods.channels import analysis_channel
from veriscope.workflow.audited import AuditedTile
from veriscope.workflow.config import StudyConfig

__all__ = ["outside_domain"]


def outside_domain(card: Card, config: StudyConfig, tiles: Sequence[AuditedTile]) -> list[str]:
    """Say in which measurable ways the images differ from what a method was made for.

    Parameters
    ----------
    card
        Card of the method.
    config
        study.yaml.
    tiles
        Audited tiles; their references tell size and brightness of the objects.

    Returns
    -------
    list of str
        One sentence per difference; empty if none was found, or no object was annotated.
    """
    found = []
    if config.question.object not in ("object", *card.objects):
        found.append(
            f"The method was made for {' and '.join(card.objects)}, the question is about "
            f"{config.question.object}."
        )
    diameters = np.concatenate([np.zeros(0), *(_diameters(tile) for tile in tiles)])
    if card.diameter_px is not None and len(diameters):
        typical, (low, high) = float(np.median(diameters)), card.diameter_px
        if not low <= typical <= high:
            found.append(
                f"Objects are typically {typical:.0f} pixels wide; the method was tested from "
                f"{low:g} to {high:g} pixels."
            )
    brighter = [value for tile in tiles if (value := _brighter(tile, config.channel)) is not None]
    if card.foreground != "either" and brighter:
        against = float(np.mean([value == (card.foreground == "dark") for value in brighter]))
        if against > 0.5:
            is_ = "darker" if card.foreground == "bright" else "brighter"
            found.append(
                f"Objects are {is_} than their background in most tiles; the method was made for "
                f"{card.foreground} ones."
            )
    return found


def _diameters(tile: AuditedTile) -> np.ndarray:
    areas = np.bincount(tile.reference.ravel())[1:]
    return np.asarray(np.sqrt(4 / np.pi * areas[areas > 0]))


def _brighter(tile: AuditedTile, channel: str | None) -> bool | None:
    """Whether the objects of a tile are brighter than the rest of it; None where neither is."""
    y0, x0, y1, x1 = tile.inner_box
    pixels = analysis_channel(tile.image, channel).pixels[y0:y1, x0:x1]
    inside = tile.reference[y0:y1, x0:x1] > 0
    if inside.all() or not inside.any():
        return None
    difference = float(np.median(pixels[inside])) - float(np.median(pixels[~inside]))
    return difference > 0 if difference else None
