"""Paired comparison of candidates."""

from __future__ import annotations

import json
import math
import re
import runpy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from veriscope.errors import InputError
from veriscope.validate.ranking import Ranking, holm, rank, rank_values
from veriscope.validate.units import UnitCounts

ROOT = Path(__file__).parents[2]


def units(found: Sequence[int], total: int = 20, fp: int = 0) -> list[UnitCounts]:
    """Images of `total` objects each, of which some are found."""
    return [
        UnitCounts(
            name=f"image {i}",
            n_reference=total,
            n_prediction=tp + fp,
            thresholds=(0.5,),
            tp=(tp,),
            fp=(fp,),
            fn=(total - tp,),
            sum_iou=(0.8 * tp,),
        )
        for i, tp in enumerate(found)
    ]


HARD = np.array([18, 5, 12, 19, 9, 16, 3, 14, 17, 8])  # images differ much more than candidates


def test_a_small_steady_advantage_is_found_although_images_differ() -> None:
    step = np.array([1, 2, 1, 1, 2, 1, 1, 2, 1, 1])
    result = rank({"worse": units(HARD - step), "better": units(HARD)}, metric="recall@0.5")
    (pair,) = result.pairs
    assert (pair.first, pair.second, pair.better) == ("better", "worse", "better")
    assert pair.verdict == "better better"
    assert pair.difference.value == pytest.approx(13 / 200)
    assert pair.difference.low is not None and pair.difference.low > 0
    assert pair.p_value is not None and pair.p_value < 0.001
    assert result.groups == (("better",), ("worse",))
    low, high = result.values["better"].low, result.values["worse"].high
    assert low is not None and high is not None and low < high  # unpaired, the intervals overlap


def test_noise_cannot_be_separated() -> None:
    swap = np.array([1, -1, 2, -2, 1, -1, 0, 2, -2, 1])
    result = rank({"a": units(HARD), "b": units(HARD + swap)})
    assert result.pairs[0].better is None
    assert result.pairs[0].verdict == "cannot separate"
    assert result.groups == (("b", "a"),)


def test_difference_agrees_with_the_paired_t_test_for_equal_images() -> None:
    swap = np.array([0, 1, 2, 1, 0, 2, -1, 3, 1, 1])  # not skewed: as far above the mean as below
    (pair,) = rank({"a": units(HARD + swap), "b": units(HARD)}, metric="recall@0.5").pairs
    expected = stats.ttest_rel((HARD + swap) / 20, HARD / 20)
    assert pair.p_value == pytest.approx(float(expected.pvalue))
    interval = expected.confidence_interval(0.95)
    assert pair.difference.low == pytest.approx(float(interval.low))
    assert pair.difference.high == pytest.approx(float(interval.high))


def test_identical_candidates_cannot_be_separated() -> None:
    result = rank({"a": units(HARD), "b": units(HARD), "c": units(HARD)})
    assert [pair.p_value for pair in result.pairs] == [1.0, 1.0, 1.0]
    assert result.groups == (("a", "b", "c"),)


@pytest.mark.parametrize(("k", "better"), [(4, None), (6, "good")])
def test_the_same_difference_everywhere_falls_back_to_a_sign_test(k: int, better: str | None) -> None:
    (pair,) = rank({"good": units([18] * k), "bad": units([9] * k)}).pairs
    assert pair.p_value == 2.0 ** (1 - k)
    assert pair.better == better


def test_one_image_cannot_tell() -> None:
    (pair,) = rank({"a": units([20]), "b": units([1])}).pairs
    assert (pair.p_value, pair.p_adjusted, pair.better) == (None, None, None)
    assert pair.difference.low is None


def test_tie_groups_are_led_by_their_best() -> None:
    noise = np.array([1, -1, 1, -1, 1, -1, 1, -1, 1, -1])
    candidates = {
        "poor": units(HARD - 3),
        "top": units(HARD + 1),
        "also": units(HARD + 1 - np.maximum(noise, 0) + np.maximum(-noise, 0)),
    }
    result = rank(candidates)
    assert [set(group) for group in result.groups] == [{"top", "also"}, {"poor"}]
    assert list(result.values)[-1] == "poor"
    assert len(result.pairs) == 3


