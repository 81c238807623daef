"""Answers: exact where predictions are, honest where tiles are few."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from veriscope import registry
from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.io.labels import read_labels
from veriscope.methods.base import Card, Method
from veriscope.workflow.demo import true_answer
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study


class Told(Method):
    """Predicts the references, or a part of them."""

    name: ClassVar[str] = "told"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(
        summary="Knows.", objects=("nucleus",), modalities=(), limits=("It was told.",)
    )
    labels: ClassVar[Path]
    misses_every: ClassVar[int] = 0

    def _predict(self, image: Image) -> Prediction:
        labels = read_labels(self.labels / f"{image.name}.tif").astype(np.int32)
        if self.misses_every:
            labels[labels % self.misses_every == 1] = 0
            values = np.unique(labels)
            labels = np.searchsorted(values, labels).astype(np.int32)
        return Prediction(labels, image.axes)


class _Entry:
    value = "tests:Told"

    def load(self) -> type[Method]:
        return Told


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tiny_data: Path) -> None:
    """A method that knows the truth, installed beside the others."""
    entries = registry._entries() | {"told": _Entry()}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    monkeypatch.setattr(Told, "labels", tiny_data / "labels", raising=False)


def audited(
    path: Path, options: dict[str, Any], tiny_data: Path, *, tiles: int = 24, **changes: Any
) -> Study:
    study = Study.new(path, **(options | {"methods": ("told",)} | changes))
    study.run()
    study.audit(tiles=tiles)
    study.import_references(tiny_data / "labels", annotator="reference", whole_images=True)
    return study


MEASURES = ["count", "density", "mean-area", "mean-intensity", "fraction:area>38", "area-fraction"]


@pytest.mark.usefixtures("told")
@pytest.mark.parametrize("measure", MEASURES)
def test_perfect_predictions_give_the_truth(
    tmp_path: Path, new_options: dict[str, Any], tiny_data: Path, measure: str
) -> None:
    study = audited(tmp_path / "s", new_options, tiny_data, measure=measure)
    truth = true_answer(StudyFolder(study.path), study.config, tiny_data / "labels")
    found = study.estimate()
    assert found["question"]["measure"] == measure
    for group in found["groups"]:
        true = truth[group["group"]]
        assert group["naive"] == pytest.approx(true, rel=1e-9)
        assert group["estimate"] == pytest.approx(true, rel=1e-9)
        assert group["low"] <= true * (1 + 1e-9)
        assert group["high"] >= true * (1 - 1e-9)
        alone = group["labelled_only"]
        assert group["high"] - group["low"] < alone["high"] - alone["low"]
    assert study.validate()["candidates"]["told"]["metrics"]["f1@0.5"]["value"] == 1


@pytest.mark.usefixtures("told")
def test_units_of_answers(tmp_path: Path, new_options: dict[str, Any], tiny_data: Path) -> None:
    for index, (measure, unit) in enumerate(
        {"count": "", "density": "per µm²", "mean-area": "µm²", "mean-intensity": "grey value"}.items()
    ):
        study = audited(tmp_path / f"s{index}", new_options, tiny_data, measure=measure, tiles=4)
        assert study.estimate()["question"]["unit"] == unit


@pytest.mark.usefixtures("told")
def test_missed_objects_are_added_back(
    tmp_path: Path, new_options: dict[str, Any], tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third of the objects is missed everywhere: the model's word is off, the answer is not."""
    monkeypatch.setattr(Told, "misses_every", 3)
    study = audited(tmp_path / "s", new_options, tiny_data, tiles=80)
    truth = true_answer(StudyFolder(study.path), study.config, tiny_data / "labels")
    for group in study.estimate()["groups"]:
        true = truth[group["group"]]
        assert group["naive"] < 0.75 * true
        assert group["low"] <= true <= group["high"]
        assert abs(group["estimate"] - true) < 0.15 * true
    assert study.verdict()["verdict"] != "use"


@pytest.mark.usefixtures("told")
def test_contrasts_of_totals_are_per_image(
    tmp_path: Path, new_options: dict[str, Any], tiny_data: Path
) -> None:
    study = audited(tmp_path / "s", new_options, tiny_data)
    found = study.estimate()
    truth = true_answer(StudyFolder(study.path), study.config, tiny_data / "labels")
    difference, ratio = found["contrasts"]
    assert found["contrast_unit"] == "per image"
    assert (difference["kind"], ratio["kind"]) == ("difference", "ratio")
    assert difference["estimate"] == pytest.approx((truth["treated"] - truth["control"]) / 4)
    assert ratio["estimate"] == pytest.approx(truth["treated"] / truth["control"])


