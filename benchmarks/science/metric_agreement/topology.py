"""Metrics of connectedness against GUDHI, scikit-image, and homology computed by linear algebra.

Masks are random at every density, blurred noise, and membranes of the ISBI 2012 challenge where they are.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import tempfile
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, label
from skimage.io import imread
from skimage.measure import euler_number
from skimage.morphology import skeletonize

from veriscope.validate.metrics.topology.betti import betti_errors, betti_numbers, patch_betti_error
from veriscope.validate.metrics.topology.connectivity import Connectivity
from veriscope.validate.metrics.topology.lines import line_errors
from veriscope.validate.metrics.topology.matching import betti_matching

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / "benchmarks" / "peers"
DATA = Path(os.environ.get("VERISCOPE_DATA", ROOT.parent / "shared" / "data"))

Mask = NDArray[np.bool_]
Pair = tuple[Mask, Mask]
Row = dict[str, Any]
CONNECTIVITIES: tuple[Connectivity, ...] = ("full", "face")


def rows(*, quick: bool) -> list[Row]:
    """Compare each metric with each peer that has it."""
    random = np.random.default_rng(20240917)
    pairs = [random_pair(random, 2 + number % 2) for number in range(10 if quick else 300)]
    pairs += real_pairs(random, 2 if quick else 60)
    tiny = [tiny_pair(random) for _ in range(10 if quick else 400)]
    return [
        *gudhi_rows(pairs),
        euler_row(pairs),
        patch_row(pairs),
        *matching_rows(tiny),
        order_row([pair for pair in tiny if pair[0].ndim == 2]),
        lines_row(pairs),
    ]


def random_pair(random: np.random.Generator, ndim: int) -> Pair:
    """Make two masks that share much: blurred noise cut at a level, and the same with other noise added."""
    shape = tuple(random.integers(1, 24 if ndim == 3 else 90, ndim))
    noise, other = random.normal(size=shape), random.normal(size=shape)
    width = random.choice([0.0, 0.7, 1.5])
    first = gaussian_filter(noise, width)
    second = gaussian_filter(noise + random.uniform(0, 1) * other, width)
    level = random.uniform(0.05, 0.95)
    return first > np.quantile(first, level), second > np.quantile(second, level)


def real_pairs(random: np.random.Generator, n: int) -> list[Pair]:
    """Cut membranes of the ISBI 2012 challenge, and break, bridge and thicken them."""
    files = sorted((DATA / "isbi2012_em_membranes" / "masks").glob("*.png"))
    pairs = []
    for number in range(n if files else 0):
        image = imread(files[number % len(files)]) > 0
        y, x = random.integers(0, image.shape[0] - 128), random.integers(0, image.shape[1] - 128)
        reference = np.asarray(image[y : y + 128, x : x + 128], dtype=np.bool_)
        errors = gaussian_filter(random.normal(size=reference.shape), 2.0)
        prediction = (reference & (errors < np.quantile(errors, 0.97))) | (errors < np.quantile(errors, 0.02))
        pairs.append((reference, binary_dilation(prediction) if number % 2 else prediction))
    return pairs


def tiny_pair(random: np.random.Generator) -> Pair:
    """Make two masks small enough for linear algebra on every cell, alike or with nothing in common."""
    shape = tuple(random.integers(2, 8, 2)) if random.random() < 0.7 else tuple(random.integers(2, 5, 3))
    first = random.random(shape) < random.uniform(0.3, 0.8)
    noise = random.random(shape) < random.uniform(0.2, 0.7)
    second = np.where(random.random(shape) < random.choice([0.1, 0.3, 1.0]), noise, first)
    return first, second


def row(metric: str, peer: str, differences: list[float], explained: str = "") -> Row:
    """Join the differences of one metric; counts must agree exactly."""
    return {
        "metric": metric,
        "peer": peer,
        "n_cases": len(differences),
        "max_difference": float(max(differences, default=0.0)),
        "tolerance": 1e-9,
        "explained": explained,
    }


def gudhi_rows(pairs: list[Pair]) -> list[Row]:
    """Betti numbers of both masks of each pair, and the error that follows."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"]("gudhi")
    name = "CubicalComplex.persistent_betti_numbers"
    if python is None:
        return [row("betti_error", f"gudhi: {name}", [], "peer not installed")]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "masks.npz"
        np.savez(file, **{str(i): mask for i, mask in enumerate(mask for pair in pairs for mask in pair)})
        done = subprocess.run(
            [str(python), str(PEERS / "betti_gudhi.py"), str(file)],
            check=True,
            capture_output=True,
            text=True,
        )
    theirs = json.loads(done.stdout)
    found = []
    for connectivity, cells in (("full", "top_dimensional_cells"), ("face", "vertices")):
        differences = []
        for number, (reference, prediction) in enumerate(pairs):
            first, second = theirs[connectivity][2 * number], theirs[connectivity][2 * number + 1]
            ours = [
                *betti_numbers(reference, connectivity=connectivity),
                *betti_errors(reference, prediction, connectivity=connectivity),
            ]
            other = [*first, *np.abs(np.subtract(first, second))]
            differences.append(float(np.max(np.abs(np.subtract(ours, other)))))
        peer = f"gudhi {theirs['version']}: {name}, {cells}"
        found.append(row("betti_error", peer, differences, f"connectivity {connectivity!r}"))
    return found


