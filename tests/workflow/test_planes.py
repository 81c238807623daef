"""Studies of planes of stacks and time-lapses: which plane is stated, and the whole is kept to look at."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from veriscope.errors import InputError
from veriscope.io.images import read_image
from veriscope.workflow.layout import StudyFolder
from veriscope.workflow.plane_remarks import plane_remarks
from veriscope.workflow.study import Study

STACK = np.random.default_rng(0).integers(0, 900, (3, 40, 50)).astype(np.uint16)
LAPSE = np.random.default_rng(1).integers(0, 900, (11, 40, 50)).astype(np.uint16)
BOTH = np.random.default_rng(2).integers(0, 900, (2, 3, 40, 50)).astype(np.uint16)
Make = Callable[..., Study]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a study of files, given by name with their pixels and axes."""

    def begin(files: dict[str, tuple[NDArray[Any], str]], *, unit: bool = True, **options: Any) -> Study:
        (tmp_path / "in").mkdir(exist_ok=True)
        for name, (pixels, axes) in files.items():
            how: dict[str, Any] = {"resolution": (2, 2)} if unit else {}
            metadata = {"axes": axes} | ({"unit": "um"} if unit else {})
            tifffile.imwrite(tmp_path / "in" / name, pixels, imagej=True, metadata=metadata, **how)
        return Study.new(
            tmp_path / "study", images=tmp_path / "in", methods=("otsu-watershed",), object="cell", **options
        )

    return begin


@pytest.mark.parametrize(
    ("plane", "expected"),
    [("z=max", STACK.max(axis=0)), ("z=middle", STACK[1]), ("z=0", STACK[0]), ("z=2", STACK[2])],
)
def test_a_plane_of_a_stack_is_the_image_and_the_stack_is_kept(
    make: Make, plane: str, expected: NDArray[Any]
) -> None:
    study = make({"a.tif": (STACK, "ZYX")}, plane=plane)
    (image,) = study.images
    assert (image.image_id, image.axes, image.shape, image.dtype) == ("a", "yx", "40x50", "uint16")
    assert image.plane == ("z=1" if plane == "z=middle" else plane)
    np.testing.assert_array_equal(read_image(study.path / image.path).pixels, expected)
    np.testing.assert_array_equal(read_image(study.path / image.stack).pixels, STACK)
    whole = StudyFolder(study.path).stack(image)
    assert (whole.axes, whole.shape, whole.path) == ("zyx", "3x40x50", image.stack)


def test_every_time_point_is_an_image_and_those_of_a_file_are_one_replicate(make: Make) -> None:
    study = make({"a.tif": (LAPSE, "TYX"), "b.tif": (LAPSE[::-1], "TYX")}, plane="t=each")
    names = [image.image_id for image in study.images]
    assert names[:2] == ["a_t00", "a_t01"]
    assert (len(names), names[-1]) == (22, "b_t10")
    assert {image.replicate for image in study.images} == {"a", "b"}
    assert {image.stack for image in study.images} == {"stacks/a.ome.zarr", "stacks/b.ome.zarr"}
    for at in (0, 7, 10):
        found = read_image(study.path / study.images[at].path)
        np.testing.assert_array_equal(found.pixels, LAPSE[at])
    assert plane_remarks(study.images) == [
        "22 images are time points of 2 time-lapses: those of one show the same objects again, so a total "
        "over them counts an object more than once."
    ]


