"""Lower resolutions of an image beside it, so that a viewer can open an image of any size at once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.io.atomic import atomic_path

__all__ = ["halve", "level_shapes", "pyramid_attributes", "write_pyramid"]

_CHUNK = 1024
_SMALLEST = 512
_COLOURS = ("FF0000", "00FF00", "0000FF", "FF00FF", "00FFFF", "FFFF00", "FFFFFF")


def level_shapes(shape: Sequence[int], axes: str) -> list[tuple[int, ...]]:
    """Give the shapes of all resolutions.

    Parameters
    ----------
    shape
        Of the full resolution.
    axes
        Of the image, such as ``tczyx``.

    Returns
    -------
    list of tuple of int
        The full resolution first; y and x are halved, rounded up, until both are 512 at most.
    """
    found = [tuple(shape)]
    sides = [axes.index("y"), axes.index("x")]
    while max(found[-1][side] for side in sides) > _SMALLEST:
        found.append(tuple(-(-size // 2) if axis in sides else size for axis, size in enumerate(found[-1])))
    return found


def halve(block: NDArray[Any], *, is_labels: bool) -> NDArray[Any]:
    """Halve the last two axes.

    Parameters
    ----------
    block
        Axes …, y, x.
    is_labels
        Whether values are labels: every second pixel is kept then. Otherwise 2 × 2 pixels are averaged,
        integers rounded; a single row or column at the end counts twice.

    Returns
    -------
    numpy.ndarray
        Half the size, rounded up, of the same dtype.
    """
    if is_labels:
        return block[..., ::2, ::2]
    height, width = block.shape[-2:]
    if height % 2 or width % 2:
        padding = [(0, 0)] * (block.ndim - 2) + [(0, height % 2), (0, width % 2)]
        block = np.pad(block, padding, mode="edge")
    corners = [block[..., y::2, x::2] for y in (0, 1) for x in (0, 1)]
    if block.dtype.kind in "ui" and block.dtype.itemsize <= 2:
        total = sum(corner.astype(np.int32) for corner in corners)
        return np.asarray((total + 2) >> 2).astype(block.dtype)
    mean = sum(corner.astype(np.float64) for corner in corners) / 4
    return np.asarray(np.rint(mean) if block.dtype.kind in "ui" else mean).astype(block.dtype)


def pyramid_attributes(
    name: str,
    axes: str,
    spacing: Mapping[str, float] | None,
    shapes: Sequence[Sequence[int]],
    channels: Sequence[str] = (),
    *,
    is_labels: bool = False,
) -> dict[str, Any]:
    """Give the metadata of OME-Zarr 0.5 for an image of several resolutions.

    Parameters
    ----------
    name
        Of the image.
    axes
        Such as ``cyx``.
    spacing
        Pixel size of the full resolution in µm by axis; None or missing axes: no unit and scale 1.
    shapes
        From `level_shapes`.
    channels
        Names.
    is_labels
        Whether it is a label image.

    Returns
    -------
    dict
        To be put under ``ome``.
    """
    kinds = {"t": "time", "c": "channel"}
    sizes = dict(spacing or {})
    entries = [
        {"name": letter, "type": kinds.get(letter, "space")}
        | ({"unit": "micrometer"} if letter in sizes else {})
        for letter in axes
    ]
    datasets = []
    for level in range(len(shapes)):
        scale = [sizes.get(letter, 1.0) * (2**level if letter in "yx" else 1) for letter in axes]
        transformation = {"type": "scale", "scale": scale}
        datasets.append({"path": str(level), "coordinateTransformations": [transformation]})
    attributes: dict[str, Any] = {
        "version": "0.5",
        "multiscales": [{"name": name, "axes": entries, "datasets": datasets}],
    }
    if channels:
        attributes["omero"] = {
            "channels": [
                {"label": label, "color": _COLOURS[index % len(_COLOURS)], "active": True}
                for index, label in enumerate(channels)
            ]
        }
    if is_labels:
        attributes["image-label"] = {}
    return attributes


def write_pyramid(
    target: Path,
    read: Callable[[tuple[slice, ...]], NDArray[Any]],
    shape: Sequence[int],
    dtype: np.dtype[Any],
    axes: str,
    attributes: Mapping[str, Any],
    *,
    with_full: bool,
    is_labels: bool = False,
) -> None:
    """Write the resolutions of an image as one OME-Zarr 0.5 folder, in little memory.

    Parameters
    ----------
    target
        Folder to write; appears when it is complete.
    read
        Gives a part of the full resolution, one slice per axis.
    shape, dtype, axes
        Of the full resolution; y and x are its last axes.
    attributes
        From `pyramid_attributes`.
    with_full
        Whether the full resolution is written too; otherwise the folder lacks the array ``0``.
    is_labels
        As for `halve`.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    shapes = level_shapes(shape, axes)
    with atomic_path(target) as temporary:
        temporary.mkdir()
        group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": dict(attributes)}}
        (temporary / "zarr.json").write_text(json.dumps(group, indent=1), encoding="utf-8")
        if with_full:
            full = _new_array(temporary / "0", shapes[0], dtype, axes)
            for part in _parts(shapes[0], _CHUNK):
                full[part] = read(part)
        for level in range(1, len(shapes)):
            array = _new_array(temporary / str(level), shapes[level], dtype, axes)
            for part in _parts(shapes[level], _CHUNK):
                above = tuple(
                    slice(2 * side.start, min(2 * side.stop, length)) if axis >= len(axes) - 2 else side
                    for axis, (side, length) in enumerate(zip(part, shapes[level - 1], strict=True))
                )
                array[part] = halve(read(above), is_labels=is_labels)
            read = array.__getitem__


def _new_array(path: Path, shape: Sequence[int], dtype: np.dtype[Any], axes: str) -> Any:
    import zarr
    from zarr.codecs import BloscCodec

    chunks = tuple(
        min(size, _CHUNK) if letter in "yx" else 1 for size, letter in zip(shape, axes, strict=True)
    )
    return zarr.create_array(
        str(path),
        shape=tuple(shape),
        dtype=dtype,
        chunks=chunks,
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=dtype.itemsize),
        fill_value=0,
        dimension_names=list(axes),
        zarr_format=3,
        config={"write_empty_chunks": True},
    )


def _parts(shape: Sequence[int], side: int) -> list[tuple[slice, ...]]:
    """Cut into single planes of at most side × side pixels."""
    steps = [*(1 for _ in shape[:-2]), side, side]
    ranges = [
        [slice(at, min(at + step, size)) for at in range(0, size, step)]
        for size, step in zip(shape, steps, strict=True)
    ]
    return list(itertools.product(*ranges))
