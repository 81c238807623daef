"""The answer of a study, what it rests on, and the objects behind it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from veriscope.core.commands import command
from veriscope.errors import StudyError
from veriscope.server.models.answer import (
    AnswerDocument,
    ColumnValues,
    ObjectHistogram,
    ObjectPage,
    RankedTile,
    RankedTiles,
    ReportState,
)
from veriscope.server.object_tables import ObjectTable, open_objects
from veriscope.server.parts import Server, ServerParts, Viewer, url
from veriscope.server.problems import ProblemError
from veriscope.server.routes.images import known_candidate
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.judge import choose_candidate
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.state import is_evidence_current

__all__ = ["router"]

router = APIRouter(tags=["answer"])

_Candidate = Annotated[str | None, Query(max_length=200)]
_Filters = Annotated[list[Annotated[str, Query(max_length=500)]] | None, Query(max_length=20)]
_Column = Annotated[str, Query(max_length=100)]
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-same-origin"
)
_HTML: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_JSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.get("/api/studies/{study}/answer")
def _get_answer(study: str, server: Server, _: Viewer) -> AnswerDocument:
    """Give the answer, what it rests on, and what may be done with it."""
    folder, config = server.workspace.opened(study)
    _require_answer(folder)
    is_current = is_evidence_current(folder, config)
    return AnswerDocument.model_validate(
        {
            "stale": not is_current,
            "stale_text": ""
            if is_current
            else "Annotations, predictions or the question have changed since this was computed.",
            "validation": read_evidence(folder, "validate"),
            "estimate": read_evidence(folder, "estimate"),
            "verdict": read_evidence(folder, "verdict"),
            "evidence": "audited",
        }
    )


def _require_answer(folder: StudyFolder) -> None:
    names = ("validate", "estimate", "verdict")
    if not all((folder.root / "evidence" / f"{name}.json").exists() for name in names):
        raise StudyError("the answer was not computed yet; compute it under Answer")


@router.get("/api/studies/{study}/tiles")
def _rank_tiles(
    study: str,
    server: Server,
    _: Viewer,
    candidate: _Candidate = None,
    order: Literal["worst", "best"] = "worst",
    offset: Annotated[int, Query(ge=0, le=10**7)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> RankedTiles:
    """List the audited tiles, those where a candidate did worst or best first."""
    folder = server.workspace.study(study)
    _require_answer(folder)
    validated = read_evidence(folder, "validate")
    chosen = choose_candidate(validated, candidate)
    by_unit = {tile["unit"]: tile for tile in validated["tiles"]}
    found = [
        _ranked(study, by_unit[counts["name"]], counts)
        for counts in validated["candidates"][chosen]["tiles"]
        if counts["name"] in by_unit
    ]
    sign = 1 if order == "worst" else -1
    found.sort(key=lambda tile: (tile.f1 is None, sign * (tile.f1 or 0.0), -tile.n_reference))
    return RankedTiles(
        candidate=chosen, total=len(found), tiles=found[offset : offset + limit], evidence="audited"
    )


def _ranked(study: str, tile: dict[str, Any], counts: dict[str, Any]) -> RankedTile:
    both = counts["n_reference"] + counts["n_prediction"]
    matched = counts["tp@0.5"]
    wrong = counts["fp@0.5"] + counts["fn@0.5"]
    return RankedTile(
        unit=tile["unit"],
        image_id=tile["image_id"],
        group=tile["group"],
        box=tile["box"],
        f1=None if both == 0 or 2 * matched + wrong == 0 else 2 * matched / (2 * matched + wrong),
        n_reference=counts["n_reference"],
        n_prediction=counts["n_prediction"],
        matched=matched,
        crop=url("api", "studies", study, "audit", "units", tile["unit"], "crop"),
    )


@router.get("/api/studies/{study}/objects")
def _list_objects(
    study: str,
    server: Server,
    _: Viewer,
    candidate: _Candidate = None,
    filter: _Filters = None,
    sort: Annotated[str, Query(max_length=100)] = "",
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 200,
) -> ObjectPage:
    """List the objects that a candidate found, with their measurements."""
    table = _objects(server, study, candidate)
    return table.page(filters=filter or [], sort=sort, offset=offset, limit=limit)


@router.get("/api/studies/{study}/objects/histogram")
def _count_objects(
    study: str,
    column: _Column,
    server: Server,
    _: Viewer,
    candidate: _Candidate = None,
    filter: _Filters = None,
    bins: Annotated[int, Query(ge=1, le=500)] = 40,
) -> ObjectHistogram:
    """Count objects by the value of a column, group by group."""
    return _objects(server, study, candidate).histogram(column, bins=bins, filters=filter or [])


@router.get("/api/studies/{study}/objects/values")
def _get_column(
    study: str, column: _Column, image: Annotated[str, Query(max_length=500)], server: Server, _: Viewer,
    candidate: _Candidate = None,
) -> ColumnValues:  # fmt: skip
    """Give a column of the objects of one image, by label."""
    return _objects(server, study, candidate).values(column, image)


@router.get("/api/studies/{study}/objects.csv", response_class=Response, responses=_CSV)
def _download_objects(
    study: str, server: Server, _: Viewer, candidate: _Candidate = None, filter: _Filters = None
) -> Response:
    """Give the objects as CSV."""
    text = _objects(server, study, candidate).csv(filter or [])
    headers = {"content-disposition": 'attachment; filename="objects.csv"'}
    return Response(text, media_type="text/csv", headers=headers)


def _objects(server: ServerParts, study: str, candidate: str | None) -> ObjectTable:
    folder, config = server.workspace.opened(study)
    if candidate is not None:
        return open_objects(folder, known_candidate(server, study, candidate))
    first = ""
    if (folder.root / "evidence/estimate.json").exists():
        first = str(read_evidence(folder, "estimate")["method"])
    known = [item.id for item in config.candidates]
    there = [name for name in known if (folder.root / folder.measurements(name)).exists()]
    if not there:
        raise StudyError("no candidate has run yet; first: " + command("run", folder.root))
    return open_objects(folder, first if first in there else there[0])


@router.get("/api/studies/{study}/report")
def _get_report(study: str, server: Server, _: Viewer) -> ReportState:
    """Say whether there is a report, and where."""
    folder = server.workspace.study(study)
    page, verdict = folder.root / "report/index.html", folder.root / "evidence/verdict.json"
    exists = page.exists()
    written = page.stat().st_mtime if exists else 0.0
    here = ("api", "studies", study, "report")
    return ReportState(
        exists=exists,
        stale=exists and verdict.exists() and verdict.stat().st_mtime > written,
        written=datetime.fromtimestamp(written, UTC).isoformat(timespec="seconds") if exists else None,
        html=url(*here, "html"),
        download=url(*here, "download"),
        record=url(*here, "record"),
    )


@router.get("/api/studies/{study}/report/html", response_class=Response, responses=_HTML)
def _show_report(study: str, server: Server, _: Viewer) -> Response:
    """Give the report for a frame: it runs no script."""
    return _report_file(server, study, "index.html", {})


@router.get("/api/studies/{study}/report/download", response_class=Response, responses=_HTML)
def _download_report(study: str, server: Server, _: Viewer) -> Response:
    """Give the report to be saved."""
    return _report_file(
        server, study, "index.html", {"content-disposition": 'attachment; filename="report.html"'}
    )


@router.get("/api/studies/{study}/report/record", response_class=Response, responses=_JSON)
def _get_report_record(study: str, server: Server, _: Viewer) -> Response:
    """Give what the report holds, as JSON."""
    return _report_file(server, study, "report.json", {})


def _report_file(server: ServerParts, study: str, name: str, headers: dict[str, str]) -> Response:
    path = server.workspace.study(study).root / "report" / name
    if not path.is_file():
        raise ProblemError.make(404, "There is no report yet.", "Write it under Report.")
    kind = "application/json" if name.endswith(".json") else "text/html; charset=utf-8"
    return FileResponse(path, media_type=kind, headers={"content-security-policy": _REPORT_POLICY, **headers})
