"""Types of the answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from veriscope.server.models.candidates import Interval
from veriscope.server.models.problem import Answer
from veriscope.server.models.session import Evidence

__all__ = [
    "AnswerDocument",
    "CandidateJudgement",
    "ColumnInfo",
    "ColumnValues",
    "Contrast",
    "Estimate",
    "GroupEstimate",
    "HistogramSeries",
    "ObjectHistogram",
    "ObjectPage",
    "ObjectReliability",
    "QuestionShown",
    "RankedTile",
    "RankedTiles",
    "Reason",
    "ReliabilityBin",
    "ReportState",
    "TileShown",
    "Validation",
    "Verdict",
]


class _Open(Answer):
    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)


class GroupEstimate(_Open):
    """The answer for one group."""

    group: str
    """Condition."""
    estimate: float | None
    """The corrected answer."""
    low: float | None
    """Lower end of its interval; None: cannot tell."""
    high: float | None
    """Upper end of its interval."""
    level: float
    """Confidence level of the interval."""
    estimator: str
    """How it was made."""
    n_tiles_audited: int
    """Different tiles that it rests on."""
    n_draws: int
    """Draws that it rests on."""
    n_images: int
    """Images of the group."""
    n_replicates: int
    """Experimental units of the group."""
    naive: float | None
    """What the candidate says, uncorrected."""
    labelled_only: dict[str, float | None]
    """`value`, `low` and `high` from the annotated tiles alone."""
    status: str
    """`ok`, or `cannot-tell`."""
    reason: str
    """Why it cannot be told."""
    extra_tiles_needed: int | None
    """Further tiles that would probably reach the tolerance."""
    assumptions: list[str]
    """What it rests on."""
    evidence: Evidence
    """How far it can be trusted."""


class Contrast(_Open):
    """Two groups compared."""

    group_a: str
    """The one that is compared with."""
    group_b: str
    """The one that is compared."""
    kind: str
    """`difference` b − a, or `ratio` b / a."""
    estimate: float | None
    """Its value."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of its interval."""
    p_adjusted: float | None
    """p value, adjusted for the number of comparisons (Holm)."""
    reason: str
    """Why there is none."""


class QuestionShown(_Open):
    """What was asked."""

    object: str
    """What was looked for."""
    measure: str
    """What was asked of it."""
    text: str
    """As a sentence."""
    unit: str
    """Of the answer."""
    tolerance: float | None
    """Error that would change the conclusion."""
    level: float
    """Confidence level of the intervals."""


class Estimate(_Open):
    """The answer (`veriscope/estimate/1`)."""

    question: QuestionShown
    """What was asked."""
    method: str
    """Candidate whose predictions were corrected."""
    chosen_by: str
    """`validation`, or `user`."""
    groups: list[GroupEstimate]
    """Each group."""
    contrasts: list[Contrast]
    """Groups compared."""
    contrast_unit: str
    """What they are compared per, such as `per image`."""
    evidence: Evidence
    """How far it can be trusted."""


class Reason(_Open):
    """A check that the verdict rests on."""

    check: str
    """Which check."""
    status: Literal["holds", "fails", "cannot-tell"]
    """How it came out."""
    text: str
    """For people."""
    value: float | None = None
    """What was found."""
    threshold: float | None = None
    """What it was held against."""
    figure: str | None = None
    """Where in the report it stands."""


class Verdict(_Open):
    """What may be done with the numbers (`veriscope/verdict/1`)."""

    method: str
    """Candidate."""
    verdict: str
    """In a word."""
    text: str
    """For people."""
    reasons: list[Reason]
    """What it rests on."""
    evidence: Evidence
    """How far it can be trusted."""


class TileShown(_Open):
    """An audited tile."""

    unit: str
    """Its name."""
    image_id: str
    """Its image."""
    group: str
    """Group of the image."""
    box: list[int]
    """y0, x0, y1, x1."""
    weight: float
    """How many tiles of the study it stands for."""
    shown: list[str] = Field(default_factory=list)
    """Candidates whose objects the annotator had seen on it."""


class ReliabilityBin(_Open):
    """Objects of which a candidate was about equally sure."""

    n_cases: int
    """Number of objects."""
    stated: float
    """Mean of the probabilities that it stated."""
    observed: Interval
    """Share that was right, with its interval by image."""


