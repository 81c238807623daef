"""Every writer of a file or folder, for tests of what happens when writing goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.io.atomic import atomic_path, write_json
from veriscope.io.labels import write_labels
from veriscope.io.ome_zarr import write_labels_zarr, write_ome_zarr
from veriscope.io.plates import write_plate
from veriscope.io.pyramid import Making, level_shapes, pyramid_attributes, write_pyramid
from veriscope.io.run_files import write_map
from veriscope.io.tables import write_table
from veriscope.io.tiff_writer import write_tiff


def pyramid(target: Path, pixels: NDArray[Any]) -> None:
    whole = np.tile(pixels, (4, 4))
    shapes = level_shapes(whole.shape, "yx")
    attributes = pyramid_attributes("noise", "yx", None, shapes)
    write_pyramid(target, Making(lambda part: whole[part], shapes, whole.dtype, "yx", attributes))


def folder_of_arrays(target: Path, pixels: NDArray[Any]) -> None:
    """As packages of trained networks are written."""
    with atomic_path(target) as temporary:
        temporary.mkdir()
        np.save(temporary / "test_input.npy", pixels)


def writers(pixels: NDArray[Any]) -> dict[str, Callable[[Path], object]]:
    """Give a writer for each name of a file; the bytes depend on the pixels, (y, x) and uint16."""
    image = Image(pixels, "yx", name="noise")
    table = pd.DataFrame({"a": np.random.default_rng(int(pixels.sum())).random(5000)})
    return {
        "labels.tif": lambda target: write_labels(target, pixels),
        "many-labels.tif": lambda target: write_labels(target, pixels.astype(np.int64) + 70_000),
        "image.tif": lambda target: write_tiff(target, image),
        "image.ome.zarr": lambda target: write_ome_zarr(target, image),
        "image-0.4.ome.zarr": lambda target: write_ome_zarr(target, image, version="0.4"),
        "labels.ome.zarr": lambda target: write_labels_zarr(target, pixels),
        "plate.ome.zarr": lambda target: write_plate(target, [("A01", image)]),
        "levels.zarr": lambda target: pyramid(target, pixels),
        "map.npy": lambda target: write_map(target, pixels),
        "arrays": lambda target: folder_of_arrays(target, pixels),
        "table.csv": lambda target: write_table(target, table, {}),
        "table.parquet": lambda target: write_table(target, table, {}),
        "long.json": lambda target: write_json(target, [int(pixels.sum()), *range(9000)]),
    }
