"""Classes of images: figures by hand where a class is missing, and what a temperature is chosen by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from veriscope.core.classes import ClassProbabilities, ImageClass
from veriscope.core.image import Image
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.choose_temperature import choose_temperature
from veriscope.training.judging.judge_classes import ImageClassJudge

NAMES = ("ant", "bee", "cat")


def pairs(truth: Sequence[int], groups: Sequence[str] | None = None) -> list[LabelledImage]:
    """Images of one pixel, which is their number."""
    return [
        LabelledImage(
            f"i{n}",
            Image(np.full((1, 1), n, np.uint16), "yx"),
            np.ones((1, 1), np.int32),
            groups[n] if groups else f"i{n}",
            str(n),
            kind=ImageClass(kind, NAMES),
        )
        for n, kind in enumerate(truth)
    ]


def saying(stated: np.ndarray) -> Callable[[Image], ClassProbabilities]:
    return lambda image: ClassProbabilities(NAMES, stated[int(image.pixels[0, 0])])


def sure(said: Sequence[int]) -> np.ndarray:
    return np.eye(3)[list(said)]


def values(truth: Sequence[int], stated: np.ndarray, groups: Sequence[str] | None = None) -> dict[str, float]:
    judge = ImageClassJudge(NAMES)
    found = judge.figures(judge.count(saying(stated), pairs(truth, groups)))
    assert next(iter(found)) == judge.metric
    return {key: one.value for key, one in found.items()}


def test_every_class_counts_the_same_however_many_images_it_has() -> None:
    found = values([0, 0, 0, 0, 1, 1, 2], sure([0, 0, 0, 1, 1, 0, 2]))
    assert found["sensitivity of ant"] == 3 / 4
    assert found["sensitivity of bee"] == 1 / 2
    assert found["sensitivity of cat"] == 1
    assert found["balanced_accuracy"] == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert found["accuracy"] == pytest.approx(5 / 7)
    f1 = [2 * 3 / (4 + 4), 2 * 1 / (2 + 2), 1]
    assert found["macro_f1"] == pytest.approx(np.mean(f1))
    assert found["brier_score"] == pytest.approx(2 * 2 / 7)


def test_a_class_without_an_image_is_not_judged_but_what_is_invented_of_it_counts() -> None:
    found = values([0, 0, 1, 1], sure([0, 2, 1, 1]))
    assert "sensitivity of cat" not in found
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    # Macro F1 is over all classes that are on either side, and nothing of what was called a cat is one.
    assert found["macro_f1"] == pytest.approx((2 * 1 / 3 + 1 + 0) / 3)


def test_one_image_gives_figures_and_no_interval() -> None:
    judge = ImageClassJudge(NAMES)
    found = judge.figures(judge.count(saying(sure([1])), pairs([1])))
    assert found["accuracy"].value == found["balanced_accuracy"].value == 1
    assert all(one.low is None and one.high is None for one in found.values())


def test_a_network_that_says_the_same_of_all_images_is_told_by_chance() -> None:
    found = values([0, 1, 2, 0, 1, 2], sure([1] * 6))
    assert found["balanced_accuracy"] == pytest.approx(1 / 3)
    assert np.isnan(found["matthews_correlation"])  # of what never varies no correlation can be told


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=20))
@hypothesis_settings(max_examples=40)
def test_what_two_networks_are_compared_by_is_the_figure(both: list[tuple[int, int]]) -> None:
    truth, said = zip(*both, strict=True)
    judge, images = ImageClassJudge(NAMES), pairs(truth)
    rows = judge.count(saying(sure(said)), images)
    candidates = judge.candidates({"new": rows, "start": rows})
    value = candidates.function(candidates.rows.sum(1))
    figure = judge.figures(rows)[judge.metric].value
    np.testing.assert_allclose(value, [figure, figure])
    np.testing.assert_allclose(candidates.sizes(candidates.rows.sum(1)), len(both))


def likelihood_by_hand(stated: np.ndarray, truth: Sequence[int]) -> float:
    """The temperature at which the classes are likeliest, by searching for it."""
    logits = np.log(np.clip(stated, 1e-12, 1))

    def cost(log_temperature: float) -> float:
        chances = softmax(logits / np.exp(log_temperature), axis=1)
        return float(-np.log(chances[np.arange(len(truth)), list(truth)]).mean())

    return float(np.exp(minimize_scalar(cost, bounds=(np.log(0.05), np.log(50)), method="bounded").x))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_temperature_is_that_of_the_largest_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stated = softmax(rng.normal(0, 2, (80, 3)), axis=1)
    truth = [int(rng.choice(3, p=softmax(np.log(row) / 2))) for row in stated]
    temperature, record = choose_temperature(saying(stated), pairs(truth))
    assert temperature == pytest.approx(likelihood_by_hand(stated, truth), rel=0.02)
    assert record["temperature"] == temperature
    assert record["n_images"] == 80 and record["caution"] == ""
    assert record["n_wrong"] == sum(
        int(row.argmax()) != kind for row, kind in zip(stated, truth, strict=True)
    )
    by_hand = softmax(np.log(stated) / temperature, axis=1)
    for when, chances in (("before", stated), ("after", by_hand)):
        cost = -np.log(chances[np.arange(80), truth]).mean()
        assert record[f"negative_log_likelihood_{when}"] == pytest.approx(cost, abs=1e-3)


def test_a_network_that_is_always_wrong_is_made_as_unsure_as_allowed() -> None:
    stated = np.full((60, 3), 0.005)
    stated[:, 0] = 0.99
    temperature, record = choose_temperature(saying(stated), pairs([1] * 60))
    assert (temperature, record["n_wrong"]) == (10.0, 60)


def test_a_network_that_is_too_modest_is_made_surer_only_where_it_erred() -> None:
    stated = np.full((60, 3), 0.3)
    stated[np.arange(60), 0] = 0.4
    right = choose_temperature(saying(stated), pairs([0] * 60))[0]
    once_wrong = choose_temperature(saying(stated), pairs([0] * 59 + [1]))[0]
    assert right == 1.0
    assert 0.5 <= once_wrong < 1


def test_few_images_are_cautioned_about_in_a_whole_sentence() -> None:
    steps: list[tuple[str, int, int]] = []
    _, record = choose_temperature(
        saying(sure([0, 1, 2]) * 0.9 + 0.1 / 3), pairs([0, 1, 1]), lambda *step: steps.append(step)
    )
    assert record["caution"] == (
        "probabilities were calibrated on 3 images, 1 of them wrong, which is too few to rely on them"
    )
    assert steps == [("choose temperature", done, 3) for done in range(4)]
