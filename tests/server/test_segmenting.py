"""Models for click-to-segment in the server: in turn, within memory, and never asked twice for the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.methods.prompts.onnx_files import OnnxFile
from veriscope.methods.prompts.prompt import Prompt, PromptPoint
from veriscope.methods.prompts.segmenter import PromptSegmenter
from veriscope.server import segmenting
from veriscope.server.problems import ProblemError
from veriscope.server.segmenting import Segmenting, runs_of
from veriscope.zoo.segmenter_cache import SegmenterRecord


async def never() -> bool:
    return False


def test_only_the_newest_question_of_each_is_worked_on() -> None:
    async def go() -> tuple[list[Any], list[str]]:
        serving, go_on, begun = Segmenting(), threading.Event(), []

        def work(name: str) -> Callable[[], str]:
            def run() -> str:
                begun.append(name)
                assert go_on.wait(60)
                return name

            return run

        async def question(who: str, name: str) -> Any:
            return await serving.answer(who, work(name), never)

        tasks = [asyncio.create_task(question("anna", "first"))]
        while not begun:
            await asyncio.sleep(0.01)
        for who, name in (("anna", "second"), ("ben", "his"), ("anna", "third")):
            tasks.append(asyncio.create_task(question(who, name)))
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        go_on.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        serving.close()
        return found, begun

    found, begun = asyncio.run(go())
    assert begun == ["first", "his", "third"]  # what nobody waits for any more is never begun
    assert [found[0], found[2], found[3]] == ["first", "his", "third"]
    assert isinstance(found[1], ProblemError) and found[1].problem.status == 409


def test_what_a_caller_has_left_is_not_begun_and_too_many_are_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segmenting, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(segmenting, "_MOST_WAITING", 2)

    async def gone() -> bool:
        return True

    async def go() -> list[Any]:
        serving, go_on = Segmenting(), threading.Event()
        first = asyncio.create_task(serving.answer("a", lambda: go_on.wait(60), never))
        await asyncio.sleep(0.02)
        left = asyncio.create_task(serving.answer("b", lambda: pytest.fail("nobody waits for it"), gone))
        await asyncio.sleep(0)
        third = asyncio.create_task(serving.answer("c", lambda: 3, never))
        await asyncio.wait({left}, timeout=60)
        go_on.set()
        found = await asyncio.gather(first, left, third, return_exceptions=True)
        serving.close()
        return found

    first, left, third = asyncio.run(go())
    assert first is True
    assert isinstance(left, ProblemError) and left.problem.status == 409
    assert isinstance(third, ProblemError) and third.problem.status == 503


def test_faults_of_the_work_reach_the_caller() -> None:
    async def go() -> None:
        serving = Segmenting()
        try:
            await serving.answer("a", lambda: 1 // 0, never)
        finally:
            serving.close()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(go())


def test_what_is_kept_of_images_is_bounded(added: SegmenterRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    one = 256 * 64 * 64 * 4
    monkeypatch.setattr(segmenting, "_MOST_BYTES", 2 * one + 2 * 256 * 256 * 4)  # with a click on each
    serving = Segmenting()
    read: list[str] = []

    def pixels(name: str) -> Callable[[], tuple[NDArray[Any], bool]]:
        def give() -> tuple[NDArray[Any], bool]:
            read.append(name)
            return np.arange(600, dtype=np.uint16).reshape(1, 20, 30), False

        return give

    for name in ("a", "b", "a", "c", "a", "b"):  # b was used longest ago when c came
        found = serving.outline(added, name, pixels(name), Prompt((PromptPoint(3, 3),)))
        assert found is not None and found.mask.shape == (20, 30)
    assert read == ["a", "b", "c", "b"] and serving.n_embedded == 4
    serving.close()


def test_a_click_after_others_asks_the_model_once(
    added: SegmenterRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    run = OnnxFile.run

    def note(self: OnnxFile, arrays: dict[str, Any], names: tuple[str, ...]) -> Any:
        asked.append(len(arrays))
        return run(self, arrays, names)

    serving = Segmenting()
    pixels = np.arange(600, dtype=np.uint16).reshape(1, 20, 30)
    points = tuple(PromptPoint(at, at) for at in (3, 9, 5))
    serving.outline(added, "a", lambda: (pixels, False), None)
    monkeypatch.setattr(OnnxFile, "run", note)

    def ask_for(*places: PromptPoint) -> int:
        asked.clear()
        assert serving.outline(added, "a", lambda: pytest.fail("it was read"), Prompt(places)) is not None
        return len(asked)

    assert [ask_for(*points[:n]) for n in (1, 2, 3)] == [1, 1, 1]
    assert ask_for(*points[:2]) == 1  # the last one taken back
    assert ask_for(points[2]) == 1  # another object
    assert ask_for(*points[:2]) == 2, "what was said of the object before is let go"
    serving.close()


def test_runs_are_the_mask() -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 1), (7, 9), (30, 20)):
        mask = rng.random(shape) < 0.5
        runs = runs_of(mask)
        back = np.zeros(mask.size, bool)
        for first, length in zip(runs[::2], runs[1::2], strict=True):
            assert first // shape[1] == (first + length - 1) // shape[1]  # within one row
            back[first : first + length] = True
        np.testing.assert_array_equal(back.reshape(shape), mask)
    assert runs_of(np.zeros((4, 4), bool)) == [] and runs_of(np.ones((2, 3), bool)) == [0, 3, 3, 3]


def test_a_model_that_is_too_large_is_said(added: SegmenterRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise MemoryError("the encoder of segmenter:tiny: memory ran out")

    monkeypatch.setattr(PromptSegmenter, "embed", full)
    serving = Segmenting()
    with pytest.raises(ProblemError) as caught:
        serving.outline(added, "a", lambda: (np.zeros((1, 9, 9), np.uint8), False), None)
    serving.close()
    assert caught.value.problem.status == 503 and "memory ran out." in caught.value.problem.detail


def test_something_is_shown_for_the_first_time_once() -> None:
    serving = Segmenting()
    assert [serving.is_first("a"), serving.is_first("a"), serving.is_first("b")] == [True, False, True]
    serving.close()


def test_close_does_not_wait_for_what_is_running() -> None:
    async def go() -> float:
        serving, go_on = Segmenting(), threading.Event()
        task = asyncio.create_task(serving.answer("a", lambda: go_on.wait(60), never))
        await asyncio.sleep(0.02)
        started = time.monotonic()
        serving.close()
        took = time.monotonic() - started
        go_on.set()
        await task
        return took

    assert asyncio.run(go()) < 30
