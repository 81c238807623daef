"""Drawing the audit: which tiles a person annotates, written out for any annotation tool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from veriscope.core.commands import command
from veriscope.errors import InputError, StudyError
from veriscope.io.atomic import write_text
from veriscope.io.hashing import sha256_of
from veriscope.io.record import Record
from veriscope.io.tables import read_table
from veriscope.io.tiff_writer import write_tiff
from veriscope.trust.sampling import allocate, draw, draw_probability, mean_share
from veriscope.workflow.annotations import annotated_units
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plan import AuditPlan, frame_of, read_plan, require_same_frame, tiles_of
from veriscope.workflow.quantities import require_correctable, sum_tiles

__all__ = ["AUDIT_SCHEMA", "audit_state", "context_box", "draw_audit"]

AUDIT_SCHEMA = "veriscope/audit/1"

_BOX = ("y0", "x0", "y1", "x1")
_SMALLEST_MARGIN, _LARGEST_MARGIN = 32, 256


def draw_audit(
    folder: StudyFolder,
    config: StudyConfig,
    *,
    tiles: int | None = None,
    more: int = 0,
    training: int | None = None,
    everything: bool = False,
) -> dict[str, Any]:
    """Draw tiles and write them out; what was drawn before stays.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    tiles
        Audit tiles to have been drawn in all.
    more
        Audit tiles to draw beyond those there are.
    training
        Training tiles to have been drawn in all.
    everything
        Put out all tiles that were not drawn, too: once all of a group are annotated, nothing is left to
        estimate.

    Returns
    -------
    dict
        See `audit_state`.

    Raises
    ------
    StudyError
        If no candidate has run yet: tiles are drawn by what candidates predict. If images, groups or the
        size of tiles were changed after an earlier draw.
    InputError
        If a number is negative, or fewer than two audit tiles fall on a group.
    """
    for name, value in (("tiles", tiles), ("more", more), ("training", training)):
        if value is not None and value < 0:
            raise InputError(f"--{name} {value}: give 0 or a positive number of tiles")
    plan = read_plan(folder)
    images = folder.images()
    if plan is None and not (tiles or more or training or everything):
        return audit_state(folder, AuditPlan(_no_draws(), _no_draws()))  # a question, not a draw
    if plan is None:
        plan = AuditPlan(_new_frame(folder, config, images), _no_draws())
    else:
        require_same_frame(plan.frame, images, size=config.audit.tile_size)
    drawn = len(plan.of_role("audit"))
    wanted = max(drawn, tiles or 0) + more
    groups = list(dict.fromkeys(image.group for image in images))
    if drawn == 0 and 0 < wanted < 2 * len(groups):
        raise InputError(
            f"{wanted} tiles for {len(groups)} groups: each group needs at least 5 for an interval, and "
            f"about 10 for a useful one; try --tiles {10 * len(groups)}"
        )
    if wanted > drawn:
        plan = _with_draws(plan, _audit_draws(plan, groups, wanted, config.audit.seed))
    if training:
        plan = _with_draws(plan, _training_draws(plan, training, config.audit.seed))
    if everything:
        rest = plan.frame[~plan.frame["unit"].isin(set(plan.draws["unit"]))]
        plan = _with_draws(plan, _as_draws(rest, "census", range(len(rest)), config.audit.seed))
    write_plan(folder, plan)
    pictures = _write_tiles(folder, config, plan, images)
    measured = [folder.measurements(name) for name in str(plan.frame["sized_by"].iloc[0]).split(";")]
    Record(folder.root).note(
        "audit",
        inputs={
            path.as_posix(): sha256_of(folder.root / path)
            for path in measured
            if (folder.root / path).exists()
        },
        parameters={"question": config.question.key, **config.audit.model_dump(mode="json")},
        outputs=["audit/frame.csv", "audit/plan.csv", *pictures],
    )
    return audit_state(folder, plan)


def write_plan(folder: StudyFolder, plan: AuditPlan) -> AuditPlan:
    """Write the plan with the present status of each tile.

    Parameters
    ----------
    folder
        The study.
    plan
        The plan.

    Returns
    -------
    AuditPlan
        The plan as written.
    """
    done = set(annotated_units(folder))
    status = ["annotated" if unit in done else "to annotate" for unit in plan.draws["unit"]]
    renewed = AuditPlan(plan.frame, plan.draws.assign(status=status))
    renewed.write(folder)
    return renewed


def audit_state(folder: StudyFolder, plan: AuditPlan) -> dict[str, Any]:
    """Say how far the audit is.

    Parameters
    ----------
    folder
        The study.
    plan
        Its plan.

    Returns
    -------
    dict
        ``veriscope/audit/1``: numbers of draws and of distinct and annotated tiles per role, the
        tiles still to annotate, and the folder they lie in.
    """
    done = set(annotated_units(folder))
    state: dict[str, Any] = {"schema": AUDIT_SCHEMA, "tiles_folder": str(folder.root / "audit" / "tiles")}
    for role in ("audit", "training", "census"):
        draws = plan.of_role(role)
        units = list(dict.fromkeys(draws["unit"]))
        state[role] = {
            "n_drawn": len(draws),
            "n_distinct": len(units),
            "n_annotated": sum(unit in done for unit in units),
            "by_group": {str(group): len(part) for group, part in draws.groupby("group", sort=False)},
            "to_annotate": [unit for unit in units if unit not in done],
        }
    return state


def context_box(row: Any, margin: int, shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Give the box of a tile with the surroundings that its annotator sees.

    Parameters
    ----------
    row
        Anything with ``y0``, ``x0``, ``y1``, ``x1``.
    margin
        Pixels on each side.
    shape
        Spatial shape of the image; the box ends there.

    Returns
    -------
    tuple of int
        y0, x0, y1, x1.
    """
    height, width = shape[-2:]
    return (
        max(0, int(row.y0) - margin),
        max(0, int(row.x0) - margin),
        min(height, int(row.y1) + margin),
        min(width, int(row.x1) + margin),
    )


