"""The curve over annotated objects: who judges, what is annotated, what peers get, what is kept."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from veriscope.core.image import RGB_CHANNELS, Image
from veriscope.training.images.pairs import LabelledImage, pixel_hash
from veriscope.training.images.split import Split

from .conftest import write_peer


def stained(number: int, *, height: int = 256, width: int = 300) -> LabelledImage:
    """Dark squares on a bright ground in colour, one every 30 pixels; two images are a field."""
    labels = np.zeros((height, width), np.int32)
    places = [(y, x) for y in range(5, height - 12, 30) for x in range(5, width - 12, 30)]
    for value, (y, x) in enumerate(places, 1):
        labels[y : y + 12, x : x + 12] = value
    light = np.random.default_rng(number).integers(215, 235, (height, width, 3))
    pixels = np.where(labels[..., None] > 0, light - [60, 150, 90], light).astype(np.uint8)
    image = Image(np.moveaxis(pixels, -1, 0), "cyx", channels=RGB_CHANNELS)
    return LabelledImage(f"tissue{number}", image, labels, f"field{number // 2}", pixel_hash(image.pixels))


@pytest.fixture(scope="module")
def split() -> Split:
    pairs = [stained(number) for number in range(16)]
    return Split(tuple(pairs[:10]), tuple(pairs[10:12]), tuple(pairs[12:]), "as written")


@pytest.fixture(scope="module")
def curve(script: dict[str, Any]) -> SimpleNamespace:
    """Functions that draw who learns from what."""
    return SimpleNamespace(**script["judging_fields"].__globals__)


@pytest.mark.parametrize("per_field", [1, 2, 9])
def test_no_field_both_teaches_and_judges(curve: Any, split: Split, per_field: int) -> None:
    found = curve.judging_fields(split, 0, images_per_field=per_field)
    fields = Counter(pair.group for pair in found.test)
    assert set(fields.values()) == {min(per_field, 2)}
    assert len(fields) == 2 + 3
    assert not fields.keys() & {pair.group for pair in (*found.train, *found.val)}
    assert found.val == split.val
    assert f"{len(found.test)} images in all" in found.how


def test_who_judges_hangs_on_the_seed_alone(curve: Any, split: Split) -> None:
    drawn = [
        [pair.stem for pair in curve.judging_fields(split, seed, images_per_field=1).test]
        for seed in (0, 0, *range(1, 6))
    ]
    assert drawn[0] == drawn[1]
    assert len({tuple(names) for names in drawn}) > 1


@pytest.mark.parametrize("objects", [25, 60, 150])
def test_whole_tiles_are_annotated_until_there_are_enough_objects(
    curve: Any, split: Split, objects: int
) -> None:
    kept = curve.with_objects(split, objects, 3)
    assert 0.6 * objects <= curve.n_annotated(kept) <= objects
    assert (kept.val, kept.test) == (split.val, split.test)
    by_name = {pair.stem: pair for pair in split.train}
    for pair in kept.train:
        known = pair.labels >= 0
        assert (pair.labels[known] == by_name[pair.stem].labels[known]).all()
        assert known.sum() % 128**2 == 0
        assert 0 < known.sum() < known.size
    again, other = (curve.with_objects(split, objects, seed) for seed in (3, 4))
    assert [pair.stem for pair in again.train] == [pair.stem for pair in kept.train]
    assert any((a.labels != b.labels).any() for a, b in zip(kept.train, other.train, strict=False))


def test_every_image_has_a_tile_before_one_has_a_second(curve: Any, split: Split) -> None:
    tiles = [int((p.labels >= 0).sum()) // 128**2 for p in curve.with_objects(split, 250, 0).train]
    assert len(tiles) == len(split.train)
    assert set(tiles) <= {1, 2}


def test_more_objects_than_there_are_are_those_of_all_tiles(curve: Any, split: Split) -> None:
    kept = curve.with_objects(split, 10_000, 0)
    assert [int((pair.labels >= 0).sum()) for pair in kept.train] == [4 * 128**2] * 10


def test_tiles_without_objects_teach_nothing_and_small_images_are_one_tile(curve: Any) -> None:
    empty, small = stained(0), stained(1, height=100, width=90)
    empty.labels[:] = 0
    split = Split((empty, small), (), (), "two")
    kept = curve.with_objects(split, 9, 0)
    assert [pair.stem for pair in kept.train] == ["tissue1"]
    assert (kept.train[0].labels == small.labels).all()
    assert curve.n_annotated(kept) == small.n_objects == 9
    assert not curve.with_objects(split, 8, 0).train


def test_peers_get_the_tiles_cut_out_with_nothing_unknown(curve: Any, split: Split) -> None:
    kept = curve.with_objects(split, 60, 0)
    handed = curve.handed_to_peers(kept, "density")
    assert sum(pair.n_objects for pair in handed.train) == curve.n_annotated(kept)
    for pair in handed.train:
        assert pair.image.pixels.shape == pair.labels.shape == (128, 128)
        assert pair.labels.min() == 0
    for ours, theirs in zip((*kept.val, *kept.test), (*handed.val, *handed.test), strict=True):
        assert (ours.labels == theirs.labels).all()
        assert theirs.image.pixels.shape == ours.labels.shape
        assert theirs.sha256 == pixel_hash(theirs.image.pixels)
        assert theirs.group == ours.group


def test_dark_objects_shine_in_density(curve: Any, split: Split) -> None:
    kept = curve.with_objects(split, 60, 0)
    for sees, sign in (("density", 1), ("light", -1)):
        for pair in curve.handed_to_peers(kept, sees).train:
            inside, outside = (pair.image.pixels[pair.labels > 0], pair.image.pixels[pair.labels == 0])
            assert sign * (np.median(inside) - np.median(outside)) > 0.3


def row(asked: str, seed: int, of: int, value: float | None, way: str = "") -> dict[str, Any]:
    return {"asked": asked, "method": asked + way, "seed": seed, "of": of, "f1@0.5": {"value": value}}


def test_points_are_kept_one_by_one_and_read_again(script: dict[str, Any], tmp_path: Path) -> None:
    file, made = tmp_path / "curve.json", {"cpu_minutes": 1.0, "set": "tissue"}
    points = script["Points"](file, made)
    points.keep([row("ours", 0, 50, 0.5)])
    assert json.loads(file.read_text()) == made | {"rows": points.rows}
    points.keep([row("cellpose", 0, 50, 0.25), {"asked": "stardist", "missing": "no environment"}])
    again = script["Points"](file, made)
    assert [one["asked"] for one in again.rows] == ["ours", "cellpose"]
    assert again.has("cellpose", 0, 50)
    for other in (("stardist", 0, 50), ("ours", 1, 50), ("ours", 0, 100), ("ours-start", 0, 50)):
        assert not again.has(*other)
    with pytest.raises(SystemExit, match=r"holds points of .*1\.0.* not of .*2\.0.*name another file"):
        script["Points"](file, made | {"cpu_minutes": 2.0})


def test_the_table_pairs_seeds_and_compares_half_the_objects_with_all(script: dict[str, Any]) -> None:
    points = script["Points"](None, {})
    for seed, (start, scratch, peer) in {
        0: (0.7, 0.6, 0.5),
        1: (0.6, 0.65, 0.4),
        2: (0.8, None, 0.3),
    }.items():
        points.keep([row("ours-start", seed, 50, start), row("ours", seed, 100, scratch)])
        points.keep([row("cellpose-start", seed, 100, peer, ", sizes told"), row("ours", seed, 200, 0.9)])
    lines = points.summary()
    assert "ours-start                 50  0.700 (0.600 to 0.800), 3" in lines
    assert "ours                      100  0.625 (0.600 to 0.650), 2" in lines
    assert "ours-start 50 less ours 100:  +0.100  -0.050" in lines
    assert "ours-start 50 less cellpose-start, sizes told 100:  +0.200  +0.200  +0.500" in lines
    assert not [line for line in lines if "less ours 200" in line]
    few = script["Points"](None, {})
    few.keep([row("ours", 0, 50, 0.5)])
    assert len(few.summary()) == 2


@pytest.fixture
def main(script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, split: Split) -> Any:
    """The command with a peer that is made up, on images that are made up."""
    write_peer(tmp_path, "cellpose", told=True)
    monkeypatch.setenv("VERISCOPE_PEERS", str(tmp_path))
    names = script["main"].__globals__
    peers = script["judge_peer"].__globals__
    monkeypatch.setitem(peers, "PEERS", tmp_path)
    monkeypatch.setitem(names, "_read", lambda folder: split)

    def ours(found: Split, settings: Any) -> dict[str, Any]:
        return {"": peers["judged"]([pair.labels for pair in found.test], found) | {"start": settings.start}}

    monkeypatch.setitem(names, "judge_ours", ours)
    common = ["--data", str(tmp_path), "--fine-tune", "tissue", "--cpu-minutes", "0.5", "--threads", "1"]
    return lambda *words: script["main"]([*common, "--json", str(tmp_path / "curve.json"), *words])


def calls(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "cellpose.jsonl").read_text().splitlines()]


def test_a_peer_learns_from_the_tiles_from_a_start_that_is_trained_once(
    main: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = tmp_path / "starts"
    words = ["--objects", "40", "80", "--methods", "ours", "ours-start", "cellpose-start"]
    found = main(*words, "--peer-starts", str(starts), "--peer-start-minutes", "3", "--seeds", "4")
    first, *others = calls(tmp_path)
    assert first == {"train": 10, "test": 0, "words": ["180.0", "0", "--keep", str(starts / "cellpose")]}
    assert [call["words"] for call in others] == [["30.0", "4", "--start", str(starts / "cellpose")]] * 2
    assert {call["test"] for call in others} == {10}
    assert [call["train"] < 10 for call in others] == [True] * 2
    by = {(one["method"], one["of"]): one for one in found["rows"]}
    assert len(by) == 2 * (1 + 1 + 2)
    assert (by["ours", 40]["start"], by["ours-start", 40]["start"]) == (None, "nuclei-fluorescence")
    assert by["cellpose-start", 80]["f1@0.5"]["value"] == 0
    assert by["cellpose-start, sizes told", 80]["f1@0.5"]["value"] == 1
    for one in found["rows"]:
        assert (one["seed"], one["images"], one["fields"]) == (4, 10, 5)
        assert 0 < one["objects"] <= one["of"]
    assert "ours-start 40 less cellpose-start 80:  +1.000" in capsys.readouterr().out
    # Again: all points are there, one more seed is not, and the start is not trained anew.
    main(*words, "--peer-starts", str(starts), "--seeds", "4")
    assert len(calls(tmp_path)) == 3
    main("--objects", "40", "--methods", "cellpose-start", "--peer-starts", str(starts), "--seeds", "5")
    assert len(calls(tmp_path)) == 4


def test_ours_can_start_from_a_network_that_learned_as_long_as_theirs(
    main: Any, script: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trained: list[tuple[int, int, float, int]] = []

    def train(found: Split, settings: Any, folder: Path) -> tuple[None, dict[str, float]]:
        trained.append((len(found.train), len(found.test), settings.minutes, settings.seed))
        folder.mkdir()
        return None, {"train_cpu_min": settings.minutes}

    monkeypatch.setitem(script["main"].__globals__, "train_ours", train)
    words = ["--start", "trained", "--objects", "40", "--methods", "ours-start", "--seeds", "4", "5"]
    with pytest.raises(SystemExit, match=r"ours: say where networks to start from are kept: --peer-starts"):
        main(*words)
    starts = tmp_path / "starts"
    found = main(*words, "--peer-starts", str(starts), "--peer-start-minutes", "3")
    assert trained == [(10, 0, 3.0, 0)]
    assert [one["start"] for one in found["rows"]] == [str(starts / "ours")] * 2
    assert [path.name for path in starts.iterdir()] == ["ours"]


def test_the_start_is_judged_untrained_with_no_objects(
    main: Any, script: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    names = script["main"].__globals__
    monkeypatch.setitem(names, "find_network", lambda name: asked.append(name))
    monkeypatch.setitem(names, "start_predictor", lambda start: lambda image: np.ones((256, 300), np.int32))
    words = ["--objects", "0", "--start", "my-nuclei", "--methods"]
    (found,) = main(*words, "ours-start")["rows"]
    assert asked == ["my-nuclei"]
    assert (found["objects"], found["of"], found["f1@0.5"]["value"]) == (0, 0, 0)
    with pytest.raises(SystemExit, match="ours with 0 objects: only ours-start is judged untrained"):
        main(*words, "ours")


def test_what_cannot_be_run_is_said(
    main: Any, script: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="no tile of the training images has so few objects"):
        main("--objects", "1")
    with pytest.raises(SystemExit, match=r"cellpose: say where .*--peer-starts DIR"):
        main("--objects", "40", "--methods", "cellpose-start")
    with pytest.raises(SystemExit, match="2"):
        main("--objects", "40", "--methods", "ours-strat")
    assert "'ours-strat' (choose from" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        script["main"](["--data", str(tmp_path), "--methods", "ours", "stardist-start"])
    assert "in the curve of --fine-tune only" in capsys.readouterr().err
    main("--objects", "40", "--methods", "stardist-start", "--peer-starts", str(tmp_path / "starts"))
    assert "no environment at" in capsys.readouterr().out
    assert json.loads((tmp_path / "curve.json").read_text())["rows"] == []
