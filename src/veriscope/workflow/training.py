"""Training of candidates from the annotated training tiles of a study."""

from __future__ import annotations

from veriscope.errors import MethodError, StudyError
from veriscope.io.hashing import sha256_of
from veriscope.methods.base import Method
from veriscope.methods.channels import analysis_channel
from veriscope.predict.ready import Trainable
from veriscope.workflow.annotations import annotated_units, latest_annotation
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plan import AuditPlan, read_plan

__all__ = ["train_candidate", "training_images", "training_inputs"]


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
    units = training_inputs(folder)
    plan = read_plan(folder)
    if plan is None or not units:
        raise StudyError("no training tile is annotated; draw some with veriscope audit STUDY --training 6")
    draws = plan.of_role("training").drop_duplicates("unit").set_index("unit")
    by_id = {image.image_id: image for image in folder.images()}
    images, labels, regions = [], [], []
    for unit in units:
        row = draws.loc[unit]
        annotation = latest_annotation(folder, unit)
        assert annotation is not None
        region = slice(int(row["y0"]), int(row["y1"])), slice(int(row["x0"]), int(row["x1"]))
        inner = tuple(
            slice(part.start - start, part.stop - start)
            for part, start in zip(region, (annotation.y0, annotation.x0), strict=True)
        )
        image = folder.read(by_id[row["image_id"]])
        images.append(analysis_channel(image, config.channel))
        labels.append(annotation.labels[inner])
        regions.append(region)
    return method.fit(images, labels, regions=regions)
