"""Click-to-segment: outlines of what was pointed at, noted as seen, and no request waits for the model."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.server.conftest import Running, first_unit, label_headers

from veriscope.methods.prompts.segmenter import PromptSegmenter
from veriscope.zoo.segmenter_cache import SegmenterRecord, segmenter_folder
from veriscope.zoo.segmenters import remove_segmenter

TINY = "segmenter:tiny"


def ask(client: httpx.Client, unit: str, who: str = "anna", **given: Any) -> httpx.Response:
    return client.post(f"{unit}/segment", params={"annotator": who}, json={"segmenter": TINY} | given)


def mask_of(answer: httpx.Response, shape: tuple[int, int]) -> NDArray[np.bool_]:
    found = np.zeros(shape[0] * shape[1], bool)
    runs = answer.json()["runs"]
    for first, length in zip(runs[::2], runs[1::2], strict=True):
        assert not found[first : first + length].any()
        found[first : first + length] = True
    return found.reshape(shape)


def brightest(client: httpx.Client, unit: str) -> tuple[NDArray[Any], int, int]:
    """Pixels of a tile, and a place well inside of an object."""
    from scipy import ndimage

    given = client.get(f"{unit}/pixels")
    shape = tuple(map(int, given.headers["x-shape"].split(",")))
    pixels = np.frombuffer(given.content, given.headers["x-dtype"]).reshape(shape)[0]
    smooth = ndimage.gaussian_filter(pixels.astype(float), 3)
    y, x = np.unravel_index(smooth.argmax(), smooth.shape)
    return pixels, int(y), int(x)


def parts_of(running: Running) -> Any:
    return running.server.config.app.state.parts  # type: ignore[union-attr]


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_where_no_model_was_added_none_is_offered(reader: httpx.Client) -> None:
    assert reader.get("/api/segmenters").json() == []
    refused = ask(reader, first_unit(reader), points=[{"y": 3, "x": 3}])
    assert refused.status_code == 404
    assert (
        refused.json()["detail"]
        == "There is no model for click-to-segment 'segmenter:tiny'; added are: none."
    )
    assert refused.json()["action"] == "Add one on the server: veriscope models add FOLDER."


def test_a_click_gives_an_outline_and_is_noted_as_seen(
    added: SegmenterRecord, workspace: Path, launch: Callable[..., Running]
) -> None:
    running = launch(workspace)
    client = running.client()
    (listed,) = client.get("/api/segmenters").json()
    assert (listed["name"], listed["licence"], listed["side"], listed["evidence"]) == (
        TINY, "CC0-1.0", 1024, "untested",
    )  # fmt: skip
    unit = first_unit(client)
    pixels, y, x = brightest(client, unit)

    ready = ask(client, unit).json()
    assert (ready["runs"], ready["area"], ready["quality"]) == ([], 0, None)
    assert client.get(unit).json()["shown"] == []  # nothing was seen yet

    found = ask(client, unit, points=[{"y": y, "x": x}])
    assert found.status_code == 200, found.text
    mask = mask_of(found, pixels.shape)
    assert mask[y, x] and found.json()["area"] == mask.sum() > 20
    assert pixels[mask].mean() > pixels[~mask].mean() + pixels.std()
    assert 0 < found.json()["quality"] <= 1 and found.json()["evidence"] == "untested"

    narrower = ask(client, unit, points=[{"y": y, "x": x}], box=[y - 3, x - 3, y + 4, x + 4])
    assert mask_of(narrower, pixels.shape).sum() <= 49
    assert parts_of(running).segmenting.n_embedded == 1  # the tile was read once
    ask(client, unit, who="ben", points=[{"y": y, "x": x}])
    shown = client.get(unit).json()["shown"]
    assert [(item["annotator"], item["candidate"]) for item in shown] == [("anna", TINY), ("ben", TINY)]
    entries = client.get(f"{unit}/journal", params={"annotator": "anna"}).json()["entries"]
    assert [(entry["kind"], entry["data"]["sha256"]) for entry in entries] == [
        ("proposal-shown", found.json()["sha256"])
    ]


def test_a_changed_image_is_read_anew(
    added: SegmenterRecord, workspace: Path, launch: Callable[..., Running]
) -> None:
    running = launch(workspace)
    client = running.client()
    unit = first_unit(client)
    image = client.get(unit).json()["image_id"]
    assert ask(client, unit).status_code == ask(client, unit).status_code == 200
    assert parts_of(running).segmenting.n_embedded == 1
    metadata = workspace / "small" / "images" / f"{image}.ome.zarr" / "zarr.json"
    metadata.write_text(metadata.read_text() + " ")
    assert ask(client, unit).status_code == 200
    assert parts_of(running).segmenting.n_embedded == 2


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"points": [{"y": 3, "x": 3, "inside": False}]}, 422, "nothing shows where the object is"),
        ({"points": [{"y": 1e6, "x": 3}]}, 422, "lies outside the image"),
        ({"points": [{"y": 3, "x": 3}] * 65}, 422, "64"),
        ({"box": [5, 5, 5, 9]}, 422, "is empty or leaves the image"),
        ({"box": [5, 5, 9]}, 422, "body.box"),
        ({"points": [{"y": "a", "x": 3}]}, 422, "body.points.0.y"),
        ({"points": [{"y": 3, "x": 3, "z": 3}]}, 422, "body.points.0.z"),
        ({"channels": []}, 422, "body.channels"),
        ({"channels": [-1]}, 422, "body.channels.0"),
        ({"segmenter": "segmenter:../tiny"}, 404, "There is no model"),
        ({"segmenter": "x" * 101}, 422, "body.segmenter"),
        ({"masks": 3}, 422, "body.masks"),
    ],
)  # fmt: skip
def test_wrong_questions_are_refused(
    added: SegmenterRecord, reader: httpx.Client, given: dict[str, Any], status: int, says: str
) -> None:
    answer = ask(reader, first_unit(reader), **given)
    assert answer.status_code == status and says in answer.json()["detail"], answer.text


def test_forged_tiles_and_annotators_are_refused(added: SegmenterRecord, reader: httpx.Client) -> None:
    forged = reader.post("/api/studies/small/audit/units/nothing/segment", json={"segmenter": TINY})
    assert forged.status_code == 404
    assert ask(reader, first_unit(reader), who="../x").status_code == 422
    bare = httpx.post(f"{reader.base_url}{first_unit(reader)}/segment", json={"segmenter": TINY})
    assert bare.status_code == 403  # without the header that other sites cannot send


def test_a_model_that_was_damaged_or_removed_is_said(added: SegmenterRecord, client: httpx.Client) -> None:
    unit = first_unit(client)
    file = segmenter_folder("tiny") / "decoder.onnx"
    file.write_bytes(file.read_bytes()[:-9])
    broken = ask(client, unit)
    assert (
        broken.status_code == 409
        and "decoder.onnx was changed after it was verified" in broken.json()["detail"]
    )
    (segmenter_folder("tiny") / "record.json").write_text("{}")
    assert client.get("/api/segmenters").json() == []
    remove_segmenter("tiny")
    assert ask(client, unit).status_code == 404


def test_who_may_only_look_cannot_ask(
    added: SegmenterRecord, workspace: Path, tmp_path: Path, launch: Callable[..., Running]
) -> None:
    from veriscope.server.access.accounts import Accounts

    path = tmp_path / "accounts.sqlite"
    accounts = Accounts(path)
    accounts.add("vera", "a long enough password", "viewer")
    accounts.close()
    client = launch(workspace, token=None, accounts=path).client(sign_in=False)
    signed = client.post("/api/session", json={"user": "vera", "password": "a long enough password"})
    assert signed.status_code == 200, signed.text
    unit = first_unit(client)
    assert client.get("/api/segmenters").json()[0]["name"] == TINY
    assert client.post(f"{unit}/segment", json={"segmenter": TINY}).status_code == 403


def test_other_requests_are_answered_while_the_model_reads(
    added: SegmenterRecord, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    embed = PromptSegmenter.embed

    def slow(self: PromptSegmenter, *given: Any, **more: Any) -> Any:
        reading.set()
        assert go_on.wait(60)
        return embed(self, *given, **more)

    monkeypatch.setattr(PromptSegmenter, "embed", slow)
    unit = first_unit(client)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(ask(client, unit).status_code))
    asking.start()
    try:
        assert reading.wait(60)
        for _ in range(5):
            assert client.get("/api/session").status_code == 200
            assert client.get(unit).status_code == 200
        assert answers == []  # the model is still reading
    finally:
        go_on.set()
        asking.join(60)
    assert answers == [200]


def test_a_page_that_was_closed_is_not_worked_for(
    added: SegmenterRecord,
    workspace: Path,
    launch: Callable[..., Running],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    embed = PromptSegmenter.embed

    def slow(self: PromptSegmenter, *given: Any, **more: Any) -> Any:
        reading.set()
        assert go_on.wait(120)
        return embed(self, *given, **more)

    monkeypatch.setattr(PromptSegmenter, "embed", slow)
    running = launch(workspace)
    client, serving = running.client(), parts_of(running).segmenting
    units = [item["unit"] for item in client.get("/api/studies/small/audit").json()["units"][:2]]
    first, second = (f"/api/studies/small/audit/units/{name}" for name in units)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(ask(client, first).status_code))
    asking.start()
    try:
        assert reading.wait(60)
        page = http.client.HTTPConnection("127.0.0.1", running.settings.port, timeout=60)
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        headers = {"cookie": cookie, "x-veriscope": "1", "content-type": "application/json"}
        page.request("POST", f"{second}/segment", json.dumps({"segmenter": TINY}), headers)
        wait_until(lambda: serving.n_waiting == 2)
        page.close()
        wait_until(lambda: serving.n_waiting == 1)
        assert answers == []  # the first is still being read
    finally:
        go_on.set()
        asking.join(60)
    assert answers == [200] and ask(client, first).status_code == 200
    assert serving.n_embedded == 1


def test_models_whose_outlines_were_taken_stand_beside_the_version(
    client: httpx.Client, workspace: Path
) -> None:
    unit = first_unit(client)
    shape = tuple(client.get(unit).json()["shape"])
    labels = np.zeros(shape, np.uint16)
    labels[4:9, 4:9] = 1
    params: dict[str, Any] = {"annotator": "anna", "segmenter": [TINY, "segmenter:b.2", TINY]}
    headers = label_headers(labels, **{"if-none-match": "*"})
    saved = client.put(f"{unit}/annotation", params=params, content=labels.tobytes(), headers=headers)
    assert saved.status_code == 200, saved.text
    version = client.get(f"{unit}/versions").json()[-1]
    assert version["segmenters"] == ["segmenter:b.2", TINY]
    assert client.get(f"{unit}/versions").json()[0]["segmenters"] == []
    later = labels.copy()
    later[20, 20] = 2  # drawn on in another browser, which knows of no model
    headers = label_headers(later, **{"if-match": saved.headers["etag"]})
    del params["segmenter"]
    again = client.put(f"{unit}/annotation", params=params, content=later.tobytes(), headers=headers)
    assert again.status_code == 200
    assert client.get(f"{unit}/versions").json()[-1]["segmenters"] == ["segmenter:b.2", TINY]
    params["segmenter"] = ["../x"]
    assert client.put(f"{unit}/annotation", params=params, content=b"", headers=headers).status_code == 422
