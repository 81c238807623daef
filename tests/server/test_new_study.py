"""Which parts of what was dropped on the page are images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.io.folders import find_images
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.server.jobs.new_study import image_sources

NAMES = [
    "a.tif",
    "B.TIF",
    "c.png",
    "d.ome.tiff",
    "sheet.csv",
    "notes.txt",
    ".DS_Store",
    "._a.tif",
    "x.czi",
    "e f ü.jpg",
]
IMAGES = {"a.tif", "B.TIF", "c.png", "d.ome.tiff", "e f ü.jpg"}
FOLDERS = ["", "one", "one/deep", "one/deep/deeper", "two (2)", "x.y", "empty"]


@given(files=st.sets(st.tuples(st.sampled_from(FOLDERS[:-1]), st.sampled_from(NAMES)), max_size=10))
def test_every_image_in_every_folder_is_found_once(
    tmp_path_factory: pytest.TempPathFactory, files: set[tuple[str, str]]
) -> None:
    upload = tmp_path_factory.mktemp("upload")
    for folder in FOLDERS:
        (upload / folder).mkdir(parents=True, exist_ok=True)
    for number, (folder, name) in enumerate(sorted(files)):  # stems must differ
        (upload / folder / f"{name[0] if name[0] == '.' else ''}{number}{name}").write_bytes(b"x")
    wanted = {
        upload / folder / f"{number}{name}"
        for number, (folder, name) in enumerate(sorted(files))
        if name in IMAGES
    }
    others = [name for _, name in files if name == "x.czi"]
    if not wanted and not others:
        with pytest.raises(
            InputError, match="the upload holds no image; choose files or a folder with images"
        ):
            image_sources(upload)
        return
    sources = image_sources(upload)
    assert len(set(sources)) == len(sources)
    if wanted:
        found = find_images(sources)
        assert {image.path for image in found} == wanted
        assert len(found.ignored) == len(others)  # named to the user, who may have meant it


@pytest.mark.parametrize("folder", ["", "deep", "deep/er"])
@pytest.mark.parametrize("beside", [None, "a.tif", "sheet.csv"])
def test_an_ome_zarr_is_one_image_wherever_it_lies(tmp_path: Path, folder: str, beside: str | None) -> None:
    write_ome_zarr(tmp_path / folder / "z 1.ome.zarr", Image(np.ones((3, 4), np.uint8), "yx"))
    if beside:
        (tmp_path / folder / beside).write_bytes(b"x")
    found = [image.stem for image in find_images(image_sources(tmp_path))]
    assert found == (["a", "z 1"] if beside == "a.tif" else ["z 1"])


def test_a_zarr_of_zarrs_is_taken_as_a_whole(tmp_path: Path) -> None:
    inner = tmp_path / "plate.zarr" / "A" / "1" / "field.zarr"
    inner.mkdir(parents=True)
    (inner / "zarr.json").write_text("{}")
    (tmp_path / "plate.zarr" / "zarr.json").write_text("{}")
    assert image_sources(tmp_path) == [str(tmp_path)]
    assert image_sources(tmp_path / "plate.zarr" / "A") == [str(tmp_path / "plate.zarr" / "A" / "1")]
