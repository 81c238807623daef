"""GeoJSON: outlines against an independent rule, and files that are not as QuPath writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from veriscope.errors import AxesError, UnreadableFileError
from veriscope.io.annotations.qupath import read_geojson
from veriscope.io.annotations.read import read_annotation

EXPORT = "export it again in QuPath (File > Export objects as GeoJSON)"
RING = [[4, 4], [8, 4], [8, 8], [4, 8], [4, 4]]
SQUARE = {"type": "Polygon", "coordinates": [RING]}


def written(folder: Path, *features: Any) -> Path:
    path = folder / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def feature(geometry: object, **more: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": geometry} | more


@given(
    st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), min_size=3, max_size=6, unique=True),
)
def test_a_pixel_belongs_to_the_outline_around_its_centre(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[int, int]]
) -> None:
    # Shifted by less than half a pixel, so that no centre lies on an edge.
    corners = [(x + 0.1234, y + 0.0567) for x, y in points]
    path = written(
        tmp_path_factory.mktemp("qupath"),
        feature({"type": "Polygon", "coordinates": [[*corners, corners[0]]]}),
    )
    found = read_annotation(path, (20, 20)).labels > 0
    rows, columns = np.indices((20, 20))
    centres = np.column_stack([columns.ravel() + 0.5, rows.ravel() + 0.5])
    inside = _even_odd(corners, centres).reshape(20, 20)
    np.testing.assert_array_equal(found, inside)


def _even_odd(corners: list[tuple[float, float]], points: Any) -> Any:
    """Crossings of a ray to the right, one edge after the other."""
    inside = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > points[:, 1]) != (y1 > points[:, 1])
        at = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0)
        inside ^= crosses & (points[:, 0] < at)
    return inside


def test_a_collection_is_one_object_and_a_feature_alone_is_a_file(tmp_path: Path) -> None:
    far = [[12, 12], [14, 12], [14, 14], [12, 14]]
    both = {"type": "GeometryCollection", "geometries": [SQUARE, {"type": "Polygon", "coordinates": [far]}]}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps(feature(both)))
    found = read_annotation(path, (20, 20))
    assert (found.n_objects, int((found.labels == 1).sum())) == (1, 20)


def test_order_of_features_is_order_of_numbers_and_of_drawing(tmp_path: Path) -> None:
    over = {"type": "Polygon", "coordinates": [[[6, 6], [10, 6], [10, 10], [6, 10]]]}
    found = read_annotation(written(tmp_path, feature(SQUARE), feature(over)), (12, 12))
    assert [int((found.labels == i).sum()) for i in (1, 2)] == [12, 16]
    assert found.notes == ("1 of 2 objects overlap earlier ones and are drawn over them",)
    other = read_annotation(written(tmp_path, feature(over), feature(SQUARE)), (12, 12))
    assert [int((other.labels == i).sum()) for i in (1, 2)] == [12, 16]


@pytest.mark.parametrize(
    "more",
    [
        {"properties": None},
        {"properties": [1]},
        {"properties": {"objectType": None}},
        {"properties": {"objectType": 5}},
        {"id": "ü – 漢", "properties": {"name": "nucleus #1"}},
    ],
)
def test_what_else_a_feature_says_does_not_matter(tmp_path: Path, more: dict[str, Any]) -> None:
    assert int((read_annotation(written(tmp_path, feature(SQUARE, **more)), (12, 12)).labels > 0).sum()) == 16


@pytest.mark.parametrize("plane", [None, 3, [0], {}, {"c": -1}, {"z": 0, "t": 0}])
def test_without_a_plane_it_is_the_first(tmp_path: Path, plane: object) -> None:
    path = written(tmp_path, feature(SQUARE), feature(SQUARE | {"plane": plane}))
    outlines, _ = read_geojson(path)
    assert len(outlines) == 2


@pytest.mark.parametrize("plane", [{"z": 1}, {"t": 2}, {"z": [1]}])
def test_two_planes_are_refused(tmp_path: Path, plane: object) -> None:
    with pytest.raises(AxesError, match="its objects lie on 2 different planes"):
        read_geojson(written(tmp_path, feature(SQUARE), feature(SQUARE | {"plane": plane})))


@pytest.mark.parametrize(
    ("geometry", "fault"),
    [
        ({"type": "Polygon", "coordinates": 3}, "coordinates that are no list of (x, y)"),
        ({"type": "Polygon"}, "coordinates that are no list of (x, y)"),
        ({"type": "Polygon", "coordinates": {"a": 1}}, "coordinates that are no list of (x, y)"),
        ({"type": "Polygon", "coordinates": [[1, 2, 3]]}, "coordinates that are no list of (x, y)"),
        ({"type": "Polygon", "coordinates": [[[1], [2], [3]]]}, "coordinates that are no numbers"),
        ({"type": "Polygon", "coordinates": [[[10**400, 1], [2, 2], [1, 2]]]}, "no list of (x, y)"),
        ({"type": "Polygon", "coordinates": [[[float("nan"), 1], [2, 2], [1, 2]]]}, "that are no numbers"),
        ({"type": "MultiPolygon", "coordinates": 3}, "coordinates that are no list of (x, y)"),
        ({"type": "MultiPolygon", "coordinates": [3]}, "coordinates that are no list of (x, y)"),
        ({"type": "GeometryCollection"}, "coordinates that are no list of (x, y)"),
    ],
)
def test_coordinates_that_are_none_name_the_feature(tmp_path: Path, geometry: object, fault: str) -> None:
    path = written(tmp_path, feature(SQUARE), feature(geometry))
    with pytest.raises(UnreadableFileError) as caught:
        read_geojson(path)
    assert str(caught.value).startswith(f"{path}: feature 1 has coordinates that are no")
    assert fault in str(caught.value)
    assert str(caught.value).endswith(f"; {EXPORT}")


@pytest.mark.parametrize(
    "geometry",
    ["Polygon", None, [], {"type": ["Polygon"]}, {"type": "GeometryCollection", "geometries": [1]}],
)
def test_geometries_without_area_are_left_out(tmp_path: Path, geometry: object) -> None:
    outlines, notes = read_geojson(written(tmp_path, feature(SQUARE), feature(geometry)))
    assert (len(outlines), notes) == (1, ["1 points or lines have no area and are left out"])
    with pytest.raises(UnreadableFileError, match="has no Polygon or MultiPolygon"):
        read_geojson(written(tmp_path, feature(geometry)))


def test_a_file_of_very_many_brackets_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text("[" * 200_000)
    with pytest.raises(UnreadableFileError, match="is not valid JSON"):
        read_geojson(path)
