"""How sure a network that tells classes should be: chosen on the validation images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.judge import Predict
from veriscope.validate.metrics.classification.calibration import negative_log_likelihood
from veriscope.validate.recalibration.curves import TemperatureMap, fit_temperature

__all__ = ["choose_temperature"]

_RANGE = (0.5, 10.0)
_FEW = 50
"""Images below which one number is fitted to chance."""


def choose_temperature(
    predict: Predict, pairs: Sequence[LabelledImage], progress: Progress = silent
) -> tuple[float, dict[str, Any]]:
    """Choose the temperature with the largest likelihood of the classes.

    Parameters
    ----------
    predict
        The network, at a temperature of 1.
    pairs
        Validation images with classes.
    progress
        Told how many images are done.

    Returns
    -------
    temperature, record
        0.5 to 10; at least 1 where no image is taken for another class, since nothing says then how sure is
        too sure. The record has ``n_images``, ``n_wrong``, ``temperature``, the negative log likelihood
        before and after on the images by which was chosen (so too good), and ``caution``, empty where there
        is none.
    """
    stated, truth = [], []
    for number, pair in enumerate(pairs):
        progress("choose temperature", number, len(pairs))
        assert pair.kind is not None
        stated.append(predict(pair.image).values)
        truth.append(pair.kind.number)
    progress("choose temperature", len(pairs), len(pairs))
    before, classes = np.array(stated), np.array(truth)
    n_wrong = int((before.argmax(axis=1) != classes).sum())
    low = _RANGE[0] if n_wrong else 1.0
    temperature = round(float(np.clip(fit_temperature(classes, before).temperature, low, _RANGE[1])), 3)
    caution = (
        f"probabilities were calibrated on {len(pairs)} images, {n_wrong} of them wrong, which is too few to "
        "rely on them"
        if len(pairs) < _FEW
        else ""
    )
    after = TemperatureMap(temperature).apply(before)
    return temperature, {
        "n_images": len(pairs),
        "n_wrong": n_wrong,
        "temperature": temperature,
        "negative_log_likelihood_before": round(negative_log_likelihood(classes, before), 4),
        "negative_log_likelihood_after": round(negative_log_likelihood(classes, after), 4),
        "caution": caution,
    }
