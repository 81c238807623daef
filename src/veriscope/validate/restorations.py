"""Compare restored images with references over many images: values per image, means with intervals, gain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from veriscope.core.plain import PlainRecord, plain
from veriscope.errors import VeriscopeError
from veriscope.validate.columns import walk_columns
from veriscope.validate.means import mean_over_units
from veriscope.validate.metrics.description import Description
from veriscope.validate.metrics.restoration.catalogue import DESCRIPTIONS
from veriscope.validate.metrics.restoration.frc import ring_correlation
from veriscope.validate.metrics.restoration.images import FloatArray, check_data_range, check_images
from veriscope.validate.metrics.restoration.micro_ssim import micro_ssim
from veriscope.validate.metrics.restoration.psnr import psnr, scale_invariant_psnr
from veriscope.validate.metrics.restoration.rings import count_rings
from veriscope.validate.metrics.restoration.spectrum import high_frequency_ratio, spectral_error
from veriscope.validate.metrics.restoration.squirrel import resolution_scaled
from veriscope.validate.metrics.restoration.ssim import ssim
from veriscope.validate.statistics import Interval, check_level

__all__ = [
    "DataRange",
    "RestorationComparison",
    "RestoredImage",
    "compare_restorations",
    "measure_restoration",
]

DataRange = float | Literal["reference"]


@dataclass(frozen=True, slots=True, eq=False)
class RestoredImage(PlainRecord):
    """Metrics of one image.

    Parameters
    ----------
    name
        Name of the image.
    cluster
        What it belongs to; None: nothing is said.
    values
        Metrics of the prediction, by key; NaN where undefined.
    baseline
        The same of the input as it came, for doing nothing; None where no input was given.
    """

    name: str
    cluster: str | None
    values: dict[str, float]
    baseline: dict[str, float] | None = None

    def gain(self, metric: Description) -> float:
        """Tell how much nearer to the best value the prediction is than the input.

        Parameters
        ----------
        metric
            The metric.

        Returns
        -------
        float
            In the unit of the metric, above 0 where the prediction is better; NaN without an input, and
            where both are infinite.
        """
        if self.baseline is None:
            return float("nan")
        after, before = self.values[metric.key], self.baseline[metric.key]
        with np.errstate(invalid="ignore"):
            if np.isfinite(metric.best):
                return float(np.subtract(abs(before - metric.best), abs(after - metric.best)))
            return float(np.subtract(after, before))


@dataclass(frozen=True, slots=True, eq=False)
class RestorationComparison:
    """How well restored images agree with their references.

    Parameters
    ----------
    images
        Metrics of each image, in the order given.
    metrics
        Mean over images by key, or over clusters of the mean over their images, with its interval.
        Images in which a metric is undefined or infinite are left aside; `n_left_aside` counts them.
    baseline
        The same of the inputs; None without inputs.
    gain
        Mean of the gain of each image over its input, paired, with its interval: above 0 where the
        prediction is nearer to the best value. None without inputs.
    data_range
        What was given: the range of PSNR and SSIM, or ``"reference"``.
    spacing
        Size of a pixel along each axis, in µm; None: lengths are in pixels.
    level
        Level of all intervals.
    """

    images: tuple[RestoredImage, ...]
    metrics: dict[str, Interval]
    baseline: dict[str, Interval] | None
    gain: dict[str, Interval] | None
    data_range: DataRange
    spacing: tuple[float, ...] | None
    level: float

    @property
    def n_left_aside(self) -> dict[str, int]:
        """Number of images in which the prediction's value is undefined or infinite, by key."""
        return {key: sum(not np.isfinite(image.values[key]) for image in self.images) for key in self.metrics}

    def to_dict(self) -> dict[str, Any]:
        """Give plain values for JSON.

        Returns
        -------
        dict
            ``n_images``, ``data_range``, ``spacing_um``, ``level``, ``metrics``, ``baseline``, ``gain``,
            ``n_left_aside`` and ``images``.
        """
        return {
            "n_images": len(self.images),
            "data_range": self.data_range,
            "spacing_um": plain(self.spacing),
            "level": self.level,
            "metrics": plain(self.metrics),
            "baseline": plain(self.baseline),
            "gain": plain(self.gain),
            "n_left_aside": self.n_left_aside,
            "images": plain(self.images),
        }


