"""What `predict` does with methods that give images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from veriscope.cli.output import out
from veriscope.errors import InputError
from veriscope.methods.base import Method
from veriscope.methods.restoration import RestorationMethod
from veriscope.predict.restored import restore_folder, restore_image

__all__ = ["restore", "show_restored"]


def restore(
    method: Method, images: list[str], output: Path, *, probabilities: bool, **options: Any
) -> dict[str, Any]:
    """Restore one image, or those of a folder.

    Parameters
    ----------
    method
        Of the task ``restoration``.
    images
        Folder, files or pattern; one image if the output is an OME-Zarr folder.
    output
        Where to.
    probabilities
        Whether probabilities of pixels were asked for, which there are none of.
    **options
        As for `veriscope.predict.restored.restore_image`.

    Returns
    -------
    dict
        What `restore_image` or `restore_folder` gives.

    Raises
    ------
    InputError
        If probabilities were asked for.
    """
    assert isinstance(method, RestorationMethod), "the task of a method tells its class"
    if probabilities:
        raise InputError(f"{method.name} gives images, not probabilities; leave out --probabilities")
    if output.suffix == ".zarr":
        return restore_image(method, images[0], output, **options)
    return restore_folder(method, images, output, **options)


def show_restored(found: dict[str, Any]) -> None:
    """Say what came of it, and where tiles did not agree.

    Parameters
    ----------
    found
        As `restore` gives it.
    """
    rows = found.get("images", [found])
    if "images" in found:
        text = f"{found['n_images']} restored images ({found['n_done']} done now) in {found['output']}"
    else:
        text = f"restored image in {found['restored']}" + ("" if found["done"] else " (done before)")
    out().print(text, markup=False)
    blended = [row for row in rows if any(item["tiles"] == "blended" for item in row["details"])]
    if blended:
        # None where there was no place to compare tiles
        worst = [item["tile_difference"] for row in blended for item in row["details"]]
        largest = max((value for value in worst if value is not None), default=None)
        by = "by an amount that could not be measured" if largest is None else f"by up to {largest:.3g}"
        out().print(
            f"tiles do not agree where they meet ({by}, in units of the result) and were blended in "
            f"{len(blended)} of {len(rows)} images: the model sees farther than its tiles",
            markup=False,
        )
    out().print("untested: compare with references of your own (veriscope compare)")
