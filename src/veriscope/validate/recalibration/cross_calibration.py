"""Recalibrate probabilities on some images and judge the result on others, to see whether it helped."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from veriscope.errors import InputError
from veriscope.validate.clusters import cluster_numbers
from veriscope.validate.confidence.calibration_error import (
    CalibrationError,
    calibration_error_by_unit,
    class_wise_error_by_unit,
)
from veriscope.validate.confidence.reliability import mean_by_unit
from veriscope.validate.metrics.base import FloatArray
from veriscope.validate.metrics.classification.calibration import Binning, brier_by_case, top_label
from veriscope.validate.metrics.classification.cases import check_units, checked_cases
from veriscope.validate.recalibration.recalibrator import (
    Recalibration,
    Recalibrator,
    fit_recalibrator,
)
from veriscope.validate.statistics import Interval, check_level

__all__ = ["CrossCalibration", "cross_calibrate"]

Verdict = Literal["helped", "not shown", "harmed", "cannot tell"]

_NEEDS = {"isotonic": 1000, "venn_abers": 1000, "platt": 50, "temperature": 50}


@dataclass(frozen=True, slots=True, eq=False)
class CrossCalibration:
    """Probabilities recalibrated by images that they are not from, and how they compare.

    Parameters
    ----------
    method
        How it was recalibrated.
    verdict
        Whether it helped, judged by the Brier score on images that were not fitted on: ``"helped"`` and
        ``"harmed"`` where the interval of the change leaves out 0, else ``"not shown"``; ``"cannot tell"``
        where there is no interval.
    reason
        The verdict in a sentence, with its numbers.
    cautions
        Why not to rely on it: too few cases or images; empty if nothing is known.
    probabilities
        Recalibrated probability of each case, of the shape given; each by a fit on other units.
    intervals
        p₀ and p₁ of Venn-Abers for two classes, shape (n, 2); None for other methods.
    recalibrator
        Fitted on all cases, for new images.
    brier_before, brier_after, brier_change
        Brier score with interval by unit; the change is after - before of the same cases, below 0 is better.
    ece_before, ece_after
        Expected calibration error: of class 1 of two, or of the most probable class of several.
    class_wise_before, class_wise_after
        Class-wise calibration error.
    n_folds
        Number of parts that units were dealt into.
    """

    method: Recalibration
    verdict: Verdict
    reason: str
    cautions: tuple[str, ...]
    probabilities: FloatArray
    intervals: FloatArray | None
    recalibrator: Recalibrator
    brier_before: Interval
    brier_after: Interval
    brier_change: Interval
    ece_before: CalibrationError
    ece_after: CalibrationError
    class_wise_before: CalibrationError
    class_wise_after: CalibrationError
    n_folds: int

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON, without the probabilities of the cases.

        Returns
        -------
        dict
            The other fields by name; of the recalibrator the number of cases.
        """
        values: dict[str, Any] = {
            "method": self.method,
            "verdict": self.verdict,
            "reason": self.reason,
            "cautions": list(self.cautions),
            "n_folds": self.n_folds,
            "n_cases": self.recalibrator.n_cases,
        }
        results = ("brier_before", "brier_after", "brier_change", "ece_before", "ece_after")
        for name in (*results, "class_wise_before", "class_wise_after"):
            values[name] = getattr(self, name).to_dict()
        return values


def cross_calibrate(
    reference: ArrayLike,
    probabilities: ArrayLike,
    *,
    units: Sequence[Hashable],
    method: Recalibration = "platt",
    n_folds: int = 5,
    n_bins: int = 10,
    binning: Binning = "mass",
    level: float = 0.95,
    unit: str = "image",
    seed: int = 0,
) -> CrossCalibration:
    """Recalibrate the cases of each image by a fit on other images, and say whether it helped.

    Parameters
    ----------
    reference
        Class of each case, shape (n,), 0 to K - 1.
    probabilities
        Shape (n, K), rows summing to 1; or shape (n,), probability of class 1 of two. The network must not
        have been trained on these images.
    units
        Name of the image (or replicate) of each case; all cases of a unit are fitted on, or judged.
    method
        See `fit_recalibrator`.
    n_folds
        Number of parts that units are dealt into, at least 2; no more than there are units.
    n_bins, binning
        Bins of the calibration errors, see `metrics.classification.calibration.bin_index`.
    level
        Level of the intervals.
    unit
        What a unit is, for the result.
    seed
        Of the dealing and of the intervals; the same gives the same.

    Returns
    -------
    CrossCalibration
        Probabilities, errors before and after, and the verdict. Intervals take the fits as they are; they do
        not count that other images would have given another fit.

    Raises
    ------
    InputError
        If there are fewer than two units, or an input or option is not allowed.
    """
    check_level(level)
    classes, stated = checked_cases(reference, probabilities)
    check_units(units, n_cases=len(classes))
    if n_folds < 2:
        raise InputError(f"n_folds {n_folds!r} is not allowed; use a whole number of at least 2")
    fold, n_units = _deal(units, n_folds, seed, unit)
    after, intervals = _fitted_elsewhere(classes, stated, fold, method)

    def judged(values: FloatArray, low: float, high: float) -> Interval:
        return mean_by_unit(values, units, (low, high), level, unit)

    high = 2.0 if stated.ndim == 2 else 1.0
    squares = brier_by_case(classes, stated), brier_by_case(classes, after)
    change = judged(squares[1] - squares[0], -high, high)
    verdict, reason = _verdict(change, method, unit)
    options: dict[str, Any] = {
        "units": units,
        "n_bins": n_bins,
        "binning": binning,
        "level": level,
        "unit": unit,
        "seed": seed,
    }
    ece = [calibration_error_by_unit(*_stated_outcome(classes, each), **options) for each in (stated, after)]
    class_wise = [class_wise_error_by_unit(classes, each, **options) for each in (stated, after)]
    return CrossCalibration(
        method=method,
        verdict=verdict,
        reason=reason,
        cautions=_cautions(classes, stated, fold, n_units, method, unit),
        probabilities=after,
        intervals=intervals,
        recalibrator=fit_recalibrator(classes, stated, method=method),
        brier_before=judged(squares[0], 0.0, high),
        brier_after=judged(squares[1], 0.0, high),
        brier_change=change,
        ece_before=ece[0],
        ece_after=ece[1],
        class_wise_before=class_wise[0],
        class_wise_after=class_wise[1],
        n_folds=len(np.unique(fold)),
    )


