"""The agreement plot: every mark at its values, the summary as stated, nothing outside of the drawing."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.report.agreement_plot import agreement_plot
from veriscope.report.schema import Agreement, Question
from veriscope.report.svg import COLOURS

from .cases import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"
QUESTION = Question(object="nucleus", measure="count", text="How many nuclei?", unit="nuclei")
LEFT, RIGHT = (76.0, 416.0), (520.0, 860.0)
"""Where the two panels begin and end."""
TOP, BOTTOM = 34.0, 374.0

Points = list[tuple[float, float]]


def summary(points: Points, **changes: Any) -> Agreement:
    """Points with the summary that Bland and Altman give."""
    differences = np.array([prediction - reference for reference, prediction in points])
    mean, sd = float(differences.mean()), float(differences.std(ddof=1)) if len(points) > 1 else math.nan
    half = 1.7 * sd / len(points) ** 0.5
    found = {
        "method": "otsu-watershed",
        "points": points,
        "mean_difference": mean,
        "low": mean - half,
        "high": mean + half,
        "limits": (mean - 1.96 * sd, mean + 1.96 * sd),
    }
    return Agreement.model_validate(found | changes)


def drawn(agreement: Agreement, question: Question = QUESTION) -> ElementTree.Element:
    return ElementTree.fromstring(agreement_plot(agreement, question))


def number(text: str | None) -> float:
    plain = (text or "").replace("\u202f", "").replace("−", "-")
    return float(
        re.sub(r"×10(.+)", lambda m: "e" + m[1].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")), plain)
    )


def values_of(root: ElementTree.Element, panel: tuple[float, float]) -> list[tuple[float, float, int]]:
    """The circles of a panel, read back with its ticks: x, y and how many points each stands for."""
    texts = [text for text in root.iter(f"{SVG}text") if text.get("font-size") == "12"]
    across = [
        t for t in texts if t.get("text-anchor") == "middle" and panel[0] <= float(t.get("x", "")) <= panel[1]
    ]
    up = [
        t for t in texts if t.get("text-anchor") == "end" and panel[0] - 60 < float(t.get("x", "")) < panel[0]
    ]

    def map_of(ticks: list[ElementTree.Element], place: str, shift: float) -> tuple[float, float]:
        places = [float(t.get(place, "")) - shift for t in ticks]
        slope, start = np.polyfit(places, [number(t.text) for t in ticks], 1)
        return float(slope), float(start)

    (ax, bx), (ay, by) = map_of(across, "x", 0), map_of(up, "y", 4)
    circles = [c for c in root.iter(f"{SVG}circle") if panel[0] <= float(c.get("cx", "")) <= panel[1]]
    return [
        (
            ax * float(c.get("cx", "")) + bx,
            ay * float(c.get("cy", "")) + by,
            round((float(c.get("r", "")) / 4.5) ** 2),
        )
        for c in circles
    ]


PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=12)


@settings(max_examples=60)
@given(pairs=PAIRS)
def test_every_tile_is_where_its_numbers_are(pairs: list[tuple[int, int]]) -> None:
    points = [(float(a), float(b)) for a, b in pairs]
    root = drawn(summary(points))
    span = max(1.0, max(map(max, points)))
    expected = Counter(points)
    for panel, of in ((LEFT, lambda a, b: (a, b)), (RIGHT, lambda a, b: ((a + b) / 2, b - a))):
        found = values_of(root, panel)
        assert len(found) == len(expected)
        wanted = sorted((*of(a, b), times) for (a, b), times in expected.items())
        for (x, y, times), (wx, wy, wanted_times) in zip(sorted(found, key=_rounded), wanted, strict=True):
            assert (x, y) == pytest.approx((wx, wy), abs=0.01 * span)
            assert times == min(wanted_times, 10), "the area of a mark stands for the number of tiles"


def _rounded(found: tuple[float, float, int]) -> tuple[float, float]:
    return round(found[0] * 2) / 2, round(found[1])


@settings(max_examples=80)
@given(pairs=PAIRS, scale=st.sampled_from([1e-6, 1.0, 1e7]), shift=st.sampled_from([0.0, 1e3]))
def test_nothing_is_drawn_outside(pairs: list[tuple[int, int]], scale: float, shift: float) -> None:
    points = [((a + shift) * scale, (b + shift) * scale) for a, b in pairs]
    root = drawn(summary(points))
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for element in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert -1 <= float(element.get(name, "0")) <= width + 1
        for name in ("y", "y1", "y2", "cy"):
            assert -1 <= float(element.get(name, "0")) <= height + 1, ElementTree.tostring(element)
    for circle in root.iter(f"{SVG}circle"):
        assert TOP - 1 <= float(circle.get("cy", "")) <= BOTTOM + 1


def lines(root: ElementTree.Element, role: str) -> list[ElementTree.Element]:
    colour = COLOURS[role]
    return [
        line
        for line in root.iter(f"{SVG}line")
        if line.get("stroke") == colour and line.get("stroke-width") == "2"
    ]


@settings(max_examples=60)
@given(pairs=PAIRS)
def test_mean_and_limits_are_lines_with_their_numbers_and_never_touch(pairs: list[tuple[int, int]]) -> None:
    agreement = summary([(float(a), float(b)) for a, b in pairs])
    root = drawn(agreement)
    heights = [float(line.get("y1", "")) for line in (*lines(root, "naive"), *lines(root, "ours"))]
    assert len(heights) == 3
    names = {"upper limit": 0, "mean": 0, "lower limit": 0}
    texts = list(root.iter(f"{SVG}text"))
    for at, text in enumerate(texts):
        if text.text in names:
            names[text.text] += 1
            assert agreement.limits is not None and None not in agreement.limits
            stated = {"upper limit": agreement.limits[1], "lower limit": agreement.limits[0]}
            value = stated.get(text.text, agreement.mean_difference)
            assert number(texts[at + 1].text) == pytest.approx(value, rel=0.006, abs=1e-9)
    assert set(names.values()) == {1}
    places = sorted(float(text.get("y", "")) for text in texts if text.text in names)
    assert all(later - sooner >= 31.9 for sooner, later in itertools.pairwise(places))


def test_where_prediction_is_right_the_marks_are_on_the_line() -> None:
    root = drawn(summary([(2.0, 2.0), (5.0, 5.0), (9.0, 9.0)]))
    (line,) = [
        element for element in root.iter(f"{SVG}line")
        if element.get("stroke-dasharray") == "6 4" and float(element.get("x1", "")) == LEFT[0]
    ]  # fmt: skip
    x1, y1, x2, y2 = (float(line.get(name, "")) for name in ("x1", "y1", "x2", "y2"))
    places = [
        (float(circle.get("cx", "")), float(circle.get("cy", ""))) for circle in root.iter(f"{SVG}circle")
    ]
    for x, y in (place for place in places if place[0] <= LEFT[1]):
        assert y == pytest.approx(y1 + (x - x1) / (x2 - x1) * (y2 - y1), abs=0.02)
    assert len({y for x, y in places if x > LEFT[1]}) == 1, "no difference anywhere"


def test_what_is_not_known_is_not_drawn() -> None:
    full = summary([(1.0, 2.0), (4.0, 3.0), (6.0, 9.0)])
    assert len(list(drawn(full).iter(f"{SVG}rect"))) == 1, "the interval of the mean"
    for missing in ({"low": None}, {"high": None}, {"low": math.nan, "high": math.nan}):
        root = drawn(full.model_validate(full.model_dump() | missing))
        assert not list(root.iter(f"{SVG}rect"))
    lone = drawn(full.model_validate(full.model_dump() | {"limits": None}))
    assert (len(lines(lone, "naive")), len(lines(lone, "ours"))) == (0, 1)
    half = drawn(full.model_validate(full.model_dump() | {"limits": [None, 5.0]}))
    assert len(lines(half, "naive")) == 1
    bare = drawn(Agreement(method="m", points=[(1.0, 2.0)]))
    assert not lines(bare, "ours") and "limits of agreement" not in (bare.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf, None, np.float64("nan")])
def test_a_tile_of_which_a_number_is_missing_is_left_out(missing: Any) -> None:
    """The mean area in a tile without objects is no number."""
    raw = {"method": "m", "points": [[2.0, 3.0], [missing, 4.0], [5.0, missing], [missing, missing]]}
    agreement = Agreement.model_validate(raw)
    assert agreement.points == [(2.0, 3.0)]
    text = agreement_plot(agreement, QUESTION)
    assert "nan" not in text.lower() and ElementTree.fromstring(text).findtext(f"{SVG}desc") == (
        "1 tiles; prediction minus reference is — on average."
    )
    assert agreement_plot(Agreement.model_validate(raw | {"points": [[missing, 1.0]]}), QUESTION) == ""


def test_the_words_for_those_who_cannot_see_it_say_the_numbers() -> None:
    agreement = summary([(10.0, 8.0), (20.0, 17.0), (30.0, 29.0), (40.0, 34.0)])
    assert agreement.low is not None and agreement.high is not None
    words = drawn(agreement).findtext(f"{SVG}desc") or ""
    assert words.startswith(
        "4 tiles; prediction minus reference is −3.0 on average (interval −4.8 to −1.2); "
    )
    assert words.endswith("limits of agreement −7.23 to 1.23.")


@pytest.mark.parametrize("measure", ["count", "mean:area", "fraction:area>150", "area-fraction", "density"])
def test_the_axes_say_what_is_compared(measure: str) -> None:
    question = Question(object="cell", measure=measure, text="?", unit="" if measure == "count" else "µm²")
    said = " ".join(drawn(summary([(1.0, 2.0), (3.0, 1.0)], unit="image"), question).itertext())
    assert "per image" in said and "prediction − reference" in said
    assert ("reference: cells per image" in said) is (measure == "count")
    assert ("µm²" in said) is (measure != "count")


def test_names_are_text_and_ids_are_of_this_figure() -> None:
    points = [(1.0, 2.0), (3.0, 1.0)]
    text = agreement_plot(summary(points, method=HOSTILE, unit=HOSTILE), QUESTION, name="agreement-7")
    root = ElementTree.fromstring(text)
    assert "<script" not in text and HOSTILE in (root.findtext(f"{SVG}title") or "")
    assert {e.get("id") for e in root if e.get("id")} == {"agreement-7-title", "agreement-7-desc"}
