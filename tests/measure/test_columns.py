"""The list of columns and the page made from it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import skimage.measure
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.measure.columns import COLUMNS, PROPERTIES, chosen_properties, columns_of, markdown
from veriscope.measure.table import measure_objects

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "measurements.md"


def test_page_holds_the_generated_table() -> None:
    assert markdown() in PAGE.read_text(encoding="utf-8")


def test_example_of_the_page_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(code, {})


def test_counterparts_exist_in_skimage() -> None:
    labels = np.ones((3, 3), dtype=np.int32)
    names = [item.skimage for item in PROPERTIES if item.skimage]
    table = skimage.measure.regionprops_table(labels, labels.astype(float), properties=tuple(set(names)))
    assert len(table) >= len(set(names))


def test_every_name_can_be_chosen_alone() -> None:
    labels = np.ones((4, 4), dtype=np.int32)
    for name in COLUMNS:
        if not name.startswith("volume") and not name.endswith("_intensity"):
            frame = measure_objects(labels, properties=[name]).frame
            columns = [column for column in frame if column != "label"]
            assert all(column.startswith(name) for column in columns), name
            assert bool(columns) == (name != "label"), name


def test_names_are_unique_for_any_image() -> None:
    for axes in ("yx", "zyx"):
        chosen = [item for item in PROPERTIES if len(axes) in item.dimensions]
        names = [c.name for c in columns_of(chosen, axes=axes, channels=("a", "b"), calibrated=True)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("channels", "told"),
    [
        (("DNA", "actin"), ["DNA", "actin"]),
        (("DNA", "DNA"), ["DNA-0", "DNA-1"]),
        (("DNA", "actin", "DNA"), ["DNA-0", "actin", "DNA-2"]),
        (("", "DNA"), ["channel-0", "DNA"]),
        (("", ""), ["channel-0", "channel-1"]),
        (("a", "a", "a-0"), ["a-0-0", "a-1", "a-0"]),
        (("a-2", "a", "a"), ["a-2", "a-1", "a-2-2"]),
    ],
)
def test_channels_of_one_name_have_columns_of_their_own(channels: tuple[str, ...], told: list[str]) -> None:
    (mean,) = [item for item in PROPERTIES if item.name == "mean_intensity"]
    columns = columns_of([mean], axes="yx", channels=channels, calibrated=False)
    assert [column.name for column in columns] == [f"mean_intensity-{name}" for name in told]
    assert [column.channel for column in columns] == list(range(len(channels)))


@given(channels=st.lists(st.sampled_from(["", "a", "b", "a-0", "a-1", "channel-0", "a-0-0"]), max_size=6))
def test_no_two_columns_have_one_name_whatever_the_channels_are_called(channels: list[str]) -> None:
    names = [c.name for c in columns_of(PROPERTIES, axes="yx", channels=channels, calibrated=True)]
    assert len(set(names)) == len(names)


def test_units_of_lengths_and_sizes_follow_the_calibration() -> None:
    def units(axes: str, calibrated: bool) -> dict[str, str]:
        chosen = chosen_properties(None, n_dimensions=len(axes), with_intensity=True)
        return {c.name: c.unit for c in columns_of(chosen, axes=axes, channels=(), calibrated=calibrated)}

    flat, plain, deep = units("yx", True), units("yx", False), units("zyx", True)
    assert (flat["area"], plain["area"], deep["volume"]) == ("µm²", "px", "µm³")
    assert (flat["equivalent_diameter"], plain["equivalent_diameter"]) == ("µm", "px")
    assert {units["centroid-y"] for units in (flat, plain, deep)} == {"px"}
    assert {units["mean_intensity"] for units in (flat, plain, deep)} == {"grey value"}
    assert {units["label"] for units in (flat, plain, deep)} == {""}


@pytest.mark.parametrize(
    ("names", "n_dimensions", "with_intensity", "unknown"),
    [
        (["perimeter"], 3, True, "'perimeter'"),
        (["volume"], 2, True, "'volume'"),
        (["mean_intensity"], 2, False, "'mean_intensity'"),
        (["size", "Area"], 2, True, "'Area', 'size'"),
        (["centroid-y"], 2, True, "'centroid-y'"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_what_can(
    names: list[str], n_dimensions: int, with_intensity: bool, unknown: str
) -> None:
    with pytest.raises(InputError) as caught:
        chosen_properties(names, n_dimensions=n_dimensions, with_intensity=with_intensity)
    has = "with" if with_intensity else "without"
    assert str(caught.value).startswith(
        f"properties {unknown} cannot be measured here ({n_dimensions}D, {has} an intensity image); possible"
    )
