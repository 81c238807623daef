"""A new study: all images are read, checked and copied before anything appears on disk."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from veriscope.core.commands import command
from veriscope.core.plane import PlaneChoice
from veriscope.core.progress import Progress, silent
from veriscope.core.settings import Settings
from veriscope.errors import InputError, StudyError
from veriscope.io.atomic import atomic_path, refuse_here, write_text
from veriscope.io.record import Record
from veriscope.registry import get_method, make_method, method_names
from veriscope.workflow.config import AuditSettings, Candidate, StudyConfig
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.modality import LOOKS, Modality, channel_numbers, look_of_study, why_left_out
from veriscope.workflow.question import Question
from veriscope.workflow.sources import GroupBy, Sources, find_sources
from veriscope.workflow.take_in import TakingIn, take_in

__all__ = ["NewStudy", "candidate_id", "create_study", "default_candidates"]


class NewStudy(Settings):
    """Everything that is asked when a study is made."""

    images: tuple[str, ...]
    """Folders, files, glob patterns or OME-Zarr plates."""
    object: str = "object"
    """What is looked for, in the singular: nucleus, cell, particle."""
    measure: str = "count"
    """What is asked of it; see `veriscope.workflow.question.MEASURES`."""
    pattern: str | None = None
    """Pattern of file names, such as ``{plate}_{well}_{field}.tif``; `images` are folders then."""
    groups: str | None = None
    """Sample sheet with group and replicate of each image or well; None: one group."""
    group_by: GroupBy | None = None
    """Take the rows or columns of wells, or plates, as groups, where there is no sheet."""
    acquisition: int | None = None
    """Which acquisition of plates that have several."""
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
    series: Annotated[int, Field(ge=0)] | Literal["each"] | None = None
    """Which image of files that hold several."""
    plane: str | None = None
    """Which planes of stacks and time-lapses; see `veriscope.core.plane.PlaneChoice.parse`."""
    diameter: float | None = Field(default=None, gt=0)
    """Typical object diameter in pixels, for methods that use it; None: estimated."""
    methods: tuple[str, ...] | None = None
    """Names of candidate methods; None takes all that were made for such objects and images."""
    modality: Modality | None = None
    """Microscopy that the images are of; None: as far as their pixels tell."""
    name: str | None = None
    """Title of the study; None: the folder's name."""
    tile_size: int = 256
    """Largest side of an audit tile, in pixels."""
    seed: int = Field(default=0, ge=0)
    """Seed of the audit's draws."""
    skip_bad: bool = False
    """Leave out images that cannot be used, instead of stopping."""
    in_place: bool = False
    """Read the sources where they are, instead of converted copies."""


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
        If an image, the sheet or an option cannot be used, or the folder is the current one; nothing is
        left on disk.
    """
    refuse_here(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        if not (path / "study.yaml").exists():
            raise StudyError(f"{path} exists already and holds something else; choose another folder")
        raise StudyError(
            f"{path} exists already and holds a study; choose another folder, or go on with it: "
            + command("run", path)
        )
    question = Question.from_text(
        wanted.measure, object=wanted.object, tolerance=wanted.tolerance, level=wanted.level
    )
    candidates = default_candidates(wanted.object, wanted.methods, diameter=wanted.diameter)
    _require_objects_in_planes(candidates)
    audit = AuditSettings.parse({"tile_size": wanted.tile_size, "seed": wanted.seed}, where="new study")
    sources = find_sources(
        wanted.images,
        pattern=wanted.pattern,
        groups=wanted.groups,
        group_by=wanted.group_by,
        acquisition=wanted.acquisition,
        series=wanted.series,
        partial=wanted.skip_bad,
    )
    how = TakingIn(
        channel=_needed_channel(sources, wanted.channel),
        axes=wanted.axes,
        spacing=wanted.spacing,
        plane=PlaneChoice.parse(wanted.plane),
        in_place=wanted.in_place,
        skip_bad=wanted.skip_bad,
    )
    with atomic_path(path) as temporary:
        folder = StudyFolder(temporary)
        taken = take_in(folder, sources, how, progress)
        folder.write_images(taken.rows)
        modalities: tuple[str, ...] = (wanted.modality,) if wanted.modality else ()
        if not modalities and (look := look_of_study(folder, taken.rows, how.channel)):
            modalities = LOOKS[look][1]
        if wanted.methods is None:
            candidates = _suiting(candidates, wanted.object, modalities, channel_numbers(taken.rows))
        read_here = {part for row in taken.rows for part in (row.path, row.stack) if part}
        copies = sorted(part for part in read_here if not Path(part).is_absolute())
        Record(temporary).note(
            "new",
            inputs=taken.inputs,
            parameters=wanted.model_dump(mode="json"),
            outputs=["images.csv", *copies],
        )
        config = StudyConfig(
            name=wanted.name or path.name,
            question=question,
            channel=how.channel,
            modalities=modalities,
            candidates=candidates,
            audit=audit,
        )
        write_text(folder.config, config.to_yaml())
    return StudyFolder(path)


def _suiting(
    candidates: Sequence[Candidate], target: str, modalities: Sequence[str], numbers: Collection[int]
) -> tuple[Candidate, ...]:
    """Leave out methods that were made for other images, or see another number of channels."""
    methods = {item.method: get_method(item.method) for item in candidates}
    # Where no method was made for the object, all compete.
    is_known = any(target in method.card.objects for method in methods.values())
    asked = target if is_known else "object"
    return tuple(
        item for item in candidates if not why_left_out(methods[item.method], asked, modalities, numbers)
    )


def _require_objects_in_planes(candidates: Sequence[Candidate]) -> None:
    """Refuse methods of stacks, since people annotate the audit on planes, and those that find no objects."""
    for task, what in (("restoration", "images"), ("classification", "classes of images")):
        others = [item.method for item in candidates if get_method(item.method).task == task]
        if others:
            raise StudyError(
                f"{', '.join(others)}: gives {what}, and a study takes methods that find objects; use it "
                "without a study (veriscope predict)"
            )
    stacks = [item.method for item in candidates if 2 not in get_method(item.method).card.dimensions]
    if stacks:
        raise StudyError(
            f"{', '.join(stacks)}: takes stacks, and a study takes single planes, since people annotate its "
            "audit on planes; use it without a study (veriscope predict)"
        )


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
    InputError
        If a method is named twice, none is named, or none of those named takes the diameter.
    """
    twice = sorted({name for name in names or () if list(names or ()).count(name) > 1})
    if twice:
        raise InputError(f"method {', '.join(twice)} is named twice; name each candidate once")
    if names is not None and not names:
        raise InputError("there are no candidates; name at least one method")
    is_used = names is None
    if names is None:
        flat = [name for name in method_names() if 2 in get_method(name).card.dimensions]
        names = [name for name in flat if target in get_method(name).card.objects] or flat
    found: list[Candidate] = []
    for name in names:
        takes_diameter = "diameter" in get_method(name).Parameters.model_fields
        is_used = is_used or takes_diameter
        given = diameter is not None and takes_diameter
        parameters: dict[str, Any] = {"diameter": diameter} if given else {}
        make_method(name, parameters)
        taken = {item.id.lower() for item in found}
        found.append(Candidate(id=candidate_id(name, taken), method=name, parameters=parameters))
    if diameter is not None and not is_used:
        raise InputError(f"--diameter: {', '.join(names or ())} takes none; leave it out")
    return tuple(found)


def candidate_id(method: str, taken: Collection[str]) -> str:
    """Name a candidate, and so its folder, after its method, whose name may have a colon or be a path.

    Parameters
    ----------
    method
        Name of the method.
    taken
        Identifiers that there are, lower case.

    Returns
    -------
    str
        Letters, digits, dots, hyphens and underscores.
    """
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", method).strip("-._") or "model"
    names = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 2)))
    return next(name for name in names if name.lower() not in taken)


def _needed_channel(sources: Sources, channel: str | None) -> str | None:
    """Give the channel, or None where it names the only one that a pattern has."""
    names = {name for source in sources.images for name in source.channels}
    return None if names == {channel} else channel
