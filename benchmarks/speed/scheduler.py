"""What it costs to send work to a Dask cluster, beside the work.

::

    python benchmarks/speed/scheduler.py            # 2 workers; about two minutes
    python benchmarks/speed/scheduler.py --quick    # some seconds
    python benchmarks/speed/scheduler.py --json FILE

Empty pieces of work show the cost of sending one: alone, and in batches as they are sent by default. Pieces
that take a known time (they sleep, so other load on the computer counts little) show the share of the time
that workers are not at work: 1 - pieces x seconds / (workers x wall time). Real pieces are parts of a
simulated image; how long each took is measured in the worker, and the labels are compared with those of
this process alone, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import platform
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed

from veriscope.predict import dask_executor
from veriscope.predict.dask_executor import DaskExecutor

SCHEMA = "veriscope/benchmark-scheduler/1"
HEADER = (
    f"{'case':<34}{'pieces':>8}{'s/piece':>10}{'batches':>9}{'wall s':>9}{'ms/piece':>10}{'overhead':>10}"
)
LINE = "{case:<34}{n:>8}{seconds:>10.4f}{batches:>9}{wall_s:>9.2f}{ms:>10.2f}{overhead:>10}"


@dataclass(frozen=True)
class Sleep:
    """Work that takes a known time and no processor."""

    seconds: float

    def __call__(self, unit: int) -> dict[str, Any]:
        if self.seconds:
            time.sleep(self.seconds)
        return {"unit": unit}

    def lighter(self, unit: int) -> Sleep:
        return self

    def prepare(self, threads: int) -> None:
        pass


def measure(client: Any, folder: Path, work: Any, n: int, *, together: bool, workers: int) -> dict[str, Any]:
    """Do some pieces and say what they cost beside their own time."""
    before, dask_executor._BATCH_SECONDS = dask_executor._BATCH_SECONDS, 1.0 if together else 0.0
    executor = DaskExecutor(client, folder)
    list(executor.run(work, range(2 * workers)))  # so that the first reading of the work is not counted
    executor.n_batches = 0
    started, cpu = time.perf_counter(), time.process_time()
    list(executor.run(work, range(n)))
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    dask_executor._BATCH_SECONDS = before
    ideal = math.ceil(n / workers) * work.seconds
    return {
        "n": n,
        "seconds": work.seconds,
        "together": together,
        "batches": executor.n_batches,
        "wall_s": wall,
        "cpu_s": cpu,
        "ms": 1000 * (wall - ideal) * workers / n,
        "overhead": f"{1 - ideal / wall:.1%}" if work.seconds else "",
        "overhead_share": 1 - ideal / wall if work.seconds else None,
    }


class Watched(DaskExecutor):
    """Remembers how long workers worked, and how long the whole took."""

    busy = wall = 0.0
    n = 0

    def run(self, work: Any, units: Any) -> Any:
        started = time.perf_counter()
        for unit, result in super().run(work, units):
            if "seconds" in result:
                self.busy += result["seconds"]
                self.n += 1
            yield unit, result
        if self.n and not self.wall:
            self.wall = time.perf_counter() - started


def real_parts(client: Any, folder: Path, side: int, *, workers: int) -> dict[str, Any]:
    """Predict parts of an image on the cluster; also here, to compare the bytes."""
    from predict import make_image
    from veriscope.io.hashing import sha256_of
    from veriscope.predict.image import predict_image
    from veriscope.registry import make_method

    method = make_method("log-spots", {"diameter": 12})
    first, image = folder / "first.ome.zarr", folder / "image.ome.zarr"
    make_image(first, 512)
    make_image(image, side)
    # So that what workers import the first time is not counted.
    predict_image(
        method, first, folder / "first" / "o.ome.zarr", tile=64, executor=DaskExecutor(client, folder)
    )
    executor = Watched(client, folder)
    hashes = set()
    for name, where in (("here", None), ("cluster", executor)):
        output = folder / name / "o.ome.zarr"
        predict_image(method, image, output, tile=256, executor=where)
        hashes.add(sha256_of(output))
    share = 1 - executor.busy / (workers * executor.wall)
    return {
        "case": f"parts of 256² of {side}²",
        "n": executor.n,
        "seconds": executor.busy / executor.n,
        "batches": executor.n_batches,
        "wall_s": executor.wall,
        "ms": 1000 * (executor.wall * workers - executor.busy) / executor.n,
        "overhead": f"{share:.1%}",
        "overhead_share": share,
        "same_bytes": len(hashes) == 1,
    }


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Measure all cases."""
    workers = 2
    found = []
    options: dict[str, Any] = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with (
        tempfile.TemporaryDirectory() as name,
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, **options) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        folder, n_empty, longest = Path(name), 200 if quick else 2000, 1.0 if quick else 6.0
        for together in (False, True):
            text = "in batches" if together else "one by one"
            for seconds in (0.0, 0.05) if quick else (0.0, 0.01, 0.02, 0.05, 0.1, 0.2):
                n = max(8, min(n_empty, int(longest * workers / seconds))) if seconds else n_empty
                work = Sleep(seconds)
                row = measure(client, folder, work, n, together=together, workers=workers)
                found.append({"case": f"{'sleep' if seconds else 'empty'}, {text}"} | row)
        found.append(real_parts(client, folder, 512 if quick else 3072, workers=workers))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    options = parser.parse_args()
    found = rows(quick=options.quick)
    print(HEADER)
    for row in found:
        print(LINE.format(**row))
    if options.json:
        machine = {"python": platform.python_version(), "distributed": distributed.__version__}
        content = {"schema": SCHEMA, "machine": machine, "rows": found}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
