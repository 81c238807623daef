"""Which images a new study is made from, and the group and replicate of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from veriscope.core.words import counted, few
from veriscope.errors import InputError, TableError
from veriscope.io.file_images import images_of_file
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.name_pattern import find_by_pattern
from veriscope.io.ome_zarr_reader import is_zarr
from veriscope.io.sheets import composed
from veriscope.io.wells import Place
from veriscope.workflow.plate_sheet import PlateSheet, read_plate_sheet, sheet_columns
from veriscope.workflow.sheet import Assignment, assign_groups, read_sheet

__all__ = ["GroupBy", "Source", "Sources", "find_sources"]

GroupBy = Literal["row", "column", "plate"]


@dataclass(frozen=True, slots=True)
class Source:
    """One image of a study, before it is read.

    Parameters
    ----------
    image_id
        Its name in the study.
    paths
        The file; several are channels of one image.
    channels
        Name of the channel in each file; empty if the files say themselves.
    place
        Where it was taken; None if that is not known.
    assignment
        Group and replicate.
    series
        Which image of its file it is; None: the only one.
    file_id
        What the image of the file as a whole would be called.
    """

    image_id: str
    paths: tuple[Path, ...]
    channels: tuple[str, ...]
    place: Place | None
    assignment: Assignment
    series: int | None = None
    file_id: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """The images of a study, before they are read.

    Parameters
    ----------
    images
        At least one.
    left_out
        What was left out, one sentence each.
    """

    images: tuple[Source, ...]
    left_out: tuple[str, ...]


def find_sources(
    images: Sequence[str],
    *,
    pattern: str | None = None,
    groups: str | None = None,
    group_by: GroupBy | None = None,
    acquisition: int | None = None,
    series: int | Literal["each"] | None = None,
    partial: bool = False,
) -> Sources:
    """Find the images of a study and give each its group and replicate.

    Parameters
    ----------
    images
        Folders, files, glob patterns, OME-Zarr plates; with `pattern`, folders.
    pattern
        Pattern of names, see `veriscope.io.name_pattern.NamePattern`.
    groups
        Sample sheet by image or by well.
    group_by
        Rows, columns or plates are the groups, where there is no sheet.
    acquisition
        Which acquisition of plates that have several.
    series
        Which image of files that hold several; ``each``: every one is an image, named after its file as
        ``NAME_s3``.
    partial
        Leave out what does not fit, and say so.

    Returns
    -------
    Sources
        In natural order. Without sheet and pattern, all are one group, ``all``. Unless sheet or pattern name
        the replicates, images of a well share one, the well, and those of one file another, the file; other
        images are their own.

    Raises
    ------
    InputError
        If nothing is found, or images, sheet and options do not fit each other; all faults are listed.
    """
    if pattern is None:
        found = find_images(images, partial=partial)
        left_out = list(found.faults)
        files = _of_acquisition(found.images, acquisition, dict(found.acquisitions))
    else:
        if acquisition is not None:
            raise InputError("--acquisition is for OME-Zarr plates; leave it out with --pattern")
        _require_folders(images)
        fitting = find_by_pattern(images, pattern, partial=partial)
        left_out = [f"{name}: does not fit the pattern {pattern!r}" for name in fitting.unfit]
        files = fitting.files
    sources = _with_series(_join_channels(files), series)
    if groups is not None:
        return _by_sheet(sources, Path(groups), group_by, left_out, partial=partial)
    named = [replace(source, assignment=_own(source, group_by)) for source in sources]
    return Sources(tuple(named), tuple(left_out))


def _require_folders(images: Sequence[str]) -> None:
    for item in images:
        if is_zarr(Path(item)):
            raise InputError(f"{item}: is OME-Zarr, which says itself what it holds; leave out --pattern")


def _of_acquisition(
    files: Sequence[ImageFile], wanted: int | None, names: dict[int, str]
) -> tuple[ImageFile, ...]:
    """Take one acquisition: several show the same wells again, which would count objects twice."""
    numbers = sorted({f.place.acquisition for f in files if f.place and f.place.acquisition is not None})
    listed = ", ".join(f"{number} ({names.get(number, 'without a name')})" for number in numbers)
    if wanted is None:
        if len(numbers) > 1:
            raise InputError(
                f"the plate has {len(numbers)} acquisitions, which show the same wells: {listed}; choose one "
                "with --acquisition"
            )
        return tuple(files)
    if wanted not in numbers:
        raise InputError(f"no field is of acquisition {wanted}; there are: {listed or 'no acquisitions'}")
    return tuple(file for file in files if file.place and file.place.acquisition == wanted)


def _join_channels(files: Sequence[ImageFile]) -> list[Source]:
    """Put the channels of an image together; every image must have all."""
    together: dict[str, list[ImageFile]] = {}
    for file in files:
        together.setdefault(file.stem, []).append(file)
    channels = list(dict.fromkeys(f.place.channel for f in files if f.place and f.place.channel))
    lacking = []
    found = []
    for stem, parts in together.items():
        mine = tuple(part.place.channel for part in parts if part.place and part.place.channel)
        missing = [name for name in channels if name not in mine]
        if missing:
            lacking.append(f"{stem} lacks {' and '.join(missing)}")
        nobody = Assignment("", "")
        found.append(Source(stem, tuple(part.path for part in parts), mine, parts[0].place, nobody))
    if lacking:
        raise InputError(
            f"{len(lacking)} of {len(together)} images lack a channel (there are {', '.join(channels)}): "
            f"{few(lacking)}. Add the files, or write the channel you want into the pattern in the place of "
            "{channel}."
        )
    return found


def _with_series(sources: Sequence[Source], wanted: int | Literal["each"] | None) -> list[Source]:
    """Say of each source which image of its file it is; with ``each`` a file with several becomes several."""
    if wanted != "each":
        return [replace(source, series=wanted) for source in sources]
    found: list[Source] = []
    for source in sources:
        name = source.image_id
        of_files = [images_of_file(ImageFile(name, path)) for path in source.paths]
        most = max(of_files, key=len)
        if len(most) > 1 and len(of_files) > 1:
            raise InputError(
                f"{name}: its channels are in {len(of_files)} files, of which one holds {len(most)} images; "
                "choose one with --series 0"
            )
        found += [
            replace(source, image_id=image.stem, series=image.series, file_id=name if len(most) > 1 else "")
            for image in most
        ]
    return found


def _own(source: Source, group_by: GroupBy | None) -> Assignment:
    """Group and replicate that the image's own place gives."""
    place = source.place or Place()
    group = place.group or "all"
    if group_by is not None:
        if place.group:
            raise InputError("the pattern names the groups and --group-by another; leave one out")
        value = {"row": place.row, "column": place.column, "plate": place.plate}[group_by]
        if not value:
            raise InputError(
                f"--group-by {group_by}: the {group_by} of {source.image_id} is not known; give an OME-Zarr "
                "plate, or a --pattern that names it"
            )
        group = value if group_by == "plate" else f"{group_by} {value}"
    return Assignment(group, place.replicate or _well_of(source) or source.file_id or source.image_id)


