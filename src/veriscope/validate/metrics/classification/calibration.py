"""Metrics of stated probabilities: how good they are, and whether they hold.

Brier score and NLL judge probabilities as a whole; calibration errors ask one thing only, whether of the
cases given 80 % four in five are right, which says nothing on how well cases are told apart.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import distance

from veriscope.errors import InputError
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.cases import (
    by_class,
    check_outcomes,
    check_probabilities,
    checked_cases,
)

__all__ = [
    "Binning",
    "bin_index",
    "brier_by_case",
    "brier_score",
    "class_wise_calibration_error",
    "expected_calibration_error",
    "negative_log_likelihood",
    "root_brier_score",
    "squared_kernel_calibration_error",
    "top_label",
]

Binning = Literal["width", "mass"]

_BLOCK = 512


def _cases(reference: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], FloatArray]:
    """Check both; probabilities of one class become a column for each of two."""
    classes, stated = checked_cases(reference, probabilities)
    return classes, by_class(stated)


def brier_by_case(reference: ArrayLike, probabilities: ArrayLike) -> FloatArray:
    """Give the squared distance of each case's probabilities from what was the case.

    Parameters
    ----------
    reference
        Class of each case, shape (n,), 0 to K - 1.
    probabilities
        Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two.

    Returns
    -------
    numpy.ndarray
        Shape (n,): the sum over classes, 0 to 2; for probabilities of shape (n,) the square for class 1
        alone, 0 to 1. Its mean is `brier_score`.

    Raises
    ------
    InputError
        If classes or probabilities are not allowed.
    """
    classes, stated = checked_cases(reference, probabilities)
    if stated.ndim == 1:
        return (stated - classes) ** 2
    return np.asarray(((stated - np.eye(stated.shape[1])[classes]) ** 2).sum(axis=1))


def brier_score(reference: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean squared distance of the stated probabilities from what was the case.

    Parameters
    ----------
    reference, probabilities
        As in `brier_by_case`.

    Returns
    -------
    float
        Lower is better. For shape (n, K) the sum over classes, 0 to 2; for shape (n,) the square for
        class 1 alone, 0 to 1, which is half of the former with two classes. NaN without a case.

    Raises
    ------
    InputError
        If classes or probabilities are not allowed.

    References
    ----------
    .. [1] Brier GW. Verification of forecasts expressed in terms of probability. Monthly Weather Review 78
       (1950), 1-3.
    """
    squares = brier_by_case(reference, probabilities)
    return float(squares.mean()) if len(squares) else float("nan")


def root_brier_score(reference: ArrayLike, probabilities: ArrayLike) -> float:
    """Root of the Brier score: an upper bound of the errors of calibration, on the scale of probabilities.

    Parameters
    ----------
    reference, probabilities
        As in `brier_by_case`.

    Returns
    -------
    float
        Lower is better; 0 to √2 for shape (n, K), 0 to 1 for shape (n,). NaN without a case.

    Raises
    ------
    InputError
        If classes or probabilities are not allowed.

    References
    ----------
    .. [1] Gruber SG, Buettner F. Better uncertainty calibration via proper scores for classification and
       beyond. NeurIPS (2022). arXiv:2203.07835
    """
    return float(np.sqrt(brier_score(reference, probabilities)))


