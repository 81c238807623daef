"""What routes share: the server's parts, who asks, and conditions on versions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Request

from veriscope.server.access.accounts import Accounts
from veriscope.server.access.sessions import Attempts, Identity, Role, Sessions
from veriscope.server.events import Events
from veriscope.server.jobs.runner import JobRunner
from veriscope.server.jobs.table import JobTable
from veriscope.server.kept import KeptResults
from veriscope.server.locks import Locks
from veriscope.server.models.problem import Problem
from veriscope.server.problems import ProblemError
from veriscope.server.qualities import Qualities
from veriscope.server.segmenting import Segmenting
from veriscope.server.settings import ServerSettings
from veriscope.server.uploads import Uploads
from veriscope.server.workspace import Workspace
from veriscope.workflow.journal import Journals

__all__ = [
    "ERRORS",
    "Annotator",
    "Owner",
    "Server",
    "ServerParts",
    "Viewer",
    "check_match",
    "etag_of",
    "files_url",
    "unquote_etag",
    "url",
]


@dataclass(slots=True)
class ServerParts:
    """What a server is made of.

    Parameters
    ----------
    settings
        What it was started with.
    workspace
        Its studies.
    accounts
        Of a lab server; None: a token.
    sessions
        Who is signed in.
    attempts
        Failed sign-ins.
    table
        Past and present jobs.
    jobs
        Has them done.
    uploads
        Files that are being sent.
    events
        Tells browsers what changed.
    locks
        One writer per study.
    journals
        Strokes of annotators.
    live
        Answers while tiles are being annotated.
    segmenting
        Outlines by click.

    Attributes
    ----------
    qualities
        How images look.
    """

    settings: ServerSettings
    workspace: Workspace
    accounts: Accounts | None
    sessions: Sessions
    attempts: Attempts
    table: JobTable
    jobs: JobRunner
    uploads: Uploads
    events: Events
    locks: Locks = field(default_factory=Locks)
    journals: Journals = field(default_factory=Journals)
    qualities: Qualities = field(init=False)
    live: KeptResults = field(default_factory=KeptResults)
    segmenting: Segmenting = field(default_factory=Segmenting)

    def __post_init__(self) -> None:
        self.qualities = Qualities(lambda study: self.events.study(study, "images"))


def _parts(request: Request) -> ServerParts:
    found: ServerParts = request.app.state.parts
    return found


def _require(role: Role) -> Callable[[Request], Identity]:
    def check(request: Request) -> Identity:
        identity: Identity | None = request.scope["state"]["identity"]
        if identity is None:
            raise ProblemError.make(401, "You are not signed in.", "Sign in.")
        if not identity.may(role):
            raise ProblemError.make(
                403,
                f"{identity.user} is {identity.role} here, and this needs {role}.",
                "Ask the owner of the server.",
            )
        return identity

    return check


Server = Annotated[ServerParts, Depends(_parts)]
Viewer = Annotated[Identity, Depends(_require("viewer"))]
Annotator = Annotated[Identity, Depends(_require("annotator"))]
Owner = Annotated[Identity, Depends(_require("owner"))]

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": Problem,
        "description": "What was wrong, and what to do next.",
        "content": {"application/problem+json": {}},
    },
    "5XX": {"model": Problem, "description": "The disk is full, or the server is busy."},
}
"""How errors stand in the schema."""


def url(*parts: str) -> str:
    """Write an address of this server.

    Parameters
    ----------
    *parts
        Parts of the path; anything in them is quoted.

    Returns
    -------
    str
        Such as ``/api/studies/my%20study``.
    """
    return "/" + "/".join(quote(part, safe="") for part in parts)


def files_url(study: str, *parts: str) -> str:
    """Write the address of files of a study.

    Parameters
    ----------
    study
        Its identifier.
    *parts
        Parts of the path.

    Returns
    -------
    str
        Below ``/files``.
    """
    return url("files", study, *parts)


def etag_of(*content: bytes | str) -> str:
    """Name a content.

    Parameters
    ----------
    *content
        Whatever it consists of.

    Returns
    -------
    str
        With quotation marks, as in the header ``ETag``.
    """
    digest = hashlib.sha256()
    for part in content:
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return f'"{digest.hexdigest()[:24]}"'


def unquote_etag(text: str) -> str:
    """Give an entity tag as it was sent out, also where a proxy has marked it weak.

    Parameters
    ----------
    text
        From ``If-Match`` or ``If-None-Match``.

    Returns
    -------
    str
        With quotation marks, or ``*``.
    """
    return text.strip().removeprefix("W/")


def check_match(expected: str | None, present: str) -> None:
    """Refuse a change of something that was changed meanwhile.

    Parameters
    ----------
    expected
        Header ``If-Match``.
    present
        Entity tag of what is there.

    Raises
    ------
    ProblemError
        428 without the header, 412 if it does not fit.
    """
    if expected is None:
        raise ProblemError.make(
            428,
            "The header If-Match is missing: it says which version was changed.",
            "Load it, then change it.",
            title="Which version was changed?",
        )
    if unquote_etag(expected) not in (present, "*"):
        raise ProblemError.make(
            412,
            "Somebody else has changed this since you loaded it.",
            "Load it again, then change it.",
            title="Changed by someone else",
            headers={"etag": present},
            etag=present,
        )
