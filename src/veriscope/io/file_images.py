"""The images of files that hold several, each under a name of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from veriscope.errors import InputError, VeriscopeError
from veriscope.io.folders import FoundImages, ImageFile, require_unique
from veriscope.io.images import read_headers
from veriscope.io.tiff import APERIO

__all__ = ["file_stem", "images_of_file", "of_its_file", "with_series"]

_OF_SEVERAL = re.compile(r"_s[0-9]+$")


def images_of_file(file: ImageFile) -> tuple[ImageFile, ...]:
    """Give every image of a file.

    Parameters
    ----------
    file
        The file.

    Returns
    -------
    tuple of ImageFile
        In the order of the file, named ``NAME_s0``, ``NAME_s1`` …, from eleven on ``NAME_s00``; the file
        itself if it holds one, or cannot be read, which is told when its image is. Of an Aperio slide the
        slide alone, under its own name: the others are pictures of its label and of all of it, small.
    """
    try:
        headers = read_headers(file.path)
    except VeriscopeError:
        return (file,)
    n_images = len(headers)
    if n_images == 1:
        return (file,)
    if any(not isinstance(header, VeriscopeError) and header.format == APERIO for header in headers):
        return (replace(file, series=0),)
    digits = len(str(n_images - 1))
    return tuple(replace(file, stem=f"{file.stem}_s{i:0{digits}d}", series=i) for i in range(n_images))


def file_stem(stem: str) -> str:
    """Say of which file an image is, if it is one of several.

    Parameters
    ----------
    stem
        Name of an image, as from `images_of_file`.

    Returns
    -------
    str
        ``NAME`` for ``NAME_s3``; any other name as it is.
    """
    return _OF_SEVERAL.sub("", stem)


def with_series(found: FoundImages, series: int | Literal["each"] | None) -> FoundImages:
    """Say of each file which of its images is taken.

    Parameters
    ----------
    found
        The files.
    series
        Its number, from 0; ``each``: all, as `images_of_file`; None: the only one.

    Returns
    -------
    FoundImages
        The images, in the order of their files.

    Raises
    ------
    InputError
        If an image has the name of another; all of them are named.
    """
    if series != "each":
        return replace(found, images=tuple(replace(file, series=series) for file in found))
    images = tuple(image for file in found for image in images_of_file(file))
    require_unique(images)
    return replace(found, images=images)


def of_its_file(error: VeriscopeError, number: int | None) -> VeriscopeError:
    """Say which image of a file cannot be used.

    Parameters
    ----------
    error
        What is wrong; it names the file.
    number
        Of the image, from 0; None: the file has no other.

    Returns
    -------
    VeriscopeError
        ``image 3 of`` and what is wrong, or the error itself.
    """
    return error if number is None else InputError(f"image {number} of {error}")
