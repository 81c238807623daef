"""What is refused of an image before it is predicted part by part, and that it costs no memory to say so."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.ome_files import write_several

from veriscope.errors import AxesError, InputError, PixelValueError
from veriscope.io.convert import convert_image
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.tiff import OpenTiff
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import predict_image
from veriscope.predict.joined import predict_joined
from veriscope.predict.opening import open_parts
from veriscope.predict.reading import Reading
from veriscope.predict.units import HereExecutor
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

OTSU = make_method("otsu-watershed")
MEMORY = 330 << 20
SIDE = 6600


@pytest.fixture(scope="module")
def strip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One compressed strip of 87 MB: nothing to be seen in it but its size."""
    path = tmp_path_factory.mktemp("strip") / "my slide.tif"
    pixels = np.zeros((SIDE, SIDE), np.uint16)
    pixels[::64, ::64] = 900
    tifffile.imwrite(path, pixels, compression="zstd", rowsperstrip=SIDE)
    return path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files of which pixels were decoded in parts."""
    seen: list[str] = []
    region = OpenTiff.region

    def counted(self: OpenTiff, series: int, part: tuple[slice, ...]) -> Any:
        seen.append(self._path.name)
        return region(self, series, part)

    monkeypatch.setattr(OpenTiff, "region", counted)
    return seen


def refused(strip: Path) -> str:
    return (
        f"{strip}: is stored in pieces of 84MB that can only be decompressed whole, by each worker, more "
        "than a quarter of --memory (330MB); give --memory 430MB, or convert it first, which takes about "
        f"317MB once, and predict my slide.ome.zarr: veriscope convert {shlex.quote(str(strip))} -o "
        "'my slide.ome.zarr'"
    )


def joined(strip: Path, output: Path) -> Any:
    return predict_joined(OTSU, strip, output, executor=HereExecutor(), memory=MEMORY)


def alone(strip: Path, output: Path) -> Any:
    return predict_image(OTSU, strip, output.with_suffix(".ome.zarr"), memory=MEMORY)


@pytest.mark.parametrize("predict", [alone, joined])
def test_a_piece_larger_than_the_memory_is_refused_before_it_is_decoded(
    strip: Path, tmp_path: Path, decoded: list[str], predict: Callable[[Path, Path], Any]
) -> None:
    """A pixel was read first, for which the whole strip was decoded: more than was promised."""
    with pytest.raises(InputError) as error:
        predict(strip, tmp_path / "o.tif")
    assert str(error.value) == refused(strip)
    assert (decoded, list(tmp_path.iterdir())) == ([], [])


def test_of_a_folder_it_is_named_before_the_first_image_is_predicted(strip: Path, tmp_path: Path) -> None:
    """It was found out when its turn came, perhaps hours later."""
    (tmp_path / "in").mkdir()
    tifffile.imwrite(tmp_path / "in" / "a.tif", discs_image((64, 64), diameter=9).pixels)
    (tmp_path / "in" / "my slide.tif").symlink_to(strip)
    with pytest.raises(InputError, match="pieces of 84MB that can only be decompressed whole"):
        predict_folder(OTSU, tmp_path / "in", tmp_path / "out", memory=MEMORY)
    assert not (tmp_path / "out").exists()
    skipping = Reading(skip_bad=True)
    found = predict_folder(OTSU, tmp_path / "in", tmp_path / "out", memory=MEMORY, reading=skipping)
    assert [row["image"] for row in found["images"]] == ["a"]
    assert (found["failed"], len(found["skipped"])) == ([], 1)


def test_the_command_that_is_offered_gives_a_file_that_fits(tmp_path: Path) -> None:
    image, memory = tmp_path / "a.tif", 16 << 20
    tifffile.imwrite(image, np.zeros((2000, 2000), np.uint16), compression="zlib", rowsperstrip=2000)
    with pytest.raises(InputError) as error:
        open_parts(OTSU, image, tmp_path / "o.ome.zarr", Reading(), memory=memory)
    words = shlex.split(str(error.value).split(": ")[-1])
    assert words == ["veriscope", "convert", str(image), "-o", "a.ome.zarr"]
    convert_image(words[2], tmp_path / words[4])
    pixels = open_parts(OTSU, tmp_path / words[4], tmp_path / "o.ome.zarr", Reading(), memory=memory)
    assert (pixels.shape, pixels.stored.chunk_bytes) == ((2000, 2000), 2 << 20)


def test_the_command_that_is_offered_converts_the_image_of_its_file(tmp_path: Path) -> None:
    large = np.zeros((2000, 2000), np.uint16)
    strip = {"compression": "zlib", "rowsperstrip": 2000}
    path = write_several(tmp_path / "a.ome.tif", large, large, how=strip)
    with pytest.raises(InputError) as error:
        predict_folder(OTSU, path, tmp_path / "out", memory=16 << 20, reading=Reading(series="each"))
    assert "2 of 2 images cannot be used" in str(error.value)
    assert f"veriscope convert {path} --series 1 -o a_s1.ome.zarr" in str(error.value)


def test_a_plane_in_one_piece_is_decoded_once_and_not_for_every_part(
    tmp_path: Path, decoded: list[str]
) -> None:
    """Thirteen times as long as of the OME-Zarr took a slide of 240 MB in the memory that was advised."""
    image, output = tmp_path / "a.tif", tmp_path / "o.ome.zarr"
    pixels = discs_image((300, 300), diameter=15).pixels
    tifffile.imwrite(image, pixels, compression="zlib", rowsperstrip=300)
    found = predict_image(OTSU, image, output, tile=100)
    assert found["n_parts"] == 9
    assert decoded == ["a.tif"]
    np.testing.assert_array_equal(read_labels(output), OTSU.predict(read_image(image)).labels)


def test_a_plane_that_is_held_counts_against_the_memory(tmp_path: Path) -> None:
    """Parts are smaller than those of the same pixels in small pieces."""
    pixels = np.zeros((3000, 3000), np.uint16)
    pixels[100:120, 100:120] = 900
    tiles, memory = {}, 400 << 20
    for name, options in {"strip": {"rowsperstrip": 3000}, "tiles": {"tile": (256, 256)}}.items():
        image = tmp_path / f"{name}.tif"
        tifffile.imwrite(image, pixels, compression="zlib", **options)
        found = predict_image(OTSU, image, tmp_path / f"{name}.ome.zarr", memory=memory)
        tiles[name] = found["tile"][0]
    assert tiles["strip"] < tiles["tiles"]
    held = tmp_path / "strip.tif"
    with pytest.raises(InputError, match=r"^--memory: 335MB do not suffice for Python and its packages on 1"):
        predict_image(OTSU, held, tmp_path / "p.ome.zarr", memory=335 << 20)


def test_a_piece_of_the_file_may_take_a_quarter_of_the_memory(tmp_path: Path) -> None:
    image = tmp_path / "a.tif"
    tifffile.imwrite(image, np.zeros((1000, 1000), np.uint16), compression="zlib", rowsperstrip=1000)
    enough = 8_000_000  # bytes: four pieces of two million
    open_parts(OTSU, image, tmp_path / "o.ome.zarr", Reading(), memory=enough)
    with pytest.raises(InputError, match="is stored in pieces of 2MB"):
        open_parts(OTSU, image, tmp_path / "o.ome.zarr", Reading(), memory=enough - 4)


@pytest.mark.parametrize("name", ["a.ome.zarr", "a.ome.zarr/labels/nuclei.ome.zarr", "b/../a.ome.zarr/0/x"])
def test_nothing_is_written_into_the_image(tmp_path: Path, name: str) -> None:
    """Labels used to go into the folder of the image, which then was another image for the next run."""
    image = tmp_path / "a.ome.zarr"
    write_ome_zarr(image, discs_image((64, 64), diameter=9))
    before = sha256_of(image)
    with pytest.raises(InputError) as error:
        predict_image(OTSU, image, tmp_path / name)
    assert str(error.value) == (
        f"{tmp_path / name}: lies in the image that is read, and images are never changed; choose a name "
        f"outside of {image}"
    )
    assert (sha256_of(image), [path.name for path in tmp_path.iterdir()]) == (before, ["a.ome.zarr"])
    assert predict_image(OTSU, image, tmp_path / "a.ome.zarr.labels.ome.zarr")["done"]


def test_what_the_method_does_not_take_is_refused_by_the_first_pixel(tmp_path: Path) -> None:
    stack, nan = tmp_path / "stack.tif", tmp_path / "nan.tif"
    tifffile.imwrite(stack, np.zeros((3, 40, 40), np.uint8), photometric="minisblack")
    tifffile.imwrite(nan, np.full((40, 40), np.nan, np.float32))
    with pytest.raises(AxesError, match="nuclei-fluorescence takes 2D images"):
        open_parts(make_method("nuclei-fluorescence"), stack, tmp_path / "o.ome.zarr", Reading(axes="zyx"))
    with pytest.raises(PixelValueError, match=r"nan\.tif: 1 of 1 pixels are NaN"):
        open_parts(OTSU, nan, tmp_path / "o.ome.zarr", Reading())
