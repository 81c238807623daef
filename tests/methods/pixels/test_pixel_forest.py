"""The pixel classifier learns what it is shown."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from veriscope.core.image import Image
from veriscope.core.source import ArraySource
from veriscope.errors import AxesError, MethodError, PixelValueError, ShapeMismatchError
from veriscope.methods.pixels.features import BrightnessSurvey, pixel_features
from veriscope.methods.pixels.pixel_forest import PixelForest, PixelForestParameters
from veriscope.testing.methods import discs_image

QUICK = PixelForestParameters(n_trees=15, samples_per_class=1500)


def true_discs(shape: tuple[int, int], diameter: float) -> np.ndarray:
    """The labels behind `discs_image`."""
    yy, xx = np.indices(shape)
    pitch = 1.75 * diameter
    inside = (yy % pitch - pitch / 2) ** 2 + (xx % pitch - pitch / 2) ** 2 <= (diameter / 2) ** 2
    numbers = (yy // pitch).astype(int) * 100 + (xx // pitch).astype(int) + 1
    return np.where(inside, numbers, 0)


def test_learns_to_tell_textured_objects_from_equally_bright_ones() -> None:
    rng = np.random.default_rng(0)
    shape = (112, 140)
    labels = true_discs(shape, 16)
    left = np.arange(shape[1]) < 56  # between the second and the third disc
    wanted = np.where(left, labels, 0)
    pixels = rng.normal(20, 2, shape) + 60 * (labels > 0)
    pixels += np.where(left & (labels > 0), 25 * np.sin(np.indices(shape)[0] * 2.0), 0)
    forest = PixelForest(QUICK).fit([Image(pixels, "yx")], [wanted])
    found = forest.predict(Image(pixels + rng.normal(0, 2, shape), "yx"))
    assert found.n_objects == len(np.unique(wanted)) - 1 == 8
    assert np.mean((found.labels > 0) == (wanted > 0)) > 0.95
    assert found.probabilities is not None
    assert found.probabilities.min() > 0.5


def test_same_seed_same_forest() -> None:
    image, labels = discs_image(), true_discs((96, 112), 16)
    first = PixelForest(QUICK).fit([image], [labels]).predict(image)
    second = PixelForest(QUICK).fit([image], [labels]).predict(image)
    assert np.array_equal(first.labels, second.labels)
    assert np.array_equal(first.probability_map, second.probability_map)


def test_fit_leaves_the_untrained_method_untrained() -> None:
    method = PixelForest(QUICK)
    method.fit([discs_image()], [true_discs((96, 112), 16)])
    with pytest.raises(MethodError, match="pixel-forest is not trained; annotate some training tiles"):
        method.predict(discs_image())


def test_tiles_without_objects_are_refused() -> None:
    with pytest.raises(MethodError, match="the training tiles have no object pixel"):
        PixelForest(QUICK).fit([discs_image()], [np.zeros((96, 112), int)])
    with pytest.raises(MethodError, match="0 images and 0 label images"):
        PixelForest(QUICK).fit([], [])


def test_labels_of_another_size_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match=r"discs: the reference has shape \(10, 10\)"):
        PixelForest(QUICK).fit([discs_image()], [np.ones((10, 10), int)])


def test_normalise_is_blind_to_gain_and_offset() -> None:
    pixels = discs_image().pixels

    def normalise(pixels: np.ndarray) -> np.ndarray:
        return BrightnessSurvey.measure(ArraySource(Image(pixels, "yx"))).normalise(pixels)

    assert np.allclose(normalise(pixels), normalise(pixels * 12 + 300), atol=1e-4)
    assert not normalise(np.full((4, 4), 9)).any()


def test_features_describe_a_ridge() -> None:
    image = np.zeros((31, 31), np.float32)
    image[15] = 1
    features = pixel_features(image, (1.5,))
    assert features.shape == (6, 31, 31)
    raw, smooth, gradient, large, small, spread = features[:, 15, 15]
    assert raw == 1
    assert 0 < smooth < 1
    assert gradient == pytest.approx(0, abs=1e-6)
    assert small < -0.1 < large, "a bright ridge bends down across and not along"
    assert spread > 0.2


class Kinds:
    """The same objects, labelled in other ways."""

    plain = true_discs((96, 112), 16)
    all: ClassVar[dict[str, np.ndarray]] = {
        "floating point": plain.astype(np.float32),
        "largest numbers": np.where(plain > 0, 2**31 - 1 - plain, 0).astype(np.int32),
        "unsigned": plain.astype(np.uint64),
        "big-endian": plain.astype(">i4"),
        "by column": np.asfortranarray(plain),
    }


@pytest.mark.parametrize("kind", sorted(Kinds.all))
def test_how_the_labels_are_numbered_and_kept_does_not_matter(kind: str) -> None:
    """Numbers up to 2**31 took 17 GB to count, and floating-point labels ended in an error of NumPy."""
    image = discs_image()
    expected = PixelForest(QUICK).fit([image], [Kinds.plain]).predict(image)
    found = PixelForest(QUICK).fit([image], [Kinds.all[kind]]).predict(image)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.probability_map, expected.probability_map)


@pytest.mark.parametrize("kind", ["u2", "i4", "f8", ">u2"])
def test_the_type_of_the_pixels_does_not_matter(kind: str) -> None:
    whole = np.rint(discs_image().pixels)
    images = [Image(whole.astype(dtype), "yx") for dtype in ("f4", kind)]
    one, other = (PixelForest(QUICK).fit([image], [Kinds.plain]).predict(image) for image in images)
    np.testing.assert_array_equal(other.labels, one.labels)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            Kinds.plain > 0,
            PixelValueError,
            "discs: what it is trained on: is a mask (true/false), not a label",
        ),
        (-Kinds.plain, PixelValueError, "discs: what it is trained on: has negative values; labels are 0"),
        (Kinds.plain + 0.5, PixelValueError, "discs: what it is trained on: has fractional, infinite or NaN"),
        (np.ones((96, 112), int), MethodError, "pixel-forest: the training tiles have no background pixel;"),
    ],
)
def test_what_are_no_labels_is_refused(labels: np.ndarray, error: type[Exception], message: str) -> None:
    """A mask was taken for one object of the size of all: the forest then dropped whatever it found."""
    with pytest.raises(error) as caught:
        PixelForest(QUICK).fit([discs_image()], [labels])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("zyx", "stack: pixel-forest takes 2D images, this one has axes 'zyx'"),
        (
            "cyx",
            "stack: pixel-forest takes one channel and the image has 3 (channel-0, channel-1, channel-2); "
            "choose one with --channel",
        ),
    ],
)
def test_images_of_other_axes_are_refused(axes: str, message: str) -> None:
    pixels = np.stack([discs_image().pixels] * 3)
    with pytest.raises(AxesError) as caught:
        PixelForest(QUICK).fit([Image(pixels, axes, name="stack")], [np.stack([Kinds.plain] * 3)])
    assert str(caught.value) == message


def test_numbers_of_images_labels_and_regions_have_to_fit() -> None:
    image, half = discs_image(), (slice(0, 48), slice(None))
    for labels, regions, message in (
        ([Kinds.plain], None, "pixel-forest: 2 images and 1 label images to train on"),
        ([Kinds.plain[:48]] * 2, [half], "pixel-forest: 2 images and 1 regions to train on"),
    ):
        with pytest.raises(MethodError) as caught:
            PixelForest(QUICK).fit([image, image], labels, regions=regions)
        assert str(caught.value) == message


def test_regions_are_seen_with_their_surroundings_and_the_brightness_of_the_whole() -> None:
    """Half of the image is annotated: as if the other half had no say, and not as if it were not there."""
    image, half = discs_image(), (slice(0, 56), slice(None))
    part = PixelForest(QUICK).fit([image], [Kinds.plain[half]], regions=[half])
    whole = PixelForest(QUICK).fit([image], [Kinds.plain])
    assert part.describe()["trained_on"] != whole.describe()["trained_on"]
    # The four discs that the lower edge cuts are smaller than half of the smallest shown in the upper half.
    assert (part.predict(image).n_objects, whole.predict(image).n_objects) == (12, 16)
    moved = Image(np.vstack([image.pixels[:56], 9000 + image.pixels[56:]]), "yx")
    other = PixelForest(QUICK).fit([moved], [Kinds.plain[half]], regions=[half])
    assert other.describe()["trained_on"] != part.describe()["trained_on"]


def test_what_is_recorded_tells_training_data_apart() -> None:
    image = discs_image()
    labels = Kinds.plain

    def trained_on(*args: Any, seed: int = 0) -> str:
        options = PixelForestParameters(n_trees=2, samples_per_class=50, seed=seed)
        found: str = PixelForest(options).fit(*args).describe()["trained_on"]
        return found

    assert "trained_on" not in PixelForest().describe()
    first = trained_on([image], [labels])
    assert first == trained_on([Image(image.pixels.copy(), "yx")], [labels.copy()], seed=5)
    other = labels.copy()
    other[0, 0] = 1
    brighter = Image(image.pixels + np.float32(1), "yx")
    assert len({first, trained_on([image], [other]), trained_on([brighter], [labels])}) == 3
    assert trained_on([image, brighter], [labels, other]) != trained_on([brighter, image], [other, labels])


def test_only_what_is_as_large_as_the_smallest_objects_shown_is_kept() -> None:
    image = discs_image()
    forest = PixelForest(QUICK).fit([image], [Kinds.plain])
    pixels = image.pixels.copy()
    pixels[27:31, 27:31] = 120  # a crumb between the discs
    labels = forest.predict(Image(pixels, "yx")).labels
    smallest = np.unique(Kinds.plain, return_counts=True)[1].min()
    assert labels.max() == 16
    assert np.bincount(labels.ravel())[1:].min() >= 0.5 * smallest > 16
    assert not labels[27:31, 27:31].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1), (5, 5)])
def test_slender_and_constant_images(shape: tuple[int, int]) -> None:
    forest = PixelForest(QUICK).fit([discs_image()], [Kinds.plain])
    for pixels in (np.full(shape, 7), np.arange(shape[0] * shape[1]).reshape(shape)):
        found = forest.predict(Image(pixels, "yx"))
        assert found.labels.shape == shape
        assert found.probability_map is not None
        assert 0 <= found.probability_map.min() <= found.probability_map.max() <= 1 + 1e-6


def test_probabilities_are_the_means_of_the_map_in_each_object() -> None:
    image = discs_image()
    found = PixelForest(QUICK).fit([image], [Kinds.plain]).predict(image)
    assert found.probabilities is not None
    assert found.probability_map is not None
    expected = [found.probability_map[found.labels == n].mean() for n in range(1, found.n_objects + 1)]
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-5)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_rare_object_is_found_however_large_the_image_around_it(sign: int) -> None:
    """On a background without noise, one object in 800 pixels was found in a part and not in the whole."""
    base = 100 * (1 - sign)
    clean = Image(np.where(Kinds.plain > 0, base + sign * 100, base), "yx")
    forest = PixelForest(QUICK).fit([clean], [Kinds.plain])
    y, x = np.indices((400, 400)) - 200
    pixels = np.where(y**2 + x**2 <= 64, base + sign * 100, base)
    assert forest.predict(Image(pixels[150:250, 150:250], "yx")).n_objects == 1
    found = forest.predict(Image(pixels, "yx"))
    assert found.n_objects == 1
    assert np.mean(found.labels[pixels != base] == 1) > 0.9


def test_training_on_tiles_filters_around_them_alone_and_one_after_the_other() -> None:
    """Filters of whole images took a hundred bytes per pixel of all images together."""
    import tracemalloc

    rng = np.random.default_rng(0)
    y, x = np.indices((400, 420))
    labels = ((y // 40) * 11 + x // 40 + 1) * ((y % 40 - 20) ** 2 + (x % 40 - 20) ** 2 < 90)
    images = [Image(rng.poisson(20 + 100 * (labels > 0)).astype(np.uint16), "yx") for _ in range(4)]
    tile = (slice(0, 80), slice(340, 420))
    settings = PixelForest.Parameters(n_trees=2, samples_per_class=500)
    PixelForest(settings).fit(images[:1], [labels[tile]], regions=[tile])  # what is imported first
    tracemalloc.start()
    try:
        tiles = PixelForest(settings).fit(images, [labels[tile]] * 4, regions=[tile] * 4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * images[0].pixels.size
    # The same tile, said otherwise; and images of which the tile is a part, as before it was cut out.
    same = PixelForest(settings).fit(
        images, [labels[tile]] * 4, regions=[(slice(None, 80), slice(-80, None))] * 4
    )
    assert same.describe() == tiles.describe()
    one, other = (forest.predict(images[1]) for forest in (same, tiles))
    np.testing.assert_array_equal(one.probability_map, other.probability_map)
    assert one.n_objects > 20


def test_what_is_trained_on_a_tile_are_the_features_that_the_whole_image_has_there() -> None:
    rng = np.random.default_rng(1)
    image = Image(rng.poisson(50, (200, 220)).astype(np.uint16), "yx")
    forest = PixelForest()
    tile, chosen = (slice(60, 100), slice(90, 150)), np.array([0, 7, 2399])
    whole = BrightnessSurvey.measure(ArraySource(image)).normalise(image.pixels)
    features = pixel_features(whole, forest.parameters.scales)[:, *tile].reshape(-1, 40 * 60)
    found = forest._features([image], [tile], np.array([2400]), chosen)
    np.testing.assert_array_equal(found, features[:, chosen].T)
