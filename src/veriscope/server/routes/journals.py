"""Journals of strokes, and the answer while tiles are being annotated."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from veriscope.server.models.audit import Journal, JournalBatch, JournalEntry, JournalState, LiveEstimate
from veriscope.server.parts import Annotator, Server, Viewer
from veriscope.server.problems import ProblemError
from veriscope.server.routes.audit import AnnotatorName, annotator_of, checked_annotator
from veriscope.server.routes.images import known_candidate
from veriscope.server.unit_views import find_tile
from veriscope.workflow.annotations import annotated_units
from veriscope.workflow.journal import SERVER, JournalGap, read_journal
from veriscope.workflow.live import live_estimate

__all__ = ["router"]

router = APIRouter(tags=["audit"])


@router.post("/api/studies/{study}/audit/units/{unit}/journal")
def _add_to_journal(
    study: str,
    unit: str,
    given: JournalBatch,
    server: Server,
    who: Annotator,
    annotator: AnnotatorName = None,
) -> JournalState:
    """Add strokes; those that are there already are left out, so that sending twice does no harm."""
    folder = server.workspace.study(study)
    find_tile(folder, unit)
    name = annotator_of(server, who, annotator)
    if given.client == SERVER:
        raise ProblemError.make(422, f"The name {SERVER!r} is the server's own.", "Choose a random one.")
    entries = [entry.model_dump() for entry in given.entries]
    try:
        last = server.journals.append(folder, unit, name, given.client, entries)
    except JournalGap as gap:
        raise ProblemError.make(
            409,
            str(gap),
            "Send what is missing.",
            title="The journal has a gap",
            last_seq=gap.last_seq,
        ) from None
    return JournalState(client=given.client, last_seq=last)


@router.get("/api/studies/{study}/audit/units/{unit}/journal")
def _get_journal(
    study: str,
    unit: str,
    server: Server,
    who: Viewer,
    annotator: AnnotatorName = None,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 5000,
) -> Journal:
    """Give strokes in the order in which they came, to be done again."""
    folder = server.workspace.study(study)
    find_tile(folder, unit)
    name = checked_annotator(annotator) if annotator else annotator_of(server, who, None)
    found = read_journal(folder, unit, name, after=after, most=limit)
    entries = [JournalEntry.model_validate(entry) for entry in found]
    clients = server.journals.clients(folder, unit, name)
    return Journal(entries=entries, last=entries[-1].n if entries else after, clients=clients)


@router.get("/api/studies/{study}/audit/estimate")
def _get_live_estimate(
    study: str, server: Server, _: Viewer, method: Annotated[str | None, Query(max_length=200)] = None
) -> LiveEstimate:
    """Answer the question with the tiles annotated so far, and say whether they are enough."""
    folder, config = server.workspace.opened(study)
    if method is not None:
        known_candidate(server, study, method)
    found = server.live.get(folder, config, method, live_estimate)
    return LiveEstimate.model_validate(
        found | {"unit": found["question"]["unit"], "n_annotated": len(annotated_units(folder))}
    )
