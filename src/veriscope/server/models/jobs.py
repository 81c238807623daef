"""Types of jobs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from veriscope.server.models.problem import Answer, Problem, Request
from veriscope.server.models.studies import Word

__all__ = ["Job", "JobKind", "JobRequest", "JobState", "ReportRequest", "RunRequest", "ValidateRequest"]

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


JobRequest = Annotated[RunRequest | ValidateRequest | ReportRequest, Field(discriminator="kind")]


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
