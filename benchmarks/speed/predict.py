"""Time and memory of prediction part by part against prediction of the whole; same labels checked.

::

    python benchmarks/speed/predict.py                # 4096² and 8192², all methods that need no training
    python benchmarks/speed/predict.py --large        # also 16,384² and 32,768² (hours, 8 GB of disk)
    python benchmarks/speed/predict.py --memory       # bytes per pixel of each method, as its class states
    python benchmarks/speed/predict.py --quick        # 768² only
    python benchmarks/speed/predict.py --json FILE    # written anew after each row
    python benchmarks/speed/predict.py --folder DIR   # images and results stay there: what was killed goes on

Every run is a process of its own: its processor time, and the most memory it ever held, are those of the
prediction from file to file, with reading and writing. Images are simulated nuclei, written as OME-Zarr.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from veriscope.core.source import grid
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.io.ome_zarr import create_array, label_attributes

SCHEMA = "veriscope/benchmark-predict/1"
METHODS = ("otsu-watershed", "local-threshold-watershed", "log-spots", "nuclei-fluorescence")
FIELD = 1024  # one simulated field, repeated over the image with noise of its own everywhere
MEMORY = 2 << 30
HEADER = f"{'case':<34}{'side':>7}{'objects':>10}{'CPU s':>9}{'wall s':>9}{'peak MB':>9}{'ratio':>7}"
LINE = "{case:<34}{side:>7}{n_objects:>10,}{cpu_s:>9.1f}{wall_s:>9.1f}{peak_mb:>9.0f}{ratio:>7}"


def make_image(path: Path, side: int) -> None:
    """Write simulated nuclei, about 660 per million pixels, 12 µm wide at 0.5 µm per pixel."""
    from scipy import ndimage

    if path.exists():
        return
    rng = np.random.default_rng(0)
    field, made = min(side, FIELD), path.with_name(f"making-{path.name}")
    shutil.rmtree(made, ignore_errors=True)
    settings = SceneSettings(height_px=field, width_px=field, density_per_mm2=2600.0)
    scene = build_scene(settings, rng)
    light = 30 + ndimage.gaussian_filter(400.0 * (scene.labels > 0) * scene.depth**0.3, 1.2)
    attributes = label_attributes(path, "yx", {"y": 0.5, "x": 0.5})
    del attributes["image-label"]
    array = create_array(made, (side, side), np.dtype(np.uint16), "yx", attributes)
    for region in grid((side, side), array.shards or array.chunks):
        shape = [part.stop - part.start for part in region]
        repeated = np.tile(light, [-(-length // field) for length in shape])[: shape[0], : shape[1]]
        array[region] = rng.poisson(repeated).astype(np.uint16)
    made.rename(path)


def run_alone(kind: str, method: str, image: Path, output: Path, workers: int, tile: int) -> dict[str, Any]:
    """Do one prediction in a process of its own."""
    command = [
        sys.executable,
        __file__,
        "--run",
        kind,
        method,
        str(image),
        str(output),
        str(workers),
        str(tile),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def run_here(kind: str, method: str, image: Path, output: Path, workers: int, tile: int) -> dict[str, Any]:
    """Predict, and say what it took."""
    from veriscope.io.images import read_image
    from veriscope.io.ome_zarr import write_labels_zarr
    from veriscope.predict.image import predict_image
    from veriscope.predict.unfinished import record_path
    from veriscope.registry import make_method

    chosen = make_method(method)
    begin, wall = time.process_time(), time.perf_counter()
    found: dict[str, Any] = {}
    if kind == "whole":
        shutil.rmtree(output, ignore_errors=True)
        picture = read_image(image)
        result = chosen.predict(picture)
        write_labels_zarr(output, result.labels, spacing=picture.spacing)
        found["n_objects"] = result.n_objects
    else:
        memory = None if tile else MEMORY
        found |= predict_image(chosen, image, output, memory=memory, workers=workers, tile=tile or None)
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall, cpu = time.perf_counter() - wall, time.process_time() - begin + others.ru_utime + others.ru_stime
    peak = _most_held()
    if kind == "parts":
        if not found["done"]:  # it was there, made by a run that was killed after it
            found = json.loads(record_path(output).read_text(encoding="utf-8"))
            wall, cpu, peak = found["cost"]["wall_s"], found["cost"]["cpu_s"], 0
        peak = max(peak, found["cost"]["peak_memory_bytes"])  # of all processes together
    return {
        "n_objects": found["n_objects"],
        "tile": found.get("tile"),
        "n_grown": found.get("n_grown"),
        "n_parts": found.get("n_parts"),
        "n_parts_now": found.get("n_parts_now"),  # fewer: what it took is that of the rest of a run killed
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_mb": peak / 1024**2,
    }


def _most_held() -> int:
    """Bytes that this process held at most; `ru_maxrss` begins with the peak of the one that started it."""
    with contextlib.suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)


def compare(
    folder: Path, side: int, methods: list[str], *, whole: bool, workers: int
) -> Iterator[dict[str, Any]]:
    """Predict an image whole and part by part; a row for each."""
    from veriscope.io.labels import read_labels

    image = folder / f"{side}.ome.zarr"
    make_image(image, side)
    for method in methods:
        base = None
        for kind in ("whole", "parts") if whole else ("parts",):
            output = folder / f"{side}-{method}-{kind}.ome.zarr"
            row = {"case": f"{method} {kind}", "side": side, "workers": 1 if kind == "whole" else workers}
            row |= run_alone(kind, method, image, output, row["workers"], 0)
            base = row["cpu_s"] if kind == "whole" else base
            row["ratio"] = f"{row['cpu_s'] / base:.2f}" if base and kind == "parts" else ""
            print(LINE.format(**row), flush=True)
            yield row
        if whole:
            first, second = (
                read_labels(folder / f"{side}-{method}-{kind}.ome.zarr") for kind in ("whole", "parts")
            )
            assert np.array_equal(first, second), f"{method}: parts and whole differ"


def bytes_per_pixel(folder: Path, methods: list[str]) -> list[dict[str, Any]]:
    """How much more memory a crop needs than one half as large, per pixel."""
    rows = []
    for method in methods:
        peaks = []
        for side in (1024, 2048):
            image = folder / f"memory-{side}.ome.zarr"
            make_image(image, side)
            row = run_alone("parts", method, image, folder / f"{method}-{side}.ome.zarr", 1, side)
            peaks.append(row["peak_mb"] * 1024**2)
        slope = (peaks[1] - peaks[0]) / (2048**2 - 1024**2)
        rows.append({"method": method, "bytes_per_pixel": slope, "base_mb": peaks[0] / 1024**2 - slope})
        print(f"{method:<30}{slope:>8.0f} bytes per pixel, {peaks[0] / 2**20:.0f} MB at 1024²", flush=True)
    return rows


def keep(path: Path | None, rows: list[dict[str, Any]]) -> None:
    """Write what was measured so far, if it is wanted."""
    if path is not None:
        versions = {"python": platform.python_version(), "numpy": np.__version__}
        record = {"schema": SCHEMA, "versions": versions, "memory": MEMORY, "rows": rows}
        path.write_text(json.dumps(record, indent=2) + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Run the cases, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--sides", type=int, nargs="*")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--run", nargs=6, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.run:
        kind, method, image, output, workers, tile = options.run
        print(json.dumps(run_here(kind, method, Path(image), Path(output), int(workers), int(tile))))
        return
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        rows: list[dict[str, Any]] = []
        if options.memory:
            rows = bytes_per_pixel(folder, options.methods)
            keep(options.json, rows)
        else:
            print(HEADER)
            sides = options.sides or ([768] if options.quick else [4096, 8192])
            sides += [16384, 32768] if options.large else []
            for side in sides:
                whole = side <= 4096
                for row in compare(folder, side, options.methods, whole=whole, workers=options.workers):
                    rows.append(row)
                    keep(options.json, rows)


if __name__ == "__main__":
    main()
