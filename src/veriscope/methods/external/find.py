"""Which tools there are, and a model of one as a method."""

from __future__ import annotations

import importlib
from typing import Any

from veriscope.core.settings import Settings
from veriscope.errors import MethodError
from veriscope.methods.external.environment import Recipe, find_environment
from veriscope.methods.external.external_method import ExternalMethod

__all__ = ["RUNTIMES", "TOOLS", "external_method", "is_external_name", "recipe_of", "remake"]

_ROOM = "veriscope.methods.external"
TOOLS: dict[str, tuple[str, str, str, str]] = {
    "cellpose": ("cellpose", "CellposeMethod", "cellpose_card", "CELLPOSE"),
    "cellpose-sam": ("cellpose_sam", "CellposeSamMethod", "cellpose_sam_card", "CELLPOSE_SAM"),
    "fiji": ("fiji", "FijiMethod", "fiji_card", "FIJI"),
    "ilastik": ("ilastik", "IlastikMethod", "ilastik_card", "ILASTIK"),
    "instanseg": ("instanseg", "InstanSegMethod", "instanseg_card", "INSTANSEG"),
    "sam": ("sam", "SamMethod", "sam_card", "SAM"),
    "stardist": ("stardist", "StarDistMethod", "stardist_card", "STARDIST"),
}
"""Of each tool: module, class, function that makes the card, recipe."""
RUNTIMES: dict[str, tuple[str, str]] = {"tensorflow": ("tensorflow", "TENSORFLOW")}
"""What runs weights of model packages and is no method itself: module, recipe."""


def is_external_name(name: str) -> bool:
    """Tell the name of a tool's model from that of another method.

    Parameters
    ----------
    name
        Name of a method.

    Returns
    -------
    bool
        Whether it begins with a tool and a colon.
    """
    tool, colon, _ = name.partition(":")
    return bool(colon) and tool in TOOLS


def recipe_of(tool: str) -> Recipe:
    """Give the recipe of a tool's environment.

    Parameters
    ----------
    tool
        Its name.

    Returns
    -------
    Recipe
        How it is made.

    Raises
    ------
    MethodError
        If there is no such tool.
    """
    if tool in RUNTIMES:
        module, recipe = RUNTIMES[tool]
    elif tool in TOOLS:
        module, _, _, recipe = TOOLS[tool]
    else:
        raise MethodError(f"no tool named {tool!r}; Veriscope knows {', '.join(sorted([*TOOLS, *RUNTIMES]))}")
    found = getattr(importlib.import_module(f"{_ROOM}.{module}"), recipe)
    assert isinstance(found, Recipe)
    return found


def external_method(name: str) -> type[ExternalMethod]:
    """Make the class of a tool's model.

    Parameters
    ----------
    name
        Tool, colon, and name or path of a model.

    Returns
    -------
    type
        A subclass of `ExternalMethod`. Nothing of the tool has run.

    Raises
    ------
    MethodError
        If there is no such tool, or the model is not named.
    """
    tool, _, model = name.partition(":")
    recipe = recipe_of(tool)
    if not model.strip():
        raise MethodError(f"{name}: says no model; give {tool}:NAME or {tool}:./PATH")
    module, cls, card, _ = TOOLS[tool]
    space = importlib.import_module(f"{_ROOM}.{module}")
    found = find_environment(recipe)
    members = {
        "name": name,
        "version": (found.version if found else "") or "not installed",
        "card": getattr(space, card)(model),
        "model": model,
        "__module__": __name__,
        "__doc__": f"{recipe.title}: {model}.",
    }
    made: type[ExternalMethod] = type(cls, (getattr(space, cls),), members)
    return made


def remake(name: str, parameters: Settings, threads: int, most_bytes: int | None = None) -> Any:
    """Make a method again in another process.

    Parameters
    ----------
    name
        Of the method.
    parameters
        Its options.
    threads
        As given to `limit_threads`; 0: not limited.
    most_bytes
        As given to `limit_memory`; None: not limited.

    Returns
    -------
    ExternalMethod
        Its tool has not started.
    """
    method = external_method(name)(parameters)
    method.threads, method.most_bytes = threads, most_bytes
    return method
