"""Restorations over many images: values per image, means by image or cluster, gain over doing nothing."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.io import imread

from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.validate.metrics.restoration.catalogue import DESCRIPTIONS
from veriscope.validate.metrics.restoration.frc import frc_resolution
from veriscope.validate.metrics.restoration.psnr import psnr, scale_invariant_psnr
from veriscope.validate.metrics.restoration.squirrel import rse
from veriscope.validate.restorations import RestoredImage, compare_restorations, measure_restoration

ROOT = Path(__file__).parents[2]
Image = NDArray[np.float64]


def scene(seed: int) -> tuple[Image, Image, Image]:
    """A clean image, a noisy one, and the noisy one smoothed."""
    random = np.random.default_rng(seed)
    clean = gaussian_filter(random.random((40, 40)) ** 8, 2)
    clean = 10 + 100 * clean / clean.max()
    noisy = clean + 12 * random.normal(size=clean.shape)
    return clean, noisy, gaussian_filter(noisy, 1)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Image, Image, Image]]:
    return [scene(seed) for seed in range(6)]


def test_values_per_image_are_those_of_the_functions(scenes: list[tuple[Image, Image, Image]]) -> None:
    clean, _, smooth = scenes[0]
    values = measure_restoration(clean, smooth, data_range=200, spacing=(0.1, 0.1))
    assert list(values) == [item.key for item in DESCRIPTIONS]
    assert values["psnr"] == psnr(clean, smooth, data_range=200)
    assert values["scale_invariant_psnr"] == scale_invariant_psnr(clean, smooth)
    assert values["frc_resolution"] == frc_resolution(clean, smooth, spacing=(0.1, 0.1))
    assert values["rse"] == rse(clean, smooth, spacing=(0.1, 0.1))
    by_reference = measure_restoration(clean, smooth, data_range="reference")
    assert by_reference["psnr"] == psnr(clean, smooth, data_range=float(np.ptp(clean)))


def test_means_gain_and_baseline_over_images(scenes: list[tuple[Image, Image, Image]]) -> None:
    found = compare_restorations(
        (clean for clean, _, _ in scenes),
        (smooth for _, _, smooth in scenes),
        inputs=(noisy for _, noisy, _ in scenes),
        names=[f"field {i}" for i in range(6)],
        data_range="reference",
    )
    assert found.baseline is not None
    assert found.gain is not None
    for item in DESCRIPTIONS:
        after = np.mean([image.values[item.key] for image in found.images])
        assert found.metrics[item.key].value == pytest.approx(after)
    psnr_gain = found.gain["scale_invariant_psnr"]
    difference = found.metrics["scale_invariant_psnr"].value - found.baseline["scale_invariant_psnr"].value
    assert psnr_gain.value == pytest.approx(difference)
    assert psnr_gain.low is not None
    assert psnr_gain.low > 0
    assert (psnr_gain.unit, psnr_gain.n_units) == ("image", 6)
    # Lower is better: the gain is what the error fell by. Nearer to 1 is better for the ratio.
    fell = found.baseline["spectral_error"].value - found.metrics["spectral_error"].value
    assert found.gain["spectral_error"].value == pytest.approx(fell)
    assert found.gain["high_frequency_ratio"].value > 0
    shown = found.to_dict()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert shown["images"][2]["name"] == "field 2"
    assert shown["n_images"] == 6


@pytest.mark.parametrize(
    ("key", "before", "after", "gain"),
    [
        ("psnr", 20.0, 25.0, 5.0),
        ("ssim", 0.5, 0.8, 0.3),
        ("rse", 4.0, 3.0, 1.0),
        ("high_frequency_ratio", 1.5, 0.9, 0.4),
        ("psnr", np.inf, np.inf, np.nan),
        ("rsp", np.nan, 0.5, np.nan),
    ],
)
def test_gain_is_how_much_nearer_to_the_best_value(
    key: str, before: float, after: float, gain: float
) -> None:
    (metric,) = [item for item in DESCRIPTIONS if item.key == key]
    image = RestoredImage("a", None, {key: after}, {key: before})
    assert image.gain(metric) == pytest.approx(gain, nan_ok=True)
    assert np.isnan(RestoredImage("a", None, {key: after}).gain(metric))


def test_clusters_are_the_units_and_images_are_averaged_within(
    scenes: list[tuple[Image, Image, Image]],
) -> None:
    clusters = ["a", "a", "a", "b", "b", "c"]
    found = compare_restorations(
        [clean for clean, _, _ in scenes],
        [noisy for _, noisy, _ in scenes],
        data_range=100,
        clusters=clusters,
    )
    values = np.array([image.values["ssim"] for image in found.images])
    expected = np.mean([values[:3].mean(), values[3:5].mean(), values[5]])
    assert found.metrics["ssim"].value == pytest.approx(expected)
    assert (found.metrics["ssim"].n_units, found.metrics["ssim"].unit) == (3, "cluster")
    assert found.gain is None
    assert found.baseline is None


@pytest.mark.parametrize("clusters", [[None, "a", "a"], ["a", None, "a"]])
def test_images_without_a_cluster_among_others_are_refused(
    scenes: list[tuple[Image, Image, Image]], clusters: list[str | None]
) -> None:
    images = [clean for clean, _, _ in scenes[:3]]
    with pytest.raises(InputError, match=r"^1 of 3 images have no cluster"):
        compare_restorations(images, images, data_range=100, clusters=clusters)


def test_constant_references_and_perfect_images_are_left_aside_and_counted() -> None:
    clean, noisy, _ = scene(0)
    flat = np.full_like(clean, 5.0)
    found = compare_restorations([clean, clean, flat], [noisy, clean, noisy], data_range="reference")
    assert found.n_left_aside["psnr"] == 2
    assert found.n_left_aside["scale_invariant_psnr"] == 2
    assert found.n_left_aside["ssim"] == 1
    assert found.metrics["psnr"].n_units == 1
    assert found.metrics["psnr"].low is None
    assert found.to_dict()["images"][1]["values"]["psnr"] is None


def test_no_images() -> None:
    found = compare_restorations([], [], data_range=1.0, inputs=[])
    assert found.images == ()
    assert np.isnan(found.metrics["ssim"].value)
    assert found.gain is not None
    assert found.gain["ssim"].to_dict()["value"] is None


def test_thin_stacks_have_all_but_frequencies() -> None:
    clean, noisy, _ = scene(0)
    found = measure_restoration(np.stack([clean] * 5), np.stack([noisy] * 5), data_range=100)
    undefined = {key for key, value in found.items() if np.isnan(value)}
    assert undefined == {
        "frc_resolution",
        "frc_resolution_half_bit",
        "spectral_error",
        "high_frequency_ratio",
    }
    assert found["ssim"] == pytest.approx(measure_restoration(clean, noisy, data_range=100)["ssim"])


def test_what_is_wrong_is_named() -> None:
    clean, noisy, _ = scene(0)
    bad = noisy.copy()
    bad[0, 0] = np.inf
    with pytest.raises(PixelValueError, match=r"^two: the prediction: 1 of 1600 pixels are NaN or infinite"):
        compare_restorations([clean, clean], [noisy, bad], names=["one", "two"], data_range=100)
    with pytest.raises(
        PixelValueError, match=r"^image 1, its input taken as the prediction: the prediction: 1"
    ):
        compare_restorations([clean], [noisy], inputs=[bad], data_range=100)
    with pytest.raises(ShapeMismatchError, match=r"^image 1: the reference has shape \(40, 40\)"):
        compare_restorations([clean], [noisy[1:]], data_range=100)
    with pytest.raises(AxesError, match=r"^image 1: planes of 9 x 40 pixels are too small"):
        compare_restorations([clean[:9]], [noisy[:9]], data_range=100)
    message = "only 1 predictions for more references; give one of each per image"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        compare_restorations([clean, clean], [noisy], data_range=100)
    for wrong in (0, "max"):
        with pytest.raises(InputError, match=f"^data range {wrong!r} is not allowed; give the largest minus"):
            compare_restorations([clean], [noisy], data_range=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^level 95 is not allowed"):
        compare_restorations([clean], [noisy], data_range=100, level=95)


def test_quick_agreement_with_other_implementations() -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "metric_agreement" / "restoration.py"))
    found = script["rows"](quick=True)
    assert {row["metric"] for row in found} == {item.key for item in DESCRIPTIONS}
    assert all(row["max_difference"] <= row["tolerance"] for row in found)
    assert sum(row["n_cases"] >= 5 for row in found) >= 10


@pytest.mark.real_data
def test_a_filter_gains_on_real_noisy_frames(data_dir: Path) -> None:
    folder = data_dir / "w2s_denoising"
    stems = sorted(path.stem for path in (folder / "clean").glob("*_c0.tif"))

    def frames(kind: str) -> Iterator[Image]:
        for stem in stems:
            yield imread(folder / kind / f"{stem}.tif")[:256, :256].astype(np.float64)

    found = compare_restorations(
        frames("clean"),
        (gaussian_filter(frame, 1.5) for frame in frames("noisy")),
        inputs=frames("noisy"),
        names=stems,
        clusters=[stem.split("_")[0] for stem in stems],
        data_range=255,
    )
    assert found.gain is not None
    for key in ("scale_invariant_psnr", "ssim", "micro_ssim"):
        low = found.gain[key].low
        assert low is not None
        assert low > 0
        assert found.gain[key].n_units == 5
    # The noise is gone, and fine detail with it.
    assert found.baseline is not None
    assert found.baseline["high_frequency_ratio"].value > 10
    assert found.metrics["high_frequency_ratio"].value < 0.5
