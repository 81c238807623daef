"""The list of studies, and one study."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter

from veriscope.core.cost import Assumptions
from veriscope.server.models.studies import StudyDetail, StudyList, StudySummary
from veriscope.server.parts import Server, Viewer
from veriscope.server.summaries import describe_study
from veriscope.workflow.cost import study_cost

__all__ = ["router"]

router = APIRouter(tags=["studies"])


@router.get("/api/studies")
def _list_studies(server: Server, _: Viewer) -> StudyList:
    """List all studies, those changed last first."""
    workspace = server.workspace
    details = [describe_study(workspace.study(name)) for name in workspace.names()]
    studies = [StudySummary.model_validate(item.model_dump()) for item in details]
    return StudyList(workspace=workspace.folder.name, single=workspace.is_single, studies=studies)


@router.get("/api/studies/{study}")
def _get_study(study: str, server: Server, _: Viewer) -> StudyDetail:
    """Describe a study: its question, and how far it is."""
    return describe_study(server.workspace.study(study))


@router.get("/api/studies/{study}/cost")
def _get_cost(study: str, server: Server, _: Viewer) -> dict[str, Any]:
    """Say what all work on the study has cost so far (`veriscope/cost/1`)."""
    folder = server.workspace.study(study)
    return study_cost(folder, Assumptions.from_environment(os.environ))
