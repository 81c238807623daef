"""Images with their classes: read from a table, in one order of names, with every fault told at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError, TableError
from veriscope.training.images.class_pairs import read_class_pairs
from veriscope.training.images.pairs import pixel_hash


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(5):
        tifffile.imwrite(folder / f"i{number}.tif", np.full((4, 6), number, np.uint8))
    return folder


def table(images: Path, text: str, name: str = "classes.csv") -> Path:
    path = images.parent / name
    path.write_text(text)
    return path


ALL = "image,class\ni0,zebra\ni1.tif,ant\ni2,zebra\ni3,bee\ni4,ant\n"


def test_classes_are_numbered_by_the_alphabet_and_a_whole_image_is_one_object(images: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    found = read_class_pairs(images, table(images, ALL), progress=lambda *step: steps.append(step))
    assert [pair.stem for pair in found] == [f"i{n}" for n in range(5)]
    assert {pair.kind.names for pair in found if pair.kind} == {("ant", "bee", "zebra")}
    assert [pair.kind.number for pair in found if pair.kind] == [2, 0, 2, 1, 0]
    assert [pair.kind.name for pair in found if pair.kind] == ["zebra", "ant", "zebra", "bee", "ant"]
    for number, pair in enumerate(found):
        assert pair.n_objects == 1
        assert pair.labels.shape == (4, 6) and (pair.labels == 1).all()
        assert pair.sha256 == pixel_hash(np.full((4, 6), number, np.uint8))
        assert pair.labels.strides == (0, 0)  # no memory for what is the same everywhere
    assert steps == [("read", done, 5) for done in range(6)]


@pytest.mark.parametrize("name", ["classes.csv", "mine.tsv", "mine.txt"])
def test_a_folder_stands_for_its_table_and_separators_may_differ(images: Path, name: str) -> None:
    text = ALL.replace(",", "\t") if name != "classes.csv" else ALL
    path = table(images, text, name)
    source = images.parent if name == "classes.csv" else path
    assert len(read_class_pairs(images, source)) == 5


def test_with_names_that_are_asked_for_others_are_left_out_and_their_classes_too(images: Path) -> None:
    found = read_class_pairs(images, table(images, ALL), only={"i0", "i1", "i2", "i9"})
    assert [pair.stem for pair in found] == ["i0", "i1", "i2"]
    assert {pair.kind.names for pair in found if pair.kind} == {("ant", "zebra")}


def test_of_the_images_asked_for_all_of_one_class_teach_nothing(images: Path) -> None:
    source = table(images, ALL)
    with pytest.raises(TableError) as error:
        read_class_pairs(images, source, only={"i0", "i2"})
    assert str(error.value) == (
        f"{source}: all 2 images are of class zebra; a network can only tell classes apart that it has seen: "
        "give images of another class too"
    )


def test_classes_that_nothing_shares_are_refused(images: Path) -> None:
    source = table(images, "image,class\ni0,a\ni1,b\ni2,c\ni3,d\ni4,e\n")
    with pytest.raises(TableError) as error:
        read_class_pairs(images, source)
    assert str(error.value) == (
        f"{source}: each of the 5 images has a class of its own, such as a, b, c; the column class names "
        "what several images share"
    )


def test_what_lacks_on_both_sides_is_told_together(images: Path) -> None:
    source = table(images, "image,class\ni0,a\ni1,a\ni2,b\ni7,b\ni8,b\n")
    with pytest.raises(TableError) as error:
        read_class_pairs(images, source)
    lines = str(error.value).splitlines()
    assert lines[0].startswith(f"{source}: images and rows do not fit")
    assert (
        sum(
            "images have no row in it: give their classes, or take the images away (i3, i4)" in line
            for line in lines
        )
        == 1
    )
    assert (
        sum(
            "images of its rows are not there: add them, or remove the rows (i7, i8)" in line
            for line in lines
        )
        == 1
    )
    assert "every image needs a class" in lines[-1].lower()


@pytest.mark.parametrize("source", ["images", "labels.tif", "nothing"])
def test_what_is_no_table_is_answered_with_what_to_give(images: Path, source: str) -> None:
    path = images.parent / source
    with pytest.raises(InputError) as error:
        read_class_pairs(images, path)
    assert str(error.value) == (
        f"{path}: --head classification learns the class of each image from a table (CSV) with the columns "
        "image and class; give it, or a folder with classes.csv. For classes of pixels take --head semantic"
    )
    with pytest.raises(InputError, match="--head classification learns the class of each image from a table"):
        read_class_pairs(images, [path])


def test_probabilities_are_not_the_class_itself(images: Path) -> None:
    rows = "".join(f"i{n},0.5,0.5\n" for n in range(5))
    source = table(images, f"image,p_a,p_b\n{rows}")
    with pytest.raises(TableError) as error:
        read_class_pairs(images, source)
    assert (
        str(error.value)
        == f"{source}: has probabilities and no column class; training needs the class itself"
    )


def test_images_that_cannot_be_read_are_named_together(images: Path) -> None:
    for number in (1, 3):
        tifffile.imwrite(images / f"i{number}.tif", np.zeros((2, 4, 6), np.uint8), metadata={"axes": "ZYX"})
    with pytest.raises(InputError) as error:
        read_class_pairs(images, table(images, ALL))
    text = str(error.value)
    assert text.startswith("2 of 5 images cannot be learned from")
    for number in (1, 3):
        assert f"i{number}.tif: is a stack (axes zyx), from which only the head flow learns" in text
