"""Boxes found in images, as a table that other tools read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veriscope.core.boxes import Boxes
from veriscope.io.atomic import write_text

__all__ = ["BOX_COLUMNS", "join_box_tables", "write_boxes"]

BOX_COLUMNS = ("image", "label", "class", "score", "xmin", "ymin", "xmax", "ymax")
"""Columns of a table of boxes; edges in pixels, the first pixel from 0 to 1."""


def write_boxes(
    path: str | Path, image: str, boxes: Boxes, scores: NDArray[np.float32] | None = None
) -> None:
    """Write the boxes of one image.

    Parameters
    ----------
    path
        CSV file to write; replaced if it exists.
    image
        Name of the image, without ending.
    boxes
        One per object, in the order of the labels.
    scores
        Probability of each object, 0 to 1; the column stays empty without.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    y0, x0, y1, x1 = np.round(boxes.edges.astype(np.float64), 2).T.tolist()
    classes = [boxes.class_of(index) for index in range(len(boxes))]
    rounded = [""] * len(boxes) if scores is None else np.round(scores.astype(np.float64), 4).tolist()
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(BOX_COLUMNS)
    for label, (name, score, *edges) in enumerate(zip(classes, rounded, x0, y0, x1, y1, strict=True), 1):
        rows.writerow([image, label, name, score, *edges])
    write_text(path, stream.getvalue())


def join_box_tables(path: str | Path, tables: Iterable[str | Path]) -> None:
    """Write the boxes of many images as one table.

    Parameters
    ----------
    path
        CSV file to write; replaced if it exists.
    tables
        Files that `write_boxes` wrote, in the order wanted.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    header = ",".join(BOX_COLUMNS) + "\n"
    rows = (Path(table).read_bytes().decode("utf-8").removeprefix(header) for table in tables)
    write_text(path, header + "".join(rows))
