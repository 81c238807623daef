"""Metrics of decisions between classes, from a table of counts: all classes in one number.

All take the counts of `confusion_matrix`, or sums of several, with any axes in front: so the metric of
one image, of all images and of all but one are the same function, and intervals can be made by image.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.validate.metrics.base import FloatArray, ratio
from veriscope.validate.metrics.classification.cases import check_classes

__all__ = [
    "accuracy",
    "balanced_accuracy",
    "check_confusion",
    "confusion_matrix",
    "expected_cost",
    "matthews_correlation",
    "weighted_kappa",
]


def confusion_matrix(reference: ArrayLike, prediction: ArrayLike, *, n_classes: int) -> FloatArray:
    """Count how often each class was predicted for each class of the reference.

    Parameters
    ----------
    reference, prediction
        Class of each case, shape (n,), 0 to `n_classes` - 1.
    n_classes
        Number of classes, also those that do not occur.

    Returns
    -------
    numpy.ndarray
        Shape (K, K): row = class of the reference, column = predicted class. All 0 without a case.

    Raises
    ------
    InputError
        If a class is not allowed.
    ShapeMismatchError
        If the numbers of cases differ.
    """
    rows = check_classes(reference, n_classes=n_classes, name="reference")
    columns = check_classes(prediction, n_classes=n_classes, name="prediction")
    if len(rows) != len(columns):
        raise ShapeMismatchError(
            f"{len(rows)} cases have a reference and {len(columns)} a prediction; give both for each case"
        )
    counts = np.bincount(rows * n_classes + columns, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.float64)


def check_confusion(confusion: ArrayLike) -> FloatArray:
    """Refuse a table that does not count pairs of classes.

    Parameters
    ----------
    confusion
        Shape (..., K, K), 0 or more; need not be whole, so that cases can have weights.

    Returns
    -------
    numpy.ndarray
        The same, float.

    Raises
    ------
    InputError
        If the last two axes differ in length, or a count is negative, NaN or infinite.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    if counts.ndim < 2 or counts.shape[-1] != counts.shape[-2] or counts.shape[-1] == 0:
        raise InputError(f"a confusion matrix has shape (..., K, K), not {counts.shape}")
    if not (np.isfinite(counts) & (counts >= 0)).all():
        raise InputError("a confusion matrix has counts of 0 or more; this one has negative or missing ones")
    return counts


def accuracy(confusion: ArrayLike) -> FloatArray:
    """Share of cases that were given their class.

    Parameters
    ----------
    confusion
        Counts, shape (..., K, K).

    Returns
    -------
    numpy.ndarray
        Shape (...), 0 to 1, higher is better. NaN without a case. A frequent class hides the others.
    """
    counts = check_confusion(confusion)
    return ratio(np.trace(counts, axis1=-2, axis2=-1), counts.sum(axis=(-2, -1)))


def balanced_accuracy(confusion: ArrayLike) -> FloatArray:
    """Mean over classes of the share of their cases that were found, each class counting the same.

    Parameters
    ----------
    confusion
        Counts, shape (..., K, K).

    Returns
    -------
    numpy.ndarray
        Shape (...), 0 to 1, higher is better; 1 / K for guessing. The mean is over the classes that
        occur in the reference. NaN without a case.

    References
    ----------
    .. [1] Brodersen KH, Ong CS, Stephan KE, Buhmann JM. The balanced accuracy and its posterior
       distribution. ICPR (2010). doi:10.1109/ICPR.2010.764
    """
    counts = check_confusion(confusion)
    totals = counts.sum(axis=-1)
    found = np.diagonal(counts, axis1=-2, axis2=-1) / np.where(totals > 0, totals, 1.0)
    return ratio(found.sum(axis=-1), (totals > 0).sum(axis=-1).astype(np.float64))


def matthews_correlation(confusion: ArrayLike) -> FloatArray:
    """Correlation of predicted class and class of the reference, for two or more classes.

    Parameters
    ----------
    confusion
        Counts, shape (..., K, K).

    Returns
    -------
    numpy.ndarray
        Shape (...), -1 to 1 for two classes (for more, the lowest value lies between -1 and 0), higher
        is better, 0 for guessing. NaN if either side has cases of one class only: nothing correlates
        with a constant (scikit-learn returns 0 there).

    References
    ----------
    .. [1] Gorodkin J. Comparing two K-category assignments by a K-category correlation coefficient.
       Computational Biology and Chemistry 28 (2004), 367-374.
       doi:10.1016/j.compbiolchem.2004.09.006
    """
    counts = check_confusion(confusion)
    total = counts.sum(axis=(-2, -1))
    reference, prediction = counts.sum(axis=-1), counts.sum(axis=-2)
    right = np.trace(counts, axis1=-2, axis2=-1)
    covariance = right * total - (reference * prediction).sum(axis=-1)
    spread_reference = total**2 - (reference**2).sum(axis=-1)
    spread_prediction = total**2 - (prediction**2).sum(axis=-1)
    # One class only is told by the counts themselves: with weights, its spread is 0 but for rounding.
    varies = ((reference > 0).sum(axis=-1) > 1) & ((prediction > 0).sum(axis=-1) > 1)
    spreads = [np.where(varies, spread, 0.0) for spread in (spread_reference, spread_prediction)]
    # The root of each factor: the product of both overflows the exact whole numbers of floats sooner.
    return ratio(covariance, np.sqrt(spreads[0]) * np.sqrt(spreads[1]))


