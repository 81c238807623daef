"""What holds for the cost of any work: sums, what is not known, and assumptions that only add."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.core.cost import Assumptions, Footprint, Usage, footprint, total_usage
from veriscope.errors import InputError

SECONDS = st.floats(0, 1e6)
BYTES = st.integers(0, 2**50)
USAGES = st.builds(
    Usage,
    wall_s=SECONDS,
    cpu_s=st.none() | SECONDS,
    gpu_s=st.none() | SECONDS,
    peak_memory_bytes=st.none() | BYTES,
    peak_memory_is=st.sampled_from(["", "of the step", "sampled"]),
    bytes_read=st.none() | BYTES,
    bytes_written=st.none() | BYTES,
    io_read_bytes=st.none() | BYTES,
    io_written_bytes=st.none() | BYTES,
)
MANY = st.lists(USAGES, max_size=6)
LIMITS = {
    "core_power_w": (0, 1000),
    "memory_power_w_per_gb": (0, 100),
    "memory_gb": (0, 1e6),
    "gpu_power_w": (0, 10000),
    "pue": (1, 10),
    "carbon_g_per_kwh": (0, 3000),
}


def close(one: float | None, two: float | None) -> bool:
    if one is None or two is None:
        return one is two
    return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-12)


@given(MANY, MANY)
def test_parts_added_together_are_the_whole(first: list[Usage], second: list[Usage]) -> None:
    whole = total_usage([*first, *second])
    halves = total_usage([total_usage(first), total_usage(second)])
    for name in Usage.__slots__:
        one, two = getattr(whole, name), getattr(halves, name)
        assert one == two or close(one, two), name


@given(MANY)
def test_the_order_of_work_changes_no_sum(parts: list[Usage]) -> None:
    there, back = total_usage(parts), total_usage(parts[::-1])
    for name in ("wall_s", "cpu_s", "gpu_s", "peak_memory_bytes", "bytes_read", "bytes_written"):
        assert close(getattr(there, name), getattr(back, name)), name


@given(MANY)
def test_a_sum_is_known_where_any_part_is(parts: list[Usage]) -> None:
    total = total_usage(parts)
    for name in ("cpu_s", "gpu_s", "bytes_read", "bytes_written", "io_read_bytes", "io_written_bytes"):
        known = [getattr(part, name) for part in parts if getattr(part, name) is not None]
        assert (getattr(total, name) is None) == (not known)
    most = max((part.peak_memory_bytes for part in parts if part.peak_memory_bytes is not None), default=None)
    assert total.peak_memory_bytes == most


@given(USAGES)
def test_usage_survives_a_line_of_the_record(usage: Usage) -> None:
    found = Usage.from_dict(json.loads(json.dumps(usage.to_dict())))
    for name in Usage.__slots__:
        one, two = getattr(usage, name), getattr(found, name)
        if name in ("wall_s", "cpu_s", "gpu_s") and one is not None:
            assert two == round(one, 4)
        else:
            assert one == two


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Usage(0.0)),
        ({"wall_s": 2.5}, Usage(2.5)),
        ({"wall_s": 1, "of_a_later_version": 3}, Usage(1)),
        ({"cpu_s": None, "wall_s": 1}, Usage(1)),
    ],
)
def test_lines_of_other_versions_are_read_as_far_as_they_go(values: dict[str, Any], expected: Usage) -> None:
    assert Usage.from_dict(values) == expected


@given(MANY)
def test_more_power_is_never_less_energy(parts: list[Usage]) -> None:
    base = Assumptions()
    before = footprint(parts, base)
    for name in ("core_power_w", "memory_power_w_per_gb", "gpu_power_w", "pue", "carbon_g_per_kwh"):
        more = footprint(parts, base.model_copy(update={name: 2 * getattr(base, name)}))
        if before.energy_wh is None or before.carbon_g is None:
            assert more == before
            continue
        assert more.energy_wh is not None and more.carbon_g is not None
        assert more.energy_wh >= before.energy_wh - 1e-9 and more.carbon_g >= before.carbon_g - 1e-9
        if name == "carbon_g_per_kwh":
            assert more.energy_wh == before.energy_wh and close(more.carbon_g, 2 * before.carbon_g)


@given(MANY, MANY)
def test_energy_of_two_studies_is_the_sum_of_theirs(first: list[Usage], second: list[Usage]) -> None:
    found = [footprint(parts, Assumptions()) for parts in (first, second, [*first, *second])]
    known = [item.energy_wh for item in found[:2] if item.energy_wh is not None]
    if found[2].energy_wh is None:
        assert not [part for part in (*first, *second) if part.cpu_s is not None]
    else:
        assert math.isclose(found[2].energy_wh, sum(known), rel_tol=1e-9, abs_tol=1e-12)


@given(st.floats(-1e300, 1e300) | st.sampled_from([math.nan, math.inf, -math.inf]), st.floats(0, 1e300))
def test_figures_have_two_digits_or_none(energy: float, carbon: float) -> None:
    found = Footprint(energy, carbon).to_dict()
    json.dumps(found, allow_nan=False)
    if math.isfinite(energy):
        assert found["energy_wh"] == pytest.approx(energy, rel=0.051, abs=1e-320)
    else:
        assert found["energy_wh"] is None


@pytest.mark.parametrize("name", list(LIMITS))
def test_each_assumption_has_its_limits(name: str) -> None:
    low, high = LIMITS[name]
    variable = f"VERISCOPE_{name.upper()}"
    for value in (low, high):
        assert getattr(Assumptions.from_environment({variable: str(value)}), name) == value
    for text in (str(low - 1), str(high * 1.01), "nan", "inf", "-inf", "much", "1,5", "0x10"):
        with pytest.raises(InputError) as caught:
            Assumptions.from_environment({variable: text})
        assert f"- {name}: " in str(caught.value) and "VERISCOPE_" in str(caught.value)


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_an_empty_variable_is_none(text: str) -> None:
    given_ = {f"VERISCOPE_{name.upper()}": text for name in LIMITS}
    assert Assumptions.from_environment(given_) == Assumptions()


def test_spaces_around_a_number_do_not_matter_and_other_variables_do_not_count() -> None:
    found = Assumptions.from_environment(
        {"VERISCOPE_PUE": " 1.2 ", "PUE": "9", "veriscope_pue": "8", "VERISCOPE_CACHE": "/x"}
    )
    assert found == Assumptions(pue=1.2)


def test_what_a_user_has_set_is_said_to_be_theirs() -> None:
    rows = {row["name"]: row for row in Assumptions(pue=1.1, memory_gb=64).listed()}
    assert set(rows) == set(LIMITS)
    for name, row in rows.items():
        assert row["variable"] == f"VERISCOPE_{name.upper()}" and row["meaning"]
        assert (row["source"] == "set by the user") == (name in ("pue", "memory_gb"))
    assert rows["pue"]["value"] == 1.1 and rows["memory_gb"]["unit"] == "GB"


def test_a_default_that_is_set_is_the_default() -> None:
    found = Assumptions.from_environment({"VERISCOPE_PUE": "1.56"})
    assert {row["source"] for row in found.listed()}.isdisjoint({"set by the user"})


def test_assumptions_are_not_changed_by_what_is_done_with_them() -> None:
    assumptions = Assumptions()
    before = assumptions.model_dump()
    footprint([Usage(1.0, 1.0)], assumptions)
    assumptions.listed()[0]["value"] = -1
    assert assumptions.model_dump() == before
    with pytest.raises(Exception, match="frozen"):
        assumptions.pue = 2.0  # type: ignore[misc]
