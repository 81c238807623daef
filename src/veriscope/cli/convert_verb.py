"""The verb that makes an image file one of which parts can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veriscope.cli.arguments import Axes, Json, Quiet, Series, Spacing, parse_spacing

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb to the command line.

    Parameters
    ----------
    app
        The command line.
    """
    app.command()(convert)


def convert(
    image: Annotated[Path, typer.Argument(help="Image file, or OME-Zarr folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make, NAME.ome.zarr.")],
    axes: Axes = None,
    spacing: Spacing = None,
    series: Series = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write an image as OME-Zarr, of which parts can be read; the pixels stay the same."""
    from veriscope.cli.output import emit_json, out, progress_bar, tell_notes
    from veriscope.io.convert import convert_image

    with progress_bar(quiet=quiet or json) as progress:
        found = convert_image(
            image, output, axes=axes, spacing=parse_spacing(spacing), series=series, progress=progress
        )
    if json:
        emit_json(found)
        return
    tell_notes([found | {"image": image.name}])
    size = " × ".join(map(str, found["shape"]))
    out().print(f"{output}: {found['axes']}, {size}, {found['dtype']}", markup=False)
