"""Results of checks that are kept in the study."""

from __future__ import annotations

import json
from typing import Any

from veriscope.workflow.layout import StudyFolder

__all__ = ["read_evidence"]


def read_evidence(folder: StudyFolder, name: str) -> dict[str, Any]:
    """Read a result.

    Parameters
    ----------
    folder
        The study.
    name
        ``validate``, ``estimate`` or ``verdict``.

    Returns
    -------
    dict
        Content of ``evidence/<name>.json``.
    """
    found: dict[str, Any] = json.loads(
        (folder.root / "evidence" / f"{name}.json").read_text(encoding="utf-8")
    )
    return found
