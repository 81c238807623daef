"""The methods section has what a reader needs to repeat the work."""

from __future__ import annotations

from veriscope.report.methods_text import methods_text

from .cases import bare_record, full_record


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
