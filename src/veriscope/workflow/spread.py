"""Large images of a study: their parts are predicted one by one, by all workers there are."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from veriscope.core.memory import usable_memory
from veriscope.core.prediction import Prediction
from veriscope.core.progress import Progress, silent
from veriscope.methods.base import Method
from veriscope.methods.local_method import LocalMethod
from veriscope.predict.concurrency import fewer_note, limit_workers
from veriscope.predict.joined import can_join, predict_joined, unfinished_folder
from veriscope.predict.plan import Plan, memory_of_part
from veriscope.predict.reading import Reading
from veriscope.predict.units import Executor, HereExecutor
from veriscope.predict.whole import fits_whole, require_whole, workers_for_whole
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = ["Spread", "remove_parts"]

_LARGE = 4096 * 4096
"""Pixels; above that the parts of an image are work enough for several workers."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How the large images of a study are predicted.

    Parameters
    ----------
    folder
        The study.
    channel
        Channel of the analysis.
    executor
        Where.
    memory
        Bytes for all `workers` together; None: half of what this computer has, for others work on it too.
    workers
        Most processes that share the memory; 1 where each worker of a cluster has as much.
    progress
        Told about every part.
    """

    folder: StudyFolder
    channel: str | None
    executor: Executor
    memory: int | None = None
    workers: int = 1
    progress: Progress = silent

    def suited(self, method: Method, images: Sequence[StudyImage]) -> tuple[Spread, str]:
        """Use fewer processes where they could not all hold an image that is predicted as a whole.

        Parameters
        ----------
        method
            Ready to predict, or to be trained.
        images
            Of the study.

        Returns
        -------
        Spread, str
            For this method, and a note for the user; empty if it is as it was.
        """
        if self.memory is None or self.workers == 1:
            return self, ""
        whole = []
        for image in images:
            source, reading = self._file(method, image)
            header = reading.header(source)
            if not fits_whole(method, header, self.memory, self.workers) and not can_join(
                method, source, reading
            ):
                whole.append(header)
        used = workers_for_whole(method, whole, self.memory, self.workers)
        if used == self.workers:
            return self, ""
        return replace(self, workers=used), fewer_note(used, self.workers, self.memory)

    def limit(self, method: Method) -> None:
        """Have a method keep to the memory, and the executor to the workers.

        Parameters
        ----------
        method
            Ready to predict, or to be trained.

        Raises
        ------
        MethodError
            If it cannot.
        """
        if self.memory is not None:
            method.limit_memory(memory_of_part(self.memory, self.workers))
        limit_workers(self.executor, self.workers)

    def wants(self, method: Method, image: StudyImage) -> bool:
        """Tell whether an image is predicted part by part.

        Parameters
        ----------
        method
            Ready to predict, or to be trained.
        image
            Of the study.

        Returns
        -------
        bool
            Whether it is large and there are several workers, or it needs more memory than is allowed, or
            than there is; and method and file can be used so. Its objects are the same either way.

        Raises
        ------
        InputError, MethodError
            If it needs more memory than is allowed and has to be predicted as a whole.
        """
        source, reading = self._file(method, image)
        several = not isinstance(self.executor, HereExecutor)
        large = several and math.prod(image.spatial_shape) > _LARGE
        if self.memory is None:
            if not several and math.prod(image.spatial_shape) > _LARGE:
                large = not fits_whole(method, reading.header(source), usable_memory() // 2, 1)
            return large and can_join(method, source, reading)
        header = reading.header(source)
        tight = not fits_whole(method, header, self.memory, self.workers)
        if (large or tight) and can_join(method, source, reading):
            return True
        require_whole(method, header, self.memory)
        return False

    def predict(
        self, method: Method, image: StudyImage, labels: Path, *, stage: str
    ) -> tuple[Prediction, Plan]:
        """Predict an image part by part.

        Parameters
        ----------
        method
            Ready to predict.
        image
            Of the study.
        labels
            Where its label image will be written.
        stage
            What to call it in the progress.

        Returns
        -------
        Prediction, Plan
            As of the whole image; and how it was cut and shared.
        """
        assert isinstance(method, LocalMethod), "others are not wanted"
        source, reading = self._file(method, image)
        return predict_joined(
            method,
            source,
            labels,
            executor=self.executor,
            reading=reading,
            memory=self.memory,
            workers=self.workers,
            progress=self.progress,
            stage=stage,
        )

    def _file(self, method: Method, image: StudyImage) -> tuple[Path, Reading]:
        channel = None if method.n_channels > 1 else self.channel
        options = json.loads(image.reading) if image.reading else {}
        return self.folder.root / image.path, Reading(channel=channel, **options)


def remove_parts(labels: Path) -> None:
    """Remove the parts that an image was predicted in, once it is predicted.

    Parameters
    ----------
    labels
        Its label image.
    """
    shutil.rmtree(unfinished_folder(labels), ignore_errors=True)
