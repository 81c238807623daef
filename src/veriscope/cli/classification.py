"""What `predict` does with methods that tell classes of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veriscope.cli.output import out, show_table
from veriscope.core.words import counted
from veriscope.errors import InputError
from veriscope.methods.base import Method
from veriscope.methods.classification import ClassificationMethod
from veriscope.predict.classified import classify_folder

__all__ = ["classify", "show_classes"]


def classify(
    method: Method,
    images: list[str],
    output: Path,
    *,
    probabilities: bool,
    tile: int | None,
    memory: int | None,
    **options: Any,
) -> dict[str, Any]:
    """Tell the class of images.

    Parameters
    ----------
    method
        Of the task ``classification``.
    images
        Folder, files or pattern.
    output
        Folder for the table.
    probabilities, tile, memory
        Options that have no effect on classes; False or None: not given.
    **options
        As for `veriscope.predict.classified.classify_folder`.

    Returns
    -------
    dict
        What `classify_folder` gives.

    Raises
    ------
    InputError
        If an option has no effect, or the output is no folder.
    """
    assert isinstance(method, ClassificationMethod), "the task of a method tells its class"
    needless = {"--probabilities": probabilities, "--tile": tile, "--memory": memory}
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
    return classify_folder(method, images, output, **options)


def show_classes(found: dict[str, Any]) -> None:
    """Say how many images are of which class.

    Parameters
    ----------
    found
        As `classify` gives it.
    """
    rows = [[name, str(count)] for name, count in found["n_by_class"].items()]
    show_table(
        f"{counted(found['n_images'], 'image')} ({found['n_done']} done now)", ["class", "images"], rows
    )
    out().print(f"classes and probabilities in {found['table']}", markup=False)
    out().print(
        "untested: compare with classes of your own: veriscope compare REFERENCES.csv "
        f"{found['table']} --task classification",
        markup=False,
    )
