"""Uploads in any order of parts, sent twice, resumed by another server, and by several windows at once."""

from __future__ import annotations

import json
import threading
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.server.problems import ProblemError
from veriscope.server.settings import Limits
from veriscope.server.uploads import Uploads

CONTENT = st.binary(max_size=200)


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", Limits())


def send(uploads: Uploads, upload: str, name: str, content: bytes, step: int = 7) -> None:
    """All parts in order, as a browser sends them."""
    found = uploads.write(upload, name, 0, len(content), content[:step])
    while not found.complete:
        part = content[found.received : found.received + step]
        found = uploads.write(upload, name, found.received, len(content), part)


@settings(max_examples=40)
@given(
    st.dictionaries(st.sampled_from(["a.tif", "b/c.tif", "b/d/e.tif", "ü 漢.tif"]), CONTENT, min_size=1),
    st.integers(1, 50),
)
def test_what_was_sent_is_there(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], step: int
) -> None:
    uploads = Uploads(tmp_path_factory.mktemp("up"), Limits())
    upload = uploads.begin().id
    for name, content in files.items():
        send(uploads, upload, name, content, step)
    place = uploads.files(upload)
    assert {
        path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()
    } == files
    found = uploads.describe(upload)
    assert found.bytes == sum(map(len, files.values()))
    assert {(file.name, file.received, file.complete) for file in found.files} == {
        (name, len(content), True) for name, content in files.items()
    }


@settings(max_examples=40)
@given(CONTENT, st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=12))
def test_parts_in_any_order_never_make_another_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, parts: list[tuple[int, int]]
) -> None:
    uploads = Uploads(tmp_path_factory.mktemp("up"), Limits())
    upload = uploads.begin().id
    received = 0
    for offset, length in parts:
        part = content[offset : offset + length]
        if offset + len(part) > len(content):
            continue
        try:
            found = uploads.write(upload, "a.tif", offset, len(content), part)
        except ProblemError as error:
            assert error.problem.status == 409 and error.problem.received == received
            assert offset != received
            continue
        assert found.received >= received
        received = found.received
    send_from = received
    while not (
        found := uploads.write(upload, "a.tif", send_from, len(content), content[send_from:])
    ).complete:
        send_from = found.received
    assert (uploads.files(upload) / "a.tif").read_bytes() == content


def test_another_server_goes_on_where_the_first_was_killed(tmp_path: Path) -> None:
    first = Uploads(tmp_path, Limits())
    upload = first.begin().id
    first.write(upload, "a.tif", 0, 10, b"01234")
    second = Uploads(tmp_path, Limits())
    (file,) = second.describe(upload).files
    assert (file.name, file.received, file.size, file.complete) == ("a.tif", 5, 10, False)
    second.write(upload, "a.tif", 5, 10, b"56789")
    assert (second.files(upload) / "a.tif").read_bytes() == b"0123456789"


