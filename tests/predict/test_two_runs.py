"""Two runs into one output: one of them is refused; nothing is mixed, doubled or lost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.errors import InputError
from veriscope.io.hashing import sha256_of
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.predict.folder import predict_folder
from veriscope.predict.image import predict_image
from veriscope.predict.joined import predict_joined
from veriscope.predict.plan import Plan
from veriscope.predict.reading import Reading
from veriscope.predict.unfinished import Unfinished
from veriscope.predict.units import HereExecutor
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image

SPOTS = make_method("log-spots", {"diameter": 14})
COMMAND = [sys.executable, "-c", "from veriscope.cli import main; main()", "predict", "log-spots"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    write_ome_zarr(tmp_path / "in" / "a.ome.zarr", discs_image((400, 400), diameter=14))
    return tmp_path / "in" / "a.ome.zarr"


def wait_for(pattern: str, folder: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a run has made a file."""
    deadline = time.monotonic() + 300
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_second_run_of_an_image_is_refused_and_the_first_goes_on(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "o.ome.zarr"
    line = [*COMMAND, str(image), "-o", str(out), "--diameter", "14", "--tile", "16", "-q"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        wait_for("parts/0*.npz", tmp_path / "o.ome.zarr.part", process)
        with pytest.raises(InputError, match=rf"another run is writing there now \(process {process.pid}\)"):
            predict_image(SPOTS, image, out)
        # Also one of another method, which knows nothing of the first yet.
        with pytest.raises(InputError, match="another run is writing there now"):
            predict_image(make_method("otsu-watershed"), image, out)
        process.communicate()
    assert process.returncode == 0
    expected = predict_image(SPOTS, image, tmp_path / "alone" / "o.ome.zarr")
    assert sha256_of(out) == sha256_of(expected["labels"])
    assert predict_image(SPOTS, image, out)["done"] is False
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "alone", "in", "o.ome.zarr", "o.record.json"
    ]  # fmt: skip


def test_the_second_run_of_a_folder_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    for number in range(60):
        write_ome_zarr(tmp_path / "in" / f"{number}.ome.zarr", discs_image((60, 60), diameter=14))
    out = tmp_path / "out"
    line = [*COMMAND, str(tmp_path / "in"), "-o", str(out), "-q"]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        wait_for("*.tif", out, process)
        with pytest.raises(InputError, match=rf"out: another run is .* now \(process {process.pid}\)"):
            predict_folder(make_method("otsu-watershed"), tmp_path / "in", out)
        process.communicate()
    assert process.returncode == 0
    again = predict_folder(make_method("log-spots"), tmp_path / "in", out)
    assert (again["n_images"], again["n_done"]) == (60, 0)
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]


def test_a_part_of_a_study_that_another_run_is_at_is_refused(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.ome.zarr"
    with Unfinished(out, "").hold(), pytest.raises(InputError, match="another run is writing there now"):
        predict_joined(SPOTS, image, out, executor=HereExecutor(), reading=Reading())


def test_a_result_in_a_folder_that_cannot_be_written_is_still_found(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept" / "o.ome.zarr"
    predict_image(SPOTS, image, out)
    before = sorted(path.name for path in out.parent.iterdir())
    out.parent.chmod(0o500)
    try:
        assert predict_image(SPOTS, image, out)["done"] is False
    finally:
        out.parent.chmod(0o700)
    assert sorted(path.name for path in out.parent.iterdir()) == before


def test_what_a_run_left_that_was_killed_before_it_said_what_it_was_is_not_used(
    image: Path, tmp_path: Path
) -> None:
    """The survey of another image would be taken for that of this one."""
    method = make_method("otsu-watershed")
    bright = Image(discs_image((90, 90), diameter=30).pixels * 100.0, "yx")
    out = tmp_path / "o.ome.zarr"
    left = tmp_path / "o.ome.zarr.part" / "surveys" / "00000000.json"
    left.parent.mkdir(parents=True)
    left.write_text(method.survey(ArraySource(bright)).model_dump_json())
    found = predict_image(method, image, out)
    expected = predict_image(method, image, tmp_path / "alone" / "o.ome.zarr")
    assert found["survey"] == expected["survey"]
    assert sha256_of(out) == sha256_of(expected["labels"])
    assert not left.parent.exists()


def test_removing_what_is_left_begins_anew_only_after_all_else_is_gone(tmp_path: Path) -> None:
    unfinished = Unfinished(tmp_path / "o.ome.zarr", "key")
    with unfinished.hold():
        unfinished.begin()
        unfinished.settle(Plan((64, 64), None), None)
        (unfinished.parts / "00000000.npz").write_bytes(b"x")
        assert unfinished.begin() == (64, 64)
        unfinished.clear()
        assert [path.name for path in unfinished.folder.iterdir()] == ["lock"]
    assert not unfinished.folder.exists()
