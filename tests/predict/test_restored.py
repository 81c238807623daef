"""Restored images, region by region: as the whole, resumable, and refused before the work."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.source import PixelSource, Region, grid, grow, within
from veriscope.errors import InputError
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.base import Card
from veriscope.methods.local_method import Survey
from veriscope.methods.restoration import RestorationMethod
from veriscope.predict.plan import parse_memory
from veriscope.predict.reading import Reading
from veriscope.predict.restored import restore_folder, restore_image
from veriscope.predict.unfinished import Unfinished
from veriscope.predict.units import HereExecutor, Work

SPACING = {"y": 0.5, "x": 0.25}


class Median(RestorationMethod):
    """A median filter, less the largest value of the image."""

    name: ClassVar[str] = "median"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Median.", objects=(), modalities=(), dimensions=(2, 3))
    calls: ClassVar[list[Region]] = []

    class SurveyType(Survey):
        top: float

    def survey(self, source: PixelSource) -> Any:
        return self.SurveyType(top=max(float(block.pixels.max()) for block in source.blocks()))

    def regions(self, shape: tuple[int, ...], survey: Any, *, side: int) -> list[Region]:
        return list(grid(shape, (side,) * len(shape)))

    def restore_region(self, source: PixelSource, survey: Any, region: Region) -> Any:
        type(self).calls.append(region)
        crop = grow(region, 2, source.shape)
        filtered = ndimage.median_filter(source.read(crop).astype(np.float32), 5, mode="nearest")
        return filtered[within(region, crop)] - np.float32(survey.top)

    def bytes_at_once(self, shape: tuple[int, ...], survey: Any) -> int:
        return 1000

    def details(self, survey: Any) -> dict[str, Any]:
        return {"top": survey.top}


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Median, "calls", [])


def picture(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4000, shape).astype(np.uint16)


def stored(path: Path, pixels: np.ndarray, axes: str) -> Path:
    spacing = {letter: 0.5 for letter in axes if letter in "zyx"} | ({} if "z" in axes else SPACING)
    channels = tuple("abc"[: pixels.shape[axes.index("c")]]) if "c" in axes else ()
    write_ome_zarr(path, Image(pixels, axes, spacing, channels))
    return path


@pytest.mark.parametrize(("axes", "shape"), [("yx", (70, 90)), ("zyx", (5, 40, 45)), ("tyx", (3, 40, 50))])
@pytest.mark.parametrize("tile", [None, 17])
def test_regions_put_together_are_the_whole_at_every_time(
    tmp_path: Path, axes: str, shape: tuple[int, ...], tile: int | None
) -> None:
    pixels = picture(*shape)
    source = stored(tmp_path / "a.ome.zarr", pixels, axes)
    found = restore_image(Median(), source, tmp_path / "o.ome.zarr", tile=tile)
    frames = pixels if axes == "tyx" else pixels[None]
    written = read_image(tmp_path / "o.ome.zarr")
    expected = np.stack([Median().restore(Image(frame, axes.replace("t", ""))).pixels for frame in frames])
    np.testing.assert_array_equal(written.pixels, expected if axes == "tyx" else expected[0])
    assert (written.axes, written.pixels.dtype) == (axes, np.float32)
    assert written.spacing == read_image(source).spacing
    assert found["details"] == [{"top": float(frame.max())} for frame in frames]
    assert (found["done"], found["evidence"]) == (True, "untested")
    regions = 1 if tile is None else int(np.prod([-(-size // tile) for size in frames.shape[1:]]))
    assert found["n_regions"] == regions * len(frames)
    record = json.loads((tmp_path / "o.record.json").read_text())
    assert (record["schema"], record["n_regions"]) == ("veriscope/restored-image/1", found["n_regions"])


class Stops(HereExecutor):
    """Ends the run, as Ctrl-C does, after some pieces."""

    def __init__(self, after: int) -> None:
        self.after = after

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        for number, result in enumerate(super().run(work, units)):
            if number == self.after:
                raise KeyboardInterrupt
            yield result


@pytest.mark.parametrize("damage", [None, "cut", "gone"])
def test_a_stopped_run_goes_on_and_does_what_is_missing(tmp_path: Path, damage: str | None) -> None:
    source = stored(tmp_path / "a.ome.zarr", picture(60, 60), "yx")
    out = tmp_path / "o.ome.zarr"
    with pytest.raises(KeyboardInterrupt):
        restore_image(Median(), source, out, tile=20, executor=Stops(3))
    assert len(Median.calls) == 4
    part = Unfinished(out, "").parts / "00000001.npy"
    if damage == "cut":
        part.write_bytes(part.read_bytes()[:-8])
    elif damage == "gone":
        part.unlink()
    found = restore_image(Median(), source, out, tile=20)
    assert len(Median.calls) == 9 + (damage is not None)
    whole = restore_image(Median(), source, tmp_path / "w" / "o.ome.zarr")
    assert found["done"]
    assert sha256_of(out) == sha256_of(whole["restored"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.ome.zarr",
        "o.ome.zarr",
        "o.record.json",
        "w",
    ]


def test_the_second_call_does_nothing_and_another_image_is_refused(tmp_path: Path) -> None:
    source = stored(tmp_path / "a.ome.zarr", picture(30, 40), "yx")
    out = tmp_path / "o.ome.zarr"
    first = restore_image(Median(), source, out)
    before, calls = sha256_of(out), len(Median.calls)
    again = restore_image(Median(), source, out, tile=16)
    assert (again["done"], again["details"]) == (False, first["details"])
    assert (sha256_of(out), len(Median.calls)) == (before, calls)
    other = stored(tmp_path / "b.ome.zarr", picture(30, 40, seed=1), "yx")
    with pytest.raises(InputError, match="exists already and was made otherwise"):
        restore_image(Median(), other, out)
    assert sha256_of(out) == before


def test_the_channel_chosen_is_restored(tmp_path: Path) -> None:
    pixels = picture(2, 30, 40)
    source = stored(tmp_path / "a.ome.zarr", pixels, "cyx")
    with pytest.raises(InputError, match="has 2 channels and the analysis takes one"):
        restore_image(Median(), source, tmp_path / "o.ome.zarr")
    restore_image(Median(), source, tmp_path / "o.ome.zarr", reading=Reading(channel="b"))
    expected = Median().restore(Image(pixels[1], "yx")).pixels
    np.testing.assert_array_equal(read_image(tmp_path / "o.ome.zarr").pixels, expected)


@pytest.mark.parametrize(("tile", "workers"), [(None, 1), (None, 2), (300, 1), (20, 1)])
def test_the_memory_that_a_refusal_asks_for_suffices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tile: int | None, workers: int
) -> None:
    """It named what was left beside the tiles: whoever gave the 326MB was asked for 401, and then for 326."""
    monkeypatch.setattr(Median, "bytes_at_once", lambda *_: 400 << 20)
    source = stored(tmp_path / "a.ome.zarr", picture(330, 340), "yx")
    out = tmp_path / "o.ome.zarr"
    asked = []
    for memory in (1 << 20, 401 << 20, 500 << 20, 700 << 20):
        with pytest.raises(InputError) as error:
            restore_image(Median(), source, out, tile=tile, memory=memory, workers=workers)
        text = str(error.value)
        if memory > 1 << 23:
            assert text.startswith(
                f"--memory: {memory >> 20}MB do not suffice for tiles of the network, which need 400MB, "
                f"and regions of {tile or 64} pixels; give "
            )
            asked.append(parse_memory(text.split("; give ")[1].split(",")[0]))
    assert len(set(asked)) == 1
    assert not out.exists()
    plan = restore_image(
        Median(), source, out, tile=tile, memory=asked[0], executor=HereExecutor(), workers=workers
    )
    assert (plan["done"], plan["workers"], plan["workers_asked"]) == (True, 1, workers)
    fewer = f"predicted by 1 worker instead of {workers}: {asked[0] >> 20}MB do not suffice for {workers}"
    assert (fewer in plan["notes"]) == (workers > 1)


def test_a_folder_is_checked_before_any_image_is_restored(tmp_path: Path) -> None:
    for name in "ba":
        stored(tmp_path / "in" / f"{name}.ome.zarr", picture(20, 30), "yx")
    stored(tmp_path / "in" / "two.ome.zarr", picture(2, 20, 30), "cyx")
    (tmp_path / "in" / "cut.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError) as error:
        restore_folder(Median(), tmp_path / "in", tmp_path / "out")
    text = str(error.value)
    assert text.splitlines()[0] == "2 of 4 images cannot be used:"
    assert "cut.tif" in text and "two.ome.zarr" in text
    assert text.splitlines()[-1].startswith(
        "Nothing was written. Mend or remove them, or leave them out with"
    )
    assert not (tmp_path / "out").exists()
    assert Median.calls == []
    found = restore_folder(Median(), tmp_path / "in", tmp_path / "out", reading=Reading(skip_bad=True))
    assert [row["image"] for row in found["images"]] == ["a", "b"]
    assert (found["n_images"], found["n_done"], len(found["skipped"])) == (2, 2, 2)
    again = restore_folder(Median(), tmp_path / "in", tmp_path / "out", reading=Reading(skip_bad=True))
    assert again["n_done"] == 0


def test_the_folder_of_the_images_is_not_the_one_of_the_results(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", picture(20, 30))
    with pytest.raises(InputError) as error:
        restore_folder(Median(), tmp_path, tmp_path)
    assert str(error.value) == f"{tmp_path} holds the images; choose another folder for the restored ones"
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_progress_counts_images(tmp_path: Path) -> None:
    for name in "abc":
        stored(tmp_path / "in" / f"{name}.ome.zarr", picture(20, 30), "yx")
    seen = []
    restore_folder(Median(), tmp_path / "in", tmp_path / "out", progress=lambda *state: seen.append(state))
    assert seen == [("predict median", done, 3) for done in range(4)]
