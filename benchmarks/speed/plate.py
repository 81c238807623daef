"""What reading, writing and recording cost on a plate of small images, beyond the computing itself.

::

    python benchmarks/speed/plate.py                 # 384 images of 256²
    python benchmarks/speed/plate.py --images 96     # another number
    python benchmarks/speed/plate.py --workers 2     # how much sooner two processes are done; 96 images
    python benchmarks/speed/plate.py --workers 2 --side 1024   # with larger images
    python benchmarks/speed/plate.py --quick         # 8 images
    python benchmarks/speed/plate.py --json FILE

A plate of simulated nuclei is written as OME-Zarr, then goes through `new`, `run` and `predict` with
nuclei-fluorescence. First the network finds the nuclei of all images, held in memory: that is the
computing. In the steps that follow its answers are given back from memory instead, so that what is left
is reading, writing, hashing and recording, and for `run` measuring, which is timed apart and taken off.
The share is this overhead divided by the computing, both in processor time, which other work on the
machine disturbs least; wall time, which also has the waits for the disk, stands beside it. A second `run`
and `predict` have nothing to do: they show what it takes to find that out.

With `--workers` a plate of fields of 512² (or `--side`) is predicted by one process that is kept to one
core, by one that may use all, and by several, each time from the start, in a process of its own; the best of
`--turns`. One process computes with all cores already, so several gain little beside it; what they gain
beside one core is how well the work is shared out. Beside the wall time stands the processor time of all
processes, which tells on a busy machine what several cost beyond one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulationSettings, simulate_image
from veriscope.io.folders import find_images
from veriscope.io.images import read_image
from veriscope.io.plates import write_plate
from veriscope.predict.folder import predict_folder
from veriscope.registry import make_method
from veriscope.workflow.measuring import measure_image
from veriscope.workflow.study import Study

SCHEMA = "veriscope/benchmark-plate/1"
METHOD = "nuclei-fluorescence"
SIDE = 256
LARGE_SIDE = 512
FIELDS = 4  # per well
WELLS = 24  # per row of wells
DIFFERENT = 8  # simulated fields; more images repeat them with noise of their own
GOAL = 0.10
HEADER = f"{'step':<16}{'CPU ms/image':>14}{'share':>8}{'wall ms/image':>16}{'share':>8}"
WORKERS_LINE = "{workers:<16}{cpu_s:>9.2f}{wall_s:>9.2f}{times_one_core:>16.2f}"
LINE = "{step:<16}{cpu_ms:>14.1f}{cpu_share:>8.1%}{wall_ms:>16.1f}{wall_share:>8.1%}"


def images(number: int, *, side: int = SIDE) -> Iterator[tuple[str, Image]]:
    """Give wells and fields of nuclei, 20 pixels wide, about 50 in 256²."""
    scene = SceneSettings(height_px=side, width_px=side, density_per_mm2=3000, diameter_um=10)
    settings = SimulationSettings(scene=scene)
    fields = [simulate_image(settings, seed=seed, name=str(seed)).image for seed in range(DIFFERENT)]
    rng = np.random.default_rng(0)
    for index in range(number):
        row, column = divmod(index // FIELDS, WELLS)
        base = fields[index % DIFFERENT]
        noisy = rng.poisson(base.pixels).astype(np.uint16)
        yield f"{chr(65 + row)}{column + 1:02d}", Image(noisy, base.axes, base.spacing, base.channels)


def clocked(work: Callable[[], Any]) -> tuple[float, float]:
    """Run something; processor and wall time in seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def measure(number: int, folder: Path) -> list[dict[str, Any]]:
    """Time every step on a plate of this many images."""
    plate = folder / "plate.ome.zarr"
    write_plate(plate, images(number))
    files = find_images(plate)
    held = [read_image(file.path) for file in files]
    held = [image.select_channel(0) if "c" in image.axes else image for image in held]
    method = make_method(METHOD, {})
    method.predict(held[0])  # loads the network
    results: list[Prediction] = []
    predicting = clocked(lambda: results.extend(method.predict(image) for image in held))
    pairs = list(zip(results, held, strict=True))
    measure_image(results[0].labels, held[0], None)
    measuring = clocked(lambda: [measure_image(found.labels, image, None) for found, image in pairs])
    known = {image.pixels.tobytes(): found for found, image in pairs}

    def remember(_: Any, image: Image) -> Prediction:
        return known[image.pixels.tobytes()]

    study, out = folder / "study", folder / "out"
    none = (0.0, 0.0)
    steps: list[tuple[str, Callable[[], Any], tuple[float, float]]] = [
        ("new", lambda: Study.new(study, images=plate, methods=(METHOD,)), none),
        ("run", lambda: Study(study).run(), measuring),
        ("run again", lambda: Study(study).run(), none),
        ("predict", lambda: predict_folder(method, [plate], out), none),
        ("predict again", lambda: predict_folder(method, [plate], out), none),
    ]
    rows = [row("(predicting)", number, predicting, none, predicting)]
    rows.append(row("(measuring)", number, measuring, none, predicting))
    with mock.patch.object(type(method), "_predict", remember):
        rows += [row(name, number, clocked(work), other, predicting) for name, work, other in steps]
    return rows


