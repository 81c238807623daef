"""The network for blood cells through the paths that users take."""

from __future__ import annotations

import csv
import json
import pickle
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import AxesError
from veriscope.io.images import read_image
from veriscope.methods.networks.blood_cells import BloodCells
from veriscope.methods.networks.box_network import BoxParameters
from veriscope.predict.folder import predict_folder
from veriscope.testing.methods import check_method
from veriscope.workflow.comparison.folders import compare_folders


def smear(shape: tuple[int, int] = (240, 320), *, diameter: float = 96) -> Image:
    """Pink discs with a pale middle on a bright ground."""
    rng = np.random.default_rng(0)
    pixels = np.full((*shape, 3), (236, 232, 226), np.float64)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for centre in ((70, 70), (75, 190), (170, 110), (165, 250)):
        far = np.hypot(y - centre[0], x - centre[1]) / (diameter / 2)
        pixels[far < 1] = (205, 140, 150)
        pixels[far < 0.4] = (222, 175, 180)
    counts = (pixels + rng.normal(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8)
    return Image(np.moveaxis(counts, 2, 0), "cyx", channels=RGB_CHANNELS)


def test_the_contract_holds() -> None:
    check_method(BloodCells(), image=smear())


def test_what_is_no_colour_photograph_is_refused() -> None:
    with pytest.raises(AxesError, match="red, green, blue"):
        BloodCells().predict(Image(np.zeros((3, 32, 32), np.uint8), "cyx", channels=("a", "b", "c")))
    with pytest.raises(AxesError):
        BloodCells().predict(Image(np.zeros((32, 32), np.uint8), "yx"))


def test_an_image_of_nothing_has_no_boxes() -> None:
    found = BloodCells().predict(Image(np.full((3, 50, 60), 200, np.uint8), "cyx", channels=RGB_CHANNELS))
    assert found.n_objects == 0
    assert found.boxes is not None
    assert len(found.boxes) == 0


def test_labels_boxes_and_scores_belong_together() -> None:
    found = BloodCells(BoxParameters(threshold=0.2)).predict(smear())
    assert found.boxes is not None and found.probabilities is not None
    assert found.n_objects == len(found.boxes) == len(found.probabilities) > 0
    for number, (y0, x0, y1, x1) in enumerate(found.boxes.edges, start=1):
        y, x = np.nonzero(found.labels == number)
        assert y0 - 1 <= y.min() <= y.max() <= y1
        assert x0 - 1 <= x.min() <= x.max() <= x1
    assert sum(found.details["n_by_class"].values()) == found.n_objects


def test_a_copy_in_another_process_is_the_same_method() -> None:
    method = BloodCells(BoxParameters(threshold=0.3))
    assert pickle.loads(pickle.dumps(method)).describe() == method.describe()


@pytest.fixture(scope="module")
def held_out(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of the test split and their boxes."""
    source = data_dir / "bccd_blood_detection"
    folder = tmp_path_factory.mktemp("bccd")
    (folder / "images").mkdir()
    table = pd.read_csv(source / "boxes.csv")
    table = table[table["split"] == "test"]
    names = sorted(table["image"].unique())[:8]
    for name in names:
        (folder / "images" / name).write_bytes((source / "images" / name).read_bytes())
    table[table["image"].isin(names)].to_csv(folder / "boxes.csv", index=False)
    return folder


@pytest.mark.real_data
def test_held_out_cells_are_found_and_written_as_a_table(held_out: Path, tmp_path: Path) -> None:
    done = predict_folder(BloodCells(), held_out / "images", tmp_path / "out")
    assert done["n_images"] == 8
    with (tmp_path / "out" / "boxes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == done["n_objects"]
    assert {row["class"] for row in rows} >= {"RBC", "WBC"}
    judged = compare_folders(held_out / "boxes.csv", tmp_path / "out" / "boxes.csv", task="detection")
    f1 = next(value for key, value in judged["metrics"].items() if key.startswith("f1"))
    assert f1["value"] > 0.6
    before = (tmp_path / "out" / "boxes.csv").read_bytes()
    again = predict_folder(BloodCells(), held_out / "images", tmp_path / "out")
    assert again["n_done"] == 0
    assert (tmp_path / "out" / "boxes.csv").read_bytes() == before


@pytest.mark.real_data
def test_cells_of_another_magnification_are_found_without_being_told(held_out: Path) -> None:
    image = read_image(sorted((held_out / "images").iterdir())[0])
    pixels = image.pixels if image.axes == "cyx" else np.moveaxis(image.pixels, 2, 0)
    once = BloodCells().predict(Image(pixels, "cyx", channels=RGB_CHANNELS))
    larger = BloodCells().predict(
        Image(pixels.repeat(2, axis=1).repeat(2, axis=2), "cyx", channels=RGB_CHANNELS)
    )
    assert larger.details["scale"] < 0.7 * once.details["scale"]
    assert larger.n_objects == pytest.approx(once.n_objects, rel=0.35)


@pytest.mark.slow
@pytest.mark.real_data
def test_the_benchmark_judges_by_class(data_dir: Path, tmp_path: Path) -> None:
    script = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "science" / "blood_cells.py"))
    assert script["main"](["--data", str(data_dir), "--quick", "--json", str(tmp_path / "out.json")]) == 0
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert set(rows) == {"all", "RBC", "WBC", "Platelets"}
    assert rows["WBC"]["f1"]["value"] > 0.8
