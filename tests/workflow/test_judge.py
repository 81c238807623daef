"""Which candidate is judged how, and which is put first, in studies small enough to reckon by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.workflow.scripted import audit, install, small_study, squares

from veriscope.core.image import Image
from veriscope.workflow.annotations import annotated_units, save_annotation
from veriscope.workflow.judge import choose_candidate
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study

CORNERS = [(3, 3), (13, 13), (4, 38), (40, 6), (41, 42), (50, 50)]
NAMES = ("a", "b", "c", "d")


def drawn(image: Image) -> NDArray[np.int32]:
    """What is bright, corner by corner: the truth."""
    return squares(*[(y, x) for y, x in CORNERS if image.pixels[y, x] > 100])


def nothing(image: Image) -> NDArray[np.int32]:
    return squares()


def invents(image: Image) -> NDArray[np.int32]:
    return squares((20, 24), (52, 8))


def half(image: Image) -> NDArray[np.int32]:
    return squares(*[(y, x) for y, x in CORNERS[::2] if image.pixels[y, x] > 100])


FULL = {name: squares(*CORNERS) for name in NAMES}
EMPTY = {name: squares() for name in NAMES}


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    install(
        monkeypatch, pupils=("pupil",), right=drawn, silent=nothing, invents=invents, half=half, pupil=drawn
    )
    return monkeypatch


@pytest.mark.usefixtures("patch")
def test_metrics_are_those_of_the_objects_of_the_tiles(tmp_path: Path) -> None:
    """Every tile drawn: half of the objects, none invented, each tile with a weight of its own."""
    study = audit(small_study(tmp_path, FULL, methods=("half", "right")), tiles=40, everything=True)
    found = study.validate()
    by_unit = {tile["name"]: tile for tile in found["candidates"]["half"]["tiles"]}
    weights = np.array([tile["weight"] for tile in by_unit.values()])
    tp, fn = (np.array([tile[key] for tile in by_unit.values()]) for key in ("tp@0.5", "fn@0.5"))
    value = found["candidates"]["half"]["metrics"]["recall@0.5"]["value"]
    assert value == pytest.approx((weights * tp).sum() / (weights * (tp + fn)).sum())
    assert found["candidates"]["half"]["metrics"]["precision@0.5"]["value"] == 1
    assert found["first"] == "right"
    assert found["ranking"]["groups"][0][0] == "right"
    agreement = found["candidates"]["half"]["agreement"]
    assert agreement["reference"] == (tp + fn).tolist()
    assert agreement["prediction"] == tp.tolist()
    assert sum(tile["n_reference"] for tile in by_unit.values()) <= len(CORNERS) * len(NAMES)


@pytest.mark.usefixtures("patch")
def test_weights_say_how_many_tiles_a_tile_stands_for(tmp_path: Path) -> None:
    study = audit(small_study(tmp_path, FULL, methods=("half",)), tiles=30)
    plan = StudyFolder(study.path).root / "audit/plan.csv"
    rows = [line.split(",") for line in plan.read_text().splitlines()]
    head, draws = rows[0], [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    assert "probability" in head
    by_unit: dict[str, list[float]] = {}
    for draw in draws:
        by_unit.setdefault(draw["unit"], []).append(float(draw["probability"]))
    for tile in study.validate()["tiles"]:
        times = by_unit[tile["unit"]]
        assert tile["weight"] == pytest.approx(len(times) / (30 * times[0]))


@pytest.mark.usefixtures("patch")
@pytest.mark.parametrize("order", [("invents", "silent"), ("silent", "invents")])
def test_of_empty_images_the_candidate_that_finds_nothing_is_put_first(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    """The one put first is the one whose numbers are corrected."""
    study = audit(small_study(tmp_path, EMPTY, methods=order), tiles=12)
    found = study.validate()
    assert found["first"] == "silent"
    assert list(found["ranking"]["values"]) == ["silent", "invents"]
    assert found["ranking"]["values"]["silent"]["value"] is None
    answer = study.estimate()
    assert (answer["method"], answer["chosen_by"]) == ("silent", "validation")
    assert (answer["groups"][0]["naive"], answer["groups"][0]["estimate"]) == (0, 0)
    assert study.verdict()["verdict"] == "cannot-tell", "no tile says anything on objects"
    other = study.estimate(method="invents")
    assert (other["method"], other["chosen_by"]) == ("invents", "user")
    (group,) = other["groups"]
    assert group["naive"] == 2 * len(NAMES)
    assert (group["estimate"], group["low"], group["extra_tiles_needed"]) == (0, 0, None), "not below 0"
    assert 0 < group["high"] < 2
    assert "cut off where no answer can be" in group["assumptions"][-1]
    (bias,) = (r for r in study.verdict(method="invents")["reasons"] if r["check"] == "model-bias")
    assert bias["status"] == "fails"


@pytest.mark.usefixtures("patch")
def test_who_learns_is_not_judged_where_it_learned(tmp_path: Path) -> None:
    study = small_study(tmp_path, FULL, methods=("half", "pupil"))
    audit(study, tiles=8, training=4)
    study.run()
    found = study.validate()
    seen = {
        row.split(",")[4]
        for row in (study.path / "audit/plan.csv").read_text().splitlines()
        if row.startswith("training")
    }
    fair = [tile for tile in found["tiles"] if tile["image_id"] not in seen]
    assert 0 < len(fair) < found["n_tiles"]
    assert found["candidates"]["pupil"]["n_tiles"] == len(fair) == found["ranking"]["n_tiles"]
    assert found["candidates"]["half"]["n_tiles"] == found["n_tiles"]
    assert found["first"] == "pupil", "it knows the truth, also of images it did not see"


def all_seen(path: Path, *methods: str) -> Study:
    """Every image of the audit has a training tile too."""
    study = small_study(path, {name: FULL[name] for name in ("a", "b")}, methods=methods)
    audit(study, tiles=6, training=8)
    study.run()
    return study


@pytest.mark.usefixtures("patch")
def test_where_nothing_is_fair_who_learned_comes_last_without_a_value(tmp_path: Path) -> None:
    """It found everything on images that it was shown, which is no merit."""
    found = all_seen(tmp_path, "pupil", "half").validate()
    assert found["candidates"]["pupil"]["n_tiles"] == 0
    ranking = found["ranking"]
    assert list(ranking["values"]) == ["half", "pupil"]
    assert (found["first"], ranking["values"]["pupil"]["value"]) == ("half", None)
    assert (ranking["pairs"], ranking["groups"]) == ([], [["half"], ["pupil"]])
    assert ranking["n_tiles"] == found["n_tiles"] == found["candidates"]["half"]["n_tiles"]
    assert ranking["values"]["half"]["value"] == pytest.approx(
        found["candidates"]["half"]["metrics"]["f1@0.5"]["value"]
    )


@pytest.mark.usefixtures("patch")
def test_a_single_candidate_that_saw_every_image_is_not_judged_at_all(tmp_path: Path) -> None:
    study = all_seen(tmp_path, "half", "pupil")
    path = study.path / "study.yaml"
    path.write_text(path.read_text().replace("- id: half\n  method: half\n  parameters: {}\n", ""))
    study = Study(study.path)
    found = study.validate()
    assert (found["first"], found["ranking"]["n_tiles"]) == ("pupil", 0)
    assert found["candidates"]["pupil"]["metrics"]["f1@0.5"]["value"] is None
    reasons = {reason["check"]: reason["status"] for reason in study.verdict()["reasons"]}
    assert reasons["matching"] == "cannot-tell"
    warnings = next(
        item["warnings"]
        for item in json.loads(study.report().with_name("report.json").read_text())["candidates"]
    )
    assert f"{found['n_tiles']} audited tiles are in images it was trained on; not judged there" in warnings


def test_a_choice_that_did_not_run_is_refused() -> None:
    validated = {"candidates": {"a": {}, "b": {}}, "first": "b"}
    assert choose_candidate(validated, None) == "b"
    assert choose_candidate(validated, "a") == "a"
    with pytest.raises(Exception, match="no candidate 'c' that has run; there are: a, b"):
        choose_candidate(validated, "c")


@pytest.mark.usefixtures("patch")
def test_what_annotators_had_in_view_reaches_the_verdict(tmp_path: Path) -> None:
    study = audit(small_study(tmp_path, FULL, methods=("half", "right")), tiles=8)
    folder = StudyFolder(study.path)
    first, second = list(annotated_units(folder))[:2]

    def independence() -> tuple[str, str]:
        (found,) = (item for item in study.verdict()["reasons"] if item["check"] == "independence")
        return found["status"], found["text"]

    assert independence()[0] == "holds"
    labels = squares((3, 3), (20, 20))
    for unit, details in (
        (first, {"proposal": "half", "segmenters": ["segmenter:tiny"]}),  # as kept by earlier versions
        (second, {"proposal": None, "shown": ["right"]}),
    ):
        save_annotation(folder, unit, labels, origin=(0, 0), annotator="anna", source="app", details=details)
    status, text = independence()
    assert status == "cannot-tell"
    assert "On 2 of" in text and "objects of half, right, segmenter:tiny in view" in text
    save_annotation(
        folder, second, labels, origin=(0, 0), annotator="ben", source="app", details={"shown": []}
    )
    assert independence()[1].startswith("On 1 of")  # the newest counts
