"""Types of uploads."""

from __future__ import annotations

from veriscope.server.models.problem import Answer

__all__ = ["Upload", "UploadFile"]


class UploadFile(Answer):
    """A file that is being sent."""

    name: str
    """Its name, which may have folders."""
    received: int
    """Bytes that are there: where to go on."""
    size: int
    """Bytes in all."""
    complete: bool
    """Whether it is all there."""


class Upload(Answer):
    """Files that are being sent."""

    id: str
    """Identifier."""
    files: list[UploadFile]
    """The files."""
    bytes: int
    """Bytes in all, as announced."""
    limit_bytes: int
    """Most that may be sent."""
    chunk_bytes: int
    """Most in one request."""
