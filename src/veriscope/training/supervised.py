"""From files of images and labels to a package that says how far it can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from veriscope.core.progress import Progress, silent
from veriscope.io.file_images import with_series
from veriscope.io.folders import find_images
from veriscope.training.images.box_pairs import read_box_pairs
from veriscope.training.images.class_pairs import read_class_pairs
from veriscope.training.images.pairs import (
    LabelledImage,
    read_pairs,
    read_unlabelled,
)
from veriscope.training.images.split import group_images, make_split
from veriscope.training.images.split_tables import read_sheet, read_split
from veriscope.training.images.stacks import are_stacks
from veriscope.training.job import TrainingImages, train_network
from veriscope.training.networks.known import find_network
from veriscope.training.packaging.package import check_output
from veriscope.training.settings import TrainSettings

__all__ = ["train_files"]


def train_files(
    images: str | Path | Sequence[str | Path],
    labels: str | Path | Sequence[str | Path],
    output: str | Path,
    settings: TrainSettings | None = None,
    *,
    split: str | Path | None = None,
    sheet: str | Path | None = None,
    group_by: str | None = None,
    channel: str | int | None = None,
    axes: str | None = None,
    spacing: Mapping[str, float] | None = None,
    series: int | Literal["each"] | None = None,
    unlabelled: str | Path | Sequence[str | Path] | None = None,
    objects: str = "object",
    progress: Progress = silent,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train a network on image files and their labels.

    From stacks the head ``flow`` learns planes along all three axes, and the package finds objects in space.

    Parameters
    ----------
    images, labels
        Folders, files or patterns; what belongs together has equal names without endings. For boxes labels
        may be a CSV table of them, for classes of images they are one.
    output
        Folder of the package to be made.
    settings
        How; None: the defaults.
    split
        CSV table with the part of each image: stem, split (train, val, test); None: drawn by group.
    sheet
        Sample sheet: CSV table with a row for each image, of which `group_by` names a column; None: the table
        of the split has the groups, if any has.
    group_by
        Pattern of names with ``{group}``, or a column of the sheet or of the table of the split: what belongs
        to one field or replicate.
    channel
        Channel to learn from, where images have several.
    axes
        Axes of the image files where they do not say.
    spacing
        Pixel size in µm by axis, which stacks need; None: the files' own. With labels of pixels alone.
    series
        Which image of files that hold several, from 0; ``each``: all; None: files hold one.
    unlabelled
        Images without labels to learn from too.
    objects
        What is looked for, for the card.
    progress
        Told how far it is.
    say
        Told what had to be changed on the way.

    Returns
    -------
    dict
        Plain values with a ``schema``: the package, figures on locked images, comparison with the start.

    Raises
    ------
    InputError
        If files, labels or the split cannot be used; all faults are listed.
    MethodError
        If training fails, or the start does not fit.
    """
    settings = settings or TrainSettings()
    check_output(Path(output))
    start = find_network(settings.start) if settings.start else None
    settings = settings.with_start(start.head, start.architecture) if start else settings
    table = read_split(Path(split)) if split is not None else None
    of_pixels: dict[str, Any] = {}
    reading: dict[str, Any] = {"channel": channel, "axes": axes, "series": series, "progress": progress}
    if settings.head == "classification":
        pairs = read_class_pairs(images, labels, only=table, **reading)
    elif settings.head == "boxes":
        pairs = read_box_pairs(images, labels, objects=objects, partial=split is not None, **reading)
    else:
        of_pixels = {"spacing": spacing, "stacks": settings.head == "flow"}
        pairs = read_pairs(images, labels, partial=split is not None, **reading | of_pixels)
    if table is not None:
        pairs = [pair for pair in pairs if pair.stem in table] or pairs
    samples = read_sheet(Path(sheet)) if sheet is not None else table
    pairs, groups_are = group_images(pairs, group_by, samples, is_sheet=sheet is not None)
    parted = make_split(
        pairs,
        table=table,
        seed=settings.seed,
        learnt=(*start.hashes("train"), *start.hashes("val")) if start else (),
        locked=start.hashes("test") if start else (),
        groups_are=groups_are,
    )
    more: list[LabelledImage] = []
    if unlabelled:
        files = with_series(find_images(unlabelled), reading.pop("series"))
        more = read_unlabelled(files, **reading | of_pixels)
    are_stacks([*pairs, *more])
    data = TrainingImages(parted, more, str(images), objects, channel=channel)
    return train_network(data, Path(output), settings, start=start, progress=progress, say=say)
