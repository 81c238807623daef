"""What is made in the background while somebody looks: once for all, in turn, and failures told to all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from veriscope.server import making as module
from veriscope.server.making import begin_making

Begun, Told = Callable[[Path], None], Callable[[float], None]


@pytest.fixture(autouse=True)
def nothing_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("_running", "_failed"):
        monkeypatch.setattr(module, name, {})
    yield
    until = time.monotonic() + 60
    while module._running and time.monotonic() < until:
        time.sleep(0.005)


class Work:
    """Makes a folder, when it is let."""

    def __init__(self, target: Path, *, waits: bool = False, error: Exception | None = None) -> None:
        self.target, self.error, self.n = target, error, 0
        self.go_on = threading.Event()
        if not waits:
            self.go_on.set()

    def __call__(self, begun: Begun, told: Told) -> None:
        self.n += 1
        growing = self.target.with_name(f".growing-{self.target.name}")
        growing.mkdir(parents=True)
        begun(growing)
        told(0.5)
        assert self.go_on.wait(60)
        if self.error is not None:
            growing.rmdir()
            raise self.error
        growing.rename(self.target)


def test_it_is_made_once_however_many_ask(tmp_path: Path) -> None:
    work = Work(tmp_path / "a-1.zarr", waits=True)
    found = [begin_making(work.target, work) for _ in range(5)]
    assert len({id(item) for item in found}) == 1 and found[0] is not None
    found[0].wait_for_some()
    assert found[0].part == 0.5 and found[0].folder is not None and found[0].folder.is_dir()
    work.go_on.set()
    for item in found:
        assert item is not None
        item.wait()
    assert work.n == 1 and work.target.is_dir()
    assert begin_making(work.target, work) is None, "what is there is not made"


def test_many_threads_get_the_same(tmp_path: Path) -> None:
    work, found, start = Work(tmp_path / "a-1.zarr", waits=True), [], threading.Barrier(8)

    def ask() -> None:
        start.wait(60)
        found.append(begin_making(work.target, work))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    work.go_on.set()
    assert len({id(item) for item in found}) == 1
    found[0].wait()
    assert work.n == 1


def test_old_versions_of_the_same_image_go_when_the_new_one_is_there(tmp_path: Path) -> None:
    for name in ("a-1.zarr", "a-2.zarr", "b-1.zarr", "ab-1.zarr"):
        (tmp_path / name).mkdir()
    work = Work(tmp_path / "a-3.zarr", waits=True)
    making = begin_making(work.target, work)
    assert making is not None
    making.wait_for_some()
    assert (tmp_path / "a-1.zarr").is_dir(), "it is looked at until there is another"
    work.go_on.set()
    making.wait()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-3.zarr", "ab-1.zarr", "b-1.zarr"]


def test_what_goes_wrong_is_told_to_all_who_wait(tmp_path: Path) -> None:
    work = Work(tmp_path / "a-1.zarr", waits=True, error=OSError("the disk is full"))
    making = begin_making(work.target, work)
    assert making is not None
    heard: list[str] = []

    def wait() -> None:
        try:
            making.wait()
        except OSError as error:
            heard.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    work.go_on.set()
    for thread in threads:
        thread.join(60)
    assert heard == ["the disk is full"] * 3 and not work.target.exists()


def test_a_failure_is_not_tried_again_at_every_request_but_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(tmp_path / "a-1.zarr", error=OSError("the disk is full"))
    making = begin_making(work.target, work)
    assert making is not None
    with pytest.raises(OSError, match="full"):
        making.wait()
    for _ in range(3):
        with pytest.raises(OSError, match="full"):
            begin_making(work.target, work)
    assert work.n == 1
    monkeypatch.setattr(module, "_PAUSE_S", 0.0)
    work.error = None
    again = begin_making(work.target, work)
    assert again is not None
    again.wait()
    assert work.n == 2 and work.target.is_dir()


def test_what_another_process_has_made_meanwhile_is_taken(tmp_path: Path) -> None:
    work = Work(tmp_path / "a-1.zarr", error=OSError("x"))
    making = begin_making(work.target, work)
    assert making is not None
    with pytest.raises(OSError, match="x"):
        making.wait()
    work.target.mkdir()
    assert begin_making(work.target, work) is None


def test_few_are_made_at_once_and_the_others_wait_their_turn(tmp_path: Path) -> None:
    works = [Work(tmp_path / f"{name}-1.zarr", waits=True) for name in "abcde"]
    making = [begin_making(work.target, work) for work in works]
    until = time.monotonic() + 60
    while sum(work.n for work in works) < module._AT_ONCE and time.monotonic() < until:
        time.sleep(0.005)
    time.sleep(0.05)
    assert sum(work.n for work in works) == module._AT_ONCE
    for work in works:
        work.go_on.set()
    for item in making:
        assert item is not None
        item.wait()
    assert [work.n for work in works] == [1] * 5 and all(work.target.is_dir() for work in works)


def test_different_images_do_not_share_a_failure(tmp_path: Path) -> None:
    bad = Work(tmp_path / "a-1.zarr", error=ValueError("damaged"))
    good = Work(tmp_path / "b-1.zarr")
    first, second = (begin_making(work.target, work) for work in (bad, good))
    assert first is not None and second is not None
    with pytest.raises(ValueError, match="damaged"):
        first.wait_for_some() or first.wait()
    second.wait()
    assert good.target.is_dir()
