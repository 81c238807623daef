"""Pairs that a tool learns from and those that it chooses by: whole images, and objects on both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError, VeriscopeError
from veriscope.workflow import tool_training as module
from veriscope.workflow.tool_training import train_tool

Taught = list[dict[str, Any]]


def pairs(folder: Path, counts: list[int]) -> tuple[Path, Path]:
    """Images with so many objects each; each image has a value of its own."""
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for number, count in enumerate(counts):
        labels = np.zeros((16, 20), np.uint16)
        for at in range(count):
            labels[2 * at : 2 * at + 1, 1:5] = at + 1
        tifffile.imwrite(folder / "images" / f"i{number:02d}.tif", np.full((16, 20), number, np.uint8))
        tifffile.imwrite(folder / "labels" / f"i{number:02d}.tif", labels)
    return folder / "images", folder / "labels"


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> Taught:
    """What a tool was given, instead of being trained."""
    found: Taught = []

    def train(tool: str, images: Any, labels: Any, target: Path, *, validation: Any, options: Any) -> Any:
        found.append(
            {"tool": tool, "images": images, "labels": labels, "validation": validation, "options": options}
        )
        return {"schema": "a record"}

    monkeypatch.setattr(module, "train_external", train)
    return found


def test_what_is_held_out_is_not_learnt_from(tmp_path: Path, taught: Taught) -> None:
    found = train_tool("cellpose", *pairs(tmp_path, [2] * 10), tmp_path / "model")
    assert found["schema"] == "a record"
    assert len(found["files"]) == 8 and len(found["held_out"]) == 2
    assert sorted(found["files"] + found["held_out"]) == [f"i{n:02d}" for n in range(10)]
    (given_,) = taught
    learnt = [int(image[0, 0]) for image in given_["images"]]
    chosen = [int(image[0, 0]) for image in given_["validation"][0]]
    assert [f"i{n:02d}" for n in learnt] == found["files"]
    assert [f"i{n:02d}" for n in chosen] == found["held_out"]
    for images, labels in ((given_["images"], given_["labels"]), given_["validation"]):
        assert (
            [image.shape for image in images] == [item.shape for item in labels] == [(16, 20)] * len(images)
        )


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=12), st.integers(0, 99))
def test_both_sides_have_objects_wherever_two_images_have(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("pairs")
    with_objects = sum(count > 0 for count in counts)
    with pytest.MonkeyPatch.context() as patch:
        seen: list[Any] = []
        patch.setattr(module, "train_external", lambda *given_, **more: seen.append((given_, more)) or {})
        if with_objects < 2:
            with pytest.raises(InputError, match="at least two images with objects are needed"):
                train_tool("cellpose", *pairs(folder, counts), folder / "m", settings={"seed": seed})
            assert seen == []
            return
        found = train_tool("cellpose", *pairs(folder, counts), folder / "m", settings={"seed": seed})
    ((given_, more),) = seen
    assert any(labels.any() for labels in given_[2])
    assert any(labels.any() for labels in more["validation"][1])
    assert not set(found["files"]) & set(found["held_out"])


def test_the_same_seed_holds_out_the_same(tmp_path: Path, taught: Taught) -> None:
    images, labels = pairs(tmp_path, [1] * 20)
    held = [
        train_tool("stardist", images, labels, tmp_path / "m", settings={"seed": seed})["held_out"]
        for seed in (1, 1, 2)
    ]
    assert held[0] == held[1] != held[2] and len(held[0]) == 4


def test_what_is_there_is_not_written_over(tmp_path: Path, taught: Taught) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(InputError) as caught:
        train_tool("cellpose", *pairs(tmp_path, [1, 1]), tmp_path / "model")
    assert str(caught.value) == f"{tmp_path / 'model'}: exists already; give another name, or remove it first"
    assert taught == []


@pytest.mark.parametrize(
    ("tool", "options", "message"),
    [
        ("ilastik", {}, "cannot be trained here"),
        ("cellpose", {"epochs_of_time": 3}, "epochs_of_time"),
        ("cellpose", {"seed": -1}, "seed"),
        ("stardist", {"seed": "often"}, "training of stardist"),
    ],
)
def test_options_are_checked_before_any_image_is_read(
    tmp_path: Path, taught: Taught, tool: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(VeriscopeError, match=message):
        train_tool(tool, tmp_path / "none", tmp_path / "none", tmp_path / "m", settings=options)
    assert taught == []


def test_images_and_labels_have_to_fit(tmp_path: Path, taught: Taught) -> None:
    images, labels = pairs(tmp_path, [1, 1, 1])
    (labels / "i01.tif").unlink()
    with pytest.raises(VeriscopeError, match="i01"):
        train_tool("cellpose", images, labels, tmp_path / "m")
    with pytest.raises(VeriscopeError, match="nowhere"):
        train_tool("cellpose", tmp_path / "nowhere", labels, tmp_path / "m")
    assert taught == []
