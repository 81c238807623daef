"""What a network has to be given later, because the images that it learned from were like that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from veriscope.core.image import Image
from veriscope.methods.channels import COLOUR_CHANNELS

__all__ = ["InputImages"]

_SAME = 0.01
"""Relative difference up to which pixel sizes are equal."""


@dataclass(frozen=True)
class InputImages:
    """What the images of a training have in common.

    Parameters
    ----------
    channel
        Channel that was chosen of them, by index or name; None: none had to be.
    dtype
        Type of number that holds all of their pixels.
    spacing
        Pixel size in µm by axis; None: one of them is uncalibrated, or they differ by more than 1 %.
    range
        Smallest and largest pixel size in µm; None: one of them is uncalibrated.
    """

    channel: str | int | None = None
    dtype: Literal["uint16", "float32"] = "uint16"
    spacing: Mapping[str, float] | None = None
    range: tuple[float, float] | None = None

    @classmethod
    def of(cls, images: Sequence[Image], channel: str | int | None = None) -> InputImages:
        """Look at the images that a network learns from.

        Parameters
        ----------
        images
            As the network sees them, one at least.
        channel
            Channel that was chosen of them.

        Returns
        -------
        InputImages
            What they have in common.
        """
        whole = all(np.can_cast(image.pixels.dtype, np.uint16, "safe") for image in images)
        dtype: Literal["uint16", "float32"] = "uint16" if whole else "float32"
        sizes = [image.spacing for image in images if image.spacing is not None]
        if len(sizes) < len(images):
            return cls(channel, dtype)
        of_axis = {axis: [size[axis] for size in sizes] for axis in "yx"}
        every = [value for values in of_axis.values() for value in values]
        same = all(max(values) <= (1 + _SAME) * min(values) for values in of_axis.values())
        spacing = {axis: float(np.median(values)) for axis, values in of_axis.items()} if same else None
        return cls(channel, dtype, spacing, (min(every), max(every)))

    @property
    def of_colours(self) -> bool:
        """Whether the channel was computed from the colours of photographs.

        Returns
        -------
        bool
            Then what is bright in it does not shine.
        """
        return isinstance(self.channel, str) and self.channel.lower() in COLOUR_CHANNELS

    @property
    def rgb(self) -> str:
        """What a network of one channel is to see of a colour image where no channel is chosen.

        Returns
        -------
        str
            The colour that was learned from; ``refuse`` where another channel was chosen, ``luminance`` where
            none was.
        """
        if self.of_colours:
            return str(self.channel).lower()
        return "luminance" if self.channel is None else "refuse"

    def limits(self) -> tuple[str, ...]:
        """Say for people what images have to be like.

        Returns
        -------
        tuple of str
            Sentences for the card.
        """
        chosen = f"Learned from the channel {self.channel} of its images: give it the same one."
        if self.range is None:
            size = "The pixel size of its training images is not stated"
        elif self.spacing is None:
            size = "Its training images had pixels of {:g} to {:g} µm".format(*self.range)
        else:
            text = " × ".join(f"{value:g}" for value in dict.fromkeys(self.spacing.values()))
            size = f"Its training images had pixels of {text} µm"
        return (*([] if self.channel is None else [chosen]), f"{size}.")
