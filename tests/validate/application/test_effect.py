"""Effects: how much of them is kept, with which sign, in which order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from veriscope.validate.application.effect import check_effect
from veriscope.validate.application.effect_size import Effect, difference_kept, ratio_kept, standardised_kept
from veriscope.validate.application.result import Check
from veriscope.validate.application.settings import ApplicationSettings
from veriscope.validate.application.table import ApplicationTable

Study = Callable[..., ApplicationTable]

CONTROL = np.array([10.0, 12, 11, 9])
GROUP = np.array([20.0, 23, 21, 24])


def check(table: ApplicationTable, **options: object) -> Check:
    settings = ApplicationSettings.parse(options, where="options")
    return check_effect(table, tolerance=1, relative=False, settings=settings)


def test_a_factor_keeps_ratio_and_standardised_effect_but_not_the_difference() -> None:
    effect = Effect(CONTROL, 0.5 * CONTROL, GROUP, 0.5 * GROUP)
    assert difference_kept(effect, level=0.9).value == pytest.approx(0.5)
    assert ratio_kept(effect, level=0.9).value == pytest.approx(1)
    assert standardised_kept(effect, level=0.9).value == pytest.approx(1)


def test_a_shift_keeps_the_difference_but_not_the_ratio() -> None:
    effect = Effect(CONTROL, CONTROL + 10, GROUP, GROUP + 10)
    assert difference_kept(effect, level=0.9).value == pytest.approx(1)
    assert ratio_kept(effect, level=0.9).value == pytest.approx((32 / 20.5) / (22 / 10.5))


def test_noise_lowers_the_standardised_effect_alone() -> None:
    noise = np.array([4.0, -4, 4, -4])
    effect = Effect(CONTROL, CONTROL + noise, GROUP, GROUP + noise)
    assert difference_kept(effect, level=0.9).value == pytest.approx(1)
    kept = standardised_kept(effect, level=0.9)
    deviation = [
        np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
        for x, y in ((CONTROL, GROUP), (CONTROL + noise, GROUP + noise))
    ]
    assert kept.value == pytest.approx(deviation[0] / deviation[1])
    assert kept.low is not None and kept.low > 0


def test_without_effect_in_the_references_nothing_can_be_kept() -> None:
    effect = Effect(CONTROL, CONTROL, CONTROL[::-1] + 0.1, GROUP)
    for found in (difference_kept(effect, level=0.95), standardised_kept(effect, level=0.95)):
        assert (found.low, found.high) == (None, None)
    assert ratio_kept(effect, level=0.95).low is not None  # a ratio of 1 is a ratio
    assert math.isnan(difference_kept(Effect(CONTROL, CONTROL, CONTROL, CONTROL), level=0.95).value)
    assert math.isnan(ratio_kept(Effect(CONTROL, CONTROL - 99, GROUP, GROUP), level=0.95).value)


def test_the_intervals_cover_the_truth(study: Study) -> None:
    covered: Counter[str] = Counter()
    functions = {"difference": difference_kept, "ratio": ratio_kept, "standardised": standardised_kept}
    variance, error = 9 + 9 / 4, 1 + 1 / 4
    truths = {
        "difference": 1.0,
        "ratio": 68 / 53 / (65 / 50),
        "standardised": (variance / (variance + error)) ** 0.5,
    }
    for seed in range(250):
        table = study(seed, errors=(3.0, 3.0))
        effect = Effect(*table.replicate_means("a"), *table.replicate_means("b"))
        for name, function in functions.items():
            found = function(effect, level=0.95)
            if found.low is None or found.high is None:
                covered[f"{name} not told"] += 1
            else:
                covered[name] += found.low <= truths[name] <= found.high
    for name in functions:
        assert 0.915 < covered[name] / (250 - covered[f"{name} not told"]) < 0.99, name


def test_a_kept_effect_holds_and_a_lost_or_turned_one_fails(study: Study) -> None:
    kept = check(study(1, errors=(5.0, 5.0), error_between=0.3))
    lost = check(study(1, errors=(0.0, -15.0)))
    turned = check(study(1, errors=(0.0, -40.0)))
    assert [each.status for each in (kept, lost, turned)] == ["holds", "fails", "fails"]
    assert kept.sentence.startswith("b differs from a by ")
    assert lost.sentence.endswith("of the effect is kept; predictions no longer show it.")
    assert "the sign is wrong, and predictions would be believed." in turned.sentence
    assert turned.sentence.endswith("Predictions turn the order of a and b around.")
    assert turned.figures[-1].label == "same order of groups (Kendall)"
    assert turned.figures[-1].interval.value == -1


def test_an_effect_made_by_the_model_is_told_where_references_have_none(study: Study) -> None:
    made = check(study(1, means=(50.0, 50.0), errors=(0.0, 30.0)))
    assert made.status == "cannot tell"
    assert made.sentence.startswith(
        "References do not show that b differs from a, so there is no effect to keep"
    )
    assert "but predictions show one (by " in made.sentence


def test_the_control_can_be_chosen_and_every_group_is_compared_with_it(study: Study) -> None:
    table = study(3, means=(50.0, 70, 90), errors=(0.0, 0.0, 0.0), error_between=0.3)
    found = check(table, control="b")
    assert found.status == "holds"
    labels = [figure.label for figure in found.figures]
    assert "a - b in references" in labels and "c - b in references" in labels
    assert len(labels) == 11
    assert found.figures[-1].interval.value == 1


def test_one_bad_group_among_three_fails(study: Study) -> None:
    table = study(4, means=(50.0, 70, 90), errors=(0.0, 0.0, -25.0), error_between=0.3)
    found = check(table)
    assert found.status == "fails"
    assert found.sentence.startswith("c differs from a by ")


def test_one_group_has_no_effect(study: Study) -> None:
    assert check(study(5, means=(50.0,), errors=(0.0,))).status == "not applicable"


def test_single_replicates_cannot_tell(study: Study) -> None:
    assert check(study(6, replicates=1)).status == "cannot tell"


Written = Callable[..., ApplicationTable]

LOW = [(10.0, 10.2), (12.0, 12.1), (11.0, 10.8), (9.0, 9.1), (13.0, 12.9)]
HIGH = [(20.0, 20.1), (22.0, 21.8), (21.0, 21.2), (23.0, 23.1), (24.0, 23.9)]


def moved(pairs: list[tuple[float, float]], by: float) -> list[tuple[float, float]]:
    return [(r, p + by) for r, p in pairs]


def test_a_kept_effect_is_told_with_its_numbers(written: Written) -> None:
    found = check(written(dmso=LOW, drug=HIGH))
    assert found.status == "holds"
    assert found.sentence.startswith(
        "drug differs from dmso by 11 in references and by 11 in predictions: 100 % (90 % interval "
    )
    assert found.sentence.endswith(" %) of the effect is kept.")
    assert found.figure is not None
    assert found.figure.label == "share of the difference drug - dmso that is kept"
    assert found.allowed == (0.8, 1.25)


def test_the_figures_are_the_effects_and_three_shares_of_them(written: Written) -> None:
    found = check(written(dmso=LOW, drug=HIGH))
    assert [figure.label for figure in found.figures] == [
        "drug - dmso in references",
        "drug - dmso in predictions",
        "share of the difference drug - dmso kept",
        "share of the ratio drug / dmso kept",
        "share of the standardised difference drug - dmso kept",
        "same order of groups (Kendall)",
    ]
    values = [figure.interval.value for figure in found.figures]
    assert values[:4] == pytest.approx([11, 11, 1, (22.02 / 11.02) / 2])
    peer = stats.ttest_ind([r for r, _ in HIGH], [r for r, _ in LOW], equal_var=False)
    assert found.figures[0].p_value == pytest.approx(peer.pvalue)
    assert [figure.p_value is None for figure in found.figures] == [False, False, True, True, True, True]
    assert (found.figures[-1].interval.value, found.figures[-1].interval.unit) == (1, "group")


def test_an_effect_that_may_be_kept_or_not_is_open(written: Written) -> None:
    ragged = [(r, p + e) for (r, p), e in zip(HIGH, (4.0, -4, 3, -3, 0), strict=True)]
    found = check(written(dmso=LOW, drug=ragged), kept=(0.95, 1.05))
    assert found.status == "cannot tell"
    assert found.sentence.endswith(" of the effect is kept, which may or may not be enough.")


def test_a_lost_part_of_an_effect_that_still_shows_is_no_lost_effect(written: Written) -> None:
    found = check(written(dmso=LOW, drug=moved(HIGH, -4.0)))
    assert found.status == "fails"
    assert found.sentence.startswith(
        "drug differs from dmso by 11 in references and by 7 in predictions: 63.6 %"
    )
    assert found.sentence.endswith(" of the effect is kept.")


def test_too_large_an_effect_fails_as_well(written: Written) -> None:
    assert check(written(dmso=LOW, drug=moved(HIGH, 8.0))).status == "fails"


def test_an_effect_that_neither_side_shows_is_told_with_both_values(written: Written) -> None:
    found = check(written(dmso=LOW, drug=moved(LOW, 0.1)))
    assert found.status == "cannot tell"
    assert found.sentence == (
        "References do not show that drug differs from dmso, so there is no effect to keep (by 0 in "
        "references and by 0.1 in predictions)."
    )


def test_two_groups_that_swap_places_fail_though_each_keeps_its_effect(written: Written) -> None:
    """Both keep most of their distance from the control; their order among themselves is turned around."""
    tiny = [(r / 100, p / 100) for r, p in LOW]
    far = {"b": [(100 + r, 106 + p) for r, p in tiny], "c": [(104 + r, 102 + p) for r, p in tiny]}
    found = check(written(a=tiny, **far))
    assert found.status == "fails"
    assert found.sentence.endswith("Predictions turn the order of b and c around.")
    assert found.figures[-1].interval.value == pytest.approx(1 / 3)


def test_at_most_three_groups_are_told(written: Written) -> None:
    lost = {name: moved(HIGH, -9.0) for name in "bcdef"}
    found = check(written(a=LOW, **lost))
    assert found.status == "fails"
    assert found.sentence.count(" differs from a by ") == 3
    assert len(found.figures) == 5 * 5 + 1
