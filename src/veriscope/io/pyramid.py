"""Lower resolutions of an image beside it, so that a viewer can open an image of any size at once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.io.atomic import atomic_path
from veriscope.io.zarr_tasks import tasks_ended

__all__ = [
    "Making",
    "Read",
    "halve",
    "level_shapes",
    "new_level",
    "put_block",
    "pyramid_attributes",
    "write_pyramid",
]

Read = Callable[[tuple[slice, ...]], NDArray[Any]]
"""Gives a part of a resolution, one slice per axis."""

_CHUNK = 1024
_BLOCK_BYTES = 32 << 20
_SMALLEST = 512
_COLOURS = ("FF0000", "00FF00", "0000FF", "FF00FF", "00FFFF", "FFFF00", "FFFFFF")


def level_shapes(
    shape: Sequence[int], axes: str, present: Mapping[int, Sequence[int]] | None = None
) -> list[tuple[int, ...]]:
    """Give the shapes of all resolutions.

    Parameters
    ----------
    shape
        Of the full resolution.
    axes
        Of the image, such as ``tczyx``.
    present
        Shapes of resolutions that are there already, which may have been rounded otherwise.

    Returns
    -------
    list of tuple of int
        The full resolution first; y and x are halved, rounded up, until both are 512 at most.
    """
    found = [tuple(shape)]
    sides = [axes.index("y"), axes.index("x")]
    while max(found[-1][side] for side in sides) > _SMALLEST:
        halved = tuple(-(-size // 2) if axis in sides else size for axis, size in enumerate(found[-1]))
        found.append(tuple((present or {}).get(len(found), halved)))
    return found


def halve(block: NDArray[Any], *, is_labels: bool) -> NDArray[Any]:
    """Halve the last two axes.

    Parameters
    ----------
    block
        Axes …, y, x.
    is_labels
        Whether values are labels: every second pixel is kept then. Otherwise 2 × 2 pixels are averaged,
        integers and true/false rounded, halves up; a single row or column at the end counts twice.

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
    if block.dtype.kind in "ui" and block.dtype.itemsize <= 2:
        rows = np.add(block[..., ::2, :], block[..., 1::2, :], dtype=np.int32)
        return np.asarray((rows[..., ::2] + rows[..., 1::2] + 2) >> 2).astype(block.dtype)
    if block.dtype.kind == "b":
        return halve(block.view(np.uint8), is_labels=False).astype(bool)
    corners = [block[..., y::2, x::2] for y in (0, 1) for x in (0, 1)]
    if block.dtype.kind in "ui":  # in whole numbers: fractions do not hold all of those of 64 bits
        whole, rest = (sum(part) for part in ([c >> 2 for c in corners], [c & 3 for c in corners]))
        return np.asarray(whole + ((rest + 2) >> 2)).astype(block.dtype)
    # Quartered before they are added: the sum of four of the largest numbers is none. NaN stays where it was.
    with np.errstate(invalid="ignore"):
        mean = sum(corner.astype(np.float64) / 4 for corner in corners)
    return np.asarray(mean).astype(block.dtype)


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
        transformations: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
        if level and not is_labels:
            # A mean of 2 × 2 pixels lies between their centres; a label lies where the first of them does.
            pixels = (2**level - 1) / 2
            shift = [sizes.get(letter, 1.0) * pixels if letter in "yx" else 0.0 for letter in axes]
            transformations.append({"type": "translation", "translation": shift})
        datasets.append({"path": str(level), "coordinateTransformations": transformations})
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


@dataclass(frozen=True, slots=True)
class Making:
    """What there is to make the resolutions of an image from, and who is told of it.

    Parameters
    ----------
    read
        The full resolution.
    shapes
        From `level_shapes`.
    dtype, axes
        Of the image; y and x are the last axes.
    attributes
        From `pyramid_attributes`.
    present
        Resolutions above 0 that are not written, because they are there already.
    alike
        Resolutions that are taken, pixel by pixel, from an array of about their size and its shape.
    with_full
        Whether the full resolution is written too; otherwise the folder lacks the array ``0``.
    is_labels
        As for `halve`.
    begun
        Told the folder in which arrays grow, which is renamed at the end.
    told
        Told how much is done, 0 to 1, after every block.
    """

    read: Read
    shapes: Sequence[tuple[int, ...]]
    dtype: np.dtype[Any]
    axes: str
    attributes: Mapping[str, Any]
    present: Mapping[int, Read] = field(default_factory=dict)
    alike: Mapping[int, tuple[Read, tuple[int, ...]]] = field(default_factory=dict)
    with_full: bool = False
    is_labels: bool = False
    begun: Callable[[Path], None] = lambda _: None
    told: Callable[[float], None] = lambda _: None


