"""All checks of one quantity in one call."""

from __future__ import annotations

import json

import pytest

from veriscope.errors import InputError
from veriscope.validate.application.report import check_application

TABLE = {
    "unit": [f"u{i}" for i in range(8)],
    "group": ["a"] * 4 + ["b"] * 4,
    "replicate": ["a1", "a1", "a2", "a2", "b1", "b1", "b2", "b2"],
    "reference": [10.0, 12, 11, 13, 20, 22, 21, 23],
    "prediction": [10.5, 12, 11.5, 13, 20.5, 22, 21, 23.5],
}


def test_the_report_is_plain_json() -> None:
    report = check_application(TABLE, quantity="count", tolerance=2)
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["schema"] == "veriscope/application/1"
    assert (plain["n_units"], plain["n_replicates"]) == (8, 4)
    assert plain["checks"][0]["name"] == "bias"
    assert plain["checks"][0]["figure"]["value"] == pytest.approx(0.25)


def test_a_control_that_is_no_group_is_refused() -> None:
    from veriscope.validate.application.settings import ApplicationSettings

    with pytest.raises(InputError) as error:
        check_application(TABLE, quantity="count", tolerance=2, settings=ApplicationSettings(control="c"))
    assert str(error.value) == "control 'c' is no group; groups are: a, b"
