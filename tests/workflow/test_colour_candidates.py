"""Methods that see colour are candidates where the images have colours, and only there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from veriscope.workflow.config import read_config
from veriscope.workflow.create import NewStudy, create_study


def write_pictures(folder: Path, *, colour: bool) -> Path:
    rng = np.random.default_rng(1)
    folder.mkdir()
    for number in range(2):
        shape = (64, 72, 3) if colour else (64, 72)
        Picture.fromarray(rng.integers(90, 250, shape, dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def candidates(folder: Path, images: Path, **options: object) -> list[str]:
    wanted = NewStudy.model_validate({"images": (str(images),), "object": "nucleus", **options})
    study = create_study(folder, wanted)
    return [item.method for item in read_config(study.config).candidates]


@pytest.mark.parametrize("colour", [True, False])
def test_colour_methods_are_taken_by_default_where_there_are_colours(tmp_path: Path, colour: bool) -> None:
    images = write_pictures(tmp_path / "images", colour=colour)
    names = candidates(tmp_path / "study", images, channel="luminance" if colour else None)
    assert ("nuclei-histology" in names) == colour
    assert "otsu-watershed" in names


def test_a_method_that_is_named_is_never_left_out(tmp_path: Path) -> None:
    images = write_pictures(tmp_path / "images", colour=False)
    assert candidates(tmp_path / "study", images, methods=("nuclei-histology",)) == ["nuclei-histology"]
