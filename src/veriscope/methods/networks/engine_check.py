"""The choice of an engine, and the check that it gives here what the network gave where it was trained.

At the first use of an engine on a machine, and of each version of it, the network is run on an example
that is stored with it. What came out is kept in the cache and goes into the record of every prediction.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.cache import recall, remember
from veriscope.errors import MethodError, VeriscopeError
from veriscope.methods.networks.engines import ENGINES, Engine, OpenNetwork, Precision

__all__ = ["CHECK_SCHEMA", "CheckedNetwork", "EngineCheck", "Example", "check_network", "open_checked"]

CHECK_SCHEMA = "veriscope/engine-check/1"
_AUTOMATIC = ("openvino", "onnxruntime")
"""Engines taken without being asked for, the first that is there and passes."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """What goes into a network, and what should come out.

    Parameters
    ----------
    values
        Float32 (1, channel, y, x).
    expected
        First output of the network; where its y and x are smaller, only that corner is compared.
    largest, mean
        Differences allowed, in units of the output: of any value, and on average.
    """

    values: NDArray[np.float32]
    expected: NDArray[np.float32]
    largest: float
    mean: float


@dataclass(frozen=True, slots=True)
class EngineCheck:
    """How far an engine was from what was expected, and how far it may be.

    Parameters
    ----------
    engine, version, precision
        What ran.
    machine
        System and processor.
    largest, mean
        Absolute differences found, the worst of all examples, in units of the output.
    largest_allowed, mean_allowed
        Limits of these.
    """

    engine: str
    version: str
    precision: Precision
    machine: str
    largest: float
    mean: float
    largest_allowed: float
    mean_allowed: float

    @property
    def passed(self) -> bool:
        """Whether the engine may be used; not if a value was NaN."""
        return self.largest <= self.largest_allowed and self.mean <= self.mean_allowed

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, ``None`` for NaN.

        Returns
        -------
        dict
            ``veriscope/engine-check/1``.
        """
        values = {key: None if value != value else value for key, value in asdict(self).items()}
        return {"schema": CHECK_SCHEMA, **values, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class CheckedNetwork:
    """A network that is open, by an engine that passed the check.

    Parameters
    ----------
    run
        The network.
    check
        The result of the check.
    fallback
        Why a faster engine is not used; empty: none was passed over.
    """

    run: OpenNetwork
    check: EngineCheck
    fallback: str = ""

    @property
    def label(self) -> str:
        """Engine and version, as in ``openvino 2025.3.0``."""
        return f"{self.check.engine} {self.check.version}"


def open_checked(
    model: bytes,
    examples: Callable[[], Sequence[Example]],
    *,
    engine: str = "auto",
    precision: Precision = "float32",
    threads: int = 0,
) -> CheckedNetwork:
    """Open a network with an engine that gives what it should here.

    Parameters
    ----------
    model
        An ONNX file.
    examples
        Gives at least one example; called if the check has to be done.
    engine
        One of `veriscope.methods.networks.engines.ENGINES`. ``auto``: what $VERISCOPE_ENGINE says, else
        OpenVINO where it is installed and passes, else ONNX Runtime; a warning says if OpenVINO failed.
    precision
        In which it computes.
    threads
        On the processor; 0 takes all cores.

    Returns
    -------
    CheckedNetwork
        Ready to run.

    Raises
    ------
    MethodError
        If the engine is unknown, cannot compute in this precision, or fails the check.
    MissingPackageError
        If the engine asked for is not installed.
    """
    wanted = engine if engine != "auto" else os.environ.get("VERISCOPE_ENGINE") or "auto"
    if wanted != "auto":
        chosen = _named(wanted, precision, where="" if engine != "auto" else " (from VERISCOPE_ENGINE)")
        return _open(chosen, model, examples, precision, threads)
    candidates = [ENGINES[name] for name in _AUTOMATIC if precision in ENGINES[name].precisions]
    # The last one is opened even if it is not there, so that its error says what to install.
    candidates = [item for item in candidates[:-1] if item.installed()] + candidates[-1:]
    passed_over: list[str] = []
    for candidate in candidates[:-1]:
        try:
            return _open(candidate, model, examples, precision, threads)
        except VeriscopeError as error:
            passed_over.append(str(error))
    found = _open(candidates[-1], model, examples, precision, threads)
    if not passed_over:
        return found
    fallback = f"{'; '.join(passed_over)}. {found.label} is used instead"
    warnings.warn(fallback, RuntimeWarning, stacklevel=2)
    return CheckedNetwork(found.run, found.check, fallback)


def check_network(network: OpenNetwork, examples: Sequence[Example]) -> tuple[float, float]:
    """Run a network on examples.

    Parameters
    ----------
    network
        Any; only its first output is compared.
    examples
        At least one.

    Returns
    -------
    tuple of float
        Largest and mean absolute difference, each of the example where it is worst relative to what is
        allowed; NaN if the network gave NaN, infinity if its output has the wrong shape.
    """
    largest, mean = [], []
    for example in examples:
        found = np.asarray(network(example.values)[0], np.float64)
        corner = tuple(slice(0, size) for size in example.expected.shape)
        if found.ndim != example.expected.ndim or found[corner].shape != example.expected.shape:
            return float("inf"), float("inf")
        difference = np.abs(found[corner] - example.expected)
        largest.append(float(difference.max()))
        mean.append(float(difference.mean()))
    return float(np.max(largest)), float(np.max(mean))


def _named(name: str, precision: Precision, *, where: str) -> Engine:
    if name not in ENGINES:
        raise MethodError(f"no engine named {name!r}{where}; engines are: auto, {', '.join(ENGINES)}")
    found = ENGINES[name]
    if precision not in found.precisions:
        able = [item.name for item in ENGINES.values() if precision in item.precisions]
        raise MethodError(
            f"engine {name}{where} does not compute in {precision}, only in "
            f"{' and '.join(found.precisions)}; {precision} is for: {', '.join(able)}"
        )
    return found


def _open(
    engine: Engine,
    model: bytes,
    examples: Callable[[], Sequence[Example]],
    precision: Precision,
    threads: int,
) -> CheckedNetwork:
    """Open a network, and check the engine if it was not yet here."""
    version = engine.version()
    network = engine.open(model, threads=threads, precision=precision)
    machine = _machine() if engine.name in _AUTOMATIC else f"{_machine()} {platform.node()}"
    key = json.dumps([hashlib.sha256(model).hexdigest(), engine.name, version, precision, machine])
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    name = f"engines/{engine.name}-{precision}-{digest}.json"
    check = _known(recall(name))
    if check is None:
        found = examples()
        allowed = min(item.largest for item in found), min(item.mean for item in found)
        largest, mean = check_network(network, found)
        check = EngineCheck(engine.name, version, precision, machine, largest, mean, *allowed)
        remember(name, check.to_dict())
    if not check.passed:
        raise MethodError(
            f"engine {check.engine} {check.version} gives other results on this machine than where the "
            f"network was made: in {precision} they differ by {check.largest:.2g}, on average "
            f"{check.mean:.2g} ({check.largest_allowed:g} and {check.mean_allowed:g} are allowed); choose "
            "another engine, or another version of it"
        )
    return CheckedNetwork(network, check)


def _known(found: dict[str, Any] | None) -> EngineCheck | None:
    """Take up a check that passed; one that failed is done again, in case its cause was mended."""
    if not found or found.get("schema") != CHECK_SCHEMA or not found.get("passed"):
        return None
    try:
        return EngineCheck(**{key: value for key, value in found.items() if key not in ("schema", "passed")})
    except TypeError:
        return None


@functools.cache
def _machine() -> str:
    """Name what results may depend on: home folders are shared by machines with other processors."""
    processor = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").split("\n\n")[0].splitlines()
        known = dict(line.split(":", 1) for line in lines if ":" in line)
        said = {key.strip(): value.strip() for key, value in known.items()}
        flags = said.get("flags", said.get("Features", ""))
        processor = f"{said.get('model name', processor)} {hashlib.sha256(flags.encode()).hexdigest()[:8]}"
    return f"{platform.system()} {platform.machine()} {processor}"
