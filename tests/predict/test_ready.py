"""A method by its name, trained on a folder where it learns, or refused before anything is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError, VeriscopeError
from veriscope.io.labels import write_labels
from veriscope.predict.ready import Trainable, method_for_files
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

QUICK = {"n_trees": 3, "samples_per_class": 200, "scales": [1.0, 3.0]}
IMAGE = discs_image()
LABELS = make_method("otsu-watershed").predict(IMAGE).labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two annotated images and one that is not."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for name in "abc":
        save(tmp_path / "images" / f"{name}.tif", IMAGE.pixels)
        if name != "c":
            write_labels(tmp_path / "labels" / f"{name}.tif", LABELS)
    return tmp_path


def save(path: Path, pixels: np.ndarray, **options: object) -> None:
    tifffile.imwrite(path, pixels, resolution=(20000, 20000), resolutionunit="CENTIMETER", **options)


def trained_on(folder: Path, **options: str | None) -> str:
    found: str = method_for_files("pixel-forest", QUICK, train=folder, **options).describe()["trained_on"]  # type: ignore[arg-type]
    return found


def test_it_learns_from_the_annotated_ones(folder: Path) -> None:
    method = method_for_files("pixel-forest", QUICK, train=folder)
    assert method.predict(IMAGE).n_objects == 16
    alone = make_method("pixel-forest", QUICK)
    assert isinstance(alone, Trainable)
    same = alone.fit([IMAGE, IMAGE], [LABELS, LABELS])
    np.testing.assert_array_equal(method.predict(IMAGE).labels, same.predict(IMAGE).labels)


def test_how_labels_are_saved_does_not_matter(folder: Path) -> None:
    before = trained_on(folder)
    tifffile.imwrite(folder / "labels" / "a.tif", LABELS.astype(np.float32))
    method = method_for_files("pixel-forest", QUICK, train=folder)
    assert method.predict(IMAGE).n_objects == 16
    write_labels(folder / "labels" / "a.tif", LABELS)
    assert trained_on(folder) == before


def test_the_channel_chosen_is_the_one_learnt(folder: Path) -> None:
    colours = np.stack([255 - IMAGE.pixels, IMAGE.pixels, np.zeros_like(IMAGE.pixels)], -1).clip(0, 255)
    for name in "abc":
        save(folder / "images" / f"{name}.tif", colours.astype(np.uint8), photometric="rgb")
    with pytest.raises(InputError, match="has 3 channels and the analysis takes one; choose with --channel"):
        method_for_files("pixel-forest", QUICK, train=folder)
    assert len({trained_on(folder, channel=name) for name in ("red", "green", "luminance")}) == 3
    green = method_for_files("pixel-forest", QUICK, train=folder, channel="1")
    assert green.predict(Image(colours[..., 1].astype(np.uint8), "yx")).n_objects == 16


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no folder", "images"),
        ("no labels", "labels"),
        (
            "other names",
            "none of 3 files in images/ is named as one of 2 in labels/; give an image and its label image "
            "the same name, without the ending",
        ),
        ("empty labels", "the training tiles have no object pixel"),
        ("a mask", "is a mask"),
        ("other size", "the reference has shape"),
    ],
)
def test_training_data_that_cannot_be_used_are_refused(folder: Path, change: str, message: str) -> None:
    labels = sorted((folder / "labels").iterdir())
    if change == "no folder":
        folder = folder / "none"
    for number, path in enumerate(labels):
        if change == "no labels":
            path.unlink()
        elif change == "other names":
            path.rename(path.with_name(f"x{number}.tif"))
        elif change == "empty labels":
            write_labels(path, np.zeros_like(LABELS))
        elif change == "a mask":
            tifffile.imwrite(path, LABELS > 0)
        elif change == "other size":
            write_labels(path, LABELS[:50])
    with pytest.raises(VeriscopeError, match=message):
        method_for_files("pixel-forest", QUICK, train=folder)


def test_a_name_or_option_that_is_wrong_is_said_before_files_are_read(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    with pytest.raises(MethodError, match="did you mean 'pixel-forest'"):
        method_for_files("pixel-forrest", {}, train=missing)
    with pytest.raises(InputError, match="n_trees: Input should be greater than or equal to 1"):
        method_for_files("pixel-forest", {"n_trees": 0}, train=missing)


def test_a_method_that_does_not_learn_is_made_ready() -> None:
    method = method_for_files("log-spots", {"diameter": 16})
    assert (
        method.predict(IMAGE).n_objects == make_method("log-spots", {"diameter": 16}).predict(IMAGE).n_objects
    )
    assert not isinstance(method, Trainable)
