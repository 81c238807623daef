"""What each built-in method costs per pixel, and from that what a campaign of plates would cost.

::

    python benchmarks/speed/cost.py                 # 12 fields of 1080 × 1080, and the campaign
    python benchmarks/speed/cost.py --quick         # 2 fields of 256 × 256, two methods
    python benchmarks/speed/cost.py --json FILE     # measured figures and campaign as JSON
    python benchmarks/speed/cost.py --from FILE --plates 500 --wells 96 --core-hour 0.02    # another campaign
    python benchmarks/speed/cost.py --overhead      # what measuring itself costs per step

Fields are simulated nuclei in uncompressed 16-bit TIFF. Each method runs over them by `veriscope run --json`
in a process of its own, on one processor core where the system allows that; figures are those that the
command prints. The campaign multiplies them; nothing of it has been run at that size.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from veriscope.core.cost import Assumptions, Usage, footprint
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.io.record import Record
from veriscope.io.usage import UsageMeter, size_of
from veriscope.registry import method_names
from veriscope.workflow.study import Study

SCHEMA = "veriscope/benchmark-cost/1"
FIELDS, SIDE = 12, 1080
TRAINING_TILES = 6
HEADER = (
    f"{'method':<27}{'predict':>9}{'measure':>9}{'whole run':>11}{'peak MB':>9}{'files':>7}{'bytes/px':>10}"
)
LINE = (
    "{method:<27}{predict_us:>9.3f}{measure_us:>9.3f}{run_us:>11.3f}{peak_mb:>9.0f}{n_files:>7.1f}"
    "{bytes_written:>10.3f}"
)


def make_fields(folder: Path, n: int, side: int) -> None:
    """Write fields of nuclei, about 660 per million pixels, 12 µm wide at 0.5 µm per pixel; and labels."""
    from scipy import ndimage

    for kind in ("images", "labels"):
        (folder / kind).mkdir()
    for index in range(n):
        rng = np.random.default_rng(index)
        scene = build_scene(SceneSettings(height_px=side, width_px=side, density_per_mm2=2600.0), rng)
        light = 30 + ndimage.gaussian_filter(400.0 * (scene.labels > 0) * scene.depth**0.3, 1.2)
        scale = {"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}  # 0.5 µm per pixel
        name = f"field{index:02d}.tif"
        tifffile.imwrite(folder / "images" / name, rng.poisson(light).astype(np.uint16), **scale)
        tifffile.imwrite(folder / "labels" / name, scene.labels.astype(np.int32), **scale)


def run_alone(study: Path, method: str) -> dict[str, Any]:
    """`veriscope run --json` in a process of its own, on one core."""

    def one_core() -> None:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    command = [sys.executable, "-c", "from veriscope.cli import main; main()"]
    done = subprocess.run(
        [*command, "run", str(study), "--only", method, "--json"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=one_core if os.name == "posix" else None,
    )
    return dict(json.loads(done.stdout))


def measure(folder: Path, n: int, side: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Per-pixel cost of every method that is built in, and of making the study."""
    make_fields(folder, n, side)
    pixels = n * side * side
    names = [name for name in method_names() if ":" not in name][: 2 if n == 2 else None]
    with UsageMeter() as meter:
        study = Study.new(
            folder / "study", images=folder / "images", object="nucleus", methods=tuple(names), in_place=True
        )
    made = {"new_us": 1e6 * meter.usage.cpu_s / pixels, "image_bytes": size_of(folder / "images") / pixels}
    waiting, rows = [], []
    print("CPU time in µs per pixel, memory in MB, files per field, bytes written per pixel\n" + HEADER)
    for name in names:
        found = run_alone(study.path, name)
        if found["candidates"][0]["n_objects"] is None:
            waiting.append(name)
            continue
        rows.append(row_of(study.path, name, found, n, pixels))
        print(LINE.format(**rows[-1]), flush=True)
    if waiting:  # for annotated tiles
        study.audit(training=TRAINING_TILES)
        study.import_references(folder / "labels", whole_images=True)
    for name in waiting:
        rows.append(row_of(study.path, name, run_alone(study.path, name), n, pixels))
        print(LINE.format(**rows[-1]), flush=True)
    return rows, made


def row_of(study: Path, method: str, found: dict[str, Any], n: int, pixels: int) -> dict[str, Any]:
    """Per-pixel figures of one run, by what the command printed and the record of its steps."""
    run = found["cost"]["this_run"]
    own = [entry for entry in Record(study).entries() if any(f"/{method}" in out for out in entry["outputs"])]
    predicted = [entry for entry in own if entry["step"] == "predict"]
    measured = [entry for entry in own if entry["step"] == "measure"]
    each = [entry["cost"]["cpu_s"] for entry in predicted]
    typical = statistics.median(each[1:])  # the first loads, or trains
    training = max(0.0, each[0] - typical) if method == "pixel-forest" else 0.0
    made = [path for entry in own for path in entry["outputs"]]
    files = sum(len([p for p in [study / out, *(study / out).rglob("*")] if p.is_file()]) for out in made)
    return {
        "method": method,
        "predict_us": 1e6 * typical * n / pixels,
        "measure_us": 1e6 * sum(entry["cost"]["cpu_s"] for entry in measured) / pixels,
        "run_us": 1e6 * (run["cpu_s"] - training) / pixels,
        "training_s": training,
        "peak_mb": run["peak_memory_bytes"] / 1e6,
        "bytes_read": sum(entry["cost"]["bytes_read"] for entry in predicted) / pixels,
        "bytes_written": sum(entry["cost"]["bytes_written"] for entry in own) / pixels,
        "n_files": files / n,
        "n_objects": found["candidates"][0]["n_objects"],
    }


