"""A new study: all images are read, checked and copied before anything appears on disk."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.image import Image
from veriscope.core.progress import Progress, silent
from veriscope.core.settings import Settings
from veriscope.errors import AxesError, InputError, StudyError, VeriscopeError, raise_together
from veriscope.io.atomic import atomic_path, write_text
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.record import Record
from veriscope.methods.channels import analysis_channel
from veriscope.registry import get_method, make_method, method_names
from veriscope.workflow.config import AuditSettings, Candidate, StudyConfig
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.question import Question
from veriscope.workflow.sheet import Assignment, assign_groups, read_sheet

__all__ = ["NewStudy", "create_study", "default_candidates"]


class NewStudy(Settings):
    """Everything that is asked when a study is made."""

    images: tuple[str, ...]
    """Folders, files or glob patterns."""
    object: str = "object"
    """What is looked for, in the singular: nucleus, cell, particle."""
    measure: str = "count"
    """What is asked of it; see `veriscope.workflow.question.MEASURES`."""
    groups: str | None = None
    """Sample sheet with group and replicate of each image; None: one group."""
    tolerance: str | float | None = None
    """Error that would change the conclusion: 5% or 0.05."""
    level: float = 0.9
    """Confidence level of the answer's interval."""
    channel: str | None = None
    """Channel that the methods see: index, name, ``luminance`` or ``hematoxylin``."""
    axes: str | None = None
    """Axes of the files where they do not say."""
    spacing: dict[str, float] | None = None
    """Pixel size in µm by axis; overrides the files' own."""
    series: int | None = None
    """Which image of files that hold several."""
    diameter: float | None = None
    """Typical object diameter in pixels, for methods that use it; None: estimated."""
    methods: tuple[str, ...] | None = None
    """Names of candidate methods; None takes all that fit the object."""
    name: str | None = None
    """Title of the study; None: the folder's name."""
    tile_size: int = 256
    """Largest side of an audit tile, in pixels."""
    seed: int = 0
    """Seed of the audit's draws."""
    skip_bad: bool = False
    """Leave out images that cannot be used, instead of stopping."""
    in_place: bool = False
    """Read the sources where they are, instead of converted copies."""


@dataclass(frozen=True, slots=True)
class _Source:
    file: ImageFile
    assignment: Assignment


def create_study(path: Path, wanted: NewStudy, *, progress: Progress = silent) -> StudyFolder:
    """Make the folder of a study.

    Parameters
    ----------
    path
        Folder to make.
    wanted
        What was asked.
    progress
        Told about every image.

    Returns
    -------
    StudyFolder
        The study.

    Raises
    ------
    StudyError
        If the folder exists already.
    InputError
        If an image, the sheet or an option cannot be used; nothing is left on disk.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        if not (path / "study.yaml").exists():
            raise StudyError(f"{path} exists already and holds something else; choose another folder")
        raise StudyError(
            f"{path} exists already and holds a study; choose another folder, or go on with it: "
            f"veriscope run {path}"
        )
    question = Question.from_text(
        wanted.measure, object=wanted.object, tolerance=wanted.tolerance, level=wanted.level
    )
    candidates = default_candidates(wanted.object, wanted.methods, diameter=wanted.diameter)
    audit = AuditSettings.parse({"tile_size": wanted.tile_size, "seed": wanted.seed}, where="new study")
    files = find_images(wanted.images)
    sheet = read_sheet(Path(wanted.groups)) if wanted.groups else None
    stems = [file.stem for file in files]
    assigned = assign_groups(stems, sheet, where=wanted.groups or "the sheet")
    sources = [_Source(file, assigned[file.stem]) for file in files]
    with atomic_path(path) as temporary:
        folder = StudyFolder(temporary)
        rows = _take_in(folder, sources, wanted, candidates, progress)
        folder.write_images(rows)
        copies = [row.path for row in rows if not wanted.in_place]
        Record(temporary).note(
            "new",
            inputs={row.source: row.sha256 for row in rows},
            parameters=wanted.model_dump(mode="json"),
            outputs=["images.csv", *copies],
        )
        config = StudyConfig(
            name=wanted.name or path.name,
            question=question,
            channel=wanted.channel,
            candidates=candidates,
            audit=audit,
        )
        write_text(folder.config, config.to_yaml())
    return StudyFolder(path)


def default_candidates(
    target: str, names: Sequence[str] | None, *, diameter: float | None
) -> tuple[Candidate, ...]:
    """Choose the candidates of a study.

    Parameters
    ----------
    target
        What is looked for.
    names
        Names of methods, or None for all whose card names the object; all there are if none does.
    diameter
        Typical object diameter in pixels, handed to the methods that take one.

    Returns
    -------
    tuple of Candidate
        In the order of `names`, else alphabetical.

    Raises
    ------
    MethodError
        If a method is unknown.
    """
    if names is None:
        fitting = [name for name in method_names() if target in get_method(name).card.objects]
        names = fitting or list(method_names())
    found = []
    for name in names:
        takes_diameter = "diameter" in get_method(name).Parameters.model_fields
        parameters: dict[str, Any] = {"diameter": diameter} if diameter and takes_diameter else {}
        make_method(name, parameters)
        found.append(Candidate(id=_folder_name(name), method=name, parameters=parameters))
    return tuple(found)


def _folder_name(method: str) -> str:
    """Name of a candidate's folder: model packages are methods with a colon or a path as name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", method).strip("-._") or "model"


