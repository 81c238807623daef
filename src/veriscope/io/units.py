"""The one table of length and time units that image files use, and what they are in µm and s."""

from __future__ import annotations

import re

__all__ = ["UNCALIBRATED", "micrometres_per", "seconds_per"]

_MICROMETRES = {
    "µm": 1.0,  # U+00B5 micro sign
    "μm": 1.0,  # U+03BC Greek mu
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometers": 1.0,
    "micrometre": 1.0,
    "micrometres": 1.0,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "nanometers": 1e-3,
    "nanometre": 1e-3,
    "nanometres": 1e-3,
    "å": 1e-4,
    "angstrom": 1e-4,
    "pm": 1e-6,
    "picometer": 1e-6,
    "mm": 1e3,
    "millimeter": 1e3,
    "millimeters": 1e3,
    "millimetre": 1e3,
    "millimetres": 1e3,
    "cm": 1e4,
    "centimeter": 1e4,
    "centimeters": 1e4,
    "centimetre": 1e4,
    "centimetres": 1e4,
    "inch": 25_400.0,
    "inches": 25_400.0,
    "in": 25_400.0,
    "m": 1e6,
    "meter": 1e6,
    "metre": 1e6,
}
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")  # ImageJ writes µ as these six characters
_SECONDS = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "millisecond": 1e-3,
    "milliseconds": 1e-3,
    "µs": 1e-6,  # U+00B5 micro sign
    "μs": 1e-6,  # U+03BC Greek mu
    "us": 1e-6,
    "microsecond": 1e-6,
    "ns": 1e-9,
    "nanosecond": 1e-9,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86_400.0,
    "day": 86_400.0,
    "days": 86_400.0,
}
UNCALIBRATED = frozenset({"", "pixel", "pixels", "px", "reference frame", "none"})
"""Unit names that say there is no unit."""


def micrometres_per(unit: str) -> float | None:
    """Give the length of a unit in µm.

    Parameters
    ----------
    unit
        As found in a file, in any case.

    Returns
    -------
    float or None
        None for an unknown unit and for those of `UNCALIBRATED`.
    """
    written = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), unit)
    return _MICROMETRES.get(written.strip().lower())


def seconds_per(unit: str) -> float | None:
    """Give the length of a unit of time in s.

    Parameters
    ----------
    unit
        As found in a file, in any case.

    Returns
    -------
    float or None
        None for an unknown unit.
    """
    return _SECONDS.get(unit.strip().lower())
