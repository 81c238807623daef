"""The simulated study on disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulationSettings
from veriscope.datasets.stain import DNA, MARKER
from veriscope.datasets.study import StudySettings, simulate_study
from veriscope.datasets.write import write_study
from veriscope.errors import InputError
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels

SETTINGS = StudySettings(
    simulation=SimulationSettings(
        scene=SceneSettings(height_px=80, width_px=96, pixel_size_um=0.325), stains=(DNA, MARKER)
    ),
    replicates=1,
    images_per_replicate=2,
)


def test_files_hold_what_was_simulated(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    truth = write_study(
        tmp_path / "study", SETTINGS, seed=4, progress=lambda stage, done, total: told.append((done, total))
    )
    assert told == [(n, 6) for n in range(7)]
    images = list(simulate_study(SETTINGS, seed=4))
    for simulated in images:
        image = read_image(tmp_path / "study" / "images" / f"{simulated.image_id}.tif")
        np.testing.assert_array_equal(image.pixels, simulated.image.pixels)
        assert (image.axes, image.channels) == ("cyx", ("DNA", "marker"))
        assert image.spacing == pytest.approx({"y": 0.325, "x": 0.325})
        labels = read_labels(tmp_path / "study" / "labels" / f"{simulated.image_id}.tif")
        np.testing.assert_array_equal(labels, simulated.labels)
    sheet = pd.read_csv(tmp_path / "study" / "sheet.csv")
    assert list(sheet.columns) == ["image", "group", "replicate"]
    assert list(sheet["image"]) == [i.image_id for i in images]
    objects = pd.read_csv(tmp_path / "study" / "objects.csv")
    assert len(objects) == sum(i.n_objects for i in images) == sum(g["n_objects"] for g in truth["groups"])
    assert json.loads((tmp_path / "study" / "truth.json").read_text()) == truth
    assert truth["schema"] == "veriscope/simulated-truth/1"
    assert StudySettings.model_validate(truth["settings"]) == SETTINGS


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_study(tmp_path / name, SETTINGS, seed=1)
    files = sorted(f.relative_to(tmp_path / "a") for f in (tmp_path / "a").rglob("*") if f.is_file())
    assert len(files) == 6 * 2 + 3
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("important")
    with pytest.raises(InputError) as caught:
        write_study(tmp_path, SETTINGS, seed=1)
    assert str(caught.value) == (
        f"{tmp_path}: exists and is not an empty folder; choose a new one or remove it first"
    )
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


def test_the_folder_one_is_in_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in (Path(), tmp_path, tmp_path.parent):
        with pytest.raises(InputError, match="is the folder you are in, or one above it"):
            write_study(folder, SETTINGS, seed=1)


def test_a_negative_seed_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    """It used to end in a traceback."""
    with pytest.raises(InputError) as caught:
        write_study(tmp_path / "study", SETTINGS, seed=-1)
    assert str(caught.value) == "seed -1: give 0 or a positive number"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("stains", [{"photons": float("inf")}], "stains.0.photons: Input should be"),
        ("stains", [{"photons": 1e30}], "stains.0.photons: Input should be less than or equal to"),
        ("stains", [{"background": float("nan")}], "stains.0.background: Input should be"),
        ("scene", {"density_per_mm2": 1e12}, "scene.density_per_mm2: Input should be less than or equal to"),
        ("scene", {"diameter_um": 0}, "scene.diameter_um: Input should be greater than 0"),
        ("camera", {"dark_e": float("inf")}, "camera.dark_e: Input should be"),
        ("camera", {"bit_depth": 14}, "camera.bit_depth: Input should be 8, 12 or 16"),
        (
            "optics",
            {"numerical_aperture": 1.4},
            "no objective has a numerical aperture of 1.4 in a medium of refractive index 1; oil has 1.515",
        ),
    ],
)
def test_what_no_microscope_has_is_refused_before_anything_is_drawn(
    part: str, value: object, message: str
) -> None:
    """Infinite light used to end in a traceback, and an aperture beyond the medium was cut in silence."""
    with pytest.raises(InputError) as caught:
        StudySettings.parse({"simulation": {part: value}}, where="settings")
    assert message in str(caught.value)
