"""A candidate that fails on an image goes on with the others, and has no answer until it has them all."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.errors import KilledError
from veriscope.methods.rules.log_spots import LogSpots
from veriscope.methods.rules.otsu_watershed import OtsuWatershed
from veriscope.predict.units import HereExecutor, Work
from veriscope.testing.methods import discs_image
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    folder = tmp_path / "images"
    folder.mkdir()
    for shift, name in enumerate(NAMES):
        tifffile.imwrite(folder / f"{name}.tif", np.roll(discs_image().pixels, 5 * shift, 0))
    return Study.new(
        tmp_path / "study", images=folder, in_place=True, methods=("otsu-watershed", "log-spots")
    )


def damage(study: Study, name: str) -> bytes:
    path = study.path.parent / "images" / f"{name}.tif"
    sound = path.read_bytes()
    path.write_bytes(sound[: len(sound) // 3])
    return sound


@pytest.mark.parametrize("workers", [1, 2])
def test_the_other_images_are_predicted_and_only_the_mended_one_is_done_again(
    study: Study, workers: int
) -> None:
    sound = damage(study, "b")
    (run,) = study.run(only=["otsu-watershed"], workers=workers)
    assert (run.failed, run.n_images, run.n_done, run.n_objects) == (True, 3, 3, None)
    assert run.not_run.startswith("1 of 4 images failed (b: ")
    assert run.not_run.endswith("when it is run again, only these are predicted")
    measurements = study.path / StudyFolder(study.path).measurements("otsu-watershed")
    assert not measurements.exists()
    (study.path.parent / "images/b.tif").write_bytes(sound)
    (again,) = study.run(only=["otsu-watershed"], workers=workers)
    assert (again.failed, again.n_images, again.n_done, again.not_run) == (False, 4, 1, "")
    assert again.n_objects is not None and again.n_objects > 0
    assert measurements.exists()


class Deadly(HereExecutor):
    """Gives up the third image, as processes do that are killed over it each time."""

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        for unit in units:
            if unit == 2:
                raise KilledError("4 processes were killed", unit)
            yield unit, work(unit)


def test_an_image_over_which_processes_are_killed_is_one_that_failed(study: Study) -> None:
    """It ended the run, and the images after it were never reached."""
    (run,) = study.run(only=["otsu-watershed"], executor=Deadly())
    assert (run.failed, run.n_images, run.n_done) == (True, 3, 3)
    assert run.not_run.startswith("1 of 4 images failed (c: 4 processes were killed). The others are kept.")
    (again,) = study.run(only=["otsu-watershed"])
    assert (again.failed, again.n_images, again.n_done) == (False, 4, 1)


def test_any_error_of_a_method_is_its_own(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = OtsuWatershed._predict

    def fails(self: OtsuWatershed, image: Image) -> Prediction:
        if image.name.startswith("c"):
            raise ZeroDivisionError("division by zero")
        return whole(self, image)

    monkeypatch.setattr(OtsuWatershed, "_predict", fails)
    otsu, spots = sorted(study.run(), key=lambda run: run.candidate != "otsu-watershed")
    assert "1 of 4 images failed (c: ZeroDivisionError: division by zero)" in otsu.not_run
    assert (spots.candidate, spots.failed, spots.n_images) == ("log-spots", False, 4)


def test_what_fails_on_every_image_for_one_reason_is_said_once(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> Prediction:
        raise ValueError("needs a coffee")

    monkeypatch.setattr(LogSpots, "_predict", fails)
    (run,) = study.run(only=["log-spots"])
    assert (run.failed, run.n_images, run.not_run) == (True, 0, "ValueError: needs a coffee")


def test_of_many_the_first_are_named(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: LogSpots, image: Image) -> Prediction:
        raise ValueError(image.name)

    monkeypatch.setattr(LogSpots, "_predict", fails)
    (run,) = study.run(only=["log-spots"])
    assert run.not_run.startswith("4 of 4 images failed (a: ")
    assert " and 1 more). The others are kept." in run.not_run


def test_a_full_disk_stops_the_run(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def fails(_: LogSpots, image: Image) -> Prediction:
        seen.append(image.name)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LogSpots, "_predict", fails)
    with pytest.raises(OSError, match="No space left"):
        study.run(only=["log-spots"])
    assert len(seen) == 1
