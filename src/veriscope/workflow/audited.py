"""What the audit knows: each annotated tile with its reference, and the predictions for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.core.commands import command
from veriscope.core.image import Image
from veriscope.errors import StudyError
from veriscope.io.labels import read_labels
from veriscope.io.tables import read_table
from veriscope.trust.tiles import Tile
from veriscope.workflow.annotations import annotated_units, latest_annotation
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.measuring import measure_image, pixel_area
from veriscope.workflow.plan import AuditPlan, read_plan, require_same_frame, tiles_of
from veriscope.workflow.quantities import TileSums, sum_tiles

__all__ = [
    "AuditedTile",
    "PredictedSums",
    "audit_inputs",
    "audited_draws",
    "audited_tiles",
    "predicted_sums",
    "prediction_of",
    "reference_sums",
    "require_plan",
    "require_same_tiles",
]


@dataclass(frozen=True, slots=True)
class AuditedTile:
    """An annotated tile.

    Parameters
    ----------
    unit, image_id, group, replicate
        Which tile it is.
    box
        The tile in the image: y0, x0, y1, x1.
    origin
        Place of the annotation's first pixel in the image, (y, x).
    reference
        Label image of the tile with its surroundings.
    image
        The same part of the image, all channels.
    sums
        What the reference objects of the tile add up to; arrays of one element.
    weight
        How many tiles of the study it stands for: draws / (draws in its group × probability).
    shown
        Candidates whose objects the annotator had seen on it, as far as known.
    """

    unit: str
    image_id: str
    group: str
    replicate: str
    box: tuple[int, int, int, int]
    origin: tuple[int, int]
    reference: NDArray[Any]
    image: Image
    sums: TileSums
    weight: float
    shown: tuple[str, ...] = ()

    @property
    def inner_box(self) -> tuple[int, int, int, int]:
        """The tile within `reference` and `image`."""
        y, x = self.origin
        return self.box[0] - y, self.box[1] - x, self.box[2] - y, self.box[3] - x

    def crop(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Cut the same part out of a label image of the whole image.

        Parameters
        ----------
        labels
            Label image of the whole image.

        Returns
        -------
        numpy.ndarray
            Of the shape of `reference`.
        """
        (y, x), (height, width) = self.origin, self.reference.shape[-2:]
        return labels[..., y : y + height, x : x + width]


@dataclass(frozen=True, slots=True)
class PredictedSums:
    """What a candidate's objects add up to, tile by tile.

    Parameters
    ----------
    frame
        The audit's frame, in whose order the sums are.
    sums
        Over all tiles of the study.
    """

    frame: pd.DataFrame
    sums: TileSums


def audited_draws(folder: StudyFolder, plan: AuditPlan) -> pd.DataFrame:
    """Give the audit's draws that count: in each group, all up to the first that is not annotated.

    Stopping early is fair, leaving out tiles in between is not: what people skip is what is hard.

    Parameters
    ----------
    folder
        The study.
    plan
        Its plan.

    Returns
    -------
    pandas.DataFrame
        Rows of the plan.
    """
    done = set(annotated_units(folder))
    draws = plan.of_role("audit")
    kept = []
    for _, part in draws.groupby("group", sort=False):
        ordered = part.sort_values("draw")
        open_ = ~ordered["unit"].isin(done)
        kept.append(ordered[~open_.cummax()])
    return pd.concat(kept, ignore_index=True) if kept else draws


def audited_tiles(folder: StudyFolder, config: StudyConfig) -> tuple[AuditedTile, ...]:
    """Read the tiles of `audited_draws`, each once.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    tuple of AuditedTile
        In the order of drawing.

    Raises
    ------
    StudyError
        If nothing was drawn or annotated yet.
    """
    plan = require_plan(folder)
    draws = audited_draws(folder, plan)
    if draws.empty:
        raise StudyError(
            f"no audit tile is annotated yet; annotate those in {folder.root / 'audit' / 'tiles'}, then: "
            + command("audit", folder.root, "--import", "FOLDER")
        )
    n_draws = draws["group"].value_counts()
    times = draws["unit"].value_counts()
    by_id = {image.image_id: image for image in folder.images()}
    found = []
    for image_id, rows in draws.drop_duplicates("unit").groupby("image_id", sort=False):
        image = folder.read(by_id[str(image_id)])
        for row in rows.itertuples():
            weight = float(times[row.unit] / (n_draws[row.group] * row.probability))
            found.append(_audited_tile(folder, config, image, row, weight))
    order = {unit: index for index, unit in enumerate(draws["unit"].drop_duplicates())}
    return tuple(sorted(found, key=lambda tile: order[tile.unit]))


def reference_sums(folder: StudyFolder, config: StudyConfig, rows: pd.DataFrame) -> dict[str, TileSums]:
    """Add up the reference objects of annotated tiles, drawn or not.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    rows
        Rows of the audit's frame; each tile must have an annotation.

    Returns
    -------
    dict
        Sums by name of the tile.
    """
    by_id = {image.image_id: image for image in folder.images()}
    found = {}
    for image_id, part in rows.groupby("image_id", sort=False):
        image = folder.read(by_id[str(image_id)])
        for row in part.itertuples():
            found[row.unit] = _audited_tile(folder, config, image, row, 1.0).sums
    return found


