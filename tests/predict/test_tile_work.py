"""A part that needs too much memory is done in pieces, to the same objects and maps."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import PixelSource
from veriscope.errors import MethodError
from veriscope.io.ome_zarr import write_ome_zarr
from veriscope.io.run_files import read_map, read_runs
from veriscope.methods.base import Card
from veriscope.methods.local_method import Footprint, LocalMethod, Part, Survey
from veriscope.predict.reading import Reading
from veriscope.predict.tile_work import SurveyWork, TileWork


class Bright(LocalMethod):
    """Connected bright pixels; memory for so many pixels at once."""

    name: ClassVar[str] = "bright"
    version: ClassVar[str] = "1"
    card: ClassVar[Card] = Card(summary="Bright.", objects=("box",), modalities=(), dimensions=(2, 3))
    room: ClassVar[int] = 1 << 40
    error: ClassVar[Exception] = MemoryError()
    seen: ClassVar[list[int]] = []
    gives_maps: ClassVar[bool] = True

    class SurveyType(Survey):
        top: float

    def survey(self, source: PixelSource) -> Any:
        return self.SurveyType(top=max(float(block.pixels.max()) for block in source.blocks()))

    def footprint(self, survey: Any) -> Footprint:
        return Footprint(1, 8)

    def _predict_part(self, part: Part, survey: Any) -> Prediction:
        type(self).seen.append(part.image.pixels.size)
        if part.image.pixels.size > self.room:
            raise self.error
        values = np.asarray(part.image.pixels / survey.top, np.float32)
        labels, n_objects = ndimage.label(values > 0.5, structure=np.ones((3,) * values.ndim))
        chances = np.asarray(ndimage.maximum(values, labels, range(1, n_objects + 1)), np.float32)
        return Prediction(
            np.asarray(labels, np.int32), part.image.axes, chances, values if self.gives_maps else None
        )


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bright, "seen", [])


def pixels(*shape: int) -> np.ndarray:
    return ndimage.maximum_filter(np.random.default_rng(0).gamma(0.2, 1.0, shape), 3).astype(np.float32)


@pytest.fixture
def work(tmp_path: Path) -> TileWork:
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(pixels(300, 340), "yx"))
    source = Reading().source(tmp_path / "a.ome.zarr", Bright())
    (tmp_path / "parts").mkdir()
    survey = Bright().survey(source)
    return TileWork(Bright(), source, (survey,), (300, 340), tmp_path / "parts", maps=True)


def same(one: ObjectRuns | None, other: ObjectRuns | None) -> None:
    assert one is not None and other is not None
    for name in ("anchors", "probabilities", "owner", "row", "start", "stop"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_pieces_give_what_the_part_gives(work: TileWork, tmp_path: Path) -> None:
    whole = work(0)
    objects, probabilities = read_runs(work.path(0)), read_map(work.map_path(0))
    assert whole["n_objects"] > 30
    assert whole["n_cut"] == 0
    assert probabilities is not None
    np.testing.assert_array_equal(probabilities, pixels(300, 340) / pixels(300, 340).max())
    lighter = work
    for times in (1, 2, 3):
        lighter = lighter.lighter(0)
        found = lighter(0)
        assert found["n_cut"] == 2**times - 1
        same(read_runs(work.path(0)), objects)
        np.testing.assert_array_equal(read_map(work.map_path(0)), probabilities)


def test_lighter_work_is_lighter_for_one_piece_only(work: TileWork) -> None:
    small = replace(work, tile=(150, 340))
    lighter = small.lighter(1)
    assert [lighter(unit)["n_cut"] for unit in (0, 1)] == [0, 1]
    assert lighter.lighter(1)(1)["n_cut"] == 3
    assert small(1)["n_cut"] == 0, "the work given stays as it was"


@pytest.mark.parametrize("room", [40_000, 20_000, 12_000])
def test_a_part_is_halved_until_it_fits(work: TileWork, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    whole = work(0)
    objects = read_runs(work.path(0))
    monkeypatch.setattr(Bright, "room", room)
    found = work(0)
    same(read_runs(work.path(0)), objects)
    assert found["n_objects"] == whole["n_objects"]
    assert found["n_cut"] >= 300 * 340 // room
    assert min(Bright.seen) <= room


def test_the_smallest_pieces_are_not_halved_again(work: TileWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bright, "room", 100)
    with pytest.raises(MethodError) as error:
        work(0)
    assert str(error.value) == (
        "a.ome.zarr: memory ran out even for 64 pixels at a time; close other programs or use a computer "
        "with more memory, then give the same command again"
    )
    assert not work.path(0).exists()
    assert min(Bright.seen) >= 64 * 64


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), MethodError("cannot"), OSError("disk")])
def test_other_faults_are_not_taken_for_a_want_of_memory(
    work: TileWork, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Bright, "room", 100)
    monkeypatch.setattr(Bright, "error", error)
    with pytest.raises(type(error), match=str(error)):
        work(0)
    assert len(Bright.seen) == 1


def test_a_want_of_memory_behind_another_fault_counts(
    work: TileWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = MethodError("the tool failed")
    error.__cause__ = MemoryError()
    monkeypatch.setattr(Bright, "room", 40_000)
    monkeypatch.setattr(Bright, "error", error)
    assert work(0)["n_cut"] > 0


def test_a_part_is_done_when_all_its_files_are_there(work: TileWork) -> None:
    assert not work.is_done(0)
    work(0)
    assert work.is_done(0)
    work.map_path(0).unlink()
    assert not work.is_done(0)
    assert replace(work, maps=False).is_done(0)


def test_a_method_without_a_map_is_told_when_one_is_wanted(
    work: TileWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bright, "gives_maps", False)
    with pytest.raises(MethodError) as error:
        work(0)
    assert str(error.value) == (
        "a.ome.zarr: bright gives values for it that are no probabilities (not all between 0 and 1); "
        "predict without --probabilities"
    )
    assert replace(work, maps=False)(0)["n_objects"] > 0


def test_parts_of_each_time_point_are_numbered_after_those_of_the_one_before(tmp_path: Path) -> None:
    film = np.stack([pixels(60, 70), 3 * pixels(60, 70)[::-1]])
    write_ome_zarr(tmp_path / "a.ome.zarr", Image(film, "tyx"))
    source = Reading().source(tmp_path / "a.ome.zarr", Bright())
    surveying = SurveyWork(Bright(), source, tmp_path)
    surveys = tuple(surveying.read(moment) for moment in (0, 1))
    assert [survey.top for survey in surveys] == [film[0].max(), film[1].max()]  # type: ignore[attr-defined]
    work = pickle.loads(pickle.dumps(TileWork(Bright(), source, surveys, (40, 40), tmp_path)))
    assert len(work.parts()) == 4
    for unit in range(8):
        work(unit)
    for moment in (0, 1):
        parts = [read_runs(work.path(4 * moment + number)) for number in range(4)]
        objects = ObjectRuns.join([part for part in parts if part is not None])
        labels = np.zeros((60, 70), np.int32)
        objects.paint(labels, (slice(0, 60), slice(0, 70)), (60, 70), np.arange(1, len(objects) + 1))
        np.testing.assert_array_equal(labels, Bright().predict(Image(film[moment], "yx")).labels)
