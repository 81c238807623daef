"""The table is checked once, and all faults are told together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from veriscope.errors import TableError
from veriscope.validate.application.table import read_table

TWICE = (
    "if these are different replicates that share a name, set nested; if it was measured in each group, name "
    "its parts apart ({}), which gives wider intervals"
)
GOOD: dict[str, list[Any]] = {
    "unit": ["u1", "u2", "u3", "u4", "u5"],
    "group": ["b", "b", "b", "a", "a"],
    "replicate": ["r2", "r2", "r1", "r3", "r4"],
    "reference": [1, 3, 5, 7, 0],
    "prediction": [2, 2, 5, 8, 1],
}


def fault(**changes: Any) -> str:
    relative = changes.pop("relative", False)
    with pytest.raises(TableError) as error:
        read_table({**GOOD, **changes}, relative=relative)
    return str(error.value)


def test_replicates_count_the_same_whatever_their_number_of_units() -> None:
    table = read_table(GOOD)
    assert (table.groups, table.replicates) == (("b", "a"), ("r2", "r1", "r3", "r4"))
    reference, prediction = table.replicate_means("b")
    assert reference.tolist() == [2.0, 5.0]
    assert prediction.tolist() == [2.0, 5.0]
    assert table.replicate_means()[0].tolist() == [2.0, 5.0, 7.0, 0.0]
    assert table.unit_group.tolist() == [0, 0, 0, 1, 1]


def test_a_data_frame_with_more_columns_and_numbers_for_names_is_taken() -> None:
    frame = pd.DataFrame({**GOOD, "replicate": [2, 2, 1, 3, 4], "iou": 0.5})
    assert read_table(frame).replicates == ("2", "1", "3", "4")


def test_replicates_numbered_anew_in_each_group() -> None:
    with pytest.raises(TableError) as error:
        read_table({**GOOD, "replicate": [1, 1, 2, 1, 2]})
    assert str(error.value) == (
        "the table of 5 rows cannot be used:\n"
        + "  - replicate '1' is in groups b, a; "
        + TWICE.format("1-b")
        + "\n"
        + "  - replicate '2' is in groups b, a; "
        + TWICE.format("2-b")
    )
    table = read_table({**GOOD, "replicate": [1, 1, 2, 1, 2]}, nested=True)
    assert table.replicates == ("b/1", "b/2", "a/1", "a/2")


def test_replicates_of_different_groups_are_never_one() -> None:
    """Whatever their names hold."""
    table = read_table(
        {
            "unit": [1, 2, 3],
            "group": ["a/b", "a", "a\\"],
            "replicate": ["c", "b/c", "/b/c"],
            "reference": [1, 2, 3],
            "prediction": [1, 2, 3],
        },
        nested=True,
    )
    assert len(table.replicates) == 3


def test_all_faults_come_together() -> None:
    message = fault(
        unit=["u1", "u1", "u3", "u4", None],
        replicate=["r2", "r2", "r1", "r2", "r4"],
        reference=[1, 3, np.nan, np.inf, "many"],
    )
    assert message.splitlines() == [
        "the table of 5 rows cannot be used:",
        "  - no unit in row 5; give each row a name there",
        "  - units named twice: u1; one row each",
        "  - replicate 'r2' is in groups b, a; " + TWICE.format("r2-b"),
        "  - reference of u4, row 5 is no finite number",
        "  - no reference for u3; a count of nothing is 0; a mean of nothing has no value, then set missing "
        "to 'leave out' (which hides that such units differ from others)",
    ]


def test_missing_columns_rows_and_lengths() -> None:
    with pytest.raises(TableError) as error:
        read_table({"unit": ["a"], "group": ["g"]})
    assert str(error.value) == (
        "the table lacks replicate, reference, prediction; it has unit, group; needed are unit, group, "
        "replicate, reference, prediction"
    )
    assert fault(reference=[1]) == (
        "columns have different lengths: unit 5, group 5, replicate 5, reference 1, prediction 5; give one "
        "value per unit in each"
    )
    with pytest.raises(TableError, match="the table has no row; give one row per unit"):
        read_table({name: [] for name in GOOD})


def test_units_without_a_value_can_be_left_out() -> None:
    table = read_table({**GOOD, "prediction": [2, np.nan, 5, 8, 1]}, missing="leave out")
    assert (table.units, table.n_left_out) == (("u1", "u3", "u4", "u5"), 1)
    with pytest.raises(TableError, match="no unit has both a reference and a prediction"):
        read_table({**GOOD, "prediction": [np.nan] * 5}, missing="leave out")


def test_a_replicate_without_any_value_is_no_replicate() -> None:
    table = read_table({**GOOD, "prediction": [2, 2, np.nan, 8, 1]}, missing="leave out")
    assert table.replicates == ("r2", "r3", "r4")


def test_shares_of_nothing_are_refused_but_single_zeros_are_not() -> None:
    assert read_table(GOOD, relative=True).reference.tolist() == [1, 3, 5, 7, 0]
    assert fault(reference=[1, 3, 5, 0, 0], relative=True) == (
        "all references of group 'a' are 0, so no error is a share of them; use a tolerance that is no share"
    )
    assert fault(reference=[1, 3, -5, 7, 0], relative=True) == (
        "errors as shares need values of 0 or more; use a tolerance that is no share"
    )


def test_columns_that_are_none_are_refused() -> None:
    assert fault(reference=5, group="a") == (
        "group, reference: no column of values; give one value per unit in each"
    )
    frame = pd.DataFrame(GOOD)
    with pytest.raises(TableError, match="the table has two columns reference; keep one of each"):
        read_table(pd.concat([frame, frame[["reference"]]], axis=1))


def test_the_control_comes_first() -> None:
    table = read_table(GOOD)
    assert (table.ordered_groups(None), table.ordered_groups("a")) == (("b", "a"), ("a", "b"))
