"""Asking another question of a study: what that means, and doing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header

from veriscope.server.models.studies import QuestionEffect, QuestionRequest, StudyDetail
from veriscope.server.parts import Owner, Server, Viewer, check_match
from veriscope.server.summaries import describe_study, question_version
from veriscope.workflow.change_question import change_question, plan_change
from veriscope.workflow.question import Question

__all__ = ["router"]

router = APIRouter(tags=["studies"])


@router.post("/api/studies/{study}/question/preview")
def _preview_question(study: str, given: QuestionRequest, server: Server, _: Viewer) -> QuestionEffect:
    """Say what another question would mean; nothing is changed."""
    folder, config = server.workspace.opened(study)
    found = plan_change(folder, config, _asked(given))
    return QuestionEffect(
        text=found.question.text,
        is_change=found.is_change,
        again=list(found.again),
        stays=list(found.stays),
        caution=list(found.caution),
    )


@router.put("/api/studies/{study}/question")
def _change_question(
    study: str,
    given: QuestionRequest,
    server: Server,
    _: Owner,
    if_match: Annotated[str | None, Header()] = None,
) -> StudyDetail:
    """Ask another question; `If-Match` is the `version` of the question that was shown."""
    asked = _asked(given)
    with server.locks.of(study):
        folder = server.workspace.study(study)
        check_match(if_match, question_version(folder))
        change_question(folder, asked)
    server.events.study(study, "study")
    return describe_study(folder)


def _asked(given: QuestionRequest) -> Question:
    return Question.from_text(
        given.measure, object=given.object, tolerance=given.tolerance, level=given.level
    )
