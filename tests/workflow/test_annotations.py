"""Versions of what people drew: all are kept, the newest counts, and half a version is none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from veriscope.errors import StudyError, UnreadableFileError
from veriscope.workflow import annotations as module
from veriscope.workflow.annotations import (
    annotated_units,
    annotation_files,
    latest_annotation,
    read_version,
    save_annotation,
)
from veriscope.workflow.layout import StudyFolder

NAMES = st.text(
    st.characters(categories=("Lu", "Ll", "Lo", "Nd"), include_characters=" ._-"), min_size=1, max_size=30
).filter(lambda name: name.strip(". ") == name)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path)


def disc(n: int = 1) -> np.ndarray:
    labels = np.zeros((6, 8), np.uint16)
    for number in range(1, n + 1):
        labels[number, :4] = number
    return labels


def save(folder: StudyFolder, labels: np.ndarray, who: str = "ada", **more: object) -> bool:
    given = {"origin": (3, 4), "source": "a.tif"} | more
    return save_annotation(folder, "u_tile000", labels, annotator=who, **given)  # type: ignore[arg-type]


@given(
    labels=hnp.arrays(
        np.uint16, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 300)
    ),
    origin=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
    who=NAMES,
)
def test_what_was_saved_comes_back(
    tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray, origin: tuple[int, int], who: str
) -> None:
    folder = StudyFolder(tmp_path_factory.mktemp("study"))
    assert save_annotation(folder, "u", labels, origin=origin, annotator=who, source="x.roi")
    found = latest_annotation(folder, "u")
    assert found is not None
    assert np.array_equal(found.labels, labels)
    assert (found.y0, found.x0, found.annotator) == (*origin, who)
    assert found.path == Path("annotations", "u", f"{who}.v1.tif")


def test_versions_of_all_annotators_are_counted_together(folder: StudyFolder) -> None:
    assert [save(folder, disc(n), who) for n, who in ((1, "ada"), (2, "bea"), (3, "ada"))] == [True] * 3
    assert sorted((number, who) for number, who, _ in annotation_files(folder, "u_tile000")) == [
        (1, "ada"),
        (2, "bea"),
        (3, "ada"),
    ]
    found = latest_annotation(folder, "u_tile000")
    assert found is not None and found.labels.max() == 3


def test_the_tenth_version_is_newer_than_the_ninth(folder: StudyFolder) -> None:
    for n in range(1, 12):
        assert save(folder, disc(n % 5 + 1), "zoe" if n % 2 else "ada")
    found = latest_annotation(folder, "u_tile000")
    assert found is not None
    assert found.path.name == "zoe.v11.tif" and found.labels.max() == 2


def test_the_same_again_is_no_version(folder: StudyFolder) -> None:
    assert save(folder, disc())
    assert not save(folder, disc())
    assert not save(folder, disc().astype(np.uint8)), "the type of the numbers is none of the drawing"
    assert save(folder, disc(), "bea"), "another person agrees, which is news"
    assert save(folder, disc(), "ada"), "the newest is bea's"
    assert save(folder, disc(), "ada", origin=(0, 0)), "the same drawing elsewhere"
    assert len(annotation_files(folder, "u_tile000")) == 4


def test_going_back_to_an_earlier_drawing_is_a_version(folder: StudyFolder) -> None:
    for n in (1, 2, 1):
        assert save(folder, disc(n))
    found = latest_annotation(folder, "u_tile000")
    assert found is not None and found.labels.max() == 1


@pytest.mark.parametrize("dots", ["a.v2", "v1.v1", "x.tif", "dr. who"])
def test_names_that_look_like_versions_are_names(folder: StudyFolder, dots: str) -> None:
    assert save(folder, disc(), dots)
    ((number, who, path),) = annotation_files(folder, "u_tile000")
    assert (number, who) == (1, dots)
    assert read_version(folder, who, path).labels.max() == 1


def test_what_is_said_beside_it_is_kept(folder: StudyFolder) -> None:
    save(folder, disc(), details={"seconds": 12.5, "blind": True, "shown": ["log-spots"]})
    (path,) = folder.root.glob("annotations/*/*.json")
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "schema": "veriscope/annotation/1",
        "y0": 3,
        "x0": 4,
        "source": "a.tif",
        "seconds": 12.5,
        "blind": True,
        "shown": ["log-spots"],
    }
    found = latest_annotation(folder, "u_tile000")
    assert found is not None and found.shown == ("log-spots",)


@pytest.mark.parametrize(
    ("details", "shown"),
    [
        ({}, ()),
        ({"shown": []}, ()),
        ({"shown": ["b", "a"], "proposal": "c"}, ("b", "a")),
        ({"proposal": "log-spots"}, ("log-spots",)),
        ({"proposal": None, "segmenters": ["segmenter:x"]}, ("segmenter:x",)),
        ({"proposal": "a", "segmenters": None}, ("a",)),
    ],
)
def test_what_an_annotator_had_seen(
    folder: StudyFolder, details: dict[str, object], shown: tuple[str, ...]
) -> None:
    """Versions saved before it was kept tell it by what they began with."""
    save(folder, disc(), details=details)
    found = latest_annotation(folder, "u_tile000")
    assert found is not None and found.shown == shown


def test_labels_without_their_description_do_not_count(folder: StudyFolder) -> None:
    save(folder, disc(1))
    save(folder, disc(2))
    (folder.root / "annotations/u_tile000/ada.v2.json").unlink()
    found = latest_annotation(folder, "u_tile000")
    assert found is not None and found.labels.max() == 1
    assert annotated_units(folder) == {"u_tile000": Path("annotations/u_tile000/ada.v1.tif")}


def test_a_kill_between_both_files_leaves_the_version_before(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(folder, disc(1))
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_labels", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception):
            save(folder, disc(2))
    found = latest_annotation(folder, "u_tile000")
    assert found is not None and found.labels.max() == 1
    assert save(folder, disc(3))
    found = latest_annotation(folder, "u_tile000")
    assert found is not None and (found.labels.max(), found.path.name) == (3, "ada.v2.tif")


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"y0": 1}', '{"y0": "a", "x0": 2}', "\ufeff{}"])
def test_a_damaged_description_is_named_with_what_to_do(folder: StudyFolder, content: str) -> None:
    save(folder, disc())
    path = folder.root / "annotations/u_tile000/ada.v1.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        latest_annotation(folder, "u_tile000")
    assert str(caught.value).startswith(f"{path}: cannot be read (")
    assert str(caught.value).endswith("; import the tile again")


def test_a_damaged_label_image_is_named(folder: StudyFolder) -> None:
    save(folder, disc())
    path = folder.root / "annotations/u_tile000/ada.v1.tif"
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(UnreadableFileError, match=r"ada\.v1\.tif"):
        latest_annotation(folder, "u_tile000")


def test_what_else_lies_there_is_no_version(folder: StudyFolder) -> None:
    place = folder.root / "annotations" / "u_tile000"
    place.mkdir(parents=True)
    for name in ("ada.tif", "ada.v1.png", "ada.vx.tif", ".v1.tif", "ada.journal.jsonl", "notes.txt"):
        (place / name).write_text("x")
        (place / name).with_suffix(".json").write_text("{}")
    assert annotation_files(folder, "u_tile000") == []
    assert latest_annotation(folder, "u_tile000") is None and annotated_units(folder) == {}


def test_tiles_are_listed_by_name_and_only_with_a_version(folder: StudyFolder) -> None:
    assert annotated_units(folder) == {} and annotation_files(folder, "u") == []
    for unit in ("b", "a", "ä b"):
        save_annotation(folder, unit, disc(), origin=(0, 0), annotator="ada", source="app")
    (folder.root / "annotations" / "empty").mkdir()
    (folder.root / "annotations" / "file").write_text("x")
    assert list(annotated_units(folder)) == ["a", "b", "ä b"]
