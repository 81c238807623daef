"""The learning curve: which parts are learned from, how much time each gets, and what is advised."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.images.split import Split
from veriscope.training.judging import curve
from veriscope.training.judging.curve import expected_gain, learning_curve, nested_parts
from veriscope.training.judging.judge import InstanceJudge


def field(number: int, n_objects: int = 4, *, group: str = "") -> LabelledImage:
    """An image that knows its own number, with objects of 2 × 2 pixels in a row."""
    labels = np.zeros((4, 64), np.int32)
    for one in range(n_objects):
        labels[1:3, 3 * one + 1 : 3 * one + 3] = one + 1
    pixels = np.full(labels.shape, number, np.uint16)
    return LabelledImage(f"f{number}", Image(pixels, "yx"), labels, group or f"f{number}", str(number))


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 9)), min_size=1, max_size=24),
    st.integers(0, 5),
)
@hypothesis_settings(max_examples=80)
def test_parts_grow_by_whole_groups_from_objects_on_to_all_images(
    given_fields: list[tuple[int, int]], seed: int
) -> None:
    pairs = [field(i, n, group=f"g{group}") for i, (group, n) in enumerate(given_fields)]
    groups = {pair.group for pair in pairs}
    try:
        parts = nested_parts(pairs, seed=seed)
    except InputError as error:
        assert str(error) == (
            f"a learning curve needs at least three parts of the images, and there are {len(groups)} "
            "groups to learn from; annotate more fields, or leave out --learning-curve"
        )
        return
    assert len(groups) >= 3 and 3 <= len(parts) <= 4
    assert parts[-1] == list(range(len(pairs)))
    assert parts == nested_parts(pairs, seed=seed)
    for small, large in itertools.pairwise(parts):
        assert set(small) < set(large)
    for part in parts:
        inside = {pairs[i].group for i in part}
        assert part == [i for i, pair in enumerate(pairs) if pair.group in inside]
        if any(pair.n_objects for pair in pairs):
            assert sum(pairs[i].n_objects for i in part) > 0


def test_eight_equal_groups_give_an_eighth_a_quarter_a_half_and_all() -> None:
    assert [len(part) for part in nested_parts([field(i) for i in range(8)])] == [1, 2, 4, 8]
    orders = {tuple(nested_parts([field(i) for i in range(8)], seed=seed)[0]) for seed in range(20)}
    assert len(orders) > 3


def test_groups_without_objects_come_last() -> None:
    pairs = [field(i, 0 if i < 6 else 3) for i in range(10)]
    for seed in range(5):
        first, *_ = nested_parts(pairs, seed=seed)
        assert set(first) <= {6, 7, 8, 9}


class Recorded:
    """Stands for the training of each part: a network is the number of objects that it has seen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        monkeypatch.setattr(curve, "learn", self.learn)

    def learn(self, lesson: Any, train: list[Any], val: Any, **options: Any) -> Any:
        self.calls.append(options | {"train": train, "val": val})
        return SimpleNamespace(network=sum(train))


def finds(share_of: Any) -> Any:
    """Give what predicts from a network: as large a share of 20 objects as it learned to find."""

    def predict_from(seen: int) -> Any:
        def predict(image: Image) -> NDArray[np.int32]:
            labels = field(0, 20).labels
            # Which ones are missed differs from image to image, by a little.
            number = int(image.pixels[0, 0])
            missed = round(20 * (1 - share_of(seen))) + (number % 3 - 1) * (share_of(seen) < 1)
            return np.where(labels > missed, labels, 0).astype(np.int32)

        return predict

    return predict_from


def told(
    monkeypatch: pytest.MonkeyPatch, share_of: Any, *, n_val: int = 9
) -> tuple[dict[str, Any], Recorded]:
    recorded = Recorded(monkeypatch)
    train = tuple(field(i, 4) for i in range(8))
    val = tuple(field(100 + i, 20) for i in range(n_val))
    found = learning_curve(
        SimpleNamespace(settings=SimpleNamespace(seed=0)),  # type: ignore[arg-type]
        [[pair.n_objects] for pair in train],  # type: ignore[misc]
        ["validation"],  # type: ignore[list-item]
        Split(train, val, (), "by hand"),
        InstanceJudge(),
        finds(share_of),
        Path("work"),
    )
    return found, recorded


