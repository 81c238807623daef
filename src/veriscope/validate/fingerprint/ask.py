"""Which questions are still worth asking: those whose answer would change the advice."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_args

from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.validate.fingerprint.items import Fingerprint
from veriscope.validate.fingerprint.recommend import recommend

__all__ = ["allowed_answers", "check_answers", "open_items"]


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


def check_answers(answers: Mapping[str, Any]) -> None:
    """Refuse unknown items and answers, all together.

    Parameters
    ----------
    answers
        Answers by item, as a person gave them.

    Raises
    ------
    InputError
        If there is no such item, or an answer is not allowed.
    """
    faults: list[VeriscopeError] = []
    for item, answer in answers.items():
        if item not in Fingerprint.items():
            close = get_close_matches(item, Fingerprint.items(), n=1)
            meant = (
                f"did you mean {close[0]}?" if close else f"the items are {', '.join(Fingerprint.items())}"
            )
            faults.append(InputError(f"there is no item {item!r}; {meant}"))
        elif answer not in allowed_answers(item):
            words = [
                {True: "yes", False: "no", None: "null"}.get(word, word) for word in allowed_answers(item)
            ]
            faults.append(InputError(f"{item}: {answer!r} is no answer; use {', '.join(words)}"))
    raise_together(faults, what=f"{len(faults)} answers cannot be taken")


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
