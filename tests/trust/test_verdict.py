"""Every rule of the verdict, and what holds for any evidence."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.trust.verdict import MOST_TILES, GroupAnswer

from .answers import GOOD_F1, WIDE, group, reason, verdict


def test_rule_1_without_an_interval_in_every_group_nothing_can_be_told() -> None:
    open_group = group("drug", estimate=None, low=None, high=None, reason="1 tile audited, 2 needed")
    result = verdict(group(), open_group, f1=(0.1, 0.05, 0.2))
    assert result.verdict == "cannot-tell"
    assert result.text == "The evidence does not suffice for a verdict."
    assert [reason.check for reason in result.reasons] == [
        *("audit-size", "independence", "matching", "domain")
    ]


def test_rule_2_a_method_that_does_not_find_the_objects_is_not_used_even_if_its_number_is_right() -> None:
    result = verdict(group(), f1=(0.3, 0.2, 0.4))
    assert result.verdict == "do-not-use"
    assert result.text == "The method does not find these objects; do not use its numbers."


@pytest.mark.parametrize("f1", [GOOD_F1, (0.6, 0.4, 0.8), (None, None, None)])
def test_rule_3_numbers_within_the_tolerance_in_all_groups_are_used(f1: Any) -> None:
    result = verdict(group(), group("drug", naive=51, estimate=50, low=49.5, high=50.5), f1=f1)
    assert result.verdict == "use"
    assert result.text == "The method's own numbers are within the tolerance; they may be used as they are."


def test_rule_3_does_not_apply_where_errors_differ_between_groups() -> None:
    low = group("low", naive=96, low=99.9, high=100.1)
    high = group("high", naive=104, low=99.9, high=100.1)
    result = verdict(low, high)
    assert {r.check: r.status for r in result.reasons}["model-bias"] == "holds"
    assert result.verdict == "use-with-correction"


def test_rule_4_a_wrong_number_with_a_precise_correction_is_corrected() -> None:
    result = verdict(group(naive=150))
    assert result.verdict == "use-with-correction"
    assert result.text == "Use the audit's corrected answer, not the method's own numbers."


def test_rule_4_without_a_stated_tolerance_the_correction_is_always_the_one_to_use() -> None:
    assert verdict(group(), tolerance=None).verdict == "use-with-correction"
    assert verdict(WIDE, tolerance=None).verdict == "use-with-correction"


@pytest.mark.parametrize(
    "options",
    [
        {"labelled_only_width": 30.0},
        {"extra_tiles_needed": MOST_TILES + 1},
        {"extra_tiles_needed": None},
    ],
    ids=["the model does not help", "too many tiles are needed", "no number of tiles is known to do"],
)
def test_rule_5_a_method_that_no_sensible_audit_corrects_is_trained_first(options: dict[str, Any]) -> None:
    result = verdict(replace(WIDE, **{"labelled_only_width": 100.0} | options))
    assert result.verdict == "fine-tune-first"
    assert result.text == (
        "The method errs too much for a small audit to correct; train or fine-tune it first."
    )


def test_rule_6_a_few_more_tiles_may_tell() -> None:
    wide = replace(WIDE, labelled_only_width=100.0, extra_tiles_needed=MOST_TILES)
    result = verdict(wide)
    assert result.verdict == "cannot-tell"
    precision = reason("precision", wide)
    assert precision.text.endswith("; about 200 more tiles in a group would probably suffice.")


def test_rule_6_a_group_that_is_precise_already_needs_no_tiles() -> None:
    precise = group("drug", naive=150, extra_tiles_needed=None, labelled_only_width=100.0)
    assert verdict(replace(WIDE, labelled_only_width=100.0), precise).verdict == "cannot-tell"


@pytest.mark.parametrize(
    ("answer", "word", "is_warned"),
    [
        (group(), "use", True),
        (group(naive=120), "use-with-correction", True),
        (WIDE, "fine-tune-first", False),
    ],
)
def test_a_word_of_trust_says_that_the_hand_was_led(answer: GroupAnswer, word: str, is_warned: bool) -> None:
    warning = " Annotators had candidates' objects in view, so the method may look better than it is."
    alone, led = verdict(answer), verdict(answer, in_view=[["a"]])
    assert alone.verdict == led.verdict == word
    assert led.text == alone.text + (warning if is_warned else "")


# ---- what holds for any evidence

numbers = st.floats(-1e6, 1e6) | st.sampled_from([0.0, math.nan, math.inf])
answers = st.builds(
    GroupAnswer,
    group=st.sampled_from("abc"),
    naive=numbers,
    estimate=st.none() | numbers,
    low=st.none() | numbers,
    high=st.none() | numbers,
    labelled_only_width=st.none() | numbers,
    extra_tiles_needed=st.none() | st.integers(0, 1000),
)
bounds = st.none() | st.floats(0, 1) | st.just(math.nan)


@given(
    answers=st.lists(answers, max_size=3),
    tolerance=st.none() | st.floats(0.001, 1),
    f1=st.tuples(*[bounds] * 3),
)
def test_any_evidence_gets_a_verdict_that_is_valid_json(
    answers: list[GroupAnswer], tolerance: float | None, f1: Any
) -> None:
    result = verdict(*answers, tolerance=tolerance, f1=f1).to_dict()
    text = json.dumps(result, allow_nan=False)
    assert json.loads(text) == result
    assert "nan" not in text
    assert "inf" not in text


@given(scale=st.floats(0.01, 1e6), naive=st.floats(50, 150), half=st.floats(0.1, 50))
def test_the_unit_of_the_answer_does_not_matter(scale: float, naive: float, half: float) -> None:
    def word(unit: float) -> str:
        answer = group(
            naive=naive * unit, estimate=100 * unit, low=(100 - half) * unit, high=(100 + half) * unit
        )
        return verdict(replace(answer, labelled_only_width=60 * unit, extra_tiles_needed=20)).verdict

    # Powers of two change no digit, so that nothing is decided by rounding.
    assert word(2.0 ** round(math.log2(scale))) == word(1.0)
