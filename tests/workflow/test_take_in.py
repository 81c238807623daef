"""Images on their way into a study: odd kinds, names of every alphabet, and what cannot be used."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError, VeriscopeError
from veriscope.io.images import read_image
from veriscope.workflow.layout import StudyImage
from veriscope.workflow.study import Study

PIXELS = np.random.default_rng(0).integers(0, 200, (30, 40)).astype(np.uint8)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., tuple[StudyImage, ...]]:
    """Make a study of images, given by name; gives its rows."""

    def make(images: dict[str, Any], **options: Any) -> tuple[StudyImage, ...]:
        (tmp_path / "in").mkdir(exist_ok=True)
        for name, pixels in images.items():
            how: dict[str, Any] = {"photometric": "minisblack", "metadata": None}
            if isinstance(pixels, tuple):
                pixels, how = pixels
            tifffile.imwrite(tmp_path / "in" / name, pixels, **how)
        study = Study.new(
            tmp_path / "study",
            images=str(tmp_path / "in"),
            object="cell",
            methods=("otsu-watershed",),
            **options,
        )
        return study.images

    return make


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(
    ("pixels", "is_flat"),
    [
        (np.eye(9, dtype=bool), False),
        (np.ones((9, 9), bool), True),
        (np.array([[-128, 127]], np.int8), False),
        (np.array([[0, 2**32 - 1]], np.uint32), False),
        (np.full((1, 1), 7, np.uint8), True),
        (np.full((4, 3), -1.5, np.float32), True),
        (np.linspace(0, 1, 12).reshape(3, 4), False),
    ],
)
def test_pixels_of_every_kind(made: Any, tmp_path: Path, pixels: Any, is_flat: bool, in_place: bool) -> None:
    (image,) = made({"a.tif": pixels}, in_place=in_place)
    assert (image.dtype, image.shape) == (str(pixels.dtype), "x".join(map(str, pixels.shape)))
    assert ("all pixels have the same value: no object can be found" in image.notes) == is_flat
    kept = read_image(tmp_path / "study" / image.path)
    np.testing.assert_array_equal(kept.pixels, pixels)


def test_files_are_left_as_they_are_and_known_by_their_content(made: Any, tmp_path: Path) -> None:
    (first, second) = made({"a.tif": PIXELS, "b.tif": PIXELS})
    for image in (first, second):
        content = (tmp_path / "in" / f"{image.image_id}.tif").read_bytes()
        assert hashlib.sha256(content).hexdigest() == image.sha256
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["a.tif", "b.tif"]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["DAPI", "GFP"], ["DAPI", "GFP"]),
        (["Em: 450; Ex: 405", "GFP"], ["Em: 450, Ex: 405", "GFP"]),
        ([";", ";;"], [",", ",,"]),
        (["", "ü µ"], ["channel-0", "ü µ"]),
    ],
)
def test_an_image_has_as_many_channels_as_it_has(made: Any, names: list[str], kept: list[str]) -> None:
    how = {"ome": True, "metadata": {"axes": "CYX", "Channel": {"Name": names}}}
    (image,) = made({"a.ome.tif": (np.stack([PIXELS, PIXELS]), how)}, channel="1")
    assert (list(image.channel_names), image.n_channels) == (kept, 2)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_of_every_alphabet(made: Any, tmp_path: Path, form: Any) -> None:
    name = unicodedata.normalize(form, "Zellkerne größer – 漢字 (1)")
    (image,) = made({f"{name}.tif": PIXELS})
    assert image.image_id == unicodedata.normalize("NFC", name)
    np.testing.assert_array_equal(read_image(tmp_path / "study" / image.path).pixels, PIXELS)
    assert Path(image.source).name == f"{name}.tif"


def test_what_cannot_be_used_is_listed_together_and_nothing_is_written(made: Any, tmp_path: Path) -> None:
    holed = PIXELS.astype(np.float32)
    holed[3, 4] = np.nan
    how = {"metadata": {"axes": "ZYX"}, "imagej": True}
    images = {"a.tif": PIXELS, "b.tif": holed, "c.tif": (np.stack([PIXELS] * 3), how)}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "d.tif").write_bytes(b"II*\0")
    with pytest.raises(VeriscopeError) as caught:
        made(images)
    first, *faults, last = str(caught.value).splitlines()
    assert first == "3 of 4 images cannot be used:"
    assert [fault.split(": ")[0].rsplit("/", 1)[-1].removeprefix("  - ") for fault in faults] == [
        "b.tif",
        "c.tif",
        "d.tif",
    ]
    assert "1 of 1200 pixels are NaN or infinite" in faults[0]
    assert "has 3 planes (axes 'zyx'), and people annotate a study's audit on planes" in faults[1]
    assert last == ("Mend or remove them, or leave them out with --skip-bad. Nothing was written.")
    assert not (tmp_path / "study").exists()


def test_bad_images_can_be_left_out_and_it_is_said(made: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.tif").write_bytes(b"II*\0")
    images = made({"a.tif": PIXELS, "b.tif": PIXELS}, skip_bad=True)
    assert [image.image_id for image in images] == ["a", "b"]
    said = (tmp_path / "study" / "skipped.txt").read_text().splitlines()
    assert said[0] == "1 image was left out:"
    assert "broken.tif" in said[1]


def test_a_study_of_bad_images_alone_is_refused(made: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.tif").write_bytes(b"II*\0")
    with pytest.raises(VeriscopeError, match="1 of 1 images cannot be used"):
        made({}, skip_bad=True)
    assert not (tmp_path / "study").exists()


def test_sizes_that_do_not_compare_are_refused(made: Any) -> None:
    calibrated = {"imagej": True, "resolution": (2, 2), "metadata": {"unit": "um"}}
    with pytest.raises(InputError) as caught:
        made({"a.tif": (PIXELS, calibrated), "b.tif": PIXELS, "c.tif": PIXELS})
    assert str(caught.value) == (
        "1 image has a pixel size and 2 have none (b, c); give it for all with --spacing, so that sizes "
        "can be compared"
    )
    assert {image.spacing for image in made({}, spacing={"y": 0.5, "x": 0.25})} == {"y=0.5;x=0.25"}


def test_images_of_different_channels_are_refused(made: Any) -> None:
    two = {"metadata": {"axes": "CYX"}, "ome": True}
    with pytest.raises(
        InputError, match=r"images have different numbers of channels \(no channels: a; 2 channels: b\)"
    ):
        made({"a.tif": PIXELS, "b.tif": (np.stack([PIXELS] * 2), two)}, channel="0")
