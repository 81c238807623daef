"""Measuring label images: areas are the truth's, and units do not mix in one column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ome_files import write_several

from veriscope.errors import InputError, TableError, VeriscopeError
from veriscope.io.labels import write_labels
from veriscope.testing.label_images import disks
from veriscope.workflow.measure_files import measure_folder

SIZES = {"y": 0.5, "x": 0.25}


def test_pixels_and_micrometres_do_not_share_a_column(tmp_path: Path) -> None:
    """Areas of a calibrated and of an uncalibrated image used to be in one column, named after the last."""
    write_labels(tmp_path / "labels/a.tif", disks(2), spacing=SIZES)
    for name in "bc":
        write_labels(tmp_path / f"labels/{name}.tif", disks(2))
    with pytest.raises(InputError) as caught:
        measure_folder(tmp_path / "labels", tmp_path / "t.csv")
    assert str(caught.value) == (
        "1 label image has a pixel size and 2 have none (b, c); give it for all with --spacing, so that "
        "sizes can be compared. Nothing was written."
    )
    assert not (tmp_path / "t.csv").exists()
    found = measure_folder(tmp_path / "labels", tmp_path / "t.csv", spacing=SIZES)
    assert found["columns"]["area"] == "µm²"
    assert pd.read_csv(tmp_path / "t.csv").groupby("image")["area"].sum().nunique() == 1


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.csv.gz", "t.CSV"])
def test_a_name_that_no_table_has_is_refused_before_anything_is_measured(tmp_path: Path, name: str) -> None:
    write_labels(tmp_path / "labels/a.tif", disks(2))
    seen: list[tuple[str, int, int]] = []
    with pytest.raises(TableError, match=r"tables are written as \.parquet or \.csv, not"):
        measure_folder(tmp_path / "labels", tmp_path / name, progress=lambda *of: seen.append(of))
    assert seen == [], "an hour of measuring was lost to a wrong name"


def test_the_pixel_size_of_the_images_makes_up_for_labels_without_one(tmp_path: Path) -> None:
    for name, own in (("a", SIZES), ("b", None)):
        write_labels(tmp_path / f"labels/{name}.tif", disks(2), spacing=own)
        (tmp_path / "images").mkdir(exist_ok=True)
        pixels = np.full((32, 32), 7, np.uint16)
        tifffile.imwrite(tmp_path / f"images/{name}.tif", pixels, resolution=(4e4, 2e4), resolutionunit=3)
    found = measure_folder(tmp_path / "labels", tmp_path / "t.csv", images=tmp_path / "images")
    assert found["calibrated"]
    table = pd.read_csv(tmp_path / "t.csv")
    assert np.allclose(table["area"], table["area_px"] * 0.125)
    assert (table["mean_intensity"] == 7).all()


def test_label_images_of_one_file_are_measured_on_its_images(tmp_path: Path) -> None:
    planes = [np.full((32, 32), value, np.uint16) for value in (7, 9, 11)]
    write_several(tmp_path / "images/dish.ome.tif", *planes)
    write_several(tmp_path / "images/single.ome.tif", planes[2])
    for name in ("dish_s0", "dish_s2", "single"):
        write_labels(tmp_path / f"labels/{name}.tif", disks(2))
    where = (tmp_path / "labels", tmp_path / "t.csv")
    found = measure_folder(*where, images=tmp_path / "images", series="each")
    assert found["calibrated"] and found["n_images"] == 3
    table = pd.read_csv(tmp_path / "t.csv").groupby("image")["mean_intensity"]
    assert table.min().to_dict() == table.max().to_dict() == {"dish_s0": 7, "dish_s2": 11, "single": 11}
    with pytest.raises(VeriscopeError, match="if it is of one of several images in dish, give --series each"):
        measure_folder(*where, images=tmp_path / "images")


def test_one_image_of_a_file_is_measured_by_its_number(tmp_path: Path) -> None:
    write_several(tmp_path / "dish.ome.tif", *[np.full((32, 32), value, np.uint16) for value in (7, 9)])
    write_labels(tmp_path / "labels/dish.tif", disks(2))
    where = (tmp_path / "labels", tmp_path / "t.csv")
    measure_folder(*where, images=tmp_path / "dish.ome.tif", series=1)
    assert set(pd.read_csv(tmp_path / "t.csv")["mean_intensity"]) == {9}
    for series, said in ((None, "choose one with --series, or all"), (2, "has no image 2")):
        with pytest.raises(InputError, match=said):
            measure_folder(*where, images=tmp_path / "dish.ome.tif", series=series)


@settings(max_examples=10)
@given(st.integers(1, 3), st.integers(3, 7), st.sampled_from([0.25, 1.0, 3.0]))
def test_areas_are_those_that_were_drawn(
    tmp_path_factory: pytest.TempPathFactory, n_side: int, radius: int, size: float
) -> None:
    place = tmp_path_factory.mktemp("measure")
    labels = disks(n_side, radius=radius)
    write_labels(place / "a.tif", labels)
    found = measure_folder(
        place / "a.tif", place / "t.parquet", spacing={"y": size, "x": size}, properties=["area"]
    )
    table = pd.read_parquet(place / "t.parquet")
    assert found["n_objects"] == len(table) == n_side**2
    expected = np.bincount(labels.ravel())[1:] * size**2
    assert np.allclose(np.sort(table["area"]), np.sort(expected))
