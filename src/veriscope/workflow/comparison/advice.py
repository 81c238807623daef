"""Which of the computed metrics fit the problem, and what may mislead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.recommend import recommend

__all__ = ["advise", "first_fitting", "show_fingerprint"]


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
        A key.
    """
    there = set(computed)
    return next((str(item["key"]) for item in advice["metrics"] if item["key"] in there), otherwise)
