"""A comparison in words says the numbers of its JSON, whatever candidates are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from veriscope.cli.output import number, span
from veriscope.io.labels import write_labels
from veriscope.testing.label_images import disks

from .conftest import Veriscope

LABELS = disks(3)
N = 4


@pytest.fixture
def references(tmp_path: Path) -> Path:
    for index in range(N):
        write_labels(tmp_path / "references" / f"i{index}.tif", LABELS)
    return tmp_path / "references"


def candidate(place: Path, name: str, *, lacks: int) -> Path:
    """Label images that lack so many objects, one more in each following image."""
    for index in range(N):
        labels = np.where(lacks + index * (lacks > 0) >= LABELS, 0, LABELS)
        write_labels(place / name / f"i{index}.tif", labels)
    return place / name


def test_one_candidate(veriscope: Veriscope, references: Path, tmp_path: Path) -> None:
    line = ("compare", references, candidate(tmp_path, "found", lacks=2))
    found, shown = veriscope(*line, "--json").json, veriscope(*line)
    assert (shown.code, shown.err.count("note:")) == (0, 0)
    assert f"{N} images, {N * 9} reference objects" in shown.out
    rows = {line.split()[0]: line for line in shown.out.splitlines() if line.strip()}
    for key, item in found["metrics"].items():
        assert f" {number(item['value'])} " in rows[key], key
        assert span(item["low"], item["high"], digits=3) in rows[key], key
    assert found["metrics"]["precision@0.5"]["value"] == 1
    assert found["metrics"]["recall@0.5"]["value"] == (7 + 6 + 5 + 4) / 36


@pytest.mark.parametrize("names", [("good", "bad"), ("[bold]", "x[y]"), ("a:b", ":smile:")])
def test_several_candidates_are_ranked_by_name(
    veriscope: Veriscope, references: Path, tmp_path: Path, names: tuple[str, str]
) -> None:
    """A folder called [bold] used to have no name in the tables."""
    places = [candidate(tmp_path, name, lacks=lacks) for name, lacks in zip(names, (0, 3), strict=True)]
    line = ("compare", references, *places)
    found, shown = veriscope(*line, "--json").json, veriscope(*line)
    assert (shown.code, list(found["ranking"]["values"])) == (0, list(names))
    ranked = shown.out[shown.out.index("Ranked by") :]
    for name, item in found["ranking"]["values"].items():
        (row,) = [line for line in ranked.splitlines() if line.strip().startswith(f"{name} ")][:1]
        assert number(item["value"]) in row
    verdict = found["ranking"]["pairs"][0]["verdict"]
    assert f"{names[0]} against {names[1]}: {verdict}" in shown.out


def test_what_was_left_out_is_said(veriscope: Veriscope, references: Path, tmp_path: Path) -> None:
    place = candidate(tmp_path, "found", lacks=1)
    (place / "i0.tif").rename(place / "other.tif")
    refused = veriscope("compare", references, place, "--json")
    assert (refused.code, refused.json["error"]) == (1, "InputError")
    assert "1 of 4 references have no prediction of the same name (i0)" in refused.message
    said = veriscope("compare", references, place, "--partial")
    assert said.code == 0
    assert "1 predictions without reference were left out" in said.err
    assert "1 references without prediction were left out" in said.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--threshold", "0"), "thresholds.0: Input should be greater than 0"),
        (("--threshold", "1.5"), "thresholds.0: Input should be less than or equal to 1"),
        (("--level", "95"), "level: Input should be less than 1 (got 95.0)"),
        (("--metric", "accuracy"), "candidates cannot be ranked by 'accuracy'; the metrics are "),
        (("--task", "instances"), "task 'instances' is not known; the tasks are instance"),
        (("--measure", "count"), "give the error that would change your conclusion with --tolerance"),
        (("--set", "tubular=perhaps"), "tubular: 'perhaps' is no answer; use no, yes"),
        (("--classes", "a,b"), "classes goes with classification, not with instance"),
        (("--groups", "none.csv"), "none.csv: cannot be read as a CSV table"),
        (("--objects", "objects.xlsx"), "xlsx"),
        (("--probabilities", "none"), "none: no such file or folder; check the name"),
    ],
)
def test_wrong_options_are_told_with_what_is_allowed(
    veriscope: Veriscope, references: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    place = candidate(tmp_path, "found", lacks=0)
    said = veriscope("compare", references, place, *options, "--json")
    assert (said.code, said.err) == (1, "")
    assert message in said.message
    plain = veriscope("compare", references, place, *options, "-q")
    assert (plain.code, plain.out) == (1, "")
    assert message in plain.err