def with_workers(number: int, folder: Path, *, side: int, workers: int, turns: int) -> list[dict[str, Any]]:
    """Predict a plate by one process and by several, best of so many turns each."""
    plate = folder / "plate.ome.zarr"
    write_plate(plate, images(number, side=side))
    rows = []
    one = {min(os.sched_getaffinity(0))}
    for name, count, cores in (("1 on one core", 1, one), ("1", 1, None), (str(workers), workers, None)):
        took = [
            _predict_alone(plate, folder / f"out-{len(rows)}-{turn}", count, cores) for turn in range(turns)
        ]
        cpu, wall = (min(values) for values in zip(*took, strict=True))
        rows.append({"workers": name, "cpu_s": cpu, "wall_s": wall, "times_one_core": 1.0})
        rows[-1]["times_one_core"] = rows[0]["wall_s"] / wall
    return rows


def _predict_alone(plate: Path, out: Path, count: int, cores: set[int] | None) -> tuple[float, float]:
    """Predict in a process of its own; processor and wall time in seconds."""
    arguments = ["predict", METHOD, str(plate), "-o", str(out), "-q", "-p", "engine=onnxruntime"]
    arguments += ["--workers", str(count)]
    keep = f"import os; os.sched_setaffinity(0, {cores!r}); " if cores else ""
    start = f"{keep}import sys; from veriscope.cli import main; sys.argv[1:] = {arguments!r}; main()"
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", start], check=True, capture_output=True, env=environment)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begin
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def row(
    name: str,
    number: int,
    took: tuple[float, float],
    other: tuple[float, float],
    predicting: tuple[float, float],
) -> dict[str, Any]:
    """Give the figures of one step, in milliseconds per image."""
    cpu, wall = took[0] - other[0], took[1] - other[1]
    return {
        "step": name,
        "cpu_ms": 1000 * cpu / number,
        "wall_ms": 1000 * wall / number,
        "cpu_share": cpu / predicting[0],
        "wall_share": wall / predicting[1],
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--side", type=int, default=LARGE_SIDE, help="of the images, with --workers")
    parser.add_argument("--turns", type=int, default=3, help="of which the best counts, with --workers")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    number = 8 if options.quick else options.images or (96 if options.workers else 384)
    if options.workers:
        with tempfile.TemporaryDirectory() as folder:
            rows = with_workers(
                number, Path(folder), side=options.side, workers=options.workers, turns=options.turns
            )
        print(f"{number} images of {options.side} × {options.side} pixels, {METHOD}, best of {options.turns}")
        print(f"{'workers':<16}{'CPU s':>9}{'wall s':>9}{'times one core':>16}")
        for item in rows:
            print(WORKERS_LINE.format(**item))
        if options.json:
            record = {"schema": SCHEMA, "images": number, "side": options.side, "workers": rows}
            options.json.write_text(json.dumps(record, indent=2) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(number, Path(folder))
    print(f"{number} images of {SIDE} × {SIDE} pixels, {METHOD}; goal for new, run and predict: {GOAL:.0%}")
    print(HEADER)
    for item in rows:
        print(LINE.format(**item))
    if options.json:
        record = {
            "schema": SCHEMA,
            "images": number,
            "side": SIDE,
            "method": METHOD,
            "versions": {"python": platform.python_version(), "numpy": np.__version__},
            "steps": rows,
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
