"""What the training benchmark says of a network: figures with intervals, counts per image, a line of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from veriscope.training.judging.judge import InstanceJudge
from veriscope.validate.units import UnitCounts

KEYS = ("f1@0.5", "f1@0.7", "f1@0.9", "ap@0.5")
SIZES_TOLD = ", sizes told"
"""Added to the name of a method that was told the median diameter of each test image."""
COUNTED = "images_counted"
"""Where a row keeps the counts of each image, from which paired differences are made without a new run."""


def figures(units: Sequence[UnitCounts]) -> dict[str, Any]:
    """Give pooled metrics with intervals, and the counts of each image, as plain values."""
    found = InstanceJudge().figures(units)
    counted = [replace(unit, overlap=None).to_dict() for unit in units]
    return {key: found[key].to_dict() for key in KEYS} | {COUNTED: counted}


def show(row: dict[str, Any]) -> str:
    """Give a line of text: method, seed, metrics, and what it cost; or what is missing."""
    if "missing" in row:
        return f"{row['method']:24s} {row['missing']}"
    metrics = "  ".join(f"{key} {show_interval(row[key])}" for key in KEYS)
    objects = f" {row['objects']:4d} objects" if "objects" in row else ""
    cost = f"{row.get('train_cpu_min', 0):.1f} CPU-min"
    if "predict_cpu_s" in row:
        cost += f", {row['predict_cpu_s']:.3f} CPU-s per image"
    return f"{row['method']:24s} seed {row['seed']}{objects}  {metrics}  {cost}"


def show_interval(value: dict[str, Any]) -> str:
    """Give a value with the ends of its interval, if it has some."""
    if value["value"] is None:
        return "—"
    low, high = value["low"], value["high"]
    ends = "" if low is None else f" ({low:.3f}–{high:.3f})"
    return f"{value['value']:.3f}{ends}"
