"""Work on a Dask cluster: same bytes as here, whoever dies."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster
from distributed.core import Status

from veriscope.core.image import Image
from veriscope.errors import ClusterError, InputError, MethodError, MissingPackageError
from veriscope.io import usage
from veriscope.io.hashing import sha256_of
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.predict import dask_executor
from veriscope.predict.cluster import cluster_executor
from veriscope.predict.dask_executor import DaskExecutor
from veriscope.predict.image import predict_image
from veriscope.predict.units import HereExecutor
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

sys.path.insert(0, str(Path(__file__).parent))
from cluster_work import Numbers

SPOTS = make_method("log-spots", {"diameter": 14})
KEPT = "what is finished is kept, and the same command goes on from there"


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    """Two worker processes on this computer, and a client."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    options: dict[str, Any] = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, memory_limit=0, **options) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield cluster, client


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pixels = discs_image((230, 260), diameter=14).pixels.astype(np.uint16)
    path = tmp_path_factory.mktemp("in") / "a.ome.zarr"
    write_ome_zarr(path, Image(pixels, "yx"))
    return path


@pytest.fixture(scope="module")
def expected(image: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("here")
    predict_image(SPOTS, image, folder / "o.ome.zarr", tile=32, executor=HereExecutor())
    return sha256_of(folder / "o.ome.zarr")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_same_bytes_as_here(
    local: Any, image: Path, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    executor = DaskExecutor(local[1], tmp_path)
    executor.check([image])
    found = predict_image(SPOTS, image, "o.ome.zarr", tile=32, executor=executor)
    assert found["n_parts"] == 8 * 9
    assert sha256_of(tmp_path / "o.ome.zarr") == expected
    assert left(tmp_path) == ["o.ome.zarr", "o.record.json"]
    assert (executor.notes, executor.n_lost) == ([], 0)


def test_small_pieces_go_together(local: Any, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    executor = DaskExecutor(local[1], tmp_path)
    found = dict(executor.run(Numbers(tmp_path / "out", seconds=0.002), range(400)))
    assert {unit: result["square"] for unit, result in found.items()} == {n: n * n for n in range(400)}
    assert executor.n_batches < 100
    # Both threads of a worker are given to its one piece.
    assert left(tmp_path / "out") == sorted([*map(str, range(400)), "threads-2"])
    assert left(tmp_path) == ["out"]
    assert list(executor.run(Numbers(tmp_path), [])) == []


def test_a_fault_of_the_work_arrives_and_the_rest_is_not_begun(local: Any, tmp_path: Path) -> None:
    executor = DaskExecutor(local[1], tmp_path)
    with pytest.raises(MethodError, match=r"^5 cannot be done$"):
        list(executor.run(Numbers(tmp_path, bad=(5,), seconds=0.02), range(300)))
    for _ in range(100):  # pieces under way are finished, on a busy computer later
        time.sleep(0.2)
        if not any(name.startswith(".") for name in left(tmp_path)):
            break
    assert not any(name.startswith(".") for name in left(tmp_path))
    assert len(left(tmp_path)) < 100


def test_cost_has_the_workers_of_a_cluster_that_runs_already(
    local: Any, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # These are children of the tests; here they are taken for processes that somebody else started.
    monkeypatch.setattr(usage, "descendants", lambda **_: [])
    monkeypatch.setattr(usage.platform, "node", lambda: "another computer")
    executor = DaskExecutor(local[1], tmp_path)
    found = predict_image(SPOTS, image, tmp_path / "o.ome.zarr", tile=64, executor=executor)
    cost = found["cost"]
    assert cost["workers"]["n_workers"] in (1, 2)
    assert 0 < cost["workers"]["cpu_s"] <= cost["cpu_s"]
    assert 0 < cost["workers"]["peak_memory_bytes"] < cost["peak_memory_bytes"]
    kept = json.loads((tmp_path / "o.record.json").read_text())
    assert kept["cost"] == cost


def test_workers_that_are_children_of_the_command_are_counted_once(
    local: Any, image: Path, tmp_path: Path
) -> None:
    executor = DaskExecutor(local[1], tmp_path)
    found = predict_image(SPOTS, image, tmp_path / "o.ome.zarr", tile=64, executor=executor)
    assert "workers" not in found["cost"]
    assert found["cost"]["cpu_s"] > 0


@pytest.mark.slow
def test_killed_workers_cost_nothing_but_time(
    local: Any, image: Path, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_executor, "_BATCH_SECONDS", 0.2)
    cluster, client = local
    rng, stop, killed = random.Random(4), threading.Event(), []
    since = dict.fromkeys((nanny.pid for nanny in cluster.workers.values()), 0.0)

    def kill() -> None:
        seen: set[Path] = set()
        while not stop.wait(rng.uniform(0.05, 0.6)) and len(killed) < 12:
            # Dask gives up a worker that dies while it starts or just after; and on a busy machine workers
            # would be killed for ever before they have done a piece.
            nannies = [one for one in list(cluster.workers.values()) if one.pid]
            started = [one.pid for one in nannies if one.process.status == Status.running]
            now, done = time.monotonic(), set(tmp_path.glob("*/o.ome.zarr.part/parts/*"))
            ready = [pid for pid in started if now - since.setdefault(pid, now) > 2]
            if ready and done - seen:
                killed.append(rng.choice(ready))
                since[killed[-1]], seen = math.inf, done
                with contextlib.suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for round_ in range(20):
            executor = DaskExecutor(client, tmp_path)
            predict_image(SPOTS, image, tmp_path / str(round_) / "o.ome.zarr", tile=32, executor=executor)
            assert sha256_of(tmp_path / str(round_) / "o.ome.zarr") == expected
            assert left(tmp_path / str(round_)) == ["o.ome.zarr", "o.record.json"]
            if round_ and len(killed) >= 3:
                break
    finally:
        stop.set()
        killer.join()
    assert len(set(killed)) >= 3
    assert left(tmp_path) == sorted(map(str, range(round_ + 1)))


@contextlib.contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    running = subprocess.Popen(
        [sys.executable, "-m", *arguments], stderr=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": path}
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@pytest.mark.slow
def test_lost_workers_then_a_lost_scheduler_then_the_same_command(
    image: Path, expected: str, tmp_path: Path
) -> None:
    output, file = tmp_path / "o.ome.zarr", tmp_path / "scheduler.json"
    worker_line = ("distributed.cli.dask_worker", "--scheduler-file", str(file), "--no-dashboard")
    worker_line += ("--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path / "scratch"))
    scheduler_line = ("distributed.cli.dask_scheduler", "--port", "0", "--scheduler-file", str(file))
    n_parts = []

    def kill_at(victim: subprocess.Popen[bytes], done: int) -> Any:
        def progress(stage: str, n: int, total: int) -> None:
            if n == done:
                victim.kill()
            n_parts.append(n)

        return progress

    def attempt(victim: subprocess.Popen[bytes], done: int) -> None:
        with cluster_executor(shared=tmp_path, scheduler=address, inputs=[image], wait=30) as executor:
            assert executor is not None
            executor.patience = 1
            progress = kill_at(victim, done)
            predict_image(SPOTS, image, output, tile=32, executor=executor, progress=progress)

    with process(*scheduler_line, "--no-dashboard") as scheduler:
        while not file.exists():
            time.sleep(0.05)
        address = json.loads(file.read_text())["address"]
        with (
            process(*worker_line) as worker,
            pytest.raises(
                ClusterError, match=r"^all workers are lost and none came back within 1 s; \d+ pieces "
            ),
        ):
            attempt(worker, 10)
        n_parts.clear()
        with process(*worker_line), pytest.raises(ClusterError) as error:
            attempt(scheduler, 40)
    assert str(error.value) in (  # what is seen first depends on how busy the computer is
        f"the connection to the scheduler is lost; {KEPT}",
        f"the scheduler has not answered for 1 s; is its computer asleep or overloaded? {KEPT}",
    )
    assert n_parts[0] >= 10
    assert not output.exists()
    n_parts.clear()
    predict_image(SPOTS, image, output, tile=32, progress=lambda *step: n_parts.append(step[1]))
    assert n_parts[0] >= 40
    assert sha256_of(output) == expected


def test_a_scheduler_that_hangs_is_told_from_a_cluster_without_workers(tmp_path: Path) -> None:
    file, out = tmp_path / "scheduler.json", tmp_path / "out"
    out.mkdir()
    scheduler_line = ("distributed.cli.dask_scheduler", "--port", "0", "--scheduler-file", str(file))
    worker_line = ("distributed.cli.dask_worker", "--scheduler-file", str(file), "--no-dashboard")
    worker_line += ("--no-nanny", "--nthreads", "1", "--local-directory", str(tmp_path / "scratch"))
    with process(*scheduler_line, "--no-dashboard") as scheduler, process(*worker_line):
        for _ in range(1200):
            if file.exists():
                break
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        with (
            pytest.raises(ClusterError) as error,
            cluster_executor(shared=tmp_path, scheduler=address, wait=120) as executor,
        ):
            assert executor is not None
            units = executor.run(Numbers(out, seconds=0.02), range(100_000))
            next(units)
            scheduler.send_signal(signal.SIGSTOP)
            # Nothing is answered from now on, so short times cannot be too short; Dask itself waits for ever.
            executor.patience, executor.answer_within = 2, 1
            for _ in units:
                pass
        scheduler.send_signal(signal.SIGCONT)
    said = str(error.value)
    assert re.fullmatch(
        r"the scheduler has not answered for \d+ s; is its computer asleep or overloaded\? .*", said
    )
    assert said.endswith(KEPT)
    assert any(out.iterdir())


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs a path that differs by process")
def test_a_disk_that_is_not_shared_is_refused(
    local: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ClusterError) as error:
        DaskExecutor(local[1], "/proc/self/cwd").check()
    assert str(error.value) == (
        "/proc/self/cwd: a file written here is not seen by a worker, so they do not share this disk; choose "
        "an output on a disk that all of them see"
    )
    assert left(tmp_path) == []


def test_images_that_workers_do_not_see_are_refused(local: Any, tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as error:
        DaskExecutor(local[1], tmp_path).check([tmp_path / "a.tif"])
    assert str(error.value) == (
        f"{tmp_path / 'a.tif'}: not seen by a worker; images must lie on a disk that all of them see"
    )


def test_other_packages_are_noted_and_another_veriscope_refused(
    local: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = DaskExecutor(local[1], tmp_path)
    real = dask_executor.software()
    monkeypatch.setattr(dask_executor, "software", lambda: real | {"numpy": "1.0"})
    executor.check()
    assert executor.notes == [f"workers have numpy {real['numpy']}, this command 1.0"]
    monkeypatch.setattr(dask_executor, "software", lambda: real | {"veriscope": "9"})
    with pytest.raises(ClusterError) as error:
        executor.check()
    assert str(error.value) == (
        f"a worker has Veriscope {real['veriscope']} and this command 9; start the workers from the same "
        "environment"
    )


def test_a_scheduler_that_is_not_there_is_an_error_within_seconds(tmp_path: Path) -> None:
    started = time.monotonic()
    with (
        pytest.raises(ClusterError) as error,
        cluster_executor(shared=tmp_path, scheduler="tcp://127.0.0.1:9", wait=0.5),
    ):
        pass
    assert time.monotonic() - started < 60
    assert str(error.value) == (
        "--scheduler tcp://127.0.0.1:9: no scheduler answers within 0.5 s; is it running, is the address "
        "right (tcp://HOST:PORT, as the scheduler printed it), and does a firewall lie between?"
    )


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(MissingPackageError) as error,
        cluster_executor(shared=tmp_path, scheduler="tcp://127.0.0.1:9"),
    ):
        pass
    assert str(error.value) == (
        "a cluster needs distributed, which is not installed: pip install 'veriscope[scale]'"
    )


def test_wrong_options_are_refused_and_none_is_no_cluster(tmp_path: Path) -> None:
    with cluster_executor(shared=tmp_path) as executor:
        assert executor is None
    with (
        pytest.raises(
            InputError, match=r"^--scheduler 'node7' is no address; write tcp://HOST:PORT, or tls:"
        ),
        cluster_executor(shared=tmp_path, scheduler="node7"),
    ):
        pass
    with (
        pytest.raises(InputError, match=r"^--scheduler uses a cluster that runs and --cluster starts one; "),
        cluster_executor(shared=tmp_path, scheduler="tcp://a:1", cluster="b.yaml"),
    ):
        pass
