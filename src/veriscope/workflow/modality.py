"""What kind of microscopy images come from, as far as their pixels tell, and which methods were made for it.

The rule is small and says when it cannot tell. How often it is right on real data sets stands in the guide on
choosing candidates; the user's word goes before it.

Phase contrast is not told from bright field. The place of the background does tell it from *stained*
cells, which absorb light: 3 sets of phase contrast have it up to 0.37, 5 of stained cells from 0.43, and a
limit that was chosen without the set it is judged on is right for 748 of 750 images
(`benchmarks/science/modality.py --phase`). But what is mixed up are cells without stain, bright and dark
about a grey background in both: no set of them in bright field was there to judge it on, the gap is narrow,
and after 3 sets of phase contrast without an error the next may still be wrong with a probability of up to
0.63 (95 %). A wrong word would take the right methods from the candidates; so the rule does not say it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

from veriscope.core.image import Image
from veriscope.core.plane import Plane
from veriscope.errors import AxesError, VeriscopeError
from veriscope.io.folders import ImageFile
from veriscope.io.planes import StoredPlane
from veriscope.io.regions import StoredImage
from veriscope.methods.base import Method
from veriscope.methods.channels import analysis_channel
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = [
    "LOOKS",
    "Look",
    "Modality",
    "background_place",
    "channel_numbers",
    "look_of",
    "look_of_study",
    "sees_channels",
    "unlike_card",
    "why_left_out",
]

Look = Literal["fluorescence", "colour", "grey"]

LOOKS: dict[Look, tuple[str, tuple[str, ...]]] = {
    "fluorescence": ("bright on a dark background", ("fluorescence",)),
    "colour": ("colours on a bright background", ("histology", "brightfield")),
    "grey": ("grey on a grey or bright background", ("brightfield", "phase-contrast", "electron-microscopy")),
}
"""How images look: in words, and what they can be then."""

Modality = Literal["fluorescence", "histology", "brightfield", "phase-contrast", "electron-microscopy"]
"""What a user can say that images are."""

_Item = TypeVar("_Item")
_DARK, _BRIGHT = 0.2, 0.4
_FLOOR = 0.1
_MOST_IMAGES = 9
_SIDE = 1024
_AGREE = 0.8


def look_of(image: Image, channel: str | int | None = None) -> Look | None:
    """Tell how an image looks.

    With p1, p50 and p99.8 percentiles of the analysed channel (of a colour image the luminance), the place of
    the background is b = (p50 - p1) / (p99.8 - p1). Dark: b < 0.2, or b < 0.4 where p1 is under a tenth of
    p99.8. Bright: b >= 0.4. Otherwise it is not told, since phase contrast and dense fluorescence overlap.

    Parameters
    ----------
    image
        A plane, with any channels.
    channel
        Channel to analyse; None: as `veriscope.methods.channels.analysis_channel`.

    Returns
    -------
    str or None
        A key of `LOOKS`; None if it cannot be told.
    """
    found = _percentiles(image, channel)
    if found is None:
        return None
    low, middle, high = found
    background = (middle - low) / (high - low)
    if background < _DARK or (background < _BRIGHT and 0 <= low < _FLOOR * high):
        return "fluorescence"
    if background < _BRIGHT:
        return None
    return "colour" if image.is_rgb and not _is_grey(image) else "grey"


def background_place(image: Image, channel: str | int | None = None) -> float | None:
    """Say where the background lies between the darkest and the brightest pixels, as `look_of` has it.

    Parameters
    ----------
    image, channel
        As for `look_of`.

    Returns
    -------
    float or None
        0 to 1; None if all pixels are alike or the channel is not known.
    """
    found = _percentiles(image, channel)
    return None if found is None else (found[1] - found[0]) / (found[2] - found[0])


def _percentiles(image: Image, channel: str | int | None) -> tuple[float, float, float] | None:
    """Give p1, p50 and p99.8 of the analysed channel; None if they tell nothing."""
    try:
        seen = analysis_channel(image, "luminance" if image.is_rgb else channel).pixels
    except AxesError:
        return None
    low, middle, high = (float(value) for value in np.percentile(seen.astype(float), (1, 50, 99.8)))
    if not np.isfinite((low, middle, high)).all() or high <= low:
        return None
    return low, middle, high


def _is_grey(image: Image) -> bool:
    """Whether a colour image has no colours."""
    channels = np.moveaxis(image.pixels, image.axes.index("c"), 0).astype(float)
    return bool((channels.max(axis=0) == channels.min(axis=0)).all())


def look_of_study(folder: StudyFolder, images: Sequence[StudyImage], channel: str | None) -> Look | None:
    """Tell how the images of a study look, from the middle of some of them.

    Parameters
    ----------
    folder
        The study.
    images
        Its images.
    channel
        Channel that the methods see.

    Returns
    -------
    str or None
        A key of `LOOKS`; None if under four fifths of them look so.
    """
    some = _some(images)
    return _agreed(
        [look_of(_middle(folder.root / one.path, json.loads(one.reading or "{}")), channel) for one in some]
    )


def unlike_card(
    method: Method, images: Sequence[ImageFile], channel: str | int | None = None, **reading: Any
) -> list[str]:
    """Say where images do not look like those that a method was made for.

    Parameters
    ----------
    method
        Any.
    images
        The images, such as `veriscope.io.file_images.with_series` gives; the middle of nine at most is read.
    channel
        Channel that the method sees.
    **reading
        Axes and spacing, as for `veriscope.io.regions.StoredImage`.

    Returns
    -------
    list of str
        One sentence, or none: it fits, its card names no modality, or it cannot be told, also because files
        cannot be read.
    """
    known = set(method.card.modalities)
    if not known or not images:
        return []
    looks: list[Look | None] = []
    for image in _some(images):
        try:
            part = _middle(image.path, reading | {"series": image.series})
            looks.append(look_of(part, channel))
        except VeriscopeError:
            looks.append(None)
    look = _agreed(looks)
    if look is None or known & set(LOOKS[look][1]):
        return []
    return [
        f"{method.name} was made for {_listed(method.card.modalities)} images, and these look otherwise "
        f"({LOOKS[look][0]}), so what it finds may mean nothing: look at it, and choose another method"
    ]


def _some(items: Sequence[_Item]) -> list[_Item]:
    return [items[at] for at in np.unique(np.linspace(0, len(items) - 1, _MOST_IMAGES).round().astype(int))]


def _agreed(looks: Sequence[Look | None]) -> Look | None:
    look, count = Counter(looks).most_common(1)[0]
    return look if count >= _AGREE * len(looks) else None


def _middle(path: Path, reading: Mapping[str, Any]) -> Image:
    """Read the middle of an image; of a stack or time-lapse that of the plane in its middle."""
    stored = StoredImage(path, **reading)
    sizes = dict(zip(stored.header.axes, stored.header.shape, strict=True))
    z, t = (sizes[axis] // 2 if axis in sizes else None for axis in "zt")
    plane = StoredPlane(stored, Plane(z, t))
    window = tuple(
        slice(max(0, (size - _SIDE) // 2), (size + _SIDE) // 2) if letter in "yx" else slice(0, size)
        for letter, size in zip(plane.header.axes, plane.header.shape, strict=True)
    )
    return plane.read(window)


def channel_numbers(images: Sequence[StudyImage]) -> set[int]:
    """Give the numbers of channels that images have.

    Parameters
    ----------
    images
        The images.

    Returns
    -------
    set of int
        1 for an image without channels.
    """
    return {image.n_channels for image in images}


def sees_channels(method: type[Method], numbers: Collection[int]) -> bool:
    """Tell whether a method can look at images with so many channels.

    Parameters
    ----------
    method
        Its class.
    numbers
        Numbers of channels that the images have.

    Returns
    -------
    bool
        One that sees a single channel looks at one of any number; others need just theirs in every image.
    """
    return method.n_channels == 1 or set(numbers) == {method.n_channels}


def why_left_out(
    method: type[Method], target: str, modalities: Sequence[str], numbers: Collection[int]
) -> list[str]:
    """Say what speaks against a method as a candidate.

    Parameters
    ----------
    method
        Its class.
    target
        What is looked for; ``object``: anything.
    modalities
        What the images can be; empty: not known.
    numbers
        Numbers of channels that the images have.

    Returns
    -------
    list of str
        One sentence each; empty if nothing does.
    """
    card, found = method.card, []
    if not sees_channels(method, numbers):
        have = " or ".join(map(str, sorted(set(numbers))))
        found.append(f"It sees {method.n_channels} channels at once; these images have {have}.")
    if 2 not in card.dimensions:
        found.append("It takes stacks; a study has single planes.")
    if target not in ("object", *card.objects):
        found.append(f"It was made for {_listed(card.objects)}, not for {target}.")
    if modalities and card.modalities and not set(modalities) & set(card.modalities):
        found.append(
            f"It was made for {_listed(card.modalities)} images, and these are {_listed(modalities, 'or')}."
        )
    return found


def _listed(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
