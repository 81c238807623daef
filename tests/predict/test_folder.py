"""Prediction of a folder: resumes, checks everything first, never mixes results of different origin."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import InputError, MethodError, PixelValueError, UnreadableFileError
from veriscope.io.labels import read_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import predict_image
from veriscope.predict.reading import Reading
from veriscope.predict.ready import method_for_files
from veriscope.predict.units import HereExecutor, Work
from veriscope.registry import make_method


@pytest.fixture
def images(tmp_path: Path, tiny_data: Path) -> Path:
    """Three of the tiny images."""
    (tmp_path / "images").mkdir()
    for path in sorted((tiny_data / "images").iterdir())[:3]:
        shutil.copy(path, tmp_path / "images")
    return tmp_path / "images"


def test_label_images_of_every_image_with_pixel_size(images: Path, tmp_path: Path) -> None:
    method = make_method("otsu-watershed")
    found = predict_folder(method, images, tmp_path / "out")
    assert (found["schema"], found["evidence"]) == ("veriscope/predict/1", "untested")
    assert (found["n_images"], found["n_done"], found["skipped"]) == (3, 3, [])
    assert found["n_objects"] == sum(row["n_objects"] for row in found["images"]) > 10
    for row in found["images"]:
        labels = read_labels(row["labels"])
        assert labels.max() == row["n_objects"]
        with tifffile.TiffFile(row["labels"]) as file:
            numerator, denominator = file.pages[0].tags["XResolution"].value
        assert denominator / numerator == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize("in_parts", [False, True])
def test_what_it_cost_is_said_with_what_the_estimate_assumes(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_parts: bool
) -> None:
    """Predictions outside of a study had no energy and no carbon."""

    def predict(name: str) -> dict[str, Any]:
        method = make_method("log-spots")
        if not in_parts:
            return predict_folder(method, images, tmp_path / name)["cost"]
        image = sorted(images.iterdir())[0]
        return predict_image(method, image, tmp_path / f"{name}.ome.zarr")["cost"]

    monkeypatch.setenv("VERISCOPE_PUE", "2")
    cost = predict("out")
    assert cost["cpu_s"] > 0 and cost["peak_memory_bytes"] > 10_000_000
    assert (cost["assumptions"]["pue"], cost["assumptions"]["carbon_g_per_kwh"]) == (2, 445)
    memory = cost["wall_s"] * cost["peak_memory_bytes"] / 1e9 * 0.3725
    assert cost["energy_wh"] == pytest.approx((cost["cpu_s"] * 12 + memory) * 2 / 3600, rel=0.06)
    assert cost["carbon_g"] == pytest.approx(cost["energy_wh"] * 0.445, rel=0.12)
    monkeypatch.setenv("VERISCOPE_PUE", "a lot")
    with pytest.raises(InputError, match="VERISCOPE_"):
        predict("other")
    assert sorted(path.name for path in tmp_path.glob("other*")) == []


def test_second_call_does_nothing_and_other_parameters_do(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict_folder(make_method("log-spots"), images, out)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    again = predict_folder(make_method("log-spots"), images, out)
    assert (again["n_done"], again["n_objects"]) == (0, again["n_objects"])
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    first = sorted(out.glob("*.tif"))[0]
    content = first.read_bytes()
    first.write_bytes(content[:200])
    assert predict_folder(make_method("log-spots"), images, out)["n_done"] == 1
    assert first.read_bytes() == content
    assert predict_folder(make_method("log-spots", {"diameter": 30}), images, out)["n_done"] == 3


@pytest.mark.parametrize("probabilities", [False, True])
def test_files_that_predict_did_not_write_are_never_overwritten(
    images: Path, tmp_path: Path, probabilities: bool
) -> None:
    out = tmp_path / "out"
    names = [f"{file.stem}.tif" for file in sorted(images.iterdir())]
    mine = out / (names[0] if not probabilities else f"probabilities/{Path(names[0]).stem}.ome.zarr")
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"annotated by hand")
    method = make_method("nuclei-fluorescence" if probabilities else "log-spots")
    with pytest.raises(InputError) as error:
        predict_folder(method, images, out, probabilities=probabilities)
    assert str(error.value) == (
        f"{out}: holds files that this would overwrite and predict did not write: "
        f"{mine.relative_to(out).as_posix()}; choose another folder for the label images"
    )
    assert mine.read_bytes() == b"annotated by hand"
    assert [path for path in out.rglob("*") if path.is_file()] == [mine]


def test_other_files_in_the_output_stay_and_a_run_killed_at_once_goes_on(
    images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")

    class Killed(HereExecutor):
        def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
            work(next(iter(units)))  # written, and nobody recorded it
            raise KeyboardInterrupt
            yield

    with pytest.raises(KeyboardInterrupt):
        predict_folder(make_method("log-spots"), images, out, executor=Killed())
    assert len(list(out.glob("*.tif"))) == 1
    found = predict_folder(make_method("log-spots"), images, out)
    assert (found["n_images"], (out / "notes.txt").read_text()) == (3, "mine")


def test_changed_image_is_predicted_again(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    predict_folder(make_method("log-spots"), images, out)
    first = sorted(images.iterdir())[0]
    tifffile.imwrite(first, tifffile.imread(first)[::-1])
    assert predict_folder(make_method("log-spots"), images, out)["n_done"] == 1


def test_all_faults_are_named_before_any_prediction(images: Path, tmp_path: Path) -> None:
    tifffile.imwrite(images / "nan.tif", np.full((32, 32), np.nan, np.float32))
    tifffile.imwrite(
        images / "rgb.tif", np.eye(3, dtype=np.uint8)[np.zeros((32, 32), int)], photometric="rgb"
    )
    (images / "cut.tif").write_bytes(sorted(images.glob("control*"))[0].read_bytes()[:500])
    method = make_method("otsu-watershed")
    with pytest.raises(InputError) as error:
        predict_folder(method, images, tmp_path / "out")
    text = str(error.value)
    assert text.splitlines()[0] == "3 of 6 images cannot be used:"
    for word in ("nan.tif", "rgb.tif", "cut.tif", "--channel luminance", "--skip-bad"):
        assert word in text
    assert not (tmp_path / "out").exists()
    found = predict_folder(method, images, tmp_path / "out", reading=Reading(skip_bad=True))
    assert (found["n_images"], len(found["skipped"])) == (3, 3)
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".jsonl", ".tif", ".tif", ".tif"]


def test_skipping_all_is_an_error(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "nan.tif", np.full((32, 32), np.nan, np.float32))
    with pytest.raises(InputError, match="1 of 1 images cannot be used"):
        predict_folder(make_method("log-spots"), tmp_path, tmp_path / "out", reading=Reading(skip_bad=True))


def test_output_among_the_images_is_refused(images: Path) -> None:
    with pytest.raises(InputError) as error:
        predict_folder(make_method("log-spots"), images, images)
    assert str(error.value) == f"{images} holds the images; choose another folder for the label images"
    assert len(list(images.iterdir())) == 3


def test_output_below_a_file_is_refused(images: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a part of the path is a file, not a folder; choose another folder"):
        predict_folder(make_method("log-spots"), images, tmp_path / "file" / "out")


def test_constant_image_has_no_object(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "dark.tif", np.zeros((40, 50), np.uint16))
    found = predict_folder(make_method("otsu-watershed"), tmp_path, tmp_path / "out")
    assert found["n_objects"] == 0
    assert read_labels(tmp_path / "out/dark.tif").shape == (40, 50)


def test_forest_trained_on_other_data_does_not_reuse_results(
    images: Path, tiny_data: Path, tmp_path: Path
) -> None:
    options = {"n_trees": 3, "samples_per_class": 200, "scales": [1.0, 3.0]}
    out = tmp_path / "out"
    first = method_for_files("pixel-forest", options, train=tiny_data)
    assert predict_folder(first, images, out)["n_done"] == 3
    assert (
        predict_folder(method_for_files("pixel-forest", options, train=tiny_data), images, out)["n_done"] == 0
    )
    half = tmp_path / "half"
    for kind in ("images", "labels"):
        shutil.copytree(tiny_data / kind, half / kind)
    for name in ("treated-1-01.tif", "treated-2-02.tif"):
        (half / "labels" / name).unlink()
    assert predict_folder(method_for_files("pixel-forest", options, train=half), images, out)["n_done"] == 3


def test_training_asked_for_or_missing_is_said(tiny_data: Path) -> None:
    with pytest.raises(MethodError) as error:
        method_for_files("pixel-forest", {})
    assert str(error.value) == "pixel-forest must be trained: give --train FOLDER with images/ and labels/"
    with pytest.raises(MethodError) as error:
        method_for_files("log-spots", {}, train=tiny_data)
    assert str(error.value) == "log-spots does not learn; leave out --train"


def test_images_that_need_more_memory_are_predicted_part_by_part(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = make_method("log-spots", {"diameter": 14})
    whole = predict_folder(method, images, tmp_path / "whole", memory=1 << 31)
    assert {Path(row["labels"]).suffix for row in whole["images"]} == {".tif"}
    monkeypatch.setattr("veriscope.predict.folder.fits_whole", lambda *_: False)
    parts = predict_folder(method, images, tmp_path / "parts", memory=1 << 31, tile=64)
    assert parts["n_done"] == 3
    for one, other in zip(whole["images"], parts["images"], strict=True):
        assert other["labels"].endswith(".ome.zarr")
        np.testing.assert_array_equal(read_labels(one["labels"]), read_labels(other["labels"]))
    tifffile.imwrite(images / "rgb.tif", np.zeros((144, 160, 3), np.uint8), photometric="rgb")
    with pytest.raises(InputError, match=r"has 3 channels .* choose one with --channel"):
        predict_folder(method, images, tmp_path / "more", memory=1 << 31, tile=64)


@pytest.mark.parametrize(("large", "processes"), [(True, 3), (False, 1)])
def test_all_workers_share_the_parts_of_a_single_image_and_of_whole_ones_there_are_no_more_than_images(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool, processes: int
) -> None:
    """A folder of one large image was predicted by one process, in its share of the memory of all."""
    asked = []

    def executor(number: int, *, early: bool) -> HereExecutor:
        asked.append((number, early))
        return HereExecutor()

    monkeypatch.setattr("veriscope.predict.folder.executor_for", executor)
    if large:
        monkeypatch.setattr("veriscope.predict.folder.fits_whole", lambda *_: False)
    image = sorted(images.iterdir())[0]
    found = predict_folder(make_method("otsu-watershed"), image, tmp_path / "out", memory=1 << 32, workers=3)
    assert asked == [(processes, not large)]
    assert found["images"][0]["labels"].endswith(".ome.zarr") == large


def test_two_processes_give_the_same_files(images: Path, tmp_path: Path) -> None:
    one = predict_folder(make_method("log-spots"), images, tmp_path / "one")
    two = predict_folder(make_method("log-spots"), images, tmp_path / "two", workers=2)
    assert [row["n_objects"] for row in two["images"]] == [row["n_objects"] for row in one["images"]]
    for row in one["images"]:
        name = Path(row["labels"]).name
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert predict_folder(make_method("log-spots"), images, tmp_path / "two")["n_done"] == 0


def test_a_method_that_fails_on_one_image_does_not_stop_the_others(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = make_method("log-spots")
    predict, calls = type(method).predict, []

    def failing(self: Any, image: Any) -> Any:
        calls.append(image.name)
        if len(calls) == 2:
            raise ZeroDivisionError("division by zero")
        return predict(self, image)

    monkeypatch.setattr(type(method), "predict", failing)
    found = predict_folder(method, images, tmp_path / "out")
    (failed,) = found["failed"]
    assert (found["n_images"], failed["failed"]) == (2, "ZeroDivisionError: division by zero")
    assert calls[1].startswith(failed["image"])
    again = predict_folder(method, images, tmp_path / "out")
    assert (again["n_images"], again["n_done"], again["failed"]) == (3, 1, [])


@pytest.mark.parametrize("kind", [PixelValueError, InputError, UnreadableFileError, MemoryError])
def test_what_concerns_one_image_is_recorded_whatever_it_is(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    """Such as a model that gives NaN for one image of a thousand."""
    method = make_method("log-spots")
    predict, first = type(method).predict, sorted(images.iterdir())[0].name

    def failing(self: Any, image: Any) -> Any:
        if image.name == first:
            raise kind("this one only")
        return predict(self, image)

    monkeypatch.setattr(type(method), "predict", failing)
    found = predict_folder(method, images, tmp_path / "out")
    assert found["failed"] == [{"image": Path(first).stem, "failed": f"{kind.__name__}: this one only"}]
    assert (found["n_images"], found["n_done"]) == (2, 2)


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_full_disk_stops_all_and_the_same_call_goes_on(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrapped: bool
) -> None:
    import errno

    import veriscope.predict.image_work as image_work

    write, calls = image_work.write_labels, []

    def full(path: Path, *rest: Any, **options: Any) -> None:
        calls.append(path)
        if len(calls) != 2:
            return write(path, *rest, **options)
        error = OSError(errno.ENOSPC, "No space left on device")
        if wrapped:
            raise InputError(f"{path}: cannot be written: the disk is full") from error
        raise error

    monkeypatch.setattr(image_work, "write_labels", full)
    with pytest.raises(InputError if wrapped else OSError, match=r"disk is full|No space left"):
        predict_folder(make_method("log-spots"), images, tmp_path / "out")
    assert len(calls) == 2
    again = predict_folder(make_method("log-spots"), images, tmp_path / "out")
    assert (again["n_images"], again["n_done"], again["failed"]) == (3, 2, [])


def test_a_large_image_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    """NaN in the last time point is met only when it is read; the first pixel is looked at before."""
    series = np.random.default_rng(0).poisson(20, (2, 40, 50)).astype(np.float32)
    for name in ("a", "b", "c"):
        pixels = series.copy()
        pixels[1, 30, 30] = np.nan if name == "b" else 1
        write_ome_zarr(tmp_path / "in" / f"{name}.ome.zarr", Image(pixels, "tyx"))
    found = predict_folder(make_method("log-spots", {"diameter": 9}), tmp_path / "in", tmp_path / "out")
    (failed,) = found["failed"]
    assert failed["image"] == "b"
    assert "NaN or infinite" in failed["failed"]
    assert [row["image"] for row in found["images"]] == ["a", "c"]
    assert not (tmp_path / "out" / "b.ome.zarr").exists()
    write_ome_zarr(tmp_path / "in" / "b.ome.zarr", Image(series, "tyx"))
    shutil.rmtree(tmp_path / "out" / "b.ome.zarr.part")
    mended = predict_folder(make_method("log-spots", {"diameter": 9}), tmp_path / "in", tmp_path / "out")
    assert (mended["n_images"], mended["n_done"], mended["failed"]) == (3, 1, [])


def test_a_relative_output_is_taken_from_where_the_command_is_given(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = predict_folder(make_method("otsu-watershed"), images, Path("out"))
    assert [row["labels"] for row in found["images"]] == sorted(
        str(path) for path in Path("out").glob("*.tif")
    )
    assert predict_folder(make_method("otsu-watershed"), images, Path("out"))["n_done"] == 0
