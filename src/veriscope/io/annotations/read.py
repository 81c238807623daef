"""One way in for references drawn by people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from veriscope.core.labels import relabel_sequential
from veriscope.errors import AxesError, ShapeMismatchError, UnreadableFileError
from veriscope.io.annotations.cellpose import SEG_REFUSAL, read_cellpose_outlines
from veriscope.io.annotations.fiji import read_fiji_rois
from veriscope.io.annotations.outlines import Window, draw_outlines
from veriscope.io.annotations.qupath import read_geojson
from veriscope.io.folders import image_stem
from veriscope.io.images import SUFFIXES
from veriscope.io.labels import open_labels
from veriscope.io.ome_zarr_reader import is_zarr
from veriscope.io.reader import read_head

__all__ = ["ANNOTATION_SUFFIXES", "Annotation", "annotation_stem", "read_annotation"]

_OUTLINES = {
    ".roi": read_fiji_rois,
    ".zip": read_fiji_rois,
    ".geojson": read_geojson,
    ".json": read_geojson,
    ".txt": read_cellpose_outlines,
}
ANNOTATION_SUFFIXES: tuple[str, ...] = (*SUFFIXES, *_OUTLINES)
"""Endings of the files that can hold annotations."""

_ENDINGS = (
    "_cp_masks",
    "_cp_outlines",
    "_outlines",
    "_masks",
    "_labels",
    "_seg",
    "_RoiSet",
    "-labels",
    "-RoiSet",
)


@dataclass(frozen=True, slots=True)
class Annotation:
    """References drawn by a person, as a label image.

    Parameters
    ----------
    labels
        int32, (y, x), 0 = background, numbered 1 … n without gaps.
    notes
        What was left out, drawn over, or assumed.
    """

    labels: NDArray[np.int32]
    notes: tuple[str, ...]

    @property
    def n_objects(self) -> int:
        """Number of objects."""
        return int(self.labels.max(initial=0))


def annotation_stem(path: str | Path) -> str:
    """Give the stem of the image that an annotation belongs to.

    Parameters
    ----------
    path
        Such as ``a_cp_masks.png`` (Cellpose), ``a_RoiSet.zip`` (Fiji), ``a.geojson`` (QuPath).

    Returns
    -------
    str
        The name without suffix and without the ending that the program added: ``"a"``.
    """
    stem = image_stem(path)
    ending = next((ending for ending in _ENDINGS if stem.endswith(ending) and stem != ending), "")
    return stem.removesuffix(ending)


def read_annotation(
    path: str | Path, shape: tuple[int, int], *, origin: tuple[int, int] = (0, 0)
) -> Annotation:
    """Read a reference drawn in Fiji, napari, QuPath, Cellpose or another program.

    Parameters
    ----------
    path
        Label image (TIFF, PNG, OME-Zarr), Fiji regions (``.roi``, ``.zip``), QuPath GeoJSON
        (``.geojson``, ``.json``), or Cellpose outlines (``.txt``).
    shape
        Height and width wanted, in pixels.
    origin
        First row and column wanted, in the image that was annotated. A label image that has
        exactly the wanted shape is taken as it is.

    Returns
    -------
    Annotation
        The objects, later ones drawn over earlier ones.

    Raises
    ------
    UnreadableFileError
        If the file is missing, damaged, of an unknown format, or a Python pickle.
    AxesError
        If it covers several planes, or has colours.
    PixelValueError
        If an image has no labels but a mask.
    ShapeMismatchError
        If a label image does not cover what is wanted.
    """
    path = Path(path)
    if path.suffix.lower() == ".npy":
        raise UnreadableFileError(
            f"{path}: {SEG_REFUSAL}"
            if path.stem.endswith("_seg")
            else f"{path}: NumPy arrays are not read as annotations; save the labels as a 16-bit TIFF"
        )
    reader = _OUTLINES.get(path.suffix.lower())
    if reader is None or is_zarr(path):
        return _from_labels(path, shape, origin)
    read_head(path)
    outlines, notes = reader(path)
    labels, more = draw_outlines(outlines, Window(shape, origin))
    return Annotation(labels, (*notes, *more))


def _from_labels(path: Path, shape: tuple[int, int], origin: tuple[int, int]) -> Annotation:
    file = open_labels(path)
    labels = file.labels
    if file.axes != "yx":
        raise AxesError(f"{path}: has axes {file.axes!r}; an annotation is one plane, axes 'yx'")
    if labels.shape != tuple(shape):
        (top, left), (height, width) = origin, shape
        if labels.shape[0] < top + height or labels.shape[1] < left + width or min(origin) < 0:
            raise ShapeMismatchError(
                f"{path}: has {labels.shape[0]} × {labels.shape[1]} pixels and does not cover the {height} × "
                f"{width} pixels from row {top}, column {left} that were to be annotated; was it rescaled or "
                "cropped? Save it at full size"
            )
        labels = labels[top : top + height, left : left + width]
    return Annotation(relabel_sequential(labels), file.notes)
