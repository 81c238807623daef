"""Annotations in the files of the programs they were drawn with."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow
from roifile import ROI_TYPE, ImagejRoi
from skimage.measure import find_contours, label

from veriscope.errors import AxesError, ShapeMismatchError, UnreadableFileError, VeriscopeError
from veriscope.io.annotations import fiji
from veriscope.io.annotations.read import annotation_stem, read_annotation

TRIANGLE = np.array([[2, 2], [12, 2], [2, 12]], dtype=float)
SQUARE = [[4, 4], [8, 4], [8, 8], [4, 8], [4, 4]]


def refusal(
    path: Path, kind: type[VeriscopeError] = UnreadableFileError, shape: tuple[int, int] = (20, 20)
) -> str:
    with pytest.raises(kind) as caught:
        read_annotation(path, shape)
    return str(caught.value).replace(str(path), "FILE")


def rectangle(left: int, top: int, right: int, bottom: int, kind: ROI_TYPE = ROI_TYPE.RECT) -> ImagejRoi:
    return ImagejRoi(roitype=kind, left=left, top=top, right=right, bottom=bottom)


def archive(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(name.replace("__", "/"), content)
    return path


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.tif", "a"),
        ("a_cp_masks.png", "a"),
        ("a_cp_outlines.txt", "a"),
        ("a_RoiSet.zip", "a"),
        ("a.ome.tif", "a"),
        ("_masks.tif", "_masks"),
        ("a.geojson", "a"),
    ],
)
def test_stems_without_what_programs_add(name: str, stem: str) -> None:
    assert annotation_stem(name) == stem


# Label images


@pytest.mark.parametrize("name", ["a.tif", "a_cp_masks.png"])
def test_label_images_are_renumbered(tmp_path: Path, name: str) -> None:
    labels = np.zeros((6, 7), np.uint16)
    labels[1, 1], labels[3, 3] = 900, 5
    if name.endswith("png"):
        Pillow.fromarray(labels).save(tmp_path / name)
    else:
        tifffile.imwrite(tmp_path / name, labels)
    found = read_annotation(tmp_path / name, (6, 7))
    assert (found.labels.dtype, found.n_objects) == (np.int32, 2)
    assert (found.labels[3, 3], found.labels[1, 1]) == (1, 2)


def test_a_tile_is_cut_from_a_whole_label_image(tmp_path: Path) -> None:
    labels = np.arange(1, 101, dtype=np.uint16).reshape(10, 10)
    tifffile.imwrite(tmp_path / "a.tif", labels)
    found = read_annotation(tmp_path / "a.tif", (2, 3), origin=(4, 5))
    assert found.labels.tolist() == [[1, 2, 3], [4, 5, 6]]
    same = read_annotation(tmp_path / "a.tif", (10, 10), origin=(4, 5))  # drawn on the tile itself
    np.testing.assert_array_equal(same.labels, labels)
    with pytest.raises(ShapeMismatchError) as caught:
        read_annotation(tmp_path / "a.tif", (6, 6), origin=(5, 0))
    assert str(caught.value).replace(str(tmp_path), "D") == (
        "D/a.tif: has 10 × 10 pixels and does not cover the 6 × 6 pixels from row 5, column 0 that were to "
        "be annotated; was it rescaled or cropped? Save it at full size"
    )


def test_a_stack_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 6, 7), np.uint16))
    assert refusal(tmp_path / "a.tif", AxesError) == (
        "FILE: has axes 'zyx'; an annotation is one plane, axes 'yx'"
    )


# Fiji


def test_one_fiji_region(tmp_path: Path) -> None:
    ImagejRoi.frompoints(TRIANGLE).tofile(tmp_path / "a.roi")
    found = read_annotation(tmp_path / "a.roi", (20, 20))
    rows, columns = np.indices((20, 20)) + 0.5
    inside = (rows > 2) & (columns > 2) & (rows + columns < 14)
    edge = rows + columns == 14
    np.testing.assert_array_equal(found.labels[~edge] > 0, inside[~edge])


def test_the_roi_manager_with_every_kind_of_area(tmp_path: Path) -> None:
    regions = {
        "1.roi": ImagejRoi.frompoints(TRIANGLE),
        "2.roi": rectangle(15, 1, 19, 4),
        "3.roi": rectangle(12, 12, 18, 18, ROI_TYPE.OVAL),
        "4.roi": ImagejRoi(roitype=ROI_TYPE.POINT, left=1, top=1, right=2, bottom=2),
        "notes.txt": b"not a region",
    }
    content = {name: roi if isinstance(roi, bytes) else roi.tobytes() for name, roi in regions.items()}
    found = read_annotation(archive(tmp_path / "RoiSet.zip", **content), (20, 20))
    assert found.n_objects == 3
    assert (found.labels == 2).sum() == 12
    np.testing.assert_array_equal(np.argwhere(found.labels == 2).min(axis=0), [1, 15])
    assert (found.labels == 3).sum() == pytest.approx(np.pi * 9, abs=4)
    assert found.notes == ("1 points or lines have no area and are left out",)
    tile = read_annotation(tmp_path / "RoiSet.zip", (6, 6), origin=(0, 14))
    assert (tile.labels == 1).sum() == 12
    assert tile.notes[1] == "2 of 3 objects have no pixel in this part of the image"


def test_regions_with_parts_of_a_pixel(tmp_path: Path) -> None:
    ImagejRoi.frompoints(np.array([[2.6, 2.6], [5.6, 2.6], [5.6, 5.6], [2.6, 5.6]])).tofile(
        tmp_path / "a.roi"
    )
    found = read_annotation(tmp_path / "a.roi", (8, 8))
    assert np.argwhere(found.labels).min() == 3
    assert (found.labels > 0).sum() == 9


def test_combined_regions_have_holes(tmp_path: Path) -> None:
    def path_of(corners: list[tuple[int, int]]) -> list[float]:
        steps = [[0 if i == 0 else 1, x, y] for i, (x, y) in enumerate(corners)]
        return [float(value) for step in steps for value in step] + [4.0]

    outer = path_of([(2, 2), (10, 2), (10, 10), (2, 10)])
    hole = path_of([(4, 4), (6, 4), (6, 6), (4, 6)])
    shape = np.array(outer + hole, dtype=np.float32)
    region = ImagejRoi(
        roitype=ROI_TYPE.RECT,
        left=2,
        top=2,
        right=10,
        bottom=10,
        shape_roi_size=len(shape),
        multi_coordinates=shape,
    )
    region.tofile(tmp_path / "a.roi")
    found = read_annotation(tmp_path / "a.roi", (12, 12))
    expected = np.zeros((12, 12), int)
    expected[2:10, 2:10] = 1
    expected[4:6, 4:6] = 0
    np.testing.assert_array_equal(found.labels, expected)


def test_regions_of_several_slices_are_refused(tmp_path: Path) -> None:
    first, second = rectangle(0, 0, 3, 3), rectangle(4, 4, 8, 8)
    first.position, second.position = 1, 2
    path = archive(tmp_path / "a.zip", **{"1.roi": first.tobytes(), "2.roi": second.tobytes()})
    assert refusal(path, AxesError) == (
        "FILE: its regions lie on 2 different slices, channels or times of a stack; one plane is needed: "
        "save the regions of one slice (ROI Manager > List shows the positions)"
    )


def test_archives_that_reach_out_or_blow_up_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roi = rectangle(0, 0, 3, 3).tobytes()
    path = archive(tmp_path / "a.zip", **{"..__..__evil.roi": roi})
    assert refusal(path) == (
        "FILE: the archive has an entry '../../evil.roi' that points outside of it; it is not read"
    )
    monkeypatch.setattr(fiji, "_MOST_BYTES", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("big.roi", bytes(2000))
    (tmp_path / "bomb.zip").write_bytes(buffer.getvalue())
    assert refusal(tmp_path / "bomb.zip") == (
        "FILE: the archive unpacks to 2000 bytes in 1 entries, the largest of 2000; allowed are 8000 in "
        "200000, the largest of 1000"
    )


def test_broken_and_empty_fiji_files_are_refused(tmp_path: Path) -> None:
    remedy = "save the regions again in Fiji (ROI Manager > More > Save)"
    (tmp_path / "a.zip").write_bytes(b"PK no")
    assert refusal(tmp_path / "a.zip") == (
        f"FILE: is not a zip archive that can be read (File is not a zip file); {remedy}"
    )
    (tmp_path / "a.roi").write_bytes(b"text, no region")
    assert refusal(tmp_path / "a.roi") == (
        "FILE: a.roi is not a region of Fiji, or was cut short: it starts with 'text, no' (ImageJ ROI data "
        f"too short: 15 < 64 bytes); {remedy}"
    )
    content = ImagejRoi.frompoints(np.array([[1.25, 2.5], [7.5, 4.5], [5.5, 6.5]])).tobytes()
    broken = content.replace(struct.pack(">f", 7.5), struct.pack(">f", float("nan")))
    assert broken != content
    (tmp_path / "nan.roi").write_bytes(broken)
    assert refusal(tmp_path / "nan.roi") == f"FILE: nan.roi has coordinates that are no numbers; {remedy}"
    assert refusal(archive(tmp_path / "none.zip", **{"x.txt": b"x"})) == (
        "FILE: has no region with an area, only nothing; draw objects as polygons, freehand regions, "
        "rectangles or ovals"
    )
    whole = ImagejRoi.frompoints(TRIANGLE).tobytes()
    for length in (10, 40, 66, len(whole) - 3):
        (tmp_path / "cut.roi").write_bytes(whole[:length])
        try:
            read_annotation(tmp_path / "cut.roi", (20, 20))
        except UnreadableFileError:
            continue
        assert length >= 66  # what was cut is after the coordinates


# QuPath


def feature(kind: str, coordinates: object, *, of: str = "annotation", z: int = 0) -> dict[str, object]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates, "plane": {"c": -1, "z": z, "t": 0}},
        "properties": {"objectType": of},
    }


def geojson(path: Path, *features: dict[str, object], bare: bool = False) -> Path:
    content: object = list(features) if bare else {"type": "FeatureCollection", "features": list(features)}
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("bare", [False, True])
def test_qupath_polygons_with_holes_and_parts(tmp_path: Path, bare: bool) -> None:
    hole = [[5, 5], [7, 5], [7, 7], [5, 7], [5, 5]]
    far = [[12, 12], [14, 12], [14, 14], [12, 14], [12, 12]]
    path = geojson(
        tmp_path / "a.geojson",
        feature("Polygon", [SQUARE, hole]),
        feature("MultiPolygon", [[far], [[[x + 4, y] for x, y in far]]]),
        feature("Point", [1, 1]),
        bare=bare,
    )
    found = read_annotation(path, (20, 20))
    assert [(found.labels == i).sum() for i in (1, 2)] == [16 - 4, 8]
    assert found.labels[4, 4] == 1
    assert found.labels[5, 5] == 0
    assert found.notes == ("1 points or lines have no area and are left out",)
    tile = read_annotation(path, (4, 4), origin=(4, 4))
    np.testing.assert_array_equal(tile.labels, found.labels[4:8, 4:8])


def test_qupath_cells_go_before_the_regions_around_them(tmp_path: Path) -> None:
    around = [[0, 0], [20, 0], [20, 20], [0, 20], [0, 0]]
    path = geojson(tmp_path / "a.json", feature("Polygon", [SQUARE], of="cell"), feature("Polygon", [around]))
    found = read_annotation(path, (20, 20))
    assert (found.labels > 0).sum() == 16
    assert found.notes == ("1 annotations are left out: the file has 1 detections or cells",)


def test_broken_geojson_is_refused(tmp_path: Path) -> None:
    export = "export it again in QuPath (File > Export objects as GeoJSON)"
    path = tmp_path / "a.geojson"
    path.write_text("{no")
    assert refusal(path).startswith("FILE: is not valid JSON (Expecting property name")
    path.write_text('{"a": 1}')
    assert refusal(path) == f"FILE: is JSON but not GeoJSON (a list of features with geometries); {export}"
    geojson(path, feature("Polygon", [[["x", 1], [2, 3]]]))
    assert refusal(path) == f"FILE: feature 0 has coordinates that are no list of (x, y); {export}"
    geojson(path, feature("Point", [1, 2]))
    assert refusal(path) == f"FILE: has no Polygon or MultiPolygon; draw objects with an area and {export}"
    geojson(path, feature("Polygon", [SQUARE]), feature("Polygon", [SQUARE], z=3))
    assert refusal(path, AxesError) == (
        "FILE: its objects lie on 2 different planes (z, t) of a stack; one plane is needed: export the "
        "objects of one"
    )


# Cellpose


def test_cellpose_outlines_give_back_the_masks(tmp_path: Path) -> None:
    rows, columns = np.indices((30, 40))
    labels = np.zeros((30, 40), int)
    labels[(rows - 10) ** 2 + (columns - 12) ** 2 < 40] = 1
    labels[18:27, 20:38] = 2
    lines = []
    for number in (1, 2):
        mask = labels == number
        inner = mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
        edge = mask & ~np.pad(inner, 1)
        # Around the object in order, as OpenCV lists edge pixels.
        around = find_contours(mask.astype(float), 0.999)[0]
        points = np.rint(around).astype(int)
        assert edge[points[:, 0], points[:, 1]].all()
        lines.append(",".join(f"{column},{row}" for row, column in points))
    path = tmp_path / "a_cp_outlines.txt"
    path.write_text("\n".join([*lines, ""]))
    found = read_annotation(path, (30, 40))
    np.testing.assert_array_equal(found.labels, labels)
    assert label(found.labels > 0).max() == 2


def test_broken_cellpose_outlines_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("1,1,2,2,3,1\n1,1,2\n")
    assert refusal(path) == (
        "FILE: line 2 is not an outline x,y,x,y,… of whole numbers ('1,1,2'); in Cellpose choose File > "
        "Save outlines as text"
    )
    path.write_bytes("ümlaut".encode())
    assert refusal(path) == "FILE: is not the text of Cellpose's outlines (x,y,x,y,… per line)"


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "a_seg.npy"
    np.save(path, np.array({"masks": 1}, dtype=object), allow_pickle=True)
    assert refusal(path) == (
        "FILE: is Cellpose's own format, a Python pickle that can run code when it is opened, and is not "
        "read; in Cellpose choose File > Save masks as PNG/TIFF and give that file"
    )
    assert refusal(tmp_path / "other.npy") == (
        "FILE: NumPy arrays are not read as annotations; save the labels as a 16-bit TIFF"
    )


@pytest.mark.parametrize("name", ["a.roi", "a.zip", "a.geojson", "a.txt", "a.tif"])
def test_missing_files_are_named(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path / name) == "FILE: no such file; check the name"
