"""The network for whole cells in phase contrast that comes with Veriscope."""

from __future__ import annotations

from typing import ClassVar

from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_files import shipped

__all__ = ["CellsPhaseContrast"]


class CellsPhaseContrast(InstanceNetwork, package=shipped("cells-phase-contrast")):
    """Find adherent cells in 2D phase contrast images, touching ones apart.

    Parameters
    ----------
    parameters
        `NetworkParameters`, or None for the defaults.
    """

    name: ClassVar[str] = "cells-phase-contrast"
