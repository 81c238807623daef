"""Nuclei in stacks: the network for planes on all three views, from pixels to objects in space."""

from __future__ import annotations

import json
import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError
from veriscope.methods.networks.nuclei_stacks import NucleiStacks
from veriscope.methods.networks.stack_network import StackNetworkParameters
from veriscope.registry import get_method, make_method
from veriscope.validate.instances import compare_instances
from veriscope.workflow.create import default_candidates

CUBE = {"z": 0.5, "y": 0.5, "x": 0.5}
ROOT = Path(__file__).resolve().parents[3]


def stack(step: int = 1, *, size: int = 44, radius: float = 9) -> tuple[Image, NDArray[np.int32]]:
    """Four balls, two of which touch, on a dim background with noise; every `step`-th plane."""
    place = np.indices((size,) * 3).astype(float)
    labels = np.zeros((size,) * 3, np.int32)
    pixels = np.random.default_rng(0).normal(10, 1, labels.shape)
    for number, centre in enumerate(((12, 12, 12), (12, 12, 29), (31, 12, 14), (30, 31, 30)), 1):
        away = np.sqrt(sum((axis - at) ** 2 for axis, at in zip(place, centre, strict=True)))
        labels[(away <= radius) & (labels == 0)] = number
        pixels += 60 / (1 + np.exp((away - radius) / 0.7))
    spacing = CUBE | {"z": 0.5 * step}
    return Image(pixels[::step].astype(np.float32), "zyx", spacing, (), "balls"), labels[::step]


@pytest.mark.parametrize("step", [1, 2])
def test_balls_are_found_whatever_the_distance_of_planes(step: int) -> None:
    image, labels = stack(step)
    found = NucleiStacks().predict(image)
    assert found.labels.shape == image.shape and found.axes == "zyx"
    assert compare_instances([labels], [found.labels]).metrics["f1@0.5"].value == 1
    assert found.details["anisotropy"] == step
    assert found.details["diameter"] == pytest.approx(18, rel=0.35), "from sections of some planes"
    assert found.probability_map is not None and found.probability_map.shape == image.shape
    assert found.probabilities is None, "that of the network is calibrated for planes"


def test_the_distance_of_planes_has_to_be_known() -> None:
    image, labels = stack(2)
    unknown = Image(image.pixels, "zyx", None, (), "balls")
    with pytest.raises(AxesError, match=r"how far apart its planes lie.*--spacing z=2.*-p anisotropy=4"):
        NucleiStacks().predict(unknown)
    found = NucleiStacks(StackNetworkParameters(anisotropy=2)).predict(unknown)
    assert compare_instances([labels], [found.labels]).metrics["f1@0.5"].value == 1
    np.testing.assert_array_equal(found.labels, NucleiStacks().predict(image).labels)
    told = NucleiStacks(StackNetworkParameters(anisotropy=1)).predict(image)
    assert told.details["anisotropy"] == 1, "what is given goes before what the file says"


def test_planes_far_apart_are_believed_only_if_it_is_said_again() -> None:
    image, _ = stack(2)
    far = Image(image.pixels, "zyx", CUBE | {"z": 6.0}, (), "balls")
    with pytest.raises(AxesError, match=r"lie 12 pixels apart.*-p anisotropy=12$"):
        NucleiStacks().predict(far)
    NucleiStacks(StackNetworkParameters(anisotropy=12)).check(far)
    NucleiStacks().check(Image(image.pixels, "zyx", CUBE | {"z": 5.0}, (), "balls"))


def test_it_says_how_much_memory_it_takes() -> None:
    shape = (20, 300, 400)
    unknown, cubes, far = (
        NucleiStacks(StackNetworkParameters(anisotropy=apart)).whole_bytes(shape) for apart in (None, 1, 10)
    )
    assert unknown == far and cubes is not None and far is not None
    assert 100 * 20 * 300 * 400 < cubes < far


