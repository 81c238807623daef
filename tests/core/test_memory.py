"""The memory of this process is that of the computer, or what its control groups allow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from veriscope.core.memory import usable_memory

INSTALLED = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
GB = 1 << 30


def usable(tmp_path: Path, cgroup: str | None, **limits: str) -> int:
    """Give the memory of a system with these files of limits; "__" in a name is "/", "_" is "."."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    if cgroup is not None:
        (tmp_path / "proc" / "self" / "cgroup").write_text(cgroup)
    for name, text in limits.items():
        path = tmp_path / "groups" / name.replace("__", "/").replace("max", "memory.max")
        path = path.with_name(path.name.replace("old", "memory.limit_in_bytes"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return usable_memory(proc=tmp_path / "proc", groups=tmp_path / "groups")


@pytest.mark.parametrize("cgroup", [None, "", "0::/\n", "0::/job/step\n", "4:memory:/box\n0::/\n"])
def test_without_a_limit_it_is_that_of_the_computer(tmp_path: Path, cgroup: str | None) -> None:
    assert usable(tmp_path, cgroup, max="max", memory__old=str(1 << 63)) == INSTALLED


def test_a_container_sees_its_limit_at_the_top(tmp_path: Path) -> None:
    assert usable(tmp_path, "0::/\n", max=str(GB)) == GB


def test_the_limit_of_any_group_around_holds(tmp_path: Path) -> None:
    limits = {"job__max": str(3 * GB), "job__step__max": "max", "other__max": "1"}
    assert usable(tmp_path, "0::/job/step/task\n", **limits) == min(3 * GB, INSTALLED)


def test_groups_of_the_first_version(tmp_path: Path) -> None:
    cgroup = "7:blkio:/\n4:memory:/slurm/job_1\n1:cpu:/\n0::/\n"
    assert usable(tmp_path, cgroup, memory__slurm__job_1__old=str(2 * GB)) == min(2 * GB, INSTALLED)


def test_a_path_with_colons_and_one_that_is_not_there(tmp_path: Path) -> None:
    assert usable(tmp_path, "0::/docker/a:b:c\n", max=str(GB)) == GB


def test_nonsense_is_no_limit(tmp_path: Path) -> None:
    assert usable(tmp_path, "0::/\n", max="-5", memory__old="much") == INSTALLED


def test_this_process_has_some() -> None:
    assert 0 < usable_memory() <= INSTALLED


@pytest.mark.parametrize("cgroup", ["what is this?\n", "\n\n", "0:\n0::/job\n"])
def test_lines_of_another_form_are_passed_over(tmp_path: Path, cgroup: str) -> None:
    assert usable(tmp_path, f"{cgroup}4:memory:/box\n", memory__box__old=str(GB)) == min(GB, INSTALLED)


def test_a_system_that_does_not_tell_has_as_much_as_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(name: str) -> int:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "sysconf", silent)
    assert usable_memory(proc=tmp_path, groups=tmp_path) > 1 << 60
    assert usable(tmp_path, "0::/\n", max=str(5 * GB)) == 5 * GB
