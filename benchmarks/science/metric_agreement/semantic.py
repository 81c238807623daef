"""Metrics of masks against scikit-learn, scikit-image, MedPy, panoptica, surface-distance and brute force.

Masks are random at every density, blurred noise, extremes (empty, full, a single pixel), and real ones where
the data are: membranes of the ISBI 2012 challenge, white blood cells and embryonic nuclei, perturbed.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from math import inf, isnan, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import (
    binary_dilation,
    distance_transform_edt,
    gaussian_filter,
    generate_binary_structure,
)
from skimage.io import imread
from skimage.measure import label, regionprops
from skimage.metrics import hausdorff_distance
from skimage.morphology import erosion, skeletonize
from skimage.segmentation import find_boundaries
from sklearn.metrics import f1_score, fbeta_score, jaccard_score

from veriscope.validate.metrics.semantic.boundary import (
    BoundaryDistances,
    assd,
    boundary_distances,
    boundary_iou,
    hausdorff,
    hausdorff_percentile,
    masd,
    nsd,
)
from veriscope.validate.metrics.semantic.centreline import centreline_dice
from veriscope.validate.metrics.semantic.overlap import dice, f_beta, iou

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / "benchmarks" / "peers"
DATA = Path(os.environ.get("VERISCOPE_DATA", ROOT.parent / "shared" / "data"))
SKIMAGE, SKLEARN, SCIPY = (f"{name} {version(name)}" for name in ("scikit-image", "scikit-learn", "scipy"))

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """Two masks, the size of their pixels, and the settings of metrics that have one."""

    reference: Mask
    prediction: Mask
    spacing: tuple[float, ...]
    beta: float
    percentile: float
    tolerance: float

    @property
    def n_empty(self) -> int:
        """How many of the masks are empty."""
        return (not self.reference.any()) + (not self.prediction.any())

    def distances(self) -> BoundaryDistances:
        """Give ours."""
        return boundary_distances(self.reference, self.prediction, spacing=self.spacing)


def rows(*, quick: bool) -> list[Row]:
    """Compare each metric with each peer that has it."""
    random = np.random.default_rng(20240211)
    pairs = [random_pair(random, 2 + number % 2) for number in range(10 if quick else 240)]
    pairs += list(extremes())
    pairs += real_pairs(random, 2 if quick else 40)
    cases = [case_of(random, *pair) for pair in pairs]
    return [
        *overlap_rows(cases),
        *centreline_rows(cases),
        hausdorff_row(cases),
        *formula_rows(cases),
        *medpy_rows(cases),
        *surface_rows(cases),
        *rim_rows(cases),
    ]


def case_of(random: np.random.Generator, reference: Mask, prediction: Mask) -> Case:
    """Draw a spacing (z coarser than y and x) and settings; half of the 2D cases have whole numbers."""
    spacing: tuple[float, ...] = (1.0, 1.0)
    if reference.ndim == 2 and random.random() < 0.5:
        tolerance = float(random.integers(0, 4))
    else:
        y, x = random.uniform(0.1, 0.5, 2).tolist()
        spacing = (float(random.uniform(1, 6) * y), y, x)[-reference.ndim :]
        tolerance = float(random.uniform(0, 4) * spacing[-1])
    return Case(
        reference,
        prediction,
        spacing,
        beta=float(random.choice([0.5, 1.0, 2.0, random.uniform(0.1, 10)])),
        percentile=float(random.choice([50, 90, 95, 99, 100])),
        tolerance=tolerance,
    )


def random_pair(random: np.random.Generator, ndim: int) -> tuple[Mask, Mask]:
    """Make two masks that share much: blurred noise cut at a level, and the same with other noise added."""
    shape = tuple(random.integers(1, 24 if ndim == 3 else 90, ndim))
    noise, other = random.normal(size=shape), random.normal(size=shape)
    width = random.choice([0.0, 0.7, 1.5, 3.0])
    first = gaussian_filter(noise, width)
    second = gaussian_filter(noise + random.uniform(0, 1) * other, width)
    level = random.uniform(0.05, 0.95)
    return first > np.quantile(first, level), second > np.quantile(second, level)


def extremes() -> Iterable[tuple[Mask, Mask]]:
    """Pair empty, full, one-pixel and one-line masks with each other, in 2D and 3D."""
    for shape in ((9, 12), (5, 7, 6)):
        empty, full = np.zeros(shape, dtype=np.bool_), np.ones(shape, dtype=np.bool_)
        pixel, corner, line = empty.copy(), empty.copy(), empty.copy()
        pixel[(3,) * len(shape)] = corner[(0,) * len(shape)] = line[(2,) * (len(shape) - 1)] = True
        kinds = (empty, full, pixel, corner, line)
        yield from ((first, second) for first in kinds for second in kinds)


def real_pairs(random: np.random.Generator, n: int) -> list[tuple[Mask, Mask]]:
    """Cut real masks, and move, break and stain their outlines: `n` of each of three data sets."""
    pairs = []
    for folder, pattern, length in (
        ("isbi2012_em_membranes", "masks/*.png", (96, 96)),
        ("wbc_types_tecom", "masks/*.png", (120, 120)),
        ("mouse_embryo_nuclei_3d", "labels/*.tif", (20, 40, 40)),
    ):
        files = sorted((DATA / folder).glob(pattern))
        for number in range(n if files else 0):
            image = imread(files[number * 7 % len(files)]) > number % 2 * (folder == "wbc_types_tecom")
            starts = [
                int(random.integers(0, max(1, a - b))) for a, b in zip(image.shape, length, strict=True)
            ]
            cut = image[tuple(slice(a, a + b) for a, b in zip(starts, length, strict=True))]
            pairs.append((np.ascontiguousarray(cut), perturbed(random, cut)))
    return pairs


def perturbed(random: np.random.Generator, mask: Mask) -> Mask:
    """Move the outline in and out by some pixels, and add and remove spots."""
    depth = distance_transform_edt(mask) - distance_transform_edt(~mask)
    waves = gaussian_filter(random.normal(size=mask.shape), 2.0)
    moved = depth + random.uniform(0, 3) * waves / waves.std() > random.uniform(-1, 1)
    spots = gaussian_filter(random.normal(size=mask.shape), 1.5)
    return np.asarray(moved ^ (spots > np.quantile(spots, 0.99)), dtype=np.bool_)


def row(metric: str, peer: str, differences: list[float], explained: str = "") -> Row:
    """Join the differences of one metric."""
    return {
        "metric": metric,
        "peer": peer,
        "n_cases": len(differences),
        "max_difference": float(max(differences, default=0.0)),
        "tolerance": 1e-9,
        "explained": explained,
    }


def apart(ours: float, theirs: float) -> float:
    """Difference of two values; both undefined or both infinite is none, one of them is infinite."""
    if isnan(ours) or isnan(theirs):
        return 0.0 if isnan(ours) and isnan(theirs) else inf
    return 0.0 if ours == theirs else abs(ours - theirs)


def left_out(cases: list[Case], kept: list[Case], why: str) -> str:
    """Say how many cases a peer cannot judge."""
    return f"{len(cases) - len(kept)} cases left out: {why}" if len(kept) < len(cases) else ""


def overlap_rows(cases: list[Case]) -> list[Row]:
    """Pixels as cases of a classification; empty masks included."""
    differences: dict[str, list[float]] = {"dice": [], "iou": [], "f_beta": []}
    for case in cases:
        masks = case.reference, case.prediction
        pixels = case.reference.ravel(), case.prediction.ravel()
        differences["dice"].append(apart(dice(*masks), f1_score(*pixels, zero_division=np.nan)))
        theirs = fbeta_score(*pixels, beta=case.beta, zero_division=np.nan)
        differences["f_beta"].append(apart(f_beta(*masks, beta=case.beta), theirs))
        if case.n_empty < 2:
            differences["iou"].append(apart(iou(*masks), jaccard_score(*pixels, zero_division=0)))
    some = [case for case in cases if case.n_empty < 2]
    why = left_out(cases, some, "both masks empty, which it cannot call undefined")
    return [
        row("dice", f"{SKLEARN}: f1_score", differences["dice"]),
        row("iou", f"{SKLEARN}: jaccard_score", differences["iou"], why),
        row("f_beta", f"{SKLEARN}: fbeta_score", differences["f_beta"], "β 0.5, 1, 2 and from 0.1 to 10"),
    ]


def centreline_rows(cases: list[Case]) -> list[Row]:
    """The paper's formula on the skeleton of each piece by itself, and panoptica."""
    by_hand = [
        apart(centreline_dice(case.reference, case.prediction), centreline_by_pieces(case)) for case in cases
    ]
    found = [
        row(
            "centreline_dice",
            f"brute force after Shit et al. 2021, {SKIMAGE}: skeletonize",
            by_hand,
            "pieces thinned one by one; those that vanish altogether (3D) stay as they are",
        )
    ]
    some = [case for case in cases if not case.n_empty]
    theirs = run_peer("panoptica", "panoptica_centrelines.py", some)
    if theirs is None:
        return [*found, row("centreline_dice", "panoptica", [], "peer not installed")]
    whole = [
        (case, value)
        for case, value in zip(some, theirs["values"], strict=True)
        if not isnan(value) and same_skeletons(case)
    ]
    differences = [apart(centreline_dice(case.reference, case.prediction), value) for case, value in whole]
    why = (
        "a mask empty, centre lines that miss each other (it has NaN), a piece thinned away (it has none), "
        "or pixels at the edge (it thins them without a margin)"
    )
    peer = f"panoptica {theirs['version']}: _compute_centerline_dice"
    return [*found, row("centreline_dice", peer, differences, left_out(cases, [c for c, _ in whole], why))]


