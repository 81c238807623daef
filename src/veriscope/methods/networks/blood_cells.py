"""The network for cells in stained blood smears that comes with Veriscope."""

from __future__ import annotations

from typing import ClassVar

from veriscope.methods.networks.box_network import BoxNetwork
from veriscope.methods.networks.network_files import shipped

__all__ = ["BloodCells"]


class BloodCells(BoxNetwork, package=shipped("blood-cells")):
    """Find red cells, white cells and platelets in stained blood smears, with their boxes.

    Parameters
    ----------
    parameters
        `BoxParameters`, or None for the defaults.
    """

    name: ClassVar[str] = "blood-cells"
