"""Types of the audit and its annotations."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from veriscope.server.models.answer import GroupEstimate
from veriscope.server.models.candidates import Interval
from veriscope.server.models.images import ImageRow
from veriscope.server.models.problem import Answer, Request
from veriscope.server.models.session import Evidence

__all__ = [
    "Agreement",
    "AgreementPair",
    "AgreementUnit",
    "AnnotationSaved",
    "AnnotationVersion",
    "AnnotatorState",
    "Audit",
    "DrawRequest",
    "Journal",
    "JournalBatch",
    "JournalEntry",
    "JournalState",
    "LiveEstimate",
    "NewJournalEntry",
    "Proposal",
    "RoleState",
    "Shown",
    "Unit",
    "UnitDetail",
]

_DEEPEST = 50


def _storable(data: dict[str, Any]) -> dict[str, Any]:
    """Refuse what could be taken in and not be given back."""
    try:
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise ValueError("text must be Unicode; half of a pair of surrogates is none") from None
    except ValueError:
        raise ValueError("numbers must be finite") from None
    level: list[Any] = [data]
    for _ in range(_DEEPEST):
        inside = [item for part in level for item in (part.values() if isinstance(part, dict) else part)]
        level = [item for item in inside if isinstance(item, dict | list)]
    if level:
        raise ValueError(f"lists and objects may be {_DEEPEST} deep")
    return data


Box = tuple[int, int, int, int]
Count = Annotated[int, Field(ge=0, le=100_000)]


class RoleState(Answer):
    """How far the tiles of one role are."""

    n_drawn: int
    """Draws; a tile drawn twice counts twice."""
    n_distinct: int
    """Different tiles."""
    n_annotated: int
    """Different tiles with an annotation."""
    by_group: dict[str, int]
    """Draws by group."""


class AnnotatorState(Answer):
    """What one annotator has saved of a tile."""

    annotator: str
    """Who."""
    version: int
    """Their newest version."""
    saved: str
    """When, ISO 8601."""
    n_objects: int
    """Objects in it."""
    seconds: float | None
    """Active time spent on the tile in all, where it is known."""


class Unit(Answer):
    """A tile that was drawn."""

    unit: str
    """Its name."""
    image_id: str
    """Its image."""
    group: str
    """Group of the image."""
    replicate: str
    """Experimental unit of the image."""
    roles: list[str]
    """What it was drawn for: audit, training, census."""
    n_draws: int
    """How often it was drawn for the audit."""
    box: Box
    """The tile in the image: y0, x0, y1, x1."""
    context: Box
    """The same with its surroundings, which are seen and labelled."""
    state: Literal["open", "started", "annotated"]
    """Started: there are strokes and no saved version."""
    annotators: list[AnnotatorState]
    """Who has saved a version."""


class Audit(Answer):
    """How far the audit is."""

    drawn: bool
    """Whether tiles were drawn."""
    roles: dict[str, RoleState]
    """By role: audit, training, census."""
    units: list[Unit]
    """The tiles, in the order in which to annotate them."""
    margin: int
    """Width of the surroundings, in pixels."""
    groups: list[str]
    """Groups of the study."""
    suggested_tiles: int
    """Audit tiles for a first look: ten for each group."""


class DrawRequest(Request):
    """Tiles to draw; what was drawn stays."""

    tiles: Count | None = None
    """Audit tiles to have been drawn in all."""
    more: Count = 0
    """Audit tiles to draw beyond those there are."""
    training: Count | None = None
    """Training tiles to have been drawn in all."""
    everything: bool = False
    """Put out all other tiles, too."""


class Proposal(Answer):
    """A candidate whose objects can be shown in a tile."""

    candidate: str
    """Its identifier."""
    evidence: Evidence
    """How far they can be trusted."""


class Shown(Answer):
    """A proposal that an annotator has seen."""

    annotator: str
    """Who."""
    candidate: str
    """Whose objects."""
    time: str
    """When, ISO 8601."""


class UnitDetail(Unit):
    """A tile with what is needed to annotate it."""

    image: ImageRow
    """Its image."""
    shape: tuple[int, int]
    """Height and width of the context."""
    proposals: list[Proposal]
    """Candidates that have predicted the image, the best first where that is known."""
    shown: list[Shown]
    """Proposals seen by annotators."""
    previous: str | None
    """The tile before it."""
    next: str | None
    """The tile after it."""


class AnnotationSaved(Answer):
    """What became of an annotation."""

    unit: str
    """The tile."""
    annotator: str
    """Who drew it."""
    version: int
    """Their newest version."""
    etag: str
    """Its entity tag, for the next `If-Match`."""
    n_objects: int
    """Objects in it."""
    changed: bool
    """Whether it is a new version: False if it equals the newest."""


class AnnotationVersion(Answer):
    """One saved version."""

    annotator: str
    """Who drew it."""
    version: int
    """Its number; versions of all annotators of a tile are counted together."""
    saved: str
    """When, ISO 8601."""
    n_objects: int
    """Objects in it."""
    seconds: float | None
    """Active time since the version before."""
    blind: bool | None
    """Whether it was drawn without seeing a proposal."""
    proposal: str | None
    """Candidate whose objects it began with."""
    segmenters: list[str]
    """Models for click-to-segment whose outlines were taken while it was drawn."""


class NewJournalEntry(Request):
    """A stroke, an undo, or whatever else happened."""

    seq: int = Field(ge=1, le=2**53)
    """1, 2, 3 … per client."""
    time: str = Field(max_length=40)
    """When, by the browser's clock."""
    kind: str = Field(min_length=1, max_length=40)
    """What it is."""
    data: Annotated[dict[str, Any], AfterValidator(_storable)]
    """What is needed to do it again."""