def test_planes_and_time_are_refused() -> None:
    image, _ = stack()
    with pytest.raises(AxesError, match="takes 3D images, this one has axes 'yx'"):
        NucleiStacks().predict(Image(image.pixels[0], "yx"))
    with pytest.raises(AxesError, match="axis t"):
        NucleiStacks().predict(Image(image.pixels[None], "tzyx", CUBE))
    with pytest.raises(AxesError, match="takes one channel"):
        NucleiStacks().predict(Image(np.stack([image.pixels] * 2), "czyx", CUBE, ("a", "b")))
    wrong: dict[str, float]
    for wrong in ({"anisotropy": 0}, {"threshold": 1}, {"smallest_volume": 0}, {"diameter": 1}):
        with pytest.raises(InputError, match="wrong options"):
            make_method("nuclei-stacks", wrong)


@pytest.mark.parametrize("shape", [(1, 40, 40), (3, 1, 1), (1, 1, 1), (5, 17, 33)])
@pytest.mark.parametrize("kind", ["constant", "noise"])
def test_stacks_without_nuclei_have_none(shape: tuple[int, ...], kind: str) -> None:
    rng = np.random.default_rng(1)
    pixels = np.full(shape, 7) if kind == "constant" else rng.normal(100, 5, shape).round()
    found = NucleiStacks().predict(Image(pixels.astype(np.uint16), "zyx", CUBE))
    assert found.labels.shape == shape and found.labels.max() == 0


def test_a_single_plane_that_has_some_is_no_reason_to_fail() -> None:
    image, labels = stack()
    plane = Image(image.pixels[12:13], "zyx", CUBE, (), "plane")
    found = NucleiStacks(StackNetworkParameters(diameter=18, smallest_volume=20)).predict(plane)
    assert found.labels.shape == (1, 44, 44)
    assert len(np.unique(labels[12])) - 1 >= found.labels.max() >= 1


def test_small_objects_can_be_kept_or_dropped() -> None:
    image, _ = stack()
    options = {"diameter": 18.0}
    few = NucleiStacks(StackNetworkParameters(smallest_volume=100_000, **options)).predict(image)
    assert few.labels.max() == 0
    assert NucleiStacks(StackNetworkParameters(smallest_volume=1, **options)).predict(image).labels.max() >= 4


def test_it_is_repeatable_and_says_what_it_is_made_of() -> None:
    image, _ = stack()
    method = NucleiStacks()
    method.make_ready()
    method.limit_threads(1)
    copy = pickle.loads(pickle.dumps(method))
    before = image.pixels.copy()
    np.testing.assert_array_equal(method.predict(image).labels, copy.predict(image).labels)
    np.testing.assert_array_equal(image.pixels, before)
    said = method.describe()
    json.dumps(said)
    assert said["name"] == "nuclei-stacks" and "engine" not in said["parameters"]
    assert said["weights_sha256"] == make_method("nuclei-fluorescence").describe()["weights_sha256"]
    assert get_method("nuclei-stacks").card.dimensions == (3,)


def test_it_is_no_candidate_of_a_study() -> None:
    names = [item.method for item in default_candidates("nucleus", None, diameter=None)]
    assert "nuclei-fluorescence" in names and "nuclei-stacks" not in names
    assert "nuclei-stacks" not in [item.method for item in default_candidates("yeast", None, diameter=None)]


@pytest.mark.real_data
def test_real_nuclei_are_found_and_the_benchmark_says_so(data_dir: Path) -> None:
    script = runpy.run_path(str(ROOT / "benchmarks" / "science" / "stacks.py"))
    rows = script["run"](data_dir, quick=True)["rows"]
    assert [row["method"] for row in rows] == list(script["METHODS"])
    ours = rows[0]
    assert ours["n_true"] == 51 and ours["f1@0.5"] > 0.8
    image, labels = script["read_case"](data_dir, "mouse_embryo_nuclei_3d/8_cell_stage")
    assert (image.axes, labels.max()) == ("zyx", 8)
