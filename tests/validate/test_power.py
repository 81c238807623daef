"""How many units separate two candidates."""

from __future__ import annotations

import pytest

from veriscope.validate.power import separation_power


def test_power_agrees_with_cohens_table() -> None:
    """Cohen 1988: an effect of 0.5 needs 34 pairs for a power of 0.8 at a two-sided level of 0.05."""
    assert separation_power(0.5, 34, alpha=0.05) == pytest.approx(0.808, abs=0.001)
    assert separation_power(0.5, 33, alpha=0.05) < 0.8
    assert separation_power(0.0, 20, alpha=0.05) == pytest.approx(0.05)
