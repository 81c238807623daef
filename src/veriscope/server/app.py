"""The app: guards around routes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from veriscope import __version__
from veriscope.errors import InputError
from veriscope.io.atomic import make_folder
from veriscope.server import pages
from veriscope.server.access.accounts import Accounts
from veriscope.server.access.guard import Guard
from veriscope.server.access.sessions import Attempts, Sessions
from veriscope.server.database import Database
from veriscope.server.events import Events, Part
from veriscope.server.jobs.runner import JobRunner
from veriscope.server.jobs.table import ENDED, JobTable
from veriscope.server.models.jobs import Job, JobKind
from veriscope.server.parts import ERRORS, ServerParts
from veriscope.server.problems import add_handlers
from veriscope.server.routes import (
    answer,
    audit,
    candidates,
    files,
    images,
    jobs,
    journals,
    networks,
    new_study,
    question,
    segmenters,
    session,
    studies,
    uploads,
)
from veriscope.server.settings import ServerSettings
from veriscope.server.uploads import Uploads
from veriscope.server.watcher import StudyWatcher
from veriscope.server.workspace import Workspace

__all__ = ["create_app"]

_ROUTES = (
    session,
    new_study,
    studies,
    question,
    uploads,
    jobs,
    images,
    files,
    candidates,
    networks,
    audit,
    journals,
    segmenters,
    answer,
    pages,
)
_CHANGES: dict[JobKind, Part] = {
    "new": "study",
    "demo": "study",
    "run": "candidates",
    "validate": "answer",
    "report": "answer",
    "train": "candidates",
}
"""What of a study is to be loaded again after a job."""


def create_app(settings: ServerSettings) -> FastAPI:
    """Make the server's app.

    Parameters
    ----------
    settings
        What it is started with.

    Returns
    -------
    fastapi.FastAPI
        To be run by Uvicorn, or tested.

    Raises
    ------
    InputError
        If the folder cannot be made.
    """
    make_folder(settings.folder)
    workspace = Workspace(settings.folder, settings.roots)
    database = _database(settings, workspace)
    place = str(workspace.folder) if database.is_postgres else ""
    accounts = None if settings.accounts is None else Accounts(settings.accounts)
    kind = "token" if accounts is None else "accounts"
    sessions = Sessions(settings.limits.session_hours, database, f"{kind} {place}")
    events = Events()
    table = JobTable(database, place)

    def tell(job: Job) -> None:
        events.send("job", job.model_dump(mode="json"))
        if job.state in ENDED and job.kind in _CHANGES:
            events.study(job.study, _CHANGES[job.kind])

    parts = ServerParts(
        settings=settings,
        workspace=workspace,
        accounts=accounts,
        sessions=sessions,
        attempts=Attempts(settings.limits.failed_sign_ins),
        table=table,
        jobs=JobRunner(table, workspace.folder_of, workspace.state, settings.workers, tell),
        uploads=Uploads(workspace.state / "uploads", settings.limits),
        events=events,
    )

    app = FastAPI(
        title="Veriscope",
        version=__version__,
        description="The server of Veriscope's app. Requests that change something need the header "
        "`X-Veriscope: 1`; errors are problem documents.",
        lifespan=_lifespan(parts, database),
        generate_unique_id_function=_operation_id,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=ERRORS,
    )
    app.state.parts = parts
    for routes in _ROUTES:
        app.include_router(routes.router)
    add_handlers(app, workspace.folder)
    app.add_middleware(Guard, settings=settings, sessions=sessions, accounts=accounts)
    return app


def _lifespan(
    parts: ServerParts, database: Database
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """Begin what works beside the requests when the server starts, and end it with the server."""
    events, watcher = parts.events, StudyWatcher(parts.workspace, parts.events, parts.jobs.is_busy)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        _keep_audit_log(parts.workspace)
        events.open(asyncio.get_running_loop())
        await asyncio.to_thread(parts.jobs.start)
        watcher.start()
        yield
        events.close()
        await asyncio.to_thread(watcher.stop)
        parts.qualities.close()
        parts.segmenting.close()
        await asyncio.to_thread(parts.jobs.stop)
        database.close()
        if parts.accounts is not None:
            parts.accounts.close()

    return lifespan


def _database(settings: ServerSettings, workspace: Workspace) -> Database:
    if settings.database is not None:
        return Database(settings.database)
    path = workspace.state / "jobs.sqlite"
    try:
        return Database(path, is_busy=True)
    except InputError as error:
        raise InputError(
            f"{error}; where it is damaged, remove it: that forgets past jobs, and signs everybody out"
        ) from None


def _operation_id(route: APIRoute) -> str:
    return route.name.lstrip("_")


def _keep_audit_log(workspace: Workspace) -> None:
    """Append who changed what to a file of the workspace."""
    log = logging.getLogger("veriscope.server.audit")
    if log.handlers:
        return
    make_folder(workspace.state)
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(logging.FileHandler(workspace.state / "audit.log", encoding="utf-8"))
