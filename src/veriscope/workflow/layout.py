"""Where things lie in a study folder, and its table of images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from veriscope.core.image import Image
from veriscope.core.plane import Plane
from veriscope.errors import StudyError
from veriscope.io.atomic import write_text
from veriscope.io.images import ImageHeader, read_header, read_image

__all__ = ["StudyFolder", "StudyImage", "header_fields"]


@dataclass(frozen=True, slots=True)
class StudyImage:
    """One row of images.csv.

    Parameters
    ----------
    image_id
        Stem of the source file; unique in the study.
    group, replicate
        Condition and experimental unit.
    source
        File the image came from, as the user gave it.
    sha256
        Of the source.
    path
        What the study reads: a copy inside the study, or the source with ``--in-place``.
    axes, shape, dtype
        Of the pixels; the shape as ``520x696``.
    spacing
        Pixel size in µm by axis, as ``y=0.5;x=0.5``, or ``uncalibrated``.
    channels
        Channel names, separated by ``;``.
    reading
        How an ``in place`` source is read: axes, spacing and series as JSON; empty for a copy.
    notes
        What the reader had to say.
    plane
        Which plane of a stack or time-lapse it is, as ``z=max,t=3``; empty where the source is a plane.
    stack, stack_reading
        The whole stack, to look at, as `path` and `reading`; empty where the source is a plane.
    """

    image_id: str
    group: str
    replicate: str
    source: str
    sha256: str
    path: str
    axes: str
    shape: str
    dtype: str
    spacing: str
    channels: str
    reading: str = ""
    notes: str = ""
    plane: str = ""
    stack: str = ""
    stack_reading: str = ""

    def check(self) -> None:
        """Read all that is written in a row, so that what was damaged by hand is found here.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something cannot be read.
        """
        if len(self.shape.split("x")) != len(self.axes) or not {"y", "x"} <= set(self.axes):
            raise ValueError(
                f"image {self.image_id!r}: axes {self.axes!r} and shape {self.shape!r} do not fit"
            )
        try:
            _ = (self.spatial_shape, self.spacing_text, self.pixel_area, Plane.parse(self.plane))
            _ = (json.loads(self.reading or "{}"), json.loads(self.stack_reading or "{}"))
        except (IndexError, KeyError, ValueError):
            raise ValueError(
                f"image {self.image_id!r}: shape {self.shape!r}, spacing {self.spacing!r}, reading "
                f"{self.reading!r} or plane {self.plane!r} cannot be read"
            ) from None

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """Length of the spatial axes, (y, x) or (z, y, x)."""
        lengths = [int(length) for length in self.shape.split("x")]
        return tuple(n for letter, n in zip(self.axes, lengths, strict=True) if letter in "zyx")

    @property
    def is_calibrated(self) -> bool:
        """Whether the size of a pixel is known."""
        return self.spacing != "uncalibrated"

    @property
    def spacing_text(self) -> str:
        """Pixel size for people: ``0.5 × 0.5 µm`` or ``uncalibrated``."""
        if not self.is_calibrated:
            return self.spacing
        sizes = [f"{float(part.split('=')[1]):g}" for part in self.spacing.split(";")]
        return " × ".join(sizes) + " µm"

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels; empty for an image without channels."""
        return tuple(self.channels.split(";")) if self.channels else ()

    @property
    def n_channels(self) -> int:
        """Number of channels; 1 for an image without channels."""
        return len(self.channel_names) or 1

    @property
    def pixel_area(self) -> float:
        """Area of a pixel in µm², or 1 if uncalibrated."""
        if not self.is_calibrated:
            return 1.0
        sizes = dict(part.split("=") for part in self.spacing.split(";"))
        return float(sizes["y"]) * float(sizes["x"])


def header_fields(header: ImageHeader) -> dict[str, str]:
    """Give what a row has of an image's header.

    Parameters
    ----------
    header
        Of the image.

    Returns
    -------
    dict
        ``axes``, ``shape``, ``dtype``, ``spacing`` and ``channels`` as `StudyImage` has them.
    """
    spacing = header.spacing
    return {
        "axes": header.axes,
        "shape": "x".join(map(str, header.shape)),
        "dtype": str(header.dtype),
        "spacing": "uncalibrated"
        if spacing is None
        else ";".join(f"{axis}={value!r}" for axis, value in spacing.items()),
        "channels": ";".join(name.replace(";", ",") for name in header.channels),
    }


