"""Another question for a study that is there: what it asks for anew, and what stays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from veriscope.core.words import counted
from veriscope.errors import InputError, StudyError, TableError
from veriscope.io.atomic import write_text
from veriscope.io.record import Record
from veriscope.io.tables import read_table
from veriscope.workflow.annotations import annotated_units
from veriscope.workflow.config import StudyConfig, read_config
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import read_plan
from veriscope.workflow.quantities import require_correctable
from veriscope.workflow.question import Question

__all__ = ["QuestionChange", "change_question", "plan_change"]


@dataclass(frozen=True, slots=True)
class QuestionChange:
    """What another question means for a study.

    Parameters
    ----------
    question
        The new question.
    is_change
        Whether it differs from the one that is there.
    again
        What has to be computed again, one sentence each.
    stays
        What stays valid.
    caution
        What a reader of the result should know; empty: nothing.
    """

    question: Question
    is_change: bool
    again: tuple[str, ...]
    stays: tuple[str, ...]
    caution: tuple[str, ...]


def plan_change(folder: StudyFolder, config: StudyConfig, question: Question) -> QuestionChange:
    """Say what another question would mean, without changing anything.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    question
        The new question.

    Returns
    -------
    QuestionChange
        What it asks for anew, and what stays.

    Raises
    ------
    StudyError
        If people have outlined another object already.
    TableError
        If the column of the question was not measured.
    """
    before, annotated = config.question, len(annotated_units(folder))
    if annotated and question.object != before.object:
        raise StudyError(
            f"{counted(annotated, 'tile is', 'tiles are')} annotated, and what is outlined there is: "
            f"{before.object}; keep the object, or make a new study of the same images"
        )
    _require_measured(folder, config, question)
    is_change = question != before
    has_answer = (folder.root / "evidence/verdict.json").exists()
    return QuestionChange(
        question=question,
        is_change=is_change,
        again=_again(folder, has_answer=has_answer) if is_change else (),
        stays=_stays(folder, annotated) if is_change else (),
        caution=_caution(folder, before, question, has_answer=has_answer) if is_change else (),
    )


def change_question(folder: StudyFolder, question: Question) -> StudyConfig:
    """Ask another question of a study; study.yaml keeps every other line, the record both questions.

    Parameters
    ----------
    folder
        The study.
    question
        The new question.

    Returns
    -------
    StudyConfig
        What study.yaml says then.

    Raises
    ------
    StudyError
        If people have outlined another object already.
    TableError
        If the column of the question was not measured.
    InputError
        If study.yaml is not written in lines, so that a person has to change it.
    """
    config = read_config(folder.config)
    if not plan_change(folder, config, question).is_change:
        return config
    _write(folder.config, question)
    changed = read_config(folder.config)
    Record(folder.root).note(
        "question",
        inputs={},
        parameters={
            "before": config.question.model_dump(mode="json"),
            "after": question.model_dump(mode="json"),
            "answer_was_known": (folder.root / "evidence/verdict.json").exists(),
        },
        outputs=["study.yaml"],
    )
    return changed


def _require_measured(folder: StudyFolder, config: StudyConfig, question: Question) -> None:
    column = question.column
    if column is None:
        return
    require_correctable(question)
    for candidate in config.candidates:
        path = folder.root / folder.measurements(candidate.id)
        if not path.exists():
            continue
        table = read_table(path)
        numbers = [str(name) for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
        if column not in numbers:
            raise TableError(f"column {column!r} was not measured; columns are: {', '.join(numbers)}")


def _again(folder: StudyFolder, *, has_answer: bool) -> tuple[str, ...]:
    found = []
    if has_answer:
        found.append("The answer and its verdict are out of date until they are worked out again (seconds).")
    if (folder.root / "report/index.html").exists():
        found.append("The report is out of date until it is written again.")
    return tuple(found)


def _stays(folder: StudyFolder, annotated: int) -> tuple[str, ...]:
    found = ["What the candidates found and what was measured."]
    plan = read_plan(folder)
    if plan is not None and not plan.of_role("audit").empty:
        found.append("The drawn tiles: each keeps the chance with which it was drawn.")
    if annotated:
        some = "The annotated tile" if annotated == 1 else f"All {annotated} annotated tiles"
        found.append(f"{some}: nothing has to be drawn again.")
    return tuple(found)


def _caution(folder: StudyFolder, before: Question, after: Question, *, has_answer: bool) -> tuple[str, ...]:
    found = []
    if has_answer:
        found.append(
            "An answer is known already. A question or tolerance chosen after it says less than one chosen "
            "before; the record keeps both."
        )
    plan = read_plan(folder)
    drawn = plan is not None and not plan.of_role("audit").empty
    areas = ("total-area", "area-fraction")
    if drawn and (before.measure in areas) != (after.measure in areas):
        found.append(
            "The tiles were drawn for the measure before; for this one the interval may be wider than with "
            "tiles drawn for it."
        )
    return tuple(found)


def _write(path: Path, question: Question) -> None:
    """Exchange the lines of the question in study.yaml."""
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    key, value = next((pair for pair in pairs if pair[0].value == "question"), (None, None))
    changed = ""
    if key is not None and isinstance(value, yaml.MappingNode) and value.value:
        lines, end = text.splitlines(), value.value[-1][1].end_mark.line + 1
        values = {"question": question.model_dump(mode="json")}
        block = yaml.safe_dump(values, sort_keys=False, allow_unicode=True).splitlines()
        changed = "\n".join([*lines[: key.start_mark.line], *block, *lines[end:]]) + "\n"
    if not _asks(changed, question):
        raise InputError(
            f"{path}: the question cannot be changed here, because it is not written as lines of 'name: …'; "
            "change it by hand"
        )
    write_text(path, changed)


def _asks(text: str, question: Question) -> bool:
    """Whether a study.yaml is sound and asks a question."""
    try:
        return StudyConfig.parse(yaml.safe_load(text), where="study.yaml").question == question
    except (yaml.YAMLError, InputError, TypeError, ValueError):
        return False
