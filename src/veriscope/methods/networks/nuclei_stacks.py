"""The network for nuclei in fluorescence images, used on stacks."""

from __future__ import annotations

from typing import ClassVar

from veriscope.methods.base import Card
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.methods.networks.stack_network import StackNetwork

__all__ = ["NucleiStacks"]


class NucleiStacks(StackNetwork, package=NucleiFluorescence.package):
    """Find nuclei in 3D fluorescence stacks, with the network for planes on all three views.

    Parameters
    ----------
    parameters
        `StackNetworkParameters`, or None for the defaults.
    """

    name: ClassVar[str] = "nuclei-stacks"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = NucleiFluorescence.card.model_copy(
        update={
            "summary": "The network nuclei-fluorescence on stacks, seen along all three axes; its flows are "
            "followed in space.",
            "dimensions": StackNetwork.dimensions,
            "diameter_px": None,
            "figures": (
                "mouse_embryo_nuclei_3d, 1 stack, 8 nuclei: F1 at IoU 0.5 1.000, at 0.7 0.750 "
                "(benchmarks/science/stacks.py)",
                "StarDist's demo stack, 51 nuclei, looks simulated: F1 at IoU 0.5 0.860, at 0.7 0.280 "
                "(benchmarks/science/stacks.py)",
            ),
            "limits": (
                "Tried on two small stacks alone, on which its threshold was chosen: its figures are without "
                "interval, and too good. The network never learned from stacks.",
                "Outlines in space are rough: see F1 at IoU 0.7.",
                "How far planes lie apart has to be known; where that is half a nucleus or more, views from "
                "the side show next to nothing.",
                "The whole stack is held in memory, with planes as far apart as pixels, and every voxel is "
                "seen three times.",
                "Objects have no probability: that of the network is calibrated for planes.",
            ),
        }
    )
