"""From what a file stores to an image: which dimension is which, what is dropped, what a pixel measures.

`plan_layout` decides without pixels, so that a header can be told apart from them; `arrange` carries it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.core.axes import AXES, check_axes, check_spacing, spatial_axes
from veriscope.core.image import RGB_CHANNELS
from veriscope.errors import AxesError
from veriscope.io.reader import StoredSeries

__all__ = ["Layout", "Spacing", "arrange", "plan_layout"]

Spacing = Mapping[str, float] | float
"""Pixel size in µm: by spatial axis, or one number for all."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How to make an image of a stored array.

    Parameters
    ----------
    letters
        Meaning of each stored dimension, ``s`` for samples.
    keep_samples
        How many samples are kept, from the first; 0 where there are none.
    axes, shape, channels, spacing
        Of the image.
    palette
        Colours or grey values to put for the stored values, or None.
    notes
        What was assumed or left out.
    """

    letters: str
    keep_samples: int
    axes: str
    shape: tuple[int, ...]
    channels: tuple[str, ...]
    spacing: dict[str, float] | None
    palette: NDArray[Any] | None
    notes: tuple[str, ...]


def plan_layout(
    stored: StoredSeries,
    *,
    axes: str | None,
    spacing: Spacing | None,
    level: int,
    where: str,
    expand_palette: bool = True,
) -> Layout:
    """Decide axes, channels and spacing of an image from those stored and those stated by the user.

    Parameters
    ----------
    stored
        What the file has.
    axes
        The user's word on the stored dimensions, in their order, with or without those of length 1;
        None: as the file says.
    spacing
        The user's word on the pixel size, for some or all spatial axes of the full resolution.
    level
        Which resolution.
    where
        Name of the file, for messages.
    expand_palette
        Whether values of a palette become colours; label images keep the values.

    Returns
    -------
    Layout
        The decision, with notes on all that was overridden, ignored or dropped.

    Raises
    ------
    AxesError
        If the meaning of a dimension is not known, or what was given does not fit.
    """
    shape = stored.levels[level].shape
    notes = list(stored.notes)
    letters = _letters(stored, axes, shape, where, notes)
    keep_samples = _kept_samples(letters, shape, stored.samples, notes)
    sizes = dict(zip(letters, shape, strict=True))
    if "s" in sizes:
        sizes["s"] = keep_samples
    sizes = {letter: size for letter, size in sizes.items() if size > 1 or letter in "yx"}
    palette = _palette(stored, expand=expand_palette, notes=notes)
    if palette is not None and palette.ndim == 2:
        sizes["s"] = 3
    if "s" in sizes and "c" in sizes:
        raise AxesError(
            f"{where}: has {sizes['c']} channels and {sizes['s']} colours in each; save one of the two, for "
            "example with Fiji (Image > Color > Split Channels)"
        )
    channels = _channels(stored, sizes, is_rgb=sizes.get("s") == 3 and _is_rgb(stored, palette), notes=notes)
    final = "".join(sorted(("c" if letter == "s" else letter for letter in sizes), key=AXES.index))
    check_axes(final, len(final), where=where)
    by_letter = {("c" if letter == "s" else letter): size for letter, size in sizes.items()}
    return Layout(
        letters=letters,
        keep_samples=keep_samples,
        axes=final,
        shape=tuple(by_letter[letter] for letter in final),
        channels=channels,
        spacing=_spacing(stored, level, final, spacing, where, notes),
        palette=palette,
        notes=tuple(notes),
    )


def _is_rgb(stored: StoredSeries, palette: NDArray[Any] | None) -> bool:
    return stored.samples in ("rgb", "rgba") or palette is not None


def _letters(
    stored: StoredSeries, axes: str | None, shape: tuple[int, ...], where: str, notes: list[str]
) -> str:
    """Meaning of each stored dimension, from the user first, then from the file."""
    if axes is not None:
        return _letters_given(stored, axes, shape, where, notes)
    unknown = [size for letter, size in zip(stored.axes, shape, strict=True) if letter == "?" and size > 1]
    if not unknown:
        return _name_singletons(stored.axes)
    shown = " × ".join(map(str, shape))
    known = stored.axes.replace("s", "c").replace("?", "")
    examples = " or ".join(f"--axes {letter}{known}" for letter in "ztc" if letter not in known)
    if len(unknown) > 1:
        examples = f"--axes tz{known}" if not set("tz") & set(known) else examples
    raise AxesError(
        f"{where}: the file has {shown} pixels and does not say what the dimension of length "
        f"{' and '.join(map(str, unknown))} is (depth, time or channels?); state it, for example {examples}"
    )


def _name_singletons(axes: str) -> str:
    """Give unnamed dimensions of length 1 letters that no real axis has; they are dropped later."""
    spare = iter("0123456789")
    return "".join(next(spare) if letter == "?" else letter for letter in axes)


def _letters_given(
    stored: StoredSeries, axes: str, shape: tuple[int, ...], where: str, notes: list[str]
) -> str:
    unknown = [letter for letter in axes if letter not in AXES]
    if unknown or len(set(axes)) != len(axes) or not {"y", "x"} <= set(axes):
        raise AxesError(
            f"{where}: axes {axes!r} are not valid; use the letters {AXES!r}, each at most once, with y and x"
        )
    places = list(range(len(shape)))
    if len(axes) != len(shape):
        places = [i for i in places if shape[i] > 1 or stored.axes[i] in "yx"]
    if len(axes) != len(places):
        shown = " × ".join(map(str, shape))
        raise AxesError(
            f"{where}: axes {axes!r} name {len(axes)} dimensions but the file has {len(shape)}: {shown} "
            f"({stored.axes}); give one letter for each, in this order"
        )
    given = dict(zip(places, axes, strict=True))
    if stored.axes.replace("s", "c") != axes and "?" not in stored.axes:
        notes.append(f"axes {axes!r} as given; the file says {stored.axes.replace('s', 'c')!r}")
    elif "?" in stored.axes:
        notes.append(f"axes {axes!r} as given; the file does not say")
    letters = [given.get(i, "?") for i in range(len(shape))]
    letters = [
        "s" if new == "c" and old == "s" else new for new, old in zip(letters, stored.axes, strict=True)
    ]
    return _name_singletons("".join(letters))


def _kept_samples(letters: str, shape: tuple[int, ...], samples: str, notes: list[str]) -> int:
    if "s" not in letters:
        return 0
    count = shape[letters.index("s")]
    if samples == "rgba" and count == 4:
        notes.append("the alpha channel (transparency) is left out")
        return 3
    if samples == "grey-alpha" and count == 2:
        notes.append("the alpha channel (transparency) is left out")
        return 1
    return count


def _palette(stored: StoredSeries, *, expand: bool, notes: list[str]) -> NDArray[Any] | None:
    """Colours (n, 3), or grey values (n,) if all colours are grey."""
    if stored.palette is None:
        return None
    if not expand:
        notes.append("the places in the colour palette are taken as values, not the colours")
        return None
    if bool((stored.palette == stored.palette[:, :1]).all()):
        return np.ascontiguousarray(stored.palette[:, 0])
    notes.append("stored with a colour palette: read as red, green and blue")
    return stored.palette


def _channels(
    stored: StoredSeries, sizes: dict[str, int], *, is_rgb: bool, notes: list[str]
) -> tuple[str, ...]:
    if "s" in sizes:
        return RGB_CHANNELS if is_rgb else tuple(f"channel-{i}" for i in range(sizes["s"]))
    if "c" not in sizes:
        if len(stored.channels) == 1 and stored.channels[0]:
            notes.append(f"the only channel is {stored.channels[0]!r}")
        return ()
    names = list(stored.channels) if len(stored.channels) == sizes["c"] else [""] * sizes["c"]
    if tuple(name.lower() for name in names) == RGB_CHANNELS:
        return RGB_CHANNELS
    names = [name or f"channel-{i}" for i, name in enumerate(names)]
    if len({name.lower() for name in names}) < len(names):
        notes.append(f"channels share names ({', '.join(names)}); they are numbered")
        names = [f"{name}-{i}" for i, name in enumerate(names)]
    return tuple(names)


def _spacing(
    stored: StoredSeries, level: int, axes: str, given: Spacing | None, where: str, notes: list[str]
) -> dict[str, float] | None:
    wanted = spatial_axes(axes)
    found = {letter: stored.levels[level].spacing.get(letter) for letter in wanted}
    spacing = {letter: value for letter, value in found.items() if value is not None}
    if given is not None:
        stated = _numbers(given if isinstance(given, Mapping) else dict.fromkeys(wanted, given), where)
        if level:
            full, part = stored.levels[0].shape, stored.levels[level].shape
            ratio = {letter: a / b for letter, a, b in zip(stored.axes, full, part, strict=True)}
            stated = {letter: value * ratio.get(letter, 1.0) for letter, value in stated.items()}
        if unlike := {letter for letter in stated if letter in spacing and spacing[letter] != stated[letter]}:
            shown = ", ".join(f"{letter} {spacing[letter]:g}" for letter in wanted if letter in unlike)
            notes.append(f"spacing as given; the file says {shown} µm")
        spacing |= stated
    if not spacing:
        notes.append("uncalibrated: the file does not state a pixel size; give it with --spacing")
        return None
    missing = [letter for letter in wanted if letter not in spacing]
    if missing:
        shown = ", ".join(f"{letter} {value:g}" for letter, value in spacing.items())
        notes.append(
            f"uncalibrated: the pixel size is stated for {shown} µm but not for {', '.join(missing)}; give "
            "it with --spacing"
        )
        return None
    return check_spacing(spacing, axes, where=where)


def _numbers(given: Mapping[str, float], where: str) -> dict[str, float]:
    try:
        return {letter: float(value) for letter, value in given.items()}
    except (TypeError, ValueError):
        shown = ", ".join(f"{letter}={value}" for letter, value in given.items())
        raise AxesError(
            f"{where}: spacing {shown} is not a positive number of µm for each spatial axis"
        ) from None


def arrange(pixels: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """Bring stored pixels into the axes of an image.

    Parameters
    ----------
    pixels
        As stored.
    layout
        From `plan_layout`.

    Returns
    -------
    numpy.ndarray
        Contiguous, native byte order, dimensions `layout.axes`.
    """
    letters = layout.letters
    if "s" in letters and layout.keep_samples < pixels.shape[letters.index("s")]:
        pixels = np.take(pixels, range(layout.keep_samples), axis=letters.index("s"))
    kept_axes = layout.axes.replace("c", "s") if layout.keep_samples > 1 else layout.axes
    drop = tuple(i for i, letter in enumerate(letters) if letter not in kept_axes)
    pixels = pixels.squeeze(axis=drop)
    letters = "".join(letter for letter in letters if letter in kept_axes)
    if layout.palette is not None:
        pixels = layout.palette[np.minimum(pixels, len(layout.palette) - 1)]
        if layout.palette.ndim == 2:
            letters, kept_axes = letters + "s", layout.axes.replace("c", "s")
    pixels = np.transpose(pixels, [letters.index(letter) for letter in kept_axes])
    return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))
