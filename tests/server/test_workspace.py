"""Which studies a server shows, under which names, and which paths it never touches."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.server.conftest import Running

from veriscope.errors import InputError, StudyError
from veriscope.server.problems import ProblemError
from veriscope.server.workspace import HIDDEN, Workspace
from veriscope.workflow.layout import StudyFolder, StudyImage

ODD = [
    "_under",
    "a, b",
    "50% agar",
    "x" * 120,
    "Ü – 漢字",
    "a&b=c?",
    "#1 + 2",
    "-dash",
    "two\nlines",
    "back\\slash",
    "ends with a dot.",
    'it\'s "quoted"',
    "con",
]


def study(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text("name: x\n")
    return folder


@pytest.mark.parametrize("name", ODD)
def test_a_study_of_any_folder_is_found_under_its_name(tmp_path: Path, name: str) -> None:
    study(tmp_path / name)
    found = Workspace(tmp_path)
    assert found.names() == [name]
    assert found.study(name).root == tmp_path / name


def test_odd_names_in_the_browser(workspace: Path, launch: Callable[..., Running]) -> None:
    for name in ODD:
        shutil.copytree(workspace / "small", workspace / name)
    client = launch(workspace).client()
    listed = client.get("/api/studies")
    assert listed.status_code == 200
    assert {item["id"] for item in listed.json()["studies"]} == {"small", *ODD}
    for item in listed.json()["studies"]:
        path = f"/api/studies/{quote(item['id'], safe='')}"
        assert client.get(path).json()["id"] == item["id"]
        assert client.get(item["thumbnail"]).headers["content-type"] == "image/png"


def test_what_is_no_study_is_not_listed(tmp_path: Path) -> None:
    study(tmp_path / "real")
    study(tmp_path / ".hidden")
    study(tmp_path / HIDDEN / "uploads")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "wrong" / "study.yaml").mkdir(parents=True)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    no_characters = os.fsdecode(b"caf\xe9")
    study(tmp_path / no_characters)
    found = Workspace(tmp_path)
    assert found.names() == ["real"]
    for name in (".hidden", HIDDEN, "folder", "file", "wrong", "dangling", "loop", no_characters):
        with pytest.raises(ProblemError) as caught:
            found.study(name)
        assert caught.value.problem.detail == f"There is no study {name!r}."


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../outside",
        "/etc",
        "a/b",
        "real/",
        "./real",
        "real/../real",
        "a\0b",
        "x" * 300,
        "ü" * 200,
    ],
)
def test_names_that_are_paths_lead_nowhere(tmp_path: Path, name: str) -> None:
    study(tmp_path / "outside")
    study(tmp_path / "ws" / "real")
    study(tmp_path / "ws" / "a" / "b")
    with pytest.raises(ProblemError) as caught:
        Workspace(tmp_path / "ws").study(name)
    assert caught.value.problem.status == 404


def test_a_link_to_a_study_elsewhere_is_not_followed_and_one_inside_is(tmp_path: Path) -> None:
    study(tmp_path / "outside")
    real = study(tmp_path / "ws" / "real")
    (tmp_path / "ws" / "out").symlink_to(tmp_path / "outside")
    (tmp_path / "ws" / "in").symlink_to(real)
    found = Workspace(tmp_path / "ws")
    assert sorted(found.names()) == ["in", "real"]
    with pytest.raises(ProblemError):
        found.study("out")


def test_the_study_changed_last_comes_first(tmp_path: Path) -> None:
    for at, name in enumerate(["b", "c", "a"], 1):
        os.utime(study(tmp_path / name) / "study.yaml", (at * 1000, at * 1000))
    assert Workspace(tmp_path).names() == ["a", "c", "b"]
    (tmp_path / "c" / "record.jsonl").write_text("")
    assert Workspace(tmp_path).names() == ["c", "a", "b"]


def test_one_study_is_its_own_workspace(tmp_path: Path) -> None:
    found = Workspace(study(tmp_path / "alone (1)"))
    assert (found.is_single, found.names()) == (True, ["alone (1)"])
    assert found.study("alone (1)").root == tmp_path / "alone (1)"
    for other in ("alone", "", "."):
        with pytest.raises(ProblemError):
            found.study(other)
    with pytest.raises(ProblemError) as caught:
        found.new_folder("another")
    assert caught.value.problem.detail == "This server was started for one study."


@pytest.mark.parametrize(
    "name",
    [*("a", "My study (2)", "2024-11-21", "Zellkerne ü", "漢字", "a.b", "a+b")],
)
def test_names_of_new_studies(tmp_path: Path, name: str) -> None:
    assert Workspace(tmp_path).new_folder(f"  {name} ") == tmp_path / name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "a/b",
        "a\\b",
        "_a",
        "-a",
        "a\nb",
        "a:b",
        "a*",
        "con",
        "NUL.txt",
        "a.",
        "x" * 101,
        "a,b",
    ],
)
def test_names_that_no_system_would_take_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        Workspace(tmp_path).new_folder(name)
    assert str(caught.value) == (
        f"{name.strip()[:100]!r} cannot be the name of a study's folder; use letters, digits, space, . _ - + "
        "( ), begin with a letter or digit, 100 at most"
    )


def test_a_new_study_takes_no_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "Taken").mkdir()
    (tmp_path / "f\u00fcnf").mkdir()
    for name in (
        "Taken",
        "taken",
        "TAKEN ",
        "fu\u0308nf",
    ):  # also in other letters, as Windows and macOS see it
        with pytest.raises(ProblemError) as caught:
            Workspace(tmp_path).new_folder(name)
        assert (caught.value.problem.status, caught.value.problem.action) == (409, "Choose another name.")


def test_only_folders_that_were_named_may_be_read(tmp_path: Path) -> None:
    for name in ("ws", "data", "secret"):
        (tmp_path / name).mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "secret")
    found = Workspace(tmp_path / "ws", (tmp_path / "data",))
    assert found.allowed(str(tmp_path / "data" / "*.tif")) == tmp_path / "data" / "*.tif"
    assert found.allowed("sub/a.tif") == tmp_path / "ws" / "sub" / "a.tif"
    outside = [
        "/etc/passwd",
        "..",
        "../secret",
        str(tmp_path / "data" / ".." / "secret"),
        "~",
        f"{tmp_path}/data2",
    ]
    for text in [*outside, str(tmp_path / "data" / "link"), str(tmp_path / "data" / "link" / "a.tif")]:
        with pytest.raises(ProblemError) as caught:
            found.allowed(text)
        assert caught.value.problem.status == 403
    with pytest.raises(InputError, match="cannot hold the character NUL"):
        found.allowed("a\0b")


def test_a_row_is_read_once_until_the_table_is_another(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Workspace(workspace)
    folder = found.study("small")
    rows = folder.images()
    reads: list[Path] = []
    plain = StudyFolder.images

    def counted(self: StudyFolder) -> tuple[StudyImage, ...]:
        reads.append(self.root)
        return plain(self)

    monkeypatch.setattr(StudyFolder, "images", counted)
    for _ in range(3):
        assert [found.image(folder, row.image_id) for row in rows] == list(rows)
    assert len(reads) == 1
    folder.write_images([replace(row, group="other") for row in rows])
    assert found.image(folder, rows[0].image_id).group == "other" and len(reads) == 2
    folder.write_images(rows[1:])
    with pytest.raises(ProblemError) as caught:
        found.image(folder, rows[0].image_id)
    assert caught.value.problem.detail == f"The study has no image {rows[0].image_id!r}."
    assert found.image(folder, rows[1].image_id) == rows[1]


def test_a_table_that_is_broken_is_said_and_read_again_when_it_is_mended(workspace: Path) -> None:
    found = Workspace(workspace)
    folder = found.study("small")
    (row, *_), whole = folder.images(), folder.images_table.read_bytes()
    assert found.image(folder, row.image_id) == row
    for content in (b"", b"image_id\nx\n", whole + whole.splitlines(keepends=True)[1]):
        folder.images_table.write_bytes(content)
        for _ in range(2):
            with pytest.raises(StudyError, match=r"images\.csv"):
                found.image(folder, row.image_id)
    folder.images_table.unlink()
    with pytest.raises(StudyError, match=r"has no images\.csv; it is not a complete study"):
        found.image(folder, row.image_id)
    folder.images_table.write_bytes(whole)
    assert found.image(folder, row.image_id) == row


def test_two_studies_with_images_of_one_name_are_kept_apart(workspace: Path) -> None:
    shutil.copytree(workspace / "small", workspace / "other")
    found = Workspace(workspace)
    small, other = found.study("small"), found.study("other")
    rows = other.images()
    other.write_images([replace(row, replicate="r9") for row in rows])
    name = rows[0].image_id
    assert found.image(small, name).replicate == rows[0].replicate
    assert found.image(other, name).replicate == "r9"
    assert found.image(small, name).replicate == rows[0].replicate
