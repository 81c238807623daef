"""Types of jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from veriscope.server.models.problem import Answer, Problem, Request
from veriscope.server.models.studies import Word

__all__ = [
    "Job",
    "JobKind",
    "JobRequest",
    "JobState",
    "ReportRequest",
    "RunRequest",
    "TrainRequest",
    "ValidateRequest",
]

JobKind = Literal["new", "demo", "run", "validate", "report", "train"]
JobState = Literal["queued", "running", "done", "failed", "cancelled"]


class RunRequest(Request):
    """Run candidates on every image; what is current is skipped."""

    kind: Literal["run"]
    """This kind."""
    only: list[Word] | None = Field(default=None, max_length=1000)
    """Identifiers of candidates; None: all."""


class ValidateRequest(Request):
    """Judge the candidates on the audited tiles, answer the question, and judge the answer."""

    kind: Literal["validate"]
    """This kind."""
    method: Word | None = None
    """Candidate whose predictions are corrected; None: the one that validation ranks first."""


class ReportRequest(Request):
    """Write the report."""

    kind: Literal["report"]
    """This kind."""
    method: Word | None = None
    """Candidate; None: the one that validation ranks first."""


class TrainRequest(Request):
    """Train a network on the annotated training tiles, and let it compete."""

    kind: Literal["train"]
    """This kind."""
    start: str | None = Field(default=None, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    """Network to start from; None: from scratch."""
    tune: Literal["all", "head", "lora"] = "all"
    """Which weights learn."""
    minutes: float = Field(default=20, gt=0, le=10_000)
    """Time to learn."""
    steps: int | None = Field(default=None, ge=1, le=10_000_000)
    """Number of steps instead of a time."""
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    """Of the split, the first weights and the crops."""


JobRequest = Annotated[
    RunRequest | ValidateRequest | ReportRequest | TrainRequest, Field(discriminator="kind")
]


class Job(Answer):
    """A job."""

    id: str
    """Identifier."""
    kind: JobKind
    """What it does."""
    study: str
    """Identifier of its study, which `new` and `demo` make."""
    state: JobState
    """How far it is; cancelled and failed jobs keep what is finished."""
    by: str
    """Who asked for it."""
    submitted: str
    """When, ISO 8601."""
    started: str | None = None
    """When it began."""
    finished: str | None = None
    """When it ended."""
    stage: str = ""
    """What is being done, such as ``predict otsu-watershed``."""
    done: int = 0
    """Units of the stage done."""
    total: int = 0
    """Units of the stage in all; 0: not known."""
    eta_s: float | None = None
    """Seconds until the end of the stage, from its pace so far; None: not known yet."""
    attempts: int = 0
    """How often it was begun: more than once where the server was stopped during it."""
    problem: Problem | None = None
    """Why it failed."""
    result: dict[str, Any] | None = None
    """What came out, in short."""
