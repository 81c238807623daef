"""What work cost: time, memory and bytes as measured; energy and carbon as estimated from them.

The estimate follows Green Algorithms [1]_: energy = time × (cores × power of a core × their use +
memory × power of memory) × PUE, carbon = energy × carbon intensity. Cores × use × time is the processor
time, which is measured. It is an estimate within a factor of about two, and written with as few digits.

References
----------
.. [1] Lannelongue, Grealey, Inouye, Green Algorithms: Quantifying the Carbon Footprint of Computation,
   Advanced Science 8 (2021) 2100707. doi:10.1002/advs.202100707
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from pydantic import Field

from veriscope.core.settings import Settings

__all__ = ["Assumptions", "Footprint", "Usage", "footprint", "total_usage"]

_PREFIX = "VERISCOPE_"
_JOULES_PER_WH = 3600.0
_BYTES_PER_GB = 1e9


@dataclass(frozen=True, slots=True)
class Usage:
    """What a piece of work used, as measured. None is what was not, or could not be, measured.

    Parameters
    ----------
    wall_s
        Time from begin to end, in seconds.
    cpu_s
        Processor time of user and system, of child processes too, in seconds; None in old records.
    gpu_s
        Time on a GPU in seconds; None if none was used.
    peak_memory_bytes
        Most memory held at once (resident set), child processes added.
    peak_memory_is
        How that was found: ``of the step``, ``sampled``, ``of the process so far``, or empty.
    bytes_read, bytes_written
        Sizes of the files that went in, and of those that came out.
    io_read_bytes, io_written_bytes
        Bytes that went through the calls of the operating system, files read twice counted twice.
    """

    wall_s: float
    cpu_s: float | None = None
    gpu_s: float | None = None
    peak_memory_bytes: int | None = None
    peak_memory_is: str = ""
    bytes_read: int | None = None
    bytes_written: int | None = None
    io_read_bytes: int | None = None
    io_written_bytes: int | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Take usage out of plain values.

        Parameters
        ----------
        values
            As `to_dict` gives them; what is missing was not measured, other keys are left.

        Returns
        -------
        Usage
            The same.
        """
        known = {item.name for item in fields(cls)}
        return cls(**{"wall_s": 0.0} | {key: value for key, value in values.items() if key in known})

    def to_dict(self) -> dict[str, Any]:
        """Give plain values.

        Returns
        -------
        dict
            One key per parameter; seconds are rounded to 0.1 ms.
        """
        found = asdict(self)
        for key in ("wall_s", "cpu_s", "gpu_s"):
            found[key] = None if found[key] is None else round(found[key], 4)
        return found


def total_usage(parts: Iterable[Usage]) -> Usage:
    """Add the usage of pieces of work done one after the other.

    Parameters
    ----------
    parts
        The pieces.

    Returns
    -------
    Usage
        Times and bytes are sums over the pieces where they were measured, None if they were in none;
        memory is that of the hungriest. No piece: 0 seconds, everything else None.
    """
    parts = list(parts)

    def added(name: str) -> Any:
        values = [value for part in parts if (value := getattr(part, name)) is not None]
        return sum(values) if values else None

    measured = [part for part in parts if part.peak_memory_bytes is not None]
    most = max(measured, key=lambda part: part.peak_memory_bytes or 0, default=None)
    sums = ("cpu_s", "gpu_s", "bytes_read", "bytes_written", "io_read_bytes", "io_written_bytes")
    return Usage(
        wall_s=sum(part.wall_s for part in parts),
        peak_memory_bytes=most.peak_memory_bytes if most else None,
        peak_memory_is=most.peak_memory_is if most else "",
        **{name: added(name) for name in sums},
    )


