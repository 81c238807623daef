"""Jobs: asking for them, following them, stopping them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from veriscope.errors import InputError, StudyError
from veriscope.server.access.guard import session_key, signed_in
from veriscope.server.database import StorageError
from veriscope.server.models.jobs import Job, JobRequest, ReportRequest, RunRequest, ValidateRequest
from veriscope.server.parts import Owner, Server, ServerParts, Viewer
from veriscope.server.problems import ProblemError

__all__ = ["router"]

router = APIRouter(tags=["jobs"])
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.post("/api/studies/{study}/jobs", status_code=202)
def _start_job(study: str, given: JobRequest, server: Server, who: Owner) -> Job:
    """Put a job into the queue; the same that is waiting or running is given instead of a second."""
    _, config = server.workspace.opened(study)
    known = [candidate.id for candidate in config.candidates]
    named: list[str] = []
    if isinstance(given, RunRequest):
        named = given.only or []
    elif isinstance(given, ValidateRequest | ReportRequest) and given.method:
        named = [given.method]
    unknown = [name for name in named if name not in known]
    if unknown:
        raise StudyError(f"no candidate {', '.join(unknown)} in the study; choose of: {', '.join(known)}")
    request = given.model_dump(mode="json", exclude={"kind"})
    return server.jobs.submit(given.kind, study, request, who.user)


@router.get("/api/jobs")
def _list_jobs(
    server: Server,
    _: Viewer,
    study: Annotated[str | None, Query(max_length=200)] = None,
    active: bool = False,
) -> list[Job]:
    """List jobs, newest first."""
    return server.table.listed(study=study, is_active=active)


@router.get("/api/jobs/{job}")
def _get_job(job: str, server: Server, _: Viewer) -> Job:
    """Describe a job."""
    return _find(server, job)


@router.delete("/api/jobs/{job}", status_code=202)
def _cancel_job(job: str, server: Server, _: Owner) -> Job:
    """Stop a job as Ctrl-C does: what is finished is kept."""
    return server.jobs.cancel(_find(server, job))


@router.get("/api/events", response_class=Response, responses=_STREAM)
async def _get_events(server: Server, request: Request, _: Viewer) -> StreamingResponse:
    """Follow what changes: first `jobs`, then `job` and `study` as they come, until the session ends."""
    key = session_key(request.headers, server.settings)

    def first() -> tuple[str, Any]:
        jobs = server.table.listed(most=20) + server.table.listed(is_active=True)
        unique = {job.id: job.model_dump(mode="json") for job in jobs}
        return "jobs", list(unique.values())

    def may_hear() -> bool:
        try:
            return signed_in(key, server.sessions, server.accounts, counts=False) is not None
        except (StorageError, InputError):  # it is asked again when the browser opens the stream anew
            return False

    return StreamingResponse(
        server.events.listen(first, may_hear),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


def _find(server: ServerParts, job: str) -> Job:
    found = server.table.find(job)
    if found is None:
        raise ProblemError.make(404, f"There is no job {job[:100]!r}.", "Reload the list of jobs.")
    return found
