"""What the shipped networks say of themselves, beside the figures, which come from the benchmark."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CARDS", "ShippedCard"]

_DSB = {
    "text": "Caicedo JC et al. Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl. "
    "Nature Methods 16, 1247-1253 (2019).",
    "doi": "10.1038/s41592-019-0612-7",
}
_FLOW = {
    "text": "Stringer C et al. Cellpose: a generalist algorithm for cellular segmentation. Nature Methods "
    "18, 100-106 (2021). The idea of flows to the centre.",
    "doi": "10.1038/s41592-020-01018-x",
}
_T98G = {
    "text": "Tsai HF et al. Usiigaci: instance-aware cell tracking in stain-free phase contrast microscopy "
    "enabled by machine learning. SoftwareX 9, 230-237 (2019).",
    "doi": "10.1101/524041",
}
_EMPS = {
    "text": "Yildirim B, Cole JM. Bayesian particle instance segmentation for electron microscopy image "
    "quantification. J Chem Inf Model (2021).",
    "doi": "10.1021/acs.jcim.0c01455",
}
_STACKS = "Stacks have to be projected or cut into slices first."


@dataclass(frozen=True)
class ShippedCard:
    """Facts of one network."""

    title: str
    card: dict[str, Any]
    settings: dict[str, Any]
    licence: str
    tags: tuple[str, ...]
    cite: tuple[dict[str, str], ...]
    validation: tuple[str, ...]
    channels: tuple[str, ...] = ("intensity",)
    details: dict[str, Any] = field(default_factory=dict)


CARDS = {
    "generalist": ShippedCard(
        title="Veriscope generalist",
        card={
            "summary": "Small U-Net for roundish objects of many kinds, bright or dark: nuclei, cells, "
            "particles.",
            "objects": ["nucleus", "cell", "particle"],
            "modalities": [
                "fluorescence",
                "histology",
                "brightfield",
                "phase-contrast",
                "electron-microscopy",
            ],
            "channels": "one channel; of colour images the luminance where none is chosen",
            "diameter_px": [8.0, 80.0],
            "foreground": "either",
            "licence": "CC0-1.0 (weights); training images CC0 and MIT",
            "limits": [
                "A first try for images that no other network is made for; where one is, take that.",
                "It finds what looks like an object to it: which kind of object is not asked for, so that in "
                "images with nuclei and cells it may find either.",
                _STACKS,
            ],
        },
        settings={
            "n_channels": 1,
            "rgb": "luminance",
            "best_diameter": 28.0,
            "diameters": [12.0, 80.0],
            "search_large": False,
        },
        licence="CC0-1.0",
        tags=("nucleus", "cell", "instance-segmentation", "unet2d", "2d"),
        cite=(_DSB, _T98G, _EMPS, _FLOW),
        validation=(
            "dsb2018_fluorescence",
            "dsb2018_histology",
            "dsb2018_brightfield",
            "t98g_phase_contrast",
        ),
        details={"modality": "many", "target_structure": ["nuclei", "cells"]},
    ),
    "nuclei-histology": ShippedCard(
        title="Veriscope nuclei in histology",
        card={
            "summary": "Small U-Net for nuclei in H&E-stained tissue in colour; touching ones are separated.",
            "objects": ["nucleus"],
            "modalities": ["histology", "brightfield"],
            "channels": "three channels (red, green, blue)",
            "foreground": "dark",
            "licence": "CC0-1.0 (weights and training images)",
            "limits": [
                "Learned from 32 small fields of unknown magnification: stains, scanners and tissues differ "
                "more than these do.",
                "Images in grey are refused; the generalist takes them.",
                "Median nuclear diameters of the training images are 12 to 45 pixels; larger nuclei need "
                "their diameter stated.",
            ],
        },
        settings={"n_channels": 3, "best_diameter": 28.0, "diameters": [8.0, 60.0], "search_large": False},
        licence="CC0-1.0",
        tags=("nucleus", "histology", "brightfield", "instance-segmentation", "unet2d", "2d"),
        cite=(_DSB, _FLOW),
        validation=("dsb2018_histology",),
        channels=("red", "green", "blue"),
        details={"modality": "brightfield microscopy, H&E", "target_structure": ["nuclei"]},
    ),
    "cells-phase-contrast": ShippedCard(
        title="Veriscope cells in phase contrast",
        card={
            "summary": "Small U-Net for whole adherent cells in phase contrast; touching ones are separated.",
            "objects": ["cell"],
            "modalities": ["phase-contrast"],
            "channels": "one channel of phase contrast",
            "foreground": "either",
            "licence": "CC0-1.0 (weights); training images MIT",
            "limits": [
                "Learned from four images of one cell line (T98G), one microscope and one objective (10x): "
                "expect to train it further on your own cells.",
                "Round, floating and out-of-focus cells were often not outlined in the training images, nor "
                "were thin processes.",
                "Positive phase contrast only: inverted contrast was not trained.",
            ],
        },
        settings={
            "n_channels": 1,
            "rgb": "refuse",
            "best_diameter": 44.0,
            "diameters": [16.0, 110.0],
            "search_large": False,
        },
        licence="CC0-1.0",
        tags=("cell", "phase-contrast", "instance-segmentation", "unet2d", "2d"),
        cite=(_T98G, _FLOW),
        validation=("t98g_phase_contrast",),
        details={"modality": "phase contrast microscopy", "target_structure": ["cells"]},
    ),
}
