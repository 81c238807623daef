"""Classes of images: values by hand, probabilities, and tables that do not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, matthews_corrcoef, roc_auc_score

from veriscope.workflow.comparison.folders import compare_folders

Refusal = Callable[..., str]
Table = Callable[..., Path]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Give a function that writes a table from lines."""

    def write(name: str, *lines: str) -> Path:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("\n".join(lines) + "\n")
        return tmp_path / name

    return write


def rows(text: str) -> list[str]:
    """Give lines of images 1, 2, … with the classes of a text."""
    return ["image,class", *(f"i{n},{name}" for n, name in enumerate(text.split(), start=1))]


def compare(*paths: Path, **options: Any) -> dict[str, Any]:
    return compare_folders(*paths, task="classification", **options)


def value(found: dict[str, Any], key: str) -> float:
    return float(found["metrics"][key]["value"])


# 6 of class a, of which 5 are found; 2 of class b, of which 1 is.
TRUE, FOUND = "a a a a a a b b", "a a a a a b b a"


def test_values_by_hand(table: Table) -> None:
    found = compare(table("r.csv", *rows(TRUE)), table("p.csv", *rows(FOUND)))
    assert (found["n_images"], found["classes"], found["confusion"]) == (8, ["a", "b"], [[5, 1], [1, 1]])
    assert value(found, "accuracy") == 6 / 8
    assert value(found, "balanced_accuracy") == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert value(found, "sensitivity[b]") == value(found, "positive_predictive_value[b]") == 0.5
    assert value(found, "specificity[b]") == value(found, "sensitivity[a]") == pytest.approx(5 / 6)
    assert value(found, "f_beta[a]") == pytest.approx(10 / 12)
    assert value(found, "matthews_correlation") == pytest.approx((5 * 1 - 1 * 1) / 12)
    assert "weighted_kappa" not in found["metrics"], "the classes have no order"
    assert found["images"][5] == {"name": "i6", "cluster": None, "reference": "a", "prediction": "b"}
    assert found["metrics"]["accuracy"]["n_units"] == 8


def test_order_of_classes_makes_them_grades(table: Table) -> None:
    true, guessed = "low low mid high high mid", "low mid mid high low mid"
    order = ["low", "mid", "high"]
    found = compare(table("r.csv", *rows(true)), table("p.csv", *rows(guessed)), classes=tuple(order))
    assert found["classes"] == order
    kappa = cohen_kappa_score(true.split(), guessed.split(), labels=order, weights="quadratic")
    assert value(found, "weighted_kappa") == pytest.approx(kappa)
    assert "weighted_kappa" in [item["key"] for item in found["advice"]["metrics"]]


def test_images_of_a_replicate_are_one_unit(table: Table, tmp_path: Path) -> None:
    sheet = table("sheet.csv", "image,group,replicate", *(f"i{n},x,{(n + 1) // 2}" for n in range(1, 9)))
    found = compare(table("r.csv", *rows(TRUE)), table("p.csv", *rows(FOUND)), groups=sheet)
    accuracy = found["metrics"]["accuracy"]
    assert (accuracy["value"], accuracy["n_units"], accuracy["unit"]) == (6 / 8, 4, "replicate")
    (dependent,) = [row for row in found["advice"]["fingerprint"] if row["item"] == "dependent_cases"]
    assert dependent["answer"] is True
    lonely = table("all.csv", "image,group,replicate", *(f"i{n},x,{n}" for n in range(1, 9)))
    found = compare(tmp_path / "r.csv", tmp_path / "p.csv", groups=lonely)
    (dependent,) = [row for row in found["advice"]["fingerprint"] if row["item"] == "dependent_cases"]
    assert dependent["answer"] is False


STATED = ["image,p_a,p_b", "i1,0.9,0.1", "i2,0.6,0.4", "i3,0.4,0.6", "i4,0.2,0.8"]


def test_probabilities_by_hand(table: Table) -> None:
    found = compare(table("r.csv", *rows("a a b b")), table("p.csv", *STATED))
    assert found["confusion"] == [[2, 0], [0, 2]], "the largest probability is the class"
    assert value(found, "brier_score") == pytest.approx(2 * (0.01 + 0.16 + 0.16 + 0.04) / 4)
    expected = -np.log([0.9, 0.6, 0.6, 0.8]).mean()
    assert value(found, "negative_log_likelihood") == pytest.approx(expected)
    assert value(found, "auroc[a]") == value(found, "average_precision[b]") == 1
    known = {row["item"]: row["answer"] for row in found["advice"]["fingerprint"]}
    assert known["scores_available"] is True


def test_a_stated_class_wins_over_the_largest_probability(table: Table) -> None:
    lines = ["image,class,p_a,p_b", "i1,b,0.9,0.1", "i2,a,0.6,0.4"]
    found = compare(table("r.csv", *rows("a a")), table("p.csv", *lines))
    assert value(found, "accuracy") == 0.5
    assert value(found, "brier_score") == pytest.approx(0.02 / 2 + 0.32 / 2)


def test_rounded_probabilities_are_probabilities(table: Table) -> None:
    lines = ["image,p_a,p_b,p_c", "i1,0.33,0.33,0.33", "i2,0.67,0.17,0.17"]
    found = compare(table("r.csv", *rows("a b")), table("p.csv", *lines))
    first, second = 2 / 3, (0.67 / 1.01, 1 - 0.17 / 1.01, 0.17 / 1.01)
    expected = (first**2 + 2 / 9 + sum(item**2 for item in second)) / 2
    assert value(found, "brier_score") == pytest.approx(expected)


