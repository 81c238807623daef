"""Networks trained in a study: how training goes, what came out, and the package to take away."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from veriscope.server.models.networks import LossPoint, Network
from veriscope.server.parts import Server, Viewer, url
from veriscope.server.problems import ProblemError
from veriscope.workflow.models import export_model
from veriscope.workflow.networks import TrainedNetwork, study_networks
from veriscope.zoo.networks import NETWORK_PREFIX

__all__ = ["router"]

router = APIRouter(tags=["train"])
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}
_PARTS = ("train", "val", "test")


@router.get("/api/studies/{study}/networks")
def _list_networks(study: str, server: Server, _: Viewer) -> list[Network]:
    """List the networks that were trained in a study, or are being trained; the newest first."""
    return [_described(study, network) for network in study_networks(server.workspace.study(study))]


@router.get("/api/studies/{study}/networks/{network}/package", response_class=Response, responses=_ZIP)
def _get_package(study: str, network: str, server: Server, _: Viewer) -> Response:
    """Give the package of a network as a .zip file of BioImage.IO; it is read back and tried before."""
    known = study_networks(server.workspace.study(study))
    found = next((item for item in known if item.name == network and item.is_finished), None)
    if found is None:
        raise ProblemError.make(
            404, f"The study has no finished network {network[:100]!r}.", "Reload the networks."
        )
    folder = tempfile.TemporaryDirectory(prefix="veriscope-")
    target = Path(folder.name) / f"{found.name}.zip"
    try:
        export_model(f"{NETWORK_PREFIX}{found.path.resolve()}", target)
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        target,
        media_type="application/zip",
        filename=target.name,
        background=BackgroundTask(folder.cleanup),
    )


def _described(study: str, network: TrainedNetwork) -> Network:
    training, progress = network.training, network.progress
    checks = training.get("validation_loss") or progress.get("checks") or []
    split = training.get("split") or {}
    address = url("api", "studies", study, "networks", network.name, "package")
    return Network.model_validate(
        {
            "name": network.name,
            "finished": network.is_finished,
            "stage": progress.get("stage", ""),
            "part": progress.get("part"),
            "steps": training.get("steps", progress.get("step", 0)),
            "minutes": training.get("minutes", progress.get("minutes", 0.0)),
            "losses": [
                LossPoint(minutes=minutes, loss=loss) for minutes, loss in progress.get("history", [])
            ],
            "checks": [LossPoint(minutes=minutes, loss=loss) for _, minutes, loss in checks],
            "figures": training.get("figures"),
            "comparison": training.get("comparison"),
            "split": {part: _counts(split[part]) for part in _PARTS if part in split} or None,
            "stopped": training.get("stopped", ""),
            "notes": training.get("notes", []),
            "package": address if network.is_finished else None,
            # Its locked tiles are a few that were put aside, not weighted by how they were drawn, and it is
            # chosen by them: only the audit judges it as a candidate.
            "evidence": "untested",
        }
    )


def _counts(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if isinstance(value, int)}
