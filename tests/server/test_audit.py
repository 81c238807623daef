"""Annotating tiles: nothing is lost, nothing is overwritten."""

from __future__ import annotations

import errno
import gzip
import io
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image as Picture
from tests.server.conftest import Running, first_unit, label_headers, save_labels

from veriscope.core.image import Image
from veriscope.io.labels import read_labels, write_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.workflow.layout import StudyFolder


def context_of(client: httpx.Client, unit: str) -> tuple[int, int]:
    height, width = client.get(unit).json()["shape"]
    return height, width


def save(
    client: httpx.Client, unit: str, labels: np.ndarray[Any, Any], who: str = "anna", **headers: str
) -> httpx.Response:
    return save_labels(client, unit, labels, who, **headers)


def blank(client: httpx.Client, unit: str) -> np.ndarray[Any, Any]:
    return np.zeros(context_of(client, unit), np.uint16)


def test_tiles_come_in_the_order_that_counts(reader: httpx.Client) -> None:
    audit = reader.get("/api/studies/small/audit").json()
    groups = [unit["group"] for unit in audit["units"]]
    assert audit["drawn"] and audit["roles"]["audit"]["n_drawn"] == 14
    assert groups[:4] == ["control", "treated", "control", "treated"]
    unit = audit["units"][0]
    assert (unit["state"], unit["annotators"][0]["annotator"]) == ("annotated", "reference")
    y0, x0, y1, x1 = unit["box"]
    assert unit["context"][0] <= y0 < y1 <= unit["context"][2] and unit["context"][1] <= x0 < x1


def test_a_tile_is_saved_and_comes_back(client: httpx.Client) -> None:
    unit = first_unit(client)
    labels = blank(client, unit)
    labels[5:9, 6:12], labels[20:30, 3:9] = 1, 7

    saved = save(client, unit, labels, **{"if-none-match": "*"})
    assert saved.json() | {"version": 0} == {
        "unit": unit.rsplit("/", 1)[1], "annotator": "anna", "version": 0, "etag": saved.headers["etag"],
        "n_objects": 2, "changed": True,
    }  # fmt: skip
    back = client.get(f"{unit}/annotation", params={"annotator": "anna"})
    assert back.headers["etag"] == saved.headers["etag"]
    shape = tuple(map(int, back.headers["x-shape"].split(",")))
    np.testing.assert_array_equal(np.frombuffer(back.content, "<u2").reshape(shape), labels)

    as_png = client.get(f"{unit}/annotation?annotator=anna", headers={"accept": "image/png"})
    np.testing.assert_array_equal(np.asarray(Picture.open(io.BytesIO(as_png.content))), labels)
    same = client.put(
        f"{unit}/annotation?annotator=anna",
        content=gzip.compress(as_png.content),
        headers={"content-type": "image/png", "content-encoding": "gzip", "if-match": saved.headers["etag"]},
    )
    assert same.json()["changed"] is False


def test_the_command_line_sees_what_the_app_saved(client: httpx.Client, workspace: Path) -> None:
    from veriscope.workflow.study import Study

    unit = first_unit(client)
    save(client, unit, blank(client, unit), **{"if-none-match": "*"})
    study = Study(workspace / "small")
    assert study.audit()["audit"]["to_annotate"] == []
    counts = {tile["name"]: tile["n_reference"] for tile in _validated(study)}
    assert counts[unit.rsplit("/", 1)[1]] == 0  # the reference that was there before had objects


def _validated(study: Any) -> list[dict[str, Any]]:
    tiles: list[dict[str, Any]] = study.validate()["candidates"]["otsu-watershed"]["tiles"]
    return tiles


def test_two_windows_cannot_overwrite_each_other(client: httpx.Client) -> None:
    unit = first_unit(client)
    labels = blank(client, unit)
    first = save(client, unit, labels, **{"if-none-match": "*"}).headers["etag"]
    labels[3, 3] = 1
    second = save(client, unit, labels, **{"if-match": first})
    labels[4, 4] = 2

    late = save(client, unit, labels, **{"if-match": first})

    assert (late.status_code, late.headers["etag"]) == (412, second.headers["etag"])
    assert save(client, unit, labels, **{"if-none-match": "*"}).status_code == 412
    assert save(client, unit, labels).status_code == 428
    assert save(client, unit, labels, **{"if-match": second.headers["etag"]}).status_code == 200
    mine = [v for v in client.get(f"{unit}/versions").json() if v["annotator"] == "anna"]
    assert [version["n_objects"] for version in mine] == [0, 1, 2]
    old = client.get(f"{unit}/annotation", params={"annotator": "anna", "version": mine[1]["version"]})
    assert np.count_nonzero(np.frombuffer(old.content, "<u2")) == 1


