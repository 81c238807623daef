"""Click-to-segment: models that were added, and the outlines that they propose on tiles."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray

from veriscope.errors import VeriscopeError
from veriscope.methods.prompts.prompt import Prompt, PromptPoint
from veriscope.server.models.segmenters import SegmentedObject, Segmenter, SegmentRequest
from veriscope.server.parts import Annotator, Server, ServerParts, Viewer
from veriscope.server.pictures import Window, plane_region
from veriscope.server.problems import ProblemError
from veriscope.server.routes.audit import AnnotatorName, annotator_of
from veriscope.server.segmenting import files_hash, runs_of
from veriscope.server.stores import image_store, image_version
from veriscope.server.unit_views import find_tile
from veriscope.workflow.journal import SHOWN
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.tile_annotations import PlannedTile
from veriscope.zoo.segmenter_cache import SegmenterRecord, read_segmenter, segmenter_names

__all__ = ["router"]

router = APIRouter(tags=["audit"])


@router.get("/api/segmenters")
def _list_segmenters(_: Viewer) -> list[Segmenter]:
    """List the models for click-to-segment that were added; those that are damaged are left out."""
    found = []
    for name in segmenter_names():
        try:
            found.append(_described(read_segmenter(name)))
        except VeriscopeError:
            continue  # `veriscope models` says what is wrong with it
    return found


@router.post("/api/studies/{study}/audit/units/{unit}/segment")
async def _segment(
    study: str,
    unit: str,
    given: SegmentRequest,
    request: Request,
    server: Server,
    who: Annotator,
    annotator: AnnotatorName = None,
) -> SegmentedObject:
    """Give the outline of what was pointed at; that it was shown is noted in the annotator's journal."""

    def prepare() -> tuple[StudyFolder, PlannedTile, StudyImage, str, SegmenterRecord, str]:
        folder = server.workspace.study(study)
        tile, _tiles = find_tile(folder, unit)
        name = annotator_of(server, who, annotator)
        row = server.workspace.image(folder, tile.image_id)
        return folder, tile, row, name, _known(given.segmenter), image_version(folder, row)

    folder, tile, row, name, record, version = await asyncio.to_thread(prepare)
    prompt = _prompt(given)
    if prompt is not None:
        prompt.check(tile.shape)
    channels = sorted(set(given.channels))
    content = (str(folder.root), tile.image_id, version, tile.context, tuple(channels))

    def work() -> Any:
        return server.segmenting.outline(
            record, content, lambda: _pixels(folder, tile, row, channels), prompt
        )

    found = await server.segmenting.answer((str(folder.root), unit, name), work, request.is_disconnected)
    if found is not None:
        await asyncio.to_thread(_note_shown, server, folder, unit, name, record)
    return SegmentedObject(
        segmenter=record.name,
        sha256=files_hash(record),
        runs=[] if found is None else runs_of(found.mask),
        area=0 if found is None else int(np.count_nonzero(found.mask)),
        quality=None if found is None else found.quality,
        evidence="untested",
    )


def _described(record: SegmenterRecord) -> Segmenter:
    return Segmenter(
        name=record.name,
        summary=record.card.summary,
        licence=record.card.licence,
        citation=record.card.citation,
        side=record.side,
        seconds_image=record.seconds.get("image", 0.0),
        seconds_click=record.seconds.get("click", 0.0),
        evidence="untested",
    )


def _known(name: str) -> SegmenterRecord:
    if name not in segmenter_names():
        there = ", ".join(segmenter_names()) or "none"
        raise ProblemError.make(
            404,
            f"There is no model for click-to-segment {name[:100]!r}; added are: {there}.",
            "Add one on the server: veriscope models add FOLDER.",
        )
    return read_segmenter(name)


def _prompt(given: SegmentRequest) -> Prompt | None:
    if not given.points and given.box is None:
        return None
    return Prompt(tuple(PromptPoint(point.y, point.x, point.inside) for point in given.points), given.box)


def _pixels(
    folder: StudyFolder, tile: PlannedTile, row: StudyImage, channels: list[int]
) -> tuple[NDArray[Any], bool]:
    """Read the chosen channels of a tile with its context, and say whether they are colours."""
    store = image_store(folder, row)
    window = Window.within(store, tile.context, tile.shape[1])
    planes = [
        store.read(0, plane_region(store, window, 0, channel=index, z=0, t=0)).reshape(tile.shape)
        for index in (channels if "c" in store.axes else [0])
    ]
    is_colour = row.channels == "red;green;blue" and channels == [0, 1, 2]
    return np.stack(planes), is_colour


def _note_shown(
    server: ServerParts, folder: StudyFolder, unit: str, annotator: str, record: SegmenterRecord
) -> None:
    """Note once for each tile, annotator and model that its outlines were seen."""
    seen: Hashable = (str(folder.root), unit, annotator, files_hash(record))
    if server.segmenting.is_first(seen):
        said = {"candidate": record.name, "sha256": files_hash(record)}
        server.journals.note(folder, unit, annotator, SHOWN, said)
