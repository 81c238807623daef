"""The whole path on data whose truth is known: simulated, or a folder with references of every image."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.progress import Progress, silent
from veriscope.core.words import counted
from veriscope.datasets.write import write_study
from veriscope.errors import InputError, StudyError
from veriscope.io.annotations.read import read_annotation
from veriscope.io.atomic import refuse_here
from veriscope.io.folders import find_images
from veriscope.io.images import read_header
from veriscope.io.pairing import pair_by_stem
from veriscope.io.sheets import read_rows
from veriscope.trust.tiles import split_into_tiles
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.measuring import measure_image
from veriscope.workflow.quantities import sum_tiles
from veriscope.workflow.question import Question
from veriscope.workflow.study import Study

__all__ = ["DEMO_SCHEMA", "demo_folder", "demo_simulated", "true_answer"]

DEMO_SCHEMA = "veriscope/demo/1"


def demo_simulated(
    output: Path, *, tiles: int = 45, seed: int = 1, progress: Progress = silent
) -> dict[str, Any]:
    """Walk the path on a simulated study of three groups.

    Parameters
    ----------
    output
        Folder of the study; the simulated data go beside it, in ``<output>-data``.
    tiles
        Audit tiles in all.
    seed
        Seed of simulation and audit.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``veriscope/demo/1``; see `demo_folder`.
    """
    refuse_here(output)
    data = output.with_name(f"{output.name}-data")
    if not (data / "truth.json").exists():
        write_study(data, seed=seed, progress=progress)
    _require_seed(data, seed)
    return demo_folder(
        data,
        output,
        object="nucleus",
        tiles=tiles,
        seed=seed,
        groups=data / "sheet.csv",
        title="Demo: nuclei in three simulated groups",
        source="known because the images were simulated",
        progress=progress,
    )


def demo_folder(
    data: Path,
    output: Path,
    *,
    object: str | None = None,
    measure: str = "count",
    tolerance: str | float | None = "5%",
    channel: str | None = None,
    groups: Path | None = None,
    tiles: int = 40,
    training: int = 6,
    seed: int = 1,
    title: str | None = None,
    source: str = "known because every image has a reference",
    progress: Progress = silent,
) -> dict[str, Any]:
    """Walk the path on a folder with ``images/`` and ``labels/``, the references being the annotator.

    The audit sees the references of the drawn tiles only; all of them together are the truth that
    the answer is then held against. A study that is there already goes on where it stopped.

    Parameters
    ----------
    data
        Folder with ``images/`` and ``labels/``. A ``split.csv`` with a column ``field_group`` tells
        which images belong to one field: they are one replicate.
    output
        Folder of the study.
    object
        What the labels outline; None: as ``dataset.json`` says, or ``object``.
    measure, tolerance
        The question.
    channel
        Channel to analyse; None: the only one, the luminance of colour images, or the first.
    groups
        Sample sheet; None: one group.
    tiles, training
        Audit and training tiles in all.
    seed
        Seed of the audit.
    title
        Title of the study; None: the folder's name.
    source
        Where the truth comes from.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``veriscope/demo/1``: estimate, truth by group, verdict, candidates, choices made, path of
        the report.

    Raises
    ------
    InputError
        If the folder lacks ``images/`` or ``labels/``, or an image has no reference.
    """
    images, labels = _parts(data)
    choices: list[str] = []
    if not (output / "study.yaml").exists():
        options = _options(data, images, object, channel, groups, choices)
        Study.new(
            output,
            images=images,
            measure=measure,
            tolerance=tolerance,
            name=title or f"Demo on {data.name}",
            seed=seed,
            progress=progress,
            **options,
        )
    study = Study(output)
    _check_same_data(study, images)
    _check_same_question(study, object, measure, tolerance, channel, seed)
    study.run(progress=progress)
    study.audit(tiles=tiles, training=training)
    study.import_references(labels, annotator="reference", whole_images=True)
    runs = study.run(progress=progress)
    truth = true_answer(StudyFolder(output), study.config, labels)
    report = study.report(truth=truth, truth_source=source)
    validated = study.validate()
    return {
        "schema": DEMO_SCHEMA,
        "study": str(output),
        "choices": choices,
        "estimate": study.estimate(),
        "truth": truth,
        "verdict": study.verdict(),
        "validation": validated,
        "not_run": {run.candidate: run.not_run for run in runs if run.not_run},
        "report": str(report),
    }


def true_answer(folder: StudyFolder, config: StudyConfig, labels: Path) -> dict[str, float]:
    """Answer the question from references of every image.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    labels
        Folder with the reference of every image.

    Returns
    -------
    dict
        Answer by group; NaN where there is nothing to average.
    """
    files = {file.stem: file.path for file in find_images(labels)}
    above: dict[str, float] = {}
    below: dict[str, float] = {}
    for image in folder.images():
        height, width = image.spatial_shape[-2:]
        reference = read_annotation(files[image.image_id], (height, width)).labels
        table = measure_image(reference, folder.read(image), config.channel).frame
        whole = split_into_tiles(image.spatial_shape, size=max(height, width))
        sums = sum_tiles(table, whole, config.question, pixel_area=image.pixel_area)
        above[image.group] = above.get(image.group, 0.0) + float(sums.numerator.sum())
        if sums.denominator is not None:
            below[image.group] = below.get(image.group, 0.0) + float(sums.denominator.sum())
    return {
        group: total / below[group] if below.get(group) else (np.nan if below else total)
        for group, total in above.items()
    }


def _parts(data: Path) -> tuple[Path, Path]:
    if not data.exists():
        raise InputError(f"{data}: no such folder; check the name")
    missing = [name for name in ("images", "labels") if not (data / name).is_dir()]
    if missing:
        raise InputError(
            f"{data}: has no folder {' and no folder '.join(missing)}; the demo takes a folder with images/ "
            "and labels/, label images of the same names"
        )
    images, labels = data / "images", data / "labels"
    pairing = pair_by_stem(find_images(images), find_images(labels), partial=True)
    if pairing.only_reference:
        some = ", ".join(pairing.only_reference[:10])
        raise InputError(
            f"{counted(len(pairing.only_reference), 'image has', 'images have')} no label image ({some}); "
            "the demo needs a reference of every image. For your own images start with: veriscope new"
        )
    return images, labels


def _check_same_data(study: Study, images: Path) -> None:
    theirs = {file.stem for file in find_images(images)}
    if {image.image_id for image in study.images} != theirs:
        raise StudyError(f"{study.path} is a study of other images; choose another --output, or remove it")


def _require_seed(data: Path, seed: int) -> None:
    """Refuse data of another seed, which would be shown as those of the seed given."""
    try:
        there = json.loads((data / "truth.json").read_text(encoding="utf-8"))["seed"]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{data / 'truth.json'}: cannot be read; remove the folder, it is made again"
        ) from None
    if there != seed:
        raise InputError(
            f"{data} was simulated with seed {there}, and {seed} is asked for; choose another --output, or "
            "remove it"
        )


def _check_same_question(
    study: Study,
    target: str | None,
    measure: str,
    tolerance: str | float | None,
    channel: str | None,
    seed: int,
) -> None:
    """Refuse to go on with a study of another question, whose answer would be shown as that of this one."""
    there = study.config
    wanted = Question.from_text(measure, object=target or there.question.object, tolerance=tolerance)
    same = wanted.model_copy(update={"level": there.question.level}) == there.question
    if not same or there.audit.seed != seed or channel not in (None, there.channel):
        raise StudyError(
            f"{study.path} is a study of another question, tolerance, channel or seed "
            f"({there.question.text}); choose another --output, or remove it"
        )


def _options(
    data: Path,
    images: Path,
    target: str | None,
    channel: str | None,
    groups: Path | None,
    choices: list[str],
) -> dict[str, Any]:
    """Fill in what was not said, and say so."""
    if target is None:
        target = _object_of(data)
        choices.append(f"object: {target} (--object says otherwise)")
    if channel is None:
        channel = _channel_of(images, choices)
    options: dict[str, Any] = {"object": target, "channel": channel}
    sheet = groups or _field_sheet(data, choices)
    if sheet is not None:
        options["groups"] = str(sheet)
    return options


def _object_of(data: Path) -> str:
    try:
        task = str(json.loads((data / "dataset.json").read_text(encoding="utf-8")).get("task", ""))
    except (OSError, ValueError, AttributeError):
        return "object"
    for pattern, name in ((r"nucle", "nucleus"), (r"cell", "cell"), (r"particle", "particle")):
        if re.search(pattern, task, re.IGNORECASE):
            return name
    return "object"


def _channel_of(images: Path, choices: list[str]) -> str | None:
    found = {read_header(file.path).channels for file in find_images(images)}
    most: Sequence[str] = max(found, key=len)
    if len(most) <= 1:
        return None
    if set(most) == {"red", "green", "blue"}:
        choices.append("channel: luminance of the colour images (--channel says otherwise)")
        return "luminance"
    choices.append(f"channel: {most[0]}, the first of {', '.join(most)} (--channel says otherwise)")
    return most[0]


def _field_sheet(data: Path, choices: list[str]) -> Path | None:
    """Use ``split.csv`` where it tells which images belong to one field."""
    path = data / "split.csv"
    if not path.exists():
        return None
    head = [name.lower() for name in read_rows(path)[0]]
    if "field_group" not in head or "stem" not in head:
        return None
    choices.append("replicates: field_group of split.csv, since images of one field are not independent")
    return path
