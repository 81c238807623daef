"""What the app says of the images of a study."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from veriscope.core.plane import Plane
from veriscope.server.models.images import ImageList, ImageRow, PlateLayout, Quality, StackPlace, WellPlace
from veriscope.server.parts import etag_of, files_url, url
from veriscope.server.problems import ProblemError
from veriscope.server.stores import image_version, spacing_of
from veriscope.workflow.image_table import why_fixed
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = ["image_list", "image_row", "images_etag"]

_WELL = re.compile(r"(?:(?P<plate>.+)[-_])?(?P<row>A?[A-Z])(?P<column>[0-9]{1,2})(?:[-_](?P<field>\w+))?")
_ROWS = (*string.ascii_uppercase, *(f"A{letter}" for letter in "ABCDEF"))
_MOST_COLUMNS = 48  # of a plate with 1536 wells, which has the 32 rows above


def image_list(
    folder: StudyFolder, images: Sequence[StudyImage], qualities: Mapping[str, Quality]
) -> ImageList:
    """Describe all images of a study.

    Parameters
    ----------
    folder
        The study.
    images
        Its images.
    qualities
        How they look, as far as that is known.

    Returns
    -------
    ImageList
        Rows in their order.
    """
    rows = [image_row(folder, image, qualities.get(image.image_id)) for image in images]
    places = [row.well for row in rows]
    if not all(places):
        rows = [row.model_copy(update={"well": None}) for row in rows]
    fixed = why_fixed(folder)
    return ImageList(
        images=rows,
        editable=not fixed,
        why_not=fixed,
        plates=_plates([place for place in places if place]) if all(places) else [],
    )


def image_row(folder: StudyFolder, image: StudyImage, quality: Quality | None = None) -> ImageRow:
    """Describe an image.

    Parameters
    ----------
    folder
        The study.
    image
        The image.
    quality
        How it looks, if that is known.

    Returns
    -------
    ImageRow
        Without the address of its pixels if its file is gone.
    """
    study = folder.root.name
    zarr = stack = None
    with suppress(ProblemError):
        zarr = files_url(study, "images", image.image_id, image_version(folder, image))
    if image.stack:
        plane = Plane.parse(image.plane)
        with suppress(ProblemError):
            whole = files_url(study, "stacks", image.image_id, image_version(folder, image, whole=True))
            stack = StackPlace(zarr=whole, z=plane.z, t=plane.t)
    return ImageRow(
        id=image.image_id,
        group=image.group,
        replicate=image.replicate,
        source="; ".join(Path(part).name for part in image.source.split(";")),
        axes=image.axes,
        shape=[int(length) for length in image.shape.split("x")],
        dtype=image.dtype,
        spacing=spacing_of(image),
        spacing_text=image.spacing_text,
        channels=list(image.channel_names),
        notes=image.notes,
        quality=quality,
        thumbnail=url("api", "studies", study, "images", image.image_id, "thumbnail"),
        zarr=zarr,
        well=_well(image.image_id),
        stack=stack,
    )


def images_etag(images: Sequence[StudyImage]) -> str:
    """Name the present content of the table of images.

    Parameters
    ----------
    images
        All rows.

    Returns
    -------
    str
        Entity tag.
    """
    return etag_of(*(json.dumps([i.image_id, i.group, i.replicate, i.spacing]) for i in images))


def _well(image_id: str) -> WellPlace | None:
    """Read the place on a plate out of the image's name, as plates are taken in."""
    found = _WELL.fullmatch(image_id)
    if found is None or found["row"] not in _ROWS or not 1 <= int(found["column"]) <= _MOST_COLUMNS:
        return None
    return WellPlace(
        plate=found["plate"] or "plate",
        row=found["row"],
        column=str(int(found["column"])),
        field=found["field"],
    )


def _plates(places: Sequence[WellPlace]) -> list[PlateLayout]:
    found = []
    for plate in dict.fromkeys(place.plate for place in places):
        mine = [place for place in places if place.plate == plate]
        last_row = max(_ROWS.index(place.row) for place in mine)
        last_column = max(int(place.column) for place in mine)
        columns = [str(number) for number in range(1, last_column + 1)]
        found.append(PlateLayout(plate=plate, rows=list(_ROWS[: last_row + 1]), columns=columns))
    return found
