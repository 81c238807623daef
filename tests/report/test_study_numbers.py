"""The report's numbers, worked out again from the study's tables and label images by other means."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile

from veriscope.io.labels import read_labels
from veriscope.report.html import render_html
from veriscope.report.numbers import MISSING, format_count, format_estimate, format_number
from veriscope.workflow.study import Study

from .pictures import nuclei

STUDIES = ("two groups", "one image", "no objects")


def written(folder: Path, n: int, *, empty: bool) -> Path:
    """Uncalibrated images with their label images beside."""
    for number in range(n):
        pixels, labels = nuclei(seed=number, size=128, n=14)
        if empty:
            pixels = np.random.default_rng(number).poisson(100, labels.shape).astype(np.uint16)
            labels = np.zeros_like(labels)
        for kind, content in (("images", pixels), ("labels", labels.astype(np.uint16))):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(folder / kind / f"field{number}.tif", content)
    return folder


@pytest.fixture(scope="module", params=STUDIES)
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tiny_data: Path) -> Study:
    """Two groups of replicates; one image without pixel size and group; images of nothing."""
    folder, name = tmp_path_factory.mktemp("numbers"), request.param
    options: dict[str, Any] = {"object": "nucleus", "methods": ("log-spots",), "tile_size": 48, "seed": 2}
    data = tiny_data
    if name == "two groups":
        options |= {"groups": str(tiny_data / "sheet.csv"), "tolerance": "10%"}
        options["methods"] = ("otsu-watershed", "log-spots")
    elif name == "one image":
        data = written(folder, 1, empty=False)
        options["measure"] = "mean-area"
    else:
        data = written(folder, 2, empty=True)
    made = Study.new(folder / "study", images=str(data / "images" / "*.tif"), **options)
    made.run()
    made.audit(tiles=12)
    made.import_references(data / "labels", annotator="reference", whole_images=True)
    made.report()
    return made


@pytest.fixture
def record(study: Study) -> dict[str, Any]:
    text = (study.path / "report/report.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text, parse_constant=pytest.fail)
    return found


@pytest.fixture
def page(study: Study) -> str:
    return (study.path / "report/index.html").read_text(encoding="utf-8")


def objects(study: Study, method: str) -> pd.DataFrame:
    return pd.read_parquet(study.path / "measurements" / f"{method}.parquet")


def chosen(record: dict[str, Any]) -> str:
    (found,) = [item["method"] for item in record["candidates"] if item["chosen"]]
    return str(found)


def measured(record: dict[str, Any], areas: list[float]) -> float | None:
    """The study's measure of some objects."""
    if record["question"]["measure"] == "count":
        return float(len(areas))
    return float(np.mean(areas)) if areas else None


def in_box(y: float, x: float, box: tuple[int, int, int, int]) -> bool:
    y, x = np.floor(y + 0.5), np.floor(x + 0.5)
    return bool(box[0] <= y < box[2] and box[1] <= x < box[3])


def boxes(study: Study) -> dict[str, tuple[str, tuple[int, int, int, int]]]:
    """Image and box of every audited tile."""
    validated = json.loads((study.path / "evidence/validate.json").read_text(encoding="utf-8"))
    return {tile["unit"]: (tile["image_id"], tuple(tile["box"])) for tile in validated["tiles"]}


def test_each_audited_tile_has_what_its_label_image_and_table_hold(
    study: Study, record: dict[str, Any]
) -> None:
    table, where = objects(study, chosen(record)), boxes(study)
    assert {row["unit"] for row in record["audit"]["rows"]} == set(where)
    for row in record["audit"]["rows"]:
        image, box = where[row["unit"]]
        assert row["image"] == image
        mine = [
            item
            for item in table.itertuples(index=False)
            if item[0] == image and in_box(item[4], item[5], box)
        ]
        assert row["prediction"] == pytest.approx(measured(record, [item.area for item in mine]))
        (file,) = (study.path / "annotations" / row["unit"]).glob("reference.v*.tif")
        said = json.loads(file.with_suffix(".json").read_text())
        labels, areas = read_labels(file), []
        size = 1.0 if study.images[0].spacing_text == "uncalibrated" else 0.25  # µm² of a pixel
        for label in np.unique(labels[labels > 0]):
            y, x = np.nonzero(labels == label)
            if in_box(y.mean() + said["y0"], x.mean() + said["x0"], box):
                areas.append(len(y) * size)
        assert row["reference"] == pytest.approx(measured(record, areas)), row["unit"]