@pytest.mark.parametrize("tiles", [4, 6])
def test_too_few_tiles_cannot_tell_and_say_how_many_more(
    run_study: Study, tiny_data: Path, tiles: int
) -> None:
    run_study.audit(tiles=tiles)
    run_study.import_references(tiny_data / "labels", whole_images=True)
    for group in run_study.estimate()["groups"]:
        assert group["n_draws"] == tiles // 2
        assert (group["status"], group["low"], group["high"]) == ("cannot-tell", None, None)
        assert group["reason"] == f"{tiles // 2} tiles were drawn; an interval needs at least 5."
        assert group["extra_tiles_needed"] > 0
    found = run_study.verdict()
    assert found["verdict"] == "cannot-tell"
    assert found["reasons"][0]["check"] == "audit-size"
    page = run_study.report().read_text(encoding="utf-8")
    assert "cannot tell" in page.lower()


def test_group_without_any_annotated_tile_cannot_tell(run_study: Study, tiny_data: Path) -> None:
    run_study.audit(tiles=20)
    some = run_study.path.parent / "some"
    some.mkdir()
    for path in (tiny_data / "labels").glob("control*"):
        (some / path.name).write_bytes(path.read_bytes())
    run_study.import_references(some)
    control, treated = run_study.estimate()["groups"]
    assert control["status"] == "ok"
    assert (treated["status"], treated["n_tiles_audited"], treated["n_draws"]) == ("cannot-tell", 0, 0)
    assert all(item["status"] == "cannot-tell" for item in run_study.estimate()["contrasts"])
    assert run_study.verdict()["verdict"] == "cannot-tell"
    assert run_study.report().is_file()


def test_tolerance_decides_what_is_precise_enough(done_study: Study) -> None:
    path = done_study.path / "study.yaml"
    text = path.read_text()
    assert "tolerance: 0.1" in text
    verdicts = {}
    for tolerance in ("1.0", "0.001"):
        path.write_text(text.replace("tolerance: 0.1", f"tolerance: {tolerance}"))
        study = Study(done_study.path)
        verdicts[tolerance] = {item["check"]: item["status"] for item in study.verdict()["reasons"]}
        extra = [group["extra_tiles_needed"] for group in study.estimate()["groups"]]
        assert (
            extra == [0, 0] if tolerance == "1.0" else all(number is None or number > 0 for number in extra)
        )
    assert verdicts["1.0"]["precision"] == "holds"
    assert verdicts["0.001"]["precision"] == "fails"


def test_measure_that_was_not_taken(done_study: Study) -> None:
    path = done_study.path / "study.yaml"
    path.write_text(
        path.read_text().replace("measure: count\n  column: null", "measure: mean\n  column: mass")
    )
    with pytest.raises(Exception, match="column 'mass' was not measured; columns are: ") as error:
        Study(done_study.path).estimate()
    assert type(error.value).__name__ == "TableError"


def test_with_every_tile_annotated_nothing_is_estimated(tiny_data: Path, tmp_path: Path) -> None:
    study = Study.new(
        tmp_path / "study",
        images=tiny_data / "images",
        groups=str(tiny_data / "sheet.csv"),
        object="nucleus",
        tolerance="5%",
        methods=("otsu-watershed",),
        tile_size=80,
    )
    study.run()
    study.audit(tiles=10)
    some = study.import_references(tiny_data / "labels", whole_images=True)
    assert some["census"]["n_drawn"] == 0
    estimated = study.estimate()
    n_tiles = len(pd.read_csv(study.path / "audit/frame.csv")) / 2
    for group in estimated["groups"]:
        assert group["extra_tiles_needed"] <= n_tiles - group["n_tiles_audited"]
    state = study.audit(everything=True)
    assert state["audit"]["n_drawn"] == 10
    assert state["census"]["n_drawn"] == len(state["census"]["to_annotate"]) > 0
    study.import_references(tiny_data / "labels", whole_images=True)
    truth = true_answer(StudyFolder(study.path), study.config, tiny_data / "labels")
    for group in study.estimate()["groups"]:
        assert group["estimator"] == "census"
        assert group["estimate"] == group["low"] == group["high"] == truth[group["group"]]
        assert (group["extra_tiles_needed"], group["n_tiles_audited"]) == (0, n_tiles)
    for contrast in study.estimate()["contrasts"]:
        assert contrast["low"] < contrast["estimate"] < contrast["high"]
        assert contrast["audit_share"] == 0
    assert study.report().is_file()
