"""Restored against clean images: values by hand, units, and images that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]


def clean(seed: int = 0) -> NDArray[np.float32]:
    """Give noise between 0 and exactly 100."""
    pixels = np.random.default_rng(seed).integers(0, 101, (32, 40)).astype(np.float32)
    pixels[0, :2] = 0, 100
    return pixels


def compare(*folders: Path, **options: Any) -> dict[str, Any]:
    return compare_folders(*folders, task="restoration", **options)


def mean(found: dict[str, Any], key: str) -> float:
    return float(found["metrics_per_image"][key]["value"])


def test_values_by_hand(folder: Folder) -> None:
    references = folder("clean", a=clean(1), b=clean(2))
    found = compare(references, folder("restored", a=clean(1) + 1, b=clean(2) - 10))
    assert [row["psnr"] for row in found["images"]] == pytest.approx([40, 20], abs=1e-4)
    assert mean(found, "psnr") == pytest.approx(30, abs=1e-4)
    assert (found["metrics"], found["data_range"]) == ({}, "reference")
    assert found["metrics_per_image"]["psnr"]["aggregation"] == "mean"
    assert found["images"][0]["scale_invariant_psnr"] is None, "an offset alone is no error: infinite"
    assert found["metrics_per_image"]["scale_invariant_psnr"]["n_units"] == 0
    assert mean(found, "rsp") == pytest.approx(1)
    assert found["advice"]["category"] == "restoration"
    wide = compare(references, folder("again", a=clean(1) + 1, b=clean(2) - 10), data_range=1000)
    assert (mean(wide, "psnr"), wide["data_range"]) == (pytest.approx(50, abs=1e-4), 1000)


def test_time_points_are_images_of_one_series(folder: Folder) -> None:
    movie = np.stack([clean(1), clean(2), clean(3)])
    steps = np.array([1, 10, 0.1], np.float32)[:, None, None]
    for name, pixels in (("clean", movie), ("restored", movie + steps)):
        tifffile.imwrite(folder(name) / "a.tif", pixels, imagej=True, metadata={"axes": "TYX"})
    found = compare(folder("x").parent / "clean", folder("y").parent / "restored")
    assert [row["psnr"] for row in found["images"]] == pytest.approx([40, 20, 60], abs=1e-2)
    assert [row["name"] for row in found["images"]] == ["a, t=0", "a, t=1", "a, t=2"]
    assert found["metrics_per_image"]["psnr"]["n_units"] == 1, "one series is one unit"


def test_replicates_are_averaged_first(folder: Folder, tmp_path: Path) -> None:
    images = {name: clean(seed) for seed, name in enumerate("abc")}
    shifted = {name: images[name] + shift for name, shift in zip("abc", (1, 10, 0.1), strict=True)}
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\na,x,1\nb,x,1\nc,x,2\n")
    found = compare(folder("clean", **images), folder("restored", **shifted), groups=sheet)
    assert mean(found, "psnr") == pytest.approx(((40 + 20) / 2 + 60) / 2, abs=1e-2)
    assert found["metrics_per_image"]["psnr"]["n_units"] == 2


def test_lengths_are_in_um_where_the_pixel_size_is_known(folder: Folder, refusal: Refusal) -> None:
    rng = np.random.default_rng(9)
    sharp = (1000 * gaussian_filter(rng.random((96, 96)), 2)).astype(np.float32)
    noise = rng.normal(0, 5, sharp.shape).astype(np.float32)
    references, found = folder("clean", a=sharp), folder("restored", a=sharp + noise)
    pixels = mean(compare(references, found), "frc_resolution")
    assert mean(compare(references, found, spacing={"y": 0.1, "x": 0.1}), "frc_resolution") == pytest.approx(
        pixels / 10
    )
    assert refusal(references, found, task="restoration", spacing={"x": 0.1}).startswith(
        "a: spacing is given for axes 'x' but the image has 'yx'"
    )


def test_the_nearer_image_ranks_first_whatever_the_direction(folder: Folder) -> None:
    references = folder("clean", **{f"i{n}": clean(n) for n in range(6)})
    rng = np.random.default_rng(3)
    for name, sigma in (("near", 2), ("far", 15)):
        noisy = {f"i{n}": clean(n) + rng.normal(0, sigma, (32, 40)).astype(np.float32) for n in range(6)}
        folder(name, **noisy)
    for metric, better in (("scale_invariant_psnr", "higher"), ("rse", "lower"), ("ssim", "higher")):
        ranking = compare(references, references.parent / "far", references.parent / "near", metric=metric)[
            "ranking"
        ]
        assert (ranking["metric"], ranking["better"], ranking["aggregation"]) == (metric, better, "mean")
        assert list(ranking["values"]) == ["near", "far"]
        assert ranking["pairs"][0]["better"] == "near"


def test_a_metric_whose_best_value_is_in_the_middle_ranks_nothing(folder: Folder, refusal: Refusal) -> None:
    references, found = folder("clean", a=clean()), folder("restored", a=clean() + 1)
    assert refusal(references, found, task="restoration", metric="high_frequency_ratio") == (
        "candidates cannot be ranked by 'high_frequency_ratio'; the metrics are psnr, scale_invariant_psnr, "
        "ssim, micro_ssim, frc_resolution, frc_resolution_half_bit, rse, rsp, spectral_error"
    )


def test_faults_of_all_files_come_together(folder: Folder, refusal: Refusal) -> None:
    references = folder("clean", a=clean(), b=clean(), c=clean())
    found = folder("restored", a=clean()[:, :-1], b=np.where(clean() > 99, np.nan, clean()), c=clean())
    tifffile.imwrite(found / "c.tif", np.zeros((32, 40, 3), np.uint8), photometric="rgb")
    lines = refusal(references, found, task="restoration").splitlines()
    assert lines[0] == "3 of 3 pairs cannot be compared:"
    assert lines[1].startswith("  - a: the reference has shape (32, 40) and the prediction (32, 39)")
    assert lines[2].startswith("  - b: ")
    assert "NaN" in lines[2]
    assert lines[3] == (
        "  - restored/c.tif: has axes 'cyx'; images are compared one channel at a time, with axes yx, zyx, "
        "tyx "
        "or tzyx"
    )


@pytest.mark.real_data
def test_real_noisy_images_against_clean_ones(data_dir: Path) -> None:
    root = data_dir / "w2s_denoising"
    stems = sorted(path.name for path in (root / "clean").glob("*.tif"))[:6]
    found = compare_folders(
        root / "clean" / "fov003_*.tif", root / "noisy" / "fov003_*.tif", task="restoration", partial=True
    )
    assert found["n_images"] == sum(name.startswith("fov003") for name in stems)
    for row in found["images"]:
        truth, noisy = (
            tifffile.imread(root / kind / f"{row['name']}.tif").astype(np.float64)
            for kind in ("clean", "noisy")
        )
        gain, offset = np.polyfit(noisy.ravel(), truth.ravel(), 1)
        residual = ((gain * noisy + offset - truth) ** 2).mean()
        peak = np.ptp(truth)
        assert row["scale_invariant_psnr"] == pytest.approx(10 * np.log10(peak**2 / residual), rel=1e-6)
        assert row["psnr"] == pytest.approx(10 * np.log10(peak**2 / ((noisy - truth) ** 2).mean()), rel=1e-6)
