"""Where the environments of tools lie, what is in each, and where programs are.

::

    FOLDER/cellpose/environment.json    written last: without it there is no environment
    FOLDER/cellpose/venv/…              Python and packages
    FOLDER/cellpose/weights/…           weights that the user has asked for

`veriscope.zoo.environments` makes them.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from veriscope.errors import MethodError

__all__ = [
    "ENVIRONMENT_SCHEMA",
    "Environment",
    "Recipe",
    "external_folder",
    "find_environment",
    "need_environment",
]

ENVIRONMENT_SCHEMA = "veriscope/environment/1"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the environment of a tool is made.

    Parameters
    ----------
    tool
        Its name, with which the names of its methods begin.
    title
        Name and version for people.
    packages
        Requirements with ranges, in the words of pip.
    main
        The package whose version is that of the tool.
    torch
        Requirements of torch and what depends on its build, installed first, in the build for the CPU.
    size_gb
        Disk that it needs, roughly.
    program
        What the program is called where the tool is no package of Python; empty: it is one.
    attempt
        Arguments with which a program is tried; ``{folder}`` stands for an empty folder.
    worker
        Name of its script in ``workers/``; empty: none.
    variables
        Environment variables of its process; ``{weights}`` stands for its folder of weights.
    """

    tool: str
    title: str
    packages: tuple[str, ...] = ()
    main: str = ""
    torch: tuple[str, ...] = ()
    size_gb: float = 0.0
    program: tuple[str, ...] = ()
    attempt: tuple[str, ...] = ()
    worker: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    def worker_path(self) -> Path:
        """Give the path of its script.

        Returns
        -------
        pathlib.Path
            In the installed package.
        """
        return Path(__file__).with_name("workers") / self.worker

    def lines(self) -> list[str]:
        """Give all that decides what is installed.

        Returns
        -------
        list of str
            Requirements.
        """
        return [*self.torch, *self.packages]


@dataclass(frozen=True, slots=True)
class Environment:
    """A finished environment.

    Parameters
    ----------
    folder
        Where it lies.
    record
        ``schema``, ``tool``, ``version``, ``requirements``, ``installed`` (versions), ``python`` or
        ``program``, and ``test``.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return venv_python(self.folder / "venv")

    @property
    def weights(self) -> Path:
        """Folder of weights that the user has asked for; it need not exist."""
        return self.folder / "weights"

    @property
    def version(self) -> str:
        """Version of the tool."""
        return str(self.record.get("version", ""))


def venv_python(venv: Path) -> Path:
    """Give the interpreter of a virtual environment.

    Parameters
    ----------
    venv
        Its folder.

    Returns
    -------
    pathlib.Path
        It need not exist.
    """
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def external_folder() -> Path:
    """Give the folder of all environments.

    Returns
    -------
    pathlib.Path
        ``$VERISCOPE_EXTERNAL``, else the usual place of the operating system for data; it need not exist.
    """
    if chosen := os.environ.get("VERISCOPE_EXTERNAL"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "veriscope" / "external"


def find_environment(recipe: Recipe) -> Environment | None:
    """Find a finished environment.

    Parameters
    ----------
    recipe
        Of the tool.

    Returns
    -------
    Environment or None
        None: it was not made, or not to its end, or is damaged, or for other requirements.
    """
    folder = external_folder() / recipe.tool
    try:
        record = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict) or record.get("schema") != ENVIRONMENT_SCHEMA:
        return None
    found = Environment(folder, record)
    if recipe.program:
        return found if Path(str(record.get("program", ""))).is_file() else None
    return found if record.get("requirements") == recipe.lines() and found.python.exists() else None


def need_environment(recipe: Recipe, name: str) -> Environment:
    """Find an environment that is needed.

    Parameters
    ----------
    recipe
        Of the tool.
    name
        Of the method, for the message.

    Returns
    -------
    Environment
        It is finished.

    Raises
    ------
    MethodError
        If there is none; the message has the command that makes it.
    """
    found = find_environment(recipe)
    if found is not None:
        return found
    if recipe.program:
        raise MethodError(
            f"{name}: {recipe.title} is needed and it is not known where it is; install it, then say "
            "so with: "
            f"veriscope models install {recipe.tool} --program PATH"
        )
    raise MethodError(
        f"{name}: {recipe.title} is needed in an environment of its own, which is not there or was "
        "not finished; "
        f"make it with: veriscope models install {recipe.tool} (about {recipe.size_gb:g} GB)"
    )
