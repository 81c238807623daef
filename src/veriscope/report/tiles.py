"""Pictures of audited tiles: the pixels with the outlines of reference and prediction.

The reference is a solid blue line, the prediction a dashed orange one drawn over it: where they
agree, blue and orange alternate; in grey print, solid and dashed lines tell them apart.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from veriscope.core.labels import check_labels
from veriscope.errors import AxesError, InputError, ShapeMismatchError
from veriscope.report.outlines import draw_outlines

__all__ = ["PREDICTION_COLOUR", "REFERENCE_COLOUR", "data_uri", "scale_bar_length", "tile_picture"]

REFERENCE_COLOUR = (64, 156, 255)
PREDICTION_COLOUR = (255, 176, 0)
_FINER = 2
"""Lines are drawn this much finer than the picture and then averaged, which smooths them."""
_DASH = 6.0
_DIMMED = 0.55


def tile_picture(
    pixels: NDArray[Any],
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    box: Sequence[int] | None = None,
    spacing: Mapping[str, float] | None = None,
    width: int = 360,
) -> bytes:
    """Draw a tile, or a tile within its surroundings, with the outlines of its objects.

    Parameters
    ----------
    pixels
        One channel, axes yx; or a colour photograph, axes yxc or cyx with three channels. Stretched
        from its 1st to its 99.8th percentile; pixels that are not finite are black.
    reference, prediction
        Label images over the same y and x, 0 = background.
    box
        The tile as ``[y0, x0, y1, x1]`` in pixels of these arrays, ends excluded; what lies outside
        is dimmed. None: the whole is the tile.
    spacing
        Pixel size by axis letter in µm; draws a scale bar. None: no bar, for uncalibrated images.
    width
        Width of the picture in pixels; its height follows.

    Returns
    -------
    bytes
        A PNG file.

    Raises
    ------
    AxesError
        If the pixels are neither grey nor of three colours.
    ShapeMismatchError
        If labels and pixels differ in shape.
    PixelValueError
        If labels are not label images.
    InputError
        If the box is empty or outside, or the width is below 32.
    """
    stretched = _stretch(_as_yxc(pixels))
    plane = stretched[..., 0]
    for labels, name in ((reference, "the reference"), (prediction, "the prediction")):
        check_labels(labels, where=name)
        if labels.shape != plane.shape:
            raise ShapeMismatchError(
                f"{name} of a tile has shape {labels.shape} and its pixels {plane.shape}; "
                "both must cover the same y and x"
            )
    if width < 32:
        raise InputError(f"a tile's picture cannot be {width} pixels wide; give 32 or more")
    bounds = _check_box(box, plane.shape)
    scale = width / plane.shape[1]
    size = (width * _FINER, max(1, round(plane.shape[0] * scale)) * _FINER)
    kind = Picture.Resampling.BILINEAR if scale > 1 else Picture.Resampling.BOX
    picture = Picture.fromarray(stretched, mode=None).resize(size, kind)
    if bounds is not None:
        picture = _dim_outside(picture, [value * scale * _FINER for value in bounds])
    draw = ImageDraw.Draw(picture)
    line = {"scale": scale * _FINER, "width": 2 * _FINER, "halo": _FINER}
    draw_outlines(draw, reference, colour=REFERENCE_COLOUR, **line)
    draw_outlines(draw, prediction, colour=PREDICTION_COLOUR, dash=_DASH * _FINER, **line)
    if bounds is not None:
        _draw_box(draw, [value * scale * _FINER for value in bounds])
    if spacing is not None:
        _draw_scale_bar(draw, size, spacing["x"] / (scale * _FINER))
    picture = picture.resize((size[0] // _FINER, size[1] // _FINER), Picture.Resampling.BOX)
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def data_uri(png: bytes) -> str:
    """Write a picture as an address that holds it.

    Parameters
    ----------
    png
        A PNG file.

    Returns
    -------
    str
        ``data:image/png;base64,…``, for the record's ``tiles[].picture``.
    """
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def scale_bar_length(extent: float) -> float:
    """Choose a round length for a scale bar.

    Parameters
    ----------
    extent
        Width of the picture in µm.

    Returns
    -------
    float
        1, 2 or 5 times a power of ten µm, the largest within a quarter of the width.
    """
    power = 10.0 ** math.floor(math.log10(extent / 4))
    return max(power * factor for factor in (1, 2, 5) if power * factor <= extent / 4 * (1 + 1e-9))


def _as_yxc(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 2:
        return pixels[..., None]
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels
    if pixels.ndim == 3 and pixels.shape[0] == 3:
        return np.moveaxis(pixels, 0, -1)
    raise AxesError(
        f"a tile of shape {pixels.shape} cannot be drawn; give one channel (axes yx) or three colours "
        "(axes yxc or cyx)"
    )


def _stretch(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Stretch all channels alike and give three of them, 0 to 255."""
    values = pixels.astype(np.float64)
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, (1, 99.8)) if finite.size else (0.0, 0.0)
    if high > low:
        shown = np.clip((values - low) / (high - low), 0, 1) * 255
    else:
        shown = np.where(np.isfinite(values), 128.0, 0.0)
    whole = np.nan_to_num(shown, nan=0.0).round().astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(whole, (*whole.shape[:2], 3)))


