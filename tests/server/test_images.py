"""Images: their table, pictures, and OME-Zarr files."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image as Picture
from tests.server.conftest import Running

from veriscope.core.image import Image
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.workflow.study import Study


def fresh(workspace: Path) -> None:
    """Forget the audit: groups can be changed then."""
    for name in ("audit", "annotations", "evidence", "report"):
        shutil.rmtree(workspace / "small" / name)


def test_the_list_of_studies(reader: httpx.Client) -> None:
    found = reader.get("/api/studies").json()
    (study,) = found["studies"]
    assert (study["id"], study["name"], found["single"]) == ("small", "Small & finished", False)
    assert study["groups"][0] == {"group": "control", "n_images": 4, "n_replicates": 2}
    assert study["verdict"]["evidence"] == "audited" and study["verdict"]["stale"] is False
    assert study["verdict"]["verdict"] == "cannot-tell"
    assert study["next"]["step"] == "more", "what the verdict lacks, though all steps are done"
    assert reader.get(study["thumbnail"]).headers["content-type"] == "image/png"


def test_a_broken_study_is_listed_with_what_is_wrong(client: httpx.Client, workspace: Path) -> None:
    (workspace / "small" / "study.yaml").write_text("name: [")
    (study,) = client.get("/api/studies").json()["studies"]
    assert study["problem"]["status"] == 422 and "not valid YAML" in study["problem"]["detail"]
    assert str(workspace) not in study["problem"]["detail"]
    assert client.get("/api/studies/small/candidates").status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/api/studies/%2e%2e", "/api/studies/%2fetc", "/api/studies/small%2f%2e%2e", "/api/studies/%00",
        "/api/studies/.veriscope/images", "/api/studies/small/images/..%2f..%2fstudy/thumbnail",
        "/api/studies/small/images/nope/quality", "/files/small/images/nope/x/zarr.json",
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_not_found(reader: httpx.Client, path: str) -> None:
    answer = reader.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


@pytest.mark.parametrize(
    "key",
    [
        "%2e%2e/%2e%2e/study.yaml",
        "0/%2e%2e/%2e%2e/images.csv",
        "0/c/0/%2e%2e/%2e%2e/zarr.json",
        "x",
        "",
    ],
)
def test_keys_of_a_store_are_keys(reader: httpx.Client, key: str) -> None:
    root = reader.get("/api/studies/small/images").json()["images"][0]["zarr"]
    assert reader.get(f"{root}/{key}").status_code in (404, 405)


def test_a_link_out_of_the_workspace_shows_nothing(client: httpx.Client, workspace: Path) -> None:
    outside = workspace.parent / "outside"
    shutil.move(workspace / "small", outside)
    (workspace / "small").symlink_to(outside)
    assert client.get("/api/studies").json()["studies"] == []
    assert client.get("/api/studies/small").status_code == 404


def test_ome_zarr_with_ranges(reader: httpx.Client) -> None:
    root = reader.get("/api/studies/small/images").json()["images"][0]["zarr"]
    group = reader.get(f"{root}/zarr.json").json()["attributes"]["ome"]
    assert group["multiscales"][0]["axes"][0] == {"name": "y", "type": "space", "unit": "micrometer"}
    whole = reader.get(f"{root}/0/c/0/0")
    assert "immutable" in whole.headers["cache-control"]
    size = len(whole.content)
    for text, expected in (
        ("bytes=0-9", whole.content[:10]),
        ("bytes=5-", whole.content[5:]),
        ("bytes=-7", whole.content[-7:]),
        (f"bytes={size - 2}-{size + 100}", whole.content[-2:]),
    ):
        part = reader.get(f"{root}/0/c/0/0", headers={"range": text})
        assert (part.status_code, part.content) == (206, expected)
        assert part.headers["content-range"].endswith(f"/{size}")
    for text in (f"bytes={size}-", "bytes=9-3", "bytes=-", "lines=1-2", "bytes=0-1,3-4"):
        assert reader.get(f"{root}/0/c/0/0", headers={"range": text}).status_code == 416
    head = reader.head(f"{root}/0/c/0/0")
    assert (head.status_code, head.headers["content-length"]) == (200, str(size))
    assert reader.get(f"{root}/0/c/9/9").status_code == 404


def test_labels_are_served_as_stored(reader: httpx.Client, shared: Running) -> None:
    import zarr

    rows = reader.get("/api/studies/small/candidates/log-spots/images").json()
    stored = shared.settings.folder / f"small/predictions/log-spots/{rows[0]['id']}.ome.zarr/0/c/0/0"
    assert reader.get(f"{rows[0]['labels']}/0/c/0/0").content == stored.read_bytes()
    group = reader.get(f"{rows[0]['labels']}/zarr.json").json()
    assert "image-label" in group["attributes"]["ome"]
    labels = zarr.open_array(str(stored.parents[2]), mode="r")[...]
    assert rows[0]["n_objects"] == labels.max()
    assert reader.get("/api/studies/small/candidates/no-such/images").status_code == 404


def edit(client: httpx.Client, etag: str | None, *changes: dict[str, Any]) -> httpx.Response:
    headers = {} if etag is None else {"if-match": etag}
    return client.patch("/api/studies/small/images", json={"changes": list(changes)}, headers=headers)


def test_groups_are_edited_without_losing_updates(client: httpx.Client, workspace: Path) -> None:
    fresh(workspace)
    found = client.get("/api/studies/small/images")
    first, second = (image["id"] for image in found.json()["images"][:2])
    etag = found.headers["etag"]

    changed = edit(client, etag, {"id": first, "group": "placebo"}, {"id": second, "replicate": "mouse 3"})
    assert changed.status_code == 200 and changed.headers["etag"] != etag
    late = edit(client, etag, {"id": first, "group": "other"})
    assert (late.status_code, late.headers["etag"]) == (412, changed.headers["etag"])
    assert edit(client, None, {"id": first, "group": "other"}).status_code == 428
    rows = {row.image_id: row for row in Study(workspace / "small").images}
    assert (rows[first].group, rows[second].replicate) == ("placebo", "mouse 3")

    etag = changed.headers["etag"]
    wrong = edit(client, etag, {"id": first, "group": "x"}, {"id": "nope", "group": "y"})
    assert wrong.status_code == 422 and "no image 'nope'" in wrong.json()["detail"]
    assert Study(workspace / "small").images[0].group == "placebo"
    table = client.get("/api/studies/small/objects?filter=group=placebo").json()
    assert table["matching"] > 0  # also without measuring again


def test_two_editors_at_once(client: httpx.Client, workspace: Path) -> None:
    fresh(workspace)
    found = client.get("/api/studies/small/images")
    first, statuses = found.json()["images"][0]["id"], []

    def write(name: str) -> None:
        statuses.append(edit(client, found.headers["etag"], {"id": first, "group": name}).status_code)

    threads = [threading.Thread(target=write, args=(f"g{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200] + [412] * 5


def test_the_pixel_size_is_corrected_for_all_that_follows(client: httpx.Client, workspace: Path) -> None:
    fresh(workspace)
    found = client.get("/api/studies/small/images")
    rows = found.json()["images"]
    changes = [{"id": row["id"], "spacing": {"y": 0.25, "x": 0.25}} for row in rows]
    changed = edit(client, found.headers["etag"], *changes)
    assert changed.json()["images"][0]["spacing"] == {"y": 0.25, "x": 0.25}
    study = Study(workspace / "small")
    study.run(only=["otsu-watershed"])
    column = client.get("/api/studies/small/objects?candidate=otsu-watershed&limit=1").json()
    row = dict(zip([c["name"] for c in column["columns"]], column["rows"][0], strict=True))
    assert row["area"] == pytest.approx(row["area_px"] * 0.0625)
    only_y = edit(client, changed.headers["etag"], {"id": rows[0]["id"], "spacing": {"y": 1.0}})
    assert only_y.status_code == 422


def test_after_the_draw_groups_are_fixed(client: httpx.Client) -> None:
    found = client.get("/api/studies/small/images")
    assert found.json()["editable"] is False and "fixed" in found.json()["why_not"]
    answer = edit(client, found.headers["etag"], {"id": found.json()["images"][0]["id"], "group": "x"})
    assert answer.status_code == 409


def test_a_sample_sheet(client: httpx.Client, workspace: Path) -> None:
    fresh(workspace)
    found = client.get("/api/studies/small/images")
    ids = [row["id"] for row in found.json()["images"]]
    sheet = "image;condition;animal\n" + "\n".join(f"{name};odd;{n % 2}" for n, name in enumerate(ids))
    headers = {"if-match": found.headers["etag"], "content-type": "text/csv"}
    where = "/api/studies/small/images/sheet"
    answer = client.put(where, content=sheet, headers=headers)
    assert {row["group"] for row in answer.json()["images"]} == {"odd"}
    headers["if-match"] = answer.headers["etag"]
    short = client.put(where, content=sheet.rsplit("\n", 1)[0], headers=headers)
    assert short.status_code == 422 and "images without a row" in short.json()["detail"]
    assert client.put(where, content=b"\xff\xfe\x00", headers=headers).status_code == 422


def test_an_image_deleted_under_the_app(client: httpx.Client, workspace: Path) -> None:
    image = client.get("/api/studies/small/images").json()["images"][0]
    shutil.rmtree(workspace / "small" / "images" / f"{image['id']}.ome.zarr")
    rows = client.get("/api/studies/small/images").json()["images"]
    assert rows[0]["zarr"] is None and rows[1]["zarr"] is not None
    for path in (image["thumbnail"], f"{image['zarr']}/zarr.json"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["title"]) == (410, "A file is gone")
    assert client.get("/api/studies").status_code == 200


def study_of(workspace: Path, name: str, image: Image, **options: Any) -> None:
    write_ome_zarr(workspace / "sources" / f"{name}.ome.zarr", image)
    source = str(workspace / "sources" / f"{name}.ome.zarr")
    Study.new(workspace / name, images=source, methods=("otsu-watershed",), **options)


def picture(answer: httpx.Response) -> np.ndarray[Any, Any]:
    assert answer.status_code == 200, answer.text
    return np.asarray(Picture.open(io.BytesIO(answer.content)))


def test_an_image_of_one_pixel(client: httpx.Client, workspace: Path) -> None:
    study_of(workspace, "one", Image(np.array([[7]], np.uint16), "yx"))
    image = client.get("/api/studies/one/images").json()["images"][0]
    assert image["spacing"] is None
    assert picture(client.get(image["thumbnail"])).shape[2] == 3
    assert client.get("/api/studies/one/images/one/quality").json()["flags"] == ["empty"]
    assert client.get("/api/studies/one/images/one/histogram").json()["low"] == 7
    assert client.get(f"{image['zarr']}/0/c/0/0").status_code == 200


def test_many_channels_and_a_pyramid(client: httpx.Client, workspace: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 4000, (12, 1100, 700)).astype(np.uint16)
    names = tuple(f"marker {n}" for n in range(12))
    study_of(workspace, "multi", Image(pixels, "cyx", {"y": 0.5, "x": 0.5}, names), channel="marker 3")
    image = client.get("/api/studies/multi/images").json()["images"][0]
    ome = client.get(f"{image['zarr']}/zarr.json").json()["attributes"]["ome"]
    scales = [d["coordinateTransformations"][0]["scale"] for d in ome["multiscales"][0]["datasets"]]
    assert scales == [[1.0, 0.5, 0.5], [1.0, 1.0, 1.0], [1.0, 2.0, 2.0]]
    assert [channel["label"] for channel in ome["omero"]["channels"]] == list(names)
    assert client.get(f"{image['zarr']}/2/zarr.json").json()["shape"] == [12, 275, 175]

    tile = "/api/studies/multi/images/multi/tile"
    window = {"y0": 10, "x0": 20, "y1": 14, "x1": 26, "width": 6, "channel": 5, "low": 0, "high": 4000}
    drawn = picture(client.get(tile, params=window))
    np.testing.assert_allclose(drawn[..., 0], pixels[5, 10:14, 20:26] / 4000 * 255, atol=1)
    assert client.get(tile, params=window | {"channel": 12}).status_code == 422
    assert client.get(tile, params={"y0": 5000}).status_code == 422
    assert client.get(tile, params={"low": "nan"}).status_code == 422
    added = picture(
        client.get(tile, params=window | {"channel": [5, 6], "low": [0, 0], "high": [4000, 4000]})
    )
    assert (added >= drawn).all()


def test_an_overlay_is_clear_between_objects(reader: httpx.Client, shared: Running) -> None:
    import zarr

    image = reader.get("/api/studies/small/images").json()["images"][0]["id"]
    where = f"/api/studies/small/images/{image}/overlay"
    drawn = picture(reader.get(where, params={"candidate": "otsu-watershed", "contour": 0}))
    stored = shared.settings.folder / f"small/predictions/otsu-watershed/{image}.ome.zarr/0"
    labels = zarr.open_array(str(stored), mode="r")[...]
    np.testing.assert_array_equal(drawn[..., 3] > 0, labels > 0)
    outlined = picture(reader.get(where, params={"candidate": "otsu-watershed", "contour": 1}))
    assert 0 < (outlined[..., 3] > 0).sum() < (labels > 0).sum()
    assert reader.get(where, params={"candidate": "../x"}).status_code == 404


def test_quality_is_measured_once_and_kept(
    workspace: Path, launch: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = launch(workspace).client()
    image = client.get("/api/studies/small/images").json()["images"][0]["id"]
    first = client.get(f"/api/studies/small/images/{image}/quality").json()
    assert first["flags"] == [] and first["channels"][0]["contrast"] > 8
    monkeypatch.setattr("veriscope.server.qualities.plane_quality", lambda parts: 1 / 0)
    again = launch(workspace).client()
    kept = again.get(f"/api/studies/small/images/{image}/quality").json()["channels"]
    assert kept == first["channels"]


def test_images_that_are_not_ome_zarr_are_shown_too(
    workspace: Path, launch: Callable[..., Running], tiny_data: Path
) -> None:
    source = sorted((tiny_data / "images").glob("*.tif"))[0]
    Study.new(workspace / "tiffs", images=str(source), in_place=True, methods=("otsu-watershed",))
    client = launch(workspace).client()
    image = client.get("/api/studies/tiffs/images").json()["images"][0]
    meta = client.get(f"{image['zarr']}/0/zarr.json").json()
    assert meta["shape"] == [144, 160]
    assert client.get(f"{image['zarr']}/0/c/0/0").status_code == 200


def test_folders_of_the_server(workspace: Path, launch: Callable[..., Running], tiny_data: Path) -> None:
    client = launch(workspace, roots=(tiny_data,)).client()
    assert [item["path"] for item in client.get("/api/folders").json()["folders"]] == [str(tiny_data)]
    inside = client.get("/api/folders", params={"path": str(tiny_data / "images")}).json()
    assert len(inside["images"]) == 8 and inside["parent"] == str(tiny_data)
    assert client.get("/api/folders", params={"path": str(tiny_data)}).json()["parent"] is None
    for path in ("/etc", f"{tiny_data}/../..", "~", "a\0b"):
        assert client.get("/api/folders", params={"path": path}).status_code in (403, 422)
    for body in ({"paths": ["/etc/*"]}, {"paths": [str(tiny_data)], "upload": "x"}, {}):
        answer = client.post("/api/describe", json=body)
        assert answer.status_code in (403, 422), json.dumps(body)