def compare_restorations(
    references: Iterable[NDArray[Any]],
    predictions: Iterable[NDArray[Any]],
    *,
    data_range: DataRange,
    inputs: Iterable[NDArray[Any]] | None = None,
    names: Iterable[str] | None = None,
    clusters: Iterable[str | None] | None = None,
    spacing: Sequence[float] | None = None,
    level: float = 0.95,
) -> RestorationComparison:
    """Measure restored images against references and give means with intervals by image or cluster.

    Parameters
    ----------
    references, predictions
        Images of intensities in the same order, each pair of one shape, (y, x) or (z, y, x), one channel,
        at least 11 pixels in y and x. Generators are taken one pair at a time.
    data_range
        Largest minus smallest possible intensity, for PSNR and SSIM; ``"reference"``: that of each
        reference, largest minus smallest pixel. It is asked for because it moves both.
    inputs
        What the predictions were made from (raw, noisy), of the same shapes: the baseline of doing nothing.
    names
        Name of each image; numbers from 1 otherwise.
    clusters
        What each image belongs to, such as its field or animal; then clusters are the units of the
        intervals.
    spacing
        Size of a pixel along each axis, in µm; None: lengths are in pixels.
    level
        Level of the intervals, between 0 and 1.

    Returns
    -------
    RestorationComparison
        Values per image and means with intervals; without images all means are NaN.

    Raises
    ------
    InputError
        If the numbers of references, predictions, inputs, names or clusters differ, or an option is not
        allowed.
    AxesError, PixelValueError, ShapeMismatchError
        If a pair does not fit, is too small, or is no image of intensities; the message names it.
    """
    check_level(level)
    if data_range != "reference":
        check_data_range(data_range)
    columns: dict[str, Iterable[Any] | None] = {
        "references": references,
        "predictions": predictions,
        "inputs": inputs,
        "names": names,
        "clusters": clusters,
    }
    images = tuple(
        _measure_image(row, number, data_range, spacing)
        for number, row in enumerate(walk_columns(columns), start=1)
    )
    values = {item.key: [image.values[item.key] for image in images] for item in DESCRIPTIONS}
    baseline = {
        item.key: [(image.baseline or {}).get(item.key, np.nan) for image in images] for item in DESCRIPTIONS
    }
    gain = {item.key: [image.gain(item) for image in images] for item in DESCRIPTIONS}
    bounds = {item.key: (item.low, item.high) for item in DESCRIPTIONS}
    clusters_of = [image.cluster for image in images]
    given = inputs is not None
    return RestorationComparison(
        images=images,
        metrics=_means(values, clusters_of, level, bounds),
        baseline=_means(baseline, clusters_of, level, bounds) if given else None,
        gain=_means(gain, clusters_of, level, {}) if given else None,
        data_range=data_range,
        spacing=None if spacing is None else tuple(float(step) for step in spacing),
        level=level,
    )


def measure_restoration(
    reference: NDArray[Any],
    prediction: NDArray[Any],
    *,
    data_range: DataRange,
    spacing: Sequence[float] | None = None,
    where: str = "",
) -> dict[str, float]:
    """Compute all metrics of one restored image.

    Parameters
    ----------
    reference, prediction
        Intensities of one channel, of one shape, (y, x) or (z, y, x), at least 11 pixels in y and x.
    data_range
        As in `compare_restorations`; with ``"reference"``, PSNR and SSIM are undefined where the
        reference is constant.
    spacing
        Size of a pixel along each axis, in µm; None: lengths are in pixels.
    where
        Names the pair, for messages.

    Returns
    -------
    dict
        Values by key, in the order of `metrics.restoration.catalogue`; NaN where undefined. In stacks of
        fewer than 8 planes, and where the shortest side is less than two of the largest pixels, all metrics
        over frequency are undefined.

    Raises
    ------
    AxesError, InputError, PixelValueError, ShapeMismatchError
        If the pair does not fit, is too small, or is no image of intensities; or an option is not allowed.
    """
    truth, restored = check_images(reference, prediction, where=where)
    full = float(np.ptp(truth)) if data_range == "reference" else float(data_range)
    # A constant reference has no range of its own.
    no_range = data_range == "reference" and full == 0
    try:
        scaled = resolution_scaled(truth, restored, spacing=spacing)
        values = {
            "psnr": np.nan if no_range else psnr(truth, restored, data_range=full),
            "scale_invariant_psnr": scale_invariant_psnr(truth, restored),
            "ssim": np.nan if no_range else ssim(truth, restored, data_range=full),
            "micro_ssim": micro_ssim(truth, restored),
            "rse": scaled.rse,
            "rsp": scaled.rsp,
            **_over_frequency(truth, restored, spacing),
        }
    except VeriscopeError as error:
        raise type(error)(f"{where}: {error}" if where else str(error)) from error
    return {item.key: values[item.key] for item in DESCRIPTIONS}


def _over_frequency(
    reference: FloatArray, prediction: FloatArray, spacing: Sequence[float] | None
) -> dict[str, float]:
    """Compute what needs frequencies along all axes, which a thin stack or a small field does not have."""
    if not count_rings(reference.shape, spacing):
        keys = ("frc_resolution", "frc_resolution_half_bit", "spectral_error", "high_frequency_ratio")
        return dict.fromkeys(keys, float("nan"))
    correlation = ring_correlation(reference, prediction, spacing=spacing)
    return {
        "frc_resolution": correlation.resolution("1/7"),
        "frc_resolution_half_bit": correlation.resolution("half-bit"),
        "spectral_error": spectral_error(reference, prediction, spacing=spacing),
        "high_frequency_ratio": high_frequency_ratio(reference, prediction, spacing=spacing),
    }


def _measure_image(
    row: dict[str, Any], number: int, data_range: DataRange, spacing: Sequence[float] | None
) -> RestoredImage:
    name = row.get("names", f"image {number}")
    reference = np.asarray(row["references"])

    def measured(image: NDArray[Any], where: str) -> dict[str, float]:
        return measure_restoration(reference, image, data_range=data_range, spacing=spacing, where=where)

    return RestoredImage(
        name=name,
        cluster=row.get("clusters"),
        values=measured(np.asarray(row["predictions"]), name),
        baseline=measured(np.asarray(row["inputs"]), f"{name}, its input taken as the prediction")
        if "inputs" in row
        else None,
    )


def _means(
    by_key: dict[str, list[float]],
    clusters: Sequence[str | None],
    level: float,
    bounds: dict[str, tuple[float, float]],
) -> dict[str, Interval]:
    """Average over images, or over clusters of the means of their images."""
    unit = "image" if not clusters or clusters[0] is None else "cluster"
    return {
        key: mean_over_units(
            values, clusters, level=level, bounds=bounds.get(key, (-np.inf, np.inf)), unit=unit
        )
        for key, values in by_key.items()
    }
