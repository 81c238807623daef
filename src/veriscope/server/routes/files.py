"""OME-Zarr of images and label images, file by file, with byte ranges."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import FileResponse

from veriscope.server.parts import Server, Viewer
from veriscope.server.problems import ProblemError
from veriscope.server.routes.images import known_candidate
from veriscope.server.store import Store
from veriscope.server.stores import (
    image_store,
    image_version,
    label_store,
    label_version,
)

__all__ = ["router"]

router = APIRouter(tags=["files"])

_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The range asked for."},
}
_Range = Annotated[str | None, Header()]


@router.head("/files/{study}/labels/{candidate}/{image}/{version}/{key:path}", include_in_schema=False)
@router.get(
    "/files/{study}/labels/{candidate}/{image}/{version}/{key:path}", response_class=Response, responses=_FILE
)
def _get_label_file(
    study: str,
    candidate: str,
    image: str,
    version: str,
    key: str,
    request: Request,
    server: Server,
    _: Viewer,
    range: _Range = None,
) -> Response:
    """Give a file of the OME-Zarr of what a candidate found in an image."""
    folder = server.workspace.study(study)
    row = server.workspace.image(folder, image)
    chosen = known_candidate(server, study, candidate)
    store = label_store(folder, chosen, row)
    is_current = version == label_version(folder, chosen, row.image_id)
    return _serve(store, key, range, request, is_current=is_current)


@router.head("/files/{study}/images/{image}/{version}/{key:path}", include_in_schema=False)
@router.get("/files/{study}/images/{image}/{version}/{key:path}", response_class=Response, responses=_FILE)
@router.head("/files/{study}/stacks/{image}/{version}/{key:path}", include_in_schema=False)
@router.get(
    "/files/{study}/stacks/{image}/{version}/{key:path}",
    response_class=Response,
    responses=_FILE,
    operation_id="get_stack_file",
)
def _get_image_file(
    study: str,
    image: str,
    version: str,
    key: str,
    request: Request,
    server: Server,
    _: Viewer,
    range: _Range = None,
) -> Response:
    """Give a file of the OME-Zarr of an image, or of the stack that it is a plane of."""
    folder = server.workspace.study(study)
    row = server.workspace.image(folder, image)
    whole = "/stacks/" in request.scope["route"].path
    store = image_store(folder, row, whole=whole)
    is_current = version == image_version(folder, row, whole=whole)
    return _serve(store, key, range, request, is_current=is_current)


def _serve(store: Store, key: str, range_: str | None, request: Request, *, is_current: bool) -> Response:
    found, is_final = store.content(key)
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, max-age=31536000, immutable" if is_current and is_final else "no-store",
    }
    if found is None:
        raise ProblemError.make(
            404, f"There is no {key[:200]!r} in it.", headers={"cache-control": "no-store"}
        )
    kind = "application/json" if key.endswith("zarr.json") else "application/octet-stream"
    if range_ is None or request.method == "HEAD":
        if isinstance(found, bytes):
            return Response(found, 200, headers, kind)
        return FileResponse(found, media_type=kind, headers=headers)
    size = len(found) if isinstance(found, bytes) else found.stat().st_size
    first, last = _range(range_, size)
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    part = found[first : last + 1] if isinstance(found, bytes) else _read(found, first, last)
    return Response(part, 206, headers, kind)


def _range(text: str, size: int) -> tuple[int, int]:
    """Read a range of bytes: first and last."""
    found = _RANGE.match(text)
    if found and (found[1] or found[2]):
        if not found[1]:
            first, last = max(0, size - int(found[2])), size - 1
        else:
            first, last = int(found[1]), min(size - 1, int(found[2] or size - 1))
        if 0 <= first <= last:
            return first, last
    raise ProblemError.make(
        416, f"The file has {size} bytes, and {text[:100]!r} is no range in it.",
        headers={"content-range": f"bytes */{size}"}, title="No such range",
    )  # fmt: skip


def _read(path: Path, first: int, last: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(first)
        return stream.read(last - first + 1)
