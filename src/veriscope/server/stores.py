"""Images and label images of a study as OME-Zarr with lower resolutions, whatever they are on disk.

What is there is served as it is: the full resolution of an OME-Zarr, and the lower ones that it brings along.
What is missing lies in the cache. It is made when it is first asked for, in the background while the image is
looked at, and can be removed at any time.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cache import cache_folder
from veriscope.errors import UnreadableFileError
from veriscope.io.own_levels import OwnLevels, own_levels, served_array
from veriscope.io.pyramid import Making, Read, level_shapes, pyramid_attributes
from veriscope.io.reader import foreign_errors
from veriscope.io.regions import StoredImage
from veriscope.server.problems import ProblemError
from veriscope.server.store import Store
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = ["cached", "image_store", "image_version", "label_store", "label_version", "spacing_of"]


def spacing_of(image: StudyImage) -> dict[str, float] | None:
    """Read the pixel size of an image from its row.

    Parameters
    ----------
    image
        The image.

    Returns
    -------
    dict or None
        µm by axis; None if uncalibrated.
    """
    if not image.is_calibrated:
        return None
    return {axis: float(size) for axis, size in (part.split("=") for part in image.spacing.split(";"))}


def image_version(folder: StudyFolder, image: StudyImage, *, whole: bool = False) -> str:
    """Name the present content of an image.

    Parameters
    ----------
    folder
        The study.
    image
        The image.
    whole
        That of the stack or time-lapse which the image is a plane of.

    Returns
    -------
    str
        Another one when the file, or how it is read, has changed.

    Raises
    ------
    ProblemError
        410 if the image is gone, 404 if it has no stack.
    """
    if not whole:
        return _version(folder.root / image.path, f"image {image.image_id}", image.spacing, image.reading)
    if not image.stack:
        raise ProblemError.make(404, f"{image.image_id} is a plane of its own, not of a stack.")
    return _version(folder.root / image.stack, f"the stack of {image.image_id}", image.stack_reading)


def image_store(folder: StudyFolder, image: StudyImage, *, whole: bool = False) -> Store:
    """Open an image; resolutions that it lacks are made when they are first asked for.

    Parameters
    ----------
    folder
        The study.
    image
        The image.
    whole
        Open the stack or time-lapse which the image is a plane of.

    Returns
    -------
    Store
        The image.

    Raises
    ------
    ProblemError
        410 if the image is gone, 404 if it has no stack.
    """
    version = image_version(folder, image, whole=whole)
    image = folder.stack(image) if whole else image
    target = cached(folder, "images", image.image_id, version, ".zarr")
    source = folder.root / image.path
    shape = tuple(int(length) for length in image.shape.split("x"))
    dtype = np.dtype(image.dtype)
    options = json.loads(image.reading) if image.reading else {}
    own = own_levels(source, image.axes, shape, dtype, options.get("series"))
    if own is None:
        own = OwnLevels(image.axes, None)
    if own.full is None:
        stored = StoredImage(source, **options)
        # In the axes of the image, without those of length 1 that the file may have.
        return _assemble(
            target, image, OwnLevels(image.axes, None, notes=own.notes), shape, dtype,
            lambda part: stored.read(part).pixels,
        )  # fmt: skip
    return _assemble(target, image, own, tuple(own.full.metadata["shape"]), dtype, _reader(own.full.folder))


def _assemble(
    target: Path, image: StudyImage, own: OwnLevels, shape: tuple[int, ...], dtype: np.dtype[Any], read: Read
) -> Store:
    there = {level: array.metadata["shape"] for level, array in own.served.items()}
    shapes = tuple(level_shapes(shape, own.axes, there))
    served = {level: array for level, array in own.served.items() if level < len(shapes)}
    arrays = served | ({0: own.full} if own.full is not None else {})
    making = Making(
        read,
        shapes,
        dtype,
        own.axes,
        pyramid_attributes(image.image_id, own.axes, spacing_of(image), shapes, image.channel_names),
        present={level: _reader(array.folder) for level, array in served.items()},
        alike={
            level: (_reader(path), size) for level, (path, size) in own.alike.items() if level < len(shapes)
        },
        with_full=own.full is None,
    )
    return Store(target, arrays, own.axes, shapes, image.axes, dtype, making, own.notes)


def _reader(folder: Path) -> Read:
    """Read parts of an array, which is opened when the first of them is read."""
    shown = Path(*folder.parts[-2:])  # people of the browser need not know where studies lie

    def read(part: tuple[slice, ...]) -> NDArray[Any]:
        import zarr

        remedy = "a chunk is damaged or incomplete: copy the OME-Zarr folder again"
        with foreign_errors(shown, "the array cannot be decoded", remedy):
            return np.asarray(zarr.open_array(str(folder), mode="r")[part])

    return read


def label_version(folder: StudyFolder, candidate: str, image_id: str) -> str | None:
    """Name the present content of a prediction.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate.
    image_id
        Identifier of the image.

    Returns
    -------
    str or None
        None if there is no prediction.
    """
    path = folder.root / folder.prediction(candidate, image_id)
    if not (path / "zarr.json").is_file():
        return None
    return _version(path, f"prediction of {candidate}", "", "")


def label_store(folder: StudyFolder, candidate: str, image: StudyImage) -> Store:
    """Open a prediction, making its lower resolutions when they are first asked for.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate; one of the study's.
    image
        The image.

    Returns
    -------
    Store
        The label image.

    Raises
    ------
    ProblemError
        404 if the candidate has not predicted the image.
    """
    version = label_version(folder, candidate, image.image_id)
    if version is None:
        raise ProblemError.make(
            404, f"{candidate} has no labels for {image.image_id} yet.", "Run it under Candidates."
        )
    target = cached(folder, f"labels-{candidate}", image.image_id, version, ".zarr")
    path = folder.root / folder.prediction(candidate, image.image_id) / "0"
    full = served_array(path)
    if full is None:
        raise UnreadableFileError(f"{path}: is no label image that can be shown; run {candidate} again")
    shape, dtype = tuple(full.metadata["shape"]), np.dtype(full.metadata["data_type"])
    axes = "zyx"[-len(shape) :]
    spacing = spacing_of(image)
    kept = None if spacing is None else {axis: spacing[axis] for axis in axes if axis in spacing}
    shapes = tuple(level_shapes(shape, axes))
    attributes = pyramid_attributes(image.image_id, axes, kept, shapes, is_labels=True)
    making = Making(_reader(path), shapes, dtype, axes, attributes, is_labels=True)
    return Store(target, {0: full}, axes, shapes, axes, dtype, making)


def _version(path: Path, what: str, *more: str) -> str:
    metadata = path
    if path.is_dir():  # Zarr 3, or 2
        names = ("zarr.json", ".zattrs", ".zgroup")
        metadata = next((path / name for name in names if (path / name).exists()), path / "zarr.json")
    try:
        stat = metadata.stat()
    except OSError:
        raise ProblemError.make(
            410,
            f"The file of {what} is gone: {path.name}.",
            "Put it back where it was.",
            title="A file is gone",
        ) from None
    text = json.dumps([stat.st_mtime_ns, stat.st_size, *more])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cached(folder: StudyFolder, kind: str, image_id: str, version: str, suffix: str) -> Path:
    """Give the place in the cache of what is derived from an image.

    Parameters
    ----------
    folder
        The study.
    kind
        What it is.
    image_id
        Identifier of the image.
    version
        Of the image.
    suffix
        Of the file or folder.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    study = hashlib.sha256(str(folder.root.resolve()).encode()).hexdigest()[:16]
    image = hashlib.sha256(image_id.encode()).hexdigest()[:16]
    return cache_folder() / "web" / study / kind / f"{image}-{version}{suffix}"
