"""Maps of probability: written part by part as the whole gives them, or refused at once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.datasets.scene import SceneSettings, build_scene
from veriscope.errors import InputError, MethodError
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.base import Method
from veriscope.methods.pixels.pixel_forest import PixelForest
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import map_path, predict_image
from veriscope.predict.unfinished import Unfinished
from veriscope.registry import make_method

SPACING = {"y": 0.5, "x": 0.25}


@cache
def nuclei(shape: tuple[int, int], seed: int = 0) -> tuple[Image, Any]:
    size = {"height_px": shape[0], "width_px": shape[1]}
    rng = np.random.default_rng(seed)
    scene = build_scene(SceneSettings(density_per_mm2=3000.0, diameter_um=12.0, **size), rng)
    light = ndimage.gaussian_filter(200.0 * (scene.labels > 0), 1.2)
    return Image(rng.poisson(20 + light).astype(np.uint16), "yx", SPACING), scene.labels


@cache
def forest() -> Method:
    image, labels = nuclei((128, 128), seed=1)
    return PixelForest(PixelForest.Parameters(n_trees=5)).fit([image], [labels])


@pytest.fixture
def image(tmp_path: Path) -> Path:
    write_ome_zarr(tmp_path / "in" / "a.ome.zarr", nuclei((230, 270))[0])
    return tmp_path / "in" / "a.ome.zarr"


def chosen(name: str) -> Method:
    return forest() if name == "pixel-forest" else make_method(name, {"diameter": 24})


@pytest.mark.parametrize(("name", "tile"), [("pixel-forest", 61), ("nuclei-fluorescence", 128)])
def test_the_map_in_parts_is_that_of_the_whole(image: Path, tmp_path: Path, name: str, tile: int) -> None:
    method, out = chosen(name), tmp_path / "o.ome.zarr"
    found = predict_image(method, image, out, tile=tile, probabilities=map_path(out))
    assert (found["probabilities"], found["n_parts"] > 3) == (
        str(tmp_path / "o.probabilities.ome.zarr"),
        True,
    )
    whole, written = method.predict(nuclei((230, 270))[0]), read_image(found["probabilities"])
    assert whole.probability_map is not None and 0 < whole.probability_map.mean() < 1
    np.testing.assert_array_equal(written.pixels, whole.probability_map)
    assert (written.axes, written.spacing, written.pixels.dtype) == ("yx", SPACING, np.float32)
    np.testing.assert_array_equal(read_labels(out), whole.labels)
    # Asked for later, it is made without touching the labels; asked for again, nothing is done.
    before = sha256_of(map_path(out)), out.stat().st_mtime_ns
    assert not predict_image(method, image, out, probabilities=map_path(out))["done"]
    again = predict_image(method, image, out, probabilities=tmp_path / "later.probabilities.ome.zarr")
    assert again["done"]
    assert sha256_of(again["probabilities"] + "/0") == sha256_of(map_path(out) / "0")
    assert (sha256_of(map_path(out)), out.stat().st_mtime_ns) == before
    assert not list(tmp_path.glob("*.part"))


def test_a_stopped_run_goes_on_and_damaged_maps_are_made_again(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "o.ome.zarr"
    with monkeypatch.context() as patch:
        patch.setattr("veriscope.predict.image.gather", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            predict_image(forest(), image, out, tile=100, probabilities=map_path(out))
    parts = Unfinished(out, "").parts
    assert len(list(parts.glob("*.npy"))) == len(list(parts.glob("*.npz"))) == 9
    part = parts / "00000004.npy"
    part.write_bytes(part.read_bytes()[:900])
    (parts / "00000005.npy").unlink()
    found = predict_image(forest(), image, out, tile=100, probabilities=map_path(out))
    assert found["n_parts_now"] == 1
    expected = forest().predict(nuclei((230, 270))[0]).probability_map
    np.testing.assert_array_equal(read_image(map_path(out)).pixels, expected)


def test_killed_between_the_two_results_only_the_labels_are_left(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from veriscope.io.sheet_store import SheetStore

    out, finish = tmp_path / "o.ome.zarr", SheetStore.finish

    def stop_at_labels(store: SheetStore) -> None:
        if "labels" in store.folder.name:
            raise KeyboardInterrupt
        finish(store)

    with monkeypatch.context() as patch:
        patch.setattr(SheetStore, "finish", stop_at_labels)
        with pytest.raises(KeyboardInterrupt):
            predict_image(forest(), image, out, probabilities=map_path(out))
    assert map_path(out).exists() and not out.exists()
    made = map_path(out).stat().st_mtime_ns
    predict_image(forest(), image, out, probabilities=map_path(out))
    assert out.exists() and map_path(out).stat().st_mtime_ns == made


def test_methods_without_probabilities_are_refused_at_once(image: Path, tmp_path: Path) -> None:
    method, out = make_method("log-spots"), tmp_path / "o.ome.zarr"
    for call in (
        lambda: predict_image(method, image, out, probabilities=map_path(out)),
        lambda: predict_folder(method, [image], tmp_path / "out", probabilities=True),
    ):
        with pytest.raises(MethodError) as error:
            call()
        assert str(error.value) == (
            "log-spots gives no probabilities of pixels, only objects; predict without --probabilities"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_a_map_of_another_run_is_not_overwritten(image: Path, tmp_path: Path) -> None:
    (tmp_path / "o.probabilities.ome.zarr").mkdir()
    with pytest.raises(InputError, match=r"o\.probabilities\.ome\.zarr: exists already and was not made by"):
        predict_image(
            forest(), image, tmp_path / "o.ome.zarr", probabilities=map_path(tmp_path / "o.ome.zarr")
        )


def test_a_folder_gives_a_map_for_each_image_small_or_large(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ome_zarr(tmp_path / "in" / "b.ome.zarr", nuclei((90, 80), seed=3)[0])
    out = tmp_path / "out"
    first = predict_folder(forest(), tmp_path / "in", out)
    assert (first["n_done"], (out / "probabilities").exists()) == (2, False)
    with_maps = predict_folder(forest(), tmp_path / "in", out, probabilities=True)
    assert [row["probabilities"] for row in with_maps["images"]] == [
        str(out / "probabilities" / f"{stem}.ome.zarr") for stem in "ab"
    ]
    assert predict_folder(forest(), tmp_path / "in", out, probabilities=True)["n_done"] == 0
    monkeypatch.setattr("veriscope.predict.folder.fits_whole", lambda *_: False)
    parts = predict_folder(
        forest(), tmp_path / "in", tmp_path / "parts", probabilities=True, memory=1 << 31, tile=64
    )
    for one, other in zip(with_maps["images"], parts["images"], strict=True):
        np.testing.assert_array_equal(
            read_image(one["probabilities"]).pixels, read_image(other["probabilities"]).pixels
        )
