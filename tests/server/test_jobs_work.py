"""What jobs do, called as their process calls it: one function of the workflow, and what the app is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, get_args

import pytest

from veriscope.core.progress import silent
from veriscope.errors import InputError, StudyError, VeriscopeError
from veriscope.server.jobs.new_study import make_study
from veriscope.server.jobs.work import WORK
from veriscope.server.models.jobs import JobKind
from veriscope.workflow.study import Study


class Heard:
    """What was told about progress."""

    def __init__(self) -> None:
        self.said: list[tuple[str, int, int]] = []

    def __call__(self, stage: str, done: int, total: int) -> None:
        assert 0 <= done <= total
        self.said.append((stage, done, total))


@pytest.fixture
def study(workspace: Path) -> Path:
    return workspace / "small"


@pytest.fixture
def upload(tmp_path: Path, tiny_data: Path) -> Path:
    """Two images that were sent, in folders."""
    folder = tmp_path / "uploads" / "0123456789abcdef"
    for at, path in enumerate(sorted((tiny_data / "images").glob("*.tif"))[:2]):
        (folder / "files" / f"plate {at}").mkdir(parents=True)
        shutil.copy(path, folder / "files" / f"plate {at}")
    return folder


def asked(upload: Path | None, *images: Path, **more: Any) -> dict[str, Any]:
    return {
        "images": [str(path) for path in images],
        "options": {"object": "nucleus", "methods": ["otsu-watershed"], "name": None},
        "assignments": None,
        "upload": str(upload) if upload else None,
    } | more


def test_every_kind_of_job_has_its_work() -> None:
    assert set(WORK) == set(get_args(JobKind))


def test_a_study_is_made_of_what_was_sent_which_then_goes(tmp_path: Path, upload: Path) -> None:
    heard, folders = Heard(), sorted((upload / "files").iterdir())
    stems = [path.stem for folder in folders for path in folder.iterdir()]
    assignments = [
        {"image": stems[0], "group": "Ü, 1", "replicate": None},
        {"image": stems[1], "group": "b", "replicate": "r"},
    ]
    found = WORK["new"](tmp_path / "made", asked(upload, *folders, assignments=assignments), heard)
    assert found == {"n_images": 2, "groups": {"Ü, 1": 1, "b": 1}, "spacing": ["0.5 × 0.5 µm"], "skipped": ""}
    assert [(row.group, row.replicate) for row in Study(tmp_path / "made").images] == [
        ("Ü, 1", stems[0]),
        ("b", "r"),
    ]
    assert not upload.exists() and heard.said[-1][1:] == (2, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "uploads"], "no sheet is left"
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    "more",
    [
        {"assignments": [{"image": "nope", "group": "a", "replicate": None}]},
        {"options": {"object": "nucleus", "methods": ["no-such-method"]}},
        {"options": {"object": "nucleus", "channel": "no such channel"}},
        {"options": {"object": "nucleus", "pattern": "{plate"}},
    ],
)
def test_what_fails_leaves_the_upload_and_nothing_else(
    tmp_path: Path, upload: Path, more: dict[str, Any]
) -> None:
    before = sorted(path for path in tmp_path.rglob("*"))
    with pytest.raises(VeriscopeError):
        make_study(tmp_path / "made", asked(upload, *(upload / "files").iterdir(), **more), silent)
    assert sorted(path for path in tmp_path.rglob("*")) == before, "it can be mended and asked for again"


def test_images_that_cannot_be_used_are_said_where_they_may_be_left_out(tmp_path: Path, upload: Path) -> None:
    (upload / "files" / "plate 0" / "broken.tif").write_bytes(b"II*\0")
    wanted = asked(upload, *(upload / "files").iterdir())
    with pytest.raises(InputError, match=r"broken\.tif"):
        make_study(tmp_path / "made", wanted, silent)
    assert upload.exists()
    found = make_study(
        tmp_path / "made", wanted | {"options": wanted["options"] | {"skip_bad": True}}, silent
    )
    assert found["n_images"] == 2 and "broken.tif" in found["skipped"]


def test_a_study_that_appeared_before_the_server_stopped_is_not_made_twice(
    tmp_path: Path, upload: Path
) -> None:
    wanted = asked(upload, *(upload / "files").iterdir())
    shutil.copytree(upload, tmp_path / "kept")
    first = make_study(tmp_path / "made", wanted, silent)
    shutil.copytree(tmp_path / "kept", upload)  # as if it had been stopped before this was removed
    stamp = (tmp_path / "made" / "images.csv").stat().st_mtime_ns
    assert make_study(tmp_path / "made", wanted | {"again": True}, silent) == first
    assert (tmp_path / "made" / "images.csv").stat().st_mtime_ns == stamp and not upload.exists()
    with pytest.raises(StudyError, match="exists"):
        make_study(tmp_path / "made", wanted | {"again": False, "upload": None}, silent)


def test_images_of_the_server_stay_where_they_are(tmp_path: Path, tiny_data: Path) -> None:
    source = tmp_path / "mine"
    source.mkdir()
    shutil.copy(next((tiny_data / "images").glob("*.tif")), source)
    for name, in_place in (("copied", False), ("linked", True)):
        wanted = asked(None, source)
        wanted["options"] |= {"in_place": in_place}
        assert make_study(tmp_path / name, wanted, silent)["n_images"] == 1
    assert len(list(source.iterdir())) == 1


def test_running_says_of_each_candidate_what_became_of_it(study: Path) -> None:
    heard = Heard()
    found = WORK["run"](study, {"only": ["log-spots"]}, heard)
    (run,) = found["candidates"]
    assert (run["candidate"], run["n_images"], run["n_done"], run["failed"]) == ("log-spots", 8, 0, False)
    assert found["evidence"] == "untested", "what was not judged is not trusted"
    assert WORK["run"](study, {"only": []}, heard)["candidates"] == []
    with pytest.raises(StudyError, match="nope"):
        WORK["run"](study, {"only": ["nope"]}, heard)


def test_the_answer_is_computed_in_three_stages(study: Path) -> None:
    heard = Heard()
    (study / "evidence" / "verdict.json").unlink()
    found = WORK["validate"](study, {"method": "otsu-watershed"}, heard)
    assert [stage for stage, *_ in heard.said] == ["validate", "estimate", "verdict"]
    assert found.keys() == {"verdict", "text", "method", "evidence"}
    assert (found["method"], found["evidence"]) == ("otsu-watershed", "audited")
    written = json.loads((study / "evidence" / "verdict.json").read_text(encoding="utf-8"))
    assert {key: written[key] for key in found} == found


def test_the_report_is_told_by_its_place_in_the_study(study: Path) -> None:
    heard = Heard()
    shutil.rmtree(study / "report")
    assert WORK["report"](study, {"method": None}, heard) == {"report": "report/index.html"}
    assert (study / "report/index.html").is_file()
    assert heard.said == [("write the report", 0, 1), ("write the report", 1, 1)]


def test_training_without_tiles_to_learn_from_says_what_comes_first(study: Path) -> None:
    pytest.importorskip("torch")
    request = {"start": None, "tune": "all", "minutes": 0.01, "steps": None, "seed": 0, "again": False}
    with pytest.raises(StudyError, match="training") as caught:
        WORK["train"](study, request, Heard())
    assert "veriscope audit" in str(caught.value)


@pytest.mark.parametrize("kind", ["run", "validate", "report"])
def test_a_study_that_is_gone_is_said(tmp_path: Path, kind: str) -> None:
    with pytest.raises(VeriscopeError, match="gone"):
        WORK[kind](tmp_path / "gone", {"only": None, "method": None}, Heard())
    assert list(tmp_path.iterdir()) == []
