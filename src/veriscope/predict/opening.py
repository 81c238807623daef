"""Opening an image that is predicted part by part: what can be refused at once is refused here."""

from __future__ import annotations

from pathlib import Path

from veriscope.core.commands import command
from veriscope.errors import InputError
from veriscope.io.folders import image_stem
from veriscope.methods.base import Method
from veriscope.methods.local_method import LocalMethod
from veriscope.predict.plan import PIECES, least_memory, shown
from veriscope.predict.reading import ChannelSource, Reading

__all__ = ["open_parts"]

_CONVERTER = 150 << 20
"""Memory to convert a file, beside two of its pieces; measured."""


def open_parts(
    method: Method,
    source: str | Path,
    output: Path,
    reading: Reading,
    *,
    memory: int | None = None,
) -> ChannelSource:
    """Open an image to be predicted part by part; at most one piece of it is decoded.

    Parameters
    ----------
    method
        Ready to predict.
    source
        Image file or OME-Zarr folder.
    output
        What will be written.
    reading
        How the file is read.
    memory
        Bytes for all processes together, of which there may be one; None: not limited.

    Returns
    -------
    ChannelSource
        What the method sees.

    Raises
    ------
    UnreadableFileError, AxesError, PixelValueError
        If the file cannot be read, or the method does not take such images.
    InputError
        If the output lies in the image, or one piece of the file is larger than a quarter of the memory
        promised; with a command that converts it.
    """
    image = Path(source).resolve()
    if output.resolve().is_relative_to(image):
        raise InputError(
            f"{output}: lies in the image that is read, and images are never changed; choose a name outside "
            f"of {source}"
        )
    pixels = reading.source(source, method)
    per_pixel = method.bytes_per_pixel if isinstance(method, LocalMethod) else 0.0
    # Before the first pixel is read: that takes a whole piece.
    _check_chunks(pixels, memory, reading, bytes_per_pixel=per_pixel)
    method.check(pixels.corner())
    return pixels


def _check_chunks(
    pixels: ChannelSource, memory: int | None, reading: Reading, *, bytes_per_pixel: float
) -> None:
    needed, path = pixels.stored.chunk_bytes, pixels.stored.path
    if memory is not None and PIECES * needed > memory:
        least = least_memory(pixels.shape, bytes_per_pixel, pixels.stored.kept_bytes)
        enough = max(PIECES * needed, least)
        one = () if reading.series is None else ("--series", str(reading.series))
        converted = f"{'_s'.join([image_stem(path), *one[1:]])}.ome.zarr"
        how = command("convert", path, *one, "-o", converted)
        raise InputError(
            f"{path}: is stored in pieces of {shown(needed)} that can only be decompressed whole, by each "
            f"worker, more than a quarter of --memory ({shown(memory)}); give --memory {shown(enough)}, or "
            f"convert it first, which takes about {shown(_CONVERTER + 2 * needed)} once, "
            f"and predict {converted}: {how}"
        )
