"""OME-Zarr in and out, both versions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, UnreadableFileError
from veriscope.io import ome_zarr
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_header, read_image
from veriscope.io.labels import open_labels
from veriscope.io.ome_zarr import write_labels_zarr, write_ome_zarr

pytestmark = pytest.mark.usefixtures("no_flush")
VERSIONS = ["0.4", "0.5"]
VOLUME = Image(
    np.arange(2 * 3 * 5 * 7, dtype=np.uint16).reshape(2, 3, 5, 7),
    "czyx",
    {"z": 2.0, "y": 0.5, "x": 0.25},
    ("DNA", "actin"),
)
DTYPES = [bool, np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.int64, np.float32, np.float64]


@st.composite
def images(draw: st.DrawFn) -> Image:
    axes = draw(st.sampled_from(["yx", "zyx", "cyx", "tyx", "tczyx"]))
    shape = draw(st.tuples(*[st.integers(2, 5)] * len(axes)))
    pixels = draw(hnp.arrays(draw(st.sampled_from(DTYPES)), shape))
    size = st.floats(1e-3, 1e3)
    calibrated = draw(st.booleans())
    spacing = {a: draw(size) for a in axes if a in "zyx"} if calibrated else None
    names = draw(st.lists(st.text("abcµ ", min_size=1).map(str.strip), min_size=5, max_size=5))
    channels = [f"{name}{i}" for i, name in enumerate(names)][: shape[axes.index("c")] if "c" in axes else 0]
    return Image(pixels, axes, spacing, tuple(channels))


@pytest.mark.parametrize("version", VERSIONS)
@settings(deadline=None, max_examples=15)
@given(image=images())
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, image: Image, version: ome_zarr.Version
) -> None:
    path = tmp_path_factory.mktemp("store") / "a.ome.zarr"
    write_ome_zarr(path, image, version=version)
    found = read_image(path)
    np.testing.assert_array_equal(found.pixels, image.pixels)
    assert found.pixels.dtype == image.pixels.dtype
    assert (found.axes, found.spacing, found.channels) == (image.axes, image.spacing, image.channels)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_image_gives_the_same_bytes(tmp_path: Path, version: ome_zarr.Version) -> None:
    for folder in ("one", "two"):
        write_ome_zarr(tmp_path / folder / "a.ome.zarr", VOLUME, version=version)
    assert sha256_of(tmp_path / "one") == sha256_of(tmp_path / "two")
    assert [p.name for p in (tmp_path / "one").iterdir()] == ["a.ome.zarr"]


def test_both_versions_hold_the_same_image(tmp_path: Path) -> None:
    stores = [tmp_path / f"{version}.ome.zarr" for version in VERSIONS]
    for store, version in zip(stores, VERSIONS, strict=True):
        write_ome_zarr(store, VOLUME, version=version)  # type: ignore[arg-type]
    old, new = map(read_image, stores)
    np.testing.assert_array_equal(old.pixels, new.pixels)
    assert (old.axes, old.spacing, old.channels) == (new.axes, new.spacing, new.channels)
    assert [read_header(store).format for store in stores] == ["OME-Zarr 0.4", "OME-Zarr 0.5"]


def test_metadata_are_those_of_the_specification(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", VOLUME)
    ome = json.loads((tmp_path / "a.ome.zarr/zarr.json").read_text())["attributes"]["ome"]
    space = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
    assert ome["version"] == "0.5"
    assert ome["multiscales"] == [
        {
            "name": "a",
            "axes": [{"name": "c", "type": "channel"}, *space],
            "datasets": [
                {
                    "path": "0",
                    "coordinateTransformations": [{"type": "scale", "scale": [1.0, 2.0, 0.5, 0.25]}],
                }
            ],
        }
    ]
    assert [channel["label"] for channel in ome["omero"]["channels"]] == ["DNA", "actin"]
    array = json.loads((tmp_path / "a.ome.zarr/0/zarr.json").read_text())
    assert array["dimension_names"] == ["c", "z", "y", "x"]
    write_ome_zarr(tmp_path / "b.zarr", Image(VOLUME.pixels[0, 0], "yx"), version="0.4")
    attributes = json.loads((tmp_path / "b.zarr/.zattrs").read_text())
    assert attributes["multiscales"][0]["version"] == "0.4"
    assert attributes["multiscales"][0]["axes"] == [{"name": a, "type": "space"} for a in "yx"]
    assert "omero" not in attributes


@pytest.mark.parametrize("version", VERSIONS)
def test_colour_stays_colour(tmp_path: Path, version: ome_zarr.Version) -> None:
    photo = Image(np.zeros((3, 4, 5), np.uint8), "cyx", None, ("red", "green", "blue"))
    write_ome_zarr(tmp_path / "a.ome.zarr", photo, version=version)
    assert read_image(tmp_path / "a.ome.zarr").is_rgb


def test_large_arrays_go_into_few_files_of_small_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ome_zarr, "_CHUNK", 16)
    monkeypatch.setattr(ome_zarr, "_SHARD_ABOVE", 1000)
    pixels = np.random.default_rng(0).integers(0, 99, (3, 100, 70), dtype=np.uint16)
    for name in "ab":
        write_ome_zarr(tmp_path / f"{name}.zarr", Image(pixels, "zyx"))
    array = zarr.open_array(str(tmp_path / "a.zarr/0"), mode="r")
    assert (array.chunks, array.shards) == ((1, 16, 16), (3, 64, 64))
    np.testing.assert_array_equal(read_image(tmp_path / "a.zarr").pixels, pixels)
    assert sha256_of(tmp_path / "a.zarr/0") == sha256_of(tmp_path / "b.zarr/0")


@pytest.mark.parametrize("version", VERSIONS)
def test_labels_are_marked_and_wide_enough(tmp_path: Path, version: ome_zarr.Version) -> None:
    labels = np.zeros((4, 5), np.int64)
    labels[1, 1] = 70_000
    write_labels_zarr(tmp_path / "a.ome.zarr", labels, spacing={"y": 1, "x": 2}, version=version)
    found = open_labels(tmp_path / "a.ome.zarr")
    np.testing.assert_array_equal(found.labels, labels)
    assert (found.labels.dtype, found.axes, found.spacing) == (np.uint32, "yx", {"y": 1.0, "x": 2.0})
    text = (tmp_path / "a.ome.zarr" / ("zarr.json" if version == "0.5" else ".zattrs")).read_text()
    assert "image-label" in text


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AxesError, match=r"a: an OME-Zarr folder must end in \.ome\.zarr or \.zarr"):
        write_ome_zarr(tmp_path / "a", VOLUME)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_image(path)
    return str(caught.value).replace(str(path), "STORE").replace(str(path.resolve()), "STORE")


@pytest.fixture(params=VERSIONS)
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / "a.ome.zarr"
    write_ome_zarr(path, VOLUME, version=request.param)
    return path


def chunk_files(store: Path) -> list[Path]:
    return sorted(p for p in (store / "0").rglob("*") if p.is_file() and p.name[0].isdigit())


def test_missing_chunks_are_told_and_none_at_all_refused(store: Path) -> None:
    files = chunk_files(store)
    assert len(files) == 6
    files[0].unlink()
    assert read_image(store).notes == (
        "1 of 6 chunks are not stored and read as the fill value: empty regions, or an incomplete copy",
    )
    for file in files[1:]:
        file.unlink()
    assert refusal(store) == (
        "STORE/0: the array has no chunks at all, only metadata; copy the whole OME-Zarr folder again"
    )


def test_damaged_chunks_are_refused(store: Path) -> None:
    files = chunk_files(store)
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:-5])
    assert refusal(store).endswith(
        f"the chunk has {len(whole) - 5} bytes but states {len(whole)}, so it is truncated or damaged; copy "
        "the OME-Zarr folder again"
    )
    for file in files:
        file.write_bytes(whole[:4] + bytes(8) + whole[12:])
    assert "STORE/0: the array cannot be decoded" in refusal(store)


def test_cut_shards_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ome_zarr, "_SHARD_ABOVE", 100)
    monkeypatch.setattr(ome_zarr, "_CHUNK", 16)
    path = tmp_path / "a.zarr"
    write_ome_zarr(path, Image(np.ones((50, 50), np.uint16), "yx"))
    file = chunk_files(path)[0]
    file.write_bytes(file.read_bytes()[:-7])
    assert "STORE/0: the array cannot be decoded" in refusal(path)


def test_a_folder_without_metadata_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    assert refusal(tmp_path / "a.zarr") == (
        "STORE: the folder ends in .zarr but has no Zarr metadata (zarr.json or .zattrs); copy it as a whole"
    )


def edit(store: Path, change: object) -> None:
    """Let a function change the OME metadata of either version."""
    new = store / "zarr.json"
    file = new if new.is_file() else store / ".zattrs"
    content = json.loads(file.read_text())
    change(content["attributes"]["ome"] if new.is_file() else content)  # type: ignore[operator]
    file.write_text(json.dumps(content))


def test_wrong_metadata_are_refused(store: Path) -> None:
    edit(store, lambda ome: ome["multiscales"][0].pop("axes"))
    assert refusal(store) == (
        "STORE: its OME-Zarr metadata are incomplete or wrong (KeyError: 'axes'); write it again with the "
        "program it comes from"
    )
    edit(store, lambda ome: ome.pop("multiscales"))
    assert refusal(store).startswith("STORE: is a Zarr store without OME-Zarr image metadata (multiscales)")
    edit(store, lambda ome: ome.update(plate={"wells": [{"path": "B/3"}]}))
    assert refusal(store) == (
        "STORE: is a plate of wells; name one field of a well, for example a.ome.zarr/B/3/0"
    )


def test_other_versions_and_paths_out_of_the_store_are_refused(store: Path) -> None:
    edit(store, lambda ome: ome["multiscales"][0]["datasets"][0].update(path="../../secret"))
    assert "lies outside the folder" in refusal(store)

    def newer(ome: dict[str, object]) -> None:
        ome["version"] = "0.6"

    edit(store, newer)
    assert refusal(store) == (
        "STORE: is OME-Zarr 0.6; versions 0.4 and 0.5 are read: convert it, for example with ngff-zarr or "
        "bioformats2raw"
    )


def test_units_are_converted_and_outer_scales_applied(store: Path) -> None:
    def change(ome: dict[str, list[dict[str, list[dict[str, object]]]]]) -> None:
        multiscale = ome["multiscales"][0]
        for axis in multiscale["axes"][1:]:
            axis["unit"] = "nanometer"
        multiscale["coordinateTransformations"] = [{"type": "scale", "scale": [1, 1000, 100, 10]}]

    edit(store, change)
    assert read_image(store).spacing == pytest.approx({"z": 2.0, "y": 0.05, "x": 0.0025})


def test_a_collection_of_images_asks_which(tmp_path: Path) -> None:
    path = tmp_path / "many.zarr"
    write_ome_zarr(path / "0" / "x.zarr", VOLUME)
    for number in "01":
        write_ome_zarr(tmp_path / "one.zarr", VOLUME)
        shutil.rmtree(path / number, ignore_errors=True)
        (tmp_path / "one.zarr").rename(path / number)
    (path / "zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": "0.5"}}})
    )
    said = refusal(path)
    assert "the file has 2 images; choose one with --series" in said and "0 (one: czyx" in said
    assert read_image(path, series=1).shape == (2, 3, 5, 7)


def test_sparse_metadata_cannot_exhaust_memory(store: Path) -> None:
    for file in (store / "0/zarr.json", store / "0/.zarray"):
        if file.is_file():
            content = json.loads(file.read_text())
            content["shape"] = [2, 3, 400_000, 400_000]
            file.write_text(json.dumps(content))
    with pytest.raises(UnreadableFileError, match=r"promise 2 × 3 × 400000 × 400000 pixels"):
        read_image(store)


def test_a_store_without_ending_is_known_by_its_content(store: Path) -> None:
    store.rename(store.with_name("plain"))
    assert read_image(store.with_name("plain")).axes == "czyx"