def require_plan(folder: StudyFolder) -> AuditPlan:
    """Read the plan of a study that must have one.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    AuditPlan
        The plan.

    Raises
    ------
    StudyError
        If nothing was drawn yet.
    """
    plan = read_plan(folder)
    if plan is None or plan.of_role("audit").empty:
        raise StudyError("no audit was drawn yet; first: " + command("audit", folder.root, "--tiles", "20"))
    return plan


def require_same_tiles(folder: StudyFolder, config: StudyConfig) -> None:
    """Refuse tiles, images, groups or replicates changed after the draw.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Raises
    ------
    StudyError
        If they were changed, or nothing was drawn yet.
    """
    require_same_frame(require_plan(folder).frame, folder.images(), size=config.audit.tile_size)


def _audited_tile(
    folder: StudyFolder, config: StudyConfig, image: Image, row: Any, weight: float
) -> AuditedTile:
    annotation = latest_annotation(folder, row.unit)
    assert annotation is not None, "audited_draws lists annotated tiles only"
    y, x = annotation.y0, annotation.x0
    height, width = annotation.labels.shape[-2:]
    part = replace(image, pixels=image.pixels[..., y : y + height, x : x + width])
    box = int(row.y0), int(row.x0), int(row.y1), int(row.x1)
    tile = Tile(0, box[0] - y, box[1] - x, box[2] - y, box[3] - x)
    table = measure_image(annotation.labels, part, config.channel).frame
    sums = sum_tiles(table[_owned(table, tile)], (tile,), config.question, pixel_area=pixel_area(image))
    return AuditedTile(
        unit=row.unit,
        image_id=row.image_id,
        group=row.group,
        replicate=row.replicate,
        box=box,
        origin=(y, x),
        reference=annotation.labels,
        image=part,
        sums=sums,
        weight=weight,
        shown=annotation.shown,
    )


def _owned(table: pd.DataFrame, tile: Tile) -> pd.Series:
    """Objects whose centroid lies in the tile; whole numbers are pixel centres."""
    y, x = np.floor(table["centroid-y"] + 0.5), np.floor(table["centroid-x"] + 0.5)
    return (y >= tile.y0) & (y < tile.y1) & (x >= tile.x0) & (x < tile.x1)


def predicted_sums(
    folder: StudyFolder, config: StudyConfig, candidate: str, frame: pd.DataFrame
) -> PredictedSums:
    """Add up a candidate's objects over all tiles of the frame.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    candidate
        Identifier of the candidate.
    frame
        The audit's frame.

    Returns
    -------
    PredictedSums
        One value per row of the frame.

    Raises
    ------
    StudyError
        If the candidate has not run.
    """
    path = folder.root / folder.measurements(candidate)
    if not path.exists():
        raise StudyError(f"candidate {candidate} has not run; first: {command('run', folder.root)}")
    table = read_table(path)
    by_image = {str(name): part for name, part in table.groupby("image_id", sort=False)}
    empty = table.iloc[:0]
    parts = [_image_sums(config, image, by_image.get(image.image_id, empty)) for image in folder.images()]
    below = [part.denominator for part in parts if part.denominator is not None]
    denominator = np.concatenate(below) if below else None
    sums = TileSums(
        np.concatenate([part.numerator for part in parts]),
        denominator,
        np.concatenate([part.count for part in parts]),
    )
    return PredictedSums(frame, sums)


def _image_sums(config: StudyConfig, image: StudyImage, table: pd.DataFrame) -> TileSums:
    return sum_tiles(
        table, tiles_of(image, config.audit.tile_size), config.question, pixel_area=image.pixel_area
    )


def prediction_of(folder: StudyFolder, candidate: str, tiles: Sequence[AuditedTile]) -> list[NDArray[Any]]:
    """Read a candidate's labels on some tiles.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate.
    tiles
        The tiles.

    Returns
    -------
    list of numpy.ndarray
        One label image per tile, of the shape of its reference.
    """
    cache: dict[str, NDArray[Any]] = {}
    found = []
    for tile in tiles:
        if tile.image_id not in cache:
            cache = {tile.image_id: read_labels(folder.root / folder.prediction(candidate, tile.image_id))}
        found.append(np.ascontiguousarray(tile.crop(cache[tile.image_id])))
    return found


def audit_inputs(folder: StudyFolder) -> list[str]:
    """List the files that the audit's results depend on.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    list of str
        Plan, frame, table of images, and the newest annotation of each tile; relative to the study.

    Raises
    ------
    StudyError
        If nothing was drawn yet.
    """
    require_plan(folder)
    newest = annotated_units(folder)
    described = [path.with_suffix(".json") for path in newest.values()]
    fixed = ["audit/plan.csv", "audit/frame.csv", "images.csv"]
    return [*fixed, *(path.as_posix() for path in (*newest.values(), *described))]
