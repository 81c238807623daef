"""What is done with a model: it is added, described, exported and removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, MethodError, VeriscopeError
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.zoo.choose import choose_weights
from veriscope.methods.zoo.description import Tensor
from veriscope.methods.zoo.zoo_model import InstalledModel
from veriscope.registry import get_method, method_names
from veriscope.workflow.model_list import package_of, summary_of_segmenter
from veriscope.zoo.add import add_model, remove_model
from veriscope.zoo.added import method_of
from veriscope.zoo.cache import PREFIX, installed_names
from veriscope.zoo.export import export_package
from veriscope.zoo.index import read_index
from veriscope.zoo.segmenter_cache import (
    SEGMENTER_PREFIX,
    SegmenterRecord,
    read_segmenter,
)
from veriscope.zoo.segmenters import add_segmenter, is_segmenter_source, remove_segmenter

__all__ = [
    "MODEL_SCHEMA",
    "add_to_models",
    "describe_model",
    "export_model",
    "remove_from_models",
]

MODEL_SCHEMA = "veriscope/model-card/1"


def add_to_models(
    source: str,
    *,
    name: str | None = None,
    licence: str | None = None,
    trust: Collection[str] = (),
    anyway: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Add a model package as a method, or the two ONNX files of a model for click-to-segment.

    Parameters
    ----------
    source, name
        As of `veriscope.zoo.add.add_model`.
    licence
        Of a model for click-to-segment that does not state it; packages state their own.
    trust, anyway, progress
        As of `veriscope.zoo.add.add_model`.

    Returns
    -------
    dict
        As of `veriscope.zoo.add.add_model`, and ``method``: name of the method that it is now; of a model for
        click-to-segment as of `describe_model`.

    Raises
    ------
    InputError
        If it cannot be read, a hash is wrong, or a package is given a licence.
    MethodError
        If it cannot be run, or does not do what it promises. Nothing is kept then.
    """
    if is_segmenter_source(source):
        return _described(add_segmenter(source, name=name, licence=licence, progress=progress))
    if licence:
        raise InputError(
            "--licence is for models for click-to-segment; a model package states its own licence: leave it "
            "out"
        )
    added = add_model(source, name=name, trust=trust, anyway=anyway, progress=progress)
    return added | {"method": method_of(added["name"])}


def remove_from_models(name: str) -> None:
    """Remove a package or a model for click-to-segment that was added.

    Parameters
    ----------
    name
        As it is listed.

    Raises
    ------
    MethodError
        If it was not added.
    """
    if name.startswith(SEGMENTER_PREFIX):
        remove_segmenter(name)
    else:
        remove_model(name)


def describe_model(name: str) -> dict[str, Any]:
    """Say what is known of a model, without running it.

    Parameters
    ----------
    name
        A method, ``zoo:NAME``, ``segmenter:NAME``, a path of a package, or a nickname that is in the zoo's
        index.

    Returns
    -------
    dict
        ``schema``, ``name``, ``version``, ``card``; of models for click-to-segment also ``states`` and
        ``files``; of packages also ``states``, ``files`` (hashes),
        ``code`` (Python in it), ``weights`` and ``would_run`` (what happens to an image, in lines).

    Raises
    ------
    MethodError
        If there is no such model.
    """
    if name.startswith(SEGMENTER_PREFIX):
        return _described(read_segmenter(name))
    if name not in method_names() and PREFIX + name in installed_names():
        name = method_of(name)
    for item in (read_index() or {}).get("models", []):
        if item["id"] == name:
            return {
                "schema": MODEL_SCHEMA,
                "name": name,
                "version": "",
                "card": item,
                "states": {
                    "format_valid": {
                        "status": "not tested",
                        "text": f"veriscope models add {name} fetches it",
                    }
                },
            }
    cls = get_method(name)
    found: dict[str, Any] = {
        "schema": MODEL_SCHEMA,
        "name": cls.name,
        "version": cls.version,
        "card": cls.card.model_dump(mode="json"),
    }
    package = package_of(cls, name)
    if package is not None:
        found |= {
            "states": dict(package.states or {}),
            "weights": [item.format for item in package.description.weights],
            "would_run": _would_run(package),
            "files": dict(package.hashes),
            "code": [
                {"file": code.file.source, "sha256": code.file.sha256, "callable": code.callable}
                for code in package.description.codes
            ],
        }
    return found