class Assumptions(Settings):
    """What energy and carbon are estimated with. Each can be set by an environment variable.

    The variable is the name in capitals after ``VERISCOPE_``, such as ``VERISCOPE_PUE``.
    """

    core_power_w: float = Field(default=12.0, ge=0, le=1000)
    """Power of a busy processor core, in W."""

    memory_power_w_per_gb: float = Field(default=0.3725, ge=0, le=100)
    """Power of memory, in W per GB."""

    memory_gb: float | None = Field(default=None, ge=0, le=1e6)
    """Memory kept ready for the work, in GB; unset: the most that it used."""

    gpu_power_w: float = Field(default=200.0, ge=0, le=10000)
    """Power of a busy GPU, in W."""

    pue: float = Field(default=1.56, ge=1, le=10)
    """Power of the whole computing centre over that of its computers; 1 on a desk."""

    carbon_g_per_kwh: float = Field(default=445.0, ge=0, le=3000)
    """Carbon intensity of electricity, in g CO2 per kWh."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Take assumptions from environment variables, and the defaults for the rest.

        Parameters
        ----------
        environment
            Such as `os.environ`.

        Returns
        -------
        Assumptions
            Those that apply.

        Raises
        ------
        InputError
            If a variable does not hold an allowed number; all faults are listed.
        """
        given = {
            name: environment[variable].strip()
            for name in cls.model_fields
            if environment.get(variable := _PREFIX + name.upper(), "").strip()
        }
        return cls.parse(given, where=f"environment variables {_PREFIX}…")

    def listed(self) -> list[dict[str, Any]]:
        """List the assumptions with their sources.

        Returns
        -------
        list of dict
            ``name``, ``value``, ``unit``, ``meaning``, ``source`` and ``variable`` of each. The source of
            what was set is ``set by the user``.
        """
        rows = []
        for name, (unit, meaning, source) in _SOURCES.items():
            kept = getattr(self, name) == type(self).model_fields[name].default
            rows.append(
                {
                    "name": name,
                    "value": getattr(self, name),
                    "unit": unit,
                    "meaning": meaning,
                    "source": source if kept else "set by the user",
                    "variable": _PREFIX + name.upper(),
                }
            )
        return rows


_SOURCES = {
    "core_power_w": (
        "W",
        "power of a busy processor core",
        "the Green Algorithms project's value for an unknown processor (table TDP_cpu); known ones: 4 to 24",
    ),
    "memory_power_w_per_gb": ("W/GB", "power of memory", "Lannelongue et al. 2021"),
    "memory_gb": (
        "GB",
        "memory kept ready",
        "unset: the most that each step used, which is the least possible",
    ),
    "gpu_power_w": (
        "W",
        "power of a busy GPU",
        "the Green Algorithms project's value for an unknown GPU (table TDP_gpu)",
    ),
    "pue": (
        "",
        "power of the computing centre over that of its computers",
        "mean of Uptime Institute's Global Data Center Survey 2024; a computer on a desk has 1",
    ),
    "carbon_g_per_kwh": (
        "g CO2/kWh",
        "carbon intensity of electricity",
        "world average of 2024, International Energy Agency, Electricity 2025; countries: about 10 to 900",
    ),
}


@dataclass(frozen=True, slots=True)
class Footprint:
    """Estimated energy and carbon.

    Parameters
    ----------
    energy_wh
        Electric energy in Wh, or None if the processor time is not known.
    carbon_g
        In g of what the carbon intensity counts (CO2, by default), or None.
    """

    energy_wh: float | None
    carbon_g: float | None

    def to_dict(self) -> dict[str, Any]:
        """Give plain values.

        Returns
        -------
        dict
            Both, rounded to two significant digits: more would be pretence.
        """
        return {"energy_wh": _two_digits(self.energy_wh), "carbon_g": _two_digits(self.carbon_g)}


def footprint(parts: Iterable[Usage], assumptions: Assumptions) -> Footprint:
    """Estimate energy and carbon of pieces of work.

    Parameters
    ----------
    parts
        Usage of each; memory draws power for the time of its piece only.
    assumptions
        What the machine and its electricity are like.

    Returns
    -------
    Footprint
        The sum over pieces whose processor time is known; None if there are pieces and none is. No
        piece: 0.

    References
    ----------
    .. [1] Lannelongue et al., Green Algorithms, Advanced Science 8 (2021) 2100707, methods.
       doi:10.1002/advs.202100707
    """
    parts = list(parts)
    known = [part for part in parts if part.cpu_s is not None]
    if parts and not known:
        return Footprint(None, None)
    joules = 0.0
    for part in known:
        memory = assumptions.memory_gb
        if memory is None:
            memory = (part.peak_memory_bytes or 0) / _BYTES_PER_GB
        joules += (part.cpu_s or 0.0) * assumptions.core_power_w
        joules += (part.gpu_s or 0.0) * assumptions.gpu_power_w
        joules += part.wall_s * memory * assumptions.memory_power_w_per_gb
    energy = joules * assumptions.pue / _JOULES_PER_WH
    return Footprint(energy, energy / 1000 * assumptions.carbon_g_per_kwh)


def _two_digits(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.1e}")
