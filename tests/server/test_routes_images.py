"""The table of images over HTTP: edited by one at a time, all or nothing, and read in any part."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from tests.server.conftest import Running, send_json

from veriscope.io.images import read_image

IMAGES = "/api/studies/small/images"
SHEET = f"{IMAGES}/sheet"


@pytest.fixture
def workspace(workspace: Path) -> Path:
    """The study before anything was drawn: groups can be changed."""
    for name in ("audit", "annotations", "evidence", "report"):
        shutil.rmtree(workspace / "small" / name)
    return workspace


def rows(client: httpx.Client) -> tuple[str, list[dict[str, Any]]]:
    """Tag and rows of the table, without how images look, which is measured meanwhile."""
    found = client.get(IMAGES)
    return found.headers["etag"], [row | {"quality": None} for row in found.json()["images"]]


def edit(client: httpx.Client, *changes: dict[str, Any], tag: str | None = None) -> httpx.Response:
    return client.patch(IMAGES, json={"changes": list(changes)}, headers={"if-match": tag or rows(client)[0]})


def send_sheet(client: httpx.Client, text: str | bytes, tag: str | None = None) -> httpx.Response:
    body = text.encode() if isinstance(text, str) else text
    return client.put(
        SHEET, content=body, headers={"if-match": tag or rows(client)[0], "content-type": "text/csv"}
    )


def test_an_edit_changes_its_row_and_nothing_else(client: httpx.Client, workspace: Path) -> None:
    tag, before = rows(client)
    name = before[3]["id"]
    saved = edit(client, {"id": name, "group": 'Ünal, "b"; c', "replicate": " r 1 "})
    assert saved.status_code == 200 and saved.headers["etag"] == rows(client)[0] != tag
    after = rows(client)[1]
    assert [row | {"quality": None} for row in saved.json()["images"]] == after
    assert (after[3]["group"], after[3]["replicate"]) == ('Ünal, "b"; c', "r 1")
    assert [row for row in after if row["id"] != name] == [row for row in before if row["id"] != name]
    back = edit(client, {"id": name, "group": before[3]["group"], "replicate": before[3]["replicate"]})
    assert back.headers["etag"] == tag, "the same content has the same tag"


def test_an_edit_of_what_was_loaded_before_is_refused(client: httpx.Client) -> None:
    tag, before = rows(client)
    change = {"id": before[0]["id"], "group": "new"}
    assert edit(client, change, tag=f"W/{tag}").status_code == 200
    late = edit(client, {"id": before[1]["id"], "group": "other"}, tag=tag)
    assert (late.status_code, late.json()["title"]) == (412, "Changed by someone else")
    assert late.headers["etag"] == late.json()["etag"] == rows(client)[0]
    assert send_sheet(client, "image,group\n", tag).status_code in (412, 422)
    for header in ({}, {"if-none-match": "*"}):
        bare = client.patch(IMAGES, json={"changes": [change]}, headers=header)
        assert (bare.status_code, bare.json()["title"]) == (428, "Which version was changed?")
    assert rows(client)[1][1]["group"] == before[1]["group"]
    assert edit(client, change, tag="*").status_code == 200


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "nope"}, "the study has no image 'nope'"),
        ({"id": "../control-1-01"}, "the study has no image '../control-1-01'"),
        ({"group": "  "}, "'  ' cannot be a group or replicate"),
        ({"replicate": "a\nb"}, "'a\\nb' cannot be a group or replicate"),
        ({"replicate": "a\u0000"}, "cannot be a group or replicate"),
        ({"spacing": {"y": 0.5}}, "has axes y, x and a pixel size was given for y"),
        ({"spacing": {"y": 0.5, "x": 0.5, "z": 1}}, "has axes y, x and a pixel size was given for x, y, z"),
        ({"spacing": "uncalibrated"}, "its pixel size 0.5 × 0.5 µm comes from the file"),
    ],
)
def test_of_several_changes_all_are_made_or_none(
    client: httpx.Client, change: dict[str, Any], said: str
) -> None:
    tag, before = rows(client)
    good = {"id": before[0]["id"], "group": "changed"}
    answer = edit(client, good, {"id": before[1]["id"]} | change)
    assert answer.status_code == 422 and said in answer.json()["detail"], answer.text
    assert rows(client) == (tag, before)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"changes": []}',
        '{"changes": [{"group": "a"}]}',
        '{"changes": [{"id": null}]}',
        '{"changes": [{"id": "a", "colour": "red"}]}',
        '{"changes": [{"id": "a", "group": ""}]}',
        '{"changes": [{"id": "a", "group": "\\ud800"}]}',
        '{"changes": [{"id": "a", "spacing": {"y": NaN, "x": 1}}]}',
        '{"changes": [{"id": "a", "spacing": {"y": -1}}]}',
        '{"changes": [{"id": "a", "spacing": {"y": 1e999}}]}',
        '{"changes": [{"id": "a", "spacing": {"c": 1}}]}',
        '{"changes": [{"id": "a", "spacing": "unknown"}]}',
    ],
)
def test_what_is_no_change(client: httpx.Client, text: str) -> None:
    before = rows(client)
    answer = send_json(client, IMAGES, text, "PATCH")
    assert answer.status_code == 422, answer.text
    assert rows(client) == before


def test_pixel_sizes_are_given_to_all_or_to_none(client: httpx.Client) -> None:
    _, before = rows(client)
    size = {"y": 0.25, "x": 0.3}
    saved = edit(client, *({"id": row["id"], "spacing": size} for row in before))
    assert saved.status_code == 200
    assert {row["spacing_text"] for row in saved.json()["images"]} == {"0.25 × 0.3 µm"}
    assert client.get("/api/studies/small").json()["calibrated"] is True


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_sheet_as_any_program_saves_it(client: httpx.Client, mark: str, coding: str) -> None:
    _, before = rows(client)
    lines = [mark.join(["Filename", "Treatment", "Animal"])]
    lines += [
        mark.join([f"{row['id']}.tif", "größer" if at % 2 else "klein", f"m{at // 4}"])
        for at, row in enumerate(before)
    ]
    saved = send_sheet(client, "\r\n".join(lines).encode(coding))
    assert saved.status_code == 200, saved.text
    assert [(row["group"], row["replicate"]) for row in saved.json()["images"]] == [
        ("größer" if at % 2 else "klein", f"m{at // 4}") for at in range(len(before))
    ]
    assert saved.headers["etag"] == rows(client)[0]


def sheet_of(before: list[dict[str, Any]], *more: str) -> str:
    return "\n".join(["image,group", *(f"{row['id']},a" for row in before), *more])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda before: "", "is empty"),
        (lambda before: "\x00\x01", "the sheet"),
        (
            lambda before: sheet_of(before).replace(",a", ",größer").encode("cp1252"),
            "cannot be read as a CSV",
        ),
        (lambda before: "colour,size\na,b\n", "no column for the image"),
        (lambda before: "image\na\n", "no column for the group"),
        (lambda before: sheet_of(before[1:]), "images without a row (1)"),
        (lambda before: sheet_of(before, "another,b"), "rows without an image (1): another"),
        (lambda before: sheet_of(before, f"{before[0]['id']},b"), "is named twice"),
        (lambda before: sheet_of(before[1:], f"{before[0]['id']},"), "has no group"),
        (lambda before: sheet_of(before[1:], f"{before[0]['id']},a,b,c"), "has 4 cells and the header 2"),
    ],
)
def test_a_sheet_that_does_not_fit_changes_nothing(
    client: httpx.Client, workspace: Path, make: Any, said: str
) -> None:
    tag, before = rows(client)
    answer = send_sheet(client, make(before), tag)
    assert answer.status_code == 422 and said in answer.json()["detail"], answer.text
    assert "/tmp" not in answer.text and str(workspace) not in answer.text
    assert rows(client) == (tag, before)


def test_who_may_edit_the_table(workspace: Path, lab: Callable[..., httpx.Client]) -> None:
    otto = lab("otto", "owner")
    tag, (first, *_) = rows(otto)
    change = {"changes": [{"id": first["id"], "group": "x"}]}
    for who in (lab("vera", "viewer"), lab("anna", "annotator")):
        assert who.patch(IMAGES, json=change, headers={"if-match": tag}).status_code == 403
        assert who.put(SHEET, content=b"image,group\n", headers={"if-match": tag}).status_code == 403
        assert rows(who)[0] == tag
    assert otto.patch(IMAGES, json=change, headers={"if-match": tag}).status_code == 200


@pytest.mark.parametrize(
    "image", ["nope", "%2e%2e", "%00", "x" * 600, "control-1-01%0a", "CONTROL-1-01", "%ff"]
)
@pytest.mark.parametrize("end", ["quality", "thumbnail", "tile", "histogram", "overlay?candidate=log-spots"])
def test_images_that_are_not_there(reader: httpx.Client, image: str, end: str) -> None:
    answer = reader.get(f"{IMAGES}/{image}/{end}")
    assert answer.status_code == 404 and answer.json()["detail"].startswith("The study has no image ")
    assert len(answer.json()["detail"]) < 600 and answer.json()["action"] == "Reload the images."


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("thumbnail?size=31", 422), ("thumbnail?size=1025", 422), ("thumbnail?size=nan", 422),
        ("tile?y0=-1", 422), ("tile?y0=2147483648", 422), ("tile?width=0", 422), ("tile?gamma=nan", 422),
        ("tile?gamma=0", 422), ("tile?low=nan", 422), ("tile?high=inf", 422), ("tile?color=red", 422),
        ("tile?channel=-1", 422), ("tile?z=min", 422), ("tile?t=-1", 422), ("overlay", 422),
        ("overlay?candidate=nope", 404), ("overlay?candidate=log-spots&contour=11", 422),
        ("histogram?channel=10001", 422), ("histogram?t=x", 422),
    ],
)  # fmt: skip
def test_what_no_picture_can_be_drawn_of(reader: httpx.Client, end: str, status: int) -> None:
    image = rows(reader)[1][0]["id"]
    answer = reader.get(f"{IMAGES}/{image}/{end}")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["detail"]


def test_a_histogram_counts_every_pixel(reader: httpx.Client, shared: Running) -> None:
    image = rows(reader)[1][0]["id"]
    found = reader.get(f"{IMAGES}/{image}/histogram").json()
    pixels = read_image(shared.settings.folder / "small" / "images" / f"{image}.ome.zarr").pixels.astype(
        float
    )
    counts, edges = np.histogram(pixels, 256)
    assert found["counts"] == counts.tolist() and found["edges"] == pytest.approx(edges.tolist())
    assert (found["low"], found["high"], found["sampled"]) == (pixels.min(), pixels.max(), False)
    for share in ("0.1", "1", "99", "99.9"):
        assert found["percentiles"][share] == pytest.approx(np.percentile(pixels, float(share)))
    json.loads(reader.get(f"{IMAGES}/{image}/histogram").text, parse_constant=pytest.fail)


def test_a_thumbnail_that_is_there_is_not_sent_again(reader: httpx.Client) -> None:
    address = rows(reader)[1][0]["thumbnail"]
    first = reader.get(address, params={"size": 64})
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for sent, status in ((tag, 304), (f"W/{tag}", 304), ('"other"', 200), ("", 200)):
        again = reader.get(address, params={"size": 64}, headers={"if-none-match": sent})
        assert (again.status_code, again.headers["etag"]) == (status, tag), sent
        assert bool(again.content) is (status == 200)
