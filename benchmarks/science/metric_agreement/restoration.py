"""Metrics of restored images against scikit-image, the microssim package, and formulas written out by loops.

Images are random structures and denoised frames of `w2s_denoising` where it is; predictions are blurred,
noisy, shifted, rescaled, inverted or constant.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, median_filter
from scipy.optimize import least_squares
from skimage.io import imread
from skimage.metrics import peak_signal_noise_ratio

from veriscope.validate.metrics.restoration.frc import ring_correlation
from veriscope.validate.metrics.restoration.micro_ssim import micro_ssim
from veriscope.validate.metrics.restoration.psnr import psnr, scale_invariant_psnr
from veriscope.validate.metrics.restoration.spectrum import high_frequency_ratio, spectral_error
from veriscope.validate.metrics.restoration.squirrel import resolution_scaled
from veriscope.validate.metrics.restoration.ssim import ssim

ROOT = Path(__file__).resolve().parents[3]
PEERS = ROOT / "benchmarks" / "peers"
DATA = Path(os.environ.get("VERISCOPE_DATA", ROOT.parent / "shared" / "data"))

Image = NDArray[np.float64]
Pair = tuple[Image, Image]
Row = dict[str, Any]


def rows(*, quick: bool) -> list[Row]:
    """Compare each metric with each peer that has it."""
    random = np.random.default_rng(20241003)
    pairs = [random_pair(random) for _ in range(8 if quick else 240)]
    pairs += real_pairs(random, 2 if quick else 60)
    return [
        compare(
            "psnr",
            f"scikit-image {version('scikit-image')}: peak_signal_noise_ratio",
            pairs,
            lambda r, p: psnr(r, p, data_range=250.0),
            lambda r, p: peak_signal_noise_ratio(r, p, data_range=250.0),
        ),
        scale_invariant_row(pairs),
        compare(
            "ssim",
            "brute force after Wang et al. 2004: windows one by one",
            [(r[..., :25, :25], p[..., :25, :25]) for r, p in pairs],
            lambda r, p: ssim(r, p, data_range=250.0),
            ssim_by_loops,
        ),
        micro_row([pair for pair in pairs if pair[0].ndim == 2]),
        *ring_rows(pairs),
        *squirrel_rows([pair for pair in pairs if pair[0].ndim == 2]),
    ]


def random_pair(random: np.random.Generator) -> Pair:
    """Make blobs and lines on a background, and a prediction with the errors of a restoration."""
    shape = (
        (int(random.integers(8, 12)), 32, 36) if random.random() < 0.25 else tuple(random.integers(28, 60, 2))
    )
    structure = gaussian_filter(random.random(shape) ** random.integers(1, 20), random.uniform(0.5, 2))
    reference = 100 * structure / structure.max() + random.uniform(0, 50)
    return reference, spoil(reference, random)


def spoil(reference: Image, random: np.random.Generator) -> Image:
    """Blur, add noise, shift, scale, invert or flatten an image."""
    prediction = gaussian_filter(reference, random.choice([0.0, 0.6, 1.5]))
    prediction = prediction + random.choice([0.0, 1.0, 8.0]) * random.normal(size=reference.shape)
    prediction = np.roll(prediction, random.integers(0, 2), axis=-1)
    gain = random.choice([1.0, 0.1, 30.0, -1.0], p=[0.4, 0.3, 0.25, 0.05])
    spoilt: Image = gain * prediction + random.uniform(-50, 50)
    return spoilt if random.random() > 0.03 else np.full_like(reference, 7.0)


def real_pairs(random: np.random.Generator, n: int) -> list[Pair]:
    """Cut clean frames and their noisy ones, the latter as they are or denoised by a filter."""
    files = sorted((DATA / "w2s_denoising" / "clean").glob("*.tif"))
    pairs = []
    for number in range(n if files else 0):
        file = files[number % len(files)]
        y, x = random.integers(0, 440, 2)
        box = (slice(y, y + 64), slice(x, x + 64))
        clean, noisy = (imread(file.parents[1] / kind / file.name)[box] for kind in ("clean", "noisy"))
        restored = [noisy, gaussian_filter(noisy.astype(float), 1), median_filter(noisy, 3)][number % 3]
        pairs.append((clean.astype(np.float64), restored.astype(np.float64)))
    return pairs


def compare(
    metric: str,
    peer: str,
    pairs: list[Pair],
    ours: Callable[[Image, Image], float],
    theirs: Callable[[Image, Image], float],
    *,
    tolerance: float = 1e-9,
    explained: str = "",
) -> Row:
    """Take the largest difference over all pairs; both undefined or infinite is equal."""
    differences = []
    for reference, prediction in pairs:
        mine, other = ours(reference, prediction), theirs(reference, prediction)
        same = mine == other or (np.isnan(mine) and np.isnan(other))
        differences.append(0.0 if same else abs(mine - other))
    return {
        "metric": metric,
        "peer": peer,
        "n_cases": len(differences),
        "max_difference": float(max(differences, default=0.0)),
        "tolerance": tolerance,
        "explained": explained,
    }


def scale_invariant_row(pairs: list[Pair]) -> Row:
    """Fit gain and offset with a general solver; pairs that want a negative gain are left out."""

    def expected(reference: Image, prediction: Image) -> float:
        design = np.stack([prediction.ravel(), np.ones(prediction.size)], axis=1)
        fitted = design @ np.linalg.lstsq(design, reference.ravel(), rcond=None)[0]
        error = np.mean((reference.ravel() - fitted) ** 2)
        return float(10 * np.log10(np.ptp(reference) ** 2 / error))

    kept = [
        pair
        for pair in pairs
        if np.ptp(pair[1]) == 0 or np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1] > 0
    ]
    noisy = [pair for pair in kept if expected(*pair) < 200]
    return compare(
        "scale_invariant_psnr",
        "brute force after Weigert et al. 2018: least squares by numpy.linalg.lstsq",
        noisy,
        scale_invariant_psnr,
        expected,
        tolerance=1e-6,
        explained=(
            f"{len(pairs) - len(kept)} left out: correlation not above 0, where ours has gain 0; "
            f"{len(kept) - len(noisy)} left out: equal but for rounding"
        ),
    )


def ssim_by_loops(reference: Image, prediction: Image) -> float:
    """Equations 5, 6 and 13 to 16 of the paper for each window that lies within the image."""
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / (2 * 1.5**2))
    weights = np.outer(line, line) / line.sum() ** 2
    c1, c2 = (0.01 * 250.0) ** 2, (0.03 * 250.0) ** 2
    values = []
    for r, p in zip(
        *(image.reshape(-1, *image.shape[-2:]) for image in (reference, prediction)), strict=True
    ):
        plane = []
        for y in range(5, r.shape[0] - 5):
            for x in range(5, r.shape[1] - 5):
                a, b = (image[y - 5 : y + 6, x - 5 : x + 6] for image in (r, p))
                mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
                da, db = a - mean_a, b - mean_b
                var_a, var_b = (weights * da**2).sum(), (weights * db**2).sum()
                covariance = (weights * da * db).sum()
                above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
                plane.append(above / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)))
        values.append(np.mean(plane))
    return float(np.mean(values))


def micro_row(pairs: list[Pair]) -> Row:
    """Ask the authors' package; its search may stop early, so ours may be larger, never smaller."""
    python = runpy.run_path(str(PEERS / "make.py"))["peer_python"]("microssim")
    if python is None:
        return compare("micro_ssim", "microssim: MicroSSIM", [], micro_ssim, micro_ssim) | {
            "explained": "peer not installed"
        }
    kept = [pair for pair in pairs if np.ptp(pair[1]) > 0]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.npz"
        np.savez(
            file,
            **{f"{n}{i}": image for i, pair in enumerate(kept) for n, image in zip("rp", pair, strict=True)},
        )
        done = subprocess.run(
            [str(python), str(PEERS / "micro_ssim_values.py"), str(file)],
            check=True,
            capture_output=True,
            text=True,
        )
    theirs = json.loads(done.stdout)
    differences, n_larger = [], 0
    for pair, other in zip(kept, theirs["values"], strict=True):
        mine = micro_ssim(*pair)
        if mine > other + 1e-5:
            n_larger += 1
        else:
            differences.append(abs(mine - other))
    return {
        "metric": "micro_ssim",
        "peer": f"microssim {theirs['version']}: MicroSSIM.fit, .score(gaussian_weights=False)",
        "n_cases": len(differences),
        "max_difference": float(max(differences, default=0.0)),
        "tolerance": 1e-5,
        "explained": f"{n_larger} left out: ours is larger, the package's search stopped before the largest; "
        f"{len(pairs) - len(kept)} left out: constant prediction; Gaussian windows of the release set off",
    }


