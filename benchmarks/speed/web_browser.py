"""How fast the app is in a browser without a graphics card: a large image, painting, a filtered table.

::

    python benchmarks/speed/web_browser.py                  # all cases, a 32,768² image
    python benchmarks/speed/web_browser.py --only painting  # one of image, painting, table
    python benchmarks/speed/web_browser.py --quick          # a 2,048² image, fewer rows, shorter strokes
    python benchmarks/speed/web_browser.py --json FILE

Chromium without a window (`VERISCOPE_CHROMIUM`, else the one on PATH) opens the pages that `veriscope serve`
gives, with input as its own protocol sends it; WebGL is drawn by the processor (SwiftShader). Needs Node and
the built front end (`make web`).

- `image`: from the start of loading the page, with an empty cache, to the first frame that shows the image:
  one whose file has a pyramid, opened for the first time; one whose file has none, opened for the first time
  (the first frame shows a part of it then; the rest comes while it is looked at, and the time until all of it
  is there is printed too); and the latter opened again.
- `painting`: frames per second while a brush stroke is drawn on a tile of 512² pixels with 500 objects.
- `table`: from typing into the filter of a table to the frame that shows the rows that match.

Processor time of the browser's processes is what each would need alone: it tells more than the clock on a
computer that does other things.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA = "veriscope/benchmark-web-browser/1"
ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("VERISCOPE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
GOALS = {"image": "2,000 ms", "painting": "30 frames/s", "table": "100 ms"}
IMAGES = {
    "own_pyramid": "the file has a pyramid, opened for the first time",
    "no_pyramid": "the file has none, opened for the first time",
    "again": "the same opened again",
}
TILE = 1024
SECONDS = 900


def make_large(folder: Path, side: int, *, with_pyramid: bool) -> None:
    """Write a study of one image of side × side pixels: simulated nuclei, the same in every chunk."""
    import zarr
    from scipy import ndimage

    from veriscope.datasets.scene import SceneSettings, build_scene
    from veriscope.io.ome_zarr import image_attributes
    from veriscope.io.pyramid import halve, level_shapes, pyramid_attributes
    from veriscope.workflow.config import AuditSettings, Candidate, StudyConfig
    from veriscope.workflow.layout import StudyFolder, StudyImage
    from veriscope.workflow.question import Question

    rng = np.random.default_rng(0)
    scene = build_scene(SceneSettings(height_px=TILE, width_px=TILE, density_per_mm2=2600.0), rng)
    light = 30 + ndimage.gaussian_filter(400.0 * (scene.labels > 0) * scene.depth**0.3, 1.2)
    root = StudyFolder(folder)
    path = root.root / "images" / "slide.ome.zarr"
    attributes = image_attributes(path, "yx", {"y": 0.5, "x": 0.5})
    shapes = level_shapes((side, side), "yx") if with_pyramid else [(side, side)]
    if with_pyramid:
        attributes = pyramid_attributes("slide", "yx", {"y": 0.5, "x": 0.5}, shapes)
    group = zarr.create_group(str(path), attributes={"ome": attributes})
    piece = rng.poisson(light).astype(np.uint16)
    for level, shape in enumerate(shapes):
        array = group.create_array(str(level), shape=shape, chunks=(TILE, TILE), dtype="uint16")
        times = min(2**level, side // TILE)
        array[:TILE, :TILE] = np.tile(piece, (times, times))
        _repeat_chunk(path / str(level) / "c", -(-shape[0] // TILE))
        piece = halve(piece, is_labels=False)
    row_of_image = StudyImage(
        "slide", "all", "slide", "slide", "", "images/slide.ome.zarr", "yx", f"{side}x{side}", "uint16",
        "y=0.5;x=0.5", "",
    )  # fmt: skip
    root.write_images([row_of_image])
    candidate = Candidate(id="otsu-watershed", method="otsu-watershed")
    config = StudyConfig(name="large", question=Question(), candidates=(candidate,), audit=AuditSettings())
    root.config.write_text(config.to_yaml())


def _repeat_chunk(chunks: Path, n: int) -> None:
    """Have the first chunk of an array of n × n chunks in the place of all."""
    for row in range(n):
        (chunks / str(row)).mkdir(exist_ok=True)
        for column in range(n):
            if row or column:
                os.link(chunks / "0" / "0", chunks / str(row) / str(column))


def make_dense(folder: Path) -> None:
    """Make a study of one tile of 512² pixels with 500 objects, drawn for the audit."""
    import tifffile

    from veriscope.workflow.study import Study

    y, x = np.mgrid[:512, :512]
    disc = np.hypot((y % 23) - 11, (x % 22) - 11) < 7
    noise = np.random.default_rng(0).poisson(20, (512, 512))
    images = folder.parent / f"{folder.name}-images"
    images.mkdir()
    tifffile.imwrite(images / "dense.tif", (120 * disc + noise).astype(np.uint8))
    options = {"object": "nucleus", "spacing": {"y": 0.5, "x": 0.5}, "tile_size": 512}
    study = Study.new(folder, images=str(images), methods=("otsu-watershed",), **options)
    study.run()
    study.audit(tiles=5)


def make_table(folder: Path, n_rows: int, *, quick: bool) -> None:
    """Make a study whose table of objects has many rows, of 100 names of images."""
    import pandas as pd

    sys.path.insert(0, str(Path(__file__).parent))
    from web import make_study

    make_study(folder, quick=quick)
    path = folder / "measurements" / "otsu-watershed.parquet"
    frame = pd.read_parquet(path)
    frame = pd.concat([frame] * (n_rows // len(frame) + 1), ignore_index=True).iloc[:n_rows]
    rng = np.random.default_rng(0)
    frame["area"] = rng.gamma(4, 10, n_rows)
    frame["image_id"] = [
        f"tag{tag:02d}-{name}"
        for tag, name in zip(rng.integers(0, 100, n_rows), frame["image_id"], strict=True)
    ]
    frame.to_parquet(path)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder of studies as a user does; gives the address with its token."""
    command = [sys.executable, "-c", "from veriscope.cli import main; main()"]
    with subprocess.Popen(
        [*command, "serve", str(folder), "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as server:
        assert server.stdout is not None
        for line in server.stdout:
            if found := re.search(r"http\S+token=\S+", line):
                break
        else:
            raise SystemExit("the server did not start")
        try:
            yield found[0]
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def until_made(address: str, study: str) -> float:
    """Wait until all lower resolutions of a study's image are there; gives the seconds it took."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(address).close()
    base = address.partition("/?")[0]
    with opener.open(f"{base}/api/studies/{study}/images") as answer:
        zarr = json.load(answer)["images"][0]["zarr"]
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        with opener.open(f"{base}{zarr}/zarr.json") as answer:
            said = json.load(answer)["attributes"].get("veriscope", {})
        if "made" not in said:
            return time.perf_counter() - began
        time.sleep(0.1)
    raise SystemExit(f"the lower resolutions are not there after {SECONDS} s: {said}")


def drive(address: str, cases: dict[str, Any], profile: Path | None) -> dict[str, Any]:
    """Run the cases in the browser."""
    sys.path.insert(0, str(ROOT / "scripts"))
    import web_assets

    if not Path(CHROMIUM).exists():
        raise SystemExit(
            f"no Chromium at {CHROMIUM}; install it (Debian: chromium) or set VERISCOPE_CHROMIUM"
        )
    if not (ROOT / web_assets.ASSETS / "index.html").is_file():
        raise SystemExit("the front end is not built; run `make web`")
    node = web_assets.node_folder() / "node"
    with tempfile.TemporaryDirectory() as pictures:
        words = [str(node), "tests/speed.mjs", address, json.dumps(cases), pictures]
        done = subprocess.run(
            [*words, *([str(profile.resolve())] if profile else [])],
            cwd=ROOT / "web",
            env={**os.environ, "VERISCOPE_CHROMIUM": CHROMIUM},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    if not done.stdout:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def open_images(address: str) -> dict[str, Any]:
    """Open images in a browser that is started anew for each."""
    found: dict[str, Any] = {"faults": []}
    for name, study in (("own_pyramid", "pyramid"), ("no_pyramid", "plain"), ("again", "plain")):
        if name == "again":
            found["made_s"] = until_made(address, study)
        opened = drive(address, {"image": {"study": study, "image": "slide"}}, None)
        found["faults"] += opened["faults"]
        found |= {"browser": opened["browser"], name: opened.get("image")}
    return found


def run(*, quick: bool, only: str | None = None, profile: Path | None = None) -> dict[str, Any]:
    """Measure the cases.

    Parameters
    ----------
    quick
        A smaller image and table, and a shorter stroke.
    only
        One of ``image``, ``painting``, ``table``; None: all.
    profile
        Where to write a profile of the painting.

    Returns
    -------
    dict
        ``veriscope/benchmark-web-browser/1``.
    """
    side, n_rows = (2048, 2_000) if quick else (32_768, 10_000)
    cases: dict[str, Any] = {"seconds": 1 if quick else 5}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "studies"
        os.environ["VERISCOPE_CACHE"] = str(Path(place) / "cache")
        if only in (None, "image"):
            make_large(folder / "pyramid", side, with_pyramid=True)
            make_large(folder / "plain", side, with_pyramid=False)
        if only in (None, "painting"):
            folder.mkdir(parents=True, exist_ok=True)
            make_dense(folder / "dense")
            cases["painting"] = {"study": "dense", "unit": "dense_tile000"}
        if only in (None, "table"):
            make_table(folder / "table", n_rows, quick=quick)
            cases["table"] = {"study": "table", "words": [f"tag{n:02d}" for n in range(2 if quick else 20)]}
        with serving(folder) as address:
            found = drive(address, cases, profile) if len(cases) > 1 else {"faults": []}
            if only in (None, "image"):
                found["image"] = open_images(address)
                found["image"]["side"] = side
                found["faults"] += found["image"].pop("faults")
    return {
        "schema": SCHEMA,
        "quick": quick,
        "computer": f"{platform.machine()}, {os.cpu_count()} cores, no graphics card",
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        **found,
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Say in words what was measured."""
    if image := found.get("image"):
        for name, words in IMAGES.items():
            if case := image[name]:
                yield (
                    f"image {image['side']:,}², {words}: first pixels after {case['shown_ms']:,.0f} ms "
                    f"(goal {GOALS['image']}), metadata asked for after {case['metadata_ms']:,.0f} ms, "
                    f"{case['chunks_before']} chunks before; {_cpu(case['cpu_ms'])}"
                )
        yield f"lower resolutions of the image without any were all there {image['made_s']:.1f} s later"
    if stroke := found.get("painting"):
        yield (
            f"painting, {stroke['objects']} objects: {stroke['per_second']:.1f} frames/s (goal "
            f"{GOALS['painting']}), between frames {stroke['median_ms']:.1f} ms in the median, "
            f"{stroke['p95_ms']:.1f} ms at 95 %, {stroke['max_ms']:.0f} ms at most; "
            f"{stroke['moves_seen']} of {stroke['moves_sent']} positions drawn; per frame "
            f"{_cpu(stroke['cpu_ms_per_frame'])}"
        )
    if table := found.get("table"):
        yield (
            f"table, {table['rows']:,} rows: filtered in {table['median_ms']:.0f} ms in the median (goal "
            f"{GOALS['table']}), {table['p95_ms']:.0f} ms at 95 %, {table['n']} filters; per filter "
            f"{_cpu(table['cpu_ms'])}"
        )
    yield f"load of the computer in the last minute: {(found['load_average'] or [float('nan')])[0]:.1f}"


def _cpu(by_process: dict[str, float]) -> str:
    return "processor time " + ", ".join(f"{kind} {ms:.0f} ms" for kind, ms in by_process.items())


def main() -> int:
    """Print what was measured, and write JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=["image", "painting", "table"])
    parser.add_argument("--profile", type=Path, help="write a profile of the painting to this file")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found = run(quick=given.quick, only=given.only, profile=given.profile)
    for line in lines(found):
        print(line)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    for fault in found["faults"]:
        print(f"fault: {fault}")
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
