"""Events reach every browser that listens, in order, and a browser that sleeps stops nobody."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from veriscope.server import events as module
from veriscope.server.events import Events


async def heard(events: Events, n: int, began: Callable[[], None] = lambda: None) -> list[tuple[str, Any]]:
    """The first n events that a listener gets, without the one at the beginning."""
    found = []
    stream = events.listen(lambda: ("hello", {"n": 0}))
    assert await anext(stream) == 'event: hello\ndata: {"n": 0}\n\n'
    began()
    async for text in stream:
        name, data = text.removesuffix("\n\n").split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
        if len(found) == n:
            break
    await stream.aclose()
    return found


def test_all_who_listen_hear_all_in_order_from_any_thread() -> None:
    async def main() -> list[list[tuple[str, Any]]]:
        events = Events()
        events.open(asyncio.get_running_loop())
        ready = asyncio.Semaphore(0)
        listeners = [asyncio.create_task(heard(events, 200, ready.release)) for _ in range(3)]
        for _ in listeners:
            await ready.acquire()

        def send() -> None:
            for number in range(200):
                events.send("job", {"number": number, "text": "ü\n\nevent: forged"})

        thread = threading.Thread(target=send)
        thread.start()
        found = await asyncio.wait_for(asyncio.gather(*listeners), 60)
        thread.join()
        assert not events.is_heard
        return found

    for got in asyncio.run(main()):
        assert [data["number"] for _, data in got] == list(range(200))
        assert {name for name, _ in got} == {"job"}
        assert got[0][1]["text"] == "ü\n\nevent: forged"  # no text can begin an event of its own


def test_what_comes_while_the_first_is_made_is_not_missed() -> None:
    async def main() -> str:
        events = Events()
        events.open(asyncio.get_running_loop())

        def first() -> tuple[str, Any]:
            events.send("study", {"study": "a"})  # between what is loaded and what is listened to
            return "hello", {}

        stream = events.listen(first)
        await anext(stream)
        found = await asyncio.wait_for(anext(stream), 60)
        await stream.aclose()
        return found

    assert asyncio.run(main()) == 'event: study\ndata: {"study": "a"}\n\n'


def test_a_browser_that_sleeps_is_let_go_and_the_others_hear_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 10)

    async def main() -> tuple[list[str], list[tuple[str, Any]]]:
        events = Events()
        events.open(asyncio.get_running_loop())
        sleeping = events.listen(lambda: ("hello", {}))
        await anext(sleeping)
        awake = asyncio.create_task(heard(events, 30))
        while len(events._listeners) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        for number in range(30):
            events.send("job", {"number": number})
            await asyncio.sleep(0.005)
        late = [text async for text in sleeping]
        return late, await asyncio.wait_for(awake, 60)

    late, awake = asyncio.run(main())
    assert late == []  # it reconnects, and is told everything anew
    assert [data["number"] for _, data in awake] == list(range(30))


def test_the_end_of_the_server_ends_every_stream() -> None:
    async def main() -> list[str]:
        events = Events()
        events.open(asyncio.get_running_loop())
        stream = events.listen(lambda: ("hello", {}))
        await anext(stream)
        events.close()
        rest = [text async for text in stream]
        events.send("job", {})  # heard by nobody
        assert not events.is_heard
        return rest

    assert asyncio.run(main()) == []


def test_a_stream_ends_with_the_right_to_hear_it() -> None:
    async def main() -> tuple[list[str], list[str]]:
        events, here = Events(), {"anna", "otto"}
        events.open(asyncio.get_running_loop())
        anna = events.listen(lambda: ("hello", {}), lambda: "anna" in here)
        otto = events.listen(lambda: ("hello", {}), lambda: "otto" in here)
        await anext(anna), await anext(otto)
        events.look_again()
        events.send("job", {"n": 1})
        assert await anext(anna) == await anext(otto) == 'event: job\ndata: {"n": 1}\n\n'
        here.remove("anna")
        events.send("job", {"n": 2})
        gone = [text async for text in anna]
        heard = [await anext(otto)]
        here.remove("otto")
        events.look_again()
        heard += [text async for text in otto]
        assert not events.is_heard
        return gone, heard

    gone, heard = asyncio.run(asyncio.wait_for(main(), 60))
    assert gone == [] and heard == ['event: job\ndata: {"n": 2}\n\n']


def test_a_quiet_stream_ends_when_its_listener_may_hear_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HEARTBEAT_S", 0.01)

    async def main() -> list[str]:
        events, asked = Events(), iter([True, True, False])
        events.open(asyncio.get_running_loop())
        return [text async for text in events.listen(lambda: ("hello", {}), lambda: next(asked))]

    first, *alive = asyncio.run(asyncio.wait_for(main(), 60))
    assert first.startswith("event: hello") and alive == [": still here\n\n"] * 2


def test_without_a_loop_nothing_happens() -> None:
    events = Events()
    events.send("job", {})
    events.study("a", "images")
    events.close()
    loop = asyncio.new_event_loop()
    events.open(loop)
    loop.close()
    events.send("job", {})


def test_a_quiet_stream_says_that_it_is_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HEARTBEAT_S", 0.01)

    async def main() -> str:
        events = Events()
        events.open(asyncio.get_running_loop())
        stream = events.listen(lambda: ("hello", {}))
        await anext(stream)
        found = await asyncio.wait_for(anext(stream), 60)
        await stream.aclose()
        return found

    assert asyncio.run(main()) == ": still here\n\n"


def test_what_watches_is_asked_before_a_study_is_told() -> None:
    events, asked = Events(), []
    events.before_study(asked.append)
    events.study("a b", "audit")
    assert asked == ["a b"]
