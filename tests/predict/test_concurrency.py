"""As many processes as are soonest done in the memory promised, and never more than were asked for."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.io.labels import read_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.methods.local_method import Footprint, LocalMethod
from veriscope.predict import concurrency
from veriscope.predict.concurrency import (
    most_workers,
    plan_parts,
    threads_of,
)
from veriscope.predict.image import predict_image
from veriscope.predict.plan import Plan, memory_for_part, plan_tiles
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

GB = 1 << 30
SLIDE = (32_768, 32_768)
NETWORK: dict[str, Any] = {"bytes_per_pixel": 650.0, "tile": None, "threaded": 0.9}
WIDE = Footprint(126, 46)


def per_worker(plan: Plan) -> float:
    """Work of each of the processes: that of the whole, surroundings included, over their number."""
    return plan.work / plan.workers


@given(
    memory=st.integers(GB // 2, 64 * GB),
    more=st.integers(0, 32 * GB),
    asked=st.integers(1, 24),
    reach=st.integers(0, 300),
    cost=st.floats(20, 2000),
    held=st.integers(0, 100 << 20),
)
@example(memory=2 * GB, more=0, asked=2, reach=126, cost=650.0, held=0)
def test_the_promise_is_kept_and_more_memory_is_never_slower(
    memory: int, more: int, asked: int, reach: int, cost: float, held: int
) -> None:
    footprint = Footprint(reach, 40)

    def plan(n_bytes: int) -> Plan:
        return plan_parts(
            SLIDE, footprint, bytes_per_pixel=cost, memory=n_bytes, workers=asked, tile=None, held=held
        )

    try:
        found = plan(memory)
    except InputError:
        with pytest.raises(InputError):
            plan_tiles(SLIDE, footprint, bytes_per_pixel=cost, memory=memory, workers=1, tile=None, held=held)
        return
    crop = math.prod(side + 2 * (reach + 40) for side in found.tile)
    assert memory_for_part(crop * cost + held, found.workers) <= memory * 1.0001
    assert 1 <= found.workers <= asked
    assert bool(found.note) == (found.workers < asked)
    assert per_worker(plan(memory + more)) <= per_worker(found)
    for number in range(1, asked + 1):
        try:
            other = plan_tiles(
                SLIDE, footprint, bytes_per_pixel=cost, memory=memory, workers=number, tile=None, held=held
            )
        except InputError:
            break
        assert per_worker(found) <= per_worker(other)


@pytest.mark.parametrize(
    ("cores", "memory", "asked", "workers", "side"),
    [
        (1, 2, 2, 2, 448),
        (2, 2, 2, 1, 1088),  # one process with two threads is done sooner
        (2, 4, 2, 2, 1024),
        (2, 4, 8, 4, 512),
        (8, 4, 8, 2, 1024),
        (8, 8, 8, 4, 1088),
    ],
)
def test_a_network_works_in_fewer_processes_with_their_threads(
    monkeypatch: pytest.MonkeyPatch, cores: int, memory: int, asked: int, workers: int, side: int
) -> None:
    monkeypatch.setattr(concurrency, "usable_cores", lambda: cores)
    found = plan_parts(SLIDE, WIDE, memory=memory * GB, workers=asked, **NETWORK)
    assert (found.workers, found.tile) == (workers, (side, side))


def test_fewer_workers_are_chosen_where_surroundings_would_be_most_of_the_work_and_it_is_said() -> None:
    found = plan_parts(SLIDE, WIDE, bytes_per_pixel=650, memory=4 * GB, workers=8, tile=None)
    assert (found.workers, found.tile) == (4, (512, 512))
    assert found.note == (
        "predicted by 4 workers instead of 8: 8 would share 4096MB in parts of 64 pixels and predict every "
        "pixel about 40.6 times, because parts need surroundings; 4 in parts of 512 2.8 times, which is "
        "estimated to be done sooner"
    )


def test_what_does_not_fit_beside_each_other_is_done_by_fewer() -> None:
    """It was refused, with the advice to give fewer workers."""
    found = plan_parts(SLIDE, Footprint(10, 10), bytes_per_pixel=90, memory=GB, workers=6, tile=None)
    assert found.workers < 6
    assert found.note.endswith("1024MB do not suffice for 6")
    given = plan_parts(SLIDE, Footprint(10, 10), bytes_per_pixel=90, memory=GB, workers=4, tile=1500)
    assert (given.workers, given.tile) == (1, (1500, 1500))
    assert given.note == "predicted by 1 worker instead of 4: 1024MB do not suffice for 4"
    with pytest.raises(InputError, match=r"surroundings on 1 worker; \d+MB would, or a smaller --tile"):
        plan_parts(SLIDE, Footprint(10, 10), bytes_per_pixel=90, memory=GB, workers=4, tile=3000)


def test_a_piece_of_the_file_of_every_worker_counts() -> None:
    options: dict[str, Any] = {"bytes_per_pixel": 1.0, "memory": 4 * GB, "workers": 5, "tile": None}
    for piece, workers in ((0, 5), (GB // 5, 5), (GB // 5 + 1, 4), (GB, 1)):
        assert plan_parts(SLIDE, WIDE, piece=piece, **options).workers == workers


@given(workers=st.integers(1, 50), threaded=st.floats(0, 1), tile=st.none() | st.integers(200, 4000))
def test_without_a_promise_as_many_work_as_were_asked_for(
    workers: int, threaded: float, tile: int | None
) -> None:
    found = plan_parts(
        SLIDE, WIDE, bytes_per_pixel=650, memory=None, workers=workers, tile=tile, threaded=threaded
    )
    assert (found.workers, found.note) == (workers, "")


@pytest.mark.parametrize("workers", [0, -3, 1.5, True])
def test_no_number_of_processes_is_refused(workers: Any) -> None:
    with pytest.raises(InputError, match=r"is no number of processes"):
        plan_parts(SLIDE, WIDE, memory=None, workers=workers, **NETWORK)


@pytest.mark.parametrize(
    ("cores", "workers", "asked", "threads"),
    [(8, 2, 8, 4), (8, 3, 8, 2), (8, 1, 2, 2), (2, 4, 4, 1), (4, 1, 9, 4)],
)
def test_fewer_processes_have_the_threads_of_those_they_stand_for(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int, asked: int, threads: int
) -> None:
    monkeypatch.setattr(concurrency, "usable_cores", lambda: cores)
    assert threads_of(workers, asked) == threads


@given(asked=st.integers(1, 40), least=st.integers(0, 50))
def test_as_many_as_fit(asked: int, least: int) -> None:
    assert most_workers(asked, lambda number: number <= least) == max(min(asked, least), 1)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    write_ome_zarr(tmp_path / "a.ome.zarr", discs_image((300, 320), diameter=14))
    return tmp_path / "a.ome.zarr"


def test_a_run_says_that_fewer_work_and_gives_the_same_bytes(image: Path, tmp_path: Path) -> None:
    method = make_method("otsu-watershed")
    least = memory_for_part(1, 1)
    found = predict_image(method, image, tmp_path / "o.ome.zarr", memory=least + (40 << 20), workers=3)
    assert (found["workers"], found["workers_asked"]) == (1, 3)
    assert found["notes"][-1:] == [
        f"predicted by 1 worker instead of 3: {-(-(least + (40 << 20)) >> 20)}MB do not suffice for 3"
    ]
    predict_image(method, image, tmp_path / "p.ome.zarr", tile=64)
    labels = [read_labels(tmp_path / f"{name}.ome.zarr") for name in "op"]
    assert labels[0].max() == found["n_objects"] > 50
    np.testing.assert_array_equal(*labels)


def test_a_network_that_saw_the_whole_image_is_not_run_again_elsewhere(image: Path, tmp_path: Path) -> None:
    found = predict_image(
        make_method("nuclei-fluorescence"), image, tmp_path / "o.ome.zarr", tile=128, workers=2
    )
    assert found["workers"] == 1
    assert found["notes"][-1:] == [
        "predicted by 1 worker instead of 2: it kept what it found while it measured the image, and need not "
        "compute that again"
    ]
    given = make_method("nuclei-fluorescence", {"diameter": 14.0})
    assert predict_image(given, image, tmp_path / "p.ome.zarr", tile=128, workers=2)["workers"] == 2


def test_parts_of_a_stopped_run_that_do_not_fit_the_memory_promised_now_are_cut_anew(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They were kept, and the promise was not."""
    method, output = make_method("otsu-watershed"), tmp_path / "o.ome.zarr"
    assert isinstance(method, LocalMethod)
    with monkeypatch.context() as patch:

        def stopped(*_: Any, **__: Any) -> None:
            raise KeyboardInterrupt

        patch.setattr("veriscope.predict.image.predict_parts", stopped)
        with pytest.raises(KeyboardInterrupt):
            predict_image(method, image, output)
    tight = memory_for_part(method.bytes_per_pixel * 270**2, 1)
    found = predict_image(method, image, output, memory=tight)
    assert 64 <= max(found["tile"]) < 270
    assert found["n_parts"] == found["n_parts_now"] > 1
