"""What `predict` does with methods that find objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veriscope.cli.output import out, say
from veriscope.core.words import counted
from veriscope.methods.base import Method
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import map_path, predict_image

__all__ = ["find_objects", "show_objects"]

_MUCH_WORK = 4
"""Times that every pixel is predicted from which it is said."""


def find_objects(
    method: Method, images: list[str], output: Path, *, probabilities: bool, **options: Any
) -> dict[str, Any]:
    """Find the objects of one image, or of those of a folder.

    Parameters
    ----------
    method
        Of the task ``instance``.
    images
        Folder, files or pattern; one image if the output is an OME-Zarr folder.
    output
        Where to.
    probabilities
        Whether probabilities of pixels are written too.
    **options
        As for `veriscope.predict.image.predict_image`.

    Returns
    -------
    dict
        What `predict_image` or `predict_folder` gives.
    """
    if output.suffix != ".zarr":
        return predict_folder(method, images, output, probabilities=probabilities, **options)
    maps = map_path(output) if probabilities else None
    return predict_image(method, images[0], output, probabilities=maps, **options)


def show_objects(found: dict[str, Any]) -> None:
    """Say what came of it.

    Parameters
    ----------
    found
        As `find_objects` gives it.
    """
    if "images" in found:
        objects, images = counted(found["n_objects"], "object"), counted(found["n_images"], "image")
        text = f"{objects} in {images} ({found['n_done']} done now)"
        out().print(f"{text}; labels in {found['output']}", markup=False)
    else:
        _show_image(found)
    out().print("untested: compare with references of your own (veriscope compare), or make a study")


def _show_image(found: dict[str, Any]) -> None:
    now = "" if found["done"] else " (done before)"
    out().print(f"{counted(found['n_objects'], 'object')}; labels in {found['labels']}{now}", markup=False)
    if found.get("n_cut"):
        say(f"memory ran out {found['n_cut']} times; smaller parts did there, to the same result")
    if found.get("work", 0) > _MUCH_WORK:
        say(
            f"every pixel was predicted {found['work']:.0f} times, because parts need surroundings; "
            "a larger --tile or more --memory would be faster, to the same result"
        )
    if "probabilities" in found:
        out().print(f"probabilities of pixels in {found['probabilities']}", markup=False)
