"""Which prediction stands for which reference, one to one, from any localisation criterion: rule S9.

Three ways are known in the field:

- **greedy by score**: predictions in the order of falling confidence, each takes the still free
  reference that it fits best (COCO; PASCAL VOC lets it ask only for the one it fits best, free or not,
  which counts more inventions among crowded objects). What a prediction gets does not depend on
  predictions of lower confidence, so one assignment serves every threshold of confidence.
- **greedy by overlap**: the best fitting pair is taken first, then the next best of those still free.
- **Hungarian**: most pairs, and among these the largest sum of fits. No greedy way finds more pairs.

Ties are decided so that results can be repeated. Predictions of equal confidence are taken together:
among them the better fit goes first. Where fits are equal as well, the reference that comes first goes
first, then the prediction that comes first; only there the order of the objects can matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.matching import OneToOne, best_pairs

__all__ = ["Assignment", "AssignmentMethod", "assign", "check_confidences"]

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

AssignmentMethod = Literal["greedy_by_score", "greedy_by_overlap", "hungarian"]


@dataclass(frozen=True, slots=True, eq=False)
class Assignment(OneToOne):
    """The objects of one image, assigned by a criterion; all objects by their position in the lists.

    Parameters
    ----------
    pairs, missed, invented
        As in `OneToOne`; pairs ascending by reference.
    method
        How they were assigned.
    fits
        Shape (n,): fit of each match.
    """

    method: AssignmentMethod
    fits: FloatArray


def assign(
    candidates: CandidatePairs, *, method: AssignmentMethod = "hungarian", scores: ArrayLike | None = None
) -> Assignment:
    """Match objects one to one.

    Parameters
    ----------
    candidates
        The pairs that may match; leave out those that do not fit well enough with
        `CandidatePairs.at_least`, and those of two classes with `CandidatePairs.same_class`.
    method
        How to choose where an object has several candidates.
    scores
        Confidence of each prediction, shape (n_prediction,), higher is surer; no NaN. Needed for greedy by
        score, not used otherwise.

    Returns
    -------
    Assignment
        Every object is in at most one pair. A second prediction of one object is a false positive.

    Raises
    ------
    InputError
        If the method is unknown, or has no scores but needs them.
    PixelValueError, ShapeMismatchError
        If scores are NaN, or not one per prediction.
    """
    if method == "hungarian":
        kept = _hungarian(candidates)
    elif method == "greedy_by_overlap":
        kept = _greedy(candidates, np.zeros(candidates.n_prediction))
    elif method == "greedy_by_score":
        if scores is None:
            raise InputError("greedy_by_score needs scores; give one per prediction, or use 'hungarian'")
        kept = _greedy(candidates, check_confidences(scores, n_predictions=candidates.n_prediction))
    else:
        raise InputError(
            f"assignment {method!r} is unknown; use one of {', '.join(get_args(AssignmentMethod))}"
        )
    pairs = candidates.pairs[kept]
    return Assignment(
        method=method,
        pairs=pairs,
        fits=candidates.fits[kept],
        missed=np.delete(np.arange(candidates.n_reference), pairs[:, 0]),
        invented=np.delete(np.arange(candidates.n_prediction), pairs[:, 1]),
    )


def check_confidences(scores: ArrayLike, *, n_predictions: int, where: str = "") -> FloatArray:
    """Refuse anything but one number per prediction.

    Parameters
    ----------
    scores
        Shape (n_predictions,), any scale, higher is surer.
    n_predictions
        Number of predictions.
    where
        Names the image, for messages.

    Returns
    -------
    numpy.ndarray
        The same, float64.

    Raises
    ------
    ShapeMismatchError
        If there is not one score per prediction.
    PixelValueError
        If a score is NaN.
    """
    prefix = f"{where}: " if where else ""
    found = np.asarray(scores, dtype=np.float64)
    if found.shape != (n_predictions,):
        raise ShapeMismatchError(
            f"{prefix}scores have shape {found.shape} for {n_predictions} predictions; give one for each"
        )
    n_nan = int(np.isnan(found).sum())
    if n_nan:
        raise PixelValueError(
            f"{prefix}{n_nan} of {n_predictions} scores are NaN; "
            "give a number, or leave these predictions out"
        )
    return found


def _greedy(candidates: CandidatePairs, scores: FloatArray) -> NDArray[np.intp]:
    """Give the positions of the candidates that become matches, ascending."""
    references, predictions = candidates.pairs.T
    order = np.lexsort((predictions, references, -candidates.fits, -scores[predictions]))
    taken = np.zeros(candidates.n_reference, dtype=bool), np.zeros(candidates.n_prediction, dtype=bool)
    kept = []
    for place in order.tolist():
        reference, prediction = references[place], predictions[place]
        if not taken[0][reference] and not taken[1][prediction]:
            taken[0][reference] = taken[1][prediction] = True
            kept.append(place)
    return np.sort(np.asarray(kept, dtype=np.intp))


def _hungarian(candidates: CandidatePairs) -> NDArray[np.intp]:
    """Give the positions of the candidates that become matches, ascending."""
    fits = candidates.fits
    if not len(fits):
        return np.empty(0, dtype=np.intp)
    # Among choices of equally many pairs, moving and scaling all fits changes nothing.
    return best_pairs(candidates.pairs, (fits - fits.min()) / (float(np.ptp(fits)) or 1.0))
