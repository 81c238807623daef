"""A study from an upload or from folders of the server."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress
from veriscope.errors import InputError
from veriscope.io.atomic import write_text
from veriscope.workflow.study import Study

__all__ = ["as_sent", "image_sources", "make_study"]

_SHEETS = (".csv", ".tsv", ".txt")


def image_sources(upload: Path) -> list[str]:
    """Give what of an upload holds images: its files, and its folders one by one.

    Parameters
    ----------
    upload
        Folder of the upload.

    Returns
    -------
    list of str
        Folders with files in them; OME-Zarr folders as a whole.

    Raises
    ------
    InputError
        If the upload is empty.
    """
    found: list[str] = []
    for folder in [upload, *sorted(path for path in upload.rglob("*") if path.is_dir())]:
        inside = [parent for parent in (folder, *folder.parents) if parent.is_relative_to(upload)]
        zarr = [parent for parent in inside if parent.name.lower().endswith(".zarr")]
        if zarr:
            whole = str(zarr[-1])
            if whole not in found and str(zarr[-1].parent) not in found:
                found.append(whole)
            continue
        has_images = any(
            (path.is_file() and path.suffix.lower() not in _SHEETS and not path.name.startswith("."))
            or path.name.lower().endswith(".zarr")
            for path in folder.iterdir()
        )
        if has_images:
            found.append(str(folder))
    if not found:
        raise InputError("the upload holds no image; choose files or a folder with images")
    return found


def as_sent(text: str, files: Path) -> str:
    """Name files that were sent as their sender knows them.

    Parameters
    ----------
    text
        A message with paths of the server.
    files
        Folder of the upload's files.

    Returns
    -------
    str
        The message, with paths inside that folder.
    """
    return text.replace(f"{files}/", "")


def make_study(study: Path, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Make a study as `veriscope new` does; an upload that was used is removed.

    Parameters
    ----------
    study
        Folder to make.
    request
        ``images``, ``options`` (of `veriscope.workflow.create.NewStudy`), ``assignments`` or None, and
        ``upload``, the folder to be removed, or None.
    progress
        Told about every image.

    Returns
    -------
    dict
        ``n_images``, ``groups``, ``spacing`` and ``skipped``.

    Raises
    ------
    InputError
        If images or options cannot be used.
    """
    upload = Path(request["upload"]) if request["upload"] else None
    if (study / "study.yaml").exists() and request.get("again"):
        made = Study(study)  # the server stopped between the study's appearance and the job's end
    else:
        options = dict(request["options"])
        if request["assignments"]:
            options["groups"] = str(_sheet(study, request["assignments"]))
        try:
            made = Study.new(study, images=request["images"], progress=progress, **options)
        except InputError as error:
            if upload is None:
                raise
            raise InputError(as_sent(str(error), upload / "files")) from error
        finally:
            if request["assignments"]:
                Path(options["groups"]).unlink(missing_ok=True)
    if upload is not None and not made.images[0].path.startswith(str(upload)):
        shutil.rmtree(upload, ignore_errors=True)
    rows, skipped = made.images, made.path / "skipped.txt"
    return {
        "n_images": len(rows),
        "groups": {group: sum(row.group == group for row in rows) for group in {r.group: 0 for r in rows}},
        "spacing": sorted({row.spacing_text for row in rows}),
        "skipped": _skipped(skipped, upload),
    }


def _skipped(path: Path, upload: Path | None) -> str:
    """Say what was left out."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text if upload is None else as_sent(text, upload / "files")


def _sheet(study: Path, assignments: list[dict[str, Any]]) -> Path:
    """Write a sample sheet beside the study to be."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["image", "group", "replicate"])
    for item in assignments:
        writer.writerow([item["image"], item["group"], item["replicate"] or item["image"]])
    path = study.with_name(f".{study.name}-sheet.csv")
    write_text(path, text.getvalue())
    return path
