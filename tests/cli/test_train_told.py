"""The verb train hands on what it was given, and tells what came of it; the training itself is recorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from veriscope.training import needs, self_supervised, supervised
from veriscope.training.settings import TrainSettings
from veriscope.workflow import fine_tuning

from .conftest import Veriscope

FOUND: dict[str, Any] = {
    "schema": "veriscope/train/1",
    "package": "nets/mine",
    "recommended": "new",
    "steps": 1200,
    "minutes": 12.34,
    "stopped": "",
    "split": {"how": "drawn", "test": {"images": 7, "groups": 3}},
    "figures": {
        "f1@0.5": {"value": 0.91234, "low": 0.85, "high": 0.96},
        "pq": {"value": 0.5, "low": None, "high": None},
    },
    "comparison": None,
    "envelope": {
        "metric": "f1@0.5",
        "drop": 0.05,
        "n_images": 7,
        "changes": {
            "blur": {"meaning": "standard deviation in pixels", "range": [0.0, 2.0]},
            "noise": {"meaning": "share", "range": None},
        },
    },
    "learning_curve": None,
    "cost": {"wall_s": 800.4, "cpu_s": 1500.6, "peak_memory_bytes": 2_345_000_000, "carbon_g": 1.2},
    "notes": [],
    "use": "veriscope predict network:nets/mine IMAGES -o FOLDER",
    "states": {"format_valid": "yes"},
}


TIMES = "is not above 0 and at most 10000 min; write 20min, 90s or 2h"


class Recorded:
    """What each way to train was called with; all give the same outcome, which a test may change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found = dict(FOUND)
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        monkeypatch.setattr(needs, "need_training", lambda: self.take("needs"))
        monkeypatch.setattr(supervised, "train_files", lambda *a, **o: self.take("labels", *a, **o))
        monkeypatch.setattr(
            self_supervised, "train_without_labels", lambda *a, **o: self.take("alone", *a, **o)
        )
        monkeypatch.setattr(fine_tuning, "train_study", lambda *a, **o: self.take("study", *a, **o))

    def take(self, way: str, *given: Any, **options: Any) -> dict[str, Any]:
        self.calls.append((way, given, options))
        return self.found

    def last(self, way: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        assert [called for called, _, _ in self.calls] == ["needs", way]
        return self.calls[-1][1:]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(monkeypatch)


def test_without_options_the_defaults_are_asked_for(veriscope: Veriscope, recorded: Recorded) -> None:
    assert veriscope("train", "images", "labels", "-o", "out", "-q").code == 0
    (images, labels, output, settings), options = recorded.last("labels")
    assert (images, labels, output) == ("images", "labels", Path("out"))
    assert settings == TrainSettings()
    assert settings.model_fields_set <= {
        *("tune", "topology", "curve", "seed", "deterministic", "device", "batch", "crop", "threads"),
        *("data_url", "licence"),
    }
    assert callable(options.pop("progress")) and callable(options.pop("say"))
    assert options == {
        "channel": None,
        "axes": None,
        "sheet": None,
        "group_by": None,
        "split": None,
        "series": None,
        "spacing": None,
        "unlabelled": None,
        "objects": "object",
    }


def test_every_option_reaches_the_training(veriscope: Veriscope, recorded: Recorded) -> None:
    words = (
        "--head semantic --architecture vit --time 90s --from old --tune lora --split s.csv --sheet t.csv "
        "--group-by {group}_* --unlabelled more --unlabelled yet/more --learning-curve --topology 0.25 "
        "--object mitochondrion --channel 1 --axes yx --seed 4 --device cpu --batch 3 --crop 64 --rate 0.01 "
        "--threads 2 --data-url https://example.org --licence MIT"
    )
    assert veriscope("train", "i*.tif", "labels", "-o", "nets/mine", *words.split(), "--json").code == 0
    (images, _, output, settings), options = recorded.last("labels")
    assert (images, output) == ("i*.tif", Path("nets/mine"))
    assert settings == TrainSettings(
        head="semantic",
        architecture="vit",
        minutes=1.5,
        start="old",
        tune="lora",
        curve=True,
        topology=0.25,
        seed=4,
        device="cpu",
        batch=3,
        crop=64,
        rate=0.01,
        threads=2,
        data_url="https://example.org",
        licence="MIT",
    )
    assert (options["split"], options["sheet"]) == (Path("s.csv"), Path("t.csv"))
    assert options["unlabelled"] == ["more", "yet/more"]
    assert (options["group_by"], options["channel"], options["axes"]) == ("{group}_*", "1", "yx")
    assert (options["objects"], options["say"]) == ("mitochondrion", None)


def test_steps_and_determinism_go_together(veriscope: Veriscope, recorded: Recorded) -> None:
    veriscope("train", "i", "l", "-o", "o", "--steps", "7", "--deterministic", "-q")
    settings = recorded.last("labels")[0][3]
    assert (settings.steps, settings.deterministic, settings.minutes) == (7, True, 20)


@pytest.mark.parametrize("task", ["n2v", "masked"])
def test_images_alone_are_learned_from_without_labels(
    veriscope: Veriscope, recorded: Recorded, task: str
) -> None:
    words = ("--self-supervised", task, "--sheet", "t.csv", "--channel", "DAPI", "--steps", "3")
    assert veriscope("train", "a", "b", "c", "-o", "out", *words, "-q").code == 0
    (images, output, settings), options = recorded.last("alone")
    assert (images, output, settings.steps) == (["a", "b", "c"], Path("out"), 3)
    assert (options["task"], options["sheet"], options["channel"]) == (task, Path("t.csv"), "DAPI")
    assert "split" not in options and "objects" not in options


def test_a_study_knows_its_images_and_need_not_name_the_package(
    veriscope: Veriscope, recorded: Recorded, tmp_path: Path
) -> None:
    (tmp_path / "study.yaml").write_text("")
    assert veriscope("train", tmp_path, "--from", "old", "-q").code == 0
    given, options = recorded.last("study")
    assert given == (tmp_path, None, TrainSettings(start="old"))
    assert set(options) == {"progress", "say"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["images", "labels", "more", "-o", "out"],
            "3 folders are given (images, labels, more: no such folder; check the name); training takes "
            "images and labels (two folders or quoted patterns), one study, or images alone with "
            "--self-supervised n2v or masked",
        ),
        (
            ["*.tif", "-o", "out"],
            "1 folder is given; training takes images and labels (two folders or quoted patterns), one "
            "study, or images alone with --self-supervised n2v or masked",
        ),
        (
            ["a", "--self-supervised", "masked"],
            "give the folder of the package to be made: -o NAME",
        ),
        (
            ["a", "-o", "o", "--self-supervised", "n2v", "--learning-curve", "--from", "x"],
            "--from, --learning-curve cannot be given with --self-supervised, which has no labels; leave it "
            "out",
        ),
        (["a", "b", "-o", "o", "--time", "soon"], "--time 'soon' cannot be read; write 20min, 90s or 2h"),
        (["a", "b", "-o", "o", "--time", "0h"], f"--time '0h' {TIMES}"),
        (["a", "b", "-o", "o", "--time", "167h"], f"--time '167h' {TIMES}"),
        (
            ["a", "b", "-o", "o", "--rate", "5"],
            "veriscope train: wrong options\n"
            "  - --rate: Input should be less than or equal to 1 (got 5.0)\n"
            "Options are: --head, --architecture, --time, --steps, --from, --tune, --topology, "
            "--learning-curve, --seed, --deterministic, --device, --batch, --crop, --rate, --threads, "
            "--data-url, --licence",
        ),
        (
            ["a", "b", "-o", "o", "--time", "1min", "--steps", "4"],
            "--time and --steps both say how long to learn; give one of them",
        ),
    ],
)
def test_wrong_use_is_one_sentence_and_nothing_is_trained(
    veriscope: Veriscope, recorded: Recorded, words: list[str], message: str
) -> None:
    said = veriscope("train", *words, "--json")
    assert (said.code, said.message) == (1, message)
    assert {way for way, _, _ in recorded.calls} <= {"needs"}


