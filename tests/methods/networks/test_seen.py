"""What a network said while an image was surveyed is used for its parts: less work, the same objects."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import ArraySource, grid
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.onnx import OnnxNetwork
from veriscope.predict.part import PartResult, predict_part
from veriscope.registry import make_method

SHAPE = (300, 420)


@pytest.fixture(scope="module")
def source() -> ArraySource:
    """Nuclei of usual size, some of them touching."""
    rng = np.random.default_rng(0)
    y, x = np.indices(SHAPE)
    pixels = np.full(SHAPE, 30.0)
    for cy, cx in rng.uniform((0, 0), SHAPE, (90, 2)):
        pixels[(y - cy) ** 2 + (x - cx) ** 2 < 10**2] = 200
    return ArraySource(Image(rng.poisson(pixels).astype(np.uint16), "yx"))


def network() -> InstanceNetwork:
    method = make_method("nuclei-fluorescence")
    assert isinstance(method, InstanceNetwork)
    return method


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of what networks are run on."""
    found: list[tuple[int, ...]] = []
    run = OnnxNetwork.run

    def counted(self: OnnxNetwork, pixels: Any) -> Any:
        found.append(pixels.shape)
        return run(self, pixels)

    monkeypatch.setattr(OnnxNetwork, "run", counted)
    return found


def same(one: PartResult, other: PartResult) -> None:
    for name in ObjectRuns.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(one.objects, name), getattr(other.objects, name), err_msg=name)
    np.testing.assert_array_equal(one.probability_map, other.probability_map)


@pytest.mark.parametrize("tile", [(100, 130), (300, 64), (300, 420)])
def test_parts_are_those_of_a_network_that_runs_on_each(
    source: ArraySource, runs: list[tuple[int, ...]], tile: tuple[int, int]
) -> None:
    surveyed = network()
    survey = surveyed.survey(source)
    assert survey.scale == 1
    fresh, n_objects = network(), 0
    for core in grid(SHAPE, tile):
        before = len(runs)
        found = predict_part(surveyed, source, survey, core)
        assert len(runs) == before
        same(found, predict_part(fresh, source, survey, core))
        assert len(runs) > before
        n_objects += len(found.objects)
    assert n_objects == network().predict(source.image(tuple(slice(0, n) for n in SHAPE))).n_objects > 30


def test_another_image_or_survey_is_not_taken_for_it(
    source: ArraySource, runs: list[tuple[int, ...]]
) -> None:
    method = network()
    survey = method.survey(source)
    core = (slice(0, 100), slice(0, 100))
    pixels = source.image(tuple(slice(0, n) for n in SHAPE)).pixels.copy()
    pixels[50, 50] += 1
    for other, seen in (
        (ArraySource(Image(pixels, "yx")), survey),
        (ArraySource(Image(pixels.astype(np.float32), "yx")), survey),
        (source, survey.model_copy(update={"longest": survey.longest + 1})),
    ):
        before = len(runs)
        found = predict_part(method, other, seen, core)
        assert len(runs) > before
        same(found, predict_part(network(), other, seen, core))


def test_the_next_survey_takes_its_place_and_copies_do_not_carry_it(
    source: ArraySource, runs: list[tuple[int, ...]]
) -> None:
    method = network()
    survey = method.survey(source)
    core = (slice(0, 100), slice(0, 100))
    copy = pickle.loads(pickle.dumps(method))
    assert len(pickle.dumps(method)) < source.image(tuple(slice(0, n) for n in SHAPE)).pixels.nbytes
    before = len(runs)
    same(predict_part(copy, source, survey, core), predict_part(method, source, survey, core))
    assert len(runs) == before + 1
    method.survey(ArraySource(Image(np.zeros(SHAPE, np.uint8), "yx")))
    before = len(runs)
    predict_part(method, source, survey, core)
    assert len(runs) == before + 1


@pytest.mark.parametrize(("limit", "again"), [(10 << 20, True), (1 << 30, False)])
def test_it_is_kept_only_where_there_is_room(
    source: ArraySource, runs: list[tuple[int, ...]], limit: int, again: bool
) -> None:
    method = network()
    method.limit_memory(limit)
    survey = method.survey(source)
    before = len(runs)
    predict_part(method, source, survey, (slice(0, 100), slice(0, 100)))
    assert (len(runs) > before) == again


def test_an_image_that_is_seen_at_another_scale_is_run_on_anew(
    source: ArraySource, runs: list[tuple[int, ...]]
) -> None:
    method = make_method("nuclei-fluorescence", {"diameter": 30.0})
    assert isinstance(method, InstanceNetwork)
    survey = method.survey(source)
    assert (survey.scale != 1, runs) == (True, [])
    predict_part(method, source, survey, (slice(0, 100), slice(0, 100)))
    assert len(runs) == 1


def test_a_trained_network_keeps_its_limit_of_memory_in_another_process() -> None:
    cls = InstanceNetwork.of(network().package, name="mine")
    method = cls(cls.Parameters(threshold=0.4))
    method.limit_memory(100 << 20)
    copy = pickle.loads(pickle.dumps(method))
    assert copy.describe() == method.describe()
    assert copy._network.tile_limit == method._network.tile_limit < network()._network.tile_limit