class ObjectReliability(_Open):
    """Whether the probabilities that a candidate states of its objects hold on the audited tiles."""

    n_objects: int
    """Objects on the tiles."""
    bins: list[ReliabilityBin]
    """By ascending probability."""
    excess: Interval
    """Share that was right less mean stated probability; below 0: overconfident."""
    calibration_error: Interval
    """Mean distance of both over the bins, without its upward bias; 0 is best."""
    shown: bool
    """Whether the tiles show that the probabilities do not hold."""


class CandidateJudgement(_Open):
    """How a candidate did on the audited tiles."""

    metrics: dict[str, Interval]
    """Metrics with intervals by image."""
    n_tiles: int
    """Tiles that they come from."""
    outside_domain: list[str]
    """In which ways the images differ from what it was made for."""
    agreement: dict[str, Any]
    """Bland-Altman agreement; `reference` and `prediction` hold the measure of each tile."""
    tiles: list[dict[str, Any]]
    """Counts of each tile."""
    reliability: ObjectReliability | None = None
    """Whether its probabilities hold; None: it states none, or no object lies on the tiles."""


class Validation(_Open):
    """How the candidates did (`veriscope/validate/1`)."""

    n_tiles: int
    """Audited tiles."""
    n_images: int
    """Images that they lie in."""
    tiles: list[TileShown]
    """The tiles."""
    candidates: dict[str, CandidateJudgement]
    """Each candidate."""
    ranking: dict[str, Any]
    """Their order, pairwise differences, and groups that cannot be told apart."""
    first: str
    """The best."""
    advice: dict[str, Any]
    """Which metrics fit the problem, and why."""
    evidence: Evidence
    """How far it can be trusted."""


class AnswerDocument(Answer):
    """Everything that the study says."""

    stale: bool
    """Whether something that it depends on has changed since."""
    stale_text: str
    """For people."""
    validation: Validation
    """How the candidates did."""
    estimate: Estimate
    """The answer."""
    verdict: Verdict
    """What may be done with it."""
    evidence: Evidence
    """How far it can be trusted."""


class RankedTile(Answer):
    """An audited tile and how well a candidate did there."""

    unit: str
    """Its name."""
    image_id: str
    """Its image."""
    group: str
    """Group of the image."""
    box: list[int]
    """y0, x0, y1, x1."""
    f1: float | None
    """F1 at IoU 0.5; None: no object on either side."""
    n_reference: int
    """Objects annotated."""
    n_prediction: int
    """Objects predicted."""
    matched: int
    """Objects that match at IoU 0.5."""
    crop: str
    """Address of a picture."""


class RankedTiles(Answer):
    """Audited tiles in the order of how well a candidate did."""

    candidate: str
    """Whose objects."""
    total: int
    """Tiles in all."""
    tiles: list[RankedTile]
    """Those asked for."""
    evidence: Evidence
    """How far it can be trusted."""


class ColumnInfo(Answer):
    """A column of a table."""

    name: str
    """Its name."""
    type: Literal["number", "text"]
    """What is in it."""
    unit: str
    """Unit of its numbers; empty: none."""
    description: str
    """What it means."""


class ObjectPage(Answer):
    """A part of the table of objects."""

    candidate: str
    """Who found them."""
    total: int
    """Objects in all."""
    matching: int
    """Objects that fit the filters."""
    columns: list[ColumnInfo]
    """The columns."""
    rows: list[list[float | int | str | None]]
    """Values, in the order of the columns."""
    evidence: Evidence
    """Predicted objects, uncorrected."""


class HistogramSeries(Answer):
    """The histogram of a group."""

    group: str
    """Condition."""
    counts: list[int]
    """Objects in each bin."""


class ObjectHistogram(Answer):
    """How a column is distributed."""

    column: str
    """Its name."""
    unit: str
    """Of its numbers."""
    edges: list[float]
    """Edges of the bins."""
    series: list[HistogramSeries]
    """Each group."""
    n_missing: int
    """Objects without a value."""
    evidence: Evidence
    """Predicted objects, uncorrected."""


class ColumnValues(Answer):
    """A column, by label, of the objects of one image."""

    column: str
    """Its name."""
    unit: str
    """Of its numbers."""
    labels: list[int]
    """Labels in the label image."""
    values: list[float | None]
    """Their values."""
    evidence: Evidence
    """Predicted objects, uncorrected."""


class ReportState(Answer):
    """The report of a study."""

    exists: bool
    """Whether it is written."""
    stale: bool
    """Whether the answer has changed since."""
    written: str | None
    """When, ISO 8601."""
    html: str
    """Address for a frame."""
    download: str
    """Address for saving."""
    record: str
    """Address of its content as JSON."""