def _check_box(box: Sequence[int] | None, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    if box is None:
        return None
    y0, x0, y1, x1 = (int(value) for value in box)
    if not (0 <= y0 < y1 <= shape[0] and 0 <= x0 < x1 <= shape[1]):
        raise InputError(
            f"the box {[y0, x0, y1, x1]} is not within the {shape[0]} × {shape[1]} pixels drawn; "
            "give [y0, x0, y1, x1] with y0 < y1 and x0 < x1"
        )
    return y0, x0, y1, x1


def _dim_outside(picture: Picture.Image, box: Sequence[float]) -> Picture.Image:
    y0, x0, y1, x1 = (round(value) for value in box)
    dimmed = picture.point(lambda value: value * _DIMMED)
    dimmed.paste(picture.crop((x0, y0, x1, y1)), (x0, y0))
    return dimmed


def _draw_box(draw: ImageDraw.ImageDraw, box: Sequence[float]) -> None:
    y0, x0, y1, x1 = box
    for inset, colour in ((0, (0, 0, 0)), (_FINER, (255, 255, 255))):
        corners = (x0 + inset, y0 + inset, max(x1 - 1 - inset, x0 + inset), max(y1 - 1 - inset, y0 + inset))
        draw.rectangle(corners, outline=colour, width=_FINER)


def _draw_scale_bar(draw: ImageDraw.ImageDraw, size: tuple[int, int], micrometre_per_pixel: float) -> None:
    length = scale_bar_length(size[0] * micrometre_per_pixel)
    pixels = length / micrometre_per_pixel
    right, bottom = size[0] - 8 * _FINER, size[1] - 8 * _FINER
    font = ImageFont.load_default(size=13 * _FINER)
    left, _, text_right, text_bottom = draw.textbbox((0, 0), f"{length:g} um", font=font)
    x = right - max(pixels, text_right - left) / 2 - (text_right + left) / 2
    y = bottom - 12 * _FINER - text_bottom
    draw.rectangle((right - pixels - 2, bottom - 4 * _FINER - 2, right + 2, bottom + 2), fill=(0, 0, 0))
    draw.rectangle((right - pixels, bottom - 4 * _FINER, right, bottom), fill=(255, 255, 255))
    _draw_micrometres(draw, x, y, f"{length:g}", font)


def _draw_micrometres(
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    number: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    """Write a number of µm; Pillow's own font lacks the letter, so a u is given its tail."""
    white, black = (255, 255, 255), (0, 0, 0)
    left, _, right, base = draw.textbbox((x + draw.textlength(f"{number} ", font=font), y), "u", font=font)
    stem = left + (right - left) * 0.12
    tail = (stem, base - 3 * _FINER, stem + 1.5 * _FINER, base + 3 * _FINER)
    edge = (tail[0] - _FINER, tail[1], tail[2] + _FINER, tail[3] + _FINER)
    draw.rectangle(edge, fill=black)
    draw.text((x, y), f"{number} um", fill=white, font=font, stroke_width=_FINER, stroke_fill=black)
    draw.rectangle(tail, fill=white)
