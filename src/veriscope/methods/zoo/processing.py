"""Preprocessing and postprocessing of the BioImage.IO formats 0.4 and 0.5, on arrays with named axes.

Statistics are those of the whole image, not of a tile. Formulas are those of the specification [1]_.

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
from veriscope.methods.zoo.object_steps import CellposeFlowDynamics, StarDistPostprocessing
from veriscope.methods.zoo.step import ProcessingStep

__all__ = [
    "Binarize",
    "Clip",
    "Custom",
    "EnsureDtype",
    "FixedZeroMeanUnitVariance",
    "ScaleLinear",
    "ScaleMeanVariance",
    "ScaleRange",
    "Sigmoid",
    "Softmax",
    "Step",
    "Unsupported",
    "ZeroMeanUnitVariance",
    "apply_steps",
]

Array = NDArray[Any]
Eps = Annotated[float, Field(gt=0, le=0.1)]
_BLIND = "batch"


class EnsureDtype(ProcessingStep):
    """Convert to a type of number."""

    kind: Literal["ensure_dtype"] = "ensure_dtype"
    """Which step it is."""
    dtype: Literal[
        "float32",
        "float64",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "uint64",
        "int64",
        "bool",
    ]
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
        return np.asarray(values * gain + offset, _float(values))


class Sigmoid(ProcessingStep):
    """``1 / (1 + exp(-values))``."""

    kind: Literal["sigmoid"] = "sigmoid"
    """Which step it is."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Apply to each value."""
        from scipy.special import expit

        return np.asarray(expit(values.astype(_float(values), copy=False)))


class Softmax(ProcessingStep):
    """``exp(values)`` divided by its sum along an axis."""

    kind: Literal["softmax"] = "softmax"
    """Which step it is."""
    axis: str = "channel"
    """Axis along which the sum is one."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Apply along the axis."""
        from scipy.special import softmax

        place = _place(self.axis, axes, what="softmax")
        return np.asarray(softmax(values.astype(_float(values), copy=False), axis=place))


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
        return np.asarray((values - mean) / std, _float(values))


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
        return np.asarray((values - mean) / (std + self.eps), _float(values))


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
        return np.asarray((values - low) / (high - low + self.eps), _float(values))


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
        return np.asarray(found, _float(values))


class Custom(ProcessingStep):
    """Python code of the package; `veriscope.methods.zoo.custom_code` runs it in another process."""

    kind: Literal["custom"] = "custom"
    """Which step it is."""
    callable: str
    """Name of the class or function."""
    source: str
    """The file."""
    sha256: str | None = None
    """Its hash, as the package states it."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """What it is called with."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Refuse: it is never run within this process."""
        raise MethodError(
            f"{self.source} is code of the package and is not run where a step of it is expected"
        )


class Unsupported(ProcessingStep):
    """A step that Veriscope does not have."""

    kind: Literal["unsupported"] = "unsupported"
    """Which step it is."""
    name: str
    """Name of the step in the format."""

    def apply(self, values: Array, axes: Sequence[str], references: Mapping[str, Array]) -> Array:
        """Refuse."""
        raise MethodError(
            f"the model needs the processing step {self.name!r}, which Veriscope does not have; choose "
            "another "
            "model, or run this one in its own software and compare its label images (veriscope compare)"
        )


Step = Annotated[
    Binarize
    | CellposeFlowDynamics
    | Clip
    | Custom
    | EnsureDtype
    | FixedZeroMeanUnitVariance
    | ScaleLinear
    | ScaleMeanVariance
    | ScaleRange
    | Sigmoid
    | Softmax
    | StarDistPostprocessing
    | Unsupported
    | ZeroMeanUnitVariance,
    Field(discriminator="kind"),
]


def apply_steps(
    steps: Sequence[Step], values: Array, axes: Sequence[str], references: Mapping[str, Array]
) -> Array:
    """Apply steps one after the other.

    Parameters
    ----------
    steps
        In this order.
    values
        Any shape.
    axes
        Name of each of its axes.
    references
        Other tensors by their ids, for steps that refer to them.

    Returns
    -------
    numpy.ndarray
        A new array, or the one given if there are no steps.

    Raises
    ------
    AxesError
        If a step names an axis that is not there, or has another number of values than the axis.
    MethodError
        If a step cannot be done here.
    """
    for step in steps:
        values = step.apply(values, axes, references)
    return values


def _float(values: Array) -> np.dtype[Any]:
    """Type of what is computed from values: floats stay, the rest becomes float32."""
    return values.dtype if values.dtype.kind == "f" else np.dtype(np.float32)


def _place(name: str, axes: Sequence[str], *, what: str) -> int:
    if name not in axes:
        raise AxesError(f"{what}: the tensor has no axis {name!r}; it has {', '.join(axes)}")
    return list(axes).index(name)


def _reduced(names: tuple[str, ...] | None, axes: Sequence[str], *, what: str) -> tuple[int, ...] | None:
    """Places of the axes to reduce; the batch is one image here, so it may be named or not."""
    if names is None:
        return None
    return tuple(_place(name, axes, what=what) for name in names if name != _BLIND or _BLIND in axes)


def _along(
    numbers: float | tuple[float, ...], axis: str | None, values: Array, axes: Sequence[str], *, what: str
) -> Array:
    """Shape numbers so that they spread along an axis."""
    if isinstance(numbers, float | int):
        return np.asarray(numbers, _float(values))
    if axis is None and len(numbers) == 1:
        return np.asarray(numbers[0], _float(values))
    if axis is None:
        raise AxesError(f"{what}: has {len(numbers)} values and does not say along which axis")
    place = _place(axis, axes, what=what)
    if len(numbers) not in (1, values.shape[place]):
        raise AxesError(f"{what}: has {len(numbers)} values for {values.shape[place]} along {axis}")
    shape = [len(numbers) if i == place else 1 for i in range(values.ndim)]
    return np.asarray(numbers, _float(values)).reshape(shape)


def _reference(name: str, references: Mapping[str, Array], values: Array) -> Array:
    if name not in references:
        raise MethodError(f"a processing step refers to the tensor {name!r}, which is not there")
    other = references[name]
    if other.ndim != values.ndim:
        raise AxesError(f"the tensor {name!r} has {other.ndim} axes and should have {values.ndim}")
    return other
