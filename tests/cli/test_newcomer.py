"""What a newcomer meets first: paths that are not there or have spaces, and files that are odd."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from .conftest import Veriscope

STUDY_VERBS = ["run", "validate", "estimate", "verdict", "report", "audit", "fingerprint"]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a space and umlauts in its name, and an image of one pixel."""
    folder = tmp_path / "Zellen größe"
    folder.mkdir()
    tifffile.imwrite(folder / "ein Bild.tif", np.full((1, 1), 7, np.uint8))
    return folder


@pytest.mark.parametrize("verb", STUDY_VERBS)
def test_a_study_that_is_not_there_is_told_from_a_folder_that_is_none(
    veriscope: Veriscope, tmp_path: Path, images: Path, verb: str
) -> None:
    wrong = tmp_path / "nope"
    assert veriscope(verb, wrong, "--json").message == (
        f"{wrong}: there is no such folder; check the name, or make one with: "
        f"veriscope new {wrong} --images FOLDER"
    )
    said = veriscope(verb, images, "--json")
    assert said.code == 1
    assert said.message.startswith(f"{images} is not a study (it has no study.yaml); make one with: ")
    offered = shlex.split(said.message.split("make one with: ")[1])
    assert offered == ["veriscope", "new", str(images), "--images", "FOLDER"]


def test_commands_that_are_offered_can_be_given_as_they_are(
    veriscope: Veriscope, tmp_path: Path, images: Path
) -> None:
    study = tmp_path / "meine Studie"
    made = veriscope("new", study, "--images", images, "--method", "otsu-watershed")
    assert made.code == 0, made.err
    command = made.out.strip().rpartition("next: ")[2]
    assert shlex.split(command) == ["veriscope", "run", str(study)]
    ran = veriscope(*shlex.split(command)[1:])
    assert ran.code == 0, ran.err
    for verb in ("validate", "estimate", "verdict", "report"):
        offered = veriscope(verb, study, "--json").message.partition("first: ")[2]
        assert shlex.split(offered) == ["veriscope", "audit", str(study), "--tiles", "20"]
    offered = veriscope("audit", study).out.strip().partition("draw with: ")[2]
    assert veriscope(*shlex.split(offered)[1:]).code in (0, 1)


def test_what_is_odd_about_images_is_said_when_a_study_is_made(
    veriscope: Veriscope, tmp_path: Path, images: Path
) -> None:
    study = tmp_path / "s"
    made = veriscope("new", study, "--images", images, "--method", "otsu-watershed")
    assert "note: ein Bild: uncalibrated: the file does not state a pixel size" in made.err
    assert "all pixels have the same value: no object can be found" in made.err
    again = veriscope("new", tmp_path / "t", "--images", images, "--method", "otsu-watershed", "--json")
    (row,) = again.json["notes"]
    assert (row["image"], again.err) == ("ein Bild", "")
    assert "all pixels have the same value" in row["notes"][0]


def test_what_a_copy_leaves_out_is_said(veriscope: Veriscope, tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (20, 30, 4)).astype(np.uint8)
    Picture.fromarray(colours).save(tmp_path / "c.png")
    said = veriscope("convert", tmp_path / "c.png", "-o", tmp_path / "c.ome.zarr", "-q")
    assert said.code == 0 and "note: c.png: " in said.err and "alpha" in said.err
    said = veriscope("convert", tmp_path / "c.png", "-o", tmp_path / "d.ome.zarr", "--json")
    assert said.err == "" and any("alpha" in note for note in said.json["notes"])


def test_one_folder_to_train_from(veriscope: Veriscope, tmp_path: Path, images: Path) -> None:
    said = veriscope("train", images, "-o", "x", "--json")
    assert said.message.startswith("1 folder is given; training takes images and labels")
    wrong = tmp_path / "nope"
    said = veriscope("train", wrong, "-o", "x", "--json")
    assert said.message.startswith(
        f"1 folder is given ({wrong}: no such folder; check the name); training takes images and labels"
    )
    said = veriscope("demo", "--data", wrong, "--output", tmp_path / "d", "--json")
    assert said.message == f"{wrong}: no such folder; check the name"