def euler_row(pairs: list[Pair]) -> Row:
    """Alternating sums of the Betti numbers against scikit-image's tables of corners."""
    differences = []
    for mask in (mask for pair in pairs for mask in pair):
        for connectivity, neighbours in (("full", mask.ndim), ("face", 1)):
            betti = betti_numbers(mask, connectivity=connectivity)
            total = sum((-1) ** k * number for k, number in enumerate(betti))
            differences.append(float(abs(total - euler_number(mask, connectivity=neighbours))))
    return row("betti_error", f"scikit-image {version('scikit-image')}: euler_number", differences)


def patch_row(pairs: list[Pair]) -> Row:
    """Errors of patches of 2D masks, from scikit-image's Euler number and SciPy's labels."""
    differences = []
    for reference, prediction in pairs:
        if reference.ndim != 2 or reference.shape[0] % 16 or reference.shape[1] % 16:
            reference, prediction = (np.resize(mask, (48, 32)) for mask in (reference, prediction))
        errors = []
        for y, x in product(range(0, reference.shape[0], 16), range(0, reference.shape[1], 16)):
            numbers = []
            for mask in (reference, prediction):
                patch = mask[y : y + 16, x : x + 16]
                pieces = label(patch, structure=np.ones((3, 3)))[1]
                numbers.append((pieces, pieces - euler_number(patch, connectivity=2)))
            errors.append(np.abs(np.subtract(*numbers)).sum())
        differences.append(abs(patch_betti_error(reference, prediction, patch=16) - float(np.mean(errors))))
    return row(
        "patch_betti_error",
        f"scikit-image {version('scikit-image')}: euler_number, scipy {version('scipy')}: label",
        differences,
        "2D, sides that are multiples of the patch",
    )


def matching_rows(pairs: list[Pair]) -> list[Row]:
    """Matched features against bases of homology groups over two elements."""
    found = []
    for connectivity in CONNECTIVITIES:
        differences = []
        for reference, prediction in pairs:
            ours = betti_matching(reference, prediction, connectivity=connectivity)
            for k, matched in enumerate(ours.matched):
                if matched is not None:
                    expected = shared_features(reference, prediction, k, connectivity)
                    differences.append(float(abs(matched - expected)))
        peer = "brute force: dim(im(Hk(R) → Hk(R ∪ P)) ∩ im(Hk(P) → Hk(R ∪ P))) by elimination"
        explained = f"connectivity {connectivity!r}; tunnels of 3D masks left out (ours does not match them)"
        found.append(row("betti_matching_error", peer, differences, explained))
    return found


def order_row(pairs: list[Pair]) -> Row:
    """Errors of the paper's matching, which orders pixels, never exceed ours; how often they are equal."""
    too_large, n_equal = [], 0
    for reference, prediction in pairs:
        ours = betti_matching(reference, prediction, connectivity="face").error
        paper = sum(betti_numbers(reference, connectivity="face"))
        paper += sum(betti_numbers(prediction, connectivity="face"))
        paper -= 2 * sum(matched_in_order(reference, prediction, k) for k in (0, 1))
        too_large.append(float(max(0, paper - ours)))
        n_equal += paper == ours
    explained = (
        f"excess of the paper's error; equal in {n_equal} of {len(pairs)}, ours larger in the rest, "
        "where the order of pixels matches features, above all one piece wherever it lies"
    )
    peer = "brute force after Stucki et al. 2023: induced matching, pixels in raster order"
    return row("betti_matching_error", peer, too_large, explained)


def lines_row(pairs: list[Pair]) -> Row:
    """Stretches of the reference's centre line outside the prediction, followed pixel by pixel."""
    differences = []
    for reference, prediction in pairs:
        if reference.ndim == 2:
            line = skeletonize(np.pad(reference, 1))[1:-1, 1:-1]
            missing = {tuple(at) for at in np.argwhere(line & ~prediction)}
            n_gaps = 0
            while missing:
                n_gaps += 1
                front = [missing.pop()]
                while front:
                    y, x = front.pop()
                    near = {(y + dy, x + dx) for dy, dx in product((-1, 0, 1), repeat=2)} & missing
                    missing -= near
                    front += near
            differences.append(float(abs(line_errors(reference, prediction).gaps - n_gaps)))
    return row("line_gaps", "brute force: flood fill of the missing centre line", differences, "gaps, 2D")


# Homology over two elements: chains are integers, one bit per cell.


