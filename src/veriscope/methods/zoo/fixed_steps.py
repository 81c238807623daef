"""Processing steps whose numbers stand in the package, or that need none.

Formulas are those of the specification [1]_.

References
----------
.. [1] BioImage.IO model description 0.5, https://bioimage-io.github.io/spec-bioimage-io/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from veriscope.errors import AxesError
from veriscope.methods.zoo.step import Dtype, ProcessingStep, axis_place, float_type

__all__ = [
    "Binarize",
    "EnsureDtype",
    "FixedZeroMeanUnitVariance",
    "ScaleLinear",
    "Sigmoid",
    "Softmax",
]

Array = NDArray[Any]


class EnsureDtype(ProcessingStep):
    """Convert to a type of number."""

    kind: Literal["ensure_dtype"] = "ensure_dtype"
    """Which step it is."""
    dtype: Dtype
    """Type of number."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Cast."""
        return values.astype(self.dtype)


class Binarize(ProcessingStep):
    """1 where a value is above a threshold, else 0."""

    kind: Literal["binarize"] = "binarize"
    """Which step it is."""
    threshold: float | tuple[float, ...]
    """One, or one for each place along `axis`."""
    axis: str | None = None
    """Axis along which several numbers go; None: there is one."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Compare with the threshold; the type of the values stays."""
        above = values > _along(self.threshold, self.axis, values, axes, what="binarize")
        return above.astype(values.dtype)


class ScaleLinear(ProcessingStep):
    """``values * gain + offset``."""

    kind: Literal["scale_linear"] = "scale_linear"
    """Which step it is."""
    gain: float | tuple[float, ...] = 1.0
    """One factor, or one for each place along `axis`."""
    offset: float | tuple[float, ...] = 0.0
    """One summand, or one for each place along `axis`."""
    axis: str | None = None
    """Axis along which several numbers go; None: there is one."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Multiply, then add."""
        gain = _along(self.gain, self.axis, values, axes, what="scale_linear")
        offset = _along(self.offset, self.axis, values, axes, what="scale_linear")
        return np.asarray(values * gain + offset, float_type(values))


class Sigmoid(ProcessingStep):
    """``1 / (1 + exp(-values))``."""

    kind: Literal["sigmoid"] = "sigmoid"
    """Which step it is."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Apply to each value."""
        from scipy.special import expit

        return np.asarray(expit(values.astype(float_type(values), copy=False)), float_type(values))


class Softmax(ProcessingStep):
    """``exp(values)`` divided by its sum along an axis."""

    kind: Literal["softmax"] = "softmax"
    """Which step it is."""
    axis: str = "channel"
    """Axis along which the sum is one."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Apply along the axis."""
        from scipy.special import softmax

        place = axis_place(self.axis, axes, what="softmax")
        return np.asarray(softmax(values.astype(float_type(values), copy=False), axis=place))


class FixedZeroMeanUnitVariance(ProcessingStep):
    """``(values - mean) / std`` with numbers of the training data."""

    kind: Literal["fixed_zero_mean_unit_variance"] = "fixed_zero_mean_unit_variance"
    """Which step it is."""
    mean: float | tuple[float, ...]
    """One, or one for each place along `axis`."""
    std: float | tuple[float, ...]
    """One, or one for each place along `axis`; at least 1e-6."""
    axis: str | None = None
    """Axis along which several numbers go; None: there is one."""

    @model_validator(mode="after")
    def _checked(self) -> FixedZeroMeanUnitVariance:
        if np.min(self.std) < 1e-6:
            raise ValueError(f"std must be at least 1e-6, got {self.std}")
        return self

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Subtract, then divide."""
        mean = _along(self.mean, self.axis, values, axes, what=self.kind)
        std = _along(self.std, self.axis, values, axes, what=self.kind)
        return np.asarray((values - mean) / std, float_type(values))


def _along(
    numbers: float | tuple[float, ...], axis: str | None, values: Array, axes: Sequence[str], *, what: str
) -> Array:
    """Shape numbers so that they spread along an axis; beside large integers they are float64."""
    kind = np.result_type(values.dtype, np.float32)
    if isinstance(numbers, float | int):
        return np.asarray(numbers, kind)
    if axis is None and len(numbers) == 1:
        return np.asarray(numbers[0], kind)
    if axis is None:
        raise AxesError(f"{what}: has {len(numbers)} values and does not say along which axis")
    place = axis_place(axis, axes, what=what)
    if len(numbers) not in (1, values.shape[place]):
        raise AxesError(f"{what}: has {len(numbers)} values for {values.shape[place]} along {axis}")
    shape = [len(numbers) if i == place else 1 for i in range(values.ndim)]
    return np.asarray(numbers, kind).reshape(shape)
