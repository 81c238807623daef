from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from veriscope.core.image import Image
from veriscope.errors import InputError
from veriscope.training.images.pairs import LabelledImage, pixel_hash
from veriscope.training.judging.compare import compare_with_start
from veriscope.training.judging.curve import expected_gain, nested_parts
from veriscope.training.judging.envelope import STEPS, change_image, robustness
from veriscope.training.judging.judge import ClassJudge, InstanceJudge, predict_each


def squares(seed: int, *, group: str = "") -> LabelledImage:
    """Sixteen bright squares of 9 pixels in 64 × 64."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((64, 64), np.int32)
    for number in range(16):
        y, x = 16 * (number // 4) + 3, 16 * (number % 4) + 3
        labels[y : y + 9, x : x + 9] = number + 1
    pixels = (1000 + 3000 * (labels > 0) + rng.normal(0, 20, labels.shape)).astype(np.uint16)
    stem = f"image{seed}"
    return LabelledImage(stem, Image(pixels, "yx"), labels, group or stem, pixel_hash(pixels))


def threshold(image: Image) -> NDArray[np.int32]:
    labels, _ = ndimage.label(image.pixels > 2500)
    return np.asarray(labels, np.int32)


def half_blind(image: Image) -> NDArray[np.int32]:
    found = threshold(image)
    return np.where(found % 2 == 0, found, 0)


PAIRS = [squares(seed) for seed in range(6)]


def test_what_finds_more_is_recommended_and_what_does_not_is_not() -> None:
    judge = InstanceJudge()
    good, bad = (judge.count(way, PAIRS) for way in (threshold, half_blind))
    assert judge.figures(good)["f1@0.5"].value == 1
    better = compare_with_start(judge, good, bad, name="old")
    assert better.recommended == "new"
    assert better.sentence.startswith("the new network is better than old: f1@0.5 +0.333 on 6 locked groups")
    worse = compare_with_start(judge, bad, good, name="old")
    assert worse.recommended == "start"
    assert worse.sentence.startswith("the new network is worse than old, which stays recommended")
    assert worse.to_dict()["difference"]["value"] == pytest.approx(-1 / 3)
    assert better.to_dict()["difference"]["value"] == pytest.approx(1 / 3)


def test_what_is_equal_keeps_the_start() -> None:
    judge = InstanceJudge()
    rows = judge.count(threshold, PAIRS)
    equal = compare_with_start(judge, rows, rows, name="old")
    assert equal.recommended == "start"
    assert "is not shown to be better than old, which stays recommended" in equal.sentence


def test_a_single_group_proves_nothing() -> None:
    judge = InstanceJudge()
    pairs = [squares(seed, group="one") for seed in range(3)]
    good, bad = (judge.count(way, pairs) for way in (threshold, half_blind))
    found = compare_with_start(judge, good, bad, name="old")
    assert found.recommended == "start"
    assert "no interval can be given from so few groups" in found.sentence


def test_progress_is_told_before_each_image_and_at_the_end() -> None:
    told: list[tuple[str, int, int]] = []
    seen = []
    for pair, found in predict_each(threshold, PAIRS[:2], lambda *of: told.append(of)):
        seen.append((pair.stem, int(found.max()), len(told)))
    assert seen == [("image0", 16, 1), ("image1", 16, 2)]
    assert told == [("judge", 0, 2), ("judge", 1, 2), ("judge", 2, 2)]


def test_what_is_not_known_does_not_count() -> None:
    pair = PAIRS[0]
    half = pair.labels.copy()
    half[32:] = -1
    known = LabelledImage(pair.stem, pair.image, half, pair.group, pair.sha256)
    (row,) = InstanceJudge().count(threshold, [known])
    assert (row.n_reference, row.n_prediction, row.fp[0]) == (8, 8, 0)
    (dice,) = ClassJudge(2).count(lambda image: (threshold(image) > 0).astype(np.int32), [known])
    assert dice.mean < 1  # numbers of objects are no classes
    classes = LabelledImage(
        pair.stem, pair.image, np.where(half > 0, 1, half).astype(np.int32), pair.group, pair.sha256
    )
    (dice,) = ClassJudge(2).count(lambda image: (threshold(image) > 0).astype(np.int32), [classes])
    assert dice.mean == 1


def test_what_invents_nothing_in_empty_images_is_better_than_what_does() -> None:
    """Every third image has something, which both find; in the others one of them invents a square."""
    judge = ClassJudge(2)
    pairs = []
    for seed in range(9):
        pair = squares(seed)
        there = (pair.labels == 1) if seed % 3 == 0 else np.zeros(pair.labels.shape, bool)
        pairs.append(
            LabelledImage(
                pair.stem, Image(pair.image.pixels, "yx"), there.astype(np.int32), pair.group, pair.sha256
            )
        )
    silent = judge.count(lambda image: next(p.labels for p in pairs if p.image is image), pairs)
    invents = judge.count(lambda image: (threshold(image) == 1).astype(np.int32), pairs)
    found = compare_with_start(judge, silent, invents, name="old")
    assert found.recommended == "new"
    assert found.to_dict()["difference"]["value"] > 0.4


@pytest.mark.parametrize("change", STEPS)
def test_no_change_changes_next_to_nothing(change: str) -> None:
    pair = PAIRS[0]
    neutral = STEPS[change][1]
    same = change_image(pair, change, neutral)
    assert same.image.pixels.dtype == pair.image.pixels.dtype
    assert np.abs(same.image.pixels.astype(int) - pair.image.pixels).max() <= 1
    assert (same.labels == pair.labels).all()


def test_scaling_scales_labels_too() -> None:
    half = change_image(PAIRS[0], "scale", 0.5)
    assert half.image.shape == half.labels.shape == (32, 32)
    assert len(np.unique(half.labels)) == 17


def test_the_envelope_ends_where_the_metric_falls() -> None:
    found = robustness(InstanceJudge(), threshold, PAIRS)
    changes = found["changes"]
    assert found["unchanged"]["value"] == 1
    # A threshold at half the height knows no noise of a fifth of the contrast, but stands blur well.
    assert changes["noise"]["range"] == [0.0, 0.1]
    assert changes["blur"]["range"][1] >= 1
    assert changes["scale"]["range"] == [0.5, 2.0]


def test_nothing_found_gives_no_range() -> None:
    found = robustness(InstanceJudge(), lambda image: np.zeros(image.shape, np.int32), PAIRS)
    assert all(change["range"] is None for change in found["changes"].values())


def some_found(share: float, seed: int) -> object:
    def way(image: Image) -> NDArray[np.int32]:
        found = threshold(image)
        rng = np.random.default_rng((seed, int(image.pixels[0, 0])))
        kept = rng.random(int(found.max()) + 1) < share
        return np.where(kept[found], found, 0)

    return way


def test_a_steep_curve_asks_for_more_and_a_flat_one_to_stop() -> None:
    judge = InstanceJudge()
    pairs = [squares(seed) for seed in range(24)]

    def gain(shares: list[float]) -> object:
        rows = {
            str(number): judge.count(some_found(share, number), pairs)  # type: ignore[arg-type]
            for number, share in enumerate(shares)
        }
        return expected_gain(judge.candidates(rows), [25, 50, 100, 200])

    steep, flat = gain([0.2, 0.5, 0.8, 0.95]), gain([0.9, 0.9, 0.9, 0.9])
    assert steep.low is not None and steep.low > 0  # type: ignore[attr-defined]
    assert flat.low <= 0 <= flat.high  # type: ignore[attr-defined]
    assert abs(flat.value) < 0.005 < steep.value  # type: ignore[attr-defined]


def test_an_exact_power_law_is_continued_exactly() -> None:
    """One image of which 1 - F1 halves with every doubling of the objects."""
    judge = InstanceJudge()
    n = np.array([16, 32, 64])
    error = 1.6 / n

    class Exact:
        independent_rows = np.stack([np.full((3, 2), [value, 1.0]) for value in 1 - error])
        unit, aggregation = "image", "mean"

        @staticmethod
        def function(sums: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(sums[..., 0] / sums[..., 1])

        @staticmethod
        def sizes(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            return rows[..., 1]

    found = expected_gain(Exact(), list(n), more=64)  # type: ignore[arg-type]
    assert found.value == pytest.approx(1.6 / 64 - 1.6 / 128)
    assert judge.metric == "f1@0.5"


def test_parts_are_nested_and_whole_groups() -> None:
    pairs = [squares(seed, group=f"g{seed // 2}") for seed in range(16)]
    parts = nested_parts(pairs, seed=3)
    for small, large in itertools.pairwise(parts):
        assert set(small) < set(large)
    for part in parts:
        assert {i ^ 1 for i in part} == set(part)
    assert parts[-1] == list(range(16))
    with pytest.raises(InputError, match="a learning curve needs at least three parts"):
        nested_parts(pairs[:4])