@dataclass(frozen=True, slots=True)
class StudyFolder:
    """Paths of a study; everything is relative to its root.

    Parameters
    ----------
    root
        Folder of the study.
    """

    root: Path

    @property
    def config(self) -> Path:
        """The file study.yaml."""
        return self.root / "study.yaml"

    @property
    def images_table(self) -> Path:
        """The file images.csv."""
        return self.root / "images.csv"

    def prediction(self, candidate: str, image_id: str) -> Path:
        """Give the label image of a candidate on an image, relative to the root.

        Parameters
        ----------
        candidate
            Identifier of the candidate.
        image_id
            Identifier of the image.

        Returns
        -------
        pathlib.Path
            ``predictions/<candidate>/<image_id>.ome.zarr``.
        """
        return Path("predictions", candidate, f"{image_id}.ome.zarr")

    def prediction_details(self, candidate: str, image_id: str) -> Path:
        """Give the file with what the candidate said beside the labels, relative to the root.

        Parameters
        ----------
        candidate
            Identifier of the candidate.
        image_id
            Identifier of the image.

        Returns
        -------
        pathlib.Path
            ``predictions/<candidate>/<image_id>.json``.
        """
        return Path("predictions", candidate, f"{image_id}.json")

    def measurements(self, candidate: str) -> Path:
        """Give the object table of a candidate, relative to the root.

        Parameters
        ----------
        candidate
            Identifier of the candidate.

        Returns
        -------
        pathlib.Path
            ``measurements/<candidate>.parquet``.
        """
        return Path("measurements", f"{candidate}.parquet")

    def images(self) -> tuple[StudyImage, ...]:
        """Read the table of images.

        Returns
        -------
        tuple of StudyImage
            In the order of the table.

        Raises
        ------
        StudyError
            If the table is missing or not one of ours.
        """
        try:
            frame = pd.read_csv(self.images_table, dtype=str, keep_default_na=False)
            found = tuple(StudyImage(**row) for row in frame.to_dict("records"))
            for image in found:
                image.check()
        except FileNotFoundError:
            raise StudyError(f"{self.root} has no images.csv; it is not a complete study") from None
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StudyError(
                f"{self.images_table}: is not a table of images: {error}; restore it, or make the study again"
            ) from None
        if len({image.image_id for image in found}) < max(len(found), 1):
            twice = "names an image twice" if found else "lists no image"
            raise StudyError(f"{self.images_table}: {twice}; restore it, or make the study again")
        return found

    def write_images(self, images: Sequence[StudyImage]) -> None:
        """Write the table of images.

        Parameters
        ----------
        images
            All images of the study.
        """
        frame = pd.DataFrame([asdict(image) for image in images])
        write_text(self.images_table, frame.to_csv(index=False, lineterminator="\n"))

    def stack(self, image: StudyImage) -> StudyImage:
        """Give the whole stack that an image is a plane of.

        Parameters
        ----------
        image
            One of `images`, with a stack.

        Returns
        -------
        StudyImage
            A row for it, which is no image of the study.

        Raises
        ------
        UnreadableFileError
            If the file is gone or broken.
        """
        options = json.loads(image.stack_reading) if image.stack_reading else {}
        header = read_header(self.root / image.stack, **options)
        return replace(
            image,
            image_id=f"stack {Path(image.stack).name}",
            path=image.stack,
            reading=image.stack_reading,
            plane="",
            stack="",
            stack_reading="",
            **header_fields(header),
        )

    def read(self, image: StudyImage) -> Image:
        """Read the pixels of an image.

        Parameters
        ----------
        image
            One of `images`.

        Returns
        -------
        Image
            Named by its image_id.

        Raises
        ------
        UnreadableFileError
            If the file is gone or broken.
        """
        options = json.loads(image.reading) if image.reading else {}
        found = read_image(self.root / image.path, **options)
        return Image(found.pixels, found.axes, found.spacing, found.channels, image.image_id, found.notes)