def campaign(
    rows: list[dict[str, Any]], made: dict[str, Any], options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Multiply: processor time, cores for a deadline, storage, requests, energy, carbon and price."""
    fields = options.plates * options.wells * options.fields_per_well
    pixels = fields * options.field_side**2
    image_tb = pixels * options.channels * made["image_bytes"] / 1e12
    reads = fields * options.channels
    print(
        f"\ncampaign: {options.plates:,} plates × {options.wells} wells × {options.fields_per_well} fields "
        f"of {options.field_side}² pixels = {fields:,} fields, {pixels:.3g} pixels per channel\n"
        f"{options.channels} channels of 16 bit: {image_tb:,.0f} TB, "
        f"${image_tb * 1000 * options.gb_month:,.0f} per month; "
        f"{reads:,} files to read: ${reads / 1000 * options.get:,.0f}"
    )
    head = f"{'method':<27}{'CPU s/plate':>12}{'core hours':>12}{'cores':>8}{'GB/core':>9}{'results TB':>12}"
    print(head + f"{'kWh':>8}{'kg CO2':>8}{'$':>8}")
    found = []
    for row in rows:
        seconds = pixels * (row["run_us"] + made["new_us"]) * 1e-6
        memory = row["peak_mb"] * 1e6
        used = Usage(wall_s=seconds, cpu_s=seconds, peak_memory_bytes=int(memory))
        estimate = footprint([used], Assumptions.from_environment(os.environ))
        assert estimate.energy_wh is not None and estimate.carbon_g is not None
        item = {
            "method": row["method"],
            "cpu_s_per_plate": seconds / options.plates,
            "core_hours": seconds / 3600,
            "cores": -(-seconds // (options.days * 86400)),
            "gb_per_core": memory / 1e9,
            "results_tb": pixels * row["bytes_written"] / 1e12,
            "energy_kwh": estimate.energy_wh / 1000,
            "carbon_kg": estimate.carbon_g / 1000,
            "dollars": seconds / 3600 * options.core_hour,
        }
        found.append(item)
        print(
            f"{item['method']:<27}{item['cpu_s_per_plate']:>12,.0f}{item['core_hours']:>12,.0f}"
            f"{item['cores']:>8,.0f}{item['gb_per_core']:>9.1f}{item['results_tb']:>12.2f}"
            f"{item['energy_kwh']:>8,.0f}{item['carbon_kg']:>8,.0f}{item['dollars']:>8,.0f}"
        )
    print(
        f"cores: fully busy, to be done in {options.days:g} days; $: at {options.core_hour} per core and hour"
    )
    return found


def overhead() -> None:
    """Processor time of measuring nothing."""
    times = []
    for _ in range(300):
        with UsageMeter() as outer, UsageMeter():
            pass
        times.append(outer.usage.cpu_s)
    print(f"measuring a step: median {1e6 * statistics.median(times):.0f} µs, most {1e6 * max(times):.0f} µs")


def main(arguments: list[str] | None = None) -> None:
    """Measure, multiply, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--from", type=Path, dest="measured", help="JSON of an earlier run")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--overhead", action="store_true")
    parser.add_argument("--plates", type=int, default=10_000)
    parser.add_argument("--wells", type=int, default=384)
    parser.add_argument("--fields-per-well", type=int, default=9)
    parser.add_argument("--field-side", type=int, default=1080)
    parser.add_argument("--channels", type=int, default=5)
    parser.add_argument("--days", type=float, default=3.0)
    parser.add_argument("--core-hour", type=float, default=0.0425, help="dollars")
    parser.add_argument("--gb-month", type=float, default=0.023, help="dollars")
    parser.add_argument("--get", type=float, default=0.0004, help="dollars per 1,000 requests")
    options = parser.parse_args(arguments)
    if options.overhead:
        overhead()
        return
    if options.measured:
        earlier = json.loads(options.measured.read_text())
        rows, made = earlier["methods"], earlier["new"]
    else:
        n, side = (2, 256) if options.quick else (FIELDS, SIDE)
        with tempfile.TemporaryDirectory() as folder:
            rows, made = measure(Path(folder), n, side)
    multiplied = campaign(rows, made, options)
    if options.json:
        versions = {"python": platform.python_version(), "numpy": np.__version__}
        record = {
            "schema": SCHEMA,
            "versions": versions,
            "methods": rows,
            "new": made,
            "campaign": multiplied,
        }
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
