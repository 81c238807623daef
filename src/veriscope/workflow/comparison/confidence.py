"""Whether the probabilities that came with predictions can be believed: of objects, or of pixels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import check_same_shape
from veriscope.core.words import counted
from veriscope.errors import AxesError, InputError, PixelValueError, VeriscopeError, raise_together
from veriscope.io.folders import find_images
from veriscope.io.images import read_image
from veriscope.validate.confidence.brier import brier_interval
from veriscope.validate.confidence.calibration_error import calibration_error_by_unit
from veriscope.validate.confidence.reliability import reliability
from veriscope.validate.confidence.risk_coverage import risk_coverage
from veriscope.validate.contingency import contingency
from veriscope.validate.detections import DetectionSettings, compare_detections
from veriscope.validate.localise.objects import Criterion, Detections
from veriscope.validate.matching import match
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.recalibration.cross_calibration import cross_calibrate
from veriscope.validate.recalibration.recalibrator import Recalibration
from veriscope.workflow.comparison.cases import Case, Cases
from veriscope.workflow.comparison.options import CompareOptions
from veriscope.workflow.comparison.task import ImageTask

__all__ = ["judge_confidence"]

_PIXELS = 20_000  # of an image, evenly spaced: pixels beside each other say the same
_RECALIBRATIONS: tuple[Recalibration, ...] = ("platt", "isotonic")
_CURVE = 100  # points of the risk-coverage curve that are told


def judge_confidence(
    task: ImageTask, cases: Cases, probabilities: str | Path, options: CompareOptions, *, unit: str
) -> dict[str, Any]:
    """Compare stated probabilities with what came true.

    Parameters
    ----------
    task
        How files are read: of objects (instance) or of one class (semantic).
    cases
        The images of one candidate.
    probabilities
        Folder of maps of the probability of an object or of the class, 0 to 1, named as the predictions.
    options
        Settings of the comparison.
    unit
        What the unit of intervals is.

    Returns
    -------
    dict
        ``of`` (objects or pixels), ``n``, ``reliability``, ``calibration_error``, ``brier_score``,
        ``risk_coverage``, ``recalibration`` (whether it helps, fitted and judged on different images); of
        objects ``metrics`` over all thresholds as well. The score of an object is the mean of the map
        within it; it came true if it has a match at IoU 0.5.

    Raises
    ------
    VeriscopeError
        If maps are missing, are no probabilities, or do not fit; all faults together.
    """
    maps = {file.stem: file.path for file in find_images(probabilities)}
    missing = [case.stem for case in cases.cases if case.stem not in maps]
    if missing:
        raise InputError(
            f"{probabilities}: has no map of {counted(len(missing), 'image')} ({', '.join(missing[:10])}); "
            "add them"
        )
    objects = task.usual.startswith("f1")
    collect: Callable[..., tuple[FloatArray, NDArray[np.bool_]]] = _of_objects if objects else _of_pixels
    outcomes: list[NDArray[np.bool_]] = []
    stated: list[FloatArray] = []
    units: list[str] = []
    faults: list[VeriscopeError] = []
    scored: list[tuple[Case, NDArray[Any], NDArray[Any], FloatArray]] = []
    for case in cases.cases:
        try:
            reference = task.objects(task.read(case.reference))
            prediction = task.objects(task.read(next(iter(case.predictions.values()))))
            assert reference is not None and prediction is not None, "tasks of label images have objects"
            values = _read_map(maps[case.stem], prediction)
            score, came_true = collect(reference, prediction, values)
        except VeriscopeError as error:
            faults.append(error)
            continue
        if objects:
            scored.append((case, reference, prediction, score))
        stated.append(score)
        outcomes.append(came_true)
        units += [case.cluster or case.stem] * len(score)
    raise_together(faults, what=f"{len(faults)} of {len(cases.cases)} maps of probabilities cannot be used")
    truth, said = np.concatenate(outcomes), np.concatenate(stated)
    given: dict[str, Any] = {"units": units, "level": options.level, "unit": unit}
    found = {
        "of": "objects" if objects else "pixels",
        "n": len(said),
        "reliability": reliability(truth, said, **given).to_dict(),
        "calibration_error": calibration_error_by_unit(truth, said, **given).to_dict(),
        "brier_score": brier_interval(truth, said, **given).to_dict(),
        "risk_coverage": _curve(truth, said, objects=objects),
    }
    if len(set(units)) > 1:
        found["recalibration"] = _recalibrated(truth, said, given)
    return found | {"metrics": _over_thresholds(scored, options, unit=unit)} if objects else found


def _recalibrated(truth: NDArray[np.bool_], said: FloatArray, given: Mapping[str, Any]) -> dict[str, Any]:
    """Tell whether each way to recalibrate helps, fitted on other images than it is judged on."""
    return {
        method: {
            key: value
            for key, value in cross_calibrate(truth, said, method=method, **given).to_dict().items()
            if key not in ("probabilities", "intervals")
        }
        for method in _RECALIBRATIONS
    }


def _read_map(path: Path, labels: NDArray[Any]) -> NDArray[Any]:
    image = read_image(path)
    if set(image.axes) - set("zyx"):
        raise AxesError(f"{path}: has axes {image.axes!r}; a map of probabilities has one value per pixel")
    pixels = image.pixels
    check_same_shape(labels, pixels, where=f"{path} (as the prediction)")
    image.require_finite()
    if not (pixels.min() >= 0 and pixels.max() <= 1):
        raise PixelValueError(
            f"{path}: values go from {pixels.min():g} to {pixels.max():g}, and probabilities from 0 to 1; "
            "save the map as floating-point numbers without rescaling"
        )
    return pixels


def _of_objects(
    reference: NDArray[Any], prediction: NDArray[Any], values: NDArray[Any]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Give the mean probability of each predicted object, and whether it has a match."""
    table = contingency(reference, prediction)
    ids = table.prediction_ids
    index = np.searchsorted(ids, prediction[prediction > 0])
    sums = np.bincount(index, weights=values[prediction > 0], minlength=len(ids))
    matched = np.isin(ids, match(table, threshold=0.5).pairs[:, 1])
    return np.clip(sums / np.maximum(table.prediction_areas, 1), 0, 1), matched