@pytest.mark.parametrize(
    ("option", "value", "limit"),
    [
        ("--batch", "0", "greater than or equal to 1"),
        ("--crop", "16", "greater than or equal to 32"),
        ("--topology", "2", "less than or equal to 1"),
        ("--threads", "-1", "greater than or equal to 0"),
        ("--steps", "0", "greater than or equal to 1"),
        ("--seed", "-3", "greater than or equal to 0"),
    ],
)
def test_numbers_beyond_their_limits_are_wrong_usage(
    veriscope: Veriscope, recorded: Recorded, option: str, value: str, limit: str
) -> None:
    said = veriscope("train", "a", "b", "-o", "o", option, value, "--json")
    assert said.code == 2
    assert said.message == (
        f"Invalid value for '{option}': Input should be {limit}. See veriscope train --help"
    )
    assert recorded.calls == []


def test_what_came_of_it_is_told_line_by_line(veriscope: Veriscope, recorded: Recorded) -> None:
    said = veriscope("train", "a", "b", "-o", "o", "-q")
    assert said.code == 0
    lines = [line.rstrip() for line in said.out.splitlines() if line.strip()]
    assert lines[0] == "1200 steps in 12.3 min"
    assert lines[1] == "On 7 locked images of 3 groups"
    rows = [line.split() for line in lines]
    assert ["f1@0.5", "0.912", "0.85", "to", "0.96"] in rows
    assert ["pq", "0.5", "cannot", "tell"] in rows
    assert (
        "blur (standard deviation in pixels): f1@0.5 falls by less than 0.05 from 0 to 2 (on 7 locked "
        "images, without interval)"
    ) in lines
    assert not any(line.startswith("noise") for line in lines)
    assert lines[-3:] == [
        "took 800 s, 1501 s of processor time, 2.3 GB, about 1 g CO2",
        "package: nets/mine",
        "Use it: veriscope predict network:nets/mine IMAGES -o FOLDER",
    ]


