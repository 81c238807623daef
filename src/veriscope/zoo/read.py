"""Read the description of a model package, of any version that is in use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from veriscope.errors import InputError, UnreadableFileError
from veriscope.methods.zoo.description import ModelDescription
from veriscope.zoo.format_0_4 import read_0_4
from veriscope.zoo.format_0_5 import read_0_5
from veriscope.zoo.safe_yaml import read_yaml

__all__ = ["DESCRIPTION_NAMES", "find_description", "read_description"]

DESCRIPTION_NAMES = ("bioimageio.yaml", "rdf.yaml", "model.yaml")
"""Names of the description in a package, in this order."""
_READERS = {"0.4": read_0_4, "0.5": read_0_5}


def find_description(path: Path) -> Path:
    """Find the description of a package.

    Parameters
    ----------
    path
        Folder of the package, or the description itself.

    Returns
    -------
    pathlib.Path
        The YAML file.

    Raises
    ------
    UnreadableFileError
        If there is none.
    """
    if path.is_file():
        return path
    for name in DESCRIPTION_NAMES:
        if (path / name).is_file():
            return path / name
    others = sorted(path.glob("*.bioimageio.yaml")) if path.is_dir() else []
    if len(others) == 1:
        return others[0]
    what = "does not exist" if not path.exists() else f"has no {' or '.join(DESCRIPTION_NAMES)}"
    raise UnreadableFileError(f"{path}: {what}; give a model package: a folder, a .zip file or its YAML file")


def read_description(path: Path) -> ModelDescription:
    """Read a description; nothing else of the package is touched.

    Parameters
    ----------
    path
        The YAML file.

    Returns
    -------
    ModelDescription
        What it says.

    Raises
    ------
    UnreadableFileError
        If it is no description of a model, or of a version that is not known.
    """
    content = read_yaml(path)
    if content.get("type") != "model":
        kind = content.get("type")
        what = "says not what it describes" if kind is None else f"describes a {kind!r}, not a model"
        raise UnreadableFileError(f"{path}: {what}; give a model package")
    version = str(content.get("format_version", ""))
    family = ".".join(version.split(".")[:2])
    if not re.fullmatch(r"\d+\.\d+(\.\d+)?", version) or family not in _READERS:
        raise UnreadableFileError(
            f"{path}: has format version {version or 'none'!r}; readable are 0.4 and 0.5. Older ones can be "
            "brought up to date with bioimageio update-format, newer ones need a newer Veriscope"
        )
    try:
        return _READERS[family](content)
    except KeyError as error:
        raise UnreadableFileError(
            f"{path}: lacks or misnames {error}, which format {version} needs; ask its authors to correct it"
        ) from error
    except ValidationError as error:
        raise UnreadableFileError(f"{path}: {_faults(error)}") from error
    except InputError as error:
        raise UnreadableFileError(f"{path}: {error}") from error
    except (TypeError, ValueError, AttributeError, StopIteration) as error:
        raise UnreadableFileError(f"{path}: is no valid description of format {version}: {error}") from error


def _faults(error: ValidationError) -> str:
    found: list[Any] = error.errors()
    lines = [
        f"{'.'.join(map(str, item['loc']))}: {item['msg']} (got {str(item['input'])[:60]!r})"
        for item in found[:5]
    ]
    return "; ".join(lines)
