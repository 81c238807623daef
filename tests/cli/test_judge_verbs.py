"""The verbs that judge predictions, and that choose what to judge them by."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import yaml

from veriscope.validate.catalogue import catalogue
from veriscope.workflow.study import Study

Veriscope = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """References of all tasks; candidate good is right, candidate poor lacks half."""
    rng = np.random.default_rng(2)
    for stem in ("i1", "i2", "i3"):
        labels = np.zeros((40, 60), np.uint16)
        for number in range(6):
            row, column = divmod(number, 3)
            labels[20 * row + 4 : 20 * row + 16, 20 * column + 4 : 20 * column + 14] = number + 1
        intensities = rng.integers(0, 200, labels.shape).astype(np.float32)
        for kind in ("labels", "good", "poor"):
            for folder in ("", "images/"):
                (tmp_path / folder / kind).mkdir(parents=True, exist_ok=True)
            kept = labels * (labels % 2) if kind == "poor" else labels
            tifffile.imwrite(tmp_path / kind / f"{stem}.tif", kept)
            noise = rng.normal(0, {"labels": 0, "good": 2, "poor": 40}[kind], labels.shape)
            pixels = (intensities + noise).astype(np.float32)
            tifffile.imwrite(tmp_path / f"images/{kind}/{stem}.tif", pixels)
    return tmp_path


def write_tables(root: Path) -> None:
    rows = {"labels": "a b a", "good": "a b a", "poor": "a a a"}
    for kind, names in rows.items():
        lines = [f"i{n},{name}" for n, name in enumerate(names.split(), start=1)]
        (root / f"{kind}.csv").write_text("image,class\n" + "\n".join(lines) + "\n")
        places = [f"i1,{x},{x},{x + 8},{x + 8},0.9" for x in (0, 20, 40)][: 2 if kind == "poor" else 3]
        (root / f"{kind}-boxes.csv").write_text(
            "image,xmin,ymin,xmax,ymax,score\n" + "\n".join(places) + "\n"
        )


def write_tracks(root: Path) -> None:
    for kind in ("labels", "good", "poor"):
        place = root / "tracks" / kind
        place.mkdir(parents=True)
        for frame in range(3):
            pixels = np.zeros((6, 20), np.uint16)
            pixels[1:4, 1:4] = 1
            pixels[1:4, 10:13] = 2 if kind != "poor" or frame < 2 else 0
            tifffile.imwrite(place / f"t{frame}.tif", pixels)
        (place / "res_track.txt").write_text(f"1 0 2 0\n2 0 {1 if kind == 'poor' else 2} 0\n")


TASKS = {
    "instance": ("labels", "good", "poor"),
    "semantic": ("labels", "good", "poor"),
    "restoration": ("images/labels", "images/good", "images/poor"),
    "classification": ("labels.csv", "good.csv", "poor.csv"),
    "detection": ("labels-boxes.csv", "good-boxes.csv", "poor-boxes.csv"),
    "tracking": ("tracks/labels", "tracks/good", "tracks/poor"),
}
PERFECT = {
    "instance": ("f1@0.5", 2 * 9 / (2 * 9 + 9)),
    "semantic": ("dice[2]", 0),
    "classification": ("accuracy", 2 / 3),
    "detection": ("f1", 4 / 5),
    "tracking": ("det", 1 - 1 / 6),
}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_from_files_to_one_json_object(veriscope: Veriscope, files: Path, task: str) -> None:
    write_tables(files)
    write_tracks(files)
    references, good, poor = (files / name for name in TASKS[task])
    said = veriscope("compare", references, good, "--task", task, "--json")
    assert (said.code, said.err) == (0, "")
    alone = said.json
    assert (alone["schema"], alone["task"], alone["advice"]["category"]) == (
        "veriscope/compare/1",
        task,
        task,
    )
    both = veriscope("compare", references, poor, good, "--task", task, "--json").json
    name = good.name
    assert list(both["candidates"]) == [poor.name, name]
    assert both["candidates"][name]["metrics"] == alone["metrics"]
    if task in PERFECT:
        key, expected = PERFECT[task]
        assert alone["metrics"][key]["value"] == 1
        assert both["candidates"][poor.name]["metrics"][key]["value"] == pytest.approx(expected)
    ranking = both["ranking"]
    assert next(iter(ranking["values"])) == name
    assert {"stability", "to_separate", "pairs", "groups", "better", "metric"} <= set(ranking)
    shown = veriscope("compare", references, poor, good, "--task", task, "-q")
    assert (shown.code, shown.err) == (0, "")
    assert f"Ranked by {ranking['metric']}" in shown.out
    assert veriscope("compare", references, good, "--task", task, "-q").out.strip()


def test_one_candidate_is_shown_with_what_fits_first(veriscope: Veriscope, files: Path) -> None:
    said = veriscope("compare", files / "labels", files / "poor", "-q")
    lines = said.out.splitlines()
    assert lines[0].strip() == "3 images, 18 reference objects; interval by image; * fits the problem"
    marked = [n for n, line in enumerate(lines) if re.match(r"^ *\S+ \*", line)]
    others = [n for n, line in enumerate(lines) if re.match(r"^ *\S+@0\.\d (?!\*)", line)]
    assert marked
    assert max(marked) < min(others)
    assert "beware" in said.out


def test_identical_candidates_cannot_be_separated(veriscope: Veriscope, files: Path) -> None:
    said = veriscope("compare", files / "labels", files / "good", files / "labels", "-q")
    assert "good against labels: cannot separate" in said.out


def test_one_image_tells_nothing_of_the_ranking(veriscope: Veriscope, files: Path) -> None:
    paths = (files / kind / "i1.tif" for kind in ("labels", "good", "poor"))
    said = veriscope("compare", *paths, "-q")
    assert said.code == 0
    assert re.search(r"good/i1.tif +1 +cannot tell +cannot tell", said.out)
    assert "good/i1.tif against poor/i1.tif: cannot separate" in said.out


def test_options_reach_the_comparison(veriscope: Veriscope, files: Path) -> None:
    folders = (files / "labels", files / "good")
    found = veriscope("compare", *folders, "--threshold", "0.6", "--level", "0.9", "--json").json
    assert (found["thresholds"], found["level"]) == ([0.5, 0.6], 0.9)
    line = ("--task", "semantic", "--foreground", "--boundary-tolerance", "0.7", "--spacing", "0.5", "--json")
    found = veriscope("compare", *folders, *line).json
    assert (found["classes"], found["boundary_tolerance"], found["length_unit"]) == ([1], 0.7, "µm")
    (files / "good/i3.tif").unlink()
    found = veriscope("compare", *folders, "--partial", "--json").json
    assert found["references_without_prediction"] == ["i3"]
    shown = veriscope("compare", *folders, "--partial", "-q")
    assert "1 references without prediction were left out" in shown.err
    sheet = files / "sheet.csv"
    sheet.write_text("image,group,replicate\ni1,x,1\ni2,x,2\n")
    found = veriscope("compare", *folders, "--partial", "--groups", sheet, "--metric", "pq", "--json").json
    assert found["unit"] == "replicate"


def test_options_of_single_tasks(veriscope: Veriscope, files: Path) -> None:
    write_tables(files)
    tables = (files / "labels.csv", files / "good.csv", "--task", "classification", "--json")
    found = veriscope("compare", *tables, "--classes", "b, a").json
    assert found["classes"] == ["b", "a"]
    assert "weighted_kappa" in found["metrics"], "their order makes them grades"
    images = (files / "images/labels", files / "images/poor", "--task", "restoration", "--json")
    assert veriscope("compare", *images, "--data-range", "4095").json["data_range"] == 4095
    labels = (files / "labels", files / "poor", "--json")
    known = veriscope("compare", *labels, "--set", "costlier_error=misses").json["advice"]["fingerprint"]
    assert {row["item"]: row["answer"] for row in known}["costlier_error"] == "misses"
    refused = veriscope("compare", *labels, "--set", "costlier_error=both").message
    assert "costlier_error: 'both' is no answer; use none, misses, false positives" in refused
    plain = veriscope("compare", *labels).json
    outlined = veriscope("compare", *labels, "--boundaries").json
    added = set(outlined["metrics_per_image"]) | set(outlined["metrics"])
    assert added - set(plain["metrics_per_image"]) - set(plain["metrics"])
    table = files / "objects.csv"
    veriscope("compare", *labels, "--objects", table)
    counted = pd.read_csv(table).value_counts(["side", "status"]).to_dict()
    assert counted == {
        ("reference", "matched"): 9,
        ("reference", "missed"): 9,
        ("prediction", "matched"): 9,
    }


def test_masks_are_compared_where_that_is_said(veriscope: Veriscope, files: Path) -> None:
    for path in (files / "good").iterdir():
        tifffile.imwrite(path, tifffile.imread(path) > 0)
    said = veriscope("compare", files / "labels", files / "good", "--json")
    assert said.code == 1
    assert said.message.count("--connected-components does that here") == 3
    found = veriscope("compare", files / "labels", files / "good", "--connected-components", "--json").json
    assert found["metrics"]["f1@0.9"]["value"] == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("labels", "none"), "none: no such file or folder; check the name"),
        (("empty", "good"), "empty: no image found; give a folder"),
        (("labels", "good", "good"), "the same predictions are given twice ({0}/good, {0}/good); give each"),
        (("labels", "good", "--task", "counting"), "task 'counting' is not known; the tasks are instance"),
        (
            ("labels", "good", "--metric", "beauty"),
            "candidates cannot be ranked by 'beauty'; the metrics are",
        ),
        (("labels", "good", "--level", "95"), "level: Input should be less than 1 (got 95.0)"),
        (("labels", "good", "--spacing", "small"), "spacing 'small' cannot be read; write 0.5 or z=2,y=0.5"),
        (("labels", "good", "--foreground"), "foreground goes with semantic, not with instance"),
        (("images/labels", "good"), "has fractional, infinite or NaN values"),
    ],
)
def test_bad_input_is_told_on_either_channel(
    veriscope: Veriscope, files: Path, line: tuple[str, ...], message: str
) -> None:
    (files / "empty").mkdir()
    image = next((files / "images/labels").iterdir())
    tifffile.imwrite(image, tifffile.imread(image) + np.float32(0.5))
    paths = [
        str(files / word) if (files / word.split("/")[0]).exists() or word == "none" else word
        for word in line
    ]
    as_json = veriscope("compare", *paths, "--json")
    assert (as_json.code, as_json.err) == (1, "")
    assert message.replace("{0}", str(files)) in as_json.message
    as_text = veriscope("compare", *paths, "-q")
    assert (as_text.code, as_text.out) == (1, "")
    assert as_text.err.startswith("Error: ")


def test_all_metrics_are_listed(veriscope: Veriscope) -> None:
    found = veriscope("metrics", "--json").json
    assert found["schema"] == "veriscope/metrics/1"
    assert len(found["metrics"]) == len(catalogue())
    text = veriscope("metrics").out
    for item in catalogue():
        assert item.key in text
    of_task = veriscope("metrics", "--task", "tracking", "--json").json["metrics"]
    assert {"tra", "chota"} <= {item["key"] for item in of_task}
    assert all("tracking" in item["tasks"] for item in of_task)


def test_one_metric_is_shown_in_full(veriscope: Veriscope) -> None:
    (found,) = veriscope("metrics", "nsd", "--json").json["metrics"]
    text = veriscope("metrics", "nsd").out
    for key in ("formula", "use", "avoid", "source"):
        assert f"  {key}: {found[key]}" in text
    assert f"  empty case: {found['empty']}" in text
    assert "  range: 0 to 1; higher is better" in text
    assert f"  computed by: veriscope.validate.{found['function']}" in text
    assert "  range: 0 to no upper end; lower is better" in veriscope("metrics", "hausdorff").out
    assert "  range: no lower end to no upper end; higher is better" in veriscope("metrics", "psnr").out


def test_unknown_metrics_and_tasks(veriscope: Veriscope) -> None:
    said = veriscope("metrics", "beauty", "--json")
    assert (said.code, said.message) == (1, "there is no metric 'beauty'; veriscope metrics lists all")
    said = veriscope("metrics", "--task", "counting")
    assert said.code == 1
    assert said.err.startswith("Error: there is no task 'counting'; the tasks are classification, semantic")


@pytest.fixture
def study(tmp_path: Path, tiny_data: Path) -> Path:
    """A study in which nothing has run, with a comment of its owner."""
    made = Study.new(
        tmp_path / "study",
        images=str(tiny_data / "images" / "*.tif"),
        object="nucleus",
        groups=str(tiny_data / "sheet.csv"),
        methods=("otsu-watershed",),
    )
    file = made.path / "study.yaml"
    file.write_text(file.read_text().replace("candidates:", "# chosen with Ann\ncandidates:"))
    return made.path


class Terminal(io.StringIO):
    """A person who types."""

    def isatty(self) -> bool:
        return True


def answers(study: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((study / "study.yaml").read_text())["fingerprint"]
    return found


def test_answers_are_set_and_kept_beside_every_other_line(veriscope: Veriscope, study: Path) -> None:
    before = (study / "study.yaml").read_text()
    said = veriscope(
        "fingerprint", study, "--set", "touching=yes", "--set", "centre_interest=centre", "--json"
    )
    assert (said.code, said.err, said.json["schema"]) == (0, "", "veriscope/fingerprint/1")
    by_item = {row["item"]: row for row in said.json["items"]}
    assert (by_item["touching"]["answer"], by_item["touching"]["source"]) == (True, "said")
    assert (study / "study.yaml").read_text() == before.replace(
        "fingerprint: {}\n", "fingerprint:\n  centre_interest: centre\n  touching: true\n"
    )
    shown = veriscope("fingerprint", study)
    assert re.search(r"touching +yes +said", shown.out)
    assert "Category: instance" in shown.out
    assert answers(study) == {"touching": True, "centre_interest": "centre"}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("tubulr=yes", "there is no item 'tubulr'; did you mean tubular?"),
        ("tubular=perhaps", "tubular: 'perhaps' is no answer; use no, yes"),
        ("tubular", "parameter 'tubular' cannot be read; write NAME=VALUE"),
    ],
)
def test_wrong_answers_change_nothing(veriscope: Veriscope, study: Path, answer: str, message: str) -> None:
    before = (study / "study.yaml").read_bytes()
    said = veriscope("fingerprint", study, "--set", answer, "--json")
    assert said.code == 1
    assert said.message.startswith(message)
    assert (study / "study.yaml").read_bytes() == before


def test_nobody_is_asked_without_a_terminal(
    veriscope: Veriscope, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    said = veriscope("fingerprint", study)
    assert said.code == 0
    assert "open, and would change the advice: " in said.err
    assert answers(study) == {}


def test_a_person_at_the_terminal_is_asked(
    veriscope: Veriscope, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    first = veriscope("fingerprint", study, "--json").json["open"]
    assert first[0]["answers"] == [False, True]
    monkeypatch.setattr("sys.stdin", Terminal("perhaps\nYES\n" + "\n" * 40))
    said = veriscope("fingerprint", study)
    assert said.code == 0
    assert first[0]["question"] in said.err
    assert "'perhaps' is none of no, yes" in said.err
    assert answers(study) == {first[0]["item"]: True}


def test_asking_beside_json_keeps_stdout_clean(
    veriscope: Veriscope, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n" + "\n" * 40))
    said = veriscope("fingerprint", study, "--ask", "--json")
    assert said.code == 0
    assert said.json["schema"] == "veriscope/fingerprint/1"
    assert list(answers(study).values()) == [True]


def test_an_answer_that_begins_another_can_be_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from veriscope.cli.advice import ask_person

    question = {
        "item": "centre_interest",
        "question": "What is used later?",
        "answers": ["none", "centre", "centre line"],
        "assumed": "none",
    }
    for typed, expected in (
        ("centre\n", "centre"),
        ("centre l\n", "centre line"),
        ("n\n", "none"),
        ("\n", None),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        assert ask_person(question) == expected
    monkeypatch.setattr("sys.stdin", io.StringIO("cent\nnone\n"))
    assert ask_person(question) == "none"
    assert "'cent' is none of none, centre, centre line" in capsys.readouterr().err
