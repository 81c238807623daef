"""Training of candidates from the annotated training tiles of a study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from veriscope.errors import MethodError, StudyError
from veriscope.io.hashing import sha256_of
from veriscope.methods.base import Method
from veriscope.methods.channels import analysis_channel
from veriscope.predict.ready import Trainable
from veriscope.workflow.annotations import annotated_units, latest_annotation
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plan import AuditPlan, read_plan

__all__ = ["TrainingTile", "train_candidate", "training_images", "training_inputs", "training_tiles"]


def training_inputs(folder: StudyFolder) -> dict[str, str]:
    """List the annotated training tiles.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    dict
        SHA-256 of the newest annotation by tile; empty if there is none. Tiles of the audit are
        never among them: what judges a method must not train it.
    """
    plan = read_plan(folder)
    if plan is None:
        return {}
    annotated = annotated_units(folder)
    units = sorted(_units_to_learn_from(plan) & set(annotated))
    return {unit: sha256_of(folder.root / annotated[unit]) for unit in units}


def _units_to_learn_from(plan: AuditPlan) -> set[str]:
    """Training tiles, less those that the audit has drawn later."""
    return set(plan.of_role("training")["unit"]) - set(plan.of_role("audit")["unit"])


def training_images(folder: StudyFolder) -> set[str]:
    """List the images that have an annotated training tile.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    set of str
        Identifiers of images; a trained candidate is not judged on them.
    """
    plan = read_plan(folder)
    if plan is None:
        return set()
    draws = plan.of_role("training")
    learnt = _units_to_learn_from(plan) & set(annotated_units(folder))
    return set(draws.loc[draws["unit"].isin(learnt), "image_id"])


@dataclass(frozen=True, slots=True)
class TrainingTile:
    """An annotated training tile.

    Parameters
    ----------
    image
        Its image.
    region
        Its rows and columns in the image.
    labels
        What was drawn in it, shape of the region.
    """

    image: StudyImage
    region: tuple[slice, slice]
    labels: NDArray[Any]


def training_tiles(folder: StudyFolder) -> list[TrainingTile]:
    """Read the annotated training tiles.

    Parameters
    ----------
    folder
        The study.

    Returns
    -------
    list of TrainingTile
        In the order of `training_inputs`.
    """
    units, plan = training_inputs(folder), read_plan(folder)
    if plan is None or not units:
        return []
    draws = plan.of_role("training").drop_duplicates("unit").set_index("unit")
    by_id = {image.image_id: image for image in folder.images()}
    found = []
    for unit in units:
        row = draws.loc[unit]
        annotation = latest_annotation(folder, unit)
        assert annotation is not None, "training_inputs lists annotated tiles only"
        rows, columns = slice(int(row["y0"]), int(row["y1"])), slice(int(row["x0"]), int(row["x1"]))
        drawn = annotation.labels[
            rows.start - annotation.y0 : rows.stop - annotation.y0,
            columns.start - annotation.x0 : columns.stop - annotation.x0,
        ]
        found.append(TrainingTile(by_id[str(row["image_id"])], (rows, columns), drawn))
    return found


def train_candidate(folder: StudyFolder, config: StudyConfig, method: Method) -> Method:
    """Train a method on the annotated training tiles.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.
    method
        An untrained method.

    Returns
    -------
    Method
        A trained one.

    Raises
    ------
    MethodError
        If the method cannot be trained so, or the tiles do not suffice.
    StudyError
        If no training tile is annotated.
    """
    if not isinstance(method, Trainable):
        raise MethodError(f"{method.name} has no fit(images, labels, regions=…), so a study cannot train it")
    tiles = training_tiles(folder)
    if not tiles:
        raise StudyError("no training tile is annotated; draw some with veriscope audit STUDY --training 6")
    images = [analysis_channel(folder.read(tile.image), config.channel) for tile in tiles]
    return method.fit(images, [tile.labels for tile in tiles], regions=[tile.region for tile in tiles])
