"""Tables of classes: against scikit-learn, in any order, under other names, and ranked class by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as peer

from veriscope.workflow.comparison.folders import compare_folders

Refusal = Callable[..., str]
NAMES = ("mitosis", "other", "rest")


class Guess:
    """Random classes with probabilities that know a little of the truth."""

    def __init__(self, seed: int, n: int = 30, names: Sequence[str] = NAMES) -> None:
        rng = np.random.default_rng(seed)
        self.names = tuple(names)
        self.truth = rng.choice(len(names), n, p=[0.2, 0.5, 0.3])
        weights = rng.gamma(0.7, size=(n, len(names))) + 0.8 * np.eye(len(names))[self.truth]
        self.stated: NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)

    @property
    def found(self) -> NDArray[np.intp]:
        return np.argmax(self.stated, axis=1)

    def references(self, path: Path, order: Sequence[int] | None = None) -> Path:
        rows = range(len(self.truth)) if order is None else order
        path.write_text("image,class\n" + "".join(f"i{n},{self.names[self.truth[n]]}\n" for n in rows))
        return path

    def predictions(
        self, path: Path, order: Sequence[int] | None = None, columns: Sequence[int] = (0, 1, 2)
    ) -> Path:
        rows = range(len(self.truth)) if order is None else order
        head = ",".join(["image", *(f"p_{self.names[c]}" for c in columns)])
        lines = [",".join([f"i{n}", *(repr(float(self.stated[n, c])) for c in columns)]) for n in rows]
        path.write_text("\n".join([head, *lines]) + "\n")
        return path


def compare(*paths: Path, **options: Any) -> dict[str, Any]:
    return compare_folders(*paths, task="classification", **options)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_metric_is_that_of_scikit_learn(tmp_path: Path, seed: int) -> None:
    guess = Guess(seed)
    found = compare(
        guess.references(tmp_path / "r.csv"), guess.predictions(tmp_path / "p.csv"), classes=NAMES
    )
    y, p = guess.truth, guess.found
    expected = {
        "accuracy": peer.accuracy_score(y, p),
        "balanced_accuracy": peer.balanced_accuracy_score(y, p),
        "matthews_correlation": peer.matthews_corrcoef(y, p),
        "weighted_kappa": peer.cohen_kappa_score(y, p, weights="quadratic"),
        "negative_log_likelihood": peer.log_loss(y, guess.stated, labels=[0, 1, 2]),
        "brier_score": float(((guess.stated - np.eye(3)[y]) ** 2).sum(axis=1).mean()),
    }
    for number, name in enumerate(NAMES):
        own, said = y == number, p == number
        expected |= {
            f"sensitivity[{name}]": peer.recall_score(own, said),
            f"specificity[{name}]": peer.recall_score(~own, ~said),
            f"positive_predictive_value[{name}]": peer.precision_score(own, said),
            f"negative_predictive_value[{name}]": peer.precision_score(~own, ~said),
            f"f_beta[{name}]": peer.f1_score(own, said),
            f"auroc[{name}]": peer.roc_auc_score(own, guess.stated[:, number]),
            f"average_precision[{name}]": peer.average_precision_score(own, guess.stated[:, number]),
        }
    values = {key: item["value"] for key, item in found["metrics"].items()}
    assert {key: values[key] for key in expected} == pytest.approx(expected)
    assert set(values) - set(expected) == {"class_wise_calibration_error"}
    assert found["confusion"] == peer.confusion_matrix(y, p).tolist()


def test_order_of_rows_and_columns_changes_nothing(tmp_path: Path) -> None:
    guess = Guess(4)
    order = np.random.default_rng(0).permutation(30)
    plain = compare(guess.references(tmp_path / "r.csv"), guess.predictions(tmp_path / "p.csv"))
    mixed = compare(
        guess.references(tmp_path / "r2.csv", order.tolist()),
        guess.predictions(tmp_path / "p2.csv", order[::-1].tolist(), columns=(2, 0, 1)),
    )
    assert mixed["confusion"] == plain["confusion"]
    for key, interval in plain["metrics"].items():
        assert mixed["metrics"][key] == pytest.approx(interval), key


def test_classes_under_other_names_keep_their_figures(tmp_path: Path) -> None:
    """Names decide the order of the matrix and nothing else."""
    guess, renamed = Guess(5), Guess(5, names=("z", "m", "a"))
    plain = compare(guess.references(tmp_path / "r.csv"), guess.predictions(tmp_path / "p.csv"))
    other = compare(renamed.references(tmp_path / "r2.csv"), renamed.predictions(tmp_path / "p2.csv"))
    new = dict(zip(NAMES, renamed.names, strict=True))
    for key, interval in plain["metrics"].items():
        name, _, of = key.rstrip("]").partition("[")
        told = other["metrics"][f"{name}[{new[of]}]" if of else key]
        assert told["value"] == pytest.approx(interval["value"]), key
        assert told["low"] == pytest.approx(interval["low"]), key


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """Twenty images, two of them of the rare class, which only one candidate knows."""
    truth = ["rare"] * 2 + ["often"] * 18
    for name, classes in {"r": truth, "knows": truth, "never": ["often"] * 20}.items():
        (tmp_path / f"{name}.csv").write_text(
            "image,class\n" + "".join(f"i{n},{word}\n" for n, word in enumerate(classes))
        )
    return [tmp_path / f"{name}.csv" for name in ("r", "never", "knows")]


def test_only_images_of_a_class_tell_of_its_sensitivity(two: list[Path]) -> None:
    """Eighteen images of another class say nothing; by them the sign test had p = 2^-19."""
    found = compare(*two, metric="sensitivity[rare]")
    ranking = found["ranking"]
    assert list(ranking["values"]) == ["knows.csv", "never.csv"]
    (pair,) = ranking["pairs"]
    assert (pair["p_value"], pair["better"], pair["difference"]["n_units"]) == (0.5, None, 2)
    assert ranking["groups"] == [["knows.csv", "never.csv"]]
    for name, interval in ranking["values"].items():
        alone = found["candidates"][name]["metrics"]["sensitivity[rare]"]
        assert {key: interval[key] for key in ("value", "low", "high", "n_units")} == {
            key: alone[key] for key in ("value", "low", "high", "n_units")
        }
    assert ranking["to_separate"][0]["n_units"] == 2
    assert ranking["stability"]["n_units"] == 2


@pytest.mark.parametrize(
    ("metric", "n_units"),
    [
        ("specificity[rare]", 18),
        ("negative_predictive_value[rare]", 20),
        ("accuracy", 20),
        ("f_beta[rare]", 2),
    ],
)
def test_units_of_a_ranking_are_those_of_the_metric(two: list[Path], metric: str, n_units: int) -> None:
    (pair,) = compare(*two, metric=metric)["ranking"]["pairs"]
    assert pair["difference"]["n_units"] == n_units


def test_replicates_of_a_class_are_the_units_of_its_ranking(two: list[Path], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\n" + "".join(f"i{n},x,{n // 5}\n" for n in range(20)))
    by_image = compare(*two, metric="sensitivity[rare]")["ranking"]
    by_replicate = compare(*two, metric="sensitivity[rare]", groups=sheet)["ranking"]
    assert by_replicate["pairs"][0]["difference"]["n_units"] == 1, "both rare images are of one replicate"
    assert by_replicate["pairs"][0]["p_value"] is None
    assert {name: item["value"] for name, item in by_replicate["values"].items()} == {
        name: item["value"] for name, item in by_image["values"].items()
    }


def test_a_class_of_images_that_are_left_out_is_noted(two: list[Path], tmp_path: Path) -> None:
    partial = tmp_path / "partial.csv"
    partial.write_text("image,class\n" + "".join(f"i{n},often\n" for n in range(2, 12)))
    found = compare(two[0], partial, partial=True)
    assert (found["n_images"], found["references_without_prediction"][:2]) == (10, ["i0", "i1"])
    assert found["notes"] == [
        "no reference is of class rare: check the spelling, and read the metrics of these classes with care"
    ]
    assert found["metrics"]["sensitivity[rare]"]["value"] is None


def test_one_image_and_one_class(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("image,class\ni,a\n")
    (tmp_path / "p.csv").write_text("image,p_a\ni,1.0\n")
    found = compare(tmp_path / "r.csv", tmp_path / "p.csv")
    assert (found["classes"], found["confusion"]) == (["a"], [[1]])
    accuracy = found["metrics"]["accuracy"]
    assert (accuracy["value"], accuracy["low"], accuracy["high"]) == (1, None, None)
    assert found["metrics"]["auroc[a]"]["value"] is None, "there is nothing to tell it from"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("image,p_a,p_b\ni,0.5,nan\n", "column 'p_b' has 1 value not between 0 and 1"),
        ("image,p_a,p_b\ni,0.9,0.9\n", "do not sum to 1, the first is i with 1.8"),
        ("image,p_a,p_b\ni,-0.5,1.5\n", "column 'p_a' has 1 value not between 0 and 1"),
        ("image,p_a\ni,1.0\n", "states probabilities of a; needed are columns p_CLASS of a, b"),
        ("image,class\ni,\n", "1 image has no class, the first in row 2"),
        ("image,class\ni,a\ni,b\n", "i come more than once"),
        ("image\ni\n", "has no column class, and none of probabilities"),
    ],
)
def test_tables_that_say_nothing_usable(tmp_path: Path, refusal: Refusal, lines: str, told: str) -> None:
    (tmp_path / "r.csv").write_text("image,class\ni,a\nk,b\n")
    (tmp_path / "p.csv").write_text(lines)
    assert told in refusal(tmp_path / "r.csv", tmp_path / "p.csv", task="classification", partial=True)
