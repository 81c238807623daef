"""The truth of a simulated study adds up: objects to images, images to groups, groups to contrasts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulatedImage, SimulationSettings
from veriscope.datasets.stain import DNA, MARKER
from veriscope.datasets.study import GroupSettings, StudySettings, simulate_study
from veriscope.datasets.truth import image_truth, study_truth

SETTINGS = StudySettings(
    simulation=SimulationSettings(
        scene=SceneSettings(height_px=96, width_px=80, density_per_mm2=4000, pixel_size_um=0.5),
        stains=(DNA, MARKER),
    ),
    groups=(GroupSettings(name="control"), GroupSettings(name="treated", density_factor=0.5)),
    replicates=2,
    images_per_replicate=2,
)


@pytest.fixture(scope="module")
def images() -> list[SimulatedImage]:
    return list(simulate_study(SETTINGS, seed=2))


@pytest.fixture(scope="module")
def truth(images: list[SimulatedImage]) -> dict[str, Any]:
    return study_truth(SETTINGS, seed=2, images=[image_truth(item) for item in images])


def test_the_row_of_an_image_is_that_of_its_objects(images: list[SimulatedImage]) -> None:
    for item in images:
        row = image_truth(item)
        assert row["n_objects"] == len(item.table) == int(item.labels.max())
        assert row["area_mm2"] == pytest.approx(96 * 80 * 0.25e-6)
        assert row["sum_area_px"] == int((item.labels > 0).sum())
        assert row["sum_area_um2"] == pytest.approx(row["sum_area_px"] * 0.25)
        assert row["n_positive-DNA"] == row["n_objects"]
        assert 0 <= row["n_positive-marker"] <= row["n_objects"]


def test_groups_are_the_sums_of_their_images(truth: dict[str, Any]) -> None:
    for group in truth["groups"]:
        mine = [row for row in truth["images"] if row["group"] == group["group"]]
        n = sum(row["n_objects"] for row in mine)
        assert (group["n_images"], group["n_replicates"], group["n_objects"]) == (4, 2, n)
        assert group["count_per_image"] == n / 4
        assert group["density_per_mm2"] == pytest.approx(n / sum(row["area_mm2"] for row in mine))
        assert group["mean_area_um2"] == pytest.approx(sum(row["sum_area_um2"] for row in mine) / n)
        assert group["fraction_positive-marker"] == sum(row["n_positive-marker"] for row in mine) / n


def test_contrasts_are_those_of_the_groups(truth: dict[str, Any]) -> None:
    control, treated = truth["groups"]
    (contrast,) = truth["contrasts"]
    assert (contrast["group"], contrast["reference"]) == ("treated", "control")
    compared = [key for key in control if key.startswith(("count_", "density_", "mean_", "fraction_"))]
    assert len(compared) >= 6
    for key in compared:
        assert contrast[f"{key}_difference"] == pytest.approx(treated[key] - control[key])
        assert contrast[f"{key}_ratio"] == pytest.approx(treated[key] / control[key])
    assert contrast["set_density_ratio"] == 0.5


def test_groups_in_another_order_are_the_same_groups(
    images: list[SimulatedImage], truth: dict[str, Any]
) -> None:
    turned = SETTINGS.model_copy(update={"groups": SETTINGS.groups[::-1]})
    rows = [image_truth(item) for item in images]
    again = study_truth(turned, seed=2, images=rows)
    assert again["groups"] == truth["groups"][::-1]
    key = "count_per_image_ratio"
    assert again["contrasts"][0][key] == pytest.approx(1 / truth["contrasts"][0][key])


def test_the_truth_is_plain_json_that_gives_the_settings_back(truth: dict[str, Any]) -> None:
    read = json.loads(json.dumps(truth, allow_nan=False))
    assert read == truth
    assert StudySettings.parse(read["settings"], where="truth.json") == SETTINGS


def test_no_images_have_no_means() -> None:
    empty = study_truth(SETTINGS, seed=0, images=[])
    assert [group["n_objects"] for group in empty["groups"]] == [0, 0]
    assert "mean_area_um2" not in empty["groups"][0]
