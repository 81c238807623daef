"""Take in a model for click-to-segment: two ONNX files, verified, tried, and kept — or nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, MethodError, UnreadableFileError
from veriscope.io.atomic import atomic_path, write_json
from veriscope.io.hashing import sha256_of
from veriscope.methods.prompts.prompt import Prompt, PromptPoint
from veriscope.methods.prompts.segmenter import PromptSegmenter
from veriscope.methods.zoo.archive import unpack_zip
from veriscope.zoo.cache import slug
from veriscope.zoo.read import DESCRIPTION_NAMES
from veriscope.zoo.safe_yaml import read_yaml
from veriscope.zoo.segmenter_cache import (
    DECODER,
    ENCODER,
    SEGMENTER_PREFIX,
    SegmenterCard,
    SegmenterRecord,
    read_segmenter,
    segmenter_folder,
    verified_bytes,
)

__all__ = ["add_segmenter", "is_segmenter_source", "remove_segmenter"]

_DESCRIPTION = "segmenter.yaml"


def is_segmenter_source(source: str) -> bool:
    """Tell the two files of such a model from a model package.

    Parameters
    ----------
    source
        As given to ``veriscope models add``.

    Returns
    -------
    bool
        Whether it is a folder or .zip file here with an encoder and a decoder as ONNX, and without the
        description of a model package.
    """
    path = Path(source)
    try:
        if path.is_dir():
            names = [item.name for item in path.iterdir() if item.is_file()]
        elif path.suffix.lower() == ".zip" and path.is_file():
            with zipfile.ZipFile(path) as archive:
                names = [name.rsplit("/", 1)[-1] for name in archive.namelist()]
        else:
            return False
    except (OSError, zipfile.BadZipFile):
        return False
    is_package = any(name in DESCRIPTION_NAMES or name.endswith(".bioimageio.yaml") for name in names)
    onnx = [name.lower() for name in names if name.lower().endswith(".onnx")]
    return not is_package and all(any(part in name for name in onnx) for part in ("encoder", "decoder"))


def add_segmenter(
    source: str, *, name: str | None = None, licence: str | None = None, progress: Progress = silent
) -> SegmenterRecord:
    """Add a model for click-to-segment: its files are verified, opened, and tried on a drawn disc.

    Parameters
    ----------
    source
        A folder or .zip file with one ``*encoder*.onnx``, one ``*decoder*.onnx`` and, if there is one,
        ``segmenter.yaml``.
    name
        Name to give it; otherwise its own, else that of the folder.
    licence
        Of the weights, where ``segmenter.yaml`` does not say it.
    progress
        Told what is being done.

    Returns
    -------
    SegmenterRecord
        Of the model, which is kept now.

    Raises
    ------
    InputError
        If a file is missing, cannot be read, or has another hash than stated.
    MethodError
        If it is no model of this type, or another of the same name was added. Nothing is kept then.
    """
    with tempfile.TemporaryDirectory(prefix="veriscope-segmenter-") as temporary:
        folder = Path(source)
        if folder.suffix.lower() == ".zip" and folder.is_file():
            unpack_zip(folder, Path(temporary) / "unpacked")
            folder = _only_folder(Path(temporary) / "unpacked")
        try:
            return _add(folder, source, name, licence, progress)
        except (InputError, MethodError) as error:
            if temporary not in str(error):
                raise
            raise type(error)(str(error).replace(str(folder), source)) from error


def _add(
    folder: Path, source: str, name: str | None, licence: str | None, progress: Progress
) -> SegmenterRecord:
    card = _card(folder, licence)
    found = {ENCODER: _file(folder, "encoder"), DECODER: _file(folder, "decoder")}
    _check_names(card, [path.name for path in found.values()], folder)
    chosen = slug(name or card.name or Path(source).resolve().name.removesuffix(".zip"))
    target = segmenter_folder(chosen)
    with atomic_path(target) as temporary:
        temporary.mkdir(parents=True)
        files = {}
        for step, (kept, path) in enumerate(found.items()):
            progress("verify", step, len(found))
            shutil.copyfile(path, temporary / kept)
            files[kept] = sha256_of(temporary / kept)
            stated = card.sha256.get(path.name)
            if stated is not None and stated.lower() != files[kept]:
                raise InputError(
                    f"{path}: has SHA-256 {files[kept]}, and {_DESCRIPTION} says {stated}: the file was "
                    "changed or damaged; get the model anew"
                )
        progress("verify", len(found), len(found))
        _refuse_other(chosen, target, files)
        progress("try", 0, 1)
        segmenter, seconds = _try(temporary, SEGMENTER_PREFIX + chosen, files)
        progress("try", 1, 1)
        record = SegmenterRecord(
            name=SEGMENTER_PREFIX + chosen,
            source=source,
            card=card,
            files=files,
            side=segmenter.side,
            seconds=seconds,
        )
        write_json(temporary / "record.json", record.model_dump(mode="json", by_alias=True))
    return record


def remove_segmenter(name: str) -> None:
    """Remove a model for click-to-segment.

    Parameters
    ----------
    name
        With or without ``segmenter:``.

    Raises
    ------
    MethodError
        If it was not added.
    """
    target = segmenter_folder(name)
    if not target.is_dir():
        read_segmenter(name)
    shutil.rmtree(target)


def _only_folder(unpacked: Path) -> Path:
    """Give the folder of the files in an archive, which may lie one level down."""
    inside = sorted({path.parent for path in unpacked.rglob("*.onnx")})
    return inside[0] if len(inside) == 1 else unpacked


def _card(folder: Path, licence: str | None) -> SegmenterCard:
    described = folder / _DESCRIPTION
    values = read_yaml(described) if described.is_file() else {}
    card = SegmenterCard.parse(values, where=str(described))
    if licence and card.licence and licence != card.licence:
        raise InputError(
            f"--licence says {licence!r} and {described} says {card.licence!r}; leave --licence out"
        )
    return card.model_copy(update={"licence": card.licence or licence or ""})


def _check_names(card: SegmenterCard, names: list[str], folder: Path) -> None:
    unknown = [name for name in card.sha256 if name not in names]
    if unknown:
        raise InputError(
            f"{folder / _DESCRIPTION}: states the SHA-256 of {', '.join(unknown)}; its files are "
            f"{', '.join(names)}"
        )


def _file(folder: Path, part: str) -> Path:
    """Find the one ONNX file whose name has a part."""
    found = sorted(
        path for path in folder.glob("*") if path.suffix.lower() == ".onnx" and part in path.name.lower()
    )
    if len(found) != 1:
        what = f"has {', '.join(path.name for path in found)}" if found else f"has no *{part}*.onnx"
        raise UnreadableFileError(
            f"{folder}: {what}; a model for click-to-segment is one {ENCODER} and one {DECODER}"
        )
    if found[0].is_symlink():
        raise UnreadableFileError(f"{found[0]}: is a link; give a folder that holds the files themselves")
    return found[0]


def _refuse_other(name: str, target: Path, files: dict[str, str]) -> None:
    if target.exists() and read_segmenter(name).files != files:
        raise MethodError(
            f"another model named {SEGMENTER_PREFIX}{name} was added before; remove that (veriscope models "
            f"remove {SEGMENTER_PREFIX}{name}) or give this one another --name"
        )


def _try(folder: Path, name: str, files: Mapping[str, str]) -> tuple[PromptSegmenter, dict[str, float]]:
    """Open a model and click on a drawn disc: whether it answers, and how fast; not whether it is good."""
    segmenter = PromptSegmenter(*verified_bytes(folder, name, files), name=name)
    y, x = np.mgrid[:96, :128]
    picture = np.where(np.hypot(y - 48, x - 40) < 16, 200, 30).astype(np.uint8)
    started = time.perf_counter()
    embedding = segmenter.embed(picture[None])
    read = time.perf_counter()
    segmenter.segment(embedding, Prompt((PromptPoint(48, 40),)))
    done = time.perf_counter()
    return segmenter, {"image": round(read - started, 3), "click": round(done - read, 3)}
