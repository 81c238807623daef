"""Networks that find objects, on tiny ones that look at one pixel: all numbers by hand."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.errors import AxesError, InputError, MethodError
from veriscope.methods.local_method import Part
from veriscope.methods.networks.instance_network import InstanceNetwork
from veriscope.methods.networks.network_settings import NetworkParameters

from .conftest import Made, logarithm, pointwise

BRIGHT = pointwise(np.array([[-1.0], [1.0]]), np.array([1.0, 0.0]))
"""Background 1 - v and objects v, where v is the normalised brightness: probabilities of two classes."""


def network(made: Made, content: bytes = BRIGHT, **options: Any) -> InstanceNetwork:
    fields = NetworkParameters.model_fields
    given = {name: options.pop(name) for name in list(options) if name in fields and name != "engine"}
    of_package = {name[8:]: options.pop(name) for name in list(options) if name.startswith("package_")}
    package = made(content, **({"head": "semantic", "smallest_area": 4} | of_package | options))
    return InstanceNetwork.of(package, name="network:tiny")(NetworkParameters(engine="onnxruntime", **given))


def squares(*places: tuple[int, int, int, int], shape: tuple[int, int] = (60, 80)) -> Image:
    """Squares (y, x, side, brightness from 0 to 1000) on a background of 100."""
    pixels = np.full(shape, 100, np.uint16)
    for y, x, side, bright in places:
        pixels[y : y + side, x : x + side] = 100 + bright
    return Image(pixels, "yx", name="squares.tif")


FOUR = ((5, 5, 10, 1000), (5, 40, 8, 700), (30, 10, 6, 600), (40, 50, 12, 400))


def test_objects_are_where_the_network_is_surer_than_the_threshold(made: Made) -> None:
    found = network(made).predict(squares(*FOUR))
    expected = squares(*[(y, x, side, 1000) for y, x, side, bright in FOUR if bright > 500]).pixels > 100
    np.testing.assert_array_equal(found.labels > 0, expected)
    assert found.n_objects == 3
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, [1 - 1e-4, 0.7, 0.6], atol=1e-5)
    assert found.probability_map is not None
    np.testing.assert_allclose(found.probability_map[45, 55], 0.4, atol=1e-6)
    assert found.probability_map[0, 0] == 0


@pytest.mark.parametrize(("threshold", "n"), [(0.3, 4), (0.5, 3), (0.65, 2), (0.9, 1)])
def test_the_threshold_is_the_users_or_that_of_the_package(made: Made, threshold: float, n: int) -> None:
    image = squares(*FOUR)
    own = network(made, threshold=threshold, object_threshold=0).predict(image)
    assert own.n_objects == n
    chosen = network(made, package_threshold=threshold, package_object_threshold=0).predict(image)
    np.testing.assert_array_equal(chosen.labels, own.labels)


@pytest.mark.parametrize(("smallest", "n"), [(36, 3), (37, 2), (64, 2), (65, 1), (101, 0)])
def test_an_object_of_just_the_smallest_area_stays(made: Made, smallest: int, n: int) -> None:
    assert network(made, smallest_area=smallest).predict(squares(*FOUR)).n_objects == n


@pytest.mark.parametrize(("least", "n"), [(0.0, 3), (0.599, 3), (0.65, 2), (0.75, 1), (0.99995, 0)])
def test_improbable_objects_are_dropped(made: Made, least: float, n: int) -> None:
    found = network(made, object_threshold=least).predict(squares(*FOUR))
    assert found.n_objects == n
    assert found.probabilities is not None and len(found.probabilities) == n
    assert found.labels.max() == n


@pytest.mark.parametrize("calibration", [(2.0, 0.0), (0.5, -1.0), (1.0, 1.5)])
def test_probabilities_are_recalibrated_on_the_scale_of_log_odds(
    made: Made, calibration: tuple[float, float]
) -> None:
    found = network(made, package_calibration=calibration, object_threshold=0).predict(squares(*FOUR))
    expected = []
    for mean in (1 - 1e-4, 0.7, 0.6):
        odds = calibration[0] * math.log(mean / (1 - mean)) + calibration[1]
        expected.append(1 / (1 + math.exp(-odds)))
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-4)


def test_all_classes_but_the_background_are_objects_and_touching_ones_are_one(made: Made) -> None:
    """Three channels: background, and two kinds that share the brightness."""
    three = pointwise(np.array([[-1.0], [0.75], [0.25]]), np.array([1.0, 0, 0]))
    found = network(made, three).predict(squares((5, 5, 10, 1000), (5, 15, 10, 800), (40, 40, 9, 900)))
    assert found.n_objects == 2
    assert np.bincount(found.labels.ravel()).tolist()[1:] == [200, 81]


def test_objects_that_touch_at_corners_alone_are_two(made: Made) -> None:
    found = network(made).predict(squares((5, 5, 10, 1000), (15, 15, 10, 1000)))
    assert found.n_objects == 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (37, 1), (2, 2)])
@pytest.mark.parametrize("value", [0, 300])
def test_images_without_contrast_hold_nothing(made: Made, shape: tuple[int, int], value: int) -> None:
    found = network(made).predict(Image(np.full(shape, value, np.uint16), "yx"))
    assert found.labels.shape == shape
    assert found.n_objects == 0
    assert found.details == {"scale": 1.0}, "no engine ran"


@pytest.mark.parametrize("side", [3, 4])
def test_the_smallest_images_with_contrast(made: Made, side: int) -> None:
    pixels = np.zeros((side, side + 1), np.uint8)
    pixels[:, 0] = 255
    found = network(made, smallest_area=1).predict(Image(pixels, "yx"))
    np.testing.assert_array_equal(found.labels, pixels // 255)


def test_two_pixels_that_differ_are_taken_for_noise(made: Made) -> None:
    """Their difference is all that the noise can be estimated from."""
    assert network(made, smallest_area=1).predict(Image(np.array([[255, 0]], np.uint8), "yx")).n_objects == 0


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f2", "f4", "f8", ">u2", ">f4"])
def test_the_type_of_the_pixels_does_not_matter(made: Made, dtype: str) -> None:
    places = [(y, x, side, bright // 8) for y, x, side, bright in FOUR]
    image = squares(*places)
    wanted = network(made).predict(image)
    found = network(made).predict(Image(image.pixels.astype(dtype), "yx"))
    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_allclose(found.probabilities, wanted.probabilities, atol=1e-4)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.tuples(st.booleans(), st.booleans(), st.booleans()), seed=st.integers(0, 10**6))
def test_turned_images_have_turned_objects(made: Made, flips: tuple[bool, bool, bool], seed: int) -> None:
    pixels = textured(seed)

    def turn(array: NDArray[Any]) -> NDArray[Any]:
        array = array[:: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
        return array.T if flips[2] else array

    method = network(made)
    plain = method.predict(Image(pixels, "yx"))
    turned = method.predict(Image(np.ascontiguousarray(turn(pixels)), "yx"))
    np.testing.assert_array_equal(turned.labels > 0, turn(plain.labels) > 0)
    pairs = np.unique(np.stack([turned.labels.ravel(), turn(plain.labels).ravel()]), axis=1)
    assert pairs.shape[1] == plain.n_objects + (plain.labels == 0).any()


def textured(seed: int, shape: tuple[int, int] = (50, 70)) -> NDArray[np.uint16]:
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = ndimage.gaussian_filter(noise, 2)
    return np.asarray(9000 + 400 * smooth / smooth.std(), np.uint16)


@pytest.mark.parametrize("seed", range(4))
def test_a_part_gives_what_the_whole_gives_away_from_its_cut(made: Made, seed: int) -> None:
    image = Image(textured(seed, (64, 128)), "yx")
    method = network(made, diameter=28.0, threshold=0.6, smallest_area=6)
    survey = method.survey(ArraySource(image))
    reach = method.footprint(survey).reach
    whole = method.predict_part(Part.whole(image), survey)
    np.testing.assert_array_equal(whole.in_order().labels, method.predict(image).labels)
    region = (slice(0, 64), slice(20, 100))
    part = Part(Image(np.ascontiguousarray(image.pixels[region]), "yx"), region, (64, 128))
    found = method.predict_part(part, survey)
    near = part.near_cut(found.labels, reach)
    assert not near.all() and near[1:].any()
    for number in np.flatnonzero(~near)[1:]:
        mine = found.labels == number
        (same,) = np.unique(whole.labels[region][mine])
        assert same > 0 and (whole.labels == same).sum() == mine.sum()


def test_objects_at_the_cut_are_kept_though_they_look_too_small(made: Made) -> None:
    """Seven of its columns are in the part, and the network says nothing of the two at the cut: 50 pixels."""
    image = squares((20, 25, 10, 1000), (50, 5, 4, 1000))
    method = network(made, diameter=28.0, smallest_area=60, object_threshold=0.9)
    survey = method.survey(ArraySource(image))
    region = (slice(0, 60), slice(0, 32))
    found = method.predict_part(Part(Image(image.pixels[region].copy(), "yx"), region, (60, 80)), survey)
    assert found.n_objects == 1, "the small one away from the cut is dropped"
    assert (found.labels > 0).sum() == 50


@pytest.mark.parametrize(("diameter", "scale"), [(56.0, 0.5), (28.0, 1.0), (14.0, 2.0), (1.5, 6.0)])
def test_a_diameter_sets_the_scale_within_bounds(made: Made, diameter: float, scale: float) -> None:
    method = network(made, diameter=diameter)
    image = squares((10, 10, 24, 1000), (10, 50, 24, 1000))
    found = method.predict(image)
    assert found.details["scale"] == pytest.approx(scale, rel=0.5 if diameter == 1.5 else 1e-9)
    assert found.n_objects == 2
    truth = image.pixels > 100
    both = (found.labels > 0) & truth
    assert both.sum() > 0.85 * truth.sum()
    assert not (found.labels > 0)[~ndimage.binary_dilation(truth, iterations=2)].any()


def test_the_smallest_area_counts_on_the_grid_of_the_network(made: Made) -> None:
    """At half the scale 100 pixels of the image are 25 of the grid."""
    image = squares((10, 10, 10, 1000), (10, 50, 24, 1000))
    assert network(made, diameter=56.0, smallest_area=20).predict(image).n_objects == 2
    assert network(made, diameter=56.0, smallest_area=30).predict(image).n_objects == 1


def test_the_record_has_numbers_for_all_options_and_names_the_weights(made: Made) -> None:
    method = network(made, package_threshold=0.4, object_threshold=0.2, package_smallest_area=9)
    found = method.describe()
    assert found["parameters"] == {
        "diameter": None,
        "threshold": 0.4,
        "object_threshold": 0.2,
        "smallest_area": 9,
        "precision": "float32",
    }
    assert found["weights_sha256"] == method.package.sha256("float32")
    assert "engine" not in found
    assert method.predict(squares(*FOUR)).details["engine"].startswith("onnxruntime ")


def test_memory_is_told_by_the_scale_and_kept_with_the_same_result(made: Made) -> None:
    plain = network(made)
    by_size = {d: network(made, diameter=d).whole_bytes((100, 100)) for d in (7.0, 14.0, 28.0, 112.0)}
    assert by_size[112.0] == by_size[28.0] == plain.whole_bytes((100, 100))
    assert by_size[7.0] is not None and by_size[14.0] is not None and by_size[28.0] is not None
    assert by_size[7.0] > by_size[14.0] > by_size[28.0]
    assert plain.survey_bytes((4000, 4000)) > 0
    assert network(made, diameter=28.0).survey_bytes((4000, 4000)) == 0
    image = Image(textured(1, (64, 96)), "yx")
    small = network(made)
    small.limit_memory(200 * 24 * 24)
    np.testing.assert_array_equal(small.predict(image).labels, plain.predict(image).labels)
    assert small._network.tile_limit < 96


def test_a_copy_predicts_the_same_and_leaves_what_was_seen_behind(made: Made) -> None:
    method = network(made)
    image = Image(textured(3), "yx")
    method.survey(ArraySource(image))
    assert method._seen is not None
    copy = pickle.loads(pickle.dumps(method))
    assert copy._seen is None
    np.testing.assert_array_equal(copy.predict(image).labels, method.predict(image).labels)


def test_parts_of_one_image_are_not_mixed_from_two_engines(made: Made) -> None:
    image = squares(*FOUR)
    method = network(made)
    survey = method.survey(ArraySource(image)).model_copy(update={"engine": "onnxruntime 0.0.1"})
    with pytest.raises(MethodError) as error:
        method.predict_part(Part.whole(image), survey)
    label = method._network.opened().label
    assert str(error.value) == (
        f"this prediction was begun with onnxruntime 0.0.1 and here is {label}; parts of one image are not "
        "mixed: install onnxruntime==0.0.1, or remove the unfinished run to start anew"
    )


def test_eight_bit_weights_that_are_not_there_are_refused(made: Made) -> None:
    with pytest.raises(MethodError, match=r"has no 8-bit weights, so precision=int8 cannot be had; choose"):
        network(made, precision="int8")


def test_other_axes_are_refused(made: Made) -> None:
    with pytest.raises(AxesError, match="network:tiny takes 2D images, this one has axes 'zyx'"):
        network(made).predict(Image(np.zeros((3, 9, 9), np.uint8), "zyx"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"diameter": 1.0},
        {"threshold": 0.0},
        {"object_threshold": 1.0},
        {"smallest_area": 0},
        {"precision": "float16"},
        {"size": 3},
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        NetworkParameters.parse(dict(wrong), where="options")


def test_outputs_that_are_no_numbers_are_an_error_and_not_an_empty_image(made: Made) -> None:
    """One dark pixel, ten times the contrast below all others, was no object and no fault."""
    logs = logarithm(np.array([[-1.0], [1.0]]), np.array([2.6, -1.6]))
    pixels = squares((20, 30, 10, 1000)).pixels + np.uint16(20_000)
    method = network(made, logs, threshold=0.1, object_threshold=0)
    assert method.predict(Image(pixels, "yx")).n_objects == 1
    pixels[3, 3] = 0
    with pytest.raises(MethodError) as error:
        method.predict(Image(pixels, "yx"))
    assert str(error.value) == (
        "the network gives NaN or infinite values, of which no objects can be made; the image is unlike any "
        "that it was made for: look for single pixels far darker or brighter than all others, or choose "
        "another method"
    )
