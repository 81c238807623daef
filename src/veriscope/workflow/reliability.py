"""Whether the probabilities that a candidate states of its objects hold on the audited tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.io.tables import read_table
from veriscope.validate.confidence.calibration_error import calibration_error_by_unit
from veriscope.validate.confidence.reliability import reliability
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match
from veriscope.validate.units import owned_labels
from veriscope.workflow.audited import AuditedTile
from veriscope.workflow.layout import StudyFolder

__all__ = ["object_reliability"]

_IOU = 0.5


def object_reliability(
    folder: StudyFolder,
    candidate: str,
    tiles: Sequence[AuditedTile],
    predictions: Sequence[NDArray[Any]],
    *,
    level: float = 0.95,
) -> dict[str, Any] | None:
    """Compare how sure a candidate was of its objects with how many of them were right.

    An object was right if it has a match at IoU 0.5 among what people drew. Each object on the audited tiles
    counts the same, whatever the chance of its tile to be drawn.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate, which has run.
    tiles
        Audited tiles.
    predictions
        Its label image of each tile, of the shape of the reference.
    level
        Of the intervals, which are by image.

    Returns
    -------
    dict or None
        ``n_objects``; ``bins`` and ``excess`` as of `validate.confidence.reliability.Reliability`;
        ``calibration_error`` without its upward bias, with its interval; ``shown``: whether the tiles show
        that the probabilities do not hold; ``iou``.
        None if the candidate states no probabilities, or has no object on the tiles.
    """
    table = read_table(folder.root / folder.measurements(candidate))
    if "probability" not in table.columns or table["probability"].isna().all():
        return None
    by_image = {
        str(name): dict(zip(part["label"].astype(int), part["probability"].astype(float), strict=True))
        for name, part in table.groupby("image_id", sort=False)
    }
    stated: list[float] = []
    right: list[bool] = []
    images: list[str] = []
    for tile, prediction in zip(tiles, predictions, strict=True):
        sure = by_image.get(tile.image_id, {})
        matched = set(match(contingency(tile.reference, prediction), threshold=_IOU).pairs[:, 1].tolist())
        for label in owned_labels(prediction, tile.inner_box, where=tile.unit):
            probability = sure.get(int(label), np.nan)
            if np.isfinite(probability):
                stated.append(float(np.clip(probability, 0, 1)))
                right.append(int(label) in matched)
                images.append(tile.image_id)
    if not stated:
        return None
    found = reliability(right, stated, units=images, level=level).to_dict()
    error = calibration_error_by_unit(right, stated, units=images, level=level)
    return {
        "n_objects": len(stated),
        "bins": found["bins"],
        "excess": found["excess"],
        "calibration_error": error.error.to_dict(),
        "shown": error.shown,
        "iou": _IOU,
    }
