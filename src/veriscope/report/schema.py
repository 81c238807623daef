"""The parts of a report's record: what each key holds. Missing numbers are None.

Keys may be added by those who write a record; those named here are checked.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from veriscope.core.plain import plain

__all__ = [
    "SCHEMA",
    "Agreement",
    "Audit",
    "AuditRow",
    "Candidate",
    "Comparison",
    "Contrast",
    "Cost",
    "Estimate",
    "GroupEstimate",
    "LabelledOnly",
    "Metric",
    "Question",
    "Reason",
    "Reliability",
    "ReliabilityBin",
    "ReportRecord",
    "StudySummary",
    "Tile",
    "Trail",
    "Truth",
    "VerdictRecord",
]

SCHEMA = "veriscope/report/1"
_PICTURE = "data:image/png;base64,"


def _known_points(value: Any) -> Any:
    """Leave out points of which a number is missing: a tile without objects has no mean of theirs."""
    if not isinstance(value, list | tuple | np.ndarray):
        return value
    return [point for point in value if not any(plain(number) is None for number in point)]


Number = Annotated[float | None, BeforeValidator(plain)]
Count = Annotated[int | None, BeforeValidator(plain)]
Evidence = Literal["untested", "screened", "audited", "benchmarked elsewhere"]
EstimateStatus = Literal["ok", "cannot-tell"]


class _Part(BaseModel):
    """A part of the record: unchangeable, with room for keys that are not known here."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)


class _WithInterval(_Part):
    """A number with an interval whose ends are in order."""

    low: Number = None
    high: Number = None

    @model_validator(mode="after")
    def _ends_in_order(self) -> _WithInterval:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the interval's low end {self.low:g} is above its high end {self.high:g}")
        return self


class StudySummary(_Part):
    """What was studied."""

    name: str
    n_images: int
    n_replicates: Count = None
    spacing: str = "uncalibrated"
    channel: str = ""
    warnings: list[str] = []


class Question(_Part):
    """What was asked."""

    object: str
    measure: str
    text: str
    unit: str = ""
    tolerance: Number = None
    """Relative error that would change the conclusion, such as 0.05."""
    level: float = Field(default=0.9, gt=0, lt=1)


class LabelledOnly(_WithInterval):
    """What the audited tiles say without the model."""

    estimate: Number = None


class GroupEstimate(_WithInterval):
    """The answer for one group."""

    group: str
    estimate: Number = None
    level: float = Field(default=0.9, gt=0, lt=1)
    estimator: str = ""
    n_tiles_audited: Count = None
    n_images: Count = None
    n_replicates: Count = None
    naive: Number = None
    labelled_only: LabelledOnly | None = None
    status: EstimateStatus = "ok"
    reason: str | None = None
    extra_tiles_needed: Count = None
    assumptions: list[str] = []
    evidence: Evidence = "untested"

    @property
    def naive_error(self) -> float | None:
        """How far the model's own number is off, as a share of the answer's size; None: not known."""
        if self.status != "ok" or self.naive is None or not self.estimate:
            return None
        return (self.naive - self.estimate) / abs(self.estimate)


class Contrast(_WithInterval):
    """A comparison of two groups: `group_b` less, or over, `group_a`."""

    group_a: str
    group_b: str
    kind: Literal["difference", "ratio"]
    scope: Literal["replicates", "images"] = "replicates"
    """What the interval speaks for: the population of replicates, or these images alone."""
    estimate: Number = None
    p_value: Number = None
    p_adjusted: Number = None
    level: float = Field(default=0.9, gt=0, lt=1)
    status: EstimateStatus = "ok"
    reason: str | None = None
    assumptions: list[str] = []


class Estimate(_Part):
    """The answer, by group and between groups."""

    method: str | None = None
    groups: list[GroupEstimate] = []
    contrasts: list[Contrast] = []
    contrast_unit: str = ""
    """What contrasts of totals refer to, such as "per image"."""


class Reason(_Part):
    """One check behind the verdict."""

    check: str
    status: Literal["holds", "fails", "cannot-tell"]
    text: str
    value: Number = None
    threshold: Number = None
    figure: str | None = None
    """Anchor in the page that shows it."""


class VerdictRecord(_Part):
    """What the evidence allows."""

    verdict: Literal["use", "use-with-correction", "fine-tune-first", "do-not-use", "cannot-tell"]
    method: str | None = None
    text: str = ""
    reasons: list[Reason] = []


class Metric(_WithInterval):
    """One figure of merit of a candidate."""

    value: Number = None
    level: Number = None
    aggregation: str = ""
    unit: str = ""


class Candidate(_Part):
    """One method that was tried, or why it was not."""

    method: str
    name: str = ""
    version: str = ""
    summary: str = ""
    chosen: bool = False
    evidence: Evidence = "untested"
    parameters: dict[str, Any] = {}
    limits: list[str] = []
    training_data: str = ""
    licence: str = ""
    citation: str = ""
    seconds: Number = None
    n_objects: Count = None
    warnings: list[str] = []
    metrics: dict[str, Metric] | None = None
    not_run: str | None = None


class Comparison(_WithInterval):
    """Two candidates compared on the same tiles."""

    a: str
    b: str
    metric: str
    difference: Number = None
    verdict: str


