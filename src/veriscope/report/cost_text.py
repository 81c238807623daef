"""What work cost, in words: the same on the command line and in a report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from veriscope.report.numbers import MISSING, format_duration

__all__ = ["assumptions_text", "cost_text", "estimate_text", "format_amount", "format_bytes"]

_BYTES = ("B", "kB", "MB", "GB", "TB", "PB")
_FEWEST, _MOST = -2, 3


def format_bytes(count: float | None) -> str:
    """Write a number of bytes.

    Parameters
    ----------
    count
        0 or more, or None.

    Returns
    -------
    str
        Such as ``"512 B"``, ``"3.1 MB"``, ``"21 GB"`` (powers of 1000, two digits or three); a dash where
        it is missing.
    """
    if count is None or not math.isfinite(count):
        return MISSING
    size, power = float(count), 0
    while round(size) >= 1000 and power < len(_BYTES) - 1:
        size, power = size / 1000, power + 1
    digits = 1 if power and size < 9.95 else 0
    return f"{size:.{digits}f} {_BYTES[power]}"


def format_amount(value: float | None, unit: str) -> str:
    """Write an estimated energy or mass with one digit, in a unit that suits its size.

    Parameters
    ----------
    value
        0 or more, or None.
    unit
        Such as ``Wh`` or ``g CO2``.

    Returns
    -------
    str
        Such as ``"about 0.4 Wh"``, ``"about 20 kg CO2"``, ``"less than 0.01 g CO2"``; a dash where it
        is missing.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value < 10.0**_FEWEST:
        return f"less than {10.0**_FEWEST:g} {unit}"
    value = float(f"{value:.0e}")
    if value >= 10.0**_MOST:
        value, unit = value / 1000, f"k{unit}"
    return f"about {value:,.0f} {unit}" if value >= 1 else f"about {value:g} {unit}"


def cost_text(used: Mapping[str, Any]) -> str:
    """Say what was measured in one line.

    Parameters
    ----------
    used
        Keys of `veriscope.core.cost.Usage`.

    Returns
    -------
    str
        Such as ``"12 s, 11 s of processor time, no GPU, at most 310 MB of memory, read 4.1 MB, wrote 1.2
        MB"``; what was not measured is left out.
    """
    parts = [format_duration(used["wall_s"])]
    if used["cpu_s"] is not None:
        parts.append(f"{format_duration(used['cpu_s'])} of processor time")
    parts.append("no GPU" if used["gpu_s"] is None else f"{format_duration(used['gpu_s'])} on a GPU")
    if used["peak_memory_bytes"] is not None:
        parts.append(f"at most {format_bytes(used['peak_memory_bytes'])} of memory")
    for verb, key in (("read", "bytes_read"), ("wrote", "bytes_written")):
        count = used[key] if used[key] is not None else used[f"io_{key.removeprefix('bytes_')}_bytes"]
        if count is not None:
            parts.append(f"{verb} {format_bytes(count)}")
    return ", ".join(parts)


def estimate_text(used: Mapping[str, Any]) -> str:
    """Say what was estimated in one line.

    Parameters
    ----------
    used
        ``energy_wh`` and ``carbon_g``, each a number or None.

    Returns
    -------
    str
        Such as ``"about 0.07 Wh, about 0.03 g CO2"``, or that it cannot be told.
    """
    if used["energy_wh"] is None:
        return "energy and carbon cannot be told: no processor time was recorded"
    return f"{format_amount(used['energy_wh'], 'Wh')}, {format_amount(used['carbon_g'], 'g CO2')}"


def assumptions_text(assumptions: Sequence[Mapping[str, Any]], *, gpu: bool) -> str:
    """List the numbers that an estimate rests on.

    Parameters
    ----------
    assumptions
        As `veriscope.core.cost.Assumptions.listed` gives them; those without a value are left out.
    gpu
        Whether a GPU was used, so that its power counts.

    Returns
    -------
    str
        Such as ``"power of a busy processor core 12 W, …"``.
    """
    silent = () if gpu else ("gpu_power_w",)
    stated = [row for row in assumptions if row["value"] is not None and row["name"] not in silent]
    return ", ".join(f"{row['meaning']} {row['value']:g} {row['unit']}".rstrip() for row in stated)
