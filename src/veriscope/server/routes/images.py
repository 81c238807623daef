"""The images of a study: their table, and pictures of them."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response

from veriscope.errors import VeriscopeError
from veriscope.server.image_rows import image_list, images_etag
from veriscope.server.models.images import Histogram, ImageChanges, ImageList, Quality
from veriscope.server.parts import (
    Owner,
    Server,
    ServerParts,
    Viewer,
    check_match,
    etag_of,
    unquote_etag,
)
from veriscope.server.pictures import (
    Channel,
    Window,
    default_channels,
    draw_labels,
    draw_pixels,
    plane_region,
    png,
)
from veriscope.server.problems import ProblemError
from veriscope.server.store import Store
from veriscope.server.stores import image_store, image_version, label_store
from veriscope.workflow.image_table import RowChange, apply_sheet, change_images
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.sheet import read_sheet

__all__ = ["PNG", "Plane", "chosen_channels", "known_candidate", "router"]

router = APIRouter(tags=["images"])

PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}
"""How a picture stands in the schema."""

_SHEET: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}
}
_Pixel = Annotated[int | None, Query(ge=0, le=2**31 - 1)]
_Width = Annotated[int | None, Query(ge=1, le=4096)]
Plane = Annotated[int, Query(ge=0, le=1_000_000)]
"""Which plane or time; an image without that axis has only one, whatever is asked for."""
_Depth = Annotated[int | Literal["max", "mean"], Query()]
_Gamma = Annotated[float, Query(ge=0.05, le=20, allow_inf_nan=False)]
_Colour = Annotated[str, Query(pattern="^[0-9A-Fa-f]{6}$")]


@router.get("/api/studies/{study}/images")
def _list_images(study: str, server: Server, response: Response, _: Viewer) -> ImageList:
    """List the images of a study."""
    folder = server.workspace.study(study)
    images = folder.images()
    response.headers["etag"] = images_etag(images)
    return image_list(folder, images, server.qualities.of_study(folder, images))


@router.patch("/api/studies/{study}/images")
def _change_images(
    study: str,
    given: ImageChanges,
    server: Server,
    response: Response,
    _: Owner,
    if_match: Annotated[str | None, Header()] = None,
) -> ImageList:
    """Change groups, replicates or pixel sizes; all changes are made, or none."""
    folder = server.workspace.study(study)
    with server.locks.of(study):
        check_match(if_match, images_etag(folder.images()))
        changes = [
            RowChange(
                item.id,
                item.group,
                item.replicate,
                {} if item.spacing == "uncalibrated" else item.spacing,  # type: ignore[arg-type]
            )
            for item in given.changes
        ]
        images = change_images(folder, changes)
    server.events.study(study, "images")
    response.headers["etag"] = images_etag(images)
    return image_list(folder, images, server.qualities.of_study(folder, images))


@router.put("/api/studies/{study}/images/sheet", openapi_extra=_SHEET)
async def _apply_sheet(
    study: str,
    request: Request,
    server: Server,
    response: Response,
    _: Owner,
    if_match: Annotated[str | None, Header()] = None,
) -> ImageList:
    """Give all images the groups and replicates of a sample sheet, as CSV."""
    body = await request.body()  # its size is limited by the guard

    def work() -> tuple[StudyFolder, tuple[StudyImage, ...]]:
        folder = server.workspace.study(study)
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "sheet.csv"
            path.write_bytes(body)
            try:
                sheet = read_sheet(path)
            except VeriscopeError as error:
                raise type(error)(str(error).replace(str(path), "the sheet")) from None
        with server.locks.of(study):
            check_match(if_match, images_etag(folder.images()))
            return folder, apply_sheet(folder, sheet)

    folder, images = await asyncio.to_thread(work)
    response.headers["etag"] = images_etag(images)
    server.events.study(study, "images")
    return image_list(folder, images, server.qualities.of_study(folder, images))


@router.get("/api/studies/{study}/images/{image}/quality")
def _get_quality(study: str, image: str, server: Server, _: Viewer) -> Quality:
    """Measure how an image looks, compared with those of the study that were measured."""
    folder, row = _find(server, study, image)
    return server.qualities.of_image(folder, folder.images(), row)


@router.get("/api/studies/{study}/images/{image}/thumbnail", response_class=Response, responses=PNG)
def _get_thumbnail(
    study: str,
    image: str,
    server: Server,
    _: Viewer,
    size: Annotated[int, Query(ge=32, le=1024)] = 256,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Draw a small picture of an image, its long side `size` pixels."""
    folder, row = _find(server, study, image)
    etag = etag_of(image_version(folder, row), str(size))
    headers = {"etag": etag, "cache-control": "private, no-cache"}
    if if_none_match is not None and unquote_etag(if_none_match) == etag:
        return Response(status_code=304, headers=headers)
    store = image_store(folder, row)
    height, width = store.shapes[0][-2:]
    window = Window.within(store, (None,) * 4, max(1, round(size * width / max(height, width))))
    z = "max" if "z" in store.axes else 0
    picture = draw_pixels(store, window, _fitting(default_channels(row.channel_names), store), z=z)
    return Response(png(picture), media_type="image/png", headers=headers)