def _take_in(
    folder: StudyFolder,
    sources: Sequence[_Source],
    wanted: NewStudy,
    candidates: Sequence[Candidate],
    progress: Progress,
) -> list[StudyImage]:
    """Read, check and copy all images; report all faults together."""
    dimensions = {d for item in candidates for d in get_method(item.method).card.dimensions}
    rows: list[StudyImage] = []
    faults: list[VeriscopeError] = []
    progress("read images", 0, len(sources))
    for index, source in enumerate(sources):
        try:
            rows.append(_take_in_one(folder, source, wanted, dimensions))
        except VeriscopeError as error:
            faults.append(error)
        progress("read images", index + 1, len(sources))
    if faults and (not wanted.skip_bad or not rows):
        raise_together(
            faults,
            what=f"{len(faults)} of {len(sources)} images cannot be used",
            remedy="Mend or remove them, or leave them out with --skip-bad. Nothing was written.",
        )
    _check_alike(rows, colours_and_grey=wanted.channel == "luminance")
    if faults:
        text = "\n".join(str(fault) for fault in faults)
        write_text(folder.root / "skipped.txt", f"{len(faults)} images were left out:\n{text}\n")
    return rows


def _take_in_one(folder: StudyFolder, source: _Source, wanted: NewStudy, dimensions: set[int]) -> StudyImage:
    file = source.file
    image = read_image(file.path, axes=wanted.axes, spacing=wanted.spacing, series=wanted.series)
    seen = analysis_channel(image, wanted.channel)
    seen.require_finite()
    if "t" in seen.axes or len(seen.axes) not in dimensions:
        raise AxesError(
            f"{file.path}: has axes {image.axes!r} and the candidates take "
            f"{' or '.join(f'{d}D' for d in sorted(dimensions))} images without time; give single planes "
            "(for example a projection)"
        )
    notes = list(image.notes)
    if np.ptp(seen.pixels) == 0:
        notes.append("all pixels have the same value: no object can be found")
    if wanted.in_place:
        path = str(file.path.resolve())
        options = {"axes": wanted.axes, "spacing": wanted.spacing, "series": wanted.series}
        reading = json.dumps({key: value for key, value in options.items() if value is not None})
    else:
        path = f"images/{file.stem}.ome.zarr"
        reading = ""
        named = Image(image.pixels, image.axes, image.spacing, image.channels, file.stem)
        write_ome_zarr(folder.root / path, named)
    return StudyImage(
        image_id=file.stem,
        group=source.assignment.group,
        replicate=source.assignment.replicate,
        source=str(file.path),
        sha256=sha256_of(file.path),
        path=path,
        axes=image.axes,
        shape="x".join(map(str, image.shape)),
        dtype=str(image.pixels.dtype),
        spacing=_spacing_text(image),
        channels=";".join(image.channels),
        reading=reading,
        notes="; ".join(notes),
    )


def _spacing_text(image: Image) -> str:
    if image.spacing is None:
        return "uncalibrated"
    return ";".join(f"{axis}={value!r}" for axis, value in image.spacing.items())


def _check_alike(rows: Sequence[StudyImage], *, colours_and_grey: bool) -> None:
    """Refuse a mixture of calibrated and uncalibrated, or of differently many channels."""
    calibrated = [row.image_id for row in rows if row.spacing != "uncalibrated"]
    if 0 < len(calibrated) < len(rows):
        without = [row.image_id for row in rows if row.spacing == "uncalibrated"]
        raise InputError(
            f"{len(calibrated)} images have a pixel size and {len(without)} have none ({_some(without)}); "
            "give it for all with --spacing, so that sizes can be compared"
        )
    numbers: dict[int, list[str]] = {}
    for row in rows:
        numbers.setdefault(len(row.channels.split(";")) if row.channels else 0, []).append(row.image_id)
    if len(numbers) > 1 and not (colours_and_grey and set(numbers) <= {0, 3}):
        listed = "; ".join(f"{n or 'no'} channels: {_some(ids)}" for n, ids in sorted(numbers.items()))
        raise InputError(
            f"images have different numbers of channels ({listed}); make one study of each kind, "
            "or convert them to the same channels"
        )


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" … {len(names) - most} more" if len(names) > most else "")
