"""Speed of `measure_objects` against `skimage.measure.regionprops_table`, same columns, same values.

::

    python benchmarks/speed/measure.py             # 256² / 30 and 2048² / 3,000 objects
    python benchmarks/speed/measure.py --large     # also 8192² / 50,000 objects (two minutes, 2 GB)
    python benchmarks/speed/measure.py --quick     # the smallest case only
    python benchmarks/speed/measure.py --json FILE
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import skimage
from numpy.typing import NDArray
from skimage.measure import regionprops_table

from veriscope.core.image import Image
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.measure.columns import PROPERTIES
from veriscope.measure.table import ObjectTable, measure_objects

SCHEMA = "veriscope/benchmark-measure/1"
PIXEL_UM = 0.5
# Side of the image and density (objects per mm² of 2,000 × 2,000 pixels) that give about n objects.
CASES = {
    "256² / 30": (256, 1600.0),  # one tile
    "2048² / 3,000": (2048, 2800.0),  # one camera image, the case of the goal
    "8192² / 50,000": (8192, 2900.0),  # a stitched well
}
# Where scikit-image finds eigenvalues numerically, exact zeros of ours come out as about 1e-8 there.
FLOOR = 1e-6
HEADER = (
    f"{'case':<16}{'objects':>9}{'ours s':>9}{'skimage s':>11}{'ratio':>8}"
    f"{'max rel diff':>14}{'memory MB':>11}"
)
LINE = (
    "{case:<16}{n_objects:>9,}{seconds:>9.4f}{skimage_seconds:>11.3f}{ratio:>8.1f}"
    "{largest_relative_difference:>14.1e}{peak_memory_mb:>11.1f}"
)


def make_case(side: int, density: float) -> tuple[NDArray[np.int32], NDArray[np.uint16]]:
    """Simulated nuclei with 16-bit noise as intensities."""
    rng = np.random.default_rng(0)
    settings = SceneSettings(height_px=side, width_px=side, pixel_size_um=PIXEL_UM, density_per_mm2=density)
    labels = build_scene(settings, rng).labels
    return labels, rng.integers(0, 1 << 16, labels.shape, dtype=np.uint16)


def best_time(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Shortest processor time of some runs, and the last result; both sides use one thread."""
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        result = work()
        times.append(time.process_time() - begin)
    return min(times), result


def peak_memory(work: Callable[[], Any]) -> float:
    """Largest memory allocated during the work, beyond what there was, in MB."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def largest_difference(table: ObjectTable, peer: dict[str, NDArray[Any]]) -> tuple[float, str]:
    """Largest relative difference over all columns, and the column."""
    numbered = {"centroid-y": "centroid-0", "centroid-x": "centroid-1", "bbox-y0": "bbox-0"}
    numbered |= {"bbox-x0": "bbox-1", "bbox-y1": "bbox-2", "bbox-x1": "bbox-3"}
    names = {item.name: item.skimage for item in PROPERTIES if item.skimage in peer}
    worst = (0.0, "")
    for ours, theirs in (names | numbered).items():
        if ours not in table.frame:
            continue
        a, b = table.frame[ours].to_numpy(dtype=float), np.asarray(peer[theirs], dtype=float)
        difference = float(np.max(np.abs(a - b) / np.maximum(np.abs(b), FLOOR)))
        worst = max(worst, (difference, ours))
    return worst


def run_case(name: str, *, repeats: int) -> dict[str, Any]:
    """Measure one case with both."""
    labels, pixels = make_case(*CASES[name])
    image = Image(pixels, "yx")
    possible = [p for p in PROPERTIES if 2 in p.dimensions and p.skimage]
    seconds, table = best_time(lambda: measure_objects(labels, image), repeats)
    peer_names = tuple(dict.fromkeys(p.skimage for p in possible))
    peer_repeats = repeats if len(table.frame) < 10_000 else 1
    peer_seconds, peer = best_time(
        lambda: regionprops_table(labels, pixels, properties=peer_names), peer_repeats
    )
    difference, column = largest_difference(table, peer)
    return {
        "case": name,
        "n_objects": len(table.frame),
        "seconds": seconds,
        "skimage_seconds": peer_seconds,
        "ratio": peer_seconds / seconds,
        "largest_relative_difference": difference,
        "in_column": column,
        "peak_memory_mb": peak_memory(lambda: measure_objects(labels, image)),
    }


def main(arguments: list[str] | None = None) -> None:
    """Run the cases, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args(arguments)
    names = list(CASES)[: 1 if options.quick else 3 if options.large else 2]
    print(HEADER)
    rows = []
    for name in names:
        rows.append(run_case(name, repeats=3 if options.quick else 5))
        print(LINE.format(**rows[-1]))
    if options.json:
        versions = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "skimage": skimage.__version__,
        }
        record = {"schema": SCHEMA, "versions": versions, "cases": rows}
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