def centreline_by_pieces(case: Case) -> float:
    """Follow equations 1 and 2 of the paper, pixel by pixel of the centre lines."""
    if case.n_empty:
        return float("nan") if case.n_empty == 2 else 0.0
    shares = []
    for mask, other in ((case.prediction, case.reference), (case.reference, case.prediction)):
        inside = total = 0
        for piece in regionprops(label(mask, connectivity=mask.ndim)):
            thin = skeletonize(np.pad(piece.image, 1))[(slice(1, -1),) * mask.ndim]
            places = np.argwhere(thin if thin.any() else piece.image) + piece.bbox[: mask.ndim]
            total += len(places)
            inside += sum(bool(other[tuple(place)]) for place in places)
        shares.append(inside / total)
    return 2 * shares[0] * shares[1] / sum(shares) if sum(shares) else 0.0


def same_skeletons(case: Case) -> bool:
    """Whether thinning without a margin, as panoptica does, leaves every piece and the same pixels."""
    for mask in (case.reference, case.prediction):
        thin = skeletonize(np.pad(mask, 1))[(slice(1, -1),) * mask.ndim]
        pieces = label(mask, connectivity=mask.ndim)
        if len(np.unique(pieces[thin])) < pieces.max() or (skeletonize(mask) != thin).any():
            return False
    return True


