"""measure_objects against scikit-image, column by column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from skimage.io import imread
from skimage.measure import label as connected_components
from skimage.measure import regionprops_table

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.measure.table import ObjectTable, measure_objects

PEER_2D = {
    "label": "label",
    "centroid-y": "centroid-0",
    "centroid-x": "centroid-1",
    "bbox-y0": "bbox-0",
    "bbox-x0": "bbox-1",
    "bbox-y1": "bbox-2",
    "bbox-x1": "bbox-3",
    "area_px": "num_pixels",
    "area": "area",
    "equivalent_diameter": "equivalent_diameter_area",
    "perimeter": "perimeter",
    "major_axis_length": "axis_major_length",
    "minor_axis_length": "axis_minor_length",
    "eccentricity": "eccentricity",
    "solidity": "solidity",
}
PEER_INTENSITY = {
    "mean_intensity": "intensity_mean",
    "min_intensity": "intensity_min",
    "max_intensity": "intensity_max",
    "std_intensity": "intensity_std",
}
# scikit-image takes eigenvalues numerically: where ours are exactly 0 or equal, its roots leave 1e-8 or so.
LOOSE = {"minor_axis_length": 1e-6, "eccentricity": 1e-6, "std_intensity": 1e-7}


def assert_same_as_skimage(
    labels: NDArray[Any], pixels: NDArray[Any] | None = None, *, spacing: tuple[float, float] = (1, 1)
) -> ObjectTable:
    names = PEER_2D | (PEER_INTENSITY if pixels is not None else {})
    if spacing[0] != spacing[1]:
        names = {ours: peer for ours, peer in names.items() if ours != "perimeter"}
    keys = {peer.rstrip("0123456789").rstrip("-") for peer in names.values()}
    # float32 means are summed in float32 there, in float64 here
    peer_pixels = pixels.astype(np.float64) if pixels is not None else None
    expected = regionprops_table(labels, peer_pixels, properties=tuple(keys), spacing=spacing)
    image = None if pixels is None else Image(pixels, "yx")
    table = measure_objects(labels, image, spacing={"y": spacing[0], "x": spacing[1]})
    for ours, peer in names.items():
        wanted = expected[peer]
        if peer.startswith("centroid"):
            wanted = wanted / spacing[int(peer[-1])]
        atol = LOOSE.get(ours, 0.0) * (1 + (np.abs(wanted).max() if len(wanted) else 0))
        np.testing.assert_allclose(table.frame[ours], wanted, rtol=1e-9, atol=atol, err_msg=ours)
    return table


label_images = arrays(
    st.sampled_from([np.uint8, np.int32, np.int64]),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    elements=st.integers(0, 5),
)


@settings(max_examples=80, deadline=None)
@given(labels=label_images, seed=st.integers(0, 99))
def test_any_label_image_measures_as_in_skimage(labels: NDArray[Any], seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 65536, labels.shape).astype(np.uint16)
    assert_same_as_skimage(labels.astype(np.int64), pixels)


@settings(max_examples=40, deadline=None)
@given(mask=arrays(bool, (24, 31), elements=st.sampled_from([False, True, True, True])))
def test_connected_objects_with_holes_measure_as_in_skimage(mask: NDArray[np.bool_]) -> None:
    assert_same_as_skimage(connected_components(mask, connectivity=1))


@settings(max_examples=30, deadline=None)
@given(labels=label_images, y=st.sampled_from([0.1, 0.5, 2.0]), x=st.sampled_from([0.1, 0.325, 2.0]))
def test_spacing_scales_as_in_skimage(labels: NDArray[Any], y: float, x: float) -> None:
    assert_same_as_skimage(labels.astype(np.int64), spacing=(y, x))


@settings(max_examples=40, deadline=None)
@given(labels=label_images, factor=st.integers(1, 1000))
def test_relabelling_changes_only_the_labels(labels: NDArray[Any], factor: int) -> None:
    labels = labels.astype(np.int64)
    first, second = measure_objects(labels).frame, measure_objects(labels * factor).frame
    assert (second["label"] == first["label"] * factor).all()
    pd.testing.assert_frame_equal(first.drop(columns="label"), second.drop(columns="label"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int16, bool])
def test_intensities_of_every_type(dtype: type, nuclei: NDArray[np.int32]) -> None:
    rng = np.random.default_rng(3)
    assert_same_as_skimage(nuclei, rng.normal(100, 40, nuclei.shape).clip(0, 255).astype(dtype))


def test_small_spread_on_a_large_offset_keeps_its_digits(nuclei: NDArray[np.int32]) -> None:
    pixels = 1e6 + np.random.default_rng(0).normal(0, 1e-3, nuclei.shape)
    frame = measure_objects(nuclei, Image(pixels, "yx")).frame
    expected = [np.std(pixels[nuclei == label]) for label in frame["label"]]
    np.testing.assert_allclose(frame["std_intensity"], expected, rtol=1e-6)


def test_constant_intensity_has_no_spread_at_all(nuclei: NDArray[np.int32]) -> None:
    frame = measure_objects(nuclei, Image(np.full(nuclei.shape, 0.1), "yx")).frame
    assert (frame["std_intensity"] == 0).all()
    assert (frame["mean_intensity"] == 0.1).all()
    np.testing.assert_allclose(frame["sum_intensity"], 0.1 * frame["area_px"], rtol=1e-12)


def test_blocks_of_rows_change_nothing(nuclei: NDArray[np.int32], monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(1).normal(10, 3, nuclei.shape)
    whole = measure_objects(nuclei, Image(pixels, "yx")).frame
    for rows in (1, 2, 7):
        monkeypatch.setattr("veriscope.measure.runs.BLOCK_PIXELS", rows * nuclei.shape[1])
        pd.testing.assert_frame_equal(measure_objects(nuclei, Image(pixels, "yx")).frame, whole, rtol=1e-12)
    monkeypatch.setattr("veriscope.measure.convex._ROWS_AT_ONCE", 3)
    monkeypatch.setattr("veriscope.measure.convex._EXTENTS_AT_ONCE", 20)
    pd.testing.assert_frame_equal(measure_objects(nuclei, Image(pixels, "yx")).frame, whole, rtol=1e-12)


def test_single_pixel_has_the_values_of_a_point() -> None:
    labels = np.zeros((5, 5), dtype=np.uint16)
    labels[2, 3] = 7
    row = measure_objects(labels, spacing={"y": 0.5, "x": 0.5}).frame.iloc[0]
    assert row["label"] == 7
    assert (row["centroid-y"], row["centroid-x"]) == (2, 3)
    assert (row["area_px"], row["area"]) == (1, 0.25)
    assert (row["eccentricity"], row["solidity"], row["perimeter"], row["minor_axis_length"]) == (0, 1, 0, 0)
    assert not row["touches_border"]


def test_channels_are_named_in_the_columns(nuclei: NDArray[np.int32]) -> None:
    pixels = np.stack([nuclei * 2, nuclei + 1]).astype(np.uint16)
    frame = measure_objects(nuclei, Image(pixels, "cyx", channels=("DNA", "Ki67"))).frame
    assert (frame["mean_intensity-DNA"] == frame["label"] * 2).all()
    assert (frame["max_intensity-Ki67"] == frame["label"] + 1).all()
    assert "mean_intensity" not in frame


def test_two_channels_of_one_name_are_both_measured(nuclei: NDArray[np.int32]) -> None:
    pixels = np.stack([nuclei * 2, nuclei + 1]).astype(np.uint16)
    frame = measure_objects(nuclei, Image(pixels, "cyx", channels=("DNA", "DNA"))).frame
    assert (frame["mean_intensity-DNA-0"] == frame["label"] * 2).all()
    assert (frame["mean_intensity-DNA-1"] == frame["label"] + 1).all()


@pytest.mark.parametrize("top", [2**63, 2**64 - 1])
def test_labels_that_no_table_holds_are_refused_and_not_lost(top: int) -> None:
    labels = np.array([[0, top], [3, 3]], np.uint64)
    with pytest.raises(PixelValueError) as caught:
        measure_objects(labels)
    assert str(caught.value) == (
        "the label image has labels above 9223372036854775807, which no table holds; renumber the objects"
    )
    labels[0, 1] = 2**63 - 1
    assert measure_objects(labels).frame["label"].tolist() == [3, 2**63 - 1]


def test_3d_has_volume_and_no_outline() -> None:
    labels = np.zeros((6, 20, 30), dtype=np.int32)
    labels[1:4, 5:12, 8:20], labels[4:, :3, 25:] = 2, 9
    pixels = np.random.default_rng(0).integers(0, 4096, labels.shape).astype(np.uint16)
    image = Image(pixels, "zyx", spacing={"z": 2.0, "y": 0.5, "x": 0.5})
    table = measure_objects(labels, image)
    peers = (
        "label",
        "centroid",
        "bbox",
        "area",
        "equivalent_diameter_area",
        "intensity_mean",
        "intensity_std",
    )
    expected = regionprops_table(labels, pixels, properties=peers, spacing=(2.0, 0.5, 0.5))
    np.testing.assert_allclose(table.frame["centroid-z"], expected["centroid-0"] / 2)
    np.testing.assert_allclose(table.frame["centroid-x"], expected["centroid-2"] / 0.5)
    assert list(table.frame["bbox-x1"]) == list(expected["bbox-5"])
    np.testing.assert_allclose(table.frame["volume"], expected["area"])
    np.testing.assert_allclose(table.frame["equivalent_diameter"], expected["equivalent_diameter_area"])
    np.testing.assert_allclose(table.frame["std_intensity"], expected["intensity_std"])
    assert list(table.frame["touches_border"]) == [False, True]
    assert table.units["volume"] == "µm³"
    assert not {"area", "perimeter", "solidity", "eccentricity"} & set(table.frame)


def test_units_follow_the_calibration(nuclei: NDArray[np.int32]) -> None:
    plain, calibrated = measure_objects(nuclei), measure_objects(nuclei, spacing={"y": 0.5, "x": 0.5})
    assert (plain.units["area"], plain.units["perimeter"]) == ("px", "px")
    assert (calibrated.units["area"], calibrated.units["perimeter"]) == ("µm²", "µm")
    assert calibrated.units["area_px"] == calibrated.units["centroid-y"] == "px"
    assert calibrated.units["solidity"] == ""
    np.testing.assert_allclose(calibrated.frame["area"], plain.frame["area"] / 4)
    np.testing.assert_allclose(calibrated.frame["perimeter"], plain.frame["perimeter"] / 2)
    assert set(plain.units) == set(plain.descriptions) == set(plain.frame)


def test_stated_spacing_overrides_that_of_the_image(nuclei: NDArray[np.int32]) -> None:
    image = Image(nuclei.astype(float), "yx", spacing={"y": 1.0, "x": 1.0})
    frame = measure_objects(nuclei, image, spacing={"y": 2.0, "x": 2.0}).frame
    assert (frame["area"] == 4 * frame["area_px"]).all()


def test_oblong_pixels_have_no_perimeter_and_a_note(nuclei: NDArray[np.int32]) -> None:
    table = measure_objects(nuclei, spacing={"y": 1.0, "x": 0.5})
    assert table.frame["perimeter"].isna().all()
    assert table.notes == ("perimeter is not measured: pixels are not square (1 × 0.5 µm)",)


@pytest.mark.parametrize("shape", [(8, 9), (0, 9), (8, 0), (3, 8, 9), (0, 8, 9), (3, 0, 9)])
def test_no_objects_give_the_same_columns_and_types(shape: tuple[int, ...]) -> None:
    labels = np.zeros(shape, dtype=np.int32)
    some = np.ones([max(n, 1) for n in shape], dtype=np.int32)
    pixels = Image(labels.astype(float), "zyx"[-len(shape) :]) if labels.size else None
    other = Image(some.astype(float), "zyx"[-len(shape) :]) if labels.size else None
    empty, full = measure_objects(labels, pixels).frame, measure_objects(some, other).frame
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert (empty.dtypes == full.dtypes).all()


def test_chosen_properties_only(nuclei: NDArray[np.int32]) -> None:
    assert list(measure_objects(nuclei, properties=["solidity", "area"]).frame) == [
        "label",
        "area",
        "solidity",
    ]
    with pytest.raises(InputError) as caught:
        measure_objects(nuclei, properties=["roundness", "mean_intensity"])
    assert str(caught.value) == (
        "properties 'mean_intensity', 'roundness' cannot be measured here (2D, without an intensity image); "
        "possible are: label, centroid, bbox, touches_border, area_px, area, equivalent_diameter, perimeter, "
        "major_axis_length, minor_axis_length, eccentricity, solidity"
    )


def test_inputs_are_left_alone(nuclei: NDArray[np.int32]) -> None:
    labels, pixels = nuclei.copy(), nuclei.astype(np.float32)
    labels.flags.writeable = pixels.flags.writeable = False
    measure_objects(labels, Image(pixels, "yx"))
    measure_objects(np.asfortranarray(labels)[::2, ::3], Image(pixels[::2, ::3], "yx"))


def test_bad_input_is_refused(nuclei: NDArray[np.int32]) -> None:
    with pytest.raises(ShapeMismatchError) as caught:
        measure_objects(nuclei, Image(np.zeros((9, 9)), "yx", name="a.tif"))
    assert str(caught.value) == (
        "a.tif: has shape (9, 9) over its spatial axes and the label image (120, 150) over 'yx'; both must "
        "cover the same pixels (was one rescaled, cropped or transposed?)"
    )
    with pytest.raises(AxesError, match="measure time points one by one"):
        measure_objects(np.zeros((2, 2, 3, 3), dtype=int))
    with pytest.raises(AxesError, match="has time points"):
        measure_objects(nuclei, Image(np.zeros((2, *nuclei.shape)), "tyx"))
    with pytest.raises(PixelValueError, match="1 of 18000 pixels are NaN"):
        pixels = np.zeros(nuclei.shape)
        pixels[0, 0] = np.nan
        measure_objects(nuclei, Image(pixels, "yx"))
    with pytest.raises(PixelValueError, match="is a mask"):
        measure_objects(nuclei > 0)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["stardist_demo", "dsb2018_fluorescence", "dsb2018_histology"])
def test_real_objects_measure_as_in_skimage(data_dir: Path, name: str) -> None:
    files = sorted((data_dir / name / "labels").glob("*.tif"))[::40][:4] or pytest.fail("no labels")
    for file in files:
        labels = tifffile.imread(file)
        pixels = imread(next((data_dir / name / "images").glob(f"{file.stem}.*")))
        while pixels.ndim > 2:
            pixels = pixels[..., 0]
        assert_same_as_skimage(labels, pixels)
