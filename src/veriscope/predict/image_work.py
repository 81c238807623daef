"""The work of predicting one of many images as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from veriscope.core.image import Image
from veriscope.errors import ClusterError, InputError, MethodError, MissingPackageError, UnreadableFileError
from veriscope.io.atomic import make_folder
from veriscope.io.box_table import write_boxes
from veriscope.io.folders import ImageFile
from veriscope.io.labels import write_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.record import Record
from veriscope.methods.base import Method
from veriscope.predict.reading import Reading

__all__ = ["BOXES", "MAPS", "ImageWork", "failed_row", "failure_of"]

BOXES = "boxes"
"""Folder in the output for the boxes of each image."""
MAPS = "probabilities"
"""Folder in the output for maps of probability."""
_NAMED = 3


def failure_of(error: Exception) -> str:
    """Say why an image could not be predicted, so that the others go on.

    Parameters
    ----------
    error
        What happened.

    Returns
    -------
    str
        Kind of error and its message.

    Raises
    ------
    Exception
        The error itself if it concerns the images after this one too, such as a full disk or a lost cluster.
    """
    full_disk = isinstance(error, OSError) or (
        isinstance(error.__cause__, OSError) and not isinstance(error, UnreadableFileError | MethodError)
    )
    if full_disk or isinstance(error, ClusterError | MissingPackageError):
        raise error
    return f"{type(error).__name__}: {error}"


def failed_row(file: ImageFile, error: Exception) -> dict[str, Any]:
    """Say in the row of an image that it could not be predicted.

    Parameters
    ----------
    file
        The image.
    error
        What happened; raised if it concerns the images after this one too, as by `failure_of`.

    Returns
    -------
    dict
        ``image`` and ``failed``.
    """
    return {"image": file.stem, "failed": failure_of(error)}


class ImageWork:
    """Predicts one image and writes its label image, unless that was done before.

    Parameters
    ----------
    method
        Ready to predict.
    files
        The images.
    output
        Folder for the label images and ``record.jsonl``.
    reading
        How files are read.
    maps
        Write also the probability of each pixel, as ``probabilities/<stem>.ome.zarr``.
    record
        Of the output; None: opened.
    notes
        What a user should know of all these images.
    hashes
        SHA-256 of files, where it is known; of the others it is taken as their image is predicted.
    """

    def __init__(
        self,
        method: Method,
        files: tuple[ImageFile, ...],
        output: Path,
        reading: Reading,
        maps: bool = False,
        record: Record | None = None,
        notes: tuple[str, ...] = (),
        hashes: Mapping[Path, str] | None = None,
    ) -> None:
        self.method = method
        self.files = files
        self.output = output
        self.reading = reading
        self.maps = maps
        self.notes = notes
        self.hashes = hashes or {}
        self._record = Record(output, grouped=True) if record is None else record

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (
            self.method,
            self.files,
            self.output,
            self.reading,
            self.maps,
            self._record,
            self.notes,
            self.hashes,
        )

    def __call__(self, unit: int) -> dict[str, Any]:
        """Predict one image; a method that fails on it is said in the row, and the others go on."""
        file = self.files[unit]
        outputs = self._outputs(file.stem)
        source, digest = file.path.resolve(), self.hashes.get(file.path)
        try:
            done = self._record.step(
                "predict",
                inputs=[source] if digest is None else {source: digest},
                parameters={
                    "method": self.method.describe(),
                    "reading": self.reading.of(file).model_dump(exclude={"skip_bad"}),
                },
                outputs=list(outputs.values()),
                work=lambda: self._predict(file, outputs),
            )
        except Exception as error:
            return self.given_up(unit, error)
        entry = self._record.latest(next(iter(outputs.values())))
        assert entry is not None, "a step that is done has an entry"
        written = {kind: str(self.output / name) for kind, name in outputs.items()}
        row: dict[str, Any] = {"image": file.stem, **written, "done": done, **entry["details"]}
        return {"row": row, "record": self._record.kept()}

    def given_up(self, unit: int, error: Exception) -> dict[str, Any]:
        """Give the result of an image that cannot be predicted.

        Parameters
        ----------
        unit
            Number of the image.
        error
            What happened.

        Returns
        -------
        dict
            As of a call.
        """
        return {"row": failed_row(self.files[unit], error), "record": []}

    def claim(self) -> None:
        """Refuse to overwrite files that predictions did not make, and mark the folder as one of predictions.

        Raises
        ------
        InputError
            If a label image, or what goes with it, would replace such a file.
        """
        if self._record.path.exists():
            return
        names = [name for file in self.files for name in self._outputs(file.stem).values()]
        there = [name for name in names if (self.output / name).exists()]
        if there:
            more = "" if len(there) <= _NAMED else f" and {len(there) - _NAMED} more"
            raise InputError(
                f"{self.output}: holds files that this would overwrite and predict did not write: "
                f"{', '.join(there[:_NAMED])}{more}; choose another folder for the label images"
            )
        # Before the first result, so that the folder of a run that was killed at once is known again.
        self._record.path.touch()

    def row(self, result: dict[str, Any]) -> dict[str, Any]:
        """Take what came of an image, perhaps from another process, into the record.

        Parameters
        ----------
        result
            Of a call.

        Returns
        -------
        dict
            What is to be said of the image.
        """
        self._record.add(result["record"])
        row: dict[str, Any] = result["row"]
        return row

    def _outputs(self, stem: str) -> dict[str, str]:
        """Give what is written of an image: names in the output folder by kind, labels first."""
        outputs = {"labels": f"{stem}.tif"}
        if self.maps:
            outputs["probabilities"] = f"{MAPS}/{stem}.ome.zarr"
        if self.method.finds_boxes:
            outputs["boxes"] = f"{BOXES}/{stem}.csv"
        return outputs

    def _predict(self, file: ImageFile, outputs: Mapping[str, str]) -> Mapping[str, Any]:
        targets = {kind: self.output / name for kind, name in outputs.items()}
        image = self.reading.of(file).read(file.path)
        result = self.method.predict(self.reading.view(self.method, image))
        if "probabilities" in targets:
            if result.probability_map is None:
                raise MethodError(
                    f"{file.path}: {self.method.name} gives values for it that are no probabilities (not all "
                    "between 0 and 1); predict without --probabilities"
                )
            maps = Image(result.probability_map, result.axes, image.spacing)
            write_ome_zarr(targets["probabilities"], maps)
        if result.boxes is not None:
            make_folder(targets["boxes"].parent)
            write_boxes(targets["boxes"], file.stem, result.boxes, result.probabilities)
        write_labels(targets["labels"], result.labels, spacing=image.spacing)
        return {"n_objects": result.n_objects, **result.details, "notes": [*image.notes, *self.notes]}

    def lighter(self, unit: int) -> ImageWork:
        """Give the same: an image that is predicted as a whole cannot be cut."""
        return self

    def prepare(self, threads: int) -> None:
        """Keep to some threads."""
        self.method.limit_threads(threads)
