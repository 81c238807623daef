"""QuPath's objects, exported as GeoJSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from veriscope.errors import AxesError, UnreadableFileError
from veriscope.io.annotations.outlines import Outline

__all__ = ["read_geojson"]

_EXPORT = "export it again in QuPath (File > Export objects as GeoJSON)"
_OBJECTS = ("detection", "cell")


def read_geojson(path: Path) -> tuple[list[Outline], list[str]]:
    """Read the outlines of objects in GeoJSON.

    Parameters
    ----------
    path
        File with a FeatureCollection, a Feature, or a list of features, coordinates in pixels.

    Returns
    -------
    list of Outline
        One for each Polygon or MultiPolygon, holes left out of it. If there are cells or detections,
        annotations (the regions in which they were detected) are left out.
    list of str
        Notes on what was left out.

    Raises
    ------
    UnreadableFileError
        If the file is not GeoJSON, or has no object with an area.
    AxesError
        If objects lie on different planes of a stack.
    """
    features = _features(path)
    kinds = [str(_member(feature, "properties").get("objectType", "")).lower() for feature in features]
    notes = []
    if any(kind in _OBJECTS for kind in kinds):
        kept = [feature for feature, kind in zip(features, kinds, strict=True) if kind in _OBJECTS]
        if len(kept) < len(features):
            notes.append(
                f"{len(features) - len(kept)} annotations are left out: the file has {len(kept)} detections "
                "or cells"
            )
        features = kept
    outlines, planes, left_out = [], set(), 0
    for index, feature in enumerate(features):
        geometry = _member(feature, "geometry")
        paths = tuple(_paths(path, index, geometry))
        if not paths:
            left_out += 1
            continue
        plane = _member(geometry, "plane")
        planes.add((str(plane.get("z", 0)), str(plane.get("t", 0))))
        outlines.append(Outline(paths))
    if len(planes) > 1:
        raise AxesError(
            f"{path}: its objects lie on {len(planes)} different planes (z, t) of a stack; one plane is "
            "needed: export the objects of one"
        )
    if not outlines:
        raise UnreadableFileError(
            f"{path}: has no Polygon or MultiPolygon; draw objects with an area and {_EXPORT}"
        )
    if left_out:
        notes.append(f"{left_out} points or lines have no area and are left out")
    return outlines, notes


def _features(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(f"{path}: is not valid JSON ({error}); {_EXPORT}") from error
    if isinstance(content, dict):
        content = content.get("features", [content])
    if not isinstance(content, list) or not all(isinstance(f, dict) and "geometry" in f for f in content):
        raise UnreadableFileError(
            f"{path}: is JSON but not GeoJSON (a list of features with geometries); {_EXPORT}"
        )
    return content


def _member(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a member that is an object; nothing in it where it is missing, or is something else."""
    found = of.get(name)
    return found if isinstance(found, dict) else {}


def _paths(path: Path, index: int, geometry: Mapping[str, Any]) -> Iterator[NDArray[np.float64]]:
    """Yield outer paths and holes alike: what lies in an odd number of them is inside."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind == "GeometryCollection":
        for part in _list(path, index, geometry.get("geometries")):
            yield from _paths(path, index, part if isinstance(part, dict) else {})
        return
    polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(str(kind), [])
    for polygon in _list(path, index, polygons):
        for ring in _list(path, index, polygon):
            yield _points(path, index, ring)


def _list(path: Path, index: int, value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    raise UnreadableFileError(
        f"{path}: feature {index} has coordinates that are no list of (x, y); {_EXPORT}"
    )


def _points(path: Path, index: int, ring: object) -> NDArray[np.float64]:
    try:
        points = np.asarray(ring, dtype=np.float64)[:, :2]
    except (ValueError, IndexError, TypeError, OverflowError) as error:
        raise UnreadableFileError(
            f"{path}: feature {index} has coordinates that are no list of (x, y); {_EXPORT}"
        ) from error
    if points.shape[1] != 2 or not np.isfinite(points).all():
        raise UnreadableFileError(f"{path}: feature {index} has coordinates that are no numbers; {_EXPORT}")
    return points
