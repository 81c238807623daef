"""What a user should know of how a file was understood is said beside its result, once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.testing.methods import discs_image

from .conftest import Veriscope

MISSING = "1 of 4 chunks are not stored and read as the fill value: empty regions, or an incomplete copy"
SCREEN = (
    "the resolution of 96 dpi in the file is one of a screen or printer, not of a microscope, and is ignored"
)


@pytest.fixture
def incomplete(tmp_path: Path) -> Path:
    """An OME-Zarr image of which one chunk was not copied."""
    path = tmp_path / "a.ome.zarr"
    discs = discs_image((64, 1100), diameter=9).pixels
    write_ome_zarr(path, Image(np.tile(discs, (18, 1)), "yx", {"y": 0.5, "x": 0.5}))
    (path / "0" / "c" / "1" / "0").unlink()
    return path


def test_a_chunk_that_is_missing_is_told(veriscope: Veriscope, incomplete: Path, tmp_path: Path) -> None:
    """It was read as empty without a word, and its objects were missing from the count."""
    line = ("predict", "otsu-watershed", incomplete, "-o", tmp_path / "o.ome.zarr", "-q")
    for made in (True, False):
        said = veriscope(*line)
        assert said.code == 0
        assert f"note: a.ome.zarr: {MISSING}\n" in said.err
        assert ("(done before)" in said.out) is not made
    assert veriscope(*line, "--json").json["notes"] == [MISSING]


def test_in_a_folder_too_whether_images_are_seen_whole_or_in_parts(
    veriscope: Veriscope, incomplete: Path, tmp_path: Path
) -> None:
    for name, more in (("whole", ()), ("parts", ("--memory", "340MB"))):
        line = ("predict", "otsu-watershed", incomplete, "-o", tmp_path / name, "-q", *more)
        assert f"note: a: {MISSING}\n" in veriscope(*line).err
        (row,) = veriscope(*line, "--json").json["images"]
        assert (row["notes"], row["done"]) == ([MISSING], False)
        assert Path(row["labels"]).suffix == (".zarr" if more else ".tif")


def test_what_is_true_of_many_images_is_said_once(veriscope: Veriscope, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    pixels = discs_image((64, 64), diameter=9).pixels
    for number in range(5):
        path, tags = tmp_path / "in" / f"{number}.tif", {"resolution": (96, 96), "resolutionunit": 2}
        tifffile.imwrite(path, pixels, **(tags if number else {}))
    said = veriscope("predict", "log-spots", tmp_path / "in", "-o", tmp_path / "out", "-q")
    assert said.code == 0
    assert said.err.splitlines() == [
        "note: 0, 1, 2 and 2 more: uncalibrated: the file does not state a pixel size; "
        "give it with --spacing",
        f"note: 1, 2, 3 and 1 more: {SCREEN}",
    ]


def test_nothing_is_said_of_images_that_need_no_word(veriscope: Veriscope, tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.ome.zarr", discs_image((64, 64), diameter=9))
    line = ("predict", "log-spots", tmp_path / "a.ome.zarr", "-q", "--spacing", "y=0.5,x=0.5", "-o")
    for output in ("o.ome.zarr", "out"):
        said = veriscope(*line, tmp_path / output)
        assert (said.code, said.err) == (0, "")
