"""After the draw, what was drawn from stays as it was, or the study says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from veriscope.errors import StudyError
from veriscope.workflow.layout import StudyFolder, StudyImage
from veriscope.workflow.plan import read_plan
from veriscope.workflow.study import Study

Rows = tuple[StudyImage, ...]

CHANGES: dict[str, Callable[[Rows], list[StudyImage]]] = {
    "an image less": lambda rows: list(rows[1:]),
    "another order": lambda rows: [*rows[1:], rows[0]],
    "another group": lambda rows: [replace(rows[0], group="new"), *rows[1:]],
    "another replicate": lambda rows: [replace(rows[0], replicate="new"), *rows[1:]],
    "another size": lambda rows: [replace(rows[0], shape="200x200"), *rows[1:]],
}


@pytest.fixture
def drawn(run_study: Study) -> Study:
    run_study.audit(tiles=12)
    return run_study


@pytest.mark.parametrize("change", CHANGES)
def test_images_changed_after_the_draw_are_refused_by_every_step(
    drawn: Study, tiny_data: Path, change: str
) -> None:
    """Drawing more used to end in a KeyError, and other replicates were used in half of the answer."""
    folder = StudyFolder(drawn.path)
    folder.write_images(CHANGES[change](folder.images()))
    plan = (drawn.path / "audit/plan.csv").read_bytes()
    changed = Study(drawn.path)
    for step in (
        lambda: changed.audit(tiles=20),
        lambda: changed.audit(training=4),
        lambda: changed.import_references(tiny_data / "labels", whole_images=True),
    ):
        with pytest.raises(StudyError, match=r"replicates were changed after the draw; change them back"):
            step()
    assert (drawn.path / "audit/plan.csv").read_bytes() == plan


def test_other_tiles_in_the_settings_are_refused(drawn: Study) -> None:
    path = drawn.path / "study.yaml"
    path.write_text(path.read_text().replace("tile_size: 56", "tile_size: 80"))
    with pytest.raises(
        StudyError, match="tile_size, images, groups or replicates were changed after the draw"
    ):
        Study(drawn.path).audit(more=2)


def test_what_was_changed_back_is_drawn_on_as_if_nothing_had_been(drawn: Study, tmp_path: Path) -> None:
    folder = StudyFolder(drawn.path)
    rows = folder.images()
    folder.write_images(rows[1:])
    with pytest.raises(StudyError):
        Study(drawn.path).audit(tiles=20)
    folder.write_images(rows)
    assert Study(drawn.path).audit(tiles=20)["audit"]["n_drawn"] == 20
    plan = read_plan(folder)
    assert plan is not None
    assert list(plan.of_role("audit").groupby("group")["draw"].max() + 1) == [10, 10]