def test_of_many_writers_at_once_exactly_one_wins(client: httpx.Client) -> None:
    unit = first_unit(client)
    shape = context_of(client, unit)
    statuses: list[int] = []

    def write(value: int) -> None:
        labels = np.full(shape, value, np.uint16)
        statuses.append(save(client, unit, labels, **{"if-none-match": "*"}).status_code)

    threads = [threading.Thread(target=write, args=(value,)) for value in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200] + [412] * 7


def test_each_annotator_has_versions_of_their_own(client: httpx.Client) -> None:
    unit = first_unit(client)
    labels = blank(client, unit)
    detail = client.get(unit).json()
    y, x = (5 + a - b for a, b in zip(detail["box"][:2], detail["context"][:2], strict=True))
    labels[y : y + 10, x : x + 10] = 1
    assert save(client, unit, labels, "anna", **{"if-none-match": "*"}).status_code == 200
    labels[y : y + 10, x + 6 : x + 10] = 0
    assert save(client, unit, labels, "Ben B.-2", **{"if-none-match": "*"}).status_code == 200

    found = client.get("/api/studies/small/audit/agreement").json()
    pair = next(item for item in found["pairs"] if {item["a"], item["b"]} == {"anna", "Ben B.-2"})
    assert (pair["n_units"], pair["units"][0]["matched"], pair["count_difference"]) == (1, 1, 0.0)
    assert pair["metrics"]["f1@0.5"]["value"] == 1.0 and pair["metrics"]["f1@0.7"]["value"] == 0.0
    n = len(found["pairs"])
    told = "1 pair of annotators has drawn" if n == 1 else f"{n} pairs of annotators have drawn"
    assert found["text"].startswith(f"{told} the same tiles.")


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "x" * 65, "a:b", "a "])
def test_names_of_annotators_are_names(reader: httpx.Client, name: str) -> None:
    unit = first_unit(reader)
    answer = reader.post(f"{unit}/journal", params={"annotator": name}, json={"client": "t", "entries": []})
    assert answer.status_code == (200 if name == "" else 422)


def test_what_is_no_label_image_of_the_tile_is_refused(reader: httpx.Client) -> None:
    unit = first_unit(reader)
    height, width = context_of(reader, unit)
    good = {"content-type": "application/octet-stream", "x-shape": f"{height},{width}", "x-dtype": "uint16"}
    raw = bytes(height * width * 2)
    cases: list[tuple[bytes, dict[str, str], int]] = [
        (raw[:-1], {}, 422),
        (raw, {"x-shape": f"{height + 1},{width}"}, 422),
        (raw, {"x-shape": "-1,5"}, 422),
        (raw, {"x-dtype": "float64"}, 422),
        (raw, {"content-type": "application/x-pickle"}, 415),
        (b"no picture", {"content-type": "image/png"}, 422),
        (b"no gzip", {"content-encoding": "gzip"}, 422),
        (gzip.compress(bytes(50_000_000)), {"content-encoding": "gzip"}, 413),
        (raw, {"content-encoding": "br"}, 415),
    ]
    for body, changes, status in cases:
        headers = good | {"if-none-match": "*"} | changes
        answer = reader.put(f"{unit}/annotation?annotator=x", content=body, headers=headers)
        assert (answer.status_code, answer.json()["title"] != "") == (status, True), (changes, answer.text)
    assert reader.get(f"{unit}/annotation?annotator=x").status_code == 404


@pytest.mark.parametrize("unit", ["nothing", "%2e%2e", "%2e%2e%2fx", "a_tile000"])
def test_forged_tiles_are_not_found(reader: httpx.Client, unit: str) -> None:
    for rest in ("", "/crop", "/pixels", "/versions", "/journal", "/annotation?annotator=a"):
        assert reader.get(f"/api/studies/small/audit/units/{unit}{rest}").status_code == 404


def strokes(first: int, n: int) -> list[dict[str, Any]]:
    return [
        {"seq": first + i, "time": "2026-01-01T00:00:00Z", "kind": "stroke", "data": {"i": first + i}}
        for i in range(n)
    ]


