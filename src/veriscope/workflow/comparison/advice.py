"""Which of the computed metrics fit the problem, and what may mislead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.recommend import recommend

__all__ = ["advise", "first_fitting", "fits", "fitting_keys", "show_fingerprint"]

_BY_CRITERION = frozenset({"f1", "f_beta", "average_precision", "froc"})
"""Metrics of found objects, which depend on when an object counts as found."""

_OF_MATCHES = "mean_matched_iou"
"""A metric of what was found alone: whoever finds only the easy objects would be first."""


def advise(fingerprint: Fingerprint) -> dict[str, Any]:
    """Give the recommendation with the fingerprint that it follows from.

    Parameters
    ----------
    fingerprint
        The problem, as far as it is known.

    Returns
    -------
    dict
        As `Recommendation.to_dict`, and ``fingerprint``: what is known, and where from.
    """
    return {**recommend(fingerprint).to_dict(), "fingerprint": show_fingerprint(fingerprint)}


def show_fingerprint(fingerprint: Fingerprint) -> list[dict[str, Any]]:
    """Give the items that are not merely assumed, with the numbers behind them.

    Parameters
    ----------
    fingerprint
        The problem.

    Returns
    -------
    list of dict
        ``item``, ``question``, ``answer``, ``source``, and where measured ``figure``, ``limit`` and
        ``measured_as``.
    """
    figures = {figure.item: figure for figure in fingerprint.figures}
    rows = []
    for item in Fingerprint.items():
        if fingerprint.source(item) == "assumed":
            continue
        row = {
            "item": item,
            "question": Fingerprint.describe(item),
            "answer": getattr(fingerprint, item),
            "source": fingerprint.source(item),
        }
        if item in figures:
            figure = figures[item]
            row |= {"measured_as": figure.name, "figure": figure.value, "limit": figure.limit}
        rows.append(row)
    return rows


def fitting_keys(advice: Mapping[str, Any]) -> list[str]:
    """Give the recommended keys as far as a comparison of objects by mask IoU computes them.

    Parameters
    ----------
    advice
        As from `advise`.

    Returns
    -------
    list of str
        Keys; without those of found objects where another criterion than mask IoU was recommended (S8).
    """
    other = {item["key"] for item in advice["criteria"] if item["rule"] == "S8"} - {"mask_iou"}
    by_matches = _BY_CRITERION if advice["category"] == "instance" and other else frozenset()
    return [item["key"] for item in advice["metrics"] if item["key"] not in by_matches]


def fits(key: str, advised: Iterable[str]) -> bool:
    """Tell whether a computed metric is among the recommended ones.

    Parameters
    ----------
    key
        Key of a computed metric, such as ``"f1@0.5"`` or ``"dice[2]"``.
    advised
        Recommended keys; one without a threshold means any threshold, one without a class every class.

    Returns
    -------
    bool
        Whether it is.
    """
    name = key.partition("[")[0]
    return not {name, name.partition("@")[0]}.isdisjoint(advised)


def first_fitting(advice: Mapping[str, Any], computed: Iterable[str], *, otherwise: str) -> str:
    """Choose the metric to rank by: the first recommended one that was computed.

    Parameters
    ----------
    advice
        As from `advise`.
    computed
        Keys of the metrics that candidates can be ranked by.
    otherwise
        What to take if none of them is recommended.

    Returns
    -------
    str
        A key. Never one of a single class, nor one that only judges what was found.
    """
    there = [key for key in computed if "[" not in key and not key.startswith(_OF_MATCHES)]
    chosen = (key for wanted in fitting_keys(advice) for key in there if fits(key, [wanted]))
    return next(chosen, otherwise)
