"""What holds for the table of any label image: closed forms, places, units, channels, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, PixelValueError, ShapeMismatchError
from veriscope.measure.columns import COLUMNS, PROPERTIES, chosen_properties
from veriscope.measure.table import measure_objects

Labels = NDArray[np.int64]
LABELS = hnp.arrays(np.int64, st.tuples(st.integers(3, 9), st.integers(3, 9)), elements=st.integers(0, 3))
PIXELS = ("area_px", "bbox-y0", "bbox-x0", "bbox-y1", "bbox-x1", "label", "touches_border")


def frame(labels: Labels, *args: Any, **options: Any) -> pd.DataFrame:
    return measure_objects(labels, *args, **options).frame


def rectangle(
    height: int, width: int, *, shape: tuple[int, int] = (40, 50), top: int = 3, left: int = 4
) -> Labels:
    labels = np.zeros(shape, np.int64)
    labels[top : top + height, left : left + width] = 1
    return labels


# ---- closed forms


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (4, 4), (7, 20)])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 0.25)])
def test_a_rectangle(height: int, width: int, spacing: tuple[float, float]) -> None:
    y, x = spacing
    (row,) = frame(rectangle(height, width), spacing={"y": y, "x": x}).to_dict("records")
    assert (row["area_px"], row["area"]) == (height * width, pytest.approx(height * width * y * x))
    assert (row["centroid-y"], row["centroid-x"]) == (3 + (height - 1) / 2, 4 + (width - 1) / 2)
    assert (row["bbox-y0"], row["bbox-x0"], row["bbox-y1"], row["bbox-x1"]) == (3, 4, 3 + height, 4 + width)
    assert row["solidity"] == 1 and not row["touches_border"]
    assert row["equivalent_diameter"] == pytest.approx(2 * math.sqrt(height * width * y * x / math.pi))
    # The variance of n places a step s apart is s² (n² - 1) / 12, and an axis is four standard deviations.
    axes = sorted(4 * step * math.sqrt((n**2 - 1) / 12) for step, n in ((y, height), (x, width)))
    assert (row["minor_axis_length"], row["major_axis_length"]) == pytest.approx(tuple(axes), abs=1e-9)
    squares = [axis**2 for axis in axes]
    eccentricity = math.sqrt(1 - squares[0] / squares[1]) if squares[1] else 0
    assert row["eccentricity"] == pytest.approx(eccentricity, abs=1e-7)
    assert math.isnan(row["perimeter"]) == (y != x)


@pytest.mark.parametrize("radius", [10, 25, 60])
def test_a_disc_is_round_convex_and_as_long_around_as_geometry_says(radius: int) -> None:
    y, x = np.mgrid[: 2 * radius + 5, : 2 * radius + 5] - radius - 2
    (row,) = frame((y**2 + x**2 <= radius**2).astype(np.int64)).to_dict("records")
    assert row["area"] == pytest.approx(math.pi * radius**2, rel=0.02)
    assert row["equivalent_diameter"] == pytest.approx(2 * radius, rel=0.02)
    assert row["major_axis_length"] == pytest.approx(row["minor_axis_length"], rel=1e-9)
    assert row["major_axis_length"] == pytest.approx(2 * radius, rel=0.02)
    assert row["perimeter"] == pytest.approx(2 * math.pi * radius, rel=0.06)
    assert row["solidity"] > 0.92 and row["eccentricity"] < 1e-6


def test_a_ball_in_a_stack_with_coarse_planes() -> None:
    z, y, x = np.mgrid[:13, :41, :41] - np.array([6, 20, 20])[:, None, None, None]
    labels = ((3 * z) ** 2 + y**2 + x**2 <= 16**2).astype(np.int64)
    (row,) = frame(labels, spacing={"z": 3.0, "y": 1.0, "x": 1.0}).to_dict("records")
    assert row["volume_px"] == labels.sum()
    assert row["volume"] == pytest.approx(4 / 3 * math.pi * 16**3, rel=0.02)
    assert row["equivalent_diameter"] == pytest.approx(32, rel=0.02)
    assert (row["centroid-z"], row["centroid-y"], row["centroid-x"]) == (6, 20, 20)


# ---- places, numbers and order


@given(LABELS, st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_moving_objects_moves_their_places_alone(labels: Labels, down: int, right: int) -> None:
    plain = frame(np.pad(labels, 1))
    moved = frame(np.pad(labels, ((1 + down, 1), (1 + right, 1))))
    shifts = {"centroid-y": down, "bbox-y0": down, "bbox-y1": down}
    shifts |= {"centroid-x": right, "bbox-x0": right, "bbox-x1": right}
    for name in plain.columns:
        np.testing.assert_allclose(moved[name] - 0.0, plain[name] + 0.0 + shifts.get(name, 0), atol=1e-9)


@given(LABELS, st.permutations(range(1, 4)))
@settings(max_examples=60, deadline=None)
def test_an_object_is_measured_as_if_it_were_alone(labels: Labels, order: list[int]) -> None:
    renamed = np.array([0, *(7 * number for number in order)])[labels]
    together = frame(renamed).set_index("label")
    assert together.index.tolist() == sorted(together.index)
    for label in together.index:
        alone = frame(np.where(renamed == label, label, 0)).set_index("label")
        pd.testing.assert_frame_equal(together.loc[[label]], alone)


@given(LABELS)
@settings(max_examples=60, deadline=None)
def test_pixels_of_the_objects_are_those_of_the_foreground(labels: Labels) -> None:
    found = frame(labels)
    assert found["area_px"].sum() == (labels > 0).sum()
    for axis, name in enumerate(("centroid-y", "centroid-x")):
        total = (found[name] * found["area_px"]).sum()
        assert total == pytest.approx(np.nonzero(labels)[axis].sum())
    assert ((found["solidity"] > 0) & (found["solidity"] <= 1)).all()
    assert found["eccentricity"].between(0, 1).all()
    assert (found["minor_axis_length"] <= found["major_axis_length"] + 1e-12).all()


@given(LABELS, st.floats(0.01, 100))
@settings(max_examples=40, deadline=None)
def test_lengths_go_with_the_pixel_and_areas_with_its_square(labels: Labels, size: float) -> None:
    plain = measure_objects(labels)
    scaled = measure_objects(labels, spacing={"y": size, "x": size})
    powers = {"µm": 1, "µm²": 2}
    for name, unit in scaled.units.items():
        factor = size ** powers.get(unit, 0)
        np.testing.assert_allclose(
            scaled.frame[name] * 1.0, plain.frame[name] * factor, rtol=1e-9, atol=1e-12
        )


# ---- intensities


@given(LABELS, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_intensities_of_each_channel_are_those_of_its_pixels(labels: Labels, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.normal(100, 20, (2, *labels.shape))
    found = frame(labels, Image(pixels, "cyx", channels=("A", "B")))
    for i, channel in enumerate("AB"):
        for row in found.to_dict("records"):
            own = pixels[i][labels == row["label"]]
            for name in ("mean", "min", "max", "sum", "std"):
                value = getattr(own, name)()
                assert row[f"{name}_intensity-{channel}"] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_the_type_of_the_pixels_changes_no_value(dtype: Any, nuclei: Labels) -> None:
    pixels = (np.arange(nuclei.size).reshape(nuclei.shape) % 2).astype(dtype)
    found = frame(nuclei, Image(pixels, "yx"))
    expected = frame(nuclei, Image(pixels.astype(np.float64), "yx"))
    pd.testing.assert_frame_equal(found, expected)


# ---- what is chosen, and what is refused


@pytest.mark.parametrize("name", COLUMNS)
def test_one_property_alone_is_that_of_the_whole_table(name: str, nuclei: Labels) -> None:
    pixels = Image(np.arange(nuclei.size, dtype=float).reshape(nuclei.shape), "yx")
    (item, *_) = [item for item in PROPERTIES if item.key == name]
    if 2 not in item.dimensions:
        with pytest.raises(InputError, match=f"properties '{name}' cannot be measured here"):
            measure_objects(nuclei, pixels, properties=[name])
        return
    whole, alone = frame(nuclei, pixels), frame(nuclei, pixels, properties=[name])
    assert alone.columns[0] == "label"
    assert {column.partition("-")[0] for column in alone.columns} == {"label", name}
    pd.testing.assert_frame_equal(alone, whole[list(alone.columns)])


@pytest.mark.parametrize(("n_dimensions", "with_intensity"), [(2, False), (2, True), (3, False), (3, True)])
def test_what_can_be_measured_follows_axes_and_intensities(n_dimensions: int, with_intensity: bool) -> None:
    found = chosen_properties(None, n_dimensions=n_dimensions, with_intensity=with_intensity)
    keys = [item.key for item in found]
    assert keys[0] == "label"
    assert ("area" in keys, "volume" in keys) == (n_dimensions == 2, n_dimensions == 3)
    assert any(item.family == "intensity" for item in found) == with_intensity


@pytest.mark.parametrize(
    ("labels", "options", "kind"),
    [
        (np.zeros((2, 2, 2, 2), int), {}, AxesError),
        (np.zeros(4, int), {}, AxesError),
        (np.ones((3, 3), bool), {}, PixelValueError),
        (np.full((3, 3), -1), {}, PixelValueError),
        (np.full((3, 3), 0.5), {}, PixelValueError),
        (np.ones((3, 3), int), {"spacing": {"y": 0.0, "x": 1.0}}, AxesError),
        (np.ones((3, 3), int), {"spacing": {"z": 1.0}}, AxesError),
        (np.ones((3, 3), int), {"properties": ["volume"]}, InputError),
        (np.ones((3, 3), int), {"properties": ["mean_intensity"]}, InputError),
        (np.ones((3, 3), int), {"intensity": Image(np.ones((3, 4)), "yx")}, ShapeMismatchError),
        (np.ones((3, 3), int), {"intensity": Image(np.full((3, 3), np.nan), "yx")}, PixelValueError),
        (np.ones((3, 3), int), {"intensity": Image(np.ones((2, 3, 3)), "tyx")}, AxesError),
    ],
)
def test_what_cannot_be_measured_is_refused(labels: Labels, options: dict[str, Any], kind: Any) -> None:
    with pytest.raises(kind):
        measure_objects(labels, **options)
