"""Types of images."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from veriscope.server.models.problem import Answer, Request
from veriscope.server.models.session import Evidence
from veriscope.server.models.studies import Spacing, Word

__all__ = [
    "ChannelQuality",
    "Histogram",
    "ImageChange",
    "ImageChanges",
    "ImageList",
    "ImageRow",
    "PlateLayout",
    "Quality",
    "StackPlace",
    "WellPlace",
]

QualityFlag = Literal["empty", "saturated", "out-of-focus"]


class ChannelQuality(Answer):
    """How a channel of an image looks; see the page on image quality for the formulas."""

    channel: str
    """Its name."""
    p01: float
    """1st percentile of the pixels."""
    p50: float
    """Median."""
    p999: float
    """99.9th percentile."""
    saturated_fraction: float
    """Share of the pixels at the camera's largest value."""
    contrast: float
    """Largest deviation from the median after smoothing, in units of the noise."""
    sharpness: float | None
    """Share of the variance that is fine detail, noise left out; None for an empty channel."""
    flags: list[QualityFlag]
    """What is wrong with it."""


class Quality(Answer):
    """How an image looks."""

    flags: list[QualityFlag]
    """What is wrong with any channel."""
    channels: list[ChannelQuality]
    """Each channel."""
    n_compared: int
    """Images of the study that sharpness was compared with."""
    sampled: bool
    """Whether only parts of a large image were looked at."""
    evidence: Evidence
    """A measurement without a reference."""


class WellPlace(Answer):
    """Where an image lies on a plate."""

    plate: str
    """Name of the plate."""
    row: str
    """Letter of the row."""
    column: str
    """Number of the column."""
    field: str | None
    """Field in the well."""


class StackPlace(Answer):
    """Where an image lies in a stack or time-lapse."""

    zarr: str
    """Address of the OME-Zarr of the whole."""
    z: int | Literal["max", "mean"] | None
    """Its plane, from 0, or how all were projected; None: there is no axis z."""
    t: int | None
    """Its time point, from 0; None: there is no axis t."""


class ImageRow(Answer):
    """An image of a study."""

    id: str
    """Identifier."""
    group: str
    """Condition."""
    replicate: str
    """Experimental unit."""
    source: str
    """Name of the file it came from."""
    axes: str
    """Its axes."""
    shape: list[int]
    """Its shape."""
    dtype: str
    """Type of its pixels."""
    spacing: dict[str, float] | None
    """Pixel size in µm by axis; None: uncalibrated."""
    spacing_text: str
    """Pixel size for people."""
    channels: list[str]
    """Channel names."""
    notes: str
    """What the reader had to say."""
    quality: Quality | None
    """How it looks, once that was computed."""
    thumbnail: str
    """Address of a small picture."""
    zarr: str | None
    """Address of its OME-Zarr; None: its file is gone."""
    well: WellPlace | None
    """Where it lies on a plate."""
    stack: StackPlace | None
    """The stack or time-lapse that it is a plane of; None: it is a plane of its own, or the stack is gone."""


class PlateLayout(Answer):
    """A plate."""

    plate: str
    """Its name."""
    rows: list[str]
    """Letters of all rows up to the last used."""
    columns: list[str]
    """Numbers of all columns up to the last used."""


class ImageList(Answer):
    """All images of a study."""

    images: list[ImageRow]
    """In the order of the table."""
    editable: bool
    """Whether groups and replicates can be changed."""
    why_not: str
    """Why they cannot."""
    plates: list[PlateLayout]
    """Plates that the images come from."""


class ImageChange(Request):
    """A change of an image's row."""

    id: str = Field(max_length=500)
    """Identifier of the image."""
    group: Word | None = None
    """New group; None: as before."""
    replicate: Word | None = None
    """New replicate; None: as before."""
    spacing: Spacing | Literal["uncalibrated"] | None = None
    """New pixel size; None: as before."""


class ImageChanges(Request):
    """Changes of several rows; all are made, or none."""

    changes: list[ImageChange] = Field(min_length=1, max_length=100_000)
    """The changes."""


class Histogram(Answer):
    """How bright the pixels of a plane are."""

    low: float
    """Smallest value."""
    high: float
    """Largest value."""
    percentiles: dict[str, float]
    """Values at 0.1, 1, 99 and 99.9 %."""
    edges: list[float]
    """Edges of the bins."""
    counts: list[int]
    """Pixels in each bin."""
    sampled: bool
    """Whether a lower resolution was used."""
