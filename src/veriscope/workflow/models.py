"""All models there are: installed methods, packages added, and the index of the public zoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import MethodError, VeriscopeError
from veriscope.methods.base import Card
from veriscope.methods.networks.network_files import NetworkPackage
from veriscope.methods.zoo.choose import choose_weights
from veriscope.methods.zoo.description import Tensor
from veriscope.methods.zoo.zoo_model import InstalledModel, ZooModel
from veriscope.registry import get_method, method_names
from veriscope.zoo.cache import PREFIX, installed_names
from veriscope.zoo.environments import installed_tools
from veriscope.zoo.export import export_package
from veriscope.zoo.index import read_index, refresh_index

__all__ = ["MODELS_SCHEMA", "MODEL_SCHEMA", "describe_model", "export_model", "list_all_models"]

MODELS_SCHEMA = "veriscope/models/1"
MODEL_SCHEMA = "veriscope/model-card/1"


def list_all_models(
    *,
    task: str | None = None,
    modality: str | None = None,
    structure: str | None = None,
    licence: str | None = None,
    refresh: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """List all models that fit.

    Parameters
    ----------
    task, modality, structure, licence
        Words that the card or the tags must have, upper or lower case; None: any.
    refresh
        Fetch the index of the public zoo first.
    progress
        Told how far the index has come.

    Returns
    -------
    dict
        ``schema``, ``models`` (each with ``name``, ``where``: ``installed``, ``added`` or ``zoo``,
        ``summary``, ``licence``, ``tags``, ``reproduced``), ``faults`` of packages that cannot be read,
        ``tools``: other tools and whether they are installed, and ``index``: whether the zoo's is there.
    """
    index = refresh_index(progress=progress) if refresh else read_index()
    models, faults = [], []
    for name in (*method_names(), *installed_names()):
        try:
            models.append(_entry(name))
        except VeriscopeError as error:
            faults.append(str(error))
    added = {item["name"] for item in models}
    models += [
        {
            "name": item["id"],
            "where": "zoo",
            "summary": item["description"] or item["name"],
            "licence": item["licence"],
            "tags": item["tags"],
            "reproduced": "not tested",
        }
        for item in (index or {}).get("models", [])
        if PREFIX + item["id"] not in added
    ]
    wanted = [word.lower() for word in (task, modality, structure) if word]
    return {
        "schema": MODELS_SCHEMA,
        "models": [item for item in models if _fits(item, wanted, licence)],
        "faults": faults,
        "tools": installed_tools(),
        "index": index is not None,
    }


def describe_model(name: str) -> dict[str, Any]:
    """Say what is known of a model, without running it.

    Parameters
    ----------
    name
        A method, ``zoo:NAME``, a path of a package, or a nickname that is in the zoo's index.

    Returns
    -------
    dict
        ``schema``, ``name``, ``version``, ``card``; of packages also ``states``, ``files`` (hashes),
        ``code`` (Python in it), ``weights`` and ``would_run`` (what happens to an image, in lines).

    Raises
    ------
    MethodError
        If there is no such model.
    """
    if name not in method_names() and PREFIX + name in installed_names():
        name = PREFIX + name
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
    if issubclass(cls, ZooModel):
        package = cls.installed
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


def _entry(name: str) -> dict[str, Any]:
    cls = get_method(name)
    tags = _words(cls.card)
    package = issubclass(cls, ZooModel)
    state = (cls.installed.states or {}) if issubclass(cls, ZooModel) else {}
    if issubclass(cls, ZooModel):
        tags += cls.installed.description.tags
    return {
        "name": cls.name,
        "where": "added" if package else "installed",
        "summary": cls.card.summary,
        "licence": cls.card.licence,
        "tags": list(dict.fromkeys((cls.task, *tags))),
        "reproduced": state.get("output_reproduced", {}).get("status", "—"),
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


def _words(card: Card) -> tuple[str, ...]:
    return (*card.objects, *card.modalities, *(f"{d}d" for d in card.dimensions))


def _fits(item: dict[str, Any], wanted: list[str], licence: str | None) -> bool:
    if licence is not None and licence.lower() not in item["licence"].lower():
        return False
    text = " ".join([item["summary"], *item["tags"]]).lower()
    return all(word in text for word in wanted)
