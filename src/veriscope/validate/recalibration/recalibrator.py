"""One recalibration for probabilities of two or of several classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from veriscope.errors import InputError
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.cases import check_probabilities, checked_cases
from veriscope.validate.recalibration.curves import PlattMap, fit_isotonic, fit_platt, fit_temperature
from veriscope.validate.recalibration.venn_abers import VennAbers, fit_venn_abers

__all__ = ["Recalibration", "Recalibrator", "fit_recalibrator"]

Recalibration = Literal["isotonic", "platt", "temperature", "venn_abers"]

_EDGE = 1e-6  # probabilities are moved this far from 0 and 1 before their logit is taken


class _ProbabilityMap(Protocol):
    """Turns probabilities into others."""

    def apply(self, probabilities: ArrayLike, /) -> FloatArray:
        """Give the others."""


@dataclass(frozen=True, slots=True)
class _OfLogit:
    """A logistic curve of the logit of probabilities."""

    curve: PlattMap

    def apply(self, probabilities: ArrayLike, /) -> FloatArray:
        return self.curve.apply(_logit(probabilities))


@dataclass(frozen=True, slots=True, eq=False)
class Recalibrator:
    """A fitted recalibration of probabilities.

    Parameters
    ----------
    method
        How it was fitted.
    maps
        One map of the probabilities of two classes or for temperature, else one per class; then rows are
        divided by their sums.
    n_cases
        Number of cases that it was fitted on.
    """

    method: Recalibration
    maps: tuple[_ProbabilityMap, ...]
    n_cases: int

    def apply(self, probabilities: ArrayLike) -> FloatArray:
        """Recalibrate probabilities.

        Parameters
        ----------
        probabilities
            Of the same kind as those that it was fitted on: shape (n,), or (n, K).

        Returns
        -------
        numpy.ndarray
            Of the same shape, 0 to 1, rows summing to 1.

        Raises
        ------
        InputError
            If probabilities or their number of classes are not allowed.
        """
        stated = np.asarray(probabilities, dtype=np.float64)
        stated = check_probabilities(stated, n_cases=len(np.atleast_1d(stated)), columns=stated.ndim == 2)
        if self.method == "temperature":
            return self.maps[0].apply(stated)
        if stated.ndim == 1 and len(self.maps) > 1:
            raise InputError(
                f"one probability per case is given, but the recalibration was fitted on {len(self.maps)} "
                "columns; give one column per class"
            )
        if stated.ndim == 1:
            return self.maps[0].apply(stated)
        if stated.shape[1] != len(self.maps):
            raise InputError(
                f"probabilities have {stated.shape[1]} classes, but the recalibration was fitted on "
                f"{len(self.maps)}; give the same classes"
            )
        columns = np.stack([each.apply(stated[:, k]) for k, each in enumerate(self.maps)], axis=1)
        totals = columns.sum(axis=1, keepdims=True)
        even = np.full_like(columns, 1 / columns.shape[1])
        return np.asarray(np.divide(columns, totals, out=even, where=totals > 0))

    def intervals(self, probabilities: ArrayLike) -> FloatArray:
        """Give the two probabilities of Venn-Abers, for two classes.

        Parameters
        ----------
        probabilities
            Shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (n, 2), see `VennAbers.intervals`.

        Raises
        ------
        InputError
            If another method was fitted, or there are several classes.
        """
        if not isinstance(self.maps[0], VennAbers) or len(self.maps) > 1:
            raise InputError("only Venn-Abers for probabilities of shape (n,) gives two for each case")
        return self.maps[0].intervals(probabilities)


def fit_recalibrator(
    reference: ArrayLike, probabilities: ArrayLike, *, method: Recalibration
) -> Recalibrator:
    """Fit a recalibration on all cases given.

    Parameters
    ----------
    reference
        Class of each case, shape (n,), 0 to K - 1.
    probabilities
        Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two.
    method
        ``"isotonic"``, ``"platt"`` (of the logit), ``"temperature"`` or ``"venn_abers"``. For shape (n, K)
        all but temperature are fitted to each class against the rest.

    Returns
    -------
    Recalibrator
        Judge it on other images than these: `cross_calibrate`.

    Raises
    ------
    InputError
        If there is no case, or classes, probabilities or the method are not allowed.
    """
    if method not in get_args(Recalibration):
        raise InputError(f"method {method!r} is not allowed; use one of {', '.join(get_args(Recalibration))}")
    classes, stated = checked_cases(reference, probabilities)
    if method == "temperature":
        return Recalibrator(method, (fit_temperature(classes, stated),), len(classes))
    if stated.ndim == 1:
        return Recalibrator(method, (_fit_one(classes == 1, stated, method),), len(classes))
    maps = [_fit_one(classes == k, stated[:, k], method) for k in range(stated.shape[1])]
    return Recalibrator(method, tuple(maps), len(classes))


def _logit(stated: ArrayLike) -> FloatArray:
    return np.asarray(special.logit(np.clip(stated, _EDGE, 1 - _EDGE)))


def _fit_one(true: NDArray[np.bool_], stated: FloatArray, method: Recalibration) -> _ProbabilityMap:
    """Fit a map of the probability of one class."""
    if method == "isotonic":
        return fit_isotonic(true, stated)
    if method == "venn_abers":
        return fit_venn_abers(true, stated)
    return _OfLogit(fit_platt(true, _logit(stated)))
