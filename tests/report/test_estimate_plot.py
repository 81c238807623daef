"""The answer by group: every mark at its value, every word beside it, and nothing drawn that is not known."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.report.estimate_plot import estimate_plot
from veriscope.report.frame import RIGHT, WIDTH
from veriscope.report.schema import GroupEstimate, Question, Truth

from .cases import HOSTILE

SVG = "{http://www.w3.org/2000/svg}"
QUESTION = Question(object="nucleus", measure="count", text="?", tolerance=0.1)


def group(name: str = "control", **changes: Any) -> GroupEstimate:
    known = {"group": name, "estimate": 100.0, "low": 90.0, "high": 115.0, "naive": 80.0}
    return GroupEstimate.model_validate(known | changes)


def plot(*groups: GroupEstimate, truth: Truth | None = None, **changes: Any) -> ElementTree.Element:
    question = QUESTION.model_copy(update=changes)
    return ElementTree.fromstring(estimate_plot(groups, question, truth))


def texts(root: ElementTree.Element) -> list[str]:
    """What is written, without what is shown when the pointer rests on it."""
    found = root.iter(f"{SVG}text")
    return [(e.text or "") + "".join(child.tail or "" for child in e) for e in found]


def place_of_circle(root: ElementTree.Element) -> float:
    (circle,) = [e for e in root.iter(f"{SVG}circle") if e.find(f"{SVG}title") is not None]
    return float(circle.get("cx", ""))


def thick(root: ElementTree.Element) -> tuple[float, float]:
    """Ends of the corrected interval, the thickest line; that of the key has no hint."""
    lines = [e for e in root.iter(f"{SVG}line") if e.get("stroke-width") == "3.5"]
    (line,) = [e for e in lines if e.find(f"{SVG}title") is not None]
    return float(line.get("x1", "")), float(line.get("x2", ""))


def diamonds(root: ElementTree.Element) -> list[float]:
    found = [e for e in root.iter(f"{SVG}polygon") if e.find(f"{SVG}title") is not None]
    return [float((e.get("points") or "").split(",")[0]) for e in found]


VALUES = st.lists(st.floats(1, 1e6), min_size=4, max_size=4, unique=True).map(sorted)


@given(VALUES)
@settings(max_examples=60, deadline=None)
def test_order_on_paper_is_order_of_values(values: list[float]) -> None:
    low, naive, estimate, high = values
    root = plot(group(low=low, estimate=estimate, high=high, naive=naive))
    left, right = thick(root)
    (model,) = diamonds(root)
    assert left <= place_of_circle(root) <= right
    assert model <= place_of_circle(root) + 0.01
    assert all(-0.5 <= float(e.get("x1", "0")) <= WIDTH + 0.5 for e in root.iter(f"{SVG}line"))
    assert right <= WIDTH - RIGHT + 0.01


@given(VALUES, st.floats(1e-3, 1e3))
@settings(max_examples=30, deadline=None)
def test_the_unit_moves_no_mark(values: list[float], factor: float) -> None:
    low, naive, estimate, high = values
    one = plot(group(low=low, estimate=estimate, high=high, naive=naive))
    other = plot(
        group(low=low * factor, estimate=estimate * factor, high=high * factor, naive=naive * factor)
    )
    # Names take the same room, so the axis begins and ends at the same places.
    assert place_of_circle(one) == pytest.approx(place_of_circle(other), abs=0.02)
    assert thick(one) == pytest.approx(thick(other), abs=0.02)


def test_what_is_written_beside_a_group() -> None:
    root = plot(
        group(n_tiles_audited=20, n_images=1, n_replicates=3, labelled_only={"estimate": 104.0}),
        group("treated", status="cannot-tell", estimate=None, low=None, high=None, extra_tiles_needed=12),
    )
    written = [text.replace("\u202f", " ") for text in texts(root)]
    for text in (
        "100  (90–115)",
        "model alone 80  (−20 %)",
        "labels alone 104",
        "20 tiles audited",
        "1 image, 3 repl.",
        "cannot tell: about 12 more tiles needed",
        "model alone 80",
    ):
        assert text in written, text
    assert "number of nuclei" in written


@pytest.mark.parametrize(("naive", "told"), [(-9.0, "(+10 %)"), (-11.0, "(−10 %)"), (-10.0, "(0 %)")])
def test_an_answer_below_nothing_is_overstated_by_what_lies_above_it(naive: float, told: str) -> None:
    """An intensity less its background may be negative; the verdict counts errors the same way."""
    root = plot(group(estimate=-10.0, low=-12.0, high=-8.0, naive=naive), measure="mean-intensity")
    written = [text.replace("\u202f", " ") for text in texts(root)]
    assert any(text.startswith("model alone") and text.endswith(told) for text in written)
    left, right = thick(root)
    assert 0 < left < place_of_circle(root) < right


def test_the_band_of_the_tolerance_lies_around_the_answer() -> None:
    root = plot(group(low=99, high=101), group("b", estimate=50.0, low=49, high=51))
    bands = [e for e in root.iter(f"{SVG}rect") if float(e.get("height", "0")) > 20]
    assert len(bands) == 2
    wide, narrow = (float(band.get("width", "")) for band in bands)
    assert wide == pytest.approx(2 * narrow, rel=0.01), "a tenth of 100, and of 50"
    assert not [e for e in plot(group(), tolerance=None).iter(f"{SVG}rect") if e.get("height") == "62"]
    assert "±10\u202f% tolerance" in texts(root)
    assert not any("tolerance" in text for text in texts(plot(group(), tolerance=None)))


def test_the_truth_is_a_broken_line_at_its_value_in_its_own_row() -> None:
    truth = Truth(source="simulated", groups={"b": 100.0, "nowhere": 3.0})
    root = plot(group(), group("b"), truth=truth)
    lines = [e for e in root.iter(f"{SVG}line") if e.find(f"{SVG}title") is not None]
    (line,) = [e for e in lines if e.get("stroke-dasharray")]
    assert line.get("x1") == line.get("x2")
    circles = [e for e in root.iter(f"{SVG}circle") if e.find(f"{SVG}title") is not None]
    assert float(line.get("x1", "")) == pytest.approx(float(circles[1].get("cx", "")), abs=0.02)
    assert "truth" in texts(root)
    description = root.find(f"{SVG}desc")
    assert description is not None and (description.text or "").count("truth 100") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"low": None, "high": None},
        {"naive": None},
        {"estimate": None},
        {"labelled_only": {"estimate": None, "low": 1.0, "high": 2.0}},
        {"estimate": 0.0, "low": 0.0, "high": 0.0, "naive": 0.0},
        {"estimate": None, "low": None, "high": None, "naive": None},
    ],
    ids=["no interval", "no number of its own", "no answer", "no labels", "nothing there", "nothing known"],
)
def test_what_is_not_known_is_left_out_and_the_rest_is_drawn(changes: dict[str, Any]) -> None:
    found = group(**changes)
    root = plot(found)
    assert len(diamonds(root)) == (found.naive is not None)
    circles = [e for e in root.iter(f"{SVG}circle") if e.find(f"{SVG}title") is not None]
    assert len(circles) == (found.estimate is not None)
    written = " ".join(texts(root))
    assert "None" not in written and "nan" not in written
    assert ("cannot tell" in written) == (found.estimate is None)


@pytest.mark.parametrize("name", [HOSTILE, "a\u0000b", "  ", "𝛼" * 80, "]]><x>", "&amp;"])
def test_a_group_may_have_any_name(name: str) -> None:
    text = estimate_plot([group(name)], QUESTION)
    root = ElementTree.fromstring(text)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {
        "svg", "title", "desc", "text", "line", "circle", "rect", "polygon", "tspan",
    }  # fmt: skip
    assert "<script" not in text and "<x>" not in text


def test_rows_come_in_the_order_given() -> None:
    names = [f"group {i}" for i in range(6)]
    root = plot(*(group(name) for name in names))
    bold = [e for e in root.iter(f"{SVG}text") if e.get("x") == "0" and e.get("font-size") == "14"]
    heights = [float(e.get("y", "")) for e in bold]
    assert [e.find(f"{SVG}title").text for e in bold] == names  # type: ignore[union-attr]
    assert heights == sorted(heights) and len(set(heights)) == 6
