"""What readers share: the first bytes, errors of packages, and what packages log."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import AxesError, UnreadableFileError
from veriscope.io.reader import (
    StoredLevel,
    StoredSeries,
    captured_log,
    foreign_errors,
    read_head,
    series_number,
    shown_bytes,
)


def test_the_head_is_at_most_64_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(range(200)))
    (tmp_path / "b").write_bytes(b"x")
    assert read_head(tmp_path / "a") == bytes(range(64))
    assert read_head(tmp_path / "b") == b"x"


def test_files_without_a_head_say_why(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    said = {
        "none": "no such file; check the name",
        "empty": "the file is empty (0 bytes), as after an interrupted copy; copy it again from its source",
        "": "is a folder where an image file is needed; name a file in it",
    }
    for name, reason in said.items():
        with pytest.raises(UnreadableFileError) as caught:
            read_head(tmp_path / name)
        assert str(caught.value) == f"{tmp_path / name}: {reason}"


@pytest.mark.parametrize(
    ("number", "reason"),
    [(13, "no permission to read it; change its permissions or copy it to a folder of yours"),
     (5, "cannot be read: Input/output error")],
)  # fmt: skip
def test_disks_that_refuse_are_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def refuse(self: Path, mode: str) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableFileError) as caught:
        read_head(tmp_path / "a")
    assert str(caught.value) == f"{tmp_path / 'a'}: {reason}"


@pytest.mark.parametrize(
    ("names", "series", "number"),
    [
        (["a"], None, 0),
        (["a", "b"], None, None),
        ([], None, None),
        (["a", "b"], "b", 1),
        (["a", "b"], 1, 1),
        (["a", "b"], "1", 1),
        (["1", "0"], "1", 0),  # a name goes before a number
        (["1", "0"], 1, 1),
        (["a", "a", "b"], "a", None),  # two of that name
        (["", "", "b"], "", None),
        (["a", "b"], 2, None),
        (["a", "b"], -1, None),
        (["a", "b"], "²", None),
    ],
)
def test_an_image_of_several_is_meant_by_its_name_or_number(
    names: list[str], series: int | str | None, number: int | None
) -> None:
    assert series_number(names, series) == number


def test_bytes_are_shown_as_they_would_be_typed() -> None:
    assert shown_bytes(b"\x89PNG\r\n\x1a\nmore") == r"'\x89PNG\r\n\x1a\n'"
    assert shown_bytes(b"it's") == '"it\'s"'


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ZeroDivisionError("division by zero"), "FILE: is broken (division by zero); copy it"),
        (AssertionError(), "FILE: is broken (AssertionError); copy it"),
        (KeyError("x"), "FILE: is broken ('x'); copy it"),
        (
            MemoryError(),
            "FILE: needs more memory than there is; it is damaged, or too large for this computer",
        ),
    ],
)
def test_what_packages_raise_becomes_one_error(error: Exception, message: str) -> None:
    with pytest.raises(UnreadableFileError) as caught, foreign_errors(Path("FILE"), "is broken", "copy it"):
        raise error
    assert str(caught.value) == message
    assert caught.value.__cause__ is error


def test_our_own_errors_and_ctrl_c_pass_as_they_are() -> None:
    for error in (AxesError("ours"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, foreign_errors(Path("FILE"), "is broken", "copy it"):
            raise error
        assert caught.value is error


def test_only_warnings_of_this_thread_are_taken(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("veriscope.tests.package")
    with caplog.at_level(logging.DEBUG, logger.name), captured_log(logger.name) as messages:
        logger.warning("cut at %d", 7)
        logger.info("of no interest")
        other = threading.Thread(target=logger.error, args=("of another file",))
        other.start()
        other.join()
    assert messages == ["cut at 7"]
    assert [record.getMessage() for record in caplog.records] == ["of another file"]
    assert logger.filters == []


def test_the_logger_is_left_as_it_was_also_after_an_error() -> None:
    logger = logging.getLogger("veriscope.tests.package")
    with pytest.raises(ValueError, match="x"), captured_log(logger.name):
        raise ValueError("x")
    assert logger.filters == []


def test_a_series_is_one_line_for_people() -> None:
    levels = (StoredLevel((10, 120, 122)), StoredLevel((10, 60, 61)))
    stack = StoredSeries(axes="zyx", dtype=np.dtype(np.uint16), levels=levels, name="stack")
    assert stack.text == "stack: zyx 10 × 120 × 122 uint16"
    assert (
        StoredSeries(axes="yx", dtype=np.dtype(bool), levels=(StoredLevel((4, 5)),)).text == "yx 4 × 5 bool"
    )
