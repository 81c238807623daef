"""Start from a packaged network: its weights are read from the ONNX file, as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from veriscope.errors import MethodError

__all__ = ["in_running_order", "load_weights"]


def load_weights(
    network: nn.Module, path: Path, *, same_head: bool | None = True, stored_last: int | None = None
) -> None:
    """Fill a network without normalisation with the weights of an ONNX file of the same architecture.

    Layers are matched in the order in which they run, since exporting folds the normalisation into them and
    renames them. A network of several channels can start from one of a single channel: each channel then
    begins with an equal share of its first weights.

    Parameters
    ----------
    network
        One of `veriscope.training.architectures`; filled in place.
    path
        ONNX file.
    same_head
        Whether the head comes along: True: it must fit; None: where it fits; False: it keeps its weights.
    stored_last
        Convolutions at the end of the file that belong to its head; None: as many as the network has.

    Raises
    ------
    MethodError
        If the file cannot be read, or holds other layers than the network.
    """
    stored = _stored(path)
    own = in_running_order(network)
    n_last = int(network.n_last)  # type: ignore[arg-type]
    if not same_head:
        last = n_last if stored_last is None else stored_last
        head, own = own[len(own) - n_last :], own[: len(own) - n_last]
        stored_head, stored = stored[len(stored) - last :], stored[: len(stored) - last]
    if len(stored) != len(own):
        raise MethodError(
            f"{path}: has {len(stored)} convolutions and linear layers, the architecture to train has "
            f"{len(own)}"
        )
    _share_among_channels(network, own, stored)
    for index, (layer, found) in enumerate(zip(own, stored, strict=True)):
        if not _fits(layer, found):
            raise MethodError(
                f"{path}: layer {index + 1} does not have the shape of the architecture to train"
            )
        _fill(layer, found)
    if same_head is None and len(head) == len(stored_head):
        for layer, found in zip(head, stored_head, strict=True):
            if _fits(layer, found):
                _fill(layer, found)


_Weights = list[NDArray[np.float32] | None]
"""Weight and bias of a layer; None where the file has none."""


def _stored(path: Path) -> list[_Weights]:
    """Give the weights of convolutions, linear layers and layer normalisations, as torch has them."""
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise MethodError(f"{path}: cannot be read as an ONNX file ({error})") from error
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    for node in graph.node:
        # Equal weights are stored once, and copied where they are needed again.
        if node.op_type == "Identity" and node.input[0] in values:
            values[node.output[0]] = values[node.input[0]]
    added_to = {name: node for node in graph.node if node.op_type == "Add" for name in node.input}
    found: list[_Weights] = []
    for node in graph.node:
        if node.op_type in ("Conv", "LayerNormalization"):
            found.append([values.get(name) for name in node.input[1:3]])
        elif node.op_type == "Gemm" and node.input[1] in values:
            found.append([values[node.input[1]], values.get(node.input[2])])
        elif node.op_type == "MatMul" and node.input[1] in values:
            # A linear layer is stored transposed, and its bias is added by the node behind it.
            adding = added_to[node.output[0]]
            bias = next(values[name] for name in adding.input if name in values)
            found.append([values[node.input[1]].T, bias])
    return found


def _share_among_channels(network: nn.Module, own: list[nn.Module], stored: list[_Weights]) -> None:
    """Spread weights that see one channel of the image over several."""
    n_in = int(network.n_in)  # type: ignore[arg-type]
    for layer, found in zip(own, stored, strict=True):
        values, weight = found[0], layer.weight
        if values is None or not isinstance(weight, Tensor) or values.ndim != 4 or n_in == 1:
            continue
        if values.shape[1] * n_in == weight.shape[1] and values.shape[0] == weight.shape[0]:
            found[0] = np.repeat(values, n_in, axis=1) / np.float32(n_in)


def _fits(layer: nn.Module, found: _Weights) -> bool:
    parts = (layer.weight, layer.bias)
    return all(
        value is not None and isinstance(part, Tensor) and tuple(value.shape) == tuple(part.shape)
        for part, value in zip(parts, found, strict=True)
    )


def _fill(layer: nn.Module, found: _Weights) -> None:
    with torch.no_grad():
        for part, value in zip((layer.weight, layer.bias), found, strict=True):
            assert isinstance(part, Tensor) and value is not None
            part.copy_(torch.from_numpy(value.copy()))


def in_running_order(network: nn.Module, *, also: tuple[type[nn.Module], ...] = ()) -> list[nn.Module]:
    """List the layers that have weights in the order in which they run, in which their file has them.

    Parameters
    ----------
    network
        One of `veriscope.training.architectures`.
    also
        Further kinds of layers to be listed.

    Returns
    -------
    list of torch.nn.Module
        Convolutions, linear layers and normalisations of layers.
    """
    kinds = (nn.Conv2d, nn.Linear, nn.LayerNorm, *also)
    order: list[nn.Module] = []

    def note(module: nn.Module, _inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        order.append(module)

    hooks = [one.register_forward_hook(note) for one in network.modules() if isinstance(one, kinds)]
    side = int(network.stride)  # type: ignore[arg-type]
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, int(network.n_in), side, side))  # type: ignore[arg-type]
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return order
