"""Boxes are read from tables and from label images, and what does not fit is told with its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import InputError, TableError
from veriscope.training.images.box_pairs import boxes_of_labels, read_box_pairs
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.envelope import change_image
from veriscope.training.networks.build import make_head

HEADER = "image,class,xmin,ymin,xmax,ymax\n"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a", "b"):
        tifffile.imwrite(folder / f"{name}.tif", np.full((40, 60), ord(name), np.uint8))
    return folder


def table(images: Path, text: str) -> Path:
    path = images.parent / "boxes.csv"
    path.write_text(text)
    return path


def test_a_table_gives_boxes_and_its_classes_the_commonest_first(images: Path) -> None:
    text = HEADER + "b.tif,rare,0,0,9.5,8\na.tif,common,10,5,30,25\na,common,40,10,59,39\na,rare,1,1,5,5\n"
    text += "b,common,20,20,30,30\n"
    first, second = read_box_pairs(images, table(images, text))
    assert first.boxes is not None and second.boxes is not None
    assert first.boxes.names == second.boxes.names == ("common", "rare")
    assert first.boxes.edges.tolist() == [[5, 10, 25, 30], [10, 40, 39, 59], [1, 1, 5, 5]]
    assert first.boxes.classes.tolist() == [0, 0, 1]
    assert (first.n_objects, second.n_objects) == (3, 2)
    assert first.labels[15, 20] and not first.labels[5, 10]  # the ellipse in the box, and its corner


def test_a_table_without_classes_gives_the_kind_that_is_named(images: Path) -> None:
    text = "image;x0;y0;x1;y1\na;1;2;9;9\nb;1;2;62;9\n"
    found = read_box_pairs(images, table(images, text), objects="cell")
    assert {pair.boxes.names for pair in found if pair.boxes} == {("cell",)}
    assert found[1].boxes is not None
    assert found[1].boxes.edges[0, 3] == 60  # two pixels beyond the image are cut off


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,x,y\na,1,2\nb,3,4\n", "has points and no boxes; a network for boxes needs the columns xmin"),
        (HEADER + "a,c,1,1,9,9\n", "1 images have no row in it: give their boxes, or take .* away .b."),
        (
            HEADER + "a,c,1,1,9,9\nb,c,1,1,9,9\nz,c,1,1,9,9\n",
            "1 images of its rows are not there: add them, or remove the rows .z.",
        ),
        (
            HEADER + "a,c,1,1,9,90\nb,c,1,1,9,9\n",
            r"1 boxes of a lie beyond its 40 × 60 pixels, the first from \(1, 1\) to \(90, 9\)",
        ),
        (
            HEADER + "a,c,-2,3,0,9\na,c,60,1,61.5,4\nb,c,1,1,9,9\n",
            r"2 boxes of a lie beyond its 40 × 60 pixels, the first from \(3, -2\) to \(9, 0\)",
        ),
        (HEADER + "a,c,1,1,9,9\nb,,1,1,9,9\n", "1 boxes of b have no class, and others have; give all"),
        (HEADER + "a,c,9,1,1,9\nb,c,1,1,9,9\n", "1 box has no area"),
    ],
)
def test_rows_that_do_not_fit_are_refused(images: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_box_pairs(images, table(images, text))


def test_with_a_split_images_without_rows_are_left_out_but_not_all(images: Path) -> None:
    found = read_box_pairs(images, table(images, HEADER + "a,c,1,1,9,9\n"), partial=True)
    assert [pair.stem for pair in found] == ["a"]
    with pytest.raises(TableError, match="no image has a row in it; the column image has the names"):
        read_box_pairs(images, table(images, HEADER + "z,c,1,1,9,9\n"), partial=True)


def labelled() -> LabelledImage:
    labels = np.zeros((30, 40), np.int32)
    labels[5:15, 10:30], labels[20:24, 2:6] = 7, 9
    return LabelledImage("x", Image(labels.astype(np.uint8), "yx"), labels, "x", "0" * 64)


def test_label_images_give_the_box_around_each_object(discs: Path) -> None:
    found = boxes_of_labels(labelled(), "cell")
    assert found.boxes is not None
    assert found.boxes.edges.tolist() == [[5, 10, 15, 30], [20, 2, 24, 6]]
    assert found.boxes.names == ("cell",)
    for pair in read_box_pairs(discs / "images", discs / "labels"):
        assert pair.boxes is not None and len(pair.boxes) == len(np.unique(pair.labels)) - 1


def test_labels_that_are_not_known_everywhere_give_no_boxes() -> None:
    pair = labelled()
    pair.labels[:3] = -1
    with pytest.raises(InputError, match="x: some pixels are not annotated, and boxes can be learned only"):
        boxes_of_labels(pair, "cell")
    with pytest.raises(InputError, match="1 of 1 images have no boxes; --head boxes takes a table"):
        make_head("boxes", [pair])


def test_boxes_are_magnified_with_their_image() -> None:
    found = change_image(boxes_of_labels(labelled(), "cell"), "scale", 2.0)
    assert found.boxes is not None
    assert found.image.spatial_shape == (60, 80)
    assert found.boxes.edges.tolist() == [[10, 20, 30, 60], [40, 4, 48, 12]]


@pytest.mark.parametrize(("side", "zoom"), [(6, 4.0), (30, 1.0), (96, 0.5)])
def test_the_commonest_boxes_are_brought_to_a_size_that_the_network_sees_well(side: int, zoom: float) -> None:
    found = boxes_of_labels(labelled(), "cell")
    assert found.boxes is not None
    edges = np.array([[0, 0, side, side]], np.float32)
    pair = replace(found, boxes=replace(found.boxes, edges=edges, classes=np.zeros(1, np.int64)))
    assert make_head("boxes", [pair]).zoom == zoom
