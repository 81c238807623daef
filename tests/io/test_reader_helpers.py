"""What readers share: errors of other libraries in our words, what they print, and which image is meant."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError, UnreadableFileError, VeriscopeError
from veriscope.io.reader import captured_log, foreign_errors, read_head, series_number, shown_bytes

WHAT, REMEDY = "cannot be decoded", "copy it again"


@pytest.mark.parametrize(
    "error",
    [ValueError("wrong"), KeyError("x"), IndexError(), EOFError(), RuntimeError("zlib"), AssertionError()],
    ids=lambda error: type(error).__name__,
)
def test_errors_of_other_libraries_are_ours_with_the_file_and_a_remedy(error: Exception) -> None:
    with pytest.raises(UnreadableFileError) as caught, foreign_errors(Path("a b.tif"), WHAT, REMEDY):
        raise error
    assert str(caught.value).startswith("a b.tif: ") and WHAT in str(caught.value)
    assert str(caught.value).endswith(REMEDY)


@pytest.mark.parametrize("error", [InputError("ours"), UnreadableFileError("ours"), KeyboardInterrupt()])
def test_errors_of_our_own_pass_as_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, foreign_errors(Path("a.tif"), WHAT, REMEDY):
        raise error
    assert caught.value is error


def test_without_an_error_nothing_happens() -> None:
    with foreign_errors(Path("a.tif"), WHAT, REMEDY):
        pass


@pytest.mark.parametrize("level", [logging.WARNING, logging.ERROR])
def test_what_a_library_prints_is_given_and_not_shown(
    level: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("tests.a-library")
    handlers, propagate = list(log.handlers), log.propagate
    with captured_log("tests.a-library") as said:
        log.log(level, "page %d is odd", 3)
    assert said == ["page 3 is odd"]
    assert capsys.readouterr() == ("", "")
    assert (log.handlers, log.propagate) == (handlers, propagate), "the log is left as it was"


def test_a_log_is_left_as_it_was_after_an_error_too() -> None:
    log = logging.getLogger("tests.a-library")
    before = (list(log.handlers), log.propagate, log.level, list(log.filters))
    with pytest.raises(ValueError, match="x"), captured_log("tests.a-library"):
        raise ValueError("x")
    assert (list(log.handlers), log.propagate, log.level, list(log.filters)) == before


def test_two_files_read_at_once_hear_their_own() -> None:
    log, heard, start = logging.getLogger("tests.a-library"), {}, threading.Barrier(4)

    def read(number: int) -> None:
        with captured_log("tests.a-library") as said:
            start.wait(60)
            for page in range(20):
                log.warning("file %d, page %d", number, page)
            start.wait(60)  # all listen while all speak
        heard[number] = said

    threads = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert heard == {n: [f"file {n}, page {page}" for page in range(20)] for n in range(4)}


@pytest.mark.parametrize(
    ("series", "number"),
    [(None, None), (0, 0), (1, 1), ("0", 0), ("b", 1), ("a", 0), ("7", None), ("c", None)],
)
def test_an_image_of_a_file_is_meant_by_number_or_name(series: int | str | None, number: int | None) -> None:
    assert series_number(["a", "b"], series) == number


@pytest.mark.parametrize("series", [-1, 2, 99])
def test_numbers_that_there_are_not(series: int) -> None:
    found = series_number(["a", "b"], series)
    assert found is None or not 0 <= found < 2, "whoever asks refuses it with those there are"


def test_a_name_goes_before_a_number() -> None:
    assert series_number(["1", "0"], "0") == 1
    assert series_number(["1", "0"], 0) == 0


@given(st.binary(max_size=100))
def test_any_bytes_can_be_shown(head: bytes) -> None:
    text = shown_bytes(head)
    assert text.isprintable() and len(text) < 200


def test_the_first_bytes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"a", b"ab", bytes(range(256)) * 40):
        path.write_bytes(content)
        found = read_head(path)
        assert content.startswith(found) and found
    path.write_bytes(b"")
    with pytest.raises(
        UnreadableFileError, match=r"the file is empty \(0 bytes\), as after an interrupted copy"
    ):
        read_head(path)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises((VeriscopeError, OSError)) as caught:
            read_head(path)
        assert path.name in str(caught.value)
