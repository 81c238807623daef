"""What an audit says of a group, and the verdict on it, for the tests of the verdict."""

from __future__ import annotations

from typing import Any

from veriscope.trust.verdict import GroupAnswer, Reason, Verdict, decide

GOOD_F1 = (0.9, 0.85, 0.95)


def group(
    name: str = "control",
    naive: float = 100,
    estimate: float | None = 100,
    low: float | None = 98,
    high: float | None = 102,
    **options: Any,
) -> GroupAnswer:
    """A group whose naive number is right to 2 %, unless told otherwise."""
    return GroupAnswer(name, naive, estimate, low, high, **{"labelled_only_width": 20.0} | options)


def verdict(
    *answers: GroupAnswer, tolerance: float | None = 0.05, f1: Any = GOOD_F1, **options: Any
) -> Verdict:
    return decide(answers, tolerance=tolerance, f1=f1, **options)


def reason(check: str, *answers: GroupAnswer, **options: Any) -> Reason:
    (found,) = [reason for reason in verdict(*answers, **options).reasons if reason.check == check]
    return found


WIDE = group(naive=120, low=80, high=120, extra_tiles_needed=30)
"""An interval of ±20 % around an answer from which the method is off by 20 %."""
