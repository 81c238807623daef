"""Time of the network `nuclei-fluorescence` by each engine and precision, and what it changes.

::

    python benchmarks/speed/engines.py --data DIR            # 1024² pixels, 1 and 2 threads
    python benchmarks/speed/engines.py --data DIR --quick    # 256² pixels, 1 thread
    python benchmarks/speed/engines.py --data DIR --json FILE

Every engine that is installed is timed. Engines take turns, so that other work on the machine disturbs all of
them; the time is the median of the rounds, in wall time and in processor time, and the ratio is that of ONNX
Runtime in float32 with as many threads. Objects are compared with those of ONNX Runtime in float32: on the
validation images of dsb2018_fluorescence, or on the test input of the network where there are no data.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from veriscope.core.image import Image
from veriscope.methods.networks.engine_check import check_network
from veriscope.methods.networks.engines import ENGINES, EngineName, Precision
from veriscope.methods.networks.network_settings import NetworkParameters
from veriscope.methods.networks.normalise import normalise_percentiles
from veriscope.methods.networks.nuclei_fluorescence import NucleiFluorescence
from veriscope.validate.instances import compare_instances

SCHEMA = "veriscope/benchmark-engines/1"
HEADER = (
    f"{'engine':<14}{'precision':<11}{'threads':>7}{'wall s/Mpx':>12}{'CPU s/Mpx':>11}{'ratio':>7}"
    f"{'peak B/px':>11}{'largest':>10}{'mean':>10}{'same images':>13}{'F1@0.5':>8}{'F1@0.9':>8}"
)
LINE = (
    "{engine:<14}{precision:<11}{threads:>7}{wall_s_per_mpx:>12.2f}{cpu_s_per_mpx:>11.2f}{ratio:>7.2f}"
    "{peak_bytes_per_pixel:>11.0f}{largest:>10.1e}{mean:>10.1e}{same:>13}{f1_05:>8.4f}{f1_09:>8.4f}"
)


@dataclass(frozen=True)
class Case:
    """An engine in a precision."""

    engine: EngineName
    precision: Precision


def cases() -> list[Case]:
    """All that can run here, the reference first."""
    names: list[Any] = [name for name, engine in ENGINES.items() if engine.installed()]
    return [Case(name, precision) for name in names for precision in ENGINES[name].precisions]


def read_images(data: Path | None, *, quick: bool) -> list[NDArray[Any]]:
    """Validation images; without data, the test input of the network."""
    if data is None:
        path = Path(str(NucleiFluorescence.package.weights("float32"))).with_name("test_input.npy")
        return [np.load(path)[0, 0]]
    folder = data / "dsb2018_fluorescence"
    lines = (folder / "split.csv").read_text().splitlines()
    columns = lines[0].split(",")
    rows = [dict(zip(columns, line.split(","), strict=True)) for line in lines[1:]]
    stems = [row["stem"] for row in rows if row["split"] == "val"]
    return [
        np.asarray(PillowImage.open(folder / "images" / f"{stem}.png"))
        for stem in stems[: 3 if quick else None]
    ]


def make_input(side: int) -> NDArray[np.float32]:
    """The test input of the network, repeated."""
    path = Path(str(NucleiFluorescence.package.weights("float32"))).with_name("test_input.npy")
    pixels = normalise_percentiles(np.load(path)[0, 0])
    times = -(-side // len(pixels))
    return np.ascontiguousarray(np.tile(pixels, (times, times))[:side, :side])[None, None]


def time_all(side: int, threads: int, rounds: int) -> dict[Case, dict[str, float]]:
    """Seconds per megapixel of each engine; they take turns."""
    values = make_input(side)
    networks = {
        case: ENGINES[case.engine].open(
            NucleiFluorescence.package.weights(case.precision).read_bytes(),
            threads=threads,
            precision=case.precision,
        )
        for case in cases()
    }
    walls: dict[Case, list[float]] = {case: [] for case in networks}
    cpus: dict[Case, list[float]] = {case: [] for case in networks}
    for turn in range(rounds + 1):
        for case, network in networks.items():
            wall, cpu = time.perf_counter(), time.process_time()
            network(values)
            if turn:  # the first is for warming up
                walls[case].append(time.perf_counter() - wall)
                cpus[case].append(time.process_time() - cpu)
    mpx = values.size / 1e6
    return {
        case: {
            "wall_s_per_mpx": statistics.median(walls[case]) / mpx,
            "cpu_s_per_mpx": statistics.median(cpus[case]) / mpx,
        }
        for case in networks
    }


def measure_memory(case: Case, side: int) -> float:
    """Bytes per pixel that a run adds to the most memory held, in a process of its own."""
    command = [sys.executable, __file__, "--peak", case.engine, case.precision, str(side)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def peak(case: Case, side: int) -> float:
    """Run a small image, then a large one, and give the memory added per pixel."""
    network = ENGINES[case.engine].open(
        NucleiFluorescence.package.weights(case.precision).read_bytes(), threads=1, precision=case.precision
    )
    network(make_input(64))
    values = make_input(side)
    before = peak_bytes()
    network(values)
    return (peak_bytes() - before) / values.size


def peak_bytes() -> int:
    """Most memory that this process held; `resource` would count that of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def find_objects(images: list[NDArray[Any]], case: Case) -> list[NDArray[np.int32]]:
    """Label images by the whole method."""
    options = NetworkParameters(engine=case.engine, precision=case.precision)
    method = NucleiFluorescence(options)
    method.limit_threads(1)
    return [method.predict(Image(pixels, "yx")).labels for pixels in images]


