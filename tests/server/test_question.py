"""Another question for a study: said before, done with care, and heard of by every page."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.server.conftest import Running

from veriscope.io.record import Record
from veriscope.workflow.config import read_config

STUDY = "/api/studies/small"
ASKED = {"object": "nucleus", "measure": "mean-area", "tolerance": "5%", "level": 0.9}


def version(client: httpx.Client) -> str:
    found: str = client.get(STUDY).json()["question_form"]["version"]
    return found


def test_what_a_change_means_is_said_before(reader: httpx.Client, shared: Running) -> None:
    before = (shared.settings.folder / "small" / "study.yaml").read_bytes()
    found = reader.post(f"{STUDY}/question/preview", json=ASKED).json()
    assert found["text"] == "What is the mean area of the nuclei in each group?"
    assert found["is_change"] is True
    assert [line.split(" ")[1] for line in found["again"]] == ["answer", "report"]
    assert "annotated tiles: nothing has to be drawn again." in found["stays"][-1]
    assert any("An answer is known already" in line for line in found["caution"])
    assert (shared.settings.folder / "small" / "study.yaml").read_bytes() == before


def test_the_same_question_changes_nothing(client: httpx.Client, workspace: Path) -> None:
    same = {"object": "nucleus", "measure": "count", "tolerance": 0.1}
    found = client.post(f"{STUDY}/question/preview", json=same).json()
    assert (found["is_change"], found["again"], found["stays"], found["caution"]) == (False, [], [], [])
    n_entries = len(Record(workspace / "small").entries())
    assert client.put(f"{STUDY}/question", json=same, headers={"if-match": "*"}).status_code == 200
    assert len(Record(workspace / "small").entries()) == n_entries
    assert client.get(f"{STUDY}/answer").json()["stale"] is False


def test_a_changed_question_leaves_every_other_line(client: httpx.Client, workspace: Path) -> None:
    path = workspace / "small" / "study.yaml"
    path.write_text("# my remark\n" + path.read_text() + "# the end\n")
    others = yaml.safe_load(path.read_text())
    answer = client.put(f"{STUDY}/question", json=ASKED, headers={"if-match": version(client)})
    assert answer.status_code == 200
    form = answer.json()["question_form"]
    assert (form["measure"], form["tolerance"]) == ("mean-area", 0.05)
    text = path.read_text()
    assert text.startswith("# my remark\n") and text.endswith("# the end\n")
    del others["question"]
    assert {key: value for key, value in yaml.safe_load(text).items() if key != "question"} == others
    entry = Record(workspace / "small").entries()[-1]
    assert (entry["step"], entry["parameters"]["answer_was_known"]) == ("question", True)
    assert entry["parameters"]["before"]["measure"] == "count"
    assert client.get(f"{STUDY}/answer").json()["stale"] is True
    steps = {step["step"]: step["state"] for step in client.get(STUDY).json()["steps"]}
    assert (steps["run"], steps["annotate"], steps["validate"]) == ("done", "done", "stale")


def test_there_and_back_is_where_it_was(client: httpx.Client, workspace: Path) -> None:
    path = workspace / "small" / "study.yaml"
    before = read_config(path)
    for asked in (ASKED, {"object": "nucleus", "measure": "count", "tolerance": "10%"}):
        assert client.put(f"{STUDY}/question", json=asked, headers={"if-match": "*"}).status_code == 200
    assert read_config(path) == before
    assert client.get(f"{STUDY}/answer").json()["stale"] is False


def test_two_who_change_it_at_once(client: httpx.Client) -> None:
    shown = version(client)
    headers = {"if-match": shown}
    assert client.put(f"{STUDY}/question", json=ASKED).status_code == 428
    assert client.put(f"{STUDY}/question", json=ASKED, headers=headers).status_code == 200
    late = client.put(f"{STUDY}/question", json=ASKED | {"level": 0.8}, headers=headers)
    assert late.status_code == 412 and late.headers["etag"] == version(client)
    assert read_question(client)["level"] == 0.9


def read_question(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get(STUDY).json()["question_form"]
    return found


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"object": "cell"}, 409, "what is outlined there is: nucleus"),
        ({"measure": "mean:colour"}, 422, "column 'colour' was not measured"),
        ({"measure": "median-area"}, 422, "measure 'median-area' is not known"),
        ({"measure": "fraction:area>x"}, 422, "is not known"),
        ({"tolerance": "0%"}, 422, "is not a share of the answer"),
        ({"tolerance": 1.5}, 422, "is not a share of the answer"),
        ({"level": 0.4}, 422, "level"),
        ({"object": ""}, 422, "object"),
        ({"unknown": 1}, 422, "unknown"),
    ],
)
def test_questions_that_cannot_be_asked(
    reader: httpx.Client, change: dict[str, Any], status: int, words: str
) -> None:
    for method, path in (("POST", f"{STUDY}/question/preview"), ("PUT", f"{STUDY}/question")):
        answer = reader.request(method, path, json=ASKED | change, headers={"if-match": "*"})
        assert answer.status_code == status, answer.text
        assert words in answer.json()["detail"]


def test_before_a_tile_is_annotated_all_may_change(client: httpx.Client, workspace: Path) -> None:
    for name in ("annotations", "evidence", "report"):
        shutil.rmtree(workspace / "small" / name)
    asked = {"object": "cell", "measure": "area-fraction"}
    found = client.post(f"{STUDY}/question/preview", json=asked).json()
    assert found["again"] == [] and len(found["caution"]) == 1
    assert "drawn for the measure before" in found["caution"][0]
    assert client.put(f"{STUDY}/question", json=asked, headers={"if-match": "*"}).status_code == 200
    form = read_question(client)
    assert (form["object"], form["measure"], form["tolerance"]) == ("cell", "area-fraction", None)


def test_a_study_written_by_hand_in_one_line_is_left_alone(client: httpx.Client, workspace: Path) -> None:
    path = workspace / "small" / "study.yaml"
    values = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(values, default_flow_style=True, width=10_000))
    before = path.read_bytes()
    answer = client.put(f"{STUDY}/question", json=ASKED, headers={"if-match": "*"})
    assert answer.status_code == 422 and "it is not written as lines" in answer.json()["detail"]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "question",
    [
        "question: {object: nucleus, measure: count,\n  level: 0.9,\n  tolerance: 0.1}\n",
        "question:\n    object: nucleus  # what we look for\n\n    measure: count\n",
        'question:\n- "no mapping"\n',
    ],
)
def test_a_question_written_in_other_ways_is_changed_or_left_whole(
    client: httpx.Client, workspace: Path, question: str
) -> None:
    path = workspace / "small" / "study.yaml"
    values = yaml.safe_load(path.read_text())
    del values["question"]
    path.write_text(
        "name: first\n" + question + yaml.safe_dump({**values, "name": "x"}).replace("name: x\n", "")
    )
    before = path.read_text()
    answer = client.put(f"{STUDY}/question", json=ASKED, headers={"if-match": "*"})
    if answer.status_code == 200:
        assert read_config(path).question.key == "mean-area" and read_config(path).name == "first"
    else:
        assert answer.status_code in (409, 422) and path.read_text() == before


def test_only_owners_change_it(workspace: Path, launch: Callable[..., Running], tmp_path: Path) -> None:
    from veriscope.server.access.accounts import Accounts

    Accounts(tmp_path / "accounts.sqlite").add("anna", "password of anna", "annotator")
    running = launch(workspace, token=None, accounts=tmp_path / "accounts.sqlite")
    anna = running.client(sign_in=False)
    anna.post("/api/session", json={"user": "anna", "password": "password of anna"})
    assert anna.post(f"{STUDY}/question/preview", json=ASKED).status_code == 200
    assert anna.put(f"{STUDY}/question", json=ASKED, headers={"if-match": "*"}).status_code == 403
