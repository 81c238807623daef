"""A package run part by part gives the objects of the whole image, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.core.runs import ObjectRuns
from veriscope.core.source import ArraySource, grid
from veriscope.errors import MethodError
from veriscope.methods.local_method import LocalMethod
from veriscope.methods.zoo.fixed_steps import EnsureDtype, FixedZeroMeanUnitVariance, ScaleLinear, Sigmoid
from veriscope.methods.zoo.frozen import can_freeze, freeze
from veriscope.methods.zoo.measured_steps import Clip, ScaleRange, ZeroMeanUnitVariance
from veriscope.methods.zoo.processing import Step, apply_steps
from veriscope.predict.part import predict_part
from veriscope.registry import make_method

from .conftest import Package

NORMALISE = [
    {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x"]}},
    {"id": "scale_linear", "kwargs": {"gain": 0.5, "offset": 0.4}},
]


def scene(shape: tuple[int, int], seed: int = 0) -> NDArray[np.float32]:
    """Give discs of many sizes, touching, and a long bar."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 0.05, shape)
    y, x = np.indices(shape)
    for _ in range(shape[0] * shape[1] // 900):
        cy, cx, radius = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(4, 9)
        image[(y - cy) ** 2 + (x - cx) ** 2 < radius**2] += 1
    image[shape[0] // 2 : shape[0] // 2 + 4] += 1
    return np.minimum(image, 1.2).astype(np.float32)


def local_package(package: Package) -> Path:
    def change(content: dict[str, Any]) -> None:
        content["inputs"][0] |= {"data": {"type": "float32"}, "preprocessing": NORMALISE}

    return package(change=change)


@pytest.mark.parametrize("options", [{}, {"diameter": 12}, {"split": False}, {"tile": 40}])
def test_parts_give_the_objects_of_the_whole(package: Package, cache: Path, options: dict[str, Any]) -> None:
    method = make_method(str(local_package(package)), {"tile": 64, **options})
    assert isinstance(method, LocalMethod)
    image = Image(scene((230, 310)), "yx")
    whole = method.predict(image)
    assert whole.n_objects > (2 if options.get("split") is False else 30)
    source = ArraySource(image)
    survey = method.survey(source)
    found = ObjectRuns.join(
        [predict_part(method, source, survey, core).objects for core in grid(image.shape, (90, 130))]
    )
    labels = np.zeros(image.shape, np.int32)
    everything = tuple(slice(0, size) for size in image.shape)
    found.paint(labels, everything, image.shape, np.argsort(np.argsort(found.anchors)) + 1)
    assert np.array_equal(labels, whole.labels)


def test_the_survey_does_not_depend_on_the_blocks_and_survives_its_file(
    package: Package, cache: Path
) -> None:
    method = make_method(str(local_package(package)))
    assert isinstance(method, LocalMethod)
    source = ArraySource(Image(scene((120, 150)), "yx"))
    survey = method.survey(source)
    source.block = (7, 11)
    assert method.survey(source) == survey
    assert method.SurveyType.model_validate(survey.model_dump(mode="json")) == survey


def test_objects_grown_from_boundaries_need_the_whole(package: Package, cache: Path) -> None:
    method = make_method(str(local_package(package)), {"boundary": 0})
    assert isinstance(method, LocalMethod)
    assert method.predict(Image(scene((60, 60)), "yx")).labels.shape == (60, 60)


STEPS: list[list[Step]] = [
    [ZeroMeanUnitVariance(axes=("y", "x"))],
    [EnsureDtype(dtype="float32"), ScaleRange(min_percentile=1, max_percentile=99.8), Clip(min=0, max=1)],
    [ScaleLinear(gain=0.1, offset=-3), ZeroMeanUnitVariance(), Sigmoid()],
    [FixedZeroMeanUnitVariance(mean=5, std=2), ScaleRange(axes=("channel", "y", "x"))],
    [ScaleRange(min_percentile=5, max_percentile=95), ZeroMeanUnitVariance(eps=1e-3)],
]


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_frozen_steps_do_what_the_steps_do(steps: list[Step], dtype: Any) -> None:
    pixels = (np.random.default_rng(1).gamma(2, 500, (70, 90)) + 20_000).astype(dtype)
    assert can_freeze(steps, ("y", "x"))
    fixed = freeze(steps, ArraySource(Image(pixels, "yx")))
    axes, values = ("batch", "channel", "y", "x"), pixels[None, None].astype(np.float32)
    plain = apply_steps(steps, values, axes, {})
    frozen = apply_steps(fixed, values, axes, {})
    np.testing.assert_allclose(frozen, plain, rtol=2e-4, atol=2e-4)
    once_more = freeze(fixed, ArraySource(Image(pixels[:5, :5], "yx")))
    assert once_more == fixed, "nothing is left that looks at the image"


@pytest.mark.parametrize(
    "steps",
    [
        [ZeroMeanUnitVariance(axes=("x",))],
        [ScaleRange(reference="other")],
        [Clip(max_percentile=99)],
        [Clip(min=0), ZeroMeanUnitVariance()],
        [ScaleLinear(gain=-1), ScaleRange()],
        [ScaleLinear(gain=(1, 2), axis="channel"), ZeroMeanUnitVariance()],
    ],
)
def test_what_cannot_be_frozen_is_run_on_whole_images_only(steps: list[Step]) -> None:
    assert not can_freeze(steps, ("y", "x"))


def test_a_model_with_stated_pixels_is_run_on_whole_images_only(package: Package, cache: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["inputs"][0] |= {"data": {"type": "float32"}}
        for axis in (*content["inputs"][0]["axes"][2:], *content["outputs"][0]["axes"][2:]):
            axis |= {"unit": "micrometer", "scale": 0.5}

    assert not isinstance(make_method(str(package(change=change))), LocalMethod)
    with pytest.raises(MethodError, match="boundary channel need the whole image at once"):
        method = make_method(str(local_package(package)), {"boundary": "foreground", "foreground": 0})
        object.__setattr__(method.maps, "boundary", 0)  # type: ignore[attr-defined]
        method.survey(ArraySource(Image(scene((30, 30)), "yx")))  # type: ignore[attr-defined]


@pytest.mark.parametrize("split", [True, False])
@pytest.mark.parametrize("kind", ["?", "u1", "i4", "f8", ">u2"])
def test_any_type_of_pixels_gives_the_same_objects(
    package: Package, cache: Path, kind: str, split: bool
) -> None:
    """A binary image ended in an error of NumPy, which subtracts no booleans."""
    method = make_method(str(local_package(package)), {"split": split})
    bright = scene((90, 110)) > 0.5
    expected = method.predict(Image(bright.astype(np.float32), "yx"))
    assert expected.n_objects > 2
    np.testing.assert_array_equal(method.predict(Image(bright.astype(kind), "yx")).labels, expected.labels)
    assert method.predict(Image(np.zeros((40, 50), kind), "yx")).n_objects == 0
