"""Every metric there is, with what a user has to know of it."""

from __future__ import annotations

from importlib import import_module

from veriscope.errors import InputError
from veriscope.validate.fingerprint.items import CATEGORIES
from veriscope.validate.metrics.description import Description

__all__ = ["FAMILIES", "catalogue", "describe_metric"]

FAMILIES = ("instance", "semantic", "topology", "detection", "classification", "restoration", "tracking")
"""Folders of `veriscope.validate.metrics`; each has a list of its own."""


def catalogue(*, task: str | None = None) -> tuple[Description, ...]:
    """List the metrics.

    Parameters
    ----------
    task
        One of `fingerprint.items.CATEGORIES`; None: all.

    Returns
    -------
    tuple of Description
        By family, in the order in which a reader would look for them.

    Raises
    ------
    InputError
        If there is no such task.
    """
    if task is not None and task not in CATEGORIES:
        raise InputError(f"there is no task {task!r}; the tasks are {', '.join(CATEGORIES)}")
    # Looked up here, so that listing one family or importing this module stays cheap.
    found: list[Description] = []
    for family in FAMILIES:
        found += import_module(f"veriscope.validate.metrics.{family}.catalogue").DESCRIPTIONS
    return tuple(item for item in found if task is None or task in item.tasks)


def describe_metric(key: str) -> tuple[Description, ...]:
    """Find a metric by its key or a part of its name.

    Parameters
    ----------
    key
        Such as ``"nsd"``, ``"f1@0.5"`` (any threshold will do) or ``"Hausdorff"``.

    Returns
    -------
    tuple of Description
        Those whose key is meant; else those whose key or name has the text in it.

    Raises
    ------
    InputError
        If there is none.
    """
    metrics = catalogue()
    wanted = key.casefold().split("@")[0]
    exact = tuple(item for item in metrics if item.key.casefold().split("@")[0] == wanted)
    if exact:
        return exact
    similar = tuple(item for item in metrics if wanted in f"{item.key} {item.name}".casefold())
    if not similar:
        raise InputError(f"there is no metric {key!r}; veriscope metrics lists all")
    return similar
