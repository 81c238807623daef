"""Training of tools: what is refused before anything starts. The real training is in `test_real_tools.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from veriscope.errors import MethodError, ShapeMismatchError
from veriscope.zoo.train_external import CellposeTraining, train_external

IMAGE, LABELS = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.int32)


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("ilastik", "cannot be trained here; cellpose and stardist can"),
        ("stardist", "1 images to train on and 0 to validate with"),
        ("cellpose", "make it with: veriscope models install cellpose"),
    ],
)
def test_what_cannot_be_trained_is_told(
    tool: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERISCOPE_EXTERNAL", str(tmp_path))
    with pytest.raises(MethodError, match=message):
        train_external(tool, [IMAGE], [LABELS], tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_wrong_data_and_options_are_told(tmp_path: Path) -> None:
    with pytest.raises(ShapeMismatchError):
        train_external("cellpose", [IMAGE], [LABELS[:9]], tmp_path / "model")
    with pytest.raises(MethodError, match="1 images and 2 label images"):
        train_external("cellpose", [IMAGE], [LABELS, LABELS], tmp_path / "model")
    with pytest.raises(MethodError, match=r"image 0 has 3 axes; it is trained on \(y, x\)"):
        train_external("cellpose", [IMAGE[None]], [LABELS[None]], tmp_path / "model")
    with pytest.raises(MethodError, match="stardist takes StarDistTraining, not CellposeTraining"):
        train_external("stardist", [IMAGE], [LABELS], tmp_path / "model", options=CellposeTraining())
