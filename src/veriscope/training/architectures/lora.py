"""Fine-tuning with few parameters: small additions to frozen linear layers.

After Hu et al., LoRA: low-rank adaptation of large language models, ICLR 2022, arXiv:2106.09685.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from veriscope.errors import MethodError

__all__ = ["AdaptedLinear", "adapt", "merge"]


class AdaptedLinear(nn.Module):
    """A frozen linear layer and a product of two narrow ones beside it.

    Parameters
    ----------
    layer
        The layer; its weights are frozen.
    rank
        Width between the two; at least 1.
    strength
        Factor of the addition, whatever the rank.
    """

    def __init__(self, layer: nn.Linear, *, rank: int = 4, strength: float = 1.0) -> None:
        super().__init__()
        self.layer, self.strength = layer, strength
        layer.requires_grad_(False)
        self.down = nn.Parameter(torch.empty(rank, layer.in_features))
        # Nothing is added at first: training begins from what the network was.
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, values: Tensor) -> Tensor:
        """Run the layer.

        Parameters
        ----------
        values
            Float (…, in_features).

        Returns
        -------
        torch.Tensor
            Float (…, out_features).
        """
        added = functional.linear(functional.linear(values, self.down), self.up)
        out: Tensor = self.layer(values) + self.strength * added
        return out

    def merged(self) -> nn.Linear:
        """Give one plain layer that computes the same.

        Returns
        -------
        torch.nn.Linear
            The layer that was adapted, changed.
        """
        with torch.no_grad():
            self.layer.weight += self.strength * (self.up @ self.down)
        return self.layer.requires_grad_(True)


def adapt(network: nn.Module, *, rank: int = 4, also: tuple[str, ...] = ()) -> list[nn.Parameter]:
    """Freeze a network, and put an addition beside each of its linear layers.

    Parameters
    ----------
    network
        Changed in place; it computes the same as before.
    rank
        Width of the additions.
    also
        Names of parts that stay trainable, such as ``decoder``.

    Returns
    -------
    list of torch.nn.Parameter
        All that is left to be trained.

    Raises
    ------
    MethodError
        If the network has no linear layer to adapt, as convolutional ones have none.
    """
    found = [
        (parent, name, child)
        for where, parent in network.named_modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear) and not _within(f"{where}.{name}".lstrip("."), also)
    ]
    if not found:
        raise MethodError(
            "the network has no linear layers that could be adapted; train only its head, or all of it"
        )
    network.requires_grad_(False)
    for where, part in network.named_modules():
        if _within(where, also):
            part.requires_grad_(True)
    for parent, name, child in found:
        setattr(parent, name, AdaptedLinear(child, rank=rank))
    return [one for one in network.parameters() if one.requires_grad]


def merge(network: nn.Module) -> None:
    """Fold all additions into the layers beside them, and unfreeze the network.

    Parameters
    ----------
    network
        Changed in place; it computes the same as before, by the layers that it had at first.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, AdaptedLinear):
                setattr(parent, name, child.merged())
    network.requires_grad_(True)


def _within(name: str, parts: tuple[str, ...]) -> bool:
    return any(name == part or name.startswith(part + ".") for part in parts)
