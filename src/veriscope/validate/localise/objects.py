"""Objects of one image as boxes, points or label image, and the criterion that brings two sides together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from veriscope.core.labels import check_labels
from veriscope.core.plain import PlainRecord, plain
from veriscope.errors import InputError, ShapeMismatchError
from veriscope.validate.assign import check_confidences
from veriscope.validate.contingency import contingency
from veriscope.validate.localise.boxes import (
    box_centres,
    box_intersection_over_reference,
    box_iou,
    check_boxes,
)
from veriscope.validate.localise.masks import boundary_iou, intersection_over_reference, mask_iou
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.localise.points import (
    Side,
    centre_distance,
    check_points,
    point_in_box,
    point_in_mask,
)
from veriscope.validate.metrics.semantic.masks import check_distance

__all__ = ["Criterion", "CriterionKey", "Detections", "localise"]

FloatArray = NDArray[np.float64]
CriterionKey = Literal[
    "box_iou",
    "mask_iou",
    "boundary_iou",
    "intersection_over_reference",
    "point_in_mask",
    "centre_distance",
]

_WITH_THRESHOLD = frozenset({"box_iou", "mask_iou", "boundary_iou", "intersection_over_reference"})


@dataclass(frozen=True, slots=True)
class Criterion(PlainRecord):
    """When a prediction counts as found: rule S8.

    Parameters
    ----------
    key
        ``"box_iou"`` for boxes; ``"mask_iou"`` and ``"boundary_iou"`` for label images;
        ``"intersection_over_reference"`` for either; ``"point_in_mask"`` where one side has an extent (box
        or mask); ``"centre_distance"`` for all.
    threshold
        Smallest overlap, above 0, at most 1; equal to it is enough. Not used by the last two.
    tolerance
        Largest distance of centres, at least 0; only for ``"centre_distance"``, which needs it.
    rim
        Width of the rims, above 0; only for ``"boundary_iou"``, which needs it.
    spacing
        Size of a pixel along each axis, in µm, for tolerance and rim; None: they are in pixels.
    """

    key: CriterionKey
    threshold: float = 0.5
    tolerance: float | None = None
    rim: float | None = None
    spacing: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.key not in get_args(CriterionKey):
            raise InputError(
                f"criterion {self.key!r} is unknown; use one of {', '.join(get_args(CriterionKey))}"
            )
        if not 0 < self.threshold <= 1:
            raise InputError(
                f"threshold {self.threshold!r} is not allowed; use a number above 0 and at most 1"
            )
        for name, value, owner in (
            ("tolerance", self.tolerance, "centre_distance"),
            ("rim", self.rim, "boundary_iou"),
        ):
            if (value is not None) != (self.key == owner):
                fault = "needs" if self.key == owner else "has no"
                raise InputError(f"{self.key} {fault} {name}, which was {value!r}; only {owner} has one")
            if value is not None:
                check_distance(value, name=name, zero=name == "tolerance")

    @property
    def least_fit(self) -> float:
        """Smallest fit of a pair that counts; minus infinity where all candidates count."""
        return self.threshold if self.key in _WITH_THRESHOLD else -np.inf

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``key``, ``threshold`` (None where not used), ``tolerance``, ``rim``, ``spacing``.
        """
        return {
            "key": self.key,
            "threshold": self.threshold if self.key in _WITH_THRESHOLD else None,
            "tolerance": self.tolerance,
            "rim": self.rim,
            "spacing": plain(self.spacing),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Objects of one image; give exactly one of boxes, points and labels.

    Parameters
    ----------
    boxes
        Shape (n, 4) or (n, 6): first pixel on each axis, then one past the last; fractions are allowed.
    points
        Shape (n, 2) or (n, 3): (y, x) or (z, y, x); a whole number is the centre of a pixel.
    labels
        Label image, (y, x) or (z, y, x), 0 = background; objects are in the order of their labels.
    scores
        Confidence of each object, shape (n,), any scale, higher is surer; no NaN. None: there is none.
    classes
        Class of each object, shape (n,), words or numbers. None: there is one class.
    """

    boxes: ArrayLike | None = None
    points: ArrayLike | None = None
    labels: NDArray[Any] | None = None
    scores: ArrayLike | None = None
    classes: ArrayLike | None = None
    _ids: NDArray[Any] = field(init=False, repr=False, default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        given = [name for name in ("boxes", "points", "labels") if getattr(self, name) is not None]
        if len(given) != 1:
            raise InputError(
                f"{' and '.join(given) or 'nothing'} given for one image; "
                "give exactly one of boxes, points and labels"
            )
        checks: dict[str, Callable[[Any], NDArray[Any]]] = {
            "boxes": check_boxes,
            "points": check_points,
            "labels": lambda labels: check_labels(np.asarray(labels), where="labels"),
        }
        object.__setattr__(self, given[0], checks[given[0]](getattr(self, given[0])))
        if self.labels is not None:
            ids = np.unique(self.labels)
            object.__setattr__(self, "_ids", ids[ids > 0])
        if self.scores is not None:
            object.__setattr__(self, "scores", check_confidences(self.scores, n_predictions=len(self)))
        if self.classes is not None:
            classes = np.asarray(self.classes).astype(str)
            if classes.shape != (len(self),):
                raise ShapeMismatchError(
                    f"classes have shape {classes.shape} for {len(self)} objects; give one for each"
                )
            object.__setattr__(self, "classes", classes)

    def __len__(self) -> int:
        if self.labels is not None:
            return len(self._ids)
        return len(np.asarray(self.boxes if self.boxes is not None else self.points))

    @property
    def kind(self) -> Literal["boxes", "points", "labels"]:
        """Which of the three was given."""
        if self.labels is not None:
            return "labels"
        return "boxes" if self.boxes is not None else "points"

    def centres(self) -> FloatArray:
        """Give the centre of each object.

        Returns
        -------
        numpy.ndarray
            Shape (n, d), in pixels: the points, centres of boxes, or centroids of masks.
        """
        if self.labels is not None:
            ids = self._ids
            found = ndimage.center_of_mass(self.labels > 0, self.labels, ids) if len(ids) else []
            return np.asarray(found, dtype=np.float64).reshape(len(ids), self.labels.ndim)
        if self.boxes is not None:
            return box_centres(np.asarray(self.boxes))
        return np.asarray(self.points)


def localise(reference: Detections, prediction: Detections, criterion: Criterion) -> CandidatePairs:
    """Find the pairs of objects of one image that may belong together, whatever their classes.

    Parameters
    ----------
    reference, prediction
        Objects of either side.
    criterion
        How pairs are judged. ``"point_in_mask"`` takes the centres of the predictions and the boxes or
        masks of the references; where the references are points, it takes these and the boxes or masks
        of the predictions.

    Returns
    -------
    CandidatePairs
        All pairs that overlap, or are within the tolerance; those below the threshold as well.

    Raises
    ------
    InputError
        If the criterion does not go with what was given.
    """
    kinds = reference.kind, prediction.kind
    key = criterion.key
    if key == "centre_distance":
        return centre_distance(
            reference.centres(),
            prediction.centres(),
            tolerance=criterion.tolerance or 0.0,
            spacing=criterion.spacing,
        )
    if key == "point_in_mask" and kinds != ("points", "points"):
        return _point_in_extent(reference, prediction)
    if kinds == ("boxes", "boxes"):
        boxes = np.asarray(reference.boxes), np.asarray(prediction.boxes)
        if key == "box_iou":
            return box_iou(*boxes)
        if key == "intersection_over_reference":
            return box_intersection_over_reference(*boxes)
    if reference.labels is not None and prediction.labels is not None and key != "box_iou":
        if key == "boundary_iou":
            return boundary_iou(
                reference.labels, prediction.labels, width=criterion.rim or 0.0, spacing=criterion.spacing
            )
        table = contingency(reference.labels, prediction.labels)
        return mask_iou(table) if key == "mask_iou" else intersection_over_reference(table)
    raise InputError(f"{key} does not go with {kinds[0]} and {kinds[1]}; {_GOES_WITH[key]}")


_GOES_WITH: dict[CriterionKey, str] = {
    "box_iou": "give boxes on both sides",
    "mask_iou": "give label images on both sides, or use box_iou for boxes",
    "boundary_iou": "give label images on both sides",
    "intersection_over_reference": "give boxes on both sides, or label images on both sides",
    "point_in_mask": "give boxes or a label image on one side, or use centre_distance for points",
    "centre_distance": "",
}


def _point_in_extent(reference: Detections, prediction: Detections) -> CandidatePairs:
    by_points = reference.kind == "points"
    side: Side = "prediction" if by_points else "reference"
    holder = prediction if by_points else reference
    centres = (reference if by_points else prediction).centres()
    if holder.labels is not None:
        return point_in_mask(holder.labels, centres, masks=side)
    return point_in_box(np.asarray(holder.boxes), centres, masks=side)
