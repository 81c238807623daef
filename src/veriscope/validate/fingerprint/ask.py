"""Which questions are still worth asking: those whose answer would change the advice."""

from __future__ import annotations

from typing import Any, get_args

from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.recommend import recommend

__all__ = ["allowed_answers", "open_items"]


def allowed_answers(item: str) -> tuple[Any, ...]:
    """Give the answers that an item may have.

    Parameters
    ----------
    item
        Name of the item.

    Returns
    -------
    tuple
        ``(False, True)``, or words; of the category also None, which lets rule S1 decide.
    """
    kind = Fingerprint.model_fields[item].annotation
    if kind is bool:
        return (False, True)
    words: list[Any] = []
    for part in get_args(kind):
        words += [None] if part is type(None) else get_args(part) or [part]
    return tuple(words)


def open_items(fingerprint: Fingerprint) -> tuple[str, ...]:
    """Name the items that nobody has answered and whose answer would change the recommendation.

    Parameters
    ----------
    fingerprint
        What is known of the problem. Its category is settled first: items that would lead to another
        category are asked only while the category is not said.

    Returns
    -------
    tuple of str
        In the order of the items; answering one may open or close others.
    """
    now = _advice(fingerprint)
    return tuple(
        item
        for item in Fingerprint.items()
        if item != "category"
        and fingerprint.source(item) == "assumed"
        and any(
            _advice(fingerprint.override(**{item: answer})) != now
            for answer in allowed_answers(item)
            if answer != getattr(fingerprint, item)
        )
    )


def _advice(fingerprint: Fingerprint) -> tuple[Any, ...]:
    """Metrics and criteria, which are what a user acts upon; pitfalls and reasons may differ."""
    advice = recommend(fingerprint)
    return (advice.category, advice.keys, tuple(choice.key for choice in advice.criteria))
