"""What `new` says of the study that it made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from veriscope.cli.output import out, tell_notes
from veriscope.core.commands import command
from veriscope.core.words import counted
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.other_methods import other_methods
from veriscope.workflow.plane_remarks import plane_remarks
from veriscope.workflow.study import Study

__all__ = ["new_summary", "show_new"]

_OF_FILE = " of its file"
"""How the note ends that says which image of its file one is."""


def new_summary(made: Study, *, chosen: bool) -> dict[str, Any]:
    """Give what there is of a new study as plain values.

    Parameters
    ----------
    made
        The study.
    chosen
        Whether its user named the candidates, so that none was left out.

    Returns
    -------
    dict
        ``veriscope/new/1``.
    """
    rows, config = made.images, made.config
    skipped = made.path / "skipped.txt"
    parted = [row for row in rows if _OF_FILE in row.notes]
    left_out = [] if chosen else other_methods(StudyFolder(made.path), config)
    return {
        "schema": "veriscope/new/1",
        "study": str(made.path),
        "n_images": len(rows),
        "groups": dict(Counter(row.group for row in rows)),
        "planes": plane_remarks(rows),
        "files": _of_files(parted),
        "spacing": sorted({row.spacing_text for row in rows}),
        "question": config.question.text,
        "modalities": list(config.modalities),
        "candidates": [item.id for item in config.candidates],
        "left_out": {item.name: list(item.remarks) for item in left_out},
        "notes": [{"image": row.image_id, "notes": [row.notes]} for row in rows if row.notes],
        "skipped": skipped.read_text(encoding="utf-8") if skipped.exists() else "",
    }


def _of_files(rows: Sequence[StudyImage]) -> list[str]:
    """Say what images of one file have in common."""
    if not rows:
        return []
    files = counted(len({row.source for row in rows}), "file that holds", "files that hold")
    return [
        f"{len(rows)} images are of {files} several; those of one share it as their replicate, unless the "
        "sample sheet says otherwise."
    ]


def show_new(summary: dict[str, Any], *, told: bool) -> None:
    """Print it for a person.

    Parameters
    ----------
    summary
        As `new_summary` gives it.
    told
        Whether the user said which microscopy the images are of.
    """
    notes = [(row["image"], row["notes"][0].partition(_OF_FILE)) for row in summary["notes"]]
    shown = [(image, after.removeprefix("; ") if there else text) for image, (text, there, after) in notes]
    tell_notes([{"image": image, "notes": [text]} for image, text in shown if text])
    groups = ", ".join(f"{group} ({n})" for group, n in summary["groups"].items())
    how = "as you say" if told else "by their pixels, --modality overrides"
    kind = f"{' or '.join(summary['modalities'])} ({how})"
    lines = [
        f"{summary['study']}: {counted(summary['n_images'], 'image')}, groups: {groups}",
        *(f"files: {remark}" for remark in summary["files"]),
        *(f"planes: {remark}" for remark in summary["planes"]),
        f"pixel size: {'; '.join(summary['spacing'])}",
        f"question: {summary['question']}",
        f"images: {kind if summary['modalities'] else 'cannot be told from their pixels (--modality)'}",
        f"candidates: {', '.join(summary['candidates'])}",
        *(f"left out: {name}. {' '.join(remarks)}" for name, remarks in summary["left_out"].items()),
    ]
    if summary["left_out"]:
        lines.append("  to let one in all the same, name candidates with --method")
    if summary["skipped"]:
        lines.append(summary["skipped"].rstrip())
    for line in (*lines, f"next: {command('run', summary['study'])}"):
        out().print(line, markup=False)
