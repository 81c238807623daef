"""Images of any size come into a study part by part, and keep lower resolutions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import VeriscopeError
from veriscope.io import copying
from veriscope.io.images import read_header, read_image
from veriscope.workflow import take_in
from veriscope.workflow.study import Study

PIXELS = np.random.default_rng(0).integers(0, 4000, (1100, 1200)).astype(np.uint16)
Make = Callable[..., Study]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a study of images, given by name, as if memory for a quarter of one were all there is."""
    monkeypatch.setattr(copying, "_LARGE", 1 << 20)
    monkeypatch.setattr(copying, "_SIDE", 1024)
    monkeypatch.setattr(take_in, "read_image", lambda *_, **__: pytest.fail("was read as a whole"))

    def make(images: dict[str, Any], **options: Any) -> Study:
        (tmp_path / "in").mkdir(exist_ok=True)
        for name, pixels in images.items():
            tifffile.imwrite(tmp_path / "in" / name, pixels, photometric="minisblack", metadata=None)
        given = {"images": str(tmp_path / "in"), "methods": ("otsu-watershed",)} | options
        return Study.new(tmp_path / "study", **given)

    return make


@pytest.mark.parametrize("in_place", [False, True])
def test_the_same_row_and_pixels_as_of_an_image_that_was_read_as_a_whole(
    make: Make, tmp_path: Path, in_place: bool
) -> None:
    told: list[tuple[str, int, int]] = []
    study = make({"a.tif": PIXELS}, in_place=in_place, progress=lambda *what: told.append(what))
    (row,) = study.images
    assert (row.axes, row.shape, row.dtype, row.channels) == ("yx", "1100x1200", "uint16", "")
    kept = tmp_path / "study" / row.path
    np.testing.assert_array_equal(read_image(kept).pixels, PIXELS)
    levels = [(1100, 1200)] if in_place else [(1100, 1200), (550, 600), (275, 300)]
    assert list(read_header(kept).levels) == levels
    # Who waits for a large image sees how far it is.
    assert [what for what in told if what[0] == "read a"][-1] == ("read a", 4, 4)


@pytest.mark.parametrize("in_place", [False, True])
def test_pixels_that_are_no_numbers_are_counted_over_all_parts(
    make: Make, tmp_path: Path, in_place: bool
) -> None:
    holed = PIXELS.astype(np.float32)
    holed[3, 4], holed[1099, 1199] = np.nan, np.inf
    with pytest.raises(VeriscopeError, match=r"b\.tif: 2 of 1320000 pixels are NaN or infinite"):
        make({"a.tif": PIXELS, "b.tif": holed}, in_place=in_place)
    assert not (tmp_path / "study").exists()
    study = make({}, in_place=in_place, skip_bad=True)
    assert [row.image_id for row in study.images] == ["a"]
    if not in_place:
        assert [path.name for path in (tmp_path / "study" / "images").iterdir()] == ["a.ome.zarr"]


def test_a_flat_image_and_a_stack(make: Make, tmp_path: Path) -> None:
    (row,) = make({"a.tif": np.full((1100, 1200), 7, np.uint16)}).images
    assert row.notes.endswith("all pixels have the same value: no object can be found")
    stack = np.stack([PIXELS] * 3)
    tifffile.imwrite(tmp_path / "stack.tif", stack, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(VeriscopeError, match=r"has 3 planes \(axes 'zyx'\), and people annotate"):
        Study.new(tmp_path / "other", images=str(tmp_path / "stack.tif"), methods=("otsu-watershed",))


def test_channels_in_files_of_their_own(make: Make, tmp_path: Path) -> None:
    pattern = {"pattern": "{well}_{channel}.tif", "channel": "red"}
    study = make({"A1_red.tif": PIXELS, "A1_blue.tif": PIXELS // 2}, **pattern)
    (row,) = study.images
    kept = read_image(tmp_path / "study" / row.path)
    assert (kept.axes, sorted(kept.channels)) == ("cyx", ["blue", "red"])
    np.testing.assert_array_equal(kept.select_channel("red").pixels, PIXELS)
    np.testing.assert_array_equal(kept.select_channel("blue").pixels, PIXELS // 2)
    assert len(read_header(tmp_path / "study" / row.path).levels) == 3


def test_channels_that_differ_are_refused_before_they_are_read(make: Make, tmp_path: Path) -> None:
    with pytest.raises(VeriscopeError) as caught:
        make(
            {"A1_red.tif": PIXELS, "A1_blue.tif": PIXELS[:1000]},
            pattern="{well}_{channel}.tif",
            channel="red",
        )
    assert "the channels of an image must be alike and of one channel each" in str(caught.value)
    assert not (tmp_path / "study").exists()


def test_colours_need_a_choice_also_where_the_first_part_is_grey(make: Make, tmp_path: Path) -> None:
    colours = np.repeat(PIXELS[..., None] // 16, 3, axis=2).astype(np.uint8)
    tifffile.imwrite(tmp_path / "grey.tif", colours, photometric="rgb", compression="zlib")
    given = {"images": str(tmp_path / "grey.tif"), "methods": ("otsu-watershed",)}
    (row,) = Study.new(tmp_path / "grey", **given).images  # type: ignore[arg-type]
    assert row.n_channels == 3
    colours[1099, 1199] = (1, 2, 3)
    tifffile.imwrite(tmp_path / "grey.tif", colours, photometric="rgb", compression="zlib")
    with pytest.raises(
        VeriscopeError, match="has 3 channels and the analysis takes one; choose with --channel"
    ):
        Study.new(tmp_path / "colour", **given)  # type: ignore[arg-type]
    assert not (tmp_path / "colour").exists()
