"""Stacks become planes along three axes, as bright and as far apart as they are seen when predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.errors import AxesError, InputError
from veriscope.methods.networks.normalise import normalise_percentiles
from veriscope.training.heads.flow import FlowHead
from veriscope.training.images import stacks
from veriscope.training.images.augment import TrainingImage
from veriscope.training.images.pairs import LabelledImage, pixel_hash, read_pairs
from veriscope.training.images.stacks import (
    are_stacks,
    plane_distance,
    planes_of,
    prepare_stacks,
    stack_diameter,
)

CUBE = {"z": 0.5, "y": 0.5, "x": 0.5}


def ball(*, step: int = 1, stem: str = "ball", spacing: dict[str, float] | None = None) -> LabelledImage:
    """One ball of 16 pixels across in a cube of 32, every `step`-th plane of it."""
    place = np.indices((32, 32, 32)) - 15.5
    labels = (np.sqrt((place**2).sum(0)) <= 8).astype(np.int32)[::step]
    noise = np.random.default_rng(step).normal(0, 2, labels.shape)
    pixels = (100 + 400 * labels + noise).astype(np.float32)
    image = Image(pixels, "zyx", spacing or CUBE | {"z": 0.5 * step}, (), stem)
    return LabelledImage(stem, image, labels, stem, pixel_hash(pixels))


def flat(stem: str = "flat") -> LabelledImage:
    pair = ball(stem=stem)
    return replace(pair, image=Image(pair.image.pixels[0], "yx", name=stem), labels=pair.labels[0])


def test_stacks_are_told_from_images() -> None:
    assert are_stacks([ball(), ball(step=2, stem="b")])
    assert not are_stacks([flat()])
    assert not are_stacks([])
    with pytest.raises(
        InputError, match=r"1 of 3 files are stacks, such as ball, .* such as flat; .*train two"
    ):
        are_stacks([flat(), ball(), flat("other")])


def test_the_distance_of_planes_must_be_known() -> None:
    unknown = replace(ball(), image=replace(ball().image, spacing=None))
    with pytest.raises(AxesError, match=r"^ball: how far apart the planes lie .*--spacing z=2,y=0.5,x=0.5$"):
        are_stacks([unknown, ball(stem="known")])
    many = [replace(unknown, stem=f"s{n}") for n in range(7)]
    with pytest.raises(AxesError, match=r"^s0, s1, s2, s3, s4…: how far"):
        are_stacks(many)


def test_sizes_are_those_in_space_however_far_planes_lie_apart() -> None:
    for step in (1, 2, 4):
        pair = ball(step=step)
        assert plane_distance(pair.image) == step
        assert stack_diameter(pair) == pytest.approx(16, rel=0.06)
    nothing = replace(ball(), labels=np.zeros_like(ball().labels))
    assert stack_diameter(nothing) == 30
    unknown = replace(ball(), labels=np.where(ball().labels, -1, 0).astype(np.int32))
    assert stack_diameter(unknown) == 30


@pytest.mark.parametrize(("every", "n"), [(1, (5, 6, 7)), (2, (2, 3, 3)), (4, (1, 1, 2)), (9, (1, 1, 1))])
def test_planes_are_cut_along_every_axis(every: int, n: tuple[int, ...]) -> None:
    pixels = np.arange(5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
    found = list(planes_of(pixels, pixels.astype(np.int32), every=every))
    assert tuple(map(len, found)) == n
    assert [planes[0][0].shape for planes in found] == [(6, 7), (5, 7), (5, 6)]
    assert all((values == labels).all() for planes in found for values, labels in planes)
    if every == 1:
        for axis, planes in enumerate(found):
            np.testing.assert_array_equal(np.stack([values for values, _ in planes], axis), pixels)


def prepared_planes(*pairs: LabelledImage) -> list[TrainingImage]:
    """Planes of all stacks, one after the other."""
    found = prepare_stacks(pairs, FlowHead())
    assert len(found) == len(pairs), "a list for each stack"
    return [image for planes in found for image in planes]


def of_view(prepared: Sequence[TrainingImage], number: int) -> list[TrainingImage]:
    """Planes across an axis of a cube of 32 planes."""
    return list(prepared[32 * number : 32 * (number + 1)])


def test_a_ball_looks_alike_from_all_sides_however_far_planes_lie_apart() -> None:
    for step in (1, 3):
        prepared = prepared_planes(ball(step=step))
        assert len(prepared) == 3 * 32 - (step == 3), "eleven planes, three apart, are 31"
        middle = prepared[15], prepared[-48], prepared[-16]
        areas = [int((image.labels > 0).sum()) for image in middle]
        assert max(areas) <= 1.2 * min(areas), areas
        assert all(image.diameter == pytest.approx(16, rel=0.1) for image in middle)
        assert all(image.targets.shape == (5, *image.labels.shape) for image in prepared)


def test_planes_are_as_bright_as_the_stack_makes_them() -> None:
    pair = ball()
    prepared = prepared_planes(pair)
    whole = normalise_percentiles(pair.image.pixels)
    for number in (0, 15, 31):
        np.testing.assert_allclose(of_view(prepared, 0)[number].pixels[0], whole[number], rtol=1e-6)
        np.testing.assert_allclose(of_view(prepared, 1)[number].pixels[0], whole[:, number], rtol=1e-6)
        np.testing.assert_allclose(of_view(prepared, 2)[number].pixels[0], whole[..., number], rtol=1e-6)
    empty = of_view(prepared, 0)[0]
    assert abs(empty.pixels).max() < 0.1, "an empty plane is not stretched until noise looks like objects"


def test_every_stack_and_axis_is_drawn_as_often_and_empty_planes_seldom() -> None:
    prepared = prepared_planes(ball(step=4), ball(stem="b"))
    weights = np.array([image.weight for image in prepared])
    assert weights.sum() == pytest.approx(6)
    assert sum(image.weight for image in of_view(prepared[-96:], 0)) == pytest.approx(1)
    filled = [image.weight for image in of_view(prepared[-96:], 0) if (image.labels > 0).any()]
    empty = [image.weight for image in of_view(prepared[-96:], 0) if not (image.labels > 0).any()]
    assert len(filled) == len(empty) == 16
    assert filled[0] == pytest.approx(10 * empty[0])


def test_of_large_stacks_evenly_chosen_planes_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(stacks, "_MOST_PIXELS", 3 * 32**3 // 4)
    (prepared,) = prepare_stacks([ball()], FlowHead(), lambda *done: told.append(done))
    assert len(prepared) == 3 * 8
    assert sum(image.labels.size for image in prepared) <= 3 * 32**3 // 4
    assert told == [("prepare", 0, 1), ("prepare", 1, 1)]


def test_what_is_not_known_stays_so() -> None:
    pair = ball()
    labels = pair.labels.copy()
    labels[:, :, :16] = -1
    for image in prepared_planes(replace(pair, labels=labels)):
        assert (image.targets[0][image.labels < 0] == 0).all()
    assert (of_view(prepared_planes(replace(pair, labels=labels)), 2)[3].labels == -1).all()


def written(folder: Path, pixels: np.ndarray, labels: np.ndarray, **metadata: Any) -> tuple[Path, Path]:
    for name, values in (("images", pixels), ("labels", labels)):
        (folder / name).mkdir()
        tifffile.imwrite(folder / name / "a.tif", values, metadata=metadata, photometric="minisblack")
    return folder / "images", folder / "labels"


def test_stacks_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    pair = ball(step=2)
    images, labels = written(tmp_path, pair.image.pixels, pair.labels.astype(np.uint16), axes="ZYX")
    with pytest.raises(InputError, match=r"is a stack \(axes zyx\), from which only the head flow learns"):
        read_pairs(images, labels)
    (found,) = read_pairs(images, labels, stacks=True, spacing={"z": 2, "y": 1, "x": 1})
    assert (found.image.axes, plane_distance(found.image), found.n_objects) == ("zyx", 2, 1)
    np.testing.assert_array_equal(found.labels, pair.labels)
    assert are_stacks([found])


def test_times_and_channels_of_stacks_are_refused(tmp_path: Path) -> None:
    pixels = np.zeros((2, 3, 16, 16), np.uint16)
    (tmp_path / "t").mkdir()
    movie = written(tmp_path / "t", pixels, pixels[0], axes="TZYX")
    with pytest.raises(InputError, match="has axes tzyx; training takes images, and stacks without times"):
        read_pairs(*movie, stacks=True)
    (tmp_path / "c").mkdir()
    stained = written(tmp_path / "c", pixels + np.arange(2, dtype=np.uint16)[:, None, None, None], pixels[0])
    with pytest.raises(InputError, match="choose"):
        read_pairs(*stained, stacks=True, axes="czyx")
    (found,) = read_pairs(*stained, stacks=True, axes="czyx", channel=1)
    assert found.image.axes == "zyx" and (found.image.pixels == 1).all()
