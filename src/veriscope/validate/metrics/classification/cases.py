"""Checks of what metrics of classification take: one class, outcome, score or probability per case."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.base import FloatArray

__all__ = [
    "by_class",
    "check_classes",
    "check_outcomes",
    "check_probabilities",
    "check_scores",
    "check_units",
    "checked_cases",
]

SUM_TOLERANCE = 1e-4


def check_classes(classes: ArrayLike, *, n_classes: int, name: str) -> NDArray[np.int64]:
    """Refuse anything but one whole class number per case.

    Parameters
    ----------
    classes
        Shape (n,), whole numbers from 0 to `n_classes` - 1; whole floats and booleans will do.
    n_classes
        Number of classes, at least 1.
    name
        Names the array, for messages.

    Returns
    -------
    numpy.ndarray
        Shape (n,), integer.

    Raises
    ------
    InputError
        If the array has not one axis, or a class is no whole number in the range.
    """
    if n_classes < 1:
        raise InputError(f"n_classes {n_classes!r} is not allowed; use a whole number of at least 1")
    found = _one_axis(classes, name)
    bad = ~((found >= 0) & (found < n_classes) & (found == np.floor(found)))
    if bad.any():
        raise InputError(
            f"{name}: {int(bad.sum())} of {len(found)} classes are not allowed, the first is "
            f"{found[bad][0]:g}; number the classes from 0 to {n_classes - 1}"
        )
    return found.astype(np.int64)


def check_outcomes(outcomes: ArrayLike, *, name: str = "outcomes") -> NDArray[np.bool_]:
    """Refuse anything but one yes or no per case.

    Parameters
    ----------
    outcomes
        Shape (n,), booleans or 0 and 1.
    name
        Names the array, for messages.

    Returns
    -------
    numpy.ndarray
        Shape (n,), boolean.

    Raises
    ------
    InputError
        If the array has not one axis, or a value is neither 0 nor 1.
    """
    return check_classes(outcomes, n_classes=2, name=name).astype(np.bool_)


def check_scores(
    scores: ArrayLike, *, n_cases: int | None = None, name: str = "scores", finite: bool = False
) -> FloatArray:
    """Refuse anything but one number per case.

    Parameters
    ----------
    scores
        Shape (n,); NaN is refused.
    n_cases
        Number of cases; None: as many as there are scores.
    name
        Names the array, for messages.
    finite
        Whether infinite scores are refused too.

    Returns
    -------
    numpy.ndarray
        Shape (n,), float.

    Raises
    ------
    ShapeMismatchError
        If there is not one score per case.
    PixelValueError
        If a score is NaN, or infinite where that is not allowed.
    """
    found = _one_axis(scores, name)
    if n_cases is not None and len(found) != n_cases:
        raise ShapeMismatchError(
            f"{name}: {len(found)} values are given for {n_cases} cases; give one for each"
        )
    n_nan = int(np.isnan(found).sum())
    if n_nan:
        raise PixelValueError(f"{name}: {n_nan} of {len(found)} values are NaN; leave these cases out")
    if finite and not np.isfinite(found).all():
        raise PixelValueError(f"{name} must be finite; leave out cases that have infinite ones")
    return found


def check_probabilities(
    probabilities: ArrayLike, *, n_cases: int, name: str = "probabilities", columns: bool = False
) -> FloatArray:
    """Refuse probabilities that are none.

    Parameters
    ----------
    probabilities
        Shape (n,), or with `columns` shape (n, K): one column per class, each row summing to 1 within
        0.0001.
    n_cases
        Number of cases.
    name
        Names the array, for messages.
    columns
        Whether there is one column per class.

    Returns
    -------
    numpy.ndarray
        The same, float.

    Raises
    ------
    ShapeMismatchError
        If the shape is another.
    PixelValueError
        If a value is NaN or outside 0 to 1, or a row does not sum to 1.
    """
    found = np.asarray(probabilities, dtype=np.float64)
    fits = found.ndim == 2 and found.shape[1] >= 1 if columns else found.ndim == 1
    if not fits or len(found) != n_cases:
        wanted = "(cases, classes)" if columns else "(cases,)"
        raise ShapeMismatchError(
            f"{name} have shape {found.shape} for {n_cases} cases; give an array of shape {wanted}"
        )
    bad = ~((found >= 0) & (found <= 1))
    if bad.any():
        raise PixelValueError(
            f"{name}: {int(bad.sum())} of {found.size} values are not between 0 and 1, the first is "
            f"{found[bad][0]:g}; turn scores into probabilities, and leave out cases without one"
        )
    if columns:
        off = np.abs(found.sum(axis=1) - 1) > SUM_TOLERANCE
        if off.any():
            raise PixelValueError(
                f"{name}: {int(off.sum())} of {n_cases} rows do not sum to 1, the first sums to "
                f"{found[off].sum(axis=1)[0]:g}; give the probabilities of all classes"
            )
    return found


def checked_cases(reference: ArrayLike, probabilities: ArrayLike) -> tuple[NDArray[np.int64], FloatArray]:
    """Check classes and probabilities against each other.

    Parameters
    ----------
    reference
        Class of each case, shape (n,), 0 to K - 1.
    probabilities
        Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two.

    Returns
    -------
    tuple
        Both as arrays, the shapes kept.

    Raises
    ------
    InputError
        If classes or probabilities are not allowed.
    """
    stated = np.asarray(probabilities, dtype=np.float64)
    n_classes = stated.shape[1] if stated.ndim == 2 else 2
    classes = check_classes(reference, n_classes=max(n_classes, 1), name="reference")
    return classes, check_probabilities(stated, n_cases=len(classes), columns=stated.ndim == 2)


def by_class(stated: FloatArray) -> FloatArray:
    """Give one column per class, also where the probability of class 1 of two was stated.

    Parameters
    ----------
    stated
        Shape (n, K) or (n,), checked.

    Returns
    -------
    numpy.ndarray
        Shape (n, K), or (n, 2).
    """
    return stated if stated.ndim == 2 else np.stack([1 - stated, stated], axis=1)


def check_units(units: Sequence[object], *, n_cases: int) -> None:
    """Refuse anything but one name of an image (or replicate) per case.

    Parameters
    ----------
    units
        Name of the image of each case.
    n_cases
        Number of cases.

    Raises
    ------
    InputError
        If there is not one for each.
    """
    if len(units) != n_cases:
        raise InputError(f"{len(units)} units are given for {n_cases} cases; give one for each")


def _one_axis(values: ArrayLike, name: str) -> FloatArray:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise InputError(f"{name} have shape {found.shape}; give one value per case, shape (cases,)")
    return found
