"""Metrics of detections, criteria and assignments against pycocotools, scikit-learn, SciPy, brute force."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
import sklearn
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.metrics import average_precision_score, fbeta_score

from veriscope.validate.assign import assign
from veriscope.validate.contingency import contingency
from veriscope.validate.localise.boxes import box_iou
from veriscope.validate.localise.masks import boundary_iou, intersection_over_reference, mask_iou
from veriscope.validate.localise.pairs import CandidatePairs
from veriscope.validate.localise.points import centre_distance, point_in_mask
from veriscope.validate.metrics.base import Counts
from veriscope.validate.metrics.detection.average_precision import average_precision, coco_average_precision
from veriscope.validate.metrics.detection.f_beta import f_beta
from veriscope.validate.metrics.detection.froc import FROC_RATES, froc_score, sensitivity_at_fppi
from veriscope.validate.metrics.detection.ranked import RankedDetections, rank_detections
from veriscope.validate.metrics.instance.counts import count_bias
from veriscope.validate.metrics.instance.detection import f1

PEERS = Path(__file__).resolve().parents[2] / "peers"
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """Boxes, classes and scores of some images; the last column of boxes is exclusive."""

    references: list[FloatArray]
    predictions: list[FloatArray]
    reference_classes: list[NDArray[np.int64]]
    prediction_classes: list[NDArray[np.int64]]
    scores: list[FloatArray]

    def of_class(self, number: int) -> tuple[list[CandidatePairs], list[FloatArray]]:
        """Candidate pairs and scores of one class."""
        pairs = [
            box_iou(r[rc == number], p[pc == number])
            for r, p, rc, pc in zip(
                self.references,
                self.predictions,
                self.reference_classes,
                self.prediction_classes,
                strict=True,
            )
        ]
        of_class = [s[c == number] for s, c in zip(self.scores, self.prediction_classes, strict=True)]
        return pairs, of_class

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return 1 + max(int(c.max(initial=0)) for c in (*self.reference_classes, *self.prediction_classes))


def predicted(
    rng: np.random.Generator, boxes: FloatArray, classes: NDArray[np.int64], *, side: float, extra: float
) -> tuple[FloatArray, NDArray[np.int64], FloatArray]:
    """Move, drop, double and invent boxes."""
    kept = np.flatnonzero(rng.random(len(boxes)) < 0.85)
    kept = np.concatenate([kept, kept[rng.random(len(kept)) < 0.1]])
    size = (boxes[kept, 2:] - boxes[kept, :2]).mean(axis=1, keepdims=True)
    moved = boxes[kept] + rng.normal(0, 0.08, (len(kept), 4)) * size
    n_extra = rng.poisson(extra)
    corners = rng.uniform(0, side, (n_extra, 2))
    invented = np.concatenate([corners, corners + rng.uniform(5, side / 4, (n_extra, 2))], axis=1)
    numbers = np.concatenate([classes[kept], rng.integers(0, classes.max(initial=0) + 1, n_extra)])
    scores = np.concatenate([rng.normal(1.5, 1, len(kept)), rng.normal(0, 1, n_extra)])
    found = np.concatenate([moved, invented])
    solid = (found[:, 2:] - found[:, :2] > 0.5).all(axis=1)
    return found[solid], numbers[solid], scores[solid]


def random_case(rng: np.random.Generator) -> Case:
    """One to six images; every tenth case has crowded images, so that 100 detections are not enough."""
    crowded = rng.random() < 0.1
    n_classes = int(rng.integers(1, 4))
    columns: list[tuple[Any, ...]] = []
    for _ in range(int(rng.integers(1, 7))):
        n = int(rng.integers(100, 160) if crowded else rng.integers(0, 25))
        corners = rng.uniform(0, 200, (n, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(5, 50, (n, 2))], axis=1)
        classes = rng.integers(0, n_classes, n) if not crowded else np.zeros(n, dtype=np.int64)
        columns.append(
            (boxes, classes, *predicted(rng, boxes, classes, side=200, extra=30 if crowded else 4))
        )
    references, classes_r, predictions, classes_p, scores = (list(c) for c in zip(*columns, strict=True))
    return Case(references, predictions, classes_r, classes_p, scores)


def real_cases(rng: np.random.Generator, n: int) -> list[Case]:
    """Ten images of blood smears each, references moved to make predictions; none without the data."""
    beside = Path(__file__).resolve().parents[4] / "shared" / "data"
    table = Path(os.environ.get("VERISCOPE_DATA", beside)) / "bccd_blood_detection" / "boxes.csv"
    if not table.exists():
        return []
    frame = pd.read_csv(table)
    frame["number"] = frame["class"].astype("category").cat.codes
    images = [part for _, part in frame.groupby("image")]
    cases = []
    for _ in range(n):
        columns: list[tuple[Any, ...]] = []
        for i in rng.choice(len(images), 10, replace=False):
            boxes = images[i][["ymin", "xmin", "ymax", "xmax"]].to_numpy(dtype=float)
            classes = images[i]["number"].to_numpy(dtype=np.int64)
            columns.append((boxes, classes, *predicted(rng, boxes, classes, side=400, extra=3)))
        references, classes_r, predictions, classes_p, scores = (list(c) for c in zip(*columns, strict=True))
        cases.append(Case(references, predictions, classes_r, classes_p, scores))
    return cases


def row(
    metric: str, peer: str, differences: list[float], explained: str, tolerance: float = 1e-9
) -> dict[str, Any]:
    """One row of the table."""
    return {
        "metric": metric,
        "peer": peer,
        "n_cases": len(differences),
        "max_difference": float(max(differences, default=0.0)),
        "tolerance": tolerance,
        "explained": explained,
    }


def difference(ours: Any, theirs: Any) -> float:
    """Largest difference; NaN agrees with NaN and with nothing else."""
    one, other = np.atleast_1d(np.asarray(ours, float)), np.atleast_1d(np.asarray(theirs, float))
    if one.shape != other.shape or (np.isnan(one) != np.isnan(other)).any():
        return float("inf")
    return float(np.abs(np.nan_to_num(one) - np.nan_to_num(other)).max(initial=0.0))


def dense(pairs: CandidatePairs) -> FloatArray:
    """All fits as a table, 0 where there is no candidate."""
    table = np.zeros((pairs.n_reference, pairs.n_prediction))
    table[pairs.pairs[:, 0], pairs.pairs[:, 1]] = pairs.fits
    return table


def coco_case(case: Case) -> dict[str, Any]:
    """Write a case for the peer: x, y, width, height."""

    def columns(boxes: FloatArray) -> FloatArray:
        return np.stack(
            [boxes[:, 1], boxes[:, 0], boxes[:, 3] - boxes[:, 1], boxes[:, 2] - boxes[:, 0]], axis=1
        )

    references, detections = [], []
    for i, (boxes, classes) in enumerate(zip(case.references, case.reference_classes, strict=True)):
        references += [[i, int(c), *box] for c, box in zip(classes, columns(boxes).tolist(), strict=True)]
    for i, (boxes, classes) in enumerate(zip(case.predictions, case.prediction_classes, strict=True)):
        found = zip(classes, columns(boxes).tolist(), case.scores[i].tolist(), strict=True)
        detections += [[i, int(c), *box, score] for c, box, score in found]
    n_images = len(case.references)
    return {
        "n_images": n_images,
        "classes": case.n_classes,
        "references": references,
        "detections": detections,
    }


def against_pycocotools(cases: list[Case]) -> list[dict[str, Any]]:
    """COCO's average precision and box IoU."""
    name = "pycocotools 2.0.11: COCOeval, maxDets 100"
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"]("pycocotools")
    if python is None:
        missing = "not installed: python benchmarks/peers/make.py pycocotools"
        return [row("coco_average_precision", name, [], missing), row("box_iou", name, [], missing)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.json"
        file.write_text(json.dumps([coco_case(case) for case in cases]))
        script = str(PEERS / "coco_average_precision.py")
        done = subprocess.run([str(python), script, str(file)], check=True, capture_output=True, text=True)
    at_all, at_half, ious = [], [], []
    for case, theirs in zip(cases, json.loads(done.stdout), strict=True):
        by_class = [case.of_class(number) for number in range(case.n_classes)]
        by_class = [part for part in by_class if sum(pairs.n_reference for pairs in part[0])]
        for found, key, options in ((at_all, "ap", {}), (at_half, "ap50", {"thresholds": (0.5,)})):
            values = [float(coco_average_precision(*part, **options)) for part in by_class]
            found.append(difference(np.mean(values) if values else -1.0, theirs[key]))
        pooled = [np.concatenate(side).reshape(-1, 4) for side in (case.references, case.predictions)]
        if theirs["ious"]:
            ious.append(difference(dense(box_iou(*pooled)), theirs["ious"]))
    classes = "mean over classes with a reference taken here; no two scores are equal in these cases"
    return [
        row("coco_average_precision", name, at_all, f"IoU .50:.05:.95; {classes}"),
        row("coco_average_precision", f"{name}, IoU .50", at_half, classes),
        row("box_iou", "pycocotools 2.0.11: mask.iou", ious, "cases without a box on one side left out"),
    ]


def slow_hits(ious: FloatArray, scores: FloatArray, threshold: float) -> NDArray[np.bool_]:
    """Match one image greedily by score, straight from the words."""
    free = np.ones(len(ious), dtype=bool)
    hits = np.zeros(len(scores), dtype=bool)
    for j in np.argsort(-scores, kind="stable"):
        open_fits = np.where(free, ious[:, j], 0.0) if len(ious) else np.zeros(1)
        best = int(np.argmax(open_fits))
        if open_fits[best] >= threshold:
            hits[j], free[best] = True, False
    return hits


def ranking(case: Case) -> RankedDetections:
    """All classes taken as one, at IoU 0.5."""
    pairs = [box_iou(r, p) for r, p in zip(case.references, case.predictions, strict=True)]
    return rank_detections(pairs, case.scores, threshold=0.5)


def slow_sensitivity(case: Case) -> FloatArray:
    """Match again at every threshold of confidence; take the best that keeps to each rate."""
    tables = [dense(box_iou(r, p)) for r, p in zip(case.references, case.predictions, strict=True)]
    n_reference = sum(map(len, case.references))
    if not n_reference:
        return np.full(len(FROC_RATES), np.nan)
    best = np.zeros(len(FROC_RATES))
    for level in np.unique(np.concatenate(case.scores)):
        tp = fp = 0
        for table, scores in zip(tables, case.scores, strict=True):
            kept = scores >= level
            hits = slow_hits(table[:, kept], scores[kept], 0.5)
            tp, fp = tp + int(hits.sum()), fp + int((~hits).sum())
        allowed = fp / len(case.references) <= np.asarray(FROC_RATES)
        best = np.where(allowed, np.maximum(best, tp / n_reference), best)
    return best


def of_curves(cases: list[Case], slow: list[Case]) -> list[dict[str, Any]]:
    """Average precision and FROC."""
    precisions, tied, at_rates, summaries = [], [], [], []
    for case in cases:
        ranked = ranking(case)
        found = ranked.hits.sum()
        if not found:
            continue
        coarse = RankedDetections(np.round(ranked.scores, 1), ranked.hits, ranked.image, ranked.n_reference)
        for sink, each in ((precisions, ranked), (tied, coarse)):
            theirs = average_precision_score(each.hits, each.scores) * found / ranked.n_reference.sum()
            sink.append(difference(average_precision(each), theirs))
    for case in slow:
        theirs = slow_sensitivity(case)
        at_rates.append(difference(sensitivity_at_fppi(ranking(case)), theirs))
        summaries.append(difference(froc_score(ranking(case)), theirs.mean()))
    peer = f"scikit-learn {sklearn.__version__}: average_precision_score"
    fixed = "hits taken from our matching; times the share found, since scikit-learn sees no missed object"
    brute = "brute force after Metrics Reloaded, matching again at every threshold of confidence"
    return [
        row("average_precision", peer, precisions, fixed),
        row("average_precision", f"{peer}, scores with ties", tied, f"{fixed}; scores rounded to 0.1"),
        row("sensitivity@fppi", brute, at_rates, "all classes as one; IoU at least 0.5"),
        row("froc", brute, summaries, "all classes as one; IoU at least 0.5"),
    ]


def of_counts(cases: list[Case]) -> list[dict[str, Any]]:
    """F1, F-beta and count bias of matched cases, against labels written out one by one."""
    found: dict[str, list[float]] = {"f1": [], "f_beta": [], "count_bias": []}
    for case in cases:
        tables = [dense(box_iou(r, p)) for r, p in zip(case.references, case.predictions, strict=True)]
        n_reference, n_prediction = sum(map(len, case.references)), sum(map(len, case.predictions))
        hits = sum(int(slow_hits(table, s, 0.5).sum()) for table, s in zip(tables, case.scores, strict=True))
        if not n_reference:
            continue
        truth = [1] * n_reference + [0] * (n_prediction - hits)
        said = [1] * hits + [0] * (n_reference - hits) + [1] * (n_prediction - hits)
        ranked = ranking(case)
        tp = float(ranked.hits.sum())
        columns = [tp, len(ranked.hits) - tp, n_reference - tp, np.nan, n_reference, len(ranked.hits)]
        counts = Counts.from_columns(np.array(columns))
        found["f1"].append(difference(f1(counts), fbeta_score(truth, said, beta=1, zero_division=0)))
        theirs = fbeta_score(truth, said, beta=2, zero_division=0)
        found["f_beta"].append(difference(f_beta(counts, beta=2), theirs))
        found["count_bias"].append(difference(count_bias(counts), n_prediction / n_reference - 1))
    peer = f"scikit-learn {sklearn.__version__}: fbeta_score"
    note = "matched by brute force on their side; cases without a reference left out"
    return [
        row("f1", peer, found["f1"], note),
        row("f_beta", peer, found["f_beta"], note),
        row("count_bias", "brute force", found["count_bias"], note),
    ]


def label_pair(rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two label images of touching regions, in 2D or 3D; some objects are in several pieces."""
    shape = tuple(rng.integers(6, 22, 2)) if rng.random() < 0.7 else tuple(rng.integers(4, 9, 3))
    images = []
    for _ in range(2):
        values = ndimage.gaussian_filter(rng.normal(size=shape), 1.5)
        images.append(np.digitize(values, np.quantile(values, [0.4, 0.6, 0.75, 0.9])).astype(np.int64))
    return images[0], images[1]


def slow_rim(mask: NDArray[np.bool_], width: float) -> NDArray[np.bool_]:
    """Pixels whose centre is within a distance of the nearest outside, by all distances, or on the border."""
    padded = np.pad(mask, 1)
    inside, outside = np.argwhere(padded), np.argwhere(~padded)
    near = cdist(inside, outside).min(axis=1) <= width
    rim = np.zeros(padded.shape, dtype=bool)
    rim[tuple(inside[near].T)] = True
    return rim


def slow_overlap(
    reference: NDArray[np.int64],
    prediction: NDArray[np.int64],
    of_masks: Callable[[NDArray[np.bool_], NDArray[np.bool_]], float],
) -> FloatArray:
    """Table of all objects by all objects, mask by mask."""
    ids = [np.unique(side[side > 0]) for side in (reference, prediction)]
    table = [[of_masks(reference == a, prediction == b) for b in ids[1]] for a in ids[0]]
    return np.array(table).reshape(len(ids[0]), len(ids[1]))


def of_masks(rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    """Criteria of label images and points, against masks taken one by one and SciPy's distances."""
    found: dict[str, list[float]] = {}
    for _ in range(n):
        reference, prediction = label_pair(rng)
        table = contingency(reference, prediction)
        width = float(rng.choice([1.0, 1.5, 2.0]))
        points = rng.uniform(-1, np.array(reference.shape) + 1, (8, reference.ndim))
        others = rng.uniform(-1, np.array(reference.shape) + 1, (8, reference.ndim))
        nearest = np.rint(points).astype(int)
        inside = ((nearest >= 0) & (nearest < reference.shape)).all(axis=1)
        ids = np.unique(reference[reference > 0])
        hit = np.zeros((len(ids), len(points)))
        for j in np.flatnonzero(inside):
            hit[:, j] = reference[tuple(nearest[j])] == ids
        distances = cdist(points, others)

        def rims(a: NDArray[np.bool_], b: NDArray[np.bool_], width: float = width) -> float:
            one, other = slow_rim(a, width), slow_rim(b, width)
            return float((one & other).sum() / (one | other).sum())

        checks = {
            "mask_iou": (
                mask_iou(table),
                slow_overlap(reference, prediction, lambda a, b: float((a & b).sum() / (a | b).sum())),
            ),
            "intersection_over_reference": (
                intersection_over_reference(table),
                slow_overlap(reference, prediction, lambda a, b: float((a & b).sum() / a.sum())),
            ),
            "boundary_iou": (
                boundary_iou(reference, prediction, width=width),
                slow_overlap(reference, prediction, rims),
            ),
            "point_in_mask": (point_in_mask(reference, points), hit),
            "centre_distance": (
                centre_distance(points, others, tolerance=4.0),
                np.where(distances <= 4.0, -distances, 0.0),
            ),
        }
        for key, (ours, theirs) in checks.items():
            found.setdefault(key, []).append(difference(dense(ours), theirs))
    peers = {"centre_distance": f"SciPy {scipy.__version__}: cdist"}
    slow = "brute force after Metrics Reloaded, mask by mask"
    notes = {"boundary_iou": "Euclidean rims on both sides; the paper's code erodes with a square"}
    return [row(key, peers.get(key, slow), values, notes.get(key, "")) for key, values in found.items()]


def of_assignment(rng: np.random.Generator, n: int) -> list[dict[str, Any]]:
    """Most pairs, then the largest sum of fits, against SciPy's assignment of the full table."""
    found = []
    for _ in range(n):
        shape = int(rng.integers(1, 15)), int(rng.integers(1, 15))
        present = rng.random(shape) < 0.3
        fits = -rng.uniform(0, 20, shape)
        rows, columns = np.nonzero(present)
        pairs = CandidatePairs.sort("centre_distance", shape, rows, columns, fits[present])
        ours = assign(pairs)
        gains = np.where(present, 1e4 + fits, 0.0)
        best = gains[linear_sum_assignment(gains, maximize=True)]
        best = best[best > 0]
        theirs = [len(best), (best - 1e4).sum()]
        found.append(difference([ours.tp, ours.fits.sum()], theirs))
    peer = f"SciPy {scipy.__version__}: linear_sum_assignment of the full table"
    return [row("hungarian", peer, found, "number of pairs and sum of fits", tolerance=1e-7)]


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Compare every metric, criterion and assignment; seed fixed."""
    rng = np.random.default_rng(0)
    cases = [random_case(rng) for _ in range(8 if quick else 210)] + real_cases(rng, 2 if quick else 40)
    slow = [case for case in cases if sum(map(len, case.predictions)) < 150]
    n = 10 if quick else 200
    return [
        *against_pycocotools(cases),
        *of_curves(cases, slow),
        *of_counts(cases),
        *of_masks(rng, n),
        *of_assignment(rng, n),
    ]


if __name__ == "__main__":
    for line in rows(quick=False):
        print(json.dumps(line))
