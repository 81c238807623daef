"""Pieces of work are all done, once or again, whatever happens to the processes."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import InputError, KilledError, MethodError
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.predict.concurrency import limit_workers, workers_as_before
from veriscope.predict.folder import predict_folder
from veriscope.predict.plan import memory_of_part
from veriscope.predict.units import HereExecutor, ProcessExecutor, executor_for, run_on
from veriscope.registry import make_method

sys.path.insert(0, str(Path(__file__).parent))  # processes find the work of tests by name

from cluster_work import Numbers


@dataclass(frozen=True)
class Tally:
    """Writes a file per piece; remembers how light it is."""

    folder: Path
    light: int = 0

    def __call__(self, unit: int) -> dict[str, Any]:
        (self.folder / str(unit)).touch()
        return {"unit": unit, "light": self.light}

    def lighter(self, unit: int) -> Tally:
        return replace(self, light=self.light + 1)

    def prepare(self, threads: int) -> None: ...


def test_one_after_the_other_in_order(tmp_path: Path) -> None:
    done = list(HereExecutor().run(Tally(tmp_path), [3, 1, 2]))
    assert [unit for unit, _ in done] == [3, 1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3"]


def test_one_worker_needs_no_process() -> None:
    assert isinstance(executor_for(1), HereExecutor)
    several = executor_for(3)
    assert isinstance(several, ProcessExecutor)
    assert several.workers == 3


class Fragile(ProcessExecutor):
    """Loses its processes at some pieces, a number of times, without starting any."""

    def __init__(self, losses: dict[int, int]) -> None:
        super().__init__(2)
        self.losses = losses

    def _round(self, work: Any, units: list[int]) -> Any:
        for unit in units:
            if self.losses.get(unit, 0):
                self.losses[unit] -= 1
                raise BrokenProcessPool
            yield unit, work(unit)


def test_lost_pieces_are_done_again_and_lighter_from_the_second_loss_on(tmp_path: Path) -> None:
    executor = Fragile({1: 1, 3: 3})
    done = dict(executor.run(Tally(tmp_path), range(5)))
    assert sorted(done) == [0, 1, 2, 3, 4]
    assert executor.n_lost == 4
    assert [done[unit]["light"] for unit in range(5)] == [0, 0, 0, 2, 2]


def test_a_piece_that_kills_every_process_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(MethodError) as error:
        list(Fragile({2: 9}).run(Tally(tmp_path), range(4)))
    assert str(error.value) == (
        "4 processes were killed at the same piece of work (2), as happens when memory runs out or a library "
        "crashes; give less "
        "--memory or fewer --workers, then the same command again: what is finished is kept"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


class Together(ProcessExecutor):
    """Two pieces are under way at any time, and some kill the process; without starting any."""

    def __init__(self, *killers: int) -> None:
        super().__init__(1)
        self.killers = set(killers)

    def _round(self, work: Any, units: list[int]) -> Any:
        for place, unit in enumerate(units):
            if self.killers & set(units[place : place + 2]):
                raise BrokenProcessPool
            yield unit, work(unit)


def test_the_piece_that_kills_is_given_up_and_not_the_one_beside_it(tmp_path: Path) -> None:
    """The one that was waited for longest was blamed, and the run ended there each time."""
    executor = Together(2, 6)
    done = dict(run_on(executor, Tally(tmp_path), range(9), lambda unit, error: {"lost": str(error)}))
    assert sorted(done) == list(range(9))
    lost = {unit: found["lost"] for unit, found in done.items() if "lost" in found}
    assert list(lost) == [2, 6]
    assert lost[6].startswith("4 processes were killed at the same piece of work (6), as happens when memory")
    assert sorted(int(path.name) for path in tmp_path.iterdir()) == [0, 1, 3, 4, 5, 7, 8]


def test_pieces_given_up_in_a_row_stop_the_run(tmp_path: Path) -> None:
    """It is the computer or the method then, and each of a thousand images would cost four processes."""
    given_up = []
    with pytest.raises(KilledError, match=r"the same piece of work \(4\)") as error:
        list(
            run_on(
                Together(2, 3, 4), Tally(tmp_path), range(9), lambda unit, _: {"lost": given_up.append(unit)}
            )
        )
    assert (given_up, error.value.unit) == ([2, 3], 4)
    assert pickle.loads(pickle.dumps(error.value)).unit == 4


def test_processes_go_on_from_one_run_to_the_next_with_the_work_of_each(tmp_path: Path) -> None:
    with ProcessExecutor(2) as executor:
        first = dict(executor.run(Numbers(tmp_path), range(6)))
        second = dict(executor.run(Numbers(tmp_path, weight=7), range(6)))
        assert {found["weight"] for found in first.values()} == {100}
        assert {found["weight"] for found in second.values()} == {7}
        processes = {found["process"] for found in [*first.values(), *second.values()]}
        assert len(processes) <= 2 and os.getpid() not in processes
        running = executor.run(Numbers(tmp_path), range(50))
        next(running)
        running.close()
        again = {found["process"] for found in dict(executor.run(Numbers(tmp_path), range(6))).values()}
        assert not again & processes, "pieces that nobody waits for are given up with their processes"
    assert not multiprocessing.active_children()


def test_an_executor_works_in_fewer_processes_and_afterwards_in_all_again(tmp_path: Path) -> None:
    with ProcessExecutor(2, early=False) as executor:

        def processes() -> set[int]:
            return {found["process"] for _, found in executor.run(Numbers(tmp_path), range(4))}

        assert not multiprocessing.active_children(), "none starts before there is work"
        with workers_as_before(executor):
            limit_workers(executor, 1)
            assert processes() == {os.getpid()}
            limit_workers(executor, 2, threads=3)
            assert os.getpid() not in processes()
            assert [path.name for path in tmp_path.glob("threads-*")] == ["threads-3"]
        assert os.getpid() not in processes()
        assert sorted(path.name for path in tmp_path.glob("threads-*")) == ["threads-1", "threads-3"]
    with workers_as_before(HereExecutor()):
        limit_workers(HereExecutor(), 1)  # is nothing else


@pytest.mark.parametrize("workers", [0, -1, 2.0, True, None])
def test_no_number_of_processes_is_refused(workers: Any) -> None:
    for use in (executor_for, lambda number: memory_of_part(1 << 30, number)):
        with pytest.raises(InputError) as error:
            use(workers)
        assert str(error.value) == (
            f"--workers {workers}: is no number of processes; give 1 to work in one, or more (a whole number)"
        )


@pytest.mark.parametrize("memory", [None, 1 << 30])
def test_a_folder_without_processes_is_refused_before_anything_is_written(
    tmp_path: Path, memory: int | None
) -> None:
    write_ome_zarr(tmp_path / "in" / "a.ome.zarr", Image(np.eye(20), "yx"))
    with pytest.raises(InputError, match="--workers 0: is no number of processes"):
        predict_folder(
            make_method("otsu-watershed"), tmp_path / "in", tmp_path / "o", workers=0, memory=memory
        )
    assert not (tmp_path / "o").exists()
