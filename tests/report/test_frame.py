"""Axes, intervals and keys are where their values say, and what leaves the axis has an arrow."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.report.frame import (
    KeyItem,
    draw_bottom_axis,
    draw_interval,
    draw_key,
    draw_left_axis,
    left_axis_room,
    left_margin,
    present,
)
from veriscope.report.scales import Scale
from veriscope.report.svg import Drawing

NAME = "{http://www.w3.org/2000/svg}"
SCALE = Scale(0.0, 10.0, 100.0, 500.0)


def drawing() -> Drawing:
    return Drawing(600, 300, name="d", title="t", description="d")


def parts(made: Drawing, tag: str) -> list[dict[str, Any]]:
    root = ElementTree.fromstring(made.render())
    found = [part for part in root if part.tag == NAME + tag]
    return [{**part.attrib, "text": part.text} for part in found]


def xs(line: dict[str, Any]) -> tuple[float, float]:
    return float(line["x1"]), float(line["x2"])


@given(st.floats(-20, 30), st.floats(0, 30))
def test_an_interval_ends_at_its_values_or_points_on(low: float, length: float) -> None:
    made = drawing()
    draw_interval(made, SCALE, 50.0, low, low + length, role="ours", width=3.0)
    body, *ends = parts(made, "line")
    assert xs(body) == pytest.approx((SCALE.clip(low), SCALE.clip(low + length)), abs=0.006)
    expected = sum(1 if 0 <= end <= 10 else 2 for end in (low, low + length))
    assert len(ends) == expected, "a cap within the axis, two strokes of an arrow beyond it"
    for end, place in ((low, SCALE.clip(low)), (low + length, SCALE.clip(low + length))):
        near = [line for line in ends if xs(line)[0] == pytest.approx(place, abs=0.006)]
        if 0 <= end <= 10:
            assert any(line["x1"] == line["x2"] for line in near)
        else:
            inwards = 1 if end < 0 or place == SCALE.start else -1
            assert any((xs(line)[1] - xs(line)[0]) * inwards > 0 for line in near)


def test_the_ticks_of_an_axis_are_at_their_values() -> None:
    made = drawing()
    draw_bottom_axis(made, SCALE, 200.0, top=20.0, title="number of nuclei")
    texts = parts(made, "text")
    assert texts[-1]["text"] == "number of nuclei"
    for text in texts[:-1]:
        assert float(text["x"]) == pytest.approx(SCALE(float(text["text"])))
        assert text["text-anchor"] == "middle"
    assert [text["text"] for text in texts[:-1]] == ["0", "2", "4", "6", "8", "10"]
    upright = Scale(0.0, 0.5, 250.0, 50.0)
    made = drawing()
    draw_left_axis(made, upright, 100.0, right=500.0, title="share")
    *ticks, title = parts(made, "text")
    for text in ticks:
        assert float(text["y"]) - 4 == pytest.approx(upright(float(text["text"])))
    assert title["transform"].startswith("rotate(-90 ")
    assert 100 - float(title["x"]) <= left_axis_room(upright)


def test_long_ticks_take_more_room() -> None:
    assert left_axis_room(Scale(0, 1e6, 250, 50)) > left_axis_room(Scale(0, 1, 250, 50))


@given(st.lists(st.text("mi", min_size=1, max_size=80), min_size=1))
def test_the_margin_fits_the_longest_name_within_limits(names: list[str]) -> None:
    found = left_margin(names)
    assert 110 <= found <= 240
    assert found == max(left_margin([name]) for name in names)


@pytest.mark.parametrize(
    ("item", "tags"),
    [
        (KeyItem("truth", "diamond", "truth"), ["polygon"]),
        (KeyItem("by labels", "circle", "labelled", hollow=True, whisker=2), ["line", "circle"]),
        (KeyItem("allowed", "band", "band"), ["rect"]),
        (KeyItem("none", "line", "ink"), ["line"]),
    ],
)
def test_the_key_shows_each_sign_with_its_word(item: KeyItem, tags: list[str]) -> None:
    made = drawing()
    draw_key(made, 10, 20, [item, KeyItem("next", "square", "ours")])
    root = ElementTree.fromstring(made.render())
    drawn = [part.tag.removeprefix(NAME) for part in root][2:]
    assert drawn == [*tags, "text", "polygon", "text"]
    first, second = parts(made, "text")
    assert (first["text"], second["text"]) == (item.text, "next")
    assert float(second["x"]) > float(first["x"]) + 20, "beside each other"


def test_what_is_missing_is_passed_over() -> None:
    assert present(None, 0.0, 2.5, None) == [0.0, 2.5]
    assert present(None) == []
