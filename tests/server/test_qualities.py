"""How images look: over all of a large image, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
import tifffile
from tests.server.conftest import Running

from veriscope.core.cache import cache_folder
from veriscope.workflow.study import Study


@pytest.fixture
def quality_of(tmp_path: Path, launch: Callable[..., Running]) -> Callable[..., list[dict[str, object]]]:
    """Give the quality of images, each a study's."""

    def ask(*images: np.ndarray) -> list[dict[str, object]]:
        for number, pixels in enumerate(images):
            folder = tmp_path / "in" / str(number)
            folder.mkdir(parents=True)
            tifffile.imwrite(folder / "a.tif", pixels, photometric="minisblack")
            Study.new(
                tmp_path / "ws" / str(number), images=str(folder), object="cell", methods=("otsu-watershed",)
            )
        client: httpx.Client = launch(tmp_path / "ws").client()
        found = [client.get(f"/api/studies/{number}/images/a/quality") for number in range(len(images))]
        assert [answer.status_code for answer in found] == [200] * len(images)
        return [answer.json() for answer in found]

    return ask


def test_what_was_not_seen_of_a_large_image_is_said(
    quality_of: Callable[..., list[dict[str, object]]],
) -> None:
    shapes = {(3072, 40): False, (3073, 40): True, (40, 3073): True, (1025, 30): False, (9, 9): False}
    found = quality_of(*(np.ones(shape, np.uint8) for shape in shapes))
    assert [item["sampled"] for item in found] == list(shapes.values())


def test_all_of_an_image_is_seen_that_is_not_sampled(
    quality_of: Callable[..., list[dict[str, object]]],
) -> None:
    # A bright block in each part of the image that is read apart from the others.
    dice = np.random.default_rng(0)
    images = []
    for start in (0, 1100, 2300):
        pixels = dice.integers(90, 110, (2500, 40)).astype(np.uint16)
        pixels[start : start + 100] = 4095
        images.append(pixels)
    images.append(dice.integers(90, 110, (2500, 40)).astype(np.uint16))
    *with_block, without = quality_of(*images)
    for item in with_block:
        assert item["channels"][0]["saturated_fraction"] == pytest.approx(100 / 2500)  # type: ignore[index]
    assert without["channels"][0]["saturated_fraction"] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((1, 1), np.uint8),
        np.zeros((30, 30), bool),
        np.eye(30, dtype=bool),
        np.full((20, 20), -5, np.int16),
        np.full((20, 20), 1e30, np.float32),
        np.ones((1, 700), np.uint16),
    ],
    ids=["one pixel", "nothing", "mask", "negative", "huge", "line"],
)
def test_odd_images_have_a_quality_of_finite_numbers(
    quality_of: Callable[..., list[dict[str, object]]], pixels: np.ndarray
) -> None:
    (found,) = quality_of(pixels)
    (channel,) = found["channels"]  # type: ignore[misc]
    assert channel["p50"] == pytest.approx(float(np.median(pixels)))
    assert channel["sharpness"] is None or channel["sharpness"] >= 0


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"planes": [{"nope": 1}], "sampled": false}', "{}"]
)
def test_what_is_kept_and_damaged_is_measured_anew(
    workspace: Path, launch: Callable[..., Running], content: str
) -> None:
    client = launch(workspace).client()
    image = client.get("/api/studies/small/images").json()["images"][0]["id"]
    path = f"/api/studies/small/images/{image}/quality"
    first = client.get(path).json()["channels"]
    kept = list((cache_folder() / "web").glob("*/quality/*.json"))
    assert kept
    for file in kept:
        file.write_text(content)
    again = launch(workspace).client()
    assert again.get(path).json()["channels"] == first
