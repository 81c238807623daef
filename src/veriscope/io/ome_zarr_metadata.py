"""The metadata of OME-Zarr 0.4 (Zarr 2) and 0.5 (Zarr 3), read from their JSON files by ourselves."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.errors import UnreadableFileError
from veriscope.io.units import micrometres_per, seconds_per

__all__ = ["ZarrLevel", "ZarrMultiscale", "read_attributes", "read_multiscale"]

VERSIONS = ("0.4", "0.5")


@dataclass(frozen=True, slots=True)
class ZarrLevel:
    """One resolution.

    Parameters
    ----------
    path
        Folder of the array.
    shape, dtype
        Of the array.
    spacing
        Pixel size in µm of the axes with a unit of length.
    is_blosc
        Whether each file of the array is one chunk compressed by Blosc.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    spacing: dict[str, float]
    is_blosc: bool


@dataclass(frozen=True, slots=True)
class ZarrMultiscale:
    """One multi-resolution image.

    Parameters
    ----------
    version
        Of OME-Zarr.
    name
        In the metadata, or empty.
    axes
        Letters of the axes; ``?`` for an axis that is none of ours.
    levels
        The full resolution first.
    channels
        Names, or none.
    time_step
        Seconds between time points, if stated.
    notes
        Metadata that were ignored, and why.
    """

    version: str
    name: str
    axes: str
    levels: tuple[ZarrLevel, ...]
    channels: tuple[str, ...]
    time_step: float | None
    notes: tuple[str, ...] = ()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UnreadableFileError(
            f"{path}: is not valid JSON ({error}); copy the OME-Zarr folder again"
        ) from error
    if not isinstance(content, dict):
        raise UnreadableFileError(f"{path}: must be a JSON object; copy the OME-Zarr folder again")
    return content


def read_attributes(folder: Path) -> dict[str, Any]:
    """Give the OME attributes of a Zarr group of either version.

    Parameters
    ----------
    folder
        Folder of the group.

    Returns
    -------
    dict
        Content of ``attributes.ome`` in ``zarr.json``, or of ``.zattrs``; empty if there is none.

    Raises
    ------
    UnreadableFileError
        If the JSON is broken.
    """
    if (folder / "zarr.json").is_file():
        attributes = _read_json(folder / "zarr.json").get("attributes", {})
        ome = attributes.get("ome", {}) if isinstance(attributes, dict) else {}
        return dict(ome) if isinstance(ome, dict) else {}
    if (folder / ".zattrs").is_file():
        return _read_json(folder / ".zattrs")
    return {}


def read_multiscale(folder: Path) -> ZarrMultiscale:
    """Read what a multiscale image says of itself.

    Parameters
    ----------
    folder
        Folder of its group.

    Returns
    -------
    ZarrMultiscale
        The first multiscale of the group.

    Raises
    ------
    UnreadableFileError
        If metadata or arrays are missing or of another version.
    """
    attributes = read_attributes(folder)
    try:
        multiscale = attributes["multiscales"][0]
        version = str(attributes.get("version") or multiscale.get("version") or "0.4")
        if version not in VERSIONS:
            raise UnreadableFileError(
                f"{folder}: is OME-Zarr {version}; versions {' and '.join(VERSIONS)} are read: convert it, "
                "for example with ngff-zarr or bioformats2raw"
            )
        entries = multiscale["axes"]
        names = [str(entry["name"]).lower() for entry in entries]
        if len(set(names)) < len(names):
            raise ValueError(f"an axis stands twice in {', '.join(names)}")
        units = [str(entry.get("unit", "")) for entry in entries]
        outer = _scale(multiscale.get("coordinateTransformations", ()), len(names))
        levels = tuple(_level(folder, dataset, names, units, outer) for dataset in multiscale["datasets"])
        if not levels:
            raise KeyError("datasets")
        first = multiscale["datasets"][0]
        time_step = _time_step(first, names, units, outer)
        sizes = _stated_sizes(first, names, units, outer)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, UnreadableFileError):
            raise
        raise UnreadableFileError(
            f"{folder}: its OME-Zarr metadata are incomplete or wrong ({type(error).__name__}: {error}); "
            "write it again with the program it comes from"
        ) from error
    axes = "".join(name if name in tuple("tczyx") else "?" for name in names)
    name = str(multiscale.get("name") or "")
    notes = tuple(
        f"the pixel size of {value:g} µm along {letter} is none and is ignored"
        for letter, value in sizes.items()
        if not _is_size(value)
    )
    return ZarrMultiscale(version, name, axes, levels, _channels(attributes), time_step, notes)


def _scale(transformations: Sequence[Mapping[str, Any]], ndim: int) -> list[float]:
    scale = [1.0] * ndim
    for transformation in transformations:
        if transformation["type"] == "scale":
            given = [float(value) for value in transformation["scale"]]
            if len(given) != ndim:
                raise ValueError(f"a scale of {len(given)} numbers for {ndim} axes")
            scale = [a * b for a, b in zip(scale, given, strict=True)]
    return scale


def _level(
    folder: Path, dataset: Mapping[str, Any], names: list[str], units: list[str], outer: list[float]
) -> ZarrLevel:
    path = (folder / str(dataset["path"])).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"the dataset {dataset['path']!r} lies outside the folder")
    shape, dtype, is_blosc = _array(path)
    if len(shape) != len(names):
        raise ValueError(f"{len(names)} axes for an array of {len(shape)} dimensions")
    stated = _stated_sizes(dataset, names, units, outer)
    return ZarrLevel(path, shape, dtype, {k: v for k, v in stated.items() if _is_size(v)}, is_blosc)


def _stated_sizes(
    dataset: Mapping[str, Any], names: list[str], units: list[str], outer: list[float]
) -> dict[str, float]:
    """Pixel size in µm by axis, as it stands there."""
    scale = _scale(dataset["coordinateTransformations"], len(names))
    return {
        name: value * whole * factor
        for name, value, whole, unit in zip(names, scale, outer, units, strict=True)
        if name in tuple("zyx") and (factor := micrometres_per(unit)) is not None
    }


def _is_size(value: float) -> bool:
    return math.isfinite(value) and value > 0


def _array(path: Path) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Shape and type of an array, and whether its files are Blosc chunks, from its own JSON."""
    if (path / "zarr.json").is_file():
        content = _read_json(path / "zarr.json")
        kind = content["data_type"]
        is_blosc = content["codecs"][-1]["name"] == "blosc"
    elif (path / ".zarray").is_file():
        content = _read_json(path / ".zarray")
        kind = content["dtype"]
        is_blosc = (content.get("compressor") or {}).get("id") == "blosc"
    else:
        raise UnreadableFileError(f"{path}: the array is missing; copy the whole OME-Zarr folder again")
    return tuple(int(size) for size in content["shape"]), np.dtype(kind).newbyteorder("="), is_blosc


def _time_step(
    dataset: Mapping[str, Any], names: list[str], units: list[str], outer: list[float]
) -> float | None:
    if "t" not in names:
        return None
    index = names.index("t")
    factor = seconds_per(units[index]) or math.nan
    step = _scale(dataset["coordinateTransformations"], len(names))[index] * outer[index] * factor
    return step if _is_size(step) else None


def _channels(attributes: Mapping[str, Any]) -> tuple[str, ...]:
    omero = attributes.get("omero")
    channels = omero.get("channels") if isinstance(omero, dict) else None
    if not isinstance(channels, list):
        return ()
    return tuple(str(channel.get("label") or "") if isinstance(channel, dict) else "" for channel in channels)
