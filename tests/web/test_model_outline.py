"""Pointing at objects in the browser: a model outlines them, and that it did is recorded.

Node runs ``web/tests/model.mjs`` with Debian's Chromium against ``veriscope serve``. The model is a real pair
of ONNX files with the inputs and outputs of Segment Anything, without trained weights
(``tests/tiny_segmenter``); it is added while the page is open. Nothing is mocked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

SIDE, RADIUS = 256, 14
PLACES = {
    "alone": (60, 60),
    "left": (70, 150),
    "right": (96, 150),
    "framed": (180, 70),
    "spared": (190, 190),
}
OPTIONS = ["--object", "nucleus", "--spacing", "0.5", "--tile-size", str(SIDE), "--method", "otsu-watershed"]
TINY = "segmenter:tiny"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def empty_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give a cache without models, which the server and the command line share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VERISCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def disc(name: str) -> NDArray[np.bool_]:
    x, y = PLACES[name]
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return np.asarray(np.hypot(rows - y, columns - x) < RADIUS)


@pytest.fixture(scope="module")
def study(make_study: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two 16-bit images of five discs, each of one tile, both drawn for the audit."""
    folder = tmp_path_factory.mktemp("model")
    images = folder / "images"
    images.mkdir()
    rng = np.random.default_rng(0)
    for name in "ab":
        bright = np.any([disc(place) for place in PLACES], axis=0)
        tifffile.imwrite(
            images / f"{name}.tif", (rng.normal(400, 9, bright.shape) + 3000 * bright).astype("u2")
        )
    return make_study(folder / "study", images, *OPTIONS, audits=[["--tiles", "2"], ["--all"]])


@pytest.fixture(scope="module")
def seen(
    drive: Callable[..., dict[str, Any]],
    serving: Callable[[Path], AbstractContextManager[str]],
    veriscope: Callable[..., list[str]],
    tiny_segmenter: Path,
    study: Path,
) -> dict[str, Any]:
    """What the browser did, after the server has stopped."""
    add = veriscope("models", "add", str(tiny_segmenter), "--name", "tiny", "--licence", "CC0-1.0", "-q")
    with serving(study) as address:
        found = drive("model.mjs", address, "study", "a_tile000", str(SIDE), json.dumps(add))
    assert not found["faults"], f"{found['faults']}; pictures are in {found['pictures']}"
    return found


def journal(study: Path) -> list[dict[str, Any]]:
    path = study / "annotations" / "a_tile000" / "ana.journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_whole_way_was_gone(seen: dict[str, Any]) -> None:
    assert seen["done"][-1] == "survive"
    assert {name: tuple(place) for name, place in seen["discs"].items()} == PLACES


def test_outlines_that_were_taken_are_saved_where_they_were_seen(study: Path, seen: dict[str, Any]) -> None:
    labels = np.asarray(tifffile.imread(study / "annotations" / "a_tile000" / "ana.v1.tif"))
    assert (
        labels.shape == (SIDE, SIDE) and len(np.unique(labels)) == 5
    )  # a stroke, three outlines, background
    for name in ("alone", "left", "framed"):
        x, y = PLACES[name]
        found, expected = labels == labels[y, x], disc(name)
        assert labels[y, x] > 0
        assert (found & expected).sum() / (found | expected).sum() > 0.75, name
    for name in ("right", "spared"):
        x, y = PLACES[name]
        assert labels[y, x] == 0, name


def test_that_a_model_outlined_is_recorded(study: Path, seen: dict[str, Any]) -> None:
    beside = json.loads((study / "annotations" / "a_tile000" / "ana.v1.json").read_text())
    assert beside["segmenters"] == [TINY] and beside["proposal"] is None
    lines = journal(study)
    shown = [line["data"] for line in lines if line["kind"] == "proposal-shown"]
    assert [item["candidate"] for item in shown] == [TINY]
    notes = [line["data"]["detail"] for line in lines if line["data"].get("note") == "model-outline"]
    assert [(note["segmenter"], note["sha256"]) for note in notes] == 3 * [(TINY, shown[0]["sha256"])]
    assert [len(json.loads(note["points"])) for note in notes] == [1, 2, 0]
    assert [note["box"] is not None for note in notes] == [False, False, True]
    edits = [line["data"] for line in lines if line["data"].get("operation") == "model"]
    assert [edit["status"][0][1:] for edit in edits] == 3 * [[None, "accepted"]]