def rings_by_loops(reference: Image, prediction: Image) -> tuple[Image, Image, Image, Image]:
    """Correlation, power of both images and number of samples in each ring, from full transforms."""
    transforms = []
    for image in (reference, prediction):
        values = image - image.mean()
        for axis, length in enumerate(image.shape):
            at = np.arange(length) / (length - 1)
            edge = np.minimum(at, 1 - at)
            fade = np.where(edge < 0.125, 0.5 * (1 - np.cos(np.pi * edge / 0.125)), 1.0)
            values = np.moveaxis(np.moveaxis(values, axis, -1) * fade, -1, axis)
        transforms.append(np.fft.fftn(values))
    frequencies = np.stack(np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij"), axis=-1)
    width = 1 / min(reference.shape)
    n_rings = min(reference.shape) // 2
    sums = np.zeros((4, n_rings + 1))
    for first, second, frequency in zip(
        transforms[0].ravel(), transforms[1].ravel(), frequencies.reshape(-1, reference.ndim), strict=True
    ):
        ring = round(float(np.linalg.norm(frequency)) / width)
        if ring <= n_rings:
            sums[:, ring] += [(first * np.conj(second)).real, abs(first) ** 2, abs(second) ** 2, 1]
    shared, power_r, power_p, n = sums[:, 1:]
    return shared / np.sqrt(power_r * power_p), power_r, power_p, n


def ring_rows(pairs: list[Pair]) -> list[Row]:
    """Curves and what follows from them, on crops so that loops end."""
    crops = [(r[..., :24, :26], p[..., :24, :26]) for r, p in pairs if np.ptp(p[..., :24, :26]) > 0]
    expected = [rings_by_loops(*pair) for pair in crops]
    known = {id(pair[0]): found for pair, found in zip(crops, expected, strict=True)}
    peer = "brute force: full Fourier transform, sample by sample"
    left_out = f"{len(pairs) - len(crops)} left out: constant prediction"

    def curve(r: Image, p: Image) -> float:
        return float(np.max(np.abs(ring_correlation(r, p).correlation - known[id(r)][0])))

    def crossing(r: Image, thresholds: Image) -> float:
        correlation, n_rings = known[id(r)][0], len(known[id(r)][0])
        frequency = np.arange(1, n_rings + 1) / min(r.shape)
        for k in range(n_rings):
            if correlation[k] < thresholds[k]:
                if k == 0:
                    return float("inf")
                above, below = correlation[k - 1] - thresholds[k - 1], thresholds[k] - correlation[k]
                weighted = frequency[k - 1] * below + frequency[k] * above
                return float((above + below) / weighted)
        return float(1 / frequency[-1])

    def half_bit(r: Image) -> Image:
        root = np.sqrt(known[id(r)][3])
        return np.asarray((0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root))

    def spectral(r: Image, _: Image) -> float:
        _, power_r, power_p, n = known[id(r)]
        ratio = (power_p / power_p.sum() / n) / (power_r / power_r.sum() / n)
        return float(np.sqrt(np.mean((10 * np.log10(ratio)) ** 2)))

    def fine(r: Image, _: Image) -> float:
        _, power_r, power_p, n = known[id(r)]
        high = np.arange(1, len(n) + 1) > len(n) / 2
        return float((power_p[high].sum() / power_p.sum()) / (power_r[high].sum() / power_r.sum()))

    return [
        compare("frc_resolution", f"{peer}: whole curve", crops, curve, lambda r, p: 0.0, explained=left_out),
        compare(
            "frc_resolution",
            f"{peer}, after Nieuwenhuizen et al. 2013",
            crops,
            lambda r, p: ring_correlation(r, p).resolution("1/7"),
            lambda r, p: crossing(r, np.full(len(known[id(r)][0]), 1 / 7)),
            tolerance=1e-6,
            explained=left_out,
        ),
        compare(
            "frc_resolution_half_bit",
            f"{peer}, after van Heel and Schatz 2005",
            crops,
            lambda r, p: ring_correlation(r, p).resolution("half-bit"),
            lambda r, p: crossing(r, half_bit(r)),
            tolerance=1e-6,
            explained=left_out,
        ),
        compare("spectral_error", peer, crops, spectral_error, spectral, tolerance=1e-6, explained=left_out),
        compare(
            "high_frequency_ratio",
            peer,
            crops,
            high_frequency_ratio,
            fine,
            tolerance=1e-6,
            explained=left_out,
        ),
    ]


def squirrel_rows(pairs: list[Pair]) -> list[Row]:
    """Search blur, gain and offset together from several starts; ours must be as good or better."""
    crops = [(r[:28, :28], p[:28, :28]) for r, p in pairs if np.ptp(p[:28, :28]) > 0]
    excess, correlations, n_flat, n_better = [], [], 0, 0
    for reference, prediction in crops:
        ours = resolution_scaled(reference, prediction)
        if ours.gain == 0:
            n_flat += 1
            continue
        scale = prediction.std()

        def residual(x: Image, r: Image = reference, p: Image = prediction, s: float = float(scale)) -> Image:
            return (x[0] * blur(p, x[2]) / s + x[1] - r).ravel()

        best = min(
            (
                least_squares(
                    residual,
                    (reference.std(), 0.0, start),
                    bounds=([0, -np.inf, 0], [np.inf, np.inf, 28 / 8]),
                    x_scale=(reference.std(), reference.std(), 1.0),
                )
                for start in (0.3, 1.0, 2.5)
            ),
            key=lambda found: float(found.cost),
        )
        error = float(np.sqrt(np.mean(residual(best.x) ** 2)))
        if ours.rse < error - 1e-5 * reference.std():
            n_better += 1
            continue
        excess.append(abs(ours.rse - error) / reference.std())
        pearson = np.corrcoef(reference.ravel(), blur(prediction, best.x[2]).ravel())[0, 1]
        correlations.append(abs(ours.rsp - pearson))
    peer = "brute force after Culley et al. 2018: blur, gain and offset by scipy.optimize.least_squares"
    explained = (
        f"{n_flat} left out: best gain 0; {n_better} left out: ours has the smaller error; "
        "rse over the reference's standard deviation"
    )
    common = {"peer": peer, "n_cases": len(excess), "tolerance": 1e-5, "explained": explained}
    return [
        {"metric": "rse", "max_difference": float(max(excess, default=0.0)), **common},
        {"metric": "rsp", "max_difference": float(max(correlations, default=0.0)), **common},
    ]


def blur(image: Image, sigma: float) -> Image:
    """Blur with a Gaussian and mirrored edges, by matrices of cosines written out."""
    for axis, n in enumerate(image.shape):
        k, at = np.arange(n)[:, None], np.arange(n)[None, :] + 0.5
        waves = np.sqrt(np.where(k == 0, 1, 2) / n) * np.cos(np.pi * k * at / n)
        matrix = waves.T @ (np.exp(-0.5 * (np.pi * k * sigma / n) ** 2) * waves)
        image = np.moveaxis(np.tensordot(matrix, image, axes=(1, axis)), 0, axis)
    return image


if __name__ == "__main__":
    for line in rows(quick=False):
        print(line)
