"""LIF, DV and CZI files of any layout, written by hand or by the maker's package."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

LIF_DIMENSIONS = {"X": 1, "Y": 2, "Z": 3, "T": 4, "λ": 5, "A": 6, "Λ": 9, "M": 10, "L": 11}


def noise(shape: tuple[int, ...], kind: str = "u2", seed: int = 0) -> NDArray[Any]:
    """Pixels above 0, no two planes of which are alike."""
    return np.random.default_rng(seed).integers(1, 250, shape).astype(kind)


@dataclass(frozen=True)
class LifPicture:
    """One image of a LIF file.

    `axes` are as stored, slowest first, with C for channels and S for colours; `lengths` from the first
    element to the last, in metres or seconds; `tags` of the colours, 1 to 3 being red, green and blue;
    `content` in the place of the pixels, and `strides` in the place of theirs, for what is damaged or padded.
    """

    name: str
    pixels: NDArray[Any]
    axes: str
    lengths: dict[str, float] = field(default_factory=dict)
    origins: dict[str, float] = field(default_factory=dict)
    luts: Sequence[str] = ()
    dyes: Sequence[str] = ()
    tags: Sequence[int] = ()
    content: bytes | None = None
    strides: dict[str, int] = field(default_factory=dict)
    is_flim: bool = False


def write_lif(path: Path, pictures: Iterable[LifPicture], version: int = 2) -> Path:
    """Write a LIF file: a header in XML, then the pixels of each image in a block of its own."""
    root = ElementTree.Element("LMSDataContainerHeader", Version=str(version))
    children = ElementTree.SubElement(ElementTree.SubElement(root, "Element", Name="experiment"), "Children")
    blocks = b""
    for number, picture in enumerate(pictures):
        content = picture.pixels.tobytes() if picture.content is None else picture.content
        element = ElementTree.SubElement(children, "Element", Name=picture.name)
        data = ElementTree.SubElement(element, "Data")
        if picture.is_flim:
            ElementTree.SubElement(data, "SingleMoleculeDetection", IsImage="true")
        else:
            image = ElementTree.SubElement(data, "Image")
            _describe(ElementTree.SubElement(image, "ImageDescription"), picture)
        block = f"MemBlock_{number}"
        ElementTree.SubElement(element, "Memory", Size=str(len(content)), MemoryBlockID=block)
        layout = "<IIBQBI" if version == 2 else "<IIBIBI"
        blocks += struct.pack(layout, 0x70, 0, 0x2A, len(content), 0x2A, len(block))
        blocks += block.encode("utf-16-le") + content
    text = ElementTree.tostring(root, "unicode").encode("utf-16-le")
    path.write_bytes(struct.pack("<IIBI", 0x70, len(text) + 5, 0x2A, len(text) // 2) + text + blocks)
    return path


def _describe(description: ElementTree.Element, picture: LifPicture) -> None:
    """Write channels and dimensions of an image, as the microscope does."""
    sizes = dict(zip(picture.axes, picture.pixels.shape, strict=True))
    strides = dict(zip(picture.axes, picture.pixels.strides, strict=True)) | picture.strides
    places = np.add.outer(
        np.arange(sizes.get("C", 1)) * strides.get("C", 0), np.arange(sizes.get("S", 1)) * strides.get("S", 0)
    )
    channels = ElementTree.SubElement(description, "Channels")
    for i, place in enumerate(places.ravel()):
        one = ElementTree.SubElement(
            channels,
            "ChannelDescription",
            DataType=str(int(picture.pixels.dtype.kind == "f")),
            ChannelTag=str(picture.tags[i] if picture.tags else 0),
            Resolution=str(picture.pixels.itemsize * 8),
            LUTName=picture.luts[i] if picture.luts else "",
            BytesInc=str(place),
            **dict.fromkeys(("NameOfMeasuredQuantity", "Unit"), ""),
            **dict.fromkeys(("Min", "Max", "IsLUTInverted", "BitInc"), "0"),
        )
        if picture.dyes:
            said = ElementTree.SubElement(one, "ChannelProperty")
            ElementTree.SubElement(said, "Key").text = "DyeName"
            ElementTree.SubElement(said, "Value").text = picture.dyes[i]
    dimensions = ElementTree.SubElement(description, "Dimensions")
    for letter in reversed(picture.axes):
        if letter in LIF_DIMENSIONS:
            ElementTree.SubElement(
                dimensions,
                "DimensionDescription",
                DimID=str(LIF_DIMENSIONS[letter]),
                NumberOfElements=str(sizes[letter]),
                Origin=str(picture.origins.get(letter, 0.0)),
                Length=str(picture.lengths.get(letter, 0.0)),
                Unit="s" if letter == "T" else "m",
                BitInc="0",
                BytesInc=str(strides[letter]),
            )


@dataclass(frozen=True)
class Deltavision:
    """A DV file; `sequence` is the place in `DV_ORDERS` of its order of planes."""

    pixels: NDArray[Any]
    sequence: int = 0
    order: str = "<"
    spacing: tuple[float, float, float] = (0.1, 0.2, 0.5)
    waves: Sequence[int] = (457, 528)
    extended: int = 0
    pixel_type: int | None = None


DV_ORDERS = ("ctz", "tzc", "tcz")
DV_TYPES = {"uint8": 0, "int16": 1, "float32": 2, "uint16": 6, "int32": 7}


def write_dv(path: Path, file: Deltavision) -> Path:
    """Write a DV file: 1024 bytes that say what it holds, room for more, then the planes.

    The pixels have the dimensions `DV_ORDERS` of the sequence, then y and x.
    """
    sizes = dict(zip(DV_ORDERS[file.sequence], file.pixels.shape, strict=False))
    height, width = file.pixels.shape[-2:]
    head = bytearray(1024)
    kind = DV_TYPES[file.pixels.dtype.name] if file.pixel_type is None else file.pixel_type

    def put(at: int, layout: str, *values: float) -> None:
        struct.pack_into(file.order + layout, head, at, *values)

    put(0, "4i", width, height, int(np.prod(file.pixels.shape[:3])), kind)
    put(40, "3f", *file.spacing)
    put(92, "i", file.extended)
    put(96, "h", -16224)
    put(180, "2h", sizes["t"], file.sequence)
    put(196, "6h", sizes["c"], *file.waves, *[0] * (5 - len(file.waves)))
    pixels = file.pixels.astype(file.pixels.dtype.newbyteorder(file.order))
    path.write_bytes(bytes(head) + bytes(file.extended) + pixels.tobytes())
    return path


def write_czi(path: Path, tiles: Iterable[dict[str, Any]], **described: Any) -> Path:
    """Write a CZI file of tiles (`data`, `location` in x and y, `plane`, `scene`)."""
    from pylibCZIrw import czi

    with czi.create_czi(str(path), exist_ok=True) as file:
        for tile in tiles:
            assert file.write(**tile)
        file.write_metadata(**described)
    return path
