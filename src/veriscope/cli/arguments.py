"""Arguments and options that several verbs share, and how their text is read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

import typer

from veriscope.errors import InputError

__all__ = [
    "Axes",
    "Channel",
    "Json",
    "Quiet",
    "Series",
    "SeriesOrEach",
    "SkipBad",
    "Spacing",
    "StudyPath",
    "parse_parameters",
    "parse_series",
    "parse_spacing",
]

StudyPath = Annotated[Path, typer.Argument(metavar="STUDY", help="Folder of the study.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Channel = Annotated[
    str | None,
    typer.Option(help="Channel to analyse: index, name, luminance or hematoxylin (of a colour image)."),
]
Axes = Annotated[str | None, typer.Option(help="Axes of the files where they do not say, such as zyx.")]
Spacing = Annotated[
    str | None, typer.Option(help="Pixel size in µm: 0.5, or y=0.5,x=0.5; overrides the files' own.")
]
Series = Annotated[int | None, typer.Option(help="Which image of files that hold several, from 0.")]
SeriesOrEach = Annotated[
    str | None,
    typer.Option(
        "--series",
        help="Which image of files that hold several, from 0; each: all, as NAME_s0, NAME_s1 …",
    ),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out images that cannot be used, instead of stopping.")
]

_WRITTEN = "write 0.5 or z=2,y=0.5,x=0.5 (µm)"


def parse_spacing(text: str | None) -> dict[str, float] | None:
    """Read a pixel size.

    Parameters
    ----------
    text
        ``0.5`` (µm along y and x) or ``z=2,y=0.5,x=0.5``; None is handed through.

    Returns
    -------
    dict or None
        µm by axis.

    Raises
    ------
    InputError
        If it cannot be understood, names another axis than z, y, x or one twice, or is not above 0.
    """
    if text is None:
        return None
    try:
        pairs = [part.split("=") for part in text.split(",")] if "=" in text else [["y", text], ["x", text]]
        sizes = [(axis.strip().lower(), float(value)) for axis, value in pairs]
    except ValueError:
        raise InputError(f"spacing {text!r} cannot be read; {_WRITTEN}") from None
    axes = [axis for axis, _ in sizes]
    if not set(axes) <= set("zyx") or len(set(axes)) < len(axes):
        raise InputError(f"spacing {text!r} is for {', '.join(axes)}; give each of z, y, x once: {_WRITTEN}")
    if not all(0 < size < math.inf for _, size in sizes):
        raise InputError(f"spacing {text!r} is not above 0; {_WRITTEN}")
    return dict(sizes)


def parse_series(text: str | None) -> int | Literal["each"] | None:
    """Read which image of a file is meant.

    Parameters
    ----------
    text
        A number from 0, or ``each``; None is handed through.

    Returns
    -------
    int, "each" or None
        The number, or that every one is.

    Raises
    ------
    InputError
        If it is something else.
    """
    if text is None:
        return None
    if text == "each":
        return "each"
    if not (text.isascii() and text.isdigit()):
        raise InputError(f"--series {text!r} is no image of a file; write a number from 0, or each")
    return int(text)


def parse_parameters(items: list[str] | None) -> dict[str, object]:
    """Read method options.

    Parameters
    ----------
    items
        Such as ``["diameter=20", "foreground=dark"]``.

    Returns
    -------
    dict
        Values by name; numbers, true/false, null and lists as YAML reads them.

    Raises
    ------
    InputError
        If an item has no ``=``, its value is not valid YAML, or a name is given twice.
    """
    import yaml

    found: dict[str, object] = {}
    for item in items or []:
        name, sign, value = item.partition("=")
        if not sign or not name:
            raise InputError(f"parameter {item!r} cannot be read; write NAME=VALUE, such as diameter=20")
        if name.strip() in found:
            raise InputError(f"parameter {name.strip()} is given twice; give it once")
        try:
            found[name.strip()] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):  # ValueError: a date such as 2024-13-01
            raise InputError(
                f"parameter {item!r} cannot be read; write NAME=VALUE with a number, a word, true, false, "
                "null or a list such as [1, 2]"
            ) from None
    return found
