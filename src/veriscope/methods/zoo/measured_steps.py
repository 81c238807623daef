"""Processing steps whose numbers are measured: in the tensor itself, or in another one.

They are those of the whole image, not of a tile. Formulas are those of the specification [1]_.

References
----------
.. [1] BioImage.IO model description 0.5, https://bioimage-io.github.io/spec-bioimage-io/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from veriscope.errors import AxesError, MethodError
from veriscope.methods.zoo.step import ProcessingStep, axis_place, float_type

__all__ = [
    "Clip",
    "ScaleMeanVariance",
    "ScaleRange",
    "ZeroMeanUnitVariance",
]

Array = NDArray[Any]
Eps = Annotated[float, Field(gt=0, le=0.1)]
_BLIND = "batch"


class Clip(ProcessingStep):
    """Limit values to a range, given or made of percentiles."""

    kind: Literal["clip"] = "clip"
    """Which step it is."""
    min: float | None = None
    """Lower limit; None: none, or a percentile."""
    max: float | None = None
    """Upper limit; None: none, or a percentile."""
    min_percentile: float | None = Field(default=None, ge=0, lt=100)
    """Percentile of the lower end, 0 to below 100."""
    max_percentile: float | None = Field(default=None, gt=1, le=100)
    """Percentile of the upper end, above 1 to 100."""
    axes: tuple[str, ...] | None = None
    """Axes over which it is measured jointly; None: all."""

    @model_validator(mode="after")
    def _checked(self) -> Clip:
        low = [self.min, self.min_percentile]
        high = [self.max, self.max_percentile]
        if low.count(None) == 0 or high.count(None) == 0 or (low + high).count(None) == 4:
            raise ValueError("clip needs a lower or an upper limit, each given once")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"clip: min {self.min} is not below max {self.max}")
        if (self.min_percentile or 0) >= (self.max_percentile or 100):
            raise ValueError(f"clip: percentile {self.min_percentile} is not below {self.max_percentile}")
        return self

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Clip; the type of the values stays."""
        over = _reduced(self.axes, axes, what="clip")
        low, high = self.min, self.max
        found = values
        if self.min_percentile is not None:
            found = np.maximum(found, np.percentile(values, self.min_percentile, axis=over, keepdims=True))
        elif low is not None:
            found = np.maximum(found, low)
        if self.max_percentile is not None:
            found = np.minimum(found, np.percentile(values, self.max_percentile, axis=over, keepdims=True))
        elif high is not None:
            found = np.minimum(found, high)
        return found.astype(values.dtype)


class ZeroMeanUnitVariance(ProcessingStep):
    """``(values - mean) / (std + eps)`` with numbers of the image."""

    kind: Literal["zero_mean_unit_variance"] = "zero_mean_unit_variance"
    """Which step it is."""
    axes: tuple[str, ...] | None = None
    """Axes over which it is measured jointly; None: all."""
    eps: Eps = 1e-6
    """Keeps constant images from being divided by zero."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Normalise over the axes jointly."""
        over = _reduced(self.axes, axes, what=self.kind)
        mean = values.mean(axis=over, keepdims=True, dtype=np.float64)
        std = values.std(axis=over, keepdims=True, dtype=np.float64)
        return np.asarray((values - mean) / (std + self.eps), float_type(values))


class ScaleRange(ProcessingStep):
    """``(values - low) / (high - low + eps)``, with percentiles of the image or of another tensor."""

    kind: Literal["scale_range"] = "scale_range"
    """Which step it is."""
    axes: tuple[str, ...] | None = None
    """Axes over which it is measured jointly; None: all."""
    min_percentile: float = Field(default=0.0, ge=0, lt=100)
    """Percentile of the lower end, 0 to below 100."""
    max_percentile: float = Field(default=100.0, gt=1, le=100)
    """Percentile of the upper end, above 1 to 100."""
    eps: Eps = 1e-6
    """Keeps constant images from being divided by zero."""
    reference: str | None = None
    """Name of the tensor that is measured; None: the tensor itself."""

    @model_validator(mode="after")
    def _checked(self) -> ScaleRange:
        if self.min_percentile >= self.max_percentile:
            raise ValueError(f"min_percentile {self.min_percentile} >= max_percentile {self.max_percentile}")
        return self

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Normalise over the axes jointly."""
        seen = values if self.reference is None else _reference(self.reference, references, values)
        over = _reduced(self.axes, axes, what=self.kind)
        low, high = np.percentile(
            seen.astype(np.float64), (self.min_percentile, self.max_percentile), axis=over, keepdims=True
        )
        return np.asarray((values - low) / (high - low + self.eps), float_type(values))


class ScaleMeanVariance(ProcessingStep):
    """Give mean and standard deviation of another tensor."""

    kind: Literal["scale_mean_variance"] = "scale_mean_variance"
    """Which step it is."""
    reference: str
    """Name of the tensor that is measured; None: the tensor itself."""
    axes: tuple[str, ...] | None = None
    """Axes over which it is measured jointly; None: all."""
    eps: Eps = 1e-6
    """Keeps constant images from being divided by zero."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """``(values - mean) / (std + eps) * (reference std + eps) + reference mean``."""
        other = _reference(self.reference, references, values)
        over = _reduced(self.axes, axes, what=self.kind)
        mean = values.mean(axis=over, keepdims=True, dtype=np.float64)
        std = values.std(axis=over, keepdims=True, dtype=np.float64)
        to_mean = other.mean(axis=over, keepdims=True, dtype=np.float64)
        to_std = other.std(axis=over, keepdims=True, dtype=np.float64)
        found = (values - mean) / (std + self.eps) * (to_std + self.eps) + to_mean
        return np.asarray(found, float_type(values))


def _reduced(names: tuple[str, ...] | None, axes: Sequence[str], *, what: str) -> tuple[int, ...] | None:
    """Places of the axes to reduce; the batch is one image here, so it may be named or not."""
    if names is None:
        return None
    return tuple(axis_place(name, axes, what=what) for name in names if name != _BLIND or _BLIND in axes)


def _reference(name: str, references: Mapping[str, Array], values: Array) -> Array:
    if name not in references:
        raise MethodError(f"a processing step refers to the tensor {name!r}, which is not there")
    other = references[name]
    if other.ndim != values.ndim:
        raise AxesError(f"the tensor {name!r} has {other.ndim} axes and should have {values.ndim}")
    return other
