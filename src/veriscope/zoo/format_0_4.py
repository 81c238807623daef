"""Descriptions of BioImage.IO format 0.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from veriscope.methods.zoo.description import AXIS_LETTERS, Axis, ModelDescription, Tensor
from veriscope.methods.zoo.fixed_steps import FixedZeroMeanUnitVariance
from veriscope.methods.zoo.processing import Step, Unsupported
from veriscope.zoo.format_0_5 import STEPS, file_of, general, read_weights

__all__ = ["read_0_4"]


def read_0_4(content: Mapping[str, Any]) -> ModelDescription:
    """Translate a description of format 0.4.

    Parameters
    ----------
    content
        Plain values of the file.

    Returns
    -------
    ModelDescription
        What is needed to run it.

    Raises
    ------
    InputError, KeyError, TypeError, ValueError
        If something is missing or wrong; `veriscope.zoo.read` turns them into one message.
    """
    notes: list[str] = []
    names = [str(item["name"]) for item in [*content["inputs"], *content["outputs"]]]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise ValueError(f"several tensors are named {', '.join(double)}")
    shapes = {str(item["name"]): item["shape"] for item in content["inputs"]}
    tests_in = content.get("test_inputs") or [None] * len(content["inputs"])
    tests_out = content.get("test_outputs") or [None] * len(content["outputs"])
    inputs = tuple(
        _tensor(item, _input_axes(item), item.get("preprocessing"), test, notes)
        for item, test in zip(content["inputs"], tests_in, strict=True)
    )
    axes_in = {str(item["name"]): str(item["axes"]) for item in content["inputs"]}
    outputs = tuple(
        _tensor(item, _output_axes(item, shapes, axes_in), item.get("postprocessing"), test, notes)
        for item, test in zip(content["outputs"], tests_out, strict=True)
    )
    return ModelDescription(
        **general(content),
        inputs=inputs,
        outputs=outputs,
        weights=read_weights(content["weights"]),
        notes=tuple(dict.fromkeys(notes)),
    )


def _tensor(
    item: Mapping[str, Any], axes: tuple[Axis, ...], steps: Any, test: Any, notes: list[str]
) -> Tensor:
    return Tensor(
        id=str(item["name"]),
        axes=axes,
        dtype=str(item.get("data_type", "float32")),  # type: ignore[arg-type]
        steps=tuple(_step(step, str(item["axes"]), notes) for step in steps or []),
        test=file_of(test),
    )


def _input_axes(item: Mapping[str, Any]) -> tuple[Axis, ...]:
    letters, shape = str(item["axes"]), item["shape"]
    if isinstance(shape, Mapping):
        smallest, step = list(shape["min"]), list(shape["step"])
        _same_length(letters, smallest, step)
        return tuple(
            Axis(name=AXIS_LETTERS[letter], size=low)
            if by == 0
            else Axis(name=AXIS_LETTERS[letter], smallest=low, step=by)
            for letter, low, by in zip(letters, smallest, step, strict=True)
        )
    _same_length(letters, list(shape))
    return tuple(Axis(name=AXIS_LETTERS[k], size=n) for k, n in zip(letters, shape, strict=True))


def _output_axes(
    item: Mapping[str, Any], shapes: Mapping[str, Any], axes_in: Mapping[str, str]
) -> tuple[Axis, ...]:
    letters, shape = str(item["axes"]), item["shape"]
    halo = list(item.get("halo") or [0] * len(letters))
    if isinstance(shape, Mapping):
        source = str(shape["reference_tensor"])
        scale, offset = list(shape["scale"]), list(shape["offset"])
        _same_length(letters, scale, offset, halo)
        axes = []
        for letter, by, shift, ends in zip(letters, scale, offset, halo, strict=True):
            fields: dict[str, Any] = {"name": AXIS_LETTERS[letter], "halo": ends}
            if not by:  # a length that does not depend on the input
                fields["size"] = int(2 * shift)
            else:
                fields |= {"ratio": float(by), "offset": float(2 * shift)}
                if AXIS_LETTERS[letter] == "channel":
                    fields["size"] = int(_length(shapes[source], axes_in[source], letter) * by + 2 * shift)
            axes.append(Axis(**fields))
        return tuple(axes)
    _same_length(letters, list(shape), halo)
    found = []
    for letter, size, ends in zip(letters, shape, halo, strict=True):
        axis = Axis(name=AXIS_LETTERS[letter], size=size, halo=ends)
        source = next(iter(shapes))
        if letter in "zyx" and letter in axes_in[source] and not isinstance(shapes[source], Mapping):
            axis = axis.model_copy(update={"ratio": size / _length(shapes[source], axes_in[source], letter)})
        found.append(axis)
    return tuple(found)


def _length(shape: Any, letters: str, letter: str) -> int:
    lengths = shape["min"] if isinstance(shape, Mapping) else shape
    return int(lengths[letters.index(letter)])


def _same_length(letters: str, *lists: Sequence[Any]) -> None:
    for values in lists:
        if len(values) != len(letters):
            raise ValueError(f"axes {letters!r} need {len(letters)} values, got {list(values)}")


def _step(item: Mapping[str, Any], letters: str, notes: list[str]) -> Step:
    name, kwargs = str(item["name"]), dict(item.get("kwargs") or {})
    mode = kwargs.pop("mode", None)
    axes = kwargs.pop("axes", None)
    if name == "zero_mean_unit_variance" and (mode == "fixed" or (mode is None and "mean" in kwargs)):
        kwargs.pop("eps", None)
        along = _left_over(axes, letters, kwargs.get("mean"))
        fixed: Step = FixedZeroMeanUnitVariance.parse(
            {**kwargs, "axis": along}, where=f"processing step {name}"
        )
        return fixed
    if name not in STEPS:
        return Unsupported(name=name)
    if mode == "per_dataset":
        notes.append("Its brightness is to be normalised over a data set; here it is over each image.")
    if name == "scale_linear":
        kwargs["axis"] = _left_over(axes, letters, kwargs.get("gain"), kwargs.get("offset"))
    elif axes is not None:
        kwargs["axes"] = tuple(AXIS_LETTERS[letter] for letter in axes)
    elif name in ("scale_range", "zero_mean_unit_variance", "scale_mean_variance"):
        kwargs["axes"] = tuple(AXIS_LETTERS[letter] for letter in letters if letter != "b")
    if "reference_tensor" in kwargs:
        kwargs["reference"] = kwargs.pop("reference_tensor")
    for unused in ("mean", "std"):
        kwargs.pop(unused, None)
    made: Step = STEPS[name].parse(kwargs, where=f"processing step {name}")
    return made


def _left_over(axes: str | None, letters: str, *values: Any) -> str | None:
    """Axis along which lists of numbers go: the one that is not normalised jointly."""
    if not any(isinstance(value, list) and len(value) > 1 for value in values):
        return None
    left = [letter for letter in letters if letter not in (axes or "") and letter != "b"]
    if axes is None and "c" in letters:
        left = ["c"]
    if len(left) != 1:
        raise ValueError(f"lists of numbers need one axis beside {axes!r} of {letters!r}")
    return AXIS_LETTERS[left[0]]