def margin_of(plan: AuditPlan) -> int:
    """Give the width of the surroundings shown to annotators.

    Parameters
    ----------
    plan
        The plan.

    Returns
    -------
    int
        Pixels; twice the diameter of the large objects when the audit was first drawn.
    """
    return int(plan.frame["margin"].iloc[0])


def _with_draws(plan: AuditPlan, draws: pd.DataFrame) -> AuditPlan:
    parts = [part for part in (plan.draws, draws) if len(part)]
    return AuditPlan(plan.frame, pd.concat(parts, ignore_index=True) if parts else plan.draws)


def _no_draws() -> pd.DataFrame:
    columns = ["role", "group", "draw", "unit", "image_id", "replicate", "y0", "x0", "y1", "x1"]
    return pd.DataFrame({name: [] for name in [*columns, "probability", "seed", "status"]})


def _new_frame(folder: StudyFolder, config: StudyConfig, images: Sequence[StudyImage]) -> pd.DataFrame:
    """List all tiles with the probability fixed for this and all later draws."""
    tables = {
        candidate.id: read_table(folder.root / folder.measurements(candidate.id))
        for candidate in config.candidates
        if (folder.root / folder.measurements(candidate.id)).exists()
    }
    if not tables:
        raise StudyError(
            "no candidate has run yet, and tiles are drawn by what they predict; first: "
            + command("run", folder.root)
        )
    require_correctable(config.question)
    frame = frame_of(images, size=config.audit.tile_size)
    sizes = []
    for table in tables.values():
        by_image = dict(list(table.groupby("image_id", sort=False)))
        empty = table.iloc[:0]
        parts = [
            sum_tiles(
                by_image.get(image.image_id, empty),
                tiles_of(image, config.audit.tile_size),
                config.question,
                pixel_area=1.0,
            )
            for image in images
        ]
        by_area = config.question.measure in ("total-area", "area-fraction")
        sizes.append(np.concatenate([part.numerator if by_area else part.count for part in parts]))
    frame["size"] = 0.0
    frame["probability"] = 0.0
    for rows in frame.groupby("group", sort=False).groups.values():
        share = mean_share([size[rows] for size in sizes])
        frame.loc[rows, "size"] = share
        frame.loc[rows, "probability"] = draw_probability(share)
    frame["margin"] = _margin(tables)
    frame["sized_by"] = ";".join(tables)
    return frame


def _margin(tables: dict[str, pd.DataFrame]) -> int:
    """Twice the 95th percentile of the predicted diameters, the median over candidates, in pixels."""
    diameters = [
        float(np.percentile(2 * np.sqrt(table["area_px"] / np.pi), 95))
        for table in tables.values()
        if len(table)
    ]
    if not diameters:
        return _SMALLEST_MARGIN
    return int(np.clip(np.ceil(2 * np.median(diameters)), _SMALLEST_MARGIN, _LARGEST_MARGIN))


