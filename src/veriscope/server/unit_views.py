"""What the app says of the tiles of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from veriscope.server.image_rows import image_row
from veriscope.server.kept import Kept
from veriscope.server.models.audit import (
    AnnotatorState,
    Audit,
    Proposal,
    RoleState,
    Shown,
    Unit,
    UnitDetail,
)
from veriscope.server.problems import ProblemError
from veriscope.server.study_files import stamp_of
from veriscope.workflow.audit import audit_state, margin_of
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.journal import journal_annotators, proposals_shown
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import read_plan
from veriscope.workflow.tile_annotations import PlannedTile, TileVersion, planned_tiles, tile_versions

__all__ = ["describe_audit", "describe_unit", "etag_of_version", "find_tile", "newest_of"]

_kept: Kept[Path, Mapping[str, PlannedTile]] = Kept(500)


def describe_audit(folder: StudyFolder) -> Audit:
    """Describe the audit of a study.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    Audit
        Empty if nothing was drawn yet.
    """
    images = folder.images()
    groups = list(dict.fromkeys(image.group for image in images))
    plan = read_plan(folder)
    if plan is None:
        return Audit(
            drawn=False, roles={}, units=[], margin=0, groups=groups, suggested_tiles=10 * len(groups)
        )
    state = audit_state(folder, plan)
    roles = {role: RoleState.model_validate(state[role]) for role in ("audit", "training", "census")}
    tiles = _tiles(folder)
    return Audit(
        drawn=True,
        roles=roles,
        units=[_unit(folder, tile) for tile in tiles.values()],
        margin=margin_of(plan),
        groups=groups,
        suggested_tiles=10 * len(groups),
    )


def find_tile(folder: StudyFolder, unit: str) -> tuple[PlannedTile, Mapping[str, PlannedTile]]:
    """Find a tile of the plan by its name.

    Parameters
    ----------
    folder
        The study.
    unit
        Name of the tile.

    Returns
    -------
    tuple of PlannedTile and dict
        It, and all tiles of the plan by name.

    Raises
    ------
    ProblemError
        404 if it was not drawn.
    """
    tiles = _tiles(folder)
    if unit not in tiles:
        raise ProblemError.make(404, f"No tile {unit[:200]!r} was drawn.", "Reload the audit.")
    return tiles[unit], tiles


def _tiles(folder: StudyFolder) -> Mapping[str, PlannedTile]:
    """Give the tiles of the plan, read anew when its files have changed."""
    names = ("audit/plan.csv", "audit/frame.csv", "images.csv")
    now = tuple(stamp_of(folder.root / name) for name in names)

    def read() -> Mapping[str, PlannedTile]:
        plan = read_plan(folder)
        return {} if plan is None else planned_tiles(plan, folder.images())

    return _kept.get(folder.root, now, read)


def describe_unit(
    folder: StudyFolder, config: StudyConfig, tile: PlannedTile, tiles: Mapping[str, PlannedTile]
) -> UnitDetail:
    """Describe a tile with what is needed to annotate it.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    tile
        The tile.
    tiles
        All tiles of the plan, in their order.

    Returns
    -------
    UnitDetail
        The tile.
    """
    image = next(item for item in folder.images() if item.image_id == tile.image_id)
    order = list(tiles)
    place = order.index(tile.unit)
    shown = [
        Shown(annotator=annotator, candidate=str(entry["data"].get("candidate")), time=entry["time"])
        for annotator in journal_annotators(folder, tile.unit)
        for entry in proposals_shown(folder, tile.unit, annotator)
    ]
    return UnitDetail(
        **_unit(folder, tile).model_dump(),
        image=image_row(folder, image),
        shape=tile.shape,
        proposals=_proposals(folder, config, tile.image_id),
        shown=shown,
        previous=order[place - 1] if place > 0 else None,
        next=order[place + 1] if place + 1 < len(order) else None,
    )


def _proposals(folder: StudyFolder, config: StudyConfig, image_id: str) -> list[Proposal]:
    there = [
        item.id
        for item in config.candidates
        if (folder.root / folder.prediction(item.id, image_id) / "zarr.json").exists()
    ]
    evidence, order = "untested", there
    if (folder.root / "evidence/validate.json").exists():
        ranked = list(read_evidence(folder, "validate")["ranking"]["values"])
        order = [name for name in ranked if name in there] + [name for name in there if name not in ranked]
        evidence = "audited"
    return [Proposal(candidate=name, evidence=evidence) for name in order]  # type: ignore[arg-type]


def _unit(folder: StudyFolder, tile: PlannedTile) -> Unit:
    versions = tile_versions(folder, tile.unit)
    newest = {version.annotator: version for version in versions}
    started = not newest and bool(journal_annotators(folder, tile.unit))
    return Unit(
        unit=tile.unit,
        image_id=tile.image_id,
        group=tile.group,
        replicate=tile.replicate,
        roles=list(tile.roles),
        n_draws=tile.n_draws,
        box=tile.box,
        context=tile.context,
        state="annotated" if newest else "started" if started else "open",
        annotators=[
            AnnotatorState(
                annotator=name,
                version=version.version,
                saved=version.saved,
                n_objects=version.n_objects,
                seconds=_total([item.seconds for item in versions if item.annotator == name]),
            )
            for name, version in newest.items()
        ],
    )


def _total(seconds: Sequence[float | None]) -> float | None:
    known = [value for value in seconds if value is not None]
    return sum(known) if known else None


def newest_of(versions: Sequence[TileVersion], annotator: str) -> TileVersion | None:
    """Give the newest version of an annotator.

    Parameters
    ----------
    versions
        Of a tile, oldest first.
    annotator
        Who.

    Returns
    -------
    TileVersion or None
        None if they have saved none.
    """
    mine = [version for version in versions if version.annotator == annotator]
    return mine[-1] if mine else None


def etag_of_version(version: TileVersion | None) -> str:
    """Name a version for conditional requests.

    Parameters
    ----------
    version
        The version, or None for none at all.

    Returns
    -------
    str
        Entity tag, with quotation marks.
    """
    return '"none"' if version is None else f'"{quote(version.annotator)}-v{version.version}"'
