"""A tiny prediction that shows whether the environment of a tool works."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np

from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.process import Limits, ToolProcess

__all__ = ["try_tool"]


def try_tool(recipe: Recipe, environment: Environment) -> dict[str, Any]:
    """Have a tool make a small network of its own kind with random weights, save it, load it and predict.

    Parameters
    ----------
    recipe
        Of the tool.
    environment
        Its environment, which need not be finished.

    Returns
    -------
    dict
        ``text``: what was done, and ``objects`` found, which for random weights means nothing.

    Raises
    ------
    MethodError
        If anything of it fails.
    """
    yy, xx = np.indices((64, 64))
    image = (50 + 100 * (((yy % 32) - 16) ** 2 + ((xx % 32) - 16) ** 2 < 64)).astype(np.float32)
    with tempfile.TemporaryDirectory(prefix="veriscope-try-") as folder:
        process = ToolProcess(
            recipe.tool,
            environment.python,
            recipe.worker_path(),
            {"do": "try", "model": "", "own": True, "files": [], "threads": 1, "options": {}},
            limits=Limits(start_s=600.0, answer_s=600.0),
            variables={key: value.format(weights=folder) for key, value in recipe.variables},
        )
        try:
            values, arrays = process.ask("attempt", {"image": image}, {"folder": folder})
        finally:
            process.close()
    labels = arrays["labels"]
    assert labels.shape == image.shape, f"{recipe.tool} gave labels of another shape than the image"
    return {"text": str(values["text"]), "objects": int(labels.max())}
