"""Classes of images with their probabilities, as a table that `veriscope compare` and other tools read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from veriscope.core.classes import ClassProbabilities
from veriscope.io.atomic import write_text

__all__ = ["join_class_tables", "write_classes"]

_DIGITS = 6


def write_classes(path: str | Path, image: str, found: ClassProbabilities) -> None:
    """Write the class of one image: columns ``image``, ``class`` and ``p_CLASS`` of each class.

    Parameters
    ----------
    path
        CSV file to write; replaced if it exists.
    image
        Name of the image, without ending.
    found
        What the method says of it.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(_columns(found.names))
    rows.writerow([image, found.name, *(f"{value:.{_DIGITS}f}" for value in found.values)])
    write_text(path, stream.getvalue())


def join_class_tables(path: str | Path, tables: Iterable[str | Path], names: tuple[str, ...]) -> None:
    """Write the classes of many images as one table.

    Parameters
    ----------
    path
        CSV file to write; replaced if it exists.
    tables
        Files that `write_classes` wrote for the same classes, in the order wanted.
    names
        The classes.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    stream = io.StringIO()
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(_columns(names))
    for table in tables:
        with Path(table).open(newline="", encoding="utf-8") as file:
            rows.writerows(list(csv.reader(file))[1:])
    write_text(path, stream.getvalue())


def _columns(names: tuple[str, ...]) -> list[str]:
    return ["image", "class", *(f"p_{name}" for name in names)]
