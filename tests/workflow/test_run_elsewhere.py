"""A study whose images are predicted by other processes."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from veriscope.io.hashing import sha256_of
from veriscope.io.record import Record
from veriscope.predict.units import Work
from veriscope.workflow.study import Study


@pytest.fixture
def studies(tiny_data: Path, tmp_path: Path) -> list[Study]:
    return [
        Study.new(
            tmp_path / name,
            images=str(tiny_data / "images"),
            groups=str(tiny_data / "sheet.csv"),
            methods=("log-spots", "otsu-watershed"),
        )
        for name in ("here", "there")
    ]


class Elsewhere:
    """Does each piece with a copy of the work, as another process has one."""

    n_lost = 0

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        packed = pickle.dumps(work)
        for unit in units:
            copy = pickle.loads(packed)
            copy.prepare(1)
            yield unit, copy.lighter(unit)(unit)


class Forgetful:
    """Does the work, and loses lines of the record, as network disks do."""

    n_lost = 0

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        path = work.job.record.path  # type: ignore[attr-defined]
        for unit in units:
            before = path.read_bytes()
            yield unit, work(unit)
            if unit % 3 == 0:
                path.write_bytes(before)


def test_the_same_files_and_nothing_done_twice(studies: list[Study]) -> None:
    here, there = studies
    expected = here.run()
    assert there.run(executor=Elsewhere()) == expected
    for run in expected:
        assert (run.n_images, run.n_done) == (8, 8)
        for folder in ("predictions", "measurements"):
            assert sha256_of(here.path / folder) == sha256_of(there.path / folder)
    again = there.run(executor=Elsewhere())
    assert [(run.n_done, run.n_objects) for run in again] == [(0, run.n_objects) for run in expected]


def test_what_was_not_recorded_is_done_again(studies: list[Study]) -> None:
    here, there = studies
    here.run(only=["otsu-watershed"])
    (run,) = there.run(only=["otsu-watershed"], executor=Forgetful())
    assert run.n_images == 8
    recorded = {path for entry in Record(there.path).entries() for path in entry["outputs"]}
    predicted = {path.relative_to(there.path).as_posix() for path in there.path.glob("predictions/*/*")}
    assert predicted and predicted <= recorded
    assert sha256_of(here.path / "measurements") == sha256_of(there.path / "measurements")
    assert there.run(only=["otsu-watershed"])[0].n_done == 0