def _fitted_elsewhere(
    classes: NDArray[np.int64], stated: FloatArray, fold: NDArray[np.int64], method: Recalibration
) -> tuple[FloatArray, FloatArray | None]:
    """Recalibrate every fold by a fit on the others; with intervals where the method has them."""
    after = np.empty_like(stated)
    intervals = np.empty((len(classes), 2)) if method == "venn_abers" and stated.ndim == 1 else None
    for k in np.unique(fold):
        inside = fold == k
        fitted = fit_recalibrator(classes[~inside], stated[~inside], method=method)
        after[inside] = fitted.apply(stated[inside])
        if intervals is not None:
            intervals[inside] = fitted.intervals(stated[inside])
    return after, intervals


def _deal(units: Sequence[Hashable], n_folds: int, seed: int, unit: str) -> tuple[NDArray[np.int64], int]:
    """Deal units into folds of about the same number of cases: the largest first, to the emptiest fold."""
    of_case = cluster_numbers(units, n_units=len(units))
    sizes = np.bincount(of_case)
    n_units = len(sizes)
    if n_units < 2:
        raise InputError(
            f"recalibration is fitted on some {unit}s and judged on others; {n_units} {unit} is not enough"
        )
    order = np.random.default_rng(seed).permutation(n_units)
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled = np.zeros(min(n_folds, n_units))
    folds = np.zeros(n_units, dtype=np.int64)
    for each in order:
        folds[each] = int(filled.argmin())
        filled[folds[each]] += sizes[each]
    return folds[of_case], n_units


def _stated_outcome(classes: NDArray[np.int64], stated: FloatArray) -> tuple[NDArray[np.bool_], FloatArray]:
    """Give one outcome and one probability per case."""
    return (classes == 1, stated) if stated.ndim == 1 else top_label(classes, stated)


def _verdict(change: Interval, method: str, unit: str) -> tuple[Verdict, str]:
    if change.low is None or change.high is None:
        return "cannot tell", f"{change.method}, so that nothing can be said on other {unit}s"
    shown = f"the Brier score changes by {change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
    where = f"on {unit}s that were not fitted on"
    if change.high < 0:
        return "helped", f"{method} recalibration helped: {shown} {where}"
    if change.low > 0:
        return (
            "harmed",
            f"{method} recalibration did harm: {shown} {where}; keep the probabilities as they are",
        )
    return "not shown", f"{method} recalibration is not shown to help: {shown} {where}"


def _cautions(
    classes: NDArray[np.int64],
    stated: FloatArray,
    fold: NDArray[np.int64],
    n_units: int,
    method: Recalibration,
    unit: str,
) -> tuple[str, ...]:
    found = []
    fewest = int(len(fold) - np.bincount(fold).max())
    if fewest < _NEEDS[method]:
        simpler = "; platt and temperature need fewer" if _NEEDS[method] > 50 else ""
        found.append(f"{method} is fitted on {fewest} cases and needs about {_NEEDS[method]}{simpler}")
    if n_units < 5:
        found.append(f"{n_units} {unit}s are few to judge by")
    n_classes = stated.shape[1] if stated.ndim == 2 else 2
    lacking = [
        k for k in range(n_classes) if any(not (classes[fold != part] == k).any() for part in np.unique(fold))
    ]
    if lacking:
        found.append(
            f"class {', '.join(map(str, lacking))} is missing among the cases of some fits; "
            f"annotate {unit}s that have it"
        )
    return tuple(found)
