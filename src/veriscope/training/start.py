"""Start from a packaged network: its weights are read from the ONNX file, as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from veriscope.errors import MethodError
from veriscope.training.architectures.star_convex import StarConvex
from veriscope.training.architectures.unet import UNet

__all__ = ["load_weights"]


def load_weights(network: UNet | StarConvex, path: Path, *, same_head: bool = True) -> None:
    """Fill a network without normalisation with the weights of an ONNX file of the same architecture.

    Convolutions are matched in the order in which they run, since exporting folds the normalisation into
    them and renames them. A network of several channels can start from one of a single channel: each channel
    then begins with an equal share of its first weights.

    Parameters
    ----------
    network
        Filled in place.
    path
        ONNX file.
    same_head
        Whether the last convolution must fit too; otherwise it keeps its weights where it does not.

    Raises
    ------
    MethodError
        If the file cannot be read, or holds other convolutions than the network.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise MethodError(f"{path}: cannot be read as an ONNX file ({error})") from error
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    stored = [[values.get(name) for name in node.input[1:3]] for node in graph.node if node.op_type == "Conv"]
    own = _in_running_order(network)
    if len(stored) != len(own):
        raise MethodError(f"{path}: has {len(stored)} convolutions, the architecture to train has {len(own)}")
    if (
        stored[0][0] is not None
        and stored[0][0].ndim == 4
        and stored[0][0].shape[1] == 2
        and network.n_in > 1
    ):
        stored[0][0] = np.repeat(stored[0][0], network.n_in, axis=1) / network.n_in
    for index, (layer, found) in enumerate(zip(own, stored, strict=True)):
        if index == len(own) - 1 and not same_head and not _fits(layer, found):
            continue
        for part, value in zip((layer.weight, layer.bias), found, strict=False):
            if value is None or part is None or tuple(value.shape) != tuple(part.shape):
                raise MethodError(
                    f"{path}: convolution {index + 1} does not have the shape of the architecture to train"
                )
            with torch.no_grad():
                part.copy_(torch.from_numpy(value.copy()))


def _fits(layer: nn.Conv2d, found: list[Any]) -> bool:
    return found[0] is not None and tuple(found[0].shape) == tuple(layer.weight.shape)


def _in_running_order(network: UNet | StarConvex) -> list[nn.Conv2d]:
    order: list[nn.Conv2d] = []

    def note(module: nn.Module, _inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        assert isinstance(module, nn.Conv2d)
        order.append(module)

    hooks = [one.register_forward_hook(note) for one in network.modules() if isinstance(one, nn.Conv2d)]
    try:
        with torch.no_grad():
            side = network.stride
            network.eval()(torch.zeros(1, network.n_in, side, side))
    finally:
        for hook in hooks:
            hook.remove()
    return order
