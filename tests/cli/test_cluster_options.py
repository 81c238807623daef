"""Options that send work to a cluster: what contradicts them, and what reaches the cluster."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from veriscope.cli.cluster import on_cluster
from veriscope.errors import ClusterError, InputError
from veriscope.predict import cluster as module

from .conftest import Veriscope

PREDICT = ("predict", "otsu-watershed", "images", "-o", "out")


class Recorded:
    """What a cluster was asked for; it notes two things, and does no work."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, notes: tuple[str, ...] = ("two [versions]",)
    ) -> None:
        self.asked: list[dict[str, Any]] = []
        self.left = False
        self.executor: Any = SimpleNamespace(notes=notes)
        monkeypatch.setattr(module, "cluster_executor", self.connect)

    @contextlib.contextmanager
    def connect(self, **options: Any) -> Iterator[Any]:
        self.asked.append(options)
        try:
            yield self.executor
        finally:
            self.left = True


def test_without_a_cluster_work_is_done_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    recorded = Recorded(monkeypatch)
    with on_cluster(None, None, None, shared=tmp_path, workers=8) as executor:
        assert executor is None
    assert recorded.asked == []


@pytest.mark.parametrize(
    ("given", "workers", "message"),
    [
        ((None, None, 3.0), 1, "--wait is for --scheduler and --cluster; leave it out"),
        (
            ("tcp://a:1", None, None),
            2,
            "--workers 2 are processes of this computer; leave it out with --scheduler and --cluster",
        ),
        (
            (None, Path("c.yaml"), 5.0),
            7,
            "--workers 7 are processes of this computer; leave it out with --scheduler and --cluster",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused_before_anything_is_asked_of_a_cluster(
    monkeypatch: pytest.MonkeyPatch, given: Any, workers: int, message: str
) -> None:
    recorded = Recorded(monkeypatch)
    with pytest.raises(InputError) as error, on_cluster(*given, shared=Path("out"), workers=workers):
        pass
    assert str(error.value) == message
    assert recorded.asked == []


def test_the_cluster_is_told_where_results_go_and_which_inputs_are_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = Recorded(monkeypatch)
    (tmp_path / "a.tif").write_bytes(b"")
    inputs = [tmp_path / "a.tif", str(tmp_path), str(tmp_path / "*.tif"), "gone"]
    with on_cluster("tcp://a:1", None, 4.5, shared=tmp_path / "out", inputs=inputs) as executor:
        assert executor is recorded.executor
        assert not recorded.left
    assert recorded.left
    assert recorded.asked == [
        {
            "shared": tmp_path / "out",
            "scheduler": "tcp://a:1",
            "cluster": None,
            "inputs": [tmp_path / "a.tif", str(tmp_path)],
            "wait": 4.5,
        }
    ]
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "note: two [versions]\n")


def test_a_cluster_is_left_also_where_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = Recorded(monkeypatch)
    with pytest.raises(ClusterError, match="lost"), on_cluster("tcp://a:1", None, None, shared=Path("o")):
        raise ClusterError("lost")
    assert recorded.left


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--wait", "3"), "--wait is for --scheduler and --cluster; leave it out"),
        (
            ("--scheduler", "tcp://a:1", "--cluster", "c.yaml"),
            "--scheduler uses a cluster that runs and --cluster starts one; give one of them",
        ),
        (
            ("--scheduler", "tcp://a:1", "--workers", "3"),
            "--workers 3 are processes of this computer; leave it out with --scheduler and --cluster",
        ),
    ],
)
def test_predict_tells_what_contradicts_a_cluster(
    veriscope: Veriscope,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    said = veriscope(*PREDICT, *words, "--json")
    assert (said.code, said.message) == (1, message)
    assert not (tmp_path / "out").exists()


def test_waiting_for_no_time_is_wrong_usage(veriscope: Veriscope) -> None:
    said = veriscope(*PREDICT, "--scheduler", "tcp://a:1", "--wait", "0", "--json")
    assert said.code == 2
    assert said.message.startswith("Invalid value for '--wait': Input should be greater than or equal to 0.1")
