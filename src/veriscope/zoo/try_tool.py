"""A tiny prediction that shows whether the environment of a tool works."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.errors import MethodError
from veriscope.methods.external.environment import Environment, Recipe
from veriscope.methods.external.process import Limits, ToolProcess
from veriscope.methods.external.program import run_program

__all__ = ["try_program", "try_tool"]

_MACRO = """newImage("discs", "8-bit black", 64, 64, 1);
makeOval(16, 16, 20, 20);
setColor(200);
fill();
run("Select None");
saveAs("Text Image", "{folder}/attempt.txt");
"""


def try_program(recipe: Recipe, program: Path) -> dict[str, Any]:
    """Call a program as it will be called, with the least that it can do.

    Parameters
    ----------
    recipe
        Of the tool.
    program
        Its path.

    Returns
    -------
    dict
        ``text``: what was done.

    Raises
    ------
    MethodError
        If it cannot be started, fails, or takes more than two minutes.
    """
    with tempfile.TemporaryDirectory(prefix="veriscope-try-") as folder:
        (Path(folder) / "attempt.ijm").write_text(_MACRO.format(folder=Path(folder).as_posix()))
        arguments = [text.format(folder=folder) for text in recipe.attempt]
        result = Path(folder) / "attempt.txt"
        asked = any("{folder}" in text for text in recipe.attempt)
        run_program(
            recipe.tool, [str(program), *arguments], Path(folder), finished=result.exists, seconds=120.0
        )
        if asked and not result.exists():
            raise MethodError(f"{program}: ended without doing what it was asked; is it {recipe.title}?")
    return {"text": f"called with {' '.join(recipe.attempt)}"}


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
