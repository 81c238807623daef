"""One image of any size, from file to file: same bytes however it is cut, killed, or shared out."""

from __future__ import annotations

import json
import multiprocessing
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from veriscope.cli import main
from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.source import PixelSource
from veriscope.errors import AxesError, InputError, MethodError, PixelValueError, UnreadableFileError
from veriscope.io.hashing import sha256_of
from veriscope.io.labels import open_labels, read_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.base import Card
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.predict.image import predict_image
from veriscope.predict.reading import Reading
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

SPOTS = make_method("log-spots", {"diameter": 14})


@pytest.fixture(scope="module")
def picture() -> Image:
    image = discs_image((230, 270), diameter=14)
    return Image(image.pixels.astype(np.uint16), "yx", spacing={"y": 0.5, "x": 0.5})


@pytest.fixture
def image(tmp_path: Path, picture: Image) -> Path:
    write_ome_zarr(tmp_path / "in" / "a.ome.zarr", picture)
    return tmp_path / "in" / "a.ome.zarr"


class Boxes(LocalMethod):
    """Connected bright voxels, 2D and 3D."""

    name: ClassVar[str] = "boxes"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Boxes.", objects=("box",), modalities=(), dimensions=(2, 3))

    def survey(self, source: PixelSource) -> Survey:
        return Survey()

    def footprint(self, survey: Survey) -> Footprint:
        return Footprint(1, 5)

    def _predict_part(self, part: Part, survey: Survey) -> Prediction:
        structure = np.ones((3,) * part.image.pixels.ndim)
        labels, _ = ndimage.label(part.image.pixels > 5, structure=structure)
        return Prediction(labels.astype(np.int32), part.image.axes)


