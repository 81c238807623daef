"""Types of candidates."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from veriscope.server.models.problem import Answer, Request
from veriscope.server.models.session import Evidence, MethodCard

__all__ = ["CandidateImage", "CandidateRow", "Interval", "NewCandidate", "OtherCandidate"]


class Interval(Answer):
    """A value with its interval."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)

    value: float | None
    """The value."""
    low: float | None
    """Lower end; None: cannot tell."""
    high: float | None
    """Upper end; None: cannot tell."""


class CandidateRow(Answer):
    """A method that competes in a study, and how far it is."""

    id: str
    """Identifier."""
    method: str
    """Name of its method."""
    parameters: dict[str, Any]
    """Options that differ from the defaults."""
    card: MethodCard | None
    """What the method is for; None: it is not installed."""
    needs_training: bool
    """Whether it learns from annotated tiles of the study."""
    state: Literal["not-run", "partial", "current", "stale", "unavailable"]
    """Stale: it has run, but method, images or training tiles have changed since."""
    why: str
    """Why it is unavailable, waits or is stale."""
    n_images_done: int
    """Images predicted."""
    n_images: int
    """Images of the study."""
    n_objects: int | None
    """Objects found in those images, uncorrected."""
    seconds_per_image: float | None
    """Mean time of predicting an image, by the record."""
    megapixels_per_second: float | None
    """Pixels per time, by the record."""
    peak_memory_bytes: int | None
    """Largest memory of a step, by the record."""
    cpu_s: float | None
    """Processor time of all predictions, by the record."""
    metrics: dict[str, Interval] | None
    """Against the audited tiles; None: not validated."""
    n_tiles: int | None
    """Audited tiles that the metrics come from."""
    rank: int | None
    """1 is best; candidates that cannot be told apart have different ranks and are in `tied_with`."""
    tied_with: list[str]
    """Candidates that it cannot be told apart from."""
    outside_domain: list[str]
    """In which ways the images differ from what it was made for."""
    metrics_stale: bool
    """Whether something has changed since it was validated."""
    evidence: Evidence
    """How far its numbers can be trusted."""


class CandidateImage(Answer):
    """What a candidate found in an image."""

    id: str
    """Identifier of the image."""
    is_done: bool
    """Whether it was predicted."""
    n_objects: int | None
    """Objects found, uncorrected."""
    seconds: float | None
    """Time it took, by the record."""
    labels: str | None
    """Address of the label image's OME-Zarr."""
    evidence: Evidence
    """How far the number can be trusted."""


class OtherCandidate(Answer):
    """A method that does not compete in a study."""

    name: str
    """Of the method."""
    card: MethodCard | None
    """What it is for; None: it cannot be read, and `remarks` say why."""
    fits: bool
    """Whether it can run on these images at all."""
    remarks: list[str]
    """In which ways the study differs from what it was made for."""


class NewCandidate(Request):
    """A method that is to compete."""

    method: str = Field(min_length=1, max_length=200)
    """Its name."""
