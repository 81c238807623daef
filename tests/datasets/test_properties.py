"""What holds for any settings of the simulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from veriscope.datasets.camera import CameraSettings, expose
from veriscope.datasets.optics import OpticsSettings, blur, illumination, psf_sigma_um, smooth_field
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.datasets.simulate import SimulationSettings, simulate_image
from veriscope.datasets.stain import StainSettings, paint
from veriscope.datasets.truth import image_truth

SCENES = st.builds(
    SceneSettings,
    height_px=st.integers(16, 60),
    width_px=st.integers(16, 60),
    pixel_size_um=st.sampled_from([0.1, 0.5, 2.0]),
    density_per_mm2=st.sampled_from([0.0, 500.0, 5000.0]),
    diameter_um=st.floats(1, 15),
    diameter_cv=st.floats(0, 0.5),
    elongation=st.floats(1, 2),
    roughness=st.floats(0, 0.2),
    clustering=st.floats(0, 1),
    max_overlap=st.floats(0, 0.5),
    min_pixels=st.integers(1, 30),
)
SEEDS = st.integers(0, 2**32)


def dice(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(max_examples=40)
@given(SCENES, SEEDS)
def test_a_scene_is_a_label_image_of_whole_objects(scene: SceneSettings, seed: int) -> None:
    found = build_scene(scene, dice(seed))
    assert found.labels.shape == found.depth.shape == (scene.height_px, scene.width_px)
    numbers = np.unique(found.labels)
    assert numbers.tolist() == list(range(len(numbers))) or 0 not in numbers
    assert found.n_objects == len(numbers[numbers > 0]) == found.labels.max()
    sizes = np.bincount(found.labels.ravel())[1:]
    assert (sizes >= scene.min_pixels).all()
    for number in range(1, found.n_objects + 1):
        assert ndimage.label(found.labels == number, np.ones((3, 3)))[1] == 1
    assert np.isfinite(found.depth).all()
    if scene.density_per_mm2 == 0:
        assert found.n_objects == 0


@settings(max_examples=15)
@given(SCENES, SEEDS)
def test_the_same_seed_is_the_same_scene(scene: SceneSettings, seed: int) -> None:
    one, two = (build_scene(scene, dice(seed)) for _ in range(2))
    assert np.array_equal(one.labels, two.labels) and np.array_equal(one.depth, two.depth)


@settings(max_examples=25)
@given(
    SCENES,
    st.builds(
        StainSettings,
        photons=st.floats(0, 1e4),
        positive_fraction=st.floats(0, 1),
        negative_level=st.floats(0, 1),
        texture=st.floats(0, 1),
        spots=st.floats(0, 20),
        spot_contrast=st.floats(-1, 5),
        background=st.floats(0, 100),
        background_variation=st.floats(0, 1),
        debris_per_mm2=st.sampled_from([0.0, 500.0]),
    ),
    SEEDS,
)
def test_light_is_there_where_the_truth_says(scene: SceneSettings, stain: StainSettings, seed: int) -> None:
    found = build_scene(scene, dice(seed))
    painted = paint(found, stain, scene.pixel_size_um, dice(seed))
    for light in (painted.emitted, painted.background):
        assert light.shape == found.labels.shape and light.dtype == np.float32
        assert np.isfinite(light).all() and (light >= 0).all()
    assert painted.positive.shape == (found.n_objects,)
    if stain.positive_fraction in (0, 1):
        assert (painted.positive == bool(stain.positive_fraction)).all()
    if stain.photons == 0:
        assert painted.emitted.max(initial=0) == 0
    if stain.background == 0 and stain.debris_per_mm2 == 0:
        assert painted.background.max(initial=0) == 0


@given(st.floats(0.05, 1.7), st.floats(1, 2), st.floats(300, 900), st.floats(0, 50), st.floats(0, 50))
def test_out_of_focus_nothing_gets_sharper(
    aperture: float, index: float, wavelength: float, near: float, far: float
) -> None:
    near, far = sorted((near, far))
    optics = OpticsSettings(numerical_aperture=min(aperture, 0.99 * index), refractive_index=index)
    focused, closer, further = (psf_sigma_um(optics, wavelength, defocus_um=d) for d in (0, near, far))
    assert 0 < focused <= closer <= further
    assert psf_sigma_um(optics, wavelength, defocus_um=-near) == pytest.approx(closer)
    assert psf_sigma_um(optics, 2 * wavelength) == pytest.approx(2 * focused)


@settings(max_examples=30)
@given(st.integers(8, 50), st.integers(8, 50), st.floats(0.05, 3), st.floats(0, 1), SEEDS)
def test_blur_keeps_the_light(height: int, width: int, sigma: float, haze: float, seed: int) -> None:
    """Of an even field nothing is lost or won, and nothing becomes negative."""
    optics = OpticsSettings(haze_fraction=haze, haze_um=2)
    even = np.full((height, width), 7, np.float32)
    found = blur(even, optics, sigma_um=sigma, pixel_size_um=0.5)
    assert found.shape == even.shape and found.dtype == np.float32
    assert found == pytest.approx(even, rel=1e-4)
    noise = dice(seed).random((height, width)).astype(np.float32)
    spread = blur(noise, optics, sigma_um=sigma, pixel_size_um=0.5)
    assert (spread >= -1e-6).all() and spread.std() <= noise.std() + 1e-6


@settings(max_examples=30)
@given(st.integers(2, 80), st.integers(2, 80), st.floats(0, 0.99), st.floats(0, 2), SEEDS)
def test_illumination_is_a_share_of_the_light(
    height: int, width: int, vignetting: float, spread: float, seed: int
) -> None:
    found = illumination((height, width), OpticsSettings(vignetting=vignetting, centre_sd=spread), dice(seed))
    assert found.shape == (height, width) and found.dtype == np.float32
    assert (found <= 1 + 1e-6).all() and (found >= 1 - vignetting - 1e-6).all()
    if vignetting == 0:
        assert (found == 1).all()


@settings(max_examples=30)
@given(st.integers(8, 60), st.integers(8, 60), st.floats(0.05, 0.3), SEEDS)
def test_smooth_fields_have_mean_0_and_spread_1(height: int, width: int, share: float, seed: int) -> None:
    """Where the field is larger than its structures, as it is in images."""
    found = smooth_field((height, width), share * min(height, width), dice(seed))
    assert found.shape == (height, width) and np.isfinite(found).all()
    assert float(found.mean()) == pytest.approx(0, abs=5e-3)
    assert float(found.std()) == pytest.approx(1, abs=1e-2)


@given(
    st.builds(
        CameraSettings,
        quantum_efficiency=st.floats(0.01, 1),
        dark_e=st.floats(0, 100),
        read_noise_e=st.floats(0, 50),
        gain_e_per_adu=st.floats(0.01, 50),
        offset_adu=st.floats(0, 1000),
        bit_depth=st.sampled_from([8, 12, 16]),
    ),
    st.floats(0, 1e6),
    SEEDS,
)
def test_a_camera_gives_whole_numbers_within_its_bits(
    camera: CameraSettings, photons: float, seed: int
) -> None:
    found = expose(np.full((6, 7), photons), camera, dice(seed))
    assert found.shape == (6, 7) and found.dtype.kind == "u"
    assert found.min() >= 0 and found.max() <= camera.saturation_adu
    assert np.array_equal(found, expose(np.full((6, 7), photons), camera, dice(seed)))


def test_more_light_is_never_darker_on_average() -> None:
    camera = CameraSettings()
    means = [expose(np.full((200, 200), n), camera, dice(1)).mean() for n in (0, 1, 10, 100, 10_000, 10**7)]
    assert means == sorted(means) and means[-1] == camera.saturation_adu


@settings(max_examples=12)
@given(SCENES, SEEDS)
def test_what_is_simulated_agrees_with_itself(scene: SceneSettings, seed: int) -> None:
    found = simulate_image(SimulationSettings(scene=scene), seed=seed, name="x")
    assert found.image.name == "x" and found.image.axes in ("yx", "cyx")
    assert found.image.spatial_shape == found.labels.shape == (scene.height_px, scene.width_px)
    assert found.image.spacing == {"y": scene.pixel_size_um, "x": scene.pixel_size_um}
    assert len(found.table) == found.n_objects == found.labels.max()
    truth = image_truth(found)
    assert truth["n_objects"] == found.n_objects
