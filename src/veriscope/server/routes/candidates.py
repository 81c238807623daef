"""The candidates of a study."""

from __future__ import annotations

from fastapi import APIRouter

from veriscope.server.candidate_rows import candidate_images, candidate_rows
from veriscope.server.models.candidates import CandidateImage, CandidateRow
from veriscope.server.parts import Server, Viewer
from veriscope.server.routes.images import known_candidate

__all__ = ["router"]

router = APIRouter(tags=["candidates"])


@router.get("/api/studies/{study}/candidates")
def _list_candidates(study: str, server: Server, _: Viewer) -> list[CandidateRow]:
    """List the methods that compete, with their cards, speed, cost and results."""
    return candidate_rows(*server.workspace.opened(study))


@router.get("/api/studies/{study}/candidates/{candidate}/images")
def _list_candidate_images(study: str, candidate: str, server: Server, _: Viewer) -> list[CandidateImage]:
    """List what a candidate found, image by image."""
    return candidate_images(server.workspace.study(study), known_candidate(server, study, candidate))
