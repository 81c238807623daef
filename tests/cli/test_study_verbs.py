"""The verbs of a study on the command line: what they print, and what they refuse."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from .conftest import Veriscope


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two good images."""
    place = tmp_path / "images"
    place.mkdir()
    for name in ("a", "b"):
        tifffile.imwrite(place / f"{name}.tif", np.random.default_rng(1).integers(0, 99, (40, 48), np.uint8))
    return place


def test_the_whole_path_as_json_and_as_text(veriscope: Veriscope, tiny_data: Path, tmp_path: Path) -> None:
    study = tmp_path / "my-study"
    made = veriscope(
        *("new", study, "--images", tiny_data / "images/*.tif", "--object", "nucleus", "--measure", "count"),
        *("--groups", tiny_data / "sheet.csv", "--tolerance", "5%", "--method", "otsu-watershed"),
        *("--method", "log-spots", "--tile-size", "56", "--json"),
    )
    assert (made.code, made.err) == (0, "")
    assert made.json["schema"] == "veriscope/new/1"
    assert made.json["groups"] == {"control": 4, "treated": 4}
    assert made.json["candidates"] == ["otsu-watershed", "log-spots"]
    assert made.json["spacing"] == ["0.5 × 0.5 µm"]

    ran = veriscope("run", study, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert [(item["candidate"], item["n_done"]) for item in ran.json["candidates"]] == [
        ("otsu-watershed", 8),
        ("log-spots", 8),
    ]
    shown = veriscope("run", study)
    assert shown.code == 0
    assert "untested" in shown.out
    assert "predict log-spots" in shown.err, "progress belongs on stderr"
    assert "predict log-spots" not in shown.out

    drawn = veriscope("audit", study, "--tiles", "20", "--json").json
    assert (drawn["schema"], drawn["audit"]["n_drawn"]) == ("veriscope/audit/1", 20)
    taken = veriscope("audit", study, "--reference", tiny_data / "labels")
    assert taken.code == 0
    assert f"next: veriscope validate {study}" in taken.out

    for verb in ("validate", "estimate", "verdict"):
        found = veriscope(verb, study, "--json")
        assert (found.code, found.err) == (0, "")
        assert found.json["schema"] == f"veriscope/{verb}/1"
        text = veriscope(verb, study)
        assert text.code == 0
        assert text.out.strip()
    answer = veriscope("estimate", study, "--json").json
    text = veriscope("estimate", study).out
    assert "How many nuclei are there in each group?" in text
    assert all(group["group"] in text for group in answer["groups"])

    page = Path(veriscope("report", study, "--json").json["report"])
    assert page == study / "report/index.html"
    assert veriscope("report", study).out.strip() == str(page)
    again = veriscope("estimate", study, "--method", "stardist", "--json")
    assert (again.code, again.err) == (1, "")
    assert again.message == "no candidate 'stardist' that has run; there are: otsu-watershed, log-spots"


def test_study_that_exists_is_left_alone(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    study = tmp_path / "s"
    assert veriscope("new", study, "--images", images, "--method", "log-spots", "-q").code == 0
    before = (study / "study.yaml").read_bytes()
    said = veriscope("new", study, "--images", images, "--json")
    assert said.code == 1
    assert said.message == (
        f"{study} exists already and holds a study; choose another folder, or go on with it: "
        f"veriscope run {study}"
    )
    assert (study / "study.yaml").read_bytes() == before


def test_folder_of_something_else_is_left_alone(veriscope: Veriscope, images: Path) -> None:
    said = veriscope("new", images, "--images", images, "--json")
    assert said.code == 1
    assert said.message.startswith(f"{images} exists already and holds something else; choose another folder")
    assert "veriscope run" not in said.message, "there is no study to go on with"
    assert sorted(path.name for path in images.iterdir()) == ["a.tif", "b.tif"]


def test_all_bad_images_are_named_and_nothing_is_written(
    veriscope: Veriscope, images: Path, tmp_path: Path
) -> None:
    tifffile.imwrite(images / "nan.tif", np.full((40, 48), np.nan, np.float32))
    tifffile.imwrite(
        images / "rgb.tif", np.eye(3, dtype=np.uint8)[np.zeros((40, 48), int)], photometric="rgb"
    )
    (images / "cut.tif").write_bytes((images / "a.tif").read_bytes()[:300])
    study = tmp_path / "place" / "s"
    said = veriscope("new", study, "--images", images, "--json")
    assert said.code == 1
    assert said.message.startswith("3 of 5 images cannot be used:")
    assert said.message.endswith(
        "Mend or remove them, or leave them out with --skip-bad. Nothing was written."
    )
    for name in ("nan.tif", "rgb.tif", "cut.tif"):
        assert name in said.message
    assert not study.exists()
    assert not list(study.parent.iterdir())
    done = veriscope("new", study, "--images", images, "--skip-bad", "--method", "log-spots", "--json")
    assert (done.code, done.json["n_images"]) == (0, 2)
    assert done.json["skipped"].startswith("3 images were left out:")


def test_mixed_channels_are_refused(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    tifffile.imwrite(
        images / "two.tif", np.ones((2, 40, 48), np.uint8), imagej=True, metadata={"axes": "CYX"}
    )
    tifffile.imwrite(
        images / "three.tif", np.ones((3, 40, 48), np.uint8), imagej=True, metadata={"axes": "CYX"}
    )
    for name in ("a", "b"):
        (images / f"{name}.tif").unlink()
    said = veriscope("new", tmp_path / "s", "--images", images, "--channel", "0", "--json")
    assert said.message == (
        "images have different numbers of channels (2 channels: two; 3 channels: three); make one study of "
        "each kind, or convert them to the same channels"
    )
    assert not (tmp_path / "s").exists()


def test_calibrated_and_uncalibrated_images_are_refused(
    veriscope: Veriscope, images: Path, tiny_data: Path, tmp_path: Path
) -> None:
    shutil.copy(tiny_data / "images/control-1-01.tif", images)
    said = veriscope("new", tmp_path / "s", "--images", images, "--json")
    assert said.message == (
        "1 image has a pixel size and 2 have none (a, b); give it for all with --spacing, so that sizes "
        "can be compared"
    )
    line = ("new", tmp_path / "s", "--images", images, "--spacing", "0.65", "--json")
    assert veriscope(*line).json["spacing"] == ["0.65 × 0.65 µm"]


def test_sheet_that_does_not_fit(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group\na,x\nc,y\n")
    said = veriscope("new", tmp_path / "s", "--images", images, "--groups", sheet, "--json")
    assert said.message == (
        f"{sheet} and the images do not fit:\n"
        "  - images without a row (1): b\n"
        "  - rows without an image (1): c\n"
        "Add or remove rows, or give the images that belong to the sheet."
    )


def test_stems_that_are_not_unique(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    shutil.copy(images / "a.tif", images / "a.tiff")
    said = veriscope("new", tmp_path / "s", "--images", images, "--json")
    assert said.message.startswith("1 names stand for more than one image:")
    assert str(images / "a.tif") in said.message
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--measure", "size"), "measure 'size' is not known; measures are: count, density"),
        (("--tolerance", "much"), "tolerance 'much' is not a share of the answer; give a percentage"),
        (("--method", "otsu"), "no method named 'otsu'; "),
        (("--spacing", "x"), "spacing 'x' cannot be read; write 0.5 or z=2,y=0.5,x=0.5 (µm)"),
        (("--diameter", "-4"), "diameter: Input should be greater than"),
        (("--tile-size", "3"), "tile_size: Input should be greater than or equal to 16 (got 3)"),
        (("--level", "3"), "level: Input should be less than 1 (got 3.0)"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(
    veriscope: Veriscope, images: Path, tmp_path: Path, options: tuple[str, str], message: str
) -> None:
    said = veriscope("new", tmp_path / "s", "--images", images, *options, "--json")
    assert said.code == 1
    assert message in said.message
    assert not (tmp_path / "s").exists()


def test_study_below_a_file_cannot_be_written(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = veriscope("new", tmp_path / "file" / "s", "--images", images, "--json")
    assert said.code == 1
    assert said.message == (
        f"{tmp_path / 'file' / 's'}: cannot be written: a part of the path is a file, not a folder; choose "
        "another folder"
    )


@pytest.mark.parametrize("verb", ["run", "audit", "validate", "estimate", "verdict", "report"])
def test_folder_that_is_no_study(veriscope: Veriscope, tmp_path: Path, verb: str) -> None:
    said = veriscope(verb, tmp_path / "none", "--json")
    assert (said.code, said.err) == (1, "")
    assert said.message.startswith(
        f"{tmp_path / 'none'}: there is no such folder; check the name, or make one with"
    )
    plain = veriscope(verb, tmp_path / "none")
    assert (plain.code, plain.out) == (1, "")
    assert plain.err.startswith(f"Error: {tmp_path / 'none'}: there is no such folder")


def test_failed_candidate_is_told(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    study = tmp_path / "s"
    assert veriscope("new", study, "--images", images, "--method", "log-spots", "--in-place", "-q").code == 0
    (images / "b.tif").unlink()
    said = veriscope("run", study, "--json")
    assert said.code == 1
    (candidate,) = said.json["candidates"]
    assert candidate["failed"]
    assert "b.tif" in candidate["not_run"]


def test_fewer_workers_than_asked_for_are_told(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    study, options = tmp_path / "s", ("--memory", "400MB", "--workers", "3")
    note = "predicted by 1 worker instead of 3: 400MB do not suffice for 3"
    assert veriscope("new", study, "--images", images, "--method", "otsu-watershed", "-q").code == 0
    said = veriscope("run", study, *options)
    (told,) = [line for line in said.err.splitlines() if line.startswith("note: ")]
    assert told.startswith("note: otsu-watershed: a, b") and told.endswith(f": {note}")
    (again,) = veriscope("run", study, *options, "--json").json["candidates"]
    assert (again["n_done"], again["notes"]) == (0, [])
    one = ("predict", "otsu-watershed", images / "a.tif", "-o", tmp_path / "a.ome.zarr", *options, "--json")
    found = veriscope(*one).json
    assert (found["workers"], found["workers_asked"], found["notes"][-1]) == (1, 3, note)


def test_two_sources_of_references_at_once(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    study = tmp_path / "s"
    veriscope("new", study, "--images", images, "--method", "log-spots", "-q")
    said = veriscope("audit", study, "--import", images, "--reference", images, "--json")
    assert said.message == "--import and --reference: give one of them"


def test_fault_of_the_disk_is_one_message(veriscope: Veriscope, images: Path, tmp_path: Path) -> None:
    study = tmp_path / "s"
    veriscope("new", study, "--images", images, "--method", "log-spots", "-q")
    (study / "record.jsonl").unlink()
    (study / "record.jsonl").mkdir()
    said = veriscope("run", study, "--json")
    assert (said.code, said.err) == (1, "")
    assert said.message == (
        f"{study / 'record.jsonl'}: Is a directory. Mend that and run the same again; what was finished is "
        "kept"
    )
