"""Types of click-to-segment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from veriscope.server.models.problem import Answer, Request
from veriscope.server.models.session import Evidence

__all__ = ["ClickedPoint", "SegmentRequest", "SegmentedObject", "Segmenter"]

_Pixel = Annotated[float, Field(ge=-1, le=2**31, allow_inf_nan=False)]


class Segmenter(Answer):
    """A model for click-to-segment that was added."""

    name: str
    """With `segmenter:`."""
    summary: str
    """What it is."""
    licence: str
    """Of its weights; empty: not stated."""
    citation: str
    """What to cite; may be empty."""
    side: int
    """Longer side of the picture that it sees, in pixels; larger tiles are scaled down."""
    seconds_image: float
    """How long it took to read an image when it was added."""
    seconds_click: float
    """How long a click took then."""
    evidence: Evidence
    """How far its outlines can be trusted."""


class ClickedPoint(Request):
    """A place that was clicked."""

    y: _Pixel
    """In pixels of the tile with its context; whole numbers are pixel centres."""
    x: _Pixel
    """In pixels of the tile with its context."""
    inside: bool = True
    """Whether it belongs to the object; otherwise it says what does not."""


class SegmentRequest(Request):
    """What was pointed at; with neither points nor a box the tile is only made ready."""

    segmenter: str = Field(max_length=100)
    """Model, as it is listed."""
    channels: list[Annotated[int, Field(ge=0, le=10_000)]] = Field(default=[0], min_length=1, max_length=32)
    """Channels that the model sees: those that are shown."""
    points: list[ClickedPoint] = Field(default=[], max_length=64)
    """Places inside and outside of the object."""
    box: tuple[_Pixel, _Pixel, _Pixel, _Pixel] | None = None
    """y0, x0, y1, x1 around the object, in pixels of the tile with its context; 0 is its outer edge."""


class SegmentedObject(Answer):
    """The outline that a model proposes."""

    segmenter: str
    """Which model."""
    sha256: str
    """Of its files, to know later which weights it was."""
    runs: list[int]
    """Pixels of the object: first pixel, counted row by row in the tile with its context, and length, in
    turn."""
    area: int
    """Number of its pixels; 0: the model sees no object there."""
    quality: float | None
    """Overlap (IoU) that the model itself expects, 0 to 1, not calibrated; None without points and box."""
    evidence: Evidence
    """How far the outline can be trusted."""
