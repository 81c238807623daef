"""Intervals of metrics of classes: by hand, against the binomial, and whether they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from veriscope.errors import InputError, ShapeMismatchError
from veriscope.validate.confusions import class_interval, class_mean_interval, confusion_interval
from veriscope.validate.metrics.classification.confusion import accuracy
from veriscope.validate.metrics.classification.per_class import Decisions, f_beta, sensitivity


def of_class(found: Decisions) -> np.ndarray:
    return found.tp + found.fn


def touched(found: Decisions) -> np.ndarray:
    return found.tp + found.fn + found.fp


def tables(reference: list[int], prediction: list[int], k: int) -> np.ndarray:
    found = np.zeros((len(reference), k, k))
    found[np.arange(len(reference)), reference, prediction] = 1
    return found


cases = st.integers(2, 4).flatmap(
    lambda k: st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=2, max_size=40).map(
        lambda pairs: (k, [a for a, _ in pairs], [b for _, b in pairs])
    )
)


@given(cases)
@settings(deadline=None)
def test_values_are_those_of_scikit_learn(case: tuple[int, list[int], list[int]]) -> None:
    k, reference, prediction = case
    counts = tables(reference, prediction, k)
    balanced = class_mean_interval(counts, None, sensitivity, of_class)
    each = sk.recall_score(
        reference, prediction, labels=sorted(set(reference)), average=None, zero_division=0
    )
    assert balanced.value == pytest.approx(each.mean())
    macro = class_mean_interval(counts, None, f_beta, touched, over="either")
    assert macro.value == pytest.approx(sk.f1_score(reference, prediction, average="macro"))
    for found in (balanced, macro):
        assert found.low is not None and found.high is not None
        assert 0 <= found.low <= found.value + 1e-12 and found.value - 1e-12 <= found.high <= 1


@given(cases, st.integers(1, 30))
@settings(deadline=None)
def test_images_of_other_classes_say_nothing_of_one(
    case: tuple[int, list[int], list[int]], more: int
) -> None:
    k, reference, prediction = case
    counts = tables(reference, prediction, k)
    padded = np.concatenate([counts, tables([1] * more, [1] * more, k)])
    # Found right, they change neither the cases of class 0 nor what is taken for it.
    one, two = (class_interval(given, None, sensitivity, of_class, positive=0) for given in (counts, padded))
    assert (one.low, one.high, one.n_units) == (two.low, two.high, two.n_units)
    assert one.n_units == reference.count(0)


@pytest.mark.parametrize(("right", "n"), [(5, 5), (0, 5), (0, 22), (40, 40)])
def test_a_class_of_which_all_agree_is_bounded_as_by_the_binomial(right: int, n: int) -> None:
    counts = tables([0] * n + [1] * 200, [0] * right + [1] * (n - right) + [1] * 200, 2)
    found = class_interval(counts, None, sensitivity, of_class, positive=0)
    low, high = stats.binomtest(right, n).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((low, high))


def test_a_mean_over_classes_is_no_surer_than_its_rarest_class() -> None:
    reference, prediction = [0] * 5 + [1] * 100, [0] * 5 + [1] * 95 + [0] * 5
    counts = tables(reference, prediction, 2)
    found = class_mean_interval(counts, None, sensitivity, of_class)
    rare = class_interval(counts, None, sensitivity, of_class, positive=0)
    assert found.value == pytest.approx(0.975)
    assert found.low is not None and rare.low is not None
    assert found.low < 0.975 - (1 - rare.low) / 2


def test_one_image_of_a_class_may_be_anything() -> None:
    counts = tables([0] * 50 + [1], [0] * 50 + [1], 2)
    found = class_mean_interval(counts, None, sensitivity, of_class)
    assert found.value == 1
    assert found.low == pytest.approx(0.5, abs=0.01)


def test_the_interval_holds_where_leaving_out_images_does_not() -> None:
    rng = np.random.default_rng(1)
    ns, shares = (5, 100), (0.9, 0.95)
    held = 0
    for _ in range(200):
        reference = np.repeat([0, 1], ns)
        right = rng.random(len(reference)) < np.repeat(shares, ns)
        counts = tables(list(reference), list(np.where(right, reference, 1 - reference)), 2)
        found = class_mean_interval(counts, None, sensitivity, of_class)
        assert found.low is not None and found.high is not None
        held += found.low <= np.mean(shares) <= found.high
    # By leaving out images alone it is 48 %.
    assert held / 200 >= 0.93


def test_replicates_are_the_units() -> None:
    counts = tables([0, 0, 1, 1, 0, 1], [0, 1, 1, 1, 0, 0], 2)
    names = ["a", "a", "a", "b", "b", "c"]
    found = confusion_interval(counts, names, accuracy)
    assert (found.n_units, found.value) == (3, pytest.approx(4 / 6))
    assert class_interval(counts, names, sensitivity, of_class, positive=0).n_units == 2


def test_tables_that_do_not_fit_are_refused() -> None:
    counts = tables([0, 1], [0, 1], 2)
    with pytest.raises(InputError, match="1 clusters are given for 2 units"):
        confusion_interval(counts, ["a"], accuracy)
    with pytest.raises(InputError, match=r"shape \(images, K, K\), not \(2, 2\)"):
        confusion_interval(counts[0], None, accuracy)
    with pytest.raises((InputError, ShapeMismatchError)):
        confusion_interval(np.zeros((3, 2, 4)), None, accuracy)