@router.get("/api/studies/{study}/images/{image}/tile", response_class=Response, responses=PNG)
def _get_tile(
    study: str,
    image: str,
    server: Server,
    _: Viewer,
    y0: _Pixel = None,
    x0: _Pixel = None,
    y1: _Pixel = None,
    x1: _Pixel = None,
    width: _Width = None,
    channel: Annotated[list[Annotated[int, Query(ge=0, le=10_000)]] | None, Query(max_length=32)] = None,
    low: Annotated[list[float] | None, Query(max_length=32)] = None,
    high: Annotated[list[float] | None, Query(max_length=32)] = None,
    color: Annotated[list[_Colour] | None, Query(max_length=32)] = None,
    gamma: _Gamma = 1.0,
    z: _Depth = 0,
    t: Plane = 0,
    stack: bool = False,
) -> Response:
    """Draw a part of an image, or of its stack; channels are added, each with `low`, `high` and `color`."""
    folder, row = _find(server, study, image)
    store = image_store(folder, row, whole=stack)
    window = Window.within(store, (y0, x0, y1, x1), width)
    channels = chosen_channels(channel, low, high, color, gamma)
    return Response(png(draw_pixels(store, window, channels, z=z, t=t)), media_type="image/png")


@router.get("/api/studies/{study}/images/{image}/overlay", response_class=Response, responses=PNG)
def _get_overlay(
    study: str,
    image: str,
    candidate: Annotated[str, Query(max_length=200)],
    server: Server,
    _: Viewer,
    y0: _Pixel = None,
    x0: _Pixel = None,
    y1: _Pixel = None,
    x1: _Pixel = None,
    width: _Width = None,
    contour: Annotated[int, Query(ge=0, le=10)] = 1,
    z: Annotated[int | Literal["max"], Query()] = 0,
) -> Response:
    """Draw the objects that a candidate found, transparent between them."""
    folder, row = _find(server, study, image)
    store = label_store(folder, known_candidate(server, study, candidate), row)
    window = Window.within(store, (y0, x0, y1, x1), width)
    return Response(png(draw_labels(store, window, contour=contour, z=z)), media_type="image/png")


@router.get("/api/studies/{study}/images/{image}/histogram")
def _get_histogram(
    study: str,
    image: str,
    server: Server,
    _: Viewer,
    channel: Annotated[int, Query(ge=0, le=10_000)] = 0,
    z: _Depth = 0,
    t: Plane = 0,
) -> Histogram:
    """Count how bright the pixels of a plane are; of a large image at a lower resolution."""
    folder, row = _find(server, study, image)
    store = image_store(folder, row)
    level = store.level_for(max(store.shapes[0][-2:]) / 1024)
    window = Window.within(store, (None,) * 4, None)
    plane = store.read(level, plane_region(store, window, level, channel=channel, z=z, t=t))
    values = plane[np.isfinite(plane)].astype(float)
    if not values.size:
        raise ProblemError.make(422, "The plane has no finite pixel.", "Choose another plane.")
    counts, edges = np.histogram(values, bins=256)
    shares = (0.1, 1, 99, 99.9)
    percentiles = {f"{share:g}": float(np.percentile(values, share)) for share in shares}
    return Histogram(
        low=float(values.min()),
        high=float(values.max()),
        percentiles=percentiles,
        edges=edges.tolist(),
        counts=counts.tolist(),
        sampled=level > 0,
    )


def chosen_channels(
    indices: list[int] | None,
    low: list[float] | None,
    high: list[float] | None,
    colours: list[str] | None,
    gamma: float,
) -> list[Channel]:
    """Put together how channels are to be shown.

    Parameters
    ----------
    indices, low, high, colours
        One for each channel; lists that are shorter leave the rest to defaults. None: the first channel.
    gamma
        Of all.

    Returns
    -------
    list of Channel
        At least one.

    Raises
    ------
    ProblemError
        422 if a limit is no number.
    """
    limits = [*(low or ()), *(high or ())]
    if not np.isfinite(limits).all():
        raise ProblemError.make(
            422, "low and high must be finite numbers.", "Give numbers, or leave them out."
        )

    def nth(values: list[float] | None, at: int) -> float | None:
        return values[at] if values and at < len(values) else None

    return [
        Channel(
            index,
            nth(low, at),
            nth(high, at),
            gamma,
            colours[at] if colours and at < len(colours) else "ffffff",
        )
        for at, index in enumerate(indices or [0])
    ]


def known_candidate(server: ServerParts, study: str, candidate: str) -> str:
    """Check that a study has a candidate.

    Parameters
    ----------
    server
        The server.
    study
        The study.
    candidate
        Its identifier.

    Returns
    -------
    str
        The same.

    Raises
    ------
    ProblemError
        404 if it has not.
    """
    _, config = server.workspace.opened(study)
    if candidate not in [item.id for item in config.candidates]:
        raise ProblemError.make(
            404, f"The study has no candidate {candidate[:100]!r}.", "Reload the candidates."
        )
    return candidate


def _find(server: ServerParts, study: str, image: str) -> tuple[StudyFolder, StudyImage]:
    folder = server.workspace.study(study)
    return folder, server.workspace.image(folder, image)


def _fitting(channels: list[Channel], store: Store) -> list[Channel]:
    """Keep byte limits of colour photographs to those that have bytes."""
    if store.dtype != np.uint8:
        return [Channel(item.index, colour=item.colour) for item in channels]
    return channels