def _well_of(source: Source) -> str:
    """Name of the well as the image's name has it: with the plate where there are several."""
    if source.place is None or not source.place.well:
        return ""
    field = f"-{source.place.field}" if source.place.field else ""
    return source.image_id.removesuffix(field)


def _by_sheet(
    sources: Sequence[Source], path: Path, group_by: GroupBy | None, left_out: list[str], *, partial: bool
) -> Sources:
    if group_by is not None:
        raise InputError(f"--group-by and the sheet {path} both give the groups; leave one out")
    if any(source.place is not None and source.place.group for source in sources):
        raise InputError(f"the pattern and the sheet {path} both give the groups; write * for {{group}}")
    columns = sheet_columns(path)
    if columns.by_well:
        return _by_wells(sources, read_plate_sheet(path), left_out, partial=partial)
    sheet = read_sheet(path)
    # A row may name an image of a file, or the file and so all images in it.
    rows = {composed(stem) for stem in sheet}
    asked = {
        source.image_id: source.image_id
        if composed(source.image_id) in rows or not source.file_id
        else source.file_id
        for source in sources
    }
    assigned = assign_groups(list(dict.fromkeys(asked.values())), sheet, where=str(path))
    named = []
    for source in sources:
        group, replicate = (
            assigned[asked[source.image_id]].group,
            assigned[asked[source.image_id]].replicate,
        )
        own = None if columns.has_replicate else _own(source, None).replicate
        named.append(replace(source, assignment=Assignment(group, own or replicate)))
    return Sources(tuple(named), tuple(left_out))


def _by_wells(sources: Sequence[Source], sheet: PlateSheet, left_out: list[str], *, partial: bool) -> Sources:
    places = {source.image_id: source.place or Place() for source in sources}
    nowhere = [name for name, place in places.items() if not place.well]
    if nowhere:
        raise TableError(
            f"{sheet.path} is by well, and the well of {counted(len(nowhere), 'image')} is not known "
            f"({few(nowhere, 3)}); give an OME-Zarr plate, a --pattern with {{well}}, or "
            "a column for the image in the sheet"
        )
    if sheet.by_plate and not all(place.plate for place in places.values()):
        raise TableError(
            f"{sheet.path} names plates, and the plate of the images is not known; write {{plate}} into the "
            "--pattern, or take the column out of the sheet"
        )
    faults = sheet.faults(places)
    named = []
    for source in sources:
        found = sheet.find(places[source.image_id])
        if found is not None:
            replicate = found.replicate or _own(source, None).replicate
            named.append(replace(source, assignment=Assignment(found.group, replicate)))
    if faults and (not partial or not named):
        raise TableError(
            "\n".join(
                [
                    f"{sheet.path} and the wells do not fit:",
                    *(f"  - {fault}" for fault in faults),
                    "Add or remove rows, or leave out what does not fit with --skip-bad.",
                ]
            )
        )
    return Sources(tuple(named), (*left_out, *faults))
