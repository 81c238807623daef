"""Large images of a study: their parts go to all workers, and the files are those of any other run."""

from __future__ import annotations

import logging
import pickle
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.io import usage
from veriscope.io.hashing import sha256_of
from veriscope.io.images import read_image
from veriscope.io.labels import write_labels
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.record import Record
from veriscope.predict import plan
from veriscope.predict.tile_work import TileWork
from veriscope.predict.units import HereExecutor, ProcessExecutor, Work
from veriscope.registry import make_method
from veriscope.testing.methods import discs_image
from veriscope.workflow import spread
from veriscope.workflow.spread import Spread
from veriscope.workflow.study import Study

METHODS = ("log-spots", "otsu-watershed")
DERIVED = ("predictions", "measurements")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two small images and a large one, between them in order."""
    for name, shape in (("a", (60, 70)), ("b", (190, 210)), ("c", (70, 60))):
        pixels = discs_image(shape, diameter=12).pixels.astype(np.uint16)
        write_ome_zarr(tmp_path / "in" / f"{name}.ome.zarr", Image(pixels, "yx", {"y": 0.5, "x": 0.5}))
    return tmp_path / "in"


@pytest.fixture
def studies(images: Path, tmp_path: Path) -> list[Study]:
    options: dict[str, Any] = {"images": str(images / "*"), "methods": METHODS}
    return [Study.new(tmp_path / name, **options) for name in ("here", "there")]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image of 200 × 200 pixels is large, and its parts are 64 pixels long."""
    monkeypatch.setattr(spread, "_LARGE", 20_000)
    monkeypatch.setattr(plan, "_LARGEST", 64)


@pytest.fixture
def scheduler() -> Iterator[str]:
    """A Dask cluster that runs already; its address."""
    from distributed import LocalCluster

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    options: dict[str, Any] = {"dashboard_address": None, "silence_logs": logging.CRITICAL}
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit=0, **options) as cluster:
        yield cluster.scheduler_address


class Copies(ProcessExecutor):
    """Does each piece with a copy of the work, as other processes have one, without starting any."""

    def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        packed = pickle.dumps(work)
        for unit in units:
            yield unit, pickle.loads(packed)(unit)


def same_files(one: Study, other: Study) -> bool:
    return all(sha256_of(one.path / name) == sha256_of(other.path / name) for name in DERIVED)


