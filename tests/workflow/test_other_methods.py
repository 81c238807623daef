"""Methods beside the candidates: which could compete, what speaks against them, and the way in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from tests.workflow import scripted

from veriscope.errors import InputError, StudyError
from veriscope.io.record import Record
from veriscope.registry import get_method
from veriscope.workflow.config import StudyConfig, read_config
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.other_methods import OtherMethod, let_in, other_methods
from veriscope.workflow.study import Study


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(run_study: Study) -> StudyFolder:
    return StudyFolder(run_study.path)


def config_of(folder: StudyFolder) -> StudyConfig:
    return read_config(folder.config)


def others(folder: StudyFolder) -> dict[str, OtherMethod]:
    return {item.name: item for item in other_methods(folder, config_of(folder))}


def test_candidates_are_not_among_the_others(folder: StudyFolder) -> None:
    assert not {"otsu-watershed", "log-spots"} & set(others(folder))
    assert "local-threshold-watershed" in others(folder)


def test_only_methods_that_find_objects_in_planes_are_named(folder: StudyFolder) -> None:
    for name in others(folder):
        method = get_method(name)
        assert method.task == "instance" and 2 in method.card.dimensions


def test_those_that_fit_come_first_with_what_speaks_against_them(folder: StudyFolder) -> None:
    found = other_methods(folder, config_of(folder))
    fits = [item.fits for item in found]
    assert fits == sorted(fits, reverse=True)
    made_for_it = others(folder)["local-threshold-watershed"]
    assert made_for_it.fits and not any("not for nucleus" in text for text in made_for_it.remarks)
    forest = others(folder)["pixel-forest"]
    assert "It learns from training tiles that you annotate." in forest.remarks


def test_another_object_speaks_against_and_does_not_forbid(folder: StudyFolder) -> None:
    said = yaml.safe_load(folder.config.read_text())
    said["question"]["object"] = "mitochondrion"
    folder.config.write_text(yaml.safe_dump(said))
    found = others(folder)["nuclei-fluorescence"]
    assert found.fits
    assert any(text.endswith("not for mitochondrion.") for text in found.remarks)


def test_without_a_known_modality_it_is_left_to_the_reader(folder: StudyFolder) -> None:
    with_modality = others(folder)["nuclei-histology"]
    assert any("and these are" in text for text in with_modality.remarks)
    said = yaml.safe_load(folder.config.read_text())
    said["modalities"] = []
    folder.config.write_text(yaml.safe_dump(said))
    without = others(folder)["nuclei-histology"]
    assert "It was made for histology and brightfield images." in without.remarks
    assert not any("and these are" in text for text in without.remarks)


def test_a_method_is_let_in_and_what_was_found_stays(folder: StudyFolder) -> None:
    before = Record(folder.root).entries()
    old = folder.config.read_text()
    changed = let_in(folder, config_of(folder), "local-threshold-watershed")
    assert [item.id for item in changed.candidates] == [
        "otsu-watershed",
        "log-spots",
        "local-threshold-watershed",
    ]
    assert changed == config_of(folder)
    new = folder.config.read_text().splitlines()
    assert [line for line in new if line not in old.splitlines()] == [
        "- id: local-threshold-watershed",
        "  method: local-threshold-watershed",
    ]
    assert Record(folder.root).entries() == before
    runs = {run.candidate: run for run in Study(folder.root).run()}
    assert (runs["otsu-watershed"].n_done, runs["local-threshold-watershed"].n_done) == (0, 8)


def test_letting_in_twice_is_said(folder: StudyFolder) -> None:
    changed = let_in(folder, config_of(folder), "local-threshold-watershed")
    with pytest.raises(StudyError) as caught:
        let_in(folder, changed, "local-threshold-watershed")
    assert str(caught.value).startswith(
        "'local-threshold-watershed' is no method that could be added; choose of: "
    )
    assert len(config_of(folder).candidates) == 3


@pytest.mark.parametrize("name", ["nope", "", "OTSU-WATERSHED", "otsu-watershed", "../x"])
def test_what_is_no_other_method_is_refused_and_nothing_is_written(folder: StudyFolder, name: str) -> None:
    before = folder.config.read_bytes()
    with pytest.raises(StudyError) as caught:
        let_in(folder, config_of(folder), name)
    assert repr(name) in str(caught.value) and "local-threshold-watershed" in str(caught.value)
    assert folder.config.read_bytes() == before


def test_a_method_that_cannot_be_loaded_is_named_and_hides_no_other(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from veriscope import registry

    def broken() -> None:
        raise ImportError("no module named 'gone'")

    entry = type("Entry", (), {"value": "gone:Gone", "load": staticmethod(broken)})()
    entries = registry._entries() | {"aaa-gone": entry}
    monkeypatch.setattr(registry, "_entries", lambda: entries)
    found = others(folder)
    assert "local-threshold-watershed" in found
    assert not found["aaa-gone"].fits and "gone" in found["aaa-gone"].remarks[0]
    ordered = other_methods(folder, config_of(folder))
    assert all(item.fits for item in ordered[: [item.name for item in ordered].index("aaa-gone")])
    with pytest.raises(StudyError, match="aaa-gone cannot run here: "):
        let_in(folder, config_of(folder), "aaa-gone")


def test_a_study_written_in_one_line_is_left_as_it_is(folder: StudyFolder) -> None:
    said = yaml.safe_load(folder.config.read_text())
    folder.config.write_text(yaml.safe_dump(said, default_flow_style=True))
    before = folder.config.read_bytes()
    with pytest.raises(InputError, match="add it by hand: id local-threshold-watershed"):
        let_in(folder, config_of(folder), "local-threshold-watershed")
    assert folder.config.read_bytes() == before


def test_a_folder_of_a_candidate_is_not_shared(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of methods may differ only in signs that a folder cannot have, or in capitals."""
    scripted.install(monkeypatch, **{"Log-Spots": lambda image: scripted.squares(shape=image.spatial_shape)})
    changed = let_in(folder, config_of(folder), "Log-Spots")
    assert [item.id for item in changed.candidates] == ["otsu-watershed", "log-spots", "Log-Spots-2"]
