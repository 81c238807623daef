"""The audit: drawing tiles, and what annotators see and save."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Annotated, Any
from urllib.parse import quote

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import Response as PlainResponse

from veriscope.server.access.sessions import Identity
from veriscope.server.label_bodies import PNG_TYPE, RAW_TYPE, give_labels, take_labels
from veriscope.server.models.audit import (
    Agreement,
    AnnotationSaved,
    AnnotationVersion,
    Audit,
    DrawRequest,
    UnitDetail,
)
from veriscope.server.parts import Annotator, Owner, Server, ServerParts, Viewer, unquote_etag
from veriscope.server.pictures import Window, draw_pixels, plane_region, png
from veriscope.server.problems import ProblemError
from veriscope.server.routes.images import PNG, Plane, chosen_channels, known_candidate
from veriscope.server.stores import image_store, label_store
from veriscope.server.unit_views import (
    describe_audit,
    describe_unit,
    etag_of_version,
    find_tile,
    newest_of,
)
from veriscope.workflow.annotator_agreement import annotator_agreement
from veriscope.workflow.audit import draw_audit
from veriscope.workflow.journal import SHOWN, proposals_shown
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.tile_annotations import (
    PlannedTile,
    TileVersion,
    annotation_in_context,
    count_objects,
    save_tile,
    tile_versions,
)

__all__ = ["AnnotatorName", "annotator_of", "router"]

router = APIRouter(tags=["audit"])

AnnotatorName = Annotated[str | None, Query(max_length=64)]
_NAME = re.compile(r"[^\W_][\w .-]{0,63}")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_LABELS: dict[int | str, dict[str, Any]] = {
    200: {"content": {RAW_TYPE: _BINARY, PNG_TYPE: _BINARY}, "description": "A label image."}
}
_RAW: dict[int | str, dict[str, Any]] = {200: {"content": {RAW_TYPE: _BINARY}}}
_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {RAW_TYPE: _BINARY, PNG_TYPE: _BINARY}}}


def annotator_of(server: ServerParts, who: Identity, name: str | None) -> str:
    """Give the name under which somebody draws.

    Parameters
    ----------
    server
        The server.
    who
        Who is signed in.
    name
        Asked for; with accounts everybody draws under their own name.

    Returns
    -------
    str
        The name.

    Raises
    ------
    ProblemError
        403 if it is somebody else's, 422 if it cannot be a name.
    """
    if server.settings.accounts is not None and name not in (None, who.user):
        raise ProblemError.make(403, "You draw under your own name here.", "Leave annotator out.")
    return checked_annotator(name or (who.user if server.settings.accounts is not None else "annotator"))


def checked_annotator(name: str) -> str:
    """Check the name of an annotator, which becomes part of a file's name.

    Parameters
    ----------
    name
        The name.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ProblemError
        422 if it cannot be one.
    """
    if not _NAME.fullmatch(name) or name.endswith(" "):
        raise ProblemError.make(
            422,
            f"{name[:64]!r} cannot be the name of an annotator.",
            "Use letters, digits, space, . _ -, beginning with a letter or digit, 64 at most.",
        )
    return name


@router.get("/api/studies/{study}/audit")
def _get_audit(study: str, server: Server, _: Viewer) -> Audit:
    """Say which tiles were drawn, and how far their annotation is."""
    return describe_audit(server.workspace.study(study))


@router.post("/api/studies/{study}/audit/draw")
def _draw_tiles(study: str, given: DrawRequest, server: Server, _: Owner) -> Audit:
    """Draw tiles with known probability; what was drawn before stays."""
    folder, config = server.workspace.opened(study)
    with server.locks.of(study):
        draw_audit(
            folder,
            config,
            tiles=given.tiles,
            more=given.more,
            training=given.training,
            everything=given.everything,
        )
    server.events.study(study, "audit")
    return describe_audit(folder)


@router.get("/api/studies/{study}/audit/agreement")
def _get_agreement(study: str, server: Server, _: Viewer) -> Agreement:
    """Say how far annotators agree on the tiles that several have drawn."""
    return Agreement.model_validate(annotator_agreement(server.workspace.study(study)))


@router.get("/api/studies/{study}/audit/units/{unit}")
def _get_unit(study: str, unit: str, server: Server, _: Viewer) -> UnitDetail:
    """Describe a tile with what is needed to annotate it."""
    folder, config = server.workspace.opened(study)
    return describe_unit(folder, config, *find_tile(folder, unit))


@router.get("/api/studies/{study}/audit/units/{unit}/crop", response_class=Response, responses=PNG)
def _get_crop(
    study: str,
    unit: str,
    server: Server,
    _: Viewer,
    channel: Annotated[list[Annotated[int, Query(ge=0, le=10_000)]] | None, Query(max_length=32)] = None,
    low: Annotated[list[float] | None, Query(max_length=32)] = None,
    high: Annotated[list[float] | None, Query(max_length=32)] = None,
    color: Annotated[
        list[Annotated[str, Query(pattern="^[0-9A-Fa-f]{6}$")]] | None, Query(max_length=32)
    ] = None,
    gamma: Annotated[float, Query(ge=0.05, le=20, allow_inf_nan=False)] = 1.0,
) -> Response:
    """Draw a tile with its context, one pixel for each of the image."""
    folder = server.workspace.study(study)
    tile, _tiles = find_tile(folder, unit)
    store = image_store(folder, server.workspace.image(folder, tile.image_id))
    window = Window.within(store, tile.context, tile.shape[1])
    channels = chosen_channels(channel, low, high, color, gamma)
    return Response(png(draw_pixels(store, window, channels)), media_type="image/png")


@router.get("/api/studies/{study}/audit/units/{unit}/pixels", response_class=Response, responses=_RAW)
def _get_pixels(study: str, unit: str, server: Server, _: Viewer, z: Plane = 0, t: Plane = 0) -> Response:
    """Give the pixels of a plane of a tile with its context: raw, little-endian, axes cyx."""
    folder = server.workspace.study(study)
    tile, _tiles = find_tile(folder, unit)
    row = server.workspace.image(folder, tile.image_id)
    store = image_store(folder, row)
    window = Window.within(store, tile.context, tile.shape[1])
    pixels = store.read(0, plane_region(store, window, 0, channel=None, z=z, t=t))
    keep = tuple(slice(None) if letter in "cyx" else 0 for letter in store.axes)
    pixels = pixels[keep]
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    if pixels.dtype.kind == "b" or pixels.dtype.itemsize == 8:
        pixels = pixels.astype(np.uint8 if pixels.dtype.kind == "b" else np.float32)
    headers = {
        "x-shape": ",".join(map(str, pixels.shape)),
        "x-dtype": str(pixels.dtype),
        "x-channels": quote(json.dumps(row.channel_names or [""])),
        "x-origin": f"{tile.context[0]},{tile.context[1]}",
    }
    raw = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).tobytes()
    return PlainResponse(raw, media_type=RAW_TYPE, headers=headers)


@router.get("/api/studies/{study}/audit/units/{unit}/proposal", response_class=Response, responses=_LABELS)
def _get_proposal(
    study: str,
    unit: str,
    candidate: Annotated[str, Query(max_length=200)],
    server: Server,
    who: Annotator,
    annotator: AnnotatorName = None,
    accept: Annotated[str, Header()] = RAW_TYPE,
) -> Response:
    """Give what a candidate found in a tile; that it was shown is noted in the annotator's journal."""
    folder = server.workspace.study(study)
    tile, _tiles = find_tile(folder, unit)
    name = annotator_of(server, who, annotator)
    chosen = known_candidate(server, study, candidate)
    store = label_store(folder, chosen, server.workspace.image(folder, tile.image_id))
    window = Window.within(store, tile.context, tile.shape[1])
    labels = store.read(0, plane_region(store, window, 0, channel=None, z=0, t=0))
    labels = labels.reshape(labels.shape[-2:])
    server.journals.note(folder, unit, name, SHOWN, {"candidate": chosen})
    return give_labels(labels, tile.context[:2], accept, {})


