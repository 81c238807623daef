"""Contrasts: differences around 0, ratios around 1, each at its value and with its words."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.report.contrast_plot import contrast_name, contrast_plot
from veriscope.report.frame import RIGHT, WIDTH
from veriscope.report.schema import Contrast, Question
from veriscope.report.svg import COLOURS

from .cases import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"
QUESTION = Question(object="nucleus", measure="mean:area", text="?", unit="µm²")


def contrast(kind: str = "difference", estimate: float | None = 2.0, **changes: Any) -> Contrast:
    half = 0.0 if estimate is None else abs(estimate) / 4
    found = {"group_a": "control", "group_b": "treated", "kind": kind, "estimate": estimate}
    ends = {
        "low": None if estimate is None else estimate - half,
        "high": None if estimate is None else estimate + half,
    }
    return Contrast.model_validate(found | ends | changes)


def panels(*contrasts: Contrast, unit: str = "") -> dict[str, ElementTree.Element]:
    """The drawings by their names."""
    text = contrast_plot(contrasts, QUESTION, unit=unit)
    roots = [ElementTree.fromstring(f"<svg{part}") for part in text.split("<svg")[1:]]
    return {(root[0].get("id") or "").removesuffix("-title"): root for root in roots}


def texts(root: ElementTree.Element) -> list[str]:
    """What is written, without what is shown when the pointer rests on it."""
    found = root.iter(f"{SVG}text")
    return [(element.text or "") + "".join(child.tail or "" for child in element) for element in found]


def neutral(root: ElementTree.Element) -> float:
    (line,) = [e for e in root.iter(f"{SVG}line") if e.get("stroke-dasharray") == "2 3"]
    assert line.get("x1") == line.get("x2")
    return float(line.get("x1", ""))


def marks(root: ElementTree.Element) -> list[float]:
    return [float(e.get("cx", "")) for e in root.iter(f"{SVG}circle")]


def ends(root: ElementTree.Element) -> list[tuple[float, float]]:
    lines = [e for e in root.iter(f"{SVG}line") if e.get("stroke-width") == "3.5"]
    return [(float(e.get("x1", "")), float(e.get("x2", ""))) for e in lines]


FINITE = st.floats(-1e6, 1e6).filter(lambda value: abs(value) > 1e-3 or value == 0)


@settings(max_examples=60)
@given(estimates=st.lists(FINITE, min_size=1, max_size=5))
def test_a_difference_is_on_its_side_of_none(estimates: list[float]) -> None:
    root = panels(*(contrast(estimate=value) for value in estimates))["difference"]
    zero, found = neutral(root), marks(root)
    span = max(abs(value) for value in estimates) or 1.0
    for value, place in zip(estimates, found, strict=True):
        assert (
            math.copysign(1, place - zero) == math.copysign(1, value)
            or abs(place - zero) <= 0.02 + abs(value) / span
        )
    if len(set(estimates)) > 1:  # one axis for all: distances are in proportion
        first, *rest = [(v, p - zero) for v, p in zip(estimates, found, strict=True) if abs(v) > span / 100]
        for value, distance in rest:
            assert distance * first[0] == pytest.approx(first[1] * value, rel=0.02, abs=0.05 * span)


@settings(max_examples=60)
@given(ratios=st.lists(st.floats(0.02, 50), min_size=1, max_size=5))
def test_a_ratio_and_its_inverse_are_equally_far_from_one(ratios: list[float]) -> None:
    both = [contrast("ratio", value, low=None, high=None) for ratio in ratios for value in (ratio, 1 / ratio)]
    root = panels(*both)["ratio"]
    one, found = neutral(root), marks(root)
    for up, down in zip(found[::2], found[1::2], strict=True):
        assert up - one == pytest.approx(one - down, abs=0.05)


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["difference", "ratio"]), FINITE, st.floats(0, 1e6), st.floats(0, 1e6)),
        max_size=6,
    )
)
def test_nothing_is_drawn_outside(rows: list[tuple[str, float, float, float]]) -> None:
    drawn = panels(*(contrast(kind, value, low=value - a, high=value + b) for kind, value, a, b in rows))
    assert drawn.keys() == {kind for kind, *_ in rows}
    for root in drawn.values():
        height = float((root.get("viewBox") or "").split()[3])
        for element in root.iter():
            for name, most in (
                ("x1", WIDTH),
                ("x2", WIDTH),
                ("cx", WIDTH),
                ("x", WIDTH),
                ("y1", height),
                ("y", height),
            ):
                assert -0.01 <= float(element.get(name, "0")) <= most + 0.01
        for left, right in ends(root):
            assert 0 <= left <= right <= WIDTH - RIGHT + 0.01


def test_rows_are_in_the_order_given_and_kinds_have_a_panel_each() -> None:
    rows = [contrast(kind, group_b=name) for name in ("b", "a", "c") for kind in ("ratio", "difference")]
    drawn = panels(*rows)
    assert list(drawn) == ["difference", "ratio"]
    assert [t for t in texts(drawn["difference"]) if " − " in t] == [f"{name} − control" for name in "bac"]
    assert [t for t in texts(drawn["ratio"]) if t.endswith(" / control")] == [
        f"{name} / control" for name in "bac"
    ]
    assert [contrast_name(row) for row in rows[:2]] == ["b / control", "b − control"]


def test_a_ratio_whose_interval_reaches_below_none_goes_on_beyond_the_axis() -> None:
    root = panels(contrast("ratio", 0.5, low=-0.2, high=1.4), contrast("ratio", 2.0, low=1.0, high=4.0))[
        "ratio"
    ]
    (first, _), (second, _) = ends(root)
    start = min(float(e.get("x1", "")) for e in root.iter(f"{SVG}line") if e.get("stroke-width") == "1")
    assert first == pytest.approx(start, abs=0.02) and second > first
    caps = [e for e in root.iter(f"{SVG}line") if e.get("x1") == e.get("x2") and e.get("stroke-width") == "2"]
    heads = [e for e in root.iter(f"{SVG}line") if e.get("stroke-width") == "2.1"]
    assert (len(caps), len(heads)) == (3, 2), "an arrow head in place of the end that is not on the axis"


@pytest.mark.parametrize("kind", ["difference", "ratio"])
def test_what_cannot_be_told_has_words_and_no_mark(kind: str) -> None:
    for given_ in ({"status": "cannot-tell", "reason": "too few"}, {"estimate": None}):
        root = panels(contrast(kind, **{"p_value": 0.01} | given_))[kind]
        assert marks(root) == ends(root) == []
    root = panels(contrast(kind, status="cannot-tell", p_value=0.01))[kind]
    assert "cannot tell" in texts(root) and not [t for t in texts(root) if t.startswith("p ")]
    assert "treated" in (root.findtext(f"{SVG}desc") or "") and "cannot tell." in (
        root.findtext(f"{SVG}desc") or ""
    )


def test_an_estimate_without_interval_has_a_mark_alone() -> None:
    root = panels(contrast(low=None, high=None))["difference"]
    assert len(marks(root)) == 1 and ends(root) == []
    for missing in ({"low": None}, {"high": math.nan}):
        assert ends(panels(contrast(**missing))["difference"]) == []


@pytest.mark.parametrize(
    ("p", "adjusted", "said"),
    [
        (0.0004, 0.0008, "p (adjusted) <\u202f0.001"),
        (0.0213, None, "p = 0.021"),
        (0.0213, 0.0426, "p (adjusted) = 0.043"),
        (1.0, 1.0, "p (adjusted) = 1.00"),
        (0.0, None, "p <\u202f0.001"),
        (None, None, None),
        (math.nan, math.nan, None),
    ],
)
def test_p_values_say_whether_they_are_adjusted(
    p: float | None, adjusted: float | None, said: str | None
) -> None:
    root = panels(contrast(p_value=p, p_adjusted=adjusted))["difference"]
    assert [text for text in texts(root) if text.startswith("p ")] == ([] if said is None else [said])


def test_the_numbers_are_written_beside_and_said() -> None:
    row = contrast(estimate=-209.28, low=-289.4, high=-129.2)
    root = panels(row)["difference"]
    assert "−209  (−289 to −129)" in texts(root)
    assert root.findtext(f"{SVG}desc") == "treated − control: −209  (−289 to −129)."
    (mark,) = root.iter(f"{SVG}circle")
    assert mark.findtext(f"{SVG}title") == "−209  (−289 to −129)"
    assert mark.get("fill") == COLOURS["ours"]


def test_the_axes_say_of_what_and_per_what() -> None:
    rows = [contrast("difference"), contrast("ratio")]
    plain, per = panels(*rows), panels(*rows, unit="per image")
    assert "difference in mean area of nuclei (µm²)" in texts(plain["difference"])
    assert "ratio of mean area of nuclei" in texts(plain["ratio"])
    assert "difference in mean area of nuclei per image" in texts(per["difference"])
    assert "ratio of mean area of nuclei per image" in texts(per["ratio"])


def test_names_of_any_length_and_kind_are_text() -> None:
    long = "a treatment with a name that is longer than any margin " * 3
    for name in (HOSTILE, long, "", " ", "dose 10 µM", "\x00\ud800", "]]>"):
        text = contrast_plot([contrast(group_a=name, group_b="b")], QUESTION)
        root = ElementTree.fromstring(text)
        assert not [e for e in root.iter() if e.tag.endswith("script")]
        assert len(re.findall("<script", text)) == 0
        assert root.findtext(f"{SVG}title") == "Differences between groups"
    cut = panels(contrast(group_b=long))["difference"]
    (name,) = [
        e for e in cut.iter(f"{SVG}text") if (e.findtext(f"{SVG}title") or "").startswith("a treatment")
    ]
    assert name.findtext(f"{SVG}title") == f"{long} − control"


def test_contrasts_of_no_width_can_be_drawn() -> None:
    for kind, value in (("difference", 0.0), ("ratio", 1.0), ("difference", 7.0), ("ratio", 3.0)):
        root = panels(contrast(kind, value, low=value, high=value))[kind]
        ((left, right),) = ends(root)
        assert left == right == pytest.approx(marks(root)[0])
        if value in (0.0, 1.0) and (kind == "ratio") == (value == 1.0):
            assert marks(root)[0] == pytest.approx(neutral(root))
