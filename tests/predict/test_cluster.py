"""Clusters that are started for one command: local processes, jobs of a queueing system, Ctrl-C."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from veriscope.errors import ClusterError, InputError
from veriscope.predict.cluster import cluster_executor
from veriscope.predict.cluster_settings import ClusterSettings

sys.path.insert(0, str(Path(__file__).parent))
from cluster_work import Numbers

FULL = {
    "system": "slurm",
    "cores": 8,
    "memory": "30GB",
    "processes": 4,
    "maximum": 20,
    "queue": "long",
    "account": "lab",
    "walltime": "04:00:00",
    "interface": "ib0",
    "job_extra": ["--gres=gpu:1"],
    "before": ["module load python"],
}
SBATCH = """#!/bin/sh
test -n "$REFUSE" && { echo "sbatch: error: invalid partition" >&2; exit 1; }
cp "$1" "$JOBS/$$.sh"
setsid sh "$JOBS/$$.sh" >"$JOBS/$$.log" 2>&1 &
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
echo "$1" >>"$JOBS/cancelled"
kill -- "-$1"
"""

INTERRUPTIBLE = """import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell runs the tests behind
from veriscope.cli import main
main()"""


def read(folder: Path, text: str) -> ClusterSettings:
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    return ClusterSettings.read(folder / "c.yaml")


def test_a_job_in_the_words_of_dask_jobqueue() -> None:
    settings = ClusterSettings.parse(FULL, where="c.yaml")
    assert (settings.threads, settings.memory_of_worker) == (2, (30 << 30) // 4)
    assert settings.job_options() == {
        "cores": 8,
        "processes": 4,
        "memory": "30720MiB",
        "scheduler_options": {"dashboard_address": ":0"},
        "queue": "long",
        "account": "lab",
        "walltime": "04:00:00",
        "interface": "ib0",
        "job_extra_directives": ["--gres=gpu:1"],
        "job_script_prologue": ["module load python"],
    }


def test_systems_differ_in_their_words() -> None:
    sge = ClusterSettings.parse({"system": "sge", "memory": "2GB", "account": "lab"}, where="c.yaml")
    assert sge.job_options()["project"] == "lab"
    values = {"system": "htcondor", "memory": "2GB", "disk": "4GB", "job_extra": ["MaxRuntime=600"]}
    condor = ClusterSettings.parse(values, where="c.yaml").job_options()
    assert (condor["disk"], condor["job_extra_directives"]) == ("4GB", {"MaxRuntime": "600"})


def test_all_faults_of_a_file_are_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, "system: cray\nmemory: much\ncores: 0\nnodes: 3\n")
    assert str(error.value).splitlines()[:5] == [
        f"--cluster {tmp_path / 'c.yaml'}: wrong options",
        "  - system: Input should be 'slurm', 'lsf', 'pbs', 'sge', 'htcondor' or 'local' (got 'cray')",
        "  - cores: Input should be greater than or equal to 1 (got '0')",
        "  - memory: is no amount; write it as 16GB (got 'much')",
        "  - nodes: Extra inputs are not permitted (got '3')",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("system: local\nmemory: 1GB\nminimum: 3\n", "maximum (1) is less than minimum (3)"),
        ("system: pbs\nmemory: 1GB\nprocesses: 3\n", "processes (3) are more than cores (1) of a job"),
        ("system: htcondor\nmemory: 1GB\n", "htcondor needs disk, such as 4GB"),
        (
            "system: htcondor\nmemory: 1GB\ndisk: 4GB\nqueue: a\n",
            "htcondor has no queue; write what your pool",
        ),
        ("- a\n", "has no lines such as system: slurm"),
        ("a: [\n", "is no YAML"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert fault in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        ClusterSettings.read(tmp_path / "none.yaml")
    assert str(error.value) == (
        f"--cluster {tmp_path / 'none.yaml'}: no such file; it describes one job, in lines such as "
        "system: slurm and memory: 16GB"
    )
    with pytest.raises(InputError, match=r": cannot be read: "):
        ClusterSettings.read(tmp_path)


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path: Path, tiny_data: Path) -> None:
    (tmp_path / "c.yaml").write_text("system: local\nmemory: 2GB\nmaximum: 2\n")
    line = [sys.executable, "-c", INTERRUPTIBLE, "predict", "log-spots"]
    line += [str(tiny_data / "images"), "-o", "out", "--cluster", "c.yaml", "--quiet"]
    run = subprocess.Popen(line, cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("out/*.tif")) and run.poll() is None:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the workers, too
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 130
    assert said == "Stopped. What was finished is kept; the same command goes on from there.\n"
    assert not list(tmp_path.glob("out/.*"))
    n_done = len(list(tmp_path.glob("out/*.tif")))
    assert n_done >= 1
    again = subprocess.run(line[:-3], cwd=tmp_path, capture_output=True, text=True, check=True)
    done_now = int(re.search(r"objects in 8 images \((\d) done now\)", again.stdout)[1])  # type: ignore[index]
    # What a worker had written but not yet told when it was stopped is done once more.
    assert 8 - n_done <= done_now <= 8 - n_done + 2


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with commands of SLURM that start jobs at once, here."""
    pytest.importorskip("dask_jobqueue", reason="needs veriscope[scale]")
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    file = tmp_path / "slurm.yaml"
    file.write_text("system: slurm\ncores: 2\nprocesses: 2\nmemory: 2GB\nmaximum: 2\nwait: 60\n")
    return file


def test_jobs_are_submitted_work_and_end(slurm: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with cluster_executor(shared=tmp_path, cluster=slurm) as executor:
        assert executor is not None
        found = dict(executor.run(Numbers(tmp_path / "out", seconds=0.02), range(100)))
    assert sorted(found) == list(range(100))
    scripts = list(tmp_path.glob("*.sh"))
    assert len(scripts) == 2  # as many as there is work for, at most two
    assert "--nworkers 2" in scripts[0].read_text()
    assert len((tmp_path / "cancelled").read_text().split()) == 2


def test_a_job_that_is_refused_is_an_error(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSE", "1")
    with pytest.raises(ClusterError) as error, cluster_executor(shared=tmp_path, cluster=slurm):
        pass
    assert str(error.value).startswith("the queueing system refused a job:\nCommand exited with non-zero")
    assert "sbatch: error: invalid partition" in str(error.value)


def test_a_computer_without_the_queueing_system_is_told(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ClusterError) as error, cluster_executor(shared=tmp_path, cluster=slurm):
        pass
    assert str(error.value) == (
        "sbatch is not on this computer; give this command where jobs of slurm can be submitted, usually on "
        "a login node"
    )