def elements(mask: Mask) -> Mask:
    """Mark boundary pixels by scikit-image; beyond the edge everything is outside."""
    edge = find_boundaries(np.pad(mask, 1).astype(np.uint8), mode="inner", connectivity=1)
    return np.asarray(edge[(slice(1, -1),) * mask.ndim], dtype=np.bool_)


def directed(case: Case) -> tuple[FloatArray, FloatArray]:
    """Measure from each boundary pixel to the other boundary by distance transforms; neither mask empty."""
    first, second = elements(case.reference), elements(case.prediction)
    there = distance_transform_edt(~second, sampling=case.spacing)[first]
    back = distance_transform_edt(~first, sampling=case.spacing)[second]
    return np.sort(there), np.sort(back)


def hausdorff_row(cases: list[Case]) -> Row:
    """In pixels, because scikit-image knows no spacing; one mask may be empty."""
    some = [case for case in cases if case.n_empty < 2]
    differences = []
    for case in some:
        ours = hausdorff(boundary_distances(case.reference, case.prediction))
        differences.append(
            apart(ours, hausdorff_distance(elements(case.reference), elements(case.prediction)))
        )
    explained = "of boundary pixels, in pixels. " + left_out(cases, some, "both masks empty, where it has 0")
    return row("hausdorff", f"{SKIMAGE}: hausdorff_distance, find_boundaries", differences, explained)


