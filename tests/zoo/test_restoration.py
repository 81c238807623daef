"""Packages that give images: tiles that agree are cut, others are blended, and the record says which."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.source import ArraySource, grid
from veriscope.errors import InputError, MethodError, PixelValueError, StudyError
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.restoration import RestorationMethod
from veriscope.methods.zoo.blend import weights_along
from veriscope.methods.zoo.tiling import cut_axis
from veriscope.predict.restored import restore_folder, restore_image
from veriscope.registry import get_method, make_method
from veriscope.workflow.study import Study

from .conftest import Package

SHAPE = (150, 190)
PIXELS = ndimage.gaussian_filter(np.random.default_rng(0).gamma(2, 300, SHAPE), 1.5).astype(np.float32)
NORMALISE = [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}}]


def denoiser(package: Package, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    def describe(content: dict[str, Any]) -> None:
        content["tags"] = ["image-restoration", "fluorescence"]
        content["inputs"][0] |= {"data": {"type": "float32"}, "preprocessing": NORMALISE}
        content["outputs"][0]["axes"][1] = {"type": "channel", "channel_names": ["restored"]}
        if change is not None:
            change(content)

    return package(change=describe)


def made(path: Path, **options: Any) -> RestorationMethod:
    method = make_method(str(path), options)
    assert isinstance(method, RestorationMethod)
    return method


class Seeing:
    """Takes the place of a network that sees the whole tile."""

    threads = 0

    def __init__(self, weights: Path) -> None:
        self.weights = weights

    def run(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        return [values - values.mean()]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("tile", [40, 64, 96])
def test_tiles_of_a_model_that_sees_little_agree_with_the_whole(
    package: Package, cache: Path, tile: int
) -> None:
    path, image = denoiser(package), Image(PIXELS, "yx")
    whole = made(path, tile=512).restore(image)
    found = made(path, tile=tile).restore(image)
    normal = (PIXELS - PIXELS.mean(dtype=float)) / (PIXELS.std(dtype=float) + 1e-6)
    inner = (slice(3, -3), slice(3, -3))
    expected = ndimage.uniform_filter(normal, 5, mode="nearest")
    np.testing.assert_allclose(found.pixels[inner], expected[inner], atol=1e-4)
    np.testing.assert_allclose(found.pixels, whole.pixels, rtol=1e-5, atol=1e-5)
    assert (whole.details["tiles"], found.details["tiles"]) == ("one", "agree")
    assert found.details["tile_difference"] < 1e-5 and found.details["blended_px"] == 0
    assert found.details["left_out_px"] == 2, "as the card says, and as measured"


@pytest.mark.parametrize("sees_all", [False, True])
def test_any_regions_give_the_same_bits(package: Package, cache: Path, sees_all: bool) -> None:
    method = made(denoiser(package), tile=48)
    if sees_all:
        method.engine = Seeing(method.engine.weights)  # type: ignore[attr-defined]
    source = ArraySource(Image(PIXELS, "yx"))
    survey = method.survey(source)
    whole = method.restore_region(source, survey, (slice(0, SHAPE[0]), slice(0, SHAPE[1])))
    for regions in (method.regions(SHAPE, survey, side=60), list(grid(SHAPE, (37, 71)))):
        assert len(regions) > 4
        joined = np.full(SHAPE, np.nan, np.float32)
        for region in regions:
            joined[region] = method.restore_region(source, survey, region)
        np.testing.assert_array_equal(joined, whole)


def test_tiles_that_do_not_agree_are_blended_and_it_is_said(package: Package, cache: Path) -> None:
    """Brightness that depends on the tile: cut tiles would leave steps as high as the tiles differ."""
    method = made(denoiser(package), tile=64)
    method.engine = Seeing(method.engine.weights)  # type: ignore[attr-defined]
    ramp = np.tile(np.linspace(0, 1000, 400, dtype=np.float32), (120, 1))
    found = method.restore(Image(ramp, "yx"))
    assert found.details["tiles"] == "blended"
    assert found.details["tile_difference"] > 0.05
    steps = np.abs(np.diff(found.pixels - found.pixels.min(), axis=1)).max()
    assert steps < found.details["tile_difference"] / 2
    alone = method.restore(Image(ramp[:48, :56], "yx"))
    assert alone.details["tiles"] == "one"


def test_shares_of_tiles_add_up_to_one_also_where_the_last_ones_crowd() -> None:
    for size in (100, 131, 250):
        cut = cut_axis(size, 64, 0, 12, 8, "x")
        shares = weights_along(cut, size, 8)
        np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-6)
        for share, tile in zip(shares, cut.tiles, strict=True):
            used = np.flatnonzero(share)
            inner_start = 0 if tile.start <= 0 else tile.start + 4
            inner_stop = size if tile.start + 64 >= size else tile.start + 60
            assert inner_start <= used[0] and used[-1] < inner_stop, "what the halo leaves out is not used"


@pytest.mark.parametrize(("tile", "workers"), [(None, 1), (64, 1), (64, 2)])
def test_from_file_to_file_resumable_with_a_record(
    package: Package, cache: Path, tmp_path: Path, tile: int | None, workers: int
) -> None:
    path, spacing = denoiser(package), {"y": 0.5, "x": 0.5}
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(np.stack([PIXELS, PIXELS[::-1]]), "tyx", spacing))
    method, out = made(path, tile=64), tmp_path / "out" / "o.ome.zarr"
    found = restore_image(method, tmp_path / "a.ome.zarr", out, tile=tile, workers=workers)
    written = read_image(out)
    assert (written.axes, written.spacing, written.pixels.dtype) == ("tyx", spacing, np.float32)
    for frame, pixels in zip(written.pixels, (PIXELS, PIXELS[::-1]), strict=True):
        np.testing.assert_array_equal(frame, method.restore(Image(pixels, "yx")).pixels)
    record = json.loads((tmp_path / "out" / "o.record.json").read_text())
    assert [item["tiles"] for item in record["details"]] == ["agree", "agree"]
    assert record["cost"]["cpu_s"] > 0
    before = sha256_of(out)
    again = restore_image(method, tmp_path / "a.ome.zarr", out)
    assert (again["done"], again["details"], sha256_of(out)) == (False, found["details"], before)
    assert sorted(item.name for item in out.parent.iterdir()) == ["o.ome.zarr", "o.record.json"]


def test_a_folder_and_too_little_memory(package: Package, cache: Path, tmp_path: Path) -> None:
    method = made(denoiser(package))
    for name in "ab":
        write_ome_zarr(tmp_path / "in" / f"{name}.ome.zarr", Image(PIXELS, "yx"))
    found = restore_folder(method, tmp_path / "in", tmp_path / "out")
    assert [Path(row["restored"]).name for row in found["images"]] == ["a.ome.zarr", "b.ome.zarr"]
    assert restore_folder(method, tmp_path / "in", tmp_path / "out")["n_done"] == 0
    with pytest.raises(InputError, match="do not suffice for tiles of the network, which need"):
        restore_image(method, tmp_path / "in" / "a.ome.zarr", tmp_path / "o.ome.zarr", memory=1 << 20)


def test_images_are_not_taken_for_objects(package: Package, cache: Path, tmp_path: Path) -> None:
    path = denoiser(package)
    assert get_method(str(path)).task == "restoration"
    with pytest.raises(MethodError, match="gives images, not objects: veriscope predict writes them"):
        made(path).predict(Image(PIXELS, "yx"))
    write_ome_zarr(tmp_path / "in" / "a.ome.zarr", Image(PIXELS, "yx"))
    with pytest.raises(StudyError, match="gives images, and a study takes methods that find objects"):
        Study.new(tmp_path / "study", images=tmp_path / "in", methods=(str(path),))

    def segments(content: dict[str, Any]) -> None:
        content["tags"].append("instance-segmentation")

    assert get_method(str(denoiser(package, segments))).task == "instance"


def test_what_cannot_be_done_tile_by_tile_is_refused(package: Package, cache: Path) -> None:
    def whole_result(content: dict[str, Any]) -> None:
        content["outputs"][0]["postprocessing"] = [{"id": "scale_range", "kwargs": {"axes": ["y", "x"]}}]

    with pytest.raises(
        MethodError, match="has postprocessing that looks at the whole result, so it cannot be run"
    ):
        made(denoiser(package, whole_result))

    def two(content: dict[str, Any]) -> None:
        content["outputs"][0]["axes"][1] = {"type": "channel", "channel_names": ["mean", "spread"]}

    with pytest.raises(
        MethodError, match=r"gives 2 channels \(mean, spread\); choose one with -p channel=NAME"
    ):
        made(denoiser(package, two))
    with pytest.raises(MethodError, match=r"has no channel 'x' in its output; there are: mean, spread"):
        made(denoiser(package, two), channel="x")


@pytest.mark.parametrize(("dtype", "top"), [("u2", 256), ("f4", 200)])
def test_pixels_that_the_model_cannot_hold_are_refused_and_not_wrapped(
    package: Package, cache: Path, dtype: str, top: int
) -> None:
    """256 as a number of 8 bits is 0: the brightest places came out as the darkest."""

    def eight_bits(content: dict[str, Any]) -> None:
        content["inputs"][0]["data"] = {"type": "uint8"}

    method = made(denoiser(package, eight_bits), tile=40)
    pixels = np.full((60, 70), 100, np.uint8)
    pixels[::3, ::2] = 180
    assert np.isfinite(method.restore(Image(pixels, "yx")).pixels).all()
    np.testing.assert_array_equal(
        method.restore(Image(pixels.astype(np.uint16), "yx")).pixels,
        method.restore(Image(pixels, "yx")).pixels,
    )
    wide = pixels.astype(dtype)
    wide[55, 65] = top
    with pytest.raises(PixelValueError, match=r"^wide\.tif: zoo:.* takes pixels of type uint8 \(0 to 255\)"):
        method.restore(Image(wide, "yx", name="wide.tif"))
