"""Descriptions of BioImage.IO format 0.5, and what they share with 0.4.

`bioimageio.spec` reads the same files, with checks of everything that does not matter for running a
model; it is not part of a plain installation, and checks in addition where it is there (`zoo/validity.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from veriscope.errors import UnreadableFileError
from veriscope.methods.zoo.description import (
    RUNNABLE,
    Axis,
    Code,
    File,
    ModelDescription,
    Tensor,
    Tolerance,
    Weights,
)
from veriscope.methods.zoo.fixed_steps import (
    Binarize,
    EnsureDtype,
    FixedZeroMeanUnitVariance,
    ScaleLinear,
    Sigmoid,
    Softmax,
)
from veriscope.methods.zoo.measured_steps import Clip, ScaleMeanVariance, ScaleRange, ZeroMeanUnitVariance
from veriscope.methods.zoo.object_steps import CellposeFlowDynamics, StarDistPostprocessing, stardist_of
from veriscope.methods.zoo.processing import Custom, Step, Unsupported

__all__ = ["STEPS", "file_of", "general", "read_0_5", "read_weights"]

_MICROMETRES = {
    "micrometer": 1.0,
    "nanometer": 1e-3,
    "millimeter": 1e3,
    "picometer": 1e-6,
    "angstrom": 1e-4,
    "centimeter": 1e4,
    "meter": 1e6,
}
STEPS: dict[str, type[Any]] = {
    "binarize": Binarize,
    "cellpose_flow_dynamics": CellposeFlowDynamics,
    "clip": Clip,
    "ensure_dtype": EnsureDtype,
    "fixed_zero_mean_unit_variance": FixedZeroMeanUnitVariance,
    "scale_linear": ScaleLinear,
    "scale_mean_variance": ScaleMeanVariance,
    "scale_range": ScaleRange,
    "sigmoid": Sigmoid,
    "softmax": Softmax,
    "stardist_postprocessing": StarDistPostprocessing,
    "zero_mean_unit_variance": ZeroMeanUnitVariance,
}
"""Processing steps by their names in the format."""


def read_0_5(content: Mapping[str, Any]) -> ModelDescription:
    """Translate a description of format 0.5.

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
    raw = {str(item.get("id", "input")): item for item in content["inputs"]}
    inputs = tuple(_input(item) for item in content["inputs"])
    outputs = tuple(_output(item, raw) for item in content["outputs"])
    stated = ((content.get("config") or {}).get("bioimageio") or {}).get("reproducibility_tolerance") or []
    return ModelDescription(
        **general(content),
        inputs=inputs,
        outputs=outputs,
        weights=read_weights(content["weights"]),
        tolerances=tuple(_tolerance(item) for item in stated),
    )


def general(content: Mapping[str, Any]) -> dict[str, Any]:
    """Give what both formats say in the same words.

    Parameters
    ----------
    content
        Plain values of the file.

    Returns
    -------
    dict
        Fields of `ModelDescription`.
    """
    stated = content.get("config") or {}
    config = stated.get("bioimageio") or {}
    training = content.get("training_data") or {}
    citations = [
        " ".join(str(item[key]) for key in ("text", "doi" if item.get("doi") else "url") if item.get(key))
        for item in content.get("cite") or []
    ]
    return {
        "format_version": str(content["format_version"]),
        "name": str(content["name"]),
        "id": str(content.get("id") or content.get("nickname") or config.get("nickname") or ""),
        "version": str(content.get("version") or ""),
        "summary": str(content.get("description") or ""),
        "licence": str(content.get("license") or ""),
        "tags": tuple(map(str, content.get("tags") or [])),
        "authors": tuple(str(item.get("name", "")) for item in content.get("authors") or []),
        "citations": tuple(citations),
        "training_data": str(training.get("id") or training.get("name") or training.get("source") or ""),
        "memory": str(config.get("memory_requirements_inference") or ""),
        "objects": stardist_of(stated),
    }


def file_of(item: Any, sha256: Any = None) -> File | None:
    """Read a file: a path, or a mapping with source and hash.

    Parameters
    ----------
    item
        As it stands in the description; None is handed through.
    sha256
        Hash that stands elsewhere.

    Returns
    -------
    File or None
        The file.
    """
    if item is None:
        return None
    if isinstance(item, str):
        return File(source=item, sha256=sha256)
    return File(source=str(item["source"]), sha256=item.get("sha256") or sha256)


def read_weights(content: Mapping[str, Any]) -> tuple[Weights, ...]:
    """Read all weights, those that run here first.

    Parameters
    ----------
    content
        The part ``weights`` of a description.

    Returns
    -------
    tuple of Weights
        At least one.
    """
    found = [_weights(name, item) for name, item in content.items() if item is not None]
    if not found:
        raise UnreadableFileError(
            "it names no weights, such as onnx, so there is nothing to run; ask its authors for them"
        )
    return tuple(sorted(found, key=lambda item: (*RUNNABLE, item.format).index(item.format)))


def _weights(name: str, item: Mapping[str, Any]) -> Weights:
    code, library = None, ""
    stated = item.get("architecture")
    if isinstance(stated, str) and ":" in stated:  # 0.4: file.py:Class
        source, _, called = stated.rpartition(":")
        file = File(source=source, sha256=item.get("architecture_sha256"))
        code = Code(file=file, callable=called, kwargs=item.get("kwargs") or {})
    elif isinstance(stated, str):  # 0.4: module.Class
        library = stated
    elif isinstance(stated, Mapping) and stated.get("source"):
        file = File(source=str(stated["source"]), sha256=stated.get("sha256"))
        code = Code(file=file, callable=str(stated["callable"]), kwargs=stated.get("kwargs") or {})
    elif isinstance(stated, Mapping):
        library = f"{stated.get('import_from')}.{stated.get('callable')}"
    return Weights(
        format=name,  # type: ignore[arg-type]
        file=File(source=str(item["source"]), sha256=item.get("sha256")),
        architecture=code,
        library=library,
        external_data=bool(item.get("external_data")),
        opset=item.get("opset_version"),
    )


