"""Plots: well-formed, readable without colour, and marks where the values are."""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.report.agreement_plot import agreement_plot
from veriscope.report.contrast_plot import contrast_plot
from veriscope.report.estimate_plot import estimate_plot
from veriscope.report.metric_plot import metric_plot
from veriscope.report.record import check_record
from veriscope.report.reliability_plot import reliability_plot, reliability_sentence
from veriscope.report.scales import Scale, fit_scale, nice_ticks
from veriscope.report.schema import Agreement, Reliability, ReportRecord
from veriscope.report.svg import Drawing, shorten, text_width

from .cases import bare_record, full_record, hostile_record

SVG = "{http://www.w3.org/2000/svg}"


def plots(record: ReportRecord) -> list[str]:
    found = [
        estimate_plot(record.estimate.groups, record.question, record.truth),
        *contrast_plot(record.estimate.contrasts, record.question).split("\n<svg"),
        metric_plot(record.ran),
        *(agreement_plot(item, record.question) for item in record.agreement),
        *(reliability_plot(item) for item in record.reliability),
    ]
    return [text if text.startswith("<svg") else "<svg" + text for text in found if text]


@pytest.mark.parametrize("make", [full_record, bare_record, hostile_record])
def test_every_plot_is_well_formed_and_announces_itself(make: Any) -> None:
    found = plots(check_record(make()))

    assert found
    for text in found:
        root = ElementTree.fromstring(text)
        ids = {element.get("id") for element in root if element.get("id")}
        assert root.get("role") == "img"
        assert set((root.get("aria-labelledby") or "").split()) == ids
        title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
        assert title is not None and title.text
        assert description is not None and description.text
        assert "nan" not in text.lower().replace("nanometre", "")


def marks(root: ElementTree.Element, role: str) -> list[ElementTree.Element]:
    return [element for element in root if f"s-{role}" in (element.get("class") or "").split()]


def axis(root: ElementTree.Element) -> Scale:
    """The horizontal axis of a drawing, read back from its first and last tick."""
    texts = [
        e for e in root.iter(f"{SVG}text") if e.get("text-anchor") == "middle" and e.get("font-size") == "12"
    ]
    places = [
        (float(e.get("x", "")), float((e.text or "").replace("\u202f", "").replace("−", "-"))) for e in texts
    ]
    (x0, low), (x1, high) = places[0], places[-1]
    return Scale(low, high, x0, x1)


def test_the_marks_of_the_answer_are_at_their_values() -> None:
    record = check_record(full_record())
    root = ElementTree.fromstring(plots(record)[0])
    scale = axis(root)

    circles = [e for e in root.iter(f"{SVG}circle") if e.find(f"{SVG}title") is not None]
    places = [float(e.get("cx", "")) for e in circles]
    assert places == pytest.approx([scale(9932.4), scale(7421.0)], abs=0.5)

    diamonds = [
        e for e in marks(root, "naive") if e.tag == f"{SVG}polygon" and e.find(f"{SVG}title") is not None
    ]
    centres = [float((e.get("points") or "").split(",")[0]) for e in diamonds]
    assert centres == pytest.approx([scale(9072), scale(7188), scale(3120)], abs=0.5)

    truths = [e for e in marks(root, "truth") if e.find(f"{SVG}title") is not None]
    assert [float(e.get("x1", "")) for e in truths] == pytest.approx(
        [scale(9850), scale(7388), scale(3530)], abs=0.5
    )
    assert all(e.get("stroke-dasharray") for e in truths)


def test_a_group_without_an_answer_says_so_in_the_plot() -> None:
    root = ElementTree.fromstring(plots(check_record(full_record()))[0])
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]

    assert "cannot tell" in texts
    assert "cannot tell: about 14 more tiles needed" in texts


def test_contrasts_say_which_group_is_less_and_per_what() -> None:
    record = check_record(full_record())
    text = contrast_plot(record.estimate.contrasts, record.question, unit="per image")

    assert ">dose 1 µM − control</text>" in text and ">dose 1 µM / control</text>" in text
    assert ">difference in number of nuclei per image</text>" in text
    assert ">ratio of number of nuclei per image</text>" in text
    left, neutral = (
        float(re.findall(pattern, text)[0]) for pattern in (r'cx="([\d.]+)"', r'x1="([\d.]+)"[^>]*2 3')
    )
    assert left < neutral, "a negative difference is to the left of no difference"


def test_a_very_wide_interval_is_cut_so_that_the_answer_can_be_seen() -> None:
    raw = full_record()
    raw["estimate"]["groups"] = raw["estimate"]["groups"][:1]
    raw["truth"] = None
    raw["estimate"]["groups"][0]["labelled_only"].update(low=0.0, high=9e6)
    root = ElementTree.fromstring(plots(check_record(raw))[0])
    thick = next(
        e for e in marks(root, "ours") if e.get("stroke-width") == "3.5" and e.find(f"{SVG}title") is not None
    )

    assert float(thick.get("x2", "")) - float(thick.get("x1", "")) > 200
    assert all(-1 <= float(e.get("x1", "0")) <= 961 for e in root.iter(f"{SVG}line"))


