from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from veriscope.errors import InputError, PixelValueError
from veriscope.trust.sampling import EVEN_SHARE, allocate, draw, draw_probability, mean_share

SIZES = arrays(float, st.integers(1, 30), elements=st.floats(0, 1e6))


@settings(deadline=None)
@given(SIZES)
def test_probabilities_sum_to_one_and_no_tile_weighs_more_than_twice_an_even_draw(sizes: np.ndarray) -> None:
    p = draw_probability(sizes)
    assert p.sum() == pytest.approx(1)
    assert (1 / (len(p) * p)).max() <= 1 / EVEN_SHARE + 1e-9


def test_sizes_beyond_the_range_of_sums_do_no_harm() -> None:
    assert draw_probability(np.array([5e-324])).tolist() == [1.0]
    assert draw_probability(np.array([1e308, 1e308, 0.0, 0.0])).tolist() == [0.375, 0.375, 0.125, 0.125]


def test_probability_follows_the_predicted_measure_above_the_even_share() -> None:
    assert draw_probability(np.array([0.0, 1.0, 3.0, 0.0])).tolist() == [0.125, 0.25, 0.5, 0.125]
    assert draw_probability(np.zeros(4)).tolist() == [0.25] * 4


@settings(deadline=None)
@given(SIZES, st.integers(0, 1000), st.integers(0, 40), st.integers(0, 40))
def test_an_extended_audit_is_the_audit_drawn_at_once(
    sizes: np.ndarray, seed: int, n: int, more: int
) -> None:
    p = draw_probability(sizes)
    together = draw(p, n=n + more, seed=seed, group="a")
    apart = [draw(p, n=n, seed=seed, group="a"), draw(p, n=more, seed=seed, start=n, group="a")]
    assert together.tolist() == np.concatenate(apart).tolist()


def test_draws_occur_as_often_as_their_probability_says() -> None:
    p = draw_probability(np.array([0.0, 1.0, 2.0, 7.0]))
    counts = np.bincount(draw(p, n=40_000, seed=3), minlength=4)
    expected = 40_000 * p
    assert ((counts - expected) ** 2 / expected).sum() < 16.3  # chi-square, 3 df, p = 0.001


def test_groups_are_drawn_independently_with_one_seed() -> None:
    p = np.full(1000, 1e-3)
    a, b = draw(p, n=50, seed=1, group="a"), draw(p, n=50, seed=1, group="b")
    assert a.tolist() != b.tolist()
    assert a.tolist() == draw(p, n=50, seed=1, group="a").tolist()
    assert a.tolist() != draw(p, n=50, seed=2, group="a").tolist()


def test_the_sequence_of_a_seed_never_changes() -> None:
    p = draw_probability(np.arange(10.0))
    assert draw(p, n=8, seed=7, group="control").tolist() == [2, 1, 7, 5, 7, 9, 6, 5]


def test_mean_share_weighs_candidates_equally_whatever_their_level() -> None:
    shares = mean_share([np.array([1.0, 3.0]), np.array([30.0, 10.0]), np.zeros(2)])
    assert shares.tolist() == [0.5, 0.5]
    assert mean_share([np.zeros(3)]).tolist() == [0, 0, 0]


@settings(deadline=None)
@given(arrays(float, st.integers(1, 8), elements=st.floats(0, 1e6)), st.integers(0, 200), st.integers(0, 15))
def test_allocation_spends_all_draws_and_keeps_the_minimum(weights: np.ndarray, n: int, minimum: int) -> None:
    counts = allocate(weights, n=n, minimum=minimum)
    assert counts.sum() == n
    assert counts.min() >= min(minimum, n // len(weights))


def test_allocation_goes_by_the_square_root() -> None:
    assert allocate(np.array([1.0, 9.0]), n=40, minimum=0).tolist() == [10, 30]
    assert allocate(np.array([100.0, 4.0, 0.0]), n=40).tolist() == [18, 12, 10]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(PixelValueError) as caught:
        draw_probability(np.array([1.0, -1.0, np.nan]))
    assert str(caught.value) == (
        "2 of 3 values are negative, NaN or infinite; predicted measures must be 0 or more"
    )
    with pytest.raises(InputError) as missing:
        draw_probability(np.zeros(0))
    assert str(missing.value) == "an array of shape (0,) was given; give one value per tile, at least one"
    with pytest.raises(InputError, match="even_share 0 is not above 0 and at most 1"):
        draw_probability(np.ones(3), even_share=0)
    with pytest.raises(InputError, match="n=-1, start=0, seed=0: none of them can be negative"):
        draw(np.ones(1), n=-1, seed=0)
    with pytest.raises(InputError, match="the smallest is 0 and the sum 1; make them with draw_probability"):
        draw(np.array([0.0, 1.0]), n=1, seed=0)
    with pytest.raises(InputError, match=r"sizes of the tiles have shapes \[\(2,\), \(3,\)\]"):
        mean_share([np.ones(2), np.ones(3)])
