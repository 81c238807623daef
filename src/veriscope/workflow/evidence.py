"""Results of checks that are kept in the study."""

from __future__ import annotations

import json
from typing import Any

from veriscope.errors import StudyError
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

    Raises
    ------
    StudyError
        If the file is gone, damaged, or of another version of Veriscope.
    """
    path = folder.root / "evidence" / f"{name}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"{path}: cannot be read ({error}); remove it, and it is made again") from None
    if not isinstance(found, dict):
        raise StudyError(f"{path}: holds no result; remove it, and it is made again")
    if found.get("schema") != f"veriscope/{name}/1":
        schema = found.get("schema")
        raise StudyError(
            f"{path}: has the schema {schema!r}, of another version of Veriscope; remove it, and it is made "
            "again"
        )
    return found
