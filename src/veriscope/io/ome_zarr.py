"""Writing images and label images as OME-Zarr, 0.5 (Zarr 3) or 0.4 (Zarr 2).

The same pixels and metadata give the same bytes on disk, whole folders appear at once, and every
chunk is stored, also an empty one, so that a missing file always means an incomplete copy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from veriscope.core.axes import check_axes, check_spacing
from veriscope.core.image import Image
from veriscope.core.labels import check_labels, smallest_label_dtype
from veriscope.errors import AxesError
from veriscope.io.atomic import atomic_path
from veriscope.io.zarr_files import write_plain_array
from veriscope.io.zarr_tasks import tasks_ended

__all__ = [
    "Version",
    "channel_attributes",
    "create_array",
    "image_attributes",
    "label_attributes",
    "stem_of",
    "write_labels_zarr",
    "write_ome_zarr",
]

Version = Literal["0.4", "0.5"]
_CHUNK = 1024
_SHARD_ABOVE = 64 << 20
_SHARD_CHUNKS = 4  # per axis y and x; shards hold 16 chunks, and up to 16 planes
_SHARD_PLANES = 16
_LEVEL = 5


def write_ome_zarr(path: str | Path, image: Image, *, version: Version = "0.5") -> None:
    """Write an image as OME-Zarr, one resolution.

    Parameters
    ----------
    path
        Folder to write, ending ``.zarr``; replaced as a whole if it exists.
    image
        Any image. Without spacing the axes get no unit and scale 1, which readers take as
        uncalibrated.
    version
        Of OME-Zarr. 0.5 puts chunks together in shards where the array is larger than 64 MiB.

    Raises
    ------
    AxesError
        If the path does not end in ``.zarr``.
    InputError
        If the folder cannot be written.
    """
    attributes = _multiscales(stem_of(path), image.axes, image.spacing, version)
    if image.channels:
        attributes |= channel_attributes(image.channels)
    _write(Path(path), image.pixels, image.axes, attributes, version)


def write_labels_zarr(
    path: str | Path,
    labels: NDArray[Any],
    *,
    axes: str | None = None,
    spacing: Mapping[str, float] | None = None,
    version: Version = "0.5",
) -> None:
    """Write a label image as OME-Zarr with the ``image-label`` mark.

    Parameters
    ----------
    path
        Folder to write, ending ``.zarr``; replaced as a whole if it exists.
    labels
        Label image; stored as uint16, or uint32 above 65,535.
    axes
        Of the labels; None: ``"yx"`` or ``"zyx"`` by their number of dimensions.
    spacing
        Pixel size in µm of the spatial axes, or None.
    version
        Of OME-Zarr.

    Raises
    ------
    AxesError
        If axes or spacing do not fit, or the path does not end in ``.zarr``.
    PixelValueError
        If the array is no label image.
    InputError
        If the folder cannot be written.
    """
    where = str(path)
    axes = check_axes(axes or "zyx"[-labels.ndim :], labels.ndim, where=where)
    labels = check_labels(labels, where=where)
    spacing = check_spacing(spacing, axes, where=where)
    attributes = label_attributes(path, axes, spacing, version=version)
    top = int(labels.max()) if labels.size else 0
    _write(Path(path), labels.astype(smallest_label_dtype(top)), axes, attributes, version)


def label_attributes(
    path: str | Path, axes: str, spacing: Mapping[str, float] | None, *, version: Version = "0.5"
) -> dict[str, Any]:
    """Give the OME metadata of a label image.

    Parameters
    ----------
    path
        Its folder, ending ``.zarr``.
    axes, spacing
        Of the image, spacing in µm or None.
    version
        Of OME-Zarr.

    Returns
    -------
    dict
        ``multiscales`` and ``image-label``.

    Raises
    ------
    AxesError
        If the path does not end in ``.zarr``.
    """
    attributes = image_attributes(path, axes, spacing, version=version)
    attributes["image-label"] = {"version": version} if version == "0.4" else {}
    return attributes


def image_attributes(
    path: str | Path, axes: str, spacing: Mapping[str, float] | None, *, version: Version = "0.5"
) -> dict[str, Any]:
    """Give the OME metadata of an image without channels.

    Parameters
    ----------
    path
        Its folder, ending ``.zarr``.
    axes, spacing
        Of the image, spacing in µm or None.
    version
        Of OME-Zarr.

    Returns
    -------
    dict
        ``multiscales``.

    Raises
    ------
    AxesError
        If the path does not end in ``.zarr``.
    """
    return _multiscales(stem_of(path), axes, spacing, version)


def channel_attributes(channels: Sequence[str]) -> dict[str, Any]:
    """Give the OME metadata of channels.

    Parameters
    ----------
    channels
        Their names, in the order of axis ``c``.

    Returns
    -------
    dict
        ``omero``.
    """
    return {"omero": {"channels": [_channel(name, index) for index, name in enumerate(channels)]}}


def stem_of(path: str | Path) -> str:
    """Give the name of an OME-Zarr folder without its ending.

    Parameters
    ----------
    path
        The folder, ending ``.zarr``.

    Returns
    -------
    str
        Its name in the metadata.

    Raises
    ------
    AxesError
        If the path does not end in ``.zarr``.
    """
    name = Path(path).name
    if not name.endswith(".zarr"):
        raise AxesError(f"{path}: an OME-Zarr folder must end in .ome.zarr or .zarr")
    return name.removesuffix(".zarr").removesuffix(".ome")


def _channel(name: str, index: int) -> dict[str, Any]:
    colours = ("FF0000", "00FF00", "0000FF", "FF00FF", "00FFFF", "FFFF00", "FFFFFF")
    return {"label": name, "color": colours[index % len(colours)], "active": True}


def _multiscales(
    name: str, axes: str, spacing: Mapping[str, float] | None, version: Version
) -> dict[str, Any]:
    kinds = {"t": "time", "c": "channel"}
    entries = []
    for letter in axes:
        entry = {"name": letter, "type": kinds.get(letter, "space")}
        if spacing and letter in spacing:
            entry["unit"] = "micrometer"
        entries.append(entry)
    scale = [float(spacing.get(letter, 1.0)) if spacing else 1.0 for letter in axes]
    transformation = {"type": "scale", "scale": scale}
    multiscale: dict[str, Any] = {
        "name": name,
        "axes": entries,
        "datasets": [{"path": "0", "coordinateTransformations": [transformation]}],
    }
    if version == "0.4":
        return {"multiscales": [{"version": "0.4", **multiscale}]}
    return {"version": "0.5", "multiscales": [multiscale]}


def _write(path: Path, pixels: NDArray[Any], axes: str, attributes: dict[str, Any], version: Version) -> None:
    pixels = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
    with atomic_path(path) as temporary, tasks_ended():
        if version == "0.5" and pixels.nbytes <= _SHARD_ABOVE:
            write_plain_array(
                temporary,
                pixels,
                _chunks(pixels.shape, axes),
                group_attributes={"ome": attributes},
                dimension_names=axes,
            )
            return
        create_array(temporary, pixels.shape, pixels.dtype, axes, attributes, version=version)[...] = pixels


def _chunks(shape: tuple[int, ...], axes: str) -> tuple[int, ...]:
    return tuple(min(size, _CHUNK) if letter in "yx" else 1 for size, letter in zip(shape, axes, strict=True))


def create_array(
    path: Path,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    axes: str,
    attributes: dict[str, Any],
    *,
    version: Version = "0.5",
    small_shards: bool = False,
) -> Any:
    """Make an OME-Zarr folder of one resolution without pixels.

    Parameters
    ----------
    path
        Folder to make.
    shape, dtype, axes
        Of the image; native byte order.
    attributes
        OME metadata.
    version
        Of OME-Zarr.
    small_shards
        Put only 2 × 2 chunks together, for arrays that are written shard by shard in little memory.

    Returns
    -------
    zarr.Array
        Open for writing; chunks of 1024 pixels along y and x, in 0.5 put together in shards where
        the array is larger than 64 MiB.
    """
    import zarr
    from numcodecs import Blosc  # type: ignore[import-untyped]
    from zarr.codecs import BloscCodec

    chunks = _chunks(shape, axes)
    options: dict[str, Any] = {
        "name": "0",
        "shape": shape,
        "dtype": dtype,
        "chunks": chunks,
        "fill_value": 0,
        "config": {"write_empty_chunks": True},
    }
    if version == "0.4":
        group = zarr.open_group(str(path), mode="w", zarr_format=2, attributes=attributes)
        return group.create_array(
            compressors=Blosc(cname="zstd", clevel=_LEVEL, shuffle=Blosc.SHUFFLE),
            chunk_key_encoding={"name": "v2", "separator": "/"},
            **options,
        )
    group = zarr.open_group(str(path), mode="w", zarr_format=3, attributes={"ome": attributes})
    codec = BloscCodec(cname="zstd", clevel=_LEVEL, shuffle="shuffle", typesize=dtype.itemsize)
    n_bytes = math.prod(shape) * dtype.itemsize
    return group.create_array(
        compressors=codec,
        shards=_shards(n_bytes, shape, chunks, axes, small=small_shards),
        dimension_names=list(axes),
        **options,
    )


def _shards(
    n_bytes: int, shape: tuple[int, ...], chunks: tuple[int, ...], axes: str, *, small: bool
) -> tuple[int, ...] | None:
    """Shape of a shard, whole chunks in each axis; None where there would be few files anyway."""
    if n_bytes <= _SHARD_ABOVE:
        return None
    per_axis = {"y": _SHARD_CHUNKS, "x": _SHARD_CHUNKS, "z": _SHARD_PLANES}
    if small:
        per_axis = {"y": 2, "x": 2}
    return tuple(
        chunk * min(per_axis.get(letter, 1), -(-size // chunk))
        for chunk, size, letter in zip(chunks, shape, axes, strict=True)
    )
