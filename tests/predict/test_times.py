"""Time series: every time point is predicted as an image of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import AxesError
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_header, read_image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import predict_image
from veriscope.predict.reading import Reading
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

SPACING = {"y": 0.5, "x": 0.5}


def series() -> np.ndarray:
    """Three time points, of other brightness and objects each; the second has none."""
    frames = [discs_image((130, 150), diameter=14, seed=seed).pixels for seed in range(3)]
    return np.stack([frames[0], np.full_like(frames[1], 7), 30 * frames[2][::-1, ::-1]]).astype(np.uint16)


@pytest.mark.parametrize(("tile", "workers"), [(None, 1), (50, 1), (64, 2)])
def test_each_time_point_is_what_it_is_alone(tmp_path: Path, tile: int | None, workers: int) -> None:
    method = make_method("otsu-watershed")
    pixels = series()
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(pixels, "tyx", SPACING))
    found = predict_image(
        method, tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr", tile=tile, workers=workers
    )
    written = read_image(found["labels"])
    alone = [method.predict(Image(frame, "yx")).labels for frame in pixels]
    np.testing.assert_array_equal(written.pixels, np.stack(alone))
    assert (written.axes, written.spacing) == ("tyx", SPACING)
    assert found["n_objects"] == sum(int(labels.max()) for labels in alone) > 50
    assert [survey["foreground"] is None for survey in found["surveys"]] == [False, True, False]
    again = predict_image(method, tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr")
    assert (again["done"], again["n_objects"]) == (False, found["n_objects"])


def test_a_channel_of_a_time_series_and_the_same_bytes_for_any_tile(tmp_path: Path) -> None:
    method = make_method("log-spots", {"diameter": 14})
    pixels = np.stack([series() * 0, series()], axis=1)
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(pixels, "tcyx", channels=("empty", "dna")))
    hashes = set()
    for tile in (40, None):
        out = tmp_path / str(tile) / "o.ome.zarr"
        predict_image(method, tmp_path / "a.ome.zarr", out, tile=tile, reading=Reading(channel="dna"))
        hashes.add(sha256_of(out))
        expected = method.predict(Image(pixels[2, 1], "yx")).labels
        np.testing.assert_array_equal(read_image(out).pixels[2], expected)
    assert len(hashes) == 1


def test_series_in_a_folder_go_to_ome_zarr_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", series(), metadata={"axes": "TYX"}, imagej=True)
    tifffile.imwrite(tmp_path / "in" / "b.tif", series()[0])
    method = make_method("otsu-watershed")
    found = predict_folder(method, tmp_path / "in", tmp_path / "out")
    assert [Path(row["labels"]).name for row in found["images"]] == ["a.ome.zarr", "b.tif"]
    assert read_header(found["images"][0]["labels"]).axes == "tyx"
    assert predict_folder(method, tmp_path / "in", tmp_path / "out")["n_done"] == 0


def test_stacks_over_time_are_refused_by_methods_of_planes(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(np.stack([series()] * 2, axis=1), "tzyx"))
    with pytest.raises(AxesError, match="nuclei-fluorescence takes 2D images, this one has axes 'zyx'"):
        predict_image(make_method("nuclei-fluorescence"), tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr")
