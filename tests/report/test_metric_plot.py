"""Candidates side by side: marks at their values, who was chosen, and what cannot be told."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.report.metric_plot import metric_plot
from veriscope.report.schema import Candidate
from veriscope.report.wording import main_metrics, plotted_metrics, tabled_metrics

from .cases import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"
SHARES = st.floats(0, 1)


def candidate(method: str, chosen: bool = False, **metrics: Any) -> Candidate:
    found = {
        key.replace("_at_", "@").replace("05", "0.5").replace("07", "0.7"): (
            value if isinstance(value, dict) else {"value": value, "low": None, "high": None}
        )
        for key, value in metrics.items()
    }
    return Candidate.model_validate({"method": method, "chosen": chosen, "metrics": found or None})


def plot(*candidates: Candidate) -> ElementTree.Element:
    return ElementTree.fromstring(metric_plot(candidates))


def hinted(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return [e for e in root.iter(f"{SVG}{tag}") if e.find(f"{SVG}title") is not None]


def texts(root: ElementTree.Element) -> list[str]:
    return [(e.text or "") + "".join(child.tail or "" for child in e) for e in root.iter(f"{SVG}text")]


@given(st.lists(SHARES, min_size=2, max_size=5, unique=True))
@settings(max_examples=50, deadline=None)
def test_a_better_candidate_lies_to_the_right(values: list[float]) -> None:
    root = plot(*(candidate(f"m{i}", chosen=True, f1_at_05=value) for i, value in enumerate(values)))
    places = [float(e.get("cx", "")) for e in hinted(root, "circle")]
    assert len(places) == len(values)
    order = sorted(range(len(values)), key=lambda i: values[i])
    assert [places[i] for i in order] == sorted(places)


def test_the_chosen_one_is_a_filled_circle_and_the_others_are_hollow_squares() -> None:
    root = plot(candidate("ours", chosen=True, f1_at_05=0.9), candidate("theirs", f1_at_05=0.8))
    assert len(hinted(root, "circle")) == 1
    (square,) = hinted(root, "rect") or hinted(root, "polygon")
    assert "theirs: 0.800 (—)" in "".join(square.itertext())
    assert texts(root).count("chosen") == 1


def test_values_are_written_with_two_digits_and_in_words_with_their_interval() -> None:
    root = plot(candidate("ours", chosen=True, f1_at_05={"value": 0.8765, "low": 0.81, "high": 0.93}))
    assert "0.88" in texts(root) and "F1 at IoU 0.5" in texts(root)
    description = root.find(f"{SVG}desc")
    assert description is not None
    assert description.text == "ours (chosen): F1 at IoU 0.5 0.876 (0.810–0.930)."


def test_a_candidate_without_a_metric_that_others_have_cannot_be_told() -> None:
    root = plot(candidate("a", f1_at_05=0.9, pq=0.7), candidate("b", f1_at_05=0.8, pq=None))
    assert texts(root).count("cannot tell") == 1
    other = plot(candidate("a", f1_at_05=0.9, pq=0.7), candidate("b", f1_at_05=0.8))
    assert texts(other).count("cannot tell") == 1


def test_candidates_without_any_metric_have_no_row() -> None:
    root = plot(candidate("a", f1_at_05=0.9), candidate("untested"))
    assert "untested" not in " ".join(texts(root))
    assert metric_plot([candidate("untested")]) == ""
    assert metric_plot([candidate("a", count_bias=0.1)]) == "", "its best value is not 1"


@pytest.mark.parametrize("value", [0.0, 0.5, 0.95, 1.0])
def test_the_axis_ends_at_1_and_begins_below_all_values(value: float) -> None:
    root = plot(candidate("a", chosen=True, pq={"value": value, "low": max(0, value - 0.2), "high": 1.0}))
    (circle,) = hinted(root, "circle")
    ends = [float(e.get(key, "")) for e in root.iter(f"{SVG}line") for key in ("x1", "x2")]
    assert min(ends) <= float(circle.get("cx", "")) <= max(ends) <= 960.5


def test_names_are_text() -> None:
    text = metric_plot([candidate(HOSTILE, chosen=True, f1_at_05=0.9)])
    assert "<script" not in text
    root = ElementTree.fromstring(text)
    assert any(HOSTILE in (title.text or "") for title in root.iter(f"{SVG}title"))


# ---- which metrics are drawn, tabled, and compared by


def test_at_most_three_are_drawn_the_main_ones_first() -> None:
    many = candidate("a", aji=0.5, pq=0.7, f1_at_07=0.8, mean_matched_iou=0.8, f1_at_05=0.9)
    assert plotted_metrics([many]) == ["f1@0.5", "f1@0.7", "pq"]
    assert tabled_metrics([many]) == ["f1@0.5", "f1@0.7", "pq", "aji", "mean_matched_iou"]
    assert main_metrics([many]) == ["f1@0.5", "f1@0.7", "pq"]


def test_without_a_main_one_the_first_five_serve() -> None:
    other = candidate("a", **{f"measure_{i}": 0.1 * i for i in range(7)})
    assert main_metrics([other]) == [f"measure_{i}" for i in range(5)]
    assert plotted_metrics([other]) == []
    assert main_metrics([]) == tabled_metrics([candidate("none")]) == []


def test_what_any_candidate_has_is_tabled_once() -> None:
    found = tabled_metrics([candidate("a", dice=0.5, pq=0.1), candidate("b", pq=0.2, vi=1.0)])
    assert found == ["pq", "dice", "vi"]
