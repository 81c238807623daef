"""The threshold of a network for stacks, chosen on the validation stacks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from veriscope.core.progress import Progress, silent
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.stack_network import StackNetwork
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.choose import IOUS, WORTH, Choice, mean_f1
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match

__all__ = ["choose_in_space"]

_THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7)


def choose_in_space(
    package: NetworkPackage, pairs: Sequence[LabelledImage], progress: Progress = silent
) -> Choice:
    """Choose the probability above which a voxel belongs to an object.

    Parameters
    ----------
    package
        A network for stacks.
    pairs
        Validation stacks; where labels are not known, nothing counts.
    progress
        Told how many stacks are done.

    Returns
    -------
    Choice
        Settings like those of the package, with the threshold of the best mean F1 over IoU 0.5 to 0.9.
    """
    method, usual = StackNetwork.of(package, name="candidate")(), package.settings.threshold
    thresholds = sorted({usual, *_THRESHOLDS})
    tables: dict[float, list[pd.DataFrame]] = {threshold: [] for threshold in thresholds}
    for number, pair in enumerate(pairs):
        progress("choose post-processing", number, len(pairs))
        seen = method.see(pair.image)
        if seen is None:
            continue
        for threshold in thresholds:
            labels = np.where(pair.labels < 0, 0, method.objects(seen, threshold=threshold))
            matched = match(contingency(np.maximum(pair.labels, 0), labels), threshold=IOUS[0])
            ious = np.concatenate([matched.ious, np.zeros(matched.fp)])
            tables[threshold].append(pd.DataFrame({"group": "all", "iou": ious}))
    progress("choose post-processing", len(pairs), len(pairs))
    n_objects = sum(pair.n_objects for pair in pairs)
    none = pd.DataFrame({"group": [], "iou": []})
    scores = {
        threshold: mean_f1(pd.concat([none, *found], ignore_index=True), {"all": n_objects})
        for threshold, found in tables.items()
    }
    best = max(thresholds, key=lambda threshold: scores[threshold])
    chosen = best if scores[best] > scores[usual] + WORTH else usual
    record = {
        "n_images": len(pairs),
        "n_objects": n_objects,
        "f1_before": round(scores[usual], 4),
        "f1_after": round(scores[chosen], 4),
        "tried": len(thresholds),
    }
    return Choice(package.settings.model_copy(update={"threshold": chosen}), record)
