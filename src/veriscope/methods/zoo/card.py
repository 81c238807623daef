"""The card of a model package, from its description and from what was found out about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from veriscope.methods.base import UNTRIED, Card
from veriscope.methods.zoo.description import Tensor

if TYPE_CHECKING:
    from veriscope.methods.zoo.zoo_model import InstalledModel

__all__ = ["card_of", "channel_count", "channel_names"]

_OBJECTS = {
    "nucle": "nucleus",
    "nuclei": "nucleus",
    "cell": "cell",
    "membrane": "cell",
    "mitochond": "mitochondrion",
}
_MODALITIES = {
    "fluorescence": "fluorescence",
    "brightfield": "brightfield",
    "phase-contrast": "phase-contrast",
    "electron": "electron-microscopy",
    "histolog": "histology",
    "dsb2018": "fluorescence",
}


def card_of(installed: InstalledModel) -> Card:
    """Make the card of a package.

    Parameters
    ----------
    installed
        The package.

    Returns
    -------
    Card
        What its description says, its test, and that nothing is known of your data.
    """
    description = installed.description
    words = " ".join(description.tags).lower()
    tensor = next(item for item in description.inputs if not item.optional)
    sizes = [axis.spacing for axis in tensor.spatial if axis.spacing is not None]
    limits = [
        UNTRIED,
        *([] if sizes else ["Its pixel size is not stated: images are given to it as they are."]),
        *([f"Memory, as its authors state: {description.memory}"] if description.memory else []),
        *description.notes,
    ]
    return Card(
        summary=description.summary or description.name,
        objects=tuple(dict.fromkeys(name for word, name in _OBJECTS.items() if word in words)),
        modalities=tuple(dict.fromkeys(name for word, name in _MODALITIES.items() if word in words)),
        channels=", ".join(channel_names(tensor)) or f"{channel_count(tensor)} channel(s)",
        dimensions=(len(tensor.spatial),),
        training_data=description.training_data or "not stated",
        licence=description.licence or "not stated",
        citation="; ".join(description.citations),
        figures=_figures(installed.states or {}),
        limits=tuple(limits),
    )


def _figures(states: Mapping[str, Any]) -> tuple[str, ...]:
    found = states.get("output_reproduced") or {}
    if not found.get("tests"):
        return ()
    return (f"Test tensors of its authors: {found.get('text', '')}",)


def channel_count(tensor: Tensor) -> int:
    """Give the number of channels.

    Parameters
    ----------
    tensor
        An input or output.

    Returns
    -------
    int
        1 if there is no axis for them.
    """
    axis = tensor.axis("channel")
    return 1 if axis is None else len(axis.channels) or axis.size or axis.smallest


def channel_names(tensor: Tensor) -> tuple[str, ...]:
    """Give the names of the channels.

    Parameters
    ----------
    tensor
        An input or output.

    Returns
    -------
    tuple of str
        Empty if they have none.
    """
    axis = tensor.axis("channel")
    return () if axis is None else axis.channels
