"""The one list of measured columns: name, unit, meaning, and the counterpart in scikit-image.

`docs/reference/measurements.md` holds the table that `markdown` gives; a test keeps it so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from veriscope.errors import InputError

__all__ = ["COLUMNS", "PROPERTIES", "Column", "Property", "chosen_properties", "columns_of", "markdown"]

Family = Literal["label", "size", "ellipse", "perimeter", "hull", "intensity"]
Kind = Literal["none", "pixel", "length", "size", "intensity"]


@dataclass(frozen=True, slots=True)
class Property:
    """One measured property; it gives one column, or one per axis or per channel.

    Parameters
    ----------
    name
        Name of the column; ``{axis}`` stands for z, y, x. Intensity columns of images with
        channels get the channel as a suffix: ``mean_intensity-DNA``.
    family
        Which computation gives it.
    kind
        What it is measured in: ``length`` and ``size`` are in µm where the image is calibrated.
    meaning
        One sentence, with the definition where several are in use.
    skimage
        Name in `skimage.measure.regionprops_table`; empty if there is none.
    dtype
        Type of the column.
    dimensions
        Numbers of spatial dimensions it exists for.
    """

    name: str
    family: Family
    kind: Kind
    meaning: str
    skimage: str
    dtype: Literal["int64", "float64", "bool"] = "float64"
    dimensions: tuple[int, ...] = (2, 3)

    @property
    def key(self) -> str:
        """Name by which it is chosen: ``centroid`` for ``centroid-y`` and ``centroid-x``."""
        return self.name.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table of objects, as `Property` describes it.

    Parameters
    ----------
    name, unit, meaning, dtype
        As in the table.
    source
        The property.
    axis
        Position of the spatial axis the column is about, or None.
    channel
        Position of the channel the column is about, or None.
    """

    name: str
    unit: str
    meaning: str
    dtype: str
    source: Property
    axis: int | None = None
    channel: int | None = None


PROPERTIES: tuple[Property, ...] = (
    Property("label", "label", "none", "Value of the object in the label image", "label", "int64"),
    Property(
        "centroid-{axis}", "size", "pixel",
        "Mean {axis} coordinate of the object's pixels; 0 is the centre of the first pixel",
        "centroid", "float64",
    ),
    Property("bbox-{axis}0", "size", "pixel", "First pixel of the object along {axis}", "bbox", "int64"),
    Property(
        "bbox-{axis}1", "size", "pixel", "One past the last pixel of the object along {axis}", "bbox", "int64"
    ),
    Property(
        "touches_border", "size", "none",
        "Whether the object reaches the edge of the image, where a part of it may be missing", "", "bool",
    ),
    Property("area_px", "size", "pixel", "Number of pixels", "num_pixels", "int64", (2,)),
    Property("area", "size", "size", "Area: number of pixels × area of a pixel", "area", dimensions=(2,)),
    Property("volume_px", "size", "pixel", "Number of voxels", "num_pixels", "int64", (3,)),
    Property("volume", "size", "size", "Volume: number of voxels × that of a voxel", "area", dimensions=(3,)),
    Property(
        "equivalent_diameter", "size", "length", "Diameter of the disc (2D) or ball (3D) of the same size",
        "equivalent_diameter_area",
    ),
    Property(
        "perimeter", "perimeter", "length",
        "Length of the outline with the outlines of holes, from border pixels weighted by their "
        "neighbourhood (4 neighbours); NaN where the pixel is not square",
        "perimeter", dimensions=(2,),
    ),
    Property(
        "major_axis_length", "ellipse", "length",
        "Long axis of the ellipse with the same second moments", "axis_major_length", dimensions=(2,),
    ),
    Property(
        "minor_axis_length", "ellipse", "length",
        "Short axis of the ellipse with the same second moments", "axis_minor_length", dimensions=(2,),
    ),
    Property(
        "eccentricity", "ellipse", "none",
        "Of that ellipse: 0 for a circle (and a single pixel) to 1 for a line",
        "eccentricity", dimensions=(2,),
    ),
    Property(
        "solidity", "hull", "none",
        "Number of pixels ÷ number of pixels of the convex hull: 1 for a convex object, less with dents",
        "solidity", dimensions=(2,),
    ),
    Property("mean_intensity", "intensity", "intensity", "Mean of the pixel values", "intensity_mean"),
    Property("min_intensity", "intensity", "intensity", "Smallest pixel value", "intensity_min"),
    Property("max_intensity", "intensity", "intensity", "Largest pixel value", "intensity_max"),
    Property(
        "sum_intensity", "intensity", "intensity",
        "Sum of the pixel values, background included (integrated intensity)", "",
    ),
    Property(
        "std_intensity", "intensity", "intensity",
        "Standard deviation of the pixel values, divisor n", "intensity_std",
    ),
)  # fmt: skip
"""All properties, in the order of the table."""

