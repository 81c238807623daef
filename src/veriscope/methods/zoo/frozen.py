"""Preprocessing with the numbers of the whole image put in, so that a part of it can be processed alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from veriscope.core.source import PixelSource, grid
from veriscope.methods.quantiles import percentiles
from veriscope.methods.zoo.fixed_steps import (
    Binarize,
    EnsureDtype,
    FixedZeroMeanUnitVariance,
    ScaleLinear,
    Sigmoid,
    Softmax,
)
from veriscope.methods.zoo.measured_steps import Clip, ScaleRange, ZeroMeanUnitVariance
from veriscope.methods.zoo.processing import Step

__all__ = ["can_freeze", "freeze", "is_local"]

_SIDE = 1024
_MEASURED = (ScaleRange, ZeroMeanUnitVariance)
_SPATIAL = ("z", "y", "x")
_AXES = {"channel", "batch", "time", "index"}
"""Axes of length 1 here: whether they are named or not does not matter."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What the values are now: gain · pixel + offset."""

    gain: float
    offset: float


def is_local(step: Step) -> bool:
    """Tell whether a step looks at one pixel at a time.

    Parameters
    ----------
    step
        Any.

    Returns
    -------
    bool
        False for what measures the image, or goes along one of its lines.
    """
    if isinstance(step, Clip):
        return step.min_percentile is None and step.max_percentile is None
    if getattr(step, "axis", None) in _SPATIAL:
        return False
    return isinstance(
        step, Binarize | EnsureDtype | FixedZeroMeanUnitVariance | ScaleLinear | Sigmoid | Softmax
    )


def can_freeze(steps: Sequence[Step], spatial: Sequence[str]) -> bool:
    """Tell whether `freeze` knows all steps of an image of one channel.

    Parameters
    ----------
    steps
        Preprocessing.
    spatial
        Names of the spatial axes.

    Returns
    -------
    bool
        Whether everything before the last step that measures the image is a straight line of its pixels.
    """
    last = max((i for i, step in enumerate(steps) if isinstance(step, _MEASURED)), default=-1)
    for index, step in enumerate(steps):
        if isinstance(step, _MEASURED):
            named = set(step.axes) if step.axes is not None else {*spatial}
            if not set(spatial) <= named or named - {*spatial} - _AXES or getattr(step, "reference", None):
                return False
        elif not is_local(step) or (index < last and _straight(step, _Line(1, 0)) is None):
            return False
    return True


def freeze(steps: Sequence[Step], source: PixelSource) -> tuple[Step, ...]:
    """Replace steps that measure the image by steps with the numbers measured.

    Parameters
    ----------
    steps
        Preprocessing that `can_freeze` accepts.
    source
        The whole image.

    Returns
    -------
    tuple of Step
        The same however the source cuts its blocks.
    """
    found: list[Step] = []
    line: _Line | None = _Line(1.0, 0.0)
    moments: tuple[float, float] | None = None
    for step in steps:
        if isinstance(step, ZeroMeanUnitVariance) and line is not None:
            moments = moments or _moments(source)
            mean = line.gain * moments[0] + line.offset
            scale = abs(line.gain) * moments[1] + step.eps
            step = ScaleLinear(gain=1 / scale, offset=-mean / scale)
        elif isinstance(step, ScaleRange) and line is not None:
            low, high = percentiles(source, (step.min_percentile, step.max_percentile))
            low, high = (line.gain * value + line.offset for value in (low, high))
            scale = high - low + step.eps
            step = ScaleLinear(gain=1 / scale, offset=-low / scale)
        found.append(step)
        line = _straight(step, line) if line is not None else None
    return tuple(found)


def _straight(step: Step, line: _Line) -> _Line | None:
    """Follow a straight line of positive gain through a step; None if it does not stay one."""
    if isinstance(step, EnsureDtype):
        return line if step.dtype.startswith("float") else None
    if isinstance(step, _MEASURED):
        return line
    gain: object = None
    offset: object = None
    if isinstance(step, ScaleLinear):
        gain, offset = step.gain, step.offset
    elif isinstance(step, FixedZeroMeanUnitVariance) and not isinstance(step.mean, tuple):
        gain = 1 / step.std if isinstance(step.std, float) else None
        offset = -step.mean / step.std if isinstance(step.std, float) else None
    if not isinstance(gain, float) or not isinstance(offset, float) or gain <= 0:
        return None
    return _Line(line.gain * gain, line.offset * gain + offset)


def _moments(source: PixelSource) -> tuple[float, float]:
    """Mean and standard deviation; added up on a grid of its own, so that the source's does not matter."""
    n, total, squares = 0, 0.0, 0.0
    shift: float | None = None
    for region in grid(source.shape, tuple(_SIDE for _ in source.shape)):
        values = source.read(region).astype(np.float64)
        if shift is None:
            shift = float(values.mean())  # keeps the squares small where the brightness is far from zero
        values -= shift
        n += values.size
        total += float(values.sum())
        squares += float(np.square(values, out=values).sum())
    mean = total / n
    return mean + (shift or 0.0), float(np.sqrt(max(squares / n - mean**2, 0.0)))
