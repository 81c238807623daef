"""Several candidates on the same images: order, what is separated, and what is left aside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from veriscope.workflow.comparison.folders import compare_folders

Folder = Callable[..., Path]
Refusal = Callable[..., str]
N = 8


def objects(n: int, *, lost: int = 0) -> NDArray[np.uint16]:
    """Squares in a row, of which the first ones are lost."""
    labels = np.zeros((6, 6 * max(n, 1)), np.uint16)
    for number in range(lost, n):
        labels[2:4, 6 * number + 2 : 6 * number + 4] = number + 1
    return labels


@pytest.fixture
def three(folder: Folder) -> list[Path]:
    """References with 6 objects an image; a misses 2 or 3 of them, b none, c as b but once."""
    images = {f"i{n}": objects(6) for n in range(N)}
    references = folder("labels", **images)
    a = folder("a", **{f"i{n}": objects(6, lost=2 + n % 2) for n in range(N)})
    b = folder("b", **images)
    return [references, a, b, folder("c", **images | {"i3": objects(6, lost=1)})]


def test_order_differences_and_p_values(three: list[Path]) -> None:
    found = compare_folders(*three, metric="f1@0.5")
    assert found["n_images"] == N
    ranking = found["ranking"]
    assert (ranking["metric"], ranking["better"], ranking["aggregation"]) == ("f1@0.5", "higher", "pooled")
    values = {name: item["value"] for name, item in ranking["values"].items()}
    tp_a = 4 * 4 + 4 * 3
    assert values == pytest.approx({"b": 1, "c": 2 * 47 / (47 + 48), "a": 2 * tp_a / (tp_a + 48)})
    assert list(values) == ["b", "c", "a"]
    pairs = {(pair["first"], pair["second"]): pair for pair in ranking["pairs"]}
    assert pairs["b", "a"]["better"] == "b"
    assert pairs["b", "a"]["difference"]["value"] == pytest.approx(1 - values["a"])
    assert pairs["c", "a"]["better"] == "c"
    assert pairs["b", "c"]["better"] is None, "one image separates nothing"
    assert pairs["b", "c"]["verdict"] == "cannot separate"
    assert ranking["groups"] == [["b", "c"], ["a"]]


def test_how_stable_the_order_is_and_what_would_separate(three: list[Path]) -> None:
    ranking = compare_folders(*three, metric="recall@0.5")["ranking"]
    stable = {item["name"]: item for item in ranking["stability"]["candidates"]}
    assert stable["a"]["probability_first"] == 0
    assert stable["b"]["probability_first"] > stable["c"]["probability_first"]
    # Image 3 is in a draw of 8 with probability 1 - (7/8)^8 = 0.66; without it b and c share the first place.
    assert 0.55 < stable["b"]["probability_first"] <= 1
    steps = {frozenset((item["first"], item["second"])): item for item in ranking["to_separate"]}
    assert set(steps) == {frozenset(pair) for pair in (("a", "b"), ("a", "c"), ("b", "c"))}
    needed = steps[frozenset(("b", "c"))]["n_needed"]
    assert needed is None or needed > N


def test_candidates_keep_their_own_report(three: list[Path]) -> None:
    found = compare_folders(*three)
    assert list(found["candidates"]) == ["a", "b", "c"], "in the order given"
    alone = compare_folders(three[0], three[1])
    assert found["candidates"]["a"]["metrics"] == alone["metrics"]
    assert found["candidates"]["a"]["images"] == alone["images"]
    assert found["advice"]["category"] == alone["advice"]["category"] == "instance"
    assert json.loads(json.dumps(found, allow_nan=False))["ranking"]["level"] == 0.95


def test_the_usual_metric_is_the_first_that_fits(three: list[Path], refusal: Refusal) -> None:
    found = compare_folders(*three)
    fitting = [item["key"] for item in found["advice"]["metrics"]]
    assert fitting[0] == "f1", "the objects are small, so that overlap misleads"
    assert found["ranking"]["metric"] == "f1@0.5"
    assert refusal(*three, metric="count_bias").startswith(
        "candidates cannot be ranked by 'count_bias'; the metrics are "
    )
    assert refusal(*three[:2], metric="dice").startswith("candidates cannot be ranked by 'dice'"), "one, too"


def test_identical_candidates_cannot_be_told_apart(folder: Folder) -> None:
    images = {f"i{n}": objects(3, lost=n % 2) for n in range(4)}
    references = folder("labels", **{name: objects(3) for name in images})
    ranking = compare_folders(references, folder("a", **images), folder("b", **images))["ranking"]
    (pair,) = ranking["pairs"]
    assert (pair["difference"]["value"], pair["better"]) == (0, None)
    assert ranking["groups"] == [["a", "b"]]


def test_one_image_ranks_but_separates_nothing(folder: Folder) -> None:
    references = folder("labels", i=objects(4))
    found = compare_folders(references, folder("a", i=objects(4, lost=2)), folder("b", i=objects(4)))
    assert list(found["ranking"]["values"]) == ["b", "a"]
    assert found["ranking"]["pairs"][0]["better"] is None


def test_replicates_are_the_units_of_a_ranking(three: list[Path], tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\n" + "".join(f"i{n},x,{n // 4}\n" for n in range(N)))
    by_image = compare_folders(*three, metric="f1@0.5")["ranking"]["values"]
    by_replicate = compare_folders(*three, metric="f1@0.5", groups=sheet)["ranking"]["values"]
    assert {name: item["value"] for name, item in by_replicate.items()} == pytest.approx(
        {name: item["value"] for name, item in by_image.items()}
    )
    assert {item["n_units"] for item in by_replicate.values()} == {2}
    assert {item["unit"] for item in by_replicate.values()} == {"replicate"}


def square(*, at: int | None) -> NDArray[np.uint8]:
    mask = np.zeros((20, 30), np.uint8)
    if at is not None:
        mask[5:15, at : at + 10] = 1
    return mask


def semantic(folders: list[Path], metric: str) -> dict[str, Any]:
    ranking: dict[str, Any] = compare_folders(*folders, task="semantic", metric=metric)["ranking"]
    return ranking


def test_lower_is_better_for_distances_and_infinite_ones_are_left_aside(folder: Folder) -> None:
    references = folder("labels", **{f"i{n}": square(at=10) for n in range(6)})
    near = folder("near", **{f"i{n}": square(at=11 + n % 2) for n in range(6)})
    far = folder("far", **{f"i{n}": square(at=None if n == 5 else 14 + n % 3) for n in range(6)})
    ranking = semantic([references, far, near], "hausdorff")
    assert (ranking["better"], ranking["n_left_aside"]) == ("lower", 1)
    values = {name: item["value"] for name, item in ranking["values"].items()}
    # Images 0 to 4, where both found something: shifts of 1 2 1 2 1 and of 4 5 6 4 5.
    assert values == pytest.approx({"near": 7 / 5, "far": 24 / 5})
    assert list(values) == ["near", "far"]
    assert ranking["pairs"][0]["better"] == "near"
    assert compare_folders(references, far, task="semantic")["n_infinite"] == 1


def test_finding_nothing_where_nothing_is_beats_inventing(folder: Folder) -> None:
    references = folder("labels", i0=square(at=10), i1=square(at=None), i2=square(at=None), i3=square(at=8))
    right = folder("right", i0=square(at=10), i1=square(at=None), i2=square(at=None), i3=square(at=8))
    wrong = folder("wrong", i0=square(at=10), i1=square(at=3), i2=square(at=None), i3=square(at=8))
    ranking = semantic([references, wrong, right], "dice")
    values = {name: item["value"] for name, item in ranking["values"].items()}
    assert values == pytest.approx({"right": 1, "wrong": 2 / 3}), "in image i2 nothing can be said of either"
    assert ranking["n_left_aside"] == 1


def test_classes_rank_by_errors_and_scores(tmp_path: Path, refusal: Refusal) -> None:
    truth = ["a", "b"] * 6
    (tmp_path / "r.csv").write_text(
        "image,class\n" + "".join(f"i{n},{name}\n" for n, name in enumerate(truth))
    )
    for name, sure in (("sure", 0.9), ("unsure", 0.6)):
        lines = [f"i{n},{sure if c == 'a' else 1 - sure:.1f}," for n, c in enumerate(truth)]
        rows = [f"{line}{sure if c == 'b' else 1 - sure:.1f}" for line, c in zip(lines, truth, strict=True)]
        (tmp_path / f"{name}.csv").write_text("image,p_a,p_b\n" + "\n".join(rows) + "\n")
    paths = [tmp_path / f"{name}.csv" for name in ("r", "unsure", "sure")]
    ranking = compare_folders(*paths, task="classification", metric="brier_score")["ranking"]
    assert ranking["better"] == "lower"
    values = {name: item["value"] for name, item in ranking["values"].items()}
    assert values == pytest.approx({"sure.csv": 2 * 0.1**2, "unsure.csv": 2 * 0.4**2})
    assert list(values) == ["sure.csv", "unsure.csv"]
    equal = compare_folders(*paths, task="classification", metric="accuracy")["ranking"]
    assert {item["value"] for item in equal["values"].values()} == {1}
    guesses = tmp_path / "guesses.csv"
    guesses.write_text((tmp_path / "r.csv").read_text())
    assert refusal(*paths, guesses, task="classification", metric="brier_score") == (
        "a candidate states no probabilities; rank by accuracy instead"
    )
    assert "cannot be ranked by 'auroc[a]'" in refusal(*paths, task="classification", metric="auroc[a]")
