"""All checks of one quantity in one call."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.validate.application.report import check_application
from veriscope.validate.application.result import Status, worst_status
from veriscope.validate.application.settings import ApplicationSettings

TABLE: dict[str, list[Any]] = {
    "unit": [f"u{i}" for i in range(8)],
    "group": ["a"] * 4 + ["b"] * 4,
    "replicate": ["a1", "a1", "a2", "a2", "b1", "b1", "b2", "b2"],
    "reference": [10.0, 12, 11, 13, 20, 22, 21, 23],
    "prediction": [10.5, 12, 11.5, 13, 20.5, 22, 21, 23.5],
}
NAMES = [
    "bias",
    "limits",
    "proportional_bias",
    "equivalence",
    "differential_bias",
    "effect",
    "null_control",
]


def large(*, gain_b: float = 1.0) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    replicate = np.repeat(np.arange(12), 4)
    reference = rng.normal(50, 3, 48) + 20 * (replicate >= 6) + rng.normal(0, 2, 12)[replicate]
    prediction = reference * np.where(replicate >= 6, gain_b, 1) + rng.normal(0, 0.5, 48)
    return {
        "unit": range(48),
        "group": np.where(replicate < 6, "control", "treated"),
        "replicate": replicate,
        "reference": reference,
        "prediction": prediction,
    }


def test_the_report_is_plain_json() -> None:
    report = check_application(TABLE, quantity="count", tolerance=2)
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["schema"] == "veriscope/application/1"
    assert (plain["quantity"], plain["n_units"], plain["n_replicates"]) == ("count", 8, 4)
    assert [check["name"] for check in plain["checks"]] == NAMES
    assert plain["groups"][1] == {
        "name": "b",
        "n_replicates": 2,
        "n_units": 4,
        "reference": 21.5,
        "prediction": 21.75,
    }
    assert plain["checks"][0]["figure"]["value"] == pytest.approx(0.25)
    assert all(check["sentence"].endswith(".") for check in plain["checks"])


def test_good_predictions_survive() -> None:
    report = check_application(
        pd.DataFrame(large()),
        quantity="count",
        tolerance=0.1,
        relative=True,
        settings=ApplicationSettings(unit_tolerance=0.2),
    )
    assert {check.name: check.status for check in report.checks} == dict.fromkeys(NAMES, "holds")
    assert (report.value_status, report.comparison_status) == ("holds", "holds")


def test_an_error_in_one_group_fails_the_comparison() -> None:
    report = check_application(large(gain_b=0.7), quantity="count", tolerance=0.1, relative=True)
    assert report.comparison_status == "fails"
    assert report.check("differential_bias").status == "fails"
    assert report.check("effect").status == "fails"
    assert report.check("limits").status == "not applicable"


def test_order_of_rows_and_names_change_nothing() -> None:
    frame = pd.DataFrame(large())
    shuffled = frame.iloc[::-1].assign(replicate=lambda rows: "r" + rows["replicate"].astype(str))
    options = ApplicationSettings(control="control")
    first, second = (
        check_application(table, quantity="count", tolerance=2, settings=options)
        for table in (frame, shuffled)
    )
    for check in first.checks:
        other = second.check(check.name)
        assert check.status == other.status
        if check.figure and other.figure and check.name != "differential_bias":
            assert check.figure.interval.value == pytest.approx(other.figure.interval.value)


def test_a_single_group_is_not_compared() -> None:
    table = {name: values[:4] for name, values in TABLE.items()}
    report = check_application(table, quantity="count", tolerance=2)
    assert report.check("differential_bias").status == "not applicable"
    assert report.check("effect").status == "not applicable"
    assert report.comparison_status == "cannot tell"  # like with like: two replicates are too few


def test_one_replicate_per_group_cannot_tell() -> None:
    report = check_application(
        {**TABLE, "replicate": TABLE["group"]}, quantity="count", tolerance=2, relative=False
    )
    assert {check.status for check in report.checks} == {"cannot tell", "not applicable"}


def test_identical_predictions_hold_with_enough_replicates() -> None:
    table = {**large(), "prediction": large()["reference"]}
    report = check_application(table, quantity="count", tolerance=0.1, relative=True)
    statuses = {check.name: check.status for check in report.checks}
    assert "fails" not in statuses.values()
    assert statuses["equivalence"] == statuses["differential_bias"] == statuses["null_control"] == "holds"


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(InputError) as error:
        check_application(TABLE, quantity="count", tolerance=2, settings=ApplicationSettings(control="c"))
    assert str(error.value) == "control 'c' is no group; groups are: a, b"
    report = check_application(TABLE, quantity="count", tolerance=2)
    with pytest.raises(InputError) as error:
        report.check("biass")
    assert str(error.value) == f"no check 'biass'; checks are: {', '.join(NAMES)}"


def test_wrong_options_come_together() -> None:
    with pytest.raises(InputError) as error:
        ApplicationSettings.parse({"alpha": 0.7, "colour": "red"}, where="options")
    assert "alpha: Input should be less than 0.5 (got 0.7)" in str(error.value)
    assert "colour: Extra inputs are not permitted" in str(error.value)
    with pytest.raises(InputError, match=r"kept \(0.5, 0.9\) does not hold 1, a perfect effect"):
        ApplicationSettings.parse({"kept": (0.5, 0.9)}, where="options")


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 4), st.integers(0, 4)),
        min_size=1,
        max_size=24,
    ),
    st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_no_table_breaks_it(rows: list[tuple[int, int, int, int]], relative: bool) -> None:
    group, replicate, reference, prediction = zip(*rows, strict=True)
    table = {
        "unit": range(len(rows)),
        "group": group,
        "replicate": replicate,
        "reference": reference,
        "prediction": prediction,
    }
    options = ApplicationSettings(nested=True, n_permutations=99, unit_tolerance=0.5)
    report = check_application(table, quantity="count", tolerance=0.5, relative=relative, settings=options)
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    for check in plain["checks"]:
        assert check["status"] in ("holds", "fails", "cannot tell", "not applicable")
        assert "nan" not in check["sentence"].lower().split()


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "not applicable"),
        (["not applicable", "holds"], "holds"),
        (["holds", "cannot tell"], "cannot tell"),
        (["cannot tell", "fails", "holds"], "fails"),
    ],
)
def test_the_worst_status_counts(statuses: list[Status], expected: Status) -> None:
    assert worst_status(statuses) == expected
