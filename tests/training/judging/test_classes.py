"""Temperature, and the judging of classes of images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn import metrics as sk

from veriscope.core.classes import ClassProbabilities, ImageClass
from veriscope.core.image import Image
from veriscope.training.heads.classification import ClassificationHead
from veriscope.training.images.pairs import LabelledImage
from veriscope.training.judging.choose_temperature import choose_temperature
from veriscope.training.judging.compare import compare_with_start
from veriscope.training.judging.judge_classes import ImageClassJudge

NAMES = ("a", "b", "c")


def pairs(truth: list[int], groups: list[str] | None = None) -> list[LabelledImage]:
    """Images whose one pixel is their number."""
    return [
        LabelledImage(
            f"i{number}",
            Image(np.full((1, 1), number, np.uint16), "yx", name=f"i{number}"),
            np.ones((1, 1), np.int32),
            groups[number] if groups else f"i{number}",
            str(number),
            kind=ImageClass(kind, NAMES),
        )
        for number, kind in enumerate(truth)
    ]


def says(stated: np.ndarray) -> Callable[[Image], ClassProbabilities]:
    return lambda image: ClassProbabilities(NAMES, stated[int(image.pixels[0, 0])])


def test_a_network_that_is_too_sure_is_made_less_sure() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (600, 3))
    stated = softmax(logits, axis=1)
    truth = [int(rng.choice(3, p=row)) for row in stated]
    temperature, record = choose_temperature(says(softmax(3 * logits, axis=1)), pairs(truth))
    assert temperature == pytest.approx(3, rel=0.25)
    assert record["negative_log_likelihood_after"] < record["negative_log_likelihood_before"]
    assert record["caution"] == ""
    assert choose_temperature(says(stated), pairs(truth))[0] == pytest.approx(1, rel=0.25)


def test_without_an_error_nothing_says_how_sure_is_too_sure() -> None:
    truth = [0, 1, 2] * 4
    stated = np.full((12, 3), 0.1)
    stated[np.arange(12), truth] = 0.8
    temperature, record = choose_temperature(says(stated), pairs(truth))
    assert (temperature, record["n_wrong"]) == (1.0, 0)
    assert "calibrated on 12 images, 0 of them wrong" in record["caution"]


def test_the_package_gives_the_softened_probabilities() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    head = ClassificationHead(NAMES, zoom=0.5, side=64)
    softer = head.softened(2.0)
    assert (softer.zoom, softer.side, softer.classes) == (0.5, 64, NAMES)
    assert torch.allclose(softer.exported(logits), torch.softmax(logits / 2, 1))
    assert torch.allclose(head.exported(logits), torch.softmax(logits, 1))


def test_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    truth = [int(kind) for kind in rng.integers(0, 3, 60)]
    stated = softmax(rng.normal(0, 1, (60, 3)) + 1.5 * np.eye(3)[truth], axis=1)
    guess = stated.argmax(1)
    judge = ImageClassJudge(NAMES)
    found = judge.figures(judge.count(says(stated), pairs(truth)))
    assert found["balanced_accuracy"].value == pytest.approx(sk.balanced_accuracy_score(truth, guess))
    assert found["macro_f1"].value == pytest.approx(sk.f1_score(truth, guess, average="macro"))
    assert found["matthews_correlation"].value == pytest.approx(sk.matthews_corrcoef(truth, guess))
    assert found["accuracy"].value == pytest.approx(sk.accuracy_score(truth, guess))
    brier = ((stated - np.eye(3)[truth]) ** 2).sum(1).mean()
    assert found["brier_score"].value == pytest.approx(brier)
    for number, name in enumerate(NAMES):
        mine = found[f"sensitivity of {name}"]
        assert mine.value == pytest.approx(sk.recall_score(truth, guess, average=None)[number])
        assert mine.n_units == truth.count(number)


def test_intervals_are_by_group() -> None:
    truth = [0, 1, 2] * 6
    stated = np.full((18, 3), 0.2)
    stated[np.arange(18), [0, 1, 2, 0, 1, 1] * 3] = 0.6
    judge = ImageClassJudge(NAMES)
    rows = judge.count(says(stated), pairs(truth, [f"dish{number // 3}" for number in range(18)]))
    assert {value.n_units for value in judge.figures(rows).values()} == {6}


def test_a_better_network_is_recommended_and_an_equal_one_is_not() -> None:
    truth = [0, 1, 2] * 20
    good, bad = np.full((60, 3), 0.1), np.full((60, 3), 0.1)
    good[np.arange(60), truth] = 0.8
    bad[np.arange(60), np.roll(truth, 1)] = 0.8
    judge = ImageClassJudge(NAMES)
    new, start = (judge.count(says(stated), pairs(truth)) for stated in (good, bad))
    assert compare_with_start(judge, new, start, name="old").recommended == "new"
    same = compare_with_start(judge, new, new, name="old")
    assert same.recommended == "start"
    assert "is not shown to be better than old" in same.sentence
