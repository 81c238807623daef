"""What holds for every kind of comparison alike, told by the one function that all of them go through."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError, VeriscopeError
from veriscope.validate.metrics.instance.catalogue import instance_metrics
from veriscope.workflow.comparison.folders import COMPARE_SCHEMA, compare_folders

NAMES = ("a", "b", "c", "d")
BEST = {item.key: item.metric.best for item in instance_metrics((0.5, 0.7, 0.9))}
ZERO_IS_BEST = {"masd", "assd", "hausdorff", "hausdorff_percentile"}
Writer = Callable[[Path, int], None]


def labels_of(seed: int, number: int) -> np.ndarray:
    """Three squares; with a seed above 0 they lie off by so many pixels."""
    labels = np.zeros((40, 48), np.uint16)
    for at, (y, x) in enumerate([(3, 4 + number), (18, 22), (30, 8)], 1):
        labels[y + seed : y + seed + 7, x : x + 7] = at
    return labels


def images(folder: Path, seed: int) -> None:
    folder.mkdir()
    for number, name in enumerate(NAMES):
        tifffile.imwrite(folder / f"{name}.tif", labels_of(seed, number))


def masks(folder: Path, seed: int) -> None:
    folder.mkdir()
    for number, name in enumerate(NAMES):
        tifffile.imwrite(folder / f"{name}.tif", (labels_of(seed, number) > 0).astype(np.uint8))


def intensities(folder: Path, seed: int) -> None:
    folder.mkdir()
    dice = np.random.default_rng(7)
    for name in NAMES:
        clean = dice.normal(100, 20, (40, 48))
        tifffile.imwrite(folder / f"{name}.tif", (clean + seed * dice.normal(0, 3, clean.shape)).astype("f4"))


def boxes(path: Path, seed: int) -> None:
    rows = ["image,y0,x0,y1,x1"]
    for number, name in enumerate(NAMES):
        rows += [f"{name},{y + seed},{x},{y + seed + 8},{x + 8}" for y, x in ((2, 3 + number), (20, 25))]
    path.write_text("\n".join(rows) + "\n")


def classes(path: Path, seed: int) -> None:
    found = ["yes", "no", "yes", "no"]
    found[: seed // 2] = ["no"] * (seed // 2)
    path.write_text(
        "image,class\n" + "".join(f"{name},{kind}\n" for name, kind in zip(NAMES, found, strict=True))
    )


def tracks(folder: Path, seed: int) -> None:
    for sequence in ("s1", "s2"):
        place = folder / sequence
        place.mkdir(parents=True)
        for time in range(4):
            frame = labels_of(0, time)
            if seed and time == 2:
                frame[frame == 3] = 0
            tifffile.imwrite(place / f"mask{time:03d}.tif", frame)
        lines = ["1 0 3 0", "2 0 3 0", "3 0 1 0\n4 3 3 3" if seed else "3 0 3 0"]
        if seed:
            last = tifffile.imread(place / "mask003.tif")
            last[last == 3] = 4
            tifffile.imwrite(place / "mask003.tif", last)
        (place / "res_track.txt").write_text("\n".join(lines) + "\n")


WRITERS: dict[str, tuple[Writer, str]] = {
    "instance": (images, ""),
    "semantic": (masks, ""),
    "restoration": (intensities, ""),
    "detection": (boxes, ".csv"),
    "classification": (classes, ".csv"),
    "tracking": (tracks, ""),
}


@pytest.fixture(params=sorted(WRITERS))
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def made(tmp_path: Path, task: str) -> Callable[..., list[Path]]:
    """Write references and candidates, each so far off."""

    def make(*seeds: int) -> list[Path]:
        write, ending = WRITERS[task]
        paths = [tmp_path / f"{name}{ending}" for name in ("truth", "one", "two", "three")]
        for path, seed in zip(paths, seeds, strict=False):
            write(path, seed)
        return paths[: len(seeds)]

    return make


def strict(found: dict[str, Any]) -> str:
    return json.dumps(found, allow_nan=False, sort_keys=True)


def test_what_is_the_same_has_the_best_value_everywhere(task: str, made: Callable[..., list[Path]]) -> None:
    found = compare_folders(*made(0, 0), task=task)
    assert (found["schema"], found["task"]) == (COMPARE_SCHEMA, task)
    for key, item in (found["metrics"] | found["metrics_per_image"]).items():
        if item["value"] is None or key.startswith(("n_", "negative", "specificity")):
            continue
        name = key.partition("[")[0]
        low = name in ZERO_IS_BEST or name.endswith(("_error", "_bias", "distance"))
        if task == "instance" or low or task not in ("restoration", "tracking"):
            best = BEST[key] if task == "instance" else 0 if low else 1
            assert item["value"] == pytest.approx(best), key
    strict(found)


def test_every_value_lies_in_its_interval(task: str, made: Callable[..., list[Path]]) -> None:
    found = compare_folders(*made(0, 2), task=task)
    n_known = 0
    for key, item in (found["metrics"] | found["metrics_per_image"]).items():
        if None in (item["value"], item["low"], item["high"]):
            continue
        n_known += 1
        assert item["low"] - 1e-9 <= item["value"] <= item["high"] + 1e-9, key
    assert n_known or task == "tracking"  # two sequences are too few for an interval


def test_the_order_of_candidates_does_not_matter(task: str, made: Callable[..., list[Path]]) -> None:
    truth, one, two = made(0, 0, 4)
    there, back = (compare_folders(truth, *pair, task=task) for pair in ((one, two), (two, one)))
    assert strict(there["candidates"]) == strict(back["candidates"])
    assert strict(there["ranking"]["values"]) == strict(back["ranking"]["values"])
    assert there["advice"] == back["advice"]


def test_the_better_one_comes_first(task: str, made: Callable[..., list[Path]]) -> None:
    # An image that is restored without any fault has no finite ratio, and is left aside.
    truth, worse, better = made(0, 4, 1 if task == "restoration" else 0)
    found = compare_folders(truth, worse, better, task=task)
    assert next(iter(found["ranking"]["values"])) == better.name
    alone = compare_folders(truth, better, task=task)
    assert strict(found["candidates"][better.name]["metrics"]) == strict(alone["metrics"])


def test_each_metric_that_can_rank_does(task: str, made: Callable[..., list[Path]]) -> None:
    truth, one, two = made(0, 0, 4)
    with pytest.raises(InputError) as caught:
        compare_folders(truth, one, two, task=task, metric="nonsense")
    assert str(caught.value).startswith("candidates cannot be ranked by 'nonsense'; the metrics are ")
    keys = str(caught.value).partition("the metrics are ")[2].split(", ")
    assert len(keys) > 2
    for key in (keys[0], keys[len(keys) // 2], keys[-1]):
        found = compare_folders(truth, one, two, task=task, metric=key)["ranking"]
        assert found["metric"] == key and set(found["values"]) == {one.name, two.name}


def test_twice_the_same_is_refused(task: str, made: Callable[..., list[Path]]) -> None:
    truth, one = made(0, 1)
    with pytest.raises(InputError, match="the same predictions are given twice"):
        compare_folders(truth, one, one, task=task)
    with pytest.raises(InputError, match="there is nothing to compare"):
        compare_folders(truth, task=task)


def test_what_is_not_there_is_named(task: str, made: Callable[..., list[Path]], tmp_path: Path) -> None:
    (truth,) = made(0)
    for given in ((truth, tmp_path / "nowhere"), (tmp_path / "nowhere", truth)):
        with pytest.raises(VeriscopeError, match="nowhere"):
            compare_folders(*given, task=task)


def test_progress_ends_with_all_done(task: str, made: Callable[..., list[Path]]) -> None:
    told: list[tuple[str, int, int]] = []
    compare_folders(*made(0, 1), task=task, progress=lambda *said: told.append(said))
    stage, done, total = told[-1]
    assert stage == "compare" and done == total > 0
    assert [item[1] for item in told] == sorted(item[1] for item in told)


def test_another_level_changes_widths_and_no_value(task: str, made: Callable[..., list[Path]]) -> None:
    given = made(0, 2)
    wide, narrow = (compare_folders(*given, task=task, level=level) for level in (0.99, 0.6))
    assert (wide["level"], narrow["level"]) == (0.99, 0.6)
    for part in ("metrics", "metrics_per_image"):
        for key, item in wide[part].items():
            other = narrow[part][key]
            assert item["value"] == other["value"], key
            if None not in (item["low"], other["low"], item["high"], other["high"]):
                assert item["low"] <= other["low"] and other["high"] <= item["high"], key


@pytest.mark.parametrize(("name", "value"), [("level", 0), ("level", 1), ("unknown", 1), ("metric", 5)])
def test_options_that_there_are_not(
    task: str, made: Callable[..., list[Path]], name: str, value: object
) -> None:
    with pytest.raises(InputError, match=name):
        compare_folders(*made(0, 1), task=task, **{name: value})
