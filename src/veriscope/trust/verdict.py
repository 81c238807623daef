"""The verdict: what the evidence allows a user to do with a method's numbers.

The rules, in order; the first that applies decides:

1. A group's answer has no interval: *cannot tell*.
2. The matching of objects fails: *do not use*.
3. The model's own numbers are shown to lie within the tolerance, in every group alike: *use*.
4. The corrected answer is as precise as the tolerance asks (or none was stated): *use with the
   audit's correction*.
5. The model explains too little for the audit to correct it, or the audit that would suffice is larger
   than anyone would draw: *fine-tune first*.
6. Otherwise: *cannot tell*, with the tiles that are probably missing.

None of them asks what annotators had in view while they drew. Outlines of a candidate lead the hand, so where
they were seen the word says that the method may look better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from veriscope.core.plain import PlainRecord

__all__ = ["GroupAnswer", "Reason", "Verdict", "decide"]

Status = Literal["holds", "fails", "cannot-tell"]
Word = Literal["use", "use-with-correction", "fine-tune-first", "do-not-use", "cannot-tell"]

F1_WORKS = 0.7
"""F1 at IoU 0.5 from which on a method counts as finding the objects."""
F1_FAILS = 0.5
"""F1 at IoU 0.5 below which more of its objects are wrong or missing than right."""
MOST_TILES = 200
"""Further tiles beyond which an audit is not a remedy."""

_MEANING: dict[Word, str] = {
    "use": "The method's own numbers are within the tolerance; they may be used as they are.",
    "use-with-correction": "Use the audit's corrected answer, not the method's own numbers.",
    "fine-tune-first": "The method errs too much for a small audit to correct; train or fine-tune it first.",
    "do-not-use": "The method does not find these objects; do not use its numbers.",
    "cannot-tell": "The evidence does not suffice for a verdict.",
}
_LED = " Annotators had candidates' objects in view, so the method may look better than it is."


@dataclass(frozen=True, slots=True)
class GroupAnswer:
    """What the audit says of one group.

    Parameters
    ----------
    group
        Name.
    naive
        The method's own number; NaN if it has none (the mean of no objects).
    estimate, low, high
        Corrected answer with its interval; None or not finite: the audit cannot tell.
    labelled_only_width
        Width of the interval from the audited tiles alone, or None.
    extra_tiles_needed
        Further tiles that would probably bring the interval within the tolerance; None: unknown, or not
        needed.
    reason
        Why the audit cannot tell, if so.
    """

    group: str
    naive: float
    estimate: float | None
    low: float | None
    high: float | None
    labelled_only_width: float | None = None
    extra_tiles_needed: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """The result of one check.

    Parameters
    ----------
    check
        Identifier of the check.
    status
        Whether it holds, fails, or the data cannot tell.
    text
        One sentence with the figures.
    value, threshold
        What was compared; None where nothing finite could be computed.
    figure
        Anchor of the figure or table in the report that shows it.
    """

    check: str
    status: Status
    text: str
    value: float | None
    threshold: float | None
    figure: str


@dataclass(frozen=True, slots=True)
class Verdict(PlainRecord):
    """What may be done with the numbers, and why.

    Parameters
    ----------
    verdict
        One of the five words.
    text
        The same as a sentence.
    reasons
        All checks, also those that did not decide.
    """

    verdict: Word
    text: str
    reasons: tuple[Reason, ...]


def decide(
    answers: Sequence[GroupAnswer],
    *,
    tolerance: float | None,
    f1: tuple[float | None, float | None, float | None],
    domain: Sequence[str] = (),
    in_view: Sequence[Sequence[str]] = (),
) -> Verdict:
    """Judge a method for a question.

    Parameters
    ----------
    answers
        One per group.
    tolerance
        Error that would change the conclusion, as a share of the answer; None: not stated.
    f1
        F1 at IoU 0.5 on the audited tiles with its interval: value, low, high.
    domain
        In which ways the images differ from what the method's card was tested on; one sentence each.
    in_view
        For each audited tile the candidates whose objects the annotator had seen there.

    Returns
    -------
    Verdict
        The word, its meaning, and every check.
    """
    size, independence = _audit_size(answers), _independence(in_view)
    if size.status == "cannot-tell":
        reasons: list[Reason] = [size, independence, _matching(f1), _domain(domain)]
    else:
        reasons = [
            size,
            independence,
            _matching(f1),
            _bias(answers, tolerance),
            _differential_bias(answers, tolerance),
            _precision(answers, tolerance),
            _gain(answers),
            _domain(domain),
        ]
    word = _word({reason.check: reason.status for reason in reasons}, answers, tolerance)
    led = independence.status != "holds" and word in ("use", "use-with-correction")
    return Verdict(word, _MEANING[word] + (_LED if led else ""), tuple(reasons))


def _word(status: dict[str, Status], answers: Sequence[GroupAnswer], tolerance: float | None) -> Word:
    if status["audit-size"] == "cannot-tell":
        return "cannot-tell"
    if status["matching"] == "fails":
        return "do-not-use"
    if status["model-bias"] == "holds" and status["differential-bias"] != "fails":
        return "use"
    if status["precision"] == "holds" or tolerance is None:
        return "use-with-correction"
    needed = [row.answer.extra_tiles_needed for row in _errors(answers) if tolerance < row.half]
    beyond = any(extra is None or extra > MOST_TILES for extra in needed)
    if status["gain"] == "fails" or beyond:
        return "fine-tune-first"
    return "cannot-tell"


def _audit_size(answers: Sequence[GroupAnswer]) -> Reason:
    if not answers:
        text = "There is no group with an audited tile."
        return Reason("audit-size", "cannot-tell", text, 0.0, None, "sec-audit")
    open_groups = [answer for answer in answers if not _is_finite(answer.estimate, answer.low, answer.high)]
    if not open_groups:
        text = "The audit gives every group an answer with an interval."
        return Reason("audit-size", "holds", text, float(len(answers)), float(len(answers)), "sec-audit")
    named = "; ".join(f"{answer.group}: {answer.reason or 'no interval'}" for answer in open_groups)
    return Reason(
        "audit-size",
        "cannot-tell",
        f"{len(open_groups)} of {len(answers)} groups have no answer yet ({named}).",
        float(len(answers) - len(open_groups)),
        float(len(answers)),
        "sec-audit",
    )


def _independence(in_view: Sequence[Sequence[str]]) -> Reason:
    seen = [names for names in in_view if names]
    if not seen:
        text = "No tile is known to have been annotated with objects of a candidate in view."
        return Reason("independence", "holds", text, 0.0, 0.0, "sec-audit")
    names = ", ".join(sorted({name for tile in seen for name in tile}))
    text = (
        f"On {len(seen)} of {len(in_view)} tiles the annotator had objects of {names} in view, which lead "
        "the hand. How much is not known: annotate some tiles blind and compare."
    )
    return Reason("independence", "cannot-tell", text, len(seen) / len(in_view), 0.0, "sec-audit")


def _matching(f1: tuple[float | None, float | None, float | None]) -> Reason:
    value, low, high = (bound if _is_finite(bound) else None for bound in f1)
    if value is None:
        text = "No audited tile has an object in reference or prediction, so matching cannot be judged."
        return Reason("matching", "cannot-tell", text, None, F1_WORKS, "tab-candidates")
    span = f"{value:.2f}" + (f" ({low:.2f} to {high:.2f})" if low is not None and high is not None else "")
    if low is not None and low >= F1_WORKS:
        text = f"Objects are found: F1 at IoU 0.5 is {span}, at least {F1_WORKS}."
        return Reason("matching", "holds", text, value, F1_WORKS, "tab-candidates")
    if value < F1_FAILS and (high is None or high < F1_WORKS):
        text = f"Objects are not found: F1 at IoU 0.5 is {span}, below {F1_FAILS}."
        return Reason("matching", "fails", text, value, F1_FAILS, "tab-candidates")
    text = f"F1 at IoU 0.5 is {span}; it is not shown to reach {F1_WORKS}."
    return Reason("matching", "cannot-tell", text, value, F1_WORKS, "tab-candidates")


def _is_finite(*values: float | None) -> bool:
    return all(value is not None and math.isfinite(value) for value in values)


@dataclass(frozen=True, slots=True)
class _Error:
    """Error of a group's naive number with its bounds, and half the interval, as shares of the estimate."""

    answer: GroupAnswer
    value: float
    low: float
    high: float
    half: float

    @property
    def text(self) -> str:
        answer = self.answer
        if not _is_finite(answer.naive):
            return f"{answer.group}: the method gives no number of its own"
        if answer.estimate == 0:
            interval = f"({answer.low:g} to {answer.high:g})"
            return f"{answer.group}: the method's own number is {answer.naive:g} and the answer 0 {interval}"
        span = f"({self.low:+.1%} to {self.high:+.1%})"
        return f"{answer.group}: the method's own number is off by {self.value:+.1%} {span}"


