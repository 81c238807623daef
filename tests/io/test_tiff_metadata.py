"""What TIFF files say of pixel size, channels and time is taken over exactly, or left out with a word."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import UnreadableFileError
from veriscope.io.tiff_metadata import (
    OmeImage,
    aperio_spacing,
    imagej_spacing,
    parse_ome,
    resolution_spacing,
)

OME = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{}</OME>'
PIXELS = '<Image ID="Image:0" Name="slide"><Pixels {}>{}</Pixels></Image>'


def ome(attributes: str, inside: str = "") -> OmeImage:
    (found,) = parse_ome(OME.format(PIXELS.format(attributes, inside)), where="a.ome.tif")
    return found


def test_all_that_ome_says() -> None:
    channels = '<Channel ID="Channel:0" Name="DAPI"/><Channel ID="Channel:1"/>'
    size = 'PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.25" PhysicalSizeZ="1e-3" '
    times = 'PhysicalSizeZUnit="mm" TimeIncrement="1.5" TimeIncrementUnit="min"'
    found = ome(size + times, channels)
    assert found.spacing == pytest.approx({"x": 0.25, "y": 0.25, "z": 1.0})
    assert (found.name, found.channels, found.time_step, found.notes) == ("slide", ("DAPI", ""), 90.0, ())


def test_images_come_in_their_order_and_without_a_namespace_too() -> None:
    text = "<OME>" + "".join(f'<Image Name="{name}"/>' for name in "ba") + "</OME>"
    assert [image.name for image in parse_ome(text, where="a")] == ["b", "a"]
    assert parse_ome("<OME/>", where="a") == []


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("0", "µm"),
        ("-1", "µm"),
        ("nan", "µm"),
        ("1e400", "µm"),
        ("wide", "µm"),
        ("1", "parsec"),
        ("1", "pixel"),
    ],
)
def test_sizes_that_are_none_are_left_out_with_a_note(value: str, unit: str) -> None:
    found = ome(f'PhysicalSizeX="{value}" PhysicalSizeXUnit="{unit}" PhysicalSizeY="0.5"')
    assert found.spacing == {"y": 0.5}
    assert found.notes == (f"PhysicalSizeX {value} {unit} is no pixel size and is ignored",)


@pytest.mark.parametrize("step", ['"0"', '"-3"', '"soon"', '"inf"', '"1" TimeIncrementUnit="fortnight"'])
def test_time_steps_that_are_none_are_left_out(step: str) -> None:
    assert ome(f"TimeIncrement={step}").time_step is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "<OME><Image></OME>",
            r"a\.tif: its OME-XML is broken \(mismatched tag.*\); save it again with Fiji",
        ),
        ("", r"a\.tif: its OME-XML is broken"),
        ("<!DOCTYPE x><OME/>", r"a\.tif: its OME-XML has document type declarations, which are not read"),
        (
            OME.format('<BinaryOnly MetadataFile="m.companion.ome"/>'),
            r"whose metadata are in 'm\.companion\.ome'",
        ),
        (OME.format("<BinaryOnly/>"), r"whose metadata are in 'another file'; such sets are not read yet"),
    ],
)
def test_texts_that_cannot_be_used_say_what_to_do(text: str, message: str) -> None:
    with pytest.raises(UnreadableFileError, match=message):
        parse_ome(text, where="a.tif")


@given(st.floats(1e-3, 9.9), st.sampled_from([("um", 1.0), ("micron", 1.0), ("nm", 1e3), ("mm", 1e-3)]))
def test_imagej_states_pixels_per_unit(size: float, unit: tuple[str, float]) -> None:
    name, per_micrometre = unit
    per_unit = (10**9, round(size * per_micrometre * 10**9))
    found, notes = imagej_spacing({"unit": name}, {282: per_unit, 283: per_unit})
    assert found == pytest.approx({"y": size, "x": size}, rel=1e-3)
    assert notes == []


@pytest.mark.parametrize(
    ("metadata", "tags", "found", "n_notes"),
    [
        ({}, {282: (2, 1), 283: (2, 1)}, {}, 0),
        ({"unit": "pixel", "spacing": 3.0}, {282: (1, 1)}, {}, 0),
        ({"unit": "furlong"}, {282: (1, 1)}, {}, 1),
        ({"unit": "um", "yunit": "nm"}, {282: (2, 1), 283: (1, 200)}, {"x": 0.5, "y": 0.2}, 0),
        ({"unit": "um", "spacing": -2}, {282: (2, 1)}, {"x": 0.5, "z": 2.0}, 0),  # ImageJ's sign is direction
        ({"unit": "um", "spacing": 500.0, "zunit": "nm"}, {}, {"z": 0.5}, 0),
        ({"unit": "um", "spacing": math.nan}, {282: (0, 1), 283: (1, 0)}, {}, 0),
        ({"unit": "um", "spacing": "2"}, {282: 2.0, 283: (1, 2, 3)}, {}, 0),
        ({"unit": "inch"}, {282: (300, 1), 283: (300, 1)}, {}, 1),  # of a printer
        ({"unit": "inch"}, {282: (25_400, 1), 283: (25_400, 1)}, {"x": 1.0, "y": 1.0}, 0),
    ],
)
def test_what_imagej_states_or_not(
    metadata: dict[str, Any], tags: dict[int, Any], found: dict[str, float], n_notes: int
) -> None:
    spacing, notes = imagej_spacing(metadata, tags)
    assert spacing == pytest.approx(found)
    assert len(notes) == n_notes


@pytest.mark.parametrize(
    ("tags", "found", "note"),
    [
        (
            {282: (25_400, 1), 283: (50_800, 1), 296: 2},
            {"x": 1.0, "y": 0.5},
            "check that it is the microscope's",
        ),
        (
            {282: (10_000, 1), 283: (10_000, 1), 296: 3},
            {"x": 1.0, "y": 1.0},
            "check that it is the microscope's",
        ),
        ({282: (72, 1), 283: (72, 1), 296: 2}, {}, "72 dpi in the file is one of a screen or printer"),
        ({282: (118, 1), 283: (118, 1), 296: 3}, {}, "dpi in the file is one of a screen or printer"),
        ({282: (25_400, 1), 283: (25_400, 1), 296: 1}, {}, None),  # a ratio of sides, no size
        ({282: (25_400, 1), 283: (25_400, 1)}, {}, None),
        ({282: (25_400, 1), 296: 2}, {}, None),
        ({282: (25_400, 0), 283: (25_400, 1), 296: 2}, {}, None),
    ],
)
def test_plain_resolution_is_taken_only_if_it_can_be_a_microscopes(
    tags: dict[int, Any], found: dict[str, float], note: str | None
) -> None:
    spacing, notes = resolution_spacing(tags)
    assert spacing == pytest.approx(found)
    assert len(notes) == (note is not None)
    assert note is None or note in notes[0]


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Aperio Image Library |AppMag = 20|MPP = 0.4990|Left = 25", 0.499),
        ("|MPP=0.25", 0.25),
        ("|MPP = 0|", None),
        ("|MPP = ...|", None),
        ("|RMPP = 0.25|", None),
        ("", None),
    ],
)
def test_aperio_slides_state_micrometres_per_pixel(description: str, expected: float | None) -> None:
    found = aperio_spacing(description)
    assert found == ({} if expected is None else {"y": expected, "x": expected})
