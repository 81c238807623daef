"""The table of objects against the same done row by row, with odd columns, values and filters."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.io.tables import read_table, write_table
from veriscope.server.models.answer import ColumnInfo
from veriscope.server.object_tables import ObjectTable

GFP = "mean_intensity-Alexa 488 (GFP)"
TEXT = ("image_id", "group")
VALUES = st.one_of(st.floats(-5, 5), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1.0]))
ROWS = st.lists(
    st.tuples(st.sampled_from(["a 1", "A 2", "ü"]), st.sampled_from(["control", "Ctrl=2"]), VALUES, VALUES),
    max_size=12,
)


def table_of(rows: list[tuple[str, str, float, float]]) -> tuple[ObjectTable, pd.DataFrame]:
    frame = pd.DataFrame(rows, columns=["image_id", "group", "area", GFP])
    frame = frame.astype({"image_id": "str", "group": "str", "area": float, GFP: float})
    frame.insert(1, "label", np.arange(1, len(frame) + 1))
    units = {"area": "µm²"}
    columns = [
        ColumnInfo(
            name=name, type="text" if name in TEXT else "number", unit=units.get(name, ""), description=""
        )
        for name in frame.columns
    ]
    return ObjectTable("some", frame, columns), frame


COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


@given(
    rows=ROWS,
    column=st.sampled_from(["area", GFP]),
    sign=st.sampled_from(list(COMPARED)),
    value=st.one_of(st.floats(-5, 5), st.just(0.0)),
    space=st.sampled_from(["", " "]),
)
def test_numbers_are_compared_row_by_row(rows: Any, column: str, sign: str, value: float, space: str) -> None:
    table, frame = table_of(rows)
    expected = [COMPARED[sign](one, value) for one in frame[column]]
    assert table.matching([f"{space}{column}{space}{sign}{space}{value!r}{space}"]).tolist() == expected


@given(rows=ROWS, word=st.sampled_from(["a", "A 1", "Ü", ".", "ctrl=", "1", "control"]))
def test_text_is_found_in_any_case_and_taken_literally(rows: Any, word: str) -> None:
    table, frame = table_of(rows)
    for name in TEXT:
        assert table.matching([f"{name}~{word}"]).tolist() == [word.lower() in t.lower() for t in frame[name]]
        assert table.matching([f"{name}={word}"]).tolist() == [word == text for text in frame[name]]
        assert table.matching([f"{name}!={word}"]).tolist() == [word != text for text in frame[name]]


@given(rows=ROWS, sort=st.sampled_from(["", "area", "-area", "image_id", "-group"]), limit=st.integers(1, 5))
def test_pages_hold_every_row_once_and_in_order(rows: Any, sort: str, limit: int) -> None:
    table, frame = table_of(rows)
    filters = ["area>-3"]
    pages = [
        table.page(filters=filters, sort=sort, offset=offset, limit=limit)
        for offset in range(0, len(frame) + 1, limit)
    ]
    assert {page.matching for page in pages} == {int((frame["area"] > -3).sum())}
    found = [row for page in pages for row in page.rows]
    kept = [i for i in range(len(frame)) if frame["area"][i] > -3]
    if sort:
        name = sort.removeprefix("-")
        kept.sort(key=lambda i: frame[name][i], reverse=sort.startswith("-"))
        values = [frame[name][i] for i in kept]
        at = list(frame.columns).index(name)
        shown = [math.inf if row[at] is None else row[at] for row in found]  # only infinity can be left
        assert shown == values
    assert sorted(row[1] for row in found) == sorted(frame["label"][i] for i in kept)
    if not sort:
        assert [row[1] for row in found] == [frame["label"][i] for i in kept]


def test_rows_of_one_value_keep_their_order() -> None:
    table, _ = table_of([("a", "g", 1.0, 0.0)] * 3 + [("a", "g", math.nan, 0.0)] + [("a", "g", 1.0, 0.0)])
    for sort, labels in (("area", [1, 2, 3, 5, 4]), ("-area", [1, 2, 3, 5, 4])):
        page = table.page(filters=[], sort=sort, offset=0, limit=9)
        assert [row[1] for row in page.rows] == labels  # what has no value comes last, both ways
        assert page.rows[-1][3] is None


@given(rows=ROWS, bins=st.integers(1, 9))
def test_a_histogram_counts_every_finite_value_once(rows: Any, bins: int) -> None:
    table, frame = table_of(rows)
    finite = frame[np.isfinite(frame["area"])]
    found = table.histogram("area", bins=bins, filters=[])
    assert len(found.edges) == bins + 1
    assert found.n_missing == len(frame) - len(finite)
    assert sum(sum(series.counts) for series in found.series) == len(finite)
    for series in found.series:
        assert sum(series.counts) == int((finite["group"] == series.group).sum())
    fewer = table.histogram("area", bins=bins, filters=["group=control"])
    assert fewer.edges == found.edges


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1.0],
        [1.0, 1.0 + 2**-52],
        [100.0, 100.00000000000001],
        [0.0, 5e-324],
        [1e300, 1e300],
        [-7.0, -7.0 - 2**-50],
        [math.nan, 3.0],
        [math.nan],
        [],
    ],
)
def test_values_that_are_nearly_one_have_a_histogram(values: list[float]) -> None:
    table, _ = table_of([("a", "g", value, 0.0) for value in values])
    found = table.histogram("area", bins=500, filters=[])
    assert sum(sum(series.counts) for series in found.series) == sum(map(math.isfinite, values))
    assert all(low < high for low, high in zip(found.edges, found.edges[1:], strict=False))


def test_histograms_are_those_of_numpy() -> None:
    values = [0.0, 1.0, 1.0, 2.5, 4.0]
    found = table_of([("a", "g", value, 0.0) for value in values])[0].histogram("area", bins=4, filters=[])
    assert (found.edges, found.series[0].counts) == ([0.0, 1.0, 2.0, 3.0, 4.0], [1, 2, 1, 1])
    assert found.unit == "µm²"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("area~1", "area is a number; filter it with = != < <= > or >="),
        ("group<b", "group is text; filter it with =, != or ~"),
        ("area>big", "'big' is no number; area is compared with numbers"),
        ("area>", "'' is no number; area is compared with numbers"),
        ("area>1;x", "'1;x' is no number; area is compared with numbers"),
        (f"{GFP}=green", f"'green' is no number; {GFP} is compared with numbers"),
    ],
)
def test_values_that_do_not_fit_their_column(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        table_of([])[0].matching([text])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text", ["", "area", "nope=1", ">1", "are>1", "areas>1", "area 1", "_frame=1", "AREA>1"]
)
def test_filters_of_no_column_name_all_columns(text: str) -> None:
    with pytest.raises(InputError) as caught:
        table_of([])[0].matching([text])
    assert str(caught.value) == (
        f"filter {text!r} cannot be read; write COLUMN OP VALUE with = != < <= > >= or ~ and one of the "
        f"columns image_id, label, group, area, {GFP}"
    )


def test_a_table_of_nothing(tmp_path: Path) -> None:
    table, frame = table_of([])
    page = table.page(filters=["area>1", "group~x"], sort="-area", offset=5, limit=3)
    assert (page.total, page.matching, page.rows) == (0, 0, [])
    assert table.values("area", "nope").labels == []
    assert pd.read_csv(io.StringIO(table.csv([]))).columns.tolist() == [
        "image_id",
        "label",
        "group",
        "area [µm²]",
        GFP,
    ]
    assert frame.empty


def test_what_is_downloaded_can_be_read_back() -> None:
    rows = [('say "hi", you', "g=1", 1.5, -2.0), ("two\nlines", "g=1", 0.1, 1e300), ("ü", "other", 3.0, 4.0)]
    table, frame = table_of(rows)
    found = pd.read_csv(io.StringIO(table.csv(["group=g=1"])))
    expected = frame[frame["group"] == "g=1"].rename(columns={"area": "area [µm²]"})
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


# Through the server


OBJECTS = "/api/studies/small/objects"


def _measure_another_channel(workspace: Path) -> Path:
    path = workspace / "small" / "measurements" / "log-spots.parquet"
    frame = read_table(path)
    frame[GFP] = np.arange(len(frame), dtype=float)
    write_table(path, frame, {GFP: "a.u."})
    return path


def test_a_channel_of_any_name_can_be_asked_for(client: httpx.Client, workspace: Path) -> None:
    _measure_another_channel(workspace)
    found = client.get(OBJECTS, params={"candidate": "log-spots", "filter": f"{GFP}<3", "sort": f"-{GFP}"})
    assert found.status_code == 200
    at = [column["name"] for column in found.json()["columns"]].index(GFP)
    assert [row[at] for row in found.json()["rows"]] == [2.0, 1.0, 0.0]
    counted = client.get(f"{OBJECTS}/histogram", params={"candidate": "log-spots", "column": GFP, "bins": 3})
    assert counted.json()["unit"] == "a.u."


def test_a_table_measured_anew_is_read_anew(client: httpx.Client, workspace: Path) -> None:
    before = client.get(OBJECTS, params={"candidate": "log-spots"}).json()
    path = _measure_another_channel(workspace)
    frame = read_table(path).iloc[:2]
    write_table(path, frame, {})
    after = client.get(OBJECTS, params={"candidate": "log-spots"}).json()
    assert before["total"] > 2
    assert (after["total"], len(after["rows"])) == (2, 2)


def test_groups_are_those_of_the_images_now(client: httpx.Client, workspace: Path) -> None:
    import shutil

    shutil.rmtree(workspace / "small" / "audit")  # groups may be changed again
    listed = client.get("/api/studies/small/images")
    first = listed.json()["images"][0]
    changed = client.patch(
        "/api/studies/small/images",
        json={"changes": [{"id": first["id"], "group": "Neu ü"}]},
        headers={"if-match": listed.headers["etag"]},
    )
    assert changed.status_code == 200, changed.text
    mine = client.get(OBJECTS, params={"candidate": "log-spots", "filter": "group=Neu ü", "limit": 1}).json()
    both = client.get(
        OBJECTS, params={"candidate": "log-spots", "filter": f"image_id={first['id']}", "limit": 1}
    ).json()
    assert mine["matching"] == both["matching"] > 0


def test_a_table_that_was_cut_is_named(client: httpx.Client, workspace: Path) -> None:
    path = workspace / "small" / "measurements" / "log-spots.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    found = client.get(OBJECTS, params={"candidate": "log-spots"})
    assert found.status_code == 422
    assert found.json()["title"] == "A file cannot be read"
    assert "log-spots.parquet" in found.json()["detail"]
    path.with_suffix(".json").unlink()
    assert client.get(OBJECTS, params={"candidate": "log-spots"}).status_code in (409, 410, 422)