def _input(item: Mapping[str, Any]) -> Tensor:
    own = {_axis_name(axis): axis for axis in item["axes"]}
    axes = []
    for axis in item["axes"]:
        size = axis.get("size")
        tied = isinstance(size, Mapping) and "axis_id" in size
        if tied:
            other = own.get(str(size["axis_id"]))
            size = other.get("size") if other is not None else None
            if isinstance(size, Mapping) and "axis_id" in size:
                raise ValueError(f"the size of axis {_axis_name(axis)} refers to one that refers on")
        axes.append(_axis(axis, size, tied=tied))
    return Tensor(
        id=str(item.get("id", "input")),
        axes=tuple(axes),
        dtype=_dtype(item),  # type: ignore[arg-type]
        steps=tuple(_step(step) for step in item.get("preprocessing") or []),
        test=file_of(item.get("test_tensor")),
        optional=bool(item.get("optional", False)),
    )


def _output(item: Mapping[str, Any], inputs: Mapping[str, Mapping[str, Any]]) -> Tensor:
    axes = []
    for axis in item["axes"]:
        size = axis.get("size")
        if isinstance(size, Mapping) and "axis_id" in size:
            tensor = inputs[str(size["tensor_id"])]
            other = {_axis_name(a): a for a in tensor["axes"]}[str(size["axis_id"])]
            ratio = float(other.get("scale", 1.0)) / float(axis.get("scale", 1.0))
            axes.append(
                _axis(axis, None).model_copy(update={"ratio": ratio, "offset": float(size.get("offset", 0))})
            )
        else:
            axes.append(_related(_axis(axis, size), inputs))
    return Tensor(
        id=str(item.get("id", "output")),
        axes=tuple(axes),
        dtype=_dtype(item),  # type: ignore[arg-type]
        steps=tuple(_step(step) for step in item.get("postprocessing") or []),
        test=file_of(item.get("test_tensor")),
    )


def _related(axis: Axis, inputs: Mapping[str, Mapping[str, Any]]) -> Axis:
    """Relate a fixed length of an output to the fixed length of the input's axis of that name."""
    if axis.size is None or axis.name not in ("z", "y", "x"):
        return axis
    for tensor in inputs.values():
        for other in tensor["axes"]:
            if _axis_name(other) == axis.name and isinstance(other.get("size"), int):
                return axis.model_copy(update={"ratio": axis.size / other["size"]})
    return axis


def _axis_name(axis: Mapping[str, Any]) -> str:
    default = {"space": "x"}.get(str(axis["type"]), str(axis["type"]))
    return str(axis.get("id", default))


def _axis(axis: Mapping[str, Any], size: Any, *, tied: bool = False) -> Axis:
    fields: dict[str, Any] = {"name": _axis_name(axis), "tied": tied, "halo": int(axis.get("halo", 0))}
    if axis["type"] in ("batch", "channel", "time", "index"):
        fields["name"] = axis["type"]
    if isinstance(size, Mapping):
        fields["smallest"] = int(size.get("min", 1))
        fields["step"] = int(size.get("step", 1))
    elif size is not None:
        fields["size"] = int(size)
    names = axis.get("channel_names")
    if axis["type"] == "channel" and names is not None:
        count = int(axis.get("size", 1)) if isinstance(names, str) else len(names)
        named = [names.replace("{i}", str(i + 1)) for i in range(count)] if isinstance(names, str) else names
        fields["channels"] = tuple(map(str, named))
        fields["size"] = len(fields["channels"])
    if axis["type"] == "space" and axis.get("unit") in _MICROMETRES:
        fields["spacing"] = float(axis.get("scale", 1.0)) * _MICROMETRES[axis["unit"]]
    return Axis(**fields)


def _dtype(item: Mapping[str, Any]) -> str:
    """Type of a tensor's values; where each channel has its own, the widest."""
    data = item.get("data") or {}
    stated = [data] if isinstance(data, Mapping) else list(data)
    kinds = [str(part.get("type", "float32")) for part in stated] or ["float32"]
    import numpy as np

    return str(np.result_type(*[np.dtype(kind) for kind in kinds]))


def _step(item: Mapping[str, Any]) -> Step:
    name = str(item["id"])
    kwargs = dict(item.get("kwargs") or {})
    if name == "custom":
        return Custom(
            callable=str(item["callable"]),
            source=str(item["source"]),
            sha256=item.get("sha256"),
            kwargs=kwargs,
        )
    if name not in STEPS:
        return Unsupported(name=name)
    if "reference_tensor" in kwargs:
        kwargs["reference"] = kwargs.pop("reference_tensor")
    made: Step = STEPS[name].parse(kwargs, where=f"processing step {name}")
    return made


def _tolerance(item: Mapping[str, Any]) -> Tolerance:
    outputs: Iterable[str] = item.get("output_ids") or ()
    return Tolerance(
        relative=item.get("relative_tolerance", 1e-3),
        absolute=item.get("absolute_tolerance", 1e-3),
        per_million=item.get("mismatched_elements_per_million", 100),
        formats=tuple(item.get("weights_formats") or ()),
        outputs=() if isinstance(outputs, str) else tuple(outputs),
    )