@pytest.mark.usefixtures("small_parts")
def test_the_workers_of_a_cluster_share_one_large_image(
    studies: list[Study], scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from veriscope.predict.cluster import cluster_executor

    monkeypatch.setattr(usage, "descendants", lambda **_: [])  # as of a cluster that somebody else started
    monkeypatch.setattr(usage.platform, "node", lambda: "another computer")
    here, there = studies
    expected = here.run()
    steps: list[tuple[str, int, int]] = []
    with cluster_executor(shared=there.path, scheduler=scheduler, wait=60) as executor:
        found = there.run(executor=executor, progress=lambda *step: steps.append(step))
    assert found == expected
    assert same_files(here, there)
    assert [run.n_done for run in found] == [3, 3]
    # 190 × 210 pixels in parts of 64: 3 × 4 of them, on the workers.
    assert ("predict log-spots: b", 12, 12) in steps
    assert not any(name.startswith("predict log-spots: a") for name, *_ in steps)
    assert not list(there.path.rglob("*.part"))
    entries = [entry for entry in Record(there.path).entries() if entry["step"] == "predict"]
    large = [entry for entry in entries if any("b.ome.zarr" in name for name in entry["outputs"])]
    assert len(large) == 2
    assert all(entry["cost"]["cpu_s"] > 0 for entry in large)
    assert [run.n_done for run in there.run()] == [0, 0]


@pytest.mark.usefixtures("small_parts")
def test_processes_of_this_computer_share_it_too(studies: list[Study]) -> None:
    here, there = studies
    assert there.run(only=["otsu-watershed"], workers=2) == here.run(only=["otsu-watershed"])
    assert same_files(here, there)


@pytest.mark.usefixtures("small_parts")
def test_a_forest_is_trained_here_and_looks_at_parts_there(images: Path, tmp_path: Path) -> None:
    for file in images.iterdir():
        found = make_method("otsu-watershed").predict(read_image(file))
        write_labels(tmp_path / "labels" / f"{file.name.split('.')[0]}.tif", found.labels)
    here = Study.new(tmp_path / "here", images=str(images), methods=("otsu-watershed",), tile_size=64)
    here.run()
    here.audit(training=2)
    here.import_references(tmp_path / "labels", whole_images=True)
    text = here.path.joinpath("study.yaml").read_text()
    forest = "- id: pixel-forest\n  method: pixel-forest\n  parameters:\n    n_trees: 2\n"
    here.path.joinpath("study.yaml").write_text(text.replace("candidates:\n", f"candidates:\n{forest}"))
    shutil.copytree(here.path, tmp_path / "there")
    expected = Study(here.path).run(only=["pixel-forest"])
    assert Study(tmp_path / "there").run(only=["pixel-forest"], executor=Copies(2)) == expected
    assert (expected[0].n_done, expected[0].n_objects or 0) > (2, 30)
    assert same_files(here, Study(tmp_path / "there"))


def test_memory_that_does_not_suffice_is_said(studies: list[Study]) -> None:
    here, there = studies
    steps: list[str] = []
    here.run(only=["otsu-watershed"])
    # Python alone takes more than this: the smallest parts there are do not fit.
    (refused,) = there.run(only=["otsu-watershed"], memory=300 << 20, progress=lambda *s: steps.append(s[0]))
    assert refused.failed
    assert refused.not_run.startswith("--memory: 300MB do not suffice for Python and its packages")
    (done,) = there.run(only=["otsu-watershed"], memory=8 << 30)
    assert (done.failed, done.n_images) == (False, 3)
    assert same_files(here, there)


@pytest.mark.usefixtures("small_parts")
def test_only_large_images_and_only_with_several_workers(studies: list[Study]) -> None:
    study, method = studies[0], make_method("otsu-watershed")
    small, large, _ = study.images
    here = Spread(study._folder, None, HereExecutor())
    many = Spread(study._folder, None, ProcessExecutor(2))
    assert not here.wants(method, large)
    assert many.wants(method, large)
    assert not many.wants(method, small)
    tight = Spread(study._folder, None, HereExecutor(), memory=200 << 20)
    assert tight.wants(method, small)
    wide = Spread(study._folder, None, HereExecutor(), memory=4 << 30, workers=2)
    assert not wide.wants(method, large)


@pytest.mark.usefixtures("small_parts")
def test_a_run_that_was_stopped_in_an_image_goes_on_there_or_as_a_whole(studies: list[Study]) -> None:
    here, there = studies
    here.run(only=["log-spots"])

    class Stopped(ProcessExecutor):
        """Ends with the sixth piece of an image."""

        def run(self, work: Work, units: Iterable[int]) -> Iterator[tuple[int, dict[str, Any]]]:
            for number, item in enumerate(HereExecutor().run(work, units)):
                if isinstance(work, TileWork) and number == 5:
                    raise KeyboardInterrupt
                yield item

    with pytest.raises(KeyboardInterrupt):
        there.run(only=["log-spots"], executor=Stopped(2))
    part = there.path / "predictions/log-spots/b.ome.zarr.part"
    assert len(list((part / "parts").glob("*.npz"))) == 6
    there.run(only=["log-spots"])
    assert not part.exists()
    assert same_files(here, there)


def test_a_candidate_that_cannot_keep_the_memory_is_not_run_and_the_others_are(
    studies: list[Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that need the image of 190 × 210 pixels as a whole, one has room for it."""
    monkeypatch.setattr(spread, "can_join", lambda *_: False)
    memory = int((plan._BASE + 100 * 190 * 210) / plan._SHARE)
    runs = {item.candidate: item for item in studies[0].run(memory=memory)}
    assert runs["otsu-watershed"].n_images == 3
    failed = runs["log-spots"]
    assert (failed.n_images, failed.failed) == (0, True)
    assert "log-spots takes images as a whole (as it is used here), and needs about" in failed.not_run
    assert "of 190 × 210 pixels; --memory promises" in failed.not_run
    assert not (studies[0].path / "predictions" / "log-spots").exists()


@pytest.mark.usefixtures("small_parts")
def test_fewer_workers_than_asked_for_are_told_and_recorded_and_the_files_are_the_same(
    studies: list[Study], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One could not hold the image of 190 × 210 pixels beside the other two: it was refused."""
    here, there = studies
    memory = int((plan._BASE + 90 * 190 * 210) / plan._SHARE)
    expected = here.run(only=["otsu-watershed"])
    (found,) = there.run(only=["otsu-watershed"], memory=memory, workers=3)
    note = f"predicted by 1 worker instead of 3: {-(-memory >> 20)}MB do not suffice for 3"
    assert found.notes == (f"a, b, c: {note}",)
    assert replace(found, notes=()) == expected[0]
    assert same_files(here, there)
    entry = Record(there.path).latest("predictions/otsu-watershed/b.ome.zarr")
    assert entry is not None
    assert (entry["details"]["workers"], entry["details"]["note"]) == (1, note)
    (again,) = there.run(only=["otsu-watershed"], memory=memory, workers=3)
    assert (again.n_done, again.notes) == (0, ())
    # As a whole, where parts are not possible, one by one.
    monkeypatch.setattr(spread, "can_join", lambda *_: False)
    (whole,) = there.run(only=["log-spots"], memory=2 * memory, workers=9)
    assert whole.n_images == 3
    (told,) = whole.notes
    assert told.startswith("a, b, c: predicted by ")
    assert told.endswith(f" instead of 9: {-(-2 * memory >> 20)}MB do not suffice for 9")
    entry = Record(there.path).latest("predictions/log-spots/b.ome.zarr")
    assert entry is not None and entry["details"]["note"] == told.removeprefix("a, b, c: ")
