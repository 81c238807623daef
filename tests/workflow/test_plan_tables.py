"""The tables of an audit as they lie on disk: written and read back, or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from veriscope.errors import StudyError
from veriscope.workflow.audit import audit_state, context_box, margin_of, write_plan
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plan import (
    AuditPlan,
    frame_of,
    read_plan,
    require_same_frame,
    tiles_of,
    unit_name,
)
from veriscope.workflow.tile_annotations import planned_tiles

WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=10)


def image(name: str, shape: str = "100x130", group: str = "g", replicate: str = "r") -> StudyImage:
    return StudyImage(
        image_id=name, group=group, replicate=replicate, source="", sha256="", path="", axes="yx",
        shape=shape, dtype="uint8", spacing="uncalibrated", channels="",
    )  # fmt: skip


def plan_of(images: list[StudyImage], size: int = 64) -> AuditPlan:
    """Every tile drawn once for the audit, the first once more, and the last for training."""
    frame = frame_of(images, size=size).assign(size=1.0, margin=32, sized_by="otsu-watershed;log-spots")
    frame["probability"] = 1 / len(frame)
    draws = pd.concat([frame, frame.head(1), frame.tail(1)], ignore_index=True)
    draws = draws[["group", "unit", "image_id", "replicate", "y0", "x0", "y1", "x1", "probability"]]
    draws.insert(0, "role", ["audit"] * (len(frame) + 1) + ["training"])
    draws.insert(2, "draw", [*range(len(frame) + 1), 0])
    return AuditPlan(frame, draws.assign(seed=7, status="to annotate"))


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    found = StudyFolder(tmp_path)
    plan_of([image("a"), image("b", group="h")]).write(found)
    return found


def test_a_plan_comes_back_as_it_was_written(folder: StudyFolder) -> None:
    wanted = plan_of([image("a"), image("b", group="h")])
    found = read_plan(folder)
    assert found is not None
    pd.testing.assert_frame_equal(found.frame, wanted.frame, check_dtype=False)
    pd.testing.assert_frame_equal(found.draws, wanted.draws, check_dtype=False)
    before = [(folder.root / name).read_bytes() for name in ("audit/frame.csv", "audit/plan.csv")]
    found.write(folder)
    assert [(folder.root / name).read_bytes() for name in ("audit/frame.csv", "audit/plan.csv")] == before


@settings(max_examples=20)
@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=20))
def test_probabilities_come_back_to_the_last_digit(
    tmp_path_factory: pytest.TempPathFactory, chances: list[float]
) -> None:
    """A weight is one over them: what was rounded would weigh otherwise after a restart."""
    folder = StudyFolder(tmp_path_factory.mktemp("study"))
    plan = plan_of([image("a", shape=f"20x{20 * len(chances)}")], size=20)
    plan.frame["probability"] = np.resize(chances, len(plan.frame))
    plan.write(folder)
    found = read_plan(folder)
    assert found is not None
    assert found.frame["probability"].tolist() == plan.frame["probability"].tolist()


@settings(max_examples=20)
@given(WORDS, WORDS, WORDS)
def test_names_that_look_like_numbers_stay_words(
    tmp_path_factory: pytest.TempPathFactory, name: str, group: str, replicate: str
) -> None:
    folder = StudyFolder(tmp_path_factory.mktemp("study"))
    plan_of([image(name, group=group, replicate=replicate)]).write(folder)
    found = read_plan(folder)
    assert found is not None
    for table in (found.frame, found.draws):
        assert set(table["image_id"]) == {name} and set(table["group"]) == {group}
        assert set(table["replicate"]) == {replicate}


def test_before_the_draw_and_after_a_kill_between_both_tables_there_is_no_plan(folder: StudyFolder) -> None:
    (folder.root / "audit/plan.csv").unlink()
    assert read_plan(folder) is None
    (folder.root / "audit/frame.csv").unlink()
    assert read_plan(folder) is None


@pytest.mark.parametrize("name", ["frame.csv", "plan.csv"])
@pytest.mark.parametrize("content", ["", "\n", "unit\n", "a;b;c\n1;2;3\n", '"unit,group\n'])
def test_a_damaged_table_is_named_with_what_to_do(folder: StudyFolder, name: str, content: str) -> None:
    path = folder.root / "audit" / name
    path.write_text(content)
    with pytest.raises(StudyError) as caught:
        read_plan(folder)
    assert str(caught.value).startswith(f"{path}: ") and "restore it" in str(caught.value)


def test_a_frame_that_is_gone_is_named(folder: StudyFolder) -> None:
    (folder.root / "audit/frame.csv").unlink()
    with pytest.raises(StudyError, match=r"frame\.csv: cannot be read .*; restore it, or remove the folder"):
        read_plan(folder)


@pytest.mark.parametrize("column", ["unit", "image_id", "group", "y0", "probability", "status"])
def test_a_column_that_was_taken_out_is_named(folder: StudyFolder, column: str) -> None:
    path = folder.root / "audit/plan.csv"
    table = pd.read_csv(path, dtype=str)
    table.drop(columns=column).to_csv(path, index=False)
    with pytest.raises(StudyError) as caught:
        read_plan(folder)
    assert str(caught.value) == f"{path}: has no column {column}; it was changed by hand, restore it"


def test_draws_of_a_role_keep_their_order(folder: StudyFolder) -> None:
    plan = read_plan(folder)
    assert plan is not None
    assert plan.of_role("audit")["draw"].tolist() == list(range(len(plan.frame) + 1))
    assert len(plan.of_role("training")) == 1 and plan.of_role("census").empty
    assert plan.of_role("audit").index.tolist() == list(range(len(plan.frame) + 1))


@given(st.integers(1, 300), st.integers(1, 300), st.integers(16, 200))
def test_tiles_cover_an_image_once(height: int, width: int, size: int) -> None:
    seen = np.zeros((height, width), int)
    tiles = tiles_of(image("a", shape=f"{height}x{width}"), size)
    for tile in tiles:
        seen[tile.y0 : tile.y1, tile.x0 : tile.x1] += 1
        assert tile.y1 - tile.y0 <= size and tile.x1 - tile.x0 <= size
    assert (seen == 1).all()
    names = [unit_name("a", tile.index) for tile in tiles]
    assert len(set(names)) == len(names)


def test_the_frame_lists_images_in_their_order() -> None:
    frame = frame_of([image("b"), image("a", shape="50x50")], size=64)
    assert frame["image_id"].tolist() == ["b"] * 6 + ["a"]
    assert frame["unit"].tolist()[-1] == "a_tile000"
    require_same_frame(frame, [image("b"), image("a", shape="50x50")], size=64)


@pytest.mark.parametrize(
    "now",
    [
        [image("b")],
        [image("a"), image("b")],
        [image("b"), image("a", group="other")],
        [image("b"), image("a", replicate="other")],
        [image("b"), image("a", shape="101x130")],
        [image("b"), image("a"), image("c")],
        [image("b"), image("c")],
    ],
    ids=["less", "order", "group", "replicate", "size", "more", "name"],
)
def test_a_frame_of_other_images_is_refused(now: list[StudyImage]) -> None:
    frame = frame_of([image("b"), image("a")], size=64)
    with pytest.raises(StudyError, match="were changed after the draw; change them back"):
        require_same_frame(frame, now, size=64)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 60), st.integers(1, 60), st.integers(0, 80))
def test_surroundings_hold_the_tile_and_stay_in_the_image(
    y0: int, x0: int, height: int, width: int, margin: int
) -> None:
    class Row:
        pass

    row = Row()
    row.y0, row.x0, row.y1, row.x1 = y0, x0, y0 + height, x0 + width  # type: ignore[attr-defined]
    shape = (y0 + height + 3, x0 + width + 5)
    top, left, bottom, right = context_box(row, margin, shape)
    assert 0 <= top <= y0 and y0 + height <= bottom <= shape[0]
    assert 0 <= left <= x0 and x0 + width <= right <= shape[1]
    assert (y0 - top, x0 - left) == (min(y0, margin), min(x0, margin))
    assert context_box(row, margin, (9, *shape)) == (top, left, bottom, right), "of a stack, each plane"


def test_tiles_to_annotate_with_how_often_and_for_what_they_were_drawn(folder: StudyFolder) -> None:
    plan = read_plan(folder)
    assert plan is not None
    tiles = planned_tiles(plan, [image("a"), image("b", group="h")])
    first, last = next(iter(tiles.values())), list(tiles.values())[-1]
    assert (first.n_draws, first.roles) == (2, ("audit",))
    assert (last.n_draws, last.roles) == (1, ("audit", "training"))
    assert sum(tile.n_draws for tile in tiles.values()) == len(plan.frame) + 1
    with pytest.raises(StudyError) as caught:
        planned_tiles(plan, [image("a")])
    assert str(caught.value) == "the plan names image 'b', and images.csv does not; restore it"


def test_the_state_follows_what_is_annotated(folder: StudyFolder) -> None:
    from veriscope.workflow.annotations import save_annotation

    plan = read_plan(folder)
    assert plan is not None and margin_of(plan) == 32
    units = list(plan.frame["unit"])
    save_annotation(
        folder, units[0], np.zeros((3, 3), np.uint8), origin=(0, 0), annotator="ada", source="app"
    )
    found = audit_state(folder, plan)
    audit = found["audit"]
    assert (audit["n_drawn"], audit["n_distinct"], audit["n_annotated"]) == (len(units) + 1, len(units), 1)
    assert audit["to_annotate"] == units[1:] and audit["by_group"] == {"g": 7, "h": 6}
    assert found["census"]["n_drawn"] == 0
    status = write_plan(folder, plan).draws.groupby("unit")["status"].first()
    assert status[units[0]] == "annotated" and status[units[1]] == "to annotate"
    again = read_plan(folder)
    assert again is not None and again.draws["status"].tolist().count("annotated") == 2
