"""Which parts of what was dropped on the page are images, and the study that is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.progress import silent
from veriscope.errors import InputError
from veriscope.io.folders import find_images
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.server.jobs.new_study import image_sources, make_study
from veriscope.workflow.study import Study

NAMES = [
    "a.tif",
    "B.TIF",
    "c.png",
    "d.ome.tiff",
    "sheet.csv",
    "notes.txt",
    ".DS_Store",
    "._a.tif",
    "x.oib",
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
    others = [name for _, name in files if name == "x.oib"]
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


def send(folder: Path, images: dict[str, list[NDArray[Any]]]) -> dict[str, Any]:
    """Put files where an upload has them, and give the request of a study of them."""
    for name, parts in images.items():
        path = folder / "upload/files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tifffile.TiffWriter(path, ome=True) as file:
            for pixels in parts:
                file.write(pixels, metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5})
    return {
        "images": [str(folder / "upload/files")],
        "options": {"methods": ("otsu-watershed",), "series": "each"},
        "assignments": None,
        "upload": str(folder / "upload"),
    }


FIELD = np.arange(1200, dtype=np.float32).reshape(30, 40)


def test_a_file_of_several_images_that_was_sent_becomes_a_study(tmp_path: Path) -> None:
    request = send(tmp_path, {"a.ome.tif": [FIELD, FIELD * 2], "b.ome.tif": [FIELD]})
    request["assignments"] = [
        {"image": name, "group": group, "replicate": None}
        for name, group in (("a.ome.tif", "x"), ("b.ome.tif", "y"))
    ]
    found = make_study(tmp_path / "study", request, silent)
    assert (found["n_images"], found["groups"], found["skipped"]) == (3, {"x": 2, "y": 1}, "")
    assert [image.replicate for image in Study(tmp_path / "study").images] == ["a.ome.tif"] * 2 + [
        "b.ome.tif"
    ]
    assert not (tmp_path / "upload").exists()


def test_what_cannot_be_used_has_the_name_that_it_was_sent_by(tmp_path: Path) -> None:
    request = send(tmp_path, {"one/a.ome.tif": [FIELD], "one/b.ome.tif": [FIELD]})
    (tmp_path / "upload/files/one/b.ome.tif").write_bytes(b"II*\0 no more")
    request["images"] = [str(tmp_path / "upload/files/one")]
    with pytest.raises(InputError, match=r"  - one/b\.ome\.tif: ") as caught:
        make_study(tmp_path / "study", request, silent)
    assert str(tmp_path) not in str(caught.value)
    request["options"]["skip_bad"] = True
    said = make_study(tmp_path / "study", request, silent)["skipped"]
    assert "\none/b.ome.tif: " in said and str(tmp_path) not in said


def test_files_of_the_server_keep_their_paths(tmp_path: Path) -> None:
    request = send(tmp_path, {"a.ome.tif": [FIELD * np.nan]}) | {"upload": None}
    with pytest.raises(InputError, match=r"a\.ome\.tif"):
        make_study(tmp_path / "study", request, silent)
    path = tmp_path / "upload/files/a.ome.tif"
    path.write_bytes(b"II*\0 no more")
    with pytest.raises(InputError) as caught:
        make_study(tmp_path / "study", request, silent)
    assert str(path) in str(caught.value)