@pytest.mark.parametrize("tile", [37, 100, 256])
def test_same_bytes_for_any_tile_and_as_the_whole(
    image: Path, picture: Image, tmp_path: Path, tile: int
) -> None:
    found = predict_image(SPOTS, image, tmp_path / "whole" / "o.ome.zarr")
    parts = predict_image(SPOTS, image, tmp_path / "parts" / "o.ome.zarr", tile=tile)
    assert (found["n_parts"], found["done"], parts["done"]) == (1, True, True)
    assert parts["n_parts"] == -(-230 // tile) * -(-270 // tile)
    expected = SPOTS.predict(picture)
    assert found["n_objects"] == parts["n_objects"] == expected.n_objects > 100
    assert sha256_of(found["labels"]) == sha256_of(parts["labels"])
    result = open_labels(parts["labels"])
    np.testing.assert_array_equal(result.labels, expected.labels)
    assert result.spacing == {"y": 0.5, "x": 0.5}
    record = json.loads((tmp_path / "parts" / "o.record.json").read_text())
    assert (record["schema"], record["tile"]) == (
        "veriscope/predict-image/1",
        [min(tile, 230), min(tile, 270)],
    )
    assert record["survey"]["diameter"] == 14
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["o.ome.zarr", "o.record.json"]


@pytest.mark.parametrize("tile", [12, 20, 40])
def test_volumes_with_objects_on_every_corner(tmp_path: Path, tile: int) -> None:
    rng = np.random.default_rng(0)
    pixels = np.zeros((24, 48, 56), np.uint8)
    for z, y, x in rng.integers(0, (20, 44, 52), (60, 3)):
        pixels[z : z + rng.integers(1, 6), y : y + rng.integers(1, 9), x : x + rng.integers(1, 30)] = 9
    pixels[7:10, 7:42, 7:10] = pixels[7:10, 38:42, 7:50] = 9
    write_ome_zarr(tmp_path / "v.ome.zarr", Image(pixels, "zyx"))
    found = predict_image(Boxes(), tmp_path / "v.ome.zarr", tmp_path / "o.ome.zarr", tile=tile)
    np.testing.assert_array_equal(read_labels(found["labels"]), Boxes().predict(Image(pixels, "zyx")).labels)
    assert tile == 40 or found["n_grown"] > 0


def test_second_call_does_nothing_and_another_option_is_refused(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.ome.zarr"
    first = predict_image(SPOTS, image, out, tile=100)
    before = sha256_of(out)
    again = predict_image(SPOTS, image, out, tile=64)
    assert (again["done"], again["n_objects"]) == (False, first["n_objects"])
    assert sha256_of(out) == before
    with pytest.raises(InputError) as error:
        predict_image(make_method("log-spots", {"diameter": 20}), image, out)
    assert str(error.value) == (
        f"{out}: exists already and was made otherwise (another image, method or option); choose another "
        "name or remove it"
    )
    (tmp_path / "other.ome.zarr").mkdir()
    with pytest.raises(InputError, match="exists already and was not made by this program"):
        predict_image(SPOTS, image, tmp_path / "other.ome.zarr")


def test_a_run_killed_anywhere_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    image = tmp_path / "small.ome.zarr"
    write_ome_zarr(image, discs_image((100, 120), diameter=9))
    predict_image(make_method("log-spots", {"diameter": 9}), image, tmp_path / "whole" / "o.ome.zarr")
    expected = sha256_of(tmp_path / "whole" / "o.ome.zarr")
    script = str(Path(__file__).with_name("killed_runs.py"))
    command = [sys.executable, script, str(image), str(tmp_path / "out" / "o.ome.zarr"), expected, "50", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    killed, finished = map(int, done.stdout.split())
    assert killed >= 50
    assert finished >= 3


def test_a_killed_worker_is_replaced_and_nothing_is_lost(image: Path, tmp_path: Path) -> None:
    def kill_one(stage: str, done: int, total: int) -> None:
        if stage.startswith("predict") and done == 3:
            multiprocessing.active_children()[0].kill()

    out = tmp_path / "parts" / "o.ome.zarr"
    found = predict_image(SPOTS, image, out, tile=37, workers=2, progress=kill_one)
    assert (found["n_parts"], found["n_parts_now"]) == (56, 56)
    assert found["n_lost"] == 1
    predict_image(SPOTS, image, tmp_path / "whole" / "o.ome.zarr")
    assert sha256_of(out) == sha256_of(tmp_path / "whole" / "o.ome.zarr")


def test_damaged_work_of_a_stopped_run_is_done_again(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import veriscope.predict.image as module

    out = tmp_path / "o.ome.zarr"
    with monkeypatch.context() as patch:
        patch.setattr(module, "gather", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            predict_image(SPOTS, image, out, tile=100)
    part = tmp_path / "o.ome.zarr.part" / "parts" / "00000001.npz"
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(
        InputError, match="holds an unfinished run of another image, method or option; remove"
    ):
        predict_image(make_method("log-spots", {"diameter": 20}), image, out)
    found = predict_image(SPOTS, image, out, tile=100)
    assert (found["n_parts"], found["n_parts_now"]) == (9, 0)
    whole = predict_image(SPOTS, image, tmp_path / "whole" / "o.ome.zarr")
    assert sha256_of(out) == sha256_of(whole["labels"])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[ONNXRuntimeError] : 1 : FAIL : bad allocation"),
        RuntimeError("CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);"),
        RuntimeError("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED"),
    ],
)
def test_when_memory_runs_out_smaller_parts_do(
    image: Path, picture: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    predict = type(SPOTS)._predict_part

    def greedy(self: Any, part: Part, survey: Any) -> Prediction:
        if part.image.pixels.size > 50_000:
            raise error
        return predict(self, part, survey)

    expected = SPOTS.predict(picture).labels
    monkeypatch.setattr(type(SPOTS), "_predict_part", greedy)
    found = predict_image(SPOTS, image, tmp_path / "o.ome.zarr")
    assert found["n_cut"] > 0
    np.testing.assert_array_equal(read_labels(found["labels"]), expected)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "rowsperstrip": 7}, {"tile": (64, 64)}])
def test_tiff_files_are_read_part_by_part(tmp_path: Path, picture: Image, options: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([picture.pixels] * 2), metadata={"axes": "CYX"}, **options)
    found = predict_image(
        SPOTS, tmp_path / "a.tif", tmp_path / "o.ome.zarr", tile=90, reading=Reading(channel="1")
    )
    np.testing.assert_array_equal(read_labels(found["labels"]), SPOTS.predict(picture).labels)


def test_an_image_without_objects(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "dark.ome.zarr", Image(np.zeros((100, 90), np.uint8), "yx"))
    for name in ("otsu-watershed", "nuclei-fluorescence"):
        found = predict_image(
            make_method(name), tmp_path / "dark.ome.zarr", tmp_path / f"{name}.ome.zarr", tile=64
        )
        assert found["n_objects"] == 0
        assert not read_labels(found["labels"]).any()


def test_one_nan_anywhere_is_found(tmp_path: Path, picture: Image) -> None:
    pixels = picture.pixels.astype(np.float32)
    pixels[200, 200] = np.nan
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(pixels, "yx"))
    with pytest.raises(PixelValueError, match=r"a\.ome\.zarr: 1 of \d+ pixels are NaN or infinite"):
        predict_image(SPOTS, tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr", tile=64)


def test_images_that_do_not_fit_the_method_are_refused(tmp_path: Path, picture: Image) -> None:
    write_ome_zarr(tmp_path / "c.ome.zarr", Image(np.stack([picture.pixels] * 2), "cyx"))
    with pytest.raises(AxesError, match="has 2 channels and the analysis takes one; choose with --channel"):
        predict_image(SPOTS, tmp_path / "c.ome.zarr", tmp_path / "o.ome.zarr")
    write_ome_zarr(tmp_path / "z.ome.zarr", Image(np.stack([picture.pixels] * 2), "zyx"))
    with pytest.raises(AxesError, match="nuclei-fluorescence takes 2D images, this one has axes 'zyx'"):
        predict_image(make_method("nuclei-fluorescence"), tmp_path / "z.ome.zarr", tmp_path / "o.ome.zarr")
    colours = Image(np.stack([picture.pixels] * 3), "cyx", channels=("red", "green", "blue"))
    write_ome_zarr(tmp_path / "rgb.ome.zarr", colours)
    with pytest.raises(AxesError, match=r"has 3 channels .* or --channel luminance or hematoxylin"):
        predict_image(SPOTS, tmp_path / "rgb.ome.zarr", tmp_path / "o.ome.zarr")


def test_too_little_memory_is_said_with_what_would_do(image: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        predict_image(SPOTS, image, tmp_path / "o.ome.zarr", memory=100 << 20)
    text = str(error.value)
    assert text.startswith("--memory: 100MB do not suffice for Python and its packages on 1 worker; give at")
    with pytest.raises(InputError) as error:
        predict_image(SPOTS, image, tmp_path / "o.ome.zarr", memory=327 << 20)
    text = str(error.value)
    assert text.startswith("--memory: 327MB do not suffice for tiles of 64 pixels with")
    needed = int(text.split("; ")[1].split("MB")[0]) << 20
    found = predict_image(SPOTS, image, tmp_path / "o.ome.zarr", memory=needed)
    assert found["n_objects"] > 100


def test_one_strip_larger_than_the_memory_is_converted_by_the_command_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    y, x = np.indices((2000, 3000))
    pixels = np.where((y % 50 - 25) ** 2 + (x % 50 - 25) ** 2 < 49, 200, 9).astype(np.uint16)
    tifffile.imwrite("my slide.tif", pixels, compression="zlib", rowsperstrip=2000)
    with pytest.raises(InputError) as error:
        predict_image(SPOTS, "my slide.tif", "o.ome.zarr", memory=40_000_000)
    told, command = str(error.value).rsplit(": ", 1)
    assert told.startswith(
        "my slide.tif: is stored in pieces of 12MB that can only be decompressed whole, by each"
    )
    assert command == "veriscope convert 'my slide.tif' -o 'my slide.ome.zarr'"
    # Enough is enough, also for Python itself.
    enough = int(told.split("give --memory ")[1].split("MB")[0]) << 20
    assert 300 << 20 < enough < 400 << 20
    monkeypatch.setattr(sys, "argv", [*shlex.split(command), "-q"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    whole = predict_image(SPOTS, "my slide.tif", "whole/o.ome.zarr")
    parts = predict_image(SPOTS, "my slide.ome.zarr", "o.ome.zarr", memory=450 << 20, tile=700)
    assert parts["n_parts"] > whole["n_parts"]
    np.testing.assert_array_equal(read_labels("o.ome.zarr"), read_labels("whole/o.ome.zarr"))


def test_a_piece_that_takes_more_than_a_quarter_of_the_memory_is_refused_first(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 9, (2000, 3000)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, compression="zlib", rowsperstrip=2000)
    for memory, message in ((60, "do not suffice for Python"), (40, "is stored in pieces of 12MB")):
        with pytest.raises(InputError, match=message):
            predict_image(SPOTS, tmp_path / "a.tif", tmp_path / "o.ome.zarr", memory=memory << 20, workers=2)


def test_a_chunk_that_was_cut_off_is_found_before_the_work(tmp_path: Path, picture: Image) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", picture)
    chunk = next(file for file in (tmp_path / "a.ome.zarr" / "0" / "c").rglob("*") if file.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-20])
    with pytest.raises(UnreadableFileError, match="so it is truncated or damaged; copy the OME-Zarr"):
        predict_image(SPOTS, tmp_path / "a.ome.zarr", tmp_path / "o.ome.zarr")


def test_a_full_disk_is_said_and_nothing_is_lost(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    import veriscope.io.atomic as atomic

    flush, left = atomic._flush, [6]

    def full(path: Path) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        flush(path)

    monkeypatch.setattr(atomic, "_flush", full)
    with pytest.raises(
        InputError, match="the disk is full; free some space or choose another disk, then run"
    ):
        predict_image(SPOTS, image, tmp_path / "o.ome.zarr", tile=100)
    found = predict_image(SPOTS, image, tmp_path / "o.ome.zarr", tile=100)
    assert 0 < found["n_parts_now"] < found["n_parts"]


def test_a_method_that_needs_the_whole_image_is_refused(image: Path, tmp_path: Path) -> None:
    from veriscope.methods.base import Method

    class Whole(Method):
        name: ClassVar[str] = "whole"
        version: ClassVar[str] = "1"
        card: ClassVar[Card] = Card(summary="Whole.", objects=("disc",), modalities=())

        def _predict(self, image: Image) -> Prediction:
            raise NotImplementedError

    with pytest.raises(MethodError, match=r"whole needs the whole image at once .* such as -o o$"):
        predict_image(Whole(), image, tmp_path / "o.ome.zarr")
