"""How fast weights learn, by time and by part of the network."""

from __future__ import annotations

import math
from typing import Any

from torch import nn

__all__ = ["rate_at", "weights_by_rate"]

_WARM_UP = 100, 0.1
"""Steps, and the part of a short training, over which the learning rate rises: the sooner of both."""
_FAST = 8.0
"""Learning rate of parts whose outputs span a wide range, relative to that of the others."""


def rate_at(step: int, part: float) -> float:
    """Give the learning rate relative to the highest one: it rises, then falls along a cosine.

    Parameters
    ----------
    step
        Number of steps done.
    part
        Part of the training that is done, 0 to 1.

    Returns
    -------
    float
        0 to 1.01. It rises over 100 steps, but no more than a tenth of a training that is short.
    """
    steps, share = _WARM_UP
    rising = min(1.0, max((step + 1) / steps, part / share))
    return rising * (0.5 * (1 + math.cos(math.pi * min(part, 1))) + 0.01)


def weights_by_rate(network: nn.Module) -> list[dict[str, Any]]:
    """Group the weights to be learned by how fast.

    Parameters
    ----------
    network
        Its attribute ``fast``, if it has one, names the parts whose outputs span a wide range.

    Returns
    -------
    list of dict
        For an optimiser of torch: ``params``, and ``gain``: the learning rate relative to that of the others.
    """
    fast = tuple(f"{name}." for name in getattr(network, "fast", ()))
    groups: dict[float, list[nn.Parameter]] = {1.0: [], _FAST: []}
    for name, one in network.named_parameters():
        if one.requires_grad:
            groups[_FAST if name.startswith(fast) else 1.0].append(one)
    return [{"params": weights, "gain": gain} for gain, weights in groups.items() if weights]
