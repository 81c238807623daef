"""Measurement of label images in a folder, without a study."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from veriscope.core.progress import Progress, silent
from veriscope.core.words import counted, few
from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.io.file_images import file_stem, with_series
from veriscope.io.folders import find_images
from veriscope.io.images import read_image
from veriscope.io.labels import open_labels
from veriscope.io.tables import check_table_path, write_table
from veriscope.measure.table import ObjectTable, measure_objects

__all__ = ["MEASURE_SCHEMA", "measure_folder"]

MEASURE_SCHEMA = "veriscope/measure/1"


def measure_folder(
    labels: str | Path | Sequence[str | Path],
    output: Path,
    *,
    images: str | Path | Sequence[str | Path] | None = None,
    axes: str | None = None,
    spacing: dict[str, float] | None = None,
    series: int | Literal["each"] | None = None,
    properties: Sequence[str] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Measure every object of the label images and write one table.

    Parameters
    ----------
    labels
        Folder, file, pattern, or several.
    output
        Table to write, ``.parquet`` or ``.csv``; its column dictionary goes beside it as ``.json``.
    images
        Images of the same stems, for intensities and pixel size; None measures shapes only.
    axes
        Axes of image files that do not say.
    spacing
        Pixel size in µm by axis; overrides the files' own.
    series
        Which image of image files that hold several; ``each``: all, under the names that
        `veriscope.predict.folder.predict_folder` gives them.
    properties
        Columns wanted; None: all.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``veriscope/measure/1``: numbers of images and objects, columns with units, notes.

    Raises
    ------
    InputError
        If files cannot be read, paired or measured, or the pixel size of some alone is known; all faults
        are listed and nothing is written.
    """
    check_table_path(output)
    files = find_images(labels)
    pictures = {}
    if images is not None:
        pictures = {image.stem: image for image in with_series(find_images(images), series)}
    tables: list[ObjectTable] = []
    faults: list[VeriscopeError] = []
    uncalibrated: list[str] = []
    progress("measure", 0, len(files))
    for index, file in enumerate(files):
        try:
            if images is not None and file.stem not in pictures:
                raise VeriscopeError(
                    f"{file.stem}: no image of this name in {images} (there are: {few(list(pictures), 3)}); "
                    + _remedy(file.stem, pictures)
                )
            found = open_labels(file.path)
            intensity = None
            if (picture := pictures.get(file.stem)) is not None:
                intensity = read_image(picture.path, axes=axes, spacing=spacing, series=picture.series)
            known = spacing or (intensity.spacing if intensity else None) or found.spacing
            table = measure_objects(found.labels, intensity, spacing=known, properties=properties)
            table.frame.insert(0, "image", file.stem)
            tables.append(table)
            if known is None:
                uncalibrated.append(file.stem)
        except VeriscopeError as error:
            faults.append(error)
        progress("measure", index + 1, len(files))
    raise_together(
        faults,
        what=f"{len(faults)} of {len(files)} label images cannot be measured",
        remedy="Nothing was written. Mend, rename or remove them, then measure again.",
    )
    if 0 < len(uncalibrated) < len(files):
        n_known = len(files) - len(uncalibrated)
        raise InputError(
            f"{counted(n_known, 'label image has', 'label images have')} a pixel size and "
            f"{len(uncalibrated)} {'has' if len(uncalibrated) == 1 else 'have'} none "
            f"({few(uncalibrated, 5)}); give it for all with --spacing, so that sizes can be compared. "
            "Nothing was written."
        )
    return _write(tables, output)


def _remedy(stem: str, pictures: Collection[str]) -> str:
    """Say what to do about a label image whose image is not found."""
    if (name := file_stem(stem)) in pictures:
        return f"if it is of one of several images in {name}, give --series each"
    return "a label image and its image have the same name but for the ending: rename one"


def _write(tables: Sequence[ObjectTable], output: Path) -> dict[str, Any]:
    """Write all as one table, and say what is in it."""
    frame = pd.concat([table.frame for table in tables], ignore_index=True)
    units: dict[str, str] = {}
    descriptions = {"image": "Name of the image, without suffix"}
    for table in tables:
        units |= table.units
        descriptions |= table.descriptions
    write_table(output, frame, units, descriptions=descriptions)
    return {
        "schema": MEASURE_SCHEMA,
        "output": str(output),
        "n_images": len(tables),
        "n_objects": len(frame),
        "calibrated": "µm" in set(units.values()) or "µm²" in set(units.values()),
        "columns": {name: units.get(name, "") for name in frame.columns},
        "notes": sorted({note for table in tables for note in table.notes}),
    }
