"""Metrics of instances against StarDist, Cellpose, panoptica, scikit-image, scikit-learn and brute force.

Cases are random label images with ragged, touching and separate objects, and real ones (nuclei of
`dsb2018_fluorescence`, cells between membranes of `isbi2012_em_membranes`); a prediction is made from each by
the errors that methods make: objects dropped, invented, merged, split, moved, grown and shrunk.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skimage
import sklearn
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt, find_objects
from skimage.io import imread
from skimage.measure import label as connected
from skimage.metrics import adapted_rand_error, hausdorff_distance, variation_of_information
from skimage.morphology import dilation
from skimage.segmentation import relabel_sequential
from sklearn.metrics import f1_score, jaccard_score, recall_score

from veriscope.validate.instance_report import InstanceReport, instance_report

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / "benchmarks" / "peers"
DATA = Path(os.environ.get("VERISCOPE_DATA", ROOT.parent / "shared" / "data"))
THRESHOLDS = (0.5, 0.6, 0.75, 0.9)
EXACT = 1e-9

Labels = NDArray[np.int32]


@dataclass(frozen=True)
class Case:
    """A pair of label images without gaps between labels, and our report on it."""

    reference: Labels
    prediction: Labels
    report: InstanceReport

    @property
    def empty(self) -> bool:
        """Whether either side has no object, which most peers do not stand."""
        return not (self.report.counts.n_reference and self.report.counts.n_prediction)

    @property
    def has_background(self) -> bool:
        """Whether both images have a pixel outside all objects."""
        return not (self.reference.all() or self.prediction.all())


def rows(*, quick: bool) -> list[dict[str, Any]]:
    """Compare each metric with each peer that has it.

    Parameters
    ----------
    quick
        Whether to take ten cases only.

    Returns
    -------
    list of dict
        One row per metric and peer.
    """
    rng = np.random.default_rng(20260821)
    touching = [make_case(*ragged(rng)) for _ in range(6 if quick else 200)]
    apart = [make_case(*separate(rng)) for _ in range(4 if quick else 230)]
    nothing = np.zeros((8, 8), np.int32)
    empty = [
        make_case(*pair) for pair in ((nothing, nothing), (nothing, nothing + 1), (nothing + 1, nothing))
    ]
    real = list(real_cases(rng, 2 if quick else 40))
    cases = [*touching, *apart, *real, *empty]
    small = [*touching[:100], *apart[:100], *real[:5], *empty]
    return [
        *stardist_rows(cases),
        *cellpose_rows(cases),
        *panoptica_rows(cases),
        *skimage_rows(cases),
        *brute_rows(small),
        *object_rows(small, limit=1 if quick else 3),
        *outline_rows(small),
    ]


def make_case(reference: Labels, prediction: Labels) -> Case:
    """Renumber without gaps, for the peers that need it, and report."""
    pair = [relabel_sequential(image)[0].astype(np.int32) for image in (reference, prediction)]
    return Case(pair[0], pair[1], instance_report(pair[0], pair[1], thresholds=THRESHOLDS, rim_width=2.0))


def ragged(rng: np.random.Generator) -> tuple[Labels, Labels]:
    """Touching objects: pixels go to the nearest of some seeds; background where all are far, or nowhere."""
    side = int(rng.integers(16, 49))
    seeds = rng.uniform(0, side, (int(rng.integers(3, 20)), 2))
    grid = np.indices((side, side)).reshape(2, -1).T
    distances = np.linalg.norm(grid[:, None] - seeds[None], axis=2)
    labels = (distances.argmin(axis=1) + 1).reshape(side, side)
    far = distances.min(axis=1).reshape(side, side) > rng.uniform(3, 12)
    return perturbed(rng, np.where(far & (rng.random() < 0.8), 0, labels).astype(np.int32))


def separate(rng: np.random.Generator) -> tuple[Labels, Labels]:
    """Squares far apart; predicted ones only move, shrink, vanish, appear, so each touches one at most.

    Half of them are not touched at all, so that there are matches at high thresholds.
    """
    side, step = 48, 12
    reference, prediction = np.zeros((2, side, side), np.int32)
    for number, (y, x) in enumerate(np.ndindex(side // step, side // step), start=1):
        top, left = y * step + 3, x * step + 3
        same = rng.random() < 0.5
        first, second = rng.integers(2, 7, 2)
        second = first if same else second
        if rng.random() < 0.8:
            reference[top : top + first, left : left + first] = number
        if rng.random() < 0.8:
            top, left = np.array([top, left]) + (0 if same else rng.integers(-2, 3, 2))
            prediction[top : top + second, left : left + second] = number
    return reference, prediction


def perturbed(rng: np.random.Generator, reference: Labels) -> tuple[Labels, Labels]:
    """Make a prediction by the errors of methods."""
    prediction = reference.copy()
    for number in range(1, int(reference.max()) + 1):
        error, mask = rng.random(), prediction == number
        if error < 0.08:
            prediction[mask] = 0
        elif error < 0.2:
            near = np.unique(prediction[dilation(mask) & ~mask])
            near = near[near > 0]
            if len(near):
                prediction[mask] = rng.choice(near)
        elif error < 0.32 and mask.any():
            axis = int(rng.integers(2))
            along = np.indices(mask.shape)[axis]
            prediction[mask & (along > rng.choice(along[mask]))] += 10_000
        elif error < 0.5:
            prediction[dilation(mask) & (prediction == 0)] = number
        elif error < 0.65:
            prediction[mask & ~binary_erosion(mask)] = 0
    prediction = np.roll(prediction, rng.integers(-1, 2, 2), axis=(0, 1))
    if rng.random() < 0.5:
        prediction[:3, : int(rng.integers(1, 6))] = 30_000
    return reference, prediction


def real_cases(rng: np.random.Generator, number: int) -> Iterable[Case]:
    """Real references, cut to 160 pixels a side, with errors made."""
    for name in ("dsb2018_fluorescence", "isbi2012_em_membranes"):
        files = sorted((DATA / name / "labels").glob("*"))
        for file in files[:: max(1, 2 * len(files) // max(1, number))][: number // 2]:
            labels = connected(imread(file)[:160, :160], connectivity=1).astype(np.int32)
            yield make_case(*perturbed(rng, labels))


def row(
    metric: str,
    peer: str,
    pairs: Iterable[tuple[float, float]],
    *,
    tolerance: float = EXACT,
    explained: str = "",
) -> dict[str, Any]:
    """Compare values; where both are undefined they agree, where one is they do not."""
    differences = [
        0.0 if np.isnan(ours) and np.isnan(theirs) else abs(ours - theirs) for ours, theirs in pairs
    ]
    bad = any(np.isnan(differences))
    return {
        "metric": metric,
        "peer": peer,
        "n_cases": len(differences),
        "max_difference": float("inf") if bad else max(differences, default=0.0),
        "tolerance": tolerance,
        "explained": explained,
    }


def ask(name: str, script: str, cases: list[Case]) -> tuple[str, list[dict[str, Any]]] | None:
    """Run a peer in its own environment; None where it is not installed."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"](name)
    if python is None:
        return None
    arrays: dict[str, Any] = {"thresholds": THRESHOLDS}
    for number, case in enumerate(cases):
        arrays |= {f"reference_{number}": case.reference, f"prediction_{number}": case.prediction}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.npz"
        np.savez(file, **arrays)
        command = [str(python), str(PEERS / script), str(file), "1", "0"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = json.loads(output)
    return found["version"], found["cases"]


def absent(metrics: Iterable[str], peer: str) -> list[dict[str, Any]]:
    """Rows of a peer that is not there."""
    return [row(metric, peer, [], explained="not installed, see benchmarks/peers") for metric in metrics]


def stardist_rows(cases: list[Case]) -> list[dict[str, Any]]:
    """Everything that a matching gives."""
    names = {"f1": "f1", "ap": "accuracy", "precision": "precision", "recall": "recall"}
    names |= {"mean_matched_iou": "mean_matched_score"}
    keys = {f"{ours}@{t:g}": (theirs, i) for ours, theirs in names.items() for i, t in enumerate(THRESHOLDS)}
    keys |= {"pq": ("panoptic_quality", 0), "sq": ("mean_matched_score", 0), "rq": ("f1", 0)}
    asked = ask("stardist-matching", "stardist_instances.py", cases)
    if asked is None:
        return absent(keys, "stardist: matching.matching")
    found = []
    for key, (name, i) in keys.items():
        values = [
            (case.report.metrics[key], theirs[name][i]) for case, theirs in zip(cases, asked[1], strict=True)
        ]
        undefined = [theirs for ours, theirs in values if np.isnan(ours)]
        said = f"IoU in 32 bits; {len(undefined)} cases undefined for us, where StarDist gives "
        said += f"{sorted(set(undefined))}, left out"
        defined = [pair for pair in values if not np.isnan(pair[0])]
        peer = f"stardist {asked[0]}: matching.matching"
        found.append(row(key, peer, defined, tolerance=1e-6, explained=said))
    return found


def cellpose_rows(cases: list[Case]) -> list[dict[str, Any]]:
    """TP / (TP + FP + FN), and AJI where Cellpose's definition must give the same."""
    keys = [f"ap@{t:g}" for t in THRESHOLDS]
    full = [case for case in cases if not case.empty and case.has_background]
    asked = ask("cellpose-metrics", "cellpose_metrics.py", full)
    if asked is None:
        return absent([*keys, "aji"], "cellpose: metrics")
    n_empty = sum(case.empty for case in cases)
    left = (
        f"{n_empty} cases with an empty side left out (it fails or divides by zero), and "
        f"{len(cases) - len(full) - n_empty} with no background (it then counts an object too few)"
    )
    found = []
    for i, key in enumerate(keys):
        pairs = [
            (case.report.metrics[key], theirs["ap"][i]) for case, theirs in zip(full, asked[1], strict=True)
        ]
        # It computes in 32 bits.
        peer = f"cellpose {asked[0]}: metrics.average_precision"
        found.append(row(key, peer, pairs, tolerance=1e-6, explained=left))
    same = [
        (case.report.metrics["aji"], theirs["aji"])
        for case, theirs in zip(full, asked[1], strict=True)
        if touches_one_at_most(case)
    ]
    said = (
        "its AJI matches one to one and divides by the union of the foregrounds; compared only where each "
        "object touches one other at most, so that this is the same; "
        f"{len(full) - len(same)} cases left out; {left}"
    )
    peer = f"cellpose {asked[0]}: metrics.aggregated_jaccard_index"
    return [*found, row("aji", peer, same, explained=said)]


def touches_one_at_most(case: Case) -> bool:
    """Whether each object overlaps with one object of the other image at most."""
    keys = np.unique(np.stack([case.reference.ravel(), case.prediction.ravel()]), axis=1)
    keys = keys[:, (keys > 0).all(axis=0)]
    return all(np.bincount(side).max(initial=0) <= 1 for side in keys)


def panoptica_rows(cases: list[Case]) -> list[dict[str, Any]]:
    """Panoptic quality and its factors."""
    full = [case for case in cases if not case.empty]
    asked = ask("panoptica", "panoptica_evaluator.py", full)
    if asked is None:
        return absent(("pq", "sq", "rq"), "panoptica: Panoptica_Evaluator")
    found = []
    left = f"{len(cases) - len(full)} cases with an empty side left out"
    for key in ("pq", "sq", "rq"):
        values = [
            (case.report.metrics[key], theirs[key]) for case, theirs in zip(full, asked[1], strict=True)
        ]
        defined = [pair for pair in values if not np.isnan(pair[0])]
        said = f"{left}; {len(values) - len(defined)} without a match, which is undefined for us, left out"
        found.append(row(key, f"panoptica {asked[0]}: Panoptica_Evaluator", defined, explained=said))
    return found


def skimage_rows(cases: list[Case]) -> list[dict[str, Any]]:
    """Variation of information and adapted Rand error on the foreground of the reference."""
    some = [case for case in cases if case.report.counts.n_reference]
    values: dict[str, list[tuple[float, float]]] = {}
    for case in some:
        ours, pair = case.report.metrics, (case.reference, case.prediction)
        split, merge = variation_of_information(*pair, ignore_labels=(0,))
        # Its second value divides by the pairs of the reference, contrary to its documentation.
        error, recall, precision = adapted_rand_error(*pair)
        theirs = {"vi": split + merge, "vi_split": split, "vi_merge": merge}
        theirs |= {"are": error, "are_recall": recall, "are_precision": precision}
        for key, value in theirs.items():
            values.setdefault(key, []).append((ours[key], float(value)))
    left = f"{len(cases) - len(some)} cases without a reference object left out (it divides by zero)"
    swapped = "; its precision and recall are taken in exchanged order"
    return [
        row(
            key,
            f"scikit-image {skimage.__version__}: "
            + ("variation_of_information" if key.startswith("vi") else "adapted_rand_error"),
            pairs,
            explained=left + (swapped if key in ("are_precision", "are_recall") else ""),
        )
        for key, pairs in values.items()
    ]


def brute_rows(cases: list[Case]) -> list[dict[str, Any]]:
    """AJI after the paper, splits and merges after our page, numbers of objects."""
    aji, ties = [], 0
    values: dict[str, list[tuple[float, float]]] = {"split_merge": [], "split_rate": [], "merge_rate": []}
    bias = []
    for case in cases:
        ours = case.report.metrics
        masks = [masks_of(image) for image in (case.reference, case.prediction)]
        value, tie = kumar(*masks)
        ties += tie
        if not tie:
            aji.append((ours["aji"], value))
        for key, rate in split_rates(*masks).items():
            values[key].append((ours[key], rate))
        n_reference, n_prediction = map(len, masks)
        bias.append((ours["count_bias"], n_prediction / n_reference - 1 if n_reference else np.nan))
    said = f"{ties} cases left out where two predictions are equally good: the paper leaves the choice open"
    rule = "brute force after the rule of docs/reference/metrics.md"
    return [
        row("aji", "brute force after Kumar et al. 2017, algorithm 1", aji, explained=said),
        *(row(key, rule, pairs) for key, pairs in values.items()),
        row("count_bias", "brute force: numpy.unique", bias),
    ]


def masks_of(image: Labels) -> list[NDArray[np.bool_]]:
    """One mask per object."""
    return [image == number for number in np.unique(image) if number]


def kumar(references: list[Any], predictions: list[Any]) -> tuple[float, bool]:
    """Aggregated Jaccard index as the paper writes it, and whether a choice was arbitrary."""
    used: set[int] = set()
    shared, union, tie = 0, 0, False
    for mask in references:
        jaccards = [(mask & other).sum() / (mask | other).sum() for other in predictions]
        if not jaccards or max(jaccards) == 0:
            union += mask.sum()
            continue
        best = int(np.argmax(jaccards))
        tie |= jaccards.count(jaccards[best]) > 1
        used.add(best)
        shared += (mask & predictions[best]).sum()
        union += (mask | predictions[best]).sum()
    union += sum(other.sum() for number, other in enumerate(predictions) if number not in used)
    return (shared / union if union else np.nan), tie


def split_rates(references: list[Any], predictions: list[Any]) -> dict[str, float]:
    """Walk from object to object along the rule that one lies in the other."""
    inside = np.zeros((len(references), len(predictions)), bool)
    for i, mask in enumerate(references):
        for j, other in enumerate(predictions):
            inside[i, j] = 2 * (mask & other).sum() > min(mask.sum(), other.sum())
    split = merged = tangled = 0
    for start in range(len(references)):
        group, others = {start}, set(np.flatnonzero(inside[start]).tolist())
        while True:
            more = group | {i for i in range(len(references)) if inside[i, list(others)].any()}
            if more == group:
                break
            group = more
            others = set(np.flatnonzero(inside[list(group)].any(axis=0)).tolist())
        split += len(group) == 1 and len(others) > 1
        merged += len(group) > 1 and len(others) == 1
        tangled += len(group) > 1 and len(others) > 1
    n = len(references) or np.nan
    return {"split_merge": (split + merged + tangled) / n, "split_rate": split / n, "merge_rate": merged / n}


def object_rows(cases: list[Case], *, limit: int) -> list[dict[str, Any]]:
    """IoU, Dice and overlap of each object with its partner."""
    functions: dict[str, Callable[..., float]] = {
        "iou": jaccard_score,
        "dice": f1_score,
        "overlap": recall_score,
    }
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    for case in cases:
        for table in (case.report.references, case.report.predictions):
            own, other = case.reference, case.prediction
            if table.side == "prediction":
                own, other = other, own
            for entry in table.rows()[:limit]:
                if entry["partner"] is None:
                    continue
                masks = (own == entry["label"]).ravel(), (other == entry["partner"]).ravel()
                for name, function in functions.items():
                    pairs[name].append((entry[name], float(function(*masks))))
    return [
        row(
            f"object {name}",
            f"scikit-learn {sklearn.__version__}: {function.__name__} of pixels",
            pairs[name],
            explained=f"one value per object, up to {limit} of each side of a case",
        )
        for name, function in functions.items()
    ]


def outline_rows(cases: list[Case]) -> list[dict[str, Any]]:
    """Outlines of matched objects, from masks of single objects and distance transforms."""
    names = ("hausdorff", "masd", "assd", "boundary_iou")
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for case in cases:
        assert case.report.boundaries is not None
        boxes = find_objects(case.reference), find_objects(case.prediction)
        for entry in case.report.boundaries.rows()[:3]:
            sides = zip(boxes[0][entry["reference"] - 1], boxes[1][entry["prediction"] - 1], strict=True)
            box = tuple(slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in sides)
            masks = [
                np.pad(image[box] == entry[side], 1)
                for image, side in ((case.reference, "reference"), (case.prediction, "prediction"))
            ]
            for name, value in outlines(*masks).items():
                pairs[name].append((entry[name], value))
    said = "one value per match, up to three matches of a case"
    return [
        row(
            f"matched {name}",
            f"scikit-image {skimage.__version__}: hausdorff_distance"
            if name == "hausdorff"
            else "brute force after Metrics Reloaded, distance transforms",
            pairs[name],
            explained=said,
        )
        for name in names
    ]


def outlines(first: Any, second: Any) -> dict[str, float]:
    """Distances between the boundary pixels of two masks, and the IoU of their rims of two pixels."""
    edges = [mask & ~binary_erosion(mask) for mask in (first, second)]
    away = [distance_transform_edt(~edge) for edge in edges]
    outward, inward = away[1][edges[0]], away[0][edges[1]]
    rims = [mask & (distance_transform_edt(mask) <= 2.0) for mask in (first, second)]
    return {
        "hausdorff": float(hausdorff_distance(*edges)),
        "masd": float((outward.mean() + inward.mean()) / 2),
        "assd": float(np.concatenate([outward, inward]).mean()),
        "boundary_iou": float((rims[0] & rims[1]).sum() / (rims[0] | rims[1]).sum()),
    }
