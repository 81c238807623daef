"""Objects are measured once in the channel of the analysis and once in every channel that is stored."""

from __future__ import annotations

import numpy as np
import pytest

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.testing.label_images import disks
from veriscope.workflow.measuring import measure_image, pixel_area

LABELS = disks(2)
SPACING = {"y": 0.5, "x": 0.25}
RNG = np.random.default_rng(0)
PLANES = RNG.integers(0, 999, (2, *LABELS.shape)).astype(np.uint16)


def image(names: tuple[str, ...] = ("DNA", "actin")) -> Image:
    return Image(PLANES, "cyx", SPACING, names)


def means(plane: np.ndarray) -> list[float]:
    return [float(plane[number == LABELS].mean()) for number in range(1, int(LABELS.max()) + 1)]


@pytest.mark.parametrize(("channel", "number"), [("DNA", 0), ("actin", 1)])
def test_intensities_are_those_of_the_channel_and_of_each(channel: str, number: int) -> None:
    found = measure_image(LABELS, image(), channel)
    frame = found.frame
    assert frame["mean_intensity"].tolist() == pytest.approx(means(PLANES[number]))
    assert frame["mean_intensity-DNA"].tolist() == pytest.approx(means(PLANES[0]))
    assert frame["mean_intensity-actin"].tolist() == pytest.approx(means(PLANES[1]))
    assert frame["label"].tolist() == list(range(1, int(LABELS.max()) + 1))
    assert frame.columns.is_unique
    assert set(found.units) <= set(frame.columns)
    assert set(found.descriptions) <= set(frame.columns)


def test_one_plane_has_one_intensity() -> None:
    found = measure_image(LABELS, Image(PLANES[0], "yx", SPACING), None).frame
    assert found["mean_intensity"].tolist() == pytest.approx(means(PLANES[0]))
    assert not [name for name in found.columns if name.startswith("mean_intensity-")]


def test_shapes_do_not_depend_on_the_channel() -> None:
    one, other = (measure_image(LABELS, image(), name).frame for name in ("DNA", "actin"))
    shapes = [name for name in one.columns if "intensity" not in name]
    assert {"area", "label"} <= set(shapes)
    assert one[shapes].equals(other[shapes])
    expected = np.bincount(LABELS.ravel())[1:] * 0.125
    assert one["area"].tolist() == pytest.approx(expected.tolist())


def test_colours_are_measured_by_their_brightness_and_each() -> None:
    colours = RNG.integers(0, 255, (3, *LABELS.shape)).astype(np.uint8)
    frame = measure_image(LABELS, Image(colours, "cyx", channels=RGB_CHANNELS), "luminance").frame
    for number, name in enumerate(RGB_CHANNELS):
        assert frame[f"mean_intensity-{name}"].tolist() == pytest.approx(means(colours[number]))
    by_colour = np.stack([means(plane) for plane in colours])
    brightness = frame["mean_intensity"].to_numpy()
    assert (brightness >= by_colour.min(axis=0) - 1).all() and (brightness <= by_colour.max(axis=0) + 1).all()


def test_an_image_without_objects_has_all_columns_and_no_row() -> None:
    empty = measure_image(np.zeros_like(LABELS), image(), "DNA")
    full = measure_image(LABELS, image(), "DNA")
    assert len(empty.frame) == 0
    assert list(empty.frame.columns) == list(full.frame.columns)
    assert empty.units == full.units


@pytest.mark.parametrize(("spacing", "area"), [(SPACING, 0.125), (None, 1.0), ({"y": 2.0, "x": 2.0}, 4.0)])
def test_the_area_of_a_pixel(spacing: dict[str, float] | None, area: float) -> None:
    assert pixel_area(Image(PLANES, "cyx", spacing)) == area
