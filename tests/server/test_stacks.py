"""Studies of planes over HTTP: the plane is what is analysed, the whole stack can be looked at."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from tests.server.conftest import Running, wait_for

from veriscope.workflow.study import Study

STACK = np.random.default_rng(0).integers(0, 900, (2, 3, 40, 50)).astype(np.uint16)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "root" / "stacks"
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "a.tif", STACK, imagej=True, metadata={"axes": "TZYX"})
    return folder


@pytest.fixture
def client(workspace: Path, launch: Callable[..., Running], source: Path) -> httpx.Client:
    for name, in_place in (("planes", False), ("placed", True)):
        Study.new(
            workspace / name,
            images=source,
            methods=("otsu-watershed",),
            plane="z=max,t=each",
            in_place=in_place,
        )
    return launch(workspace, roots=(source.parent,), workers=1).client()


def rows(client: httpx.Client, study: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/studies/{study}/images").json()["images"]
    return found


@pytest.mark.parametrize("study", ["planes", "placed"])
def test_each_image_says_where_it_lies_in_its_stack(client: httpx.Client, study: str) -> None:
    first, second = rows(client, study)
    assert [(row["id"], row["axes"], row["shape"]) for row in (first, second)] == [
        ("a_t0", "yx", [40, 50]),
        ("a_t1", "yx", [40, 50]),
    ]
    assert [(row["stack"]["z"], row["stack"]["t"]) for row in (first, second)] == [("max", 0), ("max", 1)]
    group = client.get(f"{first['stack']['zarr']}/zarr.json").json()
    axes = [axis["name"] for axis in group["attributes"]["ome"]["multiscales"][0]["axes"]]
    assert axes[-4:] == ["t", "z", "y", "x"] or axes == ["t", "c", "z", "y", "x"]
    array = client.get(f"{first['stack']['zarr']}/0/zarr.json").json()
    assert [length for length in array["shape"] if length > 1] == [2, 3, 40, 50]


@pytest.mark.parametrize("study", ["planes", "placed"])
def test_pictures_of_a_place_in_the_stack(client: httpx.Client, study: str) -> None:
    """As browsers without WebGL2 ask for them."""
    address = f"/api/studies/{study}/images/a_t0/tile"
    limits = {"low": 0, "high": 255}

    def drawn(**place: Any) -> np.ndarray[Any, Any]:
        found = client.get(address, params=limits | place)
        assert found.status_code == 200
        return np.asarray(Picture.open(io.BytesIO(found.content)).convert("L"))

    for place, expected in (
        ({}, STACK[0].max(axis=0)),
        ({"stack": True, "z": 1, "t": 1}, STACK[1, 1]),
        ({"stack": True, "z": "max", "t": 1}, STACK[1].max(axis=0)),
        ({"z": 2, "t": 1}, STACK[0].max(axis=0)),  # the image itself is a plane, whatever is asked for
    ):
        np.testing.assert_array_equal(drawn(**place), np.minimum(expected, 255))


def test_an_image_that_is_no_plane_of_a_stack_has_none(client: httpx.Client) -> None:
    (image, *_) = rows(client, "small")
    assert image["stack"] is None
    for address in (
        f"/files/small/stacks/{image['id']}/0/zarr.json",
        f"/api/studies/small/images/{image['id']}/tile?stack=true",
    ):
        found = client.get(address)
        assert found.status_code == 404
        assert "is a plane of its own, not of a stack" in found.text


def test_a_stack_that_is_gone_takes_nothing_else_with_it(client: httpx.Client, workspace: Path) -> None:
    shutil.rmtree(workspace / "planes" / "stacks")
    first, _ = rows(client, "planes")
    assert first["stack"] is None
    assert client.get(f"{first['zarr']}/zarr.json").status_code == 200
    gone = client.get("/api/studies/planes/images/a_t0/tile", params={"stack": True})
    assert gone.status_code == 410
    assert "the stack of a_t0 is gone" in gone.text


def test_a_study_of_planes_is_made_over_http(client: httpx.Client, source: Path) -> None:
    described = client.post("/api/describe", json={"paths": [str(source)]}).json()
    assert (described["images"][0]["axes"], described["faults"]) == ("tzyx", [])
    wanted = {"folder": "made", "paths": [str(source)], "methods": ["otsu-watershed"]}
    job = wait_for(client, client.post("/api/studies", json=wanted | {"plane": "z=1,t=1"}).json())
    assert job["state"] == "done", job
    (row,) = rows(client, "made")
    assert (row["id"], row["stack"]["z"], row["stack"]["t"]) == ("a", 1, 1)


def test_a_plane_that_cannot_be_is_said_in_the_job(client: httpx.Client, source: Path) -> None:
    wanted = {"folder": "never", "paths": [str(source)], "methods": ["otsu-watershed"], "plane": "z=9,t=0"}
    job = wait_for(client, client.post("/api/studies", json=wanted).json())
    assert job["state"] == "failed"
    assert "no plane z=9; along z it has 0 to 2" in str(job["problem"])