def cells_of(mask: Mask, connectivity: Connectivity) -> dict[tuple[int, ...], int]:
    """Give the cells of a mask's cubical complex on a grid of twice the size, with their dimensions."""
    if connectivity == "full":  # Pixels are cubes: odd positions; their faces lie around.
        around = list(product((-1, 0, 1), repeat=mask.ndim))
        cells = {
            tuple(2 * place + 1 + step for place, step in zip(at, steps, strict=True))
            for at in np.argwhere(mask).tolist()
            for steps in around
        }
    else:  # Pixels are corners: even positions; a cell is there if all of its corners are.
        cells = {
            at
            for at in np.ndindex(*(2 * length - 1 for length in mask.shape))
            if all(mask[corner] for corner in product(*((place // 2, (place + 1) // 2) for place in at)))
        }
    return {cell: sum(place % 2 for place in cell) for cell in cells}


def boundary(cell: tuple[int, ...], number: dict[tuple[int, ...], int]) -> int:
    """Give the boundary of a cell as a chain."""
    chain = 0
    for axis, place in enumerate(cell):
        if place % 2:
            for step in (-1, 1):
                chain ^= 1 << number[(*cell[:axis], place + step, *cell[axis + 1 :])]
    return chain


class Span:
    """A space of chains, grown one chain at a time."""

    def __init__(self, chains: list[int] | None = None) -> None:
        self.by_top: dict[int, int] = {}
        for chain in chains or []:
            self.add(chain)

    def add(self, chain: int) -> bool:
        """Take a chain in; say whether it was new."""
        while chain:
            top = chain.bit_length()
            if top not in self.by_top:
                self.by_top[top] = chain
                return True
            chain ^= self.by_top[top]
        return False

    def copy(self) -> Span:
        """Give a span that grows apart."""
        other = Span()
        other.by_top = dict(self.by_top)
        return other

    def __len__(self) -> int:
        """Dimension of the space."""
        return len(self.by_top)


def cycles(cells: dict[tuple[int, ...], int], k: int, number: dict[tuple[int, ...], int]) -> list[int]:
    """Give a basis of the chains of dimension k without a boundary."""
    pivots: dict[int, tuple[int, int]] = {}
    found = []
    for cell in (cell for cell, dimension in cells.items() if dimension == k):
        edge, chain = boundary(cell, number), 1 << number[cell]
        while edge and edge.bit_length() in pivots:
            other_edge, other_chain = pivots[edge.bit_length()]
            edge, chain = edge ^ other_edge, chain ^ other_chain
        if edge:
            pivots[edge.bit_length()] = (edge, chain)
        else:
            found.append(chain)
    return found


def shared_features(reference: Mask, prediction: Mask, k: int, connectivity: Connectivity) -> int:
    """Dimension of what the homology groups of both masks have in common within that of their union."""
    union = cells_of(reference | prediction, connectivity)
    number = {cell: i for i, cell in enumerate(union)}
    borders = [boundary(cell, number) for cell, dimension in union.items() if dimension == k + 1]
    first, second = (cycles(cells_of(mask, connectivity), k, number) for mask in (reference, prediction))
    n_borders = len(Span(borders))
    sizes = [len(Span(borders + chains)) - n_borders for chains in (first, second, first + second)]
    return sizes[0] + sizes[1] - sizes[2]


def matched_in_order(reference: Mask, prediction: Mask, k: int) -> int:
    """Count features of both masks that die with the same cell when the rest of the image is filled in.

    This is the induced matching of two masks: after the union, the remaining pixels come one by one, each
    with the cells that it completes (corners, then edges, then squares), and features of the image of either
    mask that the same cell fills are matched. The last one, which never dies, is matched with the last one.
    """
    union = reference | prediction
    everything = cells_of(np.ones_like(union), "face")
    number = {cell: i for i, cell in enumerate(everything)}
    images = [cycles(cells_of(mask, "face"), k, number) for mask in (reference, prediction)]
    present = set(cells_of(union, "face"))
    borders = Span([boundary(cell, number) for cell in present if everything[cell] == k + 1])

    def alive(chains: list[int]) -> int:
        space = borders.copy()
        return sum(space.add(chain) for chain in chains)

    left = [alive(chains) for chains in images]
    matched = 0
    order = {tuple(at): i for i, at in enumerate(np.argwhere(np.ones_like(union)).tolist())}

    def completed(cell: tuple[int, ...]) -> tuple[int, int]:
        corners = product(*((place // 2, (place + 1) // 2) for place in cell))
        return max(order[corner] for corner in corners if not union[corner]), everything[cell]

    for cell in sorted((cell for cell in everything if cell not in present), key=completed):
        if everything[cell] == k + 1:
            borders.add(boundary(cell, number))
            now = [alive(chains) for chains in images]
            matched += now[0] < left[0] and now[1] < left[1]
            left = now
    return matched + (left[0] > 0 and left[1] > 0)


if __name__ == "__main__":
    for line in rows(quick=False):
        print(line)
