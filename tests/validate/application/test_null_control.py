"""Like compared with like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from veriscope.validate.application.null_control import (
    check_null_control,
    error_depends_on_replicate,
    false_discovery_rate,
)
from veriscope.validate.application.result import Check
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable

Study = Callable[..., ApplicationTable]

QUICK = ApplicationSettings(n_permutations=199)


def check(table: ApplicationTable, relative: bool = False) -> Check:
    return check_null_control(table, tolerance=1, relative=relative, settings=QUICK)


def test_rates_are_those_of_welch_tests_of_all_splits(study: Study) -> None:
    table = study(1, means=(50.0,), errors=(0.0,), replicates=3, between=6)
    found = []
    for values in (table.reference, table.prediction):
        p_values = []
        for alone in range(3):
            first = values[table.replicate == alone]
            second = values[table.replicate != alone]
            p_values.append(stats.ttest_ind(first, second, equal_var=False).pvalue)
        found.append(float(np.mean(np.array(p_values) < 0.3)))
    assert false_discovery_rate(table, alpha=0.3, seed=0) == (found[0], found[1], 3)


@pytest.mark.parametrize(("replicates", "n"), [(1, 0), (2, 2), (3, 6), (4, 14), (5, 30)])
def test_every_split_comes_once(study: Study, replicates: int, n: int) -> None:
    assert false_discovery_rate(study(2, replicates=replicates), alpha=0.05, seed=0)[2] == n


def test_many_replicates_are_split_at_random_with_a_seed(study: Study) -> None:
    table = study(3, means=(50.0,), errors=(0.0,), replicates=12, images=2)
    first = false_discovery_rate(table, alpha=0.05, seed=1)
    assert first == false_discovery_rate(table, alpha=0.05, seed=1)
    assert 450 < first[2] <= 500


def test_errors_that_differ_between_replicates_make_false_discoveries(study: Study) -> None:
    bad = check(study(4, between=0, error_between=15, error_within=0.5))
    assert bad.status == "fails"
    assert bad.figure is not None and bad.figure.p_value is not None and bad.figure.p_value < 0.05
    assert bad.sentence.startswith("Where nothing should show, parts of one group differ in ")
    assert bad.sentence.endswith("with references: the model's errors differ from replicate to replicate.")


def test_a_factor_on_all_values_makes_none(study: Study) -> None:
    found = check(study(5, gain=2, error_between=0, error_within=0.1), relative=True)
    assert found.status == "holds"


def test_false_alarms_are_rare(study: Study) -> None:
    found = Counter(check(study(seed, error_between=0.0, error_within=3)).status for seed in range(100))
    assert found["fails"] / 100 < 0.06
    assert found["holds"] / 100 > 0.6


def test_the_permutation_test_keeps_its_level(study: Study) -> None:
    p_values = [
        error_depends_on_replicate(
            study(seed, replicates=3, error_between=0.0), relative=False, n_permutations=99, seed=seed
        )
        for seed in range(200)
    ]
    assert 0.02 < np.mean(np.array(p_values) <= 0.05) < 0.09
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_predictions_that_are_the_references_make_none(study: Study) -> None:
    found = check(study(6, error_between=0, error_within=0))
    assert found.status == "holds"
    assert found.figure is not None
    assert (found.figure.interval.value, found.figure.p_value) == (0.0, 1.0)


@pytest.mark.parametrize(("replicates", "images"), [(2, 4), (4, 1), (1, 4)])
def test_too_little_to_compare(study: Study, replicates: int, images: int) -> None:
    found = check(study(7, replicates=replicates, images=images))
    assert found.status == "cannot tell"
    assert found.sentence == (
        "Comparing like with like needs three replicates of a group, with two images or more in each."
    )