def compare(images: list[NDArray[Any]]) -> dict[Case, dict[str, Any]]:
    """Outputs against the stored ones, and objects against those of the reference."""
    found: dict[Case, dict[str, Any]] = {}
    reference: list[NDArray[np.int32]] = []
    for case in cases():
        network = ENGINES[case.engine].open(
            NucleiFluorescence.package.weights(case.precision).read_bytes(),
            threads=1,
            precision=case.precision,
        )
        largest, mean = check_network(network, NucleiFluorescence.package.examples("float32"))
        labels = find_objects(images, case)
        reference = reference or labels
        metrics = compare_instances(reference, labels, thresholds=(0.5, 0.9)).metrics
        found[case] = {
            "largest": largest,
            "mean": mean,
            "n_same": sum(np.array_equal(a, b) for a, b in zip(reference, labels, strict=True)),
            "n_images": len(images),
            "n_objects": sum(int(item.max()) for item in labels),
            "f1_05": metrics["f1@0.5"].value,
            "f1_09": metrics["f1@0.9"].value,
        }
    return found


def run(data: Path | None, *, quick: bool = False) -> dict[str, Any]:
    """All rows with what is needed to repeat them."""
    side, all_threads, rounds = (256, [1], 2) if quick else (1024, [1, 2], 5)
    changed = compare(read_images(data, quick=quick))
    linux = sys.platform == "linux"
    memory = {case: measure_memory(case, side) if linux else float("nan") for case in cases()}
    print(HEADER)
    rows = []
    for threads in all_threads:
        times = time_all(side, threads, rounds)
        base = next(iter(times.values()))["cpu_s_per_mpx"]
        for case, seconds in times.items():
            row: dict[str, Any] = {"engine": case.engine, "precision": case.precision, "threads": threads}
            row |= {"version": ENGINES[case.engine].version(), **seconds, **changed[case]}
            row |= {"ratio": base / seconds["cpu_s_per_mpx"], "peak_bytes_per_pixel": memory[case]}
            print(LINE.format(**row, same=f"{row['n_same']} of {row['n_images']}"), flush=True)
            rows.append(row)
    machine = {"system": platform.platform(), "cores": os.cpu_count(), "python": platform.python_version()}
    return {
        "schema": SCHEMA,
        "quick": quick,
        "side": side,
        "rounds": rounds,
        "rows": rows,
        "machine": machine,
    }


def main(arguments: list[str] | None = None) -> int:
    """Print the table; write JSON on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=os.environ.get("VERISCOPE_DATA", beside))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--peak", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peak:
        engine, precision, side = options.peak
        print(peak(Case(engine, precision), int(side)))
        return 0
    result = run(options.data if options.data.is_dir() else None, quick=options.quick)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
