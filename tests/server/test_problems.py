"""What the app says when something goes wrong: in words of the app, and without paths of the server."""

from __future__ import annotations

import errno
from pathlib import Path

import httpx
import pytest

from veriscope.errors import (
    InputError,
    MissingPackageError,
    StudyError,
    UnreadableFileError,
    VeriscopeError,
)
from veriscope.server.database import StorageError
from veriscope.server.problems import ProblemError, problem_of
from veriscope.workflow.study import Study

HOME = Path("/srv/lab data")
NAMES = ["small", "my study", "test (2)", "a, b & c", "Ü – 漢", "run to the end", "--dash"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("text", "detail", "action"),
    [
        (
            "no candidate has run yet; first: veriscope run {path}",
            "no candidate has run yet",
            "Run the candidates under Candidates",
        ),
        (
            "no tile is annotated yet; annotate those in {path}/audit/tiles, then: "
            "veriscope audit {path} --import FOLDER",
            "no tile is annotated yet",
            "Annotate them under Audit",
        ),
        (
            "no audit was drawn yet; first: veriscope audit {path} --tiles 20",
            "no audit was drawn yet",
            "Draw tiles under Audit",
        ),
        (
            "no tile is there; draw some with veriscope audit {path} --training 12, annotate them, and train",
            "no tile is there",
            "Draw tiles under Audit, annotate them, and train",
        ),
        (
            "it waits (veriscope audit {path} --training 6)",
            "it waits (draw tiles under Audit)",
            "",
        ),
        (
            "old evidence; first: veriscope estimate {path}",
            "old evidence",
            "Compute the answer under Answer",
        ),
        (
            "{path} is not a study; make one with: veriscope new {path} --images FOLDER",
            "{name} is not a study",
            "Make a new study under Home",
        ),
    ],
)
def test_commands_become_places_of_the_app(name: str, text: str, detail: str, action: str) -> None:
    found = problem_of(StudyError(text.format(path=HOME / name)), HOME)
    assert (found.detail, found.action) == (detail.format(name=name), action)


@pytest.mark.parametrize("name", ["test (2)", "my first study"])
def test_a_study_of_any_name_is_told_what_to_do(
    launch: object, tmp_path: Path, tiny_data: Path, name: str
) -> None:
    images = str(next((tiny_data / "images").glob("*.tif")))
    Study.new(tmp_path / "ws" / name, images=images, object="nucleus", methods=("otsu-watershed",), seed=1)
    client: httpx.Client = launch(tmp_path / "ws").client()  # type: ignore[operator]
    found = client.post(f"/api/studies/{name}/audit/draw", json={"tiles": 5})
    assert found.status_code == 409
    assert found.json()["action"] == "Run the candidates under Candidates"
    assert str(tmp_path) not in found.text


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (UnreadableFileError("x"), 422, "A file cannot be read"),
        (InputError("x"), 422, "This cannot be used as it is"),
        (StudyError("x"), 409, "The study is not ready for this"),
        (MissingPackageError("x"), 409, "An optional package is missing"),
        (VeriscopeError("x"), 409, "This cannot be done"),
        (InputError("a.tif: the disk is full"), 507, "The disk is full"),
        (OSError(errno.ENOSPC, "x", "/srv/a"), 507, "The disk is full"),
        (OSError(errno.EDQUOT, "x", "/srv/a"), 507, "The disk is full"),
        (FileNotFoundError(errno.ENOENT, "x", "/srv/secret/a.csv"), 410, "A file is gone"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/s/a.csv"), 409, "A file cannot be used"),
        (StorageError("x", is_full=True), 507, "The server's table cannot be used"),
        (StorageError("x", is_full=False), 503, "The server's table cannot be used"),
        (ZeroDivisionError("secret"), 500, "Something unexpected happened"),
        (ProblemError.make(418, "no coffee"), 418, "This cannot be done"),
    ],
)
def test_each_error_has_its_status(error: Exception, status: int, title: str) -> None:
    found = problem_of(error, HOME)
    assert (found.status, found.title) == (status, title)
    assert "secret" not in found.model_dump_json()
    assert "/srv" not in found.model_dump_json()
    assert found.detail


def test_a_list_of_faults_is_not_torn_apart() -> None:
    listed = "2 images cannot be used:\n  - a.tif: is empty; copy it\n  - b.tif: is text; check it"
    assert problem_of(InputError(listed)).detail == listed
    found = problem_of(InputError(f"{listed}\nMend or remove them."))
    assert (found.detail, found.action) == (listed, "Mend or remove them.")


def test_a_text_without_advice_has_none() -> None:
    found = problem_of(InputError("it is wrong"))
    assert (found.detail, found.action) == ("it is wrong", "")
