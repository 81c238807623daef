"""Resolutions that an image brings along are served as they are; others are made while one looks at it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import zarr

from veriscope.errors import InputError
from veriscope.io.own_levels import served_array
from veriscope.io.pyramid import Making, halve, level_shapes, pyramid_attributes
from veriscope.server import making
from veriscope.server.store import Store
from veriscope.workflow.study import Study

Levels = Sequence[tuple[str, tuple[int, ...], Mapping[str, Any]]]


def write_zarr(path: Path, full: np.ndarray[Any, Any], levels: Levels, axes: str, version: int = 3) -> None:
    """Write an OME-Zarr whose resolutions hold their number, so that one sees which was taken."""
    group = zarr.create_group(str(path), zarr_format=version)  # type: ignore[arg-type]
    datasets = []
    for number, (name, shape, options) in enumerate([("full", full.shape, {}), *levels]):
        kinds = {"dtype": full.dtype} | dict(options)
        keys = {"chunk_key_encoding": {"name": "v2", "separator": "/"}} if version == 2 else {}
        array = group.create_array(
            name, shape=shape, chunks=(1,) * (len(shape) - 2) + (256, 256), **kinds, **keys
        )
        array[...] = full if number == 0 else np.full(shape, 100 * number)
        scale = [a / b for a, b in zip(full.shape, shape, strict=True)]
        datasets.append({"path": name, "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    entries = [{"name": letter, "type": "space" if letter in "zyx" else "channel"} for letter in axes]
    multiscale = {"axes": entries, "datasets": datasets, "name": "slide"}
    if version == 3:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [multiscale]}
    else:
        group.attrs["multiscales"] = [multiscale | {"version": "0.4"}]


def study(workspace: Path, source: Path, *, in_place: bool = True) -> None:
    Study.new(
        workspace / "big", images=str(source), methods=("otsu-watershed",), in_place=in_place,
        spacing={"y": 0.5, "x": 0.5},
    )  # fmt: skip


def opened(client: httpx.Client, tmp_path: Path, limit: float = 60) -> tuple[str, dict[str, Any]]:
    """Open the image as the viewer does, until all of it is there."""
    root = client.get("/api/studies/big/images").json()["images"][0]["zarr"]
    until = time.monotonic() + limit
    while time.monotonic() < until:
        answer = client.get(f"{root}/zarr.json")
        found = answer.json()["attributes"]
        is_whole = "made" not in found.get("veriscope", {})
        is_failed = "cannot be made" in str(found.get("veriscope", {}).get("notes"))
        assert ("immutable" in answer.headers["cache-control"]) is (is_whole and not is_failed)
        if is_whole:
            return root, found
        time.sleep(0.05)
    raise AssertionError(f"still being made: {found}")


def pixels(client: httpx.Client, root: str, level: int, place: Path) -> np.ndarray[Any, Any]:
    """Read a resolution from what is served: metadata and every chunk, in a folder of its own."""
    target = place / f"served-{level}"
    target.mkdir(parents=True)
    metadata = client.get(f"{root}/{level}/zarr.json").json()
    (target / "zarr.json").write_text(json.dumps(metadata))
    grid = metadata["chunk_grid"]["configuration"]["chunk_shape"]
    counts = [-(-n // step) for n, step in zip(metadata["shape"], grid, strict=True)]
    for index in np.ndindex(*counts):
        key = "c/" + "/".join(map(str, index))
        answer = client.get(f"{root}/{level}/{key}")
        if answer.status_code == 200:
            (target / key).parent.mkdir(parents=True, exist_ok=True)
            (target / key).write_bytes(answer.content)
    return np.asarray(zarr.open_array(str(target), mode="r")[...])


@pytest.fixture
def image() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(1000, 5000, (1500, 1300)).astype(np.uint16)


@pytest.mark.parametrize("version", [2, 3])
def test_levels_of_the_file_are_served_and_only_the_rest_is_made(
    client: httpx.Client, workspace: Path, tmp_path: Path, image: np.ndarray[Any, Any], version: int
) -> None:
    source = tmp_path / "slide.ome.zarr"
    shape = (1, 1, 1, 375, 325)
    write_zarr(source, image[None, None, None], [("quarter", shape, {})], "tczyx", version)
    study(workspace, source)
    root, said = opened(client, tmp_path)
    arrays = client.get(f"{root}/zarr.json").json()["consolidated_metadata"]["metadata"]
    for level in "012":
        assert arrays[level] == client.get(f"{root}/{level}/zarr.json").json()
    names = [axis["name"] for axis in said["ome"]["multiscales"][0]["axes"]]
    assert ("".join(names), len(said["ome"]["multiscales"][0]["datasets"])) == ("tczyx", 3)
    assert "veriscope" not in said
    np.testing.assert_array_equal(pixels(client, root, 0, tmp_path)[0, 0, 0], image)
    np.testing.assert_array_equal(pixels(client, root, 1, tmp_path)[0, 0, 0], halve(image, is_labels=False))
    assert (pixels(client, root, 2, tmp_path) == 100).all(), "the file's own"
    # Pictures and histograms are of the image's axes, whatever the file has around them.
    found = client.get("/api/studies/big/images/slide/histogram").json()
    assert 1000 <= found["low"] < found["high"] < 5000
    assert client.get("/api/studies/big/images/slide/thumbnail?size=64").status_code == 200


def test_a_copy_keeps_lower_resolutions_so_that_nothing_is_made_when_it_is_opened(
    client: httpx.Client, workspace: Path, tmp_path: Path, image: np.ndarray[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    write_zarr(tmp_path / "slide.ome.zarr", image, [("half", (750, 650), {})], "yx", 2)
    study(workspace, tmp_path / "slide.ome.zarr", in_place=False)
    monkeypatch.setattr(Store, "_growing", lambda _: None)  # whatever it lacks stays missing
    root, said = opened(client, tmp_path)
    levels = said["ome"]["multiscales"][0]["datasets"]
    assert (len(levels), "veriscope" in said) == (3, False)
    half = halve(image, is_labels=False)
    for level, expected in enumerate((image, half, halve(half, is_labels=False))):
        np.testing.assert_array_equal(pixels(client, root, level, tmp_path), expected)


def test_factors_that_are_no_powers_of_two_give_the_next_coarser_level(
    client: httpx.Client, workspace: Path, tmp_path: Path, image: np.ndarray[Any, Any]
) -> None:
    source = tmp_path / "slide.ome.zarr"
    write_zarr(source, image, [("third", (500, 434), {})], "yx")
    study(workspace, source)
    root, said = opened(client, tmp_path)
    assert pixels(client, root, 2, tmp_path).shape == (375, 325)
    assert (pixels(client, root, 2, tmp_path / "again") == 100).all()
    np.testing.assert_array_equal(pixels(client, root, 1, tmp_path), halve(image, is_labels=False))
    assert "veriscope" not in said


@pytest.mark.parametrize(
    ("shape", "options", "said"),
    [
        ((2, 750, 650), {"dtype": np.uint8}, "its pixels are uint8 and those of the full one uint16"),
        ((1, 750, 650), {}, "it has other planes, channels or times than the full one"),
        ((2, 1501, 1300), {}, "it is larger than the full one"),
        ((2, 1500, 1300), {}, "another one is as fine"),
    ],
)
def test_a_level_that_is_not_of_the_image_is_left_out_and_said(
    client: httpx.Client, workspace: Path, tmp_path: Path, image: np.ndarray[Any, Any],
    shape: tuple[int, ...], options: dict[str, Any], said: str,
) -> None:  # fmt: skip
    source = tmp_path / "slide.ome.zarr"
    write_zarr(
        source, np.stack([image, image]), [("wrong", shape, options), ("ok", (2, 375, 325), {})], "cyx"
    )
    Study.new(workspace / "big", images=str(source), methods=("otsu-watershed",), in_place=True, channel="0")
    root, found = opened(client, tmp_path)
    assert found["veriscope"]["notes"] == [f"Resolution 1 of the file is not used: {said}."]
    half = halve(image, is_labels=False)
    np.testing.assert_array_equal(pixels(client, root, 1, tmp_path), np.stack([half, half]))
    assert (pixels(client, root, 2, tmp_path) == 200).all()


def test_an_array_that_the_viewer_cannot_read_is_written_anew(
    client: httpx.Client, workspace: Path, tmp_path: Path, image: np.ndarray[Any, Any]
) -> None:
    source = tmp_path / "slide.ome.zarr"
    write_zarr(source, image, [], "yx", version=2)
    described = json.loads((source / "full" / ".zarray").read_text())
    described["order"] = "F"
    (source / "full" / ".zarray").write_text(json.dumps(described))
    assert served_array(source / "full") is None and served_array(tmp_path) is None
    study(workspace, source)
    root, _ = opened(client, tmp_path)
    stored = np.asarray(zarr.open_array(str(source / "full"), mode="r")[...])
    np.testing.assert_array_equal(pixels(client, root, 0, tmp_path), stored)


class Slow:
    """Pixels that come block by block, when they are let through."""

    def __init__(self, full: np.ndarray[Any, Any]) -> None:
        self.full, self.turn = full, threading.Semaphore(0)

    def __call__(self, part: tuple[slice, ...]) -> np.ndarray[Any, Any]:
        assert self.turn.acquire(timeout=60)
        return self.full[part]


def slow_store(folder: Path, read: Any, shape: tuple[int, int]) -> Store:
    shapes = tuple(level_shapes(shape, "yx"))
    wanted = Making(
        read, shapes, np.dtype(np.uint8), "yx", pyramid_attributes("x", "yx", None, shapes), with_full=True
    )
    return Store(folder / "x-1.zarr", {}, "yx", shapes, "yx", np.dtype(np.uint8), wanted)


def test_what_is_there_is_seen_while_the_rest_is_being_made(tmp_path: Path) -> None:
    read = Slow(np.full((4096, 8192), 9, np.uint8))
    store = slow_store(tmp_path, read, (4096, 8192))
    read.turn.release()
    text, is_final = store.group()
    arrays = json.loads(text)["consolidated_metadata"]["metadata"]
    for level, described in arrays.items():
        assert described == json.loads(store.content(f"{level}/zarr.json")[0])  # type: ignore[arg-type]
    assert list(arrays) == ["0", "1", "2", "3", "4"] and arrays["4"]["shape"] == [256, 512]
    assert (json.loads(text)["attributes"]["veriscope"], is_final) == ({"made": 0.5}, False)
    content, is_final = store.content("4/c/0/0")
    assert isinstance(content, bytes) and not is_final
    assert store.content("5/c/0/0") == (None, True) and store.content("4/c/0/7") == (None, False)
    read.turn.release()
    store.wait()
    assert (store.read(4, (slice(None),) * 2) == 9).all()
    path, is_final = store.content("4/c/0/0")
    assert isinstance(path, Path) and path.is_file() and is_final
    assert "veriscope" not in json.loads(store.group()[0])["attributes"]


def test_it_is_made_once_for_all_who_ask_and_old_versions_go(tmp_path: Path) -> None:
    (tmp_path / "x-0.zarr").mkdir()
    (tmp_path / "y-0.zarr").mkdir()
    read = Slow(np.ones((600, 600), np.uint8))
    store = slow_store(tmp_path, read, (600, 600))
    seen: list[int] = []
    threads = [
        threading.Thread(target=lambda: seen.append(int(store.read(1, (slice(None),) * 2).sum())))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    read.turn.release()
    for thread in threads:
        thread.join(60)
    assert seen == [300 * 300] * 5
    store.wait()
    until = time.monotonic() + 30
    while (tmp_path / "x-0.zarr").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x-1.zarr", "y-0.zarr"]


def test_what_goes_wrong_is_told_to_all_and_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def read(part: tuple[slice, ...]) -> np.ndarray[Any, Any]:
        calls.append(1)
        if len(calls) == 1:
            raise InputError("a chunk is damaged")
        return np.ones((600, 600), np.uint8)[part]

    store = slow_store(tmp_path, read, (600, 600))
    with pytest.raises(InputError, match="a chunk is damaged"):
        store.group()
    assert list(tmp_path.iterdir()) == []
    for _ in range(3):
        with pytest.raises(InputError, match="a chunk is damaged"):
            store.wait()
    assert calls == [1], "a viewer that asks again and again costs nothing"
    monkeypatch.setattr(making, "_PAUSE_S", 0.0)
    store.wait()
    assert (store.read(1, (slice(None),) * 2) == 1).all()


def test_an_image_with_a_pyramid_is_shown_also_where_the_rest_cannot_be_made(
    client: httpx.Client, workspace: Path, tmp_path: Path, image: np.ndarray[Any, Any]
) -> None:
    source = tmp_path / "slide.ome.zarr"
    write_zarr(source, image, [("quarter", (375, 325), {})], "yx")
    study(workspace, source)
    (source / "full" / "c" / "3" / "2").write_bytes(b"damaged")
    root, said = opened(client, tmp_path)
    (note,) = said["veriscope"]["notes"]
    assert note.startswith("Resolutions that the file lacks cannot be made: slide.ome.zarr/full: ")
    assert "copy the OME-Zarr folder again" in note
    arrays = client.get(f"{root}/zarr.json").json()["consolidated_metadata"]["metadata"]
    assert [arrays[level]["shape"] for level in "012"] == [[1500, 1300], [750, 650], [375, 325]]
    assert client.get(f"{root}/2/c/0/0").status_code == 200
    assert client.get(f"{root}/1/c/0/0").status_code >= 400
