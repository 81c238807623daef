"""Preprocessing and postprocessing of the BioImage.IO formats 0.4 and 0.5, on arrays with named axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from numpy.typing import NDArray
from pydantic import Field

from veriscope.errors import MethodError
from veriscope.methods.zoo.fixed_steps import (
    Binarize,
    EnsureDtype,
    FixedZeroMeanUnitVariance,
    ScaleLinear,
    Sigmoid,
    Softmax,
)
from veriscope.methods.zoo.measured_steps import Clip, ScaleMeanVariance, ScaleRange, ZeroMeanUnitVariance
from veriscope.methods.zoo.object_steps import CellposeFlowDynamics, StarDistPostprocessing
from veriscope.methods.zoo.step import ProcessingStep

__all__ = ["Custom", "Step", "Unsupported", "apply_steps"]

Array = NDArray[Any]


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
            "another model, or run this one in its own software and compare its label images (veriscope "
            "compare)"
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
