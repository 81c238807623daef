"""Pairs of images and labels, read and checked as a whole before a network is made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from veriscope.core.boxes import Boxes
from veriscope.core.classes import ImageClass
from veriscope.core.image import Image
from veriscope.core.labels import check_labels
from veriscope.core.progress import Progress, silent
from veriscope.errors import (
    AxesError,
    InputError,
    PixelValueError,
    ShapeMismatchError,
    VeriscopeError,
    raise_together,
)
from veriscope.io.file_images import file_stem, with_series
from veriscope.io.folders import ImageFile, find_images
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.io.pairing import Pair, pair_by_stem
from veriscope.methods.channels import analysis_channel

__all__ = ["LabelledImage", "check_not_empty", "pixel_hash", "read_pairs", "read_unlabelled", "sees_colour"]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """An image with what is known of it.

    Parameters
    ----------
    stem
        Name without ending.
    image
        2D, of one channel or several; or a stack of one channel.
    labels
        int32 (y, x), of a stack (z, y, x): labels or classes, 0 = background, negative: not known.
    group
        Field, replicate or other group: all images of one lie in the same part of a split.
    sha256
        Of the pixels and their shape.
    boxes
        Boxes of the objects, where these are asked for; None: the labels say all.
    kind
        Class of the image as a whole, where that is asked for; else None.
    """

    stem: str
    image: Image
    labels: NDArray[np.int32]
    group: str
    sha256: str
    boxes: Boxes | None = None
    kind: ImageClass | None = None

    @property
    def n_objects(self) -> int:
        """Number of boxes, else of labels.

        Returns
        -------
        int
            0 or more; of classes it is the number of classes seen.
        """
        if self.boxes is not None:
            return len(self.boxes)
        return int((np.unique(self.labels) > 0).sum())


def read_pairs(
    images: str | Path | Sequence[str | Path],
    labels: str | Path | Sequence[str | Path],
    *,
    channel: str | int | None = None,
    axes: str | None = None,
    spacing: Mapping[str, float] | None = None,
    series: int | Literal["each"] | None = None,
    stacks: bool = False,
    partial: bool = False,
    progress: Progress = silent,
) -> list[LabelledImage]:
    """Read images and labels that belong together by their names.

    Parameters
    ----------
    images, labels
        Folders, files or patterns.
    channel
        Channel to learn from, where images have several.
    axes
        Axes of the image files where they do not say.
    spacing
        Pixel size in µm by axis; None: the files' own.
    series
        Which image of files that hold several, from 0; ``each``: all; None: files hold one.
    stacks
        Whether stacks are taken beside images.
    partial
        Whether images without labels are left out instead of refused.
    progress
        Told how many are read.

    Returns
    -------
    list of LabelledImage
        In natural order of names; each is a group of its own, save for the images of one file.

    Raises
    ------
    InputError
        If files do not pair, cannot be read, have other axes, or differ in size; all faults are listed.
    """
    files = with_series(find_images(images), series)
    by_stem, drawn = {file.stem: file for file in files}, find_images(labels)
    if series is None:
        _refuse_labels_of_several(by_stem, drawn)
    pairing = pair_by_stem(files, drawn, partial=partial, called=("image", "label image"))
    found: list[LabelledImage] = []
    faults: list[VeriscopeError] = []
    total = len(pairing.pairs)
    for number, pair in enumerate(pairing.pairs):
        progress("read", number, total)
        try:
            file = by_stem[pair.stem]
            image = _read_image(file, channel, axes, spacing=spacing, stacks=stacks)
            found.append(_with_labels(pair, file, image))
        except VeriscopeError as error:
            faults.append(error)
    progress("read", total, total)
    raise_together(
        faults,
        what=f"{len(faults)} of {total} pairs cannot be learned from",
        remedy="mend or remove these files, then run again",
    )
    return found


def _refuse_labels_of_several(images: Mapping[str, ImageFile], labels: Sequence[ImageFile]) -> None:
    """Say what labels need that are named by the images of files that hold several."""
    for label in labels:
        name = file_stem(label.stem)
        if label.stem not in images and name in images and name != label.stem:
            raise InputError(
                f"{label.path}: there is no image {label.stem}; if it is one of several images in "
                f"{images[name].path.name}, give --series each"
            )


def _with_labels(pair: Pair, file: ImageFile, image: Image) -> LabelledImage:
    labels = check_labels(read_labels(pair.prediction), where=str(pair.prediction))
    if labels.shape != image.spatial_shape:
        raise ShapeMismatchError(
            f"{pair.prediction}: has {_size(labels.shape)} pixels, and its image {pair.reference.name} "
            f"{_size(image.spatial_shape)}; labels must be drawn on the image as it is"
        )
    if labels.max(initial=0) >= 2**24:
        raise PixelValueError(
            f"{pair.prediction}: has the label {labels.max()}; training takes labels below {2**24}; number "
            "the objects anew"
        )
    return LabelledImage(pair.stem, image, labels.astype(np.int32), _group(file), pixel_hash(image.pixels))


def _group(file: ImageFile) -> str:
    """Images of one file are fields of one dish, if not of one slide."""
    return file.stem if file.series is None else file_stem(file.stem)


def _read_image(
    file: ImageFile,
    channel: str | int | None,
    axes: str | None,
    *,
    spacing: Mapping[str, float] | None = None,
    stacks: bool = False,
) -> Image:
    path = file.path
    image = read_image(path, axes=axes, spacing=spacing, series=file.series)
    if channel is not None:
        image = analysis_channel(image, channel)
    if "z" in image.axes and stacks:
        image = analysis_channel(image, None)  # one has to be chosen, where there are several
    if image.axes != "zyx" and (len(image.spatial_shape) != 2 or set(image.axes) - set("cyx")):
        raise AxesError(f"{path}: has axes {image.axes}; training takes images, and stacks without times")
    if image.axes == "zyx" and not stacks:
        raise AxesError(
            f"{path}: is a stack (axes zyx), from which only the head flow learns, with labels; all else "
            "takes 2D images: cut stacks into planes, or project them"
        )
    if not np.isfinite(image.pixels).all():
        raise PixelValueError(f"{path}: has pixels that are NaN or infinite; replace them")
    return image


def read_unlabelled(
    files: Sequence[ImageFile],
    *,
    channel: str | int | None = None,
    axes: str | None = None,
    spacing: Mapping[str, float] | None = None,
    stacks: bool = False,
    progress: Progress = silent,
) -> list[LabelledImage]:
    """Read images of which nothing is known.

    Parameters
    ----------
    files
        Images, such as `veriscope.io.file_images.with_series` gives.
    channel
        Channel to learn from, where images have several.
    axes
        Axes of the files where they do not say.
    spacing
        Pixel size in µm by axis; None: the files' own.
    stacks
        Whether stacks are taken beside images.
    progress
        Told how many are read.

    Returns
    -------
    list of LabelledImage
        All labels are -1: not known.

    Raises
    ------
    InputError
        If files cannot be read or have other axes; all faults are listed.
    """
    found: list[LabelledImage] = []
    faults: list[VeriscopeError] = []
    for number, file in enumerate(files):
        progress("read", number, len(files))
        try:
            image = _read_image(file, channel, axes, spacing=spacing, stacks=stacks)
        except VeriscopeError as error:
            faults.append(error)
            continue
        unknown = np.full(image.spatial_shape, -1, np.int32)
        found.append(LabelledImage(file.stem, image, unknown, _group(file), pixel_hash(image.pixels)))
    progress("read", len(files), len(files))
    raise_together(faults, what=f"{len(faults)} of {len(files)} images cannot be learned from")
    return found


def check_not_empty(pairs: Sequence[LabelledImage], *, part: str) -> None:
    """Refuse a part of the data from which nothing can be learned or judged.

    Parameters
    ----------
    pairs
        Images of the part.
    part
        Its name, for the message.

    Raises
    ------
    InputError
        If it has no image, or no image with an object.
    """
    if not pairs:
        raise InputError(f"there is no image {part}; give more images, or another --split")
    if not any((pair.labels > 0).any() for pair in pairs):
        names = ", ".join(pair.stem for pair in pairs[:5]) + ("…" if len(pairs) > 5 else "")
        raise InputError(
            f"no object is annotated in the {len(pairs)} images {part} ({names}): "
            "their labels are all background; annotate some objects there, or give another --split"
        )


def sees_colour(pairs: Sequence[LabelledImage]) -> bool:
    """Tell whether all images are colour photographs.

    Parameters
    ----------
    pairs
        The images.

    Returns
    -------
    bool
        Whether there is one and all have red, green and blue.
    """
    return bool(pairs) and all(pair.image.is_rgb for pair in pairs)


def pixel_hash(pixels: NDArray[Any]) -> str:
    """Give a hash that equal pixels share, whatever file they come from.

    Parameters
    ----------
    pixels
        Array of any shape; numbers of another type that are equal give another hash.

    Returns
    -------
    str
        SHA-256 of type, shape and values, 64 hexadecimal digits.
    """
    digest = hashlib.sha256(f"{pixels.dtype.str} {pixels.shape} ".encode())
    digest.update(np.ascontiguousarray(pixels).tobytes())
    return digest.hexdigest()


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
