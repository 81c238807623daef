"""Finding, pairing and checking files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import InputError, UnreadableFileError
from veriscope.io.folders import ImageFile, as_unicode, find_images, image_stem
from veriscope.io.images import read_header, read_image
from veriscope.io.ome_zarr import write_ome_zarr

GREY = np.zeros((6, 8), np.uint8)


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(b"x")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.tif", "a"),
        ("a.ome.tif", "a"),
        ("a.OME.TIFF", "a"),
        ("a.ome.zarr", "a"),
        ("a.b.png", "a.b"),
        (".ome.tif", ".ome"),
        ("a", "a"),
    ],
)
def test_stems(name: str, stem: str) -> None:
    assert image_stem(Path("x") / name) == stem


def test_a_folder_gives_its_images_in_natural_order(tmp_path: Path) -> None:
    touch(
        tmp_path, "a10.tif", "a2.png", "A1.JPG", ".hidden.tif", "._a2.png", "groups.csv", "scan.oib", "b.mov"
    )
    touch(tmp_path / "deeper", "c.tif")
    write_ome_zarr(tmp_path / "a3.ome.zarr", Image(GREY, "yx"))
    found = find_images(tmp_path)
    assert [file.stem for file in found] == ["A1", "a2", "a3", "a10"]
    assert len(found) == 4
    assert found[0] == ImageFile("A1", tmp_path / "A1.JPG")
    assert [path.name for path in found.ignored] == ["b.mov", "scan.oib"]


def test_patterns_files_and_folders_add_up_without_doubles(tmp_path: Path) -> None:
    touch(tmp_path / "p", "a1.tif", "a2.tif", "b.png")
    touch(tmp_path / "q", "c[1].tif")
    found = find_images([str(tmp_path / "p" / "a*.tif"), tmp_path / "p", tmp_path / "q" / "c[1].tif"])
    assert [file.stem for file in found] == ["a1", "a2", "b", "c[1]"]
    assert [file.stem for file in find_images(str(tmp_path / "*" / "*.tif"))] == ["a1", "a2", "c[1]"]


@pytest.mark.parametrize("name", ["exp [1]", "a*b", "what?", "[a-c]"])
def test_folders_may_hold_the_signs_of_patterns(tmp_path: Path, name: str) -> None:
    touch(tmp_path, f"{name}/a1.tif", f"{name}/a2.tif", f"{name}/inner/b1.tif", "a/other1.tif")
    for given, stems in (
        (name, ["a1", "a2"]),
        (f"{name}/*.tif", ["a1", "a2"]),
        (f"{name}/a[1].tif", ["a1"]),
        (f"{name}/*/*.tif", ["b1"]),
        (f"{name}/**/?1.tif", ["a1", "b1"]),
        (f"{name}/a1.tif", ["a1"]),
    ):
        assert [file.stem for file in find_images(tmp_path / given)] == stems


def test_patterns_are_as_good_from_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "exp [1]/a1.tif", "b/b1.tif")
    monkeypatch.chdir(tmp_path)
    assert [file.stem for file in find_images("*/*.tif")] == ["a1", "b1"]
    assert [file.stem for file in find_images("exp [1]/*.tif")] == ["a1"]
    assert [str(file.path) for file in find_images("b/*1.tif")] == ["b/b1.tif"]


def test_stems_must_be_unique_and_all_doubles_are_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "a.png", "b.ome.tif", "b.tif", "c.tif")
    with pytest.raises(InputError) as caught:
        find_images(tmp_path)
    assert str(caught.value).replace(str(tmp_path), "D") == (
        "2 names stand for more than one image:\n"
        "  - a: D/a.png and D/a.tif\n"
        "  - b: D/b.ome.tif and D/b.tif\n"
        "Results are told apart by the name without its ending: rename files, or give a narrower pattern"
    )


def test_nothing_found_says_what_is_there(tmp_path: Path) -> None:
    def message(source: object) -> str:
        with pytest.raises(InputError) as caught:
            find_images(source)  # type: ignore[arg-type]
        return str(caught.value).replace(str(tmp_path), "D")

    endings = ".tif .tiff .btf .tf8 .svs .png .jpg .jpeg .bmp .zarr .czi .lif .nd2 .dv .r3d"
    assert message(tmp_path) == (
        f"D: no image found; give a folder, files or a pattern of images with the endings {endings}"
    )
    touch(tmp_path / "images", "a.tif")
    assert message(tmp_path) == (
        "D: no image in the folder itself; folders in it are not searched: name one, for example D/images, "
        "or a pattern such as 'D/*/*.tif'"
    )
    touch(tmp_path, "a.oib", "b.oib", "c.oib", "d.vsi")
    assert message(tmp_path) == (
        "D: no image that can be read; there are a.oib, b.oib, c.oib and 1 more, but the endings read are "
        f"{endings}: open them in Fiji and save them as OME-TIFF"
    )
    assert message(tmp_path / "no") == "D/no: no such file or folder; check the name"
    assert message(str(tmp_path / "*.png")).startswith("D/*.png: no image found; give a folder")


def test_a_forbidden_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UnreadableFileError, match="no permission to read it; change its permissions"):
        find_images(tmp_path)


def test_damage_inside_pixels_is_found_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    tifffile.imwrite(path, noise, compression="zlib")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    content[start + 100 : start + 600] = bytes(500)
    path.write_bytes(bytes(content))
    assert read_header(path).shape == (64, 64)
    with pytest.raises(
        UnreadableFileError, match=r"the pixels \(ADOBE_DEFLATE compression\) cannot be decoded"
    ):
        read_image(path)


def test_names_of_bytes_that_are_no_characters_are_refused_together(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif")
    for name in (b"caf\xe9.tif", b"\xff.png", b"notes\xe9.mov"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    with pytest.raises(InputError) as caught:
        find_images(tmp_path)
    said = str(caught.value)
    assert said.startswith("2 names of files or their folders hold bytes that are no characters (UTF-8)")
    assert r"caf\udce9.tif" in said and r"\udcff.png" in said and "notes" not in said
    assert said.isprintable() or said.replace("\n", "").isprintable()
    assert as_unicode(os.fsdecode(b"caf\xe9")) == r"caf\udce9" and as_unicode("ü") == "ü"
