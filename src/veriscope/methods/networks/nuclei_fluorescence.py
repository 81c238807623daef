"""The network for nuclei in fluorescence images that comes with Veriscope."""

from __future__ import annotations

from typing import ClassVar

from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import shipped

__all__ = ["NucleiFluorescence"]


class NucleiFluorescence(InstanceNetwork, package=shipped("nuclei-fluorescence")):
    """Find nuclei in 2D fluorescence images, touching ones apart.

    Parameters
    ----------
    parameters
        `NetworkParameters`, or None for the defaults.
    """

    name: ClassVar[str] = "nuclei-fluorescence"