def _errors(answers: Sequence[GroupAnswer]) -> list[_Error]:
    found = []
    for answer in answers:
        if answer.estimate is None or answer.low is None or answer.high is None:
            continue
        scale = abs(answer.estimate)
        # A method that finds no object has no mean: it is as wrong as can be.
        naive = answer.naive if _is_finite(answer.naive) else math.inf
        error, low, high = (
            _share(naive - bound, scale) for bound in (answer.estimate, answer.high, answer.low)
        )
        found.append(_Error(answer, error, low, high, _share((answer.high - answer.low) / 2, scale)))
    return found


def _share(part: float, whole: float) -> float:
    """Divide, so that of nothing nothing is 0 and anything else is infinitely much."""
    if whole == 0:
        return math.copysign(math.inf, part) if part else 0.0
    return part / whole


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _within(tolerance: float) -> str:
    return f"±{100 * tolerance:g}%"


def _bias(answers: Sequence[GroupAnswer], tolerance: float | None) -> Reason:
    errors = _errors(answers)
    worst = max(errors, key=lambda row: max(abs(row.low), abs(row.high)))
    if tolerance is None:
        text = f"{worst.text}; no tolerance was stated, so this cannot be judged."
        return Reason("model-bias", "cannot-tell", text, _finite(worst.value), None, "fig-estimate")
    if all(abs(row.low) <= tolerance and abs(row.high) <= tolerance for row in errors):
        text = f"Within {_within(tolerance)} in every group; the worst is {worst.text}."
        return Reason("model-bias", "holds", text, worst.value, tolerance, "fig-estimate")
    outside = [row for row in errors if row.low > tolerance or row.high < -tolerance]
    if outside:
        worst = max(outside, key=lambda row: abs(row.value))
        text = f"Not within {_within(tolerance)}: {worst.text}."
        return Reason("model-bias", "fails", text, _finite(worst.value), tolerance, "fig-estimate")
    text = f"Whether it is within {_within(tolerance)} is open: {worst.text}."
    return Reason("model-bias", "cannot-tell", text, _finite(worst.value), tolerance, "fig-estimate")


