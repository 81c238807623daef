"""The work of predicting one of many images as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from veriscope.errors import MethodError, VeriscopeError
from veriscope.io.folders import ImageFile
from veriscope.io.labels import write_labels
from veriscope.io.record import Record
from veriscope.methods.base import Method
from veriscope.methods.channels import analysis_channel
from veriscope.predict.reading import Reading

__all__ = ["ImageWork"]


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
    """

    def __init__(self, method: Method, files: tuple[ImageFile, ...], output: Path, reading: Reading) -> None:
        self.method = method
        self.files = files
        self.output = output
        self.reading = reading
        self._record = Record(output)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.method, self.files, self.output, self.reading)

    def __call__(self, unit: int) -> dict[str, Any]:
        """Predict one image; a method that fails on it is said in the row, and the others go on."""
        file = self.files[unit]
        target = f"{file.stem}.tif"
        try:
            done = self._record.step(
                "predict",
                inputs=[file.path.resolve()],
                parameters={
                    "method": self.method.describe(),
                    "reading": self.reading.model_dump(exclude={"skip_bad"}),
                },
                outputs=[target],
                work=lambda: self._predict(file, self.output / target),
            )
        except Exception as error:
            # A full disk or a missing file concerns the images after this one too.
            if isinstance(error, VeriscopeError | OSError) and not isinstance(error, MethodError):
                raise
            return {"image": file.stem, "failed": f"{type(error).__name__}: {error}"}
        entry = self._record.latest(target)
        assert entry is not None, "a step that is done has an entry"
        return {"image": file.stem, "labels": str(self.output / target), "done": done, **entry["details"]}

    def _predict(self, file: ImageFile, target: Path) -> Mapping[str, Any]:
        image = self.reading.read(file.path)
        result = self.method.predict(analysis_channel(image, self.reading.channel))
        write_labels(target, result.labels, spacing=image.spacing)
        return {"n_objects": result.n_objects, **result.details}

    def lighter(self, unit: int) -> ImageWork:
        """Give the same: an image that is predicted as a whole cannot be cut."""
        return self

    def prepare(self, threads: int) -> None:
        """Keep to some threads."""
        self.method.limit_threads(threads)