def weighted_kappa(
    confusion: ArrayLike, *, weights: Literal["none", "linear", "quadratic"] = "quadratic"
) -> FloatArray:
    """Agreement beyond chance, where a confusion costs more the further apart ordered classes are.

    Parameters
    ----------
    confusion
        Counts, shape (..., K, K), classes in their order.
    weights
        Cost of taking class i for class j: ``"none"``: 1 unless i = j (Cohen's κ); ``"linear"``:
        |i - j|; ``"quadratic"``: (i - j)².

    Returns
    -------
    numpy.ndarray
        Shape (...), 1 - Σ cost · observed / Σ cost · expected, -1 to 1, higher is better, 0 for
        guessing. NaN if both sides have cases of the same one class only, or there is no case.

    Raises
    ------
    InputError
        If the weights are unknown.

    References
    ----------
    .. [1] Cohen J. Weighted kappa. Psychological Bulletin 70 (1968), 213-220. doi:10.1037/h0026256
    """
    counts = check_confusion(confusion)
    places = np.arange(counts.shape[-1])
    apart = np.abs(places[:, None] - places[None, :]).astype(np.float64)
    costs = {"none": np.minimum(apart, 1.0), "linear": apart, "quadratic": apart**2}
    if weights not in costs:
        raise InputError(f"weights {weights!r} are not allowed; use one of {', '.join(costs)}")
    total = counts.sum(axis=(-2, -1))
    by_chance = counts.sum(axis=-1)[..., :, None] * counts.sum(axis=-2)[..., None, :]
    observed = (costs[weights] * counts).sum(axis=(-2, -1)) * total
    expected = (costs[weights] * by_chance).sum(axis=(-2, -1))
    return 1 - ratio(observed, expected)


def expected_cost(
    confusion: ArrayLike,
    costs: ArrayLike,
    *,
    priors: ArrayLike | None = None,
    normalised: bool = False,
) -> FloatArray:
    """Mean cost of a decision, given what each confusion costs.

    Parameters
    ----------
    confusion
        Counts, shape (..., K, K).
    costs
        Shape (K, K), 0 or more: row = class of the reference, column = predicted class; 0 on the diagonal
        as a rule.
    priors
        Shape (K,), sums to 1: how frequent the classes are where the decisions will be made; None: as
        frequent as in these data.
    normalised
        Divide by the cost of the best decision that does not look at the case; above 1 is then worse
        than not looking.

    Returns
    -------
    numpy.ndarray
        Shape (...), from 0 up, lower is better. NaN without a case, if a class with a prior above 0 does
        not occur in the reference, or, normalised, if not looking costs nothing.

    Raises
    ------
    InputError
        If costs or priors do not fit the classes.

    References
    ----------
    .. [1] Ferrer L. Analysis and comparison of classification metrics. arXiv:2209.05355 (2022).
    """
    counts = check_confusion(confusion)
    n_classes = counts.shape[-1]
    price = np.asarray(costs, dtype=np.float64)
    if price.shape != (n_classes, n_classes) or not (np.isfinite(price) & (price >= 0)).all():
        raise InputError(f"costs must be {n_classes} x {n_classes} numbers of 0 or more, one per confusion")
    totals = counts.sum(axis=-1)
    if priors is None:
        frequency = ratio(totals, totals.sum(axis=-1, keepdims=True))
    else:
        frequency = np.broadcast_to(_check_priors(priors, n_classes), totals.shape)
    shares = counts / np.where(totals > 0, totals, 1.0)[..., None]
    by_class = np.where((totals == 0) & (frequency > 0), np.nan, (price * shares).sum(axis=-1))
    cost: FloatArray = np.asarray((frequency * by_class).sum(axis=-1))
    if not normalised:
        return cost
    without_looking = (frequency[..., :, None] * price).sum(axis=-2).min(axis=-1)
    return ratio(cost, without_looking)


def _check_priors(priors: ArrayLike, n_classes: int) -> FloatArray:
    found = np.asarray(priors, dtype=np.float64)
    if found.shape != (n_classes,) or not (found >= 0).all() or abs(float(found.sum()) - 1) > 1e-6:
        raise InputError(f"priors must be {n_classes} numbers of 0 or more that sum to 1, one per class")
    return found
