"""OME-Zarr by byte ranges: whatever part is asked for is that part of the file, or no range in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.conftest import Running

from veriscope.server.problems import ProblemError
from veriscope.server.routes.files import _range

IMAGES = "/api/studies/small/images"


@pytest.fixture(scope="module")
def chunk(reader: httpx.Client) -> tuple[str, bytes]:
    """Address and content of a chunk of an image."""
    address = f"{reader.get(IMAGES).json()['images'][0]['zarr']}/0/c/0/0"
    return address, reader.get(address).content


def test_the_whole_is_what_lies_on_the_disk(
    shared: Running, reader: httpx.Client, chunk: tuple[str, bytes]
) -> None:
    image = reader.get(IMAGES).json()["images"][0]["id"]
    stored = shared.settings.folder / "small" / "images" / f"{image}.ome.zarr" / "0/c/0/0"
    assert chunk[1] == stored.read_bytes() and len(chunk[1]) > 100
    whole = reader.get(chunk[0])
    assert (whole.status_code, whole.headers["accept-ranges"]) == (200, "bytes")
    assert whole.headers["cache-control"] == "private, max-age=31536000, immutable"
    head = reader.head(chunk[0])
    assert (head.content, head.headers["content-length"]) == (b"", str(len(chunk[1])))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_part_is_that_part(reader: httpx.Client, chunk: tuple[str, bytes], data: st.DataObject) -> None:
    address, content = chunk
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(content) - 1)] * 2)))
    for text, expected in (
        (f"bytes={first}-{last}", content[first : last + 1]),
        (f"bytes={first}-", content[first:]),
        (f"bytes=-{last + 1}", content[-(last + 1) :]),
        (f"bytes={first}-{last + 10**9}", content[first:]),
    ):
        part = reader.get(address, headers={"range": text})
        assert (part.status_code, part.content) == (206, expected), text
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", part.headers["content-range"])
        assert found is not None
        begin, end, size = map(int, found.groups())
        assert (content[begin : end + 1], size) == (expected, len(content))
        assert part.headers["content-length"] == str(len(expected))


@given(first=st.none() | st.integers(0, 60), last=st.none() | st.integers(0, 60), size=st.integers(0, 50))
def test_a_range_is_read_as_the_standard_says(first: int | None, last: int | None, size: int) -> None:
    """RFC 9110, 14.1.2: compared with slices of as many bytes."""
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    content = list(range(size))
    if first is None:
        expected = content[-last:] if last else []
    else:
        expected = content[first:] if last is None else content[first : last + 1]
    try:
        begin, end = _range(text, size)
    except ProblemError as error:
        assert expected == [] and error.problem.status == 416
        assert error.headers == {"content-range": f"bytes */{size}"}
        return
    assert content[begin : end + 1] == expected != []


@pytest.mark.parametrize(
    "text",
    [
        "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1-2,4-5", "items=0-1", "bytes=--5", "bytes=0x1-2",
        "bytes=1.0-2", "bytes= 1-2", f"bytes={'9' * 19}-", "bytes=5-4", "bytes=-0", "BYTES=0-1",
    ],
)  # fmt: skip
def test_what_is_no_range(reader: httpx.Client, chunk: tuple[str, bytes], text: str) -> None:
    answer = reader.get(chunk[0], headers={"range": text})
    assert answer.status_code == 416 and answer.json()["title"] == "No such range"
    assert answer.headers["content-range"] == f"bytes */{len(chunk[1])}"
    assert answer.headers["content-type"] == "application/problem+json"


def test_another_version_is_given_and_not_kept(reader: httpx.Client, chunk: tuple[str, bytes]) -> None:
    """A page that was open while an image was exchanged asks with the old version."""
    parts = chunk[0].split("/")
    for version in ("0" * len(parts[5]), "x", "%20"):
        found = reader.get("/".join([*parts[:5], version, *parts[6:]]))
        assert (found.status_code, found.headers["cache-control"]) == (200, "no-store")
        assert found.content == chunk[1]


@pytest.mark.parametrize(
    "key",
    [
        "0/c/9/9", "nothing", "0", "0/c", "../images.csv", "..%2f..%2fstudy.yaml", "0//c/0/0", "0/c/0/0/",
        "%00", "zarr.json%00", ".zattrs", "0/c/0/%30%30", "x" * 300, "ü",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["images", "labels/log-spots"])
def test_keys_that_are_not_there(reader: httpx.Client, chunk: tuple[str, bytes], kind: str, key: str) -> None:
    _, _, _, _, image, version, *_ = chunk[0].split("/")
    answer = reader.get(f"/files/small/{kind}/{image}/{version}/{key}")
    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "max-age" not in answer.headers["cache-control"], "it may come yet"


@pytest.mark.parametrize(
    "path",
    [
        "/files/nope/images/x/v/zarr.json",
        "/files/small/images/nope/v/zarr.json",
        "/files/small/labels/nope/{image}/v/zarr.json",
        "/files/small/labels/log-spots/nope/v/zarr.json",
        "/files/small/images/%2e%2e/v/zarr.json",
        "/files/small/labels/%2e%2e/{image}/v/zarr.json",
        "/files/.veriscope/images/x/v/zarr.json",
        "/files/small/reports/x/v/zarr.json",
    ],
)
def test_places_that_are_not_there(reader: httpx.Client, chunk: tuple[str, bytes], path: str) -> None:
    answer = reader.get(path.format(image=chunk[0].split("/")[4]))
    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_labels_of_a_candidate_that_has_not_run(client: httpx.Client, workspace: Path) -> None:
    import shutil

    row = client.get("/api/studies/small/candidates/log-spots/images").json()[0]
    address = f"{row['labels']}/zarr.json"
    assert client.get(address).status_code == 200
    shutil.rmtree(workspace / "small" / "predictions" / "log-spots")
    gone = client.get(address)
    assert gone.status_code in (404, 409, 410) and gone.json()["detail"]
    assert str(workspace) not in gone.text
    rows = client.get("/api/studies/small/candidates/log-spots/images").json()
    assert {(item["is_done"], item["labels"]) for item in rows} == {(False, None)}


def test_everybody_who_is_signed_in_may_look(lab: Callable[..., httpx.Client]) -> None:
    vera = lab("vera", "viewer")
    row: dict[str, Any] = vera.get(IMAGES).json()["images"][0]
    assert vera.get(f"{row['zarr']}/zarr.json").status_code == 200
    vera.delete("/api/session")
    for answer in (vera.get(f"{row['zarr']}/zarr.json"), vera.head(f"{row['zarr']}/zarr.json")):
        assert answer.status_code == 401
