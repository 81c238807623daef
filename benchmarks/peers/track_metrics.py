"""Judge tracks with `py-ctcmetrics` and `traccuracy`; run with the Python of their environment.

::

    python track_metrics.py CASES.npz RESULT.json

The archive holds for each case k: `k_reference` and `k_prediction`, label images (t, y, x), and
`k_reference_rows` and `k_prediction_rows`, their tables of track, first, last, parent. Writes a list with one
object per case: the values of each package by metric, None where it gives none or stops.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import traccuracy.metrics as peer_metrics
from ctc_metrics.scripts.evaluate import evaluate_sequence
from traccuracy.loaders import load_ctc_data
from traccuracy.matchers import CTCMatcher

CTC = ["Valid", "DET", "SEG", "TRA", "LNK", "CHOTA", "HOTA", "BC"]


def write(folder: Path, frames: np.ndarray, rows: np.ndarray, *, prefix: str, table: str) -> None:
    """Write a sequence as the Cell Tracking Challenge stores it."""
    folder.mkdir(parents=True)
    for number, frame in enumerate(frames):
        tifffile.imwrite(folder / f"{prefix}{number:03d}.tif", frame.astype(np.uint16))
    lines = [" ".join(str(int(value)) for value in row) for row in rows]
    (folder / table).write_text("\n".join(lines) + "\n")


def plain(value: Any) -> float | None:
    """Turn what JSON cannot hold into None."""
    return None if value is None or not math.isfinite(float(value)) else float(value)


def by_ctcmetrics(root: Path) -> dict[str, float | None]:
    """Ask py-ctcmetrics; divisions with a tolerance of 0 and 1."""
    found = evaluate_sequence(str(root / "01_RES"), str(root / "01_GT"), list(CTC), threads=1)
    assert found["Valid"] == 1
    values = {key.lower(): plain(found[key]) for key in CTC[1:-1]}
    return values | {f"division_f1@{i}": plain(found[f"BC({i})"]) for i in (0, 1, 2)}


def by_traccuracy(root: Path) -> dict[str, float | None]:
    """Ask traccuracy; divisions where all matches are one to one, as it demands."""
    tracks = {}
    for side, folder, table in (("gt", "01_GT/TRA", "man_track.txt"), ("pred", "01_RES", "res_track.txt")):
        tracks[side] = load_ctc_data(str(root / folder), str(root / folder / table), run_checks=False)
    matched = CTCMatcher().compute_mapping(tracks["gt"], tracks["pred"])
    found = peer_metrics.CTCMetrics().compute(matched).results
    values = {key.lower(): plain(found[key]) for key in ("DET", "TRA", "LNK")}
    values["chota"] = plain(peer_metrics.CHOTAMetric().compute(matched).results["CHOTA"])
    if matched.matching_type == "one-to-one":
        divisions = peer_metrics.DivisionMetrics(max_frame_buffer=0).compute(matched).results
        values["division_f1@0"] = plain(divisions["Frame Buffer 0"]["Division F1"])
    return values


def main() -> None:
    """Judge all cases."""
    cases = np.load(sys.argv[1])
    results = []
    for k in range(len(cases.files) // 4):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            reference, rows = cases[f"{k}_reference"], cases[f"{k}_reference_rows"]
            for kind, prefix in (("TRA", "man_track"), ("SEG", "man_seg")):
                write(root / "01_GT" / kind, reference, rows, prefix=prefix, table="man_track.txt")
            prediction, rows = cases[f"{k}_prediction"], cases[f"{k}_prediction_rows"]
            write(root / "01_RES", prediction, rows, prefix="mask", table="res_track.txt")
            result: dict[str, Any] = {}
            for name, judge in (("py-ctcmetrics", by_ctcmetrics), ("traccuracy", by_traccuracy)):
                quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
                with quiet[0], quiet[1], warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        result[name] = judge(root)
                    except Exception as error:
                        result[name] = {"error": f"{type(error).__name__}: {error}"[:200]}
            results.append(result)
    Path(sys.argv[2]).write_text(json.dumps(results))


if __name__ == "__main__":
    main()
