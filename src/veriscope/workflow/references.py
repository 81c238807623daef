"""Taking in what people drew: annotated tiles, or references of whole images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.commands import command
from veriscope.core.labels import relabel_sequential
from veriscope.errors import InputError, StudyError, UnreadableFileError, VeriscopeError, raise_together
from veriscope.io.annotations.read import ANNOTATION_SUFFIXES, annotation_stem, read_annotation
from veriscope.io.hashing import sha256_of
from veriscope.io.record import Record
from veriscope.workflow.annotations import annotated_units, save_annotation
from veriscope.workflow.audit import audit_state, context_box, margin_of, write_plan
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plan import read_plan, require_same_frame

__all__ = ["import_references"]


def import_references(
    folder: StudyFolder,
    config: StudyConfig,
    labels: Path,
    *,
    annotator: str = "annotator",
    whole_images: bool = False,
) -> dict[str, Any]:
    """Take in the annotations of a folder; every version is kept.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    labels
        Folder with one file per tile, named like the tile, or per image, named like the image.
    annotator
        Who drew them.
    whole_images
        Files that belong to nothing drawn are no fault: a reference data set covers more than the audit.

    Returns
    -------
    dict
        ``veriscope/audit/1`` with ``n_imported``, ``n_new`` and ``notes``.

    Raises
    ------
    StudyError
        If nothing was drawn yet, or images were changed since.
    InputError
        If a file cannot be used or fits nothing; all faults are listed and nothing is taken in.
    """
    if not annotator or any(letter in annotator for letter in "/\\:"):
        raise InputError(f"annotator {annotator!r}: give a name without / \\ and :")
    plan = read_plan(folder)
    if plan is None or plan.draws.empty:
        raise StudyError(
            "no tile was drawn yet, so there is nothing to annotate; first: "
            + command("audit", folder.root, "--tiles", "20")
        )
    require_same_frame(plan.frame, folder.images(), size=config.audit.tile_size)
    files = _find_files(labels)
    images = {image.image_id: image for image in folder.images()}
    rows = {row.unit: row for row in plan.draws.drop_duplicates("unit").itertuples()}
    faults: list[VeriscopeError] = []
    found: list[tuple[str, NDArray[Any], tuple[int, int], Path]] = []
    notes: list[str] = []
    tiles = folder.root / "audit" / "tiles"
    for stem, path in files.items():
        try:
            taken, said = _read_file(stem, path, rows, images, margin_of(plan), whole_images, tiles)
        except VeriscopeError as error:
            faults.append(error)
            continue
        found += [(unit, drawn, origin, path) for unit, drawn, origin in taken]
        notes += [f"{path.name}: {note}" for note in said]
    raise_together(
        faults,
        what=f"{len(faults)} of {len(files)} annotation files cannot be used",
        remedy="Nothing was taken in. Mend or remove them and import again.",
    )
    if not found:
        raise InputError(
            f"{labels}: none of its {len(files)} files belongs to a tile that was drawn; name files like the "
            f"tiles in {tiles} or like the images"
        )
    n_new = sum(
        save_annotation(folder, unit, drawn, origin=origin, annotator=annotator, source=path.name)
        for unit, drawn, origin, path in found
    )
    plan = write_plan(folder, plan)
    newest = annotated_units(folder)
    files_kept = [newest[unit] for unit, *_ in found]
    Record(folder.root).note(
        "annotate",
        inputs={str(path): sha256_of(path) for path in dict.fromkeys(path for *_, path in found)},
        parameters={"annotator": annotator},
        outputs=["audit/plan.csv", *files_kept, *(path.with_suffix(".json") for path in files_kept)],
    )
    return audit_state(folder, plan) | {"n_imported": len(found), "n_new": n_new, "notes": notes}


def _find_files(labels: Path) -> dict[str, Path]:
    """List annotation files by the name of what they annotate."""
    if not labels.is_dir():
        raise UnreadableFileError(f"{labels}: no such folder; give the folder with the annotations")
    if (labels / "labels").is_dir() and not (labels / "audit").is_dir():
        labels = labels / "labels"  # the folder of a whole data set, images/ and labels/
    candidates = [
        path
        for path in sorted(labels.iterdir())
        if not path.name.startswith(".")
        and any(path.name.lower().endswith(suffix) for suffix in (*ANNOTATION_SUFFIXES, "_seg.npy"))
        and path.name not in ("boxes.csv", "README.txt")
    ]
    if not candidates:
        raise UnreadableFileError(
            f"{labels}: no annotation file in it; readable are {', '.join(ANNOTATION_SUFFIXES)}"
        )
    files: dict[str, Path] = {}
    faults: list[VeriscopeError] = []
    for path in candidates:
        stem = annotation_stem(path)
        if stem in files:
            faults.append(InputError(f"{files[stem].name} and {path.name} both annotate {stem}"))
        files[stem] = path
    raise_together(faults, what=f"{labels}: the same thing is annotated twice", remedy="Keep one of each.")
    return files


def _read_file(
    stem: str,
    path: Path,
    rows: dict[str, Any],
    images: dict[str, StudyImage],
    margin: int,
    whole_images: bool,
    tiles: Path,
) -> tuple[list[tuple[str, NDArray[Any], tuple[int, int]]], Sequence[str]]:
    """Give the annotated tiles of one file: name, labels with context, origin."""
    if stem in rows:
        _refuse_picture(path, sha256_of(tiles / path.name) if (tiles / path.name).exists() else "")
        box = context_box(rows[stem], margin, images[rows[stem].image_id].spatial_shape)
        drawn = read_annotation(path, (box[2] - box[0], box[3] - box[1]))
        return [(stem, drawn.labels, (box[0], box[1]))], drawn.notes
    if stem in images:
        wanted = [row for row in rows.values() if row.image_id == stem]
        if not wanted:
            return [], ()
        _refuse_picture(path, images[stem].sha256)
        height, width = images[stem].spatial_shape[-2:]
        drawn = read_annotation(path, (height, width))
        boxes = ndimage.find_objects(drawn.labels)
        return [_cut(drawn.labels, boxes, row, margin) for row in wanted], drawn.notes
    if whole_images:
        return [], ()
    raise InputError(f"{path.name}: belongs to no tile that was drawn and to no image of the study")


def _refuse_picture(path: Path, sha256: str) -> None:
    """Grey values would pass for labels, one object per value."""
    if sha256_of(path) == sha256:
        raise InputError(
            f"{path.name}: is the picture itself, not an annotation of it; save the labels or outlines in a "
            "folder of their own"
        )


def _cut(
    labels: NDArray[Any], boxes: Sequence[Any], row: Any, margin: int
) -> tuple[str, NDArray[Any], tuple[int, int]]:
    """Cut a tile with its surroundings, wide enough for every object that touches the tile."""
    y0, x0, y1, x1 = context_box(row, margin, labels.shape)
    touching = np.unique(labels[int(row.y0) : int(row.y1), int(row.x0) : int(row.x1)])
    for value in touching[touching > 0]:
        rows, columns = boxes[int(value) - 1]
        y0, y1 = min(y0, rows.start), max(y1, rows.stop)
        x0, x1 = min(x0, columns.start), max(x1, columns.stop)
    return row.unit, relabel_sequential(labels[y0:y1, x0:x1]), (y0, x0)
