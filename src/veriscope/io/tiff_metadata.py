"""What TIFF files say about axes, pixel size and channels: ImageJ, OME-XML, resolution tags, Aperio."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from veriscope.errors import UnreadableFileError
from veriscope.io.units import UNCALIBRATED, micrometres_per, seconds_per

__all__ = [
    "OmeImage",
    "aperio_spacing",
    "imagej_spacing",
    "imagej_time_step",
    "parse_ome",
    "resolution_spacing",
]

# Coarser pixels than 10 µm (2540 dpi) come from screens, printers and scanners, whose programs write
# 72, 96, 300 or 600 dpi unasked; finer than 0.1 nm is finer than any microscope.
_COARSEST, _FINEST = 10.0, 1e-4
_MICROMETRES_PER_RESOLUTION_UNIT = {2: 25_400.0, 3: 10_000.0}


@dataclass(frozen=True, slots=True)
class OmeImage:
    """One Image element of OME-XML.

    Parameters
    ----------
    name
        Its name, or empty.
    spacing
        Pixel size in µm for the axes that state one.
    channels
        Channel names in order; empty text where there is none.
    time_step
        Seconds between time points, if stated.
    notes
        Metadata that were ignored, and why.
    """

    name: str
    spacing: dict[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    time_step: float | None = None
    notes: tuple[str, ...] = ()


def parse_ome(xml: str, *, where: str) -> list[OmeImage]:
    """Read pixel sizes and channel names of all images in OME-XML.

    Parameters
    ----------
    xml
        The text. Entities are refused, so that a small text cannot become a large one.
    where
        Name of the file, for messages.

    Returns
    -------
    list of OmeImage
        In the order of the text.

    Raises
    ------
    UnreadableFileError
        If the text is not well-formed, or only points to another file of a set.
    """
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise UnreadableFileError(f"{where}: its OME-XML has document type declarations, which are not read")
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise UnreadableFileError(
            f"{where}: its OME-XML is broken ({error}); save it again with Fiji"
        ) from error
    elsewhere = root.find("{*}BinaryOnly")
    if elsewhere is not None:
        raise UnreadableFileError(
            f"{where}: is one part of an OME-TIFF set of several files, whose metadata are in "
            f"{elsewhere.get('MetadataFile', 'another file')!r}; such sets are not read yet: open the set in "
            "Fiji (Bio-Formats) and save it as one OME-TIFF"
        )
    return [_parse_image(image) for image in root.findall("{*}Image")]


def _parse_image(image: ElementTree.Element) -> OmeImage:
    pixels = image.find("{*}Pixels")
    name = image.get("Name", "")
    if pixels is None:
        return OmeImage(name)
    spacing: dict[str, float] = {}
    notes: list[str] = []
    for letter in "zyx":
        key = f"PhysicalSize{letter.upper()}"
        text, unit = pixels.get(key), pixels.get(f"{key}Unit", "µm")
        if text is None:
            continue
        value = _length(text, unit)
        if value is None:
            notes.append(f"{key} {text} {unit} is no pixel size and is ignored")
        else:
            spacing[letter] = value
    return OmeImage(
        name=name,
        spacing=spacing,
        channels=tuple(channel.get("Name", "") for channel in pixels.findall("{*}Channel")),
        time_step=_duration(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s")),
        notes=tuple(notes),
    )


def _length(text: str | float, unit: str) -> float | None:
    """Give a positive length in µm, or None."""
    factor = micrometres_per(unit)
    try:
        value = float(text)
    except ValueError:
        return None
    if factor is None or not math.isfinite(value) or value <= 0:
        return None
    return value * factor


def _duration(text: str | float | None, unit: str) -> float | None:
    """Give a positive time in s, or None."""
    factor = seconds_per(unit)
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value * factor if factor is not None and math.isfinite(value) and value > 0 else None


def imagej_spacing(
    metadata: Mapping[str, Any], resolution: Mapping[int, Any]
) -> tuple[dict[str, float], list[str]]:
    """Give the pixel size that ImageJ stored.

    ImageJ leaves out the z step both where it is 1 unit and where nobody set it; it is then not given.

    Parameters
    ----------
    metadata
        Keys of the ImageJ description: ``unit``, ``yunit``, ``zunit``, ``spacing``.
    resolution
        TIFF tags 282 (x) and 283 (y): pixels per unit, as (numerator, denominator).

    Returns
    -------
    dict
        Pixel size in µm by axis, as far as stated.
    list of str
        Notes on what was ignored.
    """
    unit = str(metadata.get("unit", ""))
    if unit.strip().lower() in UNCALIBRATED:
        return {}, []
    if micrometres_per(unit) is None:
        return {}, [f"the unit {unit!r} of the pixel size is not known; the pixel size is ignored"]
    spacing: dict[str, float] = {}
    for letter, tag in (("y", 283), ("x", 282)):
        per_unit = _ratio(resolution.get(tag))
        value = _length(1 / per_unit, str(metadata.get(f"{letter}unit", unit))) if per_unit else None
        if value is not None:
            spacing[letter] = value
    step = metadata.get("spacing")
    if isinstance(step, int | float):
        value = _length(abs(step), str(metadata.get("zunit", unit)))
        if value is not None:
            spacing["z"] = value
    if unit.strip().lower().startswith("in") and (note := _implausible(spacing)):
        return {}, [note]
    return spacing, []


def imagej_time_step(metadata: Mapping[str, Any]) -> float | None:
    """Give the time between frames that ImageJ stored.

    Parameters
    ----------
    metadata
        Keys of the ImageJ description: ``finterval``, and ``tunit`` where that is not in seconds.

    Returns
    -------
    float or None
        Seconds; None if there is none, or its unit is not known.
    """
    interval = metadata.get("finterval")
    if not isinstance(interval, int | float):
        return None
    return _duration(interval, str(metadata.get("tunit", "sec")))


def resolution_spacing(resolution: Mapping[int, Any]) -> tuple[dict[str, float], list[str]]:
    """Give the pixel size of the plain TIFF resolution tags, if it can be one of a microscope.

    Parameters
    ----------
    resolution
        TIFF tags 282 (x), 283 (y) as (numerator, denominator), and 296 (2: per inch, 3: per cm).

    Returns
    -------
    dict
        Pixel size in µm of y and x; empty if there is none, or one of a screen or printer.
    list of str
        A note on what was taken or ignored.
    """
    factor = _MICROMETRES_PER_RESOLUTION_UNIT.get(int(resolution.get(296) or 1))
    x, y = _ratio(resolution.get(282)), _ratio(resolution.get(283))
    if factor is None or x is None or y is None:
        return {}, []
    spacing = {"y": factor / y, "x": factor / x}
    if note := _implausible(spacing):
        return {}, [note]
    return spacing, [
        "the pixel size is taken from the TIFF resolution tags; check that it is the microscope's"
    ]


def _implausible(spacing: Mapping[str, float]) -> str:
    sizes = [spacing[letter] for letter in "yx" if letter in spacing]
    if all(_FINEST <= size <= _COARSEST for size in sizes):
        return ""
    return (
        f"the resolution of {25_400 / sizes[-1]:g} dpi in the file is one of a screen or printer, not of a "
        "microscope, and is ignored"
    )


def _ratio(value: Any) -> float | None:
    """Give a rational tag as a positive number, or None."""
    if not isinstance(value, tuple) or len(value) != 2 or not value[0] or not value[1]:
        return None
    return float(value[0]) / float(value[1])


def aperio_spacing(description: str) -> dict[str, float]:
    """Give the pixel size from the description of an Aperio slide (``MPP = 0.4990``).

    Parameters
    ----------
    description
        Image description of the first page.

    Returns
    -------
    dict
        Pixel size in µm of y and x, or empty.
    """
    found = re.search(r"\bMPP\s*=\s*([0-9.]+)", description)
    value = _length(found.group(1), "µm") if found else None
    return {} if value is None else {"y": value, "x": value}