def test_a_candidate_without_a_value_comes_last() -> None:
    result = rank({"silent": units([0, 0, 0]), "some": units([3, 4, 5])}, metric="precision@0.5")
    assert list(result.values) == ["some", "silent"]
    assert result.pairs[0].better is None


def test_equals_are_rarely_called_different() -> None:
    """Six equal candidates give fifteen comparisons; without adjustment about every third run would err."""
    rng = np.random.default_rng(11)
    runs, wrong, unadjusted = 60, 0, 0
    for _ in range(runs):
        easy = rng.beta(6, 2, 12)
        result = rank({str(i): units(rng.binomial(20, easy)) for i in range(6)})
        wrong += any(pair.better for pair in result.pairs)
        unadjusted += any(pair.p_value is not None and pair.p_value < 0.05 for pair in result.pairs)
    assert wrong / runs <= 0.1
    assert unadjusted / runs > 0.2


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2, None, 0.9]) == [pytest.approx(0.6), None, 1.0]
    assert holm([]) == []


def test_result_is_json() -> None:
    result = json.loads(json.dumps(rank({"a": units(HARD), "b": units(HARD - 1)}).to_dict()))
    assert result["groups"] == [["a"], ["b"]]
    assert result["pairs"][0]["verdict"] == "a better"
    assert result["values"]["a"]["aggregation"] == "pooled"


def test_clusters_are_compared_as_units() -> None:
    step = np.array([1, 2, 1, 1, 2, 1, 1, 2, 1, 1])
    grouped = [
        [replace(unit, cluster=str(i // 5)) for i, unit in enumerate(counts)]
        for counts in (units(HARD), units(HARD - step))
    ]
    (pair,) = rank({"a": grouped[0], "b": grouped[1]}).pairs
    assert pair.difference.n_units == 2


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError) as error:
        rank({})
    assert str(error.value) == "there is no candidate to rank; give the counts of at least one"
    with pytest.raises(InputError) as error:
        rank({"a": units([1, 2]), "b": units([1])})
    assert str(error.value) == "'a' has 2 units and 'b' has 1; compare candidates on the same images"
    with pytest.raises(InputError) as error:
        rank({"a": units([1, 2]), "b": units([1, 2], total=21)})
    assert str(error.value) == (
        "'a' and 'b' were not compared on the same units: 'image 0' with 20 reference objects against "
        "'image 0' with 21 reference objects; give both the same images, references, clusters and weights, "
        "in the same order"
    )
    with pytest.raises(InputError) as error:
        rank({"a": units([1, 2])}, metric="count_bias")
    assert str(error.value) == (
        "candidates cannot be ranked by 'count_bias', whose best value is 0 and not at an end of its range; "
        "use a metric such as 'f1@0.5' or 'pq'"
    )


def test_values_are_compared_by_the_paired_t_test() -> None:
    rng = np.random.default_rng(3)
    hard = rng.normal(5, 3, 15)
    near, far = hard + rng.normal(0, 0.3, 15), hard + 0.6 + rng.normal(0, 0.3, 15)
    result = rank_values({"far": far, "near": near}, better="lower", metric="hd95", level=0.9)
    (pair,) = result.pairs
    expected = stats.ttest_rel(near, far)
    assert (pair.first, pair.better, pair.verdict) == ("near", "near", "near better")
    assert pair.difference.value == pytest.approx(float((near - far).mean()))
    assert result.values["near"].aggregation == "mean"
    assert (result.metric, result.better, result.level) == ("hd95", "lower", 0.9)
    # Kurtosis costs degrees of freedom, skewness some of the distance; neither makes a claim easier.
    assert pair.p_value is not None and float(expected.pvalue) <= pair.p_value < 0.05


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_better_end_decides_who_is_first(better: str) -> None:
    values = {"low": np.arange(10) + 0.0, "high": np.arange(10) + np.linspace(0.9, 1.1, 10)}
    result = rank_values(values, better=better)  # type: ignore[arg-type]
    first = "high" if better == "higher" else "low"
    assert next(iter(result.values)) == first
    assert result.pairs[0].better == first
    assert result.groups == ((first,), tuple({"high", "low"} - {first}))


def separated(result: Ranking) -> dict[frozenset[str], str | None]:
    return {frozenset((pair.first, pair.second)): pair.better for pair in result.pairs}


@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=2, max_size=12), st.integers(-50, 50))
@settings(max_examples=60, deadline=None)
def test_what_all_candidates_share_changes_nothing(table: list[tuple[int, int, int]], shift: int) -> None:
    columns = np.array(table, dtype=float).T
    shared = shift * np.arange(columns.shape[1])
    plain = rank_values(dict(zip("abc", columns, strict=True)))
    moved = rank_values(dict(zip("abc", columns + shared, strict=True)))
    turned = rank_values(dict(zip("abc", -columns, strict=True)), better="lower")
    assert separated(plain) == separated(moved) == separated(turned)


