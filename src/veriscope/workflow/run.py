"""Every candidate on every image, then every object measured."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from veriscope.core.progress import Progress, silent
from veriscope.core.words import few
from veriscope.errors import StudyError, VeriscopeError
from veriscope.io.atomic import write_json
from veriscope.io.labels import read_labels
from veriscope.io.lock import only_run
from veriscope.io.ome_zarr import write_labels_zarr
from veriscope.io.record import Record
from veriscope.io.tables import read_table, write_table
from veriscope.measure.table import ObjectTable
from veriscope.methods.base import Method
from veriscope.methods.channels import channels_for
from veriscope.predict.image_work import failure_of
from veriscope.predict.units import Executor, HereExecutor, executor_for, run_on
from veriscope.registry import make_method
from veriscope.workflow.config import Candidate, StudyConfig
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.measuring import measure_image
from veriscope.workflow.room import require_room
from veriscope.workflow.spread import Spread, remove_parts
from veriscope.workflow.training import train_candidate, training_inputs

__all__ = ["CandidateRun", "run_candidates"]

_NAMED = 3
_LOCK = ".veriscope-running"
_WAIT = "wait until it has ended, then give the same command again: what it did is not done twice"


@dataclass(frozen=True, slots=True)
class CandidateRun:
    """What became of one candidate.

    Parameters
    ----------
    candidate
        Its identifier.
    n_images
        Images predicted, now or before.
    n_done
        Images predicted now.
    n_objects
        Objects found in all images; None if it did not run.
    not_run
        Why it did not run, or empty.
    failed
        Whether that is a failure, rather than something still missing.
    notes
        What a user should know of how images were predicted now.
    """

    candidate: str
    n_images: int
    n_done: int
    n_objects: int | None
    not_run: str = ""
    failed: bool = False
    notes: tuple[str, ...] = ()


def run_candidates(
    folder: StudyFolder,
    config: StudyConfig,
    *,
    only: Sequence[str] | None = None,
    executor: Executor | None = None,
    memory: int | None = None,
    workers: int = 1,
    progress: Progress = silent,
) -> tuple[CandidateRun, ...]:
    """Predict and measure with every candidate; what is current is not done again.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    only
        Identifiers of candidates; None runs all.
    executor
        Where images are predicted, such as a cluster; None: here, in `workers` processes.
    memory
        Bytes for predicting, for each worker of a cluster or for all processes here together: images that
        need more are predicted part by part. None: what there is.
    workers
        Most processes of this computer; 1 works in this one. Fewer are used for an image where they are
        estimated to be done sooner in the memory, or it does not suffice for more.
    progress
        Told about every image.

    Returns
    -------
    tuple of CandidateRun
        In the order of study.yaml. A candidate that needs training tiles waits until there are some.

    Raises
    ------
    StudyError
        If `only` names an unknown candidate.
    InputError
        If another run is at this study now, or there is no process to work in.
    """
    known = [candidate.id for candidate in config.candidates]
    unknown = sorted(set(only or ()) - set(known))
    if unknown:
        raise StudyError(f"no candidate {', '.join(unknown)} in study.yaml; there are: {', '.join(known)}")
    record = Record(folder.root, grouped=True)
    images = folder.images()
    runs = []
    early = memory is None
    own = executor_for(workers, early=early) if executor is None else contextlib.nullcontext(executor)
    alone = only_run(folder.root / _LOCK, place=folder.root, remedy=_WAIT)
    with alone, own as used:
        spread = Spread(folder, config.channel, used, memory, workers, progress)
        for candidate in config.candidates:
            if only is not None and candidate.id not in only:
                continue
            try:
                runs.append(_run_candidate(folder, config, record, candidate, images, spread))
            except VeriscopeError as error:
                runs.append(CandidateRun(candidate.id, 0, 0, None, str(error), failed=True))
    record.flush()
    return tuple(runs)


def _run_candidate(
    folder: StudyFolder,
    config: StudyConfig,
    record: Record,
    candidate: Candidate,
    images: Sequence[StudyImage],
    spread: Spread,
) -> CandidateRun:
    method = make_method(candidate.method, candidate.parameters)
    training: Mapping[str, str] = {}
    if method.needs_training:
        training = training_inputs(folder)
        if not training:
            waits = "waits for annotated training tiles: draw some with veriscope audit STUDY --training 6"
            return CandidateRun(candidate.id, 0, 0, None, waits)
    else:
        method.make_ready()
    job = _Job(folder, config, record, candidate, method, dict(training))
    n_done, failed = job.predict_all(images, spread)
    if failed:
        told, n_kept = _told(failed, len(images)), len(images) - len(failed)
        return CandidateRun(candidate.id, n_kept, n_done, None, told, failed=True, notes=job.notes())
    table = job.measure(images)
    return CandidateRun(candidate.id, len(images), n_done, len(table), notes=job.notes())


def _told(failed: Mapping[str, str], n_images: int) -> str:
    """Say which images a candidate failed on; without them it has no answer, and what it did is kept."""
    reasons = list(dict.fromkeys(failed.values()))
    if len(failed) == n_images and len(reasons) == 1:
        return reasons[0]
    shown = "; ".join(f"{name}: {why}" for name, why in list(failed.items())[:_NAMED])
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return (
        f"{len(failed)} of {n_images} images failed ({shown}{more}). The others are kept. Put sound files in "
        "their places, or leave this candidate out; when it is run again, only these are predicted"
    )


@dataclass
class _Job:
    """One candidate at work in a study."""

    folder: StudyFolder
    config: StudyConfig
    record: Record
    candidate: Candidate
    method: Method
    training: dict[str, str]

    def __post_init__(self) -> None:
        self._ready: Method | None = None
        self._here = False
        self._measured: dict[str, ObjectTable] = {}
        self._fewer = ""
        self._noted: dict[str, list[str]] = {}

    def _method(self) -> Method:
        """Train at the first need only: a run with nothing to do costs nothing."""
        if self._ready is None:
            self._ready = (
                train_candidate(self.folder, self.config, self.method) if self.training else self.method
            )
        return self._ready

    def notes(self) -> tuple[str, ...]:
        """Give what is to be said of images predicted now; once what is true of several."""
        return tuple(f"{few(sorted(names))}: {note}" for note, names in self._noted.items())

    def predict_all(self, images: Sequence[StudyImage], spread: Spread) -> tuple[int, dict[str, str]]:
        """Predict all images that are not current, the large ones last; how many, and what failed why."""
        spread, self._fewer = spread.suited(self.method, images)
        spread.limit(self.method)
        large = {image.image_id for image in images if spread.wants(self.method, image)}
        images = sorted(images, key=lambda image: image.image_id in large)
        n_small = len(images) - len(large)
        stage, progress, n_done, first = f"predict {self.candidate.id}", spread.progress, 0, 0
        failed: dict[str, str] = {}
        progress(stage, 0, len(images))
        while self.training and self._ready is None and first < n_small:
            # The first that is not current is predicted here, so that training is done once for all.
            n_done += self._attempt(images[first], failed)
            first += 1
            progress(stage, first, len(images))
        # Work in this process leaves pixels and labels in memory, so they are measured without reading them.
        self._here = isinstance(spread.executor, HereExecutor)
        work = _ImageWork(self, tuple(images))
        small = run_on(spread.executor, work, range(first, n_small), work.given_up)
        for done, (_, result) in enumerate(small, first + 1):
            n_done += result["done"]
            failed |= result["failed"]
            self.record.add(result["record"])
            progress(stage, done, len(images))
        for done, image in enumerate(images[n_small:], n_small + 1):
            n_done += self._attempt(image, failed, spread)
            progress(stage, done, len(images))
        n_done += self._predict_forgotten([image for image in images if image.image_id not in failed])
        if self._fewer and n_done:
            self._noted[self._fewer] = [image.image_id for image in images]
        return n_done, failed

    def _attempt(self, image: StudyImage, failed: dict[str, str], spread: Spread | None = None) -> bool:
        """Predict an image; where the method fails on it, note why, so that the others go on."""
        try:
            return self.predict(image, spread)
        except Exception as error:
            if self.training and self._ready is None:
                raise  # it could not learn
            why = failure_of(error)
            failed[image.image_id] = str(error) if isinstance(error, VeriscopeError) else why
            return False

    def _predict_forgotten(self, images: Sequence[StudyImage]) -> int:
        """Predict again what other computers did and a network disk forgot to record."""
        self.record = Record(self.folder.root, grouped=True)
        missing = [
            image
            for image in images
            if not self.record.latest(self.folder.prediction(self.candidate.id, image.image_id))
        ]
        return sum(self.predict(image) for image in missing)

    def limit_threads(self, threads: int) -> None:
        """Keep to some threads."""
        (self._ready or self.method).limit_threads(threads)

    def predict(self, image: StudyImage, spread: Spread | None = None) -> bool:
        """Predict an image, as a whole or part by part, unless it is current."""
        labels = self.folder.prediction(self.candidate.id, image.image_id)
        details = self.folder.prediction_details(self.candidate.id, image.image_id)
        return self.record.step(
            "predict",
            inputs=[image.path],
            parameters={
                "method": self.method.describe(),
                "channel": self.config.channel,
                "reading": image.reading,
                "training": self.training,
            },
            outputs=[labels, details],
            work=lambda: self._write_prediction(image, labels, details, spread),
        )

    def _write_prediction(
        self, image: StudyImage, labels: Path, details: Path, spread: Spread | None
    ) -> Mapping[str, Any]:
        method, target = self._method(), self.folder.root / labels
        require_room(image, method, in_parts=spread is not None)
        used: dict[str, Any] = {"note": self._fewer} if self._fewer else {}
        if spread is not None:
            stage = f"predict {self.candidate.id}: {image.image_id}"
            result, plan = spread.predict(method, image, target, stage=stage)
            used |= {"workers": plan.workers} | ({"note": plan.note} if plan.note else {})
            if plan.note:
                self._noted.setdefault(plan.note, []).append(image.image_id)
        pixels = self.folder.read(image)
        if spread is None:
            result = method.predict(channels_for(method, pixels, self.config.channel))
        write_labels_zarr(target, result.labels, axes=result.axes, spacing=pixels.spacing)
        found: dict[str, Any] = {"n_objects": result.n_objects, "details": result.details}
        if result.probabilities is not None and result.n_objects:
            found["probabilities"] = [round(float(value), 4) for value in result.probabilities]
        write_json(self.folder.root / details, found)
        remove_parts(target)
        if self._here or spread is not None:
            table = measure_image(result.labels, pixels, self.config.channel)
            self._measured[image.image_id] = _with_probability(table, found.get("probabilities"))
        return {"n_objects": result.n_objects, **result.details, **used}

    def measure(self, images: Sequence[StudyImage]) -> pd.DataFrame:
        target = self.folder.measurements(self.candidate.id)
        stores = [self.folder.prediction(self.candidate.id, image.image_id) for image in images]
        details = [self.folder.prediction_details(self.candidate.id, image.image_id) for image in images]
        groups = {image.image_id: [image.group, image.replicate, image.path] for image in images}
        self.record.step(
            "measure",
            inputs=[*stores, *details],
            parameters={"measure": 1, "channel": self.config.channel, "images": groups},
            outputs=[target, target.with_suffix(".json")],
            work=lambda: self._write_measurements(images, target),
        )
        return read_table(self.folder.root / target)

    def _write_measurements(self, images: Sequence[StudyImage], target: Path) -> None:
        tables = [self._measure_image(image) for image in images]
        frame = _identified([table.frame for table in tables], images)
        units, descriptions = {}, dict(_IDENTITY)
        for table in tables:
            units.update(table.units)
            descriptions.update(table.descriptions)
        write_table(self.folder.root / target, frame, units, descriptions=descriptions)

    def _measure_image(self, image: StudyImage) -> ObjectTable:
        """Measure the objects, with how sure the method was."""
        measured = self._measured.pop(image.image_id, None)
        if measured is not None:
            return measured
        pixels = self.folder.read(image)
        labels = read_labels(self.folder.root / self.folder.prediction(self.candidate.id, image.image_id))
        table = measure_image(labels, pixels, self.config.channel)
        details = self.folder.root / self.folder.prediction_details(self.candidate.id, image.image_id)
        return _with_probability(table, json.loads(details.read_text()).get("probabilities"))


def _with_probability(table: ObjectTable, sure: Sequence[float] | None) -> ObjectTable:
    """Add how sure the method was of each object."""
    values = np.full(len(table.frame), np.nan) if sure is None else np.asarray(sure, float)
    return replace(table, frame=table.frame.assign(probability=values))


@dataclass(frozen=True, slots=True)
class _ImageWork:
    """Predicts one image of a study."""

    job: _Job
    images: tuple[StudyImage, ...]

    def __call__(self, unit: int) -> dict[str, Any]:
        """Predict one image, unless it is current."""
        failed: dict[str, str] = {}
        done = self.job._attempt(self.images[unit], failed)
        return {"done": done, "failed": failed, "record": self.job.record.kept()}

    def given_up(self, unit: int, error: Exception) -> dict[str, Any]:
        """Say that an image failed, over which processes were killed."""
        return {"done": False, "failed": {self.images[unit].image_id: str(error)}, "record": []}

    def lighter(self, unit: int) -> _ImageWork:
        """Give the same: an image that is predicted as a whole cannot be cut."""
        return self

    def prepare(self, threads: int) -> None:
        """Keep to some threads."""
        self.job.limit_threads(threads)


_IDENTITY = {
    "image_id": "Image the object is in",
    "group": "Group of the image",
    "replicate": "Experimental unit of the image",
    "probability": "How sure the method was that this is an object, 0 to 1; not calibrated",
}


def _identified(frames: Sequence[pd.DataFrame], images: Sequence[StudyImage]) -> pd.DataFrame:
    """Join the tables of all images, and add who the objects are: image, group, replicate."""
    joined = pd.concat(frames, ignore_index=True)
    numbers = [len(frame) for frame in frames]
    for place, name in enumerate(("image_id", "group", "replicate")):
        values = np.repeat(np.array([getattr(image, name) for image in images], dtype=object), numbers)
        joined.insert(place, name, pd.Series(values, dtype="str"))
    return joined
