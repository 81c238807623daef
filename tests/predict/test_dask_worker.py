"""What a worker does with an order, without a cluster."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from veriscope.errors import KilledError
from veriscope.io.atomic import write_json
from veriscope.predict import dask_worker
from veriscope.predict.dask_worker import TRIES, do_units, look_around, software

sys.path.insert(0, str(Path(__file__).parent))
from cluster_work import Numbers


def make_order(folder: Path, **software_options: str) -> Path:
    order = folder / "order"
    order.mkdir()
    (folder / "out").mkdir()
    (order / "work.pickle").write_bytes(pickle.dumps(Numbers(Path("out"), bad=(7,))))
    write_json(order / "order.json", {"software": software() | software_options, "folder": str(folder)})
    return order


def test_paths_are_those_of_the_command_wherever_the_worker_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = make_order(tmp_path)
    monkeypatch.chdir("/")
    done = do_units(str(order), [2, 3], 5)
    assert done.error is None
    assert [(unit, result["square"]) for unit, result, _ in done.results] == [(2, 4), (3, 9)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["2", "3", "threads-5"]
    assert Path.cwd() == Path("/")
    assert sorted(path.name for path in order.iterdir()) == ["order.json", "work.pickle"]


def test_what_was_done_before_a_fault_is_given_back(tmp_path: Path) -> None:
    done = do_units(str(make_order(tmp_path)), [2, 7, 3], 1)
    assert [unit for unit, *_ in done.results] == [2]
    assert str(done.error) == "7 cannot be done"


@pytest.mark.parametrize(("n_lost", "weight"), [(0, 100), (1, 100), (2, 50), (3, 25)])
def test_a_piece_over_which_workers_died_is_made_lighter(tmp_path: Path, n_lost: int, weight: int) -> None:
    order = make_order(tmp_path)
    for number in range(n_lost):
        (order / f"2.{number}.mark").touch()
    done = do_units(str(order), [2, 12], 1)
    assert [result["weight"] for _, result, _ in done.results] == [weight, 100]
    assert done.n_lost == n_lost


def test_a_piece_that_kills_every_worker_is_given_up(tmp_path: Path) -> None:
    order = make_order(tmp_path)
    for number in range(TRIES + 1):
        (order / f"2.{number}.mark").touch()
    done = do_units(str(order), [3, 2], 1)
    assert [unit for unit, *_ in done.results] == [3]
    assert isinstance(done.error, KilledError) and done.error.unit == 2
    assert str(done.error) == (
        "4 workers died at the same piece of work (2), as happens when memory runs out or a library "
        "crashes; give less --memory, "
        "or more memory to each worker, then the same command again: what is finished is kept"
    )


@pytest.mark.parametrize(
    ("name", "what", "mine"),
    [("veriscope", "Veriscope", software()["veriscope"]), ("python", "Python", software()["python"])],
)
def test_a_worker_of_another_version_refuses(tmp_path: Path, name: str, what: str, mine: str) -> None:
    done = do_units(str(make_order(tmp_path, **{name: "0.0"})), [2], 1)
    assert done.results == []
    assert str(done.error) == (
        f"a worker has {what} {mine} and this command 0.0; start the workers from the same environment"
    )


def test_a_worker_that_does_not_see_the_order_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_worker, "_LOOKS", 1)
    done = do_units(str(tmp_path / "nowhere"), [2], 1)
    assert str(done.error) == (
        f"{tmp_path / 'nowhere'}: not seen by a worker, so the workers do not share this disk; put the "
        "output on a disk that all of them see"
    )
    found = look_around(str(tmp_path / "nothing"), [str(tmp_path), str(tmp_path / "none")])
    assert (found["shared"], found["missing"]) == (False, [str(tmp_path / "none")])
