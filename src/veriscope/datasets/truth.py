"""What is true of a simulated study, summed up: per image, per group, and between groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from veriscope.datasets.simulate import SimulatedImage
from veriscope.datasets.study import StudySettings, group_settings

__all__ = ["TRUTH_SCHEMA", "image_truth", "study_truth"]

TRUTH_SCHEMA = "veriscope/simulated-truth/1"


def image_truth(simulated: SimulatedImage) -> dict[str, Any]:
    """Sum up one image.

    Parameters
    ----------
    simulated
        The image with its truth.

    Returns
    -------
    dict
        ``image``, ``group``, ``replicate``, ``n_objects``, ``area_mm2`` (of the field), and the sums over
        objects that means are made of: ``sum_area_um2``, ``sum_area_px``, and per stain
        ``sum_mean_intensity-STAIN`` and ``n_positive-STAIN``.
    """
    table, spacing = simulated.table, simulated.image.spacing or {}
    height, width = simulated.labels.shape
    row: dict[str, Any] = {
        "image": simulated.image_id,
        "group": simulated.group,
        "replicate": simulated.replicate,
        "n_objects": simulated.n_objects,
        "area_mm2": height * spacing["y"] * width * spacing["x"] * 1e-6,
        "sum_area_um2": float(table["area"].sum()),
        "sum_area_px": int(table["area_px"].sum()),
    }
    for stain in _stains(table.columns):
        row[f"sum_mean_intensity-{stain}"] = float(table[f"mean_intensity-{stain}"].sum())
        row[f"n_positive-{stain}"] = int(table[f"positive-{stain}"].sum())
    return row


def study_truth(settings: StudySettings, *, seed: int, images: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Sum up a study.

    Parameters
    ----------
    settings
        The study.
    seed
        Its seed.
    images
        `image_truth` of each image.

    Returns
    -------
    dict
        Plain values: ``schema``, ``seed``, ``settings``; ``groups`` with what is true of the very objects in
        the images (``n_objects``, ``count_per_image``, ``density_per_mm2``, ``mean_area_um2``,
        ``mean_area_px``, and per stain ``mean_intensity-STAIN`` and ``fraction_positive-STAIN``) and, under
        ``set``, what the group was set to; ``contrasts`` of each later group with the first; ``images``.
        Means over no objects are None.
    """
    rows = list(images)
    frame = pd.DataFrame(rows)
    groups = []
    for group in settings.groups:
        part = frame[frame["group"] == group.name] if len(frame) else frame
        scene = group_settings(settings, group).scene
        intended = {
            "density_per_mm2": scene.density_per_mm2,
            "median_diameter_um": scene.diameter_um,
            **group.model_dump(exclude={"name"}),
        }
        groups.append({"group": group.name, **_group_row(part), "set": intended})
    return {
        "schema": TRUTH_SCHEMA,
        "seed": seed,
        "settings": settings.model_dump(mode="json"),
        "groups": groups,
        "contrasts": [_contrast(groups[0], later) for later in groups[1:]],
        "images": rows,
    }


def _stains(columns: Iterable[str]) -> list[str]:
    """Names of the stains of a table."""
    return [name.removeprefix("positive-") for name in columns if name.startswith("positive-")]


def _share(numerator: float, denominator: float) -> float | None:
    """Quotient, or None over nothing."""
    return float(numerator / denominator) if denominator else None


def _group_row(part: pd.DataFrame) -> dict[str, Any]:
    """Sum up the images of one group."""
    if not len(part):
        return {"n_images": 0, "n_replicates": 0, "n_objects": 0}
    totals = part.select_dtypes("number").sum()
    n = int(totals["n_objects"])
    row: dict[str, Any] = {
        "n_images": len(part),
        "n_replicates": int(part["replicate"].nunique()),
        "n_objects": n,
        "count_per_image": n / len(part),
        "density_per_mm2": _share(n, totals["area_mm2"]),
        "mean_area_um2": _share(totals["sum_area_um2"], n),
        "mean_area_px": _share(totals["sum_area_px"], n),
    }
    for name in totals.index:
        if str(name).startswith("sum_mean_intensity-"):
            row[str(name).removeprefix("sum_")] = _share(totals[name], n)
        if str(name).startswith("n_positive-"):
            row[f"fraction_positive-{str(name).removeprefix('n_positive-')}"] = _share(totals[name], n)
    return row


def _contrast(first: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Compare two groups by what their images hold and by what they were set to."""
    row: dict[str, Any] = {"group": later["group"], "reference": first["group"]}
    for key in first:
        before, after = first[key], later.get(key)
        compared = key.startswith(("count_", "density_", "mean_", "fraction_"))
        if compared and before is not None and after is not None:
            row[f"{key}_difference"] = after - before
            row[f"{key}_ratio"] = _share(after, before)
    row["set_density_ratio"] = _share(later["set"]["density_per_mm2"], first["set"]["density_per_mm2"])
    return row
