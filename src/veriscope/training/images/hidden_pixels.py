"""What can be learned from images without labels: hide pixels, and ask for them.

After Krull, Buchholz & Jug, Noise2Void, CVPR 2019, arXiv:1811.10980: single pixels are replaced by others
nearby, and since noise of a pixel cannot be told from its surroundings, the network learns what is no noise.
After He et al., Masked autoencoders, CVPR 2022, arXiv:2111.06377, in the form of Xie et al., SimMIM, CVPR
2022, arXiv:2111.09886, which convolutional networks can learn too: large blocks are blanked, and the network
learns what images look like, as a start for other tasks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from veriscope.training.settings import SelfTask

__all__ = ["HiddenPixels", "scale_brightness"]

_SHARE = 0.015
"""Of the pixels that Noise2Void hides at a time; few enough that each sees true neighbours."""
_REACH = 2
"""Pixels within which the replacement is drawn."""
_BLOCK, _BLANKED = 16, 0.6
"""Side of the blocks that are blanked, and their share."""


class HiddenPixels:
    """Crops with hidden pixels; batch number i is the same in every run with the same seed.

    Parameters
    ----------
    images
        Float32 (c, y, x) each, background near 0 and bright near 1.
    task
        ``n2v`` or ``masked``.
    size
        Side of a crop in pixels; smaller images are continued by reflection.
    seed
        Seed of all random choices.
    """

    def __init__(
        self, images: Sequence[NDArray[np.float32]], task: SelfTask, *, size: int, seed: int
    ) -> None:
        self.task, self.size, self.seed = task, size, seed
        self.images = [_at_least(image, size) for image in images]
        areas = np.array([image[0].size for image in images], float)
        self.weights = areas / areas.sum()

    def batch(self, number: int, n: int) -> tuple[Tensor, Tensor]:
        """Draw a batch.

        Parameters
        ----------
        number
            Which; each has random numbers of its own.
        n
            Number of crops.

        Returns
        -------
        pixels, targets
            Float (n, c, y, x) with hidden pixels, and float (n, c + 1, y, x): the image, and 1 where hidden.
        """
        rng = np.random.default_rng((self.seed, number))
        crops = [self._crop(rng) for _ in range(n)]
        hide = _replace_pixels if self.task == "n2v" else _blank_blocks
        pairs = [hide(crop, rng) for crop in crops]
        pixels = np.stack([given for given, _ in pairs])
        targets = [np.concatenate([crop, mask]) for crop, (_, mask) in zip(crops, pairs, strict=True)]
        return torch.from_numpy(pixels), torch.from_numpy(np.stack(targets).astype(np.float32))

    def _crop(self, rng: np.random.Generator) -> NDArray[np.float32]:
        image = self.images[rng.choice(len(self.images), p=self.weights)]
        y, x = (int(rng.integers(length - self.size + 1)) for length in image.shape[1:])
        crop = np.rot90(image[:, y : y + self.size, x : x + self.size], int(rng.integers(4)), axes=(1, 2))
        return np.ascontiguousarray(crop[:, :, ::-1] if rng.random() < 0.5 else crop)


def scale_brightness(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Map the 1st percentile of an image to 0 and the 99.8th to 1, as the description of the package says.

    Parameters
    ----------
    pixels
        Image (c, y, x).

    Returns
    -------
    numpy.ndarray
        float32, same shape; all channels on one scale.
    """
    values = np.asarray(pixels, np.float32)
    low, high = np.percentile(values, (1.0, 99.8))
    return np.asarray((values - low) / (high - low + 1e-6), np.float32)


def _at_least(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    more = [(0, max(0, size - length)) for length in image.shape[1:]]
    return np.pad(image, [(0, 0), *more], mode="symmetric")


def _replace_pixels(
    crop: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    _, height, width = crop.shape
    mask = (rng.random((1, height, width)) < _SHARE).astype(np.float32)
    y, x = np.nonzero(mask[0])
    # Another pixel nearby: an offset of nothing would show the noise that is asked for.
    offsets = [(dy, dx) for dy in range(-_REACH, _REACH + 1) for dx in range(-_REACH, _REACH + 1) if dy or dx]
    drawn = np.array(offsets)[rng.integers(len(offsets), size=len(y))]
    given = crop.copy()
    given[:, y, x] = crop[:, _moved(y, drawn[:, 0], height), _moved(x, drawn[:, 1], width)]
    return given, mask


def _moved(index: NDArray[np.intp], offset: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Go the other way where an offset leads out: mirrored at the edge it might lead back to the pixel."""
    there = index + offset
    return np.clip(np.where((there < 0) | (there >= length), index - offset, there), 0, length - 1)


def _blank_blocks(
    crop: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    _, height, width = crop.shape
    blocks = rng.random((-(-height // _BLOCK), -(-width // _BLOCK))) < _BLANKED
    mask = np.kron(blocks, np.ones((_BLOCK, _BLOCK)))[:height, :width][None].astype(np.float32)
    return np.where(mask > 0, crop.mean(), crop).astype(np.float32), mask
