"""Errors as problem documents: what was wrong, what is allowed, what to do next."""

from __future__ import annotations

import errno
import logging
import re
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from veriscope.errors import (
    ClusterError,
    InputError,
    MethodError,
    MissingPackageError,
    StudyError,
    UnreadableFileError,
    VeriscopeError,
)
from veriscope.io.folders import as_unicode
from veriscope.server.database import StorageError
from veriscope.server.models.problem import Fault, Problem

__all__ = ["ProblemError", "add_handlers", "problem_of", "respond"]

_log = logging.getLogger("veriscope.server")

_TITLES: tuple[tuple[type[VeriscopeError], int, str], ...] = (
    (UnreadableFileError, 422, "A file cannot be read"),
    (InputError, 422, "This cannot be used as it is"),
    (StudyError, 409, "The study is not ready for this"),
    (MethodError, 409, "A method cannot do this"),
    (ClusterError, 409, "The cluster cannot do this"),
    (MissingPackageError, 409, "An optional package is missing"),
    (VeriscopeError, 409, "This cannot be done"),
)
_STATUS_TITLES = {
    400: "The request is not understood",
    401: "Please sign in",
    403: "Not allowed",
    404: "There is no such thing",
    405: "Not possible here",
    413: "Too large",
    429: "Too many attempts",
}
_STUDY = r"(?:[^();\n]|\([^();\n]*\))+?"  # a name may have spaces and pairs of brackets
_END = r"(?=[;)\n]|$)"
_GIVEN = r"(?: --\w+ [^\s;,)]+)"
_IN_THE_APP = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (
            rf"(?:annotate those in [^;\n]+, then: )?veriscope audit {_STUDY} --import [^\s;)]+",
            "annotate them under Audit",
        ),
        (rf"(?:draw some with )?veriscope audit {_STUDY}(?:{_GIVEN}+|{_END})", "draw tiles under Audit"),
        (rf"veriscope run {_STUDY}{_END}", "run the candidates under Candidates"),
        (rf"veriscope (?:validate|estimate|verdict) {_STUDY}{_END}", "compute the answer under Answer"),
        (rf"(?:make one with: )?veriscope new {_STUDY}(?:{_GIVEN}+|{_END})", "make a new study under Home"),
    )
)


class ProblemError(HTTPException):
    """Stops a request with a problem.

    Parameters
    ----------
    problem
        What the caller is told.
    headers
        Further headers of the answer.
    """

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.status, problem.title, headers)
        self.problem = problem

    @classmethod
    def make(
        cls,
        status: int,
        detail: str,
        action: str = "",
        *,
        title: str = "",
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> ProblemError:
        """Make one from its parts.

        Parameters
        ----------
        status
            HTTP status.
        detail
            What was wrong.
        action
            What to do next.
        title
            One line; as usual for the status if empty.
        headers
            Further headers.
        **members
            Further members of `Problem`.

        Returns
        -------
        ProblemError
            To be raised.
        """
        title = title or _STATUS_TITLES.get(status, "This cannot be done")
        return cls(Problem(title=title, status=status, detail=detail, action=action, **members), headers)


def problem_of(error: Exception, hide: Path | None = None) -> Problem:
    """Describe an error.

    Parameters
    ----------
    error
        Any.
    hide
        Folder whose path is left out of the text.

    Returns
    -------
    Problem
        Of an unexpected error it tells nothing that is inside it.
    """
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, VeriscopeError):
        return _of_ours(error, hide)
    if isinstance(error, OSError):
        return _of_system(error)
    if isinstance(error, StorageError):
        return Problem(
            title="The server's table cannot be used",
            status=507 if error.is_full else 503,
            detail=f"{error}.",
            action="Look whether the server's disk is full or read-only, or its database is down; then try "
            "again.",
        )
    return Problem(
        title="Something unexpected happened",
        status=500,
        detail=f"{type(error).__name__} in the server; nothing that was saved is lost.",
        action="Try again; if it stays, look into the server's log.",
    )


def _of_ours(error: VeriscopeError, hide: Path | None) -> Problem:
    status, title = next((status, title) for kind, status, title in _TITLES if isinstance(error, kind))
    text = as_unicode(str(error))
    if hide is not None:
        text = text.replace(f"{hide}/", "").replace(str(hide), hide.name)
    if "the disk is full" in text or "disk quota" in text:
        status, title = 507, "The disk is full"
    for pattern, words in _IN_THE_APP:
        text = pattern.sub(words, text)
    if "\n" in text:
        detail, _, action = text.rpartition("\n")
        if action.startswith("  "):
            detail, action = text, ""
    else:
        detail, _, action = text.rpartition("; ")
        if not detail:
            detail, action = text, ""
    action = action.removeprefix("first: ").removeprefix("then: ")
    action = action[:1].upper() + action[1:]
    return Problem(type=type(error).__name__, title=title, status=status, detail=detail, action=action)


def _of_system(error: OSError) -> Problem:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(
            title="The disk is full",
            status=507,
            detail="The server cannot write any more.",
            action="Free some space, then try again; what was saved is kept.",
        )
    name = as_unicode(Path(str(error.filename)).name) if error.filename else "a file"
    if isinstance(error, FileNotFoundError):
        return Problem(
            title="A file is gone",
            status=410,
            detail=f"{name} was there and is not any more.",
            action="Put it back, or reload the page.",
        )
    return Problem(
        title="A file cannot be used",
        status=409,
        detail=f"{name}: {error.strerror or type(error).__name__}.",
        action="Mend that on the server, then try again.",
    )


def respond(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Give a problem as an answer.

    Parameters
    ----------
    problem
        The problem.
    headers
        Further headers.

    Returns
    -------
    JSONResponse
        ``application/problem+json``.
    """
    return JSONResponse(
        problem.to_dict(), problem.status, headers=headers, media_type="application/problem+json"
    )


def add_handlers(app: FastAPI, hide: Path) -> None:
    """Have an app answer every error with a problem.

    Parameters
    ----------
    app
        The app.
    hide
        Folder whose path is left out of texts.
    """

    def known(_: Request, error: Exception) -> JSONResponse:
        headers = dict(error.headers or {}) if isinstance(error, ProblemError) else None
        return respond(problem_of(error, hide), headers)

    def unexpected(request: Request, error: Exception) -> JSONResponse:
        _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return respond(problem_of(error, hide))

    def wrong(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError), "registered for this class alone"
        faults = [
            Fault(place=".".join(map(str, item["loc"])), message=item["msg"].removeprefix("Value error, "))
            for item in error.errors()[:50]
        ]
        detail = "; ".join(f"{fault.place}: {fault.message}" for fault in faults[:5])
        problem = Problem(
            title="The request has wrong values",
            status=422,
            detail=detail,
            action="Mend them and send it again.",
            errors=faults,
        )
        return respond(problem)

    def of_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException), "registered for this class alone"
        title = _STATUS_TITLES.get(error.status_code, "This cannot be done")
        problem = Problem(title=title, status=error.status_code, detail=str(error.detail))
        return respond(problem, dict(error.headers or {}))

    def of_table(request: Request, error: Exception) -> JSONResponse:
        _log.error("a table cannot be used", exc_info=error)
        return known(request, error)

    app.add_exception_handler(StorageError, of_table)
    for kind in (ProblemError, VeriscopeError, OSError):
        app.add_exception_handler(kind, known)
    app.add_exception_handler(RequestValidationError, wrong)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, unexpected)