def write_pyramid(target: Path, making: Making) -> None:
    """Write the resolutions of an image as one OME-Zarr 0.5 folder, in little memory.

    The coarsest come first. Each block of an image goes through all resolutions that are made of it before
    the next is read, in an order that is scattered over the image: half way there is a picture of half of it.

    Parameters
    ----------
    target
        Folder to write; appears when it is complete.
    making
        What there is, and what is wanted.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    group = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": dict(making.attributes)}}
    runs = _runs(making)
    total = sum(_pixels(making.shapes[run[0]]) for run in runs) or 1
    with atomic_path(target) as temporary, tasks_ended():
        temporary.mkdir()
        (temporary / "zarr.json").write_text(json.dumps(group, indent=1), encoding="utf-8")
        arrays = {
            level: new_level(temporary / str(level), making.shapes[level], making.dtype, making.axes)
            for level in {*itertools.chain(*runs), *making.alike} - set(making.present) - {0}
        }
        if making.with_full:
            arrays[0] = new_level(temporary / "0", making.shapes[0], making.dtype, making.axes)
        making.begun(temporary)
        for level, (read, shape) in sorted(making.alike.items(), reverse=True):
            for part in _parts(making.shapes[level], _CHUNK):
                arrays[level][part] = _nearest(read, part, making.shapes[level], shape)
        done = 0
        for run in runs:
            read = making.present.get(run[0]) or (making.read if run[0] == 0 else arrays[run[0]].__getitem__)
            for part in _scattered(making.shapes[run[0]], making.dtype):
                block = read(part)
                done += block.size
                put_block(block, part, run, arrays, is_labels=making.is_labels)
                making.told(min(1.0, done / total))


def _runs(making: Making) -> list[range]:
    """Levels of which the first is there and gives the others; the coarsest first."""
    there = {0, *making.present, *making.alike}
    starts = sorted(there)
    ends = [*starts[1:], len(making.shapes)]
    found = [range(start, end) for start, end in zip(starts, ends, strict=True) if start < len(making.shapes)]
    return [run for run in reversed(found) if len(run) > 1 or (making.with_full and run[0] == 0)]


def put_block(
    block: NDArray[Any], part: tuple[slice, ...], run: range, arrays: Mapping[int, Any], *, is_labels: bool
) -> None:
    """Write a block of a resolution, and what is halved from it.

    Parameters
    ----------
    block
        Pixels; y and x are the last axes.
    part
        Where they lie in the first resolution of `run`.
    run
        Resolutions that are made of it: the first one is that of the block, and is written only if it is the
        full one.
    arrays
        Arrays by resolution, open for writing.
    is_labels
        As for `halve`.
    """
    if run[0] == 0 and 0 in arrays:
        arrays[0][part] = block
    for level in run[1:]:
        block = halve(block, is_labels=is_labels)
        corner = [side.start >> (level - run[0]) for side in part[-2:]]
        sides = (slice(at, at + size) for at, size in zip(corner, block.shape[-2:], strict=True))
        arrays[level][(*part[:-2], *sides)] = block


def _nearest(
    read: Read, part: tuple[slice, ...], wanted: Sequence[int], there: Sequence[int]
) -> NDArray[Any]:
    """Take a part of a resolution from an array of another size, the nearest pixel for each."""
    places = [
        np.minimum((np.arange(side.start, side.stop) + 0.5) * have / need, have - 1).astype(int)
        for side, need, have in zip(part[-2:], wanted[-2:], there[-2:], strict=True)
    ]
    window = tuple(slice(int(at[0]), int(at[-1]) + 1) for at in places)
    rows, columns = (at - at[0] for at in places)
    return read((*part[:-2], *window))[..., rows[:, None], columns]


def _pixels(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _scattered(shape: Sequence[int], dtype: np.dtype[Any]) -> list[tuple[slice, ...]]:
    """Cut into blocks that can be halved many times, in an order that is the same every time."""
    side = _CHUNK
    while side < 4 * _CHUNK and (2 * side) ** 2 * dtype.itemsize <= _BLOCK_BYTES:
        side *= 2
    parts = _parts(shape, side)
    return [parts[at] for at in np.random.default_rng(0).permutation(len(parts))]


def new_level(path: Path, shape: Sequence[int], dtype: np.dtype[Any], axes: str) -> Any:
    """Make the array of a resolution, without pixels.

    Parameters
    ----------
    path
        Folder to make.
    shape, dtype, axes
        Of the resolution.

    Returns
    -------
    zarr.Array
        Zarr 3, open for writing, chunks of at most 1024 × 1024 pixels.
    """
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