class JournalBatch(Request):
    """Entries to be added to a journal."""

    client: str = Field(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")
    """Random name of the window."""
    entries: list[NewJournalEntry] = Field(max_length=1000)
    """The entries, without gaps."""


class JournalState(Answer):
    """How far a journal is."""

    client: str
    """Name of the window."""
    last_seq: int
    """Its last entry that is safely stored."""


class JournalEntry(Answer):
    """An entry of a journal."""

    n: int
    """Place in the journal."""
    client: str
    """Which window it came from; `server` for those of the server."""
    seq: int
    """Its number there."""
    time: str
    """When, by the browser's clock."""
    kind: str
    """What it is."""
    data: dict[str, Any]
    """What is needed to do it again."""


class Journal(Answer):
    """A part of a journal."""

    entries: list[JournalEntry]
    """In the order in which they came."""
    last: int
    """`n` of the last one given: where to go on; as asked for if there is none."""
    clients: dict[str, int]
    """Last `seq` of each window."""


class AgreementUnit(Answer):
    """How two annotators compare on a tile."""

    unit: str
    """The tile."""
    n_a: int
    """Objects of the first that belong to it."""
    n_b: int
    """Objects of the second."""
    matched: int
    """Objects that match at IoU 0.5."""


class AgreementPair(Answer):
    """How two annotators compare."""

    a: str
    """One."""
    b: str
    """The other."""
    n_units: int
    """Tiles that both have drawn."""
    metrics: dict[str, Interval]
    """F1 at IoU 0.5 and 0.7, and PQ, with intervals by image."""
    count_difference: float
    """Objects of b minus a, mean over tiles."""
    units: list[AgreementUnit]
    """Tile by tile."""


class Agreement(Answer):
    """How far annotators agree."""

    annotators: list[str]
    """All who have saved a version."""
    pairs: list[AgreementPair]
    """All pairs with tiles in common."""
    text: str
    """For people."""
    evidence: Evidence
    """How far it can be trusted."""


class LiveEstimate(Answer):
    """The answer with the tiles annotated so far."""

    method: str
    """Candidate whose predictions are corrected."""
    n_counted: int
    """Different tiles that count."""
    n_annotated: int
    """Different tiles annotated, for whatever role."""
    groups: list[GroupEstimate]
    """Each group."""
    unit: str
    """Of the numbers."""
    tolerance: float | None
    """Error that would change the conclusion."""
    enough: bool
    """Whether every group is within the tolerance."""
    extra_tiles_needed: int | None
    """How many more tiles would probably do; None: not known."""
    text: str
    """For people."""
    evidence: Evidence
    """How far it can be trusted."""
