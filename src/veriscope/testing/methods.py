"""Proof that a method keeps the contract of `veriscope.methods.base.Method`."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from veriscope.core.image import Image
from veriscope.core.prediction import Prediction
from veriscope.core.settings import Settings
from veriscope.core.source import ArraySource, grid, grow
from veriscope.errors import AxesError, PixelValueError
from veriscope.methods.base import Card, Method
from veriscope.methods.local_method import LocalMethod, Part

__all__ = ["check_method", "discs_image"]


def discs_image(shape: tuple[int, ...] = (96, 112), *, diameter: float = 16.0, seed: int = 0) -> Image:
    """Make a small image of bright discs, or a stack of bright balls, on a noisy background.

    Parameters
    ----------
    shape
        Height and width in pixels; of a stack depth, height and width.
    diameter
        Of the discs or balls, in pixels.
    seed
        Seed of the noise.

    Returns
    -------
    Image
        float32, axes ``yx`` without pixel size, or ``zyx`` with voxels of equal sides; one disc or ball per
        1.75 diameters.
    """
    pitch = 1.75 * diameter
    away = [(place % pitch) - pitch / 2 for place in np.indices(shape)]
    discs = sum(one**2 for one in away) <= (diameter / 2) ** 2
    noise = np.random.default_rng(seed).normal(0, 3, shape)
    axes = "zyx"[-len(shape) :]
    spacing = None if len(shape) == 2 else dict.fromkeys(axes, 1.0)
    return Image((20 + 100 * discs + noise).astype(np.float32), axes, spacing, name="discs")


def check_method(method: Method, *, image: Image | None = None) -> None:
    """Prove that a method keeps the contract; authors of plugins call this in their tests.

    Parameters
    ----------
    method
        A method that is ready to predict.
    image
        An image in which it finds at least one object; discs 16 pixels wide if not given, or balls for a
        method of stacks alone. For a method that sees several channels, an image with them on axis ``c``.

    Raises
    ------
    AssertionError
        If a rule of the contract is broken; the message names the rule.
    """
    _check_identity(method)
    image = image or discs_image((96, 112) if 2 in method.card.dimensions else (36, 44, 48))
    _check_repeatable(method, image)
    _check_odd_images(method, image)
    _check_refusals(method, image)
    if isinstance(method, LocalMethod):
        _check_parts(method, image)


def _check_identity(method: Method) -> None:
    """Check what the registry, the record and the list of methods ask of a class."""
    missing = [name for name in ("name", "version", "card") if not getattr(type(method), name, None)]
    assert not missing, f"the class has no {' and no '.join(missing)}"
    assert isinstance(method.card, Card), f"card is a {type(method.card).__name__}, the contract says Card"
    assert issubclass(method.Parameters, Settings), "Parameters is no class of Settings"
    try:
        json.dumps(method.describe())
    except (TypeError, ValueError) as error:
        raise AssertionError(
            f"describe() gives no plain values, so no record can keep them: {error}"
        ) from None


def _check_parts(method: LocalMethod, image: Image) -> None:
    """Whatever is not within reach of where a part was cut is as in the whole."""
    prediction = method.predict(image)
    whole = prediction.labels
    source, cut = ArraySource(image), ArraySource(image)
    survey = method.survey(source)
    cut.block = tuple(max(size // 3, 1) for size in source.shape)
    assert method.survey(cut) == survey, "the survey depends on how the image is cut into blocks"
    again = method.SurveyType.model_validate(survey.model_dump(mode="json"))
    assert again == survey, "the survey does not come back from plain values"
    assert method.details(survey) == prediction.details, "details(survey) is not what a prediction says"
    footprint = method.footprint(survey)
    for core in grid(source.shape, tuple(-(-size // 2) for size in source.shape)):
        region = grow(core, footprint.reach + footprint.largest, source.shape)
        part = Part(source.image(region), region, source.shape)
        labels = method.predict_part(part, survey).labels
        near = part.near_cut(labels, footprint.reach)
        inside = (labels > 0) & ~near[labels]
        ours, theirs = labels[inside], whole[region][inside]
        pairs = set(zip(ours.tolist(), theirs.tolist(), strict=True))
        sizes = np.bincount(whole.ravel())
        same = all(b > 0 and np.count_nonzero(labels == a) == sizes[b] for a, b in pairs)
        assert same and len(pairs) == len({a for a, _ in pairs}), "a part has objects that the whole has not"


def _predict(method: Method, image: Image, what: str) -> Prediction:
    try:
        return method.predict(image)
    except Exception as error:
        raise AssertionError(f"the method fails on {what}: {type(error).__name__}: {error}") from error


def _check_result(method: Method, image: Image, what: str = "the image given") -> Prediction:
    result = _predict(method, image, what)
    assert isinstance(result, Prediction), f"predict gives a {type(result).__name__}, not a Prediction"
    assert result.labels.dtype == np.int32, f"labels are {result.labels.dtype}, the contract says int32"
    assert result.labels.shape == image.spatial_shape, "labels do not have the shape of the image"
    axes = image.axes.replace("c", "")
    assert result.axes == axes, f"labels have axes {result.axes!r}, the image {axes!r}"
    try:
        json.dumps(result.details)
    except (TypeError, ValueError):
        raise AssertionError(
            f"details are not plain values, so no record can keep them: {result.details}"
        ) from None
    present = np.unique(result.labels)
    expected = np.arange(result.n_objects + 1)
    assert np.array_equal(present[present > 0], expected[1:]), "labels are not numbered 1 … n without gaps"
    for values in (result.probabilities, result.probability_map):
        if values is not None and values.size:
            assert np.isfinite(values).all(), "a probability is NaN or infinite"
            assert values.min() >= 0 and values.max() <= 1 + 1e-6, "a probability is outside 0 to 1"
    return result


def _check_repeatable(method: Method, image: Image) -> None:
    before = image.pixels.copy()
    described = method.describe()
    first, second = _check_result(method, image), _check_result(method, image)
    assert np.array_equal(image.pixels, before), "the method changed its input"
    assert method.describe() == described, "predicting changed the parameters of the method"
    assert np.array_equal(first.labels, second.labels), "the same image gave two different results"
    for name in ("probabilities", "probability_map"):
        ours, theirs = getattr(first, name), getattr(second, name)
        same = (ours is None) == (theirs is None) and (ours is None or np.array_equal(ours, theirs))
        assert same, f"the same image gave two different {name.replace('_', ' ')}"
    assert first.n_objects > 0, "the method found nothing in an image with objects"
    frozen = image.pixels.copy()
    frozen.flags.writeable = False
    _check_result(method, replace(image, pixels=frozen), "an image that must not be changed")


def _check_odd_images(method: Method, image: Image) -> None:
    has_map = method.predict(image).probability_map is not None
    for value in (0, 7):
        constant = replace(image, pixels=np.full(image.shape, value, image.pixels.dtype))
        found = _check_result(method, constant, f"an image of {value} everywhere")
        assert found.n_objects == 0, "a constant image has objects"
        lacks = has_map and found.probability_map is None
        assert not lacks, "a map of probability comes with some images and not with a constant one"
    scaled = image.pixels - image.pixels.min()
    scaled = scaled / scaled.max()
    for dtype, top in ((np.uint8, 255), (np.uint16, 65535), (np.float64, 1.0)):
        typed = replace(image, pixels=(scaled * top).astype(dtype))
        _check_result(method, typed, f"an image of type {np.dtype(dtype)}")
    for shape in ((1, 1), (1, 40), (3, 5), (37, 23)):
        odd = (*image.shape[:-2], *shape)
        small = replace(image, pixels=np.resize(image.pixels, odd))
        _check_result(method, small, f"an image of {' × '.join(map(str, odd))} pixels")


def _check_refusals(method: Method, image: Image) -> None:
    with_nan = image.pixels.astype(np.float32)
    with_nan[..., 0, 0] = np.nan
    _check_refused(method, replace(image, pixels=with_nan), PixelValueError, "an image with NaN")
    if "c" in image.axes:
        _check_refused(method, image.select_channel(0), AxesError, "an image with one channel")
        more = np.concatenate([image.pixels, image.pixels[:1]])
        _check_refused(method, Image(more, image.axes), AxesError, "an image with another channel more")
    else:
        channels = Image(np.stack([image.pixels] * 2), "c" + image.axes)
        _check_refused(method, channels, AxesError, "an image with two channels")
    times = Image(np.stack([image.pixels] * 2), "t" + image.axes, channels=image.channels)
    _check_refused(method, times, AxesError, "a time-lapse")


def _check_refused(method: Method, image: Image, error: type[Exception], what: str) -> None:
    try:
        method.predict(image)
    except error:
        return
    except Exception as other:
        raise AssertionError(
            f"the method refused {what} with {type(other).__name__} ({other}); it must raise {error.__name__}"
        ) from other
    raise AssertionError(f"the method accepted {what}; it must raise {error.__name__}")
