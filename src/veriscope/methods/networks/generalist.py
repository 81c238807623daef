"""The network for objects of many kinds that comes with Veriscope."""

from __future__ import annotations

from typing import ClassVar

from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import shipped

__all__ = ["Generalist"]


class Generalist(InstanceNetwork, package=shipped("generalist")):
    """Find roundish objects, bright or dark, in 2D images of many kinds.

    Parameters
    ----------
    parameters
        `NetworkParameters`, or None for the defaults.
    """

    name: ClassVar[str] = "generalist"
