"""How far annotators agree: neither is the truth, and no figure goes by who is named first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import tifffile
from numpy.typing import NDArray
from tests.workflow.scripted import install, small_study, squares

from veriscope.workflow.annotator_agreement import annotator_agreement
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study

NAMES = ("a", "b", "c")
CORNERS = [(3, 3), (13, 13), (4, 38), (40, 6), (41, 42), (50, 50)]
TRUTH = {name: squares(*CORNERS) for name in NAMES}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Three images of four tiles each, all put out."""
    install(monkeypatch, told=lambda image: TRUTH[image.name])
    found = small_study(tmp_path, TRUTH, methods=("told",))
    found.audit(tiles=4, everything=True)
    return found


def draws(study: Study, annotator: str, drawn: Mapping[str, NDArray[Any]]) -> None:
    """Take in what somebody drew on whole images."""
    place = study.path.parent / f"by-{annotator}"
    place.mkdir()
    for name, labels in drawn.items():
        tifffile.imwrite(place / f"{name}.tif", labels.astype("uint16"))
    study.import_references(place, annotator=annotator, whole_images=True)


def agreement(study: Study) -> dict[str, Any]:
    return annotator_agreement(StudyFolder(study.path))


def test_nobody_and_a_single_annotator_have_nothing_to_agree_on(study: Study) -> None:
    assert (agreement(study)["annotators"], agreement(study)["pairs"]) == ([], [])
    draws(study, "anna", TRUTH)
    found = agreement(study)
    assert (found["annotators"], found["pairs"]) == (["anna"], [])
    assert found["text"] == "No tile was drawn by two annotators yet; have a second one draw some of them."


def test_who_draws_the_same_agrees_whatever_the_numbers_of_objects(study: Study) -> None:
    draws(study, "anna", TRUTH)
    draws(study, "bob", {name: squares(*CORNERS[::-1]) for name in NAMES})
    (pair,) = agreement(study)["pairs"]
    assert (pair["a"], pair["b"], pair["n_units"]) == ("anna", "bob", 12)
    assert pair["metrics"]["f1@0.5"]["value"] == pair["metrics"]["pq"]["value"] == 1
    assert pair["metrics"]["f1@0.5"]["n_units"] == 3, "images, not tiles"
    assert pair["count_difference"] == 0
    assert sum(unit["matched"] for unit in pair["units"]) == len(CORNERS) * len(NAMES)


def test_what_only_one_of_them_drew_costs_both_alike(study: Study) -> None:
    """Bob misses one of six objects in each image: F1 is 2 · 15 / (2 · 15 + 3)."""
    draws(study, "anna", TRUTH)
    draws(study, "bob", {name: squares(*CORNERS[1:]) for name in NAMES})
    (pair,) = agreement(study)["pairs"]
    assert pair["metrics"]["f1@0.5"]["value"] == pytest.approx(30 / 33)
    assert pair["count_difference"] == pytest.approx(-3 / 12)
    assert [(u["n_a"], u["n_b"]) for u in pair["units"] if u["unit"] == "a_tile000"] == [(2, 1)]


@pytest.mark.parametrize("names", [("anna", "bob"), ("zoe", "bob")])
def test_no_figure_goes_by_who_comes_first_in_the_alphabet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    """An object whose centre the one sets in the tile and the other beside it used to count for one alone."""
    install(monkeypatch, told=lambda image: squares((10, 28), (40, 40)))
    truth = {"a": squares((10, 28), (40, 40)), "b": squares((10, 10))}
    study = small_study(tmp_path, truth, methods=("told",))
    study.audit(tiles=6, everything=True)
    draws(study, names[0], {"a": squares((10, 28), (40, 40))})
    # Two pixels further right the centre lies in the next tile, of which nobody else drew anything.
    draws(study, names[1], {"a": squares((10, 30), (40, 40))})
    folder = StudyFolder(study.path)
    for unit in ("a_tile001", "a_tile002", "a_tile003"):
        for path in (folder.root / "annotations" / unit).iterdir():
            path.unlink()
    (pair,) = agreement(study)["pairs"]
    assert pair["n_units"] == 1
    metrics = {key: pair["metrics"][key]["value"] for key in ("f1@0.5", "pq")}
    # Matched from the side of the one that has its centre in the tile, and not from the other.
    assert metrics == pytest.approx({"f1@0.5": 1.0, "pq": 0.5})


def test_three_annotators_are_compared_two_by_two_on_what_both_drew(study: Study) -> None:
    draws(study, "anna", TRUTH)
    draws(study, "bob", {name: TRUTH[name] for name in ("a", "b")})
    draws(study, "cleo", {"b": TRUTH["b"]})
    found = agreement(study)
    assert [(pair["a"], pair["b"], pair["n_units"]) for pair in found["pairs"]] == [
        ("anna", "bob", 8),
        ("anna", "cleo", 4),
        ("bob", "cleo", 4),
    ]
    assert found["text"] == "3 pairs of annotators have drawn the same tiles."
    assert found["pairs"][1]["metrics"]["f1@0.5"]["low"] is None, "a single image tells nothing of others"


def test_the_newest_version_of_each_counts(study: Study) -> None:
    draws(study, "anna", {"a": squares()})
    draws(study, "bob", {"a": TRUTH["a"]})
    again = study.path.parent / "again"
    again.mkdir()
    tifffile.imwrite(again / "a.tif", TRUTH["a"].astype("uint16"))
    before = agreement(study)["pairs"][0]["metrics"]["f1@0.5"]["value"]
    study.import_references(again, annotator="anna", whole_images=True)
    after = agreement(study)["pairs"][0]["metrics"]["f1@0.5"]["value"]
    assert (before, after) == (0, 1)