def formula_rows(cases: list[Case]) -> list[Row]:
    """Follow the formulas, with boundaries of scikit-image and distance transforms of SciPy."""
    some = [case for case in cases if not case.n_empty]
    sides = [directed(case) for case in some]
    why = left_out(cases, some, "a mask empty")
    both: dict[str, tuple[str, Callable[[Case], float], Callable[..., float]]] = {
        "hausdorff_percentile": (
            "Maier-Hein, Reinke et al. 2024",
            lambda case: hausdorff_percentile(case.distances(), percentile=case.percentile),
            lambda case, *sides: max(float(np.percentile(side, case.percentile)) for side in sides),
        ),
        "masd": (
            "Beneš and Zitová 2015",
            lambda case: masd(case.distances()),
            lambda case, there, back: float(np.mean(there) + np.mean(back)) / 2,
        ),
        "assd": (
            "Heimann et al. 2009",
            lambda case: assd(case.distances()),
            lambda case, there, back: float(np.mean([*there, *back])),
        ),
        "nsd": (
            "Nikolov et al. 2021, on pixels",
            lambda case: nsd(case.distances(), tolerance=case.tolerance),
            lambda case, *sides: float(np.mean(np.concatenate(sides) <= case.tolerance)),
        ),
    }
    return [
        row(
            key,
            f"brute force after {paper}: {SCIPY} distance_transform_edt, {SKIMAGE} find_boundaries",
            [apart(ours(case), theirs(case, *side)) for case, side in zip(some, sides, strict=True)],
            why,
        )
        for key, (paper, ours, theirs) in both.items()
    ]


def medpy_rows(cases: list[Case]) -> list[Row]:
    """MedPy has the same surface elements; its asd of both directions gives the MASD."""
    some = [case for case in cases if not case.n_empty]
    theirs = run_peer("medpy", "medpy_masks.py", some)
    if theirs is None:
        keys = ("dice", "iou", "hausdorff", "masd", "assd")
        return [row(key, "medpy", [], "peer not installed") for key in keys]
    ours: dict[str, tuple[str, Callable[[Case], float]]] = {
        "dice": ("dc", lambda case: dice(case.reference, case.prediction)),
        "iou": ("jc", lambda case: iou(case.reference, case.prediction)),
        "hausdorff": ("hd", lambda case: hausdorff(case.distances())),
        "masd": ("asd, mean of both directions", lambda case: masd(case.distances())),
        "assd": ("assd", lambda case: assd(case.distances())),
    }
    why = left_out(cases, some, "a mask empty, which it refuses")
    return [
        row(
            key,
            f"medpy {theirs['version']}: {name}",
            [apart(value(case), other) for case, other in zip(some, theirs[key], strict=True)],
            why,
        )
        for key, (name, value) in ours.items()
    ]


def surface_rows(cases: list[Case]) -> list[Row]:
    """Give surface-distance our surface elements, each of area 1; and bound what its own would give."""
    some = [case for case in cases if not case.n_empty]
    sides = [directed(case) for case in some]
    more: dict[str, Any] = {
        name: [getattr(case, name) for case in some] for name in ("percentile", "tolerance")
    }
    more |= {f"there_{i}": side[0] for i, side in enumerate(sides)}
    more |= {f"back_{i}": side[1] for i, side in enumerate(sides)}
    theirs = run_peer("surface-distance", "surface_elements.py", some, more)
    keys = ("hausdorff", "hausdorff_percentile", "masd", "assd", "nsd")
    if theirs is None:
        return [row(key, "surface-distance", [], "peer not installed") for key in keys]
    empty = left_out(cases, some, "a mask empty")
    ours: dict[str, Callable[[Case], float]] = {
        "masd": lambda case: masd(case.distances()),
        "assd": lambda case: assd(case.distances()),
        "nsd": lambda case: nsd(case.distances(), tolerance=case.tolerance),
    }
    peer = f"surface-distance {theirs['version']}"
    equal = f"boundary pixels of area 1 in place of its mesh. {empty}"
    found = [
        row(key, peer, [apart(value(case), x) for case, x in zip(some, theirs[key], strict=True)], equal)
        for key, value in ours.items()
    ]
    beyond, between = [], []
    for case, side, mesh, step in zip(
        some, sides, theirs["hausdorff_of_masks"], theirs["hausdorff_percentile"], strict=True
    ):
        diagonal = sqrt(sum(size**2 for size in case.spacing))
        beyond.append(max(0.0, apart(hausdorff(case.distances()), mesh) - diagonal))
        low, high = (
            [float(np.percentile(values, case.percentile, method=method)) for values in side]
            for method in ("lower", "higher")
        )
        gap = max(b - a for a, b in zip(low, high, strict=True))
        value = hausdorff_percentile(case.distances(), percentile=case.percentile)
        between.append(max(0.0, apart(value, step) - gap))
    return [
        *found,
        row(
            "hausdorff",
            f"{peer}: its own mesh",
            beyond,
            f"excess over the diagonal of a pixel: its elements lie on corners, half of it away. {empty}",
        ),
        row(
            "hausdorff_percentile",
            peer,
            between,
            f"excess over the gap between two distances: it takes one, ours lies between. {equal}",
        ),
    ]


