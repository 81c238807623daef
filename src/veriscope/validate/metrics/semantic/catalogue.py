"""All metrics of masks by name: formula, range, direction, empty cases."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

__all__ = ["SEMANTIC_METRICS", "SemanticMetric"]


@dataclass(frozen=True, slots=True)
class SemanticMetric:
    """What is fixed about a metric of two masks.

    Parameters
    ----------
    name
        Short name, such as ``"dice"``; that of its function.
    formula
        How it is computed, in words and symbols.
    low, high
        Smallest and largest possible value; infinite if there is none.
    best
        The best value.
    both_empty, one_empty
        The value where both masks, or exactly one, have no pixel; NaN is undefined.
    """

    name: str
    formula: str
    low: float
    high: float
    best: float
    both_empty: float
    one_empty: float


def _share(name: str, formula: str) -> SemanticMetric:
    return SemanticMetric(name, formula, low=0.0, high=1.0, best=1.0, both_empty=nan, one_empty=0.0)


def _distance(name: str, formula: str) -> SemanticMetric:
    return SemanticMetric(name, formula, low=0.0, high=inf, best=0.0, both_empty=nan, one_empty=inf)


SEMANTIC_METRICS = (
    _share("dice", "2 TP / (2 TP + FP + FN), of pixels"),
    _share("iou", "TP / (TP + FP + FN), of pixels"),
    _share("f_beta", "(1 + β²) TP / ((1 + β²) TP + β² FN + FP), of pixels"),
    _share("centreline_dice", "2 Tprec Tsens / (Tprec + Tsens)"),
    _distance("hausdorff", "max(max d(r), max d(p))"),
    _distance("hausdorff_percentile", "max(percentile of d(r), percentile of d(p)), 95th by default"),
    _distance("masd", "(mean d(r) + mean d(p)) / 2"),
    _distance("assd", "(sum d(r) + sum d(p)) / (n(r) + n(p))"),
    _share("nsd", "(number of d(r) ≤ τ + number of d(p) ≤ τ) / (n(r) + n(p))"),
    _share("boundary_iou", "shared pixels of both rims / pixels in either rim"),
)
