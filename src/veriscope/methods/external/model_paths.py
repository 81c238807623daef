"""Models of tools by path or by the name of their authors."""

from __future__ import annotations

from pathlib import Path

from veriscope.errors import MethodError
from veriscope.methods.external.environment import Recipe

__all__ = ["UNKNOWN_TRAINING", "given_path", "needs_download", "weights_file"]

UNKNOWN_TRAINING = "of whoever trained these weights; not known to Veriscope"
"""Training data of weights that the user gives."""


def given_path(model: str) -> Path | None:
    """Tell a path from a name of the tool's authors.

    Parameters
    ----------
    model
        What follows the colon.

    Returns
    -------
    pathlib.Path or None
        The path where there is a slash, a backslash or a file of that name; None: it is a name.
    """
    path = Path(model).expanduser()
    return path.absolute() if "/" in model or "\\" in model or path.exists() else None


def needs_download(name: str, recipe: Recipe, model: str, files: list[Path]) -> list[Path]:
    """Refuse a model whose files have not been fetched.

    Parameters
    ----------
    name
        Of the method.
    recipe
        Of the tool.
    model
        Name of the model by its authors.
    files
        That must be there.

    Returns
    -------
    list of pathlib.Path
        The same.

    Raises
    ------
    MethodError
        If one is missing; the message says how to fetch it or to give a path.
    """
    if all(path.exists() for path in files):
        return files
    raise MethodError(
        f"{name}: weights named {model!r} are not here, and nothing is fetched unless asked for; "
        "fetch them with: "
        f"veriscope models install {recipe.tool} --download {model} (or give the path of weights: "
        f"{recipe.tool}:./PATH)"
    )


def weights_file(name: str, recipe: Recipe, model: str, usual: list[Path]) -> list[Path]:
    """Find the weights of a model: the one file that a path names, or those of a name of the authors.

    Parameters
    ----------
    name
        Of the method.
    recipe
        Of the tool.
    model
        Path, or name of the model by its authors.
    usual
        Where the files of that name lie once they were fetched.

    Returns
    -------
    list of pathlib.Path
        They exist.

    Raises
    ------
    MethodError
        If the path is no file, or a file was not fetched.
    """
    if path := given_path(model):
        if not path.is_file():
            raise MethodError(f"{name}: {path} is no file of weights of {recipe.title}")
        return [path]
    return needs_download(name, recipe, model, usual)