COLUMNS: tuple[str, ...] = tuple(dict.fromkeys(item.key for item in PROPERTIES))
"""Names by which properties are chosen."""


def chosen_properties(
    names: Sequence[str] | None, *, n_dimensions: int, with_intensity: bool
) -> tuple[Property, ...]:
    """Give the properties to measure, in the order of the table.

    Parameters
    ----------
    names
        Some of `COLUMNS`; None for all that the image allows. The label is always included.
    n_dimensions
        2 or 3.
    with_intensity
        Whether there is an intensity image.

    Returns
    -------
    tuple of Property
        `label` first.

    Raises
    ------
    InputError
        If a name is unknown, does not exist for this number of dimensions, or needs an intensity image.
    """
    possible = tuple(
        item
        for item in PROPERTIES
        if n_dimensions in item.dimensions and (with_intensity or item.family != "intensity")
    )
    if names is None:
        return possible
    unknown = sorted(set(names) - {item.key for item in possible})
    if unknown:
        keys = ", ".join(dict.fromkeys(item.key for item in possible))
        raise InputError(
            f"properties {', '.join(map(repr, unknown))} cannot be measured here ({n_dimensions}D, "
            f"{'with' if with_intensity else 'without'} an intensity image); possible are: {keys}"
        )
    return tuple(item for item in possible if item.key in {*names, "label"})


def columns_of(
    properties: Sequence[Property], *, axes: str, channels: Sequence[str], calibrated: bool
) -> tuple[Column, ...]:
    """Spell out the columns that some properties give for an image.

    Parameters
    ----------
    properties
        Properties, in the order wanted.
    axes
        ``"yx"`` or ``"zyx"``.
    channels
        Names of the channels; empty for an intensity image without channels. One that has no name or shares
        it with another gets its number after it, such as ``DNA-0`` and ``DNA-2``.
    calibrated
        Whether sizes are in µm.

    Returns
    -------
    tuple of Column
        Channel by channel for intensities.
    """
    length = "µm" if calibrated else "px"
    size = {2: "µm²", 3: "µm³"}[len(axes)] if calibrated else "px"
    units = {"none": "", "pixel": "px", "length": length, "size": size, "intensity": "grey value"}
    columns: list[Column] = []
    for item in properties:
        if "{axis}" in item.name:
            for position, axis in enumerate(axes):
                name, meaning = item.name.format(axis=axis), item.meaning.format(axis=axis)
                columns.append(Column(name, units[item.kind], meaning, item.dtype, item, axis=position))
        elif item.family != "intensity":
            columns.append(Column(item.name, units[item.kind], item.meaning, item.dtype, item))
    intensities = [item for item in properties if item.family == "intensity"]
    for position, channel in enumerate(_told_apart(channels) or ("",)):
        for item in intensities:
            name = f"{item.name}-{channel}" if channel else item.name
            meaning = f"{item.meaning}, channel {channel}" if channel else item.meaning
            columns.append(Column(name, units[item.kind], meaning, item.dtype, item, channel=position))
    return tuple(columns)


def _told_apart(channels: Sequence[str]) -> list[str]:
    """Give channels names that differ: two channels of one name would be one column."""
    told: list[str] = []
    for position, name in enumerate(channels):
        own = name if name and channels.count(name) == 1 else f"{name or 'channel'}-{position}"
        while own in told or (own != name and own in channels):
            own = f"{own}-{position}"
        told.append(own)
    return told


def markdown() -> str:
    """Give the properties as a Markdown table, for the documentation.

    Returns
    -------
    str
        Header and one line per property.
    """
    units = {
        "none": "–",
        "pixel": "px",
        "length": "µm, or px",
        "size": "µm², or px",
        "intensity": "grey value",
    }
    lines = [
        "| column | unit (calibrated, or not) | meaning | `regionprops_table` | for |",
        "| --- | --- | --- | --- | --- |",
    ]
    for item in PROPERTIES:
        name = item.name.replace("{axis}", "y") if "{axis}" in item.name else item.name
        also = f"`{name}`, `{name.replace('-y', '-x')}`" if "{axis}" in item.name else f"`{name}`"
        suffix = " (with channels: `" + item.name + "-CHANNEL`)" if item.family == "intensity" else ""
        meaning = item.meaning.replace("{axis}", "y, x or z")
        peer = f"`{item.skimage}`" if item.skimage else "none"
        dims = " and ".join(f"{d}D" for d in item.dimensions)
        unit = units[item.kind].replace("²", "³") if item.dimensions == (3,) else units[item.kind]
        lines.append(f"| {also}{suffix} | {unit} | {meaning} | {peer} | {dims} |")
    return "\n".join(lines) + "\n"
