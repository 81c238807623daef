"""What the app says of the candidates of a study."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from veriscope.errors import VeriscopeError
from veriscope.io.record import Record
from veriscope.registry import get_method, make_method
from veriscope.server.models.candidates import CandidateImage, CandidateRow, Interval
from veriscope.server.models.session import MethodCard
from veriscope.server.parts import files_url
from veriscope.server.routes.session import card_of
from veriscope.server.stores import label_version
from veriscope.workflow.config import Candidate, StudyConfig
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.state import is_evidence_current
from veriscope.workflow.training import training_inputs

__all__ = ["candidate_images", "candidate_rows"]


def candidate_rows(folder: StudyFolder, config: StudyConfig) -> list[CandidateRow]:
    """Describe all candidates of a study.

    Parameters
    ----------
    folder
        The study.
    config
        Its study.yaml.

    Returns
    -------
    list of CandidateRow
        In the order of study.yaml.
    """
    record, images = Record(folder.root), folder.images()
    validated: dict[str, Any] = {}
    if (folder.root / "evidence/validate.json").exists():
        validated = read_evidence(folder, "validate")
    is_current = bool(validated) and is_evidence_current(folder, config)
    return [_row(folder, config, record, images, item, validated, is_current) for item in config.candidates]


def _row(
    folder: StudyFolder,
    config: StudyConfig,
    record: Record,
    images: tuple[StudyImage, ...],
    candidate: Candidate,
    validated: Mapping[str, Any],
    is_current: bool,
) -> CandidateRow:
    card, wanted, why = _method(folder, config, candidate)
    entries = [
        (image, entry)
        for image in images
        if (folder.root / folder.prediction(candidate.id, image.image_id) / "zarr.json").is_file()
        and (entry := record.latest(folder.prediction(candidate.id, image.image_id))) is not None
    ]
    seconds = sum(float(entry.get("wall_s", 0.0)) for _, entry in entries)
    pixels = sum(math.prod(int(n) for n in image.shape.split("x")) for image, _ in entries)
    costs = [entry.get("cost", {}) for _, entry in entries]
    state = _state(len(entries), len(images), why, wanted, [entry for _, entry in entries])
    if state == "stale":
        why = "The method, the images or the training tiles have changed since it ran; run it again."
    counts = [entry["details"].get("n_objects") for _, entry in entries]
    return CandidateRow(
        id=candidate.id,
        method=candidate.method,
        parameters=candidate.parameters,
        card=card,
        needs_training=card is not None and card.needs_training,
        state=state,
        why=why,
        n_images_done=len(entries),
        n_images=len(images),
        n_objects=sum(counts) if entries and None not in counts else None,
        seconds_per_image=seconds / len(entries) if entries else None,
        megapixels_per_second=pixels / 1e6 / seconds if seconds > 0 else None,
        peak_memory_bytes=max((cost.get("peak_memory_bytes") or 0 for cost in costs), default=0) or None,
        cpu_s=sum(float(cost.get("cpu_s") or 0.0) for cost in costs) if entries else None,
        metrics_stale=bool(validated) and not is_current,
        **_judged(candidate.id, validated),
    )


def _method(
    folder: StudyFolder, config: StudyConfig, candidate: Candidate
) -> tuple[MethodCard | None, dict[str, Any] | None, str]:
    """Give the card, what the record must hold of it, and why it cannot run."""
    try:
        cls = get_method(candidate.method)
        method = make_method(candidate.method, candidate.parameters)
        training = training_inputs(folder) if cls.needs_training else {}
    except VeriscopeError as error:
        return None, None, str(error)
    why = "It waits for annotated training tiles: draw some under Audit." if (
        cls.needs_training and not training
    ) else ""  # fmt: skip
    wanted = {"method": method.describe(), "channel": config.channel, "training": training}
    return card_of(candidate.method), wanted, why


def _state(
    n_done: int, n_images: int, why: str, wanted: Mapping[str, Any] | None, entries: list[dict[str, Any]]
) -> Any:
    if wanted is None or (why and not n_done):
        return "unavailable"
    if not n_done:
        return "not-run"
    if any(entry["parameters"].get(key) != value for entry in entries for key, value in wanted.items()):
        return "stale"
    return "current" if n_done == n_images else "partial"


def _judged(candidate: str, validated: Mapping[str, Any]) -> dict[str, Any]:
    found = validated.get("candidates", {}).get(candidate)
    if found is None:
        return {
            "metrics": None,
            "n_tiles": None,
            "rank": None,
            "tied_with": [],
            "outside_domain": [],
            "evidence": "untested",
        }
    ranking = validated["ranking"]
    order = list(ranking["values"])
    tied = [name for group in ranking["groups"] if candidate in group for name in group if name != candidate]
    return {
        "metrics": {key: Interval.model_validate(value) for key, value in found["metrics"].items()},
        "n_tiles": found["n_tiles"],
        "rank": order.index(candidate) + 1 if candidate in order else None,
        "tied_with": list(dict.fromkeys(tied)),
        "outside_domain": found["outside_domain"],
        "evidence": validated["evidence"],
    }


def candidate_images(folder: StudyFolder, candidate: str) -> list[CandidateImage]:
    """Describe what a candidate found, image by image.

    Parameters
    ----------
    folder
        The study.
    candidate
        Identifier of the candidate.

    Returns
    -------
    list of CandidateImage
        In the order of the images.
    """
    record, found = Record(folder.root), []
    for image in folder.images():
        version = label_version(folder, candidate, image.image_id)
        entry = record.latest(folder.prediction(candidate, image.image_id)) if version else None
        labels = (
            files_url(folder.root.name, "labels", candidate, image.image_id, version) if version else None
        )
        found.append(
            CandidateImage(
                id=image.image_id,
                is_done=version is not None,
                n_objects=entry["details"].get("n_objects") if entry else None,
                seconds=entry.get("wall_s") if entry else None,
                labels=labels,
                evidence="untested",
            )
        )
    return found