class Agreement(_WithInterval):
    """Reference against prediction, tile by tile; differences are prediction − reference."""

    method: str
    unit: str = "tile"
    points: Annotated[list[tuple[float, float]], BeforeValidator(_known_points)] = []
    """(reference, prediction) of each audited unit that has both."""
    mean_difference: Number = None
    limits: tuple[Number, Number] | None = None
    slope: Number = None
    """Change of the difference per unit of the mean of both; 0 is best."""


class ReliabilityBin(_Part):
    """Objects of about the same stated probability."""

    n_cases: int = Field(ge=1)
    stated: Number = None
    """Mean of their stated probabilities."""
    observed: Metric
    """Share of them that was right, 0 to 1; where probabilities hold it is `stated`."""


class Reliability(_Part):
    """Whether the probabilities that a method states of its objects hold on the audited tiles."""

    method: str
    n_objects: int
    iou: Number = None
    """An object was right if it has a match of this IoU or more."""
    bins: list[ReliabilityBin] = []
    excess: Metric
    """Share that was right less mean stated probability; below 0: too sure."""
    calibration_error: Metric
    """Without its upward bias; 0 is best."""
    shown: bool = False
    """Whether the tiles show that the probabilities do not hold."""
    sentence: str = ""


class AuditRow(_Part):
    """One audited tile."""

    unit: str
    image: str
    group: str | None = None
    probability: Number = None
    draws: Count = None
    reference: Number = None
    prediction: Number = None


class Audit(_Part):
    """How the tiles were drawn and who annotated them."""

    n_drawn: Count = None
    n_distinct: Count = None
    n_annotated: Count = None
    tile_size: int | list[int] | str | None = None
    seed: int | str | None = None
    design: str = ""
    sized_by: list[str] = []
    constant: Number = None
    reference_source: str = ""
    rows: list[AuditRow] = []


class Tile(_Part):
    """A picture of an audited tile."""

    unit: str
    image: str
    box: tuple[int, int, int, int] | None = None
    rank: Literal["worst", "best"]
    f1: Number = None
    n_reference: Count = None
    n_prediction: Count = None
    picture: str = Field(pattern=f"^{_PICTURE}[A-Za-z0-9+/=]+$")
    caption: str = ""


class Fitting(_Part):
    """A metric that fits the question, and why."""

    key: str
    rule: str
    reason: str


class Avoided(_Part):
    """A metric that people often use here, and why not."""

    key: str
    reason: str


class Pitfall(_Part):
    """What may mislead, with a small example."""

    group: str
    explanation: str
    example: str = ""


class Advice(_Part):
    """Which metrics fit the question, after Metrics Reloaded."""

    category: str
    category_reason: str = ""
    metrics: list[Fitting] = []
    avoided: list[Avoided] = []
    pitfalls: list[Pitfall] = []


class Truth(_Part):
    """The true answer, where it is known: images were simulated, or every one has a reference."""

    source: str
    groups: dict[str, Number] = {}


class Account(_Part):
    """What work used, as measured, and energy and carbon as estimated. None was not measured."""

    step: str = ""
    n_steps: Count = None
    n_unmeasured: Count = None
    wall_s: Number = None
    cpu_s: Number = None
    gpu_s: Number = None
    """None: no GPU was used."""
    peak_memory_bytes: Count = None
    bytes_read: Count = None
    bytes_written: Count = None
    io_read_bytes: Count = None
    io_written_bytes: Count = None
    energy_wh: Number = None
    carbon_g: Number = None


class Assumed(_Part):
    """A number that energy and carbon rest on."""

    name: str
    value: Number = None
    unit: str = ""
    meaning: str = ""
    source: str = ""
    variable: str = ""


class Cost(_Part):
    """What the work cost before this report was written."""

    total: Account
    steps: list[Account] = []
    assumptions: list[Assumed] = []


class Trail(_Part):
    """Where the whole record of the study is."""

    n_entries: Count = None
    sha256: str = ""


class ReportRecord(_Part):
    """All that a report says."""

    schema_: Literal["veriscope/report/1"] = Field(alias="schema")
    title: str
    created: str
    veriscope: str
    study: StudySummary
    question: Question
    evidence: Evidence
    estimate: Estimate
    verdict: VerdictRecord
    candidates: list[Candidate] = []
    comparisons: list[Comparison] = []
    advice: Advice | None = None
    agreement: list[Agreement] = []
    reliability: list[Reliability] = []
    """Of candidates that state probabilities; those that state none are missing."""
    audit: Audit | None = None
    tiles: list[Tile] = []
    truth: Truth | None = None
    methods_text: str = ""
    cost: Cost | None = None
    environment: dict[str, Any] = {}
    reproduce: list[str] = []
    record: Trail | None = None

    @property
    def chosen(self) -> Candidate | None:
        """The candidate whose predictions the answer rests on, or None."""
        return next((candidate for candidate in self.candidates if candidate.chosen), None)

    @property
    def ran(self) -> list[Candidate]:
        """Candidates that ran, the chosen one first, then in the order given."""
        return sorted((c for c in self.candidates if c.not_run is None), key=lambda c: not c.chosen)