def test_strokes_survive_a_restart_and_are_never_doubled(
    workspace: Path, launch: Callable[..., Running]
) -> None:
    running = launch(workspace)
    client = running.client()
    unit = first_unit(client)
    where = {"annotator": "anna"}

    def send(entries: list[dict[str, Any]], tab: str = "tab1") -> httpx.Response:
        return client.post(f"{unit}/journal", params=where, json={"client": tab, "entries": entries})

    assert send(strokes(1, 3)).json()["last_seq"] == 3
    assert send(strokes(2, 4)).json()["last_seq"] == 5  # the answer to the first was lost
    gap = send(strokes(8, 1))
    assert (gap.status_code, gap.json()["last_seq"]) == (409, 5)
    assert send(strokes(1, 1), "tab2").json()["last_seq"] == 1
    running.stop()
    name = unit.rsplit("/", 1)[1]
    journal = workspace / "small" / "annotations" / name / "anna.journal.jsonl"
    with journal.open("ab") as stream:
        stream.write(b'{"n": 7, "client": "tab1", "se')  # cut off by a power failure

    client = launch(workspace).client()
    assert send(strokes(6, 1)).json()["last_seq"] == 6
    found = client.get(f"{unit}/journal", params=where).json()
    assert [(e["client"], e["seq"], e["data"]["i"]) for e in found["entries"]] == [
        *(("tab1", i, i) for i in range(1, 6)), ("tab2", 1, 1), ("tab1", 6, 6),
    ]  # fmt: skip
    assert found["clients"] == {"tab1": 6, "tab2": 1}
    rest = client.get(f"{unit}/journal", params=where | {"after": found["last"] - 1}).json()
    assert [entry["seq"] for entry in rest["entries"]] == [6]
    assert client.get(unit).json()["state"] == "annotated"  # a journal alone is no annotation


def test_what_annotators_saw_is_recorded(client: httpx.Client, workspace: Path) -> None:
    unit = first_unit(client)
    assert client.get(unit).json()["shown"] == []
    shown = client.get(f"{unit}/proposal", params={"candidate": "log-spots", "annotator": "anna"})
    assert shown.headers["x-shape"] == ",".join(map(str, context_of(client, unit)))
    labels = np.frombuffer(shown.content, shown.headers["x-dtype"]).reshape(context_of(client, unit))
    answer = client.put(
        f"{unit}/annotation",
        params={"annotator": "anna", "seconds": 12.5, "blind": False, "proposal": "log-spots"},
        content=labels.tobytes(),
        headers=label_headers(labels, **{"if-none-match": "*"}),
    )
    assert answer.status_code == 200
    detail = client.get(unit).json()
    assert [(item["annotator"], item["candidate"]) for item in detail["shown"]] == [("anna", "log-spots")]
    mine = next(item for item in detail["annotators"] if item["annotator"] == "anna")
    assert mine["seconds"] == 12.5
    version = client.get(f"{unit}/versions").json()[-1]
    assert (version["blind"], version["proposal"]) == (False, "log-spots")
    beside = next((workspace / "small/annotations").rglob("anna.v*.json"))
    assert json.loads(beside.read_text())["shown"] == ["log-spots"]


def test_what_was_seen_before_a_tile_was_saved_blind_is_not_forgotten(
    client: httpx.Client, workspace: Path
) -> None:
    unit = first_unit(client)
    labels = np.zeros(context_of(client, unit), np.uint16)
    labels[:9, :9] = 1

    def saved(who: str) -> list[str]:
        headers = label_headers(labels, **{"if-none-match": "*"})
        where = {"annotator": who, "blind": True}
        assert client.put(
            f"{unit}/annotation", params=where, content=labels.tobytes(), headers=headers
        ).is_success
        beside = next((workspace / "small/annotations").rglob(f"{who}.v*.json"))
        return list(json.loads(beside.read_text())["shown"])

    client.get(f"{unit}/proposal", params={"candidate": "log-spots", "annotator": "anna"})
    assert saved("anna") == ["log-spots"]
    assert saved("ben") == []  # what anna has seen leads her hand alone


def test_each_plane_of_a_stack_has_pixels_of_its_own(client: httpx.Client, workspace: Path) -> None:
    unit = first_unit(client)
    detail = client.get(unit).json()
    folder = StudyFolder(workspace / "small")
    row = next(image for image in folder.images() if image.image_id == detail["image_id"])
    plane = folder.read(row).pixels
    stack = np.stack([plane, plane + 1, plane + 2])  # by hand: studies take in single planes
    write_ome_zarr(workspace / "small" / "images" / "stack.ome.zarr", Image(stack, "zyx", None))
    changed = replace(
        row, path="images/stack.ome.zarr", axes="zyx", spacing="uncalibrated",
        shape="x".join(map(str, stack.shape)), reading="",
    )  # fmt: skip
    folder.write_images([changed if image == row else image for image in folder.images()])
    y0, x0, y1, x1 = detail["context"]
    for z in range(3):
        found = client.get(f"{unit}/pixels", params={"z": z})
        assert found.headers["x-shape"] == f"1,{y1 - y0},{x1 - x0}"
        pixels = np.frombuffer(found.content, found.headers["x-dtype"]).reshape(y1 - y0, x1 - x0)
        np.testing.assert_array_equal(pixels, stack[z, y0:y1, x0:x1])
    refused = client.get(f"{unit}/pixels", params={"z": 3})
    assert refused.status_code == 422
    assert refused.json()["detail"] == "There is no z = 3; the image has 3."


