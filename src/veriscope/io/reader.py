"""What a reader of a file format gives, and the contract it keeps.

A reader tells what is stored and never decides what it means: dimensions whose meaning the file does
not state are given as ``?``, and `layout` makes an image of it or asks the user.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import UnreadableFileError, VeriscopeError

__all__ = [
    "OpenFile",
    "Reader",
    "StoredLevel",
    "StoredSeries",
    "captured_log",
    "foreign_errors",
    "read_head",
    "series_number",
    "shown_bytes",
]


@dataclass(frozen=True, slots=True)
class StoredLevel:
    """One resolution of a stored image.

    Parameters
    ----------
    shape
        Length of each stored dimension.
    spacing
        Pixel size in µm of those spatial axes for which the file states one.
    """

    shape: tuple[int, ...]
    spacing: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """One image of a file, as it is stored.

    Parameters
    ----------
    axes
        One letter per stored dimension, in the order of the file: ``t``, ``c``, ``z``, ``y``, ``x``;
        ``s`` for the samples of a pixel; ``?`` where the file does not say.
    dtype
        Type of the pixels in memory, native byte order.
    levels
        Resolutions, the full one first.
    name
        Name in the file, or empty.
    channels
        Names for the axis ``c``, or none.
    samples
        What the samples are: ``rgb``, ``rgba``, ``grey-alpha``, or ``other`` (channels without names).
    palette
        Colours of the pixel values, shape (n, 3), if pixels are places in a palette.
    time_step
        Seconds between time points, if stated.
    notes
        What a user should know about how the file was understood.
    """

    axes: str
    dtype: np.dtype[Any]
    levels: tuple[StoredLevel, ...]
    name: str = ""
    channels: tuple[str, ...] = ()
    samples: str = "other"
    palette: NDArray[Any] | None = None
    time_step: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """One line for people: ``"stack: zyx 10 × 120 × 122 uint16"``."""
        shape = " × ".join(map(str, self.levels[0].shape))
        return f"{self.name + ': ' if self.name else ''}{self.axes} {shape} {self.dtype}"


class OpenFile(Protocol):
    """A file that is open for reading."""

    @property
    def format(self) -> str:
        """Name of the format for people, such as ``"OME-TIFF"``."""

    @property
    def series(self) -> tuple[StoredSeries, ...]:
        """The images in the file, at least one."""

    def pixels(self, series: int, level: int) -> NDArray[Any]:
        """Read all pixels of one image.

        Parameters
        ----------
        series, level
            Which image, and which of its resolutions.

        Returns
        -------
        numpy.ndarray
            In the stored order of dimensions, native byte order.
        """

    def region(self, series: int, part: tuple[slice, ...]) -> NDArray[Any]:
        """Read a part of one image at full resolution, and as little else as the format allows.

        Parameters
        ----------
        series
            Which image.
        part
            One slice per stored dimension.

        Returns
        -------
        numpy.ndarray
            As `pixels`.
        """

    def chunk_bytes(self, series: int) -> int:
        """Tell how many bytes of pixels have to be decoded at once to get at any one of them.

        Parameters
        ----------
        series
            Which image.

        Returns
        -------
        int
            0 where single pixels can be read.
        """

    def chunk_sides(self, series: int) -> tuple[int, int]:
        """Tell how large a part of a plane has to be decoded at once to get at any one of its pixels.

        Parameters
        ----------
        series
            Which image.

        Returns
        -------
        tuple of int
            Along y and x; (1, 1) where single pixels can be read.
        """

    def verify(self, series: int) -> None:
        """Check that what is stored of an image is complete, without decoding it.

        Parameters
        ----------
        series
            Which image.

        Raises
        ------
        UnreadableFileError
            If something is missing or cut off.
        """


class Reader(Protocol):
    """Reads the files of one format.

    Attributes
    ----------
    name
        Of the format, for messages.
    suffixes
        Endings of file names, lower case, that a folder is searched for. What a file is, its
        content decides.
    """

    name: str
    suffixes: tuple[str, ...]

    def recognises(self, path: Path, head: bytes) -> bool:
        """Tell whether a file is of this format.

        Parameters
        ----------
        path
            File or folder.
        head
            Its first 64 bytes; none for a folder.

        Returns
        -------
        bool
            Whether this reader should open it.
        """

    def open(self, path: Path) -> AbstractContextManager[OpenFile]:
        """Open a file.

        Parameters
        ----------
        path
            File or folder that was recognised.

        Returns
        -------
        contextlib.AbstractContextManager
            Gives the open file and closes it.

        Raises
        ------
        UnreadableFileError
            If it is broken.
        """


def read_head(path: Path) -> bytes:
    """Give the first 64 bytes of a file, or say why it cannot be read.

    Parameters
    ----------
    path
        A file, not a folder.

    Returns
    -------
    bytes
        1 to 64 bytes.

    Raises
    ------
    UnreadableFileError
        If the file is missing, empty, a folder, or must not be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(64)
    except OSError as error:
        reasons = {
            errno.ENOENT: "no such file; check the name",
            errno.EACCES: "no permission to read it; change its permissions or copy it to a folder of yours",
            errno.EISDIR: "is a folder where an image file is needed; name a file in it",
        }
        reason = reasons.get(error.errno or 0, f"cannot be read: {error.strerror}")
        raise UnreadableFileError(f"{path}: {reason}") from error
    if not head:
        raise UnreadableFileError(
            f"{path}: the file is empty (0 bytes), as after an interrupted copy; copy it again from its "
            "source"
        )
    return head