@router.get("/api/studies/{study}/audit/units/{unit}/annotation", response_class=Response, responses=_LABELS)
def _get_annotation(
    study: str,
    unit: str,
    server: Server,
    who: Viewer,
    annotator: AnnotatorName = None,
    version: Annotated[int | None, Query(ge=1, le=10**9)] = None,
    accept: Annotated[str, Header()] = RAW_TYPE,
) -> Response:
    """Give what an annotator has saved of a tile, their newest version or another."""
    folder = server.workspace.study(study)
    tile, _tiles = find_tile(folder, unit)
    name = checked_annotator(annotator) if annotator else annotator_of(server, who, None)
    versions = tile_versions(folder, unit)
    found = newest_of(versions, name)
    if version is not None:
        found = next((v for v in versions if (v.annotator, v.version) == (name, version)), None)
    if found is None:
        raise ProblemError.make(
            404, f"{name} has saved no such version of {unit}.", "Begin with an empty tile or a proposal."
        )
    labels, is_cut = annotation_in_context(folder, tile, found)
    headers = {"etag": etag_of_version(found), "x-version": str(found.version), "x-cut": str(is_cut).lower()}
    return give_labels(labels, tile.context[:2], accept, headers)


@router.put("/api/studies/{study}/audit/units/{unit}/annotation", openapi_extra=_BODY)
async def _save_annotation(
    study: str,
    unit: str,
    request: Request,
    response: Response,
    server: Server,
    who: Annotator,
    annotator: AnnotatorName = None,
    seconds: Annotated[float | None, Query(ge=0, le=1e6, allow_inf_nan=False)] = None,
    blind: bool | None = None,
    proposal: Annotated[str | None, Query(max_length=200)] = None,
    segmenter: Annotated[
        list[Annotated[str, Query(pattern=r"^segmenter:[a-z0-9.-]{1,60}$")]] | None, Query(max_length=8)
    ] = None,
    if_match: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
    x_shape: Annotated[str, Header()] = "",
    x_dtype: Annotated[str, Header()] = "",
) -> AnnotationSaved:
    """Save a tile as a new version, if the annotator's newest is the one that this follows."""
    if if_match is None and if_none_match is None:
        raise ProblemError.make(
            428,
            "If-Match or If-None-Match is missing: it says which version this one follows.",
            "Send If-Match with the ETag of the version loaded, or If-None-Match: * for the first.",
            title="Which version does this follow?",
        )
    body = await request.body()  # its size is limited by the guard

    def work() -> AnnotationSaved:
        folder = server.workspace.study(study)
        tile, _tiles = find_tile(folder, unit)
        name = annotator_of(server, who, annotator)
        if proposal is not None:
            known_candidate(server, study, proposal)
        labels = take_labels(
            body,
            kind=request.headers.get("content-type", RAW_TYPE),
            encoding=request.headers.get("content-encoding", ""),
            shape=x_shape,
            dtype=x_dtype,
            expected=tile.shape,
        )
        details: dict[str, Any] = {"seconds": seconds, "blind": blind, "proposal": proposal}
        with server.locks.of(study):
            before = newest_of(tile_versions(folder, unit), name)
            _check_follows(before, if_match, if_none_match)
            # Outlines that were taken once stay in what is drawn on.
            if taken := {*(segmenter or ()), *(before.segmenters if before else ())}:
                details["segmenters"] = sorted(taken)
            details["shown"] = _seen(folder, unit, name, proposal)
            saved = save_tile(folder, tile, labels, annotator=name, details=details)
        return _saved(server, folder, tile, name, saved, before, seconds, count_objects(labels))

    found = await asyncio.to_thread(work)
    response.headers["etag"] = found.etag
    server.events.study(study, "audit")
    return found


