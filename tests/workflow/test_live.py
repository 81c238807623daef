"""The answer while one annotates: what it says of tolerance and confidence is what was asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from veriscope.cli.study_verbs import show_estimate
from veriscope.errors import StudyError
from veriscope.workflow.answer import estimate_study
from veriscope.workflow.config import StudyConfig
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.live import live_estimate
from veriscope.workflow.plan import read_plan
from veriscope.workflow.study import Study
from veriscope.workflow.tile_annotations import planned_tiles, save_tile


@pytest.fixture
def asking(finished: Study) -> Callable[..., tuple[StudyFolder, StudyConfig]]:
    """Give the finished study with another question."""

    def ask(**changes: object) -> tuple[StudyFolder, StudyConfig]:
        question = finished.config.question.model_copy(update=changes)
        return StudyFolder(finished.path), finished.config.model_copy(update={"question": question})

    return ask


@pytest.mark.parametrize(
    ("tolerance", "said"), [(0.1, "±10%"), (0.025, "±2.5%"), (0.005, "±0.5%"), (0.07, "±7%"), (5.0, "±500%")]
)
def test_the_tolerance_is_told_as_it_was_given(
    asking: Callable[..., tuple[StudyFolder, StudyConfig]], tolerance: float, said: str
) -> None:
    found = live_estimate(*asking(tolerance=tolerance))
    assert said in found["text"]
    assert found["tolerance"] == tolerance
    widths = [(g["high"] - g["low"]) / 2 / abs(g["estimate"]) for g in found["groups"]]
    assert found["enough"] == (max(widths) <= tolerance)
    assert found["text"].startswith("Every group is within") == found["enough"]


def test_more_tiles_are_asked_for_the_smaller_the_tolerance(
    asking: Callable[..., tuple[StudyFolder, StudyConfig]],
) -> None:
    needed = [live_estimate(*asking(tolerance=t))["extra_tiles_needed"] for t in (5.0, 0.2, 0.1, 0.05)]
    known = [number for number in needed if number is not None]
    assert known == sorted(known)
    assert known[0] == 0


def test_without_a_tolerance_it_is_for_people_to_say(
    asking: Callable[..., tuple[StudyFolder, StudyConfig]],
) -> None:
    found = live_estimate(*asking(tolerance=None))
    assert (found["enough"], found["tolerance"]) == (False, None)
    assert found["text"].startswith("No tolerance was given")


@pytest.mark.parametrize(("level", "said"), [(0.9, "90%"), (0.995, "99.5%"), (0.999, "99.9%")])
def test_the_level_is_told_as_it_was_given(
    asking: Callable[..., tuple[StudyFolder, StudyConfig]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    level: float,
    said: str,
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    found = live_estimate(*asking(level=level))
    show_estimate({"contrasts": [], "contrast_unit": "", **found})
    printed = "".join(capsys.readouterr())
    assert f"{said} interval" in printed
    assert "100%" not in printed


def test_surer_means_wider(asking: Callable[..., tuple[StudyFolder, StudyConfig]]) -> None:
    by_level = [live_estimate(*asking(level=level))["groups"] for level in (0.6, 0.8, 0.9, 0.99)]
    for groups in zip(*by_level, strict=True):
        assert len({group["estimate"] for group in groups}) == 1
        widths = [group["high"] - group["low"] for group in groups]
        assert widths == sorted(widths)
        assert len(set(widths)) == len(widths)


def test_each_tile_counts_from_when_it_was_drawn_in_turn(run_study: Study) -> None:
    run_study.audit(tiles=8)
    folder, config = StudyFolder(run_study.path), run_study.config
    plan = read_plan(folder)
    assert plan is not None
    with pytest.raises(StudyError):
        live_estimate(folder, config)
    counted = []
    for number, tile in enumerate(planned_tiles(plan, folder.images()).values()):
        save_tile(folder, tile, np.zeros(tile.shape, np.uint16), annotator="anna", details={})
        if number == 0:  # one group has no tile yet
            with pytest.raises(StudyError, match="counts yet: those drawn first come first"):
                live_estimate(folder, config)
        else:
            counted.append(live_estimate(folder, config)["n_counted"])
    assert counted == list(range(2, 2 + len(counted)))
    with pytest.raises(StudyError, match="nope"):
        live_estimate(folder, config, method="nope")


def test_at_the_end_it_is_the_answer(finished: Study) -> None:
    folder, config = StudyFolder(finished.path), finished.config
    live = live_estimate(folder, config)
    final = estimate_study(folder, config)
    for one, other in zip(live["groups"], final["groups"], strict=True):
        assert (one["estimate"], one["low"], one["high"]) == (other["estimate"], other["low"], other["high"])
