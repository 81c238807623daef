"""Boxes and points for Segment Anything: what is refused before it is asked, and impossible answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError, MethodError
from veriscope.methods.external.environment import ENVIRONMENT_SCHEMA, venv_python
from veriscope.methods.external.sam import SAM, SamMethod
from veriscope.registry import make_method

IMAGE = Image(np.arange(20 * 50, dtype=np.uint16).reshape(20, 50), "yx", name="small")


class Tool:
    """Stands for the process: keeps what it is asked, and gives what it is told to."""

    def __init__(self) -> None:
        self.asked: dict[str, np.ndarray] = {}
        self.gives: dict[str, np.ndarray] | None = None

    def ask(self, do: str, arrays: dict[str, np.ndarray], options: dict[str, Any]) -> tuple[Any, Any]:
        self.asked = {"do": np.array(do), **arrays}
        n = len(arrays["boxes"]) + len(arrays["points"])
        found = {"masks": np.zeros((n, *arrays["image"].shape), bool), "quality": np.full(n, 0.9, np.float32)}
        return {}, found if self.gives is None else self.gives

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SamMethod:
    folder = tmp_path / "external" / "sam"
    python = venv_python(folder / "venv")
    python.parent.mkdir(parents=True)
    python.touch()
    record = {"schema": ENVIRONMENT_SCHEMA, "tool": "sam", "version": "1", "requirements": SAM.lines()}
    (folder / "environment.json").write_text(json.dumps(record))
    (tmp_path / "weights.pth").write_bytes(b"numbers")
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path / "external"))
    found = make_method(f"sam:{tmp_path / 'weights.pth'}")
    assert isinstance(found, SamMethod)
    found._tool = Tool()  # type: ignore[assignment]
    return found


def test_masks_come_back_in_the_size_of_the_image_boxes_first(method: SamMethod) -> None:
    masks, quality = method.prompt(
        IMAGE, boxes=np.array([[0.0, 0.0, 20.0, 50.0]]), points=np.array([[19.5, 49.5], [0.0, 0.0]])
    )
    assert masks.shape == (3, 20, 50) and quality.tolist() == pytest.approx([0.9] * 3)
    asked: Any = method._tool
    assert asked.asked["image"].shape == (32, 50), "a short side is continued"
    assert asked.asked["do"] == "prompt" and asked.asked["boxes"].shape == (1, 4)


@pytest.mark.parametrize(
    ("boxes", "points", "message"),
    [
        (None, None, "give boxes or points"),
        ([[0, 0, 21, 10]], None, "boxes: some lie outside the image of 20 x 50"),
        ([[-1, 0, 5, 10]], None, "boxes: some lie outside"),
        ([[0, 0, np.nan, 10]], None, "boxes: some lie outside"),
        ([[5, 5, 5, 10]], None, "boxes: some have no area; the order is top, left, bottom, right"),
        ([[9, 5, 2, 10]], None, "boxes: some have no area"),
        ([[0, 0, 5]], None, r"boxes: \(n, 4\) numbers are expected, got shape \(1, 3\)"),
        (None, [[3, 51]], "points: some lie outside"),
        (None, [3, 4], r"points: \(n, 2\) numbers are expected, got shape \(2,\)"),
    ],
)
def test_prompts_that_cannot_be_meant_are_refused(
    method: SamMethod, boxes: list[Any] | None, points: list[Any] | None, message: str
) -> None:
    given = {"boxes": boxes, "points": points}
    with pytest.raises(InputError, match=message):
        method.prompt(IMAGE, **{k: None if v is None else np.array(v, float) for k, v in given.items()})


def test_images_that_cannot_be_predicted_cannot_be_prompted(method: SamMethod) -> None:
    with pytest.raises(AxesError, match="takes one channel"):
        method.prompt(Image(np.zeros((3, 20, 50)), "cyx"), points=np.array([[1.0, 1.0]]))


@pytest.mark.parametrize(
    "gives",
    [
        {},
        {"masks": np.zeros((1, 32, 50), bool)},
        {"quality": np.ones(1, np.float32)},
        {"masks": np.zeros((2, 32, 50), bool), "quality": np.ones(2, np.float32)},
        {"masks": np.zeros((1, 20, 50), bool), "quality": np.ones(1, np.float32)},
        {"masks": np.zeros((1, 32, 50), bool), "quality": np.ones(2, np.float32)},
    ],
)
def test_answers_that_do_not_fit_the_prompts_are_errors_of_the_tool(
    method: SamMethod, gives: dict[str, np.ndarray]
) -> None:
    tool: Any = method._tool
    tool.gives = gives
    with pytest.raises(MethodError, match=r"small: sam:.* gave no mask for each of 1 prompts"):
        method.prompt(IMAGE, points=np.array([[1.0, 1.0]]))
