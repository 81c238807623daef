"""The viewer in a real browser with images that are hard to show; nothing is mocked.

Node runs ``web/tests/viewer.mjs`` with Debian's Chromium against ``veriscope serve``. The tests look at what
it saw: numbers under the pointer, and the pictures on the screen.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as Picture

from veriscope.core.image import Image
from veriscope.io.ome_zarr import write_labels_zarr, write_ome_zarr
from veriscope.workflow.layout import StudyFolder, StudyImage

METHOD = "otsu-watershed"
PITCH, SIDE = 6, 2048
pytestmark = pytest.mark.slow


def stack() -> NDArray[np.uint16]:
    """Three times, two channels, five planes: each has a number of its own, and a brighter corner."""
    t, c, z, y, x = np.ogrid[:3, :2, :5, :96, :96]
    return np.asarray(1000 * (t + 1) + 100 * z + 10 * c + 500 * ((y < 24) & (x < 24)), np.uint16)


def stack_labels() -> NDArray[np.uint16]:
    """In each plane of the stack an object of its own in the middle, numbered from 10."""
    z, y, x = np.ogrid[:5, :96, :96]
    inside = (np.abs(y - 48) < 20 - 2 * z) & (np.abs(x - 48) < 20 - 2 * z)
    return np.asarray((10 + z) * inside, np.uint16)


def many_labels() -> NDArray[np.uint32]:
    """More than 100,000 squares of 4 × 4 pixels, numbered row by row."""
    y, x = np.mgrid[:SIDE, :SIDE]
    columns = -(-SIDE // PITCH)
    labels = 1 + (y // PITCH) * columns + x // PITCH
    return np.where((y % PITCH < 4) & (x % PITCH < 4), labels, 0).astype(np.uint32)


def write_images(folder: Path) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256]
    discs = 120 * (np.hypot(y % 64 - 32, x % 64 - 32) < 14)
    tifffile.imwrite(folder / "plain.tif", (discs + rng.poisson(20, (256, 256))).astype(np.uint8))
    tifffile.imwrite(folder / "pixel.tif", np.array([[77]], np.uint8))
    deep = np.array([[100 * (t + 1) + 10 * z for z in range(3)] for t in range(2)], np.uint8)
    inside = np.hypot(y[:96, :96] - 48, x[:96, :96] - 48) < 20
    lapse = np.where(inside, deep[..., None, None], 5).astype(np.uint8)
    tifffile.imwrite(folder / "deep.tif", lapse, imagej=True, metadata={"axes": "TZYX"})
    tifffile.imwrite(folder / "many.tif", rng.poisson(20, (SIDE, SIDE)).astype(np.uint8))


@pytest.fixture(scope="module")
def study(make_study: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with results; a stack, 200 channels and 100,000 objects are put into it afterwards."""
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "images").mkdir()
    write_images(folder / "images")
    root = folder / "study"
    options = ["--object", "nucleus", "--spacing", "0.5", "--tile-size", "256", "--method", METHOD]
    options += ["--plane", "z=max,t=each"]
    make_study(root, folder / "images", *options)
    layout = StudyFolder(root)
    rows = list(layout.images())
    markers = tuple(f"marker {index}" for index in range(200))
    flat = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 48, 64)).copy()
    flat[:, :12] //= 2
    for name, pixels, axes, channels in (
        ("stack", stack(), "tczyx", ("first", "second")),
        ("channels", flat, "cyx", markers),
    ):
        path = f"images/{name}.ome.zarr"
        spacing = {"z": 1.0, "y": 0.5, "x": 0.5} if "z" in axes else {"y": 0.5, "x": 0.5}
        write_ome_zarr(root / path, Image(pixels, axes, spacing, channels, name))
        shape = "x".join(map(str, pixels.shape))
        rows.append(
            StudyImage(
                name, "all", name, name, "", path, axes, shape, str(pixels.dtype),
                ";".join(f"{axis}={size}" for axis, size in spacing.items()), ";".join(channels),
            )
        )  # fmt: skip
    layout.write_images(rows)
    put_many_objects(layout)
    found = layout.root / layout.prediction(METHOD, "stack")
    write_labels_zarr(found, stack_labels(), axes="zyx", spacing={"z": 1.0, "y": 0.5, "x": 0.5})
    return root


def put_many_objects(layout: StudyFolder) -> None:
    """Replace what the method found in the image `many`, and measure area as the number of the object."""
    path = layout.root / layout.prediction(METHOD, "many")
    shutil.rmtree(path)
    write_labels_zarr(path, many_labels(), axes="yx", spacing={"y": 0.5, "x": 0.5})
    table = layout.root / layout.measurements(METHOD)
    frame = pd.read_parquet(table)
    labels = np.unique(many_labels())[1:]
    row = frame.iloc[[0]].assign(image_id="many")
    found = pd.concat([row] * len(labels), ignore_index=True)
    found["label"], found["area"] = labels, labels.astype(float)
    pd.concat([frame[frame.image_id != "many"], found], ignore_index=True).to_parquet(table)


@pytest.fixture(scope="module")
def seen(
    drive: Callable[..., dict[str, Any]],
    serving: Callable[[Path], AbstractContextManager[str]],
    study: Path,
) -> dict[str, Any]:
    """What the browser saw."""
    with serving(study) as address:
        found = drive("viewer.mjs", address, "study")
    assert not found["faults"], f"{found['faults']}; pictures are in {found['pictures']}"
    return found


def picture(seen: dict[str, Any], name: str) -> NDArray[np.int16]:
    with Picture.open(seen["pictures"] / f"{name}.png") as opened:
        return np.asarray(opened.convert("RGB"), np.int16)


