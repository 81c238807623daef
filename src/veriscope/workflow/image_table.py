"""Changing what images.csv says of images: groups, replicates, pixel sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from veriscope.core.axes import check_spacing
from veriscope.core.words import counted
from veriscope.errors import InputError, StudyError, VeriscopeError, raise_together
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plan import read_plan
from veriscope.workflow.sheet import Assignment, assign_groups

__all__ = ["RowChange", "apply_sheet", "change_images", "why_fixed"]


@dataclass(frozen=True, slots=True)
class RowChange:
    """A change of one image's row; what is None stays.

    Parameters
    ----------
    image_id
        Which image.
    group, replicate
        New group and experimental unit.
    spacing
        New pixel size in µm by axis; an empty mapping makes the image uncalibrated.
    """

    image_id: str
    group: str | None = None
    replicate: str | None = None
    spacing: Mapping[str, float] | None = None


def why_fixed(folder: StudyFolder) -> str:
    """Say why groups, replicates and pixel sizes can no longer be changed.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    str
        Empty if they can.
    """
    if read_plan(folder) is None:
        return ""
    return (
        "Tiles were drawn group by group, so groups and replicates are fixed from then on; make a new study "
        "to change them"
    )


def change_images(folder: StudyFolder, changes: Sequence[RowChange]) -> tuple[StudyImage, ...]:
    """Change rows of images.csv; all changes are made, or none.

    Parameters
    ----------
    folder
        The study.
    changes
        The changes.

    Returns
    -------
    tuple of StudyImage
        All images, as written.

    Raises
    ------
    StudyError
        If tiles were drawn already.
    InputError
        If an image is unknown, or a value cannot be used; all faults are listed.
    """
    fixed = why_fixed(folder)
    if fixed:
        raise StudyError(fixed)
    rows = {image.image_id: image for image in folder.images()}
    faults: list[VeriscopeError] = []
    for change in changes:
        if change.image_id not in rows:
            faults.append(InputError(f"the study has no image {change.image_id!r}"))
            continue
        try:
            rows[change.image_id] = _changed(rows[change.image_id], change)
        except VeriscopeError as error:
            faults.append(error)
    raise_together(faults, what="some changes cannot be made", remedy="Nothing was changed.")
    found = tuple(rows.values())
    calibrated = {image.is_calibrated for image in found}
    if len(calibrated) > 1:
        without = [image.image_id for image in found if not image.is_calibrated]
        raise InputError(
            f"{counted(len(without), 'image')} would have no pixel size ({', '.join(without[:5])}) and the "
            "others one; give it for all or for none, so that sizes can be compared"
        )
    folder.write_images(found)
    return found


def apply_sheet(folder: StudyFolder, sheet: dict[str, Assignment]) -> tuple[StudyImage, ...]:
    """Give all images the groups and replicates of a sample sheet.

    Parameters
    ----------
    folder
        The study.
    sheet
        From `veriscope.workflow.sheet.read_sheet`.

    Returns
    -------
    tuple of StudyImage
        All images, as written.

    Raises
    ------
    StudyError
        If tiles were drawn already.
    TableError
        If sheet and images do not fit.
    """
    assigned = assign_groups([image.image_id for image in folder.images()], sheet)
    changes = [RowChange(name, group=row.group, replicate=row.replicate) for name, row in assigned.items()]
    return change_images(folder, changes)


def _changed(image: StudyImage, change: RowChange) -> StudyImage:
    group, replicate = (
        _word(value, before, image.image_id)
        for value, before in ((change.group, image.group), (change.replicate, image.replicate))
    )
    changed = replace(image, group=group, replicate=replicate)
    if change.spacing is None:
        return changed
    spatial = [letter for letter in image.axes if letter in "zyx"]
    spacing = {axis: float(size) for axis, size in change.spacing.items()}
    if spacing and set(spacing) != set(spatial):
        raise InputError(
            f"{image.image_id}: has axes {', '.join(spatial)} and a pixel size was given for "
            f"{', '.join(sorted(spacing))}; give it for each of them"
        )
    check_spacing(spacing or None, image.axes, where=image.image_id)
    if not spacing:
        if image.is_calibrated:
            raise InputError(
                f"{image.image_id}: its pixel size {image.spacing_text} comes from the file; give the right "
                "one instead of removing it"
            )
        return changed
    text = ";".join(f"{axis}={spacing[axis]!r}" for axis in spatial)
    reading = json.loads(image.reading) if image.reading else {}
    reading["spacing"] = {axis: spacing[axis] for axis in spatial}
    return replace(changed, spacing=text, reading=json.dumps(reading))


def _word(value: str | None, before: str, image_id: str) -> str:
    if value is None:
        return before
    if not value.strip() or any(ord(letter) < 32 for letter in value):
        raise InputError(f"{image_id}: {value!r} cannot be a group or replicate; give a word")
    return value.strip()
