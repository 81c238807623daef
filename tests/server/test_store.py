"""Images and label images as they are given out: keys, versions, resolutions, and where they are kept."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import UnreadableFileError
from veriscope.io.labels import read_labels
from veriscope.server.problems import ProblemError
from veriscope.server.store import Store
from veriscope.server.stores import (
    cached,
    image_store,
    image_version,
    label_store,
    label_version,
    spacing_of,
)
from veriscope.workflow.layout import StudyFolder, StudyImage

CANDIDATE = "log-spots"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(workspace: Path) -> StudyFolder:
    return StudyFolder(workspace / "small")


@pytest.fixture
def image(folder: StudyFolder) -> StudyImage:
    return folder.images()[0]


@pytest.fixture
def large(tmp_path: Path) -> tuple[StudyFolder, StudyImage, np.ndarray]:
    """An image in place, of which lower resolutions have to be made."""
    pixels = np.random.default_rng(0).integers(0, 255, (1300, 700)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels)
    row = StudyImage(
        image_id="a", group="g", replicate="r", source="a.tif", sha256="", path=str(tmp_path / "a.tif"),
        axes="yx", shape="1300x700", dtype="uint8", spacing="uncalibrated", channels="",
    )  # fmt: skip
    return StudyFolder(tmp_path), row, pixels


def group_of(store: Store) -> dict[str, Any]:
    found, _ = store.content("zarr.json")
    assert isinstance(found, bytes)
    content: dict[str, Any] = json.loads(found)
    return content


def test_the_group_names_every_resolution_with_its_shape(folder: StudyFolder, image: StudyImage) -> None:
    store = image_store(folder, image)
    store.wait()
    group = group_of(store)
    assert (group["zarr_format"], group["node_type"]) == (3, "group")
    (multiscale,) = group["attributes"]["ome"]["multiscales"]
    levels = [item["path"] for item in multiscale["datasets"]]
    arrays = group["consolidated_metadata"]["metadata"]
    assert sorted(arrays) == levels
    assert [tuple(arrays[level]["shape"]) for level in levels] == list(store.stored_shapes)
    for level in levels:
        said, _ = store.content(f"{level}/zarr.json")
        raw = said if isinstance(said, bytes) else Path(said).read_bytes()  # type: ignore[arg-type]
        assert json.loads(raw)["shape"] == arrays[level]["shape"]


def test_pixels_are_those_of_the_image_at_any_region(folder: StudyFolder, image: StudyImage) -> None:
    whole = folder.read(image).pixels
    store = image_store(folder, image)
    for region in (np.s_[0:5, 0:7], np.s_[100:144, 150:160], np.s_[:, 3:4]):
        assert np.array_equal(store.read(0, region), whole[region])


def test_labels_are_those_of_the_candidate(folder: StudyFolder, image: StudyImage) -> None:
    truth = read_labels(folder.root / folder.prediction(CANDIDATE, image.image_id))
    store = label_store(folder, CANDIDATE, image)
    assert np.array_equal(store.read(0, np.s_[10:60, 20:90]), truth[10:60, 20:90])
    assert store.dtype == truth.dtype and store.axes == "yx"
    (multiscale,) = group_of(store)["attributes"]["ome"]["multiscales"]
    assert "image-label" in group_of(store)["attributes"]["ome"], "viewers colour them as objects"
    assert multiscale["axes"][0]["unit"] == "micrometer"


@pytest.mark.parametrize(
    "key",
    [
        "", "/", "zarr", "zarr.json/", "../zarr.json", "0", "0/", "0/c", "0/c/", "0/c/-1/0", "0/c/0",
        "0//c/0/0", "99/zarr.json", "100/zarr.json", "0/c/99999999/0", "0/zarr.json/x", "a/zarr.json",
        "0/c/0/0/", "0/.zarray", "0/c/1e3/0", "\0", "0/c/0/0\n",
    ],
)  # fmt: skip
def test_keys_that_name_nothing_give_nothing(folder: StudyFolder, image: StudyImage, key: str) -> None:
    found, _ = image_store(folder, image).content(key)
    assert found is None or (isinstance(found, Path) and found.is_file() and key == "0/c/0/0\n")


@given(st.text(max_size=30))
def test_no_key_leads_out_of_the_image(_finished: Path, key: str) -> None:
    folder = StudyFolder(_finished)
    store = image_store(folder, folder.images()[0])
    found, _ = store.content(key)
    if isinstance(found, Path):
        inside = [array.folder for array in store.own.values()] + [store.folder]
        assert any(found.resolve().is_relative_to(place.resolve()) for place in inside)


def test_lower_resolutions_are_made_once_and_are_halves(
    large: tuple[StudyFolder, StudyImage, np.ndarray],
) -> None:
    folder, row, pixels = large
    store = image_store(folder, row)
    assert store.shapes[0] == (1300, 700) and len(store.shapes) > 1
    store.wait()
    made = store.folder.stat().st_mtime_ns
    for level, shape in enumerate(store.shapes):
        found = store.read(level, tuple(slice(0, n) for n in shape))
        assert found.shape == shape
        assert abs(float(found.mean()) - float(pixels.mean())) < 1
    again = image_store(folder, row)
    again.wait()
    assert again.folder == store.folder and again.folder.stat().st_mtime_ns == made


@given(st.floats(0.01, 1000))
def test_a_picture_is_drawn_from_a_resolution_that_is_fine_enough(pixels: float) -> None:
    store = Store(
        Path(), {}, "yx", tuple((4096 >> n, 4096 >> n) for n in range(5)), "yx", np.dtype("u1"), None
    )  # type: ignore[arg-type]
    level = store.level_for(pixels)
    assert 0 <= level < 5
    assert level == 0 or 2**level <= pixels
    assert level == 4 or 2 ** (level + 1) > pixels


def test_shapes_are_told_in_the_axes_of_the_image() -> None:
    store = Store(Path(), {}, "tczyx", ((1, 3, 1, 40, 50), (1, 3, 1, 20, 25)), "cyx", np.dtype("u1"), None)  # type: ignore[arg-type]
    assert store.shapes == ((3, 40, 50), (3, 20, 25))


def test_a_version_follows_the_file_and_how_it_is_read(folder: StudyFolder, image: StudyImage) -> None:
    before = image_version(folder, image)
    assert before == image_version(folder, image) and len(before) == 16
    others = [
        image_version(folder, replace(image, spacing="uncalibrated")),
        image_version(folder, replace(image, reading='{"series": 1}')),
    ]
    metadata = folder.root / image.path / "zarr.json"
    os.utime(metadata, ns=(1, 1))
    others.append(image_version(folder, image))
    assert len({before, *others}) == 4


def test_a_file_that_is_gone_is_said_by_its_name_alone(folder: StudyFolder, image: StudyImage) -> None:
    gone = replace(image, path="images/gone.ome.zarr")
    for ask in (image_version, image_store):
        with pytest.raises(ProblemError) as caught:
            ask(folder, gone)
        problem = caught.value.problem
        assert (problem.status, problem.title) == (410, "A file is gone")
        assert problem.detail == f"The file of image {image.image_id} is gone: gone.ome.zarr."
        assert str(folder.root) not in problem.model_dump_json()


def test_labels_that_are_not_there_yet(folder: StudyFolder, image: StudyImage) -> None:
    assert label_version(folder, "nobody", image.image_id) is None
    assert label_version(folder, CANDIDATE, "nothing") is None
    with pytest.raises(ProblemError) as caught:
        label_store(folder, "nobody", image)
    assert (caught.value.problem.status, caught.value.problem.action) == (404, "Run it under Candidates.")


@pytest.mark.parametrize("content", ["{", "[]", '{"zarr_format": 3, "node_type": "group"}'])
def test_labels_that_are_damaged_are_named(folder: StudyFolder, image: StudyImage, content: str) -> None:
    path = folder.root / folder.prediction(CANDIDATE, image.image_id) / "0" / "zarr.json"
    path.write_text(content)
    with pytest.raises(UnreadableFileError, match=f"run {CANDIDATE} again"):
        label_store(folder, CANDIDATE, image)


def test_a_prediction_made_anew_is_another_version(folder: StudyFolder, image: StudyImage) -> None:
    before = label_version(folder, CANDIDATE, image.image_id)
    metadata = folder.root / folder.prediction(CANDIDATE, image.image_id) / "zarr.json"
    os.utime(metadata, ns=(5, 5))
    assert label_version(folder, CANDIDATE, image.image_id) not in (before, None)


def test_what_is_derived_has_a_place_of_its_own(folder: StudyFolder, tmp_path: Path) -> None:
    other = StudyFolder(tmp_path / "elsewhere" / "small")
    places = {
        cached(study, kind, name, version, ".zarr")
        for study in (folder, other)
        for kind in ("images", "labels-a")
        for name in ("a", "b", "../a", "ä" * 300)
        for version in ("1", "2")
    }
    assert len(places) == 2 * 2 * 4 * 2
    assert all(
        place.is_relative_to(tmp_path / "cache" / "web") and ".." not in place.parts for place in places
    )
    assert all(len(place.name.encode()) < 100 for place in places)


@pytest.mark.parametrize(
    ("text", "spacing"),
    [
        ("uncalibrated", None),
        ("y=0.5;x=0.25", {"y": 0.5, "x": 0.25}),
        ("z=2.0;y=1e-05;x=1e-05", {"z": 2.0, "y": 1e-5, "x": 1e-5}),
    ],
)
def test_the_pixel_size_of_a_row(image: StudyImage, text: str, spacing: dict[str, float] | None) -> None:
    assert spacing_of(replace(image, spacing=text)) == spacing
