"""Simulated studies: effects, replicates, independence of images."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulatedImage, SimulationSettings
from veriscope.datasets.stain import DNA, MARKER
from veriscope.datasets.study import GroupSettings, StudySettings, group_settings, simulate_study
from veriscope.datasets.truth import image_truth, study_truth

TINY = SimulationSettings(scene=SceneSettings(height_px=96, width_px=96))


def run(settings: StudySettings, seed: int = 0) -> list[SimulatedImage]:
    return list(simulate_study(settings, seed=seed))


def test_images_come_in_order_with_their_place() -> None:
    settings = StudySettings(simulation=TINY, replicates=2, images_per_replicate=2)
    images = run(settings)
    assert len(images) == 3 * 2 * 2
    assert [i.image_id for i in images[4:8]] == [
        "low-dose-1-01",
        "low-dose-1-02",
        "low-dose-2-01",
        "low-dose-2-02",
    ]
    assert {i.group for i in images[4:8]} == {"low dose"}
    assert [i.replicate for i in images[4:8]] == ["low-dose-1", "low-dose-1", "low-dose-2", "low-dose-2"]
    assert images[4].image.name == "low-dose-1-01"


def test_an_image_does_not_depend_on_how_many_others_there_are() -> None:
    large = {i.image_id: i for i in run(StudySettings(simulation=TINY, replicates=2, images_per_replicate=2))}
    groups = StudySettings().groups[:2]
    small = run(StudySettings(simulation=TINY, groups=groups, replicates=1, images_per_replicate=1))
    for image in small:
        np.testing.assert_array_equal(image.image.pixels, large[image.image_id].image.pixels)
    pixels = [i.image.pixels.tobytes() for i in large.values()]
    assert len(set(pixels)) == len(pixels)
    other = run(StudySettings(simulation=TINY, groups=groups, replicates=1, images_per_replicate=1), seed=1)
    assert not np.array_equal(other[0].labels, small[0].labels)


def test_effects_are_found_in_the_truth() -> None:
    settings = StudySettings(
        simulation=SimulationSettings(scene=SceneSettings(density_per_mm2=1800), stains=(DNA, MARKER)),
        groups=(
            GroupSettings(name="a"),
            GroupSettings(
                name="b", density_factor=0.5, diameter_factor=1.2, intensity_factor=2, positive_factor=2
            ),
        ),
        replicates=2,
        images_per_replicate=2,
        density_sd=0.0,
        diameter_sd=0.0,
        intensity_sd=0.0,
    )
    images = run(settings)
    truth = study_truth(settings, seed=0, images=[image_truth(i) for i in images])
    (contrast,) = truth["contrasts"]
    assert contrast["count_per_image_ratio"] == pytest.approx(0.5, rel=0.15)
    assert contrast["mean_area_um2_ratio"] == pytest.approx(1.2**2, rel=0.1)
    assert contrast["set_density_ratio"] == 0.5
    assert contrast["fraction_positive-marker_ratio"] == pytest.approx(2, rel=0.25)
    photons = [np.concatenate([i.table["photons-DNA"] for i in images if i.group == g]) for g in "ab"]
    assert np.median(photons[1]) / np.median(photons[0]) == pytest.approx(2, rel=0.1)


def test_truth_is_that_of_the_labels() -> None:
    settings = StudySettings(simulation=TINY, replicates=1, images_per_replicate=2)
    images = run(settings)
    truth = study_truth(settings, seed=0, images=[image_truth(i) for i in images])
    control = truth["groups"][0]
    labels = [i.labels for i in images if i.group == "control"]
    assert control["n_objects"] == sum(int(one.max()) for one in labels)
    assert control["count_per_image"] == control["n_objects"] / 2
    assert control["mean_area_px"] == pytest.approx(
        sum((one > 0).sum() for one in labels) / control["n_objects"]
    )
    assert control["mean_area_um2"] == pytest.approx(control["mean_area_px"] / 4)
    assert control["density_per_mm2"] == pytest.approx(control["n_objects"] / (2 * 0.048**2))
    assert control["set"]["density_factor"] == 1


def test_groups_without_objects_have_no_means() -> None:
    settings = StudySettings(
        simulation=TINY,
        groups=(GroupSettings(name="some"), GroupSettings(name="none", density_factor=0)),
        replicates=1,
        images_per_replicate=1,
    )
    truth = study_truth(settings, seed=0, images=[image_truth(i) for i in run(settings)])
    assert truth["groups"][1]["n_objects"] == 0
    assert truth["groups"][1]["mean_area_um2"] is None
    assert "mean_area_um2_ratio" not in truth["contrasts"][0]
    assert truth["contrasts"][0]["count_per_image_ratio"] == 0


def test_replicates_differ_by_the_spread_set() -> None:
    settings = StudySettings(
        simulation=TINY.model_copy(update={"scene": SceneSettings(height_px=48, width_px=48)}),
        groups=(GroupSettings(name="g"),),
        replicates=150,
        images_per_replicate=1,
        density_sd=0.0,
        diameter_sd=0.0,
        intensity_sd=0.3,
    )
    background_free = [i.table["photons-DNA"].median() for i in run(settings) if i.n_objects]
    # spread of the replicate and of the object itself (0.3), plus texture and dome
    assert np.std(np.log(background_free)) == pytest.approx(np.hypot(0.3, 0.25), abs=0.1)


def test_group_settings_carry_the_effect_but_no_chance() -> None:
    settings = StudySettings()
    high = group_settings(settings, settings.groups[2])
    assert high.scene.density_per_mm2 == 0.5 * settings.simulation.scene.density_per_mm2
    assert high.stains == settings.simulation.stains


def test_groups_need_names_that_make_different_files() -> None:
    with pytest.raises(ValidationError, match="group names must differ in letters or digits"):
        StudySettings(groups=(GroupSettings(name="low dose"), GroupSettings(name="Low-dose")))
    with pytest.raises(ValidationError, match="group names must differ in letters or digits"):
        StudySettings(groups=(GroupSettings(name="µ"),))
