"""All checks of one study: what units, names and perfect predictions do to them, and what each alone sees."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import InputError, TableError
from veriscope.validate.application.report import ApplicationReport, check_application
from veriscope.validate.application.settings import ApplicationSettings

FAST = ApplicationSettings(n_permutations=200)


def study(
    *,
    gain: tuple[float, float] = (1.0, 1.0),
    shift: tuple[float, float] = (0.0, 0.0),
    noise: float = 0.5,
    effect: float = 20.0,
    replicates: int = 6,
    seed: int = 0,
) -> dict[str, Any]:
    """Two groups of replicates of four images; errors by group: gain, shift, and noise of single images."""
    rng = np.random.default_rng(seed)
    n = 2 * replicates * 4
    replicate = np.repeat(np.arange(2 * replicates), 4)
    second = (replicate >= replicates).astype(int)
    reference = 50 + effect * second + rng.normal(0, 2, 2 * replicates)[replicate] + rng.normal(0, 2, n)
    prediction = np.take(gain, second) * reference + np.take(shift, second) + rng.normal(0, noise, n)
    return {
        "unit": [f"u{i}" for i in range(n)],
        "group": np.where(second, "treated", "control").tolist(),
        "replicate": [f"r{i}" for i in replicate],
        "reference": reference.tolist(),
        "prediction": prediction.tolist(),
    }


def checked(table: dict[str, Any], **options: Any) -> ApplicationReport:
    settings_ = options.pop("settings", FAST)
    return check_application(table, quantity="area", settings=settings_, **({"tolerance": 2.0} | options))


def statuses(report: ApplicationReport) -> dict[str, str]:
    return {check.name: check.status for check in report.checks}


@pytest.mark.parametrize(
    ("errors", "failing"),
    [
        ({}, set()),
        ({"shift": (5.0, 5.0)}, {"bias", "equivalence"}),
        ({"shift": (0.0, 5.0)}, {"bias", "equivalence", "differential_bias", "effect", "proportional_bias"}),
        ({"shift": (-5.0, 5.0)}, {"equivalence", "differential_bias", "effect", "proportional_bias"}),
        ({"gain": (1.2, 1.2)}, {"bias", "equivalence", "differential_bias", "proportional_bias"}),
    ],
    ids=["no error", "the same everywhere", "in one group", "of opposite sign", "in proportion"],
)
def test_each_error_fails_the_checks_that_are_about_it(errors: dict[str, Any], failing: set[str]) -> None:
    found = statuses(checked(study(**errors)))
    told = {name for name, status in found.items() if status == "fails"}
    assert told - {"effect"} == failing - {"effect"}
    assert ("effect" in told) <= ("effect" in failing), "an effect is lost only where errors differ"


@given(st.sampled_from([1e-6, 0.01, 3.0, 1e5]), st.integers(0, 20))
@settings(max_examples=12, deadline=None)
def test_the_unit_of_the_quantity_changes_no_verdict(unit: float, seed: int) -> None:
    table = study(seed=seed, gain=(1.0, 1.05))
    scaled = table | {key: [unit * value for value in table[key]] for key in ("reference", "prediction")}
    one, other = checked(table), checked(scaled, tolerance=2.0 * unit)
    assert statuses(one) == statuses(other)
    for mine, theirs in zip(one.checks, other.checks, strict=True):
        assert mine.figure is not None and theirs.figure is not None
        if mine.figure.p_value is not None and theirs.figure.p_value is not None:
            assert mine.figure.p_value == pytest.approx(theirs.figure.p_value, rel=1e-6, abs=1e-12)


@given(st.permutations(range(48)), st.integers(0, 5))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_changes_no_status(order: list[int], seed: int) -> None:
    table = study(seed=seed)
    shuffled = {key: [column[i] for i in order] for key, column in table.items()}
    control = ApplicationSettings(n_permutations=200, control="control")
    one, other = checked(table, settings=control), checked(shuffled, settings=control)
    told = [{name: s for name, s in statuses(r).items() if name != "null_control"} for r in (one, other)]
    assert told[0] == told[1]


def test_predictions_that_are_the_references_fail_nothing_at_any_tolerance() -> None:
    table = study(noise=0.0)
    for options in ({"tolerance": 1e-6}, {"tolerance": 1e3}, {"tolerance": 0.01, "relative": True}):
        found = statuses(checked(table, **options))
        assert "fails" not in found.values()
        assert found["bias"] == found["equivalence"] == found["differential_bias"] == "holds"
        assert found["effect"] == "holds"


@pytest.mark.parametrize("tolerance", [0.5, 2.0, 8.0])
def test_what_holds_has_its_figure_within_what_is_allowed(tolerance: float) -> None:
    report = checked(study(gain=(1.02, 1.0)), tolerance=tolerance)
    for check in report.checks:
        if check.allowed is None or check.figure is None:
            continue
        low, high = check.figure.interval.low, check.figure.interval.high
        value = check.figure.interval.value
        if check.status == "holds":
            assert check.allowed[0] <= value <= check.allowed[1]
        if check.status == "holds" and low is not None and high is not None:
            assert check.allowed[0] <= low <= high <= check.allowed[1]


def test_values_and_comparisons_are_judged_apart() -> None:
    """The same error everywhere spoils the values and leaves the comparison; the figures say by how much."""
    report = checked(study(shift=(5.0, 5.0)))
    assert (report.value_status, report.check("differential_bias").status) == ("fails", "holds")
    assert report.check("bias").figure.interval.value == pytest.approx(5, abs=0.3)  # type: ignore[union-attr]
    assert report.check("effect").status == "holds"
    with pytest.raises(InputError) as caught:
        report.check("colour")
    assert str(caught.value) == (
        "no check 'colour'; checks are: bias, limits, proportional_bias, equivalence, differential_bias, "
        "effect, null_control"
    )


@given(st.integers(1, 3), st.integers(0, 30), st.booleans())
@settings(max_examples=15, deadline=None)
def test_any_report_is_json_with_a_sentence_to_each_check(replicates: int, seed: int, relative: bool) -> None:
    table = study(replicates=replicates, seed=seed)
    report = checked(table, tolerance=0.1, relative=relative)
    told = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert (told["n_units"], told["n_replicates"]) == (8 * replicates, 2 * replicates)
    for check in told["checks"]:
        assert check["sentence"].endswith(".") and "nan" not in check["sentence"]
        assert check["status"] in ("holds", "fails", "cannot tell", "not applicable")


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"tolerance": 0.0}, InputError, "tolerance 0.0 is not allowed; use a number above 0"),
        ({"tolerance": 1.0, "relative": True}, InputError,
         "tolerance 1.0 is not allowed; use a share above 0 and below 1, such as 0.1"),
        ({"settings": ApplicationSettings(control="nobody")}, InputError,
         "control 'nobody' is no group; groups are: control, treated"),
    ],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(
    options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        checked(study(), **options)
    assert str(caught.value) == message


def test_a_table_at_fault_is_refused_with_all_its_faults() -> None:
    table = study()
    table["unit"][1], table["reference"][2], table["group"][3] = table["unit"][0], "lots", ""
    with pytest.raises(TableError) as caught:
        checked(table)
    message = str(caught.value)
    assert message.startswith("the table of 48 rows cannot be used")
    assert message.count("\n  - ") >= 3
