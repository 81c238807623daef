"""How often the pixels tell what kind of image it is: the rule of `veriscope.workflow.modality` on real sets.

::

    python benchmarks/science/modality.py --data DIR              # all images of all sets
    python benchmarks/science/modality.py --data DIR --most 5     # a few of each
    python benchmarks/science/modality.py --data DIR --json FILE

Stacks are seen as the maximum over z. What a set is stands in its `dataset.json`, and here in the words of
the rule.
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
from veriscope.workflow.modality import look_of

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


def main() -> int:
    """Print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
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
