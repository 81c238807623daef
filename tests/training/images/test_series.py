"""Files that hold several images: all are learned from, and those of one file share a group."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from tests.ome_files import write_several
from typer.testing import CliRunner

from veriscope.cli.app import app
from veriscope.errors import InputError
from veriscope.training.images.box_pairs import read_box_pairs
from veriscope.training.images.class_pairs import read_class_pairs
from veriscope.training.images.pairs import read_pairs
from veriscope.training.images.split import group_images, make_split
from veriscope.training.images.split_tables import read_sheet, read_split


@pytest.fixture
def dishes(tmp_path: Path) -> Path:
    """Three dishes: two files of two images each, and one of a single image; with labels."""
    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for dish, n in (("a", 2), ("b", 2), ("c", 1)):
        images = [rng.integers(0, 255, (24, 30)).astype(np.uint16) for _ in range(n)]
        write_several(tmp_path / "images" / f"{dish}.ome.tif", *images)
        for number in range(n):
            labels = np.zeros((24, 30), np.uint16)
            labels[4:12, 4:12] = 1 + number
            stem = f"{dish}_s{number}" if n > 1 else dish
            tifffile.imwrite(tmp_path / "labels" / f"{stem}.tif", labels)
    return tmp_path


STEMS = ["a_s0", "a_s1", "b_s0", "b_s1", "c"]


def test_every_image_of_a_file_is_learned_from(dishes: Path) -> None:
    pairs = read_pairs(dishes / "images", dishes / "labels", series="each")
    assert [pair.stem for pair in pairs] == STEMS
    assert [pair.group for pair in pairs] == ["a", "a", "b", "b", "c"]
    assert len({pair.sha256 for pair in pairs}) == 5
    assert [int(pair.labels.max()) for pair in pairs] == [1, 2, 1, 2, 1]


def test_images_of_one_file_stay_in_one_part(dishes: Path) -> None:
    pairs = read_pairs(dishes / "images", dishes / "labels", series="each")
    grouped, sentence = group_images(pairs, None)
    assert sentence == "each file was taken for a field of its own (--group-by says otherwise)"
    for seed in range(6):
        split = make_split(grouped, seed=seed)
        parts = [{pair.group for pair in part} for part in (split.train, split.val, split.test)]
        assert sorted(group for part in parts for group in part) == ["a", "b", "c"]
    single, sentence = group_images(pairs[-1:], None)
    assert sentence.startswith("each image") and single[0].group == "c"


def test_one_image_of_each_file_can_be_chosen(dishes: Path) -> None:
    with pytest.raises(
        InputError, match=r"a_s0.tif: there is no image a_s0; .* in a.ome.tif, give --series each"
    ):
        read_pairs(dishes / "images", dishes / "labels")
    (dishes / "labels" / "a.tif").write_bytes((dishes / "labels" / "a_s1.tif").read_bytes())
    with pytest.raises(InputError, match=r"the file has 2 images; choose one with --series, or all with"):
        read_pairs(dishes / "images" / "a.ome.tif", dishes / "labels" / "a.tif")
    (pair,) = read_pairs(dishes / "images" / "a.ome.tif", dishes / "labels" / "a.tif", series=1)
    (of_all,) = read_pairs(
        dishes / "images" / "a.ome.tif", dishes / "labels" / "a_s1.tif", series="each", partial=True
    )
    assert (pair.stem, pair.sha256) == ("a", of_all.sha256)


def test_labels_that_are_missing_are_named_by_image(dishes: Path) -> None:
    (dishes / "labels" / "b_s1.tif").unlink()
    with pytest.raises(InputError, match="images without label image: b_s1"):
        read_pairs(dishes / "images", dishes / "labels", series="each")
    assert len(read_pairs(dishes / "images", dishes / "labels", series="each", partial=True)) == 4


def test_tables_of_classes_and_of_boxes_name_images(dishes: Path) -> None:
    rows = [f"{stem},{'dead' if stem.endswith('1') else 'alive'}" for stem in STEMS]
    (dishes / "classes.csv").write_text("\n".join(["image,class", *rows]))
    kinds = read_class_pairs(dishes / "images", dishes / "classes.csv", series="each")
    assert [pair.kind.name for pair in kinds if pair.kind] == ["alive", "dead", "alive", "dead", "alive"]
    assert [pair.group for pair in kinds] == ["a", "a", "b", "b", "c"]
    (dishes / "boxes.csv").write_text(
        "\n".join(["image,xmin,ymin,xmax,ymax", *(f"{stem},2,3,9,12" for stem in STEMS)])
    )
    boxed = read_box_pairs(dishes / "images", dishes / "boxes.csv", series="each")
    assert [(pair.stem, pair.n_objects) for pair in boxed] == [(stem, 1) for stem in STEMS]
    outlined = read_box_pairs(dishes / "images", dishes / "labels", series="each")
    assert [pair.n_objects for pair in outlined] == [1] * 5


def test_rows_of_tables_may_name_a_file_or_an_image(dishes: Path) -> None:
    (dishes / "split.csv").write_text("stem,split\na,train\nb_s0,val\nb,val\nc,test\n")
    split = read_split(dishes / "split.csv")
    pairs = read_pairs(dishes / "images", dishes / "labels", series="each")
    found = make_split(group_images(pairs, None, split)[0], table=split)
    assert [len(part) for part in (found.train, found.val, found.test)] == [2, 2, 1]
    (dishes / "sheet.csv").write_text("image,animal\na.ome.tif,1\nb.ome.tif,1\nc.ome.tif,2\n")
    grouped, _ = group_images(pairs, "animal", read_sheet(dishes / "sheet.csv"), is_sheet=True)
    assert [pair.group for pair in grouped] == ["1", "1", "1", "1", "2"]
    table = read_sheet(dishes / "sheet.csv")
    assert "a_s7" in table and table["a_s7"]["animal"] == "1", "which images there are is not its matter"
    assert "d_s0" not in table and "d" not in table


def test_the_command_line_takes_all_images_of_files(dishes: Path, tmp_path: Path) -> None:
    line = ["train", str(dishes / "images"), str(dishes / "labels"), "-o", str(tmp_path / "net")]
    failed = CliRunner().invoke(app, line)
    assert "give --series each" in str(failed.exception)
    wrong = CliRunner().invoke(app, [*line, "--series", "all"])
    assert "each" in str(wrong.exception)
    (dishes / "images" / "c.ome.tif").unlink()
    (dishes / "labels" / "c.tif").unlink()
    few = CliRunner().invoke(app, [*line, "--series", "each", "--steps", "1"])
    assert "4 images of 2 groups cannot be parted" in str(few.exception)
    study = dishes / "study"
    study.mkdir()
    (study / "study.yaml").write_text("")
    refused = CliRunner().invoke(app, ["train", str(study), "--series", "each"])
    assert "--series cannot be given with a study" in str(refused.exception)


def test_learning_without_labels_takes_them_too(dishes: Path, tmp_path: Path) -> None:
    line = ["train", str(dishes / "images"), "-o", str(tmp_path / "net"), "--self-supervised", "n2v"]
    failed = CliRunner().invoke(app, line)
    assert "or all with --series each" in str(failed.exception)
    (dishes / "images" / "c.ome.tif").unlink()
    few = CliRunner().invoke(app, [*line, "--series", "each", "--steps", "1"])
    assert "4 images of 2 groups cannot be parted" in str(few.exception)