def test_what_ended_early_what_more_would_bring_and_which_is_better_are_told(
    veriscope: Veriscope, recorded: Recorded
) -> None:
    recorded.found |= {
        "stopped": "the validation loss was lowest at step 3",
        "learning_curve": {"sentence": "50 more objects would gain nothing"},
        "comparison": {"sentence": "the new network is better than [old]"},
        "figures": {},
        "envelope": {},
        "use": "",
    }
    lines = veriscope("train", "a", "b", "-o", "o", "-q").out.splitlines()
    assert lines == [
        "1200 steps in 12.3 min, ended early: the validation loss was lowest at step 3",
        "50 more objects would gain nothing",
        "took 800 s, 1501 s of processor time, 2.3 GB, about 1 g CO2",
        "the new network is better than [old]",
        "package: nets/mine",
    ]


def test_what_was_not_measured_is_a_dash_and_no_zero(veriscope: Veriscope, recorded: Recorded) -> None:
    recorded.found["cost"] = FOUND["cost"] | {"peak_memory_bytes": None, "carbon_g": None}
    assert "took 800 s, 1501 s of processor time, —, —\n" in veriscope("train", "a", "b", "-o", "o", "-q").out


def test_notes_on_the_way_go_to_stderr_and_not_beside_json(
    veriscope: Veriscope, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(*_: Any, say: Any, progress: Any, **__: Any) -> dict[str, Any]:
        progress("learn", 1, 2)
        if say is not None:
            say("memory did not suffice for 8 crops [in a step]")
        return FOUND

    monkeypatch.setattr(supervised, "train_files", train)
    plain = veriscope("train", "a", "b", "-o", "o", "-q")
    assert plain.err == "memory did not suffice for 8 crops [in a step]\n"
    both = veriscope("train", "a", "b", "-o", "o", "--json")
    assert (both.err, both.json) == ("", FOUND)


def test_pixel_size_and_images_of_files_are_handed_on(veriscope: Veriscope, recorded: Recorded) -> None:
    line = ("train", "images", "labels", "-o", "out", "-q")
    assert veriscope(*line, "--spacing", "z=2,y=0.5,x=0.5", "--series", "each").code == 0
    _, options = recorded.last("labels")
    assert (options["spacing"], options["series"]) == ({"z": 2, "y": 0.5, "x": 0.5}, "each")
    recorded.calls.clear()
    assert (
        veriscope("train", "images", "-o", "out", "-q", "--self-supervised", "n2v", "--series", "2").code == 0
    )
    assert recorded.last("alone")[1]["series"] == 2