def series_number(names: Sequence[str], series: int | str | None) -> int | None:
    """Tell which image of a file is meant.

    Parameters
    ----------
    names
        Of the images in the file, empty where there is none.
    series
        The name of one alone, or its number from 0, also as text; None: the only one.

    Returns
    -------
    int or None
        Its number; None if it is not known which is meant, or there is no such image.
    """
    if series is None:
        return 0 if len(names) == 1 else None
    if isinstance(series, str) and names.count(series) == 1:
        return names.index(series)
    number = int(series) if str(series).isdecimal() else -1
    return number if 0 <= number < len(names) else None


def shown_bytes(head: bytes) -> str:
    r"""Show the first bytes of a file for a message.

    Parameters
    ----------
    head
        Any bytes.

    Returns
    -------
    str
        The first eight as a Python literal without the b: ``'\x89PNG\r\n\x1a\n'``.
    """
    return repr(head[:8])[1:]


@contextmanager
def foreign_errors(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Turn whatever a package raises about a damaged file into one error with a remedy.

    Packages check their input little: a damaged byte shows as a division by zero, an assertion or
    a wrong index. Only calls of such packages belong into the block.

    Parameters
    ----------
    path
        The file.
    what
        What was being done, as in "its structure is broken".
    remedy
        What to do next.

    Yields
    ------
    None
        The block runs once.

    Raises
    ------
    UnreadableFileError
        For any exception that is not ours.
    """
    try:
        yield
    except VeriscopeError:
        raise
    except MemoryError as error:
        raise UnreadableFileError(
            f"{path}: needs more memory than there is; it is damaged, or too large for this computer"
        ) from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UnreadableFileError(f"{path}: {what} ({reason}); {remedy}") from error


@contextmanager
def captured_log(name: str) -> Iterator[list[str]]:
    """Take what a package logs in this thread, instead of letting it reach the terminal.

    Readers of files log what is wrong with a file and go on; here it becomes an error or a note.

    Parameters
    ----------
    name
        Name of the logger.

    Yields
    ------
    list of str
        Grows by each message of level warning or above.
    """
    messages: list[str] = []
    thread = threading.get_ident()

    def keep(record: logging.LogRecord) -> bool:
        if threading.get_ident() != thread:
            return True
        if record.levelno >= logging.WARNING:
            messages.append(record.getMessage())
        return False

    logger = logging.getLogger(name)
    logger.addFilter(keep)
    try:
        yield messages
    finally:
        logger.removeFilter(keep)
