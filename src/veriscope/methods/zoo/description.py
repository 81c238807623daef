"""What has to be known of a model package to run it, whatever version of the format it was written in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

from pydantic import Field, model_validator

from veriscope.core.settings import Settings
from veriscope.methods.zoo.object_steps import StarDistPostprocessing, object_step
from veriscope.methods.zoo.processing import Step
from veriscope.methods.zoo.step import Dtype

__all__ = [
    "AXIS_LETTERS",
    "RUNNABLE",
    "Axis",
    "Code",
    "File",
    "ModelDescription",
    "Tensor",
    "Tolerance",
    "Weights",
]

AxisName = Literal["batch", "channel", "index", "time", "z", "y", "x"]
WeightsFormat = Literal[
    "onnx",
    "torchscript",
    "pytorch_state_dict",
    "keras_hdf5",
    "keras_v3",
    "tensorflow_js",
    "tensorflow_saved_model_bundle",
]

RUNNABLE: tuple[WeightsFormat, ...] = (
    "onnx",
    "torchscript",
    "pytorch_state_dict",
    "keras_v3",
    "keras_hdf5",
    "tensorflow_saved_model_bundle",
)
"""Formats of weights that run here; of several in a package the first of these runs."""
AXIS_LETTERS: dict[str, AxisName] = {
    "b": "batch",
    "c": "channel",
    "i": "index",
    "t": "time",
    "z": "z",
    "y": "y",
    "x": "x",
}
"""Axes of format 0.4 by their letters."""


class File(Settings):
    """A file that belongs to a package."""

    source: str
    """Path within the package, or an http address."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """Hash of its content; None: not stated."""


class Axis(Settings):
    """One axis of a tensor."""

    name: AxisName
    """Meaning of the axis."""
    size: int | None = Field(default=None, ge=1)
    """Fixed length; None: variable."""
    smallest: int = Field(default=1, ge=1)
    """Shortest length, where it is variable."""
    step: int = Field(default=1, ge=1)
    """Lengths are the shortest plus multiples of this."""
    align: int = Field(default=1, ge=1)
    """Tiles start at multiples of this, where it is known that pooling then sees the same pixels together."""
    tied: bool = False
    """Whether the length follows that of another spatial axis of the same tensor."""
    ratio: float = Field(default=1.0, gt=0)
    """Of an output: its pixels per pixel of the input."""
    offset: float = 0.0
    """Of an output: its length minus `ratio` times that of the input, in its pixels."""
    halo: int = Field(default=0, ge=0)
    """Of an output: pixels at each end that the surroundings outside a tile would change."""
    spacing: float | None = Field(default=None, gt=0)
    """Size of a pixel in µm; None: not stated."""
    channels: tuple[str, ...] = ()
    """Names of the channels."""

    def coarser(self, factor: int) -> Axis:
        """Give the axis with fewer places.

        Parameters
        ----------
        factor
            How many places become one.

        Returns
        -------
        Axis
            Of which this one is an enlargement.
        """
        size = None if self.size is None else self.size // factor
        update = {"ratio": self.ratio / factor, "halo": -(-self.halo // factor), "size": size}
        return self.model_copy(update=update | {"offset": self.offset / factor})

    @property
    def exact_ratio(self) -> Fraction:
        """The ratio as a fraction of small numbers."""
        return Fraction(self.ratio).limit_denominator(64)


class Tensor(Settings):
    """An array that goes into a model, or comes out of it."""

    id: str
    """Its name."""
    axes: tuple[Axis, ...]
    """In the order of the array."""
    dtype: Dtype = "float32"
    """Type of the values as given to the model's own preprocessing, or as they come out."""
    steps: tuple[Step, ...] = ()
    """Preprocessing of an input, postprocessing of an output."""
    test: File | None = None
    """Test tensor."""
    optional: bool = False
    """Whether the model runs without it."""

    @model_validator(mode="after")
    def _checked(self) -> Tensor:
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise ValueError(f"tensor {self.id!r} has the axis {twice[0]!r} twice")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.name for axis in self.axes)

    @property
    def spatial(self) -> tuple[Axis, ...]:
        """The axes z, y and x, in the order of the array."""
        return tuple(axis for axis in self.axes if axis.name in ("z", "y", "x"))

    @property
    def before_objects(self) -> Tensor:
        """The same as the network gives it: before a step that makes objects, whose grid may be coarser."""
        step = object_step(self.steps)
        zoom = step.zoom if step is not None else {}
        if all(factor == 1 for factor in zoom.values()):
            return self
        axes = [axis.coarser(zoom.get(axis.name, 1)) for axis in self.axes]
        return self.model_copy(update={"axes": tuple(axes)})

    def axis(self, name: str) -> Axis | None:
        """Give an axis by its name.

        Parameters
        ----------
        name
            Such as ``channel``.

        Returns
        -------
        Axis or None
            None if there is none.
        """
        return next((axis for axis in self.axes if axis.name == name), None)