def _differential_bias(answers: Sequence[GroupAnswer], tolerance: float | None) -> Reason:
    errors = _errors(answers)
    if len(errors) < 2:
        text = "One group: errors cannot differ between groups."
        return Reason("differential-bias", "holds", text, None, tolerance, "fig-estimate")
    most = max(reversed(errors), key=lambda row: row.value)  # reversed: names two groups, also if equal
    least = min(errors, key=lambda row: row.value)
    gap = most.value - least.value  # NaN where both are infinite, which no rule below takes for a figure
    half = math.hypot(most.half, least.half)
    if math.isfinite(gap) and math.isfinite(half):
        says = (
            f"the method errs by {least.value:+.1%} in {least.answer.group} and {most.value:+.1%} in "
            f"{most.answer.group} (difference {gap:.1%} ± {half:.1%})"
        )
    else:
        says = f"{least.text}; {most.text}"
    limit = tolerance or 0.0
    if gap - half > limit:
        text = f"Errors depend on the group, which makes false effects: {says}."
        return Reason("differential-bias", "fails", text, _finite(gap), tolerance, "fig-estimate")
    if tolerance is not None and gap + half <= tolerance:
        text = f"Errors are alike in all groups: {says}."
        return Reason("differential-bias", "holds", text, gap, tolerance, "fig-estimate")
    text = f"Whether errors depend on the group is open: {says}."
    return Reason("differential-bias", "cannot-tell", text, _finite(gap), tolerance, "fig-estimate")


def _precision(answers: Sequence[GroupAnswer], tolerance: float | None) -> Reason:
    errors = _errors(answers)
    widest = max(errors, key=lambda row: row.half)
    half, value = widest.half, _finite(widest.half)
    if value is None:
        says = (
            f"the answer of {widest.answer.group} is 0 and its interval is not, so it has no relative width"
        )
    else:
        says = f"the widest interval is ±{half:.1%} ({widest.answer.group})"
    if tolerance is None:
        text = f"No tolerance was stated; {says}."
        return Reason("precision", "cannot-tell", text, value, None, "fig-estimate")
    if half <= tolerance:
        text = f"The corrected answer is precise enough: {says}, within {_within(tolerance)}."
        return Reason("precision", "holds", text, value, tolerance, "fig-estimate")
    extra = max(row.answer.extra_tiles_needed or 0 for row in errors)
    more = f"; about {extra} more tiles in a group would probably suffice" if extra else ""
    text = f"The corrected answer is less precise than {_within(tolerance)}: {says}{more}."
    return Reason("precision", "fails", text, value, tolerance, "fig-estimate")


def _gain(answers: Sequence[GroupAnswer]) -> Reason:
    ratios = [
        (answer.high - answer.low) / answer.labelled_only_width
        for answer in answers
        if answer.high is not None and answer.low is not None and answer.labelled_only_width
    ]
    ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
    if not ratios:
        text = "There is no interval from the audited tiles alone to compare with."
        return Reason("gain", "cannot-tell", text, None, 1.0, "fig-estimate")
    ratio = float(np.median(ratios))
    if ratio < 1:
        text = f"The model helps: with it the interval is {ratio:.2f} times as wide as from the tiles alone."
        return Reason("gain", "holds", text, ratio, 1.0, "fig-estimate")
    text = f"The model does not help: the interval is {ratio:.2f} times as wide as from the tiles alone."
    return Reason("gain", "fails", text, ratio, 1.0, "fig-estimate")


def _domain(domain: Sequence[str]) -> Reason:
    if not domain:
        text = "Nothing measured in these images lies outside what the method's card names."
        return Reason("domain", "holds", text, 0.0, 0.0, "tab-candidates")
    return Reason("domain", "fails", " ".join(domain), float(len(domain)), 0.0, "tab-candidates")
