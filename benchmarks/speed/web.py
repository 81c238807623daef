"""How fast the app's server answers, also while jobs run and many people annotate.

::

    python benchmarks/speed/web.py                    # all cases
    python benchmarks/speed/web.py --quick            # fewer requests, a smaller image and table
    python benchmarks/speed/web.py --json FILE

A server of its own listens on loopback (HTTP, one process, as `veriscope serve` starts it), with a simulated
study. Times are from sending a request to having its whole answer, at the client, in the same computer:

- `requests, idle` and `requests, 2 jobs`: what a browser asks for when it shows a study, one request after
  another; in the second case while two jobs run candidates on two other studies.
- `20 annotators`: each posts strokes and saves tiles as fast as the server answers; every answer must be
  good, and every stroke and version must be there afterwards.
- `table, N rows`: a page of objects filtered by two columns and sorted.
- `image, side`: the metadata and the first pixels (lowest resolution) of a large image whose file has no
  lower resolutions: the first time, when they show a part of it, then until all of them are made, and again.

CPU ms is processor time of server and clients together, per request: it does not depend on what else the
computer does, as the times do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn

from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulationSettings
from veriscope.datasets.study import GroupSettings, StudySettings
from veriscope.datasets.write import write_study
from veriscope.server.app import create_app
from veriscope.server.settings import ServerSettings
from veriscope.workflow.study import Study

SCHEMA = "veriscope/benchmark-web/1"
TOKEN = "benchmark"
HEADER = (
    f"{'case':<28}{'requests':>9}{'median ms':>11}{'95 % ms':>9}{'longest ms':>12}{'CPU ms':>9}{'errors':>8}"
)
LINE = "{case:<28}{n:>9}{median_ms:>11.1f}{p95_ms:>9.1f}{max_ms:>9.1f}{cpu_ms:>9.1f}{n_errors:>7}"
ANNOTATORS = 20


def make_study(folder: Path, *, quick: bool) -> None:
    """Simulate nuclei, run one method, draw and annotate tiles, and judge."""
    scene = SceneSettings(height_px=256, width_px=256, density_per_mm2=4500, diameter_um=7)
    settings = StudySettings(
        simulation=SimulationSettings(scene=scene),
        groups=(GroupSettings(name="control"), GroupSettings(name="treated", density_factor=0.6)),
        replicates=2,
        images_per_replicate=2 if quick else 6,
    )
    data = folder.parent / f"{folder.name}-data"
    write_study(data, settings, seed=1)
    study = Study.new(
        folder,
        images=str(data / "images" / "*.tif"),
        object="nucleus",
        groups=str(data / "sheet.csv"),
        tolerance="10%",
        methods=("otsu-watershed",),
        tile_size=128,
    )
    study.run()
    study.audit(tiles=24)
    study.import_references(data / "labels", annotator="reference", whole_images=True)
    study.report()


class Server:
    """A server in a thread, and clients that are signed in."""

    def __init__(self, folder: Path, workers: int) -> None:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        listening.listen(256)
        self.address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = ServerSettings(
            folder=folder, token=TOKEN, port=listening.getsockname()[1], workers=workers
        )
        self.server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="error"))
        serve = self.server.serve(sockets=[listening])
        self.thread = threading.Thread(target=lambda: asyncio.run(serve), daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        found = httpx.Client(base_url=self.address, headers={"x-veriscope": "1"}, timeout=120)
        with found:
            found.post("/api/session", json={"token": TOKEN}).raise_for_status()
            yield found

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)


_cpu = {"since": time.process_time()}


def summary(case: str, times: list[float], n_errors: int = 0, **more: Any) -> dict[str, Any]:
    """Put times together, with the processor time of server and clients since the case before."""
    ordered = sorted(times)
    used, _cpu["since"] = time.process_time() - _cpu["since"], time.process_time()
    found = {
        "case": case,
        "n": len(times),
        "median_ms": 1000 * statistics.median(ordered),
        "p95_ms": 1000 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "max_ms": 1000 * ordered[-1],
        "cpu_ms": 1000 * used / len(times),
        "n_errors": n_errors,
    } | more
    print(LINE.format(**found), flush=True)
    return found


def timed(send: Callable[[], httpx.Response]) -> tuple[float, bool]:
    began = time.perf_counter()
    answer = send()
    return time.perf_counter() - began, answer.status_code < 400


def browse(client: httpx.Client, study: str, rounds: int) -> tuple[list[float], int]:
    """Ask for what a browser asks for when it shows a study."""
    base = f"/api/studies/{study}"
    image = client.get(f"{base}/images").json()["images"][0]
    unit = client.get(f"{base}/audit").json()["units"][0]["unit"]
    paths = [
        "/api/studies", base, f"{base}/images", image["thumbnail"], f"{image['zarr']}/zarr.json",
        f"{image['zarr']}/0/c/0/0", f"{base}/candidates", f"{base}/audit", f"{base}/audit/units/{unit}",
        f"{base}/audit/units/{unit}/pixels", f"{base}/audit/units/{unit}/annotation?annotator=reference",
        f"{base}/answer", f"{base}/tiles", f"{base}/objects?limit=100&sort=-area", "/api/jobs",
        f"{base}/objects/histogram?column=area", f"{base}/report",
    ]  # fmt: skip
    times, errors = [], 0
    for _ in range(rounds):
        for path in paths:
            seconds, good = timed(lambda path=path: client.get(path))  # type: ignore[misc]
            times.append(seconds)
            errors += not good
    return times, errors


def while_jobs_run(server: Server, client: httpx.Client, rounds: int) -> dict[str, Any]:
    """Browse one study while two others are predicted."""
    jobs = [
        client.post(f"/api/studies/{name}/jobs", json={"kind": "run"}).json()["id"]
        for name in ("busy1", "busy2")
    ]
    until = time.monotonic() + 60
    while time.monotonic() < until:
        states = [client.get(f"/api/jobs/{job}").json() for job in jobs]
        if all(state["done"] >= 1 for state in states):
            break
        time.sleep(0.05)
    times: list[float] = []
    errors = 0
    for _ in range(rounds):
        found, wrong = browse(client, "main", 1)
        states = [client.get(f"/api/jobs/{job}").json()["state"] for job in jobs]
        if times and states != ["running", "running"]:
            break  # only what was asked for while both ran counts
        times += found
        errors += wrong
    for job in jobs:
        client.delete(f"/api/jobs/{job}")
    return summary("requests, 2 jobs", times, errors)


def draw_tile(client: httpx.Client, base: str, number: int, n_strokes: int) -> Iterator[tuple[float, bool]]:
    """Draw strokes on a tile, and save it."""
    rng, who = np.random.default_rng(number), {"annotator": f"person {number}"}
    height, width = client.get(base).json()["shape"]
    labels = np.zeros((height, width), np.uint16)
    for stroke in range(1, n_strokes + 1):
        y, x = (int(rng.integers(0, length - 8)) for length in (height, width))
        labels[y : y + 8, x : x + 8] = stroke
        entry = {"seq": stroke, "time": "", "kind": "stroke", "data": {"y": y, "x": x}}
        batch = {"client": f"tab{number}", "entries": [entry]}
        yield timed(lambda batch=batch: client.post(f"{base}/journal", params=who, json=batch))  # type: ignore[misc]
    headers = {"content-type": "application/octet-stream", "x-dtype": "uint16", "if-none-match": "*"}
    headers["x-shape"] = f"{height},{width}"
    body = labels.tobytes()
    yield timed(lambda: client.put(f"{base}/annotation", params=who, content=body, headers=headers))


def annotate(server: Server, folder: Path, n_tiles: int, n_strokes: int) -> dict[str, Any]:
    """Have many people annotate at once; then look whether everything is there."""
    with server.client() as client:
        units = [unit["unit"] for unit in client.get("/api/studies/main/audit").json()["units"]][:n_tiles]
    times: list[list[float]] = [[] for _ in range(ANNOTATORS)]
    errors = [0] * ANNOTATORS

    def work(number: int) -> None:
        with server.client() as client:
            for unit in units:
                sent = draw_tile(client, f"/api/studies/main/audit/units/{unit}", number, n_strokes)
                for seconds, good in sent:
                    times[number].append(seconds)
                    errors[number] += not good

    threads = [threading.Thread(target=work, args=(number,)) for number in range(ANNOTATORS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    wall = time.perf_counter() - began
    lost = count_lost(folder / "main", units, n_strokes)
    print(f"  lost strokes: {lost[0]}, lost versions: {lost[1]}, in {wall:.0f} s", flush=True)
    flat = [seconds for mine in times for seconds in mine]
    return summary(
        f"{ANNOTATORS} annotators",
        flat,
        sum(errors),
        lost_strokes=lost[0],
        lost_versions=lost[1],
        wall_s=wall,
    )


def count_lost(study: Path, units: list[str], n_strokes: int) -> tuple[int, int]:
    """Compare what is on disk with what was confirmed."""
    strokes = versions = 0
    for unit in units:
        place = study / "annotations" / unit
        for number in range(ANNOTATORS):
            journal = place / f"person {number}.journal.jsonl"
            lines = journal.read_text().splitlines() if journal.exists() else []
            strokes += n_strokes - sum('"stroke"' in line for line in lines)
            versions += not list(place.glob(f"person {number}.v*.tif"))
    return strokes, versions


def large_table(folder: Path, client: httpx.Client, n_rows: int, rounds: int) -> dict[str, Any]:
    """Filter and sort a table of many objects."""
    import pandas as pd

    path = folder / "main" / "measurements" / "otsu-watershed.parquet"
    kept = path.read_bytes()
    frame = pd.read_parquet(path)
    frame = pd.concat([frame] * (n_rows // len(frame) + 1), ignore_index=True).iloc[:n_rows]
    frame["area"] = np.random.default_rng(0).gamma(4, 10, n_rows)
    frame.to_parquet(path)
    query = "/api/studies/main/objects?filter=area>{}&filter=group=control&sort=-area&limit=200"
    client.get(query.format(10)).raise_for_status()
    found = [timed(lambda n=n: client.get(query.format(20 + n % 30))) for n in range(rounds)]  # type: ignore[misc]
    path.write_bytes(kept)
    return summary(f"table, {n_rows:,} rows", [item[0] for item in found], sum(not item[1] for item in found))


def large_image(folder: Path, client: httpx.Client, side: int) -> list[dict[str, Any]]:
    """Open a large image: its lower resolutions are made in the background, from the first time on."""
    sys.path.insert(0, str(Path(__file__).parent))
    from predict import make_image
    from veriscope.workflow.config import AuditSettings, Candidate, StudyConfig
    from veriscope.workflow.layout import StudyFolder, StudyImage
    from veriscope.workflow.question import Question

    root = StudyFolder(folder / "large")
    make_image(root.root / "images" / "slide.ome.zarr", side)
    row = StudyImage(
        "slide", "all", "slide", "slide", "", "images/slide.ome.zarr", "yx", f"{side}x{side}", "uint16",
        "y=0.5;x=0.5", "",
    )  # fmt: skip
    root.write_images([row])
    config = StudyConfig(
        name="large",
        question=Question(),
        candidates=(Candidate(id="otsu-watershed", method="otsu-watershed"),),
        audit=AuditSettings(),
    )
    root.config.write_text(config.to_yaml())
    client.get("/api/studies/large")
    zarr = f"/files/large/images/slide/{_version(root, row)}"
    found = []
    _cpu["since"] = time.process_time()
    for case in ("first", "all made", "again"):
        began = time.perf_counter()
        while case == "all made" and "made" in _said(client, zarr):
            time.sleep(0.2)
        group = client.get(f"{zarr}/zarr.json").json()
        lowest = group["attributes"]["ome"]["multiscales"][0]["datasets"][-1]["path"]
        client.get(f"{zarr}/{lowest}/zarr.json").raise_for_status()
        good = client.get(f"{zarr}/{lowest}/c/0/0").status_code == 200
        found.append(summary(f"image {side:,}², {case}", [time.perf_counter() - began], int(not good)))
    return found


def _said(client: httpx.Client, zarr: str) -> dict[str, Any]:
    """What the server says of the image beside what OME-Zarr has."""
    attributes = client.get(f"{zarr}/zarr.json").json()["attributes"]
    return dict(attributes.get("veriscope", {}))


def _version(root: Any, row: Any) -> str:
    from veriscope.server.stores import image_version

    return image_version(root, row)


def run(*, quick: bool) -> dict[str, Any]:
    """Measure all cases.

    Parameters
    ----------
    quick
        Fewer requests, a smaller image and table.

    Returns
    -------
    dict
        ``veriscope/benchmark-web/1``.
    """
    rounds = 2 if quick else 12
    with tempfile.TemporaryDirectory() as place:
        os.environ["VERISCOPE_CACHE"] = str(Path(place) / "cache")
        folder = Path(place) / "studies"
        make_study(folder / "main", quick=quick)
        for name in ("busy1", "busy2"):
            shutil.copytree(folder / "main", folder / name)
            for part in ("predictions", "measurements"):
                shutil.rmtree(folder / name / part)
            text = (folder / name / "study.yaml").read_text()
            (folder / name / "study.yaml").write_text(
                text.replace("method: otsu-watershed", "method: log-spots")
            )
        print(HEADER, flush=True)
        server = Server(folder, workers=2)
        try:
            with server.client() as client:
                browse(client, "main", 1)
                _cpu["since"] = time.process_time()
                cases = [summary("requests, idle", *browse(client, "main", rounds))]
                cases.append(while_jobs_run(server, client, rounds))
                cases.append(annotate(server, folder, 2 if quick else 5, 4 if quick else 20))
                cases.append(large_table(folder, client, 2_000 if quick else 10_000, 5 if quick else 40))
                cases += large_image(folder, client, 2048 if quick else 32_768)
        finally:
            server.stop()
    return {
        "schema": SCHEMA,
        "quick": quick,
        "computer": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "cases": cases,
    }


def main() -> int:
    """Print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = run(quick=given.quick)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    bad = [case["case"] for case in found["cases"] if case["n_errors"]]
    lost = [case for case in found["cases"] if case.get("lost_strokes") or case.get("lost_versions")]
    for name in bad:
        print(f"errors in: {name}")
    return 1 if bad or lost else 0


if __name__ == "__main__":
    sys.exit(main())
