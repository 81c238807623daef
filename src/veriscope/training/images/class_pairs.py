"""Images with the class of each, from a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from veriscope.core.classes import ImageClass
from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, TableError
from veriscope.io.file_images import with_series
from veriscope.io.folders import find_images
from veriscope.io.image_tables import read_class_table
from veriscope.training.images.pairs import LabelledImage, read_unlabelled
from veriscope.training.images.table_stems import check_stems

__all__ = ["read_class_pairs"]


def read_class_pairs(
    images: str | Path | Sequence[str | Path],
    table: str | Path | Sequence[str | Path],
    *,
    only: Collection[str] | None = None,
    channel: str | int | None = None,
    axes: str | None = None,
    series: int | Literal["each"] | None = None,
    progress: Progress = silent,
) -> list[LabelledImage]:
    """Read images and the class of each.

    Parameters
    ----------
    images
        Folder, file or pattern.
    table
        A CSV table, or a folder with ``classes.csv``: columns ``image`` and ``class``.
    only
        Names of the images to be taken; those without a row are then left out. None: all, and each needs one.
    channel
        Channel to learn from, where images have several.
    axes
        Axes of the image files where they do not say.
    series
        Which image of files that hold several, from 0; ``each``: all; None: files hold one.
    progress
        Told how many are read.

    Returns
    -------
    list of LabelledImage
        With classes, whose names are the same for all, in alphabetical order. The image as a whole is its one
        object.

    Raises
    ------
    InputError
        If files or rows do not fit, or there is nothing to tell apart; all faults of a kind are listed.
    """
    source = _table_of(table)
    read = read_class_table(source)
    if read.classes is None:
        raise TableError(f"{source}: has probabilities and no column class; training needs the class itself")
    classes = dict(zip(read.stems, read.classes, strict=True))
    files = with_series(find_images(images), series)
    if only is not None:
        classes = {stem: name for stem, name in classes.items() if stem in only}
    check_stems(
        source,
        {file.stem for file in files},
        classes,
        give="their classes",
        remedy="every image needs a class",
        partial=only is not None,
    )
    wanted = [file for file in files if file.stem in classes]
    names = _names([classes[file.stem] for file in files if file.stem in classes], source)
    pairs = read_unlabelled(wanted, channel=channel, axes=axes, progress=progress)
    return [_with_class(pair, ImageClass(names.index(classes[pair.stem]), names)) for pair in pairs]


def _table_of(table: str | Path | Sequence[str | Path]) -> Path:
    path = Path(table) if isinstance(table, str | Path) else None
    is_table = path is not None and (
        (path / "classes.csv").is_file() if path.is_dir() else path.suffix.lower() in (".csv", ".tsv", ".txt")
    )
    if path is None or not is_table:
        raise InputError(
            f"{table}: --head classification learns the class of each image from a table (CSV) with the "
            "columns image and class; give it, or a folder with classes.csv. For classes of pixels take "
            "--head semantic"
        )
    return path


def _names(classes: Sequence[str], source: Path) -> tuple[str, ...]:
    counts = Counter(classes)
    if len(counts) < 2:
        raise TableError(
            f"{source}: all {len(classes)} images are of class {classes[0]}; a network can only tell classes "
            "apart that it has seen: give images of another class too"
        )
    if max(counts.values()) < 2:
        raise TableError(
            f"{source}: each of the {len(classes)} images has a class of its own, such as "
            f"{', '.join(list(counts)[:3])}; the column class names what several images share"
        )
    return tuple(sorted(counts))


def _with_class(pair: LabelledImage, kind: ImageClass) -> LabelledImage:
    # One number for all pixels, without memory for them.
    whole = np.broadcast_to(np.int32(1), pair.image.spatial_shape)
    return replace(pair, labels=whole, kind=kind)
