"""The audit's frame (all tiles, with their chance) and plan (the tiles drawn, in order)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from veriscope.errors import StudyError
from veriscope.io.atomic import write_text
from veriscope.trust.tiles import Tile, split_into_tiles
from veriscope.workflow.layout import StudyFolder, StudyImage

__all__ = ["AuditPlan", "frame_of", "read_plan", "require_same_frame", "unit_name"]

_BOX = ["y0", "x0", "y1", "x1"]


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What can be drawn and what was.

    Parameters
    ----------
    frame
        One row per tile of the study: ``unit``, ``image_id``, ``group``, ``replicate``, ``tile``,
        ``y0``, ``x0``, ``y1``, ``x1``, ``size`` (the predicted measure it was drawn by) and
        ``probability`` (of being drawn at one draw within its group).
    draws
        One row per draw: ``role`` (``audit``, ``training``, or ``census`` for tiles that were put out
        without a draw), ``group``, ``draw`` (order within
        role and group), ``unit``, ``image_id``, the box, ``probability``, ``seed``, ``status``.
        A tile drawn twice has two rows, and is annotated once.
    """

    frame: pd.DataFrame
    draws: pd.DataFrame

    def of_role(self, role: str) -> pd.DataFrame:
        """Give the draws of one role.

        Parameters
        ----------
        role
            ``audit``, ``training`` or ``census``.

        Returns
        -------
        pandas.DataFrame
            In the order of the plan.
        """
        return self.draws[self.draws["role"] == role].reset_index(drop=True)

    def write(self, folder: StudyFolder) -> None:
        """Write both tables into the study.

        Parameters
        ----------
        folder
            The study.
        """
        audit = folder.root / "audit"
        for name, table in (("frame.csv", self.frame), ("plan.csv", self.draws)):
            write_text(audit / name, table.to_csv(index=False, lineterminator="\n", float_format="%.17g"))


def unit_name(image_id: str, tile: int) -> str:
    """Name a tile.

    Parameters
    ----------
    image_id
        Its image.
    tile
        Its number in the image.

    Returns
    -------
    str
        Such as ``a01_tile003``; also the name of the file to annotate.
    """
    return f"{image_id}_tile{tile:03d}"


def tiles_of(image: StudyImage, size: int) -> tuple[Tile, ...]:
    """Cut an image of the study into audit tiles.

    Parameters
    ----------
    image
        The image.
    size
        Largest side, in pixels.

    Returns
    -------
    tuple of Tile
        Row by row.
    """
    return split_into_tiles(image.spatial_shape, size=size)


def frame_of(images: Sequence[StudyImage], *, size: int) -> pd.DataFrame:
    """List all tiles of a study.

    Parameters
    ----------
    images
        Images of the study.
    size
        Largest side of a tile, in pixels.

    Returns
    -------
    pandas.DataFrame
        Columns of `AuditPlan.frame` without ``size`` and ``probability``.
    """
    rows = [
        {
            "unit": unit_name(image.image_id, tile.index),
            "image_id": image.image_id,
            "group": image.group,
            "replicate": image.replicate,
            "tile": tile.index,
            "y0": tile.y0,
            "x0": tile.x0,
            "y1": tile.y1,
            "x1": tile.x1,
        }
        for image in images
        for tile in tiles_of(image, size)
    ]
    return pd.DataFrame(rows)


def require_same_frame(frame: pd.DataFrame, images: Sequence[StudyImage], *, size: int) -> None:
    """Refuse tiles, images, groups or replicates changed after the draw: sums would go to the wrong ones.

    Parameters
    ----------
    frame
        Of the audit, as drawn.
    images
        Images of the study, as they are.
    size
        Largest side of a tile, in pixels.

    Raises
    ------
    StudyError
        If they were changed.
    """
    now = frame_of(images, size=size)
    columns = ["unit", "group", "replicate", *_BOX]
    if len(now) != len(frame) or (now[columns].to_numpy() != frame[columns].to_numpy()).any():
        raise StudyError(
            "the audit's tiles are not those of study.yaml and images.csv: tile_size, images, groups or "
            "replicates were changed after the draw; change them back, or remove the folders audit/ and "
            "annotations/ and draw anew"
        )


def read_plan(folder: StudyFolder) -> AuditPlan | None:
    """Read the plan of a study.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    AuditPlan or None
        None if nothing was drawn yet.

    Raises
    ------
    StudyError
        If a table is missing or broken.
    """
    frame, draws = folder.root / "audit/frame.csv", folder.root / "audit/plan.csv"
    if not frame.exists() and not draws.exists():
        return None
    if not draws.exists():
        return None  # killed between the two: the draw is repeated, to the same result
    return AuditPlan(
        _read(frame, ["replicate", *_BOX, "probability"]), _read(draws, [*_BOX, "probability", "status"])
    )


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    text = dict.fromkeys(("unit", "image_id", "group", "replicate", "role", "status"), str)
    try:
        table = pd.read_csv(path, dtype=text, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise StudyError(
            f"{path}: cannot be read ({error}); restore it, or remove the folder audit/"
        ) from None
    missing = [name for name in ["unit", "image_id", "group", *columns] if name not in table.columns]
    if missing:
        raise StudyError(f"{path}: has no column {', '.join(missing)}; it was changed by hand, restore it")
    return table