def export_model(
    name: str,
    target: str | Path,
    *,
    evaluations: Sequence[str | Path] = (),
    spacing: Mapping[str, float] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Write a network as one BioImage.IO 0.5 package.

    Parameters
    ----------
    name
        A network of Veriscope, one that was trained (its path), or a package: ``zoo:NAME`` or a path.
    target, evaluations, spacing, progress
        As of `veriscope.zoo.export.export_package`.

    Returns
    -------
    dict
        As of `veriscope.zoo.export.export_package`.

    Raises
    ------
    MethodError
        If there is no such method, it is no network, or its package is not right.
    InputError
        If a file cannot be read or written.
    """
    if name not in method_names() and PREFIX + name in installed_names():
        name = PREFIX + name
    cls = get_method(name)
    own = getattr(cls, "package", None)
    installed = getattr(cls, "installed", None)
    states: Mapping[str, Any] = {}
    if isinstance(own, NetworkPackage):
        described = Path(str(own.folder)) / "bioimageio.yaml"
    elif isinstance(installed, InstalledModel):
        (file,) = [source for source in installed.hashes if source.endswith((".yaml", ".yml"))][:1]
        described, states = installed.folder / file, installed.states or {}
    else:
        raise MethodError(
            f"{name}: is no network, so there is no package of it; networks are those of Veriscope, "
            "those trained "
            "with veriscope train, and packages of the zoo"
        )
    return export_package(
        described, cls.card, states, target, evaluations=evaluations, spacing=spacing, progress=progress
    )


def _described(record: SegmenterRecord) -> dict[str, Any]:
    """Describe a model for click-to-segment."""
    card = record.card
    return {
        "schema": MODEL_SCHEMA,
        "name": record.name,
        "version": "",
        "card": {
            "summary": summary_of_segmenter(record),
            "training_data": card.training_data or "not stated",
            "licence": card.licence or "not stated",
            "citation": card.citation,
            "limits": [
                f"Sees an image scaled to {record.side} pixels: small objects of large tiles are lost.",
                "The overlap that it expects of its outlines is its own opinion, not calibrated.",
                "Its outlines are proposals: that they were seen is recorded with the annotation.",
            ],
        },
        "states": {
            "format_valid": {
                "status": "yes",
                "text": "inputs and outputs of Segment Anything; a trial on a drawn disc took "
                f"{record.seconds['image']:.2f} s for the image and {record.seconds['click']:.2f} s for a "
                "click",
            },
            "output_reproduced": {"status": "not tested", "text": "such models come without test tensors"},
            "works_on_your_data": {
                "status": "unknown",
                "text": "see for yourself, click by click, and correct what is wrong",
            },
        },
        "files": dict(record.files),
    }


def _would_run(package: InstalledModel) -> list[str]:
    """Say in lines what happens to an image."""
    description = package.description
    try:
        weights = choose_weights(package, None)
        network = f"network: {weights.file.source} ({weights.format})"
    except VeriscopeError as error:
        network = f"network: none, because {error}"
    lines = []
    for tensor in description.inputs:
        lines += [f"input {tensor.id}: {tensor.dtype}, {_axes(tensor)}", *_steps(tensor)]
    lines.append(network)
    for tensor in description.outputs:
        lines += [f"output {tensor.id}: {_axes(tensor, of_input=True)}", *_steps(tensor)]
    return lines


def _axes(tensor: Tensor, *, of_input: bool = False) -> str:
    parts = []
    for axis in tensor.axes:
        if axis.size is not None:
            size = str(axis.size)
        elif of_input:
            size = f"{axis.ratio:g} × the input's" + (f" {axis.offset:+g}" if axis.offset else "")
        else:
            size = f"{axis.smallest} + n × {axis.step}"
        names = f" ({', '.join(axis.channels)})" if axis.channels else ""
        spacing = f" of {axis.spacing:g} µm" if axis.spacing is not None else ""
        halo = f", halo {axis.halo}" if axis.halo else ""
        parts.append(f"{axis.name} {size}{names}{spacing}{halo}")
    return "; ".join(parts)


def _steps(tensor: Tensor) -> list[str]:
    return [f"  {step.model_dump(mode='json', exclude_none=True)}".replace("'", "") for step in tensor.steps]