def test_several_windows_send_the_same_file_at_once(uploads: Uploads) -> None:
    upload, content = uploads.begin().id, bytes(range(256)) * 4
    failed: list[BaseException] = []

    def window() -> None:
        offset = 0
        while offset < len(content):
            try:
                offset = uploads.write(
                    upload, "a.tif", offset, len(content), content[offset : offset + 50]
                ).received
            except ProblemError as error:
                offset = error.problem.received or 0
            except BaseException as error:
                failed.append(error)
                return

    threads = [threading.Thread(target=window) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == [] and (uploads.files(upload) / "a.tif").read_bytes() == content


@pytest.mark.parametrize(
    ("offset", "size", "content", "status"),
    [(0, 3, b"abcd", 422), (3, 3, b"a", 422), (1, 5, b"a", 409), (5, 5, b"", 409)],
)
def test_parts_that_do_not_fit(uploads: Uploads, offset: int, size: int, content: bytes, status: int) -> None:
    upload = uploads.begin().id
    with pytest.raises(ProblemError) as caught:
        uploads.write(upload, "a.tif", offset, size, content)
    assert caught.value.problem.status == status
    assert not list(uploads.files(upload).rglob("*.tif"))


def test_another_size_for_the_same_name_is_another_file(uploads: Uploads) -> None:
    upload = uploads.begin().id
    uploads.write(upload, "a.tif", 0, 10, b"abc")
    with pytest.raises(ProblemError) as caught:
        uploads.write(upload, "a.tif", 3, 11, b"def")
    assert caught.value.problem.detail == "a.tif was announced with 10 bytes, now with 11."


def test_a_file_without_content_is_a_file(uploads: Uploads) -> None:
    upload = uploads.begin().id
    assert uploads.write(upload, "empty.tif", 0, 0, b"").complete
    assert (uploads.files(upload) / "empty.tif").read_bytes() == b""
    assert uploads.write(upload, "empty.tif", 0, 0, b"").complete


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_a_name_is_one_inside_the_upload_or_refused(_finished: Path, name: str) -> None:
    uploads = Uploads(_finished.parent / "uploads of any name", Limits())
    upload = uploads.begin().id
    try:
        uploads.write(upload, name, 0, 1, b"x")
    except (InputError, ProblemError):
        assert not [path for path in uploads.files(upload).rglob("*") if path.is_file()]
    except UnicodeEncodeError:
        pytest.fail("no name that a request can have breaks the server")
    else:
        (path,) = [path for path in uploads.files(upload).rglob("*") if path.is_file()]
        assert path.resolve().is_relative_to(uploads.files(upload).resolve())
        assert PurePosixPath(name).name == path.name
    finally:
        uploads.remove(upload)


def test_what_was_removed_is_gone_for_all(uploads: Uploads) -> None:
    upload, other = uploads.begin().id, uploads.begin().id
    uploads.write(upload, "a.tif", 0, 1, b"x")
    uploads.remove(upload)
    for ask in (uploads.describe, uploads.files, uploads.remove):
        with pytest.raises(ProblemError) as caught:
            ask(upload)
        assert caught.value.problem.status == 404
    assert uploads.describe(other).files == []


@pytest.mark.parametrize("upload", ["", "..", "0" * 15, "0" * 17, "G" * 16, "0" * 16, "../../etc/passwd"])
def test_forged_names_of_uploads(uploads: Uploads, upload: str) -> None:
    for ask in (uploads.describe, uploads.files, uploads.remove):
        with pytest.raises(ProblemError, match="404"):
            ask(upload)


def limited(tmp_path: Path, **values: Any) -> tuple[Uploads, str]:
    uploads = Uploads(tmp_path, Limits(**values))
    return uploads, uploads.begin().id


def test_as_many_files_and_bytes_as_the_limits_allow(tmp_path: Path) -> None:
    uploads, upload = limited(tmp_path / "files", upload_files=2)
    for name in ("a", "b", "a"):
        uploads.write(upload, name, 0, 1, b"x")
    with pytest.raises(ProblemError, match="413"):
        uploads.write(upload, "c", 0, 1, b"x")
    uploads, upload = limited(tmp_path / "bytes", upload_bytes=10)
    uploads.write(upload, "a", 0, 6, b"x")
    with pytest.raises(ProblemError, match="413"):
        uploads.write(upload, "b", 0, 5, b"x")
    assert uploads.write(upload, "b", 0, 4, b"xxxx").complete
    assert uploads.describe(upload).limit_bytes == 10


def test_names_are_kept_line_by_line_for_the_next_server(uploads: Uploads, tmp_path: Path) -> None:
    upload = uploads.begin().id
    for name in ("ü.tif", "b/c.tif"):
        uploads.write(upload, name, 0, 3, b"x")
    lines = (tmp_path / "uploads" / upload / "names.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [["ü.tif", 3], ["b/c.tif", 3]]
