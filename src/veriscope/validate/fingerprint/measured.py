"""Measure from label images what a fingerprint asks about sizes, touching, imbalance and empty images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected_pieces

from veriscope.core.labels import check_labels, check_same_shape
from veriscope.errors import AxesError, InputError, VeriscopeError
from veriscope.validate.fingerprint.items import Figure, Fingerprint

__all__ = ["LIMITS", "measure_fingerprint"]

LIMITS = {
    "small_structures": 10.0,
    "size_variability": 10.0,
    "touching": 0.01,
    "disconnected": 0.01,
    "class_imbalance": 0.1,
    "reference_may_be_empty": 0.0,
    "prediction_may_be_empty": 0.0,
    "invalid_outputs": 0.0,
    "dependent_cases": 1.0,
}
"""Where a measured number makes an item hold. The paper gives no numbers; these are ours, and shown."""

_MISSING = object()


@dataclass(slots=True)
class _Tally:
    """What is added up over the images."""

    sizes: list[NDArray[np.int64]] = field(default_factory=list)
    diameters: list[NDArray[np.float64]] = field(default_factory=list)
    touching: int = 0
    disconnected: int = 0
    foreground: int = 0
    pixels: int = 0
    images: int = 0
    empty_references: int = 0
    empty_predictions: int = 0
    invalid_predictions: int = 0


def measure_fingerprint(
    references: Iterable[NDArray[Any]],
    predictions: Iterable[NDArray[Any]] | None = None,
    *,
    clusters: Sequence[str] | None = None,
    scores_available: bool | None = None,
    **said: Any,
) -> Fingerprint:
    """Fill in the items that can be read from label images, with the numbers found.

    Parameters
    ----------
    references
        Label images, (y, x) or (z, y, x), integer, 0 = background; taken one at a time.
    predictions
        Label images in the same order; one that cannot be used is counted, not refused.
    clusters
        Well, animal or patient of each image.
    scores_available
        Whether the predictions came with scores or probabilities; None: not looked at.
    **said
        Answers to other items, or answers that override what is measured.

    Returns
    -------
    Fingerprint
        Measured items, with ``figures``; without any object, items about objects stay as assumed.

    Raises
    ------
    InputError
        If there is no reference, the numbers of images differ, or an answer is not allowed.
    PixelValueError, AxesError
        If a reference is no label image, or has other than two or three axes.
    """
    tally = _Tally()
    pairs = zip_longest(references, [] if predictions is None else predictions, fillvalue=_MISSING)
    for number, (reference, prediction) in enumerate(pairs, start=1):
        if reference is _MISSING or (predictions is not None and prediction is _MISSING):
            short = "references" if reference is _MISSING else "predictions"
            raise InputError(f"only {number - 1} {short} for more images; give one of each per image")
        labels = check_labels(np.asarray(reference), where=f"reference {number}")
        _add_reference(tally, labels, where=f"reference {number}")
        if predictions is not None:
            _add_prediction(tally, labels, np.asarray(prediction))
    if tally.images == 0:
        raise InputError("there is no reference; a fingerprint is measured from at least one label image")
    if clusters is not None and len(clusters) != tally.images:
        raise InputError(f"{len(clusters)} clusters for {tally.images} images; give one per image")
    figures = _figures(tally, with_predictions=predictions is not None, clusters=clusters)
    answers: dict[str, Any] = {figure.item: _holds(figure) for figure in figures}
    if scores_available is not None:
        answers["scores_available"] = scores_available
    measured = Fingerprint.parse(
        {**answers, "measured": sorted(answers), "figures": figures}, where="the measured fingerprint"
    )
    return measured.override(**said) if said else measured


def _holds(figure: Figure) -> bool:
    """Small values count for the size and the share of the rarer class, large ones for all others."""
    if figure.item in {"small_structures", "class_imbalance"}:
        return figure.value < figure.limit
    return figure.value > figure.limit


def _add_reference(tally: _Tally, labels: NDArray[Any], *, where: str) -> None:
    if labels.ndim not in (2, 3):
        raise AxesError(
            f"{where}: has {labels.ndim} axes; a fingerprint is measured on (y, x) or (z, y, x), "
            "so give time points and channels one by one"
        )
    ids, sizes = np.unique(labels[labels > 0], return_counts=True)
    tally.images += 1
    tally.pixels += labels.size
    tally.foreground += int(sizes.sum())
    if len(ids) == 0:
        tally.empty_references += 1
        return
    tally.sizes.append(sizes)
    tally.diameters.append(_diameters(sizes, labels.ndim))
    tally.touching += len(_touching(labels))
    tally.disconnected += _n_disconnected(labels, ids)


def _add_prediction(tally: _Tally, reference: NDArray[Any], prediction: NDArray[Any]) -> None:
    try:
        labels = check_labels(prediction)
        check_same_shape(reference, labels)
    except VeriscopeError:
        tally.invalid_predictions += 1
        return
    if _may_have_wrapped(labels):
        tally.invalid_predictions += 1
    tally.empty_predictions += not (labels > 0).any()


def _may_have_wrapped(labels: NDArray[Any]) -> bool:
    """Eight bits hold 255 objects; where all numbers are used, further objects may share them."""
    return labels.dtype == np.uint8 and len(np.unique(labels[labels > 0])) == 255


def _diameters(sizes: NDArray[np.int64], n_axes: int) -> NDArray[np.float64]:
    """Diameter in pixels of the disc or ball with as many pixels."""
    if n_axes == 2:
        return np.asarray(2 * np.sqrt(sizes / np.pi), dtype=np.float64)
    return np.asarray(np.cbrt(6 * sizes / np.pi), dtype=np.float64)


def _touching(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels of the objects that share a pixel face with another object."""
    found = []
    for axis in range(labels.ndim):
        ahead = np.moveaxis(labels, axis, 0)
        first, second = ahead[:-1], ahead[1:]
        meets = (first != second) & (first > 0) & (second > 0)
        found += [first[meets], second[meets]]
    return np.unique(np.concatenate(found))


