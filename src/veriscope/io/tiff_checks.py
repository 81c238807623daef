"""Refusing TIFF files that tifffile would decode to something else than what was stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from veriscope.errors import UnreadableFileError

__all__ = ["check_complete", "check_readable", "name_of"]

_LARGE = 1 << 30
_MOST_COMPRESSION = 2000
_REMEDY = "open it in Fiji or QuPath and save it as OME-TIFF"


def name_of(value: Any) -> str:
    """Give the name of a TIFF code, or the code where tifffile knows no name.

    Parameters
    ----------
    value
        An enumeration of tifffile, or the number in the file.

    Returns
    -------
    str
        ``"LZW"``, or ``"60000"``.
    """
    return str(getattr(value, "name", value))


def check_readable(path: Path, series: Any) -> None:
    """Refuse kinds of TIFF that are known not to be decoded right, and sizes that cannot be true.

    Parameters
    ----------
    path
        The file, for messages and its size.
    series
        Series of tifffile.

    Raises
    ------
    UnreadableFileError
        For old-style JPEG, subsampled colour without JPEG, pixels that are no numbers, or more
        pixels than the file can hold: uncompressed more than its bytes, compressed more than
        2000 times its bytes and 1 GiB.
    """
    page = series.keyframe
    compression, photometric = name_of(page.compression), name_of(page.photometric)
    subsampling = tuple(page.tags.valueof(530) or (1, 1)) if photometric == "YCBCR" else (1, 1)
    if compression == "OJPEG":
        raise UnreadableFileError(
            f"{path}: uses old-style JPEG compression (TIFF compression 6), which is not read; {_REMEDY}"
        )
    if subsampling != (1, 1) and compression not in ("JPEG", "APERIO_JP2000_YCBC"):
        raise UnreadableFileError(
            f"{path}: stores colours as YCbCr with subsampling {subsampling[0]}×{subsampling[1]} and "
            f"{compression} compression, which is not read; {_REMEDY}"
        )
    if series.dtype is None or series.dtype.kind not in "buif":
        raise UnreadableFileError(
            f"{path}: its pixels are of type {series.dtype} ({page.bitspersample} bits); allowed are "
            "boolean, integer and floating-point pixels"
        )
    _check_size(path, series, compression)


def _check_size(path: Path, series: Any, compression: str) -> None:
    bits = int(page_bits) if isinstance(page_bits := series.keyframe.bitspersample, int) else 8
    promised = math.prod(series.shape) * bits // 8
    stored = path.stat().st_size
    shown = " × ".join(map(str, series.shape))
    if series.is_multifile:
        return
    if compression == "NONE" and promised > stored:
        raise UnreadableFileError(
            f"{path}: its header promises {shown} pixels ({promised} bytes) but the file has {stored} bytes; "
            "it is truncated or damaged: copy it again from its source"
        )
    if promised > max(_LARGE, _MOST_COMPRESSION * stored):
        raise UnreadableFileError(
            f"{path}: its header promises {shown} pixels ({promised} bytes) in a file of {stored} bytes, "
            f"more than compression can do ({_MOST_COMPRESSION}-fold above 1 GiB); the file is damaged or "
            "made to exhaust memory"
        )


def check_complete(path: Path, series: Any, messages: Sequence[str]) -> None:
    """Refuse a file of which a part is missing; tifffile would give zeros for it, or fewer pages.

    Parameters
    ----------
    path
        The file.
    series
        Series of tifffile.
    messages
        What tifffile has logged so far.

    Raises
    ------
    UnreadableFileError
        If pixels lie beyond the end of the file, or pages or files of the set are missing.
    """
    cut = [message for message in messages if "invalid page offset" in message or "corrupted" in message]
    if cut:
        raise UnreadableFileError(
            f"{path}: the file is truncated or damaged: pages are missing or not where they should be "
            f"({cut[0].split('> ')[-1]}); copy it again from its source"
        )
    pages = list(series.pages)
    missing = sum(page is None for page in pages)
    if missing:
        what = (
            "other files of its OME-TIFF set are not beside it"
            if _is_set(messages)
            else "its metadata name them"
        )
        raise UnreadableFileError(
            f"{path}: {missing} of {len(pages)} planes are missing ({what}); put all files into one folder, "
            "or open the set in Fiji and save it as one OME-TIFF"
        )
    for page in pages:
        size = page.parent.filehandle.size
        end = max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
        if end > size:
            raise UnreadableFileError(
                f"{path}: the file is truncated: pixels reach to byte {end} but the file ends at byte "
                f"{size}; copy it again from its source"
            )


def _is_set(messages: Sequence[str]) -> bool:
    return any("missing" in message or "failed to read" in message.lower() for message in messages)
