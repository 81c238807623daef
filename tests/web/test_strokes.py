"""What is drawn in the browser is on disk: where it was drawn, in every version, and nothing is lost.

Node runs ``web/tests/strokes.mjs`` with Debian's Chromium against ``veriscope serve`` on blank images; the
tests look at the files of the study that came of it. Nothing is mocked.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from skimage.draw import polygon2mask

SIDE = 256
OPTIONS = ["--object", "nucleus", "--spacing", "0.5", "--tile-size", str(SIDE), "--method", "otsu-watershed"]
pytestmark = pytest.mark.slow
Mask = NDArray[np.bool_]


@pytest.fixture(scope="module")
def study(make_study: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of six images with some spots, each of one tile, all of them drawn for the audit."""
    folder = tmp_path_factory.mktemp("strokes")
    images = folder / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    for name in "abcdef":
        spots = 200 * ((np.hypot(y % 64 - 32, x % 64 - 32) < 6) & (y < 64))
        tifffile.imwrite(images / f"{name}.tif", (spots + rng.poisson(20, (SIDE, SIDE))).astype(np.uint8))
    return make_study(folder / "study", images, *OPTIONS, audits=[["--tiles", "2"], ["--all"]])


@pytest.fixture(scope="module")
def drawn(
    drive: Callable[..., dict[str, Any]],
    serving: Callable[[Path], AbstractContextManager[str]],
    study: Path,
) -> dict[str, Any]:
    """What the browser drew and where, after the server has stopped."""
    with serving(study) as address:
        found = drive("strokes.mjs", address, "study", str(SIDE))
    assert not found["faults"], f"{found['faults']}; pictures are in {found['pictures']}"
    return found


def labels_of(study: Path, tile: str, version: int, annotator: str = "ana") -> NDArray[Any]:
    return np.asarray(
        tifffile.imread(study / "annotations" / f"{tile}_tile000" / f"{annotator}.v{version}.tif")
    )


def journal_of(study: Path, tile: str, annotator: str = "ana") -> list[dict[str, Any]]:
    path = study / "annotations" / f"{tile}_tile000" / f"{annotator}.journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def near(points: list[list[float]], radius: float) -> Mask:
    """Pixels whose centres lie within a radius of a line through points, x and y each."""
    y, x = np.mgrid[:SIDE, :SIDE]
    found = np.zeros((SIDE, SIDE), bool)
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0, 1)
        found |= np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) <= radius
    return found


def inside(points: list[list[float]]) -> Mask:
    return np.asarray(polygon2mask((SIDE, SIDE), [(y, x) for x, y in points]))


def overlap(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


def test_a_brush_stroke_is_saved_where_it_was_drawn(study: Path, drawn: dict[str, Any]) -> None:
    told = drawn["reachServer"]
    labels = labels_of(study, "a", 1)
    assert labels.shape == (SIDE, SIDE) and len(np.unique(labels)) == 2
    assert overlap(labels > 0, near(told["stroke"], told["radius"])) > 0.97


def test_eraser_polygon_and_lasso_do_what_they_say(study: Path, drawn: dict[str, Any]) -> None:
    told = drawn["reachServer"]
    labels = labels_of(study, "a", 2)
    assert len(np.unique(labels)) == 4
    stroke = near(told["stroke"], told["radius"]) & ~near(told["cut"], told["radius"])
    for expected in (stroke, inside(told["polygon"]), inside(told["lasso"])):
        label = np.bincount(labels[expected]).argmax()
        assert label > 0
        assert overlap(labels == label, expected) > 0.94


def test_undo_and_redo_after_a_reload_reach_the_server(study: Path, drawn: dict[str, Any]) -> None:
    first, second, third = drawn["undoAfterReload"]["y"]
    at = {version: labels_of(study, "b", version)[[first, second, third], 100] > 0 for version in (1, 2, 3)}
    assert {version: list(found) for version, found in at.items()} == {
        1: [True, True, True],
        2: [True, False, False],
        3: [True, True, False],
    }
    steps = [line["kind"] for line in journal_of(study, "b") if line["kind"] in ("undo", "redo")]
    assert steps == ["undo", "undo", "redo"]


def test_every_preset_has_its_keys(drawn: dict[str, Any]) -> None:
    assert drawn["usePresets"] == ["napari", "QuPath", "Cellpose"]


def test_two_annotators_keep_a_version_each(study: Path, drawn: dict[str, Any]) -> None:
    told = drawn["workInTwo"]
    for annotator, version in (("ana", 1), ("ben", 2)):
        rows = np.nonzero(labels_of(study, "d", version, annotator))[0]
        assert rows.mean() == pytest.approx(told[annotator], abs=0.6)
    # The lines lie nearly over each other: at an overlap of a half they are the same object.
    assert re.search(r"ana – ben: F1 at IoU 0\.5 \(1 tile\)\s*1", told["agreement"])


def test_one_annotator_at_two_computers_loses_no_version(study: Path, drawn: dict[str, Any]) -> None:
    told = drawn["workInTwo"]
    first, second = (labels_of(study, "d", version) > 0 for version in (1, 3))
    assert first[told["ana"], 100] and not first[told["again"], 100]
    assert second[told["again"], 100] and not second[told["ana"], 100]
    # What was not saved, because the other version was chosen, is still in the journal.
    clients = {line["client"] for line in journal_of(study, "d")}
    assert len(clients - {"server"}) == 2


def test_a_stroke_without_connection_is_sent_later(study: Path, drawn: dict[str, Any]) -> None:
    told = drawn["loseConnection"]
    assert told["unsent"] > 0
    lines = journal_of(study, "e")
    # The other browser has them from the server, and writes them again under a name of its own.
    mine = [line for line in lines if line["client"] == lines[0]["client"]]
    pieces = [line for line in mine if line["data"].get("operation") == "brush"]
    assert len(pieces) >= 2 and all(piece["data"].get("continues") for piece in pieces[1:])
    assert overlap(labels_of(study, "e", 1) > 0, near(told["stroke"], told["radius"])) > 0.95


def test_one_finger_draws_and_two_zoom(study: Path, drawn: dict[str, Any]) -> None:
    told = drawn["drawWithFingers"]
    labels = labels_of(study, "f", 1)
    assert len(np.unique(labels)) == 3
    label = labels[60, 120]
    assert label > 0 and overlap(labels == label, near(told["stroke"], told["radius"])) > 0.95
