"""A study from a plate, and from folders of wells: images, groups, replicates, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from veriscope.core.image import Image
from veriscope.datasets.scene import SceneSettings
from veriscope.datasets.simulate import SimulatedImage, SimulationSettings
from veriscope.datasets.study import GroupSettings, StudySettings, simulate_study
from veriscope.errors import InputError, TableError, UnreadableFileError
from veriscope.io.labels import write_labels
from veriscope.io.ome_zarr_metadata import read_attributes
from veriscope.io.plates import write_plate
from veriscope.workflow.sources import Source, find_sources
from veriscope.workflow.study import Study

WELLS = {"control": ("B02", "B03", "B04"), "treated": ("C02", "C03", "C04")}
SHEET = "well,group\n" + "".join(f"{well},{group}\n" for group, wells in WELLS.items() for well in wells)


@pytest.fixture(scope="session")
def fields() -> list[tuple[str, SimulatedImage]]:
    """Two groups of three wells of two fields."""
    scene = SceneSettings(height_px=144, width_px=160, density_per_mm2=4500, diameter_um=7)
    settings = StudySettings(
        simulation=SimulationSettings(scene=scene),
        groups=(GroupSettings(name="control"), GroupSettings(name="treated", density_factor=0.6)),
        replicates=3,
        images_per_replicate=2,
    )
    simulated = list(simulate_study(settings, seed=8))
    return [(WELLS[one.group][int(one.replicate[-1]) - 1], one) for one in simulated]


@pytest.fixture(scope="session")
def plate(tmp_path_factory: pytest.TempPathFactory, fields: list[tuple[str, SimulatedImage]]) -> Path:
    """A simulated plate with its sheet and references; not to be changed."""
    folder = tmp_path_factory.mktemp("plate")
    write_plate(folder / "plate.ome.zarr", ((well, one.image) for well, one in fields))
    count: dict[str, int] = {}
    for well, one in fields:
        number = count[well] = count.get(well, -1) + 1
        write_labels(folder / "labels" / f"{well}-{number}.tif", one.labels, spacing=one.image.spacing)
    (folder / "sheet.csv").write_text(SHEET)
    return folder


def test_from_a_plate_to_the_answer_with_wells_as_replicates(plate: Path, tmp_path: Path) -> None:
    study = Study.new(
        tmp_path / "study",
        images=plate / "plate.ome.zarr",
        groups=str(plate / "sheet.csv"),
        object="nucleus",
        tolerance="10%",
        methods=("otsu-watershed",),
        tile_size=56,
    )
    assert [(row.image_id, row.group, row.replicate) for row in study.images] == [
        (f"{well}-{field}", group, well)
        for group, wells in WELLS.items()
        for well in wells
        for field in (0, 1)
    ]
    assert {row.spacing_text for row in study.images} == {"0.5 × 0.5 µm"}
    (ran,) = study.run()
    assert (ran.n_images, ran.n_done, ran.failed) == (12, 12, False)
    assert [ran.n_done for ran in study.run()] == [0]

    study.audit(tiles=24)
    study.import_references(plate / "labels", whole_images=True)
    found = study.estimate()

    assert [(group["group"], group["n_replicates"], group["n_images"]) for group in found["groups"]] == [
        ("control", 3, 6),
        ("treated", 3, 6),
    ]
    difference, ratio = found["contrasts"]
    assert (difference["kind"], ratio["kind"]) == ("difference", "ratio")
    assert difference["scope"] == "replicates", "wells, not fields, are the units of the comparison"
    assert difference["estimate"] < 0, "treated has fewer by simulation"


def short(sources: Any) -> list[tuple[str, str, str]]:
    return [(one.image_id, one.assignment.group, one.assignment.replicate) for one in sources.images]


def small_plate(path: Path, wells: str = "B02 B02 C03", **more: Any) -> Path:
    image = Image(np.arange(64, dtype=np.uint8).reshape(8, 8), "yx", {"y": 0.5, "x": 0.5})
    write_plate(path, ((well, image) for well in wells.split()), **more)
    return path


def test_without_a_sheet_wells_are_replicates_and_rows_or_columns_may_be_groups(tmp_path: Path) -> None:
    path = str(small_plate(tmp_path / "p.ome.zarr"))
    assert short(find_sources([path])) == [
        ("B02-0", "all", "B02"),
        ("B02-1", "all", "B02"),
        ("C03-0", "all", "C03"),
    ]
    assert [group for _, group, _ in short(find_sources([path], group_by="row"))] == [
        "row B",
        "row B",
        "row C",
    ]
    assert [group for _, group, _ in short(find_sources([path], group_by="column"))] == [
        "column 02",
        "column 02",
        "column 03",
    ]


def test_wells_of_several_plates_keep_apart_and_share_a_layout(tmp_path: Path) -> None:
    for name in ("p1", "p2"):
        small_plate(tmp_path / f"{name}.ome.zarr", "B02 C03")
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("well,condition\nb2,x\nC3,y\n")
    together = [
        ("p1_B02-0", "x", "p1_B02"),
        ("p1_C03-0", "y", "p1_C03"),
        ("p2_B02-0", "x", "p2_B02"),
        ("p2_C03-0", "y", "p2_C03"),
    ]
    assert short(find_sources([str(tmp_path)], groups=str(sheet))) == together
    sheet.write_text("plate,well,group,donor\np1,B02,x,d1\np1,C03,y,d1\np2,B02,y,d2\np2,C03,x,d2\n")
    assert [row[1:] for row in short(find_sources([str(tmp_path)], groups=str(sheet)))] == [
        ("x", "d1"),
        ("y", "d1"),
        ("y", "d2"),
        ("x", "d2"),
    ]
    assert [row[1] for row in short(find_sources([str(tmp_path)], group_by="plate"))] == [
        "p1",
        "p1",
        "p2",
        "p2",
    ]


def test_a_sheet_by_image_leaves_wells_the_replicates(tmp_path: Path) -> None:
    path = str(small_plate(tmp_path / "p.ome.zarr"))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("image,group\nB02-0,x\nB02-1,x\nC03-0,y\n")
    assert short(find_sources([path], groups=str(sheet))) == [
        ("B02-0", "x", "B02"),
        ("B02-1", "x", "B02"),
        ("C03-0", "y", "C03"),
    ]


def test_sheet_and_wells_that_do_not_fit_are_all_named(tmp_path: Path) -> None:
    path = str(small_plate(tmp_path / "p.ome.zarr", "B02 C03 D04"))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("well,group\nB02,x\nE05,x\nF6,y\n")
    with pytest.raises(TableError) as caught:
        find_sources([path], groups=str(sheet))
    assert str(caught.value).replace(str(tmp_path), "D") == (
        "D/sheet.csv and the wells do not fit:\n"
        "  - wells without a row in D/sheet.csv (2): C03, D04\n"
        "  - rows of D/sheet.csv without a well (2): E05, F06\n"
        "Add or remove rows, or leave out what does not fit with --skip-bad."
    )
    partial = find_sources([path], groups=str(sheet), partial=True)
    assert short(partial) == [("B02-0", "x", "B02")]
    assert len(partial.left_out) == 2


def test_rows_of_a_well_sheet_that_cannot_be_used_are_all_named(tmp_path: Path) -> None:
    path = str(small_plate(tmp_path / "p.ome.zarr"))
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("well,group\nB2,x\nb02,y\nC03,\nB0,x\nwater,x\n")
    with pytest.raises(TableError) as caught:
        find_sources([path], groups=str(sheet))
    no_well = "is no well; wells are named by a row and a column from 1, such as B03 or b3"
    assert str(caught.value).replace(str(tmp_path), "D") == (
        "D/sheet.csv: some rows cannot be used:\n"
        "  - well B02 is named twice\n"
        "  - well C03 has no group\n"
        f"  - row 4 below the header: 'B0' {no_well}\n"
        f"  - row 5 below the header: 'water' {no_well}\n"
        "Mend the sheet and try again."
    )
    sheet.write_text("well,dose\nB02,1\n")
    with pytest.raises(TableError, match=r"no column for the group; name one of its columns \(well, dose\)"):
        find_sources([path], groups=str(sheet))


def test_one_of_several_acquisitions_must_be_chosen(tmp_path: Path) -> None:
    path = small_plate(tmp_path / "p.ome.zarr", "B02 B02 C03", acquisitions={0: 1, 1: 4, 2: 1})
    assert read_attributes(path)["plate"]["acquisitions"] == [{"id": 1}, {"id": 4}]
    with pytest.raises(InputError) as caught:
        find_sources([str(path)])
    assert str(caught.value) == (
        "the plate has 2 acquisitions, which show the same wells: 1 (acquisition 1), 4 (acquisition 4); "
        "choose one with --acquisition"
    )
    assert [one.image_id for one in find_sources([str(path)], acquisition=4).images] == ["B02-1"]
    with pytest.raises(InputError, match=r"no field is of acquisition 2; there are: 1 \(acquisition 1\), 4"):
        find_sources([str(path)], acquisition=2)


def test_other_pixel_sizes_in_one_plate_are_refused(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 99, (40, 40), np.uint8)
    images = [Image(pixels, "yx", {"y": size, "x": size}) for size in (0.5, 0.25)]
    write_plate(tmp_path / "p.ome.zarr", zip(("B02", "C03"), images, strict=True))
    with pytest.raises(InputError) as caught:
        Study.new(tmp_path / "study", images=tmp_path / "p.ome.zarr")
    assert str(caught.value) == (
        "fields have different pixel sizes (0.5 × 0.5 µm: B02-0; 0.25 × 0.25 µm: C03-0), so objects per "
        "field do not compare; make one study of each magnification, or give the true size with "
        "--spacing if the files are wrong"
    )
    assert not (tmp_path / "study").exists()
    mended = Study.new(tmp_path / "study", images=tmp_path / "p.ome.zarr", spacing={"y": 0.5, "x": 0.5})
    assert len(mended.images) == 2


def test_missing_wells_are_left_out_only_when_asked_and_said(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 99, (40, 40), np.uint8)
    path = tmp_path / "p.ome.zarr"
    write_plate(path, ((well, Image(pixels, "yx")) for well in ("B02", "C03")))
    (path / "C" / "3").rename(path / "C" / "9")
    with pytest.raises(UnreadableFileError, match=r"well C03: its folder .* is missing"):
        Study.new(tmp_path / "study", images=path)
    study = Study.new(tmp_path / "study", images=path, skip_bad=True)
    assert [row.image_id for row in study.images] == ["B02-0"]
    assert (study.path / "skipped.txt").read_text().startswith("1 was left out:\n")


Tiffs = Callable[..., Path]


@pytest.fixture
def tiffs(tmp_path: Path) -> Tiffs:
    """Give a function that writes small images of these names into a folder."""

    def write(*names: str) -> Path:
        for index, name in enumerate(names):
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(index).integers(0, 99, (40, 48), np.uint8)
            tifffile.imwrite(path, pixels)
        return tmp_path / "in"

    return write


def test_folders_of_groups_and_replicates(tiffs: Tiffs) -> None:
    folder = tiffs("control/a1/x.tif", "control/a1/y.tif", "drug/a1/x.tif", "drug/a2/x.tif")
    assert short(find_sources([str(folder)], pattern="{group}/{replicate}/*.tif")) == [
        ("control_a1_x", "control", "a1"),
        ("control_a1_y", "control", "a1"),
        ("drug_a1_x", "drug", "a1"),
        ("drug_a2_x", "drug", "a2"),
    ]


def test_channels_in_files_of_their_own_become_one_image(tiffs: Tiffs, tmp_path: Path) -> None:
    folder = tiffs(*(f"e7_{well}_s1_w{c}.tif" for well in ("A01", "B12") for c in (1, 2)))
    study = Study.new(
        tmp_path / "study",
        images=folder,
        pattern="{plate}_{well}_s{field}_w{channel}.tif",
        channel="2",
        group_by="row",
        methods=("otsu-watershed",),
    )
    assert [(row.image_id, row.group, row.replicate, row.axes, row.channels) for row in study.images] == [
        ("A01-1", "row A", "A01", "cyx", "1;2"),
        ("B12-1", "row B", "B12", "cyx", "1;2"),
    ]
    first = study._folder.read(study.images[0])
    for index in (0, 1):
        stored = tifffile.imread(folder / f"e7_A01_s1_w{index + 1}.tif")
        np.testing.assert_array_equal(first.pixels[index], stored)
    inputs = {Path(name).name for name in _first_entry(study)["inputs"]}
    assert inputs == {path.name for path in folder.iterdir()}
    assert study.config.channel == "2"
    assert [ran.n_done for ran in study.run()] == [2]


def _first_entry(study: Study) -> dict[str, Any]:
    from veriscope.io.record import Record

    return Record(study.path).entries()[0]


def test_one_channel_of_a_pattern_needs_no_choice(tiffs: Tiffs, tmp_path: Path) -> None:
    folder = tiffs("A01_w1.tif", "A02_w1.tif")
    study = Study.new(tmp_path / "study", images=folder, pattern="{well}_w{channel}.tif", channel="1")
    assert (study.config.channel, study.images[0].axes) == (None, "yx")


def test_channels_that_lack_or_differ_are_named(tiffs: Tiffs, tmp_path: Path) -> None:
    folder = tiffs("A01_w1.tif", "A01_w2.tif", "A02_w2.tif")
    with pytest.raises(InputError) as caught:
        find_sources([str(folder)], pattern="{well}_w{channel}.tif")
    assert str(caught.value) == (
        "1 of 2 images lack a channel (there are 1, 2): A02 lacks 1. Add the files, or write the channel you "
        "want into the pattern in the place of {channel}."
    )
    tifffile.imwrite(folder / "A02_w1.tif", np.zeros((9, 9), np.uint8))
    with pytest.raises(InputError, match="the channels of an image must be alike and of one channel each"):
        Study.new(tmp_path / "study", images=folder, pattern="{well}_w{channel}.tif", channel="1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"group_by": "row"}, "--group-by and the sheet D/sheet.csv both give the groups; leave one out"),
        (
            {"pattern": "{group}.tif"},
            "the pattern and the sheet D/sheet.csv both give the groups; write * for {group}",
        ),
        (
            {"pattern": "{replicate}.tif"},
            "D/sheet.csv is by well, and the well of 1 image is not known (A01); give an OME-Zarr plate, a "
            "--pattern with {well}, or a column for the image in the sheet",
        ),
        (
            {"pattern": "{well}.tif", "acquisition": 1},
            "--acquisition is for OME-Zarr plates; leave it out with --pattern",
        ),
    ],
)
def test_options_that_contradict_are_refused(
    tiffs: Tiffs, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    folder = tiffs("A01.tif")
    (tmp_path / "sheet.csv").write_text("well,group\nA01,x\n")
    with pytest.raises(InputError) as caught:
        find_sources([str(folder)], groups=str(tmp_path / "sheet.csv"), **options)
    assert str(caught.value).replace(str(tmp_path), "D") == message


def test_groups_by_what_is_not_known_are_refused(tiffs: Tiffs, tmp_path: Path) -> None:
    folder = tiffs("A01.tif")
    with pytest.raises(
        InputError, match="--group-by row: the row of A01 is not known; give an OME-Zarr plate"
    ):
        find_sources([str(folder)], group_by="row")
    with pytest.raises(
        InputError, match="the pattern names the groups and --group-by another; leave one out"
    ):
        find_sources([str(folder)], pattern="{group}.tif", group_by="plate")
    plate = small_plate(tmp_path / "p.zarr")
    with pytest.raises(InputError, match="which says itself what it holds; leave out --pattern"):
        find_sources([str(plate)], pattern="{well}.tif")
    (tmp_path / "sheet.csv").write_text("well,plate,group\nA01,p,x\n")
    with pytest.raises(
        TableError, match=r"names plates, and the plate of the images is not known; write \{plate"
    ):
        find_sources([str(folder)], pattern="{well}.tif", groups=str(tmp_path / "sheet.csv"))


def test_a_source_knows_its_files(tiffs: Tiffs) -> None:
    folder = tiffs("A01.tif")
    (source,) = find_sources([str(folder / "A01.tif")]).images
    assert isinstance(source, Source)
    assert (source.paths, source.place, source.assignment.replicate) == ((folder / "A01.tif",), None, "A01")
