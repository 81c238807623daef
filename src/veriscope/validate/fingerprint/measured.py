"""Measure from label images what a fingerprint asks about sizes, touching, imbalance and empty images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label as connected_pieces

from veriscope.core.labels import check_labels, check_same_shape
from veriscope.errors import AxesError, InputError, VeriscopeError
from veriscope.validate.columns import walk_columns
from veriscope.validate.fingerprint.items import Figure, Fingerprint

__all__ = ["LIMITS", "FingerprintTally", "measure_fingerprint"]

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


class FingerprintTally:
    """Adds up, pair by pair, what the items ask about; for callers that read each pair only once."""

    def __init__(self) -> None:
        self._sizes: list[NDArray[np.int64]] = []
        self._diameters: list[NDArray[np.float64]] = []
        self._touching = 0
        self._disconnected = 0
        self._foreground = 0
        self._pixels = 0
        self._images = 0
        self._empty_references = 0
        self._predictions = 0
        self._empty_predictions = 0
        self._invalid_predictions = 0

    def add(self, reference: NDArray[Any], *predictions: NDArray[Any]) -> None:
        """Take in one image.

        Parameters
        ----------
        reference
            Label image, (y, x) or (z, y, x), integer, 0 = background.
        *predictions
            Label images of the same shape, one per candidate; one that cannot be used is counted, not
            refused.

        Raises
        ------
        PixelValueError, AxesError
            If the reference is no label image, or has other than two or three axes.
        """
        where = f"reference {self._images + 1}"
        labels = check_labels(np.asarray(reference), where=where)
        self._add_reference(labels, where=where)
        for prediction in predictions:
            self._predictions += 1
            self._add_prediction(labels, np.asarray(prediction))

    def result(
        self, *, clusters: Sequence[str] | None = None, scores_available: bool | None = None, **said: Any
    ) -> Fingerprint:
        """Give the fingerprint of all images taken in.

        Parameters
        ----------
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
            If there is no reference, the number of clusters differs, or an answer is not allowed.
        """
        if self._images == 0:
            raise InputError("there is no reference; a fingerprint is measured from at least one label image")
        if clusters is not None and len(clusters) != self._images:
            raise InputError(f"{len(clusters)} clusters for {self._images} images; give one per image")
        figures = self._figures(clusters=clusters)
        answers: dict[str, Any] = {figure.item: _holds(figure) for figure in figures}
        if scores_available is not None:
            answers["scores_available"] = scores_available
        measured = Fingerprint.parse(
            {**answers, "measured": sorted(answers), "figures": figures}, where="the measured fingerprint"
        )
        return measured.override(**said) if said else measured

    def _add_reference(self, labels: NDArray[Any], *, where: str) -> None:
        if labels.ndim not in (2, 3):
            raise AxesError(
                f"{where}: has {labels.ndim} axes; a fingerprint is measured on (y, x) or (z, y, x), "
                "so give time points and channels one by one"
            )
        ids, sizes = np.unique(labels[labels > 0], return_counts=True)
        self._images += 1
        self._pixels += labels.size
        self._foreground += int(sizes.sum())
        if len(ids) == 0:
            self._empty_references += 1
            return
        self._sizes.append(sizes)
        self._diameters.append(_diameters(sizes, labels.ndim))
        self._touching += len(_touching(labels))
        self._disconnected += _n_disconnected(labels, ids)

    def _add_prediction(self, reference: NDArray[Any], prediction: NDArray[Any]) -> None:
        try:
            labels = check_labels(prediction)
            check_same_shape(reference, labels)
        except VeriscopeError:
            self._invalid_predictions += 1
            return
        if _may_have_wrapped(labels):
            self._invalid_predictions += 1
        self._empty_predictions += not (labels > 0).any()

    def _figures(self, *, clusters: Sequence[str] | None) -> list[Figure]:
        found: dict[str, tuple[str, float]] = {}
        if self._sizes:
            sizes, diameters = np.concatenate(self._sizes), np.concatenate(self._diameters)
            low, high = np.percentile(sizes, [10, 90])
            found["small_structures"] = (
                "diameter in pixels that a quarter of the objects stay below",
                float(np.percentile(diameters, 25)),
            )
            found["size_variability"] = (
                "90th over 10th percentile of the objects' pixel counts",
                float(high / low),
            )
            found["touching"] = ("share of objects that touch another", self._touching / len(sizes))
            found["disconnected"] = (
                "share of objects with more than one piece",
                self._disconnected / len(sizes),
            )
            share = self._foreground / self._pixels
            found["class_imbalance"] = (
                "share of the rarer of foreground and background",
                min(share, 1 - share),
            )
        found["reference_may_be_empty"] = (
            "share of references without objects",
            self._empty_references / self._images,
        )
        if self._predictions:
            found["prediction_may_be_empty"] = (
                "share of predictions without objects",
                self._empty_predictions / self._predictions,
            )
            found["invalid_outputs"] = (
                "share of predictions that cannot be used",
                self._invalid_predictions / self._predictions,
            )
        if clusters is not None:
            found["dependent_cases"] = ("images per cluster", self._images / len(set(clusters)))
        return [
            Figure(item=item, name=name, value=value, limit=LIMITS[item])
            for item, (name, value) in found.items()
        ]


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
    clusters, scores_available, **said
        As in `FingerprintTally.result`.

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
    tally = FingerprintTally()
    for row in walk_columns({"references": references, "predictions": predictions}):
        tally.add(*row.values())
    return tally.result(clusters=clusters, scores_available=scores_available, **said)


def _holds(figure: Figure) -> bool:
    """Small values count for the size and the share of the rarer class, large ones for all others."""
    if figure.item in {"small_structures", "class_imbalance"}:
        return figure.value < figure.limit
    return figure.value > figure.limit


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
