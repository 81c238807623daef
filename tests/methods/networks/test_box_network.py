"""Networks that find boxes, on a tiny one whose boxes can be worked out: bright pixels are centres."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.errors import InputError, MethodError
from veriscope.methods.networks.box_network import BoxNetwork, BoxParameters

from .conftest import Made, logarithm, pointwise

HEIGHT, WIDTH = 12.0, 8.0
KINDS = ("cell", "debris")


def weights(height: float = HEIGHT, width: float = WIDTH) -> bytes:
    """Say that a pixel is a cell as far as it is bright, debris half as much; boxes of one size."""
    slopes = np.array([[1.0], [0.5], [0], [0], [0], [0]])
    return pointwise(slopes, np.array([0, 0, np.log(height), np.log(width), 0.5, 0.5]))


def network(made: Made, content: bytes | None = None, **options: Any) -> BoxNetwork:
    settings = {"architecture": "boxes", "head": "boxes", "classes": KINDS, "best_diameter": 10.0}
    given = {name: options.pop(name) for name in ("diameter", "threshold") if name in options}
    package = made(content or weights(), **settings | options)
    return BoxNetwork.of(package, name="network:boxes")(BoxParameters(engine="onnxruntime", **given))


def points(*places: tuple[int, int, int], shape: tuple[int, int] = (60, 80)) -> Image:
    """Single pixels (y, x, brightness from 0 to 1000) on a background of 100."""
    pixels = np.full(shape, 100, np.uint16)
    for y, x, bright in places:
        pixels[y, x] = 100 + bright
    return Image(pixels, "yx", name="points.tif")


def boxes_of(found: Prediction) -> list[list[float]]:
    assert found.boxes is not None
    return [[float(edge) for edge in row] for row in found.boxes.edges]


def box(y: int, x: int) -> list[float]:
    return [y + 0.5 - HEIGHT / 2, x + 0.5 - WIDTH / 2, y + 0.5 + HEIGHT / 2, x + 0.5 + WIDTH / 2]


def test_boxes_lie_around_the_centres_and_labels_are_their_ellipses(made: Made) -> None:
    found = network(made, diameter=10).predict(points((30, 50, 1000), (15, 20, 1000)))
    assert boxes_of(found) == [pytest.approx(box(15, 20)), pytest.approx(box(30, 50))]
    assert found.boxes is not None and found.probabilities is not None
    assert found.boxes.classes.tolist() == [0, 0]
    np.testing.assert_allclose(found.probabilities, 1, atol=1e-6)
    y, x = np.indices((60, 80))
    ellipses = [((y - cy) / 6) ** 2 + ((x - cx) / 4) ** 2 <= 1 for cy, cx in ((15, 20), (30, 50))]
    np.testing.assert_array_equal(found.labels, ellipses[0] + 2 * ellipses[1])
    assert found.details["n_by_class"] == {"cell": 2, "debris": 0}
    assert found.details["scale"] == 1


def test_scores_are_the_brightness_and_the_threshold_leaves_out_the_dim(made: Made) -> None:
    image = points((15, 20, 1000), (15, 60, 700), (40, 20, 550), (40, 60, 400))
    found = network(made, diameter=10).predict(image)
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities, [1, 0.7, 0.55], atol=1e-5)
    strict = network(made, diameter=10, threshold=0.6).predict(image)
    np.testing.assert_array_equal(strict.probabilities, found.probabilities[:2])
    lax = network(made, diameter=10, threshold=0.3).predict(image)
    assert boxes_of(lax) == [pytest.approx(box(y, x)) for y, x in ((15, 20), (15, 60), (40, 20), (40, 60))]


def test_one_place_is_one_object_of_its_likelier_class(made: Made) -> None:
    """Debris gets half the score at the very place of each cell: the same box, so it goes."""
    found = network(made, diameter=10, threshold=0.2).predict(points((20, 30, 1000), (40, 50, 800)))
    assert found.boxes is not None
    assert found.boxes.classes.tolist() == [0, 0]
    assert found.details["n_by_class"] == {"cell": 2, "debris": 0}
    debris = pointwise(np.array([[0.5], [1.0], [0], [0], [0], [0]]), np.array([0, 0, 2.5, 2.5, 0.5, 0.5]))
    other = network(made, debris, diameter=10).predict(points((20, 30, 1000)))
    assert other.details["n_by_class"] == {"cell": 0, "debris": 1}


@pytest.mark.parametrize(("apart", "kept"), [(2, 1), (5, 2)])
def test_of_two_that_overlap_too_much_the_better_stays(made: Made, apart: int, kept: int) -> None:
    """Two boxes 8 wide, 2 apart: 6 of 10 columns are shared, over 0.4; 5 apart: 3 of 13."""
    found = network(made, diameter=10).predict(points((30, 30, 800), (30, 30 + apart, 1000)))
    assert found.n_objects == kept
    assert found.probabilities is not None
    assert found.probabilities.max() == pytest.approx(1, abs=1e-6)


def test_the_overlap_is_that_of_the_package(made: Made) -> None:
    image = points((30, 30, 800), (30, 32, 1000))
    assert network(made, diameter=10, overlap=0.7).predict(image).n_objects == 2
    assert network(made, diameter=10, overlap=0.5).predict(image).n_objects == 1


@pytest.mark.parametrize(("y", "x"), [(0, 0), (59, 79), (2, 40), (30, 77)])
def test_boxes_at_the_edges_end_there(made: Made, y: int, x: int) -> None:
    found = network(made, diameter=10).predict(points((y, x, 1000)))
    limits = np.clip(box(y, x), 0, [60, 80, 60, 80])
    np.testing.assert_allclose(boxes_of(found)[0], limits, atol=1e-4)
    rows, columns = np.nonzero(found.labels)
    assert limits[0] - 1 <= rows.min() <= rows.max() <= limits[2]
    assert limits[1] - 1 <= columns.min() <= columns.max() <= limits[3]


@pytest.mark.parametrize("diameter", [5.0, 20.0])
def test_with_a_diameter_the_image_is_seen_at_its_scale(made: Made, diameter: float) -> None:
    """The network draws boxes of its own size on its grid: in pixels of the image they go by the scale."""
    pixels = np.full((60, 80), 100, np.uint16)
    pixels[24:32, 36:44] = 1100
    found = network(made, diameter=diameter, threshold=0.9, overlap=0.05).predict(Image(pixels, "yx"))
    assert found.details["scale"] == pytest.approx(10 / diameter)
    assert found.n_objects >= 1
    for edges in boxes_of(found):
        sides = edges[2] - edges[0], edges[3] - edges[1]
        assert sides == pytest.approx((HEIGHT * diameter / 10, WIDTH * diameter / 10), rel=1e-5)
    y, x = np.mean([[(e[0] + e[2]) / 2, (e[1] + e[3]) / 2] for e in boxes_of(found)], axis=0)
    assert abs(y - 28) < 5 and abs(x - 40) < 5


def test_without_a_diameter_the_size_found_decides(made: Made) -> None:
    """Boxes of 20 by 20 where the best size is 10: the image is seen again at half the scale."""
    content = weights(20.0, 20.0)
    grid = [(y, x, 1000) for y in (15, 45, 75) for x in (15, 45, 75)]
    found = network(made, content, threshold=0.2).predict(points(*grid, shape=(90, 90)))
    assert found.details["scale"] == pytest.approx(0.5)
    few = network(made, content, threshold=0.2).predict(points(*grid[:3], shape=(90, 90)))
    assert few.details["scale"] == 1, "too few to believe a size, at any scale"


def test_the_size_trained_with_is_where_it_looks_first(made: Made) -> None:
    grid = [(y, x, 1000) for y in (15, 45) for x in (15, 45, 75)]
    assert network(made, zoom=2.0).predict(points(*grid, shape=(60, 90))).details["scale"] == 2
    assert network(made, weights(10, 10)).predict(points(*grid, shape=(60, 90))).details["scale"] == 1


@pytest.mark.parametrize("flip", [(0,), (1,), (0, 1)])
def test_a_flipped_image_has_flipped_boxes(made: Made, flip: tuple[int, ...]) -> None:
    image = points((15, 20, 1000), (15, 60, 700), (41, 33, 900), (3, 77, 800))
    plain = np.array(boxes_of(network(made, diameter=10).predict(image)))
    turned = np.array(
        boxes_of(network(made, diameter=10).predict(Image(np.flip(image.pixels, flip).copy(), "yx")))
    )
    for axis, length in ((0, 60), (1, 80)):
        if axis in flip:
            plain[:, [axis, axis + 2]] = length - plain[:, [axis + 2, axis]]
    np.testing.assert_allclose(sorted(plain.tolist()), sorted(turned.tolist()), atol=1e-4)


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (30, 30)])
def test_an_image_without_contrast_has_no_boxes(made: Made, value: int, shape: tuple[int, int]) -> None:
    found = network(made).predict(Image(np.full(shape, value, np.uint8), "yx"))
    assert found.labels.shape == shape
    assert not found.labels.any()
    assert found.boxes is not None
    assert (len(found.boxes), found.boxes.names) == (0, KINDS)
    assert found.details["n_by_class"] == {"cell": 0, "debris": 0}


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "f4", "f8", ">u2"])
def test_the_type_of_the_pixels_and_the_camera_do_not_matter(made: Made, dtype: str) -> None:
    image = points((15, 20, 100), (41, 33, 80))
    wanted = network(made, diameter=10).predict(image)
    method = network(made, diameter=10)
    found = method.predict(Image(image.pixels.astype(dtype), "yx"))
    np.testing.assert_array_equal(found.labels, wanted.labels)
    if "f" in dtype:
        found = method.predict(Image(image.pixels.astype(dtype) * 0.001 - 7, "yx"))
        np.testing.assert_array_equal(found.labels, wanted.labels)


def test_channels_are_seen_together(made: Made) -> None:
    """A centre is where both channels are bright."""
    both = pointwise(
        np.array([[0.5, 0.5], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]),
        np.array([0, 0, np.log(HEIGHT), np.log(WIDTH), 0.5, 0.5]),
    )
    method = network(made, both, channels=("a", "b"), diameter=10, threshold=0.8)
    one, other = points((15, 20, 1000), (40, 50, 1000)), points((40, 50, 1000), (20, 70, 1000))
    found = method.predict(Image(np.stack([one.pixels, other.pixels]), "cyx", channels=("a", "b")))
    assert boxes_of(found) == [pytest.approx(box(40, 50))]


def test_less_memory_and_fewer_threads_give_the_same(made: Made) -> None:
    image = points((15, 20, 1000), (15, 60, 700), (41, 33, 900), shape=(60, 90))
    wanted = network(made, diameter=10).predict(image)
    small = network(made, diameter=10)
    small.limit_memory(360 * 40 * 40)
    small.limit_threads(1)
    found = small.predict(image)
    np.testing.assert_array_equal(found.labels, wanted.labels)
    assert small._network.tile_limit <= 40
    copy = pickle.loads(pickle.dumps(small))
    np.testing.assert_array_equal(copy.predict(image).labels, wanted.labels)


def test_memory_is_told_by_the_scale(made: Made) -> None:
    usual, coarse, fine = (
        network(made, **d).whole_bytes((100, 200)) for d in ({}, {"diameter": 40}, {"diameter": 5})
    )
    assert usual is not None and coarse is not None and fine is not None
    assert coarse < usual < fine
    assert fine == 4 * coarse


def test_the_record_holds_what_decides_the_boxes(made: Made) -> None:
    method = network(made, threshold=0.3, diameter=12)
    found = method.describe()
    assert found["parameters"] == {"diameter": 12, "threshold": 0.3}
    assert network(made).describe()["parameters"] == {"diameter": None, "threshold": 0.5}
    assert len(found["weights_sha256"]) == 64


@pytest.mark.parametrize(
    "wrong", [{"diameter": 1}, {"diameter": 5000}, {"threshold": 0}, {"threshold": 1}, {"overlap": 0.3}]
)
def test_wrong_options_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        BoxParameters.parse(dict(wrong), where="options")


def test_outputs_that_are_no_numbers_are_an_error_and_not_an_empty_image(made: Made) -> None:
    slopes = np.array([[1.0], [0.5], [0], [0], [0], [0]])
    logs = logarithm(slopes, np.array([0, 0, 2.5, 2.5, 0.5, 0.5]))
    image = points((30, 50, 1000), (15, 20, 1000))
    pixels = image.pixels + np.uint16(20_000)
    method = network(made, logs, diameter=10)
    assert method.predict(Image(pixels, "yx")).n_objects > 0
    pixels[3, 3] = 0
    with pytest.raises(MethodError, match="the network gives NaN or infinite values"):
        method.predict(Image(pixels, "yx"))
