"""The candidates of a study."""

from __future__ import annotations

import os

from fastapi import APIRouter

from veriscope.core.cache import cache_folder
from veriscope.errors import StudyError, VeriscopeError
from veriscope.methods.external.environment import external_folder
from veriscope.server.candidate_rows import candidate_images, candidate_rows
from veriscope.server.models.candidates import CandidateImage, CandidateRow, NewCandidate, OtherCandidate
from veriscope.server.models.session import MethodCard
from veriscope.server.parts import Owner, Server, Viewer
from veriscope.server.routes.images import known_candidate
from veriscope.server.routes.session import card_of
from veriscope.workflow.other_methods import let_in, other_methods

__all__ = ["router"]

router = APIRouter(tags=["candidates"])


@router.get("/api/studies/{study}/candidates")
def _list_candidates(study: str, server: Server, _: Viewer) -> list[CandidateRow]:
    """List the methods that compete, with their cards, speed, cost and results."""
    return candidate_rows(*server.workspace.opened(study))


@router.post("/api/studies/{study}/candidates", status_code=201)
def _add_candidate(study: str, given: NewCandidate, server: Server, _: Owner) -> list[CandidateRow]:
    """Let another method compete; what the others found, and the drawn tiles, stay."""
    with server.locks.of(study):
        folder, config = server.workspace.opened(study)
        try:
            config = let_in(folder, config, given.method)
        except StudyError as error:
            raise StudyError(_without_places(str(error))) from error
    server.events.study(study, "candidates")
    return candidate_rows(folder, config)


@router.get("/api/studies/{study}/candidates/others")
def _list_other_methods(study: str, server: Server, _: Viewer) -> list[OtherCandidate]:
    """List the methods that do not compete yet, and how far they suit the images."""
    found = other_methods(*server.workspace.opened(study))
    return [
        OtherCandidate(
            name=other.name,
            card=_card(other.name),
            fits=other.fits,
            remarks=list(map(_without_places, other.remarks)),
        )
        for other in found
    ]


def _without_places(text: str) -> str:
    """Leave out where models lie on the server."""
    for folder in (cache_folder(), external_folder()):
        text = text.replace(f"{folder}{os.sep}", "")
    return text


def _card(name: str) -> MethodCard | None:
    try:
        return card_of(name)
    except VeriscopeError:
        return None


@router.get("/api/studies/{study}/candidates/{candidate}/images")
def _list_candidate_images(study: str, candidate: str, server: Server, _: Viewer) -> list[CandidateImage]:
    """List what a candidate found, image by image."""
    return candidate_images(server.workspace.study(study), known_candidate(server, study, candidate))
