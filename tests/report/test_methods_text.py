"""The methods section has what a reader needs to repeat the work, and says nothing that was not done."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import InputError
from veriscope.report.methods_text import methods_text
from veriscope.report.record import to_json

from .cases import HOSTILE, bare_record, full_record


def changed(part: str, **values: Any) -> dict[str, Any]:
    record = full_record()
    record[part] |= values
    return record


def paragraph(record: dict[str, Any], beginning: str) -> str:
    (found,) = [part for part in methods_text(record).split("\n\n") if part.startswith(beginning)]
    return found


def test_versions_parameters_design_and_estimator_are_told() -> None:
    text = methods_text(full_record())

    for part in (
        "Veriscope 0.1.0 (36 images from 9 replicates; channel DAPI, pixel size 0.5 × 0.5 µm)",
        "Python 3.11.9, numpy 2.1.0, scikit-image 0.25.0 and onnxruntime 1.22.0",
        "Nuclei were segmented with nuclei-fluorescence (version 1.0.0; threshold = 0.5)",
        "trained on DSB2018 fluorescence, train split (CC0).",
        "chosen among 4 candidates",
        "otsu-watershed (version 0.1.0; diameter = 14; exclude_border = no; smoothing = 1)",
        "44 tiles of 128 × 128 pixels was drawn at random with known probability",
        "guided by the predictions of nuclei-fluorescence and otsu-watershed",
        "(38 distinct tiles; random seed 7). Within each group tiles were drawn independently",
        "38 tiles were annotated (references: drawn in Fiji by one annotator)",
        "The number of nuclei was estimated for each group",
        "(Hansen–Hurwitz with t interval); intervals are at the 90\u202f% level",
        "with replicates, not objects, as the unit, with p-values adjusted",
        "F1 at IoU 0.5, F1 at IoU 0.7, PQ and count bias (relative), with intervals by image",
    ):
        assert part in text


def test_what_to_cite_is_one_per_line_and_once() -> None:
    text = methods_text(full_record())
    lines = text.split("References\n")[1].split("\n")

    assert len(lines) == len(set(lines)) == 5
    assert all("doi:10." in line for line in lines)
    assert any("Hansen" in line for line in lines) and any("Bland" in line for line in lines)


def test_a_study_without_an_audit_says_so() -> None:
    text = methods_text(bare_record())

    assert (
        "No tiles were annotated: the numbers are the model's own and are untested on these images." in text
    )
    assert "No group had enough audited tiles for an estimate with an interval." in text
    assert "no pixel size recorded" in text
    assert "Hansen" not in text


def test_it_does_not_read_itself() -> None:
    record = full_record()

    assert methods_text({**record, "methods_text": "other"}) == record["methods_text"]


def test_a_record_read_back_from_its_file_gives_the_same_text() -> None:
    for record in (full_record(), bare_record()):
        assert methods_text(json.loads(to_json(record))) == methods_text(record)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.42357, "0.42357"),
        (1234.5, "1\u202f234.5"),
        (14.0, "14"),
        (0.1, "0.1"),
        (-0.25, "−0.25"),
        (2.5e-6, "2.5\u202f×\u202f10⁻⁶"),
        (1e-5, "1\u202f×\u202f10⁻⁵"),
        (3, "3"),
        (True, "yes"),
        (False, "no"),
        ([1, 2.5], "[1, 2.5]"),
        ("cyto3", "cyto3"),
    ],
)
def test_a_parameter_is_written_as_it_was_given(value: Any, written: str) -> None:
    """Whoever repeats the work with a rounded threshold gets other objects."""
    record = full_record()
    record["candidates"][0]["parameters"] = {"setting": value, "not_given": None}
    assert f"(version 1.0.0; setting = {written})" in methods_text(record)


@given(st.floats(1e-4, 9e6) | st.floats(-9e6, -1e-4))
def test_no_digit_of_a_parameter_is_lost(value: float) -> None:
    record = full_record()
    record["candidates"][0]["parameters"] = {"setting": value}
    found = re.search(r"setting = ([^)]+)\)", methods_text(record))
    assert found is not None
    assert float(found[1].replace("\u202f", "").replace("−", "-")) == value


def test_a_method_without_version_and_parameters_has_no_brackets() -> None:
    record = full_record()
    record["candidates"] = [record["candidates"][0] | {"version": "", "parameters": {}, "summary": ""}]
    text = paragraph(record, "Nuclei were segmented")
    assert text.startswith("Nuclei were segmented with nuclei-fluorescence. It was trained on ")
    assert "chosen among" not in text


def test_where_no_candidate_was_chosen_all_are_named_alike() -> None:
    record = full_record()
    for candidate in record["candidates"]:
        candidate["chosen"] = False
    text = paragraph(record, "Nuclei were segmented with nuclei-fluorescence (")
    assert ", otsu-watershed (" in text and " and log-spots (" in text
    assert "chosen" not in text and "trained" not in text
    assert "pixel-forest" not in methods_text(record), "it was not run"


@pytest.mark.parametrize(
    ("training_data", "said"),
    [("none", False), ("", False), ("LIVECell (CC BY-NC).", True), ("this study", True)],
)
def test_only_what_was_trained_is_called_so(training_data: str, said: bool) -> None:
    record = full_record()
    record["candidates"][0]["training_data"] = training_data
    text = methods_text(record)
    assert ("It was trained on" in text) is said
    assert ".." not in text


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ({"n_images": 1, "n_replicates": 1}, "(1 image from 1 replicate; channel DAPI, pixel size 0.5"),
        ({"n_images": 1, "n_replicates": None}, "(1 image; channel DAPI, pixel size 0.5"),
        ({"n_images": 1234, "n_replicates": 12}, "(1\u202f234 images from 12 replicates; channel DAPI"),
        ({"channel": ""}, "(36 images from 9 replicates; pixel size 0.5 × 0.5 µm)."),
        ({"spacing": "uncalibrated"}, "channel DAPI, no pixel size recorded)."),
        ({"spacing": "different between images"}, "pixel size different between images)."),
    ],
)
def test_the_images_are_told_as_they_are(study: dict[str, Any], said: str) -> None:
    assert said in paragraph(changed("study", **study), "Images were analysed with Veriscope 0.1.0")


def test_only_versions_that_are_known_are_told() -> None:
    for environment, said in (
        ({}, ""),
        ({"python": "3.12.1"}, " It ran on Python 3.12.1."),
        ({"packages": {"numpy": "2.0", "torch": "9"}}, " It ran on numpy 2.0."),
        (
            {"python": "3.12.1", "packages": {"onnxruntime": "1.2"}},
            " It ran on Python 3.12.1 and onnxruntime 1.2.",
        ),
    ):
        text = paragraph(full_record() | {"environment": environment}, "Images were analysed")
        assert text.endswith(f"0.5 × 0.5 µm).{said}")


@pytest.mark.parametrize(
    ("audit", "said"),
    [
        (
            {"n_drawn": 1, "n_distinct": 1, "n_annotated": 1},
            "An audit sample of 1 tile of 128 × 128 pixels was drawn at random with known probability, "
            "guided by the predictions of nuclei-fluorescence and otsu-watershed (1 distinct tile; random "
            "seed 7).",
        ),
        (
            {"n_drawn": 1, "n_distinct": 1, "n_annotated": 1},
            " 1 tile was annotated (references: drawn in Fiji",
        ),
        ({"n_annotated": 0}, " 0 tiles were annotated (references: drawn in Fiji by one annotator)."),
        ({"n_annotated": 3, "reference_source": ""}, " 3 tiles were annotated."),
        ({"n_distinct": None, "seed": None}, "nuclei-fluorescence and otsu-watershed. Within each group"),
        ({"n_distinct": None}, "otsu-watershed (random seed 7)."),
        ({"seed": 0}, "(38 distinct tiles; random seed 0)."),
        ({"tile_size": [64, 96]}, "44 tiles of 64 × 96 pixels was"),
        ({"tile_size": "whole images"}, "44 tiles of whole images was"),
        ({"tile_size": None}, "An audit sample of 44 tiles was drawn at random"),
        ({"sized_by": []}, "with known probability (38 distinct tiles;"),
        ({"sized_by": ["a", "b", "c"]}, "guided by the predictions of a, b and c ("),
    ],
)
def test_the_audit_is_told_as_it_was_drawn(audit: dict[str, Any], said: str) -> None:
    assert said in paragraph(changed("audit", **audit), "An audit sample of ")


@pytest.mark.parametrize("audit", [None, {"n_drawn": 0}, {"n_drawn": None}, {}])
def test_without_a_drawn_tile_nothing_is_called_audited(audit: dict[str, Any] | None) -> None:
    text = methods_text(full_record() | {"audit": audit})
    assert "No tiles were annotated: the numbers are the model's own" in text
    assert "An audit sample" not in text and "Hansen MH" not in text


def test_of_groups_without_an_answer_nothing_is_claimed() -> None:
    record = full_record()
    for group in record["estimate"]["groups"]:
        group |= {"status": "cannot-tell", "reason": "too few"}
    text = methods_text(record)
    assert "No group had enough audited tiles for an estimate with an interval." in text
    assert "was estimated" not in text and "Assumptions" not in text and "Groups were compared" not in text


def test_estimators_levels_and_assumptions_are_told_once() -> None:
    record = full_record()
    first, second, _ = record["estimate"]["groups"]
    for group in (first, second):
        group |= {"level": 0.95, "assumptions": ["Tiles are independent.", "No tile was missed"]}
    second["estimator"] = "census"
    text = paragraph(record, "The number of nuclei was estimated")
    assert "(Hansen–Hurwitz with t interval and census); intervals are at the 95\u202f% level." in text
    assert "Assumptions: Tiles are independent; No tile was missed." in text


@pytest.mark.parametrize(
    ("scope", "adjusted", "ending"),
    [
        (
            "replicates",
            0.04,
            "replicates, not objects, as the unit, with p-values adjusted for the number of comparisons.",
        ),
        ("replicates", None, "replicates, not objects, as the unit."),
        ("images", None, "images, not objects, as the unit."),
    ],
)
def test_what_groups_were_compared_by(scope: str, adjusted: float | None, ending: str) -> None:
    record = full_record()
    for contrast in record["estimate"]["contrasts"]:
        contrast |= {"scope": scope, "p_adjusted": adjusted}
    assert paragraph(record, "The number of nuclei").endswith(f"Groups were compared with {ending}")
    for contrast in record["estimate"]["contrasts"]:
        contrast["status"] = "cannot-tell"
    assert "Groups were compared" not in methods_text(record)


def test_what_candidates_were_compared_by() -> None:
    record = full_record()
    metric = {"value": 0.5, "low": 0.4, "high": 0.6, "unit": "replicate"}
    for candidate in record["candidates"]:
        candidate["metrics"] = {"ap@0.5": metric, "dice": metric}
    text = paragraph(record, "Candidates were compared")
    assert "by AP at IoU 0.5, with intervals by replicate. AP is TP / (TP + FP + FN)." in text
    assert text.endswith("Agreement by tile is given as mean difference with limits of agreement.")
    assert "Kirillov" not in methods_text(record), "PQ is not among them"
    for candidate in record["candidates"]:
        candidate["metrics"] = None
    text = methods_text(record | {"agreement": []})
    assert "Candidates were compared" not in text and "Bland" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"object": "cell", "measure": "mean:area", "unit": "µm²"},
            "The mean area of cells (µm²) was estimated",
        ),
        ({"object": "cell", "measure": "fraction:area>150"}, "The fraction of cells with area > 150"),
        ({"object": "branch", "measure": "density", "unit": "1/mm²"}, "The density of branches (1/mm²) was"),
        (
            {"object": "bacterium", "measure": "area-fraction", "unit": ""},
            "covered by bacteria was estimated",
        ),
    ],
)
def test_every_measure_is_a_sentence(changes: dict[str, str], words: str) -> None:
    text = methods_text(changed("question", **changes))
    assert words in text
    assert not re.search(r"  |\bNone\b|\bnan\b|\( |\.\.", text)


def test_names_stay_text_and_paragraphs_stay_paragraphs() -> None:
    record = full_record()
    record["candidates"][0] |= {"summary": f"{HOSTILE} is its summary", "citation": HOSTILE}
    record["audit"]["reference_source"] = HOSTILE
    text = methods_text(record)
    assert text.count(HOSTILE) == 3, "escaping is the page's work"
    assert len(text.split("\n\n")) == len(methods_text(full_record()).split("\n\n"))


def test_a_record_that_is_none_is_refused_with_all_its_faults() -> None:
    record = full_record()
    del record["veriscope"]
    record["study"]["n_images"] = "many"
    with pytest.raises(InputError) as caught:
        methods_text(record)
    assert "has 2 values that do not fit" in str(caught.value)
    assert "veriscope: Field required" in str(caught.value) and "study.n_images: " in str(caught.value)


def test_numbers_that_are_none_are_said_to_be_missing() -> None:
    record = full_record()
    record["candidates"][0]["parameters"] = {"a": math.nan, "b": math.inf}
    assert "(version 1.0.0; a = —; b = —)" in methods_text(record)
