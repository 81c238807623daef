"""Sending files to the server, part by part."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from veriscope.server.models.uploads import Upload, UploadFile
from veriscope.server.parts import Owner, Server, ServerParts
from veriscope.server.problems import ProblemError

__all__ = ["router"]

router = APIRouter(tags=["uploads"])
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/api/uploads", status_code=201)
def _begin_upload(server: Server, _: Owner) -> Upload:
    """Begin an upload."""
    if server.workspace.is_single:
        raise ProblemError.make(
            409, "This server was started for one study.", "Start it for a folder of studies."
        )
    return server.uploads.begin(_waited_for(server))


def _waited_for(server: ServerParts) -> set[str]:
    """Give the uploads of studies still to be made: a server that was off for days has old ones."""
    jobs = [job for job in server.table.listed(is_active=True, most=1000) if job.kind == "new"]
    places = [server.table.request_of(job.id)["upload"] for job in jobs]
    return {Path(place).name for place in places if place}


@router.get("/api/uploads/{upload}")
def _get_upload(upload: str, server: Server, _: Owner) -> Upload:
    """Say what of an upload is there."""
    return server.uploads.describe(upload)


@router.put("/api/uploads/{upload}/files/{name:path}", openapi_extra=_BODY)
async def _send_part(
    upload: str,
    name: str,
    request: Request,
    server: Server,
    _: Owner,
    offset: Annotated[int, Query(ge=0, le=2**53)],
    size: Annotated[int, Query(ge=0, le=2**53)],
) -> UploadFile:
    """Send the part of a file that begins at `offset`; parts come in order."""
    content = await request.body()  # its size is limited by the guard
    return await asyncio.to_thread(server.uploads.write, upload, name, offset, size, content)


@router.delete("/api/uploads/{upload}", status_code=204)
def _remove_upload(upload: str, server: Server, _: Owner) -> None:
    """Remove an upload."""
    server.uploads.remove(upload)
