"""Whole simulated images: agreement of image, labels and table; reproducibility."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image as Picture
from pydantic import ValidationError

from veriscope.datasets.camera import CameraSettings
from veriscope.datasets.optics import OpticsSettings
from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulationSettings, simulate_image
from veriscope.datasets.stain import DNA, MARKER
from veriscope.measure.table import measure_objects

SMALL = SceneSettings(height_px=200, width_px=240)


def test_table_agrees_with_labels_and_pixels() -> None:
    simulated = simulate_image(SimulationSettings(scene=SMALL), seed=1)
    measured = measure_objects(simulated.labels, simulated.image).frame
    shared = ["label", "centroid-y", "centroid-x", "area_px", "area", "touches_border"]
    pd.testing.assert_frame_equal(simulated.table[shared], measured[shared], rtol=1e-12)
    np.testing.assert_allclose(simulated.table["mean_intensity-DNA"], measured["mean_intensity"])
    assert simulated.image.axes == "yx"
    assert simulated.image.spacing == {"y": 0.5, "x": 0.5}


def test_same_seed_gives_the_same_image_and_another_seed_another() -> None:
    settings = SimulationSettings(scene=SMALL)
    first, again, other = (simulate_image(settings, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.image.pixels, again.image.pixels)
    pd.testing.assert_frame_equal(first.table, again.table)
    assert not np.array_equal(first.labels, other.labels)


def test_camera_optics_and_further_stains_leave_the_objects_alone() -> None:
    plain = simulate_image(SimulationSettings(scene=SMALL), seed=5)
    changed = simulate_image(
        SimulationSettings(
            scene=SMALL,
            stains=(DNA, MARKER),
            optics=OpticsSettings(numerical_aperture=0.4),
            camera=CameraSettings(bit_depth=12),
        ),
        seed=5,
    )
    np.testing.assert_array_equal(plain.labels, changed.labels)
    same_optics = simulate_image(SimulationSettings(scene=SMALL, stains=(DNA, MARKER)), seed=5)
    np.testing.assert_array_equal(plain.image.pixels, same_optics.image.pixels[0])
    assert changed.image.channels == ("DNA", "marker")


def test_light_without_blur_and_noise_is_what_the_truth_says() -> None:
    clean = SimulationSettings(
        scene=SMALL,
        stains=(DNA.model_copy(update={"background": 0.0, "debris_per_mm2": 0.0, "photons": 5000.0}),),
        optics=OpticsSettings(
            numerical_aperture=1.7, refractive_index=2, defocus_sd_um=0, haze_fraction=0, vignetting=0
        ),
        camera=CameraSettings(quantum_efficiency=1, dark_e=0, read_noise_e=0, gain_e_per_adu=1, offset_adu=0),
    )
    simulated = simulate_image(clean, seed=2)
    whole = simulated.table[simulated.table["area_px"] > 100]
    np.testing.assert_allclose(whole["mean_intensity-DNA"], whole["photons-DNA"], rtol=0.05)
    assert simulated.image.pixels[simulated.labels == 0].mean() < 0.02 * whole["photons-DNA"].mean()


def test_marker_is_positive_in_its_fraction_and_brighter_there() -> None:
    settings = SimulationSettings(scene=SceneSettings(density_per_mm2=2500), stains=(DNA, MARKER))
    table = pd.concat([simulate_image(settings, seed=s).table for s in range(3)])
    positive = table["positive-marker"]
    n = len(table)
    assert positive.mean() == pytest.approx(0.35, abs=3 * np.sqrt(0.35 * 0.65 / n))
    brightness = table["mean_intensity-marker"]
    assert brightness[positive].median() > 2 * (brightness[~positive].median() - 200)
    assert table["positive-DNA"].all()


def test_vignetting_darkens_the_corners_but_not_the_offset() -> None:
    settings = SimulationSettings(
        scene=SMALL.model_copy(update={"density_per_mm2": 0.0}),
        stains=(
            DNA.model_copy(update={"background": 1000.0, "background_variation": 0.0, "debris_per_mm2": 0.0}),
        ),
        optics=OpticsSettings(vignetting=0.5, centre_sd=0.0),
        camera=CameraSettings(offset_adu=100, dark_e=0),
    )
    simulated = simulate_image(settings, seed=0)
    pixels = simulated.image.pixels.astype(float) - 100
    assert simulated.n_objects == 0
    assert list(simulated.table.columns[:3]) == ["label", "centroid-y", "centroid-x"]
    assert pixels[:5, :5].mean() / pixels[95:105, 115:125].mean() == pytest.approx(0.51, abs=0.02)


def test_stains_need_different_names() -> None:
    with pytest.raises(ValidationError, match="stains have the same name: DNA, DNA"):
        SimulationSettings(stains=(DNA, DNA))


def test_a_busy_field_holds_the_objects_of_its_density() -> None:
    settings = SimulationSettings(scene=SceneSettings(density_per_mm2=2200))
    assert simulate_image(settings, seed=1).n_objects > 140


@pytest.mark.real_data
def test_contrast_lies_in_the_range_of_real_fluorescence(data_dir: Path) -> None:
    def contrasts(pixels: np.ndarray, labels: np.ndarray) -> list[float]:
        inside, outside = pixels[labels > 0].astype(float), pixels[labels == 0].astype(float)
        step = np.median(inside) - np.median(outside)
        return [step / outside.std(), step / inside.std(), (labels > 0).mean()]

    folder = data_dir / "dsb2018_fluorescence"
    real = []
    for file in sorted((folder / "labels").glob("*.tif"))[::6]:
        labels = tifffile.imread(file)
        if labels.any():
            real.append(contrasts(np.asarray(Picture.open(folder / "images" / f"{file.stem}.png")), labels))
    low, high = np.percentile(real, [5, 95], axis=0)
    simulated = [simulate_image(seed=seed) for seed in range(4)]
    ours = np.median([contrasts(s.image.pixels, s.labels) for s in simulated], axis=0)
    assert (low <= ours).all(), (low, ours, high)
    assert (ours <= high).all(), (low, ours, high)
