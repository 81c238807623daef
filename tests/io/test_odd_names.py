"""Files of any name that a disk can hold are written, found and read; what it cannot hold is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.io.writers import writers

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.io.folders import find_images, image_stem
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_header, read_image
from veriscope.io.labels import read_labels, write_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.record import Record
from veriscope.io.sheets import composed
from veriscope.io.tiff_writer import write_tiff

PIXELS = np.random.default_rng(0).integers(0, 60_000, (20, 30)).astype(np.uint16)
IMAGE = Image(PIXELS, "yx", {"y": 0.5, "x": 0.25})
ODD = [
    "ä ö ü ß",
    "漢字 и кириллица",
    "🔬",
    "e\u0301 in two parts",
    "100% (2)",
    "a=b&c#d?e",
    "'quoted' \"twice\"",
    "semi;colon, comma",
    "[brackets] {braces}",
    "star * question ?",
    "back\\slash",
    "new\nline\ttab",
    "-dash",
    "~home",
    "$HOME `x`",
    " space around ",
    ".hidden",
    "dots...",
    "a.b.c.d",
    "nul",
    "x" * 190,
    "ü" * 90,
]


def ids(name: str) -> str:
    return ascii(name)[:24]


@pytest.mark.parametrize("stem", ODD, ids=ids)
def test_every_writer_takes_the_name_and_leaves_nothing_else(tmp_path: Path, stem: str) -> None:
    for name in ("labels.tif", "image.ome.zarr", "plate.ome.zarr", "table.csv", "long.json"):
        write = writers(PIXELS)[name]
        ending = name.partition(".")[2]
        target = tmp_path / "in" / f"{stem}.{ending}"
        write(target)
        write(target)  # also in the place of what is there
        beside = {target.name} | ({f"{stem}.json"} if name.startswith("table") else set())
        assert {path.name for path in target.parent.iterdir()} == beside
        for path in target.parent.iterdir():
            path.rename(tmp_path / f"{len(list(tmp_path.iterdir()))}")


@pytest.mark.parametrize("stem", ODD, ids=ids)
def test_it_is_read_under_its_name(tmp_path: Path, stem: str) -> None:
    write_tiff(tmp_path / f"{stem}.tif", IMAGE)
    write_ome_zarr(tmp_path / f"{stem}.ome.zarr", IMAGE)
    for ending in ("tif", "ome.zarr"):
        path = tmp_path / f"{stem}.{ending}"
        found, header = read_image(path), read_header(path)
        assert np.array_equal(found.pixels, PIXELS) and header.path == path
        assert image_stem(path) == composed(stem)
        assert len(sha256_of(path)) == 64
    write_labels(tmp_path / "l" / f"{stem}.tif", PIXELS)
    assert np.array_equal(read_labels(tmp_path / "l" / f"{stem}.tif"), PIXELS)


@pytest.mark.parametrize("stem", [name for name in ODD if not name.startswith(".")], ids=ids)
def test_it_is_found_in_its_folder(tmp_path: Path, stem: str) -> None:
    folder = tmp_path / f"folder {stem}"[:60]
    write_tiff(folder / f"{stem}.tif", IMAGE)
    write_tiff(folder / "other.tif", IMAGE)
    found = find_images(folder)
    assert {file.stem for file in found} == {composed(stem), "other"} and found.ignored == ()
    assert [file.stem for file in find_images(folder / f"{stem}.tif")] == [composed(stem)]


@pytest.mark.parametrize("stem", ODD, ids=ids)
def test_the_record_of_a_step_names_it(tmp_path: Path, stem: str) -> None:
    record, name = Record(tmp_path), f"{stem}.txt"

    def work() -> None:
        (tmp_path / name).write_text("made")

    assert record.step("make", parameters={"stem": stem}, outputs=[name], work=work)
    assert not Record(tmp_path).step("make", parameters={"stem": stem}, outputs=[name], work=work)
    entry = Record(tmp_path).latest(name)
    assert entry is not None and entry["parameters"] == {"stem": stem} and set(entry["outputs"]) == {name}
    assert len(record.path.read_bytes().splitlines()) == 1, "a line each, whatever is in the name"


@pytest.mark.parametrize("name", sorted(writers(PIXELS)))
def test_a_name_that_no_disk_holds_is_said(tmp_path: Path, name: str) -> None:
    target = tmp_path / f"{'x' * 300}.{name.partition('.')[2]}"
    with pytest.raises((InputError, OSError)) as caught:
        writers(PIXELS)[name](target)
    assert "too long" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(writers(PIXELS)))
def test_a_folder_below_a_file_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError) as caught:
        writers(PIXELS)[name](tmp_path / "file" / "deep" / name)
    assert "a part of the path is a file, not a folder; choose another folder" in str(caught.value)
    assert (tmp_path / "file").read_text() == "x"


def test_names_that_differ_in_capitals_alone_are_two_files(tmp_path: Path) -> None:
    write_tiff(tmp_path / "A.tif", IMAGE)
    if (tmp_path / "a.TIF").exists():
        pytest.skip("this disk does not tell capitals apart")
    write_tiff(tmp_path / "a.tif", Image(PIXELS + 1, "yx"))
    assert sorted(file.stem for file in find_images(tmp_path)) == ["A", "a"]
    assert np.array_equal(read_image(tmp_path / "A.tif").pixels, PIXELS)
