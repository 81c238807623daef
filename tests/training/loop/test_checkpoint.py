"""Checkpoints come back as they were, and are read as data alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from veriscope.errors import MethodError
from veriscope.training.loop.checkpoint import load_checkpoint, save_checkpoint


class Ambush:
    """Runs a command where it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_tensors_and_plain_values_come_back(tmp_path: Path) -> None:
    weights = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([True, False])}
    content = {"identity": "x", "weights": weights, "state": {"step": 3, "history": [(0.5, 1.25)]}}
    save_checkpoint(tmp_path / "c.pt", content)
    found = load_checkpoint(tmp_path / "c.pt", "x")
    assert found["state"] == content["state"]
    assert all(torch.equal(found["weights"][name], value) for name, value in weights.items())
    assert [item.name for item in tmp_path.iterdir()] == ["c.pt"]


def test_a_later_checkpoint_takes_the_place_of_the_first(tmp_path: Path) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path / "c.pt", {"identity": "x", "step": step})
    assert load_checkpoint(tmp_path / "c.pt", "x")["step"] == 2


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    torch.save({"identity": "x", "weights": Ambush(f"touch {mark}")}, tmp_path / "c.pt")
    with pytest.raises(MethodError, match="is not a checkpoint of a training, or it is damaged"):
        load_checkpoint(tmp_path / "c.pt", "x")
    assert not mark.exists()


@pytest.mark.parametrize("content", [{"weights": 1}, [1, 2], torch.zeros(2), None])
def test_other_files_of_torch_are_no_checkpoints(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(MethodError, match="delete it to begin anew"):
        load_checkpoint(tmp_path / "c.pt", "x")


def test_a_checkpoint_of_another_training_is_kept_and_told(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "c.pt", {"identity": "of another"})
    before = (tmp_path / "c.pt").read_bytes()
    with pytest.raises(MethodError, match="finish that with the same command as before, or delete the file"):
        load_checkpoint(tmp_path / "c.pt", "x")
    assert (tmp_path / "c.pt").read_bytes() == before


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"none\.pt: is not a checkpoint"):
        load_checkpoint(tmp_path / "none.pt", "x")
