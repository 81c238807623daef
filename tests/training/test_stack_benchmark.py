"""The benchmark of training on stacks: what it simulates, and that it judges on stacks that nobody saw."""

from __future__ import annotations

import csv
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from veriscope.io.images import read_image
from veriscope.io.labels import read_labels

FOLDER = Path(__file__).parents[2] / "benchmarks" / "science"
SMALL = {"side": 48, "planes": 10, "wanted": 8}


@pytest.fixture(scope="module")
def script() -> Iterator[dict[str, Any]]:
    """What the benchmark defines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield runpy.run_path(str(FOLDER / "stack_training.py"))


@pytest.fixture(scope="module")
def simulated() -> dict[str, Any]:
    return runpy.run_path(str(FOLDER / "simulated_stacks.py"))


def test_equal_seeds_give_equal_stacks_and_others_do_not(simulated: dict[str, Any]) -> None:
    first, again, other = (simulated["draw_stack"]((0, n), **SMALL) for n in (1, 1, 2))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert not np.array_equal(first.labels, other.labels)
    swapped = simulated["draw_stack"]((1, 0), **SMALL)
    assert not np.array_equal(first.labels, swapped.labels), "stack 1 of seed 0 is not stack 0 of seed 1"


def test_nuclei_are_whole_brighter_than_their_surroundings_and_of_a_size(simulated: dict[str, Any]) -> None:
    stack = simulated["draw_stack"]((0, 0), side=96, planes=20, wanted=20)
    assert stack.pixels.shape == stack.labels.shape == (20, 96, 96)
    assert stack.pixels.dtype == stack.labels.dtype == np.uint16
    numbers = np.unique(stack.labels)[1:]
    assert 12 <= len(numbers) <= 20
    one_piece = [ndimage.label(stack.labels == number, np.ones((3, 3, 3)))[1] for number in numbers]
    assert np.mean(np.array(one_piece) == 1) > 0.8, "one that others were put into may be in pieces"
    inside, outside = (stack.pixels[where].mean() for where in (stack.labels > 0, stack.labels == 0))
    assert inside > outside + 30
    volumes = np.bincount(stack.labels.ravel())[1:] * simulated["APART"]
    assert volumes.max() < 4 / 3 * np.pi * 13**3


def test_light_is_blurred_more_along_z(simulated: dict[str, Any]) -> None:
    stack = simulated["draw_stack"]((0, 3), side=96, planes=20, wanted=20)
    edges = stack.labels[:, 1:] != stack.labels[:, :-1]
    along_y = np.abs(np.diff(stack.pixels.astype(float), axis=1))[edges].mean()
    edges = stack.labels[1:] != stack.labels[:-1]
    along_z = np.abs(np.diff(stack.pixels.astype(float), axis=0))[edges].mean()
    assert along_z < 3 * along_y, "three pixels away, a sharp edge would be three times as steep"


def test_files_say_how_far_planes_lie_apart(simulated: dict[str, Any], tmp_path: Path) -> None:
    simulated["write_stacks"](tmp_path, 2, seed=4, **SMALL)
    image = read_image(tmp_path / "images" / "stack01.tif")
    drawn = simulated["draw_stack"]((4, 1), **SMALL)
    np.testing.assert_array_equal(image.pixels, drawn.pixels)
    np.testing.assert_array_equal(read_labels(tmp_path / "labels" / "stack01.tif"), drawn.labels)
    assert image.axes == "zyx" and image.spacing is not None
    assert image.spacing["z"] / image.spacing["x"] == pytest.approx(simulated["APART"], rel=1e-3)


def test_parts_are_as_large_as_said(script: dict[str, Any], tmp_path: Path) -> None:
    script["write_split"](tmp_path / "split.csv", script["PARTS"])
    rows = list(csv.DictReader((tmp_path / "split.csv").read_text().splitlines()))
    parts = [row["split"] for row in rows]
    assert {part: parts.count(part) for part in set(parts)} == script["PARTS"]
    assert len({row["stem"] for row in rows}) == len(rows)


def test_a_network_is_trained_and_judged_on_locked_stacks(
    script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = script["run"]
    monkeypatch.setitem(run.__globals__, "STARTS", {"from scratch": None})
    options = {"steps": 1, "crop": 32, "batch": 1, "widths": (4, 8)}
    (row,) = run(0, options, {"train": 2, "val": 1, "test": 1}, None, **SMALL)
    assert (row["network"], row["seed"], row["steps"], row["comparison"]) == ("from scratch", 0, 1, None)
    assert set(script["METRICS"]) <= set(row["figures"])
    assert "from scratch, seed 0, 1 steps: f1@0.5" in capsys.readouterr().out


def test_rows_are_told_with_and_without_intervals(script: dict[str, Any]) -> None:
    exact = {"value": 0.5, "low": 0.25, "high": 0.75}
    figures = dict.fromkeys(script["METRICS"], exact) | {"ap@0.5": exact | {"low": None, "high": None}}
    row = {"network": "x", "seed": 1, "steps": 2, "figures": figures, "comparison": {"sentence": "so so"}}
    said = script["told"](row | {"real": {"a/b": {"f1@0.5": 0.125}}})
    assert "f1@0.5 0.500 (0.250 to 0.750)" in said and said.splitlines()[0].endswith("ap@0.5 0.500")
    assert "so so" in said and "a/b: f1@0.5 0.125" in said
