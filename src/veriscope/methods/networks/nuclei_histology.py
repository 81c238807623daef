"""The network for nuclei in stained tissue that comes with Veriscope; it sees colour."""

from __future__ import annotations

from typing import ClassVar

from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import shipped

__all__ = ["NucleiHistology"]


class NucleiHistology(InstanceNetwork, package=shipped("nuclei-histology")):
    """Find nuclei in 2D colour photographs of H&E-stained tissue, touching ones apart.

    Parameters
    ----------
    parameters
        `NetworkParameters`, or None for the defaults.
    """

    name: ClassVar[str] = "nuclei-histology"
