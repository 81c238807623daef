"""What a method says about an image."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.axes import check_axes
from veriscope.core.boxes import Boxes
from veriscope.core.labels import check_labels, first_pixels
from veriscope.errors import ShapeMismatchError

__all__ = ["Prediction"]


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Instance labels of one image, with what the method knows of their certainty.

    Parameters
    ----------
    labels
        Label image, int32, numbered 1 … n without gaps, over the spatial axes of the image.
    axes
        Axes of `labels`: ``"yx"`` or ``"zyx"``.
    probabilities
        Probability that each object is one, float32 of shape (n,), 0 to 1, in the order of the
        labels; None if the method has none to give. Untested: how well it is calibrated is
        the audit's to say.
    probability_map
        Probability that each pixel is foreground, float32 of the shape of `labels`, or None. A method
        that gives one gives it for every image, save where its values turn out to be no probabilities.
    details
        What the method found out on the way and a reader of the record should know, such as an
        estimated object diameter; plain values.
    boxes
        Box and class of each object, in the order of the labels, where the method finds boxes: its labels are
        then the ellipses in them; else None.

    Raises
    ------
    AxesError
        If the axes do not fit the labels.
    ShapeMismatchError
        If the number of probabilities or boxes is not the number of objects, or a map has another shape.
    """

    labels: NDArray[np.int32]
    axes: str
    probabilities: NDArray[np.float32] | None = None
    probability_map: NDArray[np.float32] | None = None
    details: dict[str, Any] = field(default_factory=dict)
    boxes: Boxes | None = None

    def __post_init__(self) -> None:
        check_labels(self.labels, where="the prediction")
        check_axes(self.axes, self.labels.ndim, where="the prediction")
        if self.probabilities is not None and len(self.probabilities) != self.n_objects:
            raise ShapeMismatchError(
                f"a prediction of {self.n_objects} objects has {len(self.probabilities)} probabilities"
            )
        if self.boxes is not None and len(self.boxes) != self.n_objects:
            raise ShapeMismatchError(f"a prediction of {self.n_objects} objects has {len(self.boxes)} boxes")
        if self.probability_map is not None and self.probability_map.shape != self.labels.shape:
            raise ShapeMismatchError(
                f"probability map {self.probability_map.shape} does not fit labels {self.labels.shape}"
            )

    @property
    def n_objects(self) -> int:
        """Number of objects."""
        return int(self.labels.max()) if self.labels.size else 0

    def in_order(self) -> Prediction:
        """Give the same prediction with objects numbered by their first pixels, row by row, without gaps.

        Returns
        -------
        Prediction
            The same objects; their numbers no longer tell how they were found.
        """
        first = first_pixels(np.ascontiguousarray(self.labels))
        order = np.argsort(first, kind="stable")
        order = order[first[order] < self.labels.size]
        if np.array_equal(order, np.arange(len(first))):
            return self
        number = np.zeros(len(first) + 1, np.int32)
        number[order + 1] = np.arange(1, len(order) + 1)
        return replace(
            self,
            labels=number[self.labels],
            probabilities=None if self.probabilities is None else self.probabilities[order],
            boxes=None if self.boxes is None else self.boxes.take(order),
        )
