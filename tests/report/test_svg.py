"""Drawings are well-formed whatever they say, are complete without their page, and keep texts whole."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.report.svg import COLOURS, Drawing, shorten, text_width

NAME = "{http://www.w3.org/2000/svg}"
ANY_TEXT = st.text(max_size=12) | st.sampled_from(
    ["</svg><script>alert(1)</script>", "a & b", '"q"', "\x00\x0b", "\ud800", "]]>", "<!--", "&#0;"]
)
PLACES = st.floats(-2000, 2000)


def drawing(**more: Any) -> Drawing:
    return Drawing(200, 100, **({"name": "d", "title": "Title", "description": "What it says"} | more))


def read(made: Drawing) -> ElementTree.Element:
    """Read it as a browser would that is strict."""
    return ElementTree.fromstring(made.render().encode("utf-8"))


def only(method: str, *args: Any, **options: Any) -> ElementTree.Element:
    """Give the one element that a method adds."""
    made = drawing()
    getattr(made, method)(*args, **options)
    _, _, found = read(made)
    return found


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_is_text_and_nothing_else(title: str, said: str, hint: str, text: str) -> None:
    made = drawing(title=title, description=said)
    made.text(1, 2, text, hint=hint)
    made.line(0, 0, 1, 1, hint=hint)
    made.mark(3, 4, shape="circle", role="ours", hint=hint)
    root = read(made)
    assert [child.tag.removeprefix(NAME) for child in root] == ["title", "desc", "text", "line", "circle"]
    assert all(child.tag == f"{NAME}title" for part in list(root)[2:] for child in part)
    words = root[2].find(f"{NAME}title")
    kept = "".join(letter for letter in text if letter.isprintable() and letter not in "\r")
    shown = (root[2].text or "") if words is None else (words.tail or "")
    assert "".join(letter for letter in shown if letter.isprintable() and letter != "\ufffd") == (
        kept.replace("\ufffd", "")
    )


def test_what_cannot_be_drawn_is_marked_and_not_dropped() -> None:
    found = only("text", 0, 0, "a\x00b\ud800c")
    assert found.text == "a\ufffdb\ufffdc"


def test_it_is_announced_by_its_title_and_description() -> None:
    root = read(drawing(name="fig"))
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "fig-title fig-desc")
    assert [(child.get("id"), child.text) for child in root] == [
        ("fig-title", "Title"),
        ("fig-desc", "What it says"),
    ]
    assert root.get("viewBox") == "0 0 200 100"


@given(PLACES, PLACES, PLACES, PLACES)
def test_places_are_kept_to_a_hundredth(x1: float, y1: float, x2: float, y2: float) -> None:
    found = only("line", x1, y1, x2, y2)
    places = [float(found.get(name, "nan")) for name in ("x1", "y1", "x2", "y2")]
    assert places == pytest.approx([x1, y1, x2, y2], abs=0.00501)


@pytest.mark.parametrize("role", COLOURS)
def test_colours_stand_on_the_elements_so_that_a_figure_is_complete_without_its_page(role: str) -> None:
    line = only("line", 0, 0, 1, 1, role=role, dash="4 3", width=2)
    assert (line.get("stroke"), line.get("class")) == (COLOURS[role], f"s-{role}")
    assert (line.get("stroke-dasharray"), line.get("stroke-width")) == ("4 3", "2")
    box = only("rectangle", 0, 0, 5, 5, role=role, opacity=0.25)
    assert (box.get("fill"), box.get("fill-opacity"), box.get("class")) == (
        COLOURS[role],
        "0.25",
        f"f-{role}",
    )
    text = only("text", 0, 0, "x", role=role)
    assert (text.get("fill"), text.get("class")) == (COLOURS[role], f"f-{role}")


def test_a_width_below_nothing_is_nothing() -> None:
    box = only("rectangle", 5, 5, -3, -0.001, role="band")
    assert (box.get("width"), box.get("height")) == ("0", "0")


@pytest.mark.parametrize(("shape", "corners"), [("diamond", 4), ("square", 4), ("triangle", 3)])
@given(x=PLACES, y=PLACES, radius=st.floats(1, 20))
def test_markers_lie_around_their_place(shape: Any, corners: int, x: float, y: float, radius: float) -> None:
    found = only("mark", x, y, shape=shape, role="ours", radius=radius)
    points = [tuple(map(float, pair.split(","))) for pair in (found.get("points") or "").split()]
    assert len(points) == corners
    xs, ys = zip(*points, strict=True)
    assert min(xs) < x < max(xs) and min(ys) < y < max(ys)
    assert (min(xs) + max(xs)) / 2 == pytest.approx(x, abs=0.02)
    assert max(max(xs) - x, max(ys) - y) <= 1.26 * radius + 0.02


def test_a_hollow_marker_is_an_outline() -> None:
    hollow = only("mark", 1, 2, shape="circle", role="truth", hollow=True)
    full = only("mark", 1, 2, shape="circle", role="truth", opacity=0.5)
    assert (hollow.get("fill"), hollow.get("stroke")) == (COLOURS["paper"], COLOURS["truth"])
    assert (full.get("fill"), full.get("stroke")) == (COLOURS["truth"], COLOURS["truth"])
    assert float(hollow.get("stroke-width", 0)) > float(full.get("stroke-width", 0))
    assert (full.get("fill-opacity"), hollow.get("fill-opacity")) == ("0.5", None)


def test_text_may_be_bold_turned_and_set_at_its_end() -> None:
    plain = only("text", 10, 20, "x")
    assert {"text-anchor", "font-weight", "transform"}.isdisjoint(plain.keys())
    found = only("text", 10, 20, "x", anchor="end", bold=True, turned=True, size=9)
    assert (found.get("text-anchor"), found.get("font-weight")) == ("end", "600")
    assert (found.get("transform"), found.get("font-size")) == ("rotate(-90 10 20)", "9")


@given(st.text(max_size=30), st.floats(5, 40), st.booleans())
def test_width_grows_with_the_text_and_its_size(text: str, size: float, bold: bool) -> None:
    width = text_width(text, size, bold=bold)
    assert width == pytest.approx(size * text_width(text, 1, bold=bold))
    assert text_width(text + "m", size, bold=bold) > width >= 0
    assert text_width(text, size, bold=True) >= text_width(text, size)


@given(st.text("il mW", max_size=40), st.floats(20, 300), st.booleans())
def test_a_text_that_is_cut_is_its_beginning(text: str, width: float, bold: bool) -> None:
    found = shorten(text, width, bold=bold)
    if text_width(text, bold=bold) <= width:
        assert found == text
    else:
        assert found.endswith("…") and text.startswith(found[:-1])
        assert text_width(found, bold=bold) <= width
        longer = text[: len(found)].rstrip()
        assert len(longer) < len(found) or text_width(longer + "…", bold=bold) > width
