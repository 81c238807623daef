"""How much light objects and background send out: what was set is what is painted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from veriscope.datasets.scene import Scene, SceneSettings, build_scene
from veriscope.datasets.stain import MARKER, StainSettings, paint

FLAT: dict[str, Any] = {
    "object_cv": 0,
    "edge_softness": 0,
    "texture": 0,
    "spots": 0,
    "background_variation": 0,
    "debris_per_mm2": 0,
}


@pytest.fixture(scope="module")
def scene() -> Scene:
    settings = SceneSettings(height_px=160, width_px=160, density_per_mm2=6000, diameter_um=6)
    return build_scene(settings, np.random.default_rng(2))


def painted(scene: Scene, seed: int = 0, **options: Any) -> Any:
    return paint(scene, StainSettings(**(FLAT | options)), 0.5, np.random.default_rng(seed))


def test_a_flat_stain_is_as_bright_as_set_inside_and_dark_outside(scene: Scene) -> None:
    found = painted(scene, photons=200, background=30)
    assert scene.n_objects > 10
    assert found.positive.all()
    assert np.allclose(found.emitted[scene.labels > 0], 200)
    assert (found.emitted[scene.labels == 0] == 0).all()
    assert np.allclose(found.background, 30)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_negative_objects_are_dimmer_by_the_factor_set(scene: Scene, share: float) -> None:
    found = painted(scene, photons=100, positive_fraction=share, negative_level=0.1)
    level = np.array([found.emitted[scene.labels == n + 1].mean() for n in range(scene.n_objects)])
    assert np.allclose(level[found.positive], 100)
    assert np.allclose(level[~found.positive], 10)
    assert found.positive.mean() == pytest.approx(share, abs=0.35 * (0 < share < 1))


def test_brightness_is_in_proportion_to_the_photons(scene: Scene) -> None:
    """With the same chance, twice the photons are twice the light of every object pixel."""
    options = {"object_cv": 0.3, "texture": 0.2, "edge_softness": 0.5, "spots": 3}
    one, two = (painted(scene, seed=5, photons=photons, **options) for photons in (100, 200))
    assert np.allclose(2 * one.emitted, two.emitted, rtol=1e-4)
    assert np.array_equal(one.positive, two.positive)


def test_soft_edges_are_darker_than_centres(scene: Scene) -> None:
    found = painted(scene, edge_softness=1.0)
    rim, core = (scene.labels > 0) & (scene.depth < 0.2), scene.depth > 0.8
    assert found.emitted[rim].mean() < 0.5 * found.emitted[core].mean()


def test_debris_is_background_and_no_object(scene: Scene) -> None:
    clean, dirty = painted(scene), painted(scene, debris_per_mm2=3000)
    assert np.array_equal(clean.emitted, dirty.emitted)
    assert (dirty.background >= clean.background - 1e-3).all()
    assert dirty.background.sum() > clean.background.sum()


def test_light_is_never_negative_whatever_the_spots(scene: Scene) -> None:
    found = painted(scene, spots=30, spot_contrast=-1, texture=1, background_variation=1)
    assert found.emitted.min() >= 0
    assert found.background.min() >= 0


def test_an_empty_field_is_background_alone() -> None:
    empty = build_scene(SceneSettings(height_px=32, width_px=48, density_per_mm2=0), np.random.default_rng(0))
    found = paint(empty, MARKER, 0.5, np.random.default_rng(0))
    assert found.positive.shape == (0,)
    assert (found.emitted == 0).all()
    assert found.background.shape == (32, 48)
