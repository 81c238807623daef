"""A small writer of SVG drawings that a screen reader can announce and an editor can open.

Every element carries its colours as plain attributes, so that a figure taken out of the report is
complete; the classes beside them let the report's style sheet change the colours in the dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

__all__ = ["COLOURS", "Drawing", "shorten", "text_width"]

COLOURS = {
    "ink": "#1a1a1a",
    "soft": "#595959",
    "faint": "#d0d0d0",
    "paper": "#ffffff",
    "ours": "#0072B2",
    "naive": "#D55E00",
    "labelled": "#7a4a68",
    "truth": "#00795a",
    "band": "#56B4E9",
}
"""Colours by what they stand for: Okabe and Ito's palette, two of them darkened for thin lines."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
Anchor = Literal["start", "middle", "end"]
Shape = Literal["circle", "diamond", "square", "triangle"]


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def text_width(text: str, size: float = 13.0, *, bold: bool = False) -> float:
    """Guess the width of a text in a sans-serif font.

    Parameters
    ----------
    text
        One line.
    size
        Font size.
    bold
        Whether it is bold.

    Returns
    -------
    float
        Width in the unit of `size`; a little generous.
    """
    narrow = sum(letter in "iljtfI.,:;|'()–- \u202f" for letter in text)
    return size * ((len(text) - narrow) * 0.58 + narrow * 0.34) * (1.06 if bold else 1.0)


def shorten(text: str, width: float, size: float = 13.0, *, bold: bool = False) -> str:
    """Cut a text to a width.

    Parameters
    ----------
    text
        One line.
    width
        Room there is.
    size
        Font size.
    bold
        Whether it is bold.

    Returns
    -------
    str
        The text, or its beginning with an ellipsis.
    """
    if text_width(text, size, bold=bold) <= width:
        return text
    kept = text
    while kept and text_width(kept + "…", size, bold=bold) > width:
        kept = kept[:-1]
    return kept.rstrip() + "…"


class Drawing:
    """A drawing that grows element by element.

    Parameters
    ----------
    width, height
        Size in user units; the drawing scales to the room it is given.
    name
        Unique in the page; ids of title and description start with it.
    title, description
        What the figure shows and what can be read from it, for those who cannot see it.
    """

    def __init__(self, width: float, height: float, *, name: str, title: str, description: str) -> None:
        self.width = width
        self.height = height
        self.name = name
        self.title = title
        self.description = description
        self._parts: list[str] = []

    def element(
        self, tag: str, attributes: dict[str, str | float], *, text: str | None = None, hint: str = ""
    ) -> None:
        """Add one element.

        Parameters
        ----------
        tag
            Its SVG name.
        attributes
            Names and values; numbers are rounded to hundredths.
        text
            Its text, or None for an empty element.
        hint
            Shown by browsers when the pointer rests on it.
        """
        written = "".join(
            f" {key}={quoteattr(_clean(value) if isinstance(value, str) else f'{round(value, 2):g}')}"
            for key, value in attributes.items()
        )
        inner = (f"<title>{escape(_clean(hint))}</title>" if hint else "") + escape(_clean(text or ""))
        self._parts.append(f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>")

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        role: str = "ink",
        width: float = 1.0,
        dash: str = "",
        hint: str = "",
    ) -> None:
        """Add a straight line.

        Parameters
        ----------
        x1, y1, x2, y2
            Its two ends.
        role
            What it stands for: a key of `COLOURS`.
        width
            Thickness.
        dash
            Lengths of dashes and gaps, such as ``"4 3"``; empty: solid.
        hint
            Shown when the pointer rests on it.
        """
        attributes: dict[str, str | float] = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        attributes |= {"stroke": COLOURS[role], "stroke-width": width, "class": f"s-{role}"}
        if dash:
            attributes["stroke-dasharray"] = dash
        self.element("line", attributes, hint=hint)

    def rectangle(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        role: str,
        opacity: float = 1.0,
        hint: str = "",
    ) -> None:
        """Add a filled rectangle.

        Parameters
        ----------
        x, y
            Upper left corner.
        width, height
            Size; a negative one is drawn as 0.
        role
            What it stands for: a key of `COLOURS`.
        opacity
            0 to 1.
        hint
            Shown when the pointer rests on it.
        """
        attributes: dict[str, str | float] = {
            "x": x,
            "y": y,
            "width": max(width, 0),
            "height": max(height, 0),
        }
        attributes |= {"fill": COLOURS[role], "fill-opacity": opacity, "class": f"f-{role}"}
        self.element("rect", attributes, hint=hint)

    def mark(
        self,
        x: float,
        y: float,
        *,
        shape: Shape,
        role: str,
        radius: float = 6.0,
        hollow: bool = False,
        opacity: float = 1.0,
        hint: str = "",
    ) -> None:
        """Add a marker.

        Parameters
        ----------
        x, y
            Its centre.
        shape
            Different things have different shapes, so that they differ without colour.
        role
            What it stands for: a key of `COLOURS`.
        radius
            Half its size.
        hollow
            Whether only its outline is coloured.
        opacity
            Of the filling, 0 to 1.
        hint
            Shown when the pointer rests on it.
        """
        fill = "paper" if hollow else role
        attributes: dict[str, str | float] = {"fill": COLOURS[fill], "stroke": COLOURS[role]}
        attributes |= {"stroke-width": 2.0 if hollow else 1.0, "class": f"f-{fill} s-{role}"}
        if opacity < 1:
            attributes["fill-opacity"] = opacity
        if shape == "circle":
            self.element("circle", {"cx": x, "cy": y, "r": radius, **attributes}, hint=hint)
            return
        corners = {
            "diamond": [(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
            "square": [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            "triangle": [(-1.0, -0.9), (1.0, -0.9), (0.0, 0.9)],
        }[shape]
        points = _points((x + dx * radius, y + dy * radius) for dx, dy in corners)
        self.element("polygon", {"points": points, **attributes}, hint=hint)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        role: str = "ink",
        size: float = 13.0,
        anchor: Anchor = "start",
        bold: bool = False,
        turned: bool = False,
        hint: str = "",
    ) -> None:
        """Add a line of text; it stays text.

        Parameters
        ----------
        x, y
            Where its base line starts, has its middle, or ends.
        text
            What it says.
        role
            What it stands for: a key of `COLOURS`.
        size
            Font size.
        anchor
            Which part of the text is at `x`.
        bold
            Whether it is bold.
        turned
            Whether it is turned to be read from below upwards.
        hint
            Shown when the pointer rests on it.
        """
        attributes: dict[str, str | float] = {"x": x, "y": y, "font-size": size, "fill": COLOURS[role]}
        attributes["class"] = f"f-{role}"
        if anchor != "start":
            attributes["text-anchor"] = anchor
        if bold:
            attributes["font-weight"] = "600"
        if turned:
            attributes["transform"] = f"rotate(-90 {x:g} {y:g})"
        self.element("text", attributes, text=text, hint=hint)

    def render(self) -> str:
        """Write the drawing.

        Returns
        -------
        str
            One well-formed ``<svg>`` element.
        """
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f'role="img" aria-labelledby="{self.name}-title {self.name}-desc" font-family="{_FONT}" '
            f'style="width:100%;max-width:{self.width:g}px;height:auto">'
        )
        names = (
            f'<title id="{self.name}-title">{escape(_clean(self.title))}</title>'
            f'<desc id="{self.name}-desc">{escape(_clean(self.description))}</desc>'
        )
        return "\n".join([head, names, *self._parts, "</svg>"])


def _points(corners: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{round(x, 2):g},{round(y, 2):g}" for x, y in corners)
