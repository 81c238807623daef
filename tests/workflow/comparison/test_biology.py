"""Whether a measure survives the errors, group by group; groups are told apart whatever they are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]
N = 12


def blocks(n: int, side: int = 4) -> np.ndarray:
    """So many squares in a row."""
    labels = np.zeros((side + 2, 10 * (side + 2)), np.uint16)
    for index in range(n):
        start = 1 + index * (side + 2)
        labels[1 : 1 + side, start : start + side] = index + 1
    return labels


def sheet(path: Path, names: tuple[str, str]) -> Path:
    rows = [f'i{i:02d},"{names[i % 2]}",m{i // 4}' for i in range(N)]
    path.write_text("\n".join(["image,group,replicate", *rows]) + "\n")
    return path


def compare(folder: Folder, tmp_path: Path, names: tuple[str, str], **options: Any) -> dict[str, Any]:
    """Six images of three objects in one group, six of seven in the other; predictions lack one in each."""
    wanted = {"measure": "count", "tolerance": "50%", "groups": sheet(tmp_path / "sheet.csv", names)}
    place = "-".join(map(str, map(len, names)))
    true = {f"i{i:02d}": blocks(3 + 4 * (i % 2)) for i in range(N)}
    found = {f"i{i:02d}": blocks(2 + 4 * (i % 2)) for i in range(N)}
    return compare_folders(folder(f"r{place}", **true), folder(f"p{place}", **found), **(wanted | options))


@pytest.mark.parametrize(
    "names", [("control", "treated"), ("+/+", "+/-"), ("5 mg/kg", "5 mg/ml"), ("a", "a/b"), ("1", "01")]
)
def test_groups_are_apart_whatever_they_are_called(
    folder: Folder, tmp_path: Path, names: tuple[str, str]
) -> None:
    """Genotypes such as +/+ and +/- used to be one group, named by what stands before the stroke."""
    biology = compare(folder, tmp_path, names)["biology"]
    groups = {row["name"]: (row["reference"], row["prediction"], row["n_units"]) for row in biology["groups"]}
    assert groups == {names[0]: (3, 2, 6), names[1]: (7, 6, 6)}
    assert {row["n_replicates"] for row in biology["groups"]} == {3}


def test_renamed_groups_get_the_same_answer(folder: Folder, tmp_path: Path) -> None:
    plain = compare(folder, tmp_path, ("control", "treated"))["biology"]
    other = compare(folder, tmp_path, ("+/+", "+/-"))["biology"]
    assert [check["status"] for check in other["checks"]] == [check["status"] for check in plain["checks"]]
    assert other["comparison_status"] == plain["comparison_status"]
    assert other["value_status"] == plain["value_status"]


@pytest.mark.parametrize(
    ("measure", "reference", "prediction"),
    [
        ("count", 3, 2),
        ("total-area", 48, 32),
        ("area-fraction", 48 / 360, 32 / 360),
        ("density", 3 / 360, 2 / 360),
        ("mean-area", 16, 16),
        ("fraction:area<20", 1, 1),
    ],
)
def test_measures_by_hand(
    folder: Folder, tmp_path: Path, measure: str, reference: float, prediction: float
) -> None:
    (first, _) = compare(folder, tmp_path, ("a", "b"), measure=measure)["biology"]["groups"]
    assert (first["reference"], first["prediction"]) == pytest.approx((reference, prediction))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measure": "mean-intensity", "tolerance": "5%"}, "needs the images, which a comparison of label"),
        (
            {"measure": "count"},
            "give the error that would change your conclusion with --tolerance, such as 5%",
        ),
        ({"measure": "size", "tolerance": "5%"}, "measure 'size' is not known; measures are: count"),
        ({"measure": "mean:colour", "tolerance": "5%"}, "'colour'"),
        ({"measure": "fraction:area>20", "tolerance": "5%"}, "all references of group 'all' are 0, so no"),
    ],
)
def test_questions_that_labels_cannot_answer_are_refused(
    folder: Folder, refusal: Refusal, options: dict[str, str], message: str
) -> None:
    place = folder("labels", a=blocks(2), b=blocks(3))
    assert message in refusal(place, folder("p", a=blocks(2), b=blocks(3)), **options)
