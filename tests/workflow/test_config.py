"""study.yaml may be edited by a person: what can be understood is, what cannot is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from veriscope.errors import InputError, StudyError
from veriscope.workflow.config import AuditSettings, Candidate, StudyConfig, read_config
from veriscope.workflow.question import Question

CONFIG = StudyConfig(
    name="Größe der Kerne",
    question=Question.from_text("fraction:area>150", object="nucleus", tolerance="5%"),
    channel="hematoxylin",
    candidates=(
        Candidate(id="otsu", method="otsu-watershed"),
        Candidate(id="spots-12", method="log-spots", parameters={"diameter": 12.5, "names": ["a", "b"]}),
    ),
    audit=AuditSettings(tile_size=128, seed=7),
)
MINIMAL = """
name: 2024
question: {object: cell, tolerance: 5%}
candidates: [{id: otsu, method: otsu-watershed}]
channel: 0
"""


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "study.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    assert read_config(written(tmp_path, CONFIG.to_yaml())) == CONFIG


def test_the_file_is_meant_for_people() -> None:
    lines = CONFIG.to_yaml().splitlines()
    assert lines[:4] == [
        "# A Veriscope study. You may edit this file; what has changed is computed again.",
        "schema_version: veriscope/study/1",
        "name: Größe der Kerne",
        "question:",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_a_person_writes_is_understood_also_from_windows_editors(tmp_path: Path, encoding: str) -> None:
    config = read_config(written(tmp_path, MINIMAL.replace("\n", "\r\n").encode(encoding)))
    assert (config.name, config.channel, config.question.tolerance) == ("2024", "0", 0.05)
    assert config.candidates == (Candidate(id="otsu", method="otsu-watershed"),)
    assert config.audit == AuditSettings(tile_size=256, seed=0)


@pytest.mark.parametrize("study", ["study", "file/study"])
def test_a_folder_that_is_no_study_is_said_with_the_remedy(tmp_path: Path, study: str) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / study
    with pytest.raises(StudyError) as caught:
        read_config(folder / "study.yaml")
    assert str(caught.value) == (
        f"{folder}: there is no such folder; check the name, or make one with: "
        f"veriscope new {folder} --images FOLDER"
    )
    with pytest.raises(StudyError) as caught:
        read_config(tmp_path / "study.yaml")
    assert str(caught.value) == (
        f"{tmp_path} is not a study (it has no study.yaml); make one with: "
        f"veriscope new {tmp_path} --images FOLDER"
    )


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.mkdir()
    with pytest.raises(StudyError) as caught:
        read_config(path)
    assert str(caught.value) == f"{path} cannot be read: Is a directory; check its permissions"


@pytest.mark.parametrize("content", ["a: [1", "a: b: c", b"name: \xb5m", "name: 2024-13-01"])
def test_what_is_no_yaml_is_refused(tmp_path: Path, content: str | bytes) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError, match=rf"^{path} is not valid YAML: "):
        read_config(path)


@pytest.mark.parametrize(("content", "kind"), [("", "nothing"), ("- a", "one list"), ("hello", "one str")])
def test_a_file_without_entries_is_refused(tmp_path: Path, content: str, kind: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value) == (
        f"{path} is not a study description: it holds {kind}, not entries such as 'name: …'; "
        "restore it from a copy or make the study again"
    )


def test_wrong_entries_are_listed_with_their_places(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "schema_version: 2\nquestion: {measure: mean}\ncolour: red\naudit: {tile_size: 8}\n"
        "candidates: [{id: ../up, method: otsu-watershed}]\n",
    )
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value) == (
        f"{path}: wrong options\n"
        "  - schema_version: Input should be 'veriscope/study/1' (got 2)\n"
        "  - name: Field required\n"
        "  - question: measure 'mean' needs a column\n"
        "  - candidates.0.id: String should match pattern '^[A-Za-z0-9][A-Za-z0-9._-]*$' (got '../up')\n"
        "  - audit.tile_size: Input should be greater than or equal to 16 (got 8)\n"
        "  - colour: Extra inputs are not permitted (got 'red')\n"
        "Options are: schema_version, name, question, channel, modalities, candidates, audit, fingerprint"
    )


def test_a_study_without_candidates_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "name: a\nquestion: {}\ncandidates: []\n")
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value) == f"{path}: there are no candidates; list at least one method that competes"


def test_candidates_must_not_share_a_folder(tmp_path: Path) -> None:
    path = written(tmp_path, MINIMAL.replace("}]", "}, {id: Otsu, method: otsu-watershed}]"))
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value) == (
        f"{path}: candidates must have different ids (capitals do not count), got otsu, Otsu"
    )


def test_a_study_of_a_newer_version_is_said_to_be_one(tmp_path: Path) -> None:
    path = written(tmp_path, CONFIG.to_yaml().replace("study/1", "study/2") + "colour: red\n")
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value) == (
        f"{path}: is a study of another version of Veriscope (veriscope/study/2), and this one reads "
        "veriscope/study/1; update Veriscope, or make the study again"
    )


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("channel: 1\n", "'channel' stands in line 5, 'channel' stands in line 6"),
        ("audit: {seed: 1, tile_size: 64, seed: 2}\n", "'seed' stands in line 6, 'seed' stands in line 6"),
        (
            "audit:\n  seed: 1\n  seed: 2\nchannel: 1\n",
            "'channel' stands in line 5, 'seed' stands in line 7, 'seed' stands in line 8, 'channel' stands "
            "in line 9",
        ),
    ],
)
def test_an_entry_that_stands_there_twice_is_not_dropped_in_silence(
    tmp_path: Path, more: str, where: str
) -> None:
    """A candidate pasted below the others under a second candidates: used to replace them all."""
    path = written(tmp_path, MINIMAL + more)
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert str(caught.value) == (
        f"{path}: {where}; of two entries of one name only the last would count: keep one"
    )
