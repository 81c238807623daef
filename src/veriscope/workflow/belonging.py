"""Whether the images of a new study belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from veriscope.core.plane import PlaneChoice
from veriscope.core.words import counted, few
from veriscope.errors import InputError
from veriscope.workflow.layout import StudyImage
from veriscope.workflow.sources import Sources

__all__ = ["check_belonging", "check_plane_choice"]


def check_belonging(rows: Sequence[StudyImage], sources: Sources, *, colours_and_grey: bool) -> None:
    """Refuse images of which the numbers would not compare.

    Parameters
    ----------
    rows
        The images.
    sources
        Where they come from.
    colours_and_grey
        Whether colour photographs may stand beside grey images, since both are seen as luminance.

    Raises
    ------
    InputError
        If only some have a pixel size, they have different numbers of channels, the fields of a plate differ
        in pixel size, or a name is given twice.
    """
    _check_names(rows)
    _check_alike(rows, colours_and_grey=colours_and_grey)
    _check_plate_spacing(rows, sources)


def check_plane_choice(axes: Collection[str], choice: PlaneChoice) -> None:
    """Refuse a choice of planes where no image is a stack, and of times where none is a time-lapse.

    Parameters
    ----------
    axes
        All that the images have.
    choice
        Which planes were asked for.

    Raises
    ------
    InputError
        If there is nothing to choose from.
    """
    chosen = {"z": choice.z, "t": choice.t}
    if any(said is None and axis in axes for axis, said in chosen.items()):
        return  # what has to be said as well is told with the image
    for axis, what in (("z", "stack"), ("t", "time-lapse")):
        wanted = chosen[axis]
        if wanted is not None and axis not in axes:
            raise InputError(
                f"--plane {axis}={wanted}: no image is a {what}; leave it out, or say with --axes "
                "what the axes are"
            )


def _check_names(rows: Sequence[StudyImage]) -> None:
    """Refuse names that time points, or images of one file, give twice."""
    twice = [name for name, n in Counter(row.image_id for row in rows).items() if n > 1]
    if twice:
        raise InputError(
            f"{counted(len(twice), 'name is', 'names are')} given twice, by a file and by a time point or "
            f"image of another: {few(twice)}; rename the files"
        )


def _check_plate_spacing(rows: Sequence[StudyImage], sources: Sources) -> None:
    """Refuse a plate of which fields have other pixel sizes: their counts and areas do not compare."""
    wells = {
        ";".join(map(str, source.paths)) for source in sources.images if source.place and source.place.well
    }
    sizes: dict[str, list[str]] = {}
    for row in rows:
        if row.source in wells:
            sizes.setdefault(row.spacing_text, []).append(row.image_id)
    if len(sizes) > 1:
        listed = "; ".join(f"{size}: {few(ids, 5)}" for size, ids in sizes.items())
        raise InputError(
            f"fields have different pixel sizes ({listed}), so objects per field do not compare; make one "
            "study of each magnification, or give the true size with --spacing if the files are wrong"
        )


def _check_alike(rows: Sequence[StudyImage], *, colours_and_grey: bool) -> None:
    """Refuse a mixture of calibrated and uncalibrated, or of differently many channels."""
    calibrated = [row.image_id for row in rows if row.spacing != "uncalibrated"]
    if 0 < len(calibrated) < len(rows):
        without = [row.image_id for row in rows if row.spacing == "uncalibrated"]
        raise InputError(
            f"{counted(len(calibrated), 'image has', 'images have')} a pixel size and {len(without)} "
            f"{'has' if len(without) == 1 else 'have'} none ({few(without, 5)}); "
            "give it for all with --spacing, so that sizes can be compared"
        )
    numbers: dict[int, list[str]] = {}
    for row in rows:
        numbers.setdefault(len(row.channel_names), []).append(row.image_id)
    if len(numbers) > 1 and not (colours_and_grey and set(numbers) <= {0, 3}):
        listed = "; ".join(f"{n or 'no'} channels: {few(ids, 5)}" for n, ids in sorted(numbers.items()))
        raise InputError(
            f"images have different numbers of channels ({listed}); make one study of each kind, "
            "or convert them to the same channels"
        )
