"""Every status of every check of the verdict, with its sentence: (status, value, text)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from veriscope.trust.verdict import GroupAnswer, Reason

from .answers import WIDE, group, reason, verdict


def test_the_audit_answers_every_group() -> None:
    assert reason("audit-size", group(), group("drug")) == Reason(
        "audit-size", "holds", "The audit gives every group an answer with an interval.", 2, 2, "sec-audit"
    )


@pytest.mark.parametrize("bound", [None, math.nan, math.inf])
@pytest.mark.parametrize("field", ["estimate", "low", "high"])
def test_an_answer_without_a_finite_interval_is_open(field: str, bound: float | None) -> None:
    open_group = replace(group("drug"), **{field: bound})
    assert reason("audit-size", group(), open_group) == Reason(
        "audit-size",
        "cannot-tell",
        "1 of 2 groups have no answer yet (drug: no interval).",
        1,
        2,
        "sec-audit",
    )


def test_the_reasons_of_open_groups_are_given() -> None:
    nothing: dict[str, Any] = {"estimate": None, "low": None, "high": None}
    found = reason(
        "audit-size", group("a", **nothing, reason="no tile"), group("b", **nothing, reason="1 tile")
    )
    assert found.text == "2 of 2 groups have no answer yet (a: no tile; b: 1 tile)."


def test_no_group_is_no_answer() -> None:
    for tolerance in (None, 0.05):
        result = verdict(tolerance=tolerance)
        assert result.verdict == "cannot-tell"
        assert result.reasons[0].text == "There is no group with an audited tile."


NO_F1 = "No audited tile has an object in reference or prediction, so matching cannot be judged."


@pytest.mark.parametrize(
    ("f1", "status", "threshold", "text"),
    [
        (
            (0.9, 0.7, 0.95),
            "holds",
            0.7,
            "Objects are found: F1 at IoU 0.5 is 0.90 (0.70 to 0.95), at least 0.7.",
        ),
        (
            (0.9, 0.6, 1.0),
            "cannot-tell",
            0.7,
            "F1 at IoU 0.5 is 0.90 (0.60 to 1.00); it is not shown to reach 0.7.",
        ),
        ((0.9, None, None), "cannot-tell", 0.7, "F1 at IoU 0.5 is 0.90; it is not shown to reach 0.7."),
        (
            (0.9, math.nan, math.nan),
            "cannot-tell",
            0.7,
            "F1 at IoU 0.5 is 0.90; it is not shown to reach 0.7.",
        ),
        (
            (0.6, 0.55, 0.65),
            "cannot-tell",
            0.7,
            "F1 at IoU 0.5 is 0.60 (0.55 to 0.65); it is not shown to reach 0.7.",
        ),
        (
            (0.4, 0.1, 0.7),
            "cannot-tell",
            0.7,
            "F1 at IoU 0.5 is 0.40 (0.10 to 0.70); it is not shown to reach 0.7.",
        ),
        (
            (0.4, 0.3, 0.6),
            "fails",
            0.5,
            "Objects are not found: F1 at IoU 0.5 is 0.40 (0.30 to 0.60), below 0.5.",
        ),
        ((0.0, None, None), "fails", 0.5, "Objects are not found: F1 at IoU 0.5 is 0.00, below 0.5."),
        ((None, None, None), "cannot-tell", 0.7, NO_F1),
        ((math.nan, math.nan, math.nan), "cannot-tell", 0.7, NO_F1),
    ],
)
def test_matching(f1: Any, status: str, threshold: float, text: str) -> None:
    found = reason("matching", group(), f1=f1)
    assert (found.status, found.threshold, found.text) == (status, threshold, text)
    assert found.value == (None if text == NO_F1 else f1[0])


OFF = "the method's own number is off by"


@pytest.mark.parametrize(
    ("answers", "tolerance", "status", "value", "text"),
    [
        (
            [group(naive=101), group("drug")],
            0.05,
            "holds",
            0.01,
            f"Within ±5% in every group; the worst is control: {OFF} +1.0% (-1.0% to +3.0%).",
        ),
        (
            [group(naive=110), group("drug", naive=70)],
            0.025,
            "fails",
            -0.3,
            f"Not within ±2.5%: drug: {OFF} -30.0% (-32.0% to -28.0%).",
        ),
        (
            [group(naive=104)],
            0.05,
            "cannot-tell",
            0.04,
            f"Whether it is within ±5% is open: control: {OFF} +4.0% (+2.0% to +6.0%).",
        ),
        (
            [group(naive=104)],
            None,
            "cannot-tell",
            0.04,
            f"control: {OFF} +4.0% (+2.0% to +6.0%); no tolerance was stated, so this cannot be judged.",
        ),
        (
            [group(naive=-9, estimate=-10, low=-10.2, high=-9.8)],
            0.05,
            "fails",
            0.1,
            f"Not within ±5%: control: {OFF} +10.0% (+8.0% to +12.0%).",
        ),
        (
            [group(naive=math.nan), group("drug")],
            0.05,
            "fails",
            None,
            "Not within ±5%: control: the method gives no number of its own.",
        ),
    ],
    ids=["holds", "fails", "open", "no tolerance", "negative answer", "no naive number"],
)
def test_model_bias(
    answers: list[GroupAnswer], tolerance: float | None, status: str, value: float | None, text: str
) -> None:
    found = reason("model-bias", *answers, tolerance=tolerance)
    assert (found.status, found.text, found.threshold) == (status, text, tolerance)
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("zero", "status", "word", "text"),
    [
        (
            group("no dye", naive=0, estimate=0, low=0, high=0),
            "holds",
            "use",
            f"Within ±5% in every group; the worst is control: {OFF} +0.0% (-2.0% to +2.0%).",
        ),
        (
            group("no dye", naive=50, estimate=0, low=0, high=12),
            "fails",
            "fine-tune-first",
            "Not within ±5%: no dye: the method's own number is 50 and the answer 0 (0 to 12).",
        ),
        (
            group("no dye", naive=5, estimate=0, low=0, high=12),
            "cannot-tell",
            "fine-tune-first",
            "Whether it is within ±5% is open: no dye: the method's own number is 5 "
            "and the answer 0 (0 to 12).",
        ),
        (
            group("no dye", naive=50, estimate=0, low=0, high=0),
            "fails",
            "use-with-correction",
            "Not within ±5%: no dye: the method's own number is 50 and the answer 0 (0 to 0).",
        ),
    ],
    ids=["nothing found", "false objects", "open", "false objects, no doubt"],
)
def test_a_group_without_objects_counts_too(zero: GroupAnswer, status: str, word: str, text: str) -> None:
    found = reason("model-bias", group(), zero)
    assert (found.status, found.text) == (status, text)
    assert verdict(group(), zero).verdict == word


@pytest.mark.parametrize(
    ("answers", "tolerance", "status", "value", "text"),
    [
        ([group()], 0.05, "holds", None, "One group: errors cannot differ between groups."),
        (
            [group(naive=101, low=99, high=101), group("drug", low=99, high=101)],
            0.05,
            "holds",
            0.01,
            "Errors are alike in all groups: the method errs by +0.0% in drug and +1.0% in control "
            "(difference 1.0% ± 1.4%).",
        ),
        (
            [group(naive=120), group("drug", naive=90), group("other")],
            0.05,
            "fails",
            0.3,
            "Errors depend on the group, which makes false effects: the method errs by -10.0% in drug and "
            "+20.0% in control (difference 30.0% ± 2.8%).",
        ),
        (
            [group(naive=104), group("drug")],
            0.05,
            "cannot-tell",
            0.04,
            "Whether errors depend on the group is open: the method errs by +0.0% in drug and +4.0% "
            "in control (difference 4.0% ± 2.8%).",
        ),
        (
            [group(naive=104), group("drug")],
            None,
            "fails",
            0.04,
            "Errors depend on the group, which makes false effects: the method errs by +0.0% in drug "
            "and +4.0% in control (difference 4.0% ± 2.8%).",
        ),
        (
            [group(), group("drug")],
            None,
            "cannot-tell",
            0.0,
            "Whether errors depend on the group is open: the method errs by +0.0% in control and +0.0% in "
            "drug (difference 0.0% ± 2.8%).",
        ),
        (
            [group(), group("no dye", naive=50, estimate=0, low=0, high=0)],
            0.05,
            "fails",
            None,
            f"Errors depend on the group, which makes false effects: control: {OFF} +0.0% (-2.0% to +2.0%); "
            "no dye: the method's own number is 50 and the answer 0 (0 to 0).",
        ),
        (
            [group("a", naive=math.nan), group("b", naive=math.nan)],
            0.05,
            "cannot-tell",
            None,
            "Whether errors depend on the group is open: a: the method gives no number of its own; "
            "b: the method gives no number of its own.",
        ),
    ],
    ids=["one group", "alike", "differ", "open", "no tolerance", "equal", "false objects", "no numbers"],
)
def test_differential_bias(
    answers: list[GroupAnswer], tolerance: float | None, status: str, value: float | None, text: str
) -> None:
    found = reason("differential-bias", *answers, tolerance=tolerance)
    assert (found.status, found.text, found.threshold) == (status, text, tolerance)
    assert found.value == pytest.approx(value)


@pytest.mark.parametrize(
    ("answers", "tolerance", "status", "value", "text"),
    [
        (
            [group(), group("drug", low=95, high=105)],
            0.05,
            "holds",
            0.05,
            "The corrected answer is precise enough: the widest interval is ±5.0% (drug), within ±5%.",
        ),
        (
            [group(low=90, high=110), group("drug")],
            0.05,
            "fails",
            0.1,
            "The corrected answer is less precise than ±5%: the widest interval is ±10.0% (control).",
        ),
        (
            [WIDE, group("drug", extra_tiles_needed=0)],
            0.07,
            "fails",
            0.2,
            "The corrected answer is less precise than ±7%: the widest interval is ±20.0% (control); "
            "about 30 more tiles in a group would probably suffice.",
        ),
        (
            [WIDE],
            None,
            "cannot-tell",
            0.2,
            "No tolerance was stated; the widest interval is ±20.0% (control).",
        ),
        (
            [group(), group("no dye", naive=0, estimate=0, low=0, high=12)],
            0.05,
            "fails",
            None,
            "The corrected answer is less precise than ±5%: the answer of no dye is 0 and its "
            "interval is not, so it has no relative width.",
        ),
    ],
    ids=["holds", "fails", "fails, tiles would help", "no tolerance", "answer 0"],
)
def test_precision(
    answers: list[GroupAnswer], tolerance: float | None, status: str, value: float | None, text: str
) -> None:
    found = reason("precision", *answers, tolerance=tolerance)
    assert (found.status, found.text, found.threshold) == (status, text, tolerance)
    assert found.value == pytest.approx(value)


HELPS = "times as wide as from the tiles alone."


@pytest.mark.parametrize(
    ("widths", "status", "value", "text"),
    [
        ([16.0], "holds", 0.25, f"The model helps: with it the interval is 0.25 {HELPS}"),
        ([4.0], "fails", 1.0, f"The model does not help: the interval is 1.00 {HELPS}"),
        ([16.0, 8.0, 2.0], "holds", 0.5, f"The model helps: with it the interval is 0.50 {HELPS}"),
        ([8.0, None, 0.0, math.nan], "holds", 0.5, f"The model helps: with it the interval is 0.50 {HELPS}"),
        ([None], "cannot-tell", None, "There is no interval from the audited tiles alone to compare with."),
    ],
)
def test_gain(widths: list[float | None], status: str, value: float | None, text: str) -> None:
    found = reason("gain", *(group(str(i), labelled_only_width=width) for i, width in enumerate(widths)))
    assert (found.status, found.value, found.text) == (status, value, text)


def test_domain() -> None:
    assert reason("domain", group()) == Reason(
        "domain",
        "holds",
        "Nothing measured in these images lies outside what the method's card names.",
        0,
        0,
        "tab-candidates",
    )
    found = reason("domain", group(), domain=["Objects are larger.", "Images are brighter."])
    assert found == Reason(
        "domain", "fails", "Objects are larger. Images are brighter.", 2, 0, "tab-candidates"
    )


def test_tiles_drawn_without_a_method_in_view_are_independent_of_it() -> None:
    for in_view in ((), [[], []]):
        found = reason("independence", group(), in_view=in_view)
        assert (found.status, found.value, found.threshold, found.figure) == ("holds", 0, 0, "sec-audit")
        assert found.text == "No tile is known to have been annotated with objects of a candidate in view."


def test_objects_in_view_are_said_with_their_methods_and_tiles() -> None:
    found = reason("independence", group(), in_view=[["b"], [], ["a", "b"], []])
    assert (found.status, found.value) == ("cannot-tell", 0.5)
    assert found.text == (
        "On 2 of 4 tiles the annotator had objects of a, b in view, which lead the hand. How much is not "
        "known: annotate some tiles blind and compare."
    )