def test_pixels_are_those_of_the_image(client: httpx.Client, workspace: Path) -> None:
    from veriscope.io.images import read_image

    unit = first_unit(client)
    detail = client.get(unit).json()
    found = client.get(f"{unit}/pixels")
    y0, x0, y1, x1 = detail["context"]
    whole = read_image(workspace / "small" / "images" / f"{detail['image_id']}.ome.zarr").pixels
    pixels = np.frombuffer(found.content, found.headers["x-dtype"])
    np.testing.assert_array_equal(
        pixels.reshape(tuple(map(int, found.headers["x-shape"].split(",")))), whole[None, y0:y1, x0:x1]
    )


def test_a_full_disk_loses_nothing(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = first_unit(client)
    labels = blank(client, unit)
    etag = save(client, unit, labels, **{"if-none-match": "*"}).headers["etag"]
    labels[1, 1] = 1

    def fail(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fail)
        full = save(client, unit, labels, **{"if-match": etag})
        journal = client.post(f"{unit}/journal", json={"client": "t", "entries": strokes(1, 1)})
    assert (full.status_code, journal.status_code) == (507, 507)
    assert full.json()["title"] == "The disk is full"
    assert client.get(f"{unit}/annotation?annotator=anna").headers["etag"] == etag
    assert save(client, unit, labels, **{"if-match": etag}).status_code == 200


def test_100_000_objects(client: httpx.Client, workspace: Path) -> None:
    unit = first_unit(client)
    height, width = context_of(client, unit)
    labels = (np.arange(height * width, dtype=np.uint32).reshape(height, width) * 17) + 100_000
    saved = save(client, unit, labels, **{"if-none-match": "*"})
    assert (saved.status_code, saved.json()["n_objects"]) == (200, height * width)
    back = client.get(f"{unit}/annotation?annotator=anna")
    assert back.headers["x-dtype"] == "uint32"
    np.testing.assert_array_equal(np.frombuffer(back.content, "<u4").reshape(height, width), labels)
    as_png = client.get(f"{unit}/annotation?annotator=anna", headers={"accept": "image/png"})
    assert as_png.status_code == 406
    path = next((workspace / "small/annotations").rglob("anna.v*.tif"))
    assert read_labels(path).dtype == np.uint32


def test_the_live_estimate_follows_the_annotations(client: httpx.Client) -> None:
    before = client.get("/api/studies/small/audit/estimate").json()
    assert before["n_counted"] == before["n_annotated"] > 5
    assert {group["group"] for group in before["groups"]} == {"control", "treated"}
    assert all(group["evidence"] == "audited" for group in before["groups"])
    unit = first_unit(client)
    labels = blank(client, unit)
    y0, x0, *_ = client.get(unit).json()["box"]
    top, left = (a - b for a, b in zip((y0, x0), client.get(unit).json()["context"][:2], strict=True))
    for i in range(30):  # far more objects than there are
        labels[top + 1 + i, left + 1 : left + 4] = i + 1
    save(client, unit, labels, **{"if-none-match": "*"})
    after = client.get("/api/studies/small/audit/estimate").json()
    assert after["groups"][0]["estimate"] != before["groups"][0]["estimate"]
    assert client.get("/api/studies/small/answer").json()["stale"] is True


def test_before_anything_is_drawn(client: httpx.Client, workspace: Path) -> None:
    import shutil

    for name in ("audit", "annotations", "evidence", "report"):
        shutil.rmtree(workspace / "small" / name)
    assert client.get("/api/studies/small/audit").json()["suggested_tiles"] == 20
    assert client.get("/api/studies/small").json()["next"]["step"] == "draw"
    live = client.get("/api/studies/small/audit/estimate")
    assert (live.status_code, live.json()["action"]) == (409, "Draw tiles under Audit")
    few = client.post("/api/studies/small/audit/draw", json={"tiles": 2})
    assert few.status_code == 422
    drawn = client.post("/api/studies/small/audit/draw", json={"tiles": 6, "training": 2}).json()
    assert drawn["roles"]["audit"]["n_drawn"] == 6 and drawn["roles"]["training"]["n_drawn"] == 2
    assert {unit["state"] for unit in drawn["units"]} == {"open"}
    assert client.get("/api/studies/small/audit/estimate").status_code == 409


def test_references_wider_than_the_context_are_cut_for_show_only(
    client: httpx.Client, workspace: Path
) -> None:
    unit = first_unit(client)
    name = unit.rsplit("/", 1)[1]
    path = workspace / "small" / "annotations" / name / "wide.v9.tif"
    labels = np.zeros((144, 160), np.uint16)
    labels[:, :] = 1
    write_labels(path, labels)
    path.with_suffix(".json").write_text('{"y0": 0, "x0": 0}')
    found = client.get(f"{unit}/annotation?annotator=wide")
    assert found.headers["x-cut"] == "true"
    assert found.headers["x-shape"] == ",".join(map(str, context_of(client, unit)))
