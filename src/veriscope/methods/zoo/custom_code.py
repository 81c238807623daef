"""Postprocessing by Python code of a package: after consent to its hash, in the sandbox of torch weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.labels import check_labels, relabel_sequential
from veriscope.errors import MethodError
from veriscope.methods.zoo.description import Tensor
from veriscope.methods.zoo.image_tensor import channel_map
from veriscope.methods.zoo.isolated import IsolatedEngine
from veriscope.methods.zoo.object_steps import object_step
from veriscope.methods.zoo.processing import Custom, apply_steps

if TYPE_CHECKING:
    from veriscope.methods.zoo.zoo_model import InstalledModel

__all__ = ["CustomCode", "finish_outputs", "gives_labels", "made_labels"]


class CustomCode:
    """All code of a package's steps, each in a process of its own that starts with the first array.

    Parameters
    ----------
    installed
        The package.

    Raises
    ------
    MethodError
        If the user has not consented to the code, its file is missing, or it is to run before the network,
        which the specification does not know.
    """

    def __init__(self, installed: InstalledModel) -> None:
        description = installed.description
        for tensor in description.inputs:
            for step in tensor.steps:
                if isinstance(step, Custom):
                    raise MethodError(
                        f"{installed.name}: wants its own code {step.source} ({step.callable}, SHA-256 "
                        f"{step.sha256}) before the network; the specification knows it only after it"
                    )
        self.name = installed.name
        self._engines: dict[tuple[str, str, str], IsolatedEngine] = {}
        for tensor in description.outputs:
            for step in tensor.steps:
                if isinstance(step, Custom):
                    self._engines[_key(step)] = _engine(installed, step)

    def run(self, step: Custom, arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Run a step.

        Parameters
        ----------
        step
            Of the package.
        arrays
            All outputs in the order of the description.

        Returns
        -------
        numpy.ndarray
            The one that takes the place of the step's output.

        Raises
        ------
        MethodError
            If it fails, takes too long or too much memory, or gives anything but one array.
        """
        found = self._engines[_key(step)].call(arrays)
        if len(found) != 1:
            raise MethodError(f"{self.name}: {step.source} gives {len(found)} arrays and one is expected")
        return found[0]

    def close(self) -> None:
        """End the processes."""
        for engine in self._engines.values():
            engine.close()


def _key(step: Custom) -> tuple[str, str, str]:
    return step.source, step.callable, repr(sorted(step.kwargs.items()))


def _engine(installed: InstalledModel, step: Custom) -> IsolatedEngine:
    found = installed.hashes.get(step.source)
    if found is None:
        raise MethodError(f"{installed.name}: the file {step.source} of its processing is missing")
    path = installed.folder / step.source
    if found not in installed.trusted:
        raise MethodError(
            f"{installed.name}: needs the Python code {step.source} of the package ({step.callable}, SHA-256 "
            f"{found}) after its network. Read {path} first; if you consent to run it, in a process without "
            f"network, add the package with --trust {found}"
        )
    order = {
        "runner": "torch_runner",
        "format": "custom",
        "code": str(path.resolve()),
        "code_sha256": found,
        "callable": step.callable,
        "kwargs": step.kwargs,
    }
    return IsolatedEngine(path, order, advise=_advice)


def _advice(text: str) -> str:
    return f"the code of the package fails: {text}"


def finish_outputs(
    described: Sequence[Tensor],
    parts: Sequence[NDArray[Any]],
    given: Mapping[str, NDArray[Any]],
    code: CustomCode,
) -> dict[str, NDArray[Any]]:
    """Apply the postprocessing of all outputs.

    Parameters
    ----------
    described
        The outputs.
    parts
        What the network gave for each.
    given
        Inputs before preprocessing, by name, to which steps may refer.
    code
        What runs steps that are code of the package. It gets all outputs: those before its own finished,
        those after it as the network gave them.

    Returns
    -------
    dict of numpy.ndarray
        Every output by its name.
    """
    done = dict(given)
    now = {out.id: part for out, part in zip(described, parts, strict=True)}
    for out in described:
        for step in out.steps:
            if isinstance(step, Custom):
                now[out.id] = code.run(step, [now[other.id] for other in described])
            else:
                now[out.id] = apply_steps([step], now[out.id], out.names, done)
        done[out.id] = now[out.id]
    return now


def gives_labels(tensor: Tensor) -> bool:
    """Tell whether the package makes the objects itself.

    Parameters
    ----------
    tensor
        An output.

    Returns
    -------
    bool
        Whether one of its steps makes objects, or its last step is code and its values are described as
        integers.
    """
    if object_step(tensor.steps) is not None:
        return True
    custom = bool(tensor.steps) and isinstance(tensor.steps[-1], Custom)
    return custom and np.dtype(tensor.dtype).kind in "iu"


def made_labels(values: NDArray[Any], tensor: Tensor, image: Image, channel: int) -> NDArray[np.int32]:
    """Take the objects that the package made; every pixel of the image gets one label.

    Parameters
    ----------
    values
        The output, with all its axes.
    tensor
        Its description.
    image
        The image, which may be of another size than what the model saw.
    channel
        Index of the channel.

    Returns
    -------
    numpy.ndarray
        Label image of the shape of the image; without objects for a constant one.
    """
    labels = check_labels(channel_map(values, tensor, channel), where=image.name)
    for axis, size in enumerate(image.spatial_shape):
        places = ((np.arange(size) + 0.5) * labels.shape[axis] / size).astype(int)
        labels = np.take(labels, places, axis=axis)
    flat = image.pixels.min() == image.pixels.max()
    return relabel_sequential(np.zeros_like(labels) if flat else labels)
