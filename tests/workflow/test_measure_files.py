"""Measuring label images: areas are the truth's, and units do not mix in one column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError, TableError
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