class Code(Settings):
    """Python code of a package; it runs only after consent to its hash, in a separate process."""

    file: File
    """The source file."""
    callable: str
    """Name of the class or function in it."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """What it is called with."""


class Weights(Settings):
    """Weights of a model in one format."""

    format: WeightsFormat
    """Format."""
    file: File
    """The weights."""
    architecture: Code | None = None
    """Code that the weights need; only a state dict does."""
    library: str = ""
    """Installed library that has the architecture, where it is not in the package."""
    external_data: bool = False
    """Whether the weights are spread over several files."""
    opset: int | None = None
    """ONNX opset."""


class Tolerance(Settings):
    """How far an output may be from the test tensor of its author."""

    relative: float = Field(default=1e-3, ge=0)
    """Of the value of the test tensor."""
    absolute: float = Field(default=1e-3, ge=0)
    """In the units of the output."""
    per_million: float = Field(default=100, ge=0)
    """Values of a million that may differ more."""
    formats: tuple[str, ...] = ()
    """Formats of weights it is for; empty: all."""
    outputs: tuple[str, ...] = ()
    """Outputs it is for; empty: all."""


class ModelDescription(Settings):
    """A model package, as far as it is needed to run and to judge it."""

    format_version: str
    """Version of the BioImage.IO format."""
    name: str
    """Name for people."""
    id: str = ""
    """Nickname such as ``affable-shark``; empty: none."""
    version: str = ""
    """Version of the model."""
    summary: str = ""
    """One or two sentences of its authors."""
    licence: str = ""
    """SPDX identifier; empty: not stated."""
    tags: tuple[str, ...] = ()
    """Keywords."""
    authors: tuple[str, ...] = ()
    """Names."""
    citations: tuple[str, ...] = ()
    """Publications to cite."""
    training_data: str = ""
    """Data set it was trained on; empty: not stated."""
    memory: str = ""
    """What its authors say about memory needed."""
    inputs: tuple[Tensor, ...]
    """What goes in."""
    outputs: tuple[Tensor, ...]
    """What comes out."""
    weights: tuple[Weights, ...]
    """In the order of `RUNNABLE`, then others."""
    tolerances: tuple[Tolerance, ...] = ()
    """What its authors say about reproducibility."""
    objects: StarDistPostprocessing | None = None
    """How objects are made of the first output, where that stands beside its processing."""
    notes: tuple[str, ...] = ()
    """What a reader of the description had to say."""

    @property
    def codes(self) -> tuple[Code, ...]:
        """Python code in the package that would have to run."""
        found = [item.architecture for item in self.weights if item.architecture is not None]
        for tensor in (*self.inputs, *self.outputs):
            for step in tensor.steps:
                if step.kind == "custom":
                    file = File(source=step.source, sha256=step.sha256)
                    found.append(Code(file=file, callable=step.callable, kwargs=step.kwargs))
        return tuple(found)

    def tolerance(self, output: Tensor, weights: str) -> Tolerance:
        """Give the tolerance that holds for an output.

        Parameters
        ----------
        output
            One of the outputs.
        weights
            Format of the weights that run.

        Returns
        -------
        Tolerance
            The authors' own, else that of the format: 1e-3, relative and absolute, 100 of a million;
            integers must be equal but for 1000 of a million.
        """
        for item in self.tolerances:
            if (not item.formats or weights in item.formats) and (
                not item.outputs or output.id in item.outputs
            ):
                return item
        if output.dtype.startswith(("int", "uint", "bool")):
            return Tolerance(relative=0, absolute=0, per_million=1000)
        return Tolerance()
