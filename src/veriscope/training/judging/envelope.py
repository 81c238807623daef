"""How far an image may differ from those locked away before the network gets worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.progress import Progress, silent
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.stacks import plane_distance
from veriscope.training.judging.judge import Judge, Predict

__all__ = ["STEPS", "change_image", "robustness"]

DROP = 0.05
"""Loss of the main metric that is still called robust."""
MOST_IMAGES, MOST_STACKS = 12, 2
MOST_VOXELS = 2_000_000
"""Of a stack, whose middle is looked at where it has more: magnified twice it has eight times as many."""
_Array = NDArray[np.float64]


def _blur(pixels: _Array, sigma: float, _seed: int) -> _Array:
    return np.asarray(ndimage.gaussian_filter(pixels, (*(0,) * (pixels.ndim - 2), sigma, sigma)))


def _noise(pixels: _Array, share: float, seed: int) -> _Array:
    low, high = np.percentile(pixels, (1, 99.8))
    return pixels + np.random.default_rng(seed).normal(0, share * max(high - low, 1e-9), pixels.shape)


def _gamma(pixels: _Array, exponent: float, _seed: int) -> _Array:
    low, high = pixels.min(), pixels.max()
    return np.asarray(low + (high - low) * ((pixels - low) / max(high - low, 1e-9)) ** exponent)


def _zoom(pixels: _Array, factor: float, _seed: int) -> _Array:
    n_axes = pixels.ndim - 1
    smooth = ndimage.gaussian_filter(pixels, (0, *(0.4 / factor,) * n_axes)) if factor < 1 else pixels
    zooms = (1, *(factor,) * n_axes)
    return np.asarray(ndimage.zoom(smooth, zooms, order=1, grid_mode=True, mode="nearest"))


_CHANGES: dict[str, Callable[[_Array, float, int], _Array]] = {
    "blur": _blur,
    "noise": _noise,
    "contrast": _gamma,
    "scale": _zoom,
}

STEPS: dict[str, tuple[tuple[float, ...], float, str]] = {
    "blur": ((1.0, 2.0, 3.0), 0.0, "Gaussian blur, standard deviation in pixels"),
    "noise": ((0.05, 0.1, 0.2), 0.0, "Gaussian noise, standard deviation as a share of the contrast"),
    "contrast": ((0.5, 0.7, 1.4, 2.0), 1.0, "exponent of brightness (gamma)"),
    "scale": ((0.5, 0.7, 1.4, 2.0), 1.0, "magnification"),
}
"""By kind of change: its steps, the value that changes nothing, and what it means."""


def robustness(
    judge: Judge, predict: Predict, pairs: Sequence[LabelledImage], progress: Progress = silent
) -> dict[str, Any]:
    """Judge the network again on locked images that were changed step by step.

    Parameters
    ----------
    judge
        What made the figures.
    predict
        The network.
    pairs
        Locked images; at most twelve, evenly chosen, are used, and of stacks, which take long, the middle of
        two.
    progress
        Told how many steps are done.

    Returns
    -------
    dict
        ``metric``, ``drop``, ``n_images``, ``unchanged`` (with interval), and for each change its ``steps``
        (``step``, and ``found``: metric with interval) and the ``range`` around no change in which the
        metric falls by less than 0.05; None where the metric itself is below 0.1.
    """
    most = MOST_STACKS if pairs[0].labels.ndim == 3 else MOST_IMAGES
    chosen = [pairs[i] for i in np.unique(np.linspace(0, len(pairs) - 1, most).round().astype(int))]
    chosen = [_middle(pair) if pair.labels.ndim == 3 else pair for pair in chosen]
    total = 1 + sum(len(values) for values, _, _ in STEPS.values())
    progress("envelope", 0, total)
    unchanged = judge.figures(judge.count(predict, chosen, silent))[judge.metric]
    done = 1
    found: dict[str, Any] = {}
    for name, (values, neutral, meaning) in STEPS.items():
        steps = []
        for value in values:
            progress("envelope", done, total)
            changed = [change_image(pair, name, value) for pair in chosen]
            figures = judge.figures(judge.count(predict, changed, silent))
            steps.append({"step": value, "found": figures[judge.metric].to_dict()})
            done += 1
        found[name] = {
            "meaning": meaning,
            "steps": steps,
            # Where there is nothing to lose, a range would be a false promise.
            "range": _range(steps, neutral, unchanged.value - DROP) if unchanged.value > 2 * DROP else None,
        }
    progress("envelope", total, total)
    return {
        "metric": judge.metric,
        "drop": DROP,
        "n_images": len(chosen),
        "unchanged": unchanged.to_dict(),
        "changes": found,
    }


def change_image(pair: LabelledImage, change: str, value: float) -> LabelledImage:
    """Change an image, and its labels where these move.

    Parameters
    ----------
    pair
        The image.
    change
        ``blur``, ``noise``, ``contrast`` or ``scale``.
    value
        How far, as `STEPS` says.

    Returns
    -------
    LabelledImage
        The same, changed; pixels keep their type and are rounded and cut to what it holds.
    """
    image = pair.image
    place = image.axes.index("c") if "c" in image.axes else None
    pixels = image.pixels[None] if place is None else np.moveaxis(image.pixels, place, 0)
    seed = int(pair.sha256[:8], 16)
    made = _CHANGES[change](pixels.astype(np.float64), value, seed)
    if np.issubdtype(image.pixels.dtype, np.integer):
        limits = np.iinfo(image.pixels.dtype)
        made = np.clip(np.rint(made), limits.min, limits.max)
    made = made.astype(image.pixels.dtype)
    labels, boxes = pair.labels, pair.boxes
    if change == "scale":
        labels = ndimage.zoom(labels, value, order=0, grid_mode=True, mode="nearest")
        if boxes is not None:
            boxes = replace(boxes, edges=(boxes.edges * np.float32(value)).astype(np.float32))
    stored = made[0] if place is None else np.moveaxis(made, 0, place)
    return replace(pair, image=_with_pixels(image, stored), labels=labels, boxes=boxes)


def _middle(pair: LabelledImage) -> LabelledImage:
    """Cut a stack along y and x to voxels that fit the memory when it is magnified."""
    share = (MOST_VOXELS / (pair.labels.size * max(plane_distance(pair.image), 1.0))) ** 0.5
    if share >= 1:
        return pair
    sides = [max(int(side * share), 1) for side in pair.labels.shape[1:]]
    first = [(side - kept) // 2 for side, kept in zip(pair.labels.shape[1:], sides, strict=True)]
    y, x = (slice(begin, begin + kept) for begin, kept in zip(first, sides, strict=True))
    image = _with_pixels(pair.image, pair.image.pixels[:, y, x])
    return replace(pair, image=image, labels=np.ascontiguousarray(pair.labels[:, y, x]))


def _with_pixels(image: Image, pixels: NDArray[Any]) -> Image:
    # How far planes lie apart stays what it is, since stacks are magnified along all axes.
    spacing = image.spacing if "z" in image.axes else None
    return Image(np.ascontiguousarray(pixels), image.axes, spacing, image.channels, image.name)


def _range(steps: Sequence[dict[str, Any]], neutral: float, least: float) -> list[float]:
    """Go from no change outwards as long as the metric stays above its least."""
    ends = []
    for side in (-1, 1):
        outward = sorted(
            (s for s in steps if side * (s["step"] - neutral) > 0), key=lambda s: side * s["step"]
        )
        end = neutral
        for step in outward:
            value = step["found"]["value"]
            if value is None or value < least:
                break
            end = step["step"]
        ends.append(end)
    return ends