def test_clusters_are_the_units_of_values() -> None:
    step = np.array([2, 2, 2, 2, 2, 1, 0, 1, 0, 1])  # 2 in one well, 0.6 in the other
    values = {"a": HARD, "b": HARD - step}
    assert rank_values(values).pairs[0].better == "a"
    by_well = rank_values(values, clusters=[0] * 5 + [1] * 5, unit="well").pairs[0]
    assert (by_well.difference.n_units, by_well.difference.unit, by_well.better) == (2, "well", None)
    single = rank_values(values, clusters=[0] * 10).pairs[0]
    assert (single.p_value, single.verdict) == (None, "cannot separate")


def test_the_same_difference_of_unbounded_values_falls_back_to_a_sign_test() -> None:
    (pair,) = rank_values({"a": np.full(6, 3.0), "b": np.full(6, 1.0)}, better="lower").pairs
    assert (pair.p_value, pair.better, pair.difference.low) == (2.0**-5, "b", None)
    (same,) = rank_values({"a": np.full(6, 3.0), "b": np.full(6, 3.0)}).pairs
    assert (same.p_value, same.better) == (1.0, None)


def test_units_left_aside_are_counted() -> None:
    result = rank_values({"a": [1, 2, math.nan, 4], "b": [2, 1, 3, 3.5]})
    assert (result.n_left_aside, result.pairs[0].difference.n_units) == (1, 3)
    assert json.loads(json.dumps(result.to_dict()))["n_left_aside"] == 1


def test_the_example_of_the_page_gives_what_the_page_says() -> None:
    page = (ROOT / "docs" / "concepts" / "comparing-candidates.md").read_text(encoding="utf-8")
    block = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[0]
    told: dict[str, Any] = {}
    exec(block, told)
    assert f"# {told['groups']}\n".replace("'", '"') in block
    assert f"# {told['verdicts']}\n".replace("'", '"') in block
    assert f"share of the draws: {told['first']:.2f}\n" in block
    assert f"# {told['needed']} images in all" in block
    assert f"# {told['low']} and {told['high']}:" in block
    assert f"# {told['detectable']:.2f} µm:" in block


BENCHMARK = runpy.run_path(str(ROOT / "benchmarks" / "science" / "ranking.py"))


def test_rare_failures_of_one_candidate_do_not_make_the_other_better() -> None:
    """Same mean: one candidate fails on every tenth image, the other is always a little worse."""
    runs = 300
    row = BENCHMARK["equals"]("unlike", 8, 2, 0.1, runs=runs, seed=1)
    assert row["false_claim"] < 0.05 + 2 * math.sqrt(0.05 * 0.95 / runs)  # the t test alone: 0.09


@pytest.mark.parametrize("kind", ["f1", "failures"])
def test_equals_in_correlated_wells_are_rarely_called_different(kind: str) -> None:
    """Nominal 0.05; the full benchmark has every kind, number of units and correlation."""
    runs = 100
    row = BENCHMARK["equals"](kind, 8, 5, 0.3, runs=runs, seed=1)
    assert row["false_claim"] < 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
    assert row["each_pair"] > 2 * row["false_claim"]


def test_what_is_better_is_found_and_not_taken_for_worse() -> None:
    row = BENCHMARK["different"]("dice", 20, 3, 0.1, 0.8, runs=60, seed=1)
    assert row["called_better_than_one"] > 0.8
    assert row["wrong"] < 0.05


def test_quick_ranking_benchmark(tmp_path: Path) -> None:
    BENCHMARK["main"](["--quick", "--json", str(tmp_path / "r.json")])
    rows = json.loads((tmp_path / "r.json").read_text())["rows"]
    assert [row["table"] for row in rows] == ["equals", "equals", "different", "planning"]
