"""Image files are read once, time points are judged apart, and all faults are told together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from veriscope.errors import InputError, PixelValueError, ShapeMismatchError, VeriscopeError
from veriscope.workflow.comparison.folders import compare_folders
from veriscope.workflow.comparison.instance import Instances
from veriscope.workflow.comparison.semantic import Masks

Folder = Callable[..., Path]
Refusal = Callable[..., str]


def labels(*places: int) -> NDArray[np.uint16]:
    found = np.zeros((12, 40), np.uint16)
    for number, x in enumerate(places, start=1):
        found[3:9, x : x + 5] = number
    return found


RIGHT, POOR = labels(2, 12, 22), labels(2)


def series(place: Path, *frames: NDArray[Any]) -> None:
    """Write time points as ImageJ does."""
    place.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(place, np.stack(frames), imagej=True, metadata={"axes": "TYX"})


@pytest.mark.parametrize(("kind", "task"), [(Instances, "instance"), (Masks, "semantic")])
def test_every_file_is_read_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, kind: type[Any], task: str
) -> None:
    """References are shared by all candidates: with ten of them they would be read ten times."""
    seen: Counter[str] = Counter()
    read = kind.read

    def counting(self: Any, path: Path) -> Any:
        seen[f"{path.parent.name}/{path.stem}"] += 1
        return read(self, path)

    monkeypatch.setattr(kind, "read", counting)
    pictures = {"a": RIGHT, "b": POOR}
    compare_folders(folder("labels", **pictures), folder("p", **pictures), folder("q", **pictures), task=task)
    assert seen == dict.fromkeys([f"{place}/{name}" for place in ("labels", "p", "q") for name in "ab"], 1)


def test_progress_is_told_before_each_image_and_at_the_end(folder: Folder) -> None:
    told: list[tuple[str, int, int]] = []
    pictures = {"a": RIGHT, "b": POOR, "c": RIGHT}
    compare_folders(
        folder("labels", **pictures), folder("p", **pictures), progress=lambda *of: told.append(of)
    )
    assert told == [("compare", done, 3) for done in range(4)]


def test_faults_of_both_sides_and_all_candidates_are_told_at_once(folder: Folder, refusal: Refusal) -> None:
    fraction, flat = RIGHT + 0.5, RIGHT[:6]
    said = refusal(
        folder("labels", a=RIGHT, b=fraction, c=RIGHT, d=RIGHT),
        folder("p", a=flat, b=RIGHT, c=RIGHT, d=-RIGHT.astype(np.int16)),
        folder("q", a=RIGHT, b=flat, c=fraction, d=RIGHT),
    )
    lines = said.splitlines()
    # Image b cannot be judged of either candidate, and its own faults are told too.
    assert lines[0] == "5 of 8 pairs cannot be compared:"
    faults = "\n".join(lines[1:])
    assert "p: a: the reference has shape (12, 40) and the prediction (6, 40)" in faults
    assert "labels/b.tif: has fractional, infinite or NaN values" in faults
    assert "q: q/c.tif: has fractional, infinite or NaN values" in faults
    assert "p: p/d.tif: has negative values" in faults
    assert len([line for line in lines if line.startswith("  - ")]) == 4


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (RIGHT[:6], ShapeMismatchError),
        (RIGHT + 0.5, PixelValueError),
        (-RIGHT.astype(np.int32), PixelValueError),
    ],
)
def test_a_single_fault_keeps_its_kind(
    folder: Folder, bad: NDArray[Any], error: type[VeriscopeError]
) -> None:
    references, good = folder("labels", a=RIGHT, b=RIGHT), folder("good", a=RIGHT, b=RIGHT)
    with pytest.raises(error):
        compare_folders(references, folder("p", a=RIGHT, b=bad))
    with pytest.raises(error, match=r"^bad: "):
        compare_folders(references, good, folder("bad", a=RIGHT, b=bad))
    assert issubclass(error, InputError)


def test_a_series_is_as_good_as_its_time_points_as_files(folder: Folder, tmp_path: Path) -> None:
    frames = [(RIGHT, RIGHT), (RIGHT, POOR), (POOR, RIGHT), (labels(), POOR)]
    series(tmp_path / "tl/s.tif", *(reference for reference, _ in frames))
    series(tmp_path / "tp/s.tif", *(prediction for _, prediction in frames))
    whole = compare_folders(tmp_path / "tl", tmp_path / "tp")
    files = compare_folders(
        folder("labels", **{f"t{n}": reference for n, (reference, _) in enumerate(frames)}),
        folder("p", **{f"t{n}": prediction for n, (_, prediction) in enumerate(frames)}),
    )
    for key, item in files["metrics"].items():
        assert whole["metrics"][key]["value"] == pytest.approx(item["value"], nan_ok=True), key
    assert [row["tp@0.5"] for row in whole["images"]] == [row["tp@0.5"] for row in files["images"]]
    # Of files the images are units; of a series the series is, and a single one tells nothing of others.
    assert files["metrics"]["f1@0.5"]["n_units"] == 4
    assert (whole["metrics"]["f1@0.5"]["n_units"], whole["metrics"]["f1@0.5"]["low"]) == (1, None)


def test_a_series_of_one_time_point_is_an_image(folder: Folder, tmp_path: Path) -> None:
    series(tmp_path / "tl/s.tif", RIGHT)
    series(tmp_path / "tp/s.tif", POOR)
    found = compare_folders(tmp_path / "tl", tmp_path / "tp")
    assert [(row["name"], row["cluster"]) for row in found["images"]] == [("s", None)]
    plain = compare_folders(folder("labels", s=RIGHT), folder("p", s=POOR))
    assert found["metrics"] == plain["metrics"]


def test_series_and_images_of_several_candidates_are_ranked_by_series(tmp_path: Path) -> None:
    """Series a has three time points; b and c are single images, and count as much as it does."""
    for name, some in {"labels": RIGHT, "right": RIGHT, "poor": POOR}.items():
        series(tmp_path / name / "a.tif", some, some, some)
        for stem in "bc":
            tifffile.imwrite(tmp_path / name / f"{stem}.tif", some)
    found = compare_folders(*(tmp_path / name for name in ("labels", "poor", "right")))
    assert found["n_images"] == 5
    ranking = found["ranking"]
    assert list(ranking["values"]) == ["right", "poor"]
    assert {item["n_units"] for item in ranking["values"].values()} == {3}
    assert ranking["pairs"][0]["p_value"] == 2.0**-2, "a sign test of three units"
    assert len(found["notes"]) == len(set(found["notes"]))


def test_replicates_of_a_sheet_stay_those_of_series(tmp_path: Path) -> None:
    for name in ("labels", "p"):
        for stem in "abcd":
            series(tmp_path / name / f"{stem}.tif", RIGHT, POOR)
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\na,x,1\nb,x,1\nc,x,2\nd,x,2\n")
    found = compare_folders(tmp_path / "labels", tmp_path / "p", groups=sheet)
    assert {row["cluster"] for row in found["images"]} == {"x/1", "x/2"}
    assert (found["n_images"], found["metrics"]["f1@0.5"]["n_units"]) == (8, 2)


def test_the_fingerprint_is_of_all_time_points_and_both_sides(folder: Folder) -> None:
    empty = labels()
    found = compare_folders(folder("labels", a=RIGHT, b=RIGHT), folder("p", a=RIGHT, b=empty))
    told = {row["item"]: row["answer"] for row in found["advice"]["fingerprint"]}
    assert (told["reference_may_be_empty"], told["prediction_may_be_empty"]) == (False, True)
    other = compare_folders(folder("labels2", a=RIGHT, b=empty), folder("p2", a=RIGHT, b=RIGHT))
    told = {row["item"]: row["answer"] for row in other["advice"]["fingerprint"]}
    assert (told["reference_may_be_empty"], told["prediction_may_be_empty"]) == (True, False)
