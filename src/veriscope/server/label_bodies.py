"""Label images on the wire: raw numbers, little-endian, or 16-bit PNG."""

from __future__ import annotations

import io
import re
import zlib
from typing import Any

import numpy as np
from fastapi import Response
from numpy.typing import NDArray

from veriscope.core.labels import smallest_label_dtype
from veriscope.server.pictures import png
from veriscope.server.problems import ProblemError

__all__ = ["PNG_TYPE", "RAW_TYPE", "give_labels", "take_labels"]

RAW_TYPE, PNG_TYPE = "application/octet-stream", "image/png"
_SHAPE = re.compile(r"^\d{1,6},\d{1,6}$")
_DTYPES = {"uint8": "<u1", "uint16": "<u2", "uint32": "<u4"}


def give_labels(
    labels: NDArray[Any], origin: tuple[int, int], accept: str, headers: dict[str, str]
) -> Response:
    """Write a label image as the caller wants it.

    Parameters
    ----------
    labels
        Label image, (y, x).
    origin
        Place of its first pixel in the image.
    accept
        Header ``Accept``: ``image/png`` gives a PNG file, anything else raw numbers.
    headers
        Further headers of the answer.

    Returns
    -------
    Response
        With ``X-Shape``, ``X-Dtype`` and ``X-Origin``.

    Raises
    ------
    ProblemError
        406 if there are too many objects for a PNG file.
    """
    top = int(labels.max()) if labels.size else 0
    dtype = smallest_label_dtype(top)
    headers = headers | {
        "x-shape": ",".join(map(str, labels.shape)),
        "x-dtype": str(dtype),
        "x-origin": ",".join(map(str, origin)),
        "vary": "accept",
    }
    if PNG_TYPE in accept:
        if dtype.itemsize > 2:
            raise ProblemError.make(
                406, f"A PNG file holds labels up to 65,535, and there is {top}.", f"Accept {RAW_TYPE}."
            )
        return Response(png(labels.astype(np.uint16)), media_type=PNG_TYPE, headers=headers)
    raw = np.ascontiguousarray(labels, dtype.newbyteorder("<")).tobytes()
    return Response(raw, media_type=RAW_TYPE, headers=headers)


def take_labels(
    body: bytes, *, kind: str, encoding: str, shape: str, dtype: str, expected: tuple[int, int]
) -> NDArray[Any]:
    """Read a label image that was sent.

    Parameters
    ----------
    body
        What was sent.
    kind, encoding, shape, dtype
        Headers ``Content-Type``, ``Content-Encoding``, ``X-Shape`` and ``X-Dtype``; empty where missing.
    expected
        Height and width that it must have.

    Returns
    -------
    numpy.ndarray
        Label image, (y, x), unsigned.

    Raises
    ------
    ProblemError
        415 or 422 if it is none.
    """
    most = expected[0] * expected[1] * 4 + 4096
    content = _unpacked(body, encoding, most)
    kind = kind.partition(";")[0].strip().lower()
    if kind == PNG_TYPE:
        return _from_png(content, expected)
    if kind != RAW_TYPE:
        raise ProblemError.make(
            415, f"{kind[:100] or 'nothing'!r} is no kind of label image.", f"Send {RAW_TYPE} or {PNG_TYPE}.",
            title="Another kind of content",
        )  # fmt: skip
    if not _SHAPE.match(shape) or dtype not in _DTYPES:
        raise ProblemError.make(
            422,
            f"X-Shape {shape[:50]!r} and X-Dtype {dtype[:50]!r} do not describe a label image.",
            f"Send X-Shape: {expected[0]},{expected[1]} and X-Dtype: uint16 or uint32.",
        )
    height, width = (int(part) for part in shape.split(","))
    kept = np.dtype(_DTYPES[dtype])
    _require((height, width), expected)
    if len(content) != height * width * kept.itemsize:
        raise ProblemError.make(
            422,
            f"{height} × {width} numbers of {dtype} have {height * width * kept.itemsize} bytes, and "
            f"{len(content)} were sent.",
            "Send all of it, in rows.",
        )
    return np.frombuffer(content, kept).reshape(height, width).astype(kept.newbyteorder("="))


def _unpacked(body: bytes, encoding: str, most: int) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise ProblemError.make(415, f"Content-Encoding {encoding[:50]!r} is not taken.", "Send gzip.")
    try:
        reader = zlib.decompressobj(wbits=31)
        content = reader.decompress(body, most)
    except zlib.error:
        raise ProblemError.make(422, "The content is not gzip, or is damaged.", "Send it again.") from None
    if reader.unconsumed_tail or not reader.eof:
        raise ProblemError.make(
            413 if reader.unconsumed_tail else 422, "The content does not fit the tile.", "Send it again."
        )
    return content


def _from_png(content: bytes, expected: tuple[int, int]) -> NDArray[Any]:
    from PIL import Image as Picture

    try:
        with Picture.open(io.BytesIO(content), formats=["PNG"]) as picture:
            _require((picture.height, picture.width), expected)
            if picture.mode not in ("L", "I;16", "I;16B", "I"):
                raise ProblemError.make(
                    422,
                    f"The PNG file has colours ({picture.mode}).",
                    "Send grey, 8 or 16 bits: a number each.",
                )
            pixels = np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Picture.DecompressionBombError):
        raise ProblemError.make(422, "The content is no PNG file, or is damaged.", "Send it again.") from None
    return pixels.astype(np.uint16)


def _require(found: tuple[int, int], expected: tuple[int, int]) -> None:
    if found != expected:
        raise ProblemError.make(
            422,
            f"The label image is {found[0]} × {found[1]}, and the tile with its context "
            f"{expected[0]} × {expected[1]}.",
            "Send it for the whole context.",
        )
