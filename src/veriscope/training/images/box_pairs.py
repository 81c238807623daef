"""Images with boxes: from a table, or from the objects of label images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy import ndimage

from veriscope.core.boxes import Boxes
from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, TableError, VeriscopeError, raise_together
from veriscope.io.file_images import with_series
from veriscope.io.folders import find_images
from veriscope.io.image_tables import PlaceTable, read_place_table
from veriscope.methods.networks.centres import ellipse_labels
from veriscope.training.images.pairs import LabelledImage, read_pairs, read_unlabelled
from veriscope.training.images.table_stems import check_stems

__all__ = ["boxes_of_labels", "read_box_pairs"]

_EDGES = ["y0", "x0", "y1", "x1"]
_OUTSIDE = 2.0
"""Pixels by which a box may reach beyond its image, as rounding makes it; such boxes are cut."""


def read_box_pairs(
    images: str | Path | Sequence[str | Path],
    boxes: str | Path | Sequence[str | Path],
    *,
    objects: str = "object",
    channel: str | int | None = None,
    axes: str | None = None,
    series: int | Literal["each"] | None = None,
    partial: bool = False,
    progress: Progress = silent,
) -> list[LabelledImage]:
    """Read images and the boxes in them.

    Parameters
    ----------
    images
        Folder, files or pattern.
    boxes
        A CSV table, or a folder with ``boxes.csv``: columns ``image``, ``xmin``, ``ymin``, ``xmax``, ``ymax``
        in pixels and, if wanted, ``class``; else label images, each object of which gives a box.
    objects
        Name of the class where the table has none.
    channel
        Channel to learn from, where images have several.
    axes
        Axes of the image files where they do not say.
    series
        Which image of files that hold several, from 0; ``each``: all; None: files hold one.
    partial
        Whether images without a row are left out instead of refused.
    progress
        Told how many are read.

    Returns
    -------
    list of LabelledImage
        With boxes; the labels are the ellipses in them. The names of the classes are the same for all, the
        commonest first.

    Raises
    ------
    InputError
        If files or rows do not fit; all faults are listed.
    """
    source = _table_of(boxes)
    if source is None:
        pairs = read_pairs(
            images, boxes, channel=channel, axes=axes, series=series, partial=partial, progress=progress
        )
        return [boxes_of_labels(pair, objects) for pair in pairs]
    table = read_place_table(source)
    if table.kind != "boxes":
        raise TableError(
            f"{source}: has points and no boxes; a network for boxes needs the columns xmin, ymin, xmax, ymax"
        )
    rows = dict(iter(table.rows.groupby("stem", sort=False)))
    files = with_series(find_images(images), series)
    known = {file.stem for file in files}
    check_stems(
        source,
        known,
        rows,
        give="their boxes",
        remedy="an image without objects cannot be told from one that was forgotten",
        partial=partial,
    )
    names = _class_names(table, objects)
    wanted = [file for file in files if file.stem in rows]
    read = read_unlabelled(wanted, channel=channel, axes=axes, progress=progress)
    found, faults = [], list[VeriscopeError]()
    for pair in read:
        try:
            found.append(_with_boxes(pair, rows[pair.stem], names, source, has_classes=table.has_classes))
        except VeriscopeError as error:
            faults.append(error)
    raise_together(
        faults,
        what=f"the boxes of {len(faults)} of {len(read)} images cannot be learned from",
        remedy="mend or remove these rows, then run again",
    )
    return found


def boxes_of_labels(pair: LabelledImage, objects: str) -> LabelledImage:
    """Give an image whose objects are boxes around those of its labels.

    Parameters
    ----------
    pair
        Image with labels, all of them known.
    objects
        Name of the one class.

    Returns
    -------
    LabelledImage
        The same with boxes; the labels stay.

    Raises
    ------
    InputError
        If labels are not known everywhere: a box that is not asked for would count as none.
    """
    if (pair.labels < 0).any():
        raise InputError(
            f"{pair.stem}: some pixels are not annotated, and boxes can be learned only where all are; use "
            "--head flow, or annotate whole images"
        )
    places = [
        (y.start, x.start, y.stop, x.stop)
        for box in ndimage.find_objects(pair.labels)
        if box is not None
        for y, x in [box]
    ]
    edges = np.asarray(places, np.float32).reshape(-1, 4)
    return replace(pair, boxes=Boxes(edges, np.zeros(len(edges), np.int64), (objects,)))


def _table_of(boxes: str | Path | Sequence[str | Path]) -> Path | None:
    """Give the table that is meant, or None for label images."""
    if not isinstance(boxes, str | Path):
        return None
    path = Path(boxes)
    if path.is_dir():
        return path / "boxes.csv" if (path / "boxes.csv").is_file() else None
    return path if path.suffix.lower() in (".csv", ".tsv", ".txt") else None


def _class_names(table: PlaceTable, objects: str) -> tuple[str, ...]:
    """Name the classes, the commonest first: by its size, images are scaled."""
    counts = table.rows["class"][table.rows["class"].str.strip() != ""].value_counts()
    if not len(counts):
        return (objects,)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(str(name) for name, _ in ordered)


def _with_boxes(
    pair: LabelledImage, rows: pd.DataFrame, names: tuple[str, ...], source: Path, *, has_classes: bool
) -> LabelledImage:
    height, width = pair.image.spatial_shape
    edges = rows[_EDGES].to_numpy(np.float64)
    limits = np.array([height, width, height, width], float)
    kept = np.clip(edges, 0, limits)
    # What is cut may leave nothing, and a box of no size says nothing of the size of objects.
    outside = ((edges < -_OUTSIDE) | (edges > limits + _OUTSIDE)).any(1) | (kept[:, 2:] <= kept[:, :2]).any(1)
    if outside.any():
        y0, x0, y1, x1 = edges[outside][0]
        raise TableError(
            f"{source}: {int(outside.sum())} boxes of {pair.stem} lie beyond its {height} × {width} pixels, "
            f"the first from ({y0:g}, {x0:g}) to ({y1:g}, {x1:g}); edges are in pixels of the image, y down"
        )
    blank = int((rows["class"].str.strip() == "").sum())
    if blank and has_classes:
        raise TableError(f"{source}: {blank} boxes of {pair.stem} have no class, and others have; give all")
    classes = np.array([names.index(kind) if has_classes else 0 for kind in rows["class"]], np.int64)
    found = Boxes(kept.astype(np.float32), classes, names)
    labels, _ = ellipse_labels(found.edges, (height, width))
    return replace(pair, labels=labels, boxes=found)