def _seen(folder: StudyFolder, unit: str, annotator: str, proposal: str | None) -> list[str]:
    """Candidates whose objects the annotator has seen on a tile, that which it began with among them."""
    noted = {str(entry["data"].get("candidate")) for entry in proposals_shown(folder, unit, annotator)}
    return sorted(noted if proposal is None else noted | {proposal})


def _check_follows(before: TileVersion | None, if_match: str | None, if_none_match: str | None) -> None:
    present = etag_of_version(before)
    if if_match is not None:
        fits = before is not None and unquote_etag(if_match) in (present, "*")
    else:
        fits = before is None
    if not fits:
        raise ProblemError.make(
            412,
            "Another version of this tile was saved meanwhile; both are kept.",
            "Load it, compare, then save again.",
            title="Changed meanwhile",
            headers={"etag": present},
            etag=present,
        )


def _saved(
    server: ServerParts,
    folder: StudyFolder,
    tile: PlannedTile,
    annotator: str,
    saved: TileVersion | None,
    before: TileVersion | None,
    seconds: float | None,
    n_objects: int,
) -> AnnotationSaved:
    version = saved or before
    assert version is not None, "what is not new equals what was there"
    if saved is None and seconds:
        server.journals.note(folder, tile.unit, annotator, "time", {"seconds": seconds})
    return AnnotationSaved(
        unit=tile.unit,
        annotator=annotator,
        version=version.version,
        etag=etag_of_version(version),
        n_objects=n_objects,
        changed=saved is not None,
    )


@router.get("/api/studies/{study}/audit/units/{unit}/versions")
def _list_versions(study: str, unit: str, server: Server, _: Viewer) -> list[AnnotationVersion]:
    """List all saved versions of a tile, oldest first."""
    folder = server.workspace.study(study)
    find_tile(folder, unit)
    return [
        AnnotationVersion(
            annotator=version.annotator,
            version=version.version,
            saved=version.saved,
            n_objects=version.n_objects,
            seconds=version.seconds,
            blind=version.is_blind,
            proposal=version.proposal,
            segmenters=list(version.segmenters),
        )
        for version in tile_versions(folder, unit)
    ]
