"""What a comparison may be told: nothing that would change nothing, and nothing is lost that is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.validate.fingerprint.measured import LIMITS
from veriscope.workflow.comparison.folders import compare_folders
from veriscope.workflow.comparison.options import TASKS, CompareOptions

Folder = Callable[..., Path]
Refusal = Callable[..., str]


def two(*, side: int = 6) -> NDArray[np.uint16]:
    labels = np.zeros((20, 30), np.uint16)
    labels[2 : 2 + side, 2 : 2 + side] = 1
    labels[2 : 2 + side, 16 : 16 + side] = 2
    return labels


NOTHING = np.zeros_like(two())


@pytest.fixture
def folders(folder: Folder) -> list[Path]:
    """References, a candidate that is right, and one that finds nothing."""
    truth = {"a": two(), "b": two(side=8), "c": two(side=4)}
    return [
        folder("labels", **truth),
        folder("right", **truth),
        folder("silent", **dict.fromkeys(truth, NOTHING)),
    ]


USES: dict[str, tuple[Any, set[str]]] = {
    "thresholds": ((0.4,), {"instance", "detection"}),
    "spacing": ({"y": 1.0, "x": 1.0}, {"instance", "semantic", "detection", "restoration"}),
    "boundaries": (True, {"instance"}),
    "criterion": ("box_iou", {"detection"}),
    "object_size": (9.0, {"instance", "semantic", "detection"}),
    "components": (True, {"instance"}),
    "foreground": (True, {"semantic"}),
    "classes": (("a", "b"), {"classification"}),
    "data_range": (255.0, {"restoration"}),
    "level": (0.9, set(TASKS)),
    "metric": ("f1", set(TASKS)),
}


@pytest.mark.parametrize("name", USES)
@pytest.mark.parametrize("task", TASKS)
def test_each_setting_goes_with_its_tasks_alone(name: str, task: str) -> None:
    value, tasks = USES[name]
    options = CompareOptions.parse({name: value}, where="compare")
    if task in tasks:
        options.check_task(task)
        return
    with pytest.raises(InputError, match=f" goes with .*, not with {task}"):
        options.check_task(task)


def test_the_usual_settings_go_with_every_task() -> None:
    for task in TASKS:
        CompareOptions().check_task(task)


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("instance", {"tolerance": "5%"}, "tolerance is the error of a measure; name that with --measure"),
        (
            "instance",
            {"boundary_tolerance": 1.0},
            "boundary-tolerance is about outlines; judge them with --boundaries",
        ),
        (
            "detection",
            {"boundary_tolerance": 1.0},
            "boundary-tolerance is about outlines; judge them with --criterion boundary_iou",
        ),
        (
            "detection",
            {"boundary_tolerance": 1.0, "criterion": "mask_iou"},
            "boundary-tolerance is about outlines; judge them with --criterion boundary_iou",
        ),
    ],
)
def test_a_setting_that_waits_for_another_is_refused(
    folders: list[Path], refusal: Refusal, task: str, options: dict[str, Any], message: str
) -> None:
    """They were taken and changed nothing, so that a user believed in an answer to another question."""
    assert refusal(*folders[:2], task=task, **options).splitlines()[1].strip(" -") == message


def test_with_the_other_they_are_taken(folders: list[Path]) -> None:
    found = compare_folders(
        *folders[:2], boundaries=True, boundary_tolerance=1.0, measure="count", tolerance=0.1
    )
    assert found["metrics_per_image"]["nsd"]["value"] == 1
    assert found["biology"]["checks"]


@pytest.mark.parametrize("measure", ["mean-area", "fraction:area>10"])
def test_a_candidate_that_finds_nothing_does_not_cost_the_others_their_report(
    folders: list[Path], measure: str
) -> None:
    """It has no mean area in any image; everything else is known, of it and of the other."""
    found = compare_folders(*folders, measure=measure, tolerance="10%")
    assert list(found["ranking"]["values"]) == ["right", "silent"]
    assert "biology" in found["candidates"]["right"]
    assert "biology" not in found["candidates"]["silent"]
    assert found["candidates"]["silent"]["metrics"]["recall@0.5"]["value"] == 0
    assert found["notes"] == [
        f"no image has a {measure} of both reference and prediction, so whether it survives cannot be told"
    ]


def test_a_count_of_nothing_is_a_count(folders: list[Path]) -> None:
    found = compare_folders(folders[0], folders[2], measure="count", tolerance="10%")
    (bias,) = (check for check in found["biology"]["checks"] if check["name"] == "bias")
    assert bias["figure"]["value"] == -1, "all of them are lost"
    assert found["notes"] == []


def test_a_name_that_no_table_has_is_refused_before_anything_is_compared(
    folders: list[Path], tmp_path: Path, refusal: Refusal
) -> None:
    seen: list[tuple[str, int, int]] = []
    said = refusal(*folders, objects=tmp_path / "objects.xlsx", progress=lambda *of: seen.append(of))
    assert said == "objects.xlsx: tables are written as .parquet or .csv, not '.xlsx'"
    assert seen == []


@given(
    st.floats(1e-3, 1e3) | st.none(),
    st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=3) | st.none(),
)
def test_outlines_agree_within_what_was_stated_else_two_pixels(
    stated: float | None, steps: list[float] | None
) -> None:
    found = CompareOptions(boundary_tolerance=stated).outline_tolerance(steps)
    if stated is not None:
        assert found == stated
    else:
        assert found == 2 * (1.0 if steps is None else min(steps[-2], steps[-1]))


@given(st.floats(0.1, 1e3), st.floats(0.01, 10))
def test_a_stated_size_is_small_in_pixels_whatever_the_unit(diameter: float, pixel: float) -> None:
    in_pixels = CompareOptions(object_size=diameter).size_answers(None)
    in_um = CompareOptions(object_size=diameter * pixel).size_answers({"y": pixel, "x": 2 * pixel})
    limit = LIMITS["small_structures"]
    if abs(diameter - limit) > 1e-6:
        assert in_pixels == in_um == {"small_structures": diameter < limit}
    assert CompareOptions().size_answers({"y": pixel}) == {}


def test_lines_are_asked_for_by_either_answer() -> None:
    assert not CompareOptions().asks_for_lines
    assert CompareOptions(answers={"tubular": True}).asks_for_lines
    assert CompareOptions(answers={"connections_matter": True, "tubular": False}).asks_for_lines
    assert not CompareOptions(answers={"connections_matter": False}).asks_for_lines


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"thresholds": (0.0,)}, "thresholds"),
        ({"thresholds": (float("nan"),)}, "thresholds"),
        ({"level": 1}, "level"),
        ({"level": "high"}, "level"),
        ({"object_size": 0}, "object_size"),
        ({"object_size": float("nan")}, "object_size"),
        ({"classes": ("a", "a")}, "each class needs a name, and is named once"),
        ({"classes": ("a", "")}, "each class needs a name, and is named once"),
        ({"data_range": -1}, "data_range"),
        ({"criterion": "touch"}, "criterion"),
        ({"answers": {"colour": True}}, "colour"),
        ({"answers": {"tubular": "perhaps"}}, "tubular"),
        ({"levels": 0.9}, "levels: Extra inputs are not permitted"),
    ],
)
def test_what_is_no_setting_is_named(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        CompareOptions.parse(options, where="compare")
    assert told in str(caught.value)