def _n_disconnected(labels: NDArray[Any], ids: NDArray[Any]) -> int:
    """Count objects with several pieces; pieces that meet at a corner are one."""
    small = np.searchsorted(ids, labels) + 1
    small[labels == 0] = 0
    pieces = connected_pieces(small, background=0, connectivity=labels.ndim)
    owner = np.zeros(int(pieces.max()) + 1, dtype=np.int64)
    owner[pieces.ravel()] = small.ravel()
    return int((np.bincount(owner[1:]) > 1).sum())


def _figures(tally: _Tally, *, with_predictions: bool, clusters: Sequence[str] | None) -> list[Figure]:
    found: dict[str, tuple[str, float]] = {}
    if tally.sizes:
        sizes, diameters = np.concatenate(tally.sizes), np.concatenate(tally.diameters)
        low, high = np.percentile(sizes, [10, 90])
        found["small_structures"] = (
            "diameter in pixels that a quarter of the objects stay below",
            float(np.percentile(diameters, 25)),
        )
        found["size_variability"] = (
            "90th over 10th percentile of the objects' pixel counts",
            float(high / low),
        )
        found["touching"] = ("share of objects that touch another", tally.touching / len(sizes))
        found["disconnected"] = (
            "share of objects with more than one piece",
            tally.disconnected / len(sizes),
        )
        share = tally.foreground / tally.pixels
        found["class_imbalance"] = (
            "share of the rarer of foreground and background",
            min(share, 1 - share),
        )
    found["reference_may_be_empty"] = (
        "share of references without objects",
        tally.empty_references / tally.images,
    )
    if with_predictions:
        found["prediction_may_be_empty"] = (
            "share of predictions without objects",
            tally.empty_predictions / tally.images,
        )
        found["invalid_outputs"] = (
            "share of predictions that cannot be used",
            tally.invalid_predictions / tally.images,
        )
    if clusters is not None:
        found["dependent_cases"] = ("images per cluster", tally.images / len(set(clusters)))
    return [
        Figure(item=item, name=name, value=value, limit=LIMITS[item]) for item, (name, value) in found.items()
    ]