def negative_log_likelihood(reference: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of -log of the probability that was stated for the class of the reference.

    Parameters
    ----------
    reference, probabilities
        As in `brier_by_case`.

    Returns
    -------
    float
        From 0 up, in nats, lower is better; log K for always stating 1 / K. Infinite if a class that was
        stated as impossible occurs (nothing is clipped). NaN without a case.

    Raises
    ------
    InputError
        If classes or probabilities are not allowed.
    """
    classes, stated = _cases(reference, probabilities)
    if not len(classes):
        return float("nan")
    given = stated[np.arange(len(classes)), classes]
    if (given == 0).any():
        return float("inf")
    return float(-np.log(given).mean() + 0.0)


def top_label(reference: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.bool_], FloatArray]:
    """Take the most probable class of each case: whether it is right, and how probable it was said to be.

    Parameters
    ----------
    reference, probabilities
        As in `brier_by_case`.

    Returns
    -------
    tuple
        Whether right, shape (n,), and the stated probability, shape (n,), from 1 / K to 1. Of equally
        probable classes the first is taken.

    Raises
    ------
    InputError
        If classes or probabilities are not allowed.
    """
    classes, stated = _cases(reference, probabilities)
    return np.asarray(stated.argmax(axis=1) == classes), stated.max(axis=1)


def bin_index(probabilities: FloatArray, *, n_bins: int, binning: Binning) -> NDArray[np.int64]:
    """Sort probabilities into bins.

    Parameters
    ----------
    probabilities
        Shape (n,), 0 to 1.
    n_bins
        Number of bins, at least 1.
    binning
        ``"width"``: bins of the same width, a value on a border goes to the lower bin; ``"mass"``: bins
        of about the same number of cases, equal values go together, so some bins may stay empty.

    Returns
    -------
    numpy.ndarray
        Shape (n,), 0 to `n_bins` - 1.

    Raises
    ------
    InputError
        If the number of bins or the kind of binning is not allowed.
    """
    if n_bins < 1:
        raise InputError(f"n_bins {n_bins!r} is not allowed; use a whole number of at least 1")
    if binning == "width":
        inner = np.arange(1, n_bins) / n_bins
        return np.searchsorted(inner, probabilities, side="left").astype(np.int64)
    if binning == "mass":
        before = np.searchsorted(np.sort(probabilities), probabilities, side="left").astype(np.int64)
        return np.asarray(before * n_bins // max(len(probabilities), 1), dtype=np.int64)
    raise InputError(f"binning {binning!r} is not allowed; use 'width' or 'mass'")


def expected_calibration_error(
    outcomes: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 15, binning: Binning = "width"
) -> float:
    """Mean over cases of how far the stated probability of their bin lies from the share that came true.

    Parameters
    ----------
    outcomes
        Whether what was stated came true, shape (n,), 0 or 1: for several classes take `top_label`.
    probabilities
        Stated probability of each case, shape (n,).
    n_bins, binning
        Bins, see `bin_index`.

    Returns
    -------
    float
        Σ cases of the bin / n · |mean outcome - mean probability|, 0 to 1, lower is better. NaN without a
        case. Biased upwards: few cases per bin raise it even where all holds, so compare at the same number
        of cases and bins only.

    Raises
    ------
    InputError
        If outcomes, probabilities or bins are not allowed.

    References
    ----------
    .. [1] Guo C, Pleiss G, Sun Y, Weinberger KQ. On calibration of modern neural networks. ICML (2017),
       eq. 3 (equal width).
    .. [2] Nixon J and others. Measuring calibration in deep learning. CVPR workshops (2019) (equal mass).
    """
    true = check_outcomes(outcomes)
    stated = check_probabilities(probabilities, n_cases=len(true))
    index = bin_index(stated, n_bins=n_bins, binning=binning)
    if not len(true):
        return float("nan")
    return float(np.abs(np.bincount(index, weights=true - stated)).sum() / len(true))


def class_wise_calibration_error(
    reference: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 15, binning: Binning = "width"
) -> float:
    """Mean over classes of the calibration error of the probability stated for each.

    Parameters
    ----------
    reference, probabilities
        As in `brier_by_case`.
    n_bins, binning
        Bins, see `bin_index`.

    Returns
    -------
    float
        0 to 1, lower is better; classes that do not occur count too, since probabilities were stated for
        them. NaN without a case.

    Raises
    ------
    InputError
        If classes, probabilities or bins are not allowed.

    References
    ----------
    .. [1] Kull M and others. Beyond temperature scaling: obtaining well-calibrated multi-class
       probabilities with Dirichlet calibration. NeurIPS (2019).
    """
    classes, stated = _cases(reference, probabilities)
    errors = [
        expected_calibration_error(classes == k, stated[:, k], n_bins=n_bins, binning=binning)
        for k in range(stated.shape[1])
    ]
    return float(np.mean(errors))


def squared_kernel_calibration_error(
    reference: ArrayLike, probabilities: ArrayLike, *, bandwidth: float | None = None
) -> float:
    """Error of calibration without bins: whether errors of similar statements point the same way.

    Parameters
    ----------
    reference, probabilities
        As in `brier_by_case`.
    bandwidth
        Distance over which statements are similar, above 0; None: the median distance of up to 1,000
        evenly chosen cases, 1 if that is 0.

    Returns
    -------
    float
        Mean over pairs i < j of (e_i - p_i) · (e_j - p_j) exp(-|p_i - p_j| / bandwidth), at most 2,
        lower is better; e is 1 for the class of the reference and 0 for others. Without bias: around 0
        if calibrated, so it can be below 0. NaN for fewer than two cases. Takes time of n².

    Raises
    ------
    InputError
        If classes, probabilities or the bandwidth are not allowed.

    References
    ----------
    .. [1] Widmann D, Lindsten F, Zachariah D. Calibration tests in multi-class classification: a unifying
       framework. NeurIPS (2019), the unbiased estimator of quadratic cost of table 1.
    """
    classes, stated = _cases(reference, probabilities)
    if bandwidth is not None and not (np.isfinite(bandwidth) and bandwidth > 0):
        raise InputError(f"bandwidth {bandwidth!r} is not allowed; use a number above 0, or None")
    n = len(classes)
    if n < 2:
        return float("nan")
    width = bandwidth or _median_distance(stated)
    residuals = np.eye(stated.shape[1])[classes] - stated
    total = 0.0
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        kernel = np.exp(-distance.cdist(stated[block], stated) / width)
        total += float((kernel * (residuals[block] @ residuals.T)).sum())
    # Each pair was met twice, and each case once with itself, where the kernel is 1.
    return (total - float((residuals**2).sum())) / (n * (n - 1))


def _median_distance(stated: FloatArray) -> float:
    chosen = np.unique(np.linspace(0, len(stated) - 1, min(len(stated), 1000)).astype(np.int64))
    return float(np.median(distance.pdist(stated[chosen]))) or 1.0