def colourful(pixels: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Pixels that are no grey: objects, over a grey image."""
    return np.asarray(np.ptp(pixels, axis=-1) > 40)


def middle(pixels: NDArray[Any], share: float = 0.5) -> NDArray[Any]:
    """The middle of a picture, away from titles, overview and scale bar."""
    height, width = pixels.shape[:2]
    y, x = (round(size * (1 - share) / 2) for size in (height, width))
    return pixels[y : height - y, x : width - x]


def test_planes_times_and_projections_show_the_numbers_of_the_file(seen: dict[str, Any]) -> None:
    pixels = stack()[:, :, :, 50, 50].astype(int)
    expected = {f"t{t} z{z}": list(pixels[t, :, z]) for t, z in ((0, 0), (2, 4), (1, 3))}
    expected |= {"max": list(pixels[1].max(axis=1)), "mean": list(pixels[1].mean(axis=1))}
    objects = {"z0": 10, "z3": 13, "max": 14}
    assert seen["stack"] == expected | {"again": list(pixels[1, :, 3]), "objects": objects}


def test_play_goes_round_and_stops(seen: dict[str, Any]) -> None:
    assert seen["play"] == [0, 1, 2, 3, 4]


def test_the_whole_stack_of_an_analysed_plane_shows_objects_where_they_were_found(
    seen: dict[str, Any],
) -> None:
    assert seen["wholeStack"] == {
        "plane": [220], "said": "Candidates and annotators look at the brightest along z, time t = 1.",
        "whole": [220], "object": True, "t0": [120], "objectAt0": False, "z1": [110], "back": [220],
    }  # fmt: skip


def test_any_of_200_channels_can_be_shown(seen: dict[str, Any]) -> None:
    assert seen["channels"]["values"] == [171, 172, 173]
    assert seen["channels"]["rows"] < 60  # of 200 those in view, not all, are on the page


def test_an_image_of_one_pixel_is_shown(seen: dict[str, Any]) -> None:
    assert seen["pixel"] == [77]
    inner = middle(picture(seen, "pixel"), 0.08)
    assert np.ptp(inner) <= 2 and inner.min() > 200


def test_100_000_objects_are_drawn_and_coloured_by_a_column(seen: dict[str, Any]) -> None:
    assert 0 < seen["many"]["label"] <= many_labels().max()
    assert colourful(middle(picture(seen, "many"))).mean() > 0.2
    # Numbers rise from the top to the bottom, and with them the map goes from violet to yellow.
    coloured = middle(picture(seen, "many-area"), 0.8)
    top, bottom = coloured[:40].reshape(-1, 3).mean(0), coloured[-40:].reshape(-1, 3).mean(0)
    assert top[2] > top[1] and bottom[1] > bottom[2] + 40
    assert "2nd to 98th percentile" in seen["many"]["legend"]


def test_side_by_side_shows_objects_in_one_pane_and_the_same_place_in_both(seen: dict[str, Any]) -> None:
    pixels = picture(seen, "side-by-side")
    half = pixels.shape[1] // 2
    left, right = middle(pixels[:, :half]), middle(pixels[:, half:])
    assert colourful(left).mean() > 0.02 and not colourful(right).any()
    # The same picture on both sides: where the left has no object, they look the same.
    grey = ~colourful(left)
    assert np.corrcoef(left[grey].mean(-1), right[grey].mean(-1))[0, 1] > 0.5


def test_a_swipe_cuts_one_picture_in_two(seen: dict[str, Any]) -> None:
    found = {}
    for place in (50, 75):
        pixels = picture(seen, f"swipe-{place}")
        height = pixels.shape[0]
        columns = np.flatnonzero(colourful(pixels[height // 6 : -height // 6]).any(axis=0))
        found[place] = columns.max() / pixels.shape[1]
    # Objects end at the cut, and with the cut farther to the right there are more.
    assert found[50] < 0.51 and found[75] < 0.76
    assert found[75] > found[50] + 0.1


def test_the_figure_is_what_was_in_view_with_a_bar_and_a_text(seen: dict[str, Any]) -> None:
    told = seen["figure"]
    assert told["names"] == ["plain_figure.png", "plain_figure.txt"]
    drawn = picture(seen, "plain_figure")
    assert drawn.shape[:2] == (round(2 * told["height"]), round(2 * told["width"]))
    shown = picture(seen, "before-figure")
    small = drawn[::2, ::2][: shown.shape[0], : shown.shape[1]]
    gap = np.abs(middle(small, 0.6) - middle(shown, 0.6)).mean()
    assert gap < 12
    bar = drawn[-60:, drawn.shape[1] // 2 :]
    longest = max(_longest_run(row.min(axis=-1) > 240) for row in bar)
    text = (seen["pictures"] / "plain_figure.txt").read_text(encoding="utf-8")
    assert 60 < longest < drawn.shape[1] / 2
    for line in ("image: plain (", "pixel: 0.5 × 0.5 µm", "scale bar: drawn", "objects of otsu-watershed"):
        assert line in text
    assert "size: 256 × 256 pixels, uint8" in text and "(untested)" in text


def _longest_run(row: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
    return int(np.diff(edges)[::2].max(initial=0))


def test_without_webgl_pictures_and_objects_come_from_the_server(seen: dict[str, Any]) -> None:
    assert len(seen["withoutWebgl"]) == 2 and min(seen["withoutWebgl"]) > 0
    shown = middle(picture(seen, "no-webgl"), 0.6)
    assert colourful(shown).mean() > 0.01
    assert np.ptp(shown) > 100
