"""What the app says of a study, from its files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from veriscope.errors import VeriscopeError
from veriscope.server.kept import Kept
from veriscope.server.models.studies import (
    GroupSize,
    NextStep,
    QuestionForm,
    Step,
    StudyDetail,
    VerdictSummary,
)
from veriscope.server.parts import etag_of, url
from veriscope.server.problems import problem_of
from veriscope.server.study_files import stamps_of
from veriscope.workflow.config import StudyConfig, read_config
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.state import StepState, next_step, study_steps

__all__ = ["describe_study", "question_version"]

_kept: Kept[Path, StudyDetail] = Kept(500)


def describe_study(folder: StudyFolder) -> StudyDetail:
    """Describe a study; one that cannot be opened is described by its problem.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    StudyDetail
        Kept until one of the study's files changes.
    """
    now = stamps_of(folder.root)
    modified = max(nanoseconds for nanoseconds, *_ in now) / 1e9

    def describe() -> StudyDetail:
        try:
            return _describe(folder, read_config(folder.config), modified)
        except (VeriscopeError, OSError) as error:
            return _broken(folder, error, modified)

    return _kept.get(folder.root, now, describe)


def question_version(folder: StudyFolder) -> str:
    """Name the present content of study.yaml.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    str
        Entity tag, with quotation marks.
    """
    return etag_of(folder.config.read_bytes())


def _describe(folder: StudyFolder, config: StudyConfig, modified: float) -> StudyDetail:
    images = folder.images()
    steps = study_steps(folder, config)
    question = config.question
    following = next_step(folder, steps)
    return StudyDetail(
        id=folder.root.name,
        name=config.name,
        question=question.text,
        n_images=len(images),
        groups=_groups(images),
        next=NextStep(step=following.step, text=following.text, tiles=following.tiles),
        verdict=_verdict(folder, steps),
        thumbnail=url("api", "studies", folder.root.name, "images", images[0].image_id, "thumbnail")
        if images
        else None,
        modified=_time(modified),
        question_form=QuestionForm(
            object=question.object,
            measure=question.key,
            tolerance=question.tolerance,
            level=question.level,
            text=question.text,
            is_total=question.is_total,
            version=question_version(folder),
        ),
        channel=config.channel,
        channels=list(images[0].channel_names) if images else [],
        modalities=list(config.modalities),
        calibrated=all(image.is_calibrated for image in images),
        tile_size=config.audit.tile_size,
        seed=config.audit.seed,
        steps=[Step(step=step.step, state=step.state, text=step.text) for step in steps],
        candidates=[candidate.id for candidate in config.candidates],
        path=str(folder.root),
    )


def _broken(folder: StudyFolder, error: Exception, modified: float) -> StudyDetail:
    empty: dict[str, Any] = dict.fromkeys(
        ("question", "next", "verdict", "thumbnail", "question_form", "channel", "tile_size", "seed")
    )
    return StudyDetail(
        id=folder.root.name,
        name=folder.root.name,
        n_images=0,
        groups=[],
        modified=_time(modified),
        problem=problem_of(error, folder.root.parent),
        channels=[],
        modalities=[],
        calibrated=False,
        steps=[],
        candidates=[],
        path=str(folder.root),
        **empty,
    )


def _groups(images: tuple[StudyImage, ...]) -> list[GroupSize]:
    found = []
    for group in dict.fromkeys(image.group for image in images):
        mine = [image for image in images if image.group == group]
        replicates = {image.replicate for image in mine}
        found.append(GroupSize(group=group, n_images=len(mine), n_replicates=len(replicates)))
    return found


def _verdict(folder: StudyFolder, steps: tuple[StepState, ...]) -> VerdictSummary | None:
    if not (folder.root / "evidence/verdict.json").exists():
        return None
    found = read_evidence(folder, "verdict")
    is_current = any(step.step == "validate" and step.state == "done" for step in steps)
    return VerdictSummary(
        verdict=found["verdict"],
        text=found["text"],
        method=found["method"],
        evidence=found["evidence"],
        stale=not is_current,
    )


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
