"""What a server is started with."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from veriscope.core.settings import Settings

__all__ = ["Limits", "ServerSettings"]

MIB = 1 << 20


class Limits(Settings):
    """What one request, upload or person may take."""

    chunk_bytes: int = Field(default=8 * MIB, ge=1)
    """Largest part of an upload in one request."""
    upload_bytes: int = Field(default=64 << 30, ge=1)
    """Largest upload, all files together."""
    upload_files: int = Field(default=200_000, ge=1)
    """Files of one upload."""
    body_bytes: int = Field(default=4 * MIB, ge=1)
    """Largest body of any other request."""
    label_bytes: int = Field(default=64 * MIB, ge=1)
    """Largest label image, unpacked."""
    body_seconds: float = Field(default=60.0, gt=0)
    """Longest wait for the next part of a request's body."""
    failed_sign_ins: int = Field(default=10, ge=1)
    """Wrong tokens or passwords in five minutes, before the caller has to wait."""
    session_hours: float = Field(default=12.0, gt=0)
    """A session ends when it was not used for so long."""


class ServerSettings(Settings):
    """How a server is started."""

    folder: Path
    """A study, or the workspace that holds studies."""
    token: str | None = None
    """Secret of the one user; None where there are accounts."""
    accounts: Path | str | None = None
    """File with the accounts of a lab server, or address of a database; None: token."""
    database: str | None = None
    """Address of the PostgreSQL database with jobs and sessions; None: a file in the folder."""
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """Names under which the server may be addressed, without port."""
    port: int = Field(default=0, ge=0, le=65535)
    """Port it listens at; names the session's cookie, as cookies do not know ports."""
    is_tls: bool = False
    """Whether it speaks HTTPS: cookies are marked Secure then."""
    dev_origins: tuple[str, ...] = ()
    """Further origins that may call, for development of the front end."""
    roots: tuple[Path, ...] = ()
    """Folders of this computer from which images may be taken, beside the workspace."""
    assets: Path | None = None
    """Folder of the built front end; None: inside the package."""
    workers: int = Field(default=1, ge=0)
    """Jobs at a time; 0: jobs wait."""
    limits: Limits = Limits()
    """Limits of requests."""
