"""Prediction of files that hold several images: each is one, under a name of its own."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from tests.ome_files import write_several, write_slide

from veriscope.core.classes import ClassProbabilities
from veriscope.core.image import Image
from veriscope.core.source import PixelSource, Region
from veriscope.errors import InputError
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.labels import read_labels
from veriscope.io.record import Record
from veriscope.methods.base import Card
from veriscope.methods.classification import ClassificationMethod
from veriscope.methods.local_method import Survey
from veriscope.methods.restoration import RestorationMethod
from veriscope.predict.classified import classify_folder
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import predict_image
from veriscope.predict.reading import Reading
from veriscope.predict.restored import restore_folder
from veriscope.predict.units import HereExecutor, Work
from veriscope.registry import make_method
from veriscope.workflow.comparison.folders import compare_folders

EACH = Reading(series="each")
SPOTS = make_method("log-spots", {"diameter": 14})
CARD = Card(summary="For tests.", objects=(), modalities=())


class Negative(RestorationMethod):
    """What was bright is dark."""

    name: ClassVar[str] = "negative"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = CARD

    def survey(self, source: PixelSource) -> Any:
        return Survey()

    def regions(self, shape: tuple[int, ...], survey: Any, *, side: int) -> list[Region]:
        return [tuple(slice(0, size) for size in shape)]

    def restore_region(self, source: PixelSource, survey: Any, region: Region) -> Any:
        return -source.read(region).astype(np.float32)

    def bytes_at_once(self, shape: tuple[int, ...], survey: Any) -> int:
        return 1000

    def details(self, survey: Any) -> dict[str, Any]:
        return {}


class Size(ClassificationMethod):
    """Whether an image has the full height."""

    name: ClassVar[str] = "size"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = CARD
    classes: ClassVar[tuple[str, ...]] = ("full", "cut")

    def _classify(self, image: Image) -> ClassProbabilities:
        cut = float(image.pixels.shape[0] < 144)
        return ClassProbabilities(self.classes, np.array([1 - cut, cut]))


class OneThenKilled(HereExecutor):
    """Does the first image, and then the process dies."""

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        first = next(iter(units))
        yield first, work(first)
        raise KeyboardInterrupt


@pytest.fixture
def fields(tiny_data: Path) -> list[NDArray[Any]]:
    """Four images of 144 × 160 pixels, but for the last, which is cut."""
    found = [tifffile.imread(path) for path in sorted((tiny_data / "images").iterdir())[:4]]
    return [*found[:3], found[3][:100]]


@pytest.fixture
def images(tmp_path: Path, fields: list[NDArray[Any]]) -> Path:
    """A folder with a file of three images and one of one."""
    write_several(tmp_path / "images/dish.ome.tif", fields[0], fields[1], fields[3])
    return write_several(tmp_path / "images/single.ome.tif", fields[2]).parent


def labels_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.tif")}


def test_each_is_predicted_as_if_it_were_a_file_of_its_own(
    images: Path, fields: list[NDArray[Any]], tmp_path: Path
) -> None:
    found = predict_folder(SPOTS, images, tmp_path / "out", reading=EACH)
    names = ["dish_s0", "dish_s1", "dish_s2", "single"]
    assert [row["image"] for row in found["images"]] == names
    assert (found["n_done"], found["failed"], found["skipped"]) == (4, [], [])
    for name, pixels in zip(names, [fields[0], fields[1], fields[3], fields[2]], strict=True):
        write_several(tmp_path / f"apart/{name}.ome.tif", pixels)
    predict_folder(SPOTS, tmp_path / "apart", tmp_path / "expected")
    assert labels_in(tmp_path / "out") == labels_in(tmp_path / "expected")
    assert sum(row["n_objects"] for row in found["images"]) == found["n_objects"] > 20
    judged = compare_folders(tmp_path / "expected", tmp_path / "out")
    assert [row["name"] for row in judged["images"]] == names


def test_two_processes_and_parts_find_the_same(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict_folder(SPOTS, images, tmp_path / "one", reading=EACH)
    predict_folder(SPOTS, images, tmp_path / "two", reading=EACH, workers=2)
    assert labels_in(tmp_path / "one") == labels_in(tmp_path / "two")
    monkeypatch.setattr("veriscope.predict.folder.fits_whole", lambda *_: False)
    parts = predict_folder(SPOTS, images, tmp_path / "parts", reading=EACH, memory=1 << 31, tile=64)
    assert [Path(row["labels"]).name for row in parts["images"]] == [
        *(f"dish_s{number}.ome.zarr" for number in range(3)),
        "single.ome.zarr",
    ]
    for row in parts["images"]:
        whole = read_labels(tmp_path / "one" / f"{row['image']}.tif")
        np.testing.assert_array_equal(read_labels(row["labels"]), whole)


def test_a_run_that_was_killed_goes_on_with_the_images_that_are_missing(images: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        predict_folder(SPOTS, images, tmp_path / "out", reading=EACH, executor=OneThenKilled())
    assert labels_in(tmp_path / "out").keys() == {"dish_s0.tif"}
    again = predict_folder(SPOTS, images, tmp_path / "out", reading=EACH)
    assert [(row["image"], row["done"]) for row in again["images"]] == [
        ("dish_s0", False),
        ("dish_s1", True),
        ("dish_s2", True),
        ("single", True),
    ]
    assert predict_folder(SPOTS, images, tmp_path / "out", reading=EACH)["n_done"] == 0


def test_one_by_number_has_the_name_of_its_file_and_is_not_taken_for_another(
    images: Path, tmp_path: Path
) -> None:
    dish, out = images / "dish.ome.tif", tmp_path / "out"
    each = predict_folder(SPOTS, dish, out, reading=EACH)
    for number in (1, 0):
        one = predict_folder(SPOTS, dish, out, reading=Reading(series=number))
        assert [(row["image"], row["done"]) for row in one["images"]] == [("dish", True)]
        assert (out / "dish.tif").read_bytes() == Path(each["images"][number]["labels"]).read_bytes()


@pytest.mark.parametrize("wanted", [99, None])
def test_an_image_that_a_file_does_not_have_is_refused_with_those_it_has(
    images: Path, tmp_path: Path, wanted: int | None
) -> None:
    with pytest.raises(InputError, match=r"0 \(field 0: yx 144 × 160 uint16\), 1 \(field 1") as caught:
        predict_folder(SPOTS, images, tmp_path / "out", reading=Reading(series=wanted))
    said = "has no image 99; there are" if wanted else "has 3 images; choose one with --series, or all with"
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_bad_image_is_named_by_its_number_and_the_others_of_its_file_are_done(
    fields: list[NDArray[Any]], tmp_path: Path
) -> None:
    good = fields[0].astype(np.float32)
    dish = write_several(tmp_path / "i/dish.ome.tif", good, np.full_like(good, np.nan), good)
    (tmp_path / "i/broken.tif").write_bytes(b"II*\0")
    with pytest.raises(InputError, match="2 of 4 images cannot be used") as caught:
        predict_folder(SPOTS, tmp_path / "i", tmp_path / "out", reading=EACH)
    assert f"  - image 1 of {dish.name}: " in str(caught.value)
    assert f"  - {tmp_path / 'i/broken.tif'}: " in str(caught.value), "a file of its own is no image 0 of one"
    skipping = Reading(series="each", skip_bad=True)
    found = predict_folder(SPOTS, tmp_path / "i", tmp_path / "out", reading=skipping)
    assert [row["image"] for row in found["images"]] == ["dish_s0", "dish_s2"]
    assert [said.split(":")[0] for said in found["skipped"]][1] == "image 1 of dish.ome.tif"


def test_an_image_on_which_the_method_fails_is_named_and_tried_again(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predict = type(SPOTS).predict

    def failing(self: Any, image: Image) -> Any:
        if image.pixels.shape[0] == 100:
            raise ZeroDivisionError("nothing there")
        return predict(self, image)

    with monkeypatch.context() as patch:
        patch.setattr(type(SPOTS), "predict", failing)
        found = predict_folder(SPOTS, images, tmp_path / "out", reading=EACH)
    assert found["failed"] == [{"image": "dish_s2", "failed": "ZeroDivisionError: nothing there"}]
    again = predict_folder(SPOTS, images, tmp_path / "out", reading=EACH)
    assert [row["image"] for row in again["images"] if row["done"]] == ["dish_s2"]


def test_a_name_that_another_file_has_is_refused_before_anything_is_done(
    images: Path, fields: list[NDArray[Any]], tmp_path: Path
) -> None:
    write_several(images / "dish_s1.ome.tif", fields[0])
    with pytest.raises(InputError, match=r"dish_s1: .*dish\.ome\.tif and .*dish_s1\.ome\.tif"):
        predict_folder(SPOTS, images, tmp_path / "out", reading=EACH)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("in_parts", [False, True])
def test_a_file_of_many_images_is_hashed_once_and_changed_ones_are_done_again(
    images: Path, fields: list[NDArray[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_parts: bool
) -> None:
    seen: list[str] = []

    def hashed(path: Path) -> str:
        if path.parent == images:
            seen.append(path.name)
        return sha256_of(path)

    for room in ("many", "unfinished"):
        monkeypatch.setattr(f"veriscope.predict.{room}.sha256_of", hashed)
    monkeypatch.setattr("veriscope.io.record.sha256_of", hashed)
    monkeypatch.setattr("veriscope.predict.folder.fits_whole", lambda *_: not in_parts)
    options: dict[str, Any] = {"reading": EACH, "memory": 1 << 31}
    predict_folder(SPOTS, images, tmp_path / "out", **options)
    assert seen == ["dish.ome.tif", "single.ome.tif"]
    if not in_parts:
        (entry, *_) = Record(tmp_path / "out").entries()
        assert entry["inputs"] == {str(images / "dish.ome.tif"): sha256_of(images / "dish.ome.tif")}
        assert entry["parameters"]["reading"]["series"] == 0
        write_several(images / "dish.ome.tif", fields[1], fields[0])
        again = predict_folder(SPOTS, images, tmp_path / "out", **options)
        assert [row["image"] for row in again["images"] if row["done"]] == ["dish_s0", "dish_s1"]


def test_classes_are_told_of_each(images: Path, tmp_path: Path) -> None:
    found = classify_folder(Size(), images, tmp_path / "out", reading=EACH, workers=1)
    with Path(found["table"]).open(encoding="utf-8") as stream:
        rows = [(row["image"], row["class"]) for row in csv.DictReader(stream)]
    assert rows == [("dish_s0", "full"), ("dish_s1", "full"), ("dish_s2", "cut"), ("single", "full")]
    assert classify_folder(Size(), images, tmp_path / "out", reading=EACH)["n_done"] == 0


def test_each_is_restored(images: Path, fields: list[NDArray[Any]], tmp_path: Path) -> None:
    found = restore_folder(Negative(), images, tmp_path / "out", reading=EACH)
    assert [row["image"] for row in found["images"]] == ["dish_s0", "dish_s1", "dish_s2", "single"]
    for name, pixels in (("dish_s1", fields[1]), ("dish_s2", fields[3]), ("single", fields[2])):
        restored = read_image(tmp_path / f"out/{name}.ome.zarr").pixels
        np.testing.assert_array_equal(restored, -pixels.astype(np.float32))
    assert restore_folder(Negative(), images, tmp_path / "out", reading=EACH)["n_done"] == 0


def test_of_a_slide_its_small_picture_is_not_predicted(tmp_path: Path) -> None:
    colours = np.zeros((144, 160, 3), np.uint8)
    write_slide(tmp_path / "slide.svs", colours, colours[:20])
    reading = Reading(series="each", channel="luminance")
    found = predict_folder(SPOTS, tmp_path / "slide.svs", tmp_path / "out", reading=reading)
    assert [row["image"] for row in found["images"]] == ["slide"]
    assert read_labels(tmp_path / "out/slide.tif").shape == (144, 160)


def test_the_result_of_one_image_takes_one(images: Path, tmp_path: Path) -> None:
    for name in ("dish", "single"):
        with pytest.raises(
            InputError, match="one image is read, and series 'each' stands for all of its file"
        ):
            predict_image(SPOTS, images / f"{name}.ome.tif", tmp_path / "o.ome.zarr", reading=EACH)
    assert not (tmp_path / "o.ome.zarr").exists()