def test_a_long_name_is_cut_in_the_drawing_and_whole_in_its_hint() -> None:
    raw = full_record()
    raw["estimate"]["groups"][0]["group"] = "a treatment with a name longer than any margin could ever hold"
    text = plots(check_record(raw))[0]

    assert "…</text>" in text
    assert "<title>a treatment with a name longer than any margin could ever hold</title>" in text


def test_nothing_to_draw_is_no_drawing() -> None:
    question = check_record(bare_record()).question

    assert estimate_plot([], question) == ""
    assert contrast_plot([], question) == ""
    assert metric_plot([]) == ""
    assert agreement_plot(Agreement(method="m"), question) == ""


@pytest.mark.parametrize("points", [[(0.0, 0.0)], [(3.0, 3.0)] * 5, [(0.0, 1e9), (1e-9, 0.0)]])
def test_few_equal_or_extreme_points_can_be_drawn(points: list[tuple[float, float]]) -> None:
    question = check_record(bare_record()).question
    text = agreement_plot(Agreement(method="m", points=points), question)

    root = ElementTree.fromstring(text)
    assert len(list(root.iter(f"{SVG}circle"))) == 2 * len(set(points))


def test_ratios_have_a_logarithmic_axis() -> None:
    scale = Scale(0.25, 4.0, 0.0, 100.0, log=True)

    assert scale(1.0) == pytest.approx(50)
    assert scale(0.5) == pytest.approx(25)
    assert [text for _, text in scale.ticks()] == ["0.5", "1", "2"]


values = st.floats(-1e9, 1e9)


@given(values, values, st.integers(2, 10))
def test_ticks_are_round_few_and_within(a: float, b: float, n: int) -> None:
    low, high = sorted((a, b))
    if high - low < 1e-6 * max(abs(low), abs(high), 1e-3):
        return
    ticks = nice_ticks(low, high, n=n)

    assert 1 <= len(ticks) <= 2 * n + 1
    slack = (high - low) * 1e-6
    assert all(low - slack <= tick <= high + slack for tick in ticks)


@given(st.lists(st.none() | st.floats(-1e12, 1e12) | st.just(math.nan), max_size=6), st.booleans())
def test_a_scale_holds_whatever_it_is_given(found: list[float | None], floor: bool) -> None:
    scale = fit_scale(found, 0.0, 100.0, floor=0.0 if floor else None)

    assert scale.low < scale.high
    for value in found:
        if value is not None and math.isfinite(value):
            assert -1e-6 <= scale(value) <= 100 + 1e-6
    if floor and all(value is None or math.isnan(value) or value >= 0 for value in found):
        assert scale.low >= 0


@given(st.text(max_size=60), st.floats(20, 300))
def test_shortened_text_fits_and_any_text_can_be_drawn(text: str, width: float) -> None:
    kept = shorten(text, width)
    assert text_width(kept) <= max(width, text_width("…"))

    drawing = Drawing(10, 10, name="x", title=text, description=text)
    drawing.text(0, 0, text, hint=text)
    ElementTree.fromstring(drawing.render())


def stated(**changes: Any) -> Reliability:
    found = {
        "method": "m",
        "n_objects": 30,
        "bins": [
            {"n_cases": 10, "stated": 0.2, "observed": {"value": 0.5, "low": 0.3, "high": 0.7}},
            {"n_cases": 20, "stated": 0.8, "observed": {"value": 0.75}},
        ],
        "excess": {"value": 0.1, "low": -0.1, "high": 0.2},
        "calibration_error": {"value": 0.1, "low": None, "high": None},
    }
    return Reliability.model_validate(found | changes)


def test_objects_are_where_their_probability_and_share_are_and_only_known_intervals_are_drawn() -> None:
    root = ElementTree.fromstring(reliability_plot(stated()))
    circles = list(root.iter(f"{SVG}circle"))
    places = [(float(c.get("cx") or 0), float(c.get("cy") or 0), float(c.get("r") or 0)) for c in circles]
    (x1, y1, r1), (x2, y2, r2) = places
    assert (x2 - x1) == pytest.approx(0.6 * 340) and (y1 - y2) == pytest.approx(0.25 * 340)
    assert r2 > r1, "more objects, larger mark"
    upright = [
        line for line in marks(root, "ours") if line.tag == f"{SVG}line" and line.get("x1") == line.get("x2")
    ]
    assert len(upright) == 1, "the second bin has no interval"
    text = "".join(root.itertext())
    assert "10 objects: stated 0.20, right" in text and "share that was right" in text
    assert reliability_plot(stated(bins=[])) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "do not show that the stated probabilities are wrong"),
        ({"excess": {"value": -0.2, "low": -0.3, "high": -0.1}}, "too sure of its objects"),
        ({"excess": {"value": 0.2, "low": 0.1, "high": 0.3}, "shown": True}, "not sure enough"),
        ({"shown": True}, "do not hold, though they are right on average"),
        ({"excess": {"value": 0.0}}, "cannot be told"),
    ],
)
def test_the_sentence_says_no_more_than_the_tiles(changes: dict[str, Any], said: str) -> None:
    assert said in reliability_sentence(stated(**changes))
