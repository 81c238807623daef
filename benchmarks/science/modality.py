"""How often the pixels tell what kind of image it is: the rule of `veriscope.workflow.modality` on real sets.

::

    python benchmarks/science/modality.py --data DIR              # all images of all sets
    python benchmarks/science/modality.py --data DIR --most 5     # a few of each
    python benchmarks/science/modality.py --data DIR --json FILE
    python benchmarks/science/modality.py --data DIR --phase      # phase contrast and bright field

Stacks are seen as the maximum over z. What a set is stands in its `dataset.json`, and here in the words of
the rule. With ``--phase`` a limit of the place of the background between phase contrast and stained cells in
bright field (seen without their colours) is chosen half way between all sets but one, and judged on that one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from veriscope.core.image import Image
from veriscope.errors import AxesError
from veriscope.io.images import read_image
from veriscope.workflow.modality import background_place, look_of

SCHEMA = "veriscope/benchmark-modality/1"
SETS = {
    "bccd_blood_detection": ("stained blood, bright field", "colour"),
    "bone_marrow_points": ("stained marrow, bright field", "colour"),
    "dsb2018_histology": ("H&E and others", "colour"),
    "wbc_types_tecom": ("stained blood, bright field", "colour"),
    "dsb2018_brightfield": ("grey bright field", "grey"),
    "isbi2012_em_membranes": ("electron microscopy", "grey"),
    "emps_particles": ("electron microscopy of particles", "grey"),
    "label_free_neurons": ("transmitted light", "grey"),
    "c2c12_timelapse": ("phase contrast", "grey"),
    "t98g_phase_contrast": ("phase contrast", "grey"),
    "drosophila_histone_timelapse": ("fluorescence in false colours", "fluorescence"),
    "dsb2018_fluorescence": ("fluorescence", "fluorescence"),
    "mouse_embryo_nuclei_3d": ("fluorescence, stack", "fluorescence"),
    "stardist_demo": ("fluorescence, one of two a stack", "fluorescence"),
    "w2s_denoising": ("fluorescence, noisy", "fluorescence"),
}
PHASE = ("c2c12_timelapse", "label_free_neurons", "t98g_phase_contrast")
STAINED = (
    "bccd_blood_detection",
    "bone_marrow_points",
    "dsb2018_brightfield",
    "dsb2018_histology",
    "wbc_types_tecom",
)
SUFFIXES = (".png", ".tif", ".jpg")


def images_of(folder: Path) -> list[Path]:
    """Name the image files of a set, not its labels or targets."""
    places = [folder / name for name in ("images", "noisy") if (folder / name).is_dir()] or [folder]
    return sorted(path for path in places[0].rglob("*") if path.suffix in SUFFIXES)


def read_plane(path: Path) -> Image:
    """Read an image; of a stack the maximum over z."""
    try:
        image = read_image(path)
    except AxesError:
        image = read_image(path, axes="zyx")
    if "z" not in image.axes:
        return image
    where = image.axes.index("z")
    return replace(image, pixels=image.pixels.max(where), axes=image.axes.replace("z", ""), spacing=None)


def run(data: Path, most: int | None = None) -> dict[str, Any]:
    """Judge the images of all sets that are there.

    Parameters
    ----------
    data
        Folder of the sets.
    most
        Images of a set; None: all.

    Returns
    -------
    dict
        ``veriscope/benchmark-modality/1``.
    """
    rows = []
    for name, (what, expected) in SETS.items():
        if not (data / name).is_dir():
            continue
        told = Counter(look_of(read_plane(path)) for path in images_of(data / name)[:most])
        n = sum(told.values())
        wrong = {str(look): count for look, count in told.items() if look not in (expected, None)}
        row = {"set": name, "what": what, "expected": expected, "n": n, "right": told[expected]}
        rows.append(row | {"not_told": told[None], "wrong": wrong})
    return {"schema": SCHEMA, "sets": rows}


def leave_one_out(data: Path, most: int | None = None) -> list[dict[str, Any]]:
    """Tell phase contrast from stained cells, each set by a limit that was chosen without it.

    Parameters
    ----------
    data, most
        As for `run`.

    Returns
    -------
    list of dict
        ``set``, ``n``, smallest and largest place of the background, ``limit`` and ``right`` of each set; of
        several channels the first is seen.
    """
    places = {}
    for name in (*PHASE, *STAINED):
        images = [read_plane(path) for path in images_of(data / name)[:most]]
        found = [background_place(image, 0 if "c" in image.axes else None) for image in images]
        places[name] = [place for place in found if place is not None]
    rows = []
    for name, own in places.items():
        phase = max(max(places[other]) for other in PHASE if other != name)
        stained = min(min(places[other]) for other in STAINED if other != name)
        limit = (phase + stained) / 2
        right = sum((place < limit) == (name in PHASE) for place in own)
        row = {"set": name, "n": len(own), "smallest": min(own), "largest": max(own)}
        rows.append(row | {"limit": limit, "right": right})
    return rows


def show_phase(rows: list[dict[str, Any]]) -> None:
    """Print the table of `leave_one_out`."""
    print("| set left out | images | place of the background | limit of the others | right |")
    print("|---|---|---|---|---|")
    for row in rows:
        span = f"{row['smallest']:.2f} to {row['largest']:.2f}"
        print(f"| {row['set']} | {row['n']} | {span} | {row['limit']:.2f} | {row['right']} |")


def main() -> int:
    """Print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--phase", action="store_true")
    given = parser.parse_args()
    if given.phase:
        show_phase(leave_one_out(given.data, given.most))
        return 0
    found = run(given.data, given.most)
    print("| set | what it is | images | right | not told | wrong |\n|---|---|---|---|---|---|")
    for row in found["sets"]:
        wrong = ", ".join(f"{count} {look}" for look, count in row["wrong"].items()) or "0"
        print(f"| {row['set']} | {row['what']} | {row['n']} | {row['right']} | {row['not_told']} | {wrong} |")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