def _audit_draws(plan: AuditPlan, groups: Sequence[str], wanted: int, seed: int) -> pd.DataFrame:
    before = plan.of_role("audit")["group"].value_counts()
    had = np.array([int(before.get(group, 0)) for group in groups])
    n_tiles = plan.frame["group"].value_counts()
    target = np.maximum(had, allocate(np.array([n_tiles[group] for group in groups]), n=wanted))
    parts = []
    for group, start, stop in zip(groups, had, target, strict=True):
        rows = plan.frame[plan.frame["group"] == group].reset_index(drop=True)
        chosen = draw(
            rows["probability"].to_numpy(), n=int(stop - start), seed=seed, start=int(start), group=group
        )
        parts.append(_as_draws(rows.iloc[chosen], "audit", range(int(start), int(stop)), seed))
    return pd.concat(parts, ignore_index=True)


def _training_draws(plan: AuditPlan, wanted: int, seed: int) -> pd.DataFrame:
    """Draw training tiles without replacement, evenly over groups, from few images.

    Apart from the audit's draws, which stay independent of what methods learn, and other tiles than
    those, so that what is annotated to train is not lost to `training_inputs`.
    """
    had = list(plan.of_role("training")["unit"])
    audited = set(plan.of_role("audit")["unit"])
    groups = list(dict.fromkeys(plan.frame["group"]))
    orders = {}
    for number, group in enumerate(groups):
        rows = plan.frame[plan.frame["group"] == group]
        order = rows.iloc[np.random.default_rng([seed, 1, number]).permutation(len(rows))]
        order = order[~order["unit"].isin(audited)]
        # Tiles with predicted objects first; where no candidate finds any, learning is needed most.
        orders[group] = pd.concat([order[order["size"] > 0], order[order["size"] <= 0]])
    chosen = []
    for turn in range(max((len(order) for order in orders.values()), default=0)):
        chosen += [order.iloc[turn] for order in orders.values() if turn < len(order)]
    new = [row for row in chosen if row["unit"] not in had][: max(0, wanted - len(had))]
    if not new:
        return _no_draws()
    return _as_draws(pd.DataFrame(new), "training", range(len(had), len(had) + len(new)), seed)


def _as_draws(rows: pd.DataFrame, role: str, order: range, seed: int) -> pd.DataFrame:
    kept = rows[["group", "unit", "image_id", "replicate", "y0", "x0", "y1", "x1", "probability"]]
    draws = kept.reset_index(drop=True)
    draws.insert(0, "role", role)
    draws.insert(2, "draw", list(order))
    draws["seed"] = seed
    draws["status"] = "to annotate"
    return draws


_README = """\
Tiles to annotate

Outline every {object} that touches the tile. In Fiji the tile is the yellow box; its corners in the
picture are in boxes.csv. What lies wholly outside the box may be left out: it is there to be seen.
Annotate all tiles, also empty ones: save an empty label image for those.

Save each annotation under the name of the tile, in one folder:
  NAME.tif or .png     label image: 0 background, one number per object (napari, Cellpose masks)
  NAME.zip or .roi     Fiji ROI Manager
  NAME.geojson         QuPath
Then: {then}
"""


def _write_tiles(
    folder: StudyFolder, config: StudyConfig, plan: AuditPlan, images: Sequence[StudyImage]
) -> list[str]:
    """Write the picture of each tile with its surroundings, and how to annotate it."""
    place = folder.root / "audit" / "tiles"
    by_id = {image.image_id: image for image in images}
    margin = margin_of(plan)
    boxes = []
    for image_id, rows in plan.draws.drop_duplicates("unit").groupby("image_id", sort=False):
        pixels = None
        for row in rows.itertuples():
            box = context_box(row, margin, by_id[str(image_id)].spatial_shape)
            inner = (row.y0 - box[0], row.x0 - box[1], row.y1 - box[0], row.x1 - box[1])
            boxes.append({"unit": row.unit, "role": row.role, **dict(zip(_BOX, inner, strict=True))})
            target = place / f"{row.unit}.tif"
            if target.exists():
                continue
            pixels = pixels or folder.read(by_id[str(image_id)])
            write_tiff(target, pixels, crop=box, box=inner)
    write_text(place / "boxes.csv", pd.DataFrame(boxes).to_csv(index=False, lineterminator="\n"))
    then = command("audit", folder.root.resolve().name, "--import", "FOLDER")
    text = _README.format(object=config.question.object, then=then)
    write_text(place / "README.txt", text)
    return [f"audit/tiles/{row['unit']}.tif" for row in boxes] + ["audit/tiles/boxes.csv"]
