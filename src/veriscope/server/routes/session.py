"""Signing in and out, and what the app can do here."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from veriscope import __version__
from veriscope.errors import InputError
from veriscope.server.access.guard import NO_ACCOUNTS, cookie_name, session_key
from veriscope.server.access.sessions import Identity, same_secret
from veriscope.server.models.session import (
    Capabilities,
    FolderEntry,
    FolderListing,
    ImageEntry,
    LimitsShown,
    MeasureOption,
    MethodCard,
    Options,
    Session,
    SignIn,
)
from veriscope.server.parts import Owner, Server, ServerParts, Viewer
from veriscope.server.problems import ProblemError

__all__ = ["begin_session", "method_cards", "router"]

router = APIRouter(tags=["session"])

_MEASURES = {
    "count": "How many objects",
    "density": "How many objects per area",
    "mean-area": "Mean area of the objects",
    "mean-intensity": "Mean intensity of the objects",
    "mean:COLUMN": "Mean of any measured column",
    "fraction:COLUMN>VALUE": "Fraction of objects with a column above a value",
    "fraction:COLUMN<VALUE": "Fraction of objects with a column below a value",
    "total-area": "Area that the objects cover",
    "area-fraction": "Fraction of the area that the objects cover",
}


def begin_session(server: ServerParts, identity: Identity, response: Response, stamp: str = "") -> None:
    """Sign somebody in: the answer sets the cookie.

    Parameters
    ----------
    server
        The server.
    identity
        Who it is.
    response
        The answer.
    stamp
        Of the account.
    """
    response.set_cookie(
        cookie_name(server.settings),
        server.sessions.begin(identity, stamp),
        httponly=True,
        samesite="strict",
        secure=server.settings.is_tls,
        path="/",
    )


@router.get("/api/session")
def _get_session(server: Server, request: Request) -> Session:
    """Say who is signed in; needs no sign-in."""
    return _describe(server, request.scope["state"]["identity"])


@router.post("/api/session")
def _sign_in(server: Server, given: SignIn, request: Request, response: Response) -> Session:
    """Sign in with the token, or with an account."""
    caller = request.client.host if request.client else "unknown"
    callers = [f"from {caller}", *([f"as {given.user}"] if given.user else [])]
    wait = max(server.attempts.wait(name) for name in callers)
    if wait > 0:
        raise ProblemError.make(
            429,
            f"There were too many wrong attempts; wait {wait:.0f} s.",
            "Wait, then try again.",
            headers={"retry-after": f"{wait:.0f}"},
        )
    found = _identify(server, given)
    if found is None:
        for name in callers:
            server.attempts.fail(name)
        raise ProblemError.make(
            401,
            "The token is not that of this server."
            if server.accounts is None
            else "There is no account with this name and password.",
            "Use the address that the server printed when it was started."
            if server.accounts is None
            else "Try again, or ask the owner of the server.",
        )
    identity, stamp = found
    begin_session(server, identity, response, stamp)
    return _describe(server, identity)


def _identify(server: ServerParts, given: SignIn) -> tuple[Identity, str] | None:
    if server.accounts is not None:
        try:
            return server.accounts.check(given.user or "", given.password or "")
        except InputError:
            raise ProblemError(NO_ACCOUNTS) from None
    token = server.settings.token
    right = token is not None and same_secret(given.token or "", token)
    return (Identity("owner", "owner"), "") if right else None


@router.delete("/api/session", status_code=204)
def _sign_out(server: Server, request: Request, response: Response) -> None:
    """Sign out."""
    server.sessions.end(session_key(request.headers, server.settings))
    server.events.look_again()
    response.delete_cookie(cookie_name(server.settings), path="/", samesite="strict", httponly=True)


def _describe(server: ServerParts, identity: Identity | None) -> Session:
    limits = server.settings.limits
    return Session(
        mode="token" if server.accounts is None else "accounts",
        signed_in=identity is not None,
        user=identity.user if identity else None,
        role=identity.role if identity else None,
        version=__version__,
        capabilities=Capabilities(
            train=importlib.util.find_spec("torch") is not None,
            server_paths=bool(server.workspace.roots),
            create=not server.workspace.is_single,
        ),
        limits=LimitsShown(
            chunk_bytes=limits.chunk_bytes,
            upload_bytes=limits.upload_bytes,
            upload_files=limits.upload_files,
            label_bytes=limits.label_bytes,
        ),
    )


@router.get("/api/options")
def _get_options(server: Server, _: Viewer) -> Options:
    """Say what the form of a new study offers."""
    return Options(
        measures=[
            MeasureOption(key=key, text=text, needs_column="COLUMN" in key, needs_threshold="VALUE" in key)
            for key, text in _MEASURES.items()
        ],
        methods=method_cards(),
        group_by=["row", "column", "plate"],
        roots=[str(root) for root in server.workspace.roots],
    )


def method_cards() -> list[MethodCard]:
    """Give the cards of all methods that are there.

    Returns
    -------
    list of MethodCard
        In the order of their names; a method whose package is broken is left out.
    """
    from veriscope.registry import method_names

    return [card_of(name) for name in method_names()]


def card_of(name: str) -> MethodCard:
    """Give the card of a method.

    Parameters
    ----------
    name
        Of the method.

    Returns
    -------
    MethodCard
        Its card.

    Raises
    ------
    MethodError
        If there is no such method.
    """
    from veriscope.registry import get_method

    cls = get_method(name)
    card: dict[str, Any] = cls.card.model_dump(mode="json")
    return MethodCard(
        name=name, version=cls.version, needs_training=cls.needs_training, evidence="untested", **card
    )


@router.get("/api/folders")
def _list_folder(
    server: Server, _: Owner, path: Annotated[str | None, Query(max_length=4096)] = None
) -> FolderListing:
    """List a folder of the server from which images may be taken."""
    from veriscope.io.folders import is_unicode
    from veriscope.io.images import SUFFIXES

    roots = server.workspace.roots
    if path is None:
        folders = [FolderEntry(name=root.name or str(root), path=str(root)) for root in roots]
        return FolderListing(path=None, parent=None, folders=folders, images=[], n_other=0)
    if not roots:
        raise ProblemError.make(
            403, "No folder of the server may be read.", "Start the server with --root FOLDER."
        )
    place = server.workspace.allowed(path)
    if not place.is_dir():
        raise ProblemError.make(404, f"There is no folder {place.name!r}.", "Choose another.")
    folders, images, n_other = [], [], 0
    for item in sorted(place.iterdir(), key=lambda item: item.name.lower()):
        if item.name.startswith("."):
            continue
        if not is_unicode(item.name):  # cannot be asked for
            n_other += 1
        elif item.suffix.lower() in SUFFIXES:
            images.append(ImageEntry(name=item.name, bytes=_size(item)))
        elif item.is_dir():
            folders.append(FolderEntry(name=item.name, path=str(item)))
        else:
            n_other += 1
    above = place.parent
    inside = any(above.is_relative_to(root) for root in roots)
    return FolderListing(
        path=str(place),
        parent=str(above) if inside else None,
        folders=folders,
        images=images,
        n_other=n_other,
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None
