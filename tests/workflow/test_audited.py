"""What an audit knows: which draws count, what tiles add up to, and answers that any unit tells alike."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.workflow.scripted import audit, install, small_study, squares

from veriscope.core.image import Image
from veriscope.errors import StudyError
from veriscope.workflow.audited import (
    audited_draws,
    audited_tiles,
    predicted_sums,
    prediction_of,
    reference_sums,
    require_plan,
)
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study

# Objects over borders of tiles of 32, one in a corner where four meet, one alone.
CORNERS = [(3, 3), (28, 10), (29, 29), (10, 40), (45, 45)]
TRUTH = {name: squares(*CORNERS) for name in ("a", "b", "c")}


def part(image: Image) -> Any:
    return squares(*CORNERS[:3])


@pytest.fixture
def patch(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    install(monkeypatch, told=lambda image: TRUTH[image.name], part=part)
    return monkeypatch


@pytest.fixture
def study(tmp_path: Path, patch: pytest.MonkeyPatch) -> Study:
    """Every tile of three images annotated, ten of them drawn, with repeats."""
    return audit(small_study(tmp_path, TRUTH, methods=("part", "told")), tiles=10, everything=True)


def test_sums_over_all_tiles_are_those_of_the_images(study: Study) -> None:
    """Each object belongs to one tile, also where it lies in four."""
    folder, config = StudyFolder(study.path), study.config
    frame = require_plan(folder).frame
    found = reference_sums(folder, config, frame)
    assert sum(float(sums.count[0]) for sums in found.values()) == len(CORNERS) * 3
    told = predicted_sums(folder, config, "told", frame)
    assert told.sums.count.tolist() == [float(found[unit].count[0]) for unit in frame["unit"]]
    some = predicted_sums(folder, config, "part", frame)
    assert (some.sums.count <= told.sums.count).all() and some.sums.count.sum() == 9


def test_tiles_hold_the_pixels_of_the_image_and_of_the_prediction(study: Study) -> None:
    folder = StudyFolder(study.path)
    tiles = audited_tiles(folder, study.config)
    predictions = prediction_of(folder, "part", tiles)
    assert [tile.unit for tile in tiles] == list(
        dict.fromkeys(audited_draws(folder, require_plan(folder))["unit"])
    ), "in the order of drawing"
    for tile, prediction in zip(tiles, predictions, strict=True):
        y, x = tile.origin
        height, width = tile.reference.shape
        inside = slice(y, y + height), slice(x, x + width)
        assert (prediction > 0).tolist() == (squares(*CORNERS[:3])[inside] > 0).tolist()
        assert (tile.reference > 0).tolist() == (TRUTH[tile.image_id][inside] > 0).tolist()
        assert (tile.image.pixels > 100).tolist() == (tile.reference > 0).tolist()
        y0, x0, y1, x1 = tile.inner_box
        assert (y0 + y, x0 + x, y1 + y, x1 + x) == tile.box


def test_draws_count_up_to_the_first_that_nobody_annotated(study: Study) -> None:
    """Who skips the hard tiles and goes on finds his answer in those before."""
    folder = StudyFolder(study.path)
    plan = require_plan(folder)
    order = plan.of_role("audit")["unit"].tolist()
    assert audited_draws(folder, plan)["unit"].tolist() == order
    repeats = Counter(order)
    skipped = next(unit for unit in order[3:] if repeats[unit] == 1)
    for path in (folder.root / "annotations" / skipped).iterdir():
        path.unlink()
    kept = audited_draws(folder, plan)["unit"].tolist()
    assert kept == order[: order.index(skipped)]
    tiles = audited_tiles(folder, study.config)
    assert {tile.unit for tile in tiles} == set(kept)
    for tile in tiles:
        p = float(plan.frame.set_index("unit").loc[tile.unit, "probability"])
        assert tile.weight == pytest.approx(kept.count(tile.unit) / (len(kept) * p))


def test_the_first_tile_skipped_leaves_nothing(study: Study) -> None:
    folder = StudyFolder(study.path)
    first = require_plan(folder).of_role("audit")["unit"].iloc[0]
    for path in (folder.root / "annotations" / first).iterdir():
        path.unlink()
    with pytest.raises(StudyError, match="no audit tile is annotated yet; annotate those in"):
        audited_tiles(folder, study.config)


def test_weights_add_up_to_the_tiles_over_many_audits(study: Study) -> None:
    """The mean over seeds of Σ draws / (n p) is the number of tiles: the draw is what the plan says."""
    from veriscope.trust.sampling import draw

    frame = require_plan(StudyFolder(study.path)).frame
    probability = frame["probability"].to_numpy()
    totals = []
    for seed in range(400):
        rows = draw(probability, n=10, seed=seed)
        totals.append(sum(1 / (10 * probability[row]) for row in rows))
    error = np.std(totals) / np.sqrt(len(totals))
    assert abs(np.mean(totals) - len(frame)) < 4 * error


@pytest.mark.usefixtures("patch")
@pytest.mark.parametrize("measure", ["density", "mean-area", "total-area", "area-fraction", "count"])
def test_answers_scale_with_the_pixel(tmp_path: Path, measure: str) -> None:
    """Also where the imaged area is exactly 1 µm², which was taken for no area at all."""
    power = {"density": -2, "mean-area": 2, "total-area": 2, "area-fraction": 0, "count": 0}[measure]
    answers = []
    for number, pixel in enumerate((1.0, 2.0**-7)):
        place = tmp_path / str(number)
        place.mkdir()
        images = dict.fromkeys(("a", "b", "c", "d"), TRUTH["a"])
        study = small_study(
            place,
            images,
            methods=("part",),
            measure=measure,
            spacing={"y": pixel, "x": pixel},
        )
        if measure == "density" and number:
            assert sum(labels.size for labels in images.values()) * pixel**2 == 1
        answers.append(audit(study, tiles=12).estimate()["groups"][0])
    coarse, fine = answers
    unit = 2.0 ** (-7 * power)
    for key in ("estimate", "low", "high", "naive"):
        assert fine[key] == pytest.approx(coarse[key] * unit, rel=1e-9), key
    assert fine["estimator"] == coarse["estimator"]


@pytest.mark.usefixtures("patch")
def test_groups_under_other_names_get_the_same_answers(tmp_path: Path) -> None:
    """Names seed the draws, so that tiles differ; with every tile annotated nothing is left to chance."""
    found = []
    for number, names in enumerate((("control", "treated"), ("wild type", "A/B"))):
        place = tmp_path / str(number)
        place.mkdir()
        sheet = place / "sheet.csv"
        rows = [(name, names[place_ // 2], place_) for place_, name in enumerate("abcd")]
        pd.DataFrame(rows, columns=["image", "group", "replicate"]).to_csv(sheet, index=False)
        images = {"a": squares((3, 3)), "b": squares((3, 3), (40, 40)), "c": TRUTH["a"], "d": TRUTH["a"]}
        study = audit(
            small_study(place, images, methods=("part",), groups=str(sheet)), tiles=20, everything=True
        )
        found.append(study.estimate())
    for ours, theirs in zip(found[0]["groups"], found[1]["groups"], strict=True):
        assert {key: ours[key] for key in ("estimate", "low", "high", "estimator", "n_images")} == {
            key: theirs[key] for key in ("estimate", "low", "high", "estimator", "n_images")
        }
    assert [group["estimate"] for group in found[0]["groups"]] == [3, 2 * len(CORNERS)]
    assert {group["estimator"] for group in found[0]["groups"]} == {"census"}
    assert [c["estimate"] for c in found[0]["contrasts"]] == [c["estimate"] for c in found[1]["contrasts"]]
