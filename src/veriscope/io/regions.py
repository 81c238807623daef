"""Reading parts of stored images: OME-Zarr by chunks, TIFF by tiles and strips."""

from __future__ import annotations

from pathlib import Path

from veriscope.core.image import Image
from veriscope.core.source import Region
from veriscope.io.images import find_reader, plan_image, read_header
from veriscope.io.layout import Spacing, arrange

__all__ = ["StoredImage"]


class StoredImage:
    """An image file of which parts can be read.

    The file is opened for each of them, so that this can be sent to other processes.

    Parameters
    ----------
    path
        Image file or OME-Zarr folder.
    axes, spacing, series
        As for `veriscope.io.images.read_image`.

    Attributes
    ----------
    header
        What the file says of the image.
    chunk_bytes
        Bytes that must be decoded at once to read any one pixel.

    Raises
    ------
    UnreadableFileError, AxesError, InputError
        As `read_image`, without reading pixels.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        axes: str | None = None,
        spacing: Spacing | None = None,
        series: int | str | None = None,
    ) -> None:
        self.path = Path(path)
        self.header = read_header(path, axes=axes, spacing=spacing, series=series)
        with find_reader(self.path).open(self.path) as file:
            self._number, self._layout = plan_image(
                file, str(path), series=series, level=0, axes=axes, spacing=spacing
            )
            self._stored_shape = file.series[self._number].levels[0].shape
            self.chunk_bytes = file.chunk_bytes(self._number)

    def verify(self) -> None:
        """Check what can be checked without decoding, so that a run of hours does not stop half way.

        Raises
        ------
        UnreadableFileError
            If chunks are cut off.
        """
        with find_reader(self.path).open(self.path) as file:
            file.verify(self._number)

    def read(self, region: Region) -> Image:
        """Read a part.

        Parameters
        ----------
        region
            One slice per axis of the image.

        Returns
        -------
        Image
            The part, with the image's axes, spacing, channel names.

        Raises
        ------
        UnreadableFileError
            If a chunk, tile or strip is damaged.
        """
        by_letter = dict(zip(self.header.axes, region, strict=True))
        letters = self._layout.letters
        has_samples = "s" in letters
        stored = tuple(
            by_letter[letter]
            if letter in by_letter and not (letter == "c" and has_samples)
            else slice(0, size)
            for letter, size in zip(letters, self._stored_shape, strict=True)
        )
        with find_reader(self.path).open(self.path) as file:
            pixels = arrange(file.region(self._number, stored), self._layout)
        channels = self.header.channels
        if "c" in by_letter:
            channels = channels[by_letter["c"]]
            if has_samples:
                pixels = pixels[(slice(None),) * self.header.axes.index("c") + (by_letter["c"],)]
        return Image(
            pixels,
            self.header.axes,
            spacing=self.header.spacing,
            channels=channels,
            name=self.path.name,
        )
