"""Tables of real data, one row per tile: what the reference holds and what a predictor says.

The predictors are deliberately simple and frozen here, so that figures do not change with the
methods of the package: ``good`` splits touching objects, ``bad`` merges or misses them.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from skimage.color import rgb2hed
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.io import imread
from skimage.measure import regionprops_table
from skimage.segmentation import watershed

from veriscope.trust.tiles import split_into_tiles, sum_per_tile, tile_owner

Array = NDArray[Any]
OBJECT_SUMS = ("count", "area", "intensity", "large")
CACHE = Path(__file__).resolve().parents[1] / ".cache"


@dataclass(frozen=True)
class DataSet:
    """A folder of real images, how to read its references, and how to predict."""

    folder: str
    large_px: float
    signal: Callable[[Array], Array]
    min_area_px: int = 20
    min_distance_px: int = 5
    tile_px: int = 256
    references: str = "labels"

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures that the references allow."""
        if self.references == "labels":
            return ("count", "mean area", "mean intensity", "fraction large")
        return ("count",)


def grey(image: Array) -> Array:
    """Brightness."""
    return image.astype(float) if image.ndim == 2 else image[..., :3].mean(axis=-1)


def dark(image: Array) -> Array:
    """Inverted brightness, for stained sections."""
    return 255.0 - grey(image)


def nuclear_stain(image: Array) -> Array:
    """Haematoxylin by colour deconvolution; brightness if the image is grey."""
    return dark(image) if image.ndim == 2 else rgb2hed(image[..., :3])[..., 0]


DATA_SETS = {
    "fluorescence": DataSet("dsb2018_fluorescence", 150, grey),
    "histology": DataSet("dsb2018_histology", 300, nuclear_stain, tile_px=128),
    "blood": DataSet(
        "bccd_blood_detection", 0, dark, min_area_px=800, min_distance_px=25, references="boxes"
    ),
    "bone marrow": DataSet(
        "bone_marrow_points", 0, nuclear_stain, min_area_px=60, tile_px=128, references="points"
    ),
}


def predict(image: Array, data: DataSet, predictor: str) -> Array:
    """Label image of a predictor: smooth, Otsu, then split (good) or not (bad)."""
    signal = (data.signal if predictor == "good" else grey if data.signal is grey else dark)(image)
    smooth = ndimage.gaussian_filter(signal, 1.0)
    mask = ndimage.binary_fill_holes(smooth > threshold_otsu(smooth))
    components, _ = ndimage.label(mask)
    if predictor == "good":
        depth = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1.0)
        peaks = peak_local_max(
            depth, min_distance=data.min_distance_px, labels=components, exclude_border=False
        )
        seeds = np.zeros(mask.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        components = watershed(-depth, seeds, mask=mask)
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    keep = sizes >= data.min_area_px
    return np.asarray((np.cumsum(keep) * keep)[components])


def objects_of(labels: Array, image: Array, large_px: float) -> tuple[Array, dict[str, Array | None]]:
    """Centroids (n, 2) and the quantities of each object that tiles add up."""
    table = regionprops_table(
        labels.astype(np.int64), grey(image), properties=("area", "centroid", "intensity_mean")
    )
    centroids = np.column_stack([table["centroid-0"], table["centroid-1"]])
    area = table["area"]
    return centroids, {
        "count": None, "area": area, "intensity": table["intensity_mean"], "large": area > large_px
    }  # fmt: skip


def read_pairs(
    data: DataSet, root: Path
) -> Iterator[tuple[str, Array, tuple[Array, dict[str, Array | None]]]]:
    """Image name, pixels, and reference objects of every image."""
    folder = root / data.folder
    marks = None if data.references == "labels" else pd.read_csv(folder / f"{data.references}.csv")
    for path in sorted((folder / "images").iterdir()):
        image = imread(path)
        if marks is None:
            labels = imread(folder / "labels" / f"{path.stem}.tif")
            yield path.stem, image, objects_of(labels, image, data.large_px)
            continue
        own = marks[marks["image"] == path.name]
        if data.references == "boxes":
            own = own[own["class"] == "RBC"]
            y, x = (own["ymin"] + own["ymax"]) / 2, (own["xmin"] + own["xmax"]) / 2
        else:
            y, x = own["y"], own["x"]
        limit = np.array(image.shape[:2]) - 1.0
        yield path.stem, image, (np.clip(np.column_stack([y, x]), 0, limit), {"count": None})


def build(data: DataSet, predictor: str, root: Path) -> pd.DataFrame:
    """One row per tile: ``image``, ``area_px``, ``ref_*`` and ``pred_*`` sums."""
    parts = []
    for name, image, reference in read_pairs(data, root):
        tiles = split_into_tiles(image.shape[:2], size=data.tile_px)
        prediction = objects_of(predict(image, data, predictor), image, data.large_px)
        part = pd.DataFrame({"image": name, "area_px": [float(tile.area) for tile in tiles]})
        for prefix, (centroids, quantities) in (("ref", reference), ("pred", prediction)):
            owner = tile_owner(centroids, tiles)
            for key, values in quantities.items():
                part[f"{prefix}_{key}"] = sum_per_tile(owner, values, n_tiles=len(tiles))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def data_root() -> Path:
    """Root of the data sets: ``$VERISCOPE_DATA``, else ``../shared/data`` beside the repository."""
    return Path(os.environ.get("VERISCOPE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def load(name: str, predictor: str) -> pd.DataFrame:
    """Table of a data set and a predictor, cached; the cache key holds this file's text."""
    data, root = DATA_SETS[name], data_root()
    if not (root / data.folder).is_dir():
        raise FileNotFoundError(f"no {data.folder} in {root}; set VERISCOPE_DATA to the folder of data sets")
    listing = [f"{p.name} {p.stat().st_size}" for p in sorted((root / data.folder).rglob("*")) if p.is_file()]
    text = inspect.getsource(inspect.getmodule(load) or load) + "\n".join(listing)
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = CACHE / f"{data.folder}-{predictor}-{key}.parquet"
    if not path.is_file():
        CACHE.mkdir(exist_ok=True)
        (CACHE / ".gitignore").write_text("*\n")
        build(data, predictor, root).to_parquet(path)
    return pd.read_parquet(path)