def test_every_part_gets_a_quarter_of_the_time_and_a_checkpoint_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, recorded = told(monkeypatch, lambda seen: 0.5)
    assert [sum(call["train"]) for call in recorded.calls] == [4, 8, 16, 32]
    assert {call["share"] for call in recorded.calls} == {0.25}
    assert [str(call["checkpoint"]) for call in recorded.calls] == [
        f"work/curve-{n}.pt" for n in (1, 2, 3, 4)
    ]
    assert [call["stage"] for call in recorded.calls] == [f"curve {n} of 4" for n in (1, 2, 3, 4)]
    assert all(call["val"] == ["validation"] for call in recorded.calls)
    assert [(point["objects"], point["images"]) for point in found["points"]] == [
        (4, 1),
        (8, 2),
        (16, 4),
        (32, 8),
    ]
    assert (found["metric"], found["judged_on"], found["more_objects"]) == (
        "f1@0.5",
        "validation images",
        50,
    )


def test_a_curve_that_rises_advises_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = told(monkeypatch, lambda seen: {4: 0.3, 8: 0.5, 16: 0.7, 32: 0.8}[seen])
    values = [point["found"]["value"] for point in found["points"]]
    assert values == sorted(values)
    assert found["advice"] == "go on"
    assert found["gain"]["low"] > 0.01
    assert re.fullmatch(
        r"50 more annotated objects would gain about \d+\.\d points of f1@0\.5 "
        r"\(95 % interval \d+\.\d to \d+\.\d\): annotating more is worth it",
        found["sentence"],
    )


def test_a_curve_that_has_become_flat_advises_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = told(monkeypatch, lambda seen: 0.9 if seen == 4 else 0.95)
    assert found["advice"] == "stop"
    assert 0 < found["gain"]["low"] < found["gain"]["high"] < 0.01
    assert found["sentence"].endswith(": annotating more is not worth it")


def test_equal_networks_without_spread_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = told(monkeypatch, lambda seen: 1.0)
    assert [point["found"]["value"] for point in found["points"]] == [1.0] * 4
    assert found["gain"]["value"] == pytest.approx(0, abs=1e-9)
    assert found["gain"]["low"] < -0.05 and found["gain"]["high"] > 0.05
    assert found["advice"] == "cannot tell"
    assert found["sentence"].endswith(": whether annotating more is worth it cannot be told")


def test_a_single_image_to_choose_by_cannot_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = told(monkeypatch, lambda seen: min(1.0, seen / 40), n_val=1)
    assert found["gain"]["low"] is None
    assert found["advice"] == "cannot tell"
    assert found["sentence"].endswith(
        "(no interval can be given from so few groups): whether annotating more is worth it cannot be told"
    )


class PowerLaw:
    """Networks judged on one image each: 1 - metric is a power of the objects, times a little chance."""

    unit, aggregation = "image", "mean"

    def __init__(self, error: NDArray[np.float64], n: int = 6) -> None:
        self.independent_rows = np.stack([np.full((n, 2), [1 - one, 1.0]) for one in error])

    @staticmethod
    def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(sums[..., 0] / sums[..., 1])

    @staticmethod
    def sizes(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return rows[..., 1]


@given(
    st.floats(0.05, 0.9),
    st.floats(-0.2, 0.9),
    st.integers(1, 200),
    st.sampled_from([[10, 20, 40], [5, 7, 30, 90]]),
)
@hypothesis_settings(max_examples=60)
def test_any_power_law_is_continued(first: float, power: float, more: int, objects: list[int]) -> None:
    error = first * (np.array(objects) / objects[0]) ** -power
    if error.max() >= 1:
        return
    found = expected_gain(PowerLaw(error), objects, more=more)  # type: ignore[arg-type]
    after = first * ((objects[-1] + more) / objects[0]) ** -power
    assert found.value == pytest.approx(error[-1] - after, abs=1e-9)


def test_perfect_and_useless_networks_give_numbers() -> None:
    for error in (np.zeros(3), np.ones(3), np.array([1.0, 0.5, 0.0])):
        found = expected_gain(PowerLaw(error), [1, 10, 100])  # type: ignore[arg-type]
        assert -1 <= found.value <= 1