def test_the_agreement_is_that_of_the_tiles_with_both_numbers(record: dict[str, Any]) -> None:
    rows = [(row["reference"], row["prediction"]) for row in record["audit"]["rows"]]
    both = [(a, b) for a, b in rows if a is not None and b is not None]
    (mine,) = [item for item in record["agreement"] if item["method"] == chosen(record)]
    assert sorted(map(tuple, mine["points"])) == sorted(both)
    differences = np.array([b - a for a, b in both])
    if len(both) > 1:
        assert mine["mean_difference"] == pytest.approx(differences.mean())
        assert mine["limits"] == pytest.approx(
            [differences.mean() + side * 1.96 * differences.std(ddof=1) for side in (-1, 1)],
            abs=2e-3,
            rel=1e-3,
        )
        assert mine["low"] <= mine["mean_difference"] <= mine["high"]


def test_the_model_alone_says_what_its_table_says(study: Study, record: dict[str, Any]) -> None:
    table = objects(study, chosen(record))
    for group in record["estimate"]["groups"]:
        areas = table.loc[table["group"] == group["group"], "area"].tolist()
        expected = measured(record, areas)
        assert group["naive"] == (None if expected is None else pytest.approx(expected))
        images = [image for image in study.images if image.group == group["group"]]
        assert group["n_images"] == len(images)
        assert group["n_replicates"] == len({image.replicate for image in images})
    for candidate in record["candidates"]:
        assert candidate["n_objects"] == len(objects(study, candidate["method"]))


def cells(page: str, table: str) -> list[list[str]]:
    """The rows of a table of the page, as text."""
    start = page.index(f'id="{table}"')
    body = page[page.index("<tbody>", start) : page.index("</tbody>", start)]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, flags=re.DOTALL)
    return [
        [
            re.sub(r"<[^>]+>", "", cell).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL)
        ]
        for row in rows
    ]


def test_the_table_of_the_page_is_the_evidence(study: Study, page: str) -> None:
    answer = json.loads((study.path / "evidence/estimate.json").read_text(encoding="utf-8"))
    rows = cells(page, "tab-estimate")
    assert [row[0] for row in rows] == [group["group"] for group in answer["groups"]]
    for row, group in zip(rows, answer["groups"], strict=True):
        value, interval = format_estimate(group["estimate"], group["low"], group["high"])
        is_told = group["status"] == "ok"
        assert row[1:3] == ([value, interval] if is_told else ["cannot tell", MISSING])
        assert row[3] == format_number(group["naive"])
        assert row[5:8] == [
            format_count(group[key]) for key in ("n_tiles_audited", "n_images", "n_replicates")
        ]
        assert row[8].endswith("audited")


def test_the_pictured_tiles_are_scored_by_what_was_found(study: Study, record: dict[str, Any]) -> None:
    validated = json.loads((study.path / "evidence/validate.json").read_text(encoding="utf-8"))
    counts = {tile["name"]: tile for tile in validated["candidates"][chosen(record)]["tiles"]}
    scores = {
        name: 2 * tile["tp@0.5"] / (2 * tile["tp@0.5"] + tile["fp@0.5"] + tile["fn@0.5"])
        for name, tile in counts.items()
        if tile["tp@0.5"] + tile["fp@0.5"] + tile["fn@0.5"]
    }
    shown = {tile["unit"]: tile for tile in record["tiles"]}
    assert len(shown) == min(6, len(scores))
    for name, tile in shown.items():
        assert tile["f1"] == pytest.approx(scores[name])
        assert (tile["n_reference"], tile["n_prediction"]) == (
            counts[name]["n_reference"], counts[name]["n_prediction"],
        )  # fmt: skip
        assert ("uncalibrated" in tile["caption"]) is (record["study"]["spacing"] == "uncalibrated")
    if scores:
        worst = [tile["f1"] for tile in record["tiles"] if tile["rank"] == "worst"]
        best = [tile["f1"] for tile in record["tiles"] if tile["rank"] == "best"]
        assert min(scores.values()) == pytest.approx(min(worst))
        assert all(low <= high for low in worst for high in best)


def test_what_the_study_lacks_is_said_and_never_invented(
    study: Study, record: dict[str, Any], page: str
) -> None:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|NaN|None(?! of)|inf|null)\b", text)
    n_groups = len(record["estimate"]["groups"])
    if n_groups == 1:
        assert record["estimate"]["contrasts"] == []
        assert "There are no contrasts: the study has one group" in text
    if study.images[0].spacing_text == "uncalibrated":
        assert "uncalibrated: no pixel size is known" in text and "µm" not in record["question"]["unit"]
        assert "no pixel size recorded" in record["methods_text"]
    assert f"{len(study.images)} image" in text
    if not any(len(objects(study, item["method"])) for item in record["candidates"]):
        assert all(
            group["status"] == "cannot-tell" and group["reason"] for group in record["estimate"]["groups"]
        )
        assert record["verdict"]["verdict"] != "use" and record["tiles"] == []
    assert render_html(record) == page
