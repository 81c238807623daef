"""What every run over many images does, whatever is made of them, before the first and after the last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from veriscope.errors import InputError, VeriscopeError, raise_together
from veriscope.io.file_images import of_its_file, with_series
from veriscope.io.folders import FoundImages, ImageFile, find_images
from veriscope.io.hashing import sha256_of
from veriscope.methods.base import Method

__all__ = ["find_apart", "shared_hashes", "summary_of", "usable_files"]


def find_apart(
    images: str | Path | Sequence[str | Path],
    output: Path,
    *,
    result: str,
    series: int | Literal["each"] | None = None,
) -> FoundImages:
    """Find images, none of which lies where the results will.

    Parameters
    ----------
    images
        Folder, file, glob pattern, or several of them.
    output
        Folder for the results.
    result
        What is made of them, for the message.
    series
        Which images of the files, as for `veriscope.io.file_images.with_series`.

    Returns
    -------
    FoundImages
        The images.

    Raises
    ------
    InputError
        If there are none, two have the same name, or the output is where they are, or in one of them.
    """
    found = find_images(images)
    if any(file.path.resolve().parent == output.resolve() for file in found):
        raise InputError(f"{output} holds the images; choose another folder for {result}")
    folders = {folder for file in found for folder in (file.path, *file.path.parents) if _is_image(folder)}
    inside = sorted(folder for folder in folders if output.resolve().is_relative_to(folder.resolve()))
    if inside:
        raise InputError(
            f"{output} lies in {inside[0]}, and images are never changed; choose another folder for {result}"
        )
    return with_series(found, series)


def _is_image(folder: Path) -> bool:
    """Whether a folder is an image, or a plate of them."""
    return folder.suffix == ".zarr"


def usable_files(
    found: Sequence[ImageFile], check: Callable[[ImageFile], object], *, skip_bad: bool
) -> tuple[list[ImageFile], list[VeriscopeError]]:
    """Look at all images before the first is predicted, so that a run of hours does not stop at a bad one.

    Parameters
    ----------
    found
        The images.
    check
        Raises an error for one that cannot be used.
    skip_bad
        Whether it is enough if one can be used.

    Returns
    -------
    files, faults
        Those that can be used, and what is wrong with the others.

    Raises
    ------
    InputError
        If some cannot be used; all are named.
    """
    files: list[ImageFile] = []
    faults: list[VeriscopeError] = []
    sharing = _sharing(found)
    for file in found:
        try:
            check(file)
            files.append(file)
        except VeriscopeError as error:
            faults.append(of_its_file(error, file.series if file.path in sharing else None))
    if faults and (not skip_bad or not files):
        raise_together(
            faults,
            what=f"{len(faults)} of {len(found)} images cannot be used",
            remedy="Nothing was written. Mend or remove them, or leave them out with --skip-bad.",
        )
    return files, faults


def _sharing(found: Sequence[ImageFile]) -> set[Path]:
    """Give the files of which several images are taken."""
    return {path for path, number in Counter(file.path for file in found).items() if number > 1}


def shared_hashes(files: Sequence[ImageFile]) -> dict[Path, str]:
    """Hash each file of which several images are taken, once instead of for every image.

    Parameters
    ----------
    files
        The images.

    Returns
    -------
    dict
        SHA-256 by path, of these files alone.
    """
    return {path: sha256_of(path) for path in sorted(_sharing(files))}


def summary_of(
    schema: str,
    method: Method,
    output: Path,
    rows: Iterable[dict[str, Any]],
    *,
    faults: Sequence[VeriscopeError],
    ignored: Sequence[Path],
) -> dict[str, Any]:
    """Say what came of all images.

    Parameters
    ----------
    schema
        Of the summary.
    method
        That predicted them.
    output
        Folder of the results.
    rows
        One per image, with ``done``; with ``failed`` where the method failed.
    faults
        Of files that were left out.
    ignored
        Files that are no images.

    Returns
    -------
    dict
        Plain values: method, number of images, one entry per image, those on which the method failed, and
        what was left out.
    """
    rows = list(rows)
    done = [row for row in rows if "failed" not in row]
    return {
        "schema": schema,
        "method": method.describe(),
        "evidence": "untested",
        "output": str(output),
        "n_images": len(done),
        "n_done": sum(row["done"] for row in done),
        "images": done,
        "failed": [row for row in rows if "failed" in row],
        "skipped": [str(fault) for fault in faults],
        "ignored_files": [str(path) for path in ignored],
    }
