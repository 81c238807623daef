"""Records as the workflow writes them: a full one, the smallest one, and a hostile one."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np

from veriscope.report.methods_text import methods_text

from .candidates import candidate, candidates
from .pictures import shown_tiles

HOSTILE = "<script>alert('x')</script>\"'&"


def _group(name: str, values: tuple[float, ...], **changes: Any) -> dict[str, Any]:
    estimate, low, high, naive, labelled, labelled_low, labelled_high = values
    group = {
        "group": name,
        "estimate": estimate,
        "low": low,
        "high": high,
        "level": 0.9,
        "estimator": "Hansen–Hurwitz with t interval",
        "n_tiles_audited": 20,
        "n_images": 12,
        "n_replicates": 3,
        "naive": naive,
        "labelled_only": {"estimate": labelled, "low": labelled_low, "high": labelled_high},
        "status": "ok",
        "reason": None,
        "extra_tiles_needed": None,
        "assumptions": ["The audited tiles were annotated without error."],
        "evidence": "audited",
    }
    return {**group, **changes}


def _reliability(method: str, excess: float) -> dict[str, Any]:
    """Five bins of which the share that was right differs from the stated one by the excess."""
    bins = [
        {
            "n_cases": 10 * (number + 1),
            "low": stated - 0.1,
            "high": stated + 0.1,
            "stated": stated,
            "observed": {
                "value": stated + excess,
                "low": max(0.0, stated + excess - 0.09),
                "high": min(1.0, stated + excess + 0.09),
            },
        }
        for number, stated in enumerate((0.1, 0.3, 0.5, 0.7, 0.9))
    ]
    shown = abs(excess) > 0.05
    return {
        "method": method,
        "n_objects": 150,
        "iou": 0.5,
        "bins": bins,
        "excess": {"value": excess, "low": excess - 0.05, "high": excess + 0.05, "level": 0.95},
        "calibration_error": {"value": abs(excess), "low": 0.03 if shown else 0.0, "high": 0.13},
        "shown": shown,
        "sentence": "The method is too sure of its objects." if shown else "Nothing is shown.",
    }


def _agreement(method: str, slope: float, spread: float, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    reference = rng.negative_binomial(2, 0.1, 40).astype(float)
    prediction = np.maximum(np.round(slope * reference + rng.normal(0, spread, 40)), 0)
    difference = prediction - reference
    mean, sd = float(difference.mean()), float(difference.std(ddof=1))
    half = 1.68 * sd / np.sqrt(40)
    return {
        "method": method,
        "unit": "tile",
        "points": np.stack([reference, prediction], axis=1).tolist(),
        "mean_difference": mean,
        "low": mean - half,
        "high": mean + half,
        "limits": [mean - 1.96 * sd, mean + 1.96 * sd],
        "slope": slope - 1,
    }


def _reasons() -> list[dict[str, Any]]:
    return [
        {
            "check": "naive-within-tolerance",
            "status": "fails",
            "text": "The model alone is 8.7 % below the corrected count in control; the question allows 5 %.",
            "value": -0.087,
            "threshold": 0.05,
            "figure": "fig-estimate",
        },
        {
            "check": "residuals-correlate",
            "status": "holds",
            "text": "Predictions and references of 40 audited tiles correlate with r = 0.97.",
            "value": 0.97,
            "threshold": 0.8,
            "figure": "fig-agreement",
        },
        {
            "check": "enough-tiles",
            "status": "cannot-tell",
            "text": "In dose 10 µM, 4 audited tiles are too few for an interval.",
            "value": None,
            "threshold": 8,
            "figure": "sec-audit",
        },
        {
            "check": "best-candidate",
            "status": "holds",
            "text": "No other candidate has a better F1 at IoU 0.5.",
            "value": 0.912,
            "threshold": None,
            "figure": "tab-candidates",
        },
    ]


def _cost() -> dict[str, Any]:
    predict = {"step": "predict", "n_steps": 144, "n_unmeasured": 0, "wall_s": 412.0, "cpu_s": 396.3}
    predict |= {"gpu_s": None, "peak_memory_bytes": 812_000_000, "energy_wh": 2.2, "carbon_g": 0.98}
    predict |= {"bytes_read": 75_500_000, "bytes_written": 3_200_000}
    old = {"step": "report", "n_steps": 1, "n_unmeasured": 1, "wall_s": 1.5, "energy_wh": None}
    total = predict | {"n_steps": 145, "n_unmeasured": 1, "wall_s": 413.5}
    pue = {"name": "pue", "value": 1.56, "unit": "", "meaning": "power of the centre", "source": "a survey"}
    intensity = {
        "name": "carbon_g_per_kwh",
        "value": 445.0,
        "unit": "g CO2/kWh",
        "meaning": "carbon intensity",
    }
    return {
        "schema": "veriscope/cost/1",
        "total": total,
        "steps": [predict, old],
        "assumptions": [pue | {"variable": "VERISCOPE_PUE"}, intensity | {"source": "world average of 2024"}],
    }


def _audit(rng: np.random.Generator) -> dict[str, Any]:
    rows = [
        {
            "unit": f"tile-{index:03d}",
            "image": f"plate1_well{index % 12}",
            "group": ["control", "dose 1 µM", "dose 10 µM"][index % 3],
            "probability": float(rng.uniform(0.001, 0.01)),
            "draws": 1 + int(index % 9 == 0),
            "reference": float(rng.integers(0, 40)),
            "prediction": float(rng.integers(0, 40)),
        }
        for index in range(38)
    ]
    return {
        "n_drawn": 44,
        "n_distinct": 38,
        "n_annotated": 38,
        "tile_size": 128,
        "seed": 7,
        "design": "Within each group tiles were drawn independently, with replacement, half of each draw's "
        "probability spread evenly over the tiles and half in proportion to what the candidates predict.",
        "sized_by": ["nuclei-fluorescence", "otsu-watershed"],
        "constant": 0.5,
        "reference_source": "drawn in Fiji by one annotator",
        "rows": rows,
    }


@cache
def _full() -> dict[str, Any]:
    groups = [
        _group("control", (9932.4, 9122.0, 10742.8, 9072.0, 9400.0, 5300.0, 13500.0)),
        _group("dose 1 µM", (7421.0, 6902.0, 7940.0, 7188.0, 7010.0, 3960.0, 10060.0)),
        _group(
            "dose 10 µM",
            (float("nan"), float("nan"), float("nan"), 3120.0, 2900.0, float("nan"), float("nan")),
            status="cannot-tell",
            reason="4 audited tiles, 2 of them with objects, are too few for an interval.",
            extra_tiles_needed=14,
            n_tiles_audited=4,
        ),
    ]
    assumption = ["Replicates are independent."]
    contrast = {"level": 0.9, "status": "ok", "reason": None, "assumptions": assumption}
    broken = {"estimate": None, "low": None, "high": None, "p_value": None, "p_adjusted": None}
    dose_1 = {"group_a": "control", "group_b": "dose 1 µM"}
    contrasts = [
        {**dose_1, **contrast, "kind": "difference", "estimate": -209.28, "low": -289.4, "high": -129.2}
        | {"p_value": 0.0004, "p_adjusted": 0.0008},
        {"group_a": "control", "group_b": "dose 10 µM", **contrast, "kind": "difference", **broken}
        | {"status": "cannot-tell", "reason": "dose 10 µM has no estimate"},
        {**dose_1, **contrast, "kind": "ratio", "estimate": 0.747, "low": 0.667, "high": 0.837}
        | {"p_value": 0.021, "p_adjusted": 0.042},
    ]
    record: dict[str, Any] = {
        "schema": "veriscope/report/1",
        "title": "Does the compound lower the number of nuclei?",
        "created": "2026-03-14T15:09:26+00:00",
        "veriscope": "0.1.0",
        "study": {
            "name": "compound-screen",
            "n_images": 36,
            "n_replicates": 9,
            "spacing": "0.5 × 0.5 µm",
            "channel": "DAPI",
            "warnings": ["3 of 36 images are saturated in more than 1 % of their pixels."],
        },
        "question": {
            "object": "nucleus",
            "measure": "count",
            "text": "How many nuclei are there in each group?",
            "unit": "nuclei",
            "tolerance": 0.05,
            "level": 0.9,
        },
        "evidence": "audited",
        "estimate": {
            "schema": "veriscope/estimate/1",
            "question": {},
            "method": "nuclei-fluorescence",
            "groups": groups,
            "contrasts": contrasts,
            "contrast_unit": "per image",
        },
        "verdict": {
            "schema": "veriscope/verdict/1",
            "verdict": "use-with-correction",
            "method": "nuclei-fluorescence",
            "text": "The model misses about one nucleus in twelve; with the audit's correction two of three "
            "groups have an answer.",
            "reasons": _reasons(),
        },
        "candidates": candidates(),
        "comparisons": [
            {"a": "nuclei-fluorescence", "b": "otsu-watershed", "metric": "f1@0.5", "difference": 0.066}
            | {"low": 0.021, "high": 0.111, "verdict": "A better"},
            {
                "a": "otsu-watershed",
                "b": "local-threshold-watershed",
                "metric": "f1@0.5",
                "difference": -0.015,
            }
            | {"low": -0.049, "high": 0.019, "verdict": "cannot separate"},
        ],
        "agreement": [
            _agreement("nuclei-fluorescence", 0.93, 1.5, 1),
            _agreement("otsu-watershed", 0.8, 4.0, 2),
        ],
        "reliability": [_reliability("nuclei-fluorescence", -0.08), _reliability("pixel-forest", 0.0)],
        "audit": _audit(np.random.default_rng(5)),
        "tiles": shown_tiles(),
        "truth": {
            "source": "veriscope simulate, seed 11",
            "groups": {"control": 9850.0, "dose 1 µM": 7388.0, "dose 10 µM": 3530.0},
        },
        "cost": _cost(),
        "environment": {
            "python": "3.11.9",
            "platform": "Linux x86_64",
            "packages": {"numpy": "2.1.0", "scikit-image": "0.25.0", "onnxruntime": "1.22.0"},
        },
        "reproduce": [
            "veriscope run my-study",
            "veriscope audit my-study --tiles 20 --seed 7",
            "veriscope report my-study",
        ],
        "record": {"n_entries": 214, "sha256": "9f2c" * 16},
    }
    record["methods_text"] = methods_text(record)
    return record


def full_record() -> dict[str, Any]:
    """Three groups, one of them without an answer; five candidates, one not run; simulated truth."""
    return copy.deepcopy(_full())


def bare_record() -> dict[str, Any]:
    """A study that has only been run: nothing annotated, nothing compared."""
    record = full_record()
    group = {"group": "all", "naive": 120.0, "status": "cannot-tell", "reason": "No tile has been annotated."}
    return {
        **{key: record[key] for key in ("schema", "title", "created", "veriscope", "question")},
        "study": {
            "name": "bare",
            "n_images": 1,
            "n_replicates": None,
            "spacing": "uncalibrated",
            "channel": "",
            "warnings": [],
        },
        "evidence": "untested",
        "estimate": {"method": "log-spots", "groups": [group], "contrasts": []},
        "verdict": {"verdict": "cannot-tell", "method": None, "text": "", "reasons": []},
        "candidates": [candidate("log-spots", "Blobs.", evidence="untested")],
        "comparisons": [],
        "agreement": [],
        "reliability": [],
        "audit": None,
        "tiles": [],
        "truth": None,
        "methods_text": "",
        "environment": {},
        "reproduce": [],
        "record": None,
    }


def hostile_record() -> dict[str, Any]:
    """The full record with markup in every text that a user or a file may bring."""

    def spoil(value: Any, key: str = "") -> Any:
        fixed = {
            "schema",
            "verdict",
            "status",
            "kind",
            "evidence",
            "rank",
            "picture",
            "figure",
            "created",
            "sha256",
        }
        if isinstance(value, dict):
            spoilt = {
                (f"{k}{HOSTILE}" if key in {"parameters", "packages"} else k): spoil(v, k)
                for k, v in value.items()
            }
            return spoilt
        if isinstance(value, list):
            return [spoil(item, key) for item in value]
        return f"{HOSTILE}{value}" if isinstance(value, str) and key not in fixed else value

    record: dict[str, Any] = spoil(full_record())
    return record
