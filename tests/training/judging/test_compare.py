"""The new network against its start: the difference by hand, its sign, and the sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.compare import Comparison, compare_with_start
from veriscope.training.judging.judge import ClassJudge, Predict, predict_each


def strips(n: int, *, groups: Sequence[str] | None = None) -> list[LabelledImage]:
    """Images of 1 × 20 pixels, of which the first ten are of class 1, and which know their number."""
    labels = np.array([[1] * 10 + [0] * 10], np.int32)
    return [
        LabelledImage(
            f"s{i}",
            Image(np.full((1, 20), i, np.uint8), "yx"),
            labels,
            groups[i] if groups else f"s{i}",
            str(i),
        )
        for i in range(n)
    ]


def finding(pixels: Sequence[int]) -> Predict:
    """Give what finds the first so many pixels of each image, and no other."""

    def predict(image: Image) -> NDArray[np.int32]:
        return (np.arange(20)[None] < pixels[int(image.pixels[0, 0])]).astype(np.int32)

    return predict


def dice(pixels: int) -> float:
    return 2 * min(pixels, 10) / (10 + pixels)


def compared(new: Sequence[int], start: Sequence[int], *, groups: Sequence[str] | None = None) -> Comparison:
    judge, pairs = ClassJudge(2), strips(len(new), groups=groups)
    rows = [judge.count(finding(one), pairs) for one in (new, start)]
    return compare_with_start(judge, *rows, name="old {one}")


several = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=8)


@given(several)
@hypothesis_settings(max_examples=40)
def test_the_difference_is_new_minus_start_whichever_is_better(both: list[tuple[int, int]]) -> None:
    new, start = zip(*both, strict=True)
    told = compared(new, start).to_dict()
    by_hand = np.mean([dice(one) for one in new]) - np.mean([dice(one) for one in start])
    difference = told["difference"]
    assert difference["value"] == pytest.approx(by_hand, abs=1e-9)
    assert told["values"]["new"]["value"] == pytest.approx(np.mean([dice(one) for one in new]))
    assert told["values"]["start"]["value"] == pytest.approx(np.mean([dice(one) for one in start]))
    if difference["low"] is not None:
        assert difference["low"] - 1e-9 <= difference["value"] <= difference["high"] + 1e-9


@given(several)
@hypothesis_settings(max_examples=30)
def test_changing_places_changes_the_sign_and_nothing_else(both: list[tuple[int, int]]) -> None:
    new, start = zip(*both, strict=True)
    one, other = compared(new, start).to_dict(), compared(start, new).to_dict()
    first, second = one["difference"], other["difference"]
    for key, mirrored in (("value", "value"), ("low", "high"), ("high", "low")):
        if first[key] is None:
            assert second[mirrored] is None
        else:
            assert first[key] == pytest.approx(-second[mirrored], abs=1e-9)
    assert one["p_value"] == other["p_value"] or one["p_value"] == pytest.approx(other["p_value"])
    # Two networks cannot both be better than each other.
    assert not (one["recommended"] == other["recommended"] == "new")


def test_what_is_better_everywhere_by_a_little_more_or_less_is_recommended() -> None:
    found = compared([10, 9, 10, 9, 10, 10], [6, 5, 5, 6, 5, 4])
    assert found.recommended == "new"
    told = found.to_dict()["difference"]
    assert found.sentence == (
        f"the new network is better than old {{one}}: dice {told['value']:+.3f} on 6 locked groups, "
        f"95% interval {told['low']:+.3f} to {told['high']:+.3f}"
    )
    assert told["low"] > 0


def test_what_is_worse_says_so_with_a_negative_difference() -> None:
    found = compared([6, 5, 5, 6, 5, 4], [10, 9, 10, 9, 10, 10])
    assert (found.start, found.recommended) == ("old {one}", "start")
    told = found.to_dict()["difference"]
    assert told["low"] <= told["value"] <= told["high"] < 0
    assert found.sentence == (
        f"the new network is worse than old {{one}}, which stays recommended: dice {told['value']:+.3f} on 6 "
        f"locked groups, 95% interval {told['low']:+.3f} to {told['high']:+.3f}"
    )


def test_what_is_better_in_some_images_alone_is_not_shown_to_be_better() -> None:
    found = compared([10, 2, 10, 3, 10], [5, 9, 4, 8, 6])
    assert found.recommended == "start"
    assert found.sentence.startswith(
        "the new network is not shown to be better than old {one}, which stays recommended: dice "
    )
    told = found.to_dict()["difference"]
    assert told["low"] < 0 < told["high"]


def test_groups_are_what_is_counted_and_one_of_them_tells_nothing() -> None:
    found = compared([10, 9, 10, 9], [5, 5, 5, 6], groups=["a"] * 4)
    assert found.recommended == "start"
    assert "on 1 locked group, no interval can be given from so few groups" in found.sentence
    paired = compared([10, 9, 10, 9], [5, 5, 5, 6], groups=["a", "a", "b", "b"])
    assert " on 2 locked groups, " in paired.sentence


def test_classes_that_are_nowhere_and_were_invented_by_one_count_against_it() -> None:
    empty = [
        LabelledImage(
            f"e{i}", Image(np.full((1, 20), i, np.uint8), "yx"), np.zeros((1, 20), np.int32), f"e{i}", ""
        )
        for i in range(4)
    ]
    judge = ClassJudge(2)
    silent, inventing = (judge.count(finding(one), empty) for one in ([0] * 4, [3] * 4))
    assert judge.figures(silent) == {}
    found = compare_with_start(judge, inventing, silent, name="old")
    assert found.to_dict()["difference"]["value"] == -1
    assert found.recommended == "start"


def test_images_are_predicted_one_after_the_other_and_no_sooner_than_asked_for() -> None:
    seen: list[int] = []
    steps: list[tuple[str, int, int]] = []

    def predict(image: Image) -> int:
        seen.append(int(image.pixels[0, 0]))
        return seen[-1]

    each = predict_each(predict, strips(3), lambda *step: steps.append(step))
    assert seen == [] and steps == []
    pair, found = next(each)
    assert (pair.stem, found, seen, steps) == ("s0", 0, [0], [("judge", 0, 3)])
    assert [found for _, found in each] == [1, 2]
    assert steps == [("judge", done, 3) for done in range(4)]
