"""All models there are, and those that fit what is looked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from veriscope.core.progress import Progress, silent
from veriscope.errors import InputError, VeriscopeError
from veriscope.methods.base import Card, Method
from veriscope.methods.zoo.zoo_model import InstalledModel
from veriscope.registry import get_method, method_names
from veriscope.zoo.added import method_of
from veriscope.zoo.cache import PREFIX, installed_names, load_installed
from veriscope.zoo.environments import installed_tools
from veriscope.zoo.index import read_index, refresh_index
from veriscope.zoo.networks import NETWORK_PREFIX
from veriscope.zoo.segmenter_cache import SegmenterRecord, read_segmenter, segmenter_names

__all__ = ["MODELS_SCHEMA", "list_all_models", "package_of", "summary_of_segmenter"]

MODELS_SCHEMA = "veriscope/models/1"
_PIXEL_SIZES = (0.5, 2.0)
"""Factors between the pixel size that a model was made for and one for which it is listed."""
_SPELLINGS = {"nucleus": ("nucleus", "nuclei"), "nuclei": ("nucleus", "nuclei")}
"""Words that authors write in several ways."""


def list_all_models(
    *,
    task: str | None = None,
    modality: str | None = None,
    structure: str | None = None,
    licence: str | None = None,
    pixel_size: float | None = None,
    refresh: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """List all models that fit.

    Parameters
    ----------
    task, modality, structure, licence
        Words that the card or the tags must have, upper or lower case; of models of the zoo's index, which
        have no card yet, also their summary; None: any.
    pixel_size
        In µm along y and x: only models made for half to twice of it; None: any, also where none is stated.
    refresh
        Fetch the index of the public zoo first.
    progress
        Told how far the index has come.

    Returns
    -------
    dict
        ``schema``, ``models`` (each with ``name``, ``where``: ``installed``, ``added`` or ``zoo``,
        ``summary``, ``licence``, ``tags``, ``reproduced``, ``pixel_size``: µm by axis, empty where none is
        stated), ``words``: tags of all models, ``without_pixel_size``: how many models are left out only
        because they state none, ``faults`` of packages that cannot be read,
        ``tools``: other tools and whether they are installed, and ``index``: whether the zoo's is there.

    Raises
    ------
    InputError
        If the pixel size is not above 0.
    """
    if pixel_size is not None and not 0 < pixel_size < math.inf:
        raise InputError(f"--pixel-size {pixel_size:g} is not above 0; give µm, such as 0.65")
    index = refresh_index(progress=progress) if refresh else read_index()
    models, faults = _here()
    added = {item["name"] for item in models}
    models += [
        {
            "name": item["id"],
            "where": "zoo",
            "summary": item["description"] or item["name"],
            "licence": item["licence"],
            "tags": item["tags"],
            "reproduced": "not tested",
            "pixel_size": {},
        }
        for item in (index or {}).get("models", [])
        if not added & {PREFIX + item["id"], NETWORK_PREFIX + item["id"]}
    ]
    wanted = [word.lower() for word in (task, modality, structure) if word]
    fitting = [item for item in models if _fits(item, wanted, licence)]
    return {
        "schema": MODELS_SCHEMA,
        "models": [item for item in fitting if pixel_size is None or _near(item["pixel_size"], pixel_size)],
        "words": sorted({tag for item in models for tag in item["tags"]}),
        "without_pixel_size": 0 if pixel_size is None else sum(not item["pixel_size"] for item in fitting),
        "faults": faults,
        "tools": installed_tools(),
        "index": index is not None,
    }


def _here() -> tuple[list[dict[str, Any]], list[str]]:
    """Describe all models of this computer, and what is wrong with those that cannot be read."""
    models, faults = [], []
    for name in (*method_names(), *map(method_of, installed_names())):
        try:
            models.append(_entry(name))
        except VeriscopeError as error:
            faults.append(str(error))
    for name in segmenter_names():
        try:
            models.append(_segmenter_entry(read_segmenter(name)))
        except VeriscopeError as error:
            faults.append(str(error))
    return models, faults


def package_of(method: type[Method], name: str) -> InstalledModel | None:
    """Give the package of a method that was added.

    Parameters
    ----------
    method
        The method.
    name
        By which it was asked for.

    Returns
    -------
    InstalledModel or None
        None: it was not added, or is no package.
    """
    own: InstalledModel | None = getattr(method, "installed", None)
    if (
        own is None
        and name.startswith(NETWORK_PREFIX)
        and PREFIX + method.name.removeprefix(NETWORK_PREFIX) in installed_names()
    ):
        own = load_installed(method.name.removeprefix(NETWORK_PREFIX))
    return own


def summary_of_segmenter(record: SegmenterRecord) -> str:
    """Say what a model for click-to-segment is.

    Parameters
    ----------
    record
        Of the model.

    Returns
    -------
    str
        One sentence.
    """
    return record.card.summary or "Click-to-segment: a click on a tile gives the outline of one object."


def _entry(name: str) -> dict[str, Any]:
    cls = get_method(name)
    package = package_of(cls, name)
    tags = [cls.task, *(["detection"] if cls.finds_boxes else []), *_words(cls.card)]
    states: Mapping[str, Any] = {}
    if package is not None:
        tags += package.description.tags
        states = package.states or {}
    return {
        "name": cls.name,
        "where": "installed" if package is None else "added",
        "summary": cls.card.summary,
        "licence": cls.card.licence,
        "tags": list(dict.fromkeys(tags)),
        "reproduced": states.get("output_reproduced", {}).get("status", "—"),
        "pixel_size": {} if package is None else _pixel_size(package),
    }


def _pixel_size(package: InstalledModel) -> dict[str, float]:
    axes = [axis for tensor in package.description.inputs for axis in tensor.spatial]
    return {axis.name: axis.spacing for axis in axes if axis.spacing is not None}


def _segmenter_entry(record: SegmenterRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "where": "added",
        "summary": summary_of_segmenter(record),
        "licence": record.card.licence or "not stated",
        "tags": ["click-to-segment"],
        "reproduced": "not tested",
        "pixel_size": {},
    }


def _words(card: Card) -> tuple[str, ...]:
    return (*card.objects, *card.modalities, *(f"{d}d" for d in card.dimensions))


def _fits(item: dict[str, Any], wanted: list[str], licence: str | None) -> bool:
    if licence is not None and licence.lower() not in item["licence"].lower():
        return False
    text = " ".join([*item["tags"], item["summary"] if item["where"] == "zoo" else ""]).lower()
    return all(any(form in text for form in _SPELLINGS.get(word, (word,))) for word in wanted)


def _near(stated: Mapping[str, float], wanted: float) -> bool:
    """Whether a model states a pixel size along y or x near the one wanted."""
    sizes = [stated[axis] for axis in ("y", "x") if axis in stated]
    least, most = _PIXEL_SIZES
    return bool(sizes) and all(least <= size / wanted <= most for size in sizes)
