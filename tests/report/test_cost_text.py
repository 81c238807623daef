"""Cost in words: few digits, fitting units, and what is not known is left out."""

from __future__ import annotations

import pytest

from veriscope.core.cost import Assumptions, Footprint, Usage
from veriscope.report.cost_text import (
    assumptions_text,
    cost_text,
    estimate_text,
    format_amount,
    format_bytes,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (3_140_000, "3.1 MB"),
        (21_400_000_000, "21 GB"),
        (999_600, "1.0 MB"),
        (9_960, "10 kB"),
        (3 * 10**18, "3000 PB"),
        (None, "—"),
        (float("nan"), "—"),
    ],
)
def test_bytes(count: float | None, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "less than 0.01 Wh"),
        (0.0099, "less than 0.01 Wh"),
        (0.0123, "about 0.01 Wh"),
        (0.96, "about 1 Wh"),
        (34.0, "about 30 Wh"),
        (949.0, "about 900 Wh"),
        (951.0, "about 1 kWh"),
        (23_456.0, "about 20 kWh"),
        (4_560_000.0, "about 5,000 kWh"),
        (None, "—"),
    ],
)
def test_amounts_have_one_digit(value: float | None, text: str) -> None:
    assert format_amount(value, "Wh") == text


def test_what_was_measured() -> None:
    usage = Usage(12.3, 11.1, None, 310 * 10**6, "of the step", 4_100_000, 1_200_000)
    text = "12 s, 11 s of processor time, no GPU, at most 310 MB of memory, read 4.1 MB, wrote 1.2 MB"
    assert cost_text(usage.to_dict()) == text
    through_calls = Usage(1.0, 0.5, 0.25, io_read_bytes=2000, io_written_bytes=10)
    assert cost_text(through_calls.to_dict()) == (
        "1.0 s, 0.5 s of processor time, 0.2 s on a GPU, read 2.0 kB, wrote 10 B"
    )
    assert cost_text(Usage(70.0).to_dict()) == "1 min 10 s, no GPU"


def test_what_was_estimated_and_with_what() -> None:
    assert estimate_text(Footprint(0.0712, 0.0316).to_dict()) == "about 0.07 Wh, about 0.03 g CO2"
    unknown = "energy and carbon cannot be told: no processor time was recorded"
    assert estimate_text(Footprint(None, None).to_dict()) == unknown
    listed = Assumptions(pue=1).listed()
    assert assumptions_text(listed, gpu=False) == (
        "power of a busy processor core 12 W, power of memory 0.3725 W/GB, "
        "power of the computing centre over that of its computers 1, "
        "carbon intensity of electricity 445 g CO2/kWh"
    )
    assert "power of a busy GPU 200 W" in assumptions_text(listed, gpu=True)
