"""Cost: sums of usage, the green-algorithms formula by hand, assumptions that can be set and are shown."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.cost import Assumptions, Footprint, Usage, footprint, total_usage
from veriscope.errors import InputError


def test_the_formula_by_hand() -> None:
    # An hour on 4 cores at half their power, with 16 GB: (4·12·0.5 + 16·0.3725) W · 1 h · 1.67 = 50.0332 Wh.
    usage = Usage(wall_s=3600, cpu_s=4 * 0.5 * 3600, peak_memory_bytes=16 * 10**9)
    found = footprint([usage], Assumptions(pue=1.67, carbon_g_per_kwh=475))
    assert found.energy_wh == pytest.approx((24 + 5.96) * 1.67)
    assert found.carbon_g == pytest.approx(29.96 * 1.67 * 0.475)
    assert found.to_dict() == {"energy_wh": 50.0, "carbon_g": 24.0}, "two digits, no more"


def test_each_assumption_counts_as_it_should() -> None:
    usage = Usage(wall_s=7200, cpu_s=3600, gpu_s=1800, peak_memory_bytes=2 * 10**9)
    given = {"core_power_w": 10, "memory_power_w_per_gb": 0.5, "gpu_power_w": 300, "pue": 1}
    # 10 W·1 h + 0.5 W/GB·2 GB·2 h + 300 W·0.5 h
    assert footprint([usage], Assumptions(**given)).energy_wh == pytest.approx(10 + 2 + 150)
    # 64 GB kept ready for two hours instead
    kept = footprint([usage], Assumptions(**given, memory_gb=64))
    assert kept.energy_wh == pytest.approx(10 + 64 + 150)
    assert footprint([usage], Assumptions(**given, carbon_g_per_kwh=0)).carbon_g == 0


def test_memory_counts_for_its_own_step_only() -> None:
    large = Usage(wall_s=1, cpu_s=1, peak_memory_bytes=100 * 10**9)
    small = Usage(wall_s=3600, cpu_s=3600, peak_memory_bytes=10**9)
    one = Assumptions(core_power_w=0, pue=1)
    assert footprint([large, small], one).energy_wh == pytest.approx((100 + 3600) * 0.3725 / 3600)


def test_what_was_not_measured_stays_unknown() -> None:
    old = Usage(wall_s=5.0)
    assert footprint([old], Assumptions()) == Footprint(None, None)
    assert footprint([old], Assumptions()).to_dict() == {"energy_wh": None, "carbon_g": None}
    known = Usage(wall_s=1.0, cpu_s=2.0)
    assert footprint([old, known], Assumptions()) == footprint([known], Assumptions())
    assert footprint([], Assumptions()) == Footprint(0.0, 0.0)
    assert Footprint(math.inf, math.nan).to_dict() == {"energy_wh": None, "carbon_g": None}


def test_totals_add_times_and_bytes_and_keep_the_highest_memory() -> None:
    first = Usage(1.0, 0.5, None, 300, "of the step", bytes_read=10, bytes_written=1, io_read_bytes=12)
    second = Usage(2.0, 1.5, 0.25, 200, "sampled", bytes_read=20)
    expected = Usage(3.0, 2.0, 0.25, 300, "of the step", bytes_read=30, bytes_written=1, io_read_bytes=12)
    assert total_usage([first, second, Usage(0.0)]) == expected
    assert total_usage([]) == Usage(wall_s=0)


def test_usage_goes_to_plain_values_and_back() -> None:
    usage = Usage(1.23456789, 0.5, None, 300, "sampled", 1, 2, 3, 4)
    plain = json.loads(json.dumps(usage.to_dict()))
    assert plain["wall_s"] == 1.2346
    assert Usage.from_dict(plain | {"added later": 1}) == Usage(1.2346, 0.5, None, 300, "sampled", 1, 2, 3, 4)
    assert Usage.from_dict({"wall_s": 2.0}) == Usage(2.0)


def test_assumptions_come_from_the_environment_and_say_so() -> None:
    found = Assumptions.from_environment(
        {"VERISCOPE_PUE": " 1.1 ", "VERISCOPE_CARBON_G_PER_KWH": "", "PUE": "9"}
    )
    assert found == Assumptions(pue=1.1)
    rows = {row["name"]: row for row in found.listed()}
    assert set(rows) == set(Assumptions.model_fields), "every assumption is shown"
    assert (rows["pue"]["value"], rows["pue"]["source"]) == (1.1, "set by the user")
    assert rows["carbon_g_per_kwh"]["value"] == 445.0
    assert "2024" in rows["carbon_g_per_kwh"]["source"], "the year of the default is named"
    assert rows["memory_gb"]["value"] is None
    assert rows["core_power_w"]["variable"] == "VERISCOPE_CORE_POWER_W"
    assert all(row["source"] and row["meaning"] for row in rows.values())


def test_the_page_has_every_assumption_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/cost.md").read_text(encoding="utf-8")
    lines = {line.split("`")[1]: line for line in page.splitlines() if "| `VERISCOPE_" in line}
    rows = {row["variable"]: row for row in Assumptions().listed()}
    assert set(lines) == set(rows)
    for variable, row in rows.items():
        assert row["value"] is None or f"| {row['value']:g}" in lines[variable]


def test_wrong_variables_are_refused_together() -> None:
    with pytest.raises(InputError) as caught:
        Assumptions.from_environment({"VERISCOPE_PUE": "0.5", "VERISCOPE_CORE_POWER_W": "ten"})
    assert str(caught.value) == (
        "environment variables VERISCOPE_…: wrong options\n"
        "  - core_power_w: Input should be a valid number, unable to parse string as a number (got 'ten')\n"
        "  - pue: Input should be greater than or equal to 1 (got '0.5')\n"
        "Options are: core_power_w, memory_power_w_per_gb, memory_gb, gpu_power_w, pue, carbon_g_per_kwh"
    )
    with pytest.raises(InputError, match="pue"):
        Assumptions.from_environment({"VERISCOPE_PUE": "nan"})


seconds = st.floats(0, 1e6)
usages = st.builds(Usage, wall_s=seconds, cpu_s=seconds, peak_memory_bytes=st.integers(0, 10**12))


@given(st.lists(usages, max_size=5), st.floats(1, 3))
def test_energy_adds_up_and_grows_with_the_pue(parts: list[Usage], pue: float) -> None:
    whole = footprint(parts, Assumptions(pue=pue)).energy_wh
    assert whole is not None
    assert whole == pytest.approx(
        sum(footprint([part], Assumptions(pue=pue)).energy_wh or 0 for part in parts)
    )
    assert whole == pytest.approx(pue * (footprint(parts, Assumptions(pue=1)).energy_wh or 0))
