"""The file of a cluster means what is written in it, or is refused with all its faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import InputError
from veriscope.predict.cluster_settings import ClusterSettings

LEAST = "system: slurm\nmemory: 16GB\n"


def read(folder: Path, text: str) -> ClusterSettings:
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    return ClusterSettings.read(folder / "c.yaml")


@pytest.mark.parametrize(
    "time", ["04:00:00", "12:00:00", "4:00", "24:00:00", "1-12:00:00", "90", '"12:00:00"', "'4:00'"]
)
def test_times_are_taken_as_they_are_written(tmp_path: Path, time: str) -> None:
    """Without quotes YAML makes 43200 of twelve hours, which was refused as no string."""
    found = read(tmp_path, LEAST + f"walltime: {time}\n")
    assert found.walltime == time.strip("\"'")
    assert found.job_options()["walltime"] == time.strip("\"'")


@pytest.mark.parametrize(
    "name", ["queue", "account", "interface", "log_directory", "local_directory", "python"]
)
@pytest.mark.parametrize("word", ["1234", "007", "1e3", "no", "on", "0x1F", "2026-01-02", "1_000", "main"])
def test_names_that_look_like_numbers_stay_names(tmp_path: Path, name: str, word: str) -> None:
    assert getattr(read(tmp_path, LEAST + f"{name}: {word}\n"), name) == word


@pytest.mark.parametrize("nothing", ["", "~", "null"])
def test_what_is_left_empty_is_not_set(tmp_path: Path, nothing: str) -> None:
    found = read(tmp_path, LEAST + f"queue: {nothing}\n")
    assert found.queue is None
    assert "queue" not in found.job_options()


def test_numbers_are_numbers(tmp_path: Path) -> None:
    found = read(tmp_path, LEAST + "cores: 8\nprocesses: 3\nminimum: 2\nmaximum: 40\nwait: 1.5\n")
    assert (found.cores, found.processes, found.minimum, found.maximum, found.wait) == (8, 3, 2, 40, 1.5)
    assert found.threads == 2
    assert found.memory_of_worker == (16 << 30) // 3


def test_lists_of_lines_stay_in_order(tmp_path: Path) -> None:
    text = "job_extra: [--gres=gpu:1, --nice]\nbefore:\n  - module load python/3.11\n  - ulimit -n 4096\n"
    options = read(tmp_path, LEAST + text).job_options()
    assert options["job_extra_directives"] == ["--gres=gpu:1", "--nice"]
    assert options["job_script_prologue"] == ["module load python/3.11", "ulimit -n 4096"]


@pytest.mark.parametrize(
    ("memory", "mebibytes"), [("16GB", 16384), ("1.5G", 1536), ("500 MB", 500), ("1025K", 2), ("1T", 1 << 20)]
)
def test_memory_is_rounded_up_to_whole_megabytes(tmp_path: Path, memory: str, mebibytes: int) -> None:
    text = f"system: slurm\nmemory: {memory}\n"
    if memory == "1025K":
        assert read(tmp_path, text).memory_of_worker == 1025 << 10
    assert read(tmp_path, text).job_options()["memory"] == f"{mebibytes}MiB"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (
            "memory: 16\n",
            ["system: Field required", "memory: is less than a megabyte; write it with its unit"],
        ),
        ("system: slurm\nmemory: much\n", ["memory: is no amount; write it as 16GB (got 'much')"]),
        (
            "system: slrum\nmemory: 1GB\n",
            ["system: Input should be 'slurm', 'lsf', 'pbs', 'sge', 'htcondor'"],
        ),
        (
            LEAST + "cores: 0\nmaximum: many\n",
            ["cores: Input should be greater", "maximum: Input should be a valid"],
        ),
        (LEAST + "minimum: 3\nmaximum: 2\n", ["maximum (2) is less than minimum (3)"]),
        (LEAST + "cores: 2\nprocesses: 4\n", ["processes (4) are more than cores (2) of a job"]),
        (LEAST + "wait: 0\nnodes: 3\n", ["wait: Input should be greater than 0", "nodes: Extra inputs"]),
        ("system: htcondor\nmemory: 1GB\n", ["htcondor needs disk, such as 4GB"]),
        (
            "system: htcondor\nmemory: 1GB\ndisk: 1GB\njob_extra: [--x]\n",
            ["htcondor takes job_extra as NAME=VALUE"],
        ),
        (
            "system: htcondor\nmemory: 1GB\ndisk: 1GB\nwalltime: 4:00\n",
            ["htcondor has no walltime; write what your pool has under job_extra"],
        ),
    ],
)
def test_all_faults_are_named_with_what_is_allowed(tmp_path: Path, text: str, faults: list[str]) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    lines = str(error.value).splitlines()
    assert lines[0] == f"--cluster {tmp_path / 'c.yaml'}: wrong options"
    assert len(lines) == len(faults) + 2
    for line, fault in zip(lines[1:], faults, strict=False):
        assert line.startswith(f"  - {fault}")
    assert lines[-1].startswith("Options are: system, cores, memory, ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no lines such as system: slurm"),
        (b"- slurm\n", "has no lines such as system: slurm"),
        (b"slurm", "has no lines such as system: slurm"),
        (b"system: [slurm\n", "is no YAML: "),
        (b"\xff\xfe\x00", "cannot be read: "),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "c.yaml").write_bytes(content)
    with pytest.raises(InputError) as error:
        ClusterSettings.read(tmp_path / "c.yaml")
    assert str(error.value).startswith(f"--cluster {tmp_path / 'c.yaml'}: {message}")


def test_code_in_the_file_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no YAML"):
        read(tmp_path, LEAST + f"queue: !!python/object/apply:os.mkdir ['{tmp_path / 'made'}']\n")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("system", "names"),
    [
        ("slurm", {"queue": "q", "account": "a"}),
        ("pbs", {"queue": "q", "account": "a"}),
        ("lsf", {"queue": "q", "project": "a"}),
        ("sge", {"queue": "q", "project": "a"}),
    ],
)
def test_each_system_gets_its_own_words(tmp_path: Path, system: str, names: dict[str, Any]) -> None:
    options = read(tmp_path, f"system: {system}\nmemory: 1GB\nqueue: q\naccount: a\n").job_options()
    assert {name: options[name] for name in ("queue", "account", "project") if name in options} == names
