"""One way to measure objects, for predictions and references alike."""

from __future__ import annotations

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from veriscope.core.image import Image
from veriscope.measure.table import ObjectTable, measure_objects
from veriscope.methods.channels import analysis_channel

__all__ = ["measure_image", "pixel_area"]

_INTENSITIES = ("mean_intensity", "min_intensity", "max_intensity", "sum_intensity", "std_intensity")


def measure_image(labels: NDArray[Any], image: Image, channel: str | None) -> ObjectTable:
    """Measure the objects of an image: shape, and intensity in every channel.

    Parameters
    ----------
    labels
        Label image over the spatial axes of the image.
    image
        The image with all its channels.
    channel
        Channel of the analysis; its intensities have no suffix, those of each stored channel end in
        ``-<channel>``.

    Returns
    -------
    ObjectTable
        One row per object.
    """
    table = measure_objects(labels, analysis_channel(image, channel))
    if "c" not in image.axes:
        return table
    more = measure_objects(labels, image, properties=_INTENSITIES)
    extra = more.frame.drop(columns="label")
    return ObjectTable(
        pd.concat([table.frame, extra], axis=1),
        table.units | more.units,
        table.descriptions | more.descriptions,
        (*table.notes, *more.notes),
    )


def pixel_area(image: Image) -> float:
    """Give the area of a pixel.

    Parameters
    ----------
    image
        Any image.

    Returns
    -------
    float
        In µm², or 1 if uncalibrated.
    """
    if image.spacing is None:
        return 1.0
    return image.spacing["y"] * image.spacing["x"]
