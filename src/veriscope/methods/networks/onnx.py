"""Run a dense network, stored as ONNX, on a whole image of any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.source import within
from veriscope.errors import MethodError
from veriscope.methods.networks.engine_check import CheckedNetwork, Example, open_checked
from veriscope.methods.networks.engines import EngineName, Precision
from veriscope.methods.networks.tiles import cut_tiles

__all__ = ["OnnxNetwork"]

_LEAST_HALOS = 3


class OnnxNetwork:
    """A network that maps (1, c, y, x) float32 to (1, channel, y, x) float32 of the same y and x.

    It is opened when the first image arrives, so that making a method costs nothing. What is open is
    left behind when the object is pickled.

    Parameters
    ----------
    weights
        The ONNX file: a path, or a resource of a package.
    stride
        Both sides of what the network is given must be multiples of this number of pixels.
    halo
        Distance in pixels beyond which an input pixel cannot change an output pixel.
    examples
        Gives what the engine is checked with.
    tile_limit
        Images of more pixels than a square of this side are run tile by tile, to bound memory. Tiles overlap
        by the halo, so the result is the same but for rounding.
    threads
        Threads on the processor; 0 takes all cores.
    engine, precision
        As for `veriscope.methods.networks.engine_check.open_checked`.
    """

    def __init__(
        self,
        weights: Path | Traversable,
        *,
        stride: int,
        halo: int,
        examples: Callable[[], Sequence[Example]],
        tile_limit: int = 1536,
        threads: int = 0,
        engine: EngineName = "auto",
        precision: Precision = "float32",
    ) -> None:
        self.weights = weights
        self.stride = stride
        self.halo = -(-halo // stride) * stride
        self.tile_limit = tile_limit
        self.threads = threads
        self.examples = examples
        self.engine: str = engine
        self.precision: Precision = precision
        self._opened: CheckedNetwork | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def opened(self) -> CheckedNetwork:
        """Open the network, if it is not.

        Returns
        -------
        CheckedNetwork
            With the engine that runs it.

        Raises
        ------
        MethodError, MissingPackageError
            If there is no engine that may be used.
        """
        if self._opened is None:
            self._opened = open_checked(
                self.weights.read_bytes(),
                self.examples,
                engine=self.engine,
                precision=self.precision,
                threads=self.threads,
            )
        return self._opened

    def keep_to(self, label: str) -> None:
        """Use the engine that began a piece of work, here and in other processes, or none.

        Parameters
        ----------
        label
            Engine and version; empty: any.

        Raises
        ------
        MethodError
            If another one runs here, or another version.
        MissingPackageError
            If it is not installed here.
        """
        if not label or (self._opened is not None and self._opened.label == label):
            return
        if self._opened is None or self._opened.check.engine != label.split()[0]:
            self.engine, self._opened = label.split()[0], None
        if self.opened().label != label:
            raise MethodError(
                f"this prediction was begun with {label} and here is {self.opened().label}; parts of one "
                f"image are not mixed: install {label.replace(' ', '==')}, or remove the unfinished run to "
                "start anew"
            )

    def keep_tiles_below(self, n_pixels: float) -> None:
        """Run larger images tile by tile, with the same result; tiles are not made larger than they were.

        Parameters
        ----------
        n_pixels
            Of a tile, its surroundings included; where that is next to nothing, tiles stay three times as
            long as the surroundings, or little else would be computed.
        """
        side = int(max(n_pixels, 0.0) ** 0.5) // self.stride * self.stride
        self.tile_limit = min(self.tile_limit, max(side, _LEAST_HALOS * self.halo, self.stride))

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the network.

        Parameters
        ----------
        pixels
            Float32 (c, y, x), at least 1 × 1, normalised as the network expects. Sides that are no
            multiple of the stride are continued by reflection, and cut off again.

        Returns
        -------
        numpy.ndarray
            Float32 (channel, y, x), the raw outputs of the network.

        Raises
        ------
        MethodError
            If an output is NaN or infinite, or the network fails.
        """
        height, width = pixels.shape[1:]
        more = ((0, 0), (0, -height % self.stride), (0, -width % self.stride))
        padded = np.pad(pixels, more, mode="symmetric")
        tiles = cut_tiles(padded.shape[1:], side=self.tile_limit, halo=self.halo, stride=self.stride)
        out: NDArray[np.float32] | None = None
        for core, tile in tiles:
            part = self._run_once(padded[:, *tile])
            if part.shape[1:] == padded.shape[1:]:
                return part[:, :height, :width]
            if out is None:
                out = np.empty((len(part), *padded.shape[1:]), np.float32)
            out[:, *core] = part[:, *within(core, tile)]
        assert out is not None
        return out[:, :height, :width]

    def _run_once(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        found = np.asarray(self.opened().run(pixels[None])[0][0], dtype=np.float32)
        if not np.isfinite(found).all():
            raise MethodError(
                "the network gives NaN or infinite values, of which no objects can be made; the image is "
                "unlike any that it was made for: look for single pixels far darker or brighter than all "
                "others, or choose another method"
            )
        return found
