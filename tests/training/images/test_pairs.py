"""Pairs of images and labels are read and checked as a whole, and every fault is told at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.boxes import Boxes
from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.errors import InputError, PixelValueError
from veriscope.io.folders import find_images
from veriscope.training.images.pairs import (
    LabelledImage,
    check_not_empty,
    pixel_hash,
    read_pairs,
    read_unlabelled,
    sees_colour,
)


def test_pairs_are_read_in_natural_order(discs: Path) -> None:
    pairs = read_pairs(discs / "images", discs / "labels")
    assert [pair.stem for pair in pairs] == [f"field{n}" for n in range(8)]
    assert all(pair.labels.shape == pair.image.shape for pair in pairs)
    assert len({pair.sha256 for pair in pairs}) == 8


def test_all_faults_are_told_together(tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    good = np.zeros((32, 32), np.uint16)
    for stem in ("size", "broken", "stack", "fine"):
        tifffile.imwrite(tmp_path / "images" / f"{stem}.tif", good)
        tifffile.imwrite(tmp_path / "labels" / f"{stem}.tif", good)
    tifffile.imwrite(tmp_path / "labels" / "size.tif", good[:16])
    (tmp_path / "images" / "broken.tif").write_bytes(b"II*\x00 not a picture")
    tifffile.imwrite(
        tmp_path / "images" / "stack.tif", np.zeros((5, 32, 32), np.uint16), metadata={"axes": "ZYX"}
    )
    with pytest.raises(InputError) as error:
        read_pairs(tmp_path / "images", tmp_path / "labels")
    text = str(error.value)
    assert text.startswith("3 of 4 pairs cannot be learned from:")
    assert "has 16 × 32 pixels, and its image size.tif 32 × 32" in text
    assert "broken.tif" in text
    assert "is a stack (axes zyx), from which only the head flow learns, with labels" in text


def test_labels_that_are_all_background_are_refused(discs: Path) -> None:
    pairs = read_unlabelled(find_images(discs / "images"))
    assert all((pair.labels == -1).all() for pair in pairs)
    with pytest.raises(
        InputError, match=r"no object is annotated in the 8 images to learn from \(field0, field1"
    ):
        check_not_empty(pairs, part="to learn from")
    with pytest.raises(InputError, match="there is no image to choose by"):
        check_not_empty([], part="to choose by")


def write(folder: Path, name: str, pixels: np.ndarray, **metadata: object) -> None:
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / f"{name}.tif", pixels, metadata=metadata or None)


def test_a_channel_is_chosen_for_all_images(tmp_path: Path) -> None:
    stack = np.stack([np.full((16, 16), value, np.uint16) for value in (10, 20)])
    write(tmp_path / "images", "a", stack, axes="CYX")
    write(tmp_path / "labels", "a", np.eye(16, dtype=np.uint16))
    (pair,) = read_pairs(tmp_path / "images", tmp_path / "labels", channel=1)
    assert (pair.image.axes, int(pair.image.pixels.max())) == ("yx", 20)
    (both,) = read_pairs(tmp_path / "images", tmp_path / "labels")
    assert both.image.axes == "cyx"
    assert pair.sha256 != both.sha256
    with pytest.raises(InputError, match=r"a\.tif"):
        read_pairs(tmp_path / "images", tmp_path / "labels", channel=5)


def test_pixels_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    pixels = np.ones((16, 16), np.float32)
    for name, value in (("a", np.nan), ("b", np.inf), ("c", 2.0)):
        pixels[3, 4] = value
        write(tmp_path / "images", name, pixels)
    with pytest.raises(InputError, match=r"(?s)2 of 3 images .*a\.tif: has pixels that are NaN or infinite"):
        read_unlabelled(find_images(tmp_path / "images"))
    (tmp_path / "images" / "a.tif").unlink()
    (tmp_path / "images" / "b.tif").unlink()
    (pair,) = read_unlabelled(find_images(tmp_path / "images"))
    assert (pair.stem, pair.n_objects, pair.group) == ("c", 0, "c")


def test_numbers_of_objects_that_crops_cannot_hold_are_refused(tmp_path: Path) -> None:
    labels = np.zeros((16, 16), np.uint32)
    write(tmp_path / "images", "a", labels.astype(np.uint16))
    for number, fits in ((2**24 - 1, True), (2**24, False)):
        labels[2:5, 2:5] = number
        write(tmp_path / "labels", "a", labels)
        if fits:
            assert read_pairs(tmp_path / "images", tmp_path / "labels")[0].labels.max() == number
        else:
            with pytest.raises(PixelValueError, match="has the label 16777216; training takes labels below"):
                read_pairs(tmp_path / "images", tmp_path / "labels")


def test_images_without_labels_are_left_out_only_where_that_is_allowed(discs: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "field3.tif").write_bytes((discs / "labels" / "field3.tif").read_bytes())
    assert [pair.stem for pair in read_pairs(discs / "images", labels, partial=True)] == ["field3"]
    with pytest.raises(InputError, match="field0"):
        read_pairs(discs / "images", labels)


def test_progress_is_told_to_the_end(discs: Path) -> None:
    told: list[tuple[str, int, int]] = []
    read_unlabelled(find_images(discs / "images"), progress=lambda *step: told.append(step))
    assert told == [("read", done, 8) for done in range(9)]


def test_equal_pixels_share_a_hash_and_others_do_not() -> None:
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6)
    assert pixel_hash(pixels) == pixel_hash(np.asfortranarray(pixels)) == pixel_hash(pixels[::1].copy())
    others = (pixels.reshape(6, 4), pixels.astype(np.int32), pixels[::-1], pixels + np.uint16(1))
    assert len({pixel_hash(one) for one in (pixels, *others)}) == 5


def test_colour_is_seen_only_where_all_images_have_it() -> None:
    plane = np.zeros((8, 8), np.uint8)
    grey, colour = Image(plane, "yx"), Image(np.stack([plane] * 3), "cyx", channels=RGB_CHANNELS)
    dyes = Image(np.stack([plane] * 3), "cyx", channels=("DAPI", "GFP", "RFP"))
    grey_, colour_, dyes_ = (
        LabelledImage("a", one, plane.astype(np.int32), "a", "") for one in (grey, colour, dyes)
    )
    assert sees_colour([colour_, colour_])
    for pairs in ([], [grey_], [colour_, grey_], [dyes_]):
        assert not sees_colour(pairs)


def test_objects_are_counted_by_boxes_else_by_labels_that_are_known() -> None:
    image = Image(np.zeros((8, 8), np.uint8), "yx")
    labels = np.zeros((8, 8), np.int32)
    labels[0, :4] = (3, 3, 900, -1)
    pair = LabelledImage("a", image, labels, "a", "")
    assert pair.n_objects == 2
    boxes = Boxes(np.zeros((5, 4), np.float32), np.zeros(5, np.int64), ("cell",))
    assert replace(pair, boxes=boxes).n_objects == 5
