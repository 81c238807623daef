"""From which score on a box is kept: chosen on the validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError
from veriscope.methods.networks.box_network import BoxNetwork, BoxParameters
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.prepare import seen_by
from veriscope.training.judging.choose import Choice
from veriscope.training.judging.judge_boxes import count_boxes, detections_found, detections_of
from veriscope.validate.localise.objects import Detections

__all__ = ["choose_threshold"]

_LOWEST = 0.1
_TRIED = tuple(round(float(value), 2) for value in np.arange(_LOWEST, 0.66, 0.05))


def choose_threshold(
    package: NetworkPackage, pairs: Sequence[LabelledImage], progress: Progress = silent
) -> Choice:
    """Choose the score with the best F1 at a box IoU of 0.5, objects pooled.

    Parameters
    ----------
    package
        A network that finds boxes.
    pairs
        Validation images with boxes.
    progress
        Told how many images are done.

    Returns
    -------
    Choice
        Settings with the threshold; the record has ``n_images``, ``n_objects``, and ``f1`` by threshold.

    Raises
    ------
    InputError
        If no image has a box.
    """
    n_objects = sum(pair.n_objects for pair in pairs)
    if not n_objects:
        raise InputError(
            f"the validation images ({len(pairs)}) have no box, so nothing can be chosen by them; put images "
            "with boxes into the validation part"
        )
    low = replace(package, settings=package.settings.model_copy(update={"threshold": _LOWEST}))
    method = BoxNetwork.of(low, name="candidate")(BoxParameters())
    seen: list[tuple[Detections, Detections]] = []
    for number, pair in enumerate(pairs):
        progress("choose threshold", number, len(pairs))
        found = method.predict(seen_by(pair.image, package.settings.n_channels))
        seen.append((detections_of(pair), detections_found(found)))
    progress("choose threshold", len(pairs), len(pairs))
    scores = {threshold: _f1(seen, threshold) for threshold in _TRIED}
    # Of equally good ones the middle one, which new images are least likely to prove wrong.
    best = [threshold for threshold, score in scores.items() if score == max(scores.values())]
    chosen = best[len(best) // 2]
    record: dict[str, Any] = {
        "n_images": len(pairs),
        "n_objects": n_objects,
        "f1": {f"{threshold:.2f}": round(score, 4) for threshold, score in scores.items()},
    }
    return Choice(package.settings.model_copy(update={"threshold": chosen}), record)


def _f1(seen: Sequence[tuple[Detections, Detections]], threshold: float) -> float:
    kept = []
    for _, found in seen:
        sure = np.asarray(found.scores) >= threshold
        # Without scores, since only counts are asked for.
        kept.append(Detections(boxes=np.asarray(found.boxes)[sure], classes=np.asarray(found.classes)[sure]))
    judged = count_boxes([reference for reference, _ in seen], kept)
    tp, wrong = sum(row.tp for row in judged), sum(row.fp + row.fn for row in judged)
    return 2 * tp / max(2 * tp + wrong, 1)
