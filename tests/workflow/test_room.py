"""Images that need more memory than the computer has: part by part, or refused before the run is killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.io.hashing import sha256_of
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.testing.methods import discs_image
from veriscope.workflow import room, spread
from veriscope.workflow.study import Study

SIDE = 200
Computer = Callable[[float], None]


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Computer:
    """Take a computer for smaller than it is, and the image of the tests for a large one."""
    monkeypatch.setattr(spread, "_LARGE", SIDE * SIDE - 1)

    def with_bytes_per_pixel(number: float) -> None:
        for module in (room, spread):
            monkeypatch.setattr(module, "usable_memory", lambda: int(number * SIDE * SIDE))

    return with_bytes_per_pixel


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Study]:
    def make(name: str, *methods: str) -> Study:
        if not (tmp_path / "in").exists():
            pixels = discs_image((SIDE, SIDE), diameter=12).pixels.astype(np.uint16)
            write_ome_zarr(tmp_path / "in" / "large.ome.zarr", Image(pixels, "yx"))
            write_ome_zarr(tmp_path / "in" / "small.ome.zarr", Image(pixels[:60, :60], "yx"))
        return Study.new(
            tmp_path / name, images=str(tmp_path / "in" / "*"), methods=methods or ("log-spots",)
        )

    return make


def stages(study: Study) -> tuple[list[str], tuple[str, bool]]:
    told: list[str] = []
    (run,) = study.run(progress=lambda stage, *_: told.append(stage))
    return sorted(set(told)), (run.not_run, run.failed)


def test_what_does_not_fit_as_a_whole_is_predicted_part_by_part_with_the_same_result(
    make: Callable[..., Study], computer: Computer
) -> None:
    whole, parts = make("whole"), make("parts")
    assert stages(whole) == (["predict log-spots"], ("", False))
    computer(20)  # enough for the image and its objects, not for the method
    assert stages(parts) == (["predict log-spots", "predict log-spots: large"], ("", False))
    for name in ("predictions", "measurements"):
        assert sha256_of(parts.path / name) == sha256_of(whole.path / name)


def test_an_image_too_large_for_a_study_is_refused_alone_and_it_is_said_what_to_do(
    make: Callable[..., Study], computer: Computer
) -> None:
    study = make("study")
    computer(12)  # two bytes of the image, ten more, and a tenth of the computer left free
    (run,) = study.run()
    assert (run.n_images, run.failed) == (1, True)
    assert run.not_run.startswith(
        "1 of 2 images failed (large: 200 × 200 pixels are too many: a study holds an image and its "
        "objects in memory as a whole, which needs about 0.000447 GB for this one; this computer has "
        "0.000447 GB. Use a larger computer, make the study of smaller parts of the image, or predict it "
        "without a study, part by part: veriscope predict METHOD IMAGE -o OUTPUT.ome.zarr --memory 2GB"
    )
    computer(12 / 0.9 + 0.1)
    (run,) = study.run()
    assert (run.n_images, run.n_done, run.not_run) == (2, 1, "")


def test_a_method_that_takes_images_as_a_whole_is_not_begun_where_it_would_be_killed(
    make: Callable[..., Study], computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make("study")
    monkeypatch.setattr(spread, "can_join", lambda *_: False)
    computer(20)
    (run,) = study.run()
    assert "log-spots takes images as a whole, which needs about" in run.not_run
    assert "or take a method that works part by part, such as nuclei-fluorescence" in run.not_run
