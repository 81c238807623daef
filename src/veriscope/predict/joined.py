"""One large image as a whole, its parts predicted elsewhere: by the workers of a cluster, say.

The parts are those of `veriscope.predict.image`; their objects are joined in memory, so that what comes of it
is a prediction as of any other image, the same as `Method.predict` gives.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from veriscope.core.prediction import Prediction
from veriscope.core.progress import Progress, silent
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import ArraySource
from veriscope.errors import AxesError, UnreadableFileError, VeriscopeError
from veriscope.io.run_files import read_runs
from veriscope.methods.base import Method
from veriscope.methods.local_method import LocalMethod
from veriscope.predict.all_parts import begin_parts, predict_parts
from veriscope.predict.concurrency import workers_as_before
from veriscope.predict.opening import open_parts
from veriscope.predict.plan import Plan
from veriscope.predict.reading import Reading
from veriscope.predict.tile_work import TileWork
from veriscope.predict.unfinished import Unfinished, origin_of
from veriscope.predict.units import Executor

__all__ = ["can_join", "predict_joined", "unfinished_folder"]

_SCHEMA = "veriscope/joined-parts/1"


def can_join(method: Method, source: str | Path, reading: Reading) -> bool:
    """Tell whether parts of an image can be predicted one by one.

    Parameters
    ----------
    method
        Ready to predict, or to be trained.
    source
        Image file.
    reading
        How it is read.

    Returns
    -------
    bool
        Whether the method works part by part, and the file can be read so.
    """
    if not isinstance(method, LocalMethod):
        return False
    try:
        pixels = reading.source(source, method)
        corner = pixels.corner()
        method.check(corner)
        if not method.needs_training:
            # Costs nothing, and is refused by methods that need the whole image with these parameters.
            method.survey(ArraySource(corner))
    except VeriscopeError:
        return False
    return pixels.n_times is None


def unfinished_folder(output: Path) -> Path:
    """Say where the parts of an image lie until they are joined.

    Parameters
    ----------
    output
        Label image to be written of it.

    Returns
    -------
    pathlib.Path
        Beside it, ending ``.part``.
    """
    return Unfinished(output, "").folder


def predict_joined(
    method: LocalMethod,
    source: str | Path,
    output: Path,
    *,
    executor: Executor,
    reading: Reading | None = None,
    memory: int | None = None,
    workers: int = 1,
    tile: int | None = None,
    progress: Progress = silent,
    stage: str = "",
) -> tuple[Prediction, Plan]:
    """Predict the parts of an image elsewhere, and join them here, in memory.

    What is finished of a call that was stopped is taken up by the next one.

    Parameters
    ----------
    method
        Ready to predict.
    source
        Image file or OME-Zarr folder, without time points.
    output
        Label image that the caller will write; beside it lie the parts until then, in `unfinished_folder`,
        which the caller removes.
    executor
        Where parts are predicted.
    reading
        How the file is read; None: as it says.
    memory
        Bytes for all `workers` together; None: not limited.
    workers
        Most processes that share the memory.
    tile
        Length of the parts in pixels; None: chosen.
    progress
        Told about every part.
    stage
        What to call it there; empty: by the names of method and file.

    Returns
    -------
    Prediction, Plan
        As `Method.predict` of the whole image, without a map of probability; and how it was cut and shared.

    Raises
    ------
    AxesError
        If the image has time points.
    InputError
        If the memory does not suffice, or another run is at this image now.
    """
    reading = reading or Reading()
    pixels = open_parts(method, source, output, reading, memory=memory)
    if pixels.n_times is not None:
        raise AxesError(f"{source}: has time points; predict one of them at a time")
    key = origin_of(method, Path(source), reading, schema=_SCHEMA)["key"]
    unfinished = Unfinished(output, key)
    with unfinished.hold(), workers_as_before(executor):
        work, plan = begin_parts(
            method, pixels, unfinished, executor, memory=memory, workers=workers, tile=tile
        )
        predict_parts(work, executor, progress, stage=stage or f"predict {method.name}: {pixels.name}")
        objects = ObjectRuns.join([_objects(work, unit) for unit in range(len(work.parts()))])
    labels = np.zeros(pixels.shape, np.int32)
    whole = tuple(slice(0, size) for size in pixels.shape)
    objects.paint(labels, whole, pixels.shape, np.arange(1, len(objects) + 1, dtype=np.int32))
    known = len(objects) > 0 and not np.isnan(objects.probabilities).any()
    found = Prediction(
        labels,
        pixels.axes,
        probabilities=objects.probabilities if known else None,
        details=method.details(work.surveys[0]),
    )
    return found, plan


def _objects(work: TileWork, unit: int) -> ObjectRuns:
    """Read the objects of a part; one whose file is damaged is predicted again."""
    objects = read_runs(work.path(unit))
    if objects is None:
        work(unit)
        objects = read_runs(work.path(unit))
    if objects is None:
        raise UnreadableFileError(f"{work.path(unit)}: was written and cannot be read; is the disk sound?")
    return objects
