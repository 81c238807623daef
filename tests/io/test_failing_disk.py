"""A disk that fails at any single step of writing: the old content is there or the new one, never neither."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.io.writers import writers

from veriscope.errors import InputError
from veriscope.io.atomic import TEMP_PREFIX, atomic_path, write_text

OLD, NEW = (np.random.default_rng(seed).integers(0, 60_000, (160, 170)).astype(np.uint16) for seed in (1, 2))
_MOST_STEPS = 200


def content(path: Path) -> dict[str, str]:
    """Hash by name of all files of a file or folder."""
    files = [path] if path.is_file() else [item for item in sorted(path.rglob("*")) if item.is_file()]
    return {
        item.relative_to(path).as_posix(): hashlib.sha256(item.read_bytes()).hexdigest() for item in files
    }


class Fault:
    """Lets the n-th flush or renaming fail."""

    def __init__(self, nth: int, number: int) -> None:
        self.left, self._number = nth, number

    def wrap(self, action: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                named = [str(item) for item in arguments if isinstance(item, Path)]
                raise OSError(self._number, os.strerror(self._number), *named[:1])
            return action(*arguments, **options)

        return wrapped


@contextlib.contextmanager
def failing(nth: int, number: int) -> Iterator[Fault]:
    fault = Fault(nth, number)
    with pytest.MonkeyPatch.context() as patch:
        for place, name in ((os, "fsync"), (Path, "rename"), (Path, "replace")):
            patch.setattr(place, name, fault.wrap(getattr(place, name)))
        yield fault


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", sorted(writers(OLD)))
def test_whatever_step_fails_the_old_or_the_new_is_there(tmp_path: Path, name: str, number: int) -> None:
    """Where the second of two renamings failed, a folder used to be gone."""
    target = tmp_path / name
    writers(NEW)[name](target)
    new = content(target)
    write_old, write_new = writers(OLD)[name], writers(NEW)[name]
    write_old(target)
    old = content(target)
    assert old != new
    for nth in range(1, _MOST_STEPS):
        with failing(nth, number) as fault:
            try:
                write_new(target)
            except (InputError, OSError) as error:
                assert fault.left <= 0, f"nothing had failed yet: {error}"
        assert content(target) in (old, new), f"after step {nth}"
        assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(TEMP_PREFIX)]
        if fault.left > 0:
            break
        write_old(target)
        assert content(target) == old, "the next attempt is as if nothing had been"
    else:
        pytest.fail("it never came to an end")
    assert nth > 1 and content(target) == new


@pytest.mark.parametrize("name", ["image.tif", "image.ome.zarr", "table.parquet", "arrays"])
@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "the disk is full; free some space or choose another disk, then run again"),
        (errno.EDQUOT, "the disk quota is used up; free some space or choose another disk, then run again"),
        (errno.EROFS, "the disk is read-only; choose another folder"),
    ],
)
def test_the_target_is_named_with_what_to_do(tmp_path: Path, name: str, number: int, remedy: str) -> None:
    target = tmp_path / "deep" / name
    with failing(1, number), pytest.raises(InputError) as caught:
        writers(NEW)[name](target)
    path, _, rest = str(caught.value).partition(": cannot be written: ")
    assert rest == remedy
    assert Path(path).parent == target.parent and not target.exists()


def test_what_no_remedy_is_known_for_is_passed_on_as_it_is(tmp_path: Path) -> None:
    with failing(1, errno.EIO), pytest.raises(OSError, match="Input/output error") as caught:
        write_text(tmp_path / "a.txt", "new")
    assert caught.value.errno == errno.EIO and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError, SystemExit, GeneratorExit])
@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_whatever_ends_the_block_leaves_what_was_there(
    tmp_path: Path, kind: type[BaseException], is_folder: bool
) -> None:
    target = tmp_path / "a"
    if is_folder:
        target.mkdir()
        (target / "old").write_text("old")
    else:
        target.write_text("old")
    before = content(target)
    with pytest.raises(kind), atomic_path(target) as temporary:
        if is_folder:
            temporary.mkdir()
            (temporary / "new").write_text("half")
        else:
            temporary.write_text("half")
        raise kind
    assert content(target) == before and [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_takes_the_place_of_a_file_and_a_file_that_of_a_folder(tmp_path: Path) -> None:
    target = tmp_path / "a"
    write_text(target, "a file")
    with atomic_path(target) as temporary:
        temporary.mkdir()
        (temporary / "inside").write_text("x")
    assert (target / "inside").read_text() == "x"
    write_text(target, "a file again")
    assert target.read_text() == "a file again" and [path.name for path in tmp_path.iterdir()] == ["a"]
    for nth in (1, 2, 3):
        with failing(nth, errno.EACCES), contextlib.suppress(InputError), atomic_path(target) as temporary:
            temporary.mkdir()
        assert target.exists()