def rim_rows(cases: list[Case]) -> list[Row]:
    """Boundary IoU by growing the outside, and by the paper's erosion where both rims are the same."""
    grown, eroded = [], []
    for case in cases:
        masks = case.reference, case.prediction
        width = case.tolerance + 0.1
        rims = [rim_by_growing(mask, width, case.spacing) for mask in masks]
        grown.append(apart(boundary_iou(*masks, width=width, spacing=case.spacing), share(*rims)))
        times = 1 + (case.reference.ndim == 2 and case.reference.size % 2)
        rims = [rim_by_erosion(mask, times) for mask in masks]
        diagonal = times * sqrt(case.reference.ndim)
        eroded.append(apart(boundary_iou(*masks, width=diagonal), share(*rims)))
    return [
        row(
            "boundary_iou",
            f"brute force: {SCIPY} binary_dilation of the outside by all steps within the width",
            grown,
            "empty masks included",
        ),
        row(
            "boundary_iou",
            f"brute force after Cheng et al. 2021: {SKIMAGE} erosion by a square (a cube in 3D)",
            eroded,
            "one or two erosions; ours with the diagonal of 1 or 2 pixels as width, which is the same rim",
        ),
    ]


def share(first: Mask, second: Mask) -> float:
    """IoU of two rims."""
    union = int((first | second).sum())
    return int((first & second).sum()) / union if union else float("nan")


def rim_by_growing(mask: Mask, width: float, spacing: tuple[float, ...]) -> Mask:
    """Mark pixels of the mask that a step within the width, or across a face, leads out of."""
    reach = [int(width / size) + 1 for size in spacing]
    steps = np.meshgrid(*(np.arange(-n, n + 1) for n in reach), indexing="ij")
    length = np.sqrt(sum((step * size) ** 2 for step, size in zip(steps, spacing, strict=True)))
    near = length <= width * (1 + 1e-9)
    near |= sum(np.abs(step) for step in steps) <= 1
    outside = binary_dilation(~np.pad(mask, 1), structure=near)
    return np.asarray(mask & outside[(slice(1, -1),) * mask.ndim], dtype=np.bool_)


def rim_by_erosion(mask: Mask, times: int) -> Mask:
    """Take an eroded mask off the mask, as the authors' code does."""
    inner = np.pad(mask, 1).astype(np.uint8)
    for _ in range(times):
        inner = erosion(inner, generate_binary_structure(mask.ndim, mask.ndim).astype(np.uint8))
    return np.asarray(mask & (inner[(slice(1, -1),) * mask.ndim] == 0), dtype=np.bool_)


def run_peer(
    name: str, script: str, cases: list[Case], more: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """Hand the cases to a script in a peer's environment; None if it was not made."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"](name)
    if python is None:
        return None
    arrays: dict[str, Any] = dict(more or {})
    for number, case in enumerate(cases):
        arrays[f"reference_{number}"] = case.reference
        arrays[f"prediction_{number}"] = case.prediction
        arrays[f"spacing_{number}"] = np.asarray(case.spacing)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.npz"
        np.savez(file, **arrays)
        command = [str(python), str(PEERS / script), str(file)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    for line in rows(quick=False):
        print(line)
