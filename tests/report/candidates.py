"""The candidates of the full record, with their cards and metrics."""

from __future__ import annotations

from typing import Any


def _metrics(f1: float, f1_70: float, pq: float, half: float) -> dict[str, Any]:
    def metric(value: float, width: float = half) -> dict[str, Any]:
        return {
            "value": value,
            "low": value - width,
            "high": min(value + width, 1.0),
            "level": 0.95,
            "aggregation": "pooled",
            "unit": "image",
        }

    bias = {**metric(-0.08, 0.03), "unit": "image"}
    return {"f1@0.5": metric(f1), "f1@0.7": metric(f1_70), "pq": metric(pq), "count_bias": bias}


def candidate(method: str, summary: str, **changes: Any) -> dict[str, Any]:
    """A candidate as a record has it, not run on audited tiles."""
    record = {
        "method": method,
        "name": method.replace("-", " "),
        "version": "0.1.0",
        "summary": summary,
        "chosen": False,
        "evidence": "audited",
        "parameters": {"diameter": 14.0, "smoothing": 1.0, "exclude_border": False},
        "limits": ["Merges nuclei that touch along more than half their outline."],
        "training_data": "none",
        "licence": "BSD-3-Clause",
        "citation": "Otsu N. A threshold selection method (1979). doi:10.1109/TSMC.1979.4310076",
        "seconds": 8.42,
        "n_objects": 9072,
        "warnings": [],
        "metrics": None,
        "not_run": None,
    }
    return {**record, **changes}


def candidates() -> list[dict[str, Any]]:
    """Five candidates; the first is chosen, the last was not run."""
    return [
        candidate(
            "nuclei-fluorescence",
            "A small network with a distance head that separates touching nuclei.",
            name="Nuclei in fluorescence",
            chosen=True,
            version="1.0.0",
            parameters={"threshold": 0.5, "diameter": None},
            training_data="DSB2018 fluorescence, train split (CC0)",
            citation="Caicedo JC et al. Nucleus segmentation across imaging experiments. "
            "Nat Methods 16, 1247–1253 (2019). doi:10.1038/s41592-019-0612-7",
            seconds=164.2,
            metrics=_metrics(0.912, 0.861, 0.788, 0.024),
            limits=["Not tested on tissue sections.", "Nuclei below 5 µm are often missed."],
        ),
        candidate(
            "otsu-watershed", "Otsu's threshold and a watershed.", metrics=_metrics(0.846, 0.712, 0.671, 0.05)
        ),
        candidate(
            "local-threshold-watershed",
            "A local threshold and a watershed.",
            metrics=_metrics(0.861, 0.74, 0.69, 0.045),
        ),
        candidate(
            "log-spots",
            "Blobs by the Laplacian of a Gaussian.",
            metrics=_metrics(0.633, 0.31, 0.402, 0.09),
            warnings=["2 of 36 images have more spots than foreground allows."],
        ),
        candidate(
            "pixel-forest",
            "A forest on filter responses.",
            evidence="untested",
            not_run="needs 4 annotated tiles",
        ),
    ]
