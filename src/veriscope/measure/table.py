"""Label image (and intensities) → table with one row per object."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.core.axes import SPATIAL, check_spacing
from veriscope.core.image import Image
from veriscope.core.labels import check_labels
from veriscope.errors import AxesError, PixelValueError, ShapeMismatchError
from veriscope.measure.columns import Column, chosen_properties, columns_of
from veriscope.measure.convex import measure_hull_areas
from veriscope.measure.intensity import Intensities, measure_intensities
from veriscope.measure.moments import measure_ellipses
from veriscope.measure.perimeter import measure_perimeters
from veriscope.measure.runs import Runs, find_runs
from veriscope.measure.size import Sizes, equivalent_diameter, measure_sizes

__all__ = ["ObjectTable", "measure_objects"]

_INTENSITY_FIELDS = {
    "mean_intensity": "mean",
    "min_intensity": "minimum",
    "max_intensity": "maximum",
    "sum_intensity": "total",
    "std_intensity": "deviation",
}


@dataclass(frozen=True, slots=True)
class ObjectTable:
    """Measurements of the objects of one image.

    Parameters
    ----------
    frame
        One row per object, ordered by label; columns as `veriscope.measure.columns` lists them.
    units
        Unit of each column: ``µm``, ``µm²``, ``µm³``, ``px``, ``grey value``, or empty for none.
    descriptions
        Meaning of each column, one sentence.
    notes
        What could not be measured and why.
    """

    frame: pd.DataFrame
    units: dict[str, str]
    descriptions: dict[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Job:
    """What is needed to compute any column."""

    labels: NDArray[Any]
    intensity: Image | None
    scale: tuple[float, ...]
    runs: Runs
    sizes: Sizes


def measure_objects(
    labels: NDArray[Any],
    intensity: Image | None = None,
    *,
    spacing: Mapping[str, float] | None = None,
    properties: Sequence[str] | None = None,
) -> ObjectTable:
    """Measure every object of a label image.

    Parameters
    ----------
    labels
        Label image, (y, x) or (z, y, x). Gaps in the numbering are kept; an object may have several pieces.
    intensity
        Image with the same spatial axes and shape, with or without channels; adds the intensity columns.
    spacing
        Size of a pixel in µm by spatial axis. None: that of `intensity`, and pixels if there is none.
    properties
        Names from `veriscope.measure.columns.COLUMNS`; None for all that the images allow. Perimeter,
        ellipse axes, eccentricity and solidity are for 2D only; in 3D, ``volume`` stands for ``area``.

    Returns
    -------
    ObjectTable
        One row per object, ordered by label. Without objects, no rows but the same columns and types.

    Raises
    ------
    AxesError
        If the label image is not 2D or 3D, the spacing does not fit, or the intensity image has time points.
    ShapeMismatchError
        If the intensity image covers another shape.
    PixelValueError
        If labels are not labels or above 2**63 - 1, or intensities are NaN or infinite.
    InputError
        If a property is unknown or needs something that is not given.
    """
    labels = check_labels(labels)
    if labels.ndim not in (2, 3):
        raise AxesError(
            f"the label image has {labels.ndim} dimensions (shape {labels.shape}); it must be (y, x) or "
            "(z, y, x): measure time points one by one"
        )
    if labels.dtype == np.uint64 and labels.size and int(labels.max()) > np.iinfo(np.int64).max:
        raise PixelValueError(
            f"the label image has labels above {np.iinfo(np.int64).max}, which no table holds; renumber the "
            "objects"
        )
    axes = SPATIAL[-labels.ndim :]
    _check_intensity(intensity, labels.shape, axes)
    if spacing is None and intensity is not None:
        spacing = intensity.spacing
    spacing = check_spacing(spacing, axes, where="the label image")
    chosen = chosen_properties(properties, n_dimensions=labels.ndim, with_intensity=intensity is not None)
    channels = intensity.channels if intensity is not None else ()
    columns = columns_of(chosen, axes=axes, channels=channels, calibrated=spacing is not None)
    runs = find_runs(labels)
    scale = tuple(spacing.values()) if spacing else (1.0,) * labels.ndim
    job = _Job(labels, intensity, scale, runs, measure_sizes(runs))
    values = _compute(job, columns)
    frame = pd.DataFrame({column.name: values[column.name].astype(column.dtype) for column in columns})
    notes: tuple[str, ...] = ()
    if "perimeter" in values and len(set(scale)) > 1:
        notes = (f"perimeter is not measured: pixels are not square ({scale[0]:g} × {scale[1]:g} µm)",)
    return ObjectTable(
        frame,
        {column.name: column.unit for column in columns},
        {column.name: column.meaning for column in columns},
        notes,
    )


def _check_intensity(intensity: Image | None, shape: tuple[int, ...], axes: str) -> None:
    """Refuse an intensity image that does not fit the label image."""
    if intensity is None:
        return
    if "t" in intensity.axes:
        raise AxesError(f"{intensity.name}: has time points; measure them one by one")
    if intensity.spatial_shape != shape:
        raise ShapeMismatchError(
            f"{intensity.name}: has shape {intensity.spatial_shape} over its spatial axes and the label "
            f"image {shape} over {axes!r}; both must cover the same pixels (was one rescaled, cropped or "
            "transposed?)"
        )
    intensity.require_finite()


def _compute(job: _Job, columns: Sequence[Column]) -> dict[str, NDArray[Any]]:
    """Compute the columns, each family once."""
    families = {column.source.family for column in columns}
    values: dict[str, NDArray[Any]] = {"label": job.runs.ids, **_size_values(job, columns)}
    if "ellipse" in families:
        ellipses = measure_ellipses(job.runs, job.sizes, spacing=(job.scale[0], job.scale[1]))
        values |= {
            "major_axis_length": ellipses.major,
            "minor_axis_length": ellipses.minor,
            "eccentricity": ellipses.eccentricity,
        }
    if "perimeter" in families:
        square = len(set(job.scale)) == 1
        pixels = measure_perimeters(job.labels, job.runs) if square else np.full(job.runs.n_objects, np.nan)
        values["perimeter"] = pixels * job.scale[0]
    if "hull" in families:
        values["solidity"] = job.sizes.pixels / measure_hull_areas(job.runs)
    if "intensity" in families:
        values |= _intensity_values(job, columns)
    return values


def _size_values(job: _Job, columns: Sequence[Column]) -> dict[str, NDArray[Any]]:
    """Columns of the family ``size``."""
    sizes, d = job.sizes, len(job.scale)
    size = np.asarray(sizes.pixels * math.prod(job.scale), dtype=np.float64)
    values: dict[str, NDArray[Any]] = {
        "touches_border": sizes.touches_border,
        "area_px": sizes.pixels,
        "volume_px": sizes.pixels,
        "area": size,
        "volume": size,
        "equivalent_diameter": equivalent_diameter(size, d),
    }
    for column in columns:
        if column.axis is not None:
            place = {"centroid-{axis}": sizes.centroid, "bbox-{axis}0": sizes.low, "bbox-{axis}1": sizes.high}
            values[column.name] = place[column.source.name][:, column.axis]
    return values


def _intensity_values(job: _Job, columns: Sequence[Column]) -> dict[str, NDArray[Any]]:
    """Columns of the family ``intensity``, channel by channel."""
    assert job.intensity is not None
    values: dict[str, NDArray[Any]] = {}
    measured: dict[int, Intensities] = {}
    for column in columns:
        if column.channel is None:
            continue
        if column.channel not in measured:
            pixels = _channel_pixels(job.intensity, column.channel)
            measured[column.channel] = measure_intensities(job.labels, pixels, job.runs, job.sizes)
        values[column.name] = getattr(measured[column.channel], _INTENSITY_FIELDS[column.source.name])
    return values


def _channel_pixels(image: Image, channel: int) -> NDArray[Any]:
    """Pixels of one channel over the spatial axes, without a copy."""
    if "c" not in image.axes:
        return image.pixels
    view: NDArray[Any] = np.moveaxis(image.pixels, image.axes.index("c"), 0)[channel]
    return view