def _of_pixels(
    reference: NDArray[Any], prediction: NDArray[Any], values: NDArray[Any]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Give probability and truth of evenly spaced pixels."""
    if reference.max(initial=0) > 1:
        raise InputError(
            "a map of probabilities is of one class, and the reference has several; compare one class at a "
            "time, or all as one with --foreground"
        )
    step = max(1, values.size // _PIXELS)
    while math.gcd(step, values.size) > 1:  # a step of whole rows would look at a single column
        step += 1
    return values.ravel()[::step].astype(np.float64), reference.ravel()[::step] > 0


def _curve(truth: NDArray[np.bool_], said: FloatArray, *, objects: bool) -> dict[str, Any]:
    """Thin the curve out; the confidence of a pixel is that of the class it is given."""
    sure = said if objects else np.maximum(said, 1 - said)
    right = truth if objects else (said >= 0.5) == truth
    found = risk_coverage(1.0 - right, sure).to_dict()
    kept = np.unique(np.linspace(0, len(found["risk"]) - 1, min(_CURVE, len(found["risk"]))).astype(int))
    return {
        key: [value[index] for index in kept] if isinstance(value, list) else value
        for key, value in found.items()
    }


def _over_thresholds(
    scored: Sequence[tuple[Case, NDArray[Any], NDArray[Any], FloatArray]],
    options: CompareOptions,
    *,
    unit: str,
) -> dict[str, Any]:
    clusters = [case.cluster for case, *_ in scored if case.cluster is not None]
    found = compare_detections(
        [Detections(labels=reference) for _, reference, _, _ in scored],
        [Detections(labels=prediction, scores=score) for _, _, prediction, score in scored],
        DetectionSettings(criterion=Criterion("mask_iou", threshold=0.5)),
        names=[case.stem for case, *_ in scored],
        clusters=clusters or None,
        level=options.level,
        unit=unit,
    )
    return {
        key: interval.to_dict()
        for key, interval in found.metrics.items()
        if key in ("average_precision", "coco_average_precision", "froc")
    }
