"""Types of signing in, and of what the app can do here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from veriscope.server.access.sessions import Role
from veriscope.server.models.problem import Answer, Request

__all__ = [
    "Capabilities",
    "FolderEntry",
    "FolderListing",
    "ImageEntry",
    "LimitsShown",
    "MeasureOption",
    "MethodCard",
    "Options",
    "Session",
    "SignIn",
]

Evidence = Literal["untested", "screened", "audited", "benchmarked elsewhere"]
"""How far a number can be trusted."""


class SignIn(Request):
    """How somebody signs in: the server's token, or an account."""

    token: str | None = Field(default=None, max_length=500)
    """Printed when the server was started."""
    user: str | None = Field(default=None, max_length=100)
    """Name of the account."""
    password: str | None = Field(default=None, max_length=1000)
    """Its password."""


class Capabilities(Answer):
    """What this server can do."""

    train: bool
    """Whether candidates can be fine-tuned here."""
    server_paths: bool
    """Whether images can be taken from folders of the server."""
    create: bool
    """Whether studies can be made."""


class LimitsShown(Answer):
    """What an upload may take."""

    chunk_bytes: int
    """Largest part in one request."""
    upload_bytes: int
    """All files together."""
    upload_files: int
    """Number of files."""
    label_bytes: int
    """Largest label image, unpacked."""


class Session(Answer):
    """Who is signed in, and what they may do."""

    mode: Literal["token", "accounts"]
    """How one signs in."""
    signed_in: bool
    """Whether anybody is."""
    user: str | None
    """Their name."""
    role: Role | None
    """What they may do."""
    version: str
    """Of Veriscope."""
    capabilities: Capabilities
    """What this server can do."""
    limits: LimitsShown
    """What an upload may take."""


class MeasureOption(Answer):
    """A measure that a study can ask for."""

    key: str
    """As a study's question has it; COLUMN and VALUE stand for words of the user."""
    text: str
    """For people."""
    needs_column: bool
    """Whether COLUMN must be given."""
    needs_threshold: bool
    """Whether < or > and VALUE must be given."""


class MethodCard(Answer):
    """What a method is for, and where it should not be trusted."""

    name: str
    """Of the method."""
    version: str
    """Of the method."""
    needs_training: bool
    """Whether it learns from annotated tiles of the study."""
    summary: str
    """One sentence."""
    objects: list[str]
    """What it is meant for."""
    modalities: list[str]
    """Microscopy it was made for."""
    channels: str
    """Channels it takes."""
    dimensions: list[int]
    """Numbers of spatial dimensions."""
    foreground: str
    """Brightness of objects that it expects."""
    diameter_px: tuple[float, float] | None
    """Range of object diameters it was tested with."""
    training_data: str
    """What it was trained on."""
    licence: str
    """Of the method and its weights."""
    citation: str
    """Publication to cite."""
    figures: list[str]
    """What was measured."""
    limits: list[str]
    """Known limits."""
    evidence: Evidence
    """How far its figures hold for the user's images: not at all, before an audit."""


class Options(Answer):
    """What the form of a new study offers."""

    measures: list[MeasureOption]
    """Measures."""
    methods: list[MethodCard]
    """Methods that can compete."""
    group_by: list[str]
    """What groups can be taken from without a sheet."""
    roots: list[str]
    """Folders of the server from which images can be taken."""


class FolderEntry(Answer):
    """A folder."""

    name: str
    """Its name."""
    path: str
    """Its path."""


class ImageEntry(Answer):
    """A file or OME-Zarr folder that looks like an image."""

    name: str
    """Its name."""
    bytes: int | None
    """Size of a file."""


class FolderListing(Answer):
    """What is in a folder of the server."""

    path: str | None
    """The folder; None: the list of roots."""
    parent: str | None
    """The one above, if it may be read."""
    folders: list[FolderEntry]
    """Folders in it."""
    images: list[ImageEntry]
    """Images in it."""
    n_other: int
    """Other files."""
