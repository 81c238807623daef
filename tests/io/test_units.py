"""Units of length and time, as files of many programs spell them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.io.images import read_header
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.units import UNCALIBRATED, micrometres_per, seconds_per

LENGTHS = {
    "ångström": None,
    "Å": 1e-4,
    "\u212b": 1e-4,  # the sign for the unit
    "pm": 1e-6,
    "nm": 1e-3,
    "nanometers": 1e-3,
    "nanometres": 1e-3,
    "Nanometer": 1e-3,
    " µm ": 1.0,
    "\\u00B5m": 1.0,
    "\\u03bcm": 1.0,
    "MICRONS": 1.0,
    "mm": 1e3,
    "millimetres": 1e3,
    "cm": 1e4,
    "inch": 25_400.0,
    "m": 1e6,
    "furlong": None,
    "µ": None,
    "um²": None,
}
TIMES = {
    "s": 1.0,
    "Seconds": 1.0,
    "ms": 1e-3,
    "milliseconds": 1e-3,
    "µs": 1e-6,
    "μs": 1e-6,
    "microsecond": 1e-6,
    "ns": 1e-9,
    "min": 60.0,
    "hour": 3600.0,
    "h": 3600.0,
    "d": 86_400.0,
    "day": 86_400.0,
    "fortnight": None,
    "": None,
}


@pytest.mark.parametrize(("unit", "factor"), LENGTHS.items())
def test_lengths(unit: str, factor: float | None) -> None:
    assert micrometres_per(unit) == factor


@pytest.mark.parametrize("unit", sorted(UNCALIBRATED))
def test_words_for_no_unit_are_none(unit: str) -> None:
    assert micrometres_per(unit) is None
    assert micrometres_per(unit.upper()) is None


@pytest.mark.parametrize(("unit", "factor"), TIMES.items())
def test_times(unit: str, factor: float | None) -> None:
    assert seconds_per(unit) == factor


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [
        (250, "µs", 250e-6),
        (40, "ms", 0.04),
        (2, "min", 120),
        (1, "d", 86_400),
        (0, "s", None),
        (-1, "s", None),
    ],
)
def test_the_time_step_of_an_ome_tiff(tmp_path: Path, value: float, unit: str, seconds: float | None) -> None:
    path = tmp_path / "a.ome.tif"
    metadata = {"axes": "TYX", "TimeIncrement": value, "TimeIncrementUnit": unit}
    tifffile.imwrite(path, np.zeros((3, 4, 5), np.uint8), ome=True, metadata=metadata)
    assert read_header(path).time_step == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(("unit", "seconds"), [("microsecond", 1.5e-6), ("day", 129_600), ("week", None)])
def test_the_time_step_of_an_ome_zarr(tmp_path: Path, unit: str, seconds: float | None) -> None:
    path = tmp_path / "a.zarr"
    write_ome_zarr(path, Image(np.ones((2, 3, 4), np.uint8), "tyx", {"y": 1.0, "x": 1.0}))
    content = json.loads((path / "zarr.json").read_text())
    multiscale = content["attributes"]["ome"]["multiscales"][0]
    multiscale["axes"][0]["unit"] = unit
    multiscale["datasets"][0]["coordinateTransformations"][0]["scale"][0] = 1.5
    (path / "zarr.json").write_text(json.dumps(content))
    assert read_header(path).time_step == (None if seconds is None else pytest.approx(seconds))
