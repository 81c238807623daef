"""The report of a study: its page says nothing that its record does not hold, and both are as on disk."""

from __future__ import annotations

import html
import json
import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from veriscope.errors import StudyError
from veriscope.io.hashing import sha256_of
from veriscope.io.record import Record
from veriscope.report.html import render_html
from veriscope.report.record import to_json
from veriscope.workflow.study import Study

NUMBER = re.compile(r"(?<![\w.,:/#-])[−+-]?\d[\d\u202f]*(?:\.\d+)?(?![\w.]*\d)")


def report_of(study: Study) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((study.path / "report/report.json").read_text(encoding="utf-8"))
    return found


def page_of(study: Study) -> str:
    return (study.path / "report/index.html").read_text(encoding="utf-8")


def numbers_in(value: Any) -> Iterator[float]:
    """All numbers of a record, also those in its sentences."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers_in(item)
    elif isinstance(value, str):
        yield from (float(text) for text in re.findall(r"\d+(?:\.\d+)?", value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield float(value)


def visible(html: str, section: str) -> str:
    """Text of a section, without drawings, whose axes have numbers of their own."""
    start = html.index(f'<section id="{section}"')
    inner = re.sub(r"<svg.*?</svg>", " ", html[start : html.index("</section>", start)], flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", inner)


def test_the_page_shows_no_number_of_the_answer_that_the_record_does_not_hold(finished: Study) -> None:
    record = report_of(finished)
    held = set(numbers_in([record["estimate"], record["question"], record["truth"]]))
    for group in record["estimate"]["groups"]:  # what the page works out from them
        if group["status"] == "ok" and group["estimate"]:
            held.add(group["naive"] / group["estimate"] - 1)
            held.add((group["high"] - group["low"]) / 2 / abs(group["estimate"]))
    text = visible(page_of(finished), "sec-answer")
    shown = NUMBER.findall(text)
    assert len(shown) > 10
    for token in shown:
        plain = token.replace("\u202f", "").replace("−", "-").replace("+", "")
        places = len(plain.partition(".")[2])
        near = 0.5 * 10**-places * (1 + 1e-9)
        fits = any(
            abs(abs(value) * scale - abs(float(plain))) <= near for value in held for scale in (1, 100)
        )
        assert fits, f"{token} is not in the record"


def test_the_page_is_made_of_the_record_alone(finished: Study) -> None:
    """The page used to have its metrics in another order than one rendered from report.json."""
    assert render_html(report_of(finished)) == page_of(finished)
    assert to_json(report_of(finished)) == (finished.path / "report/report.json").read_text(encoding="utf-8")


def test_the_record_of_the_report_holds_what_the_evidence_says(finished: Study) -> None:
    record = report_of(finished)
    estimate, verdict, validated = (
        json.loads((finished.path / f"evidence/{name}.json").read_text(encoding="utf-8"))
        for name in ("estimate", "verdict", "validate")
    )
    assert record["verdict"] == verdict
    assert record["estimate"]["contrasts"] == estimate["contrasts"]
    for ours, theirs in zip(record["estimate"]["groups"], estimate["groups"], strict=True):
        assert {key: ours[key] for key in ("group", "estimate", "low", "high", "naive", "status")} == {
            key: theirs[key] for key in ("group", "estimate", "low", "high", "naive", "status")
        }
    for candidate in record["candidates"]:
        assert candidate["metrics"] == validated["candidates"][candidate["method"]]["metrics"]
    assert len(record["audit"]["rows"]) == validated["n_tiles"]
    assert sum(row["draws"] for row in record["audit"]["rows"]) == record["audit"]["n_drawn"] == 24


def test_the_page_says_how_far_stated_probabilities_hold(done_study: Study) -> None:
    path = done_study.path / "evidence" / "validate.json"
    validated = json.loads(path.read_text())
    silent = [name for name, item in validated["candidates"].items() if not item["reliability"]]
    told = {item["method"]: item for item in report_of(done_study)["reliability"]}
    assert told.keys() | set(silent) == validated["candidates"].keys() and silent
    section = visible(page_of(done_study), "fig-reliability")
    for name, item in told.items():
        found = validated["candidates"][name]["reliability"]
        assert [each["n_cases"] for each in item["bins"]] == [each["n_cases"] for each in found["bins"]]
        assert item["excess"]["value"] == pytest.approx(found["excess"]["value"])
        assert item["sentence"] and item["sentence"] in section
    if not told:
        assert "No candidate states how sure it is" in section


def test_every_file_of_the_study_is_in_the_record_with_its_hash(finished: Study) -> None:
    """Whoever gets the folder can tell how each derived file came to be, and that it was not changed."""
    record = Record(finished.path)
    lacking = []
    for path in sorted(finished.path.rglob("*")):
        name = path.relative_to(finished.path).as_posix()
        inside_store = any(part.endswith(".zarr") for part in Path(name).parts[:-1])
        if path.is_dir() != name.endswith(".zarr") or inside_store:
            continue
        entry = record.latest(name)
        if entry is None:
            lacking.append(name)
        elif name != "audit/plan.csv":  # its status of tiles is written again by each import
            assert entry["outputs"][name] == sha256_of(path), name
    assert set(lacking) <= {"study.yaml", "record.jsonl", "audit/tiles/README.txt"}


def test_a_second_report_is_free_and_a_page_that_was_lost_is_written_again(done_study: Study) -> None:
    files = ("report.json", "index.html")
    before = {name: (done_study.path / "report" / name).stat().st_mtime_ns for name in files}
    done_study.report()
    assert before == {name: (done_study.path / "report" / name).stat().st_mtime_ns for name in files}
    (done_study.path / "report/index.html").write_text("spoiled")
    done_study.report()
    assert page_of(done_study).startswith("<!DOCTYPE html>")


def test_truth_is_shown_with_its_source_and_without_numbers_where_there_are_none(done_study: Study) -> None:
    done_study.report(truth={"control": 100.0, "treated": math.nan}, truth_source="counted by hand")
    assert report_of(done_study)["truth"] == {
        "groups": {"control": 100.0, "treated": None},
        "source": "counted by hand",
    }
    page = page_of(done_study)
    assert "counted by hand" in page
    assert "simulated" not in visible(page, "sec-answer")
    assert not re.search(r"\bnan\b", visible(page, "sec-answer"), re.IGNORECASE)


@pytest.mark.parametrize("method", ["stardist", ""])
def test_a_candidate_that_did_not_run_is_refused(done_study: Study, method: str) -> None:
    with pytest.raises(StudyError, match="that has run; there are: otsu-watershed, log-spots"):
        done_study.report(method=method)


@pytest.mark.parametrize("name", ["my study (2)", "it's & <b>bold", "Zellkerne $HOME ü"])
def test_a_study_that_is_renamed_keeps_its_report_and_the_commands_in_it(
    done_study: Study, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ("report/report.json", "report/index.html")
    written = {file: (done_study.path / file).read_bytes() for file in files}
    moved = done_study.path.rename(done_study.path.parent / name)
    monkeypatch.chdir(moved)
    Study(".").report()
    assert {file: (moved / file).read_bytes() for file in written} == written
    commands = report_of(Study(moved))["reproduce"]
    assert [shlex.split(command, comments=True) for command in commands] == [
        ["cd", "STUDY"],
        ["veriscope", "run", "."],
        ["veriscope", "audit", ".", "--tiles", "24"],
        ["veriscope", "audit", ".", "--import", "FOLDER"],
        *(["veriscope", verb, "."] for verb in ("validate", "estimate", "verdict", "report")),
    ]
    page = html.unescape(page_of(Study(moved)))
    assert all(command in page for command in commands)
