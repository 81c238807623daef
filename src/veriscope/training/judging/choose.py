"""How the outputs of a network become objects: chosen, and calibrated, on the validation images.

Every choice is judged by the mean F1 over IoU 0.5, 0.6, 0.7, 0.8 and 0.9, objects pooled within a group of
images and groups averaged, so that one large set does not speak for all. What the package says already is
kept unless another choice is better by more than a hair.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.progress import Progress, silent
from veriscope.core.source import ArraySource
from veriscope.errors import InputError
from veriscope.methods.local_method import Part
from veriscope.methods.networks.dense_objects import Dense, separator_for
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.networks.network_settings import NetworkParameters, NetworkSettings
from veriscope.methods.networks.objects import keep_objects, mean_inside
from veriscope.validate.contingency import contingency
from veriscope.validate.matching import match

__all__ = ["IOUS", "WORTH", "Choice", "choose_settings", "mean_f1"]

IOUS = (0.5, 0.6, 0.7, 0.8, 0.9)
"""At which choices are judged."""
_THRESHOLDS = (0.3, 0.4, 0.5, 0.6)
_MERGES = (1.25, 1.75, 2.5)
_AREAS = (10, 20, 40, 80)
_OBJECT_THRESHOLDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)
_FLOOD = 4
"""Polygons per annotated object from which a lower threshold, which only adds some, is not tried: a network
that has learned little proposes one at every pixel, and going through them takes hours."""
WORTH = 0.003
"""Gain in mean F1 from which another choice is taken."""


@dataclass(frozen=True)
class Choice:
    """What was chosen, and by what.

    Parameters
    ----------
    settings
        For the package.
    record
        Plain values: ``n_images``, ``n_objects``, ``f1_before`` and ``f1_after`` (means over IoU 0.5 to 0.9
        on the images by which was chosen, so too good), ``tried``.
    """

    settings: NetworkSettings
    record: dict[str, Any]


@dataclass(frozen=True, eq=False)
class _Case:
    """One validation image."""

    image: Image
    reference: NDArray[np.int32]
    unknown: NDArray[np.bool_]
    group: str

    def row(self, iou: NDArray[np.float64], **more: Any) -> pd.DataFrame:
        """One row per object found: the IoU with the reference object that it matches, or 0."""
        return pd.DataFrame({"group": self.group, "iou": iou, **more})

    def known(self, labels: NDArray[np.int32]) -> NDArray[np.int32]:
        """Leave out what lies where the truth is not known."""
        return np.where(self.unknown, 0, labels).astype(np.int32)


def choose_settings(
    package: NetworkPackage,
    images: Sequence[Image],
    references: Sequence[NDArray[Any]],
    *,
    groups: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Choice:
    """Choose thresholds, smallest area and joining of the flow, and calibrate the probability of objects.

    A search for other sizes that the package asks for is given up where it costs something.

    Parameters
    ----------
    package
        A network that makes instances.
    images
        Validation images, with the channels that the network sees.
    references
        Label image (y, x) of each; negative: not known.
    groups
        Of each image, such as the data set it is from; None: all are of one.
    progress
        Told which choice is tried.

    Returns
    -------
    Choice
        Settings like those of the package, with what was chosen.

    Raises
    ------
    InputError
        If there is no image, or none has an object.
    """
    names = list(groups) if groups is not None else ["all"] * len(images)
    cases = [
        _Case(image, np.maximum(labels, 0).astype(np.int32), np.asarray(labels) < 0, name)
        for image, labels, name in zip(images, references, names, strict=True)
    ]
    totals = dict.fromkeys(names, 0)
    for case in cases:
        totals[case.group] += int(np.count_nonzero(np.unique(case.reference)))
    if not sum(totals.values()):
        raise InputError(
            f"the validation images ({len(images)}) have no object, so nothing can be chosen by them; put "
            "annotated images with objects into the validation part"
        )
    seen = [(case, dense) for case in cases if (dense := _dense(package, case.image)) is not None]
    own = package.settings
    # From the highest on, so that one sees where lower ones only add to what is too much.
    options = list(itertools.product(_tried(own.threshold, _THRESHOLDS)[::-1], _merges(own)))
    found: dict[tuple[float, float], tuple[float, NetworkSettings]] = {}
    before, flood = 0.0, False
    for number, (threshold, merge) in enumerate(options):
        progress("choose post-processing", number, len(options))
        if flood and threshold < own.threshold:
            continue
        settings = own.model_copy(update={"threshold": threshold, "merge": merge})
        table = _together([_objects(case, dense, settings) for case, dense in seen])
        found[threshold, merge] = _best_drops(table, settings, totals)
        flood |= own.head == "star" and len(table) > _FLOOD * sum(totals.values())
        if settings == own:
            before = _score(table, own, totals)
    progress("choose post-processing", len(options), len(options))
    usual = found[own.threshold, own.merge]
    best = max((found[option] for option in sorted(found)), key=lambda one: one[0])
    score, settings = best if best[0] > usual[0] + WORTH else usual
    record = {
        "n_images": len(images),
        "n_objects": sum(totals.values()),
        "f1_before": round(before, 4),
        "f1_after": round(score, 4),
        "tried": len(found) * len(_AREAS) * len(_OBJECT_THRESHOLDS),
    }
    return Choice(_harmless_search(package, settings, cases, totals), record)


def _tried(own: float, others: Sequence[float]) -> list[float]:
    return sorted({own, *others})


def _merges(settings: NetworkSettings) -> list[float]:
    return _tried(settings.merge, _MERGES) if settings.head == "flow" else [settings.merge]


def _dense(package: NetworkPackage, image: Image) -> Dense | None:
    """Run the network on an image as it is; None: the image is constant."""
    as_it_is = NetworkParameters(diameter=package.settings.best_diameter)
    method = InstanceNetwork.of(package, name="candidate")(as_it_is)
    method.check(image)
    return method.dense(Part.whole(image), method.survey(ArraySource(image)))


def _objects(case: _Case, dense: Dense, settings: NetworkSettings) -> pd.DataFrame:
    """List every object found, with its mean probability and area."""
    labels, foreground = separator_for(settings)(dense, threshold=settings.threshold)
    labels = keep_objects(case.known(labels), smallest_area=min(_AREAS))
    iou = np.zeros(int(labels.max(initial=0)) + 1)
    matched = match(contingency(case.reference, labels), threshold=IOUS[0])
    iou[matched.pairs[:, 1]] = matched.ious
    mean = mean_inside(foreground, labels).astype(float)
    return case.row(iou[1:], mean=mean, area=np.bincount(labels.ravel())[1:])


def _together(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = ["group", "iou", "mean", "area"]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns, dtype=float)


def _best_drops(
    table: pd.DataFrame, settings: NetworkSettings, totals: dict[str, int]
) -> tuple[float, NetworkSettings]:
    """Calibrate, and choose which objects to drop."""
    usual = settings.model_copy(update={"calibration": _calibrate(table)})
    tried = [
        usual.model_copy(update={"object_threshold": limit, "smallest_area": area})
        for limit in _tried(settings.object_threshold, _OBJECT_THRESHOLDS)
        for area in sorted({settings.smallest_area, *_AREAS})
    ]
    scores = [_score(table, one, totals) for one in tried]
    kept, best = _score(table, usual, totals), int(np.argmax(scores))
    return (scores[best], tried[best]) if scores[best] > kept + WORTH else (kept, usual)


def _score(table: pd.DataFrame, settings: NetworkSettings, totals: dict[str, int]) -> float:
    """Mean F1 of what is left after small and improbable objects are dropped."""
    slope, intercept = settings.calibration
    probability = 1 / (1 + np.exp(-(slope * _logit(table["mean"].to_numpy()) + intercept)))
    kept = (probability >= settings.object_threshold) & (table["area"] >= settings.smallest_area)
    return mean_f1(table[kept], totals)


def mean_f1(table: pd.DataFrame, totals: dict[str, int]) -> float:
    """Give the mean F1 over groups and IoU thresholds.

    Parameters
    ----------
    table
        A row for each object found: ``group``, and ``iou`` with the reference object that it matches, or 0.
    totals
        Number of reference objects of each group.

    Returns
    -------
    float
        0 to 1; a group without any object on either side counts as right.
    """
    scores = []
    for group, n_reference in totals.items():
        iou = table.loc[table["group"] == group, "iou"].to_numpy()
        both = n_reference + len(iou)
        scores += [2 * np.count_nonzero(iou >= limit) / both if both else 1.0 for limit in IOUS]
    return float(np.mean(scores))


def _calibrate(table: pd.DataFrame) -> tuple[float, float]:
    """Fit P(an object has a match at IoU 0.5) on its mean probability's log odds; groups weigh the same."""
    from sklearn.linear_model import LogisticRegression

    hit = table["iou"].to_numpy() >= 0.5
    if not len(hit) or hit.all() or not hit.any():
        return 1.0, 0.0
    weight = len(table) / table.groupby("group")["iou"].transform("size").to_numpy()
    fit = LogisticRegression(C=1e4).fit(_logit(table["mean"].to_numpy())[:, None], hit, weight)
    slope, intercept = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    # An object that looks better must not count as less probable, whatever few images say.
    return (round(slope, 3), round(intercept, 3)) if slope > 0.05 else (1.0, 0.0)


def _logit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.clip(values, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(safe / (1 - safe)))


def _harmless_search(
    package: NetworkPackage, settings: NetworkSettings, cases: Sequence[_Case], totals: dict[str, int]
) -> NetworkSettings:
    """Keep the search for other sizes as far as it costs nothing on images of the sizes trained on."""
    own = package.settings
    none = settings.model_copy(update={"scale_search": False})
    if not own.scale_search:
        return none
    least = _predicted_score(package, none, cases, totals) - WORTH
    for large in (True, False) if own.search_large else (False,):
        tried = settings.model_copy(update={"scale_search": True, "search_large": large})
        if _predicted_score(package, tried, cases, totals) >= least:
            return tried
    return none


def _predicted_score(
    package: NetworkPackage, settings: NetworkSettings, cases: Sequence[_Case], totals: dict[str, int]
) -> float:
    """Mean F1 of what users would get."""
    method = InstanceNetwork.of(replace(package, settings=settings), name="candidate")()
    tables = []
    for case in cases:
        table = contingency(case.reference, case.known(method.predict(case.image).labels))
        matched = match(table, threshold=IOUS[0])
        tables.append(case.row(np.concatenate([matched.ious, np.zeros(matched.fp)])))
    return mean_f1(_together(tables), totals)