def test_a_sheet_names_files_and_their_time_points_follow(make: Make, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group,replicate\na.tif,drug,m1\nb.tif,control,m2\n")
    files = dict.fromkeys(("a.tif", "b.tif"), (LAPSE[:2], "TYX"))
    study = make(files, plane="t=each", groups=str(sheet))
    assert [(row.image_id, row.group, row.replicate) for row in study.images] == [
        ("a_t0", "drug", "m1"),
        ("a_t1", "drug", "m1"),
        ("b_t0", "control", "m2"),
        ("b_t1", "control", "m2"),
    ]


def test_a_study_of_planes_runs_like_any_other(make: Make) -> None:
    study = make({"a.tif": (BOTH, "TZYX")}, plane="z=max,t=each")
    (run,) = study.run()
    assert [image.image_id for image in study.images] == ["a_t0", "a_t1"]
    assert run.candidate == "otsu-watershed"
    for image in study.images:
        labels = read_image(study.path / "predictions" / "otsu-watershed" / f"{image.image_id}.ome.zarr")
        assert labels.shape == (40, 50)


def test_planes_and_stacks_may_stand_side_by_side(make: Make) -> None:
    study = make({"a.tif": (STACK, "ZYX"), "b.tif": (STACK[0], "YX")}, plane="z=mean")
    assert [(row.plane, bool(row.stack), row.dtype) for row in study.images] == [
        ("z=mean", True, "float32"),
        ("", False, "uint16"),
    ]
    assert plane_remarks(study.images) == [
        "1 image is the mean along z of a stack: objects that lie above one another are seen as one."
    ]


def test_in_place_only_the_plane_is_copied(make: Make, tmp_path: Path) -> None:
    study = make({"a.tif": (STACK, "ZYX")}, plane="z=max", in_place=True)
    (image,) = study.images
    assert image.stack == str(tmp_path / "in" / "a.tif")
    assert image.path == "images/a.ome.zarr"
    assert not (study.path / "stacks").exists()
    assert StudyFolder(study.path).stack(image).shape == "3x40x50"


@pytest.mark.parametrize("spacing", [None, {"y": 0.5, "x": 0.5}])
def test_a_pixel_size_along_y_and_x_is_enough(make: Make, spacing: dict[str, float] | None) -> None:
    (image,) = make({"a.tif": (STACK, "ZYX")}, plane="z=max", unit=False, spacing=spacing).images
    assert image.spacing == ("uncalibrated" if spacing is None else "y=0.5;x=0.5")
    assert ("uncalibrated" in image.notes) == (spacing is None)
    assert "z 1 µm" not in image.notes


@pytest.mark.parametrize(
    ("files", "options", "said"),
    [
        (
            {"a.tif": (STACK, "ZYX")},
            {},
            "a.tif: has 3 planes (axes 'zyx'), and people annotate a study's audit",
        ),
        ({"a.tif": (LAPSE, "TYX")}, {}, "a.tif: has 11 time points (axes 'tyx')"),
        ({"a.tif": (LAPSE, "TYX")}, {"plane": "z=max"}, "a.tif: has 11 time points"),
        ({"a.tif": (STACK, "ZYX")}, {"plane": "z=3"}, "no plane z=3; along z it has 0 to 2"),
        ({"a.tif": (STACK, "ZYX")}, {"plane": "depth"}, "plane 'depth' is for depth"),
        ({"a.tif": (STACK[0], "YX")}, {"plane": "z=max"}, "--plane z=max: no image is a stack"),
        ({"a.tif": (STACK, "ZYX")}, {"plane": "z=0,t=each"}, "--plane t=each: no image is a time-lapse"),
        (
            {"a.tif": (LAPSE[:2], "TYX"), "a_t1.tif": (LAPSE[0], "YX")},
            {"plane": "t=each"},
            "1 name is given twice, by a file and by a time point or image of another: a_t1; rename the "
            "files",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(
    make: Make, tmp_path: Path, files: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as error:
        make(files, **options)
    assert said in str(error.value)
    assert not (tmp_path / "study").exists()


def test_of_a_stack_with_a_plane_that_cannot_be_used_nothing_stays(make: Make) -> None:
    bad = LAPSE[:3].astype(np.float32)
    bad[2, 5, 5] = np.nan
    study = make({"a.tif": (bad, "TYX"), "b.tif": (LAPSE[:2], "TYX")}, plane="t=each", skip_bad=True)
    assert [image.image_id for image in study.images] == ["b_t0", "b_t1"]
    assert sorted(path.name for path in (study.path / "images").iterdir()) == [
        "b_t0.ome.zarr",
        "b_t1.ome.zarr",
    ]
    assert [path.name for path in (study.path / "stacks").iterdir()] == ["b.ome.zarr"]
    said = (study.path / "skipped.txt").read_text()
    assert "a.tif, plane t=2: 1 of 2000 pixels are NaN or infinite" in said


def test_answer_and_report_say_what_planes_leave_out(make: Make, tmp_path: Path) -> None:
    study = make({"a.tif": (STACK, "ZYX")}, plane="z=1", tile_size=16)
    study.run()
    study.audit(tiles=6)
    (tmp_path / "drawn").mkdir()
    tifffile.imwrite(tmp_path / "drawn" / "a.tif", (STACK[1] > 800).astype(np.uint8))
    study.import_references(tmp_path / "drawn")
    said = "1 image is plane 1 (from 0) of a stack: what lies above and below it is not counted."
    assert said in study.estimate()["groups"][0]["assumptions"]
    study.report()
    assert said in json.loads((study.path / "report/report.json").read_text())["study"]["warnings"]


def test_a_time_point_of_each_of_several_files_counts_nothing_twice(make: Make) -> None:
    files = dict.fromkeys(("a.tif", "b.tif"), (LAPSE[:2], "TYX"))
    assert plane_remarks(make(files, plane="t=1").images) == []
