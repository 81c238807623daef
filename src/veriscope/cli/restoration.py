"""What `predict` does with methods that give images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from veriscope.cli.output import emit_json, out, say
from veriscope.methods.base import Method
from veriscope.methods.restoration import RestorationMethod
from veriscope.predict.restored import restore_folder, restore_image

__all__ = ["restore"]


def restore(method: Method, images: list[str], output: Path, *, json: bool, **options: Any) -> None:
    """Restore one image, or those of a folder, and say what came of it.

    Parameters
    ----------
    method
        Of the task ``restoration``.
    images
        Folder, files or pattern; one image if the output is an OME-Zarr folder.
    output
        Where to.
    json
        Whether to print JSON.
    **options
        As for `veriscope.predict.restored.restore_image`.

    Raises
    ------
    typer.Exit
        With 1 if an image failed, else with 0.
    """
    assert isinstance(method, RestorationMethod), "the task of a method tells its class"
    if output.suffix == ".zarr":
        found = restore_image(method, images[0], output, **options)
        rows = [{"image": found["image"], "details": found["details"]}]
        text = f"restored image in {output}" + ("" if found["done"] else " (done before)")
    else:
        found = restore_folder(method, images, output, **options)
        rows = found["images"]
        text = f"{found['n_images']} restored images ({found['n_done']} done now) in {output}"
    failed = found.get("failed", ())
    if json:
        emit_json(found)
        raise typer.Exit(1 if failed else 0)
    for fault in found.get("skipped", ()):
        say(f"skipped: {fault}")
    for row in failed:
        say(f"failed: {row['image']}: {row['failed']}", style="bold red")
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
    raise typer.Exit(1 if failed else 0)