def test_a_class_that_no_reference_has_is_noted(table: Table) -> None:
    found = compare(table("r.csv", *rows("a a b")), table("p.csv", *rows("a c b")))
    assert found["classes"] == ["a", "b", "c"]
    assert value(found, "balanced_accuracy") == pytest.approx((1 / 2 + 1) / 2)
    assert found["metrics"]["sensitivity[c]"]["value"] is None
    assert found["notes"] == [
        "no reference is of class c: check the spelling, and read the metrics of these classes with care"
    ]


def test_names_of_images_and_separators_are_as_tools_write_them(table: Table) -> None:
    references = table("r.csv", "﻿Filename;Class_Name", "plate/i1.tif;None", "i2.ome.tif; NA")
    found = compare(references, table("p/classes.csv", "stem\tlabel", "i1\tNone", "i2\tNone"))
    assert (found["classes"], found["confusion"]) == (["NA", "None"], [[0, 1], [0, 1]])


def test_faults_of_all_tables_come_together(table: Table, refusal: Refusal) -> None:
    references = table("r.csv", *rows("a a b b"))
    a = table("a.csv", "image,p_a,p_b", "i1,90,10", "i2,0.5,-0.1", "i3,,1", "i3,0,1", "i4,0,1")
    b = table("b.csv", "image,class", "i1,a", "i2,", "i3,b", "i4,b")
    c = table("c.csv", "image,score", "i1,0.3")
    assert refusal(references, a, b, c, "d.csv", task="classification").splitlines() == [
        "4 of 5 sources cannot be used:",
        "  - a.csv: 3 faults:",
        "      - a.csv: i3 come more than once; keep one row for each image",
        "      - a.csv: column 'p_a' has 2 values not between 0 and 1, the first in row 2",
        "      - a.csv: column 'p_b' has 2 values not between 0 and 1, the first in row 2",
        "  - b.csv: 1 image has no class, the first in row 3; give it, or remove the row",
        "  - c.csv: has no column class, and none of probabilities such as p_mitosis",
        "  - d.csv: no such table; give a CSV file",
    ]


def test_tables_that_do_not_fit_the_references(table: Table, refusal: Refusal, tmp_path: Path) -> None:
    references = table("r.csv", *rows("a a b"))
    a = table("a.csv", "image,class,p_a,p_b", "i1,a,0.9,0.3", "i2,a,0.5,0.5", "i3,a,0.1,0.1")
    b = table("b.csv", "image,p_a", "i1,1", "i3,1")
    assert refusal(references, a, b, task="classification").splitlines() == [
        "3 faults in the tables:",
        "  - a.csv: the probabilities of 2 of 3 images do not sum to 1, the first is i1 with 1.2; state one "
        "for "
        "each class",
        "  - b.csv: has no row for 1 of 3 images (i2); add them, or compare only what is there with "
        "--partial",
        "  - b.csv: states probabilities of a; needed are columns p_CLASS of a, b",
    ]
    other = table("e.csv", *rows("a b c"))
    assert refusal(references, other, task="classification", classes=("a", "b")) == (
        "e.csv: predicts c, not among a, b; name classes alike"
    )
    assert refusal(other, references, task="classification", classes=("a", "b")) == (
        "e.csv: classes c are not among a, b; name all of them"
    )
    assert refusal(b, references, task="classification") == "b.csv: references need a column class"
    (tmp_path / "empty").mkdir()
    assert refusal(tmp_path / "empty", references, task="classification") == (
        "empty: name the table; of boxes.csv, points.csv, classes.csv the folder has none of them"
    )


def test_partial_tables(table: Table) -> None:
    references, part = table("r.csv", *rows("a b b b")), table("p.csv", "image,class", "i4,b", "i2,a", "x,a")
    found = compare(references, part, partial=True)
    assert (found["n_images"], value(found, "accuracy")) == (2, 0.5)
    assert found["references_without_prediction"] == ["i1", "i3"]
    assert found["predictions_without_reference"] == ["x"]


@pytest.mark.real_data
def test_real_blood_cells_against_other_implementations(data_dir: Path, tmp_path: Path) -> None:
    source = data_dir / "wbc_types_tecom/classes.csv"
    known = pd.read_csv(source, dtype=str)
    names = sorted(known["class_name"].unique())
    rng = np.random.default_rng(7)
    truth = known["class_name"].map({name: n for n, name in enumerate(names)}).to_numpy()
    scores = np.eye(len(names))[truth] * 1.2 + rng.gumbel(size=(len(known), len(names)))
    stated = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    frame = pd.DataFrame(stated.round(4), columns=[f"p_{name}" for name in names])
    frame.insert(0, "image", known["stem"] + ".png")
    frame.to_csv(tmp_path / "p.csv", index=False)
    found = compare(source, tmp_path / "p.csv")
    guess = stated.round(4).argmax(axis=1)
    assert found["n_images"] == len(known)
    assert value(found, "accuracy") == pytest.approx(np.mean(guess == truth))
    assert value(found, "balanced_accuracy") == pytest.approx(balanced_accuracy_score(truth, guess))
    assert value(found, "matthews_correlation") == pytest.approx(matthews_corrcoef(truth, guess))
    for number, name in enumerate(names):
        expected = roc_auc_score(truth == number, stated[:, number])
        assert value(found, f"auroc[{name}]") == pytest.approx(expected, abs=1e-3)
