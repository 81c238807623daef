"""Results that are kept: the same bytes when computed again, and computed again when they were damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from veriscope.errors import StudyError
from veriscope.workflow.evidence import read_evidence
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.study import Study

NAMES = ("validate", "estimate", "verdict")


def test_results_that_were_damaged_or_lost_are_computed_again_to_the_same_bytes(done_study: Study) -> None:
    files = {name: done_study.path / f"evidence/{name}.json" for name in NAMES}
    before = {name: path.read_bytes() for name, path in files.items()}
    verdict = done_study.verdict()
    files["validate"].write_bytes(before["validate"][:100])
    files["estimate"].write_text("{}")
    files["verdict"].unlink()
    assert done_study.verdict() == verdict
    assert {name: path.read_bytes() for name, path in files.items()} == before


def test_asking_again_changes_no_file(
    done_study: Study, snapshot: Callable[[Path], dict[str, tuple[int, int]]]
) -> None:
    before = snapshot(done_study.path)
    first = (done_study.validate(), done_study.estimate(), done_study.verdict())
    assert (done_study.validate(), done_study.estimate(), done_study.verdict()) == first
    assert snapshot(done_study.path) == before


@pytest.mark.parametrize("name", NAMES)
def test_what_is_given_is_what_is_kept(finished: Study, name: str) -> None:
    found = read_evidence(StudyFolder(finished.path), name)
    assert found == getattr(finished, name)()
    assert found["schema"] == f"veriscope/{name}/1"
    assert found["evidence"] == "audited"


@pytest.mark.parametrize("schema", ["veriscope/estimate/2", "veriscope/verdict/1", None, 1])
def test_a_result_of_another_version_is_not_taken_for_one(done_study: Study, schema: object) -> None:
    path = done_study.path / "evidence/estimate.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(found | {"schema": schema}), encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        read_evidence(StudyFolder(done_study.path), "estimate")
    assert f"estimate.json: has the schema {schema!r}, of another version" in str(caught.value)
    path.unlink()
    assert done_study.estimate()["schema"] == "veriscope/estimate/1", "as it says, it is made again"
