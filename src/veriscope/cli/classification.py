"""What `predict` does with methods that tell classes of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from veriscope.cli.output import emit_json, out, say, show_table
from veriscope.errors import InputError
from veriscope.methods.base import Method
from veriscope.methods.classification import ClassificationMethod
from veriscope.predict.classified import classify_folder

__all__ = ["classify"]


def classify(
    method: Method,
    images: list[str],
    output: Path,
    *,
    json: bool,
    needless: dict[str, Any],
    **options: Any,
) -> None:
    """Classify images, and say how many are of which class.

    Parameters
    ----------
    method
        Of the task ``classification``.
    images
        Folder, files or pattern.
    output
        Folder for the table.
    json
        Whether to print JSON.
    needless
        Options that have no effect on classes, with their values; None or False: not given.
    **options
        As for `veriscope.predict.classified.classify_folder`.

    Raises
    ------
    InputError
        If an option has no effect, or the output is no folder.
    Exit
        With code 1 if the method failed on some image; always with ``--json``, else with code 0.
    """
    assert isinstance(method, ClassificationMethod), "the task of a method tells its class"
    given = [name for name, value in needless.items() if value]
    if given:
        raise InputError(
            f"{method.name} tells the class of whole images, on which {', '.join(given)} has no effect; "
            "leave it out"
        )
    if output.suffix in (".zarr", ".csv"):
        raise InputError(
            f"{output}: classes are written as classes.csv in a folder; give one, such as "
            f"-o {output.name.split('.')[0]}"
        )
    found = classify_folder(method, images, output, **options)
    if json:
        emit_json(found)
        raise typer.Exit(1 if found["failed"] else 0)
    for fault in found["skipped"]:
        say(f"skipped: {fault}")
    for row in found["failed"]:
        say(f"failed: {row['image']}: {row['failed']}", style="bold red")
    rows = [[name, str(count)] for name, count in found["n_by_class"].items()]
    show_table(f"{found['n_images']} images ({found['n_done']} done now)", ["class", "images"], rows)
    out().print(f"classes and probabilities in {found['table']}", markup=False)
    out().print(
        "untested: compare with classes of your own: veriscope compare REFERENCES.csv "
        f"{found['table']} --task classification",
        markup=False,
    )
    raise typer.Exit(1 if found["failed"] else 0)
