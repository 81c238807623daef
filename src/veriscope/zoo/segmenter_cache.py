"""Where models for click-to-segment lie, and what is known of each.

::

    CACHE/segmenters/NAME/record.json      source, licence, hashes, how fast it was
    CACHE/segmenters/NAME/encoder.onnx
    CACHE/segmenters/NAME/decoder.onnx
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from veriscope.core.cache import cache_folder
from veriscope.core.settings import Settings
from veriscope.errors import MethodError, UnreadableFileError
from veriscope.methods.prompts.segmenter import PromptSegmenter

__all__ = [
    "DECODER",
    "ENCODER",
    "SEGMENTER_PREFIX",
    "SegmenterCard",
    "SegmenterRecord",
    "load_segmenter",
    "read_segmenter",
    "segmenter_folder",
    "segmenter_names",
    "verified_bytes",
]

SEGMENTER_PREFIX = "segmenter:"
"""Names of models for click-to-segment begin with it."""
ENCODER, DECODER = "encoder.onnx", "decoder.onnx"
_SCHEMA = "veriscope/segmenter/1"


class SegmenterCard(Settings):
    """What its authors say of a model, in ``segmenter.yaml`` beside the files; all of it may be left out."""

    name: str = Field(default="", max_length=100)
    """What it is called."""
    summary: str = Field(default="", max_length=500)
    """What it is, in a sentence."""
    licence: str = Field(default="", max_length=200)
    """Of the weights."""
    citation: str = Field(default="", max_length=500)
    """What to cite."""
    training_data: str = Field(default="", max_length=500)
    """What it has learned from."""
    sha256: dict[str, str] = Field(default_factory=dict)
    """Of the ONNX files, by file name, to be verified."""


class SegmenterRecord(Settings):
    """What is known of a model that was added."""

    schema_: str = Field(default=_SCHEMA, alias="schema")
    """Of this record."""
    name: str
    """With ``segmenter:``."""
    source: str
    """Where it came from."""
    card: SegmenterCard
    """What its authors say."""
    files: dict[str, str]
    """SHA-256 by file name."""
    side: int
    """Longer side of the picture that the network sees, in pixels."""
    seconds: dict[str, float]
    """How long reading an image (``image``) and answering a click (``click``) took in the trial."""


def segmenter_folder(name: str) -> Path:
    """Give the folder of a model.

    Parameters
    ----------
    name
        With or without ``segmenter:``.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    # Only here: what reads packages takes a third of a second to import, and a server asks for names alone.
    from veriscope.zoo.cache import slug

    return cache_folder() / "segmenters" / slug(name.removeprefix(SEGMENTER_PREFIX))


def segmenter_names() -> tuple[str, ...]:
    """Give the names of all models for click-to-segment that were added.

    Returns
    -------
    tuple of str
        Sorted, with ``segmenter:``.
    """
    folder = cache_folder() / "segmenters"
    if not folder.is_dir():
        return ()
    return tuple(sorted(SEGMENTER_PREFIX + path.parent.name for path in folder.glob("[!.]*/record.json")))


def read_segmenter(name: str) -> SegmenterRecord:
    """Read what is known of a model.

    Parameters
    ----------
    name
        With or without ``segmenter:``.

    Returns
    -------
    SegmenterRecord
        As it was written when the model was added.

    Raises
    ------
    MethodError
        If it was not added.
    UnreadableFileError
        If its record is damaged.
    """
    path = segmenter_folder(name) / "record.json"
    if not path.is_file():
        there = ", ".join(segmenter_names()) or "none"
        raise MethodError(
            f"no model for click-to-segment named {name!r}; added are: {there}. Add one with veriscope "
            "models add FOLDER, a folder with its encoder and decoder as ONNX files"
        )
    try:
        return SegmenterRecord.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise UnreadableFileError(
            f"{path}: is damaged or of another version; remove its folder and add the model anew"
        ) from error


def load_segmenter(name: str, *, threads: int = 0) -> PromptSegmenter:
    """Open a model; its files must still be those that were verified.

    Parameters
    ----------
    name
        With or without ``segmenter:``.
    threads
        Threads on the processor; 0: one for each core that the process may use.

    Returns
    -------
    PromptSegmenter
        Ready for images.

    Raises
    ------
    MethodError
        If it was not added, a file was changed since, or it cannot be opened any more.
    UnreadableFileError
        If a file is missing.
    """
    record = read_segmenter(name)
    contents = verified_bytes(segmenter_folder(name), record.name, record.files)
    return PromptSegmenter(*contents, name=record.name, threads=threads)


def verified_bytes(folder: Path, name: str, files: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Read encoder and decoder, whose hashes must be those that were recorded.

    Parameters
    ----------
    folder
        Of the files.
    name
        Of the model, with ``segmenter:``, for messages.
    files
        SHA-256 by file name.

    Returns
    -------
    tuple of bytes
        Content of the encoder and of the decoder.

    Raises
    ------
    MethodError
        If a file was changed.
    UnreadableFileError
        If a file is missing.
    """
    contents = []
    for file in (ENCODER, DECODER):
        try:
            contents.append((folder / file).read_bytes())
        except OSError as error:
            raise UnreadableFileError(
                f"{folder / file}: cannot be read: {error.strerror}; remove {name} with veriscope models "
                f"remove {name} and add the model anew"
            ) from error
        found = hashlib.sha256(contents[-1]).hexdigest()
        if found != files.get(file):
            raise MethodError(
                f"{name}: {file} was changed after it was verified (SHA-256 {found}, recorded "
                f"{files.get(file)}); remove it with veriscope models remove {name} and add the model anew"
            )
    return contents[0], contents[1]
