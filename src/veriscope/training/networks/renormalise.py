"""A packaged network gets back the normalisation that exporting folded, and computes the same."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from veriscope.training.networks.start import in_running_order

__all__ = ["renormalise"]

_Statistics = tuple[Tensor, Tensor]


def renormalise(plain: nn.Module, twin: nn.Module, pixels: Tensor) -> None:
    """Give a network that normalises batches the weights of one that does not, so that both say the same.

    A network without normalisation learns slowly and bears low learning rates only. What its convolutions
    give on images to be learned from says what normalisation has to take away and to give back. Weights
    before a normalisation are brought to the size of new ones, which changes nothing but how fast they learn.

    Parameters
    ----------
    plain
        Without normalisation, as its package has it.
    twin
        Of the same architecture with normalisation; filled in place, and in evaluation mode afterwards.
    pixels
        Float (n, c, y, x), n crops of the images to be learned from.
    """
    layers = list(zip(in_running_order(plain), in_running_order(twin), _normalisations(twin), strict=True))
    statistics = _statistics([own for own, _, norm in layers if norm is not None], plain, pixels)
    with torch.no_grad():
        for own, other, norm in layers:
            weight, bias, taken = own.weight, own.bias, other.weight
            assert isinstance(weight, Tensor) and isinstance(bias, Tensor) and isinstance(taken, Tensor)
            if norm is None:
                other.load_state_dict(own.state_dict())
                continue
            mean, variance = statistics[own]
            size = weight.flatten(1).square().mean(1).sqrt().clamp_min(1e-6)
            gain = _new_size(weight) / size
            taken.copy_(weight * gain[:, None, None, None])
            assert norm.running_mean is not None and norm.running_var is not None
            norm.running_mean.copy_(gain * (mean - bias))
            norm.running_var.copy_(gain**2 * variance)
            # The small number that normalisation adds to the variance is given back too.
            norm.weight.copy_((gain**2 * variance + norm.eps).sqrt() / gain)
            norm.bias.copy_(mean)
    twin.eval()


def _normalisations(network: nn.Module) -> list[nn.BatchNorm2d | None]:
    """Give what normalises the output of each layer, in the order in which they run."""
    order = in_running_order(network, also=(nn.BatchNorm2d,))
    behind = [*order[1:], None]
    return [
        after if isinstance(after, nn.BatchNorm2d) else None
        for layer, after in zip(order, behind, strict=True)
        if not isinstance(layer, nn.BatchNorm2d)
    ]


def _statistics(layers: list[nn.Module], network: nn.Module, pixels: Tensor) -> dict[nn.Module, _Statistics]:
    """Give mean and variance of every channel that the layers give."""
    found: dict[nn.Module, _Statistics] = {}

    def note(layer: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        variance, mean = torch.var_mean(output, dim=(0, 2, 3), correction=0)
        found[layer] = mean, variance

    hooks = [layer.register_forward_hook(note) for layer in layers]
    try:
        with torch.no_grad():
            network(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _new_size(weight: Tensor) -> float:
    """Give the root mean square of the weights of a new convolution, as torch draws them."""
    return 1 / math.sqrt(3 * weight[0].numel())
