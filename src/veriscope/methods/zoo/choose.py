"""Which weights of a package run, and which of its outputs are the objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from veriscope.errors import MethodError
from veriscope.methods.zoo.description import RUNNABLE, ModelDescription, Tensor, Weights
from veriscope.methods.zoo.engines import OnnxEngine, require_memory

if TYPE_CHECKING:
    from veriscope.methods.zoo.zoo_model import InstalledModel, ZooModelParameters

__all__ = ["Maps", "choose_engine", "choose_maps", "choose_weights"]

_FOREGROUND = ("foreground", "interior", "nucle", "cell", "object", "mask", "probability", "fg")
_BOUNDARY = ("bound", "border", "contour", "edge", "membrane", "outline")


@dataclass(frozen=True, slots=True)
class Maps:
    """Where in the outputs the objects are.

    Parameters
    ----------
    output
        Name of the tensor.
    foreground
        Index of the channel that is high in objects.
    boundary
        Index of the channel that is high where they touch, or None.
    """

    output: str
    foreground: int
    boundary: int | None


def choose_maps(description: ModelDescription, options: ZooModelParameters) -> Maps:
    """Say which output channels are foreground and boundary.

    Parameters
    ----------
    description
        Of the package.
    options
        What the user says about it; how the package makes objects, or the names of the channels, decide
        the rest.

    Returns
    -------
    Maps
        Where they are.

    Raises
    ------
    MethodError
        If it is not clear; the message lists the channels.
    """
    images = [out for out in description.outputs if {"y", "x"} <= set(out.names)]
    if options.output is not None:
        images = [out for out in images if out.id == options.output]
    if not images:
        listed = ", ".join(out.id for out in description.outputs)
        wanted = f" {options.output!r}" if options.output else ""
        raise MethodError(
            f"{description.name}: has no output{wanted} that is an image; its outputs are {listed}"
        )
    tensor = images[0]
    if options.foreground is None and description.objects is not None:
        return Maps(tensor.id, 0, None)
    names = _channel_names(tensor)
    # A border of cells is not the cells.
    foreground = _pick(names, options.foreground, _FOREGROUND, what="foreground", but=_BOUNDARY)
    boundary = _pick(names, options.boundary, _BOUNDARY, what="boundary")
    if foreground is None:
        rest = [index for index in range(len(names)) if index != boundary]
        if len(rest) != 1:
            listed = ", ".join(f"{index} ({name})" for index, name in enumerate(names))
            raise MethodError(
                f"{description.name}: which channel of output {tensor.id!r} is high in objects? Say it with "
                f"the parameter foreground (and boundary, if one is high where objects touch): {listed}"
            )
        foreground = rest[0]
    return Maps(tensor.id, foreground, None if boundary == foreground else boundary)


def _channel_names(tensor: Tensor) -> tuple[str, ...]:
    axis = tensor.axis("channel")
    if axis is None:
        return (tensor.id,)
    return axis.channels or tuple(f"channel{index}" for index in range(axis.size or axis.smallest))


def _pick(
    names: Sequence[str],
    wanted: str | int | None,
    words: Sequence[str],
    *,
    what: str,
    but: Sequence[str] = (),
) -> int | None:
    """Index of the channel wanted, or of the only one whose name has one of the words and none of others."""
    if wanted is not None:
        if str(wanted) in names:
            return names.index(str(wanted))
        if str(wanted).isdecimal() and int(wanted) < len(names):
            return int(wanted)
        raise MethodError(f"{what}: there is no channel {wanted!r}; the channels are {', '.join(names)}")
    lower = [name.lower() for name in names]
    for word in words:
        found = [i for i, name in enumerate(lower) if word in name and not any(no in name for no in but)]
        if len(found) == 1:
            return found[0]
    return None


def choose_weights(installed: InstalledModel, wanted: str | None) -> Weights:
    """Choose the weights to run.

    Parameters
    ----------
    installed
        The package.
    wanted
        A format, or None: the first of `RUNNABLE` whose file is there.

    Returns
    -------
    Weights
        Those to run.

    Raises
    ------
    MethodError
        If there are none that can be run here; the message says what to do.
    """
    offered = {item.format: item for item in installed.description.weights}
    if wanted is not None and wanted not in offered:
        raise MethodError(f"{installed.name}: has no weights {wanted!r}; it has {', '.join(offered)}")
    for name in [wanted] if wanted is not None else RUNNABLE:
        item = offered.get(name)
        if item is None or item.format not in RUNNABLE:
            continue
        if item.file.source not in installed.hashes:
            if wanted is not None:
                raise MethodError(
                    f"{installed.name}: the file {item.file.source} of its {wanted} weights is missing"
                )
            continue
        return item
    raise MethodError(
        f"{installed.name}: has weights as {', '.join(offered)}, of which none can be run here; Veriscope "
        f"runs {', '.join(RUNNABLE)} whose files are in the package. Get the package anew, or ask its "
        "authors for ONNX weights"
    )


def choose_engine(installed: InstalledModel, wanted: str | None) -> Any:
    """Make what runs a package.

    Parameters
    ----------
    installed
        The package.
    wanted
        Format of the weights, or None.

    Returns
    -------
    Engine
        Nothing is loaded yet.

    Raises
    ------
    MethodError
        If it cannot be run here, or needs consent to its code.
    MissingPackageError
        If torch, or an environment with TensorFlow, is needed and not there.
    """
    item = choose_weights(installed, wanted)
    path = installed.folder / item.file.source
    require_memory(path, stated=installed.description.memory)
    if item.format == "onnx":
        if item.external_data:
            raise MethodError(
                f"{installed.name}: its ONNX weights lie in several files; ask for one with all in it"
            )
        return OnnxEngine(path)
    if item.format.startswith(("keras", "tensorflow")):
        from veriscope.methods.zoo.keras_engine import keras_engine

        return keras_engine(installed, item)
    from veriscope.methods.zoo.torch_engine import torch_engine

    return torch_engine(installed, item)
