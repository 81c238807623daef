"""Which files belong together, and what is said when they do not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from veriscope.errors import InputError, TableError
from veriscope.io.images import SUFFIXES
from veriscope.workflow.comparison.cases import candidate_names, clusters_of, find_cases
from veriscope.workflow.comparison.folders import compare_folders

LABELS = np.array([[0, 1, 1], [2, 2, 0]], np.uint16)
Folder = Callable[..., Path]
Refusal = Callable[..., str]


def test_candidates_are_named_as_shortly_as_tells_them_apart(tmp_path: Path) -> None:
    assert candidate_names([tmp_path / "stardist", tmp_path / "cellpose"]) == ("stardist", "cellpose")
    assert candidate_names([tmp_path / "a/labels", tmp_path / "b/labels"]) == ("a/labels", "b/labels")
    assert candidate_names([tmp_path / "a/x", tmp_path / "b/y", tmp_path / "b/x"]) == ("a/x", "b/y", "b/x")


def test_a_link_has_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "run-17").mkdir()
    (tmp_path / "best").symlink_to(tmp_path / "run-17")
    assert candidate_names([tmp_path / "best"]) == ("best",)


def test_a_candidate_may_come_only_once(folder: Folder, refusal: Refusal) -> None:
    references, a = folder("labels", i=LABELS), folder("a", i=LABELS)
    assert refusal(references, a, a / ".." / "a") == (
        "the same predictions are given twice (a, a/../a); give each candidate once"
    )


def test_replicates_of_different_groups_are_never_one(folder: Folder, tmp_path: Path) -> None:
    """Whatever their names hold."""
    references = folder("labels", i=LABELS, j=LABELS, k=LABELS, m=LABELS)
    sheet = tmp_path / "sheet.csv"
    rows = ["image,condition,replicate", "i,a/b,c", "j,a,b/c", "k,a\\,/b/c", "m,a/b,c"]
    sheet.write_text("\n".join(rows) + "\n")
    cases = find_cases(references, [folder("x", i=LABELS, j=LABELS, k=LABELS, m=LABELS)], groups=sheet)
    assert cases.clusters is not None
    i, j, k, m = cases.clusters
    assert i == m
    assert len({i, j, k}) == 3
    assert list(clusters_of(["m", "j"], sheet).values()) == [m, j]


def test_images_pair_by_stem_whatever_the_ending(folder: Folder) -> None:
    references = folder("labels", i2=LABELS, i10=LABELS, i1=LABELS)
    a = folder("a", i1=LABELS, i2=LABELS, i10=LABELS, extra=LABELS)
    (a / "i2.tif").rename(a / "i2.ome.tif")
    (a / "notes.txt").write_text("made on Monday")
    cases = find_cases(references, [a])
    assert [case.stem for case in cases.cases] == ["i1", "i2", "i10"]
    assert cases.cases[1].reference == references / "i2.tif"
    assert cases.cases[1].predictions == {"a": a / "i2.ome.tif"}
    assert cases.predictions_without_reference == {"a": ("extra",)}
    assert cases.clusters is None


def test_all_candidates_are_compared_on_the_same_images(folder: Folder, refusal: Refusal) -> None:
    references = folder("labels", i1=LABELS, i2=LABELS, i3=LABELS)
    a, b = folder("a", i1=LABELS, i3=LABELS, j=LABELS), folder("b", i1=LABELS, i2=LABELS)
    assert refusal(references, a, b) == (
        "2 of 2 candidates do not fit the references:\n"
        "  - a: 1 of 3 references have no prediction of the same name (i2); predictions without a "
        "reference: j; add them, or compare only what is there with --partial\n"
        "  - b: 1 of 3 references have no prediction of the same name (i3); add them, or compare only what "
        "is there with --partial"
    )
    found = compare_folders(references, a, b, partial=True)
    assert found["n_images"] == 1
    assert [item["name"] for item in found["candidates"]["b"]["images"]] == ["i1"]
    assert found["references_without_prediction"] == ["i2", "i3"]
    assert found["predictions_without_reference"] == {"a": ["j"], "b": []}


def test_names_that_fit_nowhere_are_shown(folder: Folder, refusal: Refusal) -> None:
    references = folder("labels", **{f"i{n}": LABELS for n in range(12)})
    a = folder("a", **{f"i{n}_mask": LABELS for n in range(2)})
    assert refusal(references, a, partial=True) == (
        "a: 0 of 12 references and 2 predictions fit by name (references: i0, i1, i2, i3, i4, i5, i6, i7, "
        "i8, "
        "i9 and 2 more; predictions: i0_mask, i1_mask). Files belong together if their names without the "
        "ending are equal: rename them"
    )


def test_missing_empty_and_doubled_are_told_together(folder: Folder, refusal: Refusal) -> None:
    references, empty, twice = folder("labels", i=LABELS), folder("empty"), folder("twice", i=LABELS)
    tifffile.imwrite(twice / "i.tiff", LABELS)
    text = refusal(references, "nowhere", empty, twice)
    assert text.splitlines() == [
        "3 of 4 sources cannot be used:",
        "  - nowhere: no such file or folder; check the name",
        "  - empty: no image found; give a folder, files or a pattern of images with the endings "
        + " ".join(SUFFIXES),
        "  - 1 names stand for more than one image:",
        "      - i: twice/i.tif and twice/i.tiff",
        "    Results are told apart by the name without its ending: rename files, or give a narrower pattern",
    ]


def test_a_row_for_a_file_is_one_for_all_its_images(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\ndish.lif,all,1\ndish_s2,all,2\n")
    clusters = clusters_of(["dish_s0", "dish_s1", "dish_s2"], sheet)
    assert clusters["dish_s0"] == clusters["dish_s1"] != clusters["dish_s2"]
    with pytest.raises(TableError, match="has no row for other_s0, dish_t1; add them"):
        clusters_of(["dish_s0", "other_s0", "dish_t1"], sheet)


def test_sheet_that_lacks_images_or_is_none(folder: Folder, refusal: Refusal, tmp_path: Path) -> None:
    references, a = folder("labels", i1=LABELS, i2=LABELS, i3=LABELS), folder("a", i1=LABELS, i2=LABELS)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\ni1,treated,1\n")
    assert refusal(references, a, groups=sheet, partial=True) == "sheet.csv: has no row for i2; add them"
    sheet.write_text("image,group,replicate\ni1,treated,1\ni2,treated,1\n")
    cases = find_cases(references, [a], groups=sheet, partial=True)
    assert cases.clusters == ("treated/1", "treated/1"), "an image that is left out needs no row"
    assert "no-sheet.csv: cannot be read as a CSV table" in refusal(
        references, a, groups=tmp_path / "no-sheet.csv", partial=True
    )


def test_wrong_words_are_refused_before_files_are_read(tmp_path: Path) -> None:
    for arguments, options, message in (
        ((), {}, "there is nothing to compare; give at least one folder of predictions"),
        (
            ("p",),
            {"task": "counting"},
            "task 'counting' is not known; the tasks are instance, semantic, detection, classification, "
            "restoration, tracking",
        ),
    ):
        with pytest.raises(InputError) as caught:
            compare_folders(tmp_path / "none", *arguments, **options)  # type: ignore[arg-type]
        assert str(caught.value) == message
    for options, message in (
        ({"level": 2}, "level: Input should be less than 1"),
        ({"boundary_tolerance": -1}, "boundary_tolerance: Input should be greater than 0"),
        ({"thresholds": (0.5, 1.5)}, r"thresholds\.1: Input should be less than or equal to 1 \(got 1\.5\)"),
        ({"thresholds": ()}, "thresholds: Tuple should have at least 1 item"),
        ({"treshold": 1}, "treshold: Extra inputs are not permitted"),
    ):
        with pytest.raises(InputError, match=message):
            compare_folders(tmp_path / "none", "p", **options)  # type: ignore[arg-type]


def test_settings_that_would_change_nothing_are_refused(refusal: Refusal) -> None:
    assert refusal("labels", "p", task="semantic", components=True, data_range=4, level=0.9) == (
        "2 settings have no use here:\n"
        "  - connected-components goes with instance, not with semantic\n"
        "  - data-range goes with restoration, not with semantic\n"
        "Leave them out, or name another task."
    )
    assert "threshold goes with instance and detection, not with tracking" in refusal(
        "labels", "p", task="tracking", thresholds=(0.3,)
    )
