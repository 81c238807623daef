"""An image: pixels with stated axes, spacing and channel names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from veriscope.core.axes import check_axes, check_spacing, spatial_axes
from veriscope.core.finite import FiniteCheck
from veriscope.errors import AxesError, PixelValueError

__all__ = ["RGB_CHANNELS", "Image"]

RGB_CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels with what is needed to interpret them. Two images are equal only if they are the same one.

    Parameters
    ----------
    pixels
        Array of boolean, integer or floating dtype. Never changed by Veriscope.
    axes
        One letter per dimension, a subset of ``tczyx`` in this order.
    spacing
        Size of a pixel in µm for every spatial axis, or None: uncalibrated.
    channels
        Name of each channel; empty if there is no axis ``c``. A colour photograph has the
        channels ``red``, ``green``, ``blue``.
    name
        Where the image comes from, for messages.
    notes
        What a reader had to say: assumptions made, metadata ignored.

    Raises
    ------
    AxesError
        If axes, spacing or channel names do not fit the pixels.
    PixelValueError
        If the pixels are complex, text or objects, or there are none.
    """

    pixels: NDArray[Any]
    axes: str
    spacing: Mapping[str, float] | None = None
    channels: tuple[str, ...] = ()
    name: str = "image"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_axes(self.axes, self.pixels.ndim, where=self.name)
        if self.pixels.dtype.kind not in "buif":
            raise PixelValueError(
                f"{self.name}: pixels of type {self.pixels.dtype} cannot be used; allowed are boolean, "
                "integer and floating-point numbers"
            )
        if self.pixels.size == 0:
            raise PixelValueError(f"{self.name}: the image has no pixels (shape {self.pixels.shape})")
        object.__setattr__(self, "spacing", check_spacing(self.spacing, self.axes, where=self.name))
        object.__setattr__(self, "channels", tuple(self.channels))
        n_channels = self.pixels.shape[self.axes.index("c")] if "c" in self.axes else 0
        if not self.channels and n_channels:
            object.__setattr__(self, "channels", tuple(f"channel-{i}" for i in range(n_channels)))
        if len(self.channels) != n_channels:
            raise AxesError(f"{self.name}: {len(self.channels)} channel names for {n_channels} channels")

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.pixels.shape

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis by its letter."""
        return dict(zip(self.axes, self.pixels.shape, strict=True))

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Length of the spatial axes, (y, x) or (z, y, x)."""
        return tuple(self.sizes[letter] for letter in spatial_axes(self.axes))

    @property
    def is_rgb(self) -> bool:
        """Whether the channels are the three colours of a photograph."""
        return self.channels == RGB_CHANNELS

    @property
    def spacing_text(self) -> str:
        """Pixel size for people: ``"0.5 × 0.5 µm"`` or ``"uncalibrated"``."""
        if self.spacing is None:
            return "uncalibrated"
        return " × ".join(f"{value:g}" for value in self.spacing.values()) + " µm"

    def select_channel(self, channel: int | str) -> Image:
        """Give one channel as an image without the axis ``c``.

        Parameters
        ----------
        channel
            Index (from 0) or name of the channel.

        Returns
        -------
        Image
            The channel; a view on the same pixels. An image without channels is given back for channel 0.

        Raises
        ------
        AxesError
            If there is no such channel, or several have that name.
        """
        if "c" not in self.axes:
            if channel in (0, "0"):
                return self
            raise AxesError(f"{self.name}: has no channels, so channel {channel!r} cannot be selected")
        index = self._channel_index(channel)
        where = (slice(None),) * self.axes.index("c") + (index,)
        return replace(self, pixels=self.pixels[where], axes=self.axes.replace("c", ""), channels=())

    def _channel_index(self, channel: int | str) -> int:
        names = [name.lower() for name in self.channels]
        same = [i for i, name in enumerate(names) if isinstance(channel, str) and name == channel.lower()]
        if len(same) > 1:
            raise AxesError(f"{self.name}: channels {same} are all named {channel!r}; give the index of one")
        if same:
            return same[0]
        try:
            index = int(channel)
        except ValueError:
            index = -1
        if not 0 <= index < len(self.channels):
            raise AxesError(
                f"{self.name}: no channel {channel!r}; the channels are "
                + ", ".join(f"{i} ({name})" for i, name in enumerate(self.channels))
            )
        return index

    def require_finite(self) -> None:
        """Refuse pixels that are not numbers.

        Raises
        ------
        PixelValueError
            If a floating-point image has NaN or infinite values, or some that become infinite in the 32-bit
            numbers in which methods compute; the message counts them.
        """
        check = FiniteCheck()
        check.add(self.pixels)
        check.require(self.name)
