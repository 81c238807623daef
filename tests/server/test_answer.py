"""The answer, the objects behind it, and the candidates."""

from __future__ import annotations

import io
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from tests.server.conftest import Running


def test_every_number_of_the_answer_says_how_far_it_can_be_trusted(reader: httpx.Client) -> None:
    answer = reader.get("/api/studies/small/answer").json()
    groups = answer["estimate"]["groups"]
    assert [group["group"] for group in groups] == ["control", "treated"]
    assert all(group["evidence"] == "audited" and group["naive"] is not None for group in groups)
    assert answer["estimate"]["contrasts"][0]["kind"] == "difference"
    assert answer["verdict"]["reasons"][0]["status"] in ("holds", "fails", "cannot-tell")
    judged = answer["validation"]["candidates"]["log-spots"]
    assert len(judged["agreement"]["reference"]) == answer["validation"]["n_tiles"]
    assert answer["stale"] is False


def test_candidates_with_speed_and_results(reader: httpx.Client) -> None:
    rows = reader.get("/api/studies/small/candidates").json()
    assert [row["id"] for row in rows] == ["otsu-watershed", "log-spots"]
    assert {row["state"] for row in rows} == {"current"} and {row["rank"] for row in rows} == {1, 2}
    for row in rows:
        assert row["seconds_per_image"] > 0 and row["megapixels_per_second"] > 0
        assert row["card"]["limits"] and row["card"]["evidence"] == "untested"
        assert row["metrics"]["f1@0.5"]["value"] > 0.5 and row["evidence"] == "audited"
        images = reader.get(f"/api/studies/small/candidates/{row['id']}/images").json()
        assert sum(image["n_objects"] for image in images) == row["n_objects"]


def test_the_worst_tiles_come_first(reader: httpx.Client) -> None:
    worst = reader.get("/api/studies/small/tiles?candidate=log-spots").json()
    best = reader.get("/api/studies/small/tiles?candidate=log-spots&order=best&limit=2").json()
    scores = [tile["f1"] for tile in worst["tiles"] if tile["f1"] is not None]
    assert scores == sorted(scores) and worst["total"] == len(worst["tiles"])
    assert best["tiles"][0]["f1"] == scores[-1] and len(best["tiles"]) == 2
    assert reader.get(worst["tiles"][0]["crop"]).headers["content-type"] == "image/png"
    assert reader.get("/api/studies/small/tiles?candidate=nope").status_code == 409


@pytest.fixture(scope="module")
def table(shared: Running) -> pd.DataFrame:
    return pd.read_parquet(shared.settings.folder / "small" / "measurements" / "log-spots.parquet")


OBJECTS = "/api/studies/small/objects?candidate=log-spots"


def test_objects_are_filtered_sorted_and_paged(reader: httpx.Client, table: pd.DataFrame) -> None:
    limit = float(table["area"].median())
    query = f"{OBJECTS}&filter=area>{limit}&filter=group=control&sort=-area&offset=3&limit=5"
    page = reader.get(query).json()
    expected = table[(table["area"] > limit) & (table["group"] == "control")].sort_values(
        "area", ascending=False, kind="stable"
    )
    names = [column["name"] for column in page["columns"]]
    assert (page["total"], page["matching"]) == (len(table), len(expected))
    found = pd.DataFrame(page["rows"], columns=names)
    assert found["area"].tolist() == expected["area"].iloc[3:8].tolist()
    units = {column["name"]: column["unit"] for column in page["columns"]}
    assert (units["area"], units["area_px"], page["evidence"]) == ("µm²", "px", "untested")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("image_id~CONTROL-1", lambda t: t["image_id"].str.contains("control-1").sum()),
        ("group!=control", lambda t: (t["group"] != "control").sum()),
        ("touches_border=true", lambda t: t["touches_border"].sum()),
        ("label<=2", lambda t: (t["label"] <= 2).sum()),
    ],
)
def test_filters(reader: httpx.Client, table: pd.DataFrame, text: str, count: object) -> None:
    page = reader.get(OBJECTS, params={"candidate": "log-spots", "filter": text}).json()
    assert page["matching"] == count(table)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["nope>1", "area", "area>x", "area~1", "group>a", "area>1;x", "__class__=1"])
def test_filters_that_cannot_be_read(reader: httpx.Client, text: str) -> None:
    answer = reader.get(OBJECTS, params={"candidate": "log-spots", "filter": text})
    assert answer.status_code == 422 and answer.json()["detail"]
    assert reader.get(f"{OBJECTS}&sort=nope").status_code == 422


def test_histograms_count_every_object_once(reader: httpx.Client, table: pd.DataFrame) -> None:
    found = reader.get("/api/studies/small/objects/histogram?candidate=log-spots&column=area&bins=7").json()
    counts = {series["group"]: sum(series["counts"]) for series in found["series"]}
    assert counts == table["group"].value_counts().to_dict()
    assert len(found["edges"]) == 8 and found["unit"] == "µm²"


def test_colours_by_column_are_by_label(reader: httpx.Client, table: pd.DataFrame) -> None:
    image = table["image_id"].iloc[0]
    found = reader.get(
        f"/api/studies/small/objects/values?candidate=log-spots&column=area&image={image}"
    ).json()
    mine = table[table["image_id"] == image]
    np.testing.assert_array_equal(found["labels"], mine["label"])
    np.testing.assert_allclose(found["values"], mine["area"])
    text = "/api/studies/small/objects/values?column=group&image=x"
    assert reader.get(text).status_code == 422


def test_the_table_is_downloaded_with_units(reader: httpx.Client, table: pd.DataFrame) -> None:
    answer = reader.get("/api/studies/small/objects.csv?candidate=log-spots&filter=group=treated")
    assert "attachment" in answer.headers["content-disposition"]
    found = pd.read_csv(io.StringIO(answer.text))
    assert "area [µm²]" in found.columns
    assert len(found) == (table["group"] == "treated").sum()


def test_the_report_is_given_whole(reader: httpx.Client, shared: Running) -> None:
    state = reader.get("/api/studies/small/report").json()
    assert (state["exists"], state["stale"]) == (True, False)
    written = shared.settings.folder / "small" / "report"
    assert reader.get(state["download"]).content == (written / "index.html").read_bytes()
    assert reader.get(state["record"]).json()["schema"].startswith("veriscope/report/")


def test_what_was_not_computed_is_said(client: httpx.Client, workspace: Path) -> None:
    import shutil

    for name in ("evidence", "report", "measurements"):
        shutil.rmtree(workspace / "small" / name)
    for path in ("answer", "tiles", "objects", "audit/estimate"):
        answer = client.get(f"/api/studies/small/{path}")
        assert answer.status_code == 409 and answer.json()["action"], path
    assert client.get("/api/studies/small/report").json()["exists"] is False
    assert client.get("/api/studies/small/report/html").status_code == 404
