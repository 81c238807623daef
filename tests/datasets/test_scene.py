"""The truth: shapes, sizes, density, touching, connectedness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label as connected_components

from veriscope.datasets.scene import Scene, SceneSettings, build_scene


def scene(seed: int = 0, **changes: float) -> Scene:
    return build_scene(SceneSettings(**changes), np.random.default_rng(seed))  # type: ignore[arg-type]


def interior_areas(result: Scene) -> np.ndarray:
    labels = result.labels
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    areas = np.bincount(labels.ravel())
    areas[edge] = 0
    areas[0] = 0
    return areas[areas > 0]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    density=st.sampled_from([0.0, 800.0, 6000.0]),
    roughness=st.sampled_from([0.0, 0.15]),
    min_pixels=st.sampled_from([1, 20]),
)
def test_labels_are_whole_connected_objects(
    seed: int, density: float, roughness: float, min_pixels: int
) -> None:
    result = scene(
        seed, height_px=96, width_px=130, density_per_mm2=density, roughness=roughness, min_pixels=min_pixels
    )
    labels, n = result.labels, result.n_objects
    assert labels.shape == result.depth.shape == (96, 130)
    assert labels.dtype == np.int32
    areas = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    assert (areas >= min_pixels).all()
    assert connected_components(labels, connectivity=1).max() == n
    assert ((result.depth > 0) == (labels > 0)).all()


def test_mean_count_is_the_density_asked_for() -> None:
    counts = []
    for seed in range(12):
        result = scene(seed, density_per_mm2=1500, min_pixels=1)
        touching_two_sides = np.unique(np.concatenate([result.labels[0], result.labels[:, 0]]))
        counts.append(result.n_objects - np.count_nonzero(touching_two_sides))
    expected = 1500 * (512 * 0.5e-3) ** 2  # each object counts in one field: 98
    assert np.mean(counts) == pytest.approx(expected, abs=3.5 * np.sqrt(expected / len(counts)))


def test_sizes_follow_the_log_normal_distribution() -> None:
    areas = np.concatenate([interior_areas(scene(s, clustering=0.0, max_overlap=0.0)) for s in range(6)])
    diameters = 2 * np.sqrt(areas / np.pi) * 0.5
    assert np.median(diameters) == pytest.approx(12, rel=0.03)
    assert np.std(np.log(diameters)) == pytest.approx(0.15, rel=0.15)


def test_outlines_without_roughness_and_elongation_are_circles() -> None:
    result = scene(1, roughness=0.0, elongation=1.0, diameter_cv=0.0, clustering=0.0, max_overlap=0.0)
    areas = interior_areas(result)
    assert areas.std() / areas.mean() < 0.02
    assert areas.mean() == pytest.approx(np.pi * 12**2, rel=0.01)


def count_touching(result: Scene) -> int:
    labels = result.labels
    pairs = set()
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        met = (a != b) & (a > 0) & (b > 0)
        pairs |= {tuple(sorted(pair)) for pair in zip(a[met].tolist(), b[met].tolist(), strict=True)}
    return len(pairs)


def test_clustering_makes_objects_touch() -> None:
    apart = sum(count_touching(scene(s, clustering=0.0)) for s in range(4))
    together = sum(count_touching(scene(s, clustering=0.8)) for s in range(4))
    assert together > 3 * apart


def test_no_overlap_allowed_leaves_objects_whole() -> None:
    result = scene(2, density_per_mm2=3000, max_overlap=0.0, roughness=0.0, elongation=1.0, diameter_cv=0.0)
    assert interior_areas(result).min() > 0.97 * np.pi * 12**2
